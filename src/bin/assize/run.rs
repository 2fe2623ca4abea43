//! `assize run`: the main job.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use assize::case::{Expansion, expand};
use assize::outcome::{Event, RunReport, Verdict};
use assize::plan::{Estimate, Objects, Plan, REQUEST, SETTLING};
use assize::report::Console;
use assize::report::manifest::Told;
use assize::report::statement::Catalogue;
use assize::runner::{self, EXTENSION, Options, catalogued, run as run_plan};
use assize::suite::model::Suite;
use assize::tape::Kept;
use assize::target::Target;
use assize::waiver::Waivers;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio_util::sync::CancellationToken;

use crate::aim::{Aim, Endpoint};
use crate::evidence::{Evidence, slashes};
use crate::github::GitHub;
use crate::lines::Lines;
use crate::list::left_out;
use crate::output::{complain, guarded, say, styled};
use crate::reports::{Files, Reports};
use crate::statement::{self, Draft};
use crate::{USAGE, args, emulator, found, rerun, select, shard, waivers};

/// Cases at once, unless said.
const JOBS: u16 = 256;

/// Of these, so many with objects of the suite.
const HOLDERS: u16 = 32;

/// Cases at once for each processor with the embedded emulator: it lets nobody wait, so that more of them would wait
/// for the processor only.
const EMBEDDED: usize = 4;

