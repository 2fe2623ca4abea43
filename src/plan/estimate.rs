//! What a run will ask of an endpoint, counted before it does: so that its owner can say yes or no.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value as Json;

use super::Plan;
use crate::case::Case;
use crate::suite::model::{Action, Resource, Scope as Sharing, Step, Suite};
use crate::target::Target;
use crate::template::Scope;

/// What one request is taken to need, with its way there and back.
pub const REQUEST: Duration = Duration::from_millis(200);

/// What a change is taken to need until it has settled, where a profile says that changes settle.
pub const SETTLING: Duration = Duration::from_secs(3);

/// What a run is expected to come to. Counted, but for what depends on answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estimate {
    /// By resource, in the order of their needs' names.
    pub objects: BTreeMap<String, Objects>,
    /// Requests of all cases.
    pub requests: usize,
    /// From the first to the last.
    pub time: Duration,
}

/// How many objects of one kind there will be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Objects {
    /// Over the whole run.
    pub created: usize,
    /// At the same time, at the most.
    pub at_once: usize,
}

/// What one case does.
#[derive(Debug, Clone, Default)]
pub struct Work {
    /// By resource, what it creates for itself.
    pub own: BTreeMap<String, usize>,
    /// By resource, what it borrows for its time.
    pub borrowed: BTreeMap<String, usize>,
    /// By resource, what it shares with all cases.
    pub shared: BTreeMap<String, usize>,
    requests: usize,
    changes: usize,
}

impl Estimate {
    /// Of a plan with so many cases at once.
    pub fn of(plan: &Plan, suite: &Suite, target: &Target, jobs: usize) -> Self {
        let scope = target.scope();
        let works: Vec<Work> = plan
            .runnable()
            .map(|case| Work::of(case, suite, &scope))
            .collect();
        let lanes = jobs.min(works.len()).max(1);
        let mut objects: BTreeMap<String, Objects> = BTreeMap::new();
        let most = |of: &dyn Fn(&Work) -> usize| {
            // The worst that can come together.
            let mut counts: Vec<usize> = works.iter().map(of).collect();
            counts.sort_unstable_by(|one, other| other.cmp(one));
            counts.iter().take(lanes).sum::<usize>()
        };
        for name in suite.resources.keys() {
            let count = |of: &BTreeMap<String, usize>| of.get(name).copied().unwrap_or(0);
            let created: usize = works.iter().map(|work| count(&work.own)).sum();
            let lent = most(&|work| count(&work.borrowed));
            let shared = works.iter().map(|work| count(&work.shared)).max();
            let shared = shared.unwrap_or(0);
            let at_once = most(&|work| count(&work.own)) + lent + shared;
            if at_once > 0 {
                let created = created + lent + shared;
                objects.insert(name.clone(), Objects { created, at_once });
            }
        }
        let settles = target
            .profile
            .as_ref()
            .is_some_and(|profile| !profile.settle.is_zero());
        let lent: usize = (objects.values().map(|it| it.created).sum::<usize>())
            .saturating_sub(works.iter().flat_map(|work| work.own.values()).sum());
        let requests = works.iter().map(|work| work.requests).sum::<usize>() + lent * OBJECT;
        let changes = works.iter().map(|work| work.changes).sum::<usize>() + lent * 2;
        let alone = |requests: usize, changes: usize| {
            let settling = if settles { SETTLING } else { Duration::ZERO };
            REQUEST.saturating_mul(u32::try_from(requests).unwrap_or(u32::MAX))
                + settling.saturating_mul(u32::try_from(changes).unwrap_or(u32::MAX))
        };
        let longest = works.iter().map(|work| alone(work.requests, work.changes));
        let together = alone(requests, changes) / u32::try_from(lanes).unwrap_or(1);
        let mut time = together.max(longest.max().unwrap_or_default());
        if let Some(rate) = target.pace.rate {
            time = time.max(Duration::from_secs_f64(requests as f64 / rate));
        }
        Self {
            objects,
            requests,
            time,
        }
    }
}

/// Requests for one object: created, looked at, removed, looked for.
const OBJECT: usize = 5;

impl Work {
    /// Of a case, where the names of `scope` are known.
    pub fn of(case: &Case, suite: &Suite, scope: &Scope) -> Self {
        let mut work = Self::default();
        let mut scope = scope.clone();
        case.name_values(&mut scope);
        let scenario = &case.scenario;
        for given in &scenario.given {
            let count = match &given.count {
                None => 1,
                Some(count) => (count.value(&scope).ok().flatten())
                    .as_ref()
                    .and_then(Json::as_u64)
                    .and_then(|count| usize::try_from(count).ok())
                    .unwrap_or(1),
            };
            let kind = match given.scope {
                Sharing::Case => {
                    work.requests += count * OBJECT;
                    work.changes += count * 2;
                    &mut work.own
                }
                Sharing::Worker => &mut work.borrowed,
                Sharing::Run => &mut work.shared,
            };
            *kind.entry(given.resource.name.clone()).or_default() += count;
            work.requests += count * given.operations.len() * 2;
            work.changes += count * given.operations.len();
        }
        let looked_at = scenario.given.len();
        for step in scenario.steps.iter().chain(&scenario.finally) {
            let times = step.concurrently.as_ref().map_or(1, |times| times.value);
            for part in step.parts() {
                work.requests += times;
                work.changes += usize::from(changes(part));
                if let Some(resource) = created(part, suite) {
                    *work.own.entry(resource.name.clone()).or_default() += times;
                    work.requests += times * (OBJECT - 1);
                }
            }
            let expects = step.then.iter().chain(&scenario.then);
            if expects.clone().any(|expect| expect.has_aftermath()) {
                // Before and after, one by one and in lists.
                work.requests += looked_at * 4;
            }
        }
        work
    }
}

fn changes(step: &Step) -> bool {
    match &step.action {
        Action::Request(request) => !matches!(request.method.as_str(), "GET" | "HEAD"),
        Action::Operation(name, _) => name.value != "read",
        Action::Create(..) => true,
        Action::Fragment(_) | Action::Together(_) => false,
    }
}

fn created<'s>(step: &'s Step, suite: &'s Suite) -> Option<&'s Resource> {
    match (&step.action, &step.creates) {
        (Action::Create(resource, _), _) => Some(resource),
        (_, Some((_, kind))) => suite.resources.get(&kind.value).map(AsRef::as_ref),
        _ => None,
    }
}
