//! Statements: what a run gives, worked out again by others, and never better than what was shown.

use assize::source::Source;
use assize::suite::yaml;
use serde_json::Value;

use crate::support::{Said, Written, assize, call, problems, said, small};

/// What of the suite is changed, more arguments, the verdicts of all and of the levels, and what is told.
type Shown<'a> = (
    &'a [(&'a str, &'a str)],
    &'a [&'a str],
    [&'a str; 3],
    &'a [&'a str],
);

pub(crate) const VENDOR: [&str; 8] = [
    "--organisation",
    "Example Cloud",
    "--product",
    "Balance",
    "--product-version",
    "12.3",
    "--contact",
    "elb@example.com",
];

/// A run of a suite that writes `NAME.yaml` with its evidence in `NAME`.
fn stated(written: &Written, suite: &str, name: &str, more: &[&str]) -> Said {
    let (file, evidence) = (written.path(&format!("{name}.yaml")), written.path(name));
    let own = [
        "run",
        "--suite",
        suite,
        "--seed",
        "7",
        "--statement",
        &file,
        "--evidence",
        &evidence,
    ];
    call(&[&own[..], &VENDOR, more].concat())
}

fn verified(written: &Written, name: &str) -> Said {
    let (file, evidence) = (written.path(&format!("{name}.yaml")), written.path(name));
    call(&["verify", &file, &evidence])
}

pub(crate) fn value(text: &str) -> Value {
    let mut found = Vec::new();
    let source = Source::new("statement.yaml", text);
    let node = yaml::parse(&source, &mut found);
    assert!(found.is_empty(), "{found:?}\n{text}");
    node.unwrap().to_json()
}

fn statement(written: &Written, name: &str) -> Value {
    value(&written.text(&format!("{name}.yaml")))
}

#[test]
fn a_statement_fits_its_schema_and_is_what_its_evidence_shows() {
    let written = Written::new();
    let suite = small(&written, &[]);
    let told = stated(&written, &suite, "a", &[]).exits(0);
    assert!(
        told.stderr.contains("a.yaml: conformant"),
        "{}",
        told.stderr
    );
    let text = written.text("a.yaml");
    let own = value(&text);
    assert_eq!(problems("statement.schema.json", &own), [""; 0]);
    for (pointer, expected) in [
        ("/organisation", "Example Cloud"),
        ("/version", "12.3"),
        ("/verdict", "conformant"),
        ("/suite/version", "1.2.0"),
        ("/run/seed", "7"),
        ("/levels/must/requirements/R-1/result", "passed"),
        ("/levels/must/requirements/R-5/result", "untested"),
        ("/levels/should/verdict", "conformant"),
        ("/levels/observe/R-4/result", "observed"),
    ] {
        assert_eq!(own.pointer(pointer).unwrap(), expected, "{pointer}");
    }
    assert_eq!(own["profile"]["features"]["lists"], true);

    // The same evidence gives the same bytes, and so does the same suite in another place.
    let again = written.path("b.yaml");
    let replay = ["replay", &written.path("a"), "--statement", &again];
    call(&[&replay[..], &VENDOR].concat()).exits(0);
    assert_eq!(written.text("b.yaml"), text);
    let moved = written.path("moved");
    std::fs::rename(&suite, &moved).unwrap();
    // The statement may lie beside the evidence, in its directory.
    let (file, evidence) = (written.path("c/c.yaml"), written.path("c"));
    let run = ["run", "--suite", &moved, "--statement", &file];
    call(&[&run[..], &["--evidence", &evidence], &VENDOR].concat()).exits(0);
    assert_eq!(statement(&written, "c/c")["suite"], own["suite"]);
    std::fs::rename(&moved, &suite).unwrap();

    let told = verified(&written, "a").exits(0);
    assert!(told.stdout.contains("what its evidence shows"), "{told:?}");
    // Who submits a statement could submit a suite, too.
    let note = "by the suite that the evidence names";
    assert!(told.stderr.contains(note), "{told:?}");
    let (file, evidence) = (written.path("a.yaml"), written.path("a"));
    let told = call(&["verify", &file, &evidence, "--suite", &suite]).exits(0);
    assert_eq!(told.stderr, "");
    let told = call(&["verify", &file, &evidence, "--suite", "lbaas-v2"]).exits(3);
    let why = "the suite small, which cannot be used; name it with --suite";
    assert!(told.stderr.contains(why), "{told:?}");
    let older = text.replace("tool_version: ", "tool_version: 0.0.1-");
    written.put("a.yaml", &older.replace("0.0.1-\"", "\"0.0.1-"));
    let told = verified(&written, "a").exits(0);
    assert!(told.stdout.contains("which assize 0.0.1-"), "{told:?}");
    // Who says it, no evidence can tell; all the rest it can.
    let changed = text
        .replace("product: Balance", "product: Swing")
        .replacen("verdict: conformant", "verdict: partial", 1)
        .replacen("result: untested", "result: passed", 1)
        .replacen("lists: true", "lists: false", 1);
    written.put("a.yaml", &changed);
    let told = verified(&written, "a").exits(1);
    for line in [
        "DIFFERS  verdict: claimed partial, recomputed conformant\n",
        "DIFFERS  profile, features, lists: claimed false, recomputed true\n",
        "DIFFERS  levels, must, requirements, R-5, result: claimed passed, recomputed untested\n",
        "differs from its evidence in 3 fields",
    ] {
        assert!(told.stdout.contains(line), "{line}\n{}", told.stdout);
    }
}

