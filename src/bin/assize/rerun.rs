//! The cases that did not pass in an earlier run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use assize::case::Case;
use assize::outcome::Verdict;
use assize::report::json::{Document, parse};

use crate::output::complain;

/// Reads a JSON report.
pub(crate) fn report(path: &Path) -> anyhow::Result<Document> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("the report {shown} cannot be read"))?;
    parse(&text).with_context(|| format!("{shown} cannot be used; name a file that --json wrote"))
}

/// The ids of what failed, could not be judged, or was not reached.
pub(crate) fn ids(document: &Document) -> BTreeSet<String> {
    let not_reached = |reason: &Option<String>| {
        reason
            .as_ref()
            .is_some_and(|reason| reason.starts_with("not run"))
    };
    (document.cases.iter().map(|record| &record.case))
        .filter(|case| match case.verdict {
            Verdict::Fail | Verdict::Error => true,
            Verdict::Skip => not_reached(&case.reason),
            Verdict::Pass | Verdict::Waived => false,
        })
        // What is wrong with waivers and shared objects belongs to no case.
        .filter(|case| case.group != "waivers" && case.group != "shared")
        .map(|case| case.id.clone())
        .collect()
}

/// How long each case took that ran.
pub(crate) fn durations(document: &Document) -> BTreeMap<String, Duration> {
    (document.cases.iter().map(|record| &record.case))
        .filter(|case| case.verdict != Verdict::Skip)
        .map(|case| (case.id.clone(), case.duration))
        .collect()
}

/// Says which of them are no cases of this suite.
pub(crate) fn tell_of_missing(ids: &BTreeSet<String>, cases: &[Case]) {
    let known: BTreeSet<_> = cases.iter().map(Case::id).collect();
    let missing: Vec<&String> = ids
        .iter()
        .filter(|id| !known.contains(id.as_str()))
        .collect();
    let Some(first) = missing.first() else {
        return;
    };
    let how = if first.starts_with("generated/") {
        "generate them again with the flags of that run"
    } else {
        "they have gone from the suite, or from its part that is read"
    };
    complain(&format!(
        "{} cases of the earlier report are not here, such as {first}: {how}\n",
        missing.len()
    ));
}
