//! What went over the wire: plain facts, no client.

mod json;

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

/// A request as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method, in the case in which it was written.
    pub method: String,
    /// The absolute URL: what stands behind the authority is sent byte for byte.
    pub url: String,
    /// Header fields in the order sent.
    pub headers: Vec<(String, String)>,
    /// The content; empty when there is none.
    pub body: Vec<u8>,
}

/// Which bytes stand for themselves in a path or a query (RFC 3986, sections 3.3 and 3.4).
const IN_TARGETS: [bool; 256] = {
    let mut there = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        there[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let marks = b"-._~!$&'()*+,;=:@/?";
    let mut at = 0;
    while at < marks.len() {
        there[marks[at] as usize] = true;
        at += 1;
    }
    there
};

impl Request {
    /// What is asked for at the origin: the URL from its path on, as it stands in the request line.
    pub fn target(&self) -> &str {
        let url = self.url.as_bytes();
        let after = url.windows(3).position(|it| it == b"://");
        let after = after.map_or(0, |at| at + 3);
        let at = (url[after..].iter()).position(|byte| matches!(byte, b'/' | b'?' | b'#'));
        at.map_or("/", |at| &self.url[after + at..])
    }

    /// Whether it keeps to the grammar of request targets (RFC 3986, sections 3.3 and 3.4) and of field
    /// values (RFC 9110, section 5.5). A server may refuse one that does not before it looks at what is
    /// asked for, with any 4xx or by closing the connection (RFC 9112, section 3).
    pub fn is_well_formed(&self) -> bool {
        let target = self.target().as_bytes();
        let hex = |at: usize| target.get(at).is_some_and(u8::is_ascii_hexdigit);
        let in_grammar = target.iter().enumerate().all(|(at, byte)| match byte {
            b'%' => hex(at + 1) && hex(at + 2),
            byte => IN_TARGETS[usize::from(*byte)],
        });
        let field = |value: &str| {
            value
                .bytes()
                .all(|byte| byte == b'\t' || (byte >= b' ' && byte != 0x7F))
        };
        in_grammar && self.headers.iter().all(|(_, value)| field(value))
    }
}

/// A response as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code, 100 to 599.
    pub status: u16,
    /// Header fields in the order received; bytes that are not UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    /// The content, at most as long as the transport's limit.
    pub body: Content,
}

/// The bytes of an answer. They never change, so that what they say as JSON is read once, when it is first
/// asked for.
/// Cheap to copy.
#[derive(Debug, Clone, Default)]
pub struct Content(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    bytes: Vec<u8>,
    json: OnceLock<Result<Value, String>>,
}

/// The most values that are read of one answer. A value in memory takes many times what it takes on the wire: with as
/// many as fit in an answer, one would take a gigabyte.
const MOST_VALUES: usize = 500_000;

/// About how many values there are in JSON, which may be none: each but the first stands behind one of these.
fn values(bytes: &[u8]) -> usize {
    let (mut count, mut quoted, mut escaped) = (0, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b',' | b'[' | b'{' if !quoted => count += 1,
            _ => {}
        }
    }
    count
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Inner {
            bytes,
            json: OnceLock::new(),
        }))
    }
}

impl Deref for Content {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0.bytes
    }
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        self.0.bytes == other.0.bytes
    }
}

impl Eq for Content {}

impl Content {
    /// As JSON; `None` when there is none, it is no JSON, or has more values than would be good for us.
    pub fn json(&self) -> Option<&Value> {
        self.read().as_ref().ok()
    }

    /// Why it is not read as JSON.
    pub fn no_json(&self) -> Option<&str> {
        self.read().as_ref().err().map(String::as_str)
    }

    fn read(&self) -> &Result<Value, String> {
        self.0.json.get_or_init(|| {
            // Each takes a byte at the least.
            if self.len() > MOST_VALUES && values(self) > MOST_VALUES {
                return Err(format!("more than {MOST_VALUES} values"));
            }
            json::read(self).map_err(|error| error.to_string())
        })
    }

    /// Whether both are the same bytes in the same place, and so read once.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// As text; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self)
    }
}

impl Response {
    /// The first field of that name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Whether the Content-Type says JSON (`application/json` or a `+json` suffix, RFC 6839).
    pub fn claims_json(&self) -> bool {
        let media_type = self
            .header("content-type")
            .unwrap_or("")
            .split(';')
            .next()
            .unwrap_or("")
            .trim();
        let suffix = media_type.rsplit_once('+').map(|(_, suffix)| suffix);
        media_type.eq_ignore_ascii_case("application/json")
            || suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case("json"))
    }
}

