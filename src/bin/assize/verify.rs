//! `assize verify`: a statement worked out again by its evidence, with this version of the suite.

use anyhow::{Context as _, bail};
use assize::plan::suite_digest;
use assize::report::escape::line;
use assize::report::statement::{Statement, differences, read};
use assize::source::Source;

use crate::evidence::{All, Recorded};
use crate::output::{complain, diagnostics, say};
use crate::replay::{self, Again};
use crate::{args, select, statement};

/// The statement is other than its evidence.
const DIFFERS: u8 = 1;

/// It cannot be judged.
const UNJUDGED: u8 = 3;

pub(crate) fn verify(arguments: &args::Verify) -> anyhow::Result<u8> {
    match compared(arguments) {
        Ok(Some(0)) => Ok(0),
        Ok(Some(_)) => Ok(DIFFERS),
        Ok(None) => Ok(UNJUDGED),
        Err(error) => {
            complain(&format!("error: {error:#}\n"));
            Ok(UNJUDGED)
        }
    }
}

/// In how many fields it differs; `None` where it cannot be judged, as was told.
fn compared(arguments: &args::Verify) -> anyhow::Result<Option<usize>> {
    let shown = arguments.statement.display();
    let text = std::fs::read_to_string(&arguments.statement)
        .with_context(|| format!("{shown} cannot be read; name a file that --statement wrote"))?;
    let claimed = match read(&Source::new(shown.to_string(), text)) {
        Ok(claimed) => claimed,
        Err(found) => {
            diagnostics(&found);
            return Ok(None);
        }
    };
    let evidence = &arguments.evidence;
    let digest = statement::digest_of(evidence)
        .context("name the directory with the evidence of the statement")?;
    if digest != claimed.evidence.sha256 {
        bail!(
            "{} is not the evidence of {shown}, or was changed: the SHA-256 of its manifest is {digest}, and the statement says {}; ask for the directory that was written with the statement",
            evidence.display(),
            claimed.evidence.sha256
        );
    }
    let all = Recorded::all(evidence)?;
    let spoilt: Vec<String> = all.parts.iter().flat_map(Recorded::spoilt).collect();
    if !spoilt.is_empty() {
        for why in spoilt {
            complain(&format!("error: {why}\n"));
        }
        bail!(
            "the evidence is not as it was recorded; ask for the directory that was written with the statement"
        );
    }
    replay::is_of_all(&all.parts)?;
    let Some(recomputed) = again(&all, arguments.suite.as_deref(), &claimed)? else {
        return Ok(None);
    };
    let found = differences(&claimed, &recomputed)?;
    for difference in &found {
        say(&format!("DIFFERS  {}\n", line(difference)))?;
    }
    let by = match env!("CARGO_PKG_VERSION") {
        own if own == claimed.tool_version => String::new(),
        own => format!(
            ", which assize {} wrote and {own} worked out",
            line(&claimed.tool_version)
        ),
    };
    say(&match found.len() {
        0 => format!(
            "{shown} is what its evidence shows{by}: {}\n",
            claimed.verdict.as_str()
        ),
        1 => format!("{shown} differs from its evidence in one field{by}\n"),
        many => format!("{shown} differs from its evidence in {many} fields{by}\n"),
    })?;
    Ok(Some(found.len()))
}

/// The statement that the evidence gives; `None` where it cannot be judged, as was told.
fn again(all: &All, suite: Option<&str>, claimed: &Statement) -> anyhow::Result<Option<Statement>> {
    let Some(part) = all.parts.first() else {
        bail!("there is no shard in the evidence");
    };
    let prepared = replay::prepare(part, suite).with_context(|| {
        let name = line(&claimed.suite.name);
        format!("the statement is by the suite {name}, which cannot be used; name it with --suite")
    });
    let prepared = match prepared? {
        Again::Judged(prepared) => prepared,
        Again::Not(_) => return Ok(None),
    };
    let own = suite_digest(&prepared.suite);
    if own != claimed.suite.sha256 {
        bail!(
            "the statement is by another state of the suite {} than is here: the SHA-256 of its files is {own}, and the statement says {}; name the suite of the statement with --suite, or use the assize {} that wrote it",
            line(&claimed.suite.name),
            line(&claimed.suite.sha256),
            line(&claimed.tool_version)
        );
    }
    let named = part.manifest.told.suite.as_deref();
    if let Some(named) = named.filter(|named| suite.is_none() && *named != select::SHIPPED) {
        complain(&format!(
            "note: this is by the suite that the evidence names, {}; name your own with --suite\n",
            line(named)
        ));
    }
    let report = match replay::judge_whole(all, suite)? {
        Again::Judged(report) => report,
        Again::Not(_) => return Ok(None),
    };
    let recomputed = Statement::of(
        &report,
        &prepared.suite,
        &prepared.catalogue,
        &claimed.vendor(),
        &claimed.evidence.sha256,
    );
    Ok(Some(recomputed))
}
