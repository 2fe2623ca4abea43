//! Texts that must not be told, and their removal from whatever is.
//!
//! A secret is looked for as it is and in the forms in which it travels: base64 at each of the three places at
//! which it can begin, percent-encoded, escaped as in JSON and in markup. What replaces it is its name.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use regex::bytes::{Captures, Regex, RegexBuilder};

/// Shorter stretches of base64 are found in texts that hold no secret.
const SHORTEST_BASE64: usize = 6;

/// The secrets of a run. Clones share them: one that becomes known later, such as a token that an identity
/// service returned, is added for all.
#[derive(Debug, Clone, Default)]
pub struct Secrets(Arc<RwLock<Known>>);

#[derive(Debug, Default)]
struct Known {
    /// The longest first.
    secrets: Vec<Secret>,
    /// Finds every form of every secret; made when a text with escapes is first looked at.
    finder: OnceLock<Regex>,
    /// Finds those that there can be in a text without any.
    plain: OnceLock<Regex>,
}

#[derive(Debug)]
struct Secret {
    text: String,
    name: String,
    /// Finds it alone; made when a secret is first found in a form that is not its text.
    finder: OnceLock<Regex>,
}

/// A pattern of so many bytes is compiled; a secret of a hundred kilobytes needs fewer.
const SIZE: usize = 1 << 30;

fn compiled(pattern: &str) -> Regex {
    // Only digits and the letters of escapes are written in either case.
    let built = RegexBuilder::new(pattern)
        .unicode(false)
        .size_limit(SIZE)
        .build();
    built.unwrap_or_else(|error| {
        unreachable!("the pattern of a secret is built of escaped text: {error}")
    })
}

impl Secrets {
    /// The secrets, each with the name to show instead. Empty ones are none.
    pub fn new(secrets: impl IntoIterator<Item = (String, String)>) -> Self {
        let known = Self::default();
        known.extend(secrets);
        known
    }

    /// Adds one that has become known.
    pub fn add(&self, secret: &str, name: &str) {
        self.extend([(secret.to_owned(), name.to_owned())]);
    }

    /// Adds some that have become known.
    pub fn extend(&self, secrets: impl IntoIterator<Item = (String, String)>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for (text, name) in secrets {
            if !text.is_empty() && known.secrets.iter().all(|other| other.text != text) {
                (known.finder, known.plain) = Default::default();
                known.secrets.push(Secret {
                    text,
                    name,
                    finder: OnceLock::new(),
                });
            }
        }
        // Of two that begin alike the longer one is meant.
        known
            .secrets
            .sort_by_key(|secret| std::cmp::Reverse(secret.text.len()));
    }

    /// The text with every form of every secret replaced by `${its name}`.
    pub fn redact(&self, text: &str) -> String {
        String::from_utf8(self.redact_bytes(text.as_bytes()))
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }

    /// The same for bytes; those that are no UTF-8 stay.
    pub fn redact_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        match known.finder(bytes) {
            None => bytes.to_vec(),
            Some(finder) => finder
                .replace_all(bytes, |found: &Captures<'_>| {
                    format!("${{{}}}", known.name_of(&found[0])).into_bytes()
                })
                .into_owned(),
        }
    }

    /// The name of a secret that the bytes tell in one of its forms.
    pub fn told_by(&self, bytes: &[u8]) -> Option<String> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let found = known.finder(bytes)?.find(bytes)?;
        Some(known.name_of(found.as_bytes()).to_owned())
    }

    /// How many bytes the longest form of a secret may take: what a search in pieces must see at once.
    pub fn longest(&self) -> usize {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known
            .secrets
            .first()
            .map_or(0, |secret| 16 * secret.text.len())
    }

    /// The name of the secret whose beginning, of `least` bytes or more, ends the text, and where it begins.
    pub fn cut_at_end(&self, text: &str, least: usize) -> Option<(usize, String)> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.secrets.iter().find_map(
            |Secret {
                 text: secret, name, ..
             }| {
                (least..secret.len())
                    .rev()
                    .filter_map(|end| secret.get(..end))
                    .find_map(|beginning| text.strip_suffix(beginning))
                    .map(|before| (before.len(), name.clone()))
            },
        )
    }
}

