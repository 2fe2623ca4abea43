//! Generated races against the emulator: the faithful one passes, and one that checks and then sleeps is caught.
#![cfg(feature = "emulator")]
#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use assize::case::{Generate, expand};
use assize::emulator::{Config, Defect, Dialect, Emulator, Quotas};
use assize::outcome::{RunReport, Verdict};
use assize::plan::{Filter, Plan};
use assize::report::{Console, junit};
use assize::runner::{Options, run};
use assize::suite::{Files, Selection, load};
use assize::target::{Limits, Target};
use tokio_util::sync::CancellationToken;

/// So many races of a seed against an emulator of a dialect with these defects.
async fn races(dialect: Dialect, defects: &[Defect], seed: u64, races: usize) -> RunReport {
    let suite = load(&Selection {
        suite: Some(Files::Directory {
            root: Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf(),
            prefix: String::new(),
            here: None,
        }),
        scenarios: None,
        variables: Vec::new(),
    })
    .unwrap();
    let config = Config {
        defects: defects.to_vec(),
        quotas: Quotas::UNLIMITED,
        ..Config::new(dialect)
    };
    let emulator = Emulator::bind(config, SocketAddr::from(([127, 0, 0, 1], 0)))
        .await
        .unwrap();
    let running = emulator.serve();
    let limits = Limits::STANDARD;
    let profile = Some(dialect.name());
    let target = Target::new(&suite, running.url(), profile, &BTreeMap::new(), limits).unwrap();
    let generate = Generate {
        seed,
        races,
        ..Generate::default()
    };
    let expansion = expand(&suite, &target, &generate);
    assert!(expansion.omitted.is_empty(), "{:?}", expansion.omitted);
    let filter = Filter {
        ids: vec!["generated/races/".to_owned()],
        tags: Vec::new(),
        ..Filter::default()
    };
    let plan = Plan::new(&suite, expansion.cases, &filter, &target).unwrap();
    let options = Options {
        jobs: 8,
        ..Options::standard()
    };
    let (suite, target, cancel) = (Arc::new(suite), Arc::new(target), CancellationToken::new());
    let report = run(suite, target, plan, options, cancel, |_| {})
        .await
        .unwrap();
    assert_eq!(running.objects(), 0, "what was created is removed");
    report
}

fn told(report: &RunReport) -> String {
    let console = Console {
        width: None,
        styled: false,
        verbose: false,
    };
    console.summary(report)
}

/// The faithful emulator passes so many of them.
async fn passes(seed: u64, rounds: usize) {
    for dialect in Dialect::ALL {
        let report = races(dialect, &[], seed, rounds).await;
        let counts = report.counts();
        let bad = (counts.failed, counts.errors, counts.leaked);
        assert!(counts.passed > rounds * 9 / 10, "{}", told(&report));
        assert_eq!(bad, (0, 0, 0), "{}", told(&report));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_faithful_emulator_passes_in_every_dialect() {
    passes(20, 20).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute"]
async fn the_faithful_emulator_passes_200_rounds_in_every_dialect() {
    passes(21, 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_emulator_that_checks_and_then_sleeps_is_caught_and_the_history_is_shown() {
    for dialect in Dialect::ALL {
        let mut caught = None;
        for seed in 0..8 {
            let report = races(dialect, &[Defect::DeleteChecksThenSleeps], seed, 25).await;
            let failed = |outcome: &&assize::outcome::CaseOutcome| outcome.verdict == Verdict::Fail;
            if report.outcomes.iter().any(|outcome| failed(&outcome)) {
                caught = Some(report);
                break;
            }
        }
        let report = caught.unwrap_or_else(|| panic!("{dialect:?}: not caught in 200 rounds"));
        let outcome = report
            .outcomes
            .iter()
            .find(|outcome| outcome.verdict == Verdict::Fail)
            .unwrap();
        let finding = &outcome.findings[0];
        assert_eq!(finding.check, "contract", "{finding:?}");
        assert!(
            finding.expected.starts_with("an order of the "),
            "{finding:?}"
        );
        assert!(finding.actual.starts_with("none explains "), "{finding:?}");
        let lines: Vec<&str> = finding.actual.lines().skip(1).collect();
        assert!(lines.len() >= 2, "{}", finding.actual);
        assert!(
            lines.iter().all(|line| line.contains('├')),
            "{}",
            finding.actual
        );
        assert!(
            lines.iter().any(|line| line.contains("owner: delete pool")),
            "{}",
            finding.actual
        );
        let file = outcome.reproducer.as_deref().unwrap();
        assert!(
            file.contains("concurrently:\n") && file.contains("then: contract"),
            "{file}"
        );
        // The rest may have to be escaped.
        let bar = lines[0].split(" → ").next().unwrap();
        for text in [told(&report), junit(&report).unwrap()] {
            assert!(text.contains(bar), "{bar} in {text}");
        }
    }
}
