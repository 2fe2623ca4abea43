//! What a case met, in the order in which it met it: all that is needed to judge it again without an endpoint.
//!
//! Answers are not enough. A poll ends when its time is over, an object is lent by whoever had it before, and the
//! order of what is sent at once follows from its times. A tape keeps those, too. The case reads it back in
//! the order in which it was written, and decides everything else anew.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use crate::exchange::Exchange;

/// One thing that a case met.
#[derive(Debug, Clone)]
pub enum Entry {
    /// A request with what came of it, whatever the case made of it.
    Exchange(Arc<Exchange>),
    /// The same, where only the beginning of what was sent was kept, and the SHA-256 of all of it.
    Beginning(Exchange, String),
    /// Anything else.
    Note(Note),
}

/// Of which cases a tape is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// Those that failed or could not be judged, waived ones included.
    Failed,
    /// All that ran.
    All,
}

/// What a case met besides answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// It began, or began afresh.
    Began(Timestamp),
    /// It ended after so many nanoseconds.
    Ended(u64),
    /// A question of which the answer depends on the moment, such as whether a wait is over.
    So(bool),
    /// It was stopped; by whom, if it could not be judged, and nothing where the run was interrupted.
    Stopped(Option<String>),
    /// When each of the requests before it that were sent together went out and was answered, in nanoseconds
    /// since the first.
    Together(Vec<(u64, u64)>),
    /// An object that was there already was lent.
    Lent(Lent),
    /// An object to lend was created: with this label and number.
    Made(String, usize),
}

impl Note {
    /// A time that can be noted.
    pub fn ended(after: Duration) -> Self {
        Self::Ended(u64::try_from(after.as_nanos()).unwrap_or(u64::MAX))
    }
}

/// A shared object as a case gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lent {
    /// The unique name that it was created with.
    pub name: String,
    /// As last read.
    pub value: Json,
    /// Its parameters.
    pub params: BTreeMap<String, Json>,
}

/// The longest readable part of a file's name, in bytes.
const READABLE: usize = 80;

/// The name of the file for a case, by its id: safe on every system, readable, and never that of another case,
/// also where upper and lower case are the same.
pub fn file_name(id: &str) -> String {
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() || c == '-' {
            c
        } else {
            '_'
        }
    };
    let readable: String = id.chars().take(READABLE).map(safe).collect();
    let digest = sha256(id.as_bytes());
    format!("cases/{readable}-{}.har", &digest[..12])
}

/// The digest of bytes as everybody writes it.
pub fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_is_safe_and_belongs_to_one_case() {
        let ids = [
            "pools/delete/in_use/pool-with-members",
            "../../etc/passwd",
            "a/b c|d[e]\0\u{1f512}",
            "CON",
            "con",
            "",
            &"x".repeat(900),
        ];
        let mut seen = std::collections::BTreeSet::new();
        for id in ids {
            let name = file_name(id);
            let bare = name.strip_prefix("cases/").unwrap();
            let bare = bare.strip_suffix(".har").unwrap();
            assert!(
                bare.chars()
                    .all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)),
                "{name}"
            );
            assert!(name.len() < 120, "{name}");
            assert!(seen.insert(name.to_ascii_lowercase()), "{name}");
        }
        assert!(
            file_name("pools/delete/x").starts_with("cases/pools_delete_x-"),
            "{}",
            file_name("pools/delete/x")
        );
    }
}
