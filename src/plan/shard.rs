//! A plan in parts that run apart from each other, each on a machine of its own.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Plan;
use crate::suite::model::Suite;

/// The most parts that a plan is cut into.
const MOST: u32 = 10_000;

/// One of several parts, which share the cases out by their ids alone: the first eight bytes of an id's
/// SHA-256, read as a number with the highest byte first, modulo the count of parts, plus one, is the number
/// of its part. So a case stays where it is whatever else is added or selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    number: u32,
    of: u32,
}

/// What is no shard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    /// It is not two numbers.
    #[error(
        "`{0}` is no shard; write its number and how many there are, from 1/N to N/N, or `auto`"
    )]
    Form(String),
    /// The number is not among those that there are.
    #[error(
        "there is no shard {number} of {of}; they are numbered from 1 to {of}, and {MOST} at the most"
    )]
    Range {
        /// The number.
        number: u32,
        /// How many there are.
        of: u32,
    },
}

impl Shard {
    /// The part of this number, from 1, of so many.
    ///
    /// # Errors
    /// There is no such part.
    pub fn new(number: u32, of: u32) -> Result<Self, ShardError> {
        if (1..=of).contains(&number) && of <= MOST {
            Ok(Self { number, of })
        } else {
            Err(ShardError::Range { number, of })
        }
    }

    /// Whether the case of this id belongs to it.
    pub fn holds(self, id: &str) -> bool {
        let digest = Sha256::digest(id.as_bytes());
        let hash = digest[..8]
            .iter()
            .fold(0, |hash, byte| hash << 8 | u64::from(*byte));
        hash % u64::from(self.of) + 1 == u64::from(self.number)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let numbers = text
            .split_once('/')
            .and_then(|(number, of)| Some((number.trim().parse().ok()?, of.trim().parse().ok()?)));
        let (number, of) = numbers.ok_or_else(|| ShardError::Form(text.to_owned()))?;
        Self::new(number, of)
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

/// What a shard's report says of the plan that it is a part of, so that the parts can be joined again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Part {
    /// Its number, from 1.
    pub number: u32,
    /// How many parts there are.
    pub of: u32,
    /// The SHA-256 of the suite's files.
    pub suite: String,
    /// The SHA-256 of the ids of all cases of the plan, in their order.
    pub plan: String,
    /// The places of its cases in the plan, from 0.
    pub places: Vec<usize>,
}

impl Plan {
    /// Keeps the cases of one shard, and notes what they are a part of.
    #[must_use]
    pub fn sharded(mut self, suite: &Suite, shard: Shard) -> Self {
        let ids = self.cases.iter().map(|planned| planned.case().id());
        let plan = digest(ids);
        let mut places = Vec::new();
        let mut cases = Vec::new();
        for (at, planned) in self.cases.into_iter().enumerate() {
            if shard.holds(&planned.case().id()) {
                places.push(at);
                cases.push(planned);
            }
        }
        self.cases = cases;
        self.part = Some(Part {
            number: shard.number,
            of: shard.of,
            suite: suite_digest(suite),
            plan,
            places,
        });
        self
    }
}

/// The SHA-256 of the files of a suite: of the path below its root and the text of each, in the order of the paths,
/// wherever the suite lies and whichever was read first.
pub fn suite_digest(suite: &Suite) -> String {
    let mut files: Vec<[&str; 2]> = (suite.files.iter())
        .map(|(path, source)| [path.as_str(), &*source.text])
        .collect();
    files.sort_unstable();
    digest(files.into_iter().flatten())
}

/// The SHA-256 of texts, each behind its length, in hexadecimal digits.
fn digest(texts: impl Iterator<Item = impl AsRef<str>>) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        let text = text.as_ref();
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    }
    let digest = hash.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    #[test]
    fn a_shard_is_a_number_and_how_many_there_are() {
        for (text, number, of) in [("1/1", 1, 1), ("3/3", 3, 3), (" 2 / 10000 ", 2, 10_000)] {
            assert_eq!(text.parse(), Ok(Shard { number, of }));
        }
        for text in [
            "",
            "1",
            "1/",
            "/3",
            "1/3/3",
            "-1/3",
            "a/b",
            "1.0/3",
            "99999999999/3",
        ] {
            assert_eq!(
                text.parse::<Shard>(),
                Err(ShardError::Form(text.to_owned()))
            );
        }
        for text in ["0/3", "4/3", "0/0", "1/0", "1/10001"] {
            let wrong = text.parse::<Shard>().unwrap_err();
            assert!(matches!(wrong, ShardError::Range { .. }), "{text}: {wrong}");
        }
    }

    /// The shard as anyone can work it out: `printf %s ID | sha256sum | cut -c -16`, modulo 7, plus 1.
    #[test]
    fn the_shard_of_an_id_is_the_published_one() {
        for (id, number) in [
            ("", 1 + 0xe3b0_c442_98fc_1c14_u64 % 7),
            ("abc", 1 + 0xba78_16bf_8f01_cfea_u64 % 7),
        ] {
            let shards: Vec<u64> = (1..=7)
                .filter(|number| {
                    Shard {
                        number: *number,
                        of: 7,
                    }
                    .holds(id)
                })
                .map(u64::from)
                .collect();
            assert_eq!(shards, [number], "{id}");
        }
    }

    #[test]
    fn the_digest_of_a_suite_is_of_its_texts_by_their_paths_in_any_order() {
        use crate::suite::{Files, MANIFEST_FILE, Selection, load};
        let suite = |path: &str, text| {
            let manifest = "suite: s\nscenarios: all";
            let files = [
                (MANIFEST_FILE.to_owned(), manifest),
                (format!("all/{path}"), text),
                ("all/z.yaml".to_owned(), "steps: GET /z"),
            ];
            load(&Selection {
                suite: Some(Files::Embedded(files.into())),
                scenarios: None,
                variables: Vec::new(),
            })
            .expect("the suite is right")
        };
        let mut one = suite("a.yaml", "steps: GET /a");
        let digest = suite_digest(&one);
        one.files.reverse();
        assert_eq!(suite_digest(&one), digest);
        assert_ne!(suite_digest(&suite("b.yaml", "steps: GET /a")), digest);
        assert_ne!(suite_digest(&suite("a.yaml", "steps: GET /b")), digest);
        // A file beside the suite may have the path of one in it.
        let twice = one.files[0].clone();
        one.files
            .push((twice.0, Source::new("other", "steps: GET /c")));
        assert_ne!(suite_digest(&one), digest);
    }

    #[test]
    fn every_case_is_in_one_shard_and_the_shards_are_about_alike() {
        let mut counts = [0; 5];
        for at in 0..5000 {
            let id = format!("pools/delete/case-{at}");
            let shards: Vec<u32> = (1..=5)
                .filter(|number| {
                    Shard {
                        number: *number,
                        of: 5,
                    }
                    .holds(&id)
                })
                .collect();
            assert_eq!(shards.len(), 1, "{id}: {shards:?}");
            counts[shards[0] as usize - 1] += 1;
        }
        assert!(
            counts.iter().all(|count| (850..1150).contains(count)),
            "{counts:?}"
        );
    }
}
