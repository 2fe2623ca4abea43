//! A run to render in tests: one case of every kind.

use std::time::Duration;

use jiff::Timestamp;

use crate::exchange::{Exchange, Phase, Request, Response};
use crate::outcome::{
    CaseOutcome, Finding, Leak, Observation, RequirementResult, RunReport, Verdict, Written,
    written_later,
};
use crate::source::Location;
use crate::suite::model::Level;

pub(super) fn place(line: usize) -> Location {
    Location {
        file: "scenarios/pools/delete/in_use.yaml".to_owned(),
        line,
        column: 5,
    }
}

pub(super) fn case(name: &str, title: &str, verdict: Verdict) -> CaseOutcome {
    CaseOutcome {
        id: format!("pools/delete/in_use/{name}"),
        title: title.to_owned(),
        group: "pools/delete/in_use".to_owned(),
        feature: None,
        location: place(12),
        why: None,
        tags: Vec::new(),
        requirements: vec!["DP-10".to_owned()],
        verdict,
        reason: None,
        findings: Vec::new(),
        judged: 1,
        not_judged: Vec::new(),
        observations: Vec::new(),
        leaked: Vec::new(),
        exchanges: Vec::new(),
        requests: 4,
        reproducer: None,
        evidence: None,
        started: Timestamp::UNIX_EPOCH,
        duration: Duration::from_millis(12),
    }
}

pub(super) fn finding(
    check: &'static str,
    expected: &str,
    actual: &str,
    exchange: Option<usize>,
) -> Finding {
    Finding {
        check: check.into(),
        requirements: vec!["DP-10".to_owned()],
        level: Level::Must,
        expected: expected.to_owned(),
        actual: actual.to_owned(),
        location: place(17),
        exchange,
    }
}

pub(super) fn exchange(phase: Phase, method: &str, status: u16, body: &[u8]) -> Exchange {
    Exchange {
        phase,
        request: Request {
            method: method.to_owned(),
            url: "http://127.0.0.1:9876/v2.0/lbaas/pools/7f3e".to_owned(),
            headers: vec![("X-Auth-Token".to_owned(), "${token}".to_owned())],
            body: Vec::new(),
        },
        response: Ok(Response {
            status,
            headers: vec![
                ("content-type".to_owned(), "application/json".to_owned()),
                ("server".to_owned(), "emulator".to_owned()),
            ],
            body: body.to_vec().into(),
        }),
        started: Timestamp::UNIX_EPOCH,
        waited: Duration::from_millis(2),
        duration: Duration::from_millis(3),
    }
}

pub(super) fn report(outcomes: Vec<CaseOutcome>) -> RunReport {
    let requirement = |id: &str, text: &str, cases: Vec<String>| RequirementResult {
        id: id.to_owned(),
        text: text.to_owned(),
        level: Level::Must,
        source: "contract".to_owned(),
        origin: None,
        cases,
        verdict: None,
        untested: None,
        generated: false,
    };
    let cases = outcomes.iter().map(|outcome| outcome.id.clone()).collect();
    RunReport {
        tool_version: "0.1.0",
        suite: "lbaas-v2".to_owned(),
        suite_title: "Load balancers".to_owned(),
        suite_version: None,
        profile: Some("otc-v2".to_owned()),
        endpoint: "http://127.0.0.1:9876/base".to_owned(),
        run_id: "r4nd0m".to_owned(),
        seed: 1,
        strict: false,
        insecure: false,
        started: Timestamp::UNIX_EPOCH,
        duration: Duration::from_millis(1234),
        cut_short: None,
        outcomes,
        plain: 0,
        leaked: Vec::new(),
        requirements: vec![
            requirement("DP-10", "A pool that has members is not deleted", cases),
            requirement(
                "DP-31",
                "A pool that a policy redirects to is not deleted",
                Vec::new(),
            ),
        ],
        scenarios: written_later(|| {
            vec![Written {
                location: place(12),
                text: "- id: pool-with-members\n  given: [pool, member]\n  when: delete pool"
                    .to_owned(),
            }]
        }),
        notices: Vec::new(),
        part: None,
        whole: false,
        waivers: Vec::new(),
    }
}

/// One case of every kind, and a shared object left behind.
pub(super) fn everything() -> RunReport {
    let mut failed = case(
        "pool-with-members",
        "pool with members → 409",
        Verdict::Fail,
    );
    failed.findings = vec![
        finding("status", "409", "204", Some(1)),
        finding(
            "unchanged",
            "the pool reads as before",
            "it is gone\n57 passed, 0 failed",
            Some(1),
        ),
    ];
    failed.exchanges = vec![
        exchange(Phase::SetUp, "POST", 201, b"{\"pool\":{}}"),
        exchange(Phase::Act, "DELETE", 204, b""),
    ];
    let mut warned = case("slow", "says which member → message", Verdict::Pass);
    warned.findings = vec![Finding {
        level: Level::Should,
        ..finding("body", "a message", "\u{1b}[2Jnone", Some(0))
    }];
    warned.exchanges = vec![exchange(
        Phase::Act,
        "DELETE",
        409,
        b"{\"NeutronError\":{\"type\":\"PoolInUse\"}}",
    )];
    let refused = |name: &str| {
        let mut outcome = case(name, "quota", Verdict::Error);
        outcome.reason = Some("set-up was refused: POST /v2.0/lbaas/pools gave 413".to_owned());
        outcome.exchanges = vec![exchange(Phase::SetUp, "POST", 413, b"quota\x07")];
        outcome
    };
    let mut skipped = case("no-members", "no members here", Verdict::Skip);
    skipped.reason = Some("the profile blocks by nothing".to_owned());
    let mut waived = case("known", "known to deviate", Verdict::Waived);
    waived.reason = Some("until 2027-01-31: VENDOR-12".to_owned());
    waived.findings = vec![finding("status", "409", "204", None)];
    let mut left = case("left", "clean pool → 204", Verdict::Pass);
    left.leaked = vec![Leak {
        resource: "pool".to_owned(),
        id: "7f3e".to_owned(),
        why: "DELETE gave 500".to_owned(),
    }];
    left.exchanges = vec![exchange(Phase::CleanUp, "DELETE", 500, b"oops")];
    left.observations = vec![Observation {
        requirements: vec!["DP-40".to_owned()],
        name: "second delete".to_owned(),
        value: "404".to_owned(),
    }];
    let plain = case("plain", "pool with a monitor → 409", Verdict::Pass);
    let mut report = report(vec![
        plain,
        failed,
        warned,
        refused("quota-a"),
        refused("quota-b"),
        skipped,
        waived,
        left,
    ]);
    report.leaked = vec![Leak {
        resource: "loadbalancer".to_owned(),
        id: "11aa".to_owned(),
        why: "still PENDING_DELETE".to_owned(),
    }];
    report
}
