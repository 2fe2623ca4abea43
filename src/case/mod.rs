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

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::suite::model::{Matrix, Scenario, Suite};
use crate::target::Target;
use crate::template::Scope;

/// One concrete instance of a scenario. There may be many, so that it holds next to nothing: what it is called and
/// what its values are is worked out when it is asked for.
#[derive(Debug, Clone)]
pub struct Case {
    /// What it is an instance of.
    pub scenario: Arc<Scenario>,
    instance: Instance,
}

/// Which instance a case is.
#[derive(Debug, Clone)]
enum Instance {
    /// The scenario as it is written.
    Written,
    /// A row of its matrix.
    Row(Arc<matrix::Rows>, u32),
    /// A scenario that was generated, for this reason.
    Generated(Arc<String>),
    /// Another one under this id.
    Called(Arc<(Instance, String)>),
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
            let left_out = matrix::cases(scenario, matrix, generate.rows, &mut expansion.cases);
            expansion.left_out.extend(left_out);
        } else {
            expansion.cases.push(Case {
                scenario: Arc::clone(scenario),
                instance: Instance::Written,
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

impl Instance {
    /// What it is under whatever id.
    fn own(&self) -> &Self {
        match self {
            Self::Called(called) => called.0.own(),
            own => own,
        }
    }
}

impl Case {
    /// The case of a generated scenario, and why there is one.
    fn generated(scenario: Scenario, why: String) -> Self {
        Self {
            scenario: Arc::new(scenario),
            instance: Instance::Generated(Arc::new(why)),
        }
    }

    /// The same instance of another scenario, which must have the same matrix.
    pub(crate) fn of(&self, scenario: Scenario) -> Self {
        Self {
            scenario: Arc::new(scenario),
            instance: self.instance.clone(),
        }
    }

    /// The row of the scenario's matrix that it is.
    fn row(&self) -> Option<(&matrix::Rows, &Matrix, u32)> {
        match (self.instance.own(), &self.scenario.matrix) {
            (Instance::Row(rows, at), Some(matrix)) => Some((rows, matrix, *at)),
            _ => None,
        }
    }

    /// The same case under another id.
    #[must_use]
    pub fn called(&self, id: String) -> Self {
        Self {
            scenario: Arc::clone(&self.scenario),
            instance: Instance::Called(Arc::new((self.instance.clone(), id))),
        }
    }

    /// Such as `pools/delete/in_use/pool-with-members`: the same on every machine and in every run.
    pub fn id(&self) -> Cow<'_, str> {
        if let Instance::Called(called) = &self.instance {
            return called.1.as_str().into();
        }
        match self.row() {
            Some((rows, matrix, at)) => rows.id(&self.scenario, matrix, at).into(),
            None => self.scenario.id.as_str().into(),
        }
    }

    /// What people read.
    pub fn title(&self) -> Cow<'_, str> {
        match self.row() {
            Some((rows, matrix, at)) => rows.title(&self.scenario, matrix, at).into(),
            None => self.scenario.title.as_str().into(),
        }
    }

    /// Values that make it this instance; the scenario's expressions know them by name.
    pub fn values(&self) -> impl Iterator<Item = (&str, &Json)> {
        let row = self.row().into_iter();
        row.flat_map(|(rows, matrix, at)| rows.values(matrix, at))
    }

    /// Why it exists, if it was generated.
    pub fn why(&self) -> Option<Cow<'_, str>> {
        match (self.instance.own(), self.row()) {
            (_, Some((rows, matrix, at))) => Some(rows.why(matrix, at).into()),
            (Instance::Generated(why), _) => Some(why.as_str().into()),
            _ => None,
        }
    }

    /// Whether it was generated, be it from a matrix.
    pub fn is_generated(&self) -> bool {
        !matches!(self.instance.own(), Instance::Written)
    }

    /// The names that belong to it alone.
    pub fn name_values(&self, scope: &mut Scope) {
        for (name, value) in self.values() {
            scope.set(name, value);
        }
    }

    /// The requirements that it shows, the scenario's own first, each once.
    pub fn requirements(&self) -> Vec<&str> {
        self.scenario.shows()
    }
}
