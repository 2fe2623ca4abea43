//! Files that a run writes: made sure of before it, written as it goes, and in their place when it is over.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// A file that is written beside its place and takes it when it is whole.
pub(crate) struct Artefact {
    path: PathBuf,
    draft: tempfile::NamedTempFile,
    /// Where each piece ends.
    pieces: Vec<u64>,
    /// Why pieces are missing at the end.
    trouble: Option<std::io::Error>,
}

impl Artefact {
    /// Makes sure that the file can be written.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let directory = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        std::fs::create_dir_all(directory)
            .with_context(|| format!("{} cannot be created", directory.display()))?;
        if path.is_dir() {
            anyhow::bail!("{} is a directory; name a file", path.display());
        }
        let draft = tempfile::Builder::new()
            .prefix(".assize-")
            .tempfile_in(directory)
            .with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(Self {
            path: path.to_path_buf(),
            draft,
            pieces: Vec::new(),
            trouble: None,
        })
    }

    /// Adds a piece, whole or not at all. Nothing follows one that could not be added: [`Self::close`] tells.
    pub(crate) fn add(&mut self, piece: &str) {
        if self.trouble.is_some() {
            return;
        }
        let whole = self.pieces.last().copied().unwrap_or(0);
        match self.draft.write_all(piece.as_bytes()) {
            Ok(()) => self.pieces.push(whole + piece.len() as u64),
            Err(error) => {
                self.trouble = Some(error);
                let _ = cut(self.draft.as_file_mut(), whole);
            }
        }
    }

    /// Adds the last piece and puts the file in its place. Where there is no room for the last piece, those
    /// before it make room, so that the file is well formed whatever happens.
    pub(crate) fn close(mut self, last: &str) -> anyhow::Result<()> {
        let shown = self.path.display().to_string();
        let all = self.pieces.len();
        // The first piece belongs to the last one: without it there is nothing to be well formed.
        while let Err(error) = self.draft.write_all(last.as_bytes()) {
            self.trouble.get_or_insert(error);
            self.pieces.pop();
            let Some(whole) = self.pieces.last().copied() else {
                break;
            };
            cut(self.draft.as_file_mut(), whole)
                .with_context(|| format!("{shown} cannot be written"))?;
        }
        if self.pieces.is_empty()
            && let Some(error) = self.trouble
        {
            return Err(error).with_context(|| format!("{shown} cannot be written"));
        }
        // A temporary file is private to its owner; a report is not.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            self.draft
                .as_file()
                .set_permissions(std::fs::Permissions::from_mode(0o644))
                .with_context(|| format!("{shown} cannot be made readable"))?;
        }
        self.draft
            .persist(&self.path)
            .with_context(|| format!("{shown} cannot be written"))?;
        match self.trouble {
            None => Ok(()),
            Some(error) => Err(error).with_context(|| {
                let lost = all.saturating_sub(self.pieces.len());
                format!("{shown} is whole but not complete, {lost} or more of its last cases are missing")
            }),
        }
    }
}

fn cut(file: &mut File, length: u64) -> std::io::Result<()> {
    file.set_len(length)?;
    file.seek(SeekFrom::Start(length)).map(drop)
}
