//! What a suite is worth: mutants of an endpoint, and which of them its cases tell from the real one.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

/// What came of a proof of one suite under one profile.
#[derive(Debug, Clone, Serialize)]
pub struct Proof {
    /// The version of this program.
    pub tool_version: &'static str,
    /// The suite's name.
    pub suite: String,
    /// The suite's version.
    pub suite_version: Option<String>,
    /// The profile's name.
    pub profile: Option<String>,
    /// How many cases the real endpoint passed; these are what mutants were held to.
    pub cases: usize,
    /// Whether every case of a mutant's requirements ran, rather than those up to the first kill.
    pub full: bool,
    /// The mutants, in an order that depends on the suite alone.
    pub mutants: Vec<Mutant>,
    /// How many defects break each requirement, and how many of those a case of it told from the real endpoint.
    pub requirements: Vec<Score>,
    /// Lines of `equivalent` that name no mutant of this profile.
    pub unused: Vec<String>,
    /// How long it took.
    #[serde(serialize_with = "seconds")]
    pub duration: Duration,
}

/// One way in which an endpoint is wrong.
#[derive(Debug, Clone, Serialize)]
pub struct Mutant {
    /// Such as `defect/members-ignored`: the same on every machine and in every run.
    pub id: String,
    /// What kind of mutant it is.
    pub kind: Kind,
    /// What it does, in a sentence.
    pub about: String,
    /// The requirements that it breaks; none where no document speaks of it.
    pub requirements: Vec<String>,
    /// What assertion would tell it from the real endpoint.
    pub missing: String,
    /// What came of it.
    pub fate: Fate,
    /// How long it took.
    #[serde(serialize_with = "seconds")]
    pub duration: Duration,
}

/// Where a mutant comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A named deviation of the embedded emulator.
    Defect,
    /// A server that always does the same.
    Null,
    /// One act of one case has another effect than the answer says.
    Effect,
    /// One operation is answered otherwise.
    Answer,
}

impl Kind {
    /// One lower-case word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Defect => "defect",
            Self::Null => "null",
            Self::Effect => "effect",
            Self::Answer => "answer",
        }
    }
}

/// What came of a mutant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// A case of its own requirement failed because of it.
    Killed(Kill),
    /// Only a case of another requirement failed.
    Elsewhere(Kill),
    /// No case failed, but one could not be judged.
    Erred(Kill),
    /// Every case passed.
    Survived,
    /// Nothing could tell it from the real endpoint, for this reason.
    Equivalent(String),
    /// No selected case is about it.
    Untried,
}

/// The case that told a mutant from the real endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kill {
    /// Its id.
    pub case: String,
    /// Which of the mutant's requirements its findings name.
    pub requirements: Vec<String>,
    /// What it found.
    pub found: String,
}

/// How many defects break one requirement, and how many of those were found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Score {
    /// The requirement.
    pub id: String,
    /// How many were found by a case of it.
    pub killed: usize,
    /// How many there are.
    pub of: usize,
}

impl Mutant {
    /// Whether the suite is short of something because of it. A defect is to be found by a case of its own
    /// requirement; of any other mutant it is enough that the run is not green.
    pub fn escaped(&self) -> bool {
        match self.fate {
            Fate::Survived => true,
            Fate::Elsewhere(_) | Fate::Erred(_) => self.kind == Kind::Defect,
            Fate::Killed(_) | Fate::Equivalent(_) | Fate::Untried => false,
        }
    }
}

impl Proof {
    /// The mutants that the suite lets through.
    pub fn escaped(&self) -> impl Iterator<Item = &Mutant> {
        self.mutants.iter().filter(|mutant| mutant.escaped())
    }

    /// How many mutants of a kind there are by the name of their fate.
    pub fn count(&self, kind: Kind) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for mutant in self.mutants.iter().filter(|mutant| mutant.kind == kind) {
            *counts.entry(mutant.fate.name()).or_insert(0) += 1;
        }
        counts
    }

    /// The scores of the requirements that defects break.
    pub fn scores(mutants: &[Mutant], seen: &BTreeMap<String, Vec<String>>) -> Vec<Score> {
        let mut scores: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for mutant in mutants {
            let ignored = matches!(mutant.fate, Fate::Equivalent(_) | Fate::Untried);
            if mutant.kind != Kind::Defect || ignored {
                continue;
            }
            let found = seen.get(&mutant.id);
            for id in &mutant.requirements {
                let score = scores.entry(id).or_default();
                score.0 += usize::from(found.is_some_and(|found| found.contains(id)));
                score.1 += 1;
            }
        }
        let score = |(id, (killed, of)): (&str, (usize, usize))| Score {
            id: id.to_owned(),
            killed,
            of,
        };
        scores.into_iter().map(score).collect()
    }
}

impl Fate {
    /// A word or two.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Killed(_) => "killed",
            Self::Elsewhere(_) => "killed elsewhere",
            Self::Erred(_) => "killed by error",
            Self::Survived => "survived",
            Self::Equivalent(_) => "equivalent",
            Self::Untried => "not tried",
        }
    }
}

fn seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}
