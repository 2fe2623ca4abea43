//! The JSON document and the events.

use serde_json::Value;

use crate::evidence::missing;
use crate::statement::{self, VENDOR};
use crate::support::{Emulator, THREE, Written, assize, call, problems, said, test_cases};

#[test]
fn the_published_schemas_are_those_of_the_code() {
    for (name, of) in [
        ("report.schema.json", "report"),
        ("events.schema.json", "events"),
        ("statement.schema.json", "statement"),
    ] {
        let path = crate::support::root().join("schema").join(name);
        assert_eq!(
            std::fs::read_to_string(path).unwrap(),
            call(&["schema", of]).exits(0).stdout,
            "run `assize schema {of} > schema/{name}`"
        );
    }
}

#[test]
fn a_run_with_defects_gives_every_format_at_once_and_each_fits_its_schema() {
    let emulator = Emulator::start("otc-v2", &THREE);
    let to = Written::new();
    let (report, events) = (to.path("deep/report.json"), to.path("events.ndjson"));
    let [junit, html, summary, evidence, stated] = [
        "TEST-run.xml",
        "report.html",
        "summary.md",
        "evidence",
        "statement.yaml",
    ]
    .map(|name| to.path(name));
    let all = [
        ("--endpoint", &emulator.url),
        ("--json", &report),
        ("--events", &events),
        ("--junit", &junit),
        ("--html", &html),
        ("--summary", &summary),
        ("--evidence", &evidence),
        ("--statement", &stated),
    ];
    let said = said(
        assize()
            .arg("run")
            .args(all.iter().flat_map(|(flag, value)| [*flag, value.as_str()]))
            .args(VENDOR)
            .env("GITHUB_ACTIONS", "true"),
    )
    .exits(1);
    assert_eq!(said.stdout.matches("\n::error file=").count(), 10);
    let document = to.json("deep/report.json");
    assert_eq!(problems("report.schema.json", &document), [""; 0]);
    assert_eq!(document["summary"]["exit_code"], 1);
    let failed: Vec<&Value> = (document["cases"].as_array().unwrap().iter())
        .filter(|case| case["verdict"] == "fail")
        .collect();
    assert_eq!(document["summary"]["counts"]["failed"], failed.len());
    assert!(failed.len() > 3, "{}", failed.len());
    for case in failed {
        assert!(!case["exchanges"].as_array().unwrap().is_empty());
        let written = document["summary"]["scenarios"].as_array().unwrap();
        assert!(
            written.iter().any(|it| it["location"] == case["location"]),
            "{}",
            case["id"]
        );
    }

    let cases = document["cases"].as_array().unwrap().len();
    assert_eq!(test_cases(&to.text("TEST-run.xml")), cases);
    assert_eq!(
        to.text("report.html").matches("class=\"case\">").count(),
        cases
    );
    assert!(to.text("summary.md").contains("### What failed\n"));
    let stated = statement::value(&to.text("statement.yaml"));
    assert_eq!(problems("statement.schema.json", &stated), [""; 0]);
    let manifest = to.json("evidence/manifest.json");
    let kept = manifest["cases"].as_array().unwrap();
    for case in kept.iter().filter(|case| case["verdict"] == "fail") {
        let file = case["file"].as_str().unwrap();
        assert_eq!(missing(&to.json(&format!("evidence/{file}"))), [""; 0]);
    }

    let lines: Vec<Value> = (to.text("events.ndjson").lines())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for line in &lines {
        assert_eq!(problems("events.schema.json", line), [""; 0]);
    }
    assert_eq!(lines.first().unwrap()["event"], "started");
    assert_eq!(lines.last().unwrap()["event"], "finished");
    assert_eq!(lines.last().unwrap()["summary"], document["summary"]);
    let cases: Vec<&Value> = lines.iter().filter_map(|line| line.get("case")).collect();
    assert_eq!(
        cases,
        document["cases"]
            .as_array()
            .unwrap()
            .iter()
            .collect::<Vec<_>>()
    );
}

#[test]
fn a_report_that_cannot_be_written_is_told_before_anything_is_sent() {
    let to = Written::new();
    for option in ["--json", "--events", "--junit"] {
        let directory = to.directory().to_str().unwrap();
        let said = call(&["run", option, directory]).exits(2);
        assert!(said.stderr.contains(directory), "{}", said.stderr);
        assert_eq!(said.stdout, "");
    }
}

/// Runs with a limit on the size of files, as a disk that fills up.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_every_report_whole() {
    let to = Written::new();
    let program = env!("CARGO_BIN_EXE_assize");
    to.put("suite.yaml", "suite: many\nscenarios: all.yaml\n");
    let cases: String = (0..1000)
        .map(|at| format!("  - {{ id: case-{at}, title: {at}, steps: [GET /] }}\n"))
        .collect();
    to.put("all.yaml", &format!("scenarios:\n{cases}"));
    // What stands behind the cases tells of each scenario: more than the last of them, whose ends are all known.
    // Nobody listens there: every case is an error, which is more to tell than a pass.
    // More would be written into each; the signal that a too large file brings is ignored, as a full disk sends none.
    let script = format!(
        "trap '' XFSZ; ulimit -f 300; exec {program} run --suite . --endpoint http://127.0.0.1:9 --json report.json --junit report.xml --html report.html --events events.ndjson"
    );
    let said = said(
        crate::support::plain(std::process::Command::new("bash").args(["-c", &script]))
            .current_dir(to.directory()),
    );
    assert_eq!(said.code, Some(2), "{}", said.stderr);
    assert!(
        said.stderr
            .contains("events.ndjson: no more events are written")
    );

    let document = to.json("report.json");
    assert_eq!(problems("report.schema.json", &document), [""; 0]);
    let cases = document["cases"].as_array().unwrap().len();
    let xml = to.text("report.xml");
    let page = to.text("report.html");
    assert!(page.ends_with("</html>\n"));
    let shown = page.matches("class=\"case\"").count();
    for (name, cases) in [
        ("report.json", cases),
        ("report.xml", test_cases(&xml)),
        ("report.html", shown),
    ] {
        assert!(cases > 10, "{name}: {cases}");
        let left = 1000 - cases;
        let told = format!("{name} is whole but not complete, its last {left} cases are missing");
        assert!(said.stderr.contains(&told), "{}", said.stderr);
    }
    // Where many are written at once, as many of them are as there is room for.
    for (name, length) in [("xml", xml.len()), ("html", page.len())] {
        assert!(length > (300 - 16) << 10, "{name}: {length}");
    }
    let events = to.text("events.ndjson");
    assert!(events.lines().count() > 10 && events.ends_with('\n'));
    for line in events.lines() {
        let line = serde_json::from_str(line).unwrap();
        assert_eq!(problems("events.schema.json", &line), [""; 0]);
    }
}
