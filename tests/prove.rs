//! `assize prove`: mutants that the cases tell from the real endpoint, and those that get through.
#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

fn prove(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_assize"))
        .arg("prove")
        .args(arguments)
        .current_dir(directory)
        .output()
        .unwrap()
}

fn shown(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    String::from_utf8_lossy(out).into_owned() + &String::from_utf8_lossy(err)
}

#[test]
fn a_defect_is_found_by_a_case_of_its_own_requirement() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let common = ["-p", "otc-v2", "--only", "defect/members-ignored", "-v"];
    let own = prove(
        root,
        &[&common[..], &["-f", "pools/delete/members/*"]].concat(),
    );
    assert_eq!(own.status.code(), Some(0), "{}", shown(&own));
    let line = shown(&own);
    let line = line
        .lines()
        .find(|line| line.contains("defect/members-ignored"));
    assert!(
        line.is_some_and(|line| line.starts_with("killed ")),
        "{line:?}"
    );

    // Cases that have nothing to do with members cannot find it, and that is said.
    let other = prove(
        root,
        &[&common[..], &["-f", "pools/delete/clean/*"]].concat(),
    );
    assert_eq!(other.status.code(), Some(1), "{}", shown(&other));
    assert!(shown(&other).contains("survived"), "{}", shown(&other));
}

#[test]
fn a_status_that_goes_astray_while_it_is_waited_for_is_found() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let only = ["-p", "octavia", "--only", "defect/status-detour", "-v"];
    let filter = ["-f", "pools/delete/aftermath/status-moves"];
    let output = prove(root, &[&only[..], &filter].concat());
    let text = shown(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("aftermath/status-moves (DP-59)"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suite_of_steps_is_told_which_assertion_it_lacks() {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(204);
    Mock::given(method("DELETE"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let directory = tempfile::tempdir().unwrap();
    fs::write(
        directory.path().join("suite.yaml"),
        "suite: things\nscenarios: all\n",
    )
    .unwrap();
    fs::create_dir(directory.path().join("all")).unwrap();
    let file = directory.path().join("all/delete.yaml");
    fs::write(
        &file,
        "title: t\nwhen: DELETE /things/7\nthen: { status: 204 }\n",
    )
    .unwrap();
    let uri = server.uri();
    let arguments = [
        "--suite",
        ".",
        "--endpoint",
        &uri,
        "--only",
        "swallowed",
        "--only",
        "status-",
    ];
    let output = prove(directory.path(), &arguments);
    let text = shown(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("effect/swallowed/delete"), "{text}");
    assert!(
        text.contains("nothing looks whether the object is gone; add `gone`"),
        "{text}"
    );
    assert!(!text.contains("survived  answer/status-within"), "{text}");

    // Without an assertion of the status, another one of its class gets through, too.
    fs::write(
        &file,
        "title: t\nwhen: DELETE /things/7\nthen: { status: 2xx }\n",
    )
    .unwrap();
    let text = shown(&prove(directory.path(), &arguments));
    assert!(
        text.contains("survived  answer/status-within/DELETE /things/{} 204"),
        "{text}"
    );
}
