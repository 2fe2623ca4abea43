//! Which case runs when, and what came of them in the order of the plan.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::failure::{caught, caught_in};
use super::identity::Identities;
use super::lease::{Leases, SharedTrouble};
use super::ledger::{Header, Ledger, LedgerError};
use super::options::Options;
use super::order::Order;
use super::pace::Pace;
use super::pulse::Pulse;
use super::queue::Queue;
use super::quota::{self, NoQuota};
use super::redact::{redacted, redacted_leak, redacted_tape};
use super::room::{NoRoom, Rooms};
use super::track::Track;
use super::transport::{SetupError, Transport};
use super::{Context, Shared, executor};
use crate::case::Case;
use crate::outcome::{
    CaseOutcome, Event, Finding, RunReport, Scenarios, Verdict, Written, conclude, requirements,
    written_later,
};
use crate::plan::{Estimate, Plan, Planned};
use crate::suite::model::{Level, Scenario, Suite};
use crate::tape::{self, Kept};
use crate::target::Target;
use crate::waiver;

/// What is said of a case of which nothing can be told.
const UNTOLD: &str =
    "this program failed while it took the secrets out of what the case came to; please report it";

/// A run that cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The HTTP client cannot be set up.
    #[error(transparent)]
    Client(#[from] SetupError),
    /// The ledger cannot be begun.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A case needs more objects than there may be.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    /// The endpoint has less room than the run may need.
    #[error(transparent)]
    NoQuota(#[from] NoQuota),
}

/// Runs the plan. Events come in the order of the plan; `cancel` stops the run, which then cleans up and
/// reports what it has. So does a panic of `on_event`, which is told of further events all the same.
///
/// # Errors
/// The HTTP client cannot be set up, or the ledger not be begun; then nothing was sent. The endpoint says that it has
/// too little room; then nothing was created.
pub async fn run(
    suite: Arc<Suite>,
    target: Arc<Target>,
    plan: Plan,
    options: Options,
    cancel: CancellationToken,
    mut on_event: impl FnMut(Event<'_>),
) -> Result<RunReport, RunError> {
    let playback = options.playback;
    let started = (playback.as_ref()).map_or_else(Timestamp::now, |playback| playback.started);
    let clock = Instant::now();
    let _pulse = Pulse::start();
    let failure = OnceLock::new();
    let mut on_event = |event: Event<'_>| {
        if let Err(why) = caught(|| on_event(event)) {
            let _ = failure.set(format!("{} (in a report)", target.secrets.redact(&why)));
            cancel.cancel();
        }
    };
    let transport = Transport::new(&target)?;
    let rooms = Rooms::new(&suite, &target, &plan)?;
    let ledger = match &options.ledger {
        None => None,
        Some(directory) => {
            let header = Header::new(
                &options.run_id,
                &target.endpoint,
                &suite.name,
                suite.version.as_deref(),
                target.profile_name(),
            );
            Some(Ledger::begin(directory, header)?)
        }
    };
    let mut scope = target.scope();
    scope.set("run_id", &options.run_id.clone().into());
    let shared = Arc::new(Shared {
        suite: Arc::clone(&suite),
        target: Arc::clone(&target),
        on_loopback: target.is_loopback(),
        identities: Identities::new(&target),
        pace: Pace::new(target.pace.rate),
        rooms,
        transport,
        scope,
        run_id: options.run_id.clone(),
        leases: Leases::default(),
        ledger,
        cancel: cancel.clone(),
        at_once: options.at_once.clone(),
        strict: options.strict,
        tamper: options.tamper.clone(),
        grace: options.grace,
    });

    if plan.runnable().next().is_some() && playback.is_none() {
        let ctx = Context {
            shared: Arc::clone(&shared),
            track: Track::Off,
        };
        let estimate = || Estimate::of(&plan, &suite, &target, options.jobs);
        let room = quota::check(&ctx, estimate).await;
        drop(ctx);
        if let Err(none) = room {
            if let Some(ledger) = Arc::into_inner(shared).and_then(|shared| shared.ledger) {
                ledger.end(false).await;
            }
            return Err(none.into());
        }
    }

    let mut report = RunReport {
        tool_version: env!("CARGO_PKG_VERSION"),
        suite: suite.name.clone(),
        suite_title: suite.title.clone(),
        suite_version: suite.version.clone(),
        profile: target.profile_name().map(str::to_owned),
        endpoint: target.endpoint.clone(),
        run_id: options.run_id.clone(),
        seed: options.seed,
        strict: options.strict,
        insecure: target.network.insecure,
        started,
        duration: Duration::ZERO,
        cut_short: None,
        outcomes: Vec::new(),
        plain: 0,
        leaked: Vec::new(),
        requirements: requirements(&suite, target.profile_name()),
        scenarios: written(&plan),
        notices: Vec::new(),
        part: plan.part.clone(),
        whole: false,
        waivers: Vec::new(),
    };
    let total = plan.cases.len();
    let runnable = plan.runnable().count();
    on_event(Event::Started {
        run: &report,
        cases: runnable,
        skipped: total - runnable,
    });
    let cases = plan.cases;
    let mut order = Order::new(&cases, &target.secrets, options.keep_all);
    let mut queue = Queue::new(&cases, &options.durations, options.holders);
    for (at, planned) in cases.iter().enumerate() {
        if let Some(reason) = planned.skip() {
            order.came(at, skipped(planned.case(), reason.to_owned(), started));
        }
    }
    order.emit(&mut on_event);

    let mut waivers = (options.waivers).in_force(waiver::today(started), options.strict);
    let mut running = JoinSet::new();
    let mut owners = BTreeMap::new();
    let mut cut_short: Option<String> = None;
    let mut fast: Option<String> = None;
    let mut done = 0;
    let deadline = options
        .deadline
        .map(|deadline| tokio::time::Instant::now() + deadline);
    loop {
        while running.len() < options.jobs.max(1)
            && cut_short.is_none()
            && fast.is_none()
            && !cancel.is_cancelled()
        {
            let Some(at) = queue.next() else {
                break;
            };
            let case = cases[at].case();
            let ctx = Context {
                shared: Arc::clone(&shared),
                track: match (&playback, &options.evidence) {
                    (Some(playback), _) => {
                        let tape = caught(|| (playback.tapes)(&case.id()));
                        Track::playing(tape.and_then(|tape| tape))
                    }
                    (None, Some(_)) => Track::recording(),
                    (None, None) => Track::Off,
                },
            };
            let case = case.clone();
            let handle = running.spawn(async move {
                let error = |why, started, duration| {
                    executor::describe(&case, Verdict::Error, Some(why), started, duration)
                };
                let outcome = match caught_in(executor::execute(&ctx, &case)).await {
                    Ok(outcome) => outcome,
                    Err(why) => error(why, started, Duration::ZERO),
                };
                let outcome = match ctx.track.trouble() {
                    None => outcome,
                    Some(why) => error(why, outcome.started, outcome.duration),
                };
                // What it failed at would be told by nobody without the secrets in it.
                let outcome = caught(|| redacted(&ctx.target.secrets, outcome))
                    .unwrap_or_else(|_| error(UNTOLD.to_owned(), started, Duration::ZERO));
                (at, outcome, ctx.track.into_tape())
            });
            owners.insert(handle.id(), at);
        }
        let joined = tokio::select! {
            joined = running.join_next_with_id() => joined,
            () = sleep_until(deadline), if deadline.is_some() && cut_short.is_none() => {
                cut_short = Some(format!("the deadline of {:?} was reached", options.deadline.unwrap_or_default()));
                cancel.cancel();
                continue;
            }
        };
        let Some(joined) = joined else { break };
        let id = joined.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let Some(at) = owners.remove(&id) else {
            continue;
        };
        let case = cases[at].case();
        queue.ended(case);
        let (at, outcome, tape) = match joined {
            Ok((_, outcome)) => outcome,
            Err(_) => (
                at,
                executor::describe(
                    case,
                    Verdict::Error,
                    Some(UNTOLD.to_owned()),
                    started,
                    Duration::ZERO,
                ),
                None,
            ),
        };
        done += 1;
        let mut outcome = waivers.judge(outcome);
        if let Some(evidence) = &options.evidence {
            let file = || format!("{}/{}", evidence.directory, tape::file_name(&outcome.id));
            let passed = outcome.verdict == Verdict::Pass;
            match tape {
                Some((tape, wanted)) if wanted || evidence.of == Kept::All || !passed => {
                    outcome.evidence = Some(file());
                    let tape = redacted_tape(&target.secrets, tape);
                    on_event(Event::Evidence(&outcome, &tape));
                }
                None if playback.is_some() => outcome.evidence = Some(file()),
                _ => {}
            }
        }
        if options.fail_fast
            && fast.is_none()
            && matches!(outcome.verdict, Verdict::Fail | Verdict::Error)
        {
            fast = Some(outcome.id.clone());
        }
        order.came(at, outcome);
        on_event(Event::Progress { done });
        order.emit(&mut on_event);
    }
    if cancel.is_cancelled() && cut_short.is_none() {
        let why = failure.get().cloned();
        cut_short = Some(why.unwrap_or_else(|| "it was interrupted".to_owned()));
    }
    let reason = match (&cut_short, &fast) {
        (Some(why), _) => format!("not run: {why}"),
        (None, Some(id)) => format!("not run: --fail-fast after {id}"),
        (None, None) => "not run".to_owned(),
    };
    for at in queue.rest() {
        order.came(at, skipped(cases[at].case(), reason.clone(), started));
    }
    order.emit(&mut on_event);

    let ctx = Context {
        shared,
        track: Track::Off,
    };
    let leaked = match &playback {
        Some(playback) => playback.leaked.clone(),
        None => (ctx.leases.close(&ctx).await.into_iter())
            .map(|leak| redacted_leak(&target.secrets, leak))
            .collect(),
    };
    let (mut outcomes, plain) = order.into_told();
    let mut extra: Vec<CaseOutcome> = (ctx.leases.troubles().into_iter())
        .map(|trouble| waivers.judge(redacted(&target.secrets, shared_outcome(trouble, started))))
        .collect();
    // A part shows of no waiver that it is not needed: the others may need it.
    report.whole = options.whole && cut_short.is_none() && fast.is_none();
    report.waivers = waivers.end();
    let conclusive = report.whole && report.part.is_none();
    let (wrong, notices) = waiver::conclude(&report.waivers, conclusive, started);
    extra.extend(wrong);
    for outcome in extra {
        on_event(Event::Finished(&outcome));
        outcomes.push(outcome);
    }
    if let Some(ledger) = Arc::into_inner(ctx.shared).and_then(|shared| shared.ledger) {
        ledger.end(false).await;
    }
    conclude(&mut report.requirements, &outcomes);
    report.duration = clock.elapsed();
    report.cut_short = failure.get().cloned().or(cut_short);
    if let Some(playback) = playback {
        report.duration = playback.duration;
        report.cut_short = report.cut_short.or(playback.cut_short);
    }
    report.outcomes = outcomes;
    report.plain = plain;
    report.leaked = leaked;
    report.notices = notices;
    Ok(report)
}

/// The scenarios of a plan, each once. What was generated is written nowhere.
fn written(plan: &Plan) -> Scenarios {
    let mut all: Vec<Arc<Scenario>> = Vec::new();
    for case in plan.cases.iter().map(Planned::case) {
        let is_written = !case.is_generated() || case.scenario.matrix.is_some();
        let is_same = |last: &Arc<Scenario>| Arc::ptr_eq(last, &case.scenario);
        if is_written && !all.last().is_some_and(is_same) {
            all.push(Arc::clone(&case.scenario));
        }
    }
    written_later(move || {
        let mut known = BTreeSet::new();
        (all.iter())
            .filter(|scenario| known.insert(&scenario.id))
            .map(|scenario| Written {
                location: scenario.span.location(),
                text: scenario.span.block(),
            })
            .collect()
    })
}

/// The outcome of a case that is not run.
fn skipped(case: &Case, reason: String, started: Timestamp) -> CaseOutcome {
    executor::describe(case, Verdict::Skip, Some(reason), started, Duration::ZERO)
}

async fn sleep_until(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// What went wrong with the shared objects of one kind, told once and as a case of its own.
fn shared_outcome(trouble: SharedTrouble, started: Timestamp) -> CaseOutcome {
    let SharedTrouble {
        resource,
        violations,
        refused,
    } = trouble;
    let location = resource.span.location();
    let mut exchanges = Vec::new();
    let mut findings = Vec::new();
    for (mismatch, exchange) in violations {
        findings.push(Finding::new(
            mismatch,
            Vec::new(),
            Level::Must,
            location.clone(),
            Some(exchanges.len()),
        ));
        exchanges.push(exchange);
    }
    let (verdict, reason) = match refused {
        Some((why, more)) => {
            exchanges.extend(more);
            (Verdict::Error, Some(why))
        }
        None => (Verdict::Fail, None),
    };
    CaseOutcome {
        id: format!("shared/{}", resource.name),
        title: format!("shared {} is set up", resource.name),
        group: "shared".to_owned(),
        feature: Some("Objects that several cases share".to_owned()),
        location,
        why: None,
        tags: Vec::new(),
        requirements: Vec::new(),
        verdict,
        reason,
        findings,
        judged: 0,
        not_judged: Vec::new(),
        observations: Vec::new(),
        leaked: Vec::new(),
        requests: exchanges.len(),
        reproducer: None,
        evidence: None,
        exchanges: exchanges.into_iter().map(Arc::unwrap_or_clone).collect(),
        started,
        duration: Duration::ZERO,
    }
}
