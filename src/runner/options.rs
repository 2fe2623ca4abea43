//! How a run goes about its cases, as its caller asks.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::tamper::Tamper;
use crate::outcome::Leak;
use crate::tape::{Entry, Kept};
use crate::waiver::Waivers;

/// How a run goes about its cases.
#[derive(Debug, Clone)]
pub struct Options {
    /// Cases at once: 1 or more.
    pub jobs: usize,
    /// Of these, so many that hold objects of the suite, which may be dear: 1 or more.
    pub holders: usize,
    /// How long cases took in an earlier run, by their ids; the longest are started first.
    pub durations: BTreeMap<String, Duration>,
    /// Start nothing more after the first failure or error.
    pub fail_fast: bool,
    /// Start nothing more after this time, and stop what runs.
    pub deadline: Option<Duration>,
    /// Whether a violation of a `should` fails.
    pub strict: bool,
    /// The seed of every random choice.
    pub seed: u64,
    /// What the names of all objects of the run carry.
    pub run_id: String,
    /// The directory for the ledger, from which a sweep learns what a killed run has left.
    pub ledger: Option<PathBuf>,
    /// What is known to deviate.
    pub waivers: Waivers,
    /// Whether all cases of the suite are in the plan, so that a waiver that is not needed is out of date.
    pub whole: bool,
    /// The most that is waited for an aftermath, where that is less than what the profile grants.
    pub grace: Option<Duration>,
    /// What is done to the traffic, to see what the suite is worth.
    pub tamper: Option<Tamper>,
    /// Whether the report keeps cases of which nothing is to be told but that they passed.
    pub keep_all: bool,
    /// What is kept of what went and came, for others to judge.
    pub evidence: Option<Evidence>,
    /// Cancelled after the run itself, it stops clean-up too: what is left then is listed.
    pub at_once: CancellationToken,
    /// What an earlier run met; then nothing is sent, and its cases are judged by that.
    pub playback: Option<Playback>,
}

/// What is kept of what went and came.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// Of which cases.
    pub of: Kept,
    /// The directory as it is named in reports.
    pub directory: String,
}

/// Finds what a case met by its id, or says why it is not to be had.
type Find = dyn Fn(&str) -> Result<Vec<Entry>, String> + Send + Sync;

/// An earlier run, to be judged again.
#[derive(Clone)]
pub struct Playback {
    /// When it began.
    pub started: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// Why it ended before its time, if it did.
    pub cut_short: Option<String>,
    /// The shared objects that it left.
    pub leaked: Vec<Leak>,
    /// What each case met, by its id.
    pub tapes: Arc<Find>,
}

impl std::fmt::Debug for Playback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Playback").finish_non_exhaustive()
    }
}

impl Options {
    /// 256 cases at once, 32 of them with objects of the suite, to the end, not strict, seed 0, a new run id, no ledger and no waivers.
    pub fn standard() -> Self {
        let id = uuid::Uuid::new_v4().simple().to_string();
        Self {
            jobs: 256,
            holders: 32,
            durations: BTreeMap::new(),
            fail_fast: false,
            deadline: None,
            strict: false,
            seed: 0,
            run_id: id[..8].to_owned(),
            ledger: None,
            waivers: Waivers::default(),
            whole: false,
            grace: None,
            tamper: None,
            keep_all: true,
            evidence: None,
            at_once: CancellationToken::new(),
            playback: None,
        }
    }
}