pub(crate) fn run(arguments: args::Run) -> anyhow::Result<u8> {
    let Some(aim) = Aim::take(&arguments.target, &arguments.selection.variables)? else {
        return Ok(USAGE);
    };
    let Some(suite) = aim.suite(&arguments.suite)? else {
        return Ok(USAGE);
    };
    // The process ends with the run: to take a large suite apart before would be time for nothing.
    std::mem::forget(Arc::clone(&suite));
    let endpoint = aim.endpoint()?;
    if !arguments.dry_run {
        aim.guard(&suite, &endpoint, arguments.allow_writes)?;
    }
    let shard = shard::asked(&arguments.shard)?;
    let mut reports = Reports::open(&arguments.reports)?;
    let vendor = statement::vendor(&arguments.statement, aim.vendor())?;
    if vendor.is_some() {
        rests_on(&arguments, &suite)?;
    }
    let of = match arguments.evidence_of {
        Some(args::EvidenceOf::All) => Kept::All,
        None if vendor.is_some() => Kept::All,
        Some(args::EvidenceOf::Failed) | None => Kept::Failed,
    };
    let mut evidence = (arguments.evidence.as_deref())
        .filter(|_| !arguments.dry_run)
        .map(|directory| Evidence::open(directory, of))
        .transpose()?;
    // It may lie beside the evidence, in the same directory.
    let draft = Draft::open(&arguments.statement, vendor)?;
    let runtime = tokio::runtime::Runtime::new().context("the runtime cannot be started")?;
    // On a thread of the runtime, which takes from cases what comes of them without waking another.
    let run = runtime.spawn(async move {
        let arguments = &arguments;
        let earlier = (arguments.rerun.as_deref())
            .map(rerun::report)
            .transpose()?;
        let timed = (arguments.durations.as_deref())
            .map(rerun::report)
            .transpose()?;
        let durations = (timed.as_ref().or(earlier.as_ref()))
            .map(rerun::durations)
            .unwrap_or_default();
        let seed = (arguments.generate.seed)
            .or(earlier.as_ref().map(|document| document.run.seed))
            // Shards that do not know of each other have to choose alike.
            .or(shard.map(|_| 0))
            .unwrap_or_else(fresh_seed);
        let own = arguments.selection.profile.as_deref();
        let profile = aim.profile(own);
        let (endpoint, embedded) = match endpoint {
            Endpoint::At(endpoint) => (endpoint, None),
            Endpoint::Catalogued(keystone, _) if arguments.dry_run => (keystone.auth_url, None),
            Endpoint::Catalogued(keystone, service) => {
                let asking = aim.target(&suite, &keystone.auth_url, own)?;
                let found = catalogued(&keystone, &service, &asking).await;
                (found.map_err(anyhow::Error::msg)?, None)
            }
            Endpoint::Open if arguments.dry_run => ("http://127.0.0.1".to_owned(), None),
            Endpoint::Open => {
                let emulator = embedded(&suite, profile, seed).await?;
                (emulator.url().to_owned(), Some(emulator))
            }
        };
        let mut target = aim.target(&suite, &endpoint, own)?;
        target.pace.rate = arguments.rate.or(target.pace.rate);
        target
            .pace
            .objects
            .extend(arguments.at_most.iter().cloned());
        known(&suite, target.pace.objects.keys())?;
        if embedded.is_some() {
            emulator::identify(&mut target, &suite);
        }
        let mut filter = select::filter(&arguments.selection);
        filter.only = earlier.as_ref().map(rerun::ids);
        let generate = arguments.generate.with_seed(seed);
        let Expansion {
            cases,
            left_out: rest,
            ..
        } = expand(&suite, &target, &generate);
        if let Some(only) = &filter.only {
            rerun::tell_of_missing(only, &cases);
        }
        let all = arguments.suite.paths.is_empty();
        let waivers = match &arguments.waivers {
            None => Waivers::default(),
            Some(path) => match waivers::read(path, &suite, &cases, all)? {
                None => return Ok(USAGE),
                Some(waivers) => waivers,
            },
        };
        let catalogue = (draft.is_some()).then(|| Catalogue::of(&suite, &target, &cases));
        let mut plan = Plan::new(&suite, cases, &filter, &target)?;
        let nothing = plan
            .cases
            .is_empty()
            .then(|| select::nothing(&suite, &filter, expand(&suite, &target, &generate).cases));
        // Where nothing is selected, there is nothing to be a part of.
        if let Some(shard) = shard.filter(|_| nothing.is_none()) {
            let all = plan.cases.len();
            plan = plan.sharded(&suite, shard);
            complain(&format!(
                "shard {shard}: {} of {all} cases\n",
                plan.cases.len()
            ));
        }
        let said = arguments.jobs.or(aim.jobs());
        let enough = match &embedded {
            Some(_) => std::thread::available_parallelism().map_or(1, usize::from) * EMBEDDED,
            None => usize::MAX,
        };
        let [jobs, holders] =
            [JOBS, HOLDERS].map(|most| said.map_or(enough.min(usize::from(most)), usize::from));
        if arguments.dry_run {
            let estimate = Estimate::of(&plan, &suite, &target, holders);
            say(&(dry_run(&plan, &estimate, holders) + &left_out(&plan, &rest)))?;
            complain(&nothing.unwrap_or_default());
            return Ok(if plan.runnable().next().is_none() && plan.part.is_none() {
                4
            } else {
                0
            });
        }
        announce(&suite, &target, seed, embedded.is_some());
        let secrets = target.secrets.clone();
        complain(&left_out(&plan, &rest));
        // What the embedded emulator holds ends with it.
        let ledger = embedded.is_none().then(|| arguments.ledger.clone());
        let whole = all && plan.left_out == 0;
        let directory = arguments.evidence.as_deref().map(slashes);
        if let Some(evidence) = &mut evidence {
            evidence.keep_back(&secrets);
        }
        let target = Arc::new(target);
        let options = Options {
            jobs,
            holders,
            durations,
            fail_fast: arguments.fail_fast,
            deadline: arguments.deadline,
            strict: arguments.strict,
            seed,
            ledger,
            waivers,
            whole,
            // The reports have all of them; what evidence belongs to is told at the end.
            keep_all: arguments.evidence.is_some(),
            evidence: directory
                .clone()
                .map(|directory| runner::Evidence { of, directory }),
            ..Options::standard()
        };
        let github = GitHub::here();
        github.begin()?;
        let kept = (&mut reports, &mut evidence);
        let used = Arc::clone(&suite);
        let executed = execute(arguments, suite, Arc::clone(&target), plan, options, kept).await;
        let (report, told) = executed?;
        // From here on, nothing keeps the files from being closed.
        let annotated = guarded(|| github.end(&report, &secrets));
        let stopped = match embedded {
            Some(running) => {
                (running.shutdown().await).context("the embedded emulator did not stop")
            }
            None => Ok(()),
        };
        complain(&nothing.unwrap_or_default());
        let found = guarded(|| found::write(&report, &arguments.found, &arguments.suite, &secrets));
        let kept = match (evidence, directory) {
            (Some(evidence), Some(directory)) => {
                let args::Suite { suite, paths } = aim.suite_flags(&arguments.suite);
                let paths = paths.iter().map(|path| path.display().to_string());
                let of = Told {
                    directory,
                    suite,
                    paths: paths.collect(),
                    waivers: (arguments.waivers.as_ref()).map(|path| path.display().to_string()),
                    rows: generate.rows,
                    boundary: generate.boundary,
                    sequences: generate.sequences,
                    length: generate.length,
                    races: generate.races,
                };
                guarded(|| evidence.close(&report, &target, of, arguments.waivers.as_deref()))
            }
            _ => Ok(()),
        };
        let stated = match (draft, catalogue, &arguments.evidence) {
            (Some(draft), Some(catalogue), Some(directory)) if kept.is_ok() => {
                guarded(|| draft.close(&report, &used, &catalogue, directory, &secrets))
            }
            (Some(_), ..) => Err(anyhow::anyhow!(
                "no statement is written, since its evidence is not whole"
            )),
            (None, ..) => Ok(()),
        };
        let files = reports.close(
            &report,
            &secrets,
            [told, annotated, stopped, found, kept, stated],
        )?;
        Ok(match files {
            Files::Clean => report.exit_code(),
            Files::Told => 3,
        })
    });
    let done = runtime.block_on(run);
    // The process ends with the run, and its threads with it.
    runtime.shutdown_background();
    done.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()))
}

