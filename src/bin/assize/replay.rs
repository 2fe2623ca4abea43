//! `assize replay`: recorded evidence judged again, with this version of the suite and without an endpoint.

use std::collections::BTreeMap;
use std::sync::Arc;

use assize::case::{Case, Expansion, Generate, expand};
use assize::outcome::{CaseOutcome, Event, RunReport, Verdict};
use assize::plan::{Plan, Planned};
use assize::report::Console;
use assize::report::escape::line;
use assize::report::manifest::{Judged, Manifest};
use assize::runner::{Evidence, Options, Playback, run as run_plan};
use assize::secret::Secrets;
use assize::source::Source;
use assize::suite::model::Suite;
use assize::target::{Limits, Target};
use assize::waiver::Waivers;
use tokio_util::sync::CancellationToken;

use crate::evidence::{Recorded, WAIVERS};
use crate::output::{complain, diagnostics, say, stdout_is_terminal, styled};
use crate::reports::{Files, Reports};
use crate::{USAGE, args, select};

/// Part of the evidence is missing or was changed.
const SPOILT: u8 = 3;

pub(crate) fn replay(arguments: &args::Replay) -> anyhow::Result<u8> {
    let recorded = Recorded::open(&arguments.evidence)?;
    let mut reports = Reports::open(&arguments.reports)?;
    let console = Console {
        width: None,
        styled: styled(stdout_is_terminal()),
        verbose: arguments.verbose,
    };
    let mut failed = None;
    let judged = judge(&recorded, arguments.suite.as_deref(), |event| {
        failed = failed.take().or(reports.tell(event).err());
        if let Event::Finished(outcome) = event
            && let Some(line) = console.finished(outcome)
        {
            failed = failed.take().or(say(&format!("{line}\n")).err());
        }
    })?;
    let report = match judged {
        Again::Judged(report) => report,
        Again::Not(code) => return Ok(code),
    };
    if let Some(error) = failed.filter(|error| !crate::output::is_closed_pipe(error)) {
        return Err(error);
    }
    say(&format!("{}\n", console.summary(&report)))?;
    say(&changes(&recorded.manifest, &report))?;
    // Evidence tells no secret, so there is none to look for.
    Ok(match reports.close(&report, &Secrets::default(), [])? {
        Files::Clean => report.exit_code(),
        Files::Told => 3,
    })
}

/// What came of judging evidence again.
pub(crate) enum Again {
    Judged(Box<RunReport>),
    /// It could not be, as has been told; with the exit code.
    Not(u8),
}

