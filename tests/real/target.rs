//! What a run is pointed at: files, the environment, flags, and what is refused before a request is sent.

use std::fs;
use std::net::TcpListener;

use crate::{Serving, assize, run};

const TOKEN_FILE: &str = "token.txt";

fn directory(target: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("assize.toml"), target).unwrap();
    fs::write(directory.path().join(TOKEN_FILE), "assize-owner\n").unwrap();
    directory
}

const ONE: &[&str] = &["run", "--filter", "clean/clean-pool"];

fn one(more: &[&'static str]) -> Vec<&'static str> {
    [ONE, more].concat()
}

#[test]
fn flags_come_over_the_environment_and_that_over_the_file() {
    let octavia = Serving::new(&["--dialect", "octavia"]);
    let directory = directory(&format!(
        "suite = \"lbaas-v2\"\nendpoint = \"{}\"\nprofile = \"octavia\"\n[variables]\nowner_token = {{ file = \"{TOKEN_FILE}\" }}\n",
        octavia.url
    ));
    let said = run(directory.path(), ONE).exits(0);
    assert!(said.stderr.contains("as octavia"), "{said:?}");
    let by_environment = || {
        let mut command = assize(directory.path());
        command.args(ONE).env("ASSIZE_PROFILE", "otc-v2");
        command
    };
    let said = crate::Said::from(by_environment().output().unwrap());
    assert!(said.stderr.contains("as otc-v2"), "{said:?}");
    let flag = by_environment().args(["--profile", "octavia"]).output();
    let said = crate::Said::from(flag.unwrap()).exits(0);
    assert!(said.stderr.contains("as octavia"), "{said:?}");
    // A variable of the environment replaces that of the file.
    let mut wrong = assize(directory.path());
    wrong.args(ONE).env("ASSIZE_VAR_OWNER_TOKEN", "nobody");
    crate::Said::from(wrong.output().unwrap()).exits(3);
    assert_eq!(octavia.names(), [""; 0]);
}

#[test]
fn another_file_is_named_and_everything_that_is_wrong_with_it_is_told() {
    let directory = directory("");
    let wrong = "endpiont = \"http://127.0.0.1:1\"\n[pace]\nrate = 0\n[identities.owner]\ncloud = \"nowhere\"\n";
    fs::write(directory.path().join("other.toml"), wrong).unwrap();
    let mut command = assize(directory.path());
    command.args(one(&["--target", "other.toml"]));
    command.env("HOME", directory.path());
    let said = crate::Said::from(command.output().unwrap()).exits(2);
    for part in [
        "other.toml:1:1",
        "did you mean `endpoint`?",
        "other.toml:3:8",
        "2 problems found",
    ] {
        assert!(said.stderr.contains(part), "{part}\n{said:?}");
    }
    // Clouds are looked up once the file itself is right.
    let cloud = "endpoint = \"http://127.0.0.1:1\"\n[identities.owner]\ncloud = \"nowhere\"\n";
    fs::write(directory.path().join("other.toml"), cloud).unwrap();
    let said = crate::Said::from(command.output().unwrap()).exits(2);
    for part in [
        "other.toml:3:9",
        "there is no clouds.yaml with the cloud `nowhere`",
        "it is looked for at clouds.yaml, ",
    ] {
        assert!(said.stderr.contains(part), "{part}\n{said:?}");
    }
    let said = run(directory.path(), &one(&["--target", "nowhere.toml"])).exits(2);
    assert!(said.stderr.contains("`assize init` writes"), "{said:?}");
}

#[test]
fn init_writes_a_file_that_is_right_and_replaces_none() {
    let directory = tempfile::tempdir().unwrap();
    run(directory.path(), &["init"]).exits(0);
    let said = run(directory.path(), &one(&["--dry-run"])).exits(0);
    assert!(said.stdout.contains("1 cases would run"), "{said:?}");
    let said = run(directory.path(), &["init"]).exits(2);
    assert!(said.stderr.contains("remove it first"), "{said:?}");
}

#[test]
fn an_endpoint_elsewhere_is_refused_before_a_single_request() {
    // All addresses of this machine, of which one is not loopback by its looks.
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let endpoint = format!("http://0.0.0.0:{port}");
    let empty = tempfile::tempdir().unwrap();
    let untouched = || {
        let asked = listener.accept().map(|(_, from)| from);
        assert_eq!(
            asked.map_err(|error| error.kind()),
            Err(std::io::ErrorKind::WouldBlock)
        );
    };
    let run_at = |directory: &std::path::Path, more: &[&str]| {
        run(
            directory,
            &[
                &[
                    "run",
                    "--endpoint",
                    &endpoint,
                    "--filter",
                    "clean/clean-pool",
                ],
                more,
            ]
            .concat(),
        )
    };
    let said = run_at(empty.path(), &[]).exits(2);
    assert!(said.stderr.contains("is not this machine"), "{said:?}");
    assert!(said.stderr.contains("--allow-writes"), "{said:?}");
    untouched();
    // What is allowed for the endpoint of a file is not allowed for another.
    let file = directory("endpoint = \"http://127.0.0.1:1\"\nallow_writes = true\n");
    run_at(file.path(), &[]).exits(2);
    untouched();
    // An identity service elsewhere is asked for nothing, either.
    let file = directory(&format!(
        "service = \"load-balancer\"\n[identities.owner.keystone]\nauth_url = \"{endpoint}/v3\"\nusername = \"u\"\npassword = {{ file = \"{TOKEN_FILE}\" }}\nproject_id = \"1\"\n"
    ));
    let said = run(file.path(), ONE).exits(2);
    assert!(said.stderr.contains("is not this machine"), "{said:?}");
    untouched();
    run_at(empty.path(), &["--dry-run"]).exits(0);
    untouched();
    let prove = [
        "prove",
        "--endpoint",
        &endpoint,
        "--filter",
        "clean/clean-pool",
    ];
    let said = run(empty.path(), &prove).exits(2);
    assert!(said.stderr.contains("--allow-writes"), "{said:?}");
    untouched();
}

#[test]
fn identities_that_are_not_configured_skip_their_cases_with_the_reason() {
    let serving = Serving::new(&["--dialect", "octavia"]);
    let file = directory(&format!(
        "endpoint = \"{}\"\nprofile = \"octavia\"\n[identities.other]\nheaders = {{ X-Auth-Token = {{ env = \"SECOND_TOKEN\" }} }}\n",
        serving.url
    ));
    let strangers = [
        "run",
        "--suite",
        "lbaas-v2",
        "--dry-run",
        "--filter",
        "pools/delete/identity/*",
    ];
    let said = run(file.path(), &strangers).exits(0);
    assert!(
        said.stdout
            .contains("(identity `other` is not configured: SECOND_TOKEN is not set)"),
        "{said:?}"
    );
    // The tokens of the emulator are nobody's elsewhere.
    let empty = tempfile::tempdir().unwrap();
    let elsewhere = [&strangers[..], &["--endpoint", "http://192.0.2.1"]].concat();
    let said = run(empty.path(), &elsewhere).exits(0);
    assert!(
        said.stdout
            .contains("(identity `readonly` is not configured: readonly_token is not set)"),
        "{said:?}"
    );
}

#[test]
fn a_dry_run_says_what_will_be_created_how_much_at_once_and_how_long_it_takes() {
    let empty = tempfile::tempdir().unwrap();
    let run_dry = |more: &[&str]| {
        let all = [
            "run",
            "--suite",
            "lbaas-v2",
            "--profile",
            "octavia",
            "--dry-run",
        ];
        run(empty.path(), &[&all, more].concat()).exits(0).stdout
    };
    let row = |text: &str, name: &str| -> Vec<usize> {
        let line = text
            .lines()
            .find(|line| line.trim_start().starts_with(name));
        let line = line.unwrap_or_else(|| panic!("{name} is missing in\n{text}"));
        line.split_whitespace()
            .skip(1)
            .map(|number| number.parse().unwrap())
            .collect()
    };
    let one = run_dry(&["--filter", "clean/clean-pool"]);
    assert_eq!(row(&one, "loadbalancer"), [1, 1]);
    assert_eq!(row(&one, "pool"), [1, 1]);
    assert!(!one.contains("member "), "{one}");
    let all = run_dry(&["--jobs", "4"]);
    let wide = run_dry(&["--jobs", "64"]);
    // Shared objects are as many as the lanes that need them, the others as many as the cases ask for.
    assert!(
        row(&all, "loadbalancer")[0] < row(&wide, "loadbalancer")[0],
        "{all}\n{wide}"
    );
    assert_eq!(row(&all, "member")[0], row(&wide, "member")[0]);
    assert!(
        row(&all, "member")[1] < row(&wide, "member")[1],
        "{all}\n{wide}"
    );
    assert!(
        all.contains("with 4 cases at once") && all.contains(" min\n"),
        "{all}"
    );
}
