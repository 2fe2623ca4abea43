//! A scenario that stands for many: its axes, and which combinations of their values are cases.

use serde_json::Value as Json;

use crate::source::Spanned;
use crate::suite::space::Space;
use crate::template::Template;

/// Axes with values; the scenario is a case for each combination that is chosen.
#[derive(Debug, Clone)]
pub struct Matrix {
    /// The axes, as written.
    pub axes: Vec<Axis>,
    /// The combinations of their values, by number, that the constraints leave.
    pub space: Space,
    /// Whatever values so many axes have together, one of the cases has them; `None` takes every combination.
    pub strength: Option<usize>,
    /// How many cases there are at the most.
    pub limit: Option<usize>,
    /// The scenario's title, in which the axes can be named.
    pub title: Template,
}

/// A name with its values.
#[derive(Debug, Clone)]
pub struct Axis {
    /// The name that expressions know.
    pub name: Spanned<String>,
    /// Texts, numbers, truth values or null, each once.
    pub values: Vec<Json>,
}

impl Axis {
    /// A value as people write it: text as it is, anything else as JSON.
    pub fn word(value: &Json) -> String {
        match value {
            Json::String(text) => text.clone(),
            other => other.to_string(),
        }
    }
}
