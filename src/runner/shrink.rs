//! A failing history made short: what is not needed for the failure is left out, on fresh objects each time.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::Context;
use super::executor::{Run, run};
use crate::case::{Case, text};
use crate::outcome::{CaseOutcome, Verdict};
use crate::suite::model::{Action, Given, Scenario, Scope as Sharing, Step};

/// So many replays at the most.
const REPLAYS: usize = 300;

/// How long a replay waits for a state that should already be there.
const GRACE: Duration = Duration::from_millis(250);

/// The outcome of the shortest history that still fails in the same way, with a scenario that shows it.
pub(super) async fn shrink(ctx: &Context, case: &Case, found: Run) -> CaseOutcome {
    let Some(symptom) = Symptom::of(&case.scenario, &found) else {
        let mut outcome = found.outcome;
        if let [
            Step {
                action: Action::Together(_),
                ..
            },
        ] = case.scenario.steps.as_slice()
        {
            // What it comes to is another every time, so that leaving something out tells nothing.
            let why = case.why().unwrap_or_else(|| case.title());
            outcome.reproducer = Some(text(&case.scenario, &why));
        }
        return outcome;
    };
    let mut shrinker = Shrinker {
        ctx,
        case,
        symptom,
        replays: 0,
        until: Instant::now() + ctx.target.limits.case,
    };
    let mut history = History::of(&case.scenario, found.at);
    let length = history.steps.len();
    shrinker.leave_out(&mut history).await;
    shrinker.begin_with(&mut history).await;
    shrinker.leave_out(&mut history).await;
    // What was made short in haste must fail with all the time that the profile grants, too.
    let scenario = history.scenario(&case.scenario);
    let mut outcome = match shrinker.replay(&scenario, None).await {
        Some(outcome) => outcome,
        None => {
            history = History::of(&case.scenario, found.at);
            found.outcome
        }
    };
    let steps = history.steps.len();
    let why = case.why().unwrap_or_else(|| case.title());
    let about = format!(
        "{why}.\nShortened from {length} to {steps} steps; the last one fails.\nFirst finding: {}",
        outcome
            .findings
            .first()
            .map_or_else(String::new, |finding| format!(
                "expected {}",
                finding.expected
            )),
    );
    outcome.reproducer = Some(text(&history.scenario(&case.scenario), &about));
    outcome
}

/// By what a failure is known again.
#[derive(PartialEq)]
struct Symptom {
    check: std::borrow::Cow<'static, str>,
    operation: String,
    kind: String,
}

impl Symptom {
    fn of(scenario: &Scenario, run: &Run) -> Option<Self> {
        if run.outcome.verdict != Verdict::Fail {
            return None;
        }
        let (operation, kind) = match &scenario.steps.get(run.at)?.action {
            Action::Operation(name, alias) => {
                let kind = scenario
                    .given
                    .iter()
                    .find(|given| given.alias == alias.value)
                    .map(|given| given.resource.name.clone())
                    .or_else(|| {
                        scenario
                            .steps
                            .iter()
                            .filter_map(|step| step.creates.as_ref())
                            .find(|(created, _)| created.value == alias.value)
                            .map(|(_, kind)| kind.value.clone())
                    })?;
                (name.value.clone(), kind)
            }
            Action::Create(resource, _) => ("create".to_owned(), resource.name.clone()),
            Action::Request(_) | Action::Fragment(_) | Action::Together(_) => return None,
        };
        Some(Self {
            check: run.outcome.findings.first()?.check.clone(),
            operation,
            kind,
        })
    }
}

/// What a history consists of. The last step is the one that fails.
#[derive(Clone)]
struct History {
    given: Vec<Given>,
    steps: Vec<Step>,
}

impl History {
    fn of(scenario: &Scenario, at: usize) -> Self {
        Self {
            given: scenario.given.clone(),
            steps: scenario.steps[..=at].to_vec(),
        }
    }

    fn len(&self) -> usize {
        self.given.len() + self.steps.len()
    }

