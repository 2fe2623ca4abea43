//! The documents of a suite, each read into its typed form. Names are resolved later, in `link`.

mod boundary;
mod expect;
mod generate;
mod manifest;
mod profile;
mod resource;
mod scenario;
mod step;

use std::sync::Arc;

use super::model::{BoundaryRule, Profile, Requirement, Resource};
use super::read::Found;
use super::yaml::Node;
use crate::source::{Source, Spanned};

pub(super) use generate::RawMatrix;
pub(super) use manifest::Manifest;
pub(super) use resource::scope;
pub(super) use scenario::{RawGiven, RawScenario, ScenarioFile};

/// One file, read.
pub(super) enum Document {
    Manifest(Manifest),
    Requirements(Vec<Requirement>),
    Resource(Box<Resource>),
    Profile(Box<Profile>),
    Boundaries(Vec<BoundaryRule>),
    Scenarios(ScenarioFile),
}

/// Reads a document; what kind it is shows in its keys.
pub(super) fn document(
    source: &Arc<Source>,
    node: &Node<'_>,
    found: &mut Found,
) -> Option<Document> {
    let kind = ["suite", "requirements", "resource", "profile", "boundaries"]
        .into_iter()
        .find(|key| node.get(key).is_some() && !is_scenario(node));
    Some(match kind {
        Some("suite") => Document::Manifest(manifest::manifest(node, found)?),
        Some("requirements") => Document::Requirements(manifest::requirements(node, found)),
        Some("resource") => Document::Resource(Box::new(resource::resource(node, found)?)),
        Some("boundaries") => Document::Boundaries(boundary::boundaries(node, found)),
        Some("profile") => Document::Profile(Box::new(profile::profile(node, found)?)),
        _ => Document::Scenarios(scenario::scenario_file(source, node, found)?),
    })
}

fn is_scenario(node: &Node<'_>) -> bool {
    ["scenarios", "steps", "when", "feature"]
        .iter()
        .any(|key| node.get(key).is_some())
        && (node.get("suite").is_none()
            || ["steps", "when"].iter().any(|key| node.get(key).is_some()))
}

fn plain<T>(named: Vec<(Spanned<String>, T)>) -> Vec<(String, T)> {
    named
        .into_iter()
        .map(|(key, value)| (key.value, value))
        .collect()
}
