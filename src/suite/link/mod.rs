//! Names resolved: what a scenario calls by name is there, once, and every expression knows its names.

mod expect;
mod given;
mod names;
mod resource;
mod scenario;
mod step;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::model::{Profile, Requirement, Resource, Scenario, Step, Suite};
use super::openapi::OpenApi;
use super::parse::{Manifest, ScenarioFile};
use super::read::Found;
use crate::source::{Diagnostic, Span, Spanned};
use names::names;

/// Identities that every suite may name.
const IDENTITIES: &[&str] = &["owner", "other", "readonly", "invalid", "anonymous"];

/// All that has been read, before names are resolved.
pub(super) struct Parts {
    pub(super) name: String,
    pub(super) manifest: Option<Manifest>,
    pub(super) requirements: Vec<Requirement>,
    pub(super) resources: Vec<Resource>,
    pub(super) profiles: Vec<Profile>,
    /// Scenario files with the group that their ids begin with.
    pub(super) files: Vec<(String, ScenarioFile)>,
    pub(super) openapi: Option<OpenApi>,
    /// Variables that a target sets.
    pub(super) variables: Vec<String>,
    /// Whether these are all scenarios of the suite, so that a requirement without one is an error.
    pub(super) complete: bool,
}

/// Resolves the names; what is wrong is in `found`, and the suite is whole only if nothing is.
pub(super) fn link(parts: Parts, found: &mut Found) -> Suite {
    let Parts {
        name,
        manifest,
        requirements,
        resources,
        profiles,
        files,
        openapi,
        variables: set,
        complete,
    } = parts;
    let (
        mut identities,
        mut variables,
        mut suite_name,
        mut title,
        mut version,
        mut default_profile,
    ) = (
        BTreeMap::new(),
        BTreeMap::new(),
        name,
        String::new(),
        None,
        None,
    );
    if let Some(manifest) = manifest {
        suite_name = manifest.name.value;
        title = manifest.title.unwrap_or_default();
        version = manifest.version;
        identities = manifest.identities;
        variables = manifest.variables;
        default_profile = manifest.profile;
    }
    let requirements = unique(requirements, |it| (&it.id, &it.span), "requirement", found);
    let resources: BTreeMap<String, Arc<Resource>> =
        unique(resources, |it| (&it.name, &it.span), "resource", found)
            .into_iter()
            .map(|(name, it)| (name, Arc::new(it)))
            .collect();
    let profiles: BTreeMap<String, Arc<Profile>> =
        unique(profiles, |it| (&it.name, &it.span), "profile", found)
            .into_iter()
            .map(|(name, it)| (name, Arc::new(it)))
            .collect();

    let mut fragments: BTreeMap<String, (Span, Step)> = BTreeMap::new();
    for (name, step) in files.iter().flat_map(|(_, file)| &file.fragments) {
        if let Some((first, _)) = fragments.get(&name.value) {
            found.push(duplicate("fragment", name, first));
        } else {
            fragments.insert(name.value.clone(), (name.span.clone(), step.clone()));
        }
    }

    let mut linker = Linker {
        requirements: &requirements,
        resources: &resources,
        profiles: &profiles,
        identities: identities
            .keys()
            .map(String::as_str)
            .chain(IDENTITIES.iter().copied())
            .collect(),
        variables: variables
            .keys()
            .cloned()
            .chain(set.into_iter().filter(|_| variables.is_empty()))
            .collect(),
        openapi: openapi.as_ref(),
        fragments: &fragments,
        used: BTreeSet::new(),
        found,
    };
    if let Some(profile) = &default_profile {
        linker.known(
            "profile",
            "unknown-profile",
            profile,
            profiles.keys().map(String::as_str),
        );
    }
    linker.requirements();
    linker.resources();
    linker.profiles();
    let scenarios: Vec<Arc<Scenario>> = files
        .into_iter()
        .flat_map(|(group, file)| linker.file(&group, file))
        .collect();
    let used = linker.used;
    for identity in identities.values() {
        for expr in identity
            .headers
            .iter()
            .flat_map(|(_, template)| template.exprs())
        {
            names(
                expr,
                &variables.keys().map(String::as_str).collect::<Vec<_>>(),
                found,
            );
        }
    }
    for requirement in requirements.values() {
        match (used.contains(&requirement.id), &requirement.untested) {
            (false, None) if complete => found.push(
                Diagnostic::new(
                    "unused-requirement",
                    &requirement.span,
                    format!("no scenario shows the requirement {}", requirement.id),
                )
                .label("nothing tests this")
                .help("name it under `requirements` of a scenario, or say `untested: why`"),
            ),
            (true, Some(_)) => found.push(
                Diagnostic::new(
                    "tested-after-all",
                    &requirement.span,
                    format!(
                        "{} is marked `untested`, yet a scenario shows it",
                        requirement.id
                    ),
                )
                .label("here")
                .help("take `untested` out"),
            ),
            _ => {}
        }
    }
    if let Some(api) = &openapi {
        for pointer in api.broken_schemas() {
            found.push(Diagnostic::without_place(
                "bad-openapi",
                format!("the schema at `{pointer}` of the OpenAPI description cannot be compiled"),
            ));
        }
    }
    Suite {
        name: suite_name,
        title,
        version,
        default_profile: default_profile.map(|profile| profile.value),
        requirements,
        resources,
        profiles,
        identities,
        variables,
        scenarios,
        openapi: openapi.map(Arc::new),
    }
}

fn unique<T>(
    items: Vec<T>,
    key: impl Fn(&T) -> (&String, &Span),
    what: &str,
    found: &mut Found,
) -> BTreeMap<String, T> {
    let mut map: BTreeMap<String, T> = BTreeMap::new();
    for item in items {
        let (name, span) = key(&item);
        let name = Spanned::new(name.clone(), span.clone());
        match map.get(&name.value) {
            Some(first) => found.push(duplicate(what, &name, key(first).1)),
            None => {
                map.insert(name.value, item);
            }
        }
    }
    map
}

fn duplicate(what: &str, name: &Spanned<String>, first: &Span) -> Diagnostic {
    Diagnostic::new(
        "duplicate-id",
        &name.span,
        format!("the {what} `{}` is there twice", name.value),
    )
    .label("again")
    .help(format!("the first one is at {}", first.location()))
}

struct Linker<'a> {
    requirements: &'a BTreeMap<String, Requirement>,
    resources: &'a BTreeMap<String, Arc<Resource>>,
    profiles: &'a BTreeMap<String, Arc<Profile>>,
    identities: Vec<&'a str>,
    variables: Vec<String>,
    openapi: Option<&'a OpenApi>,
    fragments: &'a BTreeMap<String, (Span, Step)>,
    used: BTreeSet<String>,
    found: &'a mut Found,
}
