//! A run in shards, joined again, is the run as a whole; and what are not the shards of one run is refused.
#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;
use serde_json::Value;
use tempfile::TempDir;

/// What a call came to: its exit code, and what it said, stdout first.
struct Said(Option<i32>, String);

fn assize(directory: &Path, arguments: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assize"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ASSIZE_") {
            command.env_remove(name);
        }
    }
    for name in ["GITHUB_ACTIONS", "CI_NODE_INDEX", "JOB_COMPLETION_INDEX"] {
        command.env_remove(name);
    }
    let output = (command.args(arguments).current_dir(directory))
        .env("NO_COLOR", "1")
        .env("NO_PROXY", "*")
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said(
        output.status.code(),
        text(output.stdout) + &text(output.stderr),
    )
}

/// A report without what differs from run to run: times, the run's id, the endpoint, ids that it gave.
fn frozen(path: &Path) -> String {
    let mut text = fs::read_to_string(path).unwrap();
    if path
        .extension()
        .is_some_and(|extension| extension == "json")
    {
        let mut document: Value = serde_json::from_str(&text).unwrap();
        let run_ids = document["run"]["run_id"].as_str().unwrap().to_owned();
        document["run"]["run_id"] = Value::Null;
        document["run"]["endpoint"] = Value::Null;
        for case in document["cases"].as_array_mut().unwrap() {
            let tags = case["tags"].as_array();
            if tags.is_some_and(|tags| tags.contains(&"race".into())) {
                // How often it asks depends on who was faster.
                case["requests"] = Value::Null;
            }
        }
        text = serde_json::to_string_pretty(&document).unwrap();
        for run_id in run_ids.split(", ") {
            text = text.replace(run_id, "RUN");
        }
    }
    for (volatile, stands_for) in [
        (
            r"http://127\.0\.0\.1:\d+(, http://127\.0\.0\.1:\d+)*",
            "ENDPOINT",
        ),
        (r"127\.0\.0\.1:\d+(, 127\.0\.0\.1:\d+)*", "HOST"),
        (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID"),
        (r"\d{4}-\d\d-\d\dT[0-9:.]+(Z|\+00:00)", "TIME"),
        (r"\w{3}, \d\d \w{3} \d{4} [0-9:]{8} GMT", "TIME"),
        (r#""duration_ms": [0-9.e+-]+"#, r#""duration_ms": 0"#),
        (r#"time="[0-9.]+""#, r#"time="0""#),
        (r"(<|&lt;)?\b\d+(\.\d+)? (ms|s)\b", "SPENT"),
        (r"az-[0-9a-f]{8}-", "az-RUN-"),
    ] {
        let volatile = Regex::new(volatile).unwrap();
        text = volatile.replace_all(&text, stands_for).into_owned();
    }
    text
}

/// The first lines in which two texts differ.
fn differences(one: &str, other: &str) -> String {
    let mut text = String::new();
    let lines = one.lines().zip(other.lines()).enumerate();
    for (at, (one, other)) in lines.filter(|(_, (one, other))| one != other).take(8) {
        let _ = writeln!(text, "line {}\n  {one}\n  {other}", at + 1);
    }
    text
}

fn path(directory: &TempDir, name: &str) -> String {
    directory.path().join(name).to_string_lossy().into_owned()
}

/// Runs all of it, and then in shards that are merged; says what both came to. The reports are in `reports`.
fn both(at: &Path, reports: &TempDir, arguments: &[&str], shards: usize) -> (Said, Said) {
    let whole = [
        &[
            "run",
            "--json",
            &path(reports, "whole.json"),
            "--junit",
            &path(reports, "whole.xml"),
        ],
        arguments,
    ];
    let whole = assize(at, &whole.concat());
    let mut merging = vec!["merge".to_owned()];
    // In an order that is not that of their numbers.
    for number in (1..=shards).rev() {
        let json = path(reports, &format!("shard-{number}.json"));
        let shard = format!("{number}/{shards}");
        assize(
            at,
            &[&["run", "--json", &json, "--shard", &shard], arguments].concat(),
        );
        merging.push(json);
    }
    for (flag, name) in [
        ("--json", "merged.json"),
        ("--junit", "merged.xml"),
        ("--html", "merged.html"),
        ("--summary", "merged.md"),
    ] {
        merging.extend([flag.to_owned(), path(reports, name)]);
    }
    let merging: Vec<&str> = merging.iter().map(String::as_str).collect();
    (whole, assize(at, &merging))
}

fn file(reports: &TempDir, name: &str) -> PathBuf {
    reports.path().join(name)
}

#[test]
fn three_shards_of_what_is_shipped_and_generated_merge_to_the_whole() {
    let reports = tempfile::tempdir().unwrap();
    let arguments = [
        "--generate",
        "--seed",
        "1",
        "--sequences",
        "4",
        "--races",
        "4",
        "--length",
        "10",
        "--filter",
        "pools/delete/in_use",
        "--filter",
        "pools/delete/combinations",
        "--filter",
        "generated/sequences",
        "--filter",
        "generated/races",
        "--filter",
        "healthmonitor/create/token",
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (whole, merged) = both(root, &reports, &arguments, 3);
    assert_eq!(whole.0, Some(0), "{}", whole.1);
    assert_eq!(merged.0, Some(0), "{}", merged.1);
    let (one, other) = (
        frozen(&file(&reports, "whole.json")),
        frozen(&file(&reports, "merged.json")),
    );
    assert!(one.contains("generated/races") && one.contains("generated/boundary"));
    assert!(one == other, "{}", differences(&one, &other));
    let (one, other) = (
        frozen(&file(&reports, "whole.xml")),
        frozen(&file(&reports, "merged.xml")),
    );
    assert!(one == other, "{}", differences(&one, &other));
}

const MANIFEST: &str = "\
suite: small
scenarios: cases
identities:
  owner: { headers: { X-Auth-Token: assize-owner } }
";

const REQUIREMENTS: &str = "\
requirements:
  - { id: R-1, level: must, text: pools are listed, source: here }
  - { id: R-2, level: must, text: what is not there is not found, source: here }
  - { id: R-3, level: must, text: nobody is let in, source: here }
";

const WAIVERS: &str = "\
- { case: 'a/fails-0', owner: o, reason: known, reference: r, expires: 2999-01-01 }
- { requirement: R-1, owner: o, reason: was known, reference: r, expires: 2999-01-01 }
- { case: 'a/fails-1', owner: o, reason: over, reference: r, expires: 2020-01-01 }
";

/// A suite in which cases pass, fail, are waived and cannot be judged, each several times.
fn small() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let mut cases = String::from("scenarios:\n");
    for at in 0..9 {
        for (name, requirement, status) in [("passes", "R-1", 200), ("fails", "R-2", 404)] {
            let _ = writeln!(
                cases,
                "  - id: {name}-{at}\n    title: {name} {at}\n    requirements: [{requirement}]\n    steps: {{ request: GET /v2.0/lbaas/pools, then: {{ status: {status} }} }}"
            );
        }
    }
    fs::create_dir(directory.path().join("cases")).unwrap();
    for (name, text) in [
        ("suite.yaml", format!("{MANIFEST}use: requirements.yaml\n")),
        (
            "requirements.yaml",
            REQUIREMENTS.replace("R-3, level: must", "R-3, untested: not yet, level: must"),
        ),
        ("waivers.yaml", WAIVERS.to_owned()),
        ("cases/a.yaml", cases),
    ] {
        fs::write(directory.path().join(name), text).unwrap();
    }
    directory
}

#[test]
fn what_depends_on_all_cases_is_worked_out_again() {
    let (suite, reports) = (small(), tempfile::tempdir().unwrap());
    let arguments = ["--seed", "7", "--waivers", "waivers.yaml"];
    let (whole, merged) = both(suite.path(), &reports, &arguments, 4);
    assert_eq!(whole.0, Some(1), "{}", whole.1);
    assert_eq!(merged.0, Some(1), "{}", merged.1);
    let one = frozen(&file(&reports, "whole.json"));
    // Of a waiver that nothing needs only all cases together can tell.
    assert!(one.contains("\"waivers/requirement R-1\""), "{one}");
    assert!(one.contains("\"waivers/case a/fails-1\""), "{one}");
    for name in ["json", "xml"] {
        let one = frozen(&file(&reports, &format!("whole.{name}")));
        let other = frozen(&file(&reports, &format!("merged.{name}")));
        assert!(one == other, "{name}\n{}", differences(&one, &other));
    }
    let page = fs::read_to_string(file(&reports, "merged.html")).unwrap();
    assert_eq!(page.matches("class=\"case\"").count(), 20);
    assert_eq!(page.matches("class=\"exchanges\"").count(), 9);
    let summary = fs::read_to_string(file(&reports, "merged.md")).unwrap();
    assert!(
        summary.contains("| 9 | 0 | 10 | 0 | 0 | 1 | 0 |"),
        "{summary}"
    );
}

#[test]
fn what_are_not_the_shards_of_one_run_is_refused_with_every_reason() {
    let (suite, reports) = (small(), tempfile::tempdir().unwrap());
    let run = |name: &str, more: &[&str]| {
        let json = path(&reports, name);
        assize(suite.path(), &[&["run", "--json", &json], more].concat());
        json
    };
    let first = run("1.json", &["--shard", "1/3"]);
    let second = run("2.json", &["--shard", "2/3"]);
    let again = run("2-again.json", &["--shard", "2/3"]);
    let third = run("3.json", &["--shard", "3/3"]);
    let whole = run("whole.json", &[]);
    let seeded = run("seeded.json", &["--shard", "3/3", "--seed", "5"]);
    let strict = run("strict.json", &["--shard", "3/3", "--strict"]);
    let filtered = run("filtered.json", &["--shard", "3/3", "--filter", "passes"]);
    let of_two = run("of-two.json", &["--shard", "1/2"]);
    let cases = suite.path().join("cases/a.yaml");
    let text = fs::read_to_string(&cases).unwrap();
    fs::write(&cases, text.replace("passes 0", "passes first")).unwrap();
    let changed = run("changed.json", &["--shard", "3/3"]);
    let mut document: Value = serde_json::from_str(&fs::read_to_string(&third).unwrap()).unwrap();
    document["cases"].as_array_mut().unwrap().pop();
    document["run"]["tool_version"] = "0.0.1".into();
    let cut = path(&reports, "cut.json");
    fs::write(&cut, document.to_string()).unwrap();

    let merged = path(&reports, "merged.json");
    for (given, reasons) in [
        (vec![&first, &second, &third], &[][..]),
        (vec![&first, &third], &["there is no report of shard 2/3"]),
        (vec![&second], &["there is no report of shard 1/3, 3/3"]),
        (
            vec![&first, &second, &again],
            &[
                "2.json and ",
                "are both of shard 2",
                "there is no report of shard 3/3",
            ],
        ),
        (
            vec![&first, &second, &seeded],
            &["another seed than", "5 and not 0"],
        ),
        (vec![&first, &second, &strict], &["another --strict than"]),
        (vec![&first, &second, &filtered], &["part of another plan"]),
        (vec![&first, &second, &changed], &["its files differ"]),
        (
            vec![&first, &second, &of_two],
            &["another number of shards", "both of shard 1"],
        ),
        (
            vec![&first, &second, &third, &whole],
            &["whole.json is the report of a whole run"],
        ),
        (
            vec![&first, &second, &cut],
            &["lacks 1 of its", "was written by assize 0.0.1"],
        ),
    ] {
        let mut arguments = vec!["merge", "--json", merged.as_str()];
        arguments.extend(given.iter().map(|path| path.as_str()));
        let _ = fs::remove_file(&merged);
        let Said(code, text) = assize(suite.path(), &arguments);
        assert_eq!(code, Some(if reasons.is_empty() { 1 } else { 2 }), "{text}");
        assert_eq!(Path::new(&merged).exists(), reasons.is_empty(), "{text}");
        for reason in reasons {
            assert!(text.contains(reason), "{reason} is not in\n{text}");
        }
    }
}

#[test]
fn a_shard_without_a_case_is_no_failure_and_a_plan_without_one_is() {
    let suite = small();
    let of_many = |more: &[&str]| {
        let arguments = [&["run", "--filter", "passes-0", "--shard"], more].concat();
        assize(suite.path(), &arguments)
    };
    let mut ran = 0;
    for number in 1..=3 {
        let Said(code, text) = of_many(&[&format!("{number}/3")]);
        assert_eq!(code, Some(0), "{text}");
        ran += usize::from(text.contains(&format!("shard {number}/3: 1 of 1 cases")));
    }
    assert_eq!(ran, 1);
    let Said(code, text) = of_many(&["1/3", "--tag", "none"]);
    assert_eq!(code, Some(2), "{text}");
    let Said(code, text) = of_many(&["4/3"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("there is no shard 4 of 3"), "{text}");
}

#[test]
fn the_shards_of_a_list_are_the_list() {
    let suite = small();
    let ids = |more: &[&str]| -> Vec<String> {
        let Said(code, text) = assize(suite.path(), &[&["list"], more].concat());
        assert_eq!(code, Some(0), "{text}");
        let named = text.lines().filter_map(|line| line.split_once('\t'));
        named.map(|(id, _)| id.to_owned()).collect()
    };
    let all = ids(&[]);
    assert_eq!(all.len(), 18);
    let mut of_shards = Vec::new();
    for number in 1..=3 {
        of_shards.extend(ids(&["--shard", &format!("{number}/3")]));
    }
    of_shards.sort();
    let mut sorted = all.clone();
    sorted.sort();
    assert_eq!(of_shards, sorted);
    // One case more moves no other.
    let before = ids(&["--shard", "2/3"]);
    let cases = suite.path().join("cases/a.yaml");
    let text = fs::read_to_string(&cases).unwrap();
    let more = "  - id: added\n    title: added\n    steps: GET /v2.0/lbaas/pools\n";
    fs::write(
        &cases,
        text.replacen("scenarios:\n", &format!("scenarios:\n{more}"), 1),
    )
    .unwrap();
    let after = ids(&["--shard", "2/3"]);
    assert!(
        before.iter().all(|id| after.contains(id)),
        "{before:?} {after:?}"
    );
    assert!(
        after
            .iter()
            .all(|id| before.contains(id) || id == "a/added"),
        "{after:?}"
    );
}
