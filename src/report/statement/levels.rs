//! What the cases of a suite say of its requirements, and these of their levels.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    CaseCounts, Catalogue, Conformance, LevelResult, Levels, RequirementShown, ResultCounts, Shown,
    Skipped,
};
use crate::outcome::{CaseOutcome, RequirementResult, RunReport, Verdict};
use crate::suite::model::Level;
use crate::waiver;

/// What a case came to as far as one requirement is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Says {
    Passed,
    Failed,
    Errored,
    Skipped,
    Waived,
    NotJudged,
    NotApplicable,
}

fn says(outcome: &CaseOutcome, requirement: &str, strict: bool, applies: bool) -> Says {
    let breaks = |waived: bool| {
        outcome.findings.iter().any(|finding| {
            let failing = finding.level == Level::Must || strict;
            let waived_here = outcome.verdict == Verdict::Waived && failing;
            finding.requirements.iter().any(|id| id == requirement) && waived_here == waived
        })
    };
    if breaks(false) {
        return Says::Failed;
    }
    if breaks(true) {
        return Says::Waived;
    }
    let held = !outcome.not_judged.iter().any(|id| id == requirement);
    match outcome.verdict {
        Verdict::Pass if held => Says::Passed,
        Verdict::Pass | Verdict::Fail | Verdict::Waived => Says::NotJudged,
        Verdict::Error => Says::Errored,
        Verdict::Skip if applies => Says::Skipped,
        Verdict::Skip => Says::NotApplicable,
    }
}

/// What all cases say of each requirement, by its id.
fn sayings<'r>(
    report: &'r RunReport,
    catalogue: &'r Catalogue,
) -> BTreeMap<&'r str, Vec<(&'r str, Says)>> {
    let mut all: BTreeMap<&str, Vec<(&str, Says)>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for outcome in &report.outcomes {
        seen.insert(outcome.id.as_str());
        let known = catalogue.0.get(&outcome.id);
        let applies = known.is_none_or(|known| known.applies);
        let found = outcome.findings.iter().flat_map(|it| &it.requirements);
        let ids: BTreeSet<&String> = outcome.requirements.iter().chain(found).collect();
        for id in ids {
            let says = says(outcome, id, report.strict, applies);
            all.entry(id).or_default().push((&outcome.id, says));
        }
    }
    for (case, known) in &catalogue.0 {
        if seen.contains(case.as_str()) {
            continue;
        }
        let says = if known.applies {
            Says::Skipped
        } else {
            Says::NotApplicable
        };
        for id in &known.requirements {
            all.entry(id).or_default().push((case, says));
        }
    }
    all
}

fn shown(requirement: &RequirementResult, sayings: &[(&str, Says)]) -> Shown {
    let mut cases = CaseCounts::default();
    for (_, says) in sayings {
        *match says {
            Says::Passed => &mut cases.passed,
            Says::Failed => &mut cases.failed,
            Says::Errored => &mut cases.errored,
            Says::Skipped => &mut cases.skipped,
            Says::Waived => &mut cases.waived,
            Says::NotJudged => &mut cases.not_judged,
            Says::NotApplicable => &mut cases.not_applicable,
        } += 1;
    }
    let ran = cases.passed + cases.errored + cases.not_judged + cases.failed + cases.waived;
    let binds = requirement.level > Level::Observe;
    let result = if !binds && ran > 0 {
        RequirementShown::Observed
    } else if cases.failed > 0 {
        RequirementShown::Failed
    } else if cases.waived > 0 {
        RequirementShown::Waived
    } else if cases.passed > 0 && cases.errored + cases.skipped > 0 {
        RequirementShown::Partial
    } else if cases.passed > 0 {
        RequirementShown::Passed
    } else if cases.errored + cases.not_judged > 0 {
        RequirementShown::Errored
    } else if sayings.is_empty() && requirement.untested.is_some() {
        RequirementShown::Untested
    } else {
        RequirementShown::Skipped
    };
    let see = (sayings.iter())
        .filter(|(_, says)| matches!(says, Says::Failed | Says::Errored | Says::Waived))
        .map(|(case, _)| (*case).to_owned())
        .collect();
    Shown { result, cases, see }
}

pub(super) fn levels(report: &RunReport, catalogue: &Catalogue) -> Levels {
    let sayings = sayings(report, catalogue);
    let of = |wanted: Level| -> BTreeMap<String, Shown> {
        let own = report.requirements.iter().filter(|it| it.level == wanted);
        own.map(|requirement| {
            let sayings = sayings.get(requirement.id.as_str());
            let sayings = sayings.map_or(&[][..], Vec::as_slice);
            (requirement.id.clone(), shown(requirement, sayings))
        })
        .collect()
    };
    Levels {
        must: level(report, Level::Must, of(Level::Must)),
        should: level(report, Level::Should, of(Level::Should)),
        observe: of(Level::Observe),
        not_applicable: of(Level::NotApplicable).into_keys().collect(),
    }
}