/// Why there was no response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransportError {
    /// No connection could be made; the request was not sent.
    Connect(String),
    /// No complete answer within the request's limit.
    Timeout(Duration),
    /// The connection ended before the answer was complete.
    Broken(String),
    /// The answer is larger than this many bytes.
    TooLarge(usize),
    /// The request could not be formed, for example because of an unusable header value.
    Unsendable(String),
}

impl TransportError {
    /// Whether the endpoint can have received the request all the same.
    pub fn may_have_been_received(&self) -> bool {
        match self {
            Self::Connect(_) | Self::Unsendable(_) => false,
            Self::Timeout(_) | Self::Broken(_) | Self::TooLarge(_) => true,
        }
    }
}

impl std::fmt::Display for TransportError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connect(why) => write!(f, "could not connect: {why}"),
            Self::Timeout(limit) => write!(f, "no complete answer within {limit:?}"),
            Self::Broken(why) => {
                write!(f, "connection broken before the answer was complete: {why}")
            }
            Self::TooLarge(limit) => write!(f, "answer larger than {limit} bytes"),
            Self::Unsendable(why) => write!(f, "request could not be sent: {why}"),
        }
    }
}

/// Which part of a case an exchange belongs to.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Putting the endpoint into the state that the scenario names.
    SetUp,
    /// Reading the objects before the act.
    Before,
    /// What the scenario is about.
    Act,
    /// Reading what the act left behind.
    Aftermath,
    /// Removing what the case created.
    CleanUp,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::SetUp => "set-up",
            Self::Before => "before",
            Self::Act => "act",
            Self::Aftermath => "aftermath",
            Self::CleanUp => "clean-up",
        })
    }
}

/// One real request and its response or transport error, with times.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The part of the case it belongs to.
    pub phase: Phase,
    /// What was sent.
    pub request: Request,
    /// What came back.
    pub response: Result<Response, TransportError>,
    /// When the request was started.
    pub started: Timestamp,
    /// Until the head of the answer was there, or the answer was given up.
    pub waited: Duration,
    /// Until the answer was complete or given up.
    pub duration: Duration,
}

/// Durations as milliseconds, to the microsecond.
pub(crate) mod millis {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer};

    #[expect(
        clippy::cast_precision_loss,
        reason = "a run does not last the 285 years after which a microsecond is lost"
    )]
    pub(crate) fn serialize<S: Serializer>(
        duration: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(duration.as_micros() as f64 / 1000.0)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        let millis = f64::deserialize(deserializer)?;
        Duration::try_from_secs_f64(millis / 1000.0)
            .map(|duration| {
                // What was written to the microsecond is read as the same microsecond.
                let micros = (duration.as_nanos() + 500) / 1000;
                Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
            })
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_read_as_json_once_and_shared() {
        let content = Content::from(b"{\"pools\": []}".to_vec());
        let (first, second) = (content.json().unwrap(), content.json().unwrap());
        assert!(std::ptr::eq(first, second));
        assert_eq!(Content::from(b"{".to_vec()).json(), None);
        assert_eq!(Content::default().json(), None);
    }

    fn request(url: &str, value: &str) -> Request {
        Request {
            method: "GET".to_owned(),
            url: url.to_owned(),
            headers: vec![("X".to_owned(), value.to_owned())],
            body: Vec::new(),
        }
    }

    #[test]
    fn the_target_is_the_url_behind_the_authority() {
        for (url, target) in [
            ("http://h:1/a/../b?c#d", "/a/../b?c#d"),
            ("http://h", "/"),
            ("http://h?x=/", "?x=/"),
            ("https://[::1]:8/\0", "/\0"),
        ] {
            assert_eq!(request(url, "").target(), target, "{url}");
        }
    }

    #[test]
    fn what_is_out_of_the_grammar_is_not_well_formed() {
        for target in ["/a/..;x=1/%2F?a=b&c='", "/%00", "/"] {
            assert!(request(&format!("http://h{target}"), "v\u{e9}").is_well_formed());
        }
        for target in [
            "/%zz", "/%", "/a b", "/\0", "/\u{e9}", "/{x}", "/a#b", "/\\",
        ] {
            assert!(
                !request(&format!("http://h{target}"), "").is_well_formed(),
                "{target}"
            );
        }
        assert!(!request("http://h/", "a\0").is_well_formed());
    }
}
