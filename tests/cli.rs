//! The command line as scripts meet it: exit code, stdout and stderr, with what differs from run to run replaced.
#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use quick_xml::events::Event;
use regex::Regex;
use tempfile::TempDir;

const POOL_CYCLE: &str = r#"steps:
  - request: POST /v2.0/lbaas/loadbalancers
    json:
      loadbalancer:
        name: "{{ unique_name }}"
        vip_subnet_id: 5a9a3e9e-d1aa-448e-af37-a70171f2a332
    capture: { lb: body.loadbalancer.id }
    then: { status: 201 }
  - request: POST /v2.0/lbaas/pools
    json:
      pool:
        name: "{{ unique_name }}"
        protocol: HTTP
        lb_algorithm: ROUND_ROBIN
        loadbalancer_id: "{{ lb }}"
    capture: { pool: body.pool.id }
    then: { status: 201 }
  - request: DELETE /v2.0/lbaas/pools/{{ pool }}
    then: { status: 204, body: empty }
  - request: GET /v2.0/lbaas/pools/{{ pool }}
    then: { status: 404 }
finally:
  - DELETE /v2.0/lbaas/loadbalancers/{{ lb }}
"#;

/// A suite whose token is a secret, with a scenario that expects the wrong status.
const SECRET_SUITE: &str = r#"suite: secretive
scenarios: wrong.yaml
variables:
  token: { default: assize-owner, secret: true }
identities:
  owner: { headers: { X-Auth-Token: "{{ token }}" } }
"#;

/// `assize` in a directory, with nothing of the caller's environment that it listens to.
fn assize(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assize"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ASSIZE_") {
            command.env_remove(name);
        }
    }
    command
        .current_dir(directory)
        .env_remove("CLICOLOR_FORCE")
        .env("NO_COLOR", "1")
        .env("NO_PROXY", "*");
    command
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// What a call came to.
struct Said {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Said {
    /// All of it in one text, with what differs from run to run replaced.
    fn frozen(&self) -> String {
        let mut text = format!(
            "exit {}\n--- stdout\n{}--- stderr\n{}",
            self.code
                .map_or_else(|| "by signal".to_owned(), |code| code.to_string()),
            self.stdout,
            self.stderr
        )
        .replace("assize.exe", "assize");
        for (volatile, stands_for) in [
            (r"127\.0\.0\.1:\d+", "HOST"),
            (r"seed \d+", "seed SEED"),
            (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{1,12}", "UUID"),
            (r"<?\b\d+(\.\d+)? (ms|s)\b", "TIME"),
            (r"(?m)[ \t]+$", ""),
        ] {
            text = Regex::new(volatile)
                .unwrap()
                .replace_all(&text, stands_for)
                .into_owned();
        }
        text
    }

    fn last_line(&self) -> &str {
        self.stdout.lines().last().unwrap_or("")
    }

    #[track_caller]
    fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.frozen());
        self
    }
}

/// Runs it where the suite of this repository is.
fn here(arguments: &[&str]) -> Said {
    assize(&root()).args(arguments).output().unwrap().into()
}

/// A directory of its own with these files.
fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(directory.path().join(name), text).unwrap();
    }
    directory
}

/// A server that gives the same answer to every request, until it is dropped.
struct Monotonous {
    url: String,
    stop: Arc<AtomicBool>,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

impl Monotonous {
    fn new(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stop = Arc::new(AtomicBool::new(false));
        let [connections, requests] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
        let (stopped, accepted, counted) = (stop.clone(), connections.clone(), requests.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let counted = counted.clone();
                if let Ok(stream) = stream {
                    accepted.fetch_add(1, Ordering::SeqCst);
                    thread::spawn(move || drop(converse(stream, answer, &counted)));
                }
            }
        });
        Self {
            url,
            stop,
            connections,
            requests,
        }
    }
}

impl Drop for Monotonous {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        drop(TcpStream::connect(self.url.trim_start_matches("http://")));
    }
}

fn converse(stream: TcpStream, answer: &str, requests: &AtomicUsize) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            if line.is_empty() {
                break;
            }
        }
        reader.read_exact(&mut vec![0; length])?;
        requests.fetch_add(1, Ordering::SeqCst);
        writer.write_all(answer.as_bytes())?;
    }
}

/// The attributes of a test case, and why it was skipped.
type TestCase = (Vec<(String, String)>, Option<String>);

