//! The report as JSON for machines, and as events while the run goes on.
//!
//! One document has the run, the cases in the order of the plan, and what they came to. It is given in pieces,
//! so that it can be written as the run goes: [`Json::head`], [`Json::case`] for each case, [`Json::tail`].
//! What is read back is read by the same types that write, and the published schema is made of them.

mod read;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::exchange::{Exchange, Phase, TransportError, millis};
use crate::outcome::{CaseOutcome, Counts, Leak, RequirementResult, RunReport, Tally, Written};
use crate::plan::Part;

/// The version of the format. A field that is added does not change it; whatever breaks a reader does.
pub const VERSION: u32 = 1;

/// So many bytes of a body are given; of a longer one the digest tells the rest.
const BODY: usize = 64 << 10;

/// A whole report.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "assize report")]
pub struct Document {
    /// The version of the format: 1.
    pub format: u32,
    /// What ran, against what.
    pub run: Run,
    /// What came of each case, in the order of the plan.
    pub cases: Vec<CaseRecord>,
    /// What came of the run.
    pub summary: Summary,
}

/// What ran, against what: known before the first request.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// The version of assize.
    pub tool_version: String,
    /// The suite's name.
    pub suite: String,
    /// What the suite is about.
    pub suite_title: String,
    /// The suite's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suite_version: Option<String>,
    /// The profile that the endpoint is held to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub insecure: bool,
    /// When it began, in UTC.
    #[schemars(with = "String")]
    pub started: Timestamp,
    /// The part of the plan that ran, where others ran the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Part>,
}

/// What came of a case, with the exchanges that show it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct CaseRecord {
    /// What came of it.
    #[serde(flatten)]
    pub case: CaseOutcome,
    /// Its exchanges, if anything about it is worth a look.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<ExchangeRecord>,
}

/// A request with its answer, or with the reason why there is none.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ExchangeRecord {
    /// The part of the case it belongs to.
    pub phase: Phase,
    /// The method.
    pub method: String,
    /// The absolute URL.
    pub url: String,
    /// Header fields in the order sent, each with its name first.
    pub headers: Vec<(String, String)>,
    /// What was sent, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<BodyRecord>,
    /// The answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<ResponseRecord>,
    /// Why there is no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorRecord>,
    /// When it was sent, in UTC.
    #[schemars(with = "String")]
    pub started: Timestamp,
    /// Until the answer was complete or given up, in milliseconds.
    #[serde(rename = "duration_ms", with = "millis")]
    #[schemars(with = "f64")]
    pub duration: Duration,
}

/// An answer.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ResponseRecord {
    /// The status code.
    pub status: u16,
    /// Header fields in the order received, each with its name first.
    pub headers: Vec<(String, String)>,
    /// The content, if there was any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<BodyRecord>,
}

/// Why there is no answer.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ErrorRecord {
    /// What kind of trouble it is.
    pub kind: ErrorKind,
    /// In words.
    pub text: String,
}

/// What kept an answer from coming.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// No connection.
    Connect,
    /// No complete answer in time.
    Timeout,
    /// The connection ended too early.
    Broken,
    /// The answer is too large to be judged.
    TooLarge,
    /// The request could not be formed.
    Unsendable,
}

/// Content: as text, or in base64 where it is not UTF-8.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct BodyRecord {
    /// How many bytes it has.
    pub bytes: usize,
    /// As text, where it is UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// In base64, where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
    /// The SHA-256 of the whole, where only its beginning is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// What came of the run: known at its end.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// The exit code of the program.
    pub exit_code: u8,
    /// How many cases came to what.
    pub counts: Counts,
    /// How long it took in milliseconds.
    #[serde(rename = "duration_ms", with = "millis")]
    #[schemars(with = "f64")]
    pub duration: Duration,
    /// Why it ended before its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_short: Option<String>,
    /// What shared objects were left on the endpoint.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaked: Vec<Leak>,
    /// What the requirements came to, by id.
    pub requirements: Vec<RequirementResult>,
    /// The scenarios as they are written; that of a case has the case's location.
    pub scenarios: Vec<Written>,
    /// What should be known and changes nothing, such as a waiver that ends soon.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
    /// Of a shard, whether all of its cases ran, and the shards together have all of the suite's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whole: bool,
    /// Of a shard, what its waivers met.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<Tally>,
}

