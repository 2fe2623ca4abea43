//! What came of the cases and of the run: the narrow waist between running and reporting.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::Mismatch;
use crate::exchange::{Exchange, millis};
use crate::plan::Part;
use crate::source::Location;
use crate::suite::model::{Level, Requirement, Suite};
use crate::tape::Entry;

/// What a case came to.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything that was asked for holds.
    Pass,
    /// The endpoint broke a requirement.
    Fail,
    /// It could not be judged.
    Error,
    /// It did not run, for the reason given.
    Skip,
    /// It failed, as a waiver says it may.
    Waived,
}

impl Verdict {
    /// One lower-case word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Error => "error",
            Self::Skip => "skip",
            Self::Waived => "waived",
        }
    }
}

/// One thing that an endpoint did other than asked.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The check that found it.
    pub check: Cow<'static, str>,
    /// The requirements that it breaks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requirements: Vec<String>,
    /// The most binding level among them; `must` where there is none.
    pub level: Level,
    /// What was asked for.
    pub expected: String,
    /// What was there.
    pub actual: String,
    /// The line of the scenario that asked for it.
    pub location: Location,
    /// The exchange that shows it, by its place among those of the case, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<usize>,
}

impl Finding {
    /// A mismatch with what it means.
    pub fn new(
        mismatch: Mismatch,
        requirements: Vec<String>,
        level: Level,
        location: Location,
        exchange: Option<usize>,
    ) -> Self {
        Self {
            check: Cow::Borrowed(mismatch.check),
            requirements,
            level,
            expected: mismatch.expected,
            actual: mismatch.actual,
            location: mismatch.location.unwrap_or(location),
            exchange,
        }
    }
}

/// Something recorded and not judged.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Observation {
    /// The requirements that it speaks of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requirements: Vec<String>,
    /// The name that the scenario gives it, or what was hoped for.
    pub name: String,
    /// What was there.
    pub value: String,
}

/// An object that clean-up could not remove.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Leak {
    /// Its kind.
    pub resource: String,
    /// Its id, or its name where the id is not known.
    pub id: String,
    /// Why it is still there.
    pub why: String,
}

/// What came of one case.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct CaseOutcome {
    /// The case's id.
    pub id: String,
    /// The case's title.
    pub title: String,
    /// The path part of the id.
    pub group: String,
    /// What its file is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feature: Option<String>,
    /// Where the scenario is written.
    pub location: Location,
    /// Why the case exists, if it was generated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// What it shows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requirements: Vec<String>,
    /// What it came to.
    pub verdict: Verdict,
    /// Why it was skipped or could not be judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What is wrong; with verdict `pass`, what is wrong by `should` only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// How many expectations it was held to; those that are only recorded do not count.
    pub judged: usize,
    /// Of its requirements that bind, those that none of these expectations shows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_judged: Vec<String>,
    /// What was recorded and not judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observations: Vec<Observation>,
    /// What it left on the endpoint.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaked: Vec<Leak>,
    /// Its exchanges, if anything about it is worth a look; empty for a plain pass.
    #[serde(skip)]
    pub exchanges: Vec<Exchange>,
    /// How many requests it sent.
    pub requests: usize,
    /// A scenario file that shows what a generated case found, made as short as it gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reproducer: Option<String>,
    /// The file with all that went and came, if it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// When it began.
    #[schemars(with = "String")]
    pub started: Timestamp,
    /// How long it took in milliseconds, clean-up included.
    #[serde(rename = "duration_ms", with = "millis")]
    #[schemars(with = "f64")]
    pub duration: Duration,
}

impl CaseOutcome {
    /// Whether nothing is to be told of it but that it passed: it shows no requirement, and left nothing.
    pub fn is_plain(&self) -> bool {
        self.verdict == Verdict::Pass
            && self.judged > 0
            && self.requirements.is_empty()
            && self.findings.is_empty()
            && self.not_judged.is_empty()
            && self.observations.is_empty()
            && self.leaked.is_empty()
            && self.reproducer.is_none()
    }

    /// Whether it passed because there was nothing that it was held to.
    pub fn only_observed(&self) -> bool {
        self.verdict == Verdict::Pass && self.findings.is_empty() && self.judged == 0
    }
}