#[test]
fn what_was_not_shown_makes_a_statement_partial_and_what_is_broken_makes_it_not_conformant() {
    const WAIVERS: &str = "- { requirement: R-2, owner: o, reason: 'known: #1', reference: r, expires: 2999-01-01 }\n";
    let broken = &[("status: 404", "status: 418")][..];
    let nameless = &[(
        "scenarios:\n",
        "scenarios:\n  - { id: odd, steps: { request: GET /v2.0/lbaas/pools, then: { status: 418 } } }\n",
    )][..];
    let of_other = &[(
        "request: GET /v2.0/lbaas/pools/none",
        "request: GET /v2.0/lbaas/pools/none, as: other",
    )][..];
    let should = &[(
        "listeners, then: { status: 200",
        "listeners, then: { status: 418",
    )][..];
    let dead = ["--endpoint", "http://127.0.0.1:9"];
    let cases: [Shown<'_>; 9] = [
        (&[], &["--profile", "other"], ["conformant"; 3], &[]),
        (
            &[],
            &["--filter", "a/pools"],
            ["partial", "partial", "partial"],
            &["shown in part: R-1", "without a case that ran: R-2"],
        ),
        (
            of_other,
            &[],
            ["partial", "partial", "conformant"],
            &["without a case that ran: R-2"],
        ),
        (
            broken,
            &[],
            ["not conformant", "not conformant", "conformant"],
            &["broken: R-2"],
        ),
        (
            broken,
            &["--waivers", "WAIVERS"],
            ["partial", "partial", "conformant"],
            &["broken as a waiver says: R-2"],
        ),
        (
            nameless,
            &[],
            ["not conformant", "not conformant", "conformant"],
            &["cases in which something else is wrong: a/odd"],
        ),
        (
            should,
            &[],
            ["conformant", "conformant", "not conformant"],
            &["broken: R-3"],
        ),
        (
            should,
            &["--strict"],
            ["not conformant", "conformant", "not conformant"],
            &["broken: R-3"],
        ),
        (
            &[],
            &dead,
            ["partial", "partial", "partial"],
            &["could not be judged: R-1, R-2"],
        ),
    ];
    for (changed, more, verdicts, because) in cases {
        let written = Written::new();
        let suite = small(&written, changed);
        let waivers = written.put("waivers.yaml", WAIVERS);
        let more: Vec<&str> = (more.iter())
            .map(|part| if *part == "WAIVERS" { &waivers } else { *part })
            .collect();
        let told = stated(&written, &suite, "a", &more);
        assert_ne!(told.code, Some(2), "{}", told.stderr);
        let own = statement(&written, "a");
        let levels = &own["levels"];
        assert_eq!(
            [
                &own["verdict"],
                &levels["must"]["verdict"],
                &levels["should"]["verdict"]
            ],
            verdicts,
            "{more:?}\n{}",
            told.stderr
        );
        for cause in because {
            assert!(told.stderr.contains(cause), "{cause}\n{}", told.stderr);
        }
        verified(&written, "a").exits(0);
        let pools = &levels["must"]["requirements"]["R-1"]["cases"];
        if more.contains(&"other") {
            assert_eq!(pools["not_applicable"], 1, "{pools}");
        }
        if more.contains(&"a/pools") {
            assert_eq!(own["skipped"][0]["reason"], "not selected");
            assert_eq!(own["skipped"][0]["cases"].as_array().unwrap().len(), 4);
        }
        if own["waivers"].is_array() {
            assert_eq!(own["waivers"][0]["reason"], "known: #1");
            assert_eq!(own["waivers"][0]["needed"], 1);
        }
    }
}

