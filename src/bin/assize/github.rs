//! What a run tells GitHub, where it is run by it: annotations, and the summary of the job.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use assize::outcome::RunReport;
use assize::report::{annotations, markdown};
use assize::secret::Secrets;

use crate::output::say;

/// GitHub's side of a run; nothing where there is none.
pub(crate) struct GitHub {
    /// What ends the part of the log in which nothing is a command; not to be guessed by a server.
    token: Option<String>,
    summary: Option<PathBuf>,
}

impl GitHub {
    pub(crate) fn here() -> Self {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let here = set("GITHUB_ACTIONS").is_some_and(|value| value == "true");
        Self {
            token: here.then(|| uuid::Uuid::new_v4().simple().to_string()),
            summary: set("GITHUB_STEP_SUMMARY")
                .filter(|_| here)
                .map(PathBuf::from),
        }
    }

    /// From here on the log may hold what a server sent, so nothing in it is a command.
    pub(crate) fn begin(&self) -> anyhow::Result<()> {
        match &self.token {
            Some(token) => say(&format!("::stop-commands::{token}\n")),
            None => Ok(()),
        }
    }

    /// Annotates what is wrong and adds to the job's summary.
    pub(crate) fn end(&self, report: &RunReport, secrets: &Secrets) -> anyhow::Result<()> {
        if let Some(token) = &self.token {
            say(&format!("::{token}::\n{}", annotations(report)))?;
        }
        if let Some(path) = &self.summary {
            let (shown, text) = (path.display(), markdown(report));
            if let Some(name) = secrets.told_by(text.as_bytes()) {
                anyhow::bail!(
                    "nothing is added to the job summary {shown}, as it would tell the secret {name}"
                );
            }
            let mut file = (OpenOptions::new().append(true).create(true).open(path))
                .with_context(|| format!("the job summary {shown} cannot be written"))?;
            file.write_all(text.as_bytes())
                .with_context(|| format!("the job summary {shown} cannot be written"))?;
        }
        Ok(())
    }
}