/// Judges recorded evidence again. Nothing is sent, and no clock is read.
pub(crate) fn judge(
    recorded: &Recorded,
    suite: Option<&str>,
    mut on_event: impl FnMut(&Event<'_>),
) -> anyhow::Result<Again> {
    let manifest = &recorded.manifest;
    let told = &manifest.told;
    let flags = args::Suite {
        suite: suite.map(str::to_owned).or(told.suite.clone()),
        paths: told.paths.iter().map(Into::into).collect(),
    };
    let names = manifest.variables.keys();
    let names = names.map(|name| (name.clone(), String::new())).collect();
    let Some(suite) = select::suite(&flags, &names)? else {
        return Ok(Again::Not(USAGE));
    };
    let target = target(manifest, &suite)?;
    let generate = Generate {
        seed: manifest.run.seed,
        rows: told.rows,
        boundary: told.boundary,
        sequences: told.sequences,
        length: told.length,
        races: told.races,
    };
    let Expansion { cases, .. } = expand(&suite, &target, &generate);
    let waivers = match &told.waivers {
        None => Waivers::default(),
        Some(shown) => match recorded.file(WAIVERS) {
            Err(why) => {
                complain(&format!("error: {why}\n"));
                return Ok(Again::Not(SPOILT));
            }
            Ok(text) => match Waivers::read(&Source::new(shown.clone(), text)) {
                Err(found) => {
                    diagnostics(&found);
                    return Ok(Again::Not(USAGE));
                }
                Ok(waivers) => waivers,
            },
        },
    };
    let plan = plan(manifest, cases);
    let tapes = recorded.clone();
    let options = Options {
        // One after the other, as nothing is waited for.
        jobs: 1,
        strict: manifest.run.strict,
        seed: manifest.run.seed,
        run_id: manifest.run.run_id.clone(),
        waivers,
        whole: manifest.whole,
        evidence: Some(Evidence {
            of: manifest.of,
            directory: told.directory.clone(),
        }),
        playback: Some(Playback {
            started: manifest.started(),
            duration: manifest.duration(),
            cut_short: manifest.cut_short.clone(),
            leaked: manifest.leaked.clone(),
            tapes: Arc::new(move |id: &str| tapes.tape(id)),
        }),
        ..Options::standard()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let never = CancellationToken::new();
    let report = runtime.block_on(run_plan(
        suite,
        Arc::new(target),
        plan,
        options,
        never,
        |event| on_event(&event),
    ))?;
    Ok(Again::Judged(Box::new(report)))
}

/// What the run was pointed at. Each secret is its own name.
fn target(manifest: &Manifest, suite: &Suite) -> anyhow::Result<Target> {
    let known = |name: &String| suite.variables.is_empty() || suite.variables.contains_key(name);
    let variables = (manifest.variables.iter())
        .filter(|(name, _)| known(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let mut target = Target::new(
        suite,
        &manifest.run.endpoint,
        manifest.run.profile.as_deref(),
        &variables,
        Limits::STANDARD,
    )?;
    target.identities.clone_from(&manifest.identities);
    target.unconfigured.clone_from(&manifest.unconfigured);
    target.network.insecure = manifest.run.insecure;
    Ok(target)
}

/// The cases of the run that this version of the suite has, in their order.
fn plan(manifest: &Manifest, cases: Vec<Case>) -> Plan {
    let mut known: BTreeMap<String, Case> = BTreeMap::new();
    for case in cases {
        known.insert(case.id.clone(), case);
    }
    let mut planned = Vec::new();
    for Judged {
        id,
        verdict,
        reason,
        file,
    } in &manifest.cases
    {
        let Some(case) = known.remove(id) else {
            continue;
        };
        let skip = match (verdict, file) {
            (Verdict::Skip, _) => Some(reason.clone().unwrap_or_default()),
            (Verdict::Pass, None) => {
                Some("it passed, and evidence was kept of failures only".to_owned())
            }
            _ => None,
        };
        planned.push(Planned { case, skip });
    }
    Plan {
        part: None,
        cases: planned,
        left_out: known.len(),
    }
}

/// Which verdicts are other than they were, and why.
fn changes(manifest: &Manifest, report: &RunReport) -> String {
    let now: BTreeMap<&str, &CaseOutcome> = report
        .outcomes
        .iter()
        .map(|outcome| (outcome.id.as_str(), outcome))
        .collect();
    let mut text = String::new();
    let mut changed = 0;
    let mut not_again = 0;
    for judged in &manifest.cases {
        let told = match now.get(judged.id.as_str()) {
            None => format!(
                "{} -> no such case in this version of the suite",
                judged.verdict.as_str()
            ),
            Some(outcome) if outcome.verdict == judged.verdict => continue,
            Some(outcome) if judged.verdict == Verdict::Pass && judged.file.is_none() => {
                not_again += usize::from(outcome.verdict == Verdict::Skip);
                continue;
            }
            Some(outcome) => format!(
                "{} -> {}: {}",
                judged.verdict.as_str(),
                outcome.verdict.as_str(),
                why(outcome)
            ),
        };
        changed += 1;
        text.push_str(&format!("CHANGED  {}  {told}\n", line(&judged.id)));
    }
    let cases = manifest.cases.len();
    text.push_str(&match (changed, not_again) {
        (0, 0) => format!("judged again: all {cases} verdicts are as they were\n"),
        (0, _) => format!(
            "judged again: the verdicts of {} cases are as they were; of {not_again} that passed there is no evidence\n",
            cases - not_again
        ),
        _ => format!("judged again: {changed} of {cases} verdicts are others\n"),
    });
    text
}

/// What a verdict rests on, in one line.
fn why(outcome: &CaseOutcome) -> String {
    let finding = outcome.findings.first().map(|finding| {
        format!(
            "expected {}, and {}",
            line(&finding.expected),
            line(&finding.actual)
        )
    });
    let reason = outcome.reason.as_deref().map(line);
    (finding.or(reason)).unwrap_or_else(|| "all that is asked for holds".to_owned())
}
