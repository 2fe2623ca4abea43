//! What a run creates, on disk before it is asked for, so that it can be removed after the run was killed.
//!
//! A ledger is a file of lines, each a JSON object with a checksum: `run` says whose it is, `intent` that an
//! object is about to be created, `created` which id it has, `gone` that it is no more. Lines are only added.
//! The file is locked while its run goes on, and removed when nothing is left that it tells of.

mod entry;
mod recorded;
mod writer;

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde_json::Value as Json;

pub use entry::{Header, Intent};
pub use recorded::{Damage, Recorded, Standing};

use entry::Entry;
use writer::Writer;

/// How the name of a ledger ends.
pub const EXTENSION: &str = "jsonl";

/// A ledger that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Its file or directory cannot be created, read or written.
    #[error("{path} cannot be {doing}: {error}")]
    Io {
        /// The file or directory.
        path: String,
        /// Such as `written`.
        doing: &'static str,
        /// What the system says.
        error: io::Error,
    },
    /// Its run goes on.
    #[error(
        "{path} is in use: its run, or another sweep of it, goes on; wait until that ends, or stop it"
    )]
    InUse {
        /// The file.
        path: String,
    },
    /// Its first line does not say whose it is.
    #[error("{path} is no ledger: {why}; name a file that `assize run` has written")]
    NoLedger {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
}

impl LedgerError {
    fn io(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.display().to_string();
        move |error| Self::Io { path, doing, error }
    }
}

/// A ledger that is being written.
pub(super) struct Ledger {
    path: PathBuf,
    writer: Writer,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last: u64,
    outstanding: BTreeSet<u64>,
}

impl Ledger {
    /// Begins a ledger in a directory, which is created if need be: `RUN.jsonl`. It is on disk with its first intent:
    /// until then it tells of nothing.
    pub(super) fn begin(directory: &Path, header: Header) -> Result<Self, LedgerError> {
        let path = directory.join(format!("{}.{EXTENSION}", header.run));
        let create = || {
            std::fs::create_dir_all(directory)?;
            OpenOptions::new().create_new(true).append(true).open(&path)
        };
        // Another run may have removed the directory, which was empty, in between.
        let mut file = create()
            .or_else(|error| match error.kind() {
                io::ErrorKind::NotFound => create(),
                _ => Err(error),
            })
            .map_err(LedgerError::io(&path, "created"))?;
        lock(&file, &path)?;
        let first = Entry::Run(header).line();
        if let Err(error) = file.write_all(first.as_bytes()) {
            let _ = std::fs::remove_file(&path);
            return Err(LedgerError::io(&path, "written")(error));
        }
        Ok(Self {
            path,
            writer: Writer::new(file, first.len() as u64, Some(directory.to_owned())),
            state: Mutex::default(),
        })
    }

    /// Goes on with a recorded ledger.
    pub(super) fn resume(recorded: &Recorded) -> Result<Self, LedgerError> {
        let (file, end) = recorded.append()?;
        let outstanding = recorded.standing().map(|standing| standing.intent.n);
        Ok(Self {
            path: recorded.path.clone(),
            writer: Writer::new(file, end, None),
            state: Mutex::new(State {
                last: recorded.last(),
                outstanding: outstanding.collect(),
            }),
        })
    }

    /// Notes on disk that an object is about to be created. Its number is returned; what fails was not noted,
    /// and must not be created.
    pub(super) async fn intend(&self, mut intent: Intent) -> io::Result<u64> {
        let n = {
            let mut state = self.state();
            state.last += 1;
            let n = state.last;
            state.outstanding.insert(n);
            n
        };
        intent.n = n;
        let written = self
            .writer
            .write_durably(Entry::Intent(intent).line())
            .await;
        if written.is_err() {
            self.state().outstanding.remove(&n);
        }
        written.map(|()| n)
    }

    /// Notes the id of an object that was created, and its name if that is another than was announced.
    pub(super) fn created(&self, n: u64, id: &Json, name: Option<&str>) {
        self.state().outstanding.insert(n);
        let (id, name) = (id.clone(), name.map(str::to_owned));
        self.writer.write(Entry::Created { n, id, name }.line());
    }

    /// Notes that there is no such object, any more or at all.
    pub(super) fn gone(&self, n: u64) {
        if self.state().outstanding.remove(&n) {
            self.writer.write(Entry::Gone { n }.line());
        }
    }

