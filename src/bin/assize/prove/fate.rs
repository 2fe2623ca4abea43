//! What a case says of a mutant.

use assize::outcome::{CaseOutcome, Verdict};
use assize::proof::{Fate, Kill};

/// The requirements among these that a case is of and that it failed.
pub(super) fn broken(outcome: &CaseOutcome, among: &[&str]) -> Vec<String> {
    if outcome.verdict != Verdict::Fail {
        return Vec::new();
    }
    let own = outcome.requirements.iter();
    own.filter(|id| among.contains(&id.as_str()))
        .cloned()
        .collect()
}

/// What an outcome says of a mutant that breaks these requirements.
pub(super) fn fate_of(outcome: &CaseOutcome, breaks: &[&str]) -> Option<Fate> {
    let requirements = broken(outcome, breaks);
    let kill = |found: String| Kill {
        case: outcome.id.clone(),
        requirements: requirements.clone(),
        found,
    };
    match outcome.verdict {
        Verdict::Fail => {
            let finding = outcome
                .findings
                .iter()
                .find(|finding| {
                    finding
                        .requirements
                        .iter()
                        .any(|id| requirements.contains(id))
                })
                .or(outcome.findings.first());
            let found = finding.map_or_else(String::new, |finding| {
                format!("{}, not {}", finding.expected, finding.actual)
            });
            Some(if requirements.is_empty() {
                Fate::Elsewhere(kill(found))
            } else {
                Fate::Killed(kill(found))
            })
        }
        Verdict::Error => Some(Fate::Erred(kill(
            outcome.reason.clone().unwrap_or_default(),
        ))),
        Verdict::Pass | Verdict::Skip | Verdict::Waived => None,
    }
}

/// The fate that says more, of two the first.
pub(super) fn clearer(best: Option<Fate>, next: Option<Fate>) -> Option<Fate> {
    let rank = |fate: &Option<Fate>| match fate {
        Some(Fate::Killed(_)) => 3,
        Some(Fate::Elsewhere(_)) => 2,
        Some(Fate::Erred(_)) => 1,
        _ => 0,
    };
    if rank(&next) > rank(&best) {
        next
    } else {
        best
    }
}