/// The test cases of a JUnit file: their attributes and the message of `<skipped>`, if there is one.
fn test_cases(file: &Path) -> Vec<TestCase> {
    let text = fs::read_to_string(file).unwrap();
    let mut reader = quick_xml::Reader::from_str(&text);
    let mut cases = Vec::new();
    let mut depth = 0_usize;
    loop {
        let event = reader.read_event().unwrap();
        let (element, opens) = match &event {
            Event::Start(element) => (element, true),
            Event::Empty(element) => (element, false),
            Event::End(_) => {
                depth -= 1;
                continue;
            }
            Event::Eof => break,
            _ => continue,
        };
        depth += usize::from(opens);
        let attributes: Vec<(String, String)> = element
            .attributes()
            .map(|attribute| {
                let attribute = attribute.unwrap();
                (
                    String::from_utf8(attribute.key.as_ref().to_vec()).unwrap(),
                    String::from_utf8(attribute.value.to_vec()).unwrap(),
                )
            })
            .collect();
        match element.name().as_ref() {
            b"testcase" => cases.push((attributes, None)),
            b"skipped" => {
                let message = attributes.into_iter().find(|(name, _)| name == "message");
                cases.last_mut().unwrap().1 = message.map(|(_, value)| value);
            }
            _ => {}
        }
    }
    assert_eq!(depth, 0, "an element of {} is not closed", file.display());
    cases
}

#[test]
fn the_version_is_the_name_and_the_number() {
    let version = concat!("assize ", env!("CARGO_PKG_VERSION"), "\n");
    let said = here(&["--version"]).exits(0);
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), (version, ""));
}