/// Refuses a statement of a run that could not show what it says.
fn rests_on(arguments: &args::Run, suite: &Suite) -> anyhow::Result<()> {
    if arguments.evidence.is_none() {
        anyhow::bail!("a statement rests on evidence; say where to keep it with --evidence DIR");
    }
    if arguments.evidence_of == Some(args::EvidenceOf::Failed) {
        anyhow::bail!(
            "a statement rests on the evidence of all cases; leave out --evidence-of failed"
        );
    }
    if !arguments.suite.paths.is_empty() {
        anyhow::bail!(
            "a statement speaks of a whole suite; name the suite with --suite instead of paths, and select with --filter or --tag if only part of it is to run"
        );
    }
    statement::speaks_of(suite)
}

/// Refuses resources that the suite does not have.
fn known<'n>(suite: &Suite, names: impl Iterator<Item = &'n String>) -> anyhow::Result<()> {
    for name in names {
        if !suite.resources.contains_key(name) {
            let all: Vec<&str> = suite.resources.keys().map(String::as_str).collect();
            anyhow::bail!(
                "the suite {} has no resource `{name}`, of which there may be so many at once; it has: {}",
                suite.name,
                all.join(", ")
            );
        }
    }
    Ok(())
}

async fn embedded(
    suite: &Suite,
    profile: Option<&str>,
    seed: u64,
) -> anyhow::Result<assize::emulator::Running> {
    emulator::start(dialect(suite, profile)?, seed)
        .await
        .context("the embedded emulator cannot be started")
}

/// The dialect of the emulator that a profile names.
pub(crate) fn dialect(
    suite: &Suite,
    profile: Option<&str>,
) -> anyhow::Result<assize::emulator::Dialect> {
    let named = profile.or(suite.default_profile.as_deref());
    match named.and_then(|name| suite.profiles.get(name)) {
        Some(profile) => {
            let name = profile.emulator.as_deref().with_context(|| format!("the profile {} names no emulator; say where to send requests with --endpoint URL", profile.name))?;
            emulator::dialect(name).with_context(|| format!("the profile {} names the emulator `{name}`, which this program does not have; say where to send requests with --endpoint URL", profile.name))
        }
        // Plain files without a profile, and a profile that does not exist, which the target refuses.
        None => Ok(assize::emulator::Dialect::OtcV2),
    }
}

