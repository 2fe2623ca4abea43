//! The reports of the shards of a run as the report of the whole.
//!
//! What shards are told apart by goes away, and what depends on all cases is worked out again: what the
//! requirements came to, which waivers are out of date, the counts, and the exit code. The rest is taken as it
//! stands.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::json::{CaseRecord, Document, ExchangeRecord, Run};
use crate::outcome::{
    CaseOutcome, Leak, RunReport, Scenarios, Tally, Verdict, Written, conclude, written_later,
};
use crate::plan::Part;
use crate::source::Location;
use crate::waiver;

/// The version of this program, which is to be that of the shards.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What came of all shards together.
#[derive(Debug)]
pub struct Merged {
    /// The run.
    pub report: RunReport,
    /// Its cases as they were read, in the order of the report's outcomes.
    pub records: Vec<CaseRecord>,
}

/// Joins the reports of all shards of a run, given by the names of their files.
///
/// # Errors
/// All reasons why these are not the shards of one run, each exactly once and complete.
pub fn merge(shards: Vec<(String, Document)>) -> Result<Merged, Vec<String>> {
    let mut parts = parts(shards)?;
    parts.sort_by_key(|(part, _)| part.number);
    let (places, mut documents): (Vec<Vec<usize>>, Vec<Document>) = (parts.into_iter())
        .map(|(part, document)| (part.places, document))
        .unzip();

    let mut placed: BTreeMap<usize, CaseRecord> = BTreeMap::new();
    let mut shared: Vec<CaseRecord> = Vec::new();
    for (places, document) in places.iter().zip(&mut documents) {
        let mut records = std::mem::take(&mut document.cases).into_iter();
        placed.extend(places.iter().copied().zip(records.by_ref()));
        for record in records.filter(|record| record.case.group != waiver::GROUP) {
            match shared
                .iter_mut()
                .find(|other| other.case.id == record.case.id)
            {
                Some(other) => join(other, record),
                None => shared.push(record),
            }
        }
    }
    let mut records: Vec<CaseRecord> = placed.into_values().chain(shared).collect();

    let Some(first) = documents.first() else {
        return Err(vec!["there is no report to be merged".to_owned()]);
    };
    let all = || documents.iter().map(|document| &document.run);
    let started = all()
        .map(|run| run.started)
        .min()
        .unwrap_or(first.run.started);
    let conclusive = documents.iter().all(|document| document.summary.whole);
    let tallies = tallies(&documents);
    let (wrong, notices) = waiver::conclude(&tallies, conclusive, started);
    records.extend(wrong.iter().map(CaseRecord::of));
    let outcomes: Vec<CaseOutcome> = records.iter().map(CaseRecord::outcome).collect();
    let mut requirements = first.summary.requirements.clone();
    conclude(&mut requirements, &outcomes);
    let run = first.run.clone();
    let report = RunReport {
        tool_version: VERSION,
        suite: run.suite,
        suite_title: run.suite_title,
        suite_version: run.suite_version,
        profile: run.profile,
        endpoint: each(all().map(|run| &run.endpoint)),
        run_id: each(all().map(|run| &run.run_id)),
        seed: run.seed,
        strict: run.strict,
        insecure: all().any(|run| run.insecure),
        started,
        duration: spent(&documents, started),
        cut_short: cut_short(&documents),
        scenarios: written(&documents, &outcomes),
        outcomes,
        plain: 0,
        leaked: left(&documents),
        requirements,
        notices,
        part: None,
        whole: conclusive,
        waivers: tallies,
    };
    Ok(Merged { report, records })
}

/// The parts, or all reasons why they are not those of one run.
fn parts(shards: Vec<(String, Document)>) -> Result<Vec<(Part, Document)>, Vec<String>> {
    let runs: Vec<(&str, &Run)> = (shards.iter())
        .map(|(name, document)| (name.as_str(), &document.run))
        .collect();
    let mut wrong = strangers(&runs, &REPORT);
    let mut parts = Vec::new();
    for (name, mut document) in shards {
        let Some(part) = document.run.shard.take() else {
            continue;
        };
        if document.cases.len() < part.places.len() {
            wrong.push(format!(
                "{name} lacks {} of its {} cases; run that shard again",
                part.places.len() - document.cases.len(),
                part.places.len()
            ));
        }
        if document.run.tool_version != VERSION {
            wrong.push(format!(
                "{name} was written by assize {}, and this is {VERSION}; merge with the program that ran the shards",
                document.run.tool_version
            ));
        }
        parts.push((part, document));
    }
    let mut places: Vec<usize> = (parts.iter())
        .flat_map(|(part, _)| part.places.iter().copied())
        .collect();
    places.sort_unstable();
    if wrong.is_empty() && !places.iter().copied().eq(0..places.len()) {
        wrong.push(
            "the places of the cases do not make up one plan; the reports were changed".to_owned(),
        );
    }
    if wrong.is_empty() {
        Ok(parts)
    } else {
        Err(wrong)
    }
}

/// What a run writes that can be joined.
#[derive(Debug)]
pub struct Piece {
    name: &'static str,
    flag: &'static str,
}

/// The JSON report.
pub const REPORT: Piece = Piece {
    name: "report",
    flag: "--json FILE",
};

/// The directory of evidence.
pub const EVIDENCE: Piece = Piece {
    name: "evidence",
    flag: "--evidence DIR",
};

