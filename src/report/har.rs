//! What went and came in one case, as HAR 1.2: read by browsers and by many tools. What HAR has no field for
//! stands in fields that begin with `_`, as it allows, so that the case can be judged again by its file.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::exchange::{Exchange, Phase, Request, Response, TransportError};
use crate::outcome::{CaseOutcome, Verdict};
use crate::tape::{Entry, Note, sha256};

/// So many bytes of one body are kept.
const BODY: usize = 1 << 20;

/// What stands for the protocol, of which nothing is recorded.
const PROTOCOL: &str = "unknown";

#[derive(Serialize, Deserialize)]
struct Har {
    log: Log,
}

#[derive(Serialize, Deserialize)]
struct Log {
    version: String,
    creator: Creator,
    #[serde(rename = "_case")]
    case: Named,
    /// What the case met besides answers: how many entries came before, and what it was.
    #[serde(rename = "_notes")]
    notes: Vec<(usize, Note)>,
    entries: Vec<Record>,
}

#[derive(Serialize, Deserialize)]
struct Creator {
    name: String,
    version: String,
}

#[derive(Serialize, Deserialize)]
struct Named {
    id: String,
    title: String,
    verdict: Verdict,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    started_date_time: Timestamp,
    time: f64,
    request: Sent,
    response: Answer,
    cache: Nothing,
    timings: Timings,
    #[serde(rename = "_phase")]
    phase: Phase,
    #[serde(rename = "_nanoseconds")]
    nanoseconds: u64,
    #[serde(rename = "_error", skip_serializing_if = "Option::is_none")]
    error: Option<Trouble>,
}

#[derive(Serialize, Deserialize)]
struct Nothing {}

#[derive(Serialize, Deserialize)]
struct Field {
    name: String,
    value: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    method: String,
    url: String,
    http_version: String,
    cookies: Vec<Field>,
    headers: Vec<Field>,
    query_string: Vec<Field>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    post_data: Option<Posted>,
    headers_size: i64,
    body_size: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Posted {
    mime_type: String,
    params: Vec<Field>,
    text: String,
    #[serde(rename = "_encoding", default, skip_serializing_if = "Option::is_none")]
    encoding: Option<String>,
    #[serde(rename = "_sha256")]
    sha256: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status: u16,
    status_text: String,
    http_version: String,
    cookies: Vec<Field>,
    headers: Vec<Field>,
    content: Content,
    #[serde(rename = "redirectURL")]
    redirect_url: String,
    headers_size: i64,
    body_size: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    size: usize,
    mime_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    encoding: Option<String>,
    #[serde(rename = "_sha256", default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Timings {
    send: f64,
    wait: f64,
    receive: f64,
}

/// Why there was no answer.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Trouble {
    Connect(String),
    /// After so many nanoseconds.
    Timeout(u64),
    Broken(String),
    TooLarge(usize),
    Unsendable(String),
}

/// A file that is no evidence, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum HarError {
    /// It does not have the form.
    #[error("it is no HAR file that this program wrote: {0}")]
    Form(#[from] serde_json::Error),
    /// A text says that it is base64, and is not.
    #[error("the content of an exchange is no base64")]
    Base64,
    /// Not all of an answer was kept.
    #[error(
        "of the {bytes} bytes that answered {request} only the first {BODY} were kept, which is too little to judge it again"
    )]
    Cut {
        /// The request.
        request: String,
        /// As many as there were.
        bytes: usize,
    },
}

