//! Evidence: kept, read by others, judged again without an endpoint, and worth nothing once it was changed.

use std::path::Path;

use serde_json::Value;

use crate::support::{Emulator, Said, THREE, Written, assize, call, said};

/// The name of a field and what it has to be.
type Field<'a> = (&'a str, fn(&Value) -> bool);

/// A run with three defects, of which all that went and came is kept.
fn recorded(written: &Written, more: &[&str]) -> Said {
    let emulator = Emulator::start("otc-v2", &THREE);
    let (evidence, junit) = (written.path("evidence"), written.path("a.xml"));
    let json = written.path("a.json");
    let mut arguments = vec![
        "run",
        "--suite",
        "lbaas-v2",
        "--endpoint",
        &emulator.url,
        "--seed",
        "7",
        "--evidence",
        &evidence,
        "--junit",
        &junit,
        "--json",
        &json,
    ];
    arguments.extend(more);
    call(&arguments)
}

fn replayed(written: &Written) -> Said {
    let (evidence, junit) = (written.path("evidence"), written.path("b.xml"));
    let json = written.path("b.json");
    call(&["replay", &evidence, "--junit", &junit, "--json", &json])
}

fn manifest(written: &Written) -> Value {
    written.json("evidence/manifest.json")
}

/// The file of a case.
fn file<'m>(manifest: &'m Value, id: &str) -> &'m str {
    let mut cases = manifest["cases"].as_array().unwrap().iter();
    let case = cases.find(|case| case["id"] == id).unwrap();
    case["file"].as_str().unwrap()
}

/// Everything that HAR 1.2 asks for and this is without.
pub(crate) fn missing(har: &Value) -> Vec<String> {
    let mut missing = Vec::new();
    let mut need = |at: &str, of: &Value, fields: &[Field<'_>]| {
        for (name, is) in fields {
            if !of.get(name).is_some_and(is) {
                missing.push(format!("{at}.{name}"));
            }
        }
    };
    let log = &har["log"];
    need(
        "log",
        log,
        &[
            ("version", |it| it == "1.2"),
            ("creator", Value::is_object),
            ("entries", Value::is_array),
        ],
    );
    need(
        "creator",
        &log["creator"],
        &[("name", Value::is_string), ("version", Value::is_string)],
    );
    for (at, entry) in log["entries"].as_array().unwrap().iter().enumerate() {
        let at = |name: &str| format!("entries[{at}].{name}");
        let is_time = |it: &Value| it.as_str().is_some_and(|it| it.ends_with('Z'));
        need(
            &at(""),
            entry,
            &[
                ("startedDateTime", is_time),
                ("time", Value::is_number),
                ("request", Value::is_object),
                ("response", Value::is_object),
                ("cache", Value::is_object),
                ("timings", Value::is_object),
            ],
        );
        let both: [Field<'_>; 5] = [
            ("httpVersion", Value::is_string),
            ("cookies", Value::is_array),
            ("headers", Value::is_array),
            ("headersSize", Value::is_i64),
            ("bodySize", Value::is_i64),
        ];
        need(&at("request"), &entry["request"], &both);
        need(
            &at("request"),
            &entry["request"],
            &[
                ("method", Value::is_string),
                ("url", Value::is_string),
                ("queryString", Value::is_array),
            ],
        );
        if let Some(posted) = entry["request"].get("postData") {
            need(
                &at("postData"),
                posted,
                &[
                    ("mimeType", Value::is_string),
                    ("params", Value::is_array),
                    ("text", Value::is_string),
                ],
            );
        }
        need(&at("response"), &entry["response"], &both);
        need(
            &at("response"),
            &entry["response"],
            &[
                ("status", Value::is_u64),
                ("statusText", Value::is_string),
                ("redirectURL", Value::is_string),
                ("content", Value::is_object),
            ],
        );
        need(
            &at("content"),
            &entry["response"]["content"],
            &[("size", Value::is_u64), ("mimeType", Value::is_string)],
        );
        let is_time = |it: &Value| it.as_f64().is_some_and(|it| it >= 0.0);
        need(
            &at("timings"),
            &entry["timings"],
            &[("send", is_time), ("wait", is_time), ("receive", is_time)],
        );
        let timings = &entry["timings"];
        let parts = ["send", "wait", "receive"].map(|part| timings[part].as_f64().unwrap());
        let sum: f64 = parts.iter().sum();
        assert!(
            (sum - entry["time"].as_f64().unwrap()).abs() < 0.001,
            "{entry}"
        );
        for field in entry["request"]["headers"].as_array().unwrap() {
            need(
                &at("header"),
                field,
                &[("name", Value::is_string), ("value", Value::is_string)],
            );
        }
    }
    missing
}

