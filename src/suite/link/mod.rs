//! Names resolved: what a scenario calls by name is there, once, and every expression knows its names.

mod boundary;
mod expect;
mod given;
mod matrix;
mod names;
mod resource;
mod scenario;
mod step;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::model::{BoundaryRule, Profile, Requirement, Resource, Scenario, Step, Suite};
use super::openapi::OpenApi;
use super::parse::{Manifest, ScenarioFile};
use super::read::Found;
use super::spread::spread;
use crate::source::{Diagnostic, Source, Span, Spanned};
use names::names;

/// Identities that every suite may name.
const IDENTITIES: &[&str] = &["owner", "other", "readonly", "invalid", "anonymous"];

/// The objects that a scenario knows at one point by their names, with their kind where that is known.
type Objects = BTreeMap<String, Option<Arc<Resource>>>;

/// All that has been read, before names are resolved.
pub(super) struct Parts {
    pub(super) name: String,
    pub(super) manifest: Option<Manifest>,
    pub(super) requirements: Vec<Requirement>,
    pub(super) resources: Vec<Resource>,
    pub(super) profiles: Vec<Profile>,
    pub(super) boundaries: Vec<BoundaryRule>,
    /// Every file that was read, by its path.
    pub(super) sources: Vec<(String, Arc<Source>)>,
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
        boundaries,
        sources,
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
        mut equivalents,
    ) = (
        BTreeMap::new(),
        BTreeMap::new(),
        name,
        String::new(),
        None,
        None,
        Vec::new(),
    );
    if let Some(manifest) = manifest {
        equivalents = manifest.equivalents;
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
    for profile in equivalents.iter().flat_map(|line| &line.profiles) {
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
    linker.boundaries(&boundaries);
    let scenarios = linker.files(files);
    let used = linker.used;
    for identity in identities.values() {
        for expr in identity
            .headers
            .iter()
            .flat_map(|(_, template)| template.exprs())
        {
            names(expr, variables.keys().map(String::as_str), found);
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
        for (pointer, why) in api.broken_schemas() {
            found.push(Diagnostic::without_place(
                "bad-openapi",
                format!(
                    "the schema at `{pointer}` of the OpenAPI description cannot be compiled: {why}"
                ),
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
        equivalents,
        scenarios,
        boundaries,
        openapi: openapi.map(Arc::new),
        files: sources,
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

/// So many files are linked by one thread, one after the other.
const TOGETHER: usize = 32;

impl Linker<'_> {
    /// Links files on all processors.
    fn files(&mut self, files: Vec<(String, ScenarioFile)>) -> Vec<Arc<Scenario>> {
        let mut files = files.into_iter();
        let take = || {
            let some: Vec<_> = files.by_ref().take(TOGETHER).collect();
            (!some.is_empty()).then_some(some)
        };
        let parts: Vec<_> = std::iter::from_fn(take).collect();
        let shared = &*self;
        let done = spread(parts, |files| {
            let mut found = Found::new();
            let mut linker = Linker {
                identities: shared.identities.clone(),
                variables: shared.variables.clone(),
                used: BTreeSet::new(),
                found: &mut found,
                ..*shared
            };
            let scenarios = files.into_iter();
            let scenarios = scenarios.map(|(group, file)| linker.file(&group, file));
            let scenarios: Vec<_> = scenarios.collect();
            (scenarios, linker.used, found)
        });
        let mut scenarios = Vec::new();
        for (own, used, found) in done {
            scenarios.extend(own.into_iter().flatten());
            self.used.extend(used);
            self.found.extend(found);
        }
        scenarios
    }
}

#[cfg(test)]
mod tests {
    use crate::suite::{Files, MANIFEST_FILE, Selection, load};

    const MANIFEST: &str =
        "suite: s\nuse: [basket.yaml, egg.yaml, profile.yaml]\nscenarios: one.yaml\n";
    const BASKET: &str = "resource: basket\ncreate: POST /baskets\nobject: '{{ body }}'\nread: GET /baskets/{{ basket.id }}\ndelete: DELETE /baskets/{{ basket.id }}\n";
    const EGG: &str = "resource: egg\nneeds: basket\nparams: { size: 3 }\ncreate: { request: POST /eggs, json: { size: '{{ size }}', basket: '{{ basket.id }}' } }\nobject: '{{ body }}'\nread: GET /eggs/{{ egg.id }}\n";
    const PROFILE: &str = "profile: p\nanswers: { gone: { status: 404 } }\n";

    /// What is said of a suite with these files besides or instead of the usual ones: place, code and message.
    fn said(files: &[(&str, &'static str)]) -> Vec<String> {
        let usual = [
            (MANIFEST_FILE, MANIFEST),
            ("basket.yaml", BASKET),
            ("egg.yaml", EGG),
            ("profile.yaml", PROFILE),
        ];
        let files = usual.iter().chain(files);
        let selection = Selection {
            suite: Some(Files::Embedded(
                files
                    .map(|(name, text)| ((*name).to_owned(), *text))
                    .collect(),
            )),
            scenarios: None,
            variables: Vec::new(),
        };
        let found = load(&selection).err().unwrap_or_default();
        found
            .iter()
            .map(|diagnostic| {
                let place = diagnostic
                    .span
                    .as_ref()
                    .map(|span| span.location().to_string());
                format!(
                    "{} {}: {}",
                    place.unwrap_or_default(),
                    diagnostic.code,
                    diagnostic.message
                )
            })
            .collect()
    }

    #[track_caller]
    fn says(scenario: &'static str, expected: &[&str]) {
        assert_eq!(said(&[("one.yaml", scenario)]), expected, "{scenario}");
    }

    #[test]
    fn an_unknown_resource_is_reported_once_and_its_alias_is_known_from_there_on() {
        says(
            "given:\n  - nest: { as: home }\n  - egg: { basket: home, size: '{{ home.size }}' }\nwhen: GET /nests/{{ home.id }}\nthen: { gone: home, unchanged: others, check: after.home is none }\nfinally: { do: delete home }\n",
            &["one.yaml:2:5 unknown-resource: there is no resource `nest`"],
        );
    }

    #[test]
    fn a_resource_that_is_almost_known_is_taken_for_the_one_that_is_meant() {
        says(
            "given:\n  - baskt: { as: other }\n  - baskt\n  - egg: { basket: other }\nsteps:\n  - read basket\n  - delete baskt\n  - request: GET /baskets/{{ basket.id }}/{{ baskt.id }}\n    then: { gone: [basket, baskt] }\n",
            &[
                "one.yaml:2:5 unknown-resource: there is no resource `baskt`",
                "one.yaml:3:5 unknown-resource: there is no resource `baskt`",
            ],
        );
    }

    #[test]
    fn what_a_step_creates_of_an_unknown_kind_is_known_by_its_name() {
        says(
            "steps:\n  - { request: POST /nests, creates: { mine: nest } }\n  - do: create house\n  - delete mine\n  - request: GET /nests/{{ mine.id }}/{{ house.id }}\n    then: { gone: [mine, house] }\n",
            &[
                "one.yaml:2:46 unknown-resource: there is no resource `nest`",
                "one.yaml:3:9 unknown-resource: there is no resource `house`",
            ],
        );
    }

    #[test]
    fn a_fragment_that_is_almost_known_gives_its_names() {
        says(
            "fragments:\n  make: { request: POST /x, capture: { id: body.id } }\nsteps:\n  - fragment: mak\n  - GET /x/{{ id }}\n",
            &["one.yaml:4:15 unknown-fragment: there is no fragment `mak`"],
        );
    }

    #[test]
    fn concurrent_requests_that_are_said_wrongly_are_one_mistake() {
        says(
            "when: { request: GET /x, concurrently: 1 }\nthen: [{ status: 404 }, { answers: { gone: 1 } }]\n",
            &["one.yaml:1:40 bad-count: this is not a number from 2 to 64"],
        );
        says(
            "when: { request: GET /x, concurrently: 4 }\nthen: [{ status: 404 }, { answers: { gone: 4 } }, { answer: gone }]\n",
            &[
                "one.yaml:2:8 concurrent-answers: several requests are sent at once, and this judges one answer",
            ],
        );
        says(
            "when: GET /x\nthen: { answers: { gone: 1, gne: rest } }\n",
            &[
                "one.yaml:2:7 concurrent-answers: `answers` counts the answers of concurrent requests, and there is one request",
            ],
        );
        says(
            "when: { request: GET /x, concurrently: 4 }\nthen: { answers: { gone: 1, gne: rest } }\n",
            &["one.yaml:2:29 unknown-answer: there is no answer `gne`"],
        );
    }

    #[test]
    fn what_is_declared_wrongly_is_known_by_its_name() {
        let found = said(&[
            (
                MANIFEST_FILE,
                "suite: s\nuse: [requirements.yaml, basket.yaml, profile.yaml]\nscenarios: one.yaml\nvariables: { token: abc }\nidentities: { guest: anonymous }\n",
            ),
            (
                "requirements.yaml",
                "requirements:\n  - { id: R-1, text: t, level: mst, source: s }\n",
            ),
            (
                "basket.yaml",
                "resource: basket\ncreate: /baskets\nobject: '{{ body }}'\nread: 5\noperations: { tilt: [PUT /tilt] }\n",
            ),
            ("profile.yaml", "profile: p\nanswers: { gone: 404 }\n"),
            (
                "one.yaml",
                "requirements: R-1\ngiven: [basket]\nwhen: { do: tilt basket, as: guest }\nthen: { answer: gone, check: token == '' }\n",
            ),
        ]);
        assert_eq!(
            found,
            [
                "basket.yaml:2:9 bad-request-line: this is no request line",
                "basket.yaml:4:7 wrong-type: an operation is a mapping or text, not a number",
                "basket.yaml:5:21 wrong-type: an operation is a mapping or text, not a list",
                "profile.yaml:2:18 wrong-type: a named answer is a mapping, not a number",
                "requirements.yaml:2:32 unknown-word: `mst` is none of: must, should, observe, not_applicable",
                "suite.yaml:4:21 wrong-type: a variable is a mapping, not text",
                "suite.yaml:5:22 wrong-type: an identity is a mapping, not text",
            ]
        );
    }
}
