//! What belongs to a directory of evidence: the run, what it was pointed at, and the digest of every file.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::json::Run;
use crate::outcome::{Leak, RunReport, Verdict};
use crate::secret::Secrets;
use crate::tape::Kept;
use crate::target::Target;

/// The file's name.
pub const MANIFEST: &str = "manifest.json";

/// The version of the format.
const VERSION: u32 = 1;

/// The manifest of a directory of evidence.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this format.
    pub format: u32,
    /// The run.
    pub run: Run,
    /// How long it took, in nanoseconds.
    pub nanoseconds: u64,
    /// Why it ended before its time, if it did.
    pub cut_short: Option<String>,
    /// Whether all cases of the suite were to run, and all did.
    pub whole: bool,
    /// What shared objects were left on the endpoint.
    pub leaked: Vec<Leak>,
    /// Of which cases there is evidence.
    pub of: Kept,
    /// What the command line said besides.
    pub told: Told,
    /// The suite's variables, without secrets.
    pub variables: BTreeMap<String, Json>,
    /// Header fields by identity, without secrets.
    pub identities: BTreeMap<String, Vec<(String, String)>>,
    /// Identities that were not configured.
    pub unconfigured: BTreeMap<String, String>,
    /// The cases in the order of the run.
    pub cases: Vec<Judged>,
    /// The SHA-256 of every other file.
    pub files: BTreeMap<String, String>,
}

/// What the command line said, for a run to be read as it was meant.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Told {
    /// The directory as reports name it.
    pub directory: String,
    /// The suite.
    pub suite: Option<String>,
    /// Files and directories of scenarios.
    pub paths: Vec<String>,
    /// The waivers, of which there is a copy.
    pub waivers: Option<String>,
    /// The seed of the rows of a matrix.
    pub rows: u64,
    /// Whether boundaries were tried.
    pub boundary: bool,
    /// How many random sequences.
    pub sequences: usize,
    /// How many operations each had.
    pub length: usize,
    /// How many histories of concurrent operations.
    pub races: usize,
}

/// A case as it was judged.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Judged {
    /// Its id.
    pub id: String,
    /// What it came to.
    pub verdict: Verdict,
    /// Why it was skipped or could not be judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Its evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// The manifest of evidence that was joined: directories of the shards of a run, each as it was written.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Joined {
    /// The version of this format.
    pub format: u32,
    /// The directory as reports name it.
    pub directory: String,
    /// The SHA-256 of the manifest of each shard, by its directory.
    pub shards: BTreeMap<String, String>,
}

/// What a manifest is of.
#[derive(Debug, Clone)]
pub enum Read {
    /// A run, or a shard of one.
    Run(Box<Manifest>),
    /// All shards of a run.
    Joined(Joined),
}

/// A manifest that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It does not have the form.
    #[error("it is no manifest of evidence: {0}")]
    Form(#[from] serde_json::Error),
    /// It has another version.
    #[error("its format is {0}, and this program reads {VERSION}; use the program that wrote it")]
    Version(u32),
}

impl Manifest {
    /// What is known of a run at its end.
    pub fn of(
        report: &RunReport,
        target: &Target,
        of: Kept,
        told: Told,
        files: BTreeMap<String, String>,
    ) -> Self {
        let begin = format!("{}/", told.directory);
        Self {
            format: VERSION,
            run: Run::of(report),
            nanoseconds: u64::try_from(report.duration.as_nanos()).unwrap_or(u64::MAX),
            cut_short: report.cut_short.clone(),
            whole: report.whole,
            leaked: report.leaked.clone(),
            of,
            variables: target.variables.clone(),
            identities: target.identities.clone(),
            unconfigured: target.unconfigured.clone(),
            cases: (report.outcomes.iter())
                .map(|case| Judged {
                    id: case.id.clone(),
                    verdict: case.verdict,
                    reason: case.reason.clone(),
                    file: (case.evidence.as_deref())
                        .and_then(|path| path.strip_prefix(&begin))
                        .map(str::to_owned),
                })
                .collect(),
            told,
            files,
        }
    }

    /// As text, without the secrets.
    ///
    /// # Errors
    /// None that is known; that of the serialiser is passed on.
    pub fn text(&self, secrets: &Secrets) -> Result<String, ManifestError> {
        let value = redacted(&serde_json::to_value(self)?, secrets);
        let mut text = serde_json::to_string_pretty(&value)?;
        text.push('\n');
        Ok(text)
    }

    /// When the run began.
    pub fn started(&self) -> Timestamp {
        self.run.started
    }

    /// How long it took.
    pub fn duration(&self) -> Duration {
        Duration::from_nanos(self.nanoseconds)
    }
}

impl Joined {
    /// The manifest of these directories, each with the SHA-256 of its own.
    pub fn of(directory: String, shards: BTreeMap<String, String>) -> Self {
        Self {
            format: VERSION,
            directory,
            shards,
        }
    }

    /// As text.
    ///
    /// # Errors
    /// None that is known; that of the serialiser is passed on.
    pub fn text(&self) -> Result<String, ManifestError> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

/// Reads a manifest.
///
/// # Errors
/// The text is no manifest, or one of another version.
pub fn read(text: &str) -> Result<Read, ManifestError> {
    let value: Json = serde_json::from_str(text)?;
    let format = value.get("format").and_then(Json::as_u64);
    match format.map(u32::try_from) {
        Some(Ok(format)) if format != VERSION => Err(ManifestError::Version(format)),
        _ if value.get("shards").is_some() => Ok(Read::Joined(serde_json::from_value(value)?)),
        _ => Ok(Read::Run(Box::new(serde_json::from_value(value)?))),
    }
}

/// The value with every text in it rid of secrets, names of fields aside.
fn redacted(value: &Json, secrets: &Secrets) -> Json {
    match value {
        Json::String(text) => Json::String(secrets.redact(text)),
        Json::Array(values) => values
            .iter()
            .map(|value| redacted(value, secrets))
            .collect(),
        Json::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), redacted(value, secrets)))
            .collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) => value.clone(),
    }
}
