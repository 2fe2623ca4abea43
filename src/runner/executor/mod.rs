//! One case from its first request to its last: set-up, act, aftermath, clean-up.

mod aftermath;
mod contract;
mod judging;
mod setup;
mod shot;
mod steps;
mod together;
mod verdict;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;
use tokio::time::Instant;

use super::Context;
use super::object::Object;
use super::session::{Session, Stop};
use super::shrink::shrink;
use crate::case::Case;
use crate::check::Afterwards;
use crate::exchange::Phase;
use crate::oracle::State;
use crate::outcome::{CaseOutcome, Finding, Leak, Observation, Verdict};
use crate::suite::model::Expect;

pub(super) use verdict::describe;

/// Runs one case. Whatever happens, what it created is removed or listed as leaked. What a drawn case finds is
/// told by the shortest history that shows it; a combination of a matrix is written as short as it gets.
pub(super) async fn execute(ctx: &Context, case: &Case) -> CaseOutcome {
    // Held until the case has cleaned up.
    let _room = ctx.rooms.enter(ctx, case).await;
    let mut afresh = 0;
    let run = loop {
        let run = run(ctx, case, ctx.grace).await;
        // What was turned away was not judged. It was sent once, and is not sent again to these objects.
        let judged = matches!(run.outcome.verdict, Verdict::Pass | Verdict::Skip);
        if !run.turned_away
            || judged
            || !run.outcome.leaked.is_empty()
            || afresh == AFRESH
            || ctx.track.so(|| ctx.cancel.is_cancelled())
        {
            break run;
        }
        afresh += 1;
    };
    let drawn = case.is_generated() && case.scenario.matrix.is_none();
    if drawn && run.outcome.verdict == Verdict::Fail {
        Box::pin(shrink(ctx, case, run)).await
    } else {
        run.outcome
    }
}

/// So often a case is begun afresh whose act was turned away for now.
const AFRESH: usize = 5;

/// A case that has been run.
pub(super) struct Run {
    pub(super) outcome: CaseOutcome,
    /// The step that it came to.
    pub(super) at: usize,
    /// Whether its act was turned away for now.
    turned_away: bool,
}

/// Runs one case, once. `grace` shortens the time that the profile grants an aftermath.
pub(super) async fn run(ctx: &Context, case: &Case, grace: Option<Duration>) -> Run {
    let started = ctx.track.began();
    let clock = std::time::Instant::now();
    let limits = &ctx.target.limits;
    let session = Session::new(
        ctx,
        &case.id(),
        case.scenario.timeout.unwrap_or(limits.case),
    );
    let mut run = CaseRun {
        ctx,
        case,
        session,
        objects: Vec::new(),
        model: contract::model(&ctx.suite, &case.scenario),
        findings: Vec::new(),
        judged: 0,
        shown: BTreeSet::new(),
        observations: Vec::new(),
        at: 0,
        grace,
    };
    let mut stop = ctx.kept(run.go()).await.and_then(|done| done).err();
    run.session.tampering = None;
    run.session.deadline = Instant::now() + limits.clean_up;
    run.session.interruptible = false;
    if !case.scenario.finally.is_empty() {
        let ended = ctx.kept(run.finally()).await.and_then(|done| done);
        stop = stop.or(ended.err());
    }
    let mut leaked = Vec::new();
    if !run.objects.is_empty() || !run.session.coming.is_empty() {
        leaked = match ctx.kept(run.clean_up(stop.as_ref())).await {
            Ok(leaked) => leaked,
            Err(why) => run.session.abandoned(&run.objects, why),
        };
    }
    run.give_back(leaked.is_empty());
    Run {
        at: run.at,
        turned_away: run.session.turned_away,
        outcome: run.outcome(stop, leaked, started, ctx.track.ended(clock.elapsed())),
    }
}

struct CaseRun<'a> {
    ctx: &'a Context,
    case: &'a Case,
    session: Session<'a>,
    objects: Vec<Object>,
    /// The objects as the contract knows them, place by place, where the case asks for it.
    model: Option<State>,
    findings: Vec<Finding>,
    /// How many expectations it was held to.
    judged: usize,
    /// The requirements that these expectations show.
    shown: BTreeSet<String>,
    observations: Vec<Observation>,
    /// The step that is under way, or was the last.
    at: usize,
    /// How long an aftermath may take at the most, where that is less than what the profile grants.
    grace: Option<Duration>,
}

/// What the objects of an expectation look like at one moment: by place, with the exchange that showed it.
type Reads = Vec<(usize, Afterwards, usize)>;

impl CaseRun<'_> {
    async fn go(&mut self) -> Result<(), Stop> {
        let scenario = Arc::clone(&self.case.scenario);
        self.case.name_values(&mut self.session.scope);
        for (name, value) in &scenario.variables {
            let value = value.value(&self.session.scope)?.unwrap_or(Json::Null);
            self.session.scope.set(name.as_str(), &value);
        }
        for given in &scenario.given {
            self.give(given).await?;
        }
        let last = scenario.steps.len().saturating_sub(1);
        for (at, step) in scenario.steps.iter().enumerate() {
            let judged: Vec<&Expect> = if at == last {
                step.then.iter().chain(&scenario.then).collect()
            } else {
                step.then.iter().collect()
            };
            let before = self.findings.len();
            self.at = at;
            self.step(step, &judged, at < last).await?;
            if at < last && self.findings.len() > before {
                return Err(Stop::Judged);
            }
        }
        Ok(())
    }

    /// Sends every step of `finally`, whatever the others came to.
    async fn finally(&mut self) -> Result<(), Stop> {
        let scenario = Arc::clone(&self.case.scenario);
        let mut trouble = Ok(());
        for step in &scenario.finally {
            let judged: Vec<&Expect> = step.then.iter().collect();
            if let Err(stop) = self.step(step, &judged, false).await
                && trouble.is_ok()
            {
                trouble = Err(stop);
            }
        }
        trouble
    }

    async fn clean_up(&mut self, stop: Option<&Stop>) -> Vec<Leak> {
        for object in &self.objects {
            if object.gone && object.lease.is_none() {
                self.session.was_removed(object);
            }
        }
        let leaked = self.session.clean_up(&mut self.objects).await;
        // A case that came to a halt has not looked at what it leaves behind.
        if matches!(stop, Some(Stop::Unjudged(_) | Stop::Judged)) {
            for place in 0..self.objects.len() {
                if self.objects[place].lease.is_some() {
                    let read = self.session.read(Phase::CleanUp, &self.objects, place);
                    let there = matches!(read.await, Ok((Afterwards::Object(_), _)));
                    self.objects[place].spoilt |= !there;
                }
            }
        }
        leaked
    }

    /// Gives back what the case was lent.
    fn give_back(&self, clean: bool) {
        // What stands beside something spoilt may not stand beside what takes its place.
        let spoilt = self.objects.iter().any(|object| object.spoilt);
        // What others need is given back last: whoever gets it is to find them as well.
        for object in self.objects.iter().rev() {
            if let Some(lease) = &object.lease {
                let whole = !object.spoilt && (!spoilt || object.needs.is_empty());
                self.ctx.leases.release(lease, clean && whole);
            }
        }
    }
}