fn fresh_seed() -> u64 {
    let bytes = uuid::Uuid::new_v4().into_bytes();
    u64::from(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}

fn announce(suite: &Suite, target: &Target, seed: u64, embedded: bool) {
    let profile = target
        .profile_name()
        .map(|name| format!(" as {name}"))
        .unwrap_or_default();
    let what = if embedded {
        "the embedded emulator"
    } else {
        "endpoint"
    };
    if target.network.insecure {
        complain(
            "warning: no certificate is looked at; whoever answers is believed, and is told the credentials\n",
        );
    }
    complain(&format!(
        "assize {} holds {what} {}{profile} to {}; seed {seed}\n",
        env!("CARGO_PKG_VERSION"),
        target.endpoint,
        suite.name
    ));
}

fn dry_run(plan: &Plan, estimate: &Estimate, jobs: usize) -> String {
    let mut text = String::new();
    for planned in &plan.cases {
        let (id, title) = (planned.case().id(), planned.case().title());
        match planned.skip() {
            None => text.push_str(&format!("RUN   {id}  {title}\n")),
            Some(reason) => text.push_str(&format!("SKIP  {id}  {title}  ({reason})\n")),
        }
    }
    let runnable = plan.runnable().count();
    if !estimate.objects.is_empty() {
        text.push_str("\nobjects         created  at once, at the most\n");
        for (name, Objects { created, at_once }) in &estimate.objects {
            text.push_str(&format!("  {name:<13} {created:>7}  {at_once:>7}\n"));
        }
    }
    if runnable > 0 {
        let Estimate { requests, time, .. } = estimate;
        let hundreds = requests.div_ceil(100) * 100;
        text.push_str(&format!(
            "about {hundreds} requests; with {} cases at once, {} ms a request and {} s for a change to settle where that takes time, about {}\n\n",
            jobs.min(runnable),
            REQUEST.as_millis(),
            SETTLING.as_secs(),
            rough(*time)
        ));
    }
    text.push_str(&format!(
        "{runnable} cases would run, {} would be skipped; nothing was sent\n",
        plan.cases.len() - runnable
    ));
    text
}

/// A time in words, rounded up.
fn rough(time: Duration) -> String {
    match time.as_secs() {
        0..=59 => format!("{} s", time.as_secs() + 1),
        seconds @ 60..=5399 => format!("{} min", seconds.div_ceil(60)),
        seconds => format!("{:.1} h", seconds as f64 / 3600.0),
    }
}

/// Runs the plan and tells of it as it goes. What could not be told comes with the report.
async fn execute(
    arguments: &args::Run,
    suite: Arc<Suite>,
    target: Arc<Target>,
    plan: Plan,
    options: Options,
    (reports, evidence): (&mut Reports, &mut Option<Evidence>),
) -> anyhow::Result<(RunReport, anyhow::Result<()>)> {
    let cancel = CancellationToken::new();
    let (stop, at_once) = (cancel.clone(), options.at_once.clone());
    let watcher = tokio::spawn(async move {
        interrupted().await;
        complain(
            "\ninterrupted: no more cases are started; what was created is removed. Once more to leave at once.\n",
        );
        stop.cancel();
        interrupted().await;
        complain(
            "\nleft at once: objects of this run may be left on the endpoint; `assize sweep` removes them.\n",
        );
        at_once.cancel();
        interrupted().await;
        leave();
    });
    let ledger = (options.ledger.as_ref())
        .map(|directory| directory.join(format!("{}.{EXTENSION}", options.run_id)));
    let lines = Lines::begin();
    let console = Console {
        width: None,
        styled: styled(lines.terminal),
        verbose: arguments.verbose,
    };
    let bar = progress(plan.runnable().count());
    let mut failed = None;
    let report = run_plan(suite, target, plan, options, cancel, |event| {
        failed = failed.take().or(reports.tell(&event).err());
        match event {
            Event::Started { .. } => {}
            Event::Evidence(outcome, tape) => {
                if let Some(evidence) = evidence {
                    evidence.add(outcome, tape);
                }
            }
            Event::Progress { done } => bar.set_position(done as u64),
            Event::Finished(outcome) => {
                let plain = outcome.verdict == Verdict::Pass && outcome.findings.is_empty();
                if lines.terminal && plain && !arguments.verbose {
                    return;
                }
                if let Some(line) = console.finished(outcome) {
                    bar.suspend(|| lines.add(&line));
                }
            }
        }
    })
    .await?;
    watcher.abort();
    bar.finish_and_clear();
    let said = guarded(|| {
        lines.add(&console.summary(&report));
        lines.end()
    });
    if let Some(ledger) = ledger.filter(|ledger| ledger.exists()) {
        complain(&format!(
            "objects of this run may be left; `assize sweep {}` looks, and removes them\n",
            ledger.display()
        ));
    }
    let heard = |error: &anyhow::Error| !crate::output::is_closed_pipe(error);
    let failed = failed.or(said.err()).filter(heard);
    Ok((report, failed.map_or(Ok(()), Err)))
}

fn progress(cases: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(cases as u64), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} cases, {elapsed}") {
        bar.set_style(style);
    }
    bar
}

/// Until Ctrl-C or, where there is one, a request to terminate.
pub(crate) async fn interrupted() {
    #[cfg(unix)]
    {
        if let Ok(mut terminate) =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

#[expect(
    clippy::exit,
    reason = "the third interrupt leaves without waiting for anything"
)]
fn leave() {
    std::process::exit(3);
}
