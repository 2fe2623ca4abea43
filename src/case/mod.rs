//! Scenarios expanded to cases: concrete instances with ids that come from names, never from positions.

mod boundary;
mod coverage;
mod covering;
mod matrix;
mod race;
mod rehearsal;
mod sequence;
mod write;

pub use coverage::{Coverage, Operation, Pairs, coverage};
pub use matrix::LeftOut;
pub use write::text;

use std::sync::Arc;

use serde_json::Value as Json;

use crate::suite::model::{Scenario, Suite};
use crate::target::Target;
use crate::template::Scope;

/// One concrete instance of a scenario.
#[derive(Debug, Clone)]
pub struct Case {
    /// Such as `pools/delete/in_use/pool-with-members`: the same on every machine and in every run.
    pub id: String,
    /// What people read.
    pub title: String,
    /// What it is an instance of.
    pub scenario: Arc<Scenario>,
    /// Values that make it this instance; the scenario's expressions know them by name.
    pub values: Vec<(String, Json)>,
    /// Why it exists, if it was generated.
    pub why: Option<String>,
}

/// What is generated besides the scenarios that are written.
#[derive(Debug, Clone, Default)]
pub struct Generate {
    /// The seed of every random choice.
    pub seed: u64,
    /// The seed of the rows of a matrix that a strategy chooses.
    pub rows: u64,
    /// Whether each operation is tried at and beyond the boundaries of its description.
    pub boundary: bool,
    /// How many random sequences of operations.
    pub sequences: usize,
    /// How many operations each of them has.
    pub length: usize,
    /// How many histories of concurrent operations.
    pub races: usize,
}

/// The cases of a suite, and those that were left out of a matrix.
#[derive(Debug, Default)]
pub struct Expansion {
    /// In the order of the scenarios, then what was generated.
    pub cases: Vec<Case>,
    /// What a strategy or a limit left out of matrices.
    pub left_out: Vec<LeftOut>,
    /// What could not be generated.
    pub omitted: Vec<Omitted>,
}

/// A case that could not be generated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Omitted {
    /// The id that it would have.
    pub id: String,
    /// Why it is none.
    pub why: String,
}

/// The cases of a suite for a target.
pub fn expand(suite: &Suite, target: &Target, generate: &Generate) -> Expansion {
    let mut expansion = Expansion::default();
    for scenario in &suite.scenarios {
        if let Some(matrix) = &scenario.matrix {
            let (cases, left_out) = matrix::cases(scenario, matrix, generate.rows);
            expansion.cases.extend(cases);
            expansion.left_out.extend(left_out);
        } else {
            expansion.cases.push(Case {
                id: scenario.id.clone(),
                title: scenario.title.clone(),
                scenario: Arc::clone(scenario),
                values: Vec::new(),
                why: None,
            });
        }
    }
    if generate.boundary {
        let (cases, omitted) = boundary::cases(suite, target);
        expansion.cases.extend(cases);
        expansion.omitted.extend(omitted);
    }
    for index in 0..generate.sequences {
        match sequence::case(suite, target, generate.seed, index, generate.length) {
            Ok(case) => expansion.cases.extend(case),
            Err(error) => expansion.omitted.push(Omitted {
                id: format!("generated/sequences/{}-{index}", generate.seed),
                why: error.to_string(),
            }),
        }
    }
    for index in 0..generate.races {
        match race::case(suite, target, generate.seed, index) {
            Ok(case) => expansion.cases.extend(case),
            Err(error) => expansion.omitted.push(Omitted {
                id: format!("generated/races/{}-{index}", generate.seed),
                why: error.to_string(),
            }),
        }
    }
    expansion
}

impl Case {
    /// The case of a generated scenario, and why there is one.
    fn generated(scenario: Scenario, why: String) -> Self {
        Self {
            id: scenario.id.clone(),
            title: scenario.title.clone(),
            scenario: Arc::new(scenario),
            values: Vec::new(),
            why: Some(why),
        }
    }

    /// The names that belong to it alone.
    pub fn name_values(&self, scope: &mut Scope) {
        for (name, value) in &self.values {
            scope.set(name.as_str(), value);
        }
    }

    /// The requirements that it shows, the scenario's own first, each once.
    pub fn requirements(&self) -> Vec<&str> {
        self.scenario.shows()
    }
}
