//! Waivers, what is run again, what is told in short, and what changed.

use crate::support::{Emulator, Said, Written, assize, call, said};

/// A run of the cases on members, on an emulator that looks at none.
fn run_members(emulator: &Emulator, to: &Written, more: &[&str]) -> Said {
    let (json, found) = (to.path("report.json"), to.path("found"));
    let mut arguments = vec![
        "run",
        "--endpoint",
        &emulator.url,
        "--json",
        &json,
        "--found",
        &found,
        "--ledger",
    ];
    let ledger = to.path("ledger");
    arguments.push(&ledger);
    arguments.extend(more);
    call(&arguments)
}

fn waiver(covers: &str, expires: &str) -> String {
    format!(
        "- {covers}\n  owner: elb\n  reason: members are not looked at\n  reference: V-12\n  expires: {expires}\n"
    )
}

#[test]
fn a_known_deviation_is_waived_in_every_report_until_it_is_over() {
    let emulator = Emulator::start("otc-v2", &["members-ignored"]);
    let to = Written::new();
    let members = ["--filter", "pools/delete/members/one-member"];
    run_members(&emulator, &to, &members).exits(1);

    for covers in ["case: pools/delete/members/*", "requirement: DP-*"] {
        let file = to.put("waivers.yaml", &waiver(covers, "2999-12-31"));
        let (junit, html, summary) = (to.path("j.xml"), to.path("r.html"), to.path("s.md"));
        let more = [
            &members[..],
            &[
                "--waivers",
                &file,
                "--junit",
                &junit,
                "--html",
                &html,
                "--summary",
                &summary,
            ],
        ]
        .concat();
        let said = run_members(&emulator, &to, &more).exits(0);
        let text = "until 2999-12-31: members are not looked at (elb, V-12)";
        assert!(said.stdout.contains(text), "{}", said.stdout);
        let document = to.json("report.json");
        assert_eq!(document["cases"][0]["verdict"], "waived");
        assert_eq!(document["cases"][0]["reason"], text);
        assert!(
            to.text("j.xml")
                .contains(&format!("<skipped message=\"waived: {text}\">"))
        );
        assert!(to.text("r.html").contains(text));
        assert!(to.text("s.md").contains("### Known to deviate"));
    }

    let file = to.put(
        "waivers.yaml",
        &waiver("case: pools/delete/members/*", "2026-01-31"),
    );
    let said = run_members(
        &emulator,
        &to,
        &[&members[..], &["--waivers", &file]].concat(),
    )
    .exits(1);
    assert!(
        said.stdout.contains("a waiver is over: until 2026-01-31"),
        "{}",
        said.stdout
    );
    let ids: Vec<String> = to.json("report.json")["cases"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|case| case["verdict"] == "fail")
        .map(|case| case["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        ids,
        [
            "pools/delete/members/one-member",
            "waivers/case pools/delete/members/*"
        ]
    );
}

#[test]
fn a_waiver_that_is_not_needed_is_told_of_and_fails_only_where_everything_ran() {
    let (suite, to) = (Written::new(), Written::new());
    suite.put("suite.yaml", "suite: small\nscenarios: all.yaml\n");
    suite.put(
        "all.yaml",
        "scenarios:\n  - { id: a, title: a, steps: [{ request: GET /v2.0/lbaas/pools, then: { status: 4xx } }] }\n  - { id: b, title: b, steps: [{ request: GET /v2.0/lbaas/pools, then: { status: 4xx } }] }\n",
    );
    let emulator = Emulator::start("otc-v2", &[]);
    let file = to.put("waivers.yaml", &waiver("case: all/a", "2999-12-31"));
    let root = suite.path("");
    let of = ["--suite", &root, "--waivers", &file];
    let said = run_members(&emulator, &to, &[&of[..], &["--filter", "all/a"]].concat()).exits(0);
    assert!(
        said.stdout
            .contains("the waiver of case all/a may be out of date"),
        "{}",
        said.stdout
    );
    assert_eq!(
        to.json("report.json")["summary"]["notices"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let said = run_members(&emulator, &to, &of).exits(1);
    assert!(
        said.stdout.contains("FAIL  waivers/case all/a"),
        "{}",
        said.stdout
    );
}

#[test]
fn waivers_that_are_wrong_end_the_run_before_it_begins() {
    let to = Written::new();
    let file = to.put(
        "waivers.yaml",
        &(waiver("case: pools/remove/*", "2999-12-31")
            + &waiver("requirement: XX-1", "2999-12-31")),
    );
    let said = call(&["run", "--waivers", &file]).exits(2);
    for part in [
        "no case of the suite is `pools/remove/*`",
        "no requirement of the suite is `XX-1`",
        "waivers.yaml:1:",
        "2 problems found",
    ] {
        assert!(said.stderr.contains(part), "{part}\n{}", said.stderr);
    }
    assert_eq!(said.stdout, "");
}

#[test]
fn what_did_not_pass_is_run_again_and_nothing_else() {
    let to = Written::new();
    let wrong = Emulator::start("otc-v2", &["method-overridden"]);
    let shape = ["--filter", "pools/delete/request_shape/*"];
    run_members(&wrong, &to, &shape).exits(1);
    let first = to.json("report.json");
    let earlier = to.put("earlier.json", &to.text("report.json"));
    drop(wrong);
    let mended = Emulator::start("otc-v2", &[]);
    run_members(&mended, &to, &["--rerun", &earlier]).exits(0);
    let again = to.json("report.json");
    let ids = |document: &serde_json::Value, verdict: &str| -> Vec<String> {
        (document["cases"].as_array().unwrap().iter())
            .filter(|case| case["verdict"] == verdict)
            .map(|case| case["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids(&first, "fail"), ids(&again, "pass"));
    assert_eq!(
        again["cases"].as_array().unwrap().len(),
        ids(&first, "fail").len()
    );
    assert_eq!(first["run"]["seed"], again["run"]["seed"]);

    let clean = to.put("clean.json", &to.text("report.json"));
    let said = run_members(&mended, &to, &["--rerun", &clean]).exits(4);
    assert!(
        said.stderr.contains("no case of this suite failed"),
        "{}",
        said.stderr
    );
    let said = run_members(&mended, &to, &["--rerun", &to.put("x.json", "{}")]).exits(2);
    assert!(
        said.stderr
            .contains("x.json cannot be used; name a file that --json wrote"),
        "{}",
        said.stderr
    );

    // Between the two, the endpoint was mended.
    let said = call(&["diff", &earlier, &clean]).exits(1);
    assert!(
        said.stdout
            .contains("What cases came to (1)\n  pools/delete/request_shape/method-override\n"),
        "{}",
        said.stdout
    );
    assert!(
        call(&["diff", &clean, &clean])
            .exits(0)
            .stdout
            .ends_with("\nNo differences.\n")
    );
}

#[test]
fn two_vendors_differ_in_what_their_contracts_say() {
    let to = Written::new();
    for profile in ["otc-v2", "octavia"] {
        let json = to.path(&format!("{profile}.json"));
        call(&[
            "run",
            "--profile",
            profile,
            "--filter",
            "pools/delete/members/*",
            "--filter",
            "pools/delete/policies/*",
            "--json",
            &json,
        ])
        .exits(0);
    }
    let said = call(&["diff", &to.path("otc-v2.json"), &to.path("octavia.json")]).exits(1);
    for part in [
        "\nWhat is demanded (",
        // What the two contracts say of the same thing, and what became of it, one below the other.
        "\n  DP-10\n    otc-v2   must           pass       A pool that has at least one member is not deleted.\n    octavia  must           skip       A pool that has members is deleted with 204, and its members are deleted together with it.\n",
        "\n  DP-17\n    otc-v2   should         pass       A member with weight 0",
        "\n    octavia  not_applicable skip       A member with weight 0",
        "\n  DP-22\n    otc-v2   must           pass       A pool that a forwarding policy names",
        "\n    octavia  must           pass       The deletion of a pool that a policy names in redirect_pool_id is refused with 409.\n",
        "\nRan for otc-v2 only (",
        "\n  pools/delete/members/one-member\n",
    ] {
        assert!(said.stdout.contains(part), "{part}\n{}", said.stdout);
    }
}

#[test]
fn github_gets_annotations_and_a_summary_and_obeys_no_answer() {
    let emulator = Emulator::start("otc-v2", &["members-ignored"]);
    let to = Written::new();
    let summary = to.put("step-summary.md", "# before\n");
    let said = said(
        assize()
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_STEP_SUMMARY", &summary)
            .args([
                "run",
                "--endpoint",
                &emulator.url,
                "--filter",
                "pools/delete/members/one-member",
            ])
            .args(["--ledger", &to.path("ledger")]),
    )
    .exits(1);
    let mut lines = said.stdout.lines();
    let token = lines
        .next()
        .unwrap()
        .strip_prefix("::stop-commands::")
        .unwrap();
    assert_eq!(token.len(), 32);
    let end = format!("::{token}::");
    let commands: Vec<&str> = lines.skip_while(|line| *line != end).skip(1).collect();
    assert_eq!(commands.len(), 1, "{}", said.stdout);
    assert!(
        commands[0].starts_with("::error file=scenarios/pools/delete/members.yaml,line="),
        "{commands:?}"
    );
    let text = to.text("step-summary.md");
    assert!(
        text.starts_with("# before\n## ❌ 1 of 1 cases failed\n"),
        "{text}"
    );
}
