//! A directory of evidence: written case by case as a run goes, and read again file by file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use assize::outcome::{CaseOutcome, RunReport};
use assize::report::har;
use assize::report::manifest::{MANIFEST, Manifest, Told};
use assize::secret::Secrets;
use assize::tape::{Entry, Kept, file_name, sha256};
use assize::target::Target;

use crate::artefact::{Artefact, hold_back};

/// The copy of the waivers.
pub(crate) const WAIVERS: &str = "waivers.yaml";

/// A directory that is being written.
pub(crate) struct Evidence {
    directory: PathBuf,
    of: Kept,
    secrets: Secrets,
    files: BTreeMap<String, String>,
    /// Why a file is missing.
    trouble: Option<anyhow::Error>,
}

impl Evidence {
    /// Makes sure that there is an empty directory.
    pub(crate) fn open(directory: &Path, of: Kept) -> anyhow::Result<Self> {
        let shown = directory.display();
        std::fs::create_dir_all(directory).with_context(|| format!("{shown} cannot be created"))?;
        let mut there =
            std::fs::read_dir(directory).with_context(|| format!("{shown} cannot be read"))?;
        if there.next().is_some() {
            bail!(
                "{shown} is not empty; evidence of two runs must not mix, so name a new directory with --evidence"
            );
        }
        Ok(Self {
            directory: directory.to_path_buf(),
            of,
            secrets: Secrets::default(),
            files: BTreeMap::new(),
            trouble: None,
        })
    }

    /// Says what must not be told.
    pub(crate) fn keep_back(&mut self, secrets: &Secrets) {
        self.secrets = secrets.clone();
    }

    /// Writes what a case met. The run is worth more than its evidence: [`Self::close`] tells what went wrong.
    pub(crate) fn add(&mut self, outcome: &CaseOutcome, tape: &[Entry]) {
        let text = har::har(outcome, tape).map_err(anyhow::Error::from);
        let written = text.and_then(|text| self.write(&file_name(&outcome.id), &text));
        self.trouble = self.trouble.take().or(written.err());
    }

    fn write(&mut self, name: &str, text: &str) -> anyhow::Result<()> {
        Artefact::open(&self.directory.join(name))?.close(text, &self.secrets)?;
        self.files.insert(name.to_owned(), sha256(text.as_bytes()));
        Ok(())
    }

    /// Writes what they belong to, and looks through all for secrets that became known later.
    pub(crate) fn close(
        mut self,
        report: &RunReport,
        target: &Target,
        told: Told,
        whole: bool,
        waivers: Option<&Path>,
    ) -> anyhow::Result<()> {
        if let Some(path) = waivers {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("the waivers in {} cannot be read", path.display()))?;
            self.write(WAIVERS, &text)?;
        }
        for name in self.files.keys() {
            hold_back(&self.directory.join(name), &self.secrets)?;
        }
        let files = std::mem::take(&mut self.files);
        let manifest = Manifest::of(report, target, self.of, told, whole, files);
        let text = manifest.text(&self.secrets)?;
        Artefact::open(&self.directory.join(MANIFEST))?.close(&text, &self.secrets)?;
        self.trouble.map_or(Ok(()), Err)
    }
}

/// A directory that was written before.
#[derive(Clone)]
pub(crate) struct Recorded {
    directory: PathBuf,
    pub(crate) manifest: Manifest,
}

impl Recorded {
    pub(crate) fn open(directory: &Path) -> anyhow::Result<Self> {
        let path = directory.join(MANIFEST);
        let shown = path.display();
        let text = std::fs::read_to_string(&path).with_context(|| {
            format!("{shown} cannot be read; name a directory that `run --evidence` wrote")
        })?;
        let manifest = Manifest::read(&text).with_context(|| format!("{shown} cannot be used"))?;
        Ok(Self {
            directory: directory.to_path_buf(),
            manifest,
        })
    }

    /// A file as it was written, or why it is not to be had.
    pub(crate) fn file(&self, name: &str) -> Result<String, String> {
        let path = self.directory.join(name);
        let shown = path.display();
        let Some(digest) = self.manifest.files.get(name) else {
            return Err(format!(
                "{shown} is no part of the evidence: {MANIFEST} does not name it"
            ));
        };
        let bytes = std::fs::read(&path).map_err(|error| {
            format!("{shown} is part of the evidence and cannot be read: {error}")
        })?;
        let own = sha256(&bytes);
        if own != *digest {
            return Err(format!(
                "{shown} is not as it was recorded: its SHA-256 is {own}, and {MANIFEST} says {digest}"
            ));
        }
        String::from_utf8(bytes).map_err(|_| format!("{shown} is not UTF-8"))
    }

    /// What a case met.
    pub(crate) fn tape(&self, id: &str) -> Result<Vec<Entry>, String> {
        let name = file_name(id);
        let text = self.file(&name)?;
        let shown = self.directory.join(&name);
        har::tape(&text).map_err(|error| format!("{}: {error}", shown.display()))
    }
}
