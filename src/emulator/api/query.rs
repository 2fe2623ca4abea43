//! Query strings: their parameters, decoded and encoded.

use crate::emulator::refusal::Refusal;

/// So many parameters and values a query may have. Each of them is held to each object of a list.
const MOST: usize = 100;

/// The decoded parameters of a query string, in their order.
#[derive(Debug, Clone, Default)]
pub(super) struct Query {
    pub(super) pairs: Vec<(String, String)>,
}

impl Query {
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        });
        let pairs: Vec<(String, String)> = pairs.collect();
        let values = pairs.iter().map(|(_, value)| value.split(',').count());
        if values.sum::<usize>() > MOST {
            return Err(Refusal::BadQuery {
                reason: format!("the query has more than {MOST} parameters and values"),
            });
        }
        Ok(Self { pairs })
    }

    pub(super) fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs
            .iter()
            .filter(move |(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn first<'a>(&'a self, key: &'a str) -> Option<&'a str> {
        self.all(key).next()
    }

    /// Whether a flag is set; anything but a true word is not.
    pub(super) fn flag(&self, key: &str) -> bool {
        self.first(key).is_some_and(|value| {
            matches!(value.to_ascii_lowercase().as_str(), "true" | "1" | "yes")
        })
    }
}

/// Percent-decodes; what is no UTF-8 then is replaced, and so matches nothing.
fn decode(text: &str) -> String {
    if !text.contains(['%', '+']) {
        return text.to_owned();
    }
    let bytes = percent_decoded(&text.replace('+', " "));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The bytes behind a percent-encoded text; a stray `%` stays as it is.
pub(super) fn percent_decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = |byte: u8| {
            char::from(byte)
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        };
        let pair = match (first, after) {
            (b'%', [high, low, tail @ ..]) => {
                hex(*high).zip(hex(*low)).map(|(h, l)| (h * 16 + l, tail))
            }
            _ => None,
        };
        let (byte, tail) = pair.unwrap_or((*first, after));
        bytes.push(byte);
        rest = tail;
    }
    bytes
}

/// Percent-encodes everything but the unreserved characters.
pub(super) fn encode(text: &str) -> String {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    text.bytes()
        .map(|byte| {
            if plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}
