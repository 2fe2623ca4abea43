//! What a case comes to.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value as Json;

use super::CaseRun;
use crate::case::Case;
use crate::exchange::Phase;
use crate::outcome::{CaseOutcome, Finding, Leak, Verdict};
use crate::runner::object::Object;
use crate::runner::session::Stop;
use crate::suite::model::Level;

impl CaseRun<'_> {
    pub(super) fn outcome(
        self,
        stop: Option<Stop>,
        leaked: Vec<Leak>,
        started: Timestamp,
        duration: Duration,
    ) -> CaseOutcome {
        let Self {
            ctx,
            case,
            session,
            objects,
            model,
            at: _,
            grace: _,
            mut findings,
            judged,
            shown,
            mut observations,
        } = self;
        let scenario = &case.scenario;
        let location = scenario.span.location();
        let requests = session.exchanges.len();
        for (mismatch, at) in session.violations {
            // A refused clean-up never changes a verdict.
            if session.exchanges[at].phase != Phase::CleanUp {
                findings.push(Finding::new(
                    mismatch,
                    Vec::new(),
                    Level::Must,
                    location.clone(),
                    Some(at),
                ));
            }
        }
        let broken = findings
            .iter()
            .any(|finding| finding.level == Level::Must || ctx.strict);
        let (verdict, reason) = match stop {
            Some(Stop::Interrupted) => (
                Verdict::Error,
                Some("interrupted before it could be judged".to_owned()),
            ),
            // What was found before the case came to a halt stands.
            Some(Stop::Unjudged(why)) if broken => (Verdict::Fail, Some(why)),
            Some(Stop::Unjudged(why)) => (Verdict::Error, Some(why)),
            Some(Stop::Judged) | None => (if broken { Verdict::Fail } else { Verdict::Pass }, None),
        };
        let plain = verdict == Verdict::Pass && findings.is_empty() && leaked.is_empty();
        let mut outcome = describe(case, verdict, reason, started, duration);
        outcome.requests = requests;
        if !plain {
            let exchanges = session.exchanges.into_iter();
            outcome.exchanges = exchanges.map(Arc::unwrap_or_clone).collect();
        }
        // Ids differ from run to run, and say nothing to whoever reads.
        let named = |text: &mut String| name_ids(text, &objects);
        for finding in &mut findings {
            named(&mut finding.expected);
            named(&mut finding.actual);
        }
        for observation in &mut observations {
            named(&mut observation.value);
        }
        outcome.findings = findings;
        outcome.judged = judged;
        let binds = |id: &&String| {
            let requirement = ctx.suite.requirements.get(*id);
            let profile = ctx.target.profile_name();
            requirement.is_some_and(|it| it.level_for(profile) > Level::Observe)
        };
        let named = outcome.requirements.iter().filter(binds);
        let left: Vec<String> = named.filter(|id| !shown.contains(*id)).cloned().collect();
        if model.is_some() && verdict == Verdict::Pass {
            // Which lines of the tables apply, and so which requirements show, comes with the state.
            outcome.requirements.retain(|id| !left.contains(id));
        } else {
            outcome.not_judged = left;
        }
        outcome.observations = observations;
        outcome.leaked = leaked;
        outcome
    }
}

/// Puts what a scenario calls them in the place of the ids of objects.
fn name_ids(text: &mut String, objects: &[Object]) {
    for object in objects {
        // A short one may be anything else as well.
        let id = object.id().and_then(Json::as_str);
        let Some(id) = id.filter(|id| id.len() >= 16 && text.contains(id)) else {
            continue;
        };
        *text = text.replace(id, &format!("{{{{ {}.id }}}}", object.shown()));
    }
}

/// The outcome of a case that has nothing to tell but its verdict.
pub(in crate::runner) fn describe(
    case: &Case,
    verdict: Verdict,
    reason: Option<String>,
    started: Timestamp,
    duration: Duration,
) -> CaseOutcome {
    let scenario = &case.scenario;
    CaseOutcome {
        id: case.id().into_owned(),
        title: case.title().into_owned(),
        group: scenario.group.clone(),
        feature: scenario.feature.clone(),
        location: scenario.span.location(),
        why: case.why().map(Cow::into_owned),
        tags: scenario.tags.iter().cloned().collect(),
        requirements: case.requirements().into_iter().map(str::to_owned).collect(),
        verdict,
        reason,
        findings: Vec::new(),
        judged: 0,
        not_judged: Vec::new(),
        observations: Vec::new(),
        leaked: Vec::new(),
        exchanges: Vec::new(),
        requests: 0,
        reproducer: None,
        evidence: None,
        started,
        duration,
    }
}
