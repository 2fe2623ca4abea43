//! `assize merge`: the shards of a run as one.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use assize::plan::suite_digest;
use assize::report::Console;
use assize::report::escape::line;
use assize::report::json::{Document, Run};
use assize::report::merge::{EVIDENCE, Merged, merge as join, strangers};
use assize::report::statement::{Statement, read};
use assize::secret::Secrets;
use assize::source::Source;
use assize::suite::model::Suite;

use crate::evidence::{Joining, Recorded};
use crate::github::GitHub;
use crate::output::{complain, diagnostics, say, stdout_is_terminal, styled};
use crate::replay::{Again, Prepared, is_of_all, prepare};
use crate::reports::{Files, Reports};
use crate::statement::{Draft, of_file, vendor};
use crate::{USAGE, args, rerun};

pub(crate) fn merge(arguments: &args::Merge) -> anyhow::Result<u8> {
    let args::Merge {
        shards,
        evidence,
        of_whom,
        suite,
        junit,
        html,
        json,
        summary,
    } = arguments;
    let reports = Reports::open(&args::Reports {
        junit: junit.clone(),
        html: html.clone(),
        json: json.clone(),
        events: None,
        summary: summary.clone(),
    })?;
    let args::OfWhom { statement, target } = of_whom;
    let (mut documents, mut parts, mut statements) = (Vec::new(), Vec::new(), Vec::new());
    for path in shards {
        let shown = path.display().to_string();
        if path.is_dir() {
            parts.push(Recorded::open(path)?);
        } else if path
            .extension()
            .is_some_and(|it| it == "yaml" || it == "yml")
        {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("the statement {shown} cannot be read"))?;
            match read(&Source::new(shown.clone(), text)) {
                Ok(statement) => statements.push((shown, statement)),
                Err(found) => {
                    diagnostics(&found);
                    return Ok(USAGE);
                }
            }
        } else {
            documents.push((shown, rerun::report(path)?));
        }
    }
    let mut wrong = match (evidence, parts.first()) {
        (None, Some(part)) => vec![format!(
            "{} is evidence; say where that of all shards goes with --evidence DIR",
            part.shown()
        )],
        (Some(_), _) => stray(&parts, &documents),
        (None, None) => Vec::new(),
    };
    match (&statement.statement, statements.first(), evidence) {
        (None, Some((name, _)), _) => wrong.push(format!(
            "{name} is a statement; say where that of the whole goes with --statement FILE"
        )),
        (Some(_), _, None) => wrong.push(
            "a statement rests on evidence; name the directories of all shards, and say where to join them with --evidence DIR".to_owned(),
        ),
        (Some(_), Some(_), Some(_)) => wrong.extend(unlike(&statements, &parts)),
        _ => {}
    }
    if !wrong.is_empty() {
        return Ok(refuse(&wrong));
    }
    let known = match statements.first() {
        Some((_, first)) => Some(first.vendor()),
        None => of_file(statement, target.as_deref())?,
    };
    let Some(known) = known else {
        return Ok(USAGE);
    };
    let vendor = vendor(statement, &known)?;
    let prepared = match parts.first().filter(|_| vendor.is_some()) {
        None => None,
        Some(part) => {
            is_of_all(&parts)?;
            match prepare(part, suite.as_deref())? {
                Again::Not(code) => return Ok(code),
                Again::Judged(prepared) => {
                    same_suite(&prepared.suite, part)?;
                    Some(prepared)
                }
            }
        }
    };
    let evidence = evidence.as_deref().map(Joining::open).transpose()?;
    let draft = Draft::open(statement, vendor)?;
    if let Some(joining) = &evidence {
        for part in &parts {
            move_evidence(&mut documents, part, joining.moves(part));
        }
    }
    let Merged { report, records } = match join(documents) {
        Ok(merged) => merged,
        Err(wrong) => return Ok(refuse(&wrong)),
    };
    if let Some(joining) = evidence
        && let Err(spoilt) = joining.close(&parts)?
    {
        return Ok(refuse(&spoilt));
    }
    // What is read is clean: a report that tells a secret is not written.
    let none = Secrets::default();
    if let (Some(draft), Some(prepared), Some(directory)) = (draft, prepared, &arguments.evidence) {
        let Prepared {
            suite, catalogue, ..
        } = prepared;
        draft.close(&report, &suite, &catalogue, directory, &none)?;
    }
    let files = reports.write(&report, records)?;
    let github = GitHub::here();
    github.begin()?;
    let console = Console {
        width: None,
        styled: styled(stdout_is_terminal()),
        verbose: false,
    };
    say(&format!("{}\n", console.summary(&report)))?;
    github.end(&report, &none)?;
    Ok(match files {
        Files::Clean => report.exit_code(),
        Files::Told => 3,
    })
}

