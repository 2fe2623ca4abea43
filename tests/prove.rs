//! `assize prove`: mutants that the cases tell from the real endpoint, and those that get through.
#![cfg(all(feature = "cli", feature = "emulator"))]
#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use assize::emulator::{Defect, Dialect};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
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

/// A line of a file that says what an act leaves behind, and the case that it belongs to.
struct Line {
    file: PathBuf,
    at: usize,
    case: String,
}

/// The lines of the embedded suite that are an expectation of their own, `unchanged` or `gone`. What several
/// requests at once leave behind is judged as a whole, and no mutant changes a part of it; and of what a busy load
/// balancer has decided, the suite says itself that it is left to time.
fn aftermath_lines(scenarios: &Path) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut files: Vec<PathBuf> = fs::read_dir(scenarios)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            !path.ends_with("concurrency.yaml") && !path.ends_with("busy_load_balancer.yaml")
        })
        .collect();
    files.sort();
    for file in files {
        let feature = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let mut case = String::new();
        for (at, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
            if let Some(id) = line.strip_prefix("  - id: ") {
                case = format!("pools/delete/{feature}/{id}");
            }
            let is_own = line.trim_start().starts_with("- { requirements");
            if is_own && (line.contains("unchanged: ") || line.contains("gone: ")) {
                lines.push(Line {
                    file: file.clone(),
                    at,
                    case: case.clone(),
                });
            }
        }
    }
    lines
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::copy(from, to).unwrap();
    }
}

#[test]
fn no_line_about_an_aftermath_can_be_spared() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let place = Path::new("scenarios/pools/delete");
    let mut lines = aftermath_lines(&root.join(place));
    assert!(lines.len() > 200, "{}", lines.len());
    let mut chance = ChaCha8Rng::seed_from_u64(4);
    for _ in 0..5 {
        let chosen = usize::try_from(chance.next_u32()).unwrap() % lines.len();
        let Line { file, at, case } = lines.swap_remove(chosen);
        let directory = tempfile::tempdir().unwrap();
        for name in ["suite.yaml", "fixtures", "scenarios"] {
            copy(&root.join(name), &directory.path().join(name));
        }
        let copied = directory.path().join(place).join(file.file_name().unwrap());
        let text = fs::read_to_string(&copied).unwrap();
        let kept = text.lines().enumerate().filter(|(line, _)| *line != at);
        let kept: Vec<&str> = kept.map(|(_, line)| line).collect();
        fs::write(&copied, kept.join("\n") + "\n").unwrap();

        let mut told = String::new();
        let missed = ["otc-v2", "octavia", "neutron-lbaas"]
            .iter()
            .any(|profile| {
                let arguments = [
                    "--suite", ".", "-p", profile, "-f", &case, "--only", "effect/",
                ];
                let output = prove(directory.path(), &arguments);
                let shown = shown(&output);
                // Without it, what else the case says of the aftermath may fail on the endpoint itself.
                let found = output.status.code() == Some(1) && shown.contains(&case);
                told.push_str(&shown);
                found
            });
        assert!(
            missed,
            "{}:{} of {case} is not missed: {told}",
            file.display(),
            at + 1
        );
    }
}

#[test]
fn what_is_published_is_of_the_defects_of_today() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = fs::read_to_string(root.join("docs/proof.md")).unwrap();
    for (dialect, profile) in [
        (Dialect::OtcV2, "otc-v2"),
        (Dialect::Octavia, "octavia"),
        (Dialect::NeutronLbaas, "neutron-lbaas"),
    ] {
        let heading = format!("\n## lbaas-v2 as {profile}\n");
        let (_, section) = document.split_once(&heading).unwrap();
        let section = section.split("\n## ").next().unwrap();
        let (_, rows) = section
            .split_once("| defect | what it does | breaks | fate |\n|---|---|---|---|\n")
            .unwrap();
        let told: Vec<Vec<&str>> = rows
            .lines()
            .take_while(|line| line.starts_with("| "))
            .map(|line| line.trim_matches(['|', ' ']).split(" | ").collect())
            .collect();
        let defects = Defect::ALL
            .iter()
            .filter(|it| it.dialects().contains(&dialect));
        let defects: Vec<Defect> = defects.copied().collect();
        assert_eq!(told.len(), defects.len(), "{profile}");
        for (row, defect) in told.iter().zip(&defects) {
            assert_eq!(row[0], defect.name(), "{profile}");
            assert_eq!(row[1], defect.about(), "{profile}");
            let fate = *row.last().unwrap();
            assert!(
                fate == "killed" || fate.starts_with("equivalent: "),
                "{profile}: {row:?}; `assize prove --full --markdown docs/proof.md` writes it anew"
            );
        }
    }
}
