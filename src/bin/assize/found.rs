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
        let (line, flag) = belongs(directory, suite).unwrap_or_default();
        std::fs::write(&path, format!("{line}{text}"))
            .with_context(|| format!("{} cannot be written", path.display()))?;
        hold_back(&path, secrets)?;
        complain(&format!(
            "{} shows what {} found; `assize run {}{flag}` runs it alone\n",
            path.display(),
            outcome.id,
            path.display()
        ));
    }
    Ok(())
}

/// What names the suite to a file that stands below none: a line in it, or else a flag beside it.
fn belongs(directory: &Path, suite: &args::Suite) -> Option<(String, String)> {
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
    let line = |name: &str| format!("suite: {}\n", serde_json::Value::from(name));
    let Some(root) = root else {
        return Some((line(select::SHIPPED), String::new()));
    };
    let here = std::env::current_dir().ok()?;
    Some(if select::may_name(&root, &directory, &here) {
        (line(&from(&directory, &root)), String::new())
    } else {
        (String::new(), format!(" --suite {}", root.display()))
    })
}

/// The way from one directory to another.
fn from(directory: &Path, to: &Path) -> String {
    let shared = directory
        .ancestors()
        .find(|above| to.starts_with(above))
        .unwrap_or(directory);
    let up = directory.strip_prefix(shared).into_iter();
    let up = up.flat_map(Path::components).map(|_| "..".to_owned());
    let down = to.strip_prefix(shared).into_iter();
    let down = down.flat_map(Path::components);
    let down = down.map(|part| part.as_os_str().to_string_lossy().into_owned());
    up.chain(down).collect::<Vec<_>>().join("/")
}
