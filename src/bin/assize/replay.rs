//! `assize replay`: recorded evidence judged again, with this version of the suite and without an endpoint.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::bail;
use assize::case::{Case, Expansion, Generate, expand};
use assize::outcome::{CaseOutcome, Event, RunReport, Verdict};
use assize::plan::{Part, Plan, Planned, suite_digest};
use assize::report::escape::line;
use assize::report::manifest::{Judged, Manifest};
use assize::report::merge::{Merged, merge};
use assize::report::statement::Catalogue;
use assize::report::{Console, json};
use assize::runner::{Evidence, Options, Playback, run as run_plan};
use assize::secret::Secrets;
use assize::source::Source;
use assize::suite::model::Suite;
use assize::tape::Kept;
use assize::target::{Limits, Target};
use assize::waiver::Waivers;
use tokio_util::sync::CancellationToken;

use crate::evidence::{All, Recorded, Spoilt, WAIVERS};
use crate::output::{complain, diagnostics, say, stdout_is_terminal, styled};
use crate::reports::{Files, Reports};
use crate::statement::{Draft, of_file, speaks_of, vendor};
use crate::{USAGE, args, select};

/// Part of the evidence is missing or was changed.
const SPOILT: u8 = 3;

pub(crate) fn replay(arguments: &args::Replay) -> anyhow::Result<u8> {
    let all = match Recorded::all(&arguments.evidence) {
        Err(error) if error.is::<Spoilt>() => {
            complain(&format!("error: {error}\n"));
            return Ok(SPOILT);
        }
        all => all?,
    };
    let args::OfWhom { statement, target } = &arguments.of_whom;
    let Some(known) = of_file(statement, target.as_deref())? else {
        return Ok(USAGE);
    };
    let draft = Draft::open(statement, vendor(statement, &known)?)?;
    if draft.is_some() {
        is_of_all(&all.parts)?;
    }
    let mut reports = Reports::open(&arguments.reports)?;
    let console = Console {
        width: None,
        styled: styled(stdout_is_terminal()),
        verbose: arguments.verbose,
    };
    let mut failed = None;
    let mut tell = |outcome: &CaseOutcome| {
        if let Some(line) = console.finished(outcome) {
            failed = failed.take().or(say(&format!("{line}\n")).err());
        }
    };
    let suite = arguments.suite.as_deref();
    let (report, records) = match (all.parts.as_slice(), all.joined) {
        ([one], false) => {
            let mut wrong = None;
            let judged = judge(one, suite, |event| {
                wrong = wrong.take().or(reports.tell(event).err());
                if let Event::Finished(outcome) = event {
                    tell(outcome);
                }
            })?;
            failed = failed.or(wrong);
            match judged {
                Again::Judged(report) => (*report, None),
                Again::Not(code) => return Ok(code),
            }
        }
        (parts, _) => match judge_all(parts, suite)? {
            Again::Judged(Merged { report, records }) => {
                report.outcomes.iter().for_each(tell);
                (report, Some(records))
            }
            Again::Not(code) => return Ok(code),
        },
    };
    if let Some(error) = failed.filter(|error| !crate::output::is_closed_pipe(error)) {
        return Err(error);
    }
    say(&format!("{}\n", console.summary(&report)))?;
    say(&changes(&all.parts, &report))?;
    // Evidence tells no secret, so there is none to look for.
    let none = Secrets::default();
    if let (Some(draft), Some(part)) = (draft, all.parts.first()) {
        let Again::Judged(Prepared {
            suite, catalogue, ..
        }) = prepare(part, suite)?
        else {
            return Ok(USAGE);
        };
        speaks_of(&suite)?;
        draft.close(&report, &suite, &catalogue, &arguments.evidence, &none)?;
    }
    let files = match records {
        None => reports.close(&report, &none, [])?,
        Some(records) => reports.write(&report, records)?,
    };
    Ok(match files {
        Files::Clean => report.exit_code(),
        Files::Told => 3,
    })
}

/// What came of judging evidence again.
pub(crate) enum Again<T> {
    Judged(T),
    /// It could not be, as has been told; with the exit code.
    Not(u8),
}

/// What evidence is judged by.
pub(crate) struct Prepared {
    pub(crate) suite: Arc<Suite>,
    target: Target,
    cases: Vec<Case>,
    pub(crate) catalogue: Catalogue,
}

/// Refuses evidence that leaves out what passed.
pub(crate) fn is_of_all(parts: &[Recorded]) -> anyhow::Result<()> {
    match parts.iter().find(|part| part.manifest.of != Kept::All) {
        None => Ok(()),
        Some(part) => bail!(
            "{} is evidence of failures only, and a statement rests on that of all cases; run again with --evidence-of all",
            part.shown()
        ),
    }
}