fn refuse(wrong: &[String]) -> u8 {
    for reason in wrong {
        complain(&format!("error: {reason}\n"));
    }
    USAGE
}

/// Why the evidence is not that of all shards of which there are reports.
fn stray(parts: &[Recorded], documents: &[(String, Document)]) -> Vec<String> {
    let named: Vec<(String, &Run)> = (parts.iter())
        .map(|part| (part.shown(), &part.manifest.run))
        .collect();
    let runs: Vec<(&str, &Run)> = (named.iter())
        .map(|(name, run)| (name.as_str(), *run))
        .collect();
    let mut wrong = strangers(&runs, &EVIDENCE);
    let number = |run: &Run| run.shard.as_ref().map(|part| part.number);
    let reports: BTreeMap<Option<u32>, (&str, &Run)> = (documents.iter())
        .map(|(name, document)| (number(&document.run), (name.as_str(), &document.run)))
        .collect();
    for (name, run) in &runs {
        if let Some((report, other)) = reports.get(&number(run))
            && run.run_id != other.run_id
        {
            wrong.push(format!(
                "{name} is of another run than {report}: {} and not {}; give both of the same run",
                run.run_id, other.run_id
            ));
        }
    }
    wrong
}

/// Why the statements are not those of all shards, each with its own evidence, and of one product.
fn unlike(statements: &[(String, Statement)], parts: &[Recorded]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, statement) in statements {
        let digest = statement.evidence.sha256.as_str();
        if !parts.iter().any(|part| part.digest == digest) {
            wrong.push(format!(
                "{name} rests on other evidence than that of the shards; give the statement that was written with it"
            ));
        } else if let Some(before) = seen.insert(digest, name) {
            wrong.push(format!(
                "{before} and {name} are of the same shard; give one statement of each"
            ));
        }
    }
    for part in parts {
        if !seen.contains_key(part.digest.as_str()) {
            wrong.push(format!(
                "there is no statement of {}; give that of each shard, or of none",
                part.shown()
            ));
        }
    }
    if let Some(((first, one), rest)) = statements.split_first() {
        let one = one.vendor();
        for (name, other) in rest {
            let other = other.vendor();
            for (what, one, other) in [
                ("organisation", &one.organisation, &other.organisation),
                ("product", &one.product, &other.product),
                ("version", &one.version, &other.version),
                ("contact", &one.contact, &other.contact),
            ] {
                if one != other {
                    let (one, other) = (line(one), line(other));
                    wrong.push(format!(
                        "{name} has another {what} than {first}: {other} and not {one}"
                    ));
                }
            }
        }
    }
    wrong
}

/// Refuses a suite that is not that of a shard.
fn same_suite(suite: &Suite, part: &Recorded) -> anyhow::Result<()> {
    let own = suite_digest(suite);
    let ran = part.manifest.run.shard.as_ref().map(|part| &part.suite);
    if ran.is_some_and(|ran| *ran != own) {
        bail!(
            "the suite {} is in another state here than in {}: its files differ; name that of the shards with --suite",
            suite.name,
            part.shown()
        );
    }
    Ok(())
}

/// Names the evidence by its new place.
fn move_evidence(
    documents: &mut [(String, Document)],
    part: &Recorded,
    (before, now): (String, String),
) {
    for (_, document) in documents {
        if document.run.run_id != part.manifest.run.run_id {
            continue;
        }
        for record in &mut document.cases {
            let file = record.case.evidence.as_deref();
            if let Some(file) = file.and_then(|path| path.strip_prefix(&before)) {
                record.case.evidence = Some(format!("{now}{file}"));
            }
        }
    }
}