impl Known {
    /// What finds every secret in a text; `None` where there are none.
    fn finder(&self, text: &[u8]) -> Option<&Regex> {
        let (finder, form): (_, Form) = if text.iter().any(|byte| ESCAPES.contains(byte)) {
            (&self.finder, any_form)
        } else {
            (&self.plain, own_form)
        };
        let patterns = || (self.secrets.iter()).map(|secret| pattern_of(&secret.text, form));
        let made = || compiled(&patterns().collect::<Vec<_>>().join("|"));
        (!self.secrets.is_empty()).then(|| finder.get_or_init(made))
    }

    fn name_of(&self, found: &[u8]) -> &str {
        let own = |secret: &&Secret| {
            let made = || compiled(&format!("^(?:{})$", pattern_of(&secret.text, any_form)));
            secret.finder.get_or_init(made).is_match(found)
        };
        let plain = |secret: &&Secret| secret.text.as_bytes() == found;
        (self.secrets.iter().find(plain))
            .or_else(|| self.secrets.iter().find(own))
            .map_or("secret", |secret| &secret.name)
    }
}

/// A pattern of one character.
type Form = fn(char) -> String;

/// A pattern of every form in which a secret is looked for; each of its characters may be written otherwise than
/// its neighbours are.
fn pattern_of(secret: &str, form: Form) -> String {
    let mut forms: Vec<String> = vec![secret.chars().map(form).collect()];
    for text in base64_of(secret.as_bytes()) {
        let form = |character: char| match character {
            '/' | '+' | '-' | '_' => form(character),
            plain => plain.to_string(),
        };
        forms.push(text.chars().map(form).collect());
    }
    forms.join("|")
}

/// Every form of a character but itself has one of these in it.
const ESCAPES: &[u8] = b"\\%&+";

fn own_form(character: char) -> String {
    regex::escape(character.encode_utf8(&mut [0; 4]))
}

/// A pattern of one character as it is, and escaped as in JSON, in markup, in a URL, and by this program.
fn any_form(character: char) -> String {
    let code = u32::from(character);
    let mut forms = vec![own_form(character)];
    // Escaped text that is escaped again has more backslashes.
    let short = match character {
        '"' | '/' | '\\' => Some(forms[0].clone()),
        '\n' => Some("n".to_owned()),
        '\r' => Some("r".to_owned()),
        '\t' => Some("t".to_owned()),
        _ => None,
    };
    forms.extend(short.map(|short| format!(r"\\+{short}")));
    let units: String = character
        .encode_utf16(&mut [0; 2])
        .iter()
        .map(|unit| format!(r"\\+u{unit:04x}"))
        .collect();
    forms.push(format!("(?i:{units})"));
    forms.push(format!(r"\\+u\{{(?i:{code:x})\}}"));
    let percent: String = character
        .encode_utf8(&mut [0; 4])
        .bytes()
        .map(|byte| format!("%(?:25)*{byte:02x}"))
        .collect();
    forms.push(format!("(?i:{percent})"));
    if character == ' ' {
        forms.push(r"\+".to_owned());
    }
    forms.push(format!("&(?:amp;)*#(?:0*{code}|(?i:x0*{code:x}));"));
    let named = match character {
        '&' => Some("amp"),
        '<' => Some("lt"),
        '>' => Some("gt"),
        '"' => Some("quot"),
        '\'' => Some("apos"),
        _ => None,
    };
    forms.extend(named.map(|name| format!("&(?:amp;)*{name};")));
    format!("(?:{})", forms.join("|"))
}