    /// Ends the ledger: its file is removed, and its directory if that is empty then, unless something may be
    /// left that it tells of.
    pub(super) async fn end(self, keep: bool) {
        if keep || !self.state().outstanding.is_empty() {
            return self.writer.end().await;
        }
        drop(self.writer);
        // What cannot be removed tells of nothing, and does no harm.
        let _ = std::fs::remove_file(&self.path);
        if let Some(directory) = self.path.parent() {
            let _ = std::fs::remove_dir(directory);
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lock(file: &File, path: &Path) -> Result<(), LedgerError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(LedgerError::InUse {
            path: path.display().to_string(),
        }),
        // A file system without locks cannot say who else is at it; a run's own file has a name of its own.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        Err(TryLockError::Error(error)) => Err(LedgerError::io(path, "locked")(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn header(run: &str) -> Header {
        Header::new(run, "http://127.0.0.1:1", "s", None, None)
    }

    fn intent(resource: &str) -> Intent {
        Intent {
            n: 0,
            resource: resource.to_owned(),
            name: format!("assize-r-{resource}"),
            identity: "owner".to_owned(),
            case: "c".to_owned(),
            needs: Default::default(),
            params: Default::default(),
        }
    }

    fn standing(path: &Path) -> Vec<(u64, Option<Json>)> {
        let recorded = Recorded::open(path, true).expect("a ledger");
        assert_eq!(recorded.damage, [], "{}", path.display());
        let all = recorded.standing();
        all.map(|it| (it.intent.n, it.id.clone())).collect()
    }

    #[tokio::test]
    async fn an_intent_is_on_disk_when_it_is_noted_and_the_file_goes_when_nothing_is_left() {
        let directory = tempfile::tempdir().expect("a directory");
        let own = directory.path().join("ledgers");
        let ledger = Ledger::begin(&own, header("a")).expect("a ledger");
        let path = own.join("a.jsonl");
        assert!(standing(&path).is_empty());
        let first = ledger.intend(intent("pool")).await.expect("room");
        assert_eq!(standing(&path), [(1, None)]);
        let second = ledger.intend(intent("member")).await.expect("room");
        ledger.created(first, &json!("p-1"), None);
        ledger.gone(second);
        let third = ledger.intend(intent("pool")).await.expect("room");
        assert_eq!(standing(&path), [(1, Some(json!("p-1"))), (3, None)]);
        ledger.gone(first);
        ledger.gone(third);
        ledger.end(false).await;
        assert!(!own.exists());
    }

    #[tokio::test]
    async fn what_may_be_left_keeps_the_file_and_another_run_keeps_the_directory() {
        let directory = tempfile::tempdir().expect("a directory");
        let own = directory.path().join("ledgers");
        let one = Ledger::begin(&own, header("a")).expect("a ledger");
        let other = Ledger::begin(&own, header("b")).expect("a ledger");
        assert!(matches!(
            Ledger::begin(&own, header("a")),
            Err(LedgerError::Io { .. })
        ));
        let left = other.intend(intent("pool")).await.expect("room");
        one.end(false).await;
        assert!(!own.join("a.jsonl").exists());
        other.created(left, &json!("p"), None);
        other.end(false).await;
        assert_eq!(standing(&own.join("b.jsonl")), [(1, Some(json!("p")))]);
    }

    #[tokio::test]
    async fn a_ledger_in_use_is_not_swept_and_one_that_was_left_goes_on_where_it_ended() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("a.jsonl");
        let ledger = Ledger::begin(directory.path(), header("a")).expect("a ledger");
        let n = ledger.intend(intent("pool")).await.expect("room");
        assert!(matches!(
            Recorded::open(&path, false),
            Err(LedgerError::InUse { .. })
        ));
        ledger.end(false).await;

        // The last line was torn when the power was cut.
        let whole = std::fs::read_to_string(&path).expect("text");
        std::fs::write(&path, format!("{whole}{{\"created\":{{\"n\":1,")).expect("room");
        let recorded = Recorded::open(&path, false).expect("a ledger");
        assert_eq!(recorded.damage, []);
        let resumed = Ledger::resume(&recorded).expect("a ledger");
        resumed.created(n, &json!("p"), None);
        resumed.gone(n);
        resumed.end(true).await;
        drop(recorded);
        assert!(standing(&path).is_empty());
        let text = std::fs::read_to_string(&path).expect("text");
        assert_eq!(text.lines().count(), 4, "{text}");
        assert!(text.starts_with(&whole), "{text}");
    }
}
