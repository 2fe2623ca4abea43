//! What a run will ask of an endpoint, counted before it does: so that its owner can say yes or no.

use std::collections::BTreeMap;
use std::sync::Arc;
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
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
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
        let works = works(plan, suite, &target.scope());
        let cases: usize = works.values().sum();
        let lanes = jobs.min(cases).max(1);
        let total = |of: &dyn Fn(&Work) -> usize| -> usize {
            works.iter().map(|(work, cases)| of(work) * cases).sum()
        };
        let most = |of: &dyn Fn(&Work) -> usize| {
            // The worst that can come together.
            let mut counts: Vec<(usize, usize)> = (works.iter())
                .map(|(work, cases)| (of(work), *cases))
                .collect();
            counts.sort_unstable_by(|one, other| other.cmp(one));
            let mut left = lanes;
            let taken = counts.iter().map(|(count, cases)| {
                let cases = left.min(*cases);
                left -= cases;
                count * cases
            });
            taken.sum::<usize>()
        };
        let mut objects: BTreeMap<String, Objects> = BTreeMap::new();
        for name in suite.resources.keys() {
            let count = |of: &BTreeMap<String, usize>| of.get(name).copied().unwrap_or(0);
            let created = total(&|work| count(&work.own));
            let lent = most(&|work| count(&work.borrowed));
            let shared = works.keys().map(|work| count(&work.shared)).max();
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
            .saturating_sub(total(&|work| work.own.values().sum()));
        let requests = total(&|work| work.requests) + lent * OBJECT;
        let changes = total(&|work| work.changes) + lent * 2;
        let alone = |requests: usize, changes: usize| {
            let settling = if settles { SETTLING } else { Duration::ZERO };
            REQUEST.saturating_mul(u32::try_from(requests).unwrap_or(u32::MAX))
                + settling.saturating_mul(u32::try_from(changes).unwrap_or(u32::MAX))
        };
        let longest = works.keys().map(|work| alone(work.requests, work.changes));
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

/// What the cases of a plan do that run, and how many of them do it: many do the same.
fn works(plan: &Plan, suite: &Suite, scope: &Scope) -> BTreeMap<Work, usize> {
    let mut works: BTreeMap<Work, usize> = BTreeMap::new();
    let mut cases = plan.runnable().peekable();
    while let Some(case) = cases.next() {
        let mut alike = 1;
        // Cases of one scenario differ in what its expressions say, and here only a count is one.
        if case
            .scenario
            .given
            .iter()
            .all(|given| given.count.is_none())
        {
            let is_alike = |next: &&Case| Arc::ptr_eq(&next.scenario, &case.scenario);
            while cases.next_if(is_alike).is_some() {
                alike += 1;
            }
        }
        *works.entry(Work::of(case, suite, scope)).or_default() += alike;
    }
    works
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Generate, expand};
    use crate::plan::Filter;
    use crate::plan::tests::suite;

    #[test]
    fn what_cases_do_alike_is_counted_for_each_of_them() {
        let thing = "resource: thing\ncreate: POST /things\nobject: '{{ body }}'\nread: GET /things/{{ thing.id }}\ndelete: DELETE /things/{{ thing.id }}";
        let scenarios = "scenarios:
- { id: counted, generate: { matrix: { n: [1, 3, 2], m: [a, b] } }, given: [{ thing: { count: '{{ n }}' } }], steps: GET /a }
- { id: alike, generate: { matrix: { n: [1, 2, 3, 4, 5] } }, steps: [GET /a, DELETE /a] }
- { id: lent, generate: { matrix: { n: [1, 2, 3] } }, given: [{ thing: { scope: worker } }], steps: GET /a }
- { id: plain, steps: [GET /a, DELETE /a] }";
        let (suite, target) = suite([
            (
                "suite.yaml",
                "suite: s\nuse: thing.yaml\nscenarios: it.yaml",
            ),
            ("thing.yaml", thing),
            ("it.yaml", scenarios),
        ]);
        let cases = expand(&suite, &target, &Generate::default()).cases;
        let plan = Plan::new(&suite, cases, &Filter::default(), &target).expect("no filter");
        let scope = target.scope();
        let counts: Vec<usize> = works(&plan, &suite, &scope).into_values().collect();
        assert_eq!(counts, [6, 3, 2, 2, 2]);
        for (jobs, own, lent) in [(1, 3, 1), (2, 6, 2), (3, 8, 3), (100, 12, 3)] {
            let estimate = Estimate::of(&plan, &suite, &target, jobs);
            let things = Objects {
                created: 12 + lent,
                at_once: own + lent,
            };
            assert_eq!(
                estimate.objects,
                [("thing".to_owned(), things)].into(),
                "{jobs}"
            );
            let requests = (12 + lent) * OBJECT + 6 + 5 * 2 + 3 + 2;
            assert_eq!(estimate.requests, requests, "{jobs}");
        }
    }
}
