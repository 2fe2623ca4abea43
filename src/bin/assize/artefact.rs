//! Files that a run writes: made sure of before it, written as it goes, and in their place when it is over.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use assize::secret::Secrets;

/// So many bytes of a file are read or written at once.
const PIECE: usize = 1 << 16;

/// A file that is written beside its place and takes it when it is whole.
pub(crate) struct Artefact {
    path: PathBuf,
    draft: tempfile::NamedTempFile,
    ends: Ends,
    /// Pieces that are not in the draft yet, and where they end.
    waiting: (Vec<u8>, Vec<End>),
    /// Why pieces are missing at the end, and how many.
    trouble: Option<std::io::Error>,
    lost: usize,
}

/// Where pieces end: each of the last ones, and of those before about one in [`PIECE`] bytes, so that what is kept
/// hardly grows with the file. The end of the first piece is always among them.
#[derive(Default)]
struct Ends {
    /// Of pieces that end more than [`PIECE`] bytes before the last.
    far: Vec<End>,
    /// Of the last pieces.
    near: VecDeque<End>,
}

/// Where a piece ends.
#[derive(Clone, Copy, Default)]
struct End {
    at: u64,
    /// How many pieces there are up to here.
    pieces: usize,
}

impl Ends {
    fn last(&self) -> Option<End> {
        self.near.back().or(self.far.last()).copied()
    }

    fn push(&mut self, end: End) {
        self.near.push_back(end);
        let is_far = |first: &mut End| end.at - first.at > PIECE as u64;
        while let Some(first) = self.near.pop_front_if(is_far) {
            let before = self.far.last().map(|before| before.at);
            if before.is_none_or(|before| first.at - before >= PIECE as u64) {
                self.far.push(first);
            }
        }
    }