#[test]
fn a_run_is_judged_again_by_its_evidence_to_the_byte() {
    let written = Written::new();
    recorded(
        &written,
        &["--evidence-of", "all", "--filter", "pools/delete"],
    )
    .exits(1);
    let manifest = manifest(&written);
    let cases = manifest["cases"].as_array().unwrap();
    let mut ran = 0;
    for case in cases.iter().filter(|case| case["verdict"] != "skip") {
        let name = case["file"].as_str().unwrap();
        let har = written.json(&format!("evidence/{name}"));
        assert_eq!(missing(&har), Vec::<String>::new(), "{name}");
        assert_eq!(har["log"]["_case"]["id"], case["id"]);
        assert!(
            !har["log"]["entries"].as_array().unwrap().is_empty(),
            "{name}"
        );
        ran += 1;
    }
    assert!(ran > 50, "{ran}");
    assert!(cases.iter().any(|case| case["verdict"] == "fail"));
    let attached = format!(
        "[[ATTACHMENT|{}/{}]]",
        written.path("evidence"),
        cases.iter().find_map(|case| case["file"].as_str()).unwrap()
    );
    assert!(written.text("a.xml").contains(&attached), "{attached}");

    let again = replayed(&written).exits(1);
    assert!(
        again.stdout.contains("verdicts are as they were"),
        "{}",
        again.stdout
    );
    assert_eq!(written.text("a.xml"), written.text("b.xml"));
    assert_eq!(written.text("a.json"), written.text("b.json"));
}

#[test]
fn generated_cases_are_judged_again_too() {
    let written = Written::new();
    let more = [
        "--evidence-of",
        "all",
        "--generate",
        "--sequences",
        "4",
        "--races",
        "4",
        "--filter",
        "generated/races",
        "--filter",
        "generated/sequences",
        "--filter",
        "pool/delete/",
    ];
    let run = recorded(&written, &more);
    assert!(run.stdout.contains("failed"), "{}", run.stdout);
    let again = replayed(&written);
    assert_eq!(again.code, run.code, "{}", again.stdout);
    assert!(
        again.stdout.contains("verdicts are as they were"),
        "{}",
        again.stdout
    );
    assert_eq!(written.text("a.xml"), written.text("b.xml"));
    assert_eq!(written.text("a.json"), written.text("b.json"));
}

#[test]
fn evidence_of_failures_is_kept_unless_all_of_it_is_asked_for() {
    let written = Written::new();
    recorded(&written, &["--filter", "pools/delete"]).exits(1);
    let manifest = manifest(&written);
    for case in manifest["cases"].as_array().unwrap() {
        let failed = case["verdict"] == "fail";
        assert_eq!(case.get("file").is_some(), failed, "{case}");
    }
    let again = replayed(&written).exits(1);
    assert!(
        again.stdout.contains("of failures only"),
        "{}",
        again.stdout
    );
    assert!(again.stdout.contains("as they were"), "{}", again.stdout);
}

