//! A statement: what a product conforms to, to be submitted by whoever makes it and worked out again by others.
//!
//! It is a function of a run's report, of the suite, and of the evidence that the run left. A requirement is shown
//! by all cases of the suite that the profile has, whether they were selected or not: what did not run makes the
//! statement a partial one, and nothing that a vendor leaves out makes it better.

mod compare;
mod levels;
mod read;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::case::Case;
use crate::exchange::millis;
use crate::outcome::{Counts, RunReport, Tally};
use crate::plan::{applies, suite_digest};
use crate::suite::model::Suite;
use crate::target::Target;
use crate::target::settings::Vendor;

pub use compare::differences;
use levels::{levels, skipped};
pub use read::read;

/// The version of the format. A field that is added does not change it; whatever breaks a reader does.
pub const VERSION: u32 = 1;

/// What a product conforms to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "assize statement")]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// The version of the format: 1.
    pub format: u32,
    /// Who makes the product.
    pub organisation: String,
    /// What it is called.
    pub product: String,
    /// Its version.
    pub version: String,
    /// Whom to ask about this statement.
    pub contact: String,
    /// Whether it conforms: what is said of level `must`, and with `strict` the worse of `must` and `should`.
    pub verdict: Conformance,
    /// By which suite.
    pub suite: SuiteUsed,
    /// By which profile of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<ProfileUsed>,
    /// The version of assize that worked it out.
    pub tool_version: String,
    /// In which run.
    pub run: RunUsed,
    /// How many cases came to what.
    pub cases: Counts,
    /// What the requirements came to, by how binding they are for the profile.
    pub levels: Levels,
    /// Known deviations that may be there, on the word of whoever makes the product.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<Waived>,
    /// What did not run, by the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Skipped>,
    /// The evidence that shows it.
    pub evidence: EvidenceUsed,
}

/// Whether requirements hold.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum Conformance {
    /// All were shown to hold.
    #[serde(rename = "conformant")]
    Conformant,
    /// None was shown to be broken but by a known deviation, and not all were shown to hold.
    #[serde(rename = "partial")]
    Partial,
    /// At least one is broken.
    #[serde(rename = "not conformant")]
    NotConformant,
}

impl Conformance {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Conformant => "conformant",
            Self::Partial => "partial",
            Self::NotConformant => "not conformant",
        }
    }
}

/// A suite, so that it can be told from any other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuiteUsed {
    /// Its name.
    pub name: String,
    /// Its version, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The SHA-256 of its files, by their paths below its root.
    pub sha256: String,
}

/// A profile as it was used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileUsed {
    /// Its name.
    pub name: String,
    /// What it declares of the product.
    pub features: Json,
}

/// The run that a statement is of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunUsed {
    /// Its id; of one in shards, those of all.
    pub id: String,
    /// The endpoint.
    pub endpoint: String,
    /// The seed of every random choice, as text: not every reader of YAML keeps a number of 64 bits.
    pub seed: String,
    /// Whether a violation of a `should` counts like one of a `must`.
    pub strict: bool,
    /// Whether the endpoint's certificate was not looked at, so that anybody may have answered.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub insecure: bool,
    /// The part of the cases that ran, as K/N, where others ran the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// Why it ended before its time, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_short: Option<String>,
    /// When it began, in UTC.
    #[schemars(with = "String")]
    pub started: Timestamp,
    /// How long it took in milliseconds.
    #[serde(rename = "duration_ms", with = "millis")]
    #[schemars(with = "f64")]
    pub duration: Duration,
}

/// What requirements came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Levels {
    /// Those that bind.
    pub must: LevelResult,
    /// Those that bind unless there is a reason.
    pub should: LevelResult,
    /// Those that are recorded and never judged.
    pub observe: BTreeMap<String, Shown>,
    /// Those that the profile does not know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_applicable: Vec<String>,
}

/// What the requirements of one level came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LevelResult {
    /// All of them together.
    pub verdict: Conformance,
    /// Why it is not conformant, a line for each cause.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<String>,
    /// How many requirements came to what.
    pub counts: ResultCounts,
    /// Each, by its id.
    pub requirements: BTreeMap<String, Shown>,
}

/// How many requirements came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResultCounts {
    /// Shown to hold.
    pub passed: usize,
    /// Shown to hold by some of their cases, where others could not be judged or did not run.
    pub partial: usize,
    /// Broken.
    pub failed: usize,
    /// Not judged by any case that ran.
    pub errored: usize,
    /// Without a case that ran.
    pub skipped: usize,
    /// Broken as a waiver says.
    pub waived: usize,
    /// Such that no case can show them, as the suite says.
    pub untested: usize,
}

/// What one requirement came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// In a word.
    pub result: RequirementShown,
    /// What its cases came to as far as this requirement is concerned.
    #[serde(default)]
    pub cases: CaseCounts,
    /// The cases that broke it, or could not be judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub see: Vec<String>,
}

/// What a requirement came to.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RequirementShown {
    /// All of its cases that the profile has hold it.
    Passed,
    /// Some hold it, and others could not be judged or did not run.
    Partial,
    /// A case shows that it is broken.
    Failed,
    /// None of its cases that ran could be judged.
    Errored,
    /// None of its cases ran.
    Skipped,
    /// A case shows that it is broken, as a waiver says.
    Waived,
    /// No case can show it, as the suite says.
    Untested,
    /// It does not bind, and was recorded.
    Observed,
}

