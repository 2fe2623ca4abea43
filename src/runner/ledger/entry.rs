//! The lines of a ledger.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

/// The version of the format.
pub(super) const VERSION: u32 = 1;

/// What a line says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Entry {
    /// Whose ledger it is: the first line.
    Run(Header),
    /// An object is about to be created.
    Intent(Intent),
    /// It was created.
    Created {
        /// Its number.
        n: u64,
        /// Its id.
        id: Json,
    },
    /// There is no such object, any more or at all.
    Gone {
        /// Its number.
        n: u64,
    },
}

/// Whose ledger it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    pub(super) version: u32,
    /// The run, whose objects have names that begin with `assize-RUN-`.
    pub run: String,
    /// Where they are.
    pub endpoint: String,
    /// The suite that says how they are removed.
    pub suite: String,
    /// The suite's version.
    pub suite_version: Option<String>,
    /// The profile.
    pub profile: Option<String>,
    started: String,
}

impl Header {
    /// Of a run that starts now.
    pub(in crate::runner) fn new(
        run: &str,
        endpoint: &str,
        suite: &str,
        suite_version: Option<&str>,
        profile: Option<&str>,
    ) -> Self {
        Self {
            version: VERSION,
            run: run.to_owned(),
            endpoint: endpoint.to_owned(),
            suite: suite.to_owned(),
            suite_version: suite_version.map(str::to_owned),
            profile: profile.map(str::to_owned),
            started: Timestamp::now().to_string(),
        }
    }

    /// When the run started; the beginning of time where that cannot be read.
    pub fn started(&self) -> Timestamp {
        self.started.parse().unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// What is about to be created.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// Its number in the ledger.
    pub n: u64,
    /// Its kind.
    pub resource: String,
    /// Its unique name.
    pub name: String,
    /// Who creates it.
    pub identity: String,
    /// The case that it is for.
    pub case: String,
    /// What it needs, by the need's name: the numbers of those objects.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub needs: BTreeMap<String, u64>,
    /// The values of its parameters, but for those that tell a secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, Json>,
}

/// A line that cannot be read, in words.
pub(super) type Unreadable = String;

const SUM: &str = ",\"sum\":\"";
/// `,"sum":"01234567"}`
const TAIL: usize = SUM.len() + 8 + 2;

fn sum(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest[..4]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

impl Entry {
    /// As a line, with its end.
    pub(super) fn line(&self) -> String {
        // Every key is text, so that this cannot fail.
        let text = serde_json::to_string(self).unwrap_or_default();
        let open = text.strip_suffix('}').unwrap_or(&text);
        format!("{open}{SUM}{}\"}}\n", sum(&text))
    }

    /// From a line without its end. A line that somebody wrote by hand needs no checksum; a wrong one is wrong.
    pub(super) fn parse(line: &str) -> Result<Self, Unreadable> {
        let tail = line
            .len()
            .checked_sub(TAIL)
            .and_then(|at| line.split_at_checked(at));
        let text = match tail {
            Some((open, tail)) if tail.starts_with(SUM) => {
                let text = format!("{open}}}");
                if tail[SUM.len()..].strip_suffix("\"}") != Some(&sum(&text)) {
                    return Err("its checksum is wrong".to_owned());
                }
                text
            }
            _ => line.to_owned(),
        };
        serde_json::from_str(&text).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_was_written_and_not_when_a_byte_is_another() {
        let entries = [
            Entry::Run(Header::new("r", "http://h", "s", Some("1"), None)),
            Entry::Intent(Intent {
                n: 7,
                resource: "pool".to_owned(),
                name: "a \"quoted\"\nname ÿ".to_owned(),
                identity: "owner".to_owned(),
                case: "c".to_owned(),
                needs: BTreeMap::from([("loadbalancer".to_owned(), 3)]),
                params: BTreeMap::from([("weight".to_owned(), 1.into())]),
            }),
            Entry::Created {
                n: 7,
                id: "x".into(),
            },
            Entry::Gone { n: 7 },
        ];
        for entry in entries {
            let line = entry.line();
            let line = line.strip_suffix('\n').expect("an end");
            assert!(!line.contains('\n'), "{line}");
            assert_eq!(Entry::parse(line).as_ref(), Ok(&entry), "{line}");
            assert!(serde_json::from_str::<Json>(line).is_ok(), "{line}");
            for end in 0..line.len() {
                let cut = line.get(..end);
                assert!(cut.is_none_or(|cut| Entry::parse(cut).is_err()), "{end}");
            }
            let other = line.replacen(char::is_numeric, "4", 1);
            assert!(other == line || Entry::parse(&other).is_err(), "{other}");
        }
        assert_eq!(
            Entry::parse(r#"{"gone":{"n":2}}"#),
            Ok(Entry::Gone { n: 2 })
        );
    }
}