/// The evidence of a case.
///
/// # Errors
/// None that is known; that of the serialiser is passed on.
pub fn har(outcome: &CaseOutcome, tape: &[Entry]) -> Result<String, HarError> {
    let mut entries = Vec::new();
    let mut notes = Vec::new();
    for entry in tape {
        match entry {
            Entry::Exchange(exchange) => entries.push(Record::of(exchange)),
            Entry::Beginning(exchange, _) => entries.push(Record::of(exchange)),
            Entry::Note(note) => notes.push((entries.len(), note.clone())),
        }
    }
    let log = Log {
        version: "1.2".to_owned(),
        creator: Creator {
            name: "assize".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        case: Named {
            id: outcome.id.clone(),
            title: outcome.title.clone(),
            verdict: outcome.verdict,
        },
        notes,
        entries,
    };
    let mut text = serde_json::to_string_pretty(&Har { log })?;
    text.push('\n');
    Ok(text)
}

/// What a case met, by its evidence.
///
/// # Errors
/// The text is no evidence, or not all of an answer was kept.
pub fn tape(text: &str) -> Result<Vec<Entry>, HarError> {
    let Har { log } = serde_json::from_str(text)?;
    let mut notes = log.notes.into_iter().peekable();
    let mut tape = Vec::new();
    for (at, record) in log.entries.into_iter().enumerate() {
        while let Some((_, note)) = notes.next_if(|(before, _)| *before <= at) {
            tape.push(Entry::Note(note));
        }
        tape.push(record.entry()?);
    }
    tape.extend(notes.map(|(_, note)| Entry::Note(note)));
    Ok(tape)
}

fn fields(fields: &[(String, String)]) -> Vec<Field> {
    let field = |(name, value): &(String, String)| Field {
        name: name.clone(),
        value: value.clone(),
    };
    fields.iter().map(field).collect()
}

fn pairs(fields: Vec<Field>) -> Vec<(String, String)> {
    let pair = |Field { name, value }| (name, value);
    fields.into_iter().map(pair).collect()
}

/// The field of that name, or an empty text.
fn named(fields: &[(String, String)], wanted: &str) -> String {
    let mut fields = fields.iter();
    fields
        .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
        .map_or_else(String::new, |(_, value)| value.clone())
}

/// Bytes as a text, with its encoding if it has one.
fn encoded(bytes: &[u8]) -> (String, Option<String>) {
    let kept = &bytes[..bytes.len().min(BODY)];
    match std::str::from_utf8(kept) {
        Ok(text) => (text.to_owned(), None),
        Err(_) => (STANDARD.encode(kept), Some("base64".to_owned())),
    }
}

fn decoded(text: String, encoding: Option<&str>) -> Result<Vec<u8>, HarError> {
    match encoding {
        None => Ok(text.into_bytes()),
        Some(_) => STANDARD.decode(text).map_err(|_| HarError::Base64),
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The query of a URL, name by name, as it stands there.
fn query(url: &str) -> Vec<Field> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Field {
                name: name.to_owned(),
                value: value.to_owned(),
            }
        })
        .collect()
}

fn size(bytes: &[u8]) -> i64 {
    i64::try_from(bytes.len()).unwrap_or(-1)
}

impl Record {
    fn of(exchange: &Exchange) -> Self {
        let Exchange {
            phase,
            request,
            response,
            started,
            waited,
            duration,
        } = exchange;
        let posted = (!request.body.is_empty()).then(|| {
            let (text, encoding) = encoded(&request.body);
            Posted {
                mime_type: named(&request.headers, "content-type"),
                params: Vec::new(),
                text,
                encoding,
                sha256: sha256(&request.body),
            }
        });
        let (response, error) = match response {
            Ok(response) => (Answer::of(response), None),
            Err(error) => {
                let none = Response {
                    status: 0,
                    headers: Vec::new(),
                    body: Vec::new().into(),
                };
                (Answer::of(&none), Some(Trouble::of(error)))
            }
        };
        Self {
            started_date_time: *started,
            time: millis(*duration),
            request: Sent {
                method: request.method.clone(),
                url: request.url.clone(),
                http_version: PROTOCOL.to_owned(),
                cookies: Vec::new(),
                headers: fields(&request.headers),
                query_string: query(&request.url),
                post_data: posted,
                headers_size: -1,
                body_size: size(&request.body),
            },
            response,
            cache: Nothing {},
            timings: Timings {
                send: 0.0,
                wait: millis(*waited),
                receive: millis(duration.saturating_sub(*waited)),
            },
            phase: *phase,
            nanoseconds: nanos(*duration),
            error,
        }
    }

    fn entry(self) -> Result<Entry, HarError> {
        let Sent {
            method,
            url,
            headers,
            post_data,
            body_size,
            ..
        } = self.request;
        let request_in_words = format!("{method} {url}");
        let mut digest = None;
        let body = match post_data {
            None => Vec::new(),
            Some(posted) => {
                let body = decoded(posted.text, posted.encoding.as_deref())?;
                if size(&body) != body_size {
                    digest = Some(posted.sha256);
                }
                body
            }
        };
        let response = match self.error {
            Some(trouble) => Err(trouble.error()),
            None => {
                let Answer {
                    status,
                    headers,
                    content,
                    ..
                } = self.response;
                let text = content.text.unwrap_or_default();
                let body = decoded(text, content.encoding.as_deref())?;
                if body.len() != content.size {
                    return Err(HarError::Cut {
                        request: request_in_words,
                        bytes: content.size,
                    });
                }
                Ok(Response {
                    status,
                    headers: pairs(headers),
                    body: body.into(),
                })
            }
        };
        let exchange = Exchange {
            phase: self.phase,
            request: Request {
                method,
                url,
                headers: pairs(headers),
                body,
            },
            response,
            started: self.started_date_time,
            waited: Duration::try_from_secs_f64(self.timings.wait / 1000.0).unwrap_or_default(),
            duration: Duration::from_nanos(self.nanoseconds),
        };
        Ok(match digest {
            None => Entry::Exchange(exchange.into()),
            Some(digest) => Entry::Beginning(exchange, digest),
        })
    }
}