/// What happens, as one line of JSON each: `--events`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventRecord {
    /// The first line.
    Started {
        /// The version of the format: 1.
        format: u32,
        /// What runs, against what.
        run: Run,
        /// How many cases will run.
        cases: usize,
        /// How many cases will be skipped.
        skipped: usize,
    },
    /// A case is done, and so are all before it in the plan.
    Case {
        /// What came of it.
        case: CaseRecord,
    },
    /// The last line.
    Finished {
        /// What came of the run.
        summary: Summary,
    },
}

/// A document that cannot be written, or is none.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// It has no form as JSON, or is no report.
    #[error("it is no assize report: {0}")]
    Form(#[from] serde_json::Error),
    /// It is of another version.
    #[error("it is of format {0}, and this program knows {VERSION}; use the program that wrote it")]
    Version(u64),
}

/// Writes the document in pieces that follow each other.
#[derive(Debug, Default)]
pub struct Json {
    any: bool,
}

impl Json {
    /// The beginning, with what is known of the run.
    ///
    /// # Errors
    /// Something has no form as JSON.
    pub fn head(run: &RunReport) -> Result<(Self, String), JsonError> {
        let run = serde_json::to_string(&Run::of(run))?;
        let text = format!("{{\n\"format\": {VERSION},\n\"run\": {run},\n\"cases\": [");
        Ok((Self::default(), text))
    }

    /// The next case, on a line of its own.
    ///
    /// # Errors
    /// Something has no form as JSON.
    pub fn case(&mut self, outcome: &CaseOutcome) -> Result<String, JsonError> {
        self.record(&CaseRecord::of(outcome))
    }

    /// The same of a case that was read back.
    ///
    /// # Errors
    /// Something has no form as JSON.
    pub fn record(&mut self, record: &CaseRecord) -> Result<String, JsonError> {
        let comma = if std::mem::replace(&mut self.any, true) {
            ","
        } else {
            ""
        };
        let case = serde_json::to_string(record)?;
        Ok(format!("{comma}\n{case}"))
    }

    /// The end.
    ///
    /// # Errors
    /// Something has no form as JSON.
    pub fn tail(self, report: &RunReport) -> Result<String, JsonError> {
        let summary = serde_json::to_string(&Summary::of(report))?;
        Ok(format!("\n],\n\"summary\": {summary}\n}}\n"))
    }
}

/// The whole report as one document.
///
/// # Errors
/// Something has no form as JSON.
pub fn json(report: &RunReport) -> Result<String, JsonError> {
    let (mut pieces, mut text) = Json::head(report)?;
    for outcome in &report.outcomes {
        text.push_str(&pieces.case(outcome)?);
    }
    text.push_str(&pieces.tail(report)?);
    Ok(text)
}

/// Reads a report back.
///
/// # Errors
/// It is no report, or one of another format.
pub fn parse(text: &str) -> Result<Document, JsonError> {
    /// What every version has.
    #[derive(Deserialize)]
    struct Versioned {
        format: u64,
    }
    let Versioned { format } = serde_json::from_str(text)?;
    if format != u64::from(VERSION) {
        return Err(JsonError::Version(format));
    }
    Ok(serde_json::from_str(text)?)
}

/// The JSON Schema of [`Document`].
pub fn report_schema() -> serde_json::Value {
    schemars::schema_for!(Document).to_value()
}

/// The JSON Schema of a line of events.
pub fn events_schema() -> serde_json::Value {
    schemars::schema_for!(EventRecord).to_value()
}