#[test]
fn a_waiver_of_one_case_does_not_cover_another() {
    let written = Written::new();
    let suite = small(
        &written,
        &[
            ("pools, then: { status: 200", "pools, then: { status: 418"),
            ("a, then: { status: 200", "a, then: { status: 418"),
        ],
    );
    let waivers = written.put(
        "waivers.yaml",
        "- { case: a/pools, owner: o, reason: known, reference: r, expires: 2999-01-01 }\n",
    );
    let json = written.path("a.json");
    stated(
        &written,
        &suite,
        "a",
        &["--waivers", &waivers, "--json", &json],
    )
    .exits(1);
    let of_report = &written.json("a.json")["summary"]["requirements"][0];
    assert_eq!(
        (&of_report["id"], &of_report["verdict"]),
        (&"R-1".into(), &"fail".into())
    );
    let of_statement = &statement(&written, "a")["levels"]["must"]["requirements"]["R-1"];
    assert_eq!(of_statement["result"], "failed");
    assert_eq!(of_statement["cases"]["failed"], 1);
    assert_eq!(of_statement["cases"]["waived"], 1);
    assert_eq!(
        of_statement["see"],
        serde_json::json!(["a/pools", "a/members"])
    );
}

#[test]
fn what_a_statement_lacks_is_told_before_anything_is_sent() {
    let written = Written::new();
    let suite = small(&written, &[]);
    let bare = small_without_requirements(&written);
    let (file, evidence) = (written.path("a.yaml"), written.path("a"));
    let target = written.put(
        "some.toml",
        "[statement]\nproduct = \"P\"\nversion = \" \"\n",
    );
    let statement = ["--statement", &file];
    let kept = ["--evidence", evidence.as_str()];
    let cases: [(&str, Vec<&str>, &[&str]); 6] = [
        (
            &suite,
            [&statement[..], &kept].concat(),
            &[
                "give --organisation TEXT --product TEXT --product-version TEXT --contact TEXT",
                "[statement]",
                "contact = ",
            ],
        ),
        (
            &suite,
            [
                &statement[..],
                &kept,
                &["--target", &target, "--contact", "c"],
            ]
            .concat(),
            &[
                "give --organisation TEXT --product-version TEXT, or",
                "organisation = \"…\", version = \"…\"\n",
            ],
        ),
        (
            &suite,
            [&statement[..], &VENDOR].concat(),
            &["where to keep it with --evidence DIR"],
        ),
        (
            &suite,
            [&statement[..], &kept, &VENDOR, &["--evidence-of", "failed"]].concat(),
            &["leave out --evidence-of failed"],
        ),
        (
            &suite,
            [&statement[..], &kept, &VENDOR, &[&suite]].concat(),
            &["instead of paths"],
        ),
        (
            &bare,
            [&statement[..], &kept, &VENDOR].concat(),
            &["has no requirements"],
        ),
    ];
    for (suite, more, parts) in cases {
        let own = ["run", "--suite", suite, "--endpoint", "http://127.0.0.1:9"];
        let told = call(&[&own[..], &more].concat()).exits(2);
        for part in parts {
            assert!(told.stderr.contains(part), "{part}\n{}", told.stderr);
        }
        assert!(!written.directory().join("a").exists());
        assert!(!written.directory().join("a.yaml").exists());
    }
    call(&["run", "--suite", &suite, "--evidence", &evidence]).exits(0);
    let told = call(&[&["replay", evidence.as_str()][..], &statement, &VENDOR].concat()).exits(2);
    assert!(told.stderr.contains("--evidence-of all"), "{}", told.stderr);
}