#[test]
fn a_flag_that_does_not_exist_is_bad_usage() {
    insta::assert_snapshot!(here(&["run", "--nonsense"]).frozen(), @r###"
exit 2
--- stdout
--- stderr
error: unexpected argument '--nonsense' found

  tip: to pass '--nonsense' as a value, use '-- --nonsense'

Usage: assize run [OPTIONS] [PATHS]...

For more information, try '--help'.
"###);
}

#[test]
fn a_defect_that_does_not_exist_is_bad_usage_and_the_nearest_is_named() {
    let said = here(&["serve", "--defect", "monitor-ignore"]).exits(2);
    let (nearest, all) = ("'monitor-ignored'", "possible values: members-ignored, ");
    assert!(said.stderr.contains(nearest), "{}", said.stderr);
    assert!(said.stderr.contains(all), "{}", said.stderr);
}

#[test]
fn a_defect_of_another_dialect_is_bad_usage() {
    let said = here(&[
        "serve",
        "--dialect",
        "octavia",
        "--defect",
        "members-ignored",
    ])
    .exits(2);
    insta::assert_snapshot!(said.stderr, @"error: octavia cannot have the defect `members-ignored`; start it with --dialect otc-v2");
}

#[test]
fn a_variable_that_the_suite_does_not_declare_is_bad_usage() {
    insta::assert_snapshot!(here(&["run", "--var", "nope=1"]).frozen(), @r###"
exit 2
--- stdout
--- stderr
error: the suite lbaas-v2 declares no variable `nope`; it declares: limited_token, member_network, member_subnet_id, other_token, owner_token, readonly_token, tls_container_ref, vip_subnet_id
"###);
}

#[test]
fn list_names_each_case_with_its_title_and_counts_them() {
    let said = here(&["list", "--filter", "clean/"]).exits(0);
    assert_eq!(said.stderr, "");
    assert!(
        said.stdout
            .contains("pools/delete/clean/clean-pool\tclean pool → 204\n"),
        "{}",
        said.stdout
    );
    let cases = said.stdout.lines().count() - 1;
    assert!(
        said.last_line().starts_with(&format!("{cases} cases, ")),
        "{}",
        said.stdout
    );
}

#[test]
fn every_requirement_has_a_case_or_a_reason_why_not() {
    let said = here(&["list", "--requirements"]).exits(0);
    assert_eq!(said.stderr, "");
    let last = Regex::new(r"^\d+ requirements, 0 uncovered$").unwrap();
    assert!(last.is_match(said.last_line()), "{}", said.stdout);
}

#[test]
fn explain_says_of_a_requirement_what_it_demands_and_what_shows_it() {
    let said = here(&["explain", "DP-10"]).exits(0);
    assert_eq!(said.stderr, "");
    for part in [
        "DP-10  A pool that has at least one member is not deleted.\n\nLevel: must\nSource: ",
        "\nWritten in: fixtures/lbaas-v2/requirements.yaml:",
        "\nProfile octavia: must\n",
        "\nCases that show it:\n",
        "\n  pools/delete/members/one-member  one member → 409\n",
    ] {
        assert!(
            said.stdout.contains(part),
            "{part:?} is missing in\n{}",
            said.stdout
        );
    }
}

#[test]
fn a_requirement_that_only_generated_cases_show_is_told_as_such() {
    let said = here(&["explain", "OP-14"]).exits(0);
    assert!(
        said.stdout.contains("\nGenerated cases show it; "),
        "{}",
        said.stdout
    );
    let said = here(&["run", "--filter", "unknown_ids/zeros"]).exits(0);
    let cause = Regex::new(r"\n  none generated       OP-01, [OP0-9, -]+ OP-66\n").unwrap();
    assert!(cause.is_match(&said.stdout), "{}", said.stdout);
}

#[test]
fn the_boundaries_of_a_deletion_hold_against_the_embedded_emulator() {
    let filter = "generated/boundary/pool/delete";
    let all = r"^([89][0-9]|1[0-9][0-9]) passed, 0 failed, 0 errors, 0 skipped";
    let all = Regex::new(all).unwrap();
    for profile in ["otc-v2", "octavia", "neutron-lbaas"] {
        let run = [
            "run",
            "--generate",
            "--sequences",
            "0",
            "--races",
            "0",
            "--profile",
            profile,
        ];
        let said = here(&[&run[..], &["--filter", filter]].concat()).exits(0);
        assert!(
            all.is_match(said.last_line()),
            "{profile}: {}",
            said.last_line()
        );
    }
}

#[test]
fn explain_says_of_a_diagnostic_what_it_means_and_what_to_do() {
    insta::assert_snapshot!(here(&["explain", "unknown-key"]).frozen(), @r###"
exit 0
--- stdout
unknown-key

A mapping has a key that means nothing there; it would silently be ignored elsewhere.

What to do: Correct it; `assize schema` gives editors the known ones.
--- stderr
"###);
}

#[test]
fn explain_proposes_the_nearest_name_for_one_it_does_not_know() {
    insta::assert_snapshot!(here(&["explain", "unknwon-key"]).frozen(), @r###"
exit 2
--- stdout
--- stderr
error: nothing is called `unknwon-key`; did you mean `unknown-key`?
"###);
}

#[test]
fn plain_steps_pass_against_the_embedded_emulator_without_any_suite() {
    let directory = directory(&[("pools.yaml", POOL_CYCLE)]);
    let said = Said::from(
        assize(directory.path())
            .args(["run", "pools.yaml"])
            .output()
            .unwrap(),
    );
    insta::assert_snapshot!(said.frozen(), @r###"
exit 0
--- stdout
PASS  pools  pools  (TIME)
1 passed, 0 failed, 0 errors, 0 skipped in TIME
--- stderr
assize 0.1.0 holds the embedded emulator http://HOST to pools; seed SEED
"###);
}

#[test]
fn a_wrong_expectation_fails_and_shows_expected_actual_place_and_a_curl_line_without_the_secret() {
    let wrong = POOL_CYCLE.replace("{ status: 404 }", "{ status: 200 }");
    let directory = directory(&[("suite.yaml", SECRET_SUITE), ("wrong.yaml", &wrong)]);
    let said = Said::from(assize(directory.path()).args(["run"]).output().unwrap());
    let text = said.frozen();
    assert!(
        !said.stdout.contains("assize-owner") && !said.stderr.contains("assize-owner"),
        "{text}"
    );
    insta::assert_snapshot!(text, @r###"
exit 1
--- stdout
FAIL  wrong  wrong  (TIME)
      status: expected status 200, actual 404 {"NeutronError":{"type":"EntityNotFound","message":"pool UUID…
FAIL  wrong
      case      wrong
      scenario  wrong.yaml:1

      status
        expected  status 200
        actual    404 {"NeutronError":{"type":"EntityNotFound","message":"pool UUID could not be found","detail":""}}
        asked at  wrong.yaml:21

      exchange 4 of 5, act, TIME
        GET http://HOST/v2.0/lbaas/pools/UUID
        → 404 Not Found
        content-type: application/json
        content-length: 127
        {
          "NeutronError": {
            "type": "EntityNotFound",
            "message": "pool UUID could not be found",
            "detail": ""
          }
        }
      to repeat it
        curl -i -X GET 'http://HOST/v2.0/lbaas/pools/UUID' -H 'Accept: application/json' -H 'X-Auth-Token: '"${token:?}"

0 passed, 1 failed, 0 errors, 0 skipped in TIME
--- stderr
assize 0.1.0 holds the embedded emulator http://HOST to secretive; seed SEED
"###);
}

#[test]
fn an_endpoint_that_nobody_listens_on_is_no_verdict_on_the_contract() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let said = here(&["run", "--endpoint", &url, "--filter", "clean/clean-pool"]).exits(3);
    assert!(
        said.stdout.contains("could not connect"),
        "{}",
        said.frozen()
    );
    assert!(
        said.last_line().starts_with("0 passed, 0 failed, "),
        "{}",
        said.frozen()
    );
}

/// Answers all requests of one connection, the second when it is told to: whether it was, in time.
fn held_up(listener: &TcpListener, go_on: &Receiver<()>) -> std::io::Result<bool> {
    let (mut stream, _) = listener.accept()?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut line, mut told, mut requests) = (String::new(), false, 0);
    while reader.read_line(&mut line)? > 0 {
        if line.trim_end().is_empty() {
            requests += 1;
            if requests == 2 {
                told = go_on.recv_timeout(Duration::from_secs(10)).is_ok();
            }
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
        }
        line.clear();
    }
    Ok(told)
}

#[test]
fn what_a_case_came_to_is_said_while_the_next_one_runs() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, go_on) = channel();
    let endpoint = thread::spawn(move || held_up(&listener, &go_on).unwrap());
    let scenarios = "scenarios:\n- { id: one, steps: GET /a }\n- { id: two, steps: GET /b }\n";
    let directory = directory(&[("it.yaml", scenarios)]);
    let mut run = assize(directory.path())
        .args(["run", "it.yaml", "--jobs", "1", "--endpoint", &url])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(run.stdout.take().unwrap()).lines();
    let first = said.next().unwrap().unwrap();
    assert!(first.starts_with("PASS  it/one"), "{first}");
    let _ = tell.send(());
    assert!(said.any(|line| line.unwrap().starts_with("PASS  it/two")));
    assert!(run.wait().unwrap().success());
    assert!(endpoint.join().unwrap(), "the line came too late");
}

#[test]
fn a_request_that_goes_another_way_costs_no_connection_that_waits() {
    let server = Monotonous::new("HTTP/1.1 204 No Content\r\n\r\n");
    // The field is sent as it is, by hand.
    let steps =
        "steps:\n- GET /a\n- { request: GET /b, headers: { X-Odd: \"\\x01\" } }\n- GET /c\n";
    let directory = directory(&[("it.yaml", steps)]);
    let run = ["run", "it.yaml", "--endpoint", &server.url];
    let said = Said::from(assize(directory.path()).args(run).output().unwrap()).exits(0);
    let [connections, requests] =
        [&server.connections, &server.requests].map(|count| count.load(Ordering::SeqCst));
    assert_eq!((connections, requests), (2, 3), "{}", said.frozen());
}

#[test]
fn a_filter_that_no_case_matches_is_told_with_the_nearest_case() {
    let near = "error: no case matches --filter clena-pool; the nearest is `pools/delete/clean/clean-pool`, and `assize list` names all\n";
    for command in ["list", "run"] {
        let said = here(&[command, "--filter", "clena-pool"]).exits(4);
        assert!(said.stderr.ends_with(near), "{}", said.frozen());
    }
    let said = here(&["run", "--dry-run", "--filter", "clena-pool"]).exits(4);
    assert_eq!(said.stderr, near);
    let said = here(&["run", "--filter", "nothing-like-this"]).exits(4);
    assert!(
        said.last_line()
            .starts_with("0 passed, 0 failed, 0 errors, 0 skipped in "),
        "{}",
        said.frozen()
    );
}

#[test]
fn filters_that_match_and_tags_that_exist_can_still_select_nothing_together() {
    let arguments = [
        "list",
        "-f",
        "pools/*/clean/*",
        "-f",
        "clean/",
        "-t",
        "identity",
    ];
    insta::assert_snapshot!(here(&arguments).frozen(), @r###"
exit 4
--- stdout
0 cases, 0 of them skipped
--- stderr
error: no case matches --filter pools/*/clean/* or --filter clean/ and has --tag identity; the nearest is `pools/delete/identity/anonymous`, and `assize list` names all
"###);
}

#[test]
fn a_suite_without_scenarios_says_so() {
    let directory = directory(&[("suite.yaml", "suite: bare\n")]);
    let said = Said::from(assize(directory.path()).arg("list").output().unwrap());
    insta::assert_snapshot!(said.frozen(), @r###"
exit 4
--- stdout
0 cases, 0 of them skipped
--- stderr
error: the suite bare has no scenario
"###);
}

#[test]
fn a_dry_run_names_the_cases_and_sends_nothing() {
    let server = Monotonous::new("HTTP/1.1 204 No Content\r\n\r\n");
    let arguments = ["run", "--dry-run", "--filter", "clean/", "--endpoint"];
    let said = here(&[&arguments[..], &[&server.url]].concat()).exits(0);
    assert!(
        said.stdout
            .contains("RUN   pools/delete/clean/clean-pool  clean pool → 204\n"),
        "{}",
        said.frozen()
    );
    assert!(
        said.last_line().ends_with("; nothing was sent"),
        "{}",
        said.frozen()
    );
    assert_eq!(server.requests.load(Ordering::SeqCst), 0);
}

#[test]
fn every_test_case_of_the_junit_file_has_a_class_a_name_and_a_file() {
    let directory = directory(&[]);
    let file = directory.path().join("reports").join("junit.xml");
    here(&[
        "run",
        "--filter",
        "clean/",
        "--junit",
        file.to_str().unwrap(),
    ])
    .exits(0);
    let cases = test_cases(&file);
    assert!(cases.len() > 5, "{cases:?}");
    for (attributes, _) in &cases {
        for wanted in ["classname", "name", "file"] {
            let found = attributes.iter().find(|(name, _)| name == wanted);
            assert!(
                found.is_some_and(|(_, value)| !value.is_empty()),
                "{wanted} is missing in {attributes:?}"
            );
        }
    }
}

/// Runs the pools' deletion against a server that always answers the same, and expects to be told so.
#[track_caller]
fn unmasks(answer: &'static str) {
    let server = Monotonous::new(answer);
    let arguments = [
        "run",
        "--filter",
        "pools/delete/",
        "--jobs",
        "4",
        "--endpoint",
    ];
    let said = here(&[&arguments[..], &[&server.url]].concat());
    assert!(matches!(said.code, Some(1 | 3)), "{}", said.frozen());
    assert!(server.requests.load(Ordering::SeqCst) > 0);
}

#[test]
fn a_server_that_answers_204_to_everything_passes_nothing() {
    unmasks("HTTP/1.1 204 No Content\r\n\r\n");
}

#[test]
fn a_server_that_answers_404_to_everything_passes_nothing() {
    unmasks("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
}

#[test]
fn a_server_that_answers_200_and_an_empty_object_to_everything_passes_nothing() {
    unmasks("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
}

#[cfg(unix)]
mod interrupted {
    use super::*;

    /// Ends a server that a test has started, whatever becomes of the test.
    struct Child(std::process::Child);

    impl Drop for Child {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    /// The ids in a list of the API.
    fn listed(url: &str, kind: &str) -> usize {
        let host = url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).unwrap();
        write!(stream, "GET /v2.0/lbaas/{kind} HTTP/1.1\r\nHost: {host}\r\nX-Auth-Token: assize-owner\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        body[kind].as_array().unwrap().len()
    }

    #[test]
    fn an_interrupted_run_cleans_up_reports_the_rest_as_not_run_and_exits_with_3() {
        let mut server = Child(
            assize(&root())
                .args(["serve", "--listen", "127.0.0.1:0"])
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap(),
        );
        let mut url = String::new();
        let mut first = BufReader::new(server.0.stdout.take().unwrap());
        first.read_line(&mut url).unwrap();
        let url = url.trim();
        let directory = directory(&[]);
        let file = directory.path().join("junit.xml");
        let mut run = Child(
            assize(&root())
                .args(["run", "--jobs", "2", "--endpoint", url, "--junit"])
                .arg(&file)
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap(),
        );
        let mut stdout = BufReader::new(run.0.stdout.take().unwrap());
        let mut text = String::new();
        stdout.read_line(&mut text).unwrap();
        let pid = run.0.id().to_string();
        let sent = Command::new("kill").args(["-INT", &pid]).status().unwrap();
        assert!(sent.success());
        stdout.read_to_string(&mut text).unwrap();
        assert_eq!(run.0.wait().unwrap().code(), Some(3), "{text}");
        let cases = test_cases(&file);
        let not_run = cases
            .iter()
            .filter(|(_, skipped)| {
                skipped
                    .as_deref()
                    .is_some_and(|why| why.contains("not run"))
            })
            .count();
        assert!(
            not_run > 0 && not_run < cases.len(),
            "{not_run} of {} not run\n{text}",
            cases.len()
        );
        assert_eq!(
            (listed(url, "pools"), listed(url, "loadbalancers")),
            (0, 0),
            "{text}"
        );
    }
}