fn level(report: &RunReport, level: Level, requirements: BTreeMap<String, Shown>) -> LevelResult {
    let ids = |wanted: RequirementShown| -> Vec<&str> {
        let own = requirements.iter().filter(|(_, it)| it.result == wanted);
        own.map(|(id, _)| id.as_str()).collect()
    };
    let mut verdict = Conformance::Conformant;
    let mut because = Vec::new();
    let mut blame = |worst: Conformance, cause: &str, ids: &[&str]| {
        if !ids.is_empty() {
            verdict = verdict.max(worst);
            because.push(format!("{cause}: {}", ids.join(", ")));
        }
    };
    use RequirementShown as Is;
    blame(Conformance::NotConformant, "broken", &ids(Is::Failed));
    let (nameless, unjudged) = nameless(report, level);
    blame(
        Conformance::NotConformant,
        "cases in which something else is wrong",
        &nameless,
    );
    blame(
        Conformance::Partial,
        "broken as a waiver says",
        &ids(Is::Waived),
    );
    blame(
        Conformance::Partial,
        "could not be judged",
        &ids(Is::Errored),
    );
    blame(
        Conformance::Partial,
        "cases that could not be judged",
        &unjudged,
    );
    blame(Conformance::Partial, "shown in part", &ids(Is::Partial));
    let (generated, missed): (Vec<&str>, Vec<&str>) =
        ids(Is::Skipped).into_iter().partition(|id| {
            let mut all = report.requirements.iter();
            all.any(|it| it.id == *id && it.generated && it.cases.is_empty())
        });
    blame(Conformance::Partial, "without a case that ran", &missed);
    blame(
        Conformance::Partial,
        "shown by generated cases only, which --generate adds",
        &generated,
    );
    let mut counts = ResultCounts::default();
    for shown in requirements.values() {
        *match shown.result {
            Is::Passed | Is::Observed => &mut counts.passed,
            Is::Partial => &mut counts.partial,
            Is::Failed => &mut counts.failed,
            Is::Errored => &mut counts.errored,
            Is::Skipped => &mut counts.skipped,
            Is::Waived => &mut counts.waived,
            Is::Untested => &mut counts.untested,
        } += 1;
    }
    LevelResult {
        verdict,
        because,
        counts,
        requirements,
    }
}

/// Cases in which something is wrong that no requirement names, and cases of no requirement that could not be
/// judged. What is wrong with a file of waivers is not of the product.
fn nameless(report: &RunReport, level: Level) -> (Vec<&str>, Vec<&str>) {
    let own = || {
        let outcomes = report.outcomes.iter();
        outcomes.filter(|outcome| outcome.group != waiver::GROUP)
    };
    let wrong = |outcome: &&CaseOutcome| {
        outcome.verdict == Verdict::Fail
            && (outcome.findings.iter())
                .any(|finding| finding.requirements.is_empty() && finding.level == level)
    };
    let unjudged = |outcome: &&CaseOutcome| {
        level == Level::Must && outcome.verdict == Verdict::Error && outcome.requirements.is_empty()
    };
    (
        own().filter(wrong).map(|it| it.id.as_str()).collect(),
        own().filter(unjudged).map(|it| it.id.as_str()).collect(),
    )
}

/// What did not run, by the reason.
pub(super) fn skipped(report: &RunReport, catalogue: &Catalogue) -> Vec<Skipped> {
    let mut reasons: BTreeMap<(bool, &str), Vec<String>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for outcome in &report.outcomes {
        seen.insert(outcome.id.as_str());
        if outcome.verdict == Verdict::Skip {
            let known = catalogue.0.get(&outcome.id);
            let missed = known.is_none_or(|known| known.applies);
            let reason = outcome.reason.as_deref().unwrap_or("no reason given");
            let cases = reasons.entry((missed, reason)).or_default();
            cases.push(outcome.id.clone());
        }
    }
    for (case, known) in &catalogue.0 {
        if !seen.contains(case.as_str()) {
            let reason = match &report.part {
                None => "not selected",
                Some(_) => "in another shard, or not selected",
            };
            let cases = reasons.entry((known.applies, reason)).or_default();
            cases.push(case.clone());
        }
    }
    let told = |((missed, reason), cases): ((bool, &str), Vec<String>)| Skipped {
        reason: reason.to_owned(),
        missed,
        cases,
    };
    reasons.into_iter().map(told).collect()
}
