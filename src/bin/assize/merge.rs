//! `assize merge`: the shards of a run as one.

use anyhow::Context as _;
use assize::report::json::Json;
use assize::report::merge::{Merged, merge as join};
use assize::report::{Console, Html, junit, markdown};
use assize::secret::Secrets;

use crate::artefact::Artefact;
use crate::github::GitHub;
use crate::output::{complain, say, stdout_is_terminal, styled};
use crate::{USAGE, args, rerun};

pub(crate) fn merge(arguments: &args::Merge) -> anyhow::Result<u8> {
    let args::Merge {
        shards,
        junit: junit_file,
        html: html_file,
        json: json_file,
        summary,
    } = arguments;
    let open = |path: &Option<_>| path.as_deref().map(Artefact::open).transpose();
    let (junit_file, html_file) = (open(junit_file)?, open(html_file)?);
    let (json_file, summary) = (open(json_file)?, open(summary)?);
    let mut documents = Vec::new();
    for path in shards {
        documents.push((path.display().to_string(), rerun::report(path)?));
    }
    let Merged { report, records } = match join(documents) {
        Ok(merged) => merged,
        Err(wrong) => {
            for reason in wrong {
                complain(&format!("error: {reason}\n"));
            }
            return Ok(USAGE);
        }
    };
    // What is read is clean: a report that tells a secret is not written.
    let secrets = Secrets::default();
    if let Some(mut file) = json_file {
        let (mut pieces, head) = Json::head(&report)?;
        file.add(&head);
        for record in &records {
            file.add(&pieces.record(record)?);
        }
        file.close(&pieces.tail(&report)?, &secrets)?;
    }
    if let Some(mut file) = html_file {
        let (mut pieces, head) = Html::head(&report)?;
        file.add(&head);
        for record in records {
            file.add(&pieces.record(record)?);
        }
        file.close(&pieces.tail(&report)?, &secrets)?;
    }
    if let Some(file) = junit_file {
        let text = junit(&report).context("the JUnit report cannot be formed")?;
        file.close(&text, &secrets)?;
    }
    if let Some(file) = summary {
        file.close(&markdown(&report), &secrets)?;
    }
    let github = GitHub::here();
    github.begin()?;
    let console = Console {
        width: None,
        styled: styled(stdout_is_terminal()),
        verbose: false,
    };
    say(&format!("{}\n", console.summary(&report)))?;
    github.end(&report, &secrets)?;
    Ok(report.exit_code())
}