    fn pop(&mut self) {
        if self.near.pop_back().is_none() {
            self.far.pop();
        }
    }
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
            ends: Ends::default(),
            waiting: Default::default(),
            trouble: None,
            lost: 0,
        })
    }

    /// Adds a piece, whole or not at all. Nothing follows one that could not be added: [`Self::close`] tells.
    pub(crate) fn add(&mut self, piece: &str) {
        self.add_all(piece.as_bytes(), 1);
    }

    /// Adds so many pieces that follow each other, all of them or none.
    fn add_all(&mut self, text: &[u8], pieces: usize) {
        if self.trouble.is_some() {
            self.lost += pieces;
            return;
        }
        let last = self.last();
        let (waiting, ends) = &mut self.waiting;
        waiting.extend_from_slice(text);
        ends.push(End {
            at: last.at + text.len() as u64,
            pieces: last.pieces + pieces,
        });
        if waiting.len() >= PIECE {
            self.write();
        }
    }

    /// Where the last piece ends that was added.
    fn last(&self) -> End {
        let waiting = self.waiting.1.last().copied();
        waiting.or(self.ends.last()).unwrap_or_default()
    }

    /// Writes what waits: all of it, or as many pieces as there is room for.
    fn write(&mut self) {
        let (mut text, mut ends) = std::mem::take(&mut self.waiting);
        self.write_all(&text, &ends);
        text.clear();
        ends.clear();
        self.waiting = (text, ends);
    }

    fn write_all(&mut self, text: &[u8], ends: &[End]) {
        let all = ends.last().map_or(0, |end| end.pieces);
        let whole = self.ends.last().unwrap_or_default().at;
        let Err(error) = self.draft.write_all(text) else {
            ends.iter().for_each(|end| self.ends.push(*end));
            return;
        };
        self.trouble = Some(error);
        let _ = cut(self.draft.as_file_mut(), whole);
        let mut rest = text;
        let mut begin = whole;
        for end in ends {
            let length = usize::try_from(end.at - begin).unwrap_or(rest.len());
            let (piece, behind) = rest.split_at(length.min(rest.len()));
            if self.draft.write_all(piece).is_err() {
                let _ = cut(self.draft.as_file_mut(), begin);
                self.lost += all - self.ends.last().unwrap_or_default().pieces;
                return;
            }
            self.ends.push(*end);
            (rest, begin) = (behind, end.at);
        }
    }

    /// Puts a piece before all others: what is known only at the end. They move to a new draft.
    pub(crate) fn precede(mut self, head: &str) -> anyhow::Result<Self> {
        self.write();
        let shown = self.path.display().to_string();
        let mut whole = Self::open(&self.path)?;
        whole.add(head);
        let mut file = File::open(self.draft.path())
            .with_context(|| format!("{shown} cannot be read again"))?;
        let mut text = Vec::new();
        let mut begin = End::default();
        for end in self.ends.far.iter().chain(&self.ends.near) {
            text.resize(usize::try_from(end.at - begin.at)?, 0);
            file.read_exact(&mut text)
                .with_context(|| format!("{shown} cannot be read again"))?;
            whole.add_all(&text, end.pieces - begin.pieces);
            begin = *end;
        }
        whole.trouble = whole.trouble.or(self.trouble);
        whole.lost += self.lost;
        Ok(whole)
    }

    /// Adds the last piece and puts the file in its place. Where there is no room for the last piece, those
    /// before it make room, so that the file is well formed whatever happens.
    ///
    /// One that tells a secret takes no place: it is deleted, and so is what stood there.
    pub(crate) fn close(mut self, last: &str, secrets: &Secrets) -> anyhow::Result<()> {
        let shown = self.path.display().to_string();
        self.write();
        let written = self.ends.last().unwrap_or_default();
        // The first piece belongs to the last one: without it there is nothing to be well formed.
        while let Err(error) = self.draft.write_all(last.as_bytes()) {
            self.trouble.get_or_insert(error);
            self.ends.pop();
            let Some(whole) = self.ends.last() else {
                break;
            };
            cut(self.draft.as_file_mut(), whole.at)
                .with_context(|| format!("{shown} cannot be written"))?;
        }
        let left = self.ends.last();
        if left.is_none()
            && let Some(error) = self.trouble
        {
            return Err(error).with_context(|| format!("{shown} cannot be written"));
        }
        if let Some(name) = tells(self.draft.path(), secrets)
            .with_context(|| format!("{shown} cannot be read again"))?
        {
            let _ = std::fs::remove_file(&self.path);
            return Err(Told { shown, name }.into());
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
                let lost = self.lost + written.pieces - left.unwrap_or_default().pieces;
                format!("{shown} is whole but not complete, its last {lost} cases are missing")
            }),
        }
    }
}

/// A file told a secret, and was deleted.
#[derive(Debug, thiserror::Error)]
#[error(
    "{shown} told the secret {name} and was deleted; this is a mistake of this program, please report it, or the value of {name} is a word that the suite itself uses"
)]
pub(crate) struct Told {
    shown: String,
    name: String,
}

/// Deletes a file that is in its place already, if it tells a secret.
pub(crate) fn hold_back(path: &Path, secrets: &Secrets) -> anyhow::Result<()> {
    let shown = path.display().to_string();
    match tells(path, secrets).with_context(|| format!("{shown} cannot be read again"))? {
        None => Ok(()),
        Some(name) => {
            std::fs::remove_file(path).with_context(|| {
                format!("{shown} tells the secret {name} and cannot be deleted")
            })?;
            Err(Told { shown, name }.into())
        }
    }
}

/// The name of a secret that a file tells in any form. The file is read in pieces that overlap.
fn tells(path: &Path, secrets: &Secrets) -> std::io::Result<Option<String>> {
    let mut file = File::open(path)?;
    let overlap = secrets.longest();
    let mut window = vec![0; overlap + PIECE];
    let mut kept = 0;
    loop {
        let read = file.read(&mut window[kept..])?;
        if read == 0 {
            return Ok(None);
        }
        let filled = kept + read;
        if let Some(name) = secrets.told_by(&window[..filled]) {
            return Ok(Some(name));
        }
        kept = filled.min(overlap);
        window.copy_within(filled - kept..filled, 0);
    }
}

