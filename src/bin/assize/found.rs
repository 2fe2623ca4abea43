//! Scenarios that generated cases found, as files of their own.

use std::path::Path;

use anyhow::Context as _;
use assize::outcome::RunReport;
use assize::secret::Secrets;
use assize::suite::Files;

use crate::artefact::hold_back;
use crate::output::complain;
use crate::{args, select};

/// Writes what was found into a directory, which is made for it, and says where it is.
pub(crate) fn write(
    report: &RunReport,
    directory: &Path,
    suite: &args::Suite,
    secrets: &Secrets,
) -> anyhow::Result<()> {
    let found = report
        .outcomes
        .iter()
        .filter_map(|outcome| Some((outcome, outcome.reproducer.as_ref()?)));
    for (outcome, text) in found {
        std::fs::create_dir_all(directory)
            .with_context(|| format!("{} cannot be created", directory.display()))?;
        let name: String = outcome
            .id
            .trim_start_matches("generated/")
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || "-_.".contains(c) {
                    c
                } else {
                    '-'
                }
            })
            .collect();
        let path = directory.join(format!("{name}.yaml"));
        let belongs = belongs(directory, suite).unwrap_or_default();
        std::fs::write(&path, format!("{belongs}{text}"))
            .with_context(|| format!("{} cannot be written", path.display()))?;
        hold_back(&path, secrets)?;
        complain(&format!(
            "{} shows what {} found; `assize run {}` runs it alone\n",
            path.display(),
            outcome.id,
            path.display()
        ));
    }
    Ok(())
}

/// The line that names the suite to a file that stands below none.
fn belongs(directory: &Path, suite: &args::Suite) -> Option<String> {
    let directory = directory.canonicalize().ok()?;
    if Files::suite_root(&directory).is_some() {
        return None;
    }
    let root = match &suite.suite {
        Some(name) if name == select::SHIPPED => None,
        Some(root) => Path::new(root).canonicalize().ok(),
        None => {
            let first = suite.paths.first().map_or(Path::new("."), |path| path);
            Files::suite_root(&first.canonicalize().ok()?)
        }
    };
    let name = root.map_or_else(
        || select::SHIPPED.to_owned(),
        |root| root.to_string_lossy().into_owned(),
    );
    Some(format!("suite: {}\n", serde_json::Value::from(name)))
}
