//! Mutants of the traffic with an endpoint that is right: a mutant for each case, many cases in one run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use assize::case::Case;
use assize::outcome::Verdict;
use assize::proof::{Fate, Kill, Kind, Mutant};
use assize::runner::{Mutation, Tamper};
use assize::target::Target;

use super::Prover;
use super::fate::fate_of;

/// Cases at once: most of them wait for an aftermath that never comes.
const JOBS: usize = 96;
/// Between the id of a case and the number of its copy; ids of cases do not have it.
const COPY: char = '~';

/// A mutation and how far its trials have come.
struct Trial {
    mutation: Mutation,
    next: usize,
    error: Option<Kill>,
    fate: Option<Fate>,
    time: Duration,
}

/// Tries every mutation until a case notices it or none is left, each round with more cases than the one before.
pub(super) async fn prove(
    prover: &Prover<'_>,
    target: &Target,
    cases: &[Case],
    mutations: Vec<Mutation>,
) -> anyhow::Result<Vec<Mutant>> {
    let cases: BTreeMap<_, &Case> = cases.iter().map(|case| (case.id(), case)).collect();
    let excuses = prover.excuses();
    let mut trials = Vec::new();
    for mut mutation in mutations {
        mutation
            .trials
            .retain(|(case, _, _)| cases.contains_key(case.as_str()));
        if !mutation.trials.is_empty() && prover.wants(&mutation.id)? {
            // What no case can notice is tried only where everything is.
            let excuse = excuses.iter().find(|excuse| excuse.covers(&mutation.id));
            let excuse = excuse.filter(|_| !prover.arguments.full);
            trials.push(Trial {
                next: 0,
                error: None,
                fate: excuse.map(|excuse| Fate::Equivalent(excuse.because.to_owned())),
                time: Duration::ZERO,
                mutation,
            });
        }
    }
    let mut breadth = 1;
    while trials.iter().any(|trial| trial.fate.is_none()) {
        let (mut chosen, mut falsehoods, mut tried) = (Vec::new(), BTreeMap::new(), Vec::new());
        for (at, trial) in trials.iter_mut().enumerate() {
            if trial.fate.is_some() {
                continue;
            }
            let next = trial.mutation.trials.iter().skip(trial.next).take(breadth);
            for (case, act, falsehood) in next {
                let id = format!("{case}{COPY}{}", tried.len());
                chosen.push(cases[case.as_str()].called(id.clone()));
                falsehoods.insert(id, (*act, falsehood.clone()));
                tried.push(at);
                trial.next += 1;
            }
        }
        let tamper = Tamper::Falsify(Arc::new(falsehoods));
        let outcomes = prover.run(target, chosen, tamper, JOBS, |_| false).await?;
        for mut outcome in outcomes {
            let Some((case, copy)) = outcome.id.rsplit_once(COPY) else {
                continue;
            };
            let Some(at) = copy.parse().ok().and_then(|copy: usize| tried.get(copy)) else {
                continue;
            };
            let trial = &mut trials[*at];
            trial.time += outcome.duration;
            outcome.id.truncate(case.len());
            match (outcome.verdict, fate_of(&outcome, &[])) {
                (Verdict::Fail, Some(Fate::Elsewhere(kill))) => {
                    trial.fate.get_or_insert(Fate::Killed(kill));
                }
                (_, Some(Fate::Erred(kill))) => {
                    trial.error.get_or_insert(kill);
                }
                _ => {}
            }
        }
        for trial in &mut trials {
            if trial.fate.is_none() && trial.next == trial.mutation.trials.len() {
                let erred = trial.error.take().map(Fate::Erred);
                trial.fate = Some(erred.unwrap_or(Fate::Survived));
            }
        }
        breadth = (breadth * 4).min(64);
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