fn cut(file: &mut File, length: u64) -> std::io::Result<()> {
    file.set_len(length)?;
    file.seek(SeekFrom::Start(length)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces of all sizes, a large one among many that are small.
    fn sizes() -> impl Iterator<Item = usize> {
        (0..200_000).map(|at| match at % 50_000 {
            40_000 => 5 * PIECE,
            at => at % 300,
        })
    }

    #[test]
    fn of_many_pieces_few_ends_are_kept_and_making_room_takes_little_more_than_it_must() {
        let mut ends = Ends::default();
        let mut all = vec![End::default()];
        for size in sizes() {
            let last = all[all.len() - 1];
            all.push(End {
                at: last.at + size as u64,
                pieces: last.pieces + 1,
            });
            ends.push(all[all.len() - 1]);
        }
        let length = all[all.len() - 1].at;
        assert!(length > 400 * PIECE as u64);
        assert!(ends.far.len() < 500, "{}", ends.far.len());
        assert!(ends.near.len() < 1000, "{}", ends.near.len());
        // Of the last pieces all are kept; those that are not end close behind one that is.
        while let Some(end) = ends.last() {
            let is_behind = |next: &mut End| next.pieces > end.pieces;
            while let Some(next) = all.pop_if(is_behind) {
                assert!(length - next.at > PIECE as u64);
                assert!(next.at - end.at < PIECE as u64);
            }
            let same = all.pop().unwrap();
            assert_eq!((same.at, same.pieces), (end.at, end.pieces));
            ends.pop();
        }
        // The first one is kept, too.
        assert_eq!(all.len(), 1);
    }

    #[test]
    fn what_comes_first_at_last_stands_before_all_pieces() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("report");
        let mut file = Artefact::open(&path).unwrap();
        let mut whole = String::from("head");
        for (at, size) in sizes().take(2000).chain([3 * PIECE, 1]).enumerate() {
            let piece = char::from(b'a' + (at % 26) as u8).to_string().repeat(size);
            file.add(&piece);
            whole.push_str(&piece);
        }
        let file = file.precede("head").unwrap();
        file.close("tail", &Secrets::default()).unwrap();
        assert!(std::fs::read_to_string(&path).unwrap() == whole + "tail");
    }

    #[test]
    fn a_secret_is_found_across_the_pieces_in_which_a_file_is_read() {
        let secrets = Secrets::new([("s3cret-token".to_owned(), "token".to_owned())]);
        let directory = tempfile::tempdir().unwrap();
        for before in PIECE - 14..PIECE + 30 {
            let path = directory.path().join("report");
            std::fs::write(&path, format!("{}s3cret-token.", "x".repeat(before))).unwrap();
            let wrong = hold_back(&path, &secrets).unwrap_err().to_string();
            assert!(wrong.contains("told the secret token"), "{before}: {wrong}");
            assert!(!path.exists(), "{before}");
            std::fs::write(&path, format!("{}s3cret_token.", "x".repeat(before))).unwrap();
            hold_back(&path, &secrets).unwrap();
            assert!(path.exists(), "{before}");
        }
    }

    #[test]
    fn a_file_that_tells_a_secret_takes_no_place_and_leaves_none() {
        let secrets = Secrets::new([("s3cret".to_owned(), "token".to_owned())]);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("report");
        std::fs::write(&path, "of an earlier run").unwrap();
        let mut file = Artefact::open(&path).unwrap();
        file.add("{\"head\": \"s3c");
        let wrong = file.close("ret\"}", &secrets).unwrap_err();
        assert!(wrong.is::<Told>(), "{wrong}");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