#[test]
fn changed_and_missing_files_are_errors_by_name() {
    let written = Written::new();
    recorded(&written, &["--evidence-of", "all", "--filter", "policies/"]).exits(1);
    let manifest = manifest(&written);
    let ids: Vec<&str> = (manifest["cases"].as_array().unwrap().iter())
        .filter(|case| case["verdict"] == "pass")
        .map(|case| case["id"].as_str().unwrap())
        .collect();
    let [changed, removed] = [ids[0], ids[1]].map(|id| file(&manifest, id).to_owned());
    let path = written.directory().join("evidence").join(&changed);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(
        &path,
        text.replacen("\"status\": 204", "\"status\": 205", 1)
            .replacen('1', "2", 1),
    )
    .unwrap();
    std::fs::remove_file(written.directory().join("evidence").join(&removed)).unwrap();

    let again = replayed(&written).exits(3);
    let line = |id: &str| {
        let mut lines = again.stdout.lines();
        let line = lines.find(|line| line.starts_with("CHANGED") && line.contains(id));
        line.unwrap_or_else(|| panic!("{id}: {}", again.stdout))
            .to_owned()
    };
    let told = line(ids[0]);
    assert!(
        told.contains("pass -> error") && told.contains(&changed),
        "{told}"
    );
    assert!(told.contains("is not as it was recorded"), "{told}");
    let told = line(ids[1]);
    assert!(
        told.contains("pass -> error") && told.contains(&removed),
        "{told}"
    );
    assert!(
        again.stdout.contains("judged again: 2 of "),
        "{}",
        again.stdout
    );
}

#[test]
fn nothing_is_sent_when_evidence_is_judged_again() {
    let written = Written::new();
    recorded(&written, &["--evidence-of", "all", "--filter", "policies/"]).exits(1);
    // The emulator has ended. Where there may be namespaces, there is no network at all.
    let evidence = written.path("evidence");
    let mut command = std::process::Command::new("unshare");
    command.args(["-rn", env!("CARGO_BIN_EXE_assize"), "replay", &evidence]);
    match command.output() {
        Ok(output) if !output.stdout.is_empty() => {
            let told = String::from_utf8_lossy(&output.stdout).into_owned();
            assert_eq!(output.status.code(), Some(1), "{told}");
            assert!(told.contains("verdicts are as they were"), "{told}");
        }
        _ => {
            replayed(&written).exits(1);
        }
    }
}

#[test]
fn a_secret_is_in_no_file_of_the_evidence() {
    const TOKEN: &str = "tok-\"s3cret\"-pä/ss+word";
    let emulator = Emulator::start("otc-v2", &[]);
    let written = Written::new();
    let evidence = written.path("evidence");
    let mut command = assize();
    command
        .args(["run", "--suite", "lbaas-v2", "--endpoint", &emulator.url])
        .args([
            "--evidence",
            &evidence,
            "--evidence-of",
            "all",
            "--filter",
            "policies/",
        ])
        .env("ASSIZE_VAR_owner_token", TOKEN)
        .env("ASSIZE_VAR_OWNER_TOKEN", TOKEN);
    // The emulator takes its own token only: every case errs, with the token in every request.
    said(&mut command);
    let secrets = assize::secret::Secrets::new([(TOKEN.to_owned(), "token".to_owned())]);
    let (mut seen, mut named) = (0, 0);
    let mut open = vec![Path::new(&evidence).to_path_buf()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(
                std::fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(secrets.told_by(&bytes), None, "{}", path.display());
        // A case whose load balancer another one failed to create has sent nothing itself.
        named += usize::from(String::from_utf8_lossy(&bytes).contains("${owner_token}"));
        seen += 1;
    }
    assert!(seen > 5 && named > 1, "{seen} {named}");
}

#[test]
fn evidence_of_two_runs_does_not_mix() {
    let written = Written::new();
    let directory = written.directory().join("evidence");
    std::fs::create_dir(&directory).unwrap();
    std::fs::write(directory.join("mine"), "x").unwrap();
    let told = recorded(&written, &["--filter", "policies/"]).exits(2);
    assert!(told.stderr.contains("is not empty"), "{}", told.stderr);
    assert!(
        told.stderr.contains("name a new directory"),
        "{}",
        told.stderr
    );
}

#[test]
fn a_directory_that_is_no_evidence_is_told_apart() {
    let written = Written::new();
    let told = call(&["replay", &written.path("nowhere")]).exits(2);
    assert!(told.stderr.contains("manifest.json"), "{}", told.stderr);
    for (text, why) in [
        ("{", "no manifest"),
        ("{\"format\": 99}", "its format is 99"),
    ] {
        std::fs::create_dir_all(written.directory().join("evidence")).unwrap();
        std::fs::write(written.directory().join("evidence/manifest.json"), text).unwrap();
        let told = replayed(&written).exits(2);
        assert!(told.stderr.contains(why), "{}", told.stderr);
    }
}
