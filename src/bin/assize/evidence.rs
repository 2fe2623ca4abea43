//! A directory of evidence: written case by case as a run goes, and read again file by file.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, bail};
use assize::outcome::{CaseOutcome, RunReport};
use assize::report::har;
use assize::report::manifest::{self, Joined, MANIFEST, Manifest, Read, Told};
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
        fresh(directory)?;
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
        let manifest = Manifest::of(report, target, self.of, told, files);
        let text = manifest.text(&self.secrets)?;
        Artefact::open(&self.directory.join(MANIFEST))?.close(&text, &self.secrets)?;
        self.trouble.map_or(Ok(()), Err)
    }
}

/// Makes sure that there is such a directory, and that nothing is in it.
fn fresh(directory: &Path) -> anyhow::Result<()> {
    let shown = directory.display();
    std::fs::create_dir_all(directory).with_context(|| format!("{shown} cannot be created"))?;
    let mut there =
        std::fs::read_dir(directory).with_context(|| format!("{shown} cannot be read"))?;
    if there.next().is_some() {
        bail!(
            "{shown} is not empty; evidence of two runs must not mix, so name a new directory with --evidence"
        );
    }
    Ok(())
}

/// A directory that was written before.
#[derive(Clone)]
pub(crate) struct Recorded {
    directory: PathBuf,
    pub(crate) manifest: Manifest,
    /// The SHA-256 of the manifest.
    pub(crate) digest: String,
}

/// Part of the evidence is missing, or is not as it was recorded.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Spoilt(String);

impl Recorded {
    /// The evidence of one run, or of one shard.
    pub(crate) fn open(directory: &Path) -> anyhow::Result<Self> {
        match Self::all(directory)? {
            All {
                joined: false,
                mut parts,
            } if parts.len() == 1 => Ok(parts.remove(0)),
            _ => bail!(
                "{} was joined already; name the directories that `run --shard K/N --evidence DIR` wrote",
                directory.display()
            ),
        }
    }

    /// The evidence of a run; of one in shards, that of each.
    pub(crate) fn all(directory: &Path) -> anyhow::Result<All> {
        let (text, digest) = manifest_of(directory)?;
        let shown = directory.join(MANIFEST).display().to_string();
        let read = manifest::read(&text).with_context(|| format!("{shown} cannot be used"))?;
        let joined = match read {
            Read::Run(manifest) => {
                let parts = vec![Self {
                    directory: directory.to_path_buf(),
                    manifest: *manifest,
                    digest,
                }];
                return Ok(All {
                    parts,
                    joined: false,
                });
            }
            Read::Joined(joined) => joined,
        };
        let mut parts = Vec::new();
        for (name, claimed) in &joined.shards {
            let own = directory.join(name);
            if !is_inside(name) {
                let own = own.display();
                bail!("{own} may lie outside of the evidence; {shown} is none that was joined");
            }
            let mut part = match Self::open(&own) {
                Ok(part) => part,
                Err(error) => return Err(Spoilt(format!("{error:#}")).into()),
            };
            if part.digest != *claimed {
                let path = own.join(MANIFEST);
                return Err(Spoilt(changed(&path, &part.digest, claimed, &shown)).into());
            }
            part.manifest.told.directory = format!("{}/{name}", joined.directory);
            parts.push(part);
        }
        Ok(All {
            parts,
            joined: true,
        })
    }

    /// Its directory.
    pub(crate) fn shown(&self) -> String {
        self.directory.display().to_string()
    }

    /// Every file that is missing or was changed.
    pub(crate) fn spoilt(&self) -> Vec<String> {
        let names = self.manifest.files.keys();
        names.filter_map(|name| self.file(name).err()).collect()
    }

    /// A file as it was written, or why it is not to be had.
    pub(crate) fn file(&self, name: &str) -> Result<String, String> {
        let path = self.directory.join(name);
        let shown = path.display();
        if !is_inside(name) {
            return Err(format!(
                "{shown} is no part of the evidence: it may lie outside of its directory"
            ));
        }
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
            return Err(changed(&path, &own, digest, MANIFEST));
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

/// The evidence of a run, whole or of its shards.
pub(crate) struct All {
    pub(crate) parts: Vec<Recorded>,
    /// Whether these are shards that were joined.
    pub(crate) joined: bool,
}

fn manifest_of(directory: &Path) -> anyhow::Result<(String, String)> {
    let path = directory.join(MANIFEST);
    let text = std::fs::read_to_string(&path).with_context(|| {
        format!(
            "{} cannot be read; name a directory that `run --evidence` wrote",
            path.display()
        )
    })?;
    let digest = sha256(text.as_bytes());
    Ok((text, digest))
}

/// Whether a name from a manifest, whoever wrote it, leads to below the directory that it is in.
fn is_inside(name: &str) -> bool {
    let mut components = Path::new(name).components();
    !name.is_empty() && components.all(|part| matches!(part, Component::Normal(_)))
}

fn changed(path: &Path, own: &str, claimed: &str, by: &str) -> String {
    format!(
        "{} is not as it was recorded: its SHA-256 is {own}, and {by} says {claimed}",
        path.display()
    )
}

/// The directory of a shard in joined evidence.
fn name_of(part: &Recorded) -> String {
    let number = part
        .manifest
        .run
        .shard
        .as_ref()
        .map_or(0, |part| part.number);
    format!("shard-{number}")
}

/// A directory into which the evidence of all shards is copied.
pub(crate) struct Joining(PathBuf);

impl Joining {
    /// Makes sure that there is an empty directory.
    pub(crate) fn open(directory: &Path) -> anyhow::Result<Self> {
        fresh(directory)?;
        Ok(Self(directory.to_path_buf()))
    }

    /// The directory as reports name it, and that of a shard before and now.
    pub(crate) fn moves(&self, part: &Recorded) -> (String, String) {
        let before = &part.manifest.told.directory;
        (
            format!("{before}/"),
            format!("{}/{}/", slashes(&self.0), name_of(part)),
        )
    }

    /// Copies it, or says what is missing or was changed.
    pub(crate) fn close(self, parts: &[Recorded]) -> anyhow::Result<Result<(), Vec<String>>> {
        let spoilt: Vec<String> = parts.iter().flat_map(Recorded::spoilt).collect();
        if !spoilt.is_empty() {
            return Ok(Err(spoilt));
        }
        let none = Secrets::default();
        let mut shards = BTreeMap::new();
        for part in parts {
            let name = name_of(part);
            let below = self.0.join(&name);
            for file in part.manifest.files.keys() {
                let text = part.file(file).map_err(Spoilt)?;
                Artefact::open(&below.join(file))?.close(&text, &none)?;
            }
            let (text, digest) = manifest_of(&part.directory)?;
            Artefact::open(&below.join(MANIFEST))?.close(&text, &none)?;
            shards.insert(name, digest);
        }
        let joined = Joined::of(slashes(&self.0), shards).text()?;
        Artefact::open(&self.0.join(MANIFEST))?.close(&joined, &none)?;
        Ok(Ok(()))
    }
}

/// A path as reports name it.
pub(crate) fn slashes(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}