/// All reasons why these, by the names of what tells of them, are not the shards of one run, each exactly once.
pub fn strangers(runs: &[(&str, &Run)], Piece { name: what, flag }: &Piece) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut parts: Vec<(&str, &Part, &Run)> = Vec::new();
    for (name, run) in runs {
        match &run.shard {
            None => wrong.push(format!(
                "{name} is the {what} of a whole run; a shard's is written by `assize run --shard K/N {flag}`"
            )),
            Some(part) => parts.push((name, part, run)),
        }
    }
    let Some((first, rest)) = parts.split_first() else {
        if wrong.is_empty() {
            wrong.push(format!(
                "there is no {what} to be merged; name those of all shards"
            ));
        }
        return wrong;
    };
    for other in rest {
        differences(first, other, &mut wrong);
    }
    let of = first.1.of;
    let mut seen: BTreeMap<u32, &str> = BTreeMap::new();
    for (name, part, _) in &parts {
        if let Some(before) = seen.insert(part.number, name) {
            wrong.push(format!(
                "{before} and {name} are both of shard {}; give the {what} of one run of each",
                part.number
            ));
        }
    }
    let missing: Vec<String> = (1..=of)
        .filter(|number| !seen.contains_key(number))
        .map(|number| format!("{number}/{of}"))
        .collect();
    if !missing.is_empty() {
        wrong.push(format!(
            "there is no {what} of shard {}; run what is missing with the same flags, and merge all",
            missing.join(", ")
        ));
    }
    wrong
}

/// Where a shard is of another run than the first.
fn differences(
    (name, part, run): &(&str, &Part, &Run),
    (other_name, other_part, other): &(&str, &Part, &Run),
    wrong: &mut Vec<String>,
) {
    let none = || "none".to_owned();
    let mut differs = |what: &str, one: String, two: String| {
        if one != two {
            wrong.push(format!(
                "{other_name} has another {what} than {name}: {two} and not {one}"
            ));
        }
    };
    differs(
        "number of shards",
        part.of.to_string(),
        other_part.of.to_string(),
    );
    differs("suite", run.suite.clone(), other.suite.clone());
    differs("seed", run.seed.to_string(), other.seed.to_string());
    differs(
        "profile",
        run.profile.clone().unwrap_or_else(none),
        other.profile.clone().unwrap_or_else(none),
    );
    differs("--strict", run.strict.to_string(), other.strict.to_string());
    if run.suite == other.suite && part.suite != other_part.suite {
        wrong.push(format!(
            "{other_name} is of another state of the suite {} than {name}: its files differ",
            run.suite
        ));
    } else if part.plan != other_part.plan && part.of == other_part.of {
        wrong.push(format!(
            "{other_name} is part of another plan than {name}; give every shard the same paths, filters, tags, and flags of what is generated"
        ));
    }
}

/// One shared object, or kind of them, was in trouble in two shards.
fn join(one: &mut CaseRecord, other: CaseRecord) {
    let CaseRecord { case, exchanges } = other;
    let before = one.exchanges.len();
    let rank = |verdict| match verdict {
        Verdict::Error => 4,
        Verdict::Fail => 3,
        Verdict::Waived => 2,
        Verdict::Pass => 1,
        Verdict::Skip => 0,
    };
    if rank(case.verdict) > rank(one.case.verdict) {
        one.case.verdict = case.verdict;
        one.case.reason = case.reason;
    }
    one.case
        .findings
        .extend(case.findings.into_iter().map(|mut finding| {
            finding.exchange = finding.exchange.map(|at| at + before);
            finding
        }));
    one.case.leaked.extend(case.leaked);
    one.case.requests += case.requests;
    one.exchanges.extend::<Vec<ExchangeRecord>>(exchanges);
}

/// What each waiver met in all shards.
fn tallies(documents: &[Document]) -> Vec<Tally> {
    let mut sums: Vec<Tally> = Vec::new();
    for tally in documents
        .iter()
        .flat_map(|document| &document.summary.waivers)
    {
        let same = |sum: &&mut Tally| sum.waiver == tally.waiver && sum.location == tally.location;
        match sums.iter_mut().find(same) {
            Some(sum) => {
                sum.passed += tally.passed;
                sum.needed += tally.needed;
            }
            None => sums.push(tally.clone()),
        }
    }
    sums
}

/// Values that are told once where they are all the same.
fn each<'t>(values: impl Iterator<Item = &'t String>) -> String {
    let mut seen = BTreeSet::new();
    let values: Vec<&str> = values
        .filter(|value| seen.insert(*value))
        .map(String::as_str)
        .collect();
    values.join(", ")
}

/// From the first start to the last end.
fn spent(documents: &[Document], started: Timestamp) -> Duration {
    let end = |document: &Document| {
        let before = document.run.started.duration_since(started);
        Duration::try_from(before).unwrap_or_default() + document.summary.duration
    };
    documents.iter().map(end).max().unwrap_or_default()
}

fn cut_short(documents: &[Document]) -> Option<String> {
    let why: BTreeSet<&String> = (documents.iter())
        .filter_map(|document| document.summary.cut_short.as_ref())
        .collect();
    (!why.is_empty()).then(|| each(why.into_iter()))
}

fn left(documents: &[Document]) -> Vec<Leak> {
    let leaks = documents
        .iter()
        .flat_map(|document| &document.summary.leaked);
    leaks.cloned().collect()
}

/// The scenarios of all shards, in the order of the cases.
fn written(documents: &[Document], outcomes: &[CaseOutcome]) -> Scenarios {
    let mut all: BTreeMap<&Location, &Written> = (documents.iter())
        .flat_map(|document| &document.summary.scenarios)
        .map(|written| (&written.location, written))
        .collect();
    let written: Vec<Written> = (outcomes.iter())
        .filter_map(|outcome| all.remove(&outcome.location).cloned())
        .collect();
    written_later(|| written)
}
