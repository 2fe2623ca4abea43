//! `assize merge`: the shards of a run as one.

use std::collections::BTreeMap;

use assize::report::Console;
use assize::report::json::{Document, Run};
use assize::report::merge::{EVIDENCE, Merged, merge as join, strangers};
use assize::secret::Secrets;

use crate::evidence::{Joining, Recorded};
use crate::github::GitHub;
use crate::output::{complain, say, stdout_is_terminal, styled};
use crate::reports::{Files, Reports};
use crate::{USAGE, args, rerun};

pub(crate) fn merge(arguments: &args::Merge) -> anyhow::Result<u8> {
    let args::Merge {
        shards,
        evidence,
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
    let (mut documents, mut parts) = (Vec::new(), Vec::new());
    for path in shards {
        if path.is_dir() {
            parts.push(Recorded::open(path)?);
        } else {
            documents.push((path.display().to_string(), rerun::report(path)?));
        }
    }
    let wrong = match (evidence.is_some(), parts.is_empty()) {
        (false, false) => vec![format!(
            "{} is evidence; say where that of all shards goes with --evidence DIR",
            parts[0].shown()
        )],
        (true, _) => stray(&parts, &documents),
        (false, true) => Vec::new(),
    };
    if !wrong.is_empty() {
        return Ok(refuse(&wrong));
    }
    let evidence = evidence.as_deref().map(Joining::open).transpose()?;
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
    let files = reports.write(&report, records)?;
    let github = GitHub::here();
    github.begin()?;
    let console = Console {
        width: None,
        styled: styled(stdout_is_terminal()),
        verbose: false,
    };
    say(&format!("{}\n", console.summary(&report)))?;
    // What is read is clean: a report that tells a secret is not written.
    github.end(&report, &Secrets::default())?;
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
