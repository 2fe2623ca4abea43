//! The clauses of the contract, and how binding they are.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::source::Span;

/// How binding a requirement is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The profile does not know what the requirement speaks of.
    NotApplicable,
    /// Recorded, never judged.
    Observe,
    /// Judged; a violation fails the run only when the run is strict.
    Should,
    /// Judged; a violation fails the run.
    Must,
}

impl Level {
    /// As written in a suite.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotApplicable => "not_applicable",
            Self::Observe => "observe",
            Self::Should => "should",
            Self::Must => "must",
        }
    }
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One testable clause of the contract.
#[derive(Debug)]
pub struct Requirement {
    /// Such as `DP-10`.
    pub id: String,
    /// Where it is written.
    pub span: Span,
    /// What it demands, in a sentence.
    pub text: String,
    /// How binding it is unless the profile says otherwise.
    pub level: Level,
    /// How it is known, in the suite's own letters.
    pub origin: Option<String>,
    /// The document it comes from.
    pub source: String,
    /// What differs for one profile.
    pub profiles: BTreeMap<String, RequirementIn>,
    /// Why no scenario covers it, if none can.
    pub untested: Option<String>,
}

/// What one profile says differently of a requirement.
#[derive(Debug)]
pub struct RequirementIn {
    /// How binding it is there.
    pub level: Option<Level>,
    /// What it demands there.
    pub text: Option<String>,
    /// The document it comes from there.
    pub source: Option<String>,
}

impl Requirement {
    /// How binding it is for a profile.
    pub fn level_for(&self, profile: Option<&str>) -> Level {
        self.of(profile)
            .and_then(|own| own.level)
            .unwrap_or(self.level)
    }

    /// What it demands of a profile.
    pub fn text_for(&self, profile: Option<&str>) -> &str {
        self.of(profile)
            .and_then(|own| own.text.as_deref())
            .unwrap_or(&self.text)
    }

    /// Where it comes from, for a profile.
    pub fn source_for(&self, profile: Option<&str>) -> &str {
        self.of(profile)
            .and_then(|own| own.source.as_deref())
            .unwrap_or(&self.source)
    }

    fn of(&self, profile: Option<&str>) -> Option<&RequirementIn> {
        self.profiles.get(profile?)
    }
}
