//! Mutants of the traffic with an endpoint that is right: each case by itself, many in one run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use assize::case::Case;
use assize::outcome::Verdict;
use assize::proof::{Fate, Kill, Kind, Mutant};
use assize::runner::{Mutation, Tamper};
use assize::target::Target;

use super::{Prover, fate_of};

/// Cases at once: most of them wait for an aftermath that never comes.
const JOBS: usize = 96;

/// A mutation and how far its trials have come.
struct Trial {
    mutation: Mutation,
    next: usize,
    /// How many cases the next round may try it with.
    breadth: usize,
    error: Option<Kill>,
    fate: Option<Fate>,
    time: Duration,
}

/// Tries every mutation until a case notices it or none is left. In each round a case tries one mutation.
pub(super) async fn prove(
    prover: &Prover<'_>,
    target: &Target,
    cases: &[Case],
    mutations: Vec<Mutation>,
) -> anyhow::Result<Vec<Mutant>> {
    let cases: BTreeMap<&str, &Case> = cases.iter().map(|case| (case.id.as_str(), case)).collect();
    let mut trials = Vec::new();
    for mut mutation in mutations {
        mutation
            .trials
            .retain(|(case, _, _)| cases.contains_key(case.as_str()));
        if !mutation.trials.is_empty() && prover.wants(&mutation.id)? {
            trials.push(Trial {
                mutation,
                next: 0,
                breadth: 1,
                error: None,
                fate: None,
                time: Duration::ZERO,
            });
        }
    }
    loop {
        let clock = Instant::now();
        let mut round = BTreeMap::new();
        let mut tried: BTreeMap<String, usize> = BTreeMap::new();
        for (at, trial) in trials.iter_mut().enumerate() {
            if trial.fate.is_some() {
                continue;
            }
            let mut left = trial.breadth;
            while left > 0
                && let Some((case, act, falsehood)) = trial.mutation.trials.get(trial.next)
                && !round.contains_key(case)
            {
                round.insert(case.clone(), (*act, falsehood.clone()));
                tried.insert(case.clone(), at);
                trial.next += 1;
                left -= 1;
            }
            trial.breadth = (trial.breadth * 2).min(64);
        }
        if round.is_empty() {
            break;
        }
        let chosen: Vec<Case> = round
            .keys()
            .filter_map(|id| cases.get(id.as_str()).map(|case| (*case).clone()))
            .collect();
        let tamper = Some(Tamper::Falsify(Arc::new(round)));
        let report = prover.run(target, chosen, tamper, JOBS, |_| false).await?;
        let mut touched = BTreeSet::new();
        for outcome in &report.outcomes {
            let Some(at) = tried.get(&outcome.id) else {
                continue;
            };
            let trial = &mut trials[*at];
            touched.insert(*at);
            match (outcome.verdict, fate_of(outcome, &[])) {
                (Verdict::Fail, Some(Fate::Elsewhere(kill))) => {
                    trial.fate.get_or_insert(Fate::Killed(kill));
                }
                (_, Some(Fate::Erred(kill))) => {
                    trial.error.get_or_insert(kill);
                }
                _ => {}
            }
        }
        for at in touched {
            trials[at].time += clock.elapsed();
        }
        for trial in &mut trials {
            if trial.fate.is_none() && trial.next == trial.mutation.trials.len() {
                let erred = trial.error.take().map(Fate::Erred);
                trial.fate = Some(erred.unwrap_or(Fate::Survived));
            }
        }
    }
    let mutant = |trial: Trial| Mutant {
        id: trial.mutation.id,
        kind: trial.mutation.kind,
        about: trial.mutation.about,
        requirements: Vec::new(),
        missing: trial.mutation.missing,
        fate: trial.fate.unwrap_or(Fate::Survived),
        duration: trial.time,
    };
    let mut mutants: Vec<Mutant> = trials.into_iter().map(mutant).collect();
    mutants.sort_by_key(|mutant| mutant.kind == Kind::Answer);
    Ok(mutants)
}