impl EventRecord {
    /// As one line, with its end.
    ///
    /// # Errors
    /// Something has no form as JSON.
    pub fn line(&self) -> Result<String, JsonError> {
        Ok(serde_json::to_string(self)? + "\n")
    }
}

impl Run {
    /// What a report says of it.
    pub fn of(report: &RunReport) -> Self {
        Self {
            tool_version: report.tool_version.to_owned(),
            suite: report.suite.clone(),
            suite_title: report.suite_title.clone(),
            suite_version: report.suite_version.clone(),
            profile: report.profile.clone(),
            endpoint: report.endpoint.clone(),
            run_id: report.run_id.clone(),
            seed: report.seed,
            strict: report.strict,
            insecure: report.insecure,
            started: report.started,
            shard: report.part.clone(),
        }
    }
}

impl Summary {
    /// What a report says of it.
    pub fn of(report: &RunReport) -> Self {
        let of_a_part = report.part.is_some();
        Self {
            exit_code: report.exit_code(),
            counts: report.counts(),
            duration: report.duration,
            cut_short: report.cut_short.clone(),
            leaked: report.leaked.clone(),
            requirements: report.requirements.clone(),
            scenarios: Vec::clone(&report.scenarios),
            notices: report.notices.clone(),
            whole: of_a_part && report.whole,
            waivers: if of_a_part {
                report.waivers.clone()
            } else {
                Vec::new()
            },
        }
    }
}

impl CaseRecord {
    /// A case with its exchanges.
    pub fn of(outcome: &CaseOutcome) -> Self {
        Self::within(outcome, BODY)
    }

    /// The same with so many bytes of each body.
    pub(super) fn within(outcome: &CaseOutcome, bytes: usize) -> Self {
        Self {
            case: CaseOutcome {
                exchanges: Vec::new(),
                ..outcome.clone()
            },
            exchanges: (outcome.exchanges.iter())
                .map(|exchange| ExchangeRecord::of(exchange, bytes))
                .collect(),
        }
    }
}

impl ExchangeRecord {
    fn of(exchange: &Exchange, bytes: usize) -> Self {
        let (response, error) = match &exchange.response {
            Ok(response) => {
                let response = ResponseRecord {
                    status: response.status,
                    headers: response.headers.clone(),
                    body: BodyRecord::of(&response.body, bytes),
                };
                (Some(response), None)
            }
            Err(error) => (None, Some(ErrorRecord::of(error))),
        };
        Self {
            phase: exchange.phase,
            method: exchange.request.method.clone(),
            url: exchange.request.url.clone(),
            headers: exchange.request.headers.clone(),
            body: BodyRecord::of(&exchange.request.body, bytes),
            response,
            error,
            started: exchange.started,
            duration: exchange.duration,
        }
    }
}

impl ErrorRecord {
    fn of(error: &TransportError) -> Self {
        let kind = match error {
            TransportError::Connect(_) => ErrorKind::Connect,
            TransportError::Timeout(_) => ErrorKind::Timeout,
            TransportError::Broken(_) => ErrorKind::Broken,
            TransportError::TooLarge(_) => ErrorKind::TooLarge,
            TransportError::Unsendable(_) => ErrorKind::Unsendable,
        };
        Self {
            kind,
            text: error.to_string(),
        }
    }
}

impl BodyRecord {
    fn of(bytes: &[u8], limit: usize) -> Option<Self> {
        if bytes.is_empty() {
            return None;
        }
        let mut kept = &bytes[..bytes.len().min(limit)];
        let cut = kept.len() < bytes.len();
        // A character that was cut through does not make the rest of a text something else.
        if let (true, Err(error)) = (cut, std::str::from_utf8(kept))
            && error.error_len().is_none()
        {
            kept = &kept[..error.valid_up_to()];
        }
        let (text, base64) = match std::str::from_utf8(kept) {
            Ok(text) => (Some(text.to_owned()), None),
            Err(_) => (None, Some(STANDARD.encode(kept))),
        };
        Some(Self {
            bytes: bytes.len(),
            text,
            base64,
            sha256: cut.then(|| digest(bytes)),
        })
    }
}

