//! `suite.yaml`, and the requirements that a suite names.

use std::collections::BTreeMap;

use super::plain;
use crate::source::Spanned;
use crate::suite::model::{Equivalent, IdentityRule, Level, Requirement, RequirementIn, Variable};
use crate::suite::read::{self, Fields, Found};
use crate::suite::shape;
use crate::suite::yaml::Node;

/// `suite.yaml`.
pub(in crate::suite) struct Manifest {
    pub(in crate::suite) name: Spanned<String>,
    pub(in crate::suite) title: Option<String>,
    pub(in crate::suite) version: Option<String>,
    pub(in crate::suite) uses: Vec<Spanned<String>>,
    pub(in crate::suite) scenarios: Vec<Spanned<String>>,
    pub(in crate::suite) openapi: Option<Spanned<String>>,
    pub(in crate::suite) profile: Option<Spanned<String>>,
    pub(in crate::suite) identities: BTreeMap<String, IdentityRule>,
    pub(in crate::suite) variables: BTreeMap<String, Variable>,
    pub(in crate::suite) equivalents: Vec<Equivalent>,
}

pub(super) fn manifest(node: &Node<'_>, found: &mut Found) -> Option<Manifest> {
    let fields = Fields::open(node, &shape::MANIFEST, found)?;
    // What is declared wrongly is declared all the same: who uses it must not be told that it is unknown.
    let identities = fields.named("identities", found, |node, found| {
        let headers = Fields::open(node, &shape::IDENTITY, found)
            .map(|fields| plain(fields.named("headers", found, read::template)));
        Some(IdentityRule {
            span: node.span.clone(),
            headers: headers.unwrap_or_default(),
        })
    });
    let variables = fields.named("variables", found, |node, found| {
        let fields = Fields::open(node, &shape::VARIABLE, found);
        let fields = fields.as_ref();
        Some(Variable {
            about: fields
                .and_then(|fields| fields.read("about", found, read::text))
                .map(|text| text.value),
            default: fields
                .and_then(|fields| fields.get("default"))
                .map(Node::to_json),
            secret: fields
                .and_then(|fields| fields.read("secret", found, read::truth))
                .unwrap_or(false),
        })
    });
    let equivalents = fields.many("equivalent", found, |node, found| {
        let fields = Fields::open(node, &shape::EQUIVALENT, found)?;
        Some(Equivalent {
            mutants: fields.names("mutant", found),
            profiles: fields.names("profiles", found),
            because: fields.read("because", found, read::text)?.value,
        })
    });
    Some(Manifest {
        equivalents,
        name: fields.read("suite", found, read::text)?,
        title: fields
            .read("title", found, read::text)
            .map(|text| text.value),
        version: fields
            .read("version", found, read::text)
            .map(|text| text.value),
        uses: fields.names("use", found),
        scenarios: fields.names("scenarios", found),
        openapi: fields.read("openapi", found, read::text),
        profile: fields.read("profile", found, read::text),
        identities: identities
            .into_iter()
            .map(|(key, value)| (key.value, value))
            .collect(),
        variables: variables
            .into_iter()
            .map(|(key, value)| (key.value, value))
            .collect(),
    })
}

pub(super) fn requirements(node: &Node<'_>, found: &mut Found) -> Vec<Requirement> {
    let Some(fields) = Fields::open(node, &shape::REQUIREMENTS, found) else {
        return Vec::new();
    };
    fields.many("requirements", found, |node, found| {
        let fields = Fields::open(node, &shape::REQUIREMENT, found)?;
        let profiles = fields.named("profiles", found, |node, found| {
            let fields = Fields::open(node, &shape::REQUIREMENT_IN, found)?;
            Some(RequirementIn {
                level: fields.read("level", found, level),
                text: fields
                    .read("text", found, read::text)
                    .map(|text| text.value),
                source: fields
                    .read("source", found, read::text)
                    .map(|text| text.value),
            })
        });
        let id = fields.read("id", found, read::text)?;
        Some(Requirement {
            text: fields
                .read("text", found, read::text)
                .map_or_else(String::new, |text| text.value),
            level: fields.read("level", found, level).unwrap_or(Level::Observe),
            origin: fields
                .read("origin", found, read::text)
                .map(|text| text.value),
            source: fields
                .read("source", found, read::text)
                .map_or_else(String::new, |text| text.value),
            profiles: profiles
                .into_iter()
                .map(|(key, value)| (key.value, value))
                .collect(),
            untested: fields
                .read("untested", found, read::text)
                .map(|text| text.value),
            span: id.span,
            id: id.value,
        })
    })
}

fn level(node: &Node<'_>, found: &mut Found) -> Option<Level> {
    let word = read::word(node, shape::LEVELS, found)?;
    [
        Level::Must,
        Level::Should,
        Level::Observe,
        Level::NotApplicable,
    ]
    .into_iter()
    .find(|level| level.as_str() == word)
}
