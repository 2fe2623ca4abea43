//! What a suite says, as typed values that keep their places.

mod boundary;
mod expect;
mod matcher;
mod matrix;
mod profile;
mod request;
mod requirement;
mod resource;
mod scenario;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::openapi::OpenApi;
use crate::source::Source;

pub use boundary::{Boundary, BoundaryRule};
pub use expect::{
    AnswerExpect, BodyExpect, Expect, InlineSchema, SchemaRef, StatusRange, StatusSet, Unchanged,
};
pub use matcher::{MatchOp, Matcher};
pub use matrix::{Axis, Matrix};
pub use profile::{Answer, Equivalent, IdentityRule, Moves, Profile, Quota, Variable};
pub use request::{BodyTemplate, RequestTemplate};
pub use requirement::{Level, Requirement, RequirementIn};
pub use resource::{Change, Decision, List, Operation, Ready, Resource, Scope, succeeds};
pub use scenario::{Action, Given, Scenario, Set, Step};

/// Everything that a run needs to know of a contract: parsed, linked, free of errors.
#[derive(Debug)]
pub struct Suite {
    /// Its name: the `suite` of its manifest, or the name of the only file.
    pub name: String,
    /// What it is about, in a few words.
    pub title: String,
    /// The version of the manifest, if it has one.
    pub version: Option<String>,
    /// The profile that is meant when none is named.
    pub default_profile: Option<String>,
    /// The requirements by id.
    pub requirements: BTreeMap<String, Requirement>,
    /// The resources by name.
    pub resources: BTreeMap<String, Arc<Resource>>,
    /// The profiles by name.
    pub profiles: BTreeMap<String, Arc<Profile>>,
    /// Who can send requests.
    pub identities: BTreeMap<String, IdentityRule>,
    /// Variables that the suite declares.
    pub variables: BTreeMap<String, Variable>,
    /// Mutants that a proof need not tell from the real endpoint.
    pub equivalents: Vec<Equivalent>,
    /// The scenarios, ordered by file and then as written.
    pub scenarios: Vec<Arc<Scenario>>,
    /// What values at and beyond boundaries must come to.
    pub boundaries: Vec<BoundaryRule>,
    /// The description that every answer must fit, if the suite has one.
    pub openapi: Option<Arc<OpenApi>>,
    /// Every file that was read, by its path below the root of the suite or of the scenarios.
    pub files: Vec<(String, Arc<Source>)>,
}

impl Suite {
    /// The requirements that generated cases alone can show: a rule for boundaries names them, and no scenario.
    pub fn for_generated_cases(&self) -> BTreeSet<&str> {
        let rules = self.boundaries.iter().flat_map(|rule| &rule.requirements);
        let mut ids: BTreeSet<&str> = rules.map(|id| id.value.as_str()).collect();
        for id in self.scenarios.iter().flat_map(|scenario| scenario.shown()) {
            ids.remove(id);
        }
        ids
    }
}