/// What base64 makes of the secret wherever it stands in a longer text, in both alphabets.
fn base64_of(secret: &[u8]) -> Vec<String> {
    let mut forms = Vec::new();
    for before in 0..3 {
        let padded = [&vec![0; before], secret].concat();
        // The characters that the secret alone decides.
        let first = (before * 8).div_ceil(6);
        let last = padded.len() * 8 / 6;
        for text in [
            STANDARD_NO_PAD.encode(&padded),
            URL_SAFE_NO_PAD.encode(&padded),
        ] {
            let own = text.get(first..last).unwrap_or("");
            if own.len() >= SHORTEST_BASE64 {
                forms.push(own.to_owned());
            }
        }
    }
    forms.sort();
    forms.dedup();
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "s3cret/\"pä<ss>&'w+d";

    fn secrets() -> Secrets {
        Secrets::new([(SECRET.to_owned(), "token".to_owned())])
    }

    #[test]
    fn every_form_of_a_secret_is_replaced_and_nothing_else() {
        let percent: String = SECRET.bytes().map(|byte| format!("%{byte:02x}")).collect();
        for form in [
            SECRET.to_owned(),
            percent,
            crate::template::percent_encode(SECRET),
            "s3cret/\\\"pä<ss>&'w+d".to_owned(),
            "s3cret\\/\\\"p\\u00e4<ss>&'w+d".to_owned(),
            "s3cret/\\\"pä\\u003css\\u003e\\u0026'w+d".to_owned(),
            "s3cret/&quot;pä&lt;ss&gt;&amp;&#39;w+d".to_owned(),
            "s3cret/\\\\\\\"pä<ss>&'w+d".to_owned(),
            "%2573%33cret%2f%22p%C3%A4<ss>%26'w%2Bd".to_owned(),
            "s3cret/\"pä&amp;lt;ss&#62;&#x26;'w+\\u{64}".to_owned(),
            "\\u0073\\u0033cret\\u002F\\u0022p\\u00E4<ss>&'w+d".to_owned(),
        ] {
            let text = format!("before {form} after");
            assert_eq!(secrets().redact(&text), "before ${token} after", "{form}");
            assert_eq!(secrets().told_by(text.as_bytes()).unwrap(), "token");
        }
        let harmless = "s3cret pass token";
        assert_eq!(secrets().redact(harmless), harmless);
        assert_eq!(secrets().told_by(harmless.as_bytes()), None);
    }

    #[test]
    fn base64_is_found_wherever_the_secret_stands_in_it() {
        for before in ["", "u", "u:", "us:", "user:"] {
            for after in ["", "!", "!!", "!!!"] {
                let whole = format!("{before}{SECRET}{after}");
                for text in [
                    STANDARD_NO_PAD.encode(&whole),
                    URL_SAFE_NO_PAD.encode(&whole),
                ] {
                    let told = secrets().redact(&format!("Basic {text}"));
                    assert!(told.contains("${token}"), "{whole}: {told}");
                }
            }
        }
    }

    #[test]
    fn a_form_without_escapes_of_its_own_is_found_in_a_text_without_any() {
        let secrets = Secrets::new([("open sesame".to_owned(), "word".to_owned())]);
        for form in [
            "open sesame",
            "open+sesame",
            "open%20sesame",
            "open&#32;sesame",
            "open\\u0020sesame",
            "b3BlbiBzZXNhbW",
        ] {
            assert_eq!(secrets.redact(&format!("<{form}>")), "<${word}>", "{form}");
        }
    }

    #[test]
    fn the_longest_of_two_that_begin_alike_is_replaced() {
        let secrets = Secrets::new([
            ("abcd".to_owned(), "short".to_owned()),
            ("abcdef".to_owned(), "long".to_owned()),
            ("abcd".to_owned(), "again".to_owned()),
            (String::new(), "empty".to_owned()),
        ]);
        assert_eq!(secrets.redact("abcdef abcd abc"), "${long} ${short} abc");
        assert_eq!(Secrets::default().redact("abc"), "abc");
    }

    #[test]
    fn what_becomes_known_later_is_known_to_every_clone() {
        let secrets = secrets();
        let clone = secrets.clone();
        secrets.add("issued-token", "issued");
        assert_eq!(clone.redact("<issued-token>"), "<${issued}>");
    }
}