impl Answer {
    fn of(response: &Response) -> Self {
        let (text, encoding) = encoded(&response.body);
        let there = !response.body.is_empty();
        let status = http::StatusCode::from_u16(response.status).ok();
        Self {
            status: response.status,
            status_text: status
                .and_then(|status| status.canonical_reason())
                .unwrap_or("")
                .to_owned(),
            http_version: PROTOCOL.to_owned(),
            cookies: Vec::new(),
            headers: fields(&response.headers),
            content: Content {
                size: response.body.len(),
                mime_type: named(&response.headers, "content-type"),
                text: there.then_some(text),
                encoding: encoding.filter(|_| there),
                sha256: there.then(|| sha256(&response.body)),
            },
            redirect_url: named(&response.headers, "location"),
            headers_size: -1,
            body_size: size(&response.body),
        }
    }
}

impl Trouble {
    fn of(error: &TransportError) -> Self {
        match error {
            TransportError::Connect(why) => Self::Connect(why.clone()),
            TransportError::Timeout(after) => Self::Timeout(nanos(*after)),
            TransportError::Broken(why) => Self::Broken(why.clone()),
            TransportError::TooLarge(limit) => Self::TooLarge(*limit),
            TransportError::Unsendable(why) => Self::Unsendable(why.clone()),
        }
    }

    fn error(self) -> TransportError {
        match self {
            Self::Connect(why) => TransportError::Connect(why),
            Self::Timeout(after) => TransportError::Timeout(Duration::from_nanos(after)),
            Self::Broken(why) => TransportError::Broken(why),
            Self::TooLarge(limit) => TransportError::TooLarge(limit),
            Self::Unsendable(why) => TransportError::Unsendable(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn again(tape: &[Entry]) -> Result<Vec<Entry>, HarError> {
        let outcome = sample::case("c", "c", Verdict::Fail);
        super::tape(&har(&outcome, tape).unwrap())
    }

    #[test]
    fn what_is_written_reads_back_byte_for_byte() {
        let mut text = sample::exchange(
            Phase::Act,
            "POST",
            201,
            "{\"a\": \"\u{fffe}\0]]>\"}".as_bytes(),
        );
        text.request.body = b"caf\xc3\xa9".to_vec();
        let mut bytes = sample::exchange(Phase::SetUp, "PUT", 200, b"\xff\x00");
        bytes.request.body = b"\xfe".to_vec();
        let mut lost = sample::exchange(Phase::CleanUp, "GET", 200, b"");
        lost.response = Err(TransportError::Timeout(Duration::from_millis(7)));
        let tape = vec![
            Entry::Note(Note::Began(Timestamp::UNIX_EPOCH)),
            Entry::Exchange(text.into()),
            Entry::Note(Note::So(true)),
            Entry::Note(Note::Together(vec![(1, 2)])),
            Entry::Exchange(bytes.into()),
            Entry::Exchange(lost.into()),
            Entry::Note(Note::Stopped(Some("why".to_owned()))),
            Entry::Note(Note::Ended(3)),
        ];
        assert_eq!(format!("{:?}", again(&tape).unwrap()), format!("{tape:?}"));
    }

    #[test]
    fn a_body_that_is_too_long_is_known_by_its_digest() {
        let long = vec![b'x'; BODY + 1];
        let mut sent = sample::exchange(Phase::Act, "POST", 200, b"{}");
        sent.request.body = long.clone();
        match again(&[Entry::Exchange(sent.into())]).unwrap().as_slice() {
            [Entry::Beginning(exchange, digest)] => {
                assert_eq!(exchange.request.body.len(), BODY);
                assert_eq!(*digest, sha256(&long));
            }
            other => panic!("{other:?}"),
        }
        let got = sample::exchange(Phase::Act, "GET", 200, &long);
        let wrong = again(&[Entry::Exchange(got.into())])
            .unwrap_err()
            .to_string();
        assert!(wrong.contains("too little to judge it again"), "{wrong}");
    }
}