    /// The history without some of its parts, and without what cannot be without them.
    fn without(&self, out: &BTreeSet<usize>) -> Option<Self> {
        let mut known: BTreeSet<&str> = BTreeSet::new();
        let (mut given, mut steps) = (Vec::new(), Vec::new());
        for (at, entry) in self.given.iter().enumerate() {
            let bound = entry
                .binds
                .iter()
                .all(|(_, alias)| known.contains(alias.as_str()));
            let named =
                mentioned(&entry.params).all(|name| !self.names(name) || known.contains(name));
            if bound && named && !(out.contains(&at) && entry.scope == Sharing::Case) {
                known.insert(&entry.alias);
                given.push(entry.clone());
            }
        }
        for (at, step) in self.steps.iter().enumerate() {
            let bound = match &step.action {
                Action::Operation(_, alias) => known.contains(alias.value.as_str()),
                Action::Create(_, binds) => binds
                    .iter()
                    .all(|(_, alias)| known.contains(alias.as_str())),
                Action::Request(_) | Action::Fragment(_) | Action::Together(_) => true,
            };
            let named = mentioned(&step.with).all(|name| !self.names(name) || known.contains(name));
            if bound && named && !out.contains(&(self.given.len() + at)) {
                if let Some((alias, _)) = &step.creates {
                    known.insert(&alias.value);
                }
                steps.push(step.clone());
            } else if at + 1 == self.steps.len() {
                return None;
            }
        }
        Some(Self { given, steps })
    }

    /// Whether a name is that of an object.
    fn names(&self, name: &str) -> bool {
        self.given.iter().any(|given| given.alias == name)
            || self
                .steps
                .iter()
                .filter_map(|step| step.creates.as_ref())
                .any(|(alias, _)| alias.value == name)
    }

    fn scenario(&self, of: &Scenario) -> Scenario {
        Scenario {
            id: of.id.clone(),
            group: of.group.clone(),
            title: of.title.clone(),
            feature: of.feature.clone(),
            span: of.span.clone(),
            requirements: of.requirements.clone(),
            tags: of.tags.clone(),
            only_if: None,
            variables: Vec::new(),
            matrix: None,
            given: self.given.clone(),
            steps: self.steps.clone(),
            then: Vec::new(),
            finally: Vec::new(),
            timeout: of.timeout,
        }
    }
}

fn mentioned(params: &[(String, crate::template::JsonTemplate)]) -> impl Iterator<Item = &str> {
    let mut names = Vec::new();
    for (_, value) in params {
        value.for_each_expr(&mut |expr| names.extend(expr.roots()));
    }
    names.into_iter()
}

struct Shrinker<'a> {
    ctx: &'a Context,
    case: &'a Case,
    symptom: Symptom,
    replays: usize,
    until: Instant,
}

impl Shrinker<'_> {
    /// Runs a scenario on fresh objects; its outcome if its last step fails in the same way.
    async fn replay(
        &mut self,
        scenario: &Scenario,
        grace: Option<Duration>,
    ) -> Option<CaseOutcome> {
        let case = self.case.of(scenario.clone());
        let run = run(self.ctx, &case, grace).await;
        let same = Symptom::of(&case.scenario, &run).is_some_and(|symptom| symptom == self.symptom);
        (same && run.at + 1 == case.scenario.steps.len()).then_some(run.outcome)
    }

    async fn fails(&mut self, history: &History) -> bool {
        let over = || Instant::now() >= self.until || self.ctx.cancel.is_cancelled();
        if self.replays >= REPLAYS || self.ctx.track.so(over) {
            return false;
        }
        self.replays += 1;
        let scenario = history.scenario(&self.case.scenario);
        self.replay(&scenario, Some(GRACE)).await.is_some()
    }

    /// Leaves out halves, then quarters, … then single parts, as long as what is left fails (ddmin).
    async fn leave_out(&mut self, history: &mut History) {
        let mut size = history.len().div_ceil(2);
        while size > 0 {
            let mut at = 0;
            while at + 1 < history.len() {
                // The last step stays.
                let end = (at + size).min(history.len() - 1);
                let shorter = history.without(&(at..end).collect());
                match shorter {
                    Some(shorter)
                        if shorter.len() < history.len() && self.fails(&shorter).await =>
                    {
                        *history = shorter;
                    }
                    _ => at = end,
                }
            }
            size = if size == 1 { 0 } else { size.div_ceil(2) };
        }
    }

    /// Gives the objects to begin with instead of creating them on the way, where that fails all the same.
    async fn begin_with(&mut self, history: &mut History) {
        let mut at = 0;
        while at + 1 < history.steps.len() {
            let mut earlier = history.clone();
            let step = earlier.steps.remove(at);
            if let (Action::Create(resource, binds), Some((alias, _))) = (step.action, step.creates)
            {
                earlier.given.push(Given {
                    params: step.with,
                    binds,
                    scope: Sharing::Case,
                    ..Given::plain(alias.value, &resource, &step.span)
                });
                let whole = earlier.without(&BTreeSet::new());
                if whole.is_some_and(|whole| whole.len() == earlier.len())
                    && self.fails(&earlier).await
                {
                    *history = earlier;
                    continue;
                }
            }
            at += 1;
        }
    }
}
