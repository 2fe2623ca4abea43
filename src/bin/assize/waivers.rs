//! The file of waivers.

use std::path::Path;

use anyhow::Context as _;
use assize::case::Case;
use assize::source::Source;
use assize::suite::model::Suite;
use assize::waiver::Waivers;

use crate::output::diagnostics;

/// Reads the waivers and holds them to the suite; `None` when something is wrong with them, which has been told.
/// Where not all of the suite was read, they may cover what was not.
pub(crate) fn read(
    path: &Path,
    suite: &Suite,
    cases: &[Case],
    whole: bool,
) -> anyhow::Result<Option<Waivers>> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("the waivers in {shown} cannot be read"))?;
    let found = match Waivers::read(&Source::new(shown, text)) {
        Err(found) => found,
        Ok(waivers) => {
            let ids = cases.iter().map(Case::id);
            let requirements = suite.requirements.keys().map(String::as_str);
            let found = if whole {
                waivers.pointless(ids, requirements)
            } else {
                Vec::new()
            };
            if found.is_empty() {
                return Ok(Some(waivers));
            }
            found
        }
    };
    diagnostics(&found);
    Ok(None)
}