fn small_without_requirements(written: &Written) -> String {
    let root = written.directory().join("bare");
    std::fs::create_dir_all(root.join("cases")).unwrap();
    std::fs::write(root.join("suite.yaml"), "suite: bare\nscenarios: cases\n").unwrap();
    std::fs::write(root.join("cases/a.yaml"), "steps: GET /\n").unwrap();
    root.to_str().unwrap().to_owned()
}

#[test]
fn what_cannot_be_judged_is_told_from_what_differs() {
    let written = Written::new();
    let suite = small(&written, &[]);
    stated(&written, &suite, "a", &[]).exits(0);
    stated(&written, &suite, "b", &[]).exits(0);
    let text = written.text("a.yaml");
    let refused = |parts: &[&str]| {
        let told = verified(&written, "a").exits(3);
        for part in parts {
            assert!(told.stderr.contains(part), "{part}\n{}", told.stderr);
        }
    };
    for (changed, parts) in [
        ("{".to_owned(), &["a.yaml:1"][..]),
        (String::new(), &["a.yaml:1:1", "null is not"]),
        (
            text.replacen("strict: false", "strict: perhaps", 1),
            &["/run/strict", "a.yaml:", "bad-statement"],
        ),
        (
            text.replacen("result: passed", "result: great", 1),
            &["/levels/must/requirements/R-1/result", "great"],
        ),
        (
            text.replacen("format: 1", "format: 2", 1),
            &["its format is not 1", "use the program that wrote it"],
        ),
        (
            text.replacen("product: ", "colour: red\nproduct: ", 1),
            &["colour"],
        ),
        (
            written.text("b.yaml"),
            &["is not the evidence of", "ask for the directory"],
        ),
    ] {
        written.put("a.yaml", &changed);
        refused(parts);
    }
    written.put("a.yaml", &text);

    let manifest = written.json("a/manifest.json");
    let file = manifest["files"]
        .as_object()
        .unwrap()
        .keys()
        .next()
        .unwrap();
    let name = format!("a/{file}");
    let har = written.text(&name);
    written.put(
        &name,
        &har.replacen("\"status\": 200", "\"status\": 201", 1),
    );
    refused(&[file, "is not as it was recorded", "ask for the directory"]);
    std::fs::remove_file(written.path(&name)).unwrap();
    refused(&[file, "cannot be read"]);
    written.put(&name, &har);
    verified(&written, "a").exits(0);

    small(
        &written,
        &[("found: { status: 200 }", "found: { status: 201 }")],
    );
    refused(&["another state of the suite small", "--suite"]);
    small(&written, &[]);
    std::fs::remove_file(written.path("a.yaml")).unwrap();
    refused(&["a.yaml cannot be read", "--statement wrote"]);
    std::fs::rename(written.path("b"), written.path("a-gone")).unwrap();
    written.put("a.yaml", &text);
    std::fs::remove_dir_all(written.path("a")).unwrap();
    refused(&["a/manifest.json cannot be read", "name the directory"]);
}

