//! Evidence of shards: judged again alone and together, and joined of one run only.

use crate::support::{Emulator, Said, THREE, Written, call, small};

/// What a shard with this number writes, with all that goes and comes.
fn shard(written: &Written, emulator: &Emulator, name: &str, shard: &str, more: &[&str]) {
    let (evidence, json) = (written.path(name), written.path(&format!("{name}.json")));
    let mut arguments = vec![
        "run",
        "--endpoint",
        &emulator.url,
        "--shard",
        shard,
        "--evidence",
        &evidence,
        "--evidence-of",
        "all",
        "--json",
        &json,
    ];
    arguments.extend(more);
    let told = call(&arguments);
    assert!(matches!(told.code, Some(0 | 1)), "{told:?}");
}

/// Joins reports and evidence of these names.
fn merged(written: &Written, reports: &[&str], evidence: &[&str]) -> Said {
    let mut arguments = vec!["merge".to_owned()];
    arguments.extend(
        reports
            .iter()
            .map(|name| written.path(&format!("{name}.json"))),
    );
    arguments.extend(evidence.iter().map(|name| written.path(name)));
    for (flag, name) in [
        ("--json", "all.json"),
        ("--junit", "all.xml"),
        ("--evidence", "all"),
    ] {
        arguments.extend([flag.to_owned(), written.path(name)]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    call(&arguments)
}

fn replayed(written: &Written, name: &str) -> Said {
    let (json, junit) = (written.path("again.json"), written.path("again.xml"));
    let evidence = written.path(name);
    call(&["replay", &evidence, "--json", &json, "--junit", &junit])
}

#[test]
fn the_evidence_of_shards_is_judged_again_as_what_each_was_and_joined_as_the_whole() {
    let written = Written::new();
    let emulator = Emulator::start("otc-v2", &THREE);
    for (name, number) in [("one", "1/2"), ("two", "2/2")] {
        let more = ["--suite", "lbaas-v2", "--filter", "policies/"];
        shard(&written, &emulator, name, number, &more);
        let again = replayed(&written, name);
        assert!(again.stdout.contains("as they were"), "{}", again.stdout);
        assert_eq!(
            written.text("again.json"),
            written.text(&format!("{name}.json"))
        );
    }
    let whole = merged(&written, &["one", "two"], &["two", "one"]).exits(1);
    assert!(whole.stdout.contains("failed"), "{}", whole.stdout);
    // What was joined stands for itself.
    for name in ["one", "two"] {
        std::fs::remove_dir_all(written.path(name)).unwrap();
    }
    let again = replayed(&written, "all").exits(1);
    assert!(again.stdout.contains("as they were"), "{}", again.stdout);
    assert_eq!(written.text("again.json"), written.text("all.json"));
    assert_eq!(written.text("again.xml"), written.text("all.xml"));
    let report = written.json("all.json");
    let cases = report["cases"].as_array().unwrap().iter();
    for case in cases.filter(|case| case["verdict"] != "skip") {
        let file = case["evidence"].as_str().unwrap();
        assert!(std::path::Path::new(file).is_file(), "{file}");
    }

    let manifest = written.path("all/shard-2/manifest.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replace("\"fail\"", "\"pass\"")).unwrap();
    let again = replayed(&written, "all").exits(3);
    for part in ["shard-2/manifest.json is not as it was recorded", "says "] {
        assert!(again.stderr.contains(part), "{}", again.stderr);
    }
}

#[test]
fn evidence_of_anything_but_all_shards_of_the_run_is_refused_by_name() {
    let written = Written::new();
    let emulator = Emulator::start("otc-v2", &[]);
    let suite = small(&written, &[]);
    let shard = |name: &str, number: &str, more: &[&str]| {
        let more = [&["--suite", &suite], more].concat();
        shard(&written, &emulator, name, number, &more);
    };
    shard("one", "1/2", &[]);
    shard("two", "2/2", &[]);
    shard("again", "2/2", &[]);
    shard("seeded", "2/2", &["--seed", "5"]);
    shard("strange", "2/2", &["--profile", "other"]);
    let both = ["one", "two"];
    for (evidence, reasons) in [
        (&["one"][..], &["there is no evidence of shard 2/2"][..]),
        (&[], &["there is no evidence to be merged"]),
        (
            &["one", "two", "two"],
            &["are both of shard 2; give the evidence"],
        ),
        (
            &["one", "again"],
            &["again is of another run than", "two.json"],
        ),
        (
            &["one", "seeded"],
            &["seeded has another seed than", "5 and not 0"],
        ),
        (
            &["one", "strange"],
            &["strange has another profile than", "other and not plain"],
        ),
    ] {
        let told = merged(&written, &both, evidence).exits(2);
        for reason in reasons {
            assert!(told.stderr.contains(reason), "{reason}\n{}", told.stderr);
        }
        assert!(!written.directory().join("all.json").exists());
    }
    let whole = written.path("one.json");
    let told = call(&["merge", &whole, &written.path("one")]).exits(2);
    assert!(told.stderr.contains("--evidence DIR"), "{}", told.stderr);

    let files = both.map(|name| {
        let manifest = written.json(&format!("{name}/manifest.json"));
        let mut files = manifest["files"].as_object().unwrap().keys();
        let file = format!("{name}/{}", files.next().unwrap());
        std::fs::remove_file(written.path(&file)).unwrap();
        file
    });
    let told = merged(&written, &both, &both).exits(2);
    for file in files {
        assert!(told.stderr.contains(&file), "{}", told.stderr);
    }
    assert!(!written.directory().join("all/manifest.json").exists());
}

#[test]
fn no_manifest_leads_out_of_its_directory() {
    let written = Written::new();
    let emulator = Emulator::start("otc-v2", &[]);
    let suite = small(&written, &[]);
    shard(&written, &emulator, "one", "1/1", &["--suite", &suite]);
    let manifest = written.text("one/manifest.json");
    let text = manifest.replacen(
        "\"files\": {",
        "\"files\": {\n    \"../../outside\": \"00\",",
        1,
    );
    written.put("one/manifest.json", &text);
    let told = merged(&written, &["one"], &["one"]).exits(2);
    assert!(
        told.stderr.contains("outside of its directory"),
        "{}",
        told.stderr
    );

    std::fs::remove_dir_all(written.path("all")).unwrap();
    written.put("one/manifest.json", &manifest);
    merged(&written, &["one"], &["one"]).exits(0);
    let joined = written.text("all/manifest.json");
    written.put("all/manifest.json", &joined.replace("shard-1", "../one"));
    let told = replayed(&written, "all").exits(2);
    assert!(
        told.stderr.contains("outside of the evidence"),
        "{}",
        told.stderr
    );
}