/// What happens while a run goes on, in the order of the plan.
#[derive(Debug)]
pub enum Event<'a> {
    /// Before the first request.
    Started {
        /// What is known of the run; nothing has come of it yet.
        run: &'a RunReport,
        /// Cases that will run.
        cases: usize,
        /// Cases that will be skipped.
        skipped: usize,
    },
    /// One more case is done, whichever; only the count is in order.
    Progress {
        /// Cases done.
        done: usize,
    },
    /// A case is done, and this is what it met, of which nothing more is kept. Not in order.
    Evidence(&'a CaseOutcome, &'a [Entry]),
    /// A case is done, and so are all before it.
    Finished(&'a CaseOutcome),
}

/// What came of a run.
#[derive(Debug, Clone)]
pub struct RunReport {
    /// The version of this program.
    pub tool_version: &'static str,
    /// The suite's name.
    pub suite: String,
    /// What the suite is about.
    pub suite_title: String,
    /// The suite's version.
    pub suite_version: Option<String>,
    /// The profile's name.
    pub profile: Option<String>,
    /// The endpoint.
    pub endpoint: String,
    /// The run's id, in the name of every object that it created.
    pub run_id: String,
    /// The seed of every random choice.
    pub seed: u64,
    /// Whether a violation of a `should` fails.
    pub strict: bool,
    /// Whether the endpoint's certificate was not looked at, so that anybody may have answered.
    pub insecure: bool,
    /// When it began.
    pub started: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// Why it ended before its time, if it did.
    pub cut_short: Option<String>,
    /// What came of each case, in the order of the plan, without those that are only counted.
    pub outcomes: Vec<CaseOutcome>,
    /// How many cases passed of which nothing more is to be told, and which are not kept for that.
    pub plain: usize,
    /// What shared objects were left on the endpoint.
    pub leaked: Vec<Leak>,
    /// What the requirements came to, by id.
    pub requirements: Vec<RequirementResult>,
    /// The scenarios of its cases as they are written, in the order of the plan.
    pub scenarios: Scenarios,
    /// What should be known and changes nothing, such as a waiver that ends soon.
    pub notices: Vec<String>,
    /// What it is a part of, if others run the rest.
    pub part: Option<Part>,
    /// Whether all cases of the suite were in the plan, and all of this part of it ran.
    pub whole: bool,
    /// What its waivers met.
    pub waivers: Vec<Tally>,
}

/// What a waiver met in a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tally {
    /// What it covers: `case` or `requirement`, and the pattern.
    pub waiver: String,
    /// With whose word it is.
    pub owner: String,
    /// Why it may be so.
    #[serde(default)]
    pub reason: String,
    /// Where it was agreed.
    pub reference: String,
    /// The last day on which it holds, in UTC.
    #[schemars(with = "String")]
    pub expires: Date,
    /// Where it is written.
    pub location: Location,
    /// How many cases that it concerns passed.
    pub passed: usize,
    /// How many needed it.
    pub needed: usize,
}

/// Scenarios as they are written, put together when somebody asks: not every report tells them.
pub type Scenarios = Arc<LazyLock<Vec<Written>, Box<dyn FnOnce() -> Vec<Written> + Send>>>;

/// Scenarios that are put together then.
pub fn written_later(write: impl FnOnce() -> Vec<Written> + Send + 'static) -> Scenarios {
    Arc::new(LazyLock::new(Box::new(write)))
}

/// A scenario as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Written {
    /// Where it stands: the same as that of its cases.
    pub location: Location,
    /// Its text.
    pub text: String,
}

/// What one requirement came to.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct RequirementResult {
    /// Its id.
    pub id: String,
    /// What it demands of the profile.
    pub text: String,
    /// How binding it is for the profile.
    pub level: Level,
    /// Where it comes from.
    pub source: String,
    /// How it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The cases that show it and were selected.
    pub cases: Vec<String>,
    /// What they came to; `None` when no case shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// Why no case shows it, if that is on purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub untested: Option<String>,
    /// Whether generated cases alone can show it.
    pub generated: bool,
}

/// How many cases came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Passed.
    pub passed: usize,
    /// Of those passed, how many broke a `should`.
    pub warned: usize,
    /// Of those passed, how many were held to some of what they are to show, and not to all.
    pub partly: usize,
    /// Of those passed, how many were held to nothing.
    pub observed: usize,
    /// Failed.
    pub failed: usize,
    /// Could not be judged.
    pub errors: usize,
    /// Did not run.
    pub skipped: usize,
    /// Failed as a waiver says they may.
    pub waived: usize,
    /// Objects left on the endpoint.
    pub leaked: usize,
}