/// Reads the suite of a run, and says what its cases are.
pub(crate) fn prepare(recorded: &Recorded, suite: Option<&str>) -> anyhow::Result<Again<Prepared>> {
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
    Ok(Again::Judged(Prepared {
        catalogue: Catalogue::of(&suite, &target, &cases),
        suite,
        target,
        cases,
    }))
}

/// Judges all of it again, in shards or not.
pub(crate) fn judge_whole(all: &All, suite: Option<&str>) -> anyhow::Result<Again<RunReport>> {
    Ok(match (all.parts.as_slice(), all.joined) {
        ([one], false) => match judge(one, suite, |_| ())? {
            Again::Judged(report) => Again::Judged(*report),
            Again::Not(code) => Again::Not(code),
        },
        (parts, _) => match judge_all(parts, suite)? {
            Again::Judged(merged) => Again::Judged(merged.report),
            Again::Not(code) => Again::Not(code),
        },
    })
}

/// Judges recorded evidence again. Nothing is sent, and no clock is read.
pub(crate) fn judge(
    recorded: &Recorded,
    suite: Option<&str>,
    mut on_event: impl FnMut(&Event<'_>),
) -> anyhow::Result<Again<Box<RunReport>>> {
    let Prepared {
        suite,
        target,
        cases,
        catalogue: _,
    } = match prepare(recorded, suite)? {
        Again::Judged(prepared) => prepared,
        Again::Not(code) => return Ok(Again::Not(code)),
    };
    let manifest = &recorded.manifest;
    let told = &manifest.told;
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
    let plan = plan(manifest, cases, &suite);
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

/// Judges the shards of a run again, each by itself, and joins what comes of them.
pub(crate) fn judge_all(parts: &[Recorded], suite: Option<&str>) -> anyhow::Result<Again<Merged>> {
    let mut documents = Vec::new();
    for part in parts {
        match judge(part, suite, |_| ())? {
            Again::Not(code) => return Ok(Again::Not(code)),
            Again::Judged(report) => {
                let name = part.manifest.told.directory.clone();
                documents.push((name, json::parse(&json::json(&report)?)?));
            }
        }
    }
    close_ranks(&mut documents);
    match merge(documents) {
        Ok(merged) => Ok(Again::Judged(merged)),
        Err(wrong) => {
            for reason in wrong {
                complain(&format!("error: {reason}\n"));
            }
            Ok(Again::Not(USAGE))
        }
    }
}

/// Cases that this version of the suite does not have leave no gaps in the plan.
fn close_ranks(documents: &mut [(String, json::Document)]) {
    let mut parts: Vec<&mut Part> = (documents.iter_mut())
        .filter_map(|(_, document)| document.run.shard.as_mut())
        .collect();
    let mut all: Vec<usize> = parts.iter().flat_map(|part| part.places.clone()).collect();
    all.sort_unstable();
    for place in parts.iter_mut().flat_map(|part| &mut part.places) {
        *place = all.partition_point(|before| before < place);
    }
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
fn plan(manifest: &Manifest, cases: Vec<Case>, suite: &Suite) -> Plan {
    let mut known: BTreeMap<String, Case> = BTreeMap::new();
    for case in cases {
        known.insert(case.id().into_owned(), case);
    }
    let mut planned = Vec::new();
    let shard = manifest.run.shard.as_ref();
    let mut places = shard.map(|part| part.places.iter());
    let mut kept = Vec::new();
    for Judged {
        id,
        verdict,
        reason,
        file,
    } in &manifest.cases
    {
        let place = places.as_mut().and_then(Iterator::next);
        let Some(case) = known.remove(id) else {
            continue;
        };
        kept.extend(place);
        let skip = match (verdict, file) {
            (Verdict::Skip, _) => Some(reason.clone().unwrap_or_default()),
            (Verdict::Pass, None) => {
                Some("it passed, and evidence was kept of failures only".to_owned())
            }
            _ => None,
        };
        planned.push(Planned::new(case, skip));
    }
    Plan {
        part: shard.map(|part| Part {
            suite: suite_digest(suite),
            places: kept,
            ..part.clone()
        }),
        cases: planned,
        left_out: known.len(),
    }
}

/// Which verdicts are other than they were, and why.
fn changes(parts: &[Recorded], report: &RunReport) -> String {
    let now: BTreeMap<&str, &CaseOutcome> = report
        .outcomes
        .iter()
        .map(|outcome| (outcome.id.as_str(), outcome))
        .collect();
    let mut text = String::new();
    let mut changed = 0;
    let mut not_again = 0;
    let all = || parts.iter().flat_map(|part| &part.manifest.cases);
    for judged in all() {
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
    let cases = all().count();
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