/// The SHA-256 in hexadecimal digits.
pub(super) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn valid(schema: &serde_json::Value, instance: &str) {
        let validator = jsonschema::validator_for(schema).unwrap();
        let instance: serde_json::Value = serde_json::from_str(instance).unwrap();
        let wrong: Vec<String> = validator
            .iter_errors(&instance)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn a_report_of_every_kind_of_case_fits_its_schema_and_reads_back() {
        let mut report = sample::everything();
        report.cut_short = Some("it was interrupted".to_owned());
        report.suite_version = Some("1.0".to_owned());
        report.notices = vec!["a waiver ends soon".to_owned()];
        let text = json(&report).unwrap();
        valid(&report_schema(), &text);
        let document = parse(&text).unwrap();
        assert_eq!(document.cases.len(), report.outcomes.len());
        assert_eq!(document.summary.counts, report.counts());
        let again = serde_json::to_value(&document).unwrap();
        let first: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(again, first);
        for (record, outcome) in document.cases.iter().zip(&report.outcomes) {
            assert_eq!(record.case.id, outcome.id);
            assert_eq!(record.case.duration, outcome.duration);
            assert_eq!(record.exchanges.len(), outcome.exchanges.len());
        }
    }

    #[test]
    fn the_schema_refuses_what_is_no_report() {
        let validator = jsonschema::validator_for(&report_schema()).unwrap();
        let good: serde_json::Value =
            serde_json::from_str(&json(&sample::everything()).unwrap()).unwrap();
        for (pointer, wrong) in [
            ("/cases/1/verdict", "great"),
            ("/cases/1/exchanges/0/phase", "later"),
            ("/cases/1/findings/0/level", "maybe"),
            ("/summary/counts", "many"),
            ("/run/seed", "one"),
        ] {
            let mut bad = good.clone();
            *bad.pointer_mut(pointer).unwrap() = wrong.into();
            assert!(!validator.is_valid(&bad), "{pointer}");
        }
    }

    #[test]
    fn every_event_is_one_line_that_fits_its_schema() {
        let report = sample::everything();
        let mut events = vec![EventRecord::Started {
            format: VERSION,
            run: Run::of(&report),
            cases: 7,
            skipped: 1,
        }];
        events.extend(report.outcomes.iter().map(|outcome| EventRecord::Case {
            case: CaseRecord::of(outcome),
        }));
        events.push(EventRecord::Finished {
            summary: Summary::of(&report),
        });
        for event in events {
            let line = event.line().unwrap();
            assert_eq!(line.matches('\n').count(), 1, "{line}");
            valid(&events_schema(), &line);
            let back: EventRecord = serde_json::from_str(&line).unwrap();
            assert_eq!(back.line().unwrap(), line);
        }
    }

    #[test]
    fn another_format_is_refused_by_its_number() {
        let wrong = parse("{\"format\": 2}").unwrap_err().to_string();
        assert!(wrong.contains("of format 2"), "{wrong}");
        let wrong = parse("[]").unwrap_err().to_string();
        assert!(wrong.starts_with("it is no assize report"), "{wrong}");
    }

    #[test]
    fn long_bodies_are_cut_at_a_character_and_keep_their_digest() {
        let body = "池".repeat(BODY);
        let record = BodyRecord::of(body.as_bytes(), BODY).unwrap();
        assert_eq!(record.bytes, 3 * BODY);
        assert_eq!(record.text.unwrap().len(), BODY - BODY % 3);
        assert_eq!(record.sha256.unwrap(), digest(body.as_bytes()));
        let record = BodyRecord::of(b"\xff\x00", BODY).unwrap();
        assert_eq!((record.text, record.sha256), (None, None));
        assert_eq!(record.base64.unwrap(), "/wA=");
        assert!(BodyRecord::of(b"", BODY).is_none());
    }
}