#[test]
fn what_a_statement_tells_is_text_and_no_secret() {
    let hostile =
        "yes: - {a}: &b *c !d | > % @ ` # \"'\\\u{1b}[31m\u{85}\u{2028}\u{0}\t\r\n---\n...\u{feff}";
    let written = Written::new();
    let suite = small(&written, &[]);
    let (file, evidence) = (written.path("a.yaml"), written.path("a"));
    for (at, organisation) in [
        &hostile.replace('\u{0}', ""),
        "null",
        "2027-01-31",
        "0x10",
        "1:30",
        "~",
        "no",
    ]
    .into_iter()
    .enumerate()
    {
        let evidence = format!("{evidence}{at}");
        let mut arguments = VENDOR.to_vec();
        arguments[1] = organisation;
        let own = ["run", "--suite", &suite, "--filter", "a/pools"];
        let more = ["--statement", &file, "--evidence", &evidence];
        call(&[&own[..], &more, &arguments].concat()).exits(0);
        let text = written.text("a.yaml");
        assert_eq!(value(&text)["organisation"], organisation.trim(), "{text}");
        let inert =
            |c: char| c == '\n' || !c.is_control() && !['\u{2028}', '\u{feff}'].contains(&c);
        assert!(text.chars().all(inert), "{text:?}");
    }
    let mut command = assize();
    command
        .args(["run", "--suite", &suite, "--statement", &file])
        .args(["--evidence", &written.path("told")])
        .args(VENDOR)
        .env("ASSIZE_VAR_OTHER", "elb@example.com");
    let told = said(&mut command).exits(3);
    assert!(
        told.stderr.contains("a.yaml told the secret other"),
        "{}",
        told.stderr
    );
    assert!(!written.directory().join("a.yaml").exists());
}

#[test]
fn the_statements_of_shards_are_joined_with_their_evidence() {
    let written = Written::new();
    let suite = small(&written, &[]);
    stated(&written, &suite, "whole", &[]).exits(0);
    let json = |name: &str| written.path(&format!("{name}.json"));
    for (name, more) in [
        ("one", &["--shard", "1/2"][..]),
        ("two", &["--shard", "2/2"]),
        ("again", &["--shard", "2/2"]),
        ("swing", &["--shard", "2/2"]),
    ] {
        let json = json(name);
        stated(&written, &suite, name, &[more, &["--json", &json]].concat()).exits(0);
        let own = statement(&written, name);
        assert_eq!(own["verdict"], "partial", "{own}");
        assert_eq!(own["run"]["shard"], more[1]);
        verified(&written, name).exits(0);
    }
    let merged = |statements: &[&str], more: &[&str]| {
        let mut arguments = vec!["merge".to_owned()];
        arguments.extend(["one", "two"].map(json));
        arguments.extend(["one", "two"].map(|name| written.path(name)));
        arguments.extend(
            statements
                .iter()
                .map(|name| written.path(&format!("{name}.yaml"))),
        );
        arguments.extend(more.iter().map(|part| (*part).to_owned()));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        call(&arguments)
    };
    let (file, evidence) = (written.path("all.yaml"), written.path("all"));
    let both = ["--statement", &file, "--evidence", &evidence];
    let swing = written.text("two.yaml").replace("Balance", "Swing");
    written.put("swing.yaml", &swing);
    for (statements, more, reasons) in [
        (
            &["one"][..],
            &both[..],
            &["there is no statement of", "two; give that of each"][..],
        ),
        (
            &["one", "two", "two"],
            &both,
            &["are of the same shard; give one"],
        ),
        (
            &["one", "again"],
            &both,
            &["again.yaml rests on other evidence"],
        ),
        (
            &["one", "swing"],
            &both,
            &[
                "swing.yaml has another product than",
                "Swing and not Balance",
            ],
        ),
        (&["one", "two"], &both[2..], &["--statement FILE"]),
        (&[], &both, &["give --organisation TEXT"]),
    ] {
        let told = merged(statements, more).exits(2);
        for reason in reasons {
            assert!(told.stderr.contains(reason), "{reason}\n{}", told.stderr);
        }
        assert!(!written.directory().join("all.yaml").exists());
    }
    merged(&["two", "one"], &both).exits(0);
    verified(&written, "all").exits(0);
    let (mut all, mut whole) = (statement(&written, "all"), statement(&written, "whole"));
    for own in [&mut all, &mut whole] {
        for volatile in ["id", "endpoint", "started", "duration_ms"] {
            own["run"][volatile] = Value::Null;
        }
        own["evidence"] = Value::Null;
    }
    assert_eq!(all, whole);
}
