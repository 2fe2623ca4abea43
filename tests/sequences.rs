//! Random walks against emulators that do something wrong: found, made short, and shown by a file of its own.
#![cfg(feature = "cli")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use assize::case::{Case, Generate, expand};
use assize::emulator::{Config, Defect, Dialect, Emulator, Running};
use assize::outcome::{CaseOutcome, Verdict};
use assize::plan::{Filter, Plan};
use assize::runner::{Options, run};
use assize::suite::model::Suite;
use assize::suite::{Files, Selection, load};
use assize::target::{Limits, Target};
use tokio_util::sync::CancellationToken;

fn here(root: &Path) -> Files {
    Files::Directory {
        root: root.to_path_buf(),
        prefix: String::new(),
        here: None,
    }
}

/// The shipped suite, with its own scenarios or with one file in their place.
fn suite(scenario: Option<&str>) -> Suite {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let directory = tempfile::tempdir().expect("a directory for the scenario");
    let scenarios = scenario.map(|text| {
        std::fs::write(directory.path().join("found.yaml"), text).expect("it can be written");
        (here(directory.path()), vec!["found.yaml".to_owned()])
    });
    let selection = Selection {
        suite: Some(here(root)),
        scenarios,
        variables: Vec::new(),
    };
    load(&selection).unwrap_or_else(|found| {
        panic!(
            "{}",
            found
                .iter()
                .map(|diagnostic| diagnostic.render(false))
                .collect::<String>()
        )
    })
}

async fn emulator(dialect: Dialect, defect: Option<&str>) -> Running {
    let mut config = Config::new(dialect);
    config.defects = defect
        .map(|name| Defect::named(name).expect("the defect exists"))
        .into_iter()
        .collect();
    Emulator::bind(config, SocketAddr::from(([127, 0, 0, 1], 0)))
        .await
        .expect("a free port")
        .serve()
}

async fn outcomes(
    suite: Suite,
    server: &Running,
    profile: &str,
    cases: impl FnOnce(&Suite, &Target) -> Vec<Case>,
) -> Vec<CaseOutcome> {
    let target = Target::new(
        &suite,
        server.url(),
        Some(profile),
        &BTreeMap::new(),
        Limits::STANDARD,
    )
    .expect("a target");
    let cases = cases(&suite, &target);
    let plan = Plan::new(&suite, cases, &Filter::default(), &target).expect("a plan");
    let options = Options {
        jobs: 4,
        ..Options::standard()
    };
    run(
        Arc::new(suite),
        Arc::new(target),
        plan,
        options,
        CancellationToken::new(),
        |_| {},
    )
    .await
    .expect("a client")
    .outcomes
}

/// Walks of a seed, by their numbers.
fn walks(seed: u64, numbers: std::ops::Range<usize>) -> impl FnOnce(&Suite, &Target) -> Vec<Case> {
    move |suite, target| {
        let generate = Generate {
            seed,
            sequences: numbers.end,
            length: 40,
            ..Generate::default()
        };
        let mut cases = expand(suite, target, &generate).cases;
        cases.retain(|case| case.id().starts_with("generated/sequences/"));
        cases.drain(..numbers.start);
        cases
    }
}

fn written(suite: &Suite, target: &Target) -> Vec<Case> {
    expand(suite, target, &Generate::default()).cases
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rare_history_is_found_made_short_and_shown_by_a_file_of_its_own() {
    let wrong = emulator(Dialect::OtcV2, Some("recreated-monitor-ignored")).await;
    let mut texts = Vec::new();
    for _ in 0..2 {
        let outcomes = outcomes(suite(None), &wrong, "otc-v2", walks(SEED, WALKS)).await;
        let failed: Vec<&CaseOutcome> = outcomes
            .iter()
            .filter(|outcome| outcome.verdict != Verdict::Pass)
            .collect();
        assert!(!failed.is_empty(), "none of the walks meets the defect");
        for outcome in failed {
            assert_eq!(outcome.verdict, Verdict::Fail, "{:?}", outcome.reason);
            texts.push(outcome.reproducer.clone().expect("a scenario shows it"));
        }
    }
    let (first, second) = texts.split_at(texts.len() / 2);
    assert_eq!(first, second, "the same seed finds the same");
    let text = &first[0];
    let steps = text.lines().filter(|line| line.contains("do: ")).count();
    assert!(steps <= 6, "{text}");

    let again = outcomes(suite(Some(text)), &wrong, "otc-v2", written).await;
    assert_eq!(again[0].verdict, Verdict::Fail, "{text}");
    let right = emulator(Dialect::OtcV2, None).await;
    let faithful = outcomes(suite(Some(text)), &right, "otc-v2", written).await;
    assert_eq!(faithful[0].verdict, Verdict::Pass, "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_refusal_takes_away_is_found() {
    let wrong = emulator(Dialect::OtcV2, Some("refusal-takes-members")).await;
    let outcomes = outcomes(suite(None), &wrong, "otc-v2", walks(1, 0..6)).await;
    let found = outcomes
        .iter()
        .find(|outcome| outcome.verdict == Verdict::Fail)
        .expect("a refused deletion takes the members with it");
    assert!(
        found
            .findings
            .iter()
            .all(|finding| finding.check == "contract"),
        "the answers are right, what they leave behind is not: {:?}",
        found.findings
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn faithful_emulators_keep_to_the_tables() {
    for (dialect, profile) in [
        (Dialect::OtcV2, "otc-v2"),
        (Dialect::Octavia, "octavia"),
        (Dialect::NeutronLbaas, "neutron-lbaas"),
    ] {
        let server = emulator(dialect, None).await;
        for outcome in outcomes(suite(None), &server, profile, walks(7, 0..2)).await {
            assert_eq!(
                outcome.verdict,
                Verdict::Pass,
                "{profile} {}: {:?} {:?}",
                outcome.id,
                outcome.reason,
                outcome.findings
            );
        }
    }
}

#[test]
fn a_walk_is_the_same_for_the_same_seed_and_no_other() {
    let texts = |seed| {
        let suite = suite(None);
        let target = Target::new(
            &suite,
            "http://localhost",
            None,
            &BTreeMap::new(),
            Limits::STANDARD,
        )
        .expect("a target");
        walks(seed, 0..3)(&suite, &target)
            .iter()
            .map(|case| assize::case::text(&case.scenario, ""))
            .collect::<Vec<_>>()
    };
    assert_eq!(texts(1), texts(1));
    let (one, two) = (texts(1), texts(2));
    assert!(one.iter().all(|text| !two.contains(text)));
    assert!(one[0] != one[1] && one[1] != one[2]);
}

const SEED: u64 = 3;
const WALKS: std::ops::Range<usize> = 6..7;
