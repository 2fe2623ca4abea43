//! Judging: pure functions from an expectation and an observation to what does not agree.
//!
//! Nothing here sends, waits or reads a clock, so that recorded evidence is judged by the same code.

mod aftermath;
mod answer;
mod body;
mod diff;
mod history;
mod moves;
mod standing;

pub use aftermath::{Afterwards, ListView, absent, gone, listed, reads_as, unchanged};
pub use answer::{answer, answers, into_scope, named, satisfies};
pub use diff::{Difference, differences};
pub use history::{Told, history};
pub use moves::moved;
pub use standing::{Standing, standing, stands_alike};

use crate::source::Location;

/// One thing that does not agree with what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The check that found it, such as `status` or `unchanged`.
    pub check: &'static str,
    /// What was asked for.
    pub expected: String,
    /// What was there.
    pub actual: String,
    /// The line of the scenario that asked for it; `None` for standing checks.
    pub location: Option<Location>,
}

/// The longest stretch of a server's text that a mismatch quotes, in characters.
const QUOTE: usize = 300;

/// A JSON value as one line of bounded length.
pub(crate) fn quote(value: &serde_json::Value) -> String {
    bounded(&value.to_string())
}

/// Text of bounded length.
pub(crate) fn bounded(text: &str) -> String {
    match text.char_indices().nth(QUOTE) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}… ({} bytes in all)", &text[..at], text.len()),
    }
}