/// How many cases came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseCounts {
    /// Held it.
    pub passed: usize,
    /// Broke it.
    pub failed: usize,
    /// Could not be judged.
    pub errored: usize,
    /// Did not run although the profile has what they are about.
    pub skipped: usize,
    /// Broke it as a waiver says.
    pub waived: usize,
    /// Ran and were not held to it, or broke something else first.
    pub not_judged: usize,
    /// Are about what the profile does not have.
    pub not_applicable: usize,
}

/// A known deviation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Waived {
    /// What may deviate: `case` or `requirement`, and the pattern.
    pub waiver: String,
    /// On whose word.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// Where it was agreed.
    pub reference: String,
    /// The last day on which it holds, in UTC.
    #[schemars(with = "String")]
    pub expires: Date,
    /// How many cases needed it.
    pub needed: usize,
    /// How many cases that it concerns passed.
    pub passed: usize,
}

/// Cases that did not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Skipped {
    /// Why.
    pub reason: String,
    /// Whether the profile has what they are about, so that they are missed.
    pub missed: bool,
    /// Their ids.
    pub cases: Vec<String>,
}

/// The evidence that a statement rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidenceUsed {
    /// The SHA-256 of its manifest, which has those of all files.
    pub sha256: String,
}

/// What is to be known of a case, whether it was selected or not.
#[derive(Debug, Clone)]
struct Known {
    requirements: Vec<String>,
    /// Whether the profile has what it is about.
    applies: bool,
}

/// All cases of a suite for a target, by their ids.
#[derive(Debug, Clone, Default)]
pub struct Catalogue(BTreeMap<String, Known>);

impl Catalogue {
    /// Of what was expanded for that target.
    pub fn of(suite: &Suite, target: &Target, cases: &[Case]) -> Self {
        let scope = target.scope();
        let known = |case: &Case| {
            let known = Known {
                requirements: case.requirements().into_iter().map(str::to_owned).collect(),
                applies: applies(suite, case, target, &scope),
            };
            (case.id().into_owned(), known)
        };
        Self(cases.iter().map(known).collect())
    }
}

impl Statement {
    /// What is to be said of a run, of which the evidence has a manifest with this SHA-256.
    pub fn of(
        report: &RunReport,
        suite: &Suite,
        catalogue: &Catalogue,
        vendor: &Vendor,
        evidence: &str,
    ) -> Self {
        let Vendor {
            organisation,
            product,
            version,
            contact,
        } = vendor.clone();
        let levels = levels(report, catalogue);
        let verdict = if report.strict {
            levels.must.verdict.max(levels.should.verdict)
        } else {
            levels.must.verdict
        };
        let profile = report.profile.as_ref().map(|name| ProfileUsed {
            name: name.clone(),
            features: (suite.profiles.get(name))
                .map_or(Json::Null, |profile| profile.features.clone()),
        });
        Self {
            format: VERSION,
            organisation,
            product,
            version,
            contact,
            verdict,
            suite: SuiteUsed {
                name: report.suite.clone(),
                version: report.suite_version.clone(),
                sha256: suite_digest(suite),
            },
            profile,
            tool_version: report.tool_version.to_owned(),
            run: RunUsed {
                id: report.run_id.clone(),
                endpoint: report.endpoint.clone(),
                seed: report.seed.to_string(),
                strict: report.strict,
                insecure: report.insecure,
                shard: (report.part.as_ref()).map(|part| format!("{}/{}", part.number, part.of)),
                cut_short: report.cut_short.clone(),
                started: report.started,
                duration: report.duration,
            },
            cases: report.counts(),
            levels,
            waivers: report.waivers.iter().map(Waived::of).collect(),
            skipped: skipped(report, catalogue),
            evidence: EvidenceUsed {
                sha256: evidence.to_owned(),
            },
        }
    }

    /// As YAML.
    ///
    /// # Errors
    /// None that is known; that of the serialiser is passed on.
    pub fn text(&self) -> Result<String, String> {
        let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
        let body = serde_saphyr::to_string_with_options(self, options);
        let body = body.map_err(|error| error.to_string())?;
        Ok(format!(
            "# What a product conforms to: `assize verify` works it out again by the evidence.\n{body}"
        ))
    }

    /// Who says it, of what.
    pub fn vendor(&self) -> Vendor {
        Vendor {
            organisation: self.organisation.clone(),
            product: self.product.clone(),
            version: self.version.clone(),
            contact: self.contact.clone(),
        }
    }
}

/// The JSON Schema of [`Statement`].
pub fn schema() -> Json {
    schemars::schema_for!(Statement).to_value()
}

impl Waived {
    fn of(tally: &Tally) -> Self {
        Self {
            waiver: tally.waiver.clone(),
            owner: tally.owner.clone(),
            reason: tally.reason.clone(),
            reference: tally.reference.clone(),
            expires: tally.expires,
            needed: tally.needed,
            passed: tally.passed,
        }
    }
}