impl RunReport {
    /// How many cases came to what.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts {
            leaked: self.leaked.len(),
            passed: self.plain,
            ..Counts::default()
        };
        for outcome in &self.outcomes {
            counts.leaked += outcome.leaked.len();
            match outcome.verdict {
                Verdict::Pass => {
                    counts.passed += 1;
                    counts.warned += usize::from(!outcome.findings.is_empty());
                    let partly = outcome.judged > 0 && !outcome.not_judged.is_empty();
                    counts.partly += usize::from(partly);
                    counts.observed += usize::from(outcome.only_observed());
                }
                Verdict::Fail => counts.failed += 1,
                Verdict::Error => counts.errors += 1,
                Verdict::Skip => counts.skipped += 1,
                Verdict::Waived => counts.waived += 1,
            }
        }
        counts
    }

    /// The exit code: 3 when something could not be judged or the run was cut short, else 1 for a failure,
    /// else 5 for a leak, else 4 when nothing ran, else 0. That nothing ran is told of the whole and not of a part.
    pub fn exit_code(&self) -> u8 {
        let counts = self.counts();
        if counts.errors > 0 || self.cut_short.is_some() {
            3
        } else if counts.failed > 0 {
            1
        } else if counts.leaked > 0 {
            5
        } else if counts.passed + counts.waived == 0 && self.part.is_none() {
            4
        } else {
            0
        }
    }
}

/// The requirements of a suite, before anything came of them.
pub fn requirements(suite: &Suite, profile: Option<&str>) -> Vec<RequirementResult> {
    let generated = suite.for_generated_cases();
    let told = |requirement: &Requirement| RequirementResult {
        id: requirement.id.clone(),
        text: requirement.text_for(profile).to_owned(),
        level: requirement.level_for(profile),
        source: requirement.source_for(profile).to_owned(),
        origin: requirement.origin.clone(),
        cases: Vec::new(),
        verdict: None,
        untested: requirement.untested.clone(),
        generated: generated.contains(requirement.id.as_str()),
    };
    suite.requirements.values().map(told).collect()
}

/// Says of requirements what they came to. A requirement fails when a finding of a judged case names it, unless a
/// waiver covers every such case; it passes when one of its cases passed that was held to it, or if it does not bind, and no finding names it;
/// it errs when none of its cases could be judged.
pub fn conclude(requirements: &mut [RequirementResult], outcomes: &[CaseOutcome]) {
    let mut cases: BTreeMap<&str, Vec<&CaseOutcome>> = BTreeMap::new();
    for outcome in outcomes {
        for id in &outcome.requirements {
            cases.entry(id).or_default().push(outcome);
        }
    }
    for requirement in requirements {
        let shows = |outcome: &&CaseOutcome| {
            outcome.verdict == Verdict::Pass && !outcome.not_judged.contains(&requirement.id)
        };
        let own = cases
            .get(requirement.id.as_str())
            .map_or(&[][..], Vec::as_slice);
        let breaks = |outcome: &&CaseOutcome| {
            let mut findings = outcome.findings.iter();
            findings.any(|finding| finding.requirements.contains(&requirement.id))
        };
        let any = |verdict| own.iter().any(|outcome| outcome.verdict == verdict);
        let verdict = if own.is_empty() {
            None
        } else if own.iter().any(breaks) {
            let waived = |outcome: &&CaseOutcome| outcome.verdict == Verdict::Waived;
            Some(if own.iter().filter(|it| breaks(it)).all(waived) {
                Verdict::Waived
            } else {
                Verdict::Fail
            })
        } else if own.iter().any(shows) {
            Some(Verdict::Pass)
        } else if any(Verdict::Error) || any(Verdict::Fail) || any(Verdict::Pass) {
            // A case that failed for another reason shows nothing, neither for it nor against it, and
            // neither does one that was not held to it.
            Some(Verdict::Error)
        } else {
            Some(Verdict::Skip)
        };
        requirement.cases = own.iter().map(|outcome| outcome.id.clone()).collect();
        requirement.verdict = verdict;
    }
}
