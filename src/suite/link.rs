//! Names resolved: what a scenario calls by name is there, once, and every expression knows its names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::given::{bind, resolve};
use super::model::{
    Action, AnswerExpect, BodyExpect, Expect, Given, Matcher, Operation, Profile, RequestTemplate,
    Requirement, Resource, Scenario, SchemaRef, Step, Suite, Unchanged,
};
use super::openapi::OpenApi;
use super::parse::{Manifest, RawScenario, ScenarioFile, request_exprs};
use super::read::Found;
use crate::source::{Diagnostic, Span, Spanned};
use crate::template::Expr;

/// Names that every expression may use.
const EVERYWHERE: &[&str] = &[
    "unique_name",
    "run_id",
    "case_id",
    "profile",
    "omit",
    "range",
    "dict",
    "namespace",
];
/// Names that an expression about an answer may use as well.
const ANSWER: &[&str] = &["status", "headers", "body"];
/// Names that `check` and `observe` may use as well.
const AFTERMATH: &[&str] = &["before", "after"];
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

impl<'a> Linker<'a> {
    fn known<'n>(
        &mut self,
        what: &str,
        code: &'static str,
        name: &Spanned<String>,
        known: impl Iterator<Item = &'n str>,
    ) -> bool {
        let known: Vec<&str> = known.collect();
        if known.contains(&name.value.as_str()) {
            return true;
        }
        let mut diagnostic = Diagnostic::new(
            code,
            &name.span,
            format!("there is no {what} `{}`", name.value),
        )
        .label("not found")
        .nearest(&name.value, known.iter().copied());
        if diagnostic.help.is_none() {
            diagnostic = diagnostic.help(if known.is_empty() && what == "given object" {
                "the scenario is given nothing: list the object under `given`".to_owned()
            } else if known.is_empty() {
                format!("the suite has no {what}; add one, or name its file under `use`")
            } else {
                format!("there are: {}", shorten(&known))
            });
        }
        self.found.push(diagnostic);
        false
    }

    fn requirements(&mut self) {
        let (requirements, profiles) = (self.requirements, self.profiles);
        for requirement in requirements.values() {
            for profile in requirement.profiles.keys() {
                self.known(
                    "profile",
                    "unknown-profile",
                    &Spanned::new(profile.clone(), requirement.span.clone()),
                    profiles.keys().map(String::as_str),
                );
            }
        }
    }

    fn profiles(&mut self) {
        for profile in self.profiles.values() {
            for name in &profile.transient {
                self.known(
                    "answer",
                    "unknown-answer",
                    name,
                    profile.answers.keys().map(String::as_str),
                );
            }
            for answer in profile.answers.values() {
                self.answer(&answer.expect, &["profile"]);
            }
        }
    }

    fn resources(&mut self) {
        let resources = self.resources;
        for resource in resources.values() {
            for need in &resource.needs {
                self.known(
                    "resource",
                    "unknown-resource",
                    need,
                    resources.keys().map(String::as_str),
                );
            }
            let params: Vec<&str> = resource
                .params
                .iter()
                .map(|(name, _)| name.as_str())
                .collect();
            let mut about: Vec<&str> = self.reach(resource);
            about.extend(&params);
            let mut itself = about.clone();
            itself.push(&resource.name);
            for name in &params {
                if resources.contains_key(*name)
                    && resource.needs.iter().all(|need| need.value != *name)
                {
                    continue;
                }
                if EVERYWHERE.contains(name)
                    || resource.needs.iter().any(|need| need.value == *name)
                {
                    self.found.push(
                        Diagnostic::new(
                            "duplicate-id",
                            &resource.span,
                            format!(
                                "the parameter `{name}` of `{}` has the name of something else",
                                resource.name
                            ),
                        )
                        .help("rename it"),
                    );
                }
            }
            self.operation(&resource.create, &about);
            for operation in std::iter::once(&resource.read)
                .chain(&resource.delete)
                .chain(resource.operations.values())
            {
                self.operation(operation, &itself);
            }
            for expr in resource.object.exprs() {
                self.names(expr, ANSWER);
            }
            if let Some(list) = &resource.list {
                self.request(&list.request, &itself);
                for expr in list.items.exprs() {
                    self.names(expr, ANSWER);
                }
            }
            if let Some(ready) = &resource.ready {
                let reach = self.reach(resource);
                self.known(
                    "object to poll",
                    "unknown-resource",
                    &ready.poll,
                    reach.iter().copied().chain([resource.name.as_str()]),
                );
                for expr in std::iter::once(&ready.until).chain(&ready.fail_if) {
                    self.names(expr, &itself);
                }
            }
        }
        self.cycles();
    }

    /// The names of what a resource needs, and of what that needs.
    fn reach(&self, resource: &'a Resource) -> Vec<&'a str> {
        let resources = self.resources;
        let mut found: Vec<&str> = Vec::new();
        let mut open = vec![resource];
        while let Some(next) = open.pop() {
            for need in &next.needs {
                if !found.contains(&need.value.as_str()) {
                    found.push(&need.value);
                    open.extend(resources.get(&need.value).map(Arc::as_ref));
                }
            }
        }
        found
    }

    fn cycles(&mut self) {
        for resource in self.resources.values() {
            let (mut seen, mut open) = (BTreeSet::new(), vec![resource.name.as_str()]);
            while let Some(name) = open.pop() {
                for need in self
                    .resources
                    .get(name)
                    .into_iter()
                    .flat_map(|resource| &resource.needs)
                {
                    if need.value == resource.name {
                        self.found.push(
                            Diagnostic::new(
                                "need-cycle",
                                &need.span,
                                format!("`{}` needs itself in the end", resource.name),
                            )
                            .label("this closes the circle"),
                        );
                    } else if seen.insert(need.value.as_str()) {
                        open.push(&need.value);
                    }
                }
            }
        }
    }

    fn operation(&mut self, operation: &Operation, names: &[&str]) {
        let mut names = names.to_vec();
        names.extend(operation.params.iter().map(|(name, _)| name.as_str()));
        self.request(&operation.request, &names);
        let profiles = self.profiles;
        for answer in &operation.answer {
            for profile in profiles.values() {
                self.known(
                    &format!("answer of the profile {}", profile.name),
                    "unknown-answer",
                    answer,
                    profile.answers.keys().map(String::as_str),
                );
            }
        }
    }

    fn request(&mut self, request: &RequestTemplate, names: &[&str]) {
        let mut exprs = Vec::new();
        request_exprs(request, &mut |expr| exprs.push(expr));
        for expr in exprs {
            self.names(expr, names);
        }
    }

    /// Reports the names that an expression uses and that are not there.
    fn names(&mut self, expr: &Expr, more: &[&str]) {
        let known: Vec<&str> = more
            .iter()
            .copied()
            .chain(EVERYWHERE.iter().copied())
            .chain(self.variables.iter().map(String::as_str))
            .collect();
        names(expr, &known, self.found);
        for name in &expr.names {
            let Some(feature) = name
                .strip_prefix("profile.")
                .and_then(|rest| rest.split('.').next())
            else {
                continue;
            };
            for profile in self.profiles.values() {
                if !["name", "title"].contains(&feature) && profile.features.get(feature).is_none()
                {
                    let known = self
                        .profiles
                        .values()
                        .filter_map(|profile| profile.features.as_object())
                        .flat_map(|features| features.keys().map(String::as_str));
                    self.found.push(
                        Diagnostic::new(
                            "unknown-name",
                            &expr.span,
                            format!("the profile `{}` has no feature `{feature}`", profile.name),
                        )
                        .label("used here")
                        .help("declare it under `features` of every profile")
                        .nearest(feature, known),
                    );
                }
            }
        }
    }

    fn file(&mut self, group: &str, file: ScenarioFile) -> Vec<Arc<Scenario>> {
        let mut scenarios: Vec<Arc<Scenario>> = Vec::new();
        let stem = group.rsplit('/').next().unwrap_or(group).to_owned();
        for raw in file.scenarios {
            let id = raw
                .id
                .clone()
                .unwrap_or_else(|| Spanned::new(stem.clone(), raw.span.clone()));
            if id.value.is_empty()
                || !id
                    .value
                    .chars()
                    .all(|c| c.is_alphanumeric() || "-_.".contains(c))
            {
                self.found.push(
                    Diagnostic::new("bad-id", &id.span, format!("`{}` is no id", id.value))
                        .label("here")
                        .help("use letters, digits, `-`, `_` and `.`; spaces belong into `title`"),
                );
            }
            if let Some(first) = scenarios
                .iter()
                .find(|first| first.id.rsplit('/').next() == Some(&id.value))
            {
                let diagnostic = duplicate("scenario", &id, &first.span);
                self.found.push(diagnostic);
            }
            let title = raw.title.clone().unwrap_or_else(|| id.clone());
            if let Some(first) = scenarios.iter().find(|first| first.title == title.value) {
                self.found.push(
                    Diagnostic::new(
                        "duplicate-title",
                        &title.span,
                        "two scenarios of a file have the same title",
                    )
                    .label("again")
                    .help(format!(
                        "the first one is `{}`; a report could not tell them apart",
                        first.id
                    )),
                );
            }
            let full = if raw.id.is_some() {
                format!("{group}/{}", id.value)
            } else {
                group.to_owned()
            };
            let tags = file
                .tags
                .iter()
                .chain(&raw.tags)
                .map(|tag| tag.value.clone())
                .collect();
            let scenario = self.scenario(raw, full, group, title.value, file.feature.clone(), tags);
            scenarios.push(Arc::new(scenario));
        }
        scenarios
    }

    fn scenario(
        &mut self,
        raw: RawScenario,
        id: String,
        group: &str,
        title: String,
        feature: Option<String>,
        tags: BTreeSet<String>,
    ) -> Scenario {
        let RawScenario {
            span,
            id: _,
            title: _,
            requirements,
            tags: _,
            only_if,
            variables,
            given,
            steps,
            then,
            finally,
            timeout,
        } = raw;
        for requirement in &requirements {
            self.requirement(requirement);
        }
        if let Some(expr) = &only_if {
            self.names(expr, &[]);
        }
        let mut steps: Vec<Step> = steps
            .into_iter()
            .filter_map(|step| self.unfold(step, 0))
            .collect();
        let mut finally: Vec<Step> = finally
            .into_iter()
            .filter_map(|step| self.unfold(step, 0))
            .collect();
        let wanted: Vec<&str> = steps
            .iter()
            .chain(&finally)
            .filter_map(|step| created(step))
            .collect();
        let mut given = resolve(given, &wanted, self.resources, self.found);
        for step in steps.iter_mut().chain(&mut finally) {
            self.creation(step, &mut given);
        }

        let mut names: Vec<String> = Vec::new();
        for (name, value) in &variables {
            let known: Vec<&str> = names.iter().map(String::as_str).collect();
            let mut exprs = Vec::new();
            value.for_each_expr(&mut |expr| exprs.push(expr));
            exprs.into_iter().for_each(|expr| self.names(expr, &known));
            names.push(name.value.clone());
        }
        for entry in &given {
            let known: Vec<&str> = names.iter().map(String::as_str).collect();
            let mut exprs = Vec::new();
            entry
                .params
                .iter()
                .map(|(_, value)| value)
                .chain(&entry.count)
                .for_each(|value| value.for_each_expr(&mut |expr| exprs.push(expr)));
            exprs.into_iter().for_each(|expr| self.names(expr, &known));
            names.push(entry.alias.clone());
        }
        let mut objects: BTreeMap<String, Arc<Resource>> = given
            .iter()
            .map(|entry| (entry.alias.clone(), Arc::clone(&entry.resource)))
            .collect();
        let last = steps.len().saturating_sub(1);
        for (at, step) in steps.iter().enumerate() {
            let judged: Vec<&Expect> = if at == last {
                step.then.iter().chain(&then).collect()
            } else {
                step.then.iter().collect()
            };
            self.step(step, &judged, &mut names, &mut objects);
        }
        for step in &finally {
            self.step(
                step,
                &step.then.iter().collect::<Vec<_>>(),
                &mut names,
                &mut objects,
            );
        }
        let variables = variables
            .into_iter()
            .map(|(name, value)| (name.value, value))
            .collect();
        Scenario {
            id,
            group: group.to_owned(),
            title,
            feature,
            span,
            requirements,
            tags,
            only_if,
            variables,
            given,
            steps,
            then,
            finally,
            timeout,
        }
    }

    fn requirement(&mut self, requirement: &Spanned<String>) {
        let requirements = self.requirements;
        self.known(
            "requirement",
            "unknown-requirement",
            requirement,
            requirements.keys().map(String::as_str),
        );
        self.used.insert(requirement.value.clone());
    }

    /// Puts a fragment in the place of its name; what the step says itself wins.
    fn unfold(&mut self, step: Step, depth: usize) -> Option<Step> {
        let Action::Fragment(name) = &step.action else {
            return Some(step);
        };
        let fragments = self.fragments;
        if !self.known(
            "fragment",
            "unknown-fragment",
            name,
            fragments.keys().map(String::as_str),
        ) {
            return None;
        }
        if depth > 8 {
            self.found.push(
                Diagnostic::new(
                    "fragment-cycle",
                    &name.span,
                    format!("the fragment `{}` uses itself in the end", name.value),
                )
                .label("used here")
                .help("break the circle: a fragment may use only what does not lead back to it"),
            );
            return None;
        }
        let (_, fragment) = fragments.get(&name.value)?;
        let mut unfolded = self.unfold(fragment.clone(), depth + 1)?;
        unfolded.span = step.span;
        unfolded.identity = step.identity.or(unfolded.identity);
        unfolded.creates = step.creates.or(unfolded.creates);
        unfolded.concurrently = step.concurrently.or(unfolded.concurrently);
        unfolded.capture.extend(step.capture);
        unfolded
            .with
            .retain(|(name, _)| step.with.iter().all(|(own, _)| own != name));
        unfolded.with.extend(step.with);
        if !step.then.is_empty() {
            unfolded.then = step.then;
        }
        Some(unfolded)
    }

    /// Turns `create pool` into the creation of one more pool, with its needs bound to what is given.
    fn creation(&mut self, step: &mut Step, given: &mut [Given]) {
        let Some(resource) = created(step)
            .and_then(|name| self.resources.get(name))
            .cloned()
        else {
            return;
        };
        let Action::Operation(_, name) = &step.action else {
            return;
        };
        let binds = bind(&resource, &name.span, &[], given, self.found);
        let alias = step
            .creates
            .as_ref()
            .map_or_else(|| name.clone(), |(alias, _)| alias.clone());
        if given.iter().any(|entry| entry.alias == alias.value) {
            self.found.push(
                Diagnostic::new(
                    "duplicate-alias",
                    &alias.span,
                    format!("`{}` is given already", alias.value),
                )
                .label("the new object needs a name of its own")
                .help(format!(
                    "write `creates: {{ another_{}: {} }}`",
                    resource.name, resource.name
                )),
            );
        }
        step.creates = Some((alias, name.clone()));
        step.action = Action::Create(resource, binds);
    }

    fn step(
        &mut self,
        step: &Step,
        judged: &[&Expect],
        names: &mut Vec<String>,
        objects: &mut BTreeMap<String, Arc<Resource>>,
    ) {
        let resources = self.resources;
        for (_, value) in &step.with {
            let mut exprs = Vec::new();
            value.for_each_expr(&mut |expr| exprs.push(expr));
            let known: Vec<&str> = names.iter().map(String::as_str).collect();
            exprs.into_iter().for_each(|expr| self.names(expr, &known));
        }
        let mut known: Vec<&str> = names.iter().map(String::as_str).collect();
        known.extend(step.with.iter().map(|(name, _)| name.as_str()));
        match &step.action {
            Action::Request(request) => self.request(request, &known),
            Action::Operation(operation, alias) => {
                if self.known(
                    "given object",
                    "unknown-object",
                    alias,
                    objects.keys().map(String::as_str),
                ) && let Some(resource) = objects.get(&alias.value)
                    && self.known(
                        &format!("operation of `{}`", resource.name),
                        "unknown-operation",
                        operation,
                        resource.operation_names(),
                    )
                    && let Some(operation) = resource.operation(&operation.value)
                {
                    self.with(
                        step,
                        operation
                            .params
                            .iter()
                            .map(|(name, _)| name.as_str())
                            .collect(),
                    );
                }
            }
            Action::Create(resource, _) => self.with(
                step,
                resource
                    .params
                    .iter()
                    .map(|(name, _)| name.as_str())
                    .collect(),
            ),
            Action::Fragment(_) => {}
        }
        if let Some(identity) = &step.identity {
            let identities = self.identities.clone();
            self.known(
                "identity",
                "unknown-identity",
                identity,
                identities.into_iter(),
            );
        }
        let after: Vec<String> = names
            .iter()
            .cloned()
            .chain(step.with.iter().map(|(name, _)| name.clone()))
            .collect();
        if let Some((alias, resource)) = &step.creates {
            if self.known(
                "resource",
                "unknown-resource",
                resource,
                resources.keys().map(String::as_str),
            ) && let Some(resource) = resources.get(&resource.value)
            {
                objects.insert(alias.value.clone(), Arc::clone(resource));
            }
            names.push(alias.value.clone());
        }
        for (name, expr) in &step.capture {
            let known: Vec<&str> = after
                .iter()
                .map(String::as_str)
                .chain(ANSWER.iter().copied())
                .collect();
            self.names(expr, &known);
            names.push(name.value.clone());
        }
        let reads = match &step.action {
            Action::Request(request) => matches!(request.method.as_str(), "GET" | "HEAD"),
            Action::Operation(operation, _) => operation.value == "read",
            _ => false,
        };
        let known: Vec<String> = names.clone();
        for expect in judged {
            let answer = &expect.answer;
            let single = answer.status.is_some()
                || !answer.headers.is_empty()
                || answer.body.is_some()
                || answer.schema.is_some()
                || !expect.named.is_empty();
            if (step.concurrently.is_some() && single)
                || (step.concurrently.is_none() && !expect.answers.is_empty())
            {
                self.found.push(Diagnostic::new("concurrent-answers", &expect.span, if single { "several requests are sent at once, and this judges one answer" } else { "`answers` counts the answers of concurrent requests, and there is one request" }).label("here").help("use `answers` with `concurrently`, and only then"));
            }
            self.expect(expect, &known, objects, reads);
        }
    }

    fn with(&mut self, step: &Step, params: Vec<&str>) {
        for (name, _) in &step.with {
            self.known(
                "parameter of this operation",
                "unknown-parameter",
                &Spanned::new(name.clone(), step.span.clone()),
                params.iter().copied(),
            );
        }
    }

    fn expect(
        &mut self,
        expect: &Expect,
        names: &[String],
        objects: &BTreeMap<String, Arc<Resource>>,
        reads: bool,
    ) {
        for requirement in &expect.requirements {
            self.requirement(requirement);
        }
        let plain: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut known = plain.clone();
        known.extend(ANSWER);
        if let Some(expr) = &expect.only_if {
            self.names(expr, &plain);
        }
        self.answer(&expect.answer, &known);
        let profiles = self.profiles;
        for name in expect
            .named
            .iter()
            .chain(expect.answers.iter().flat_map(|(names, _)| names))
        {
            self.known(
                "answer",
                "unknown-answer",
                name,
                profiles
                    .values()
                    .flat_map(|profile| profile.answers.keys().map(String::as_str)),
            );
        }
        known.extend(AFTERMATH);
        for expr in expect.exprs() {
            self.names(expr, &known);
            for name in &expr.names {
                let mut segments = name.split('.');
                if let (Some(root), Some(alias)) = (segments.next(), segments.next())
                    && AFTERMATH.contains(&root)
                {
                    self.known(
                        "given object",
                        "unknown-object",
                        &Spanned::new(alias.to_owned(), expr.span.clone()),
                        objects.keys().map(String::as_str),
                    );
                }
            }
        }
        let these = match expect.unchanged.as_ref().map(|unchanged| &unchanged.value) {
            Some(Unchanged::These(these)) => these.as_slice(),
            _ => &[],
        };
        for alias in expect.gone.iter().chain(these) {
            self.known(
                "given object",
                "unknown-object",
                alias,
                objects.keys().map(String::as_str),
            );
        }
        if let Some(unchanged) = &expect.unchanged
            && objects.is_empty()
        {
            self.found.push(
                Diagnostic::new(
                    "nothing-given",
                    &unchanged.span,
                    "`unchanged` compares given objects, and there are none",
                )
                .label("nothing to compare")
                .help("list the objects under `given`"),
            );
        }
        let asks = expect.has_aftermath();
        if let (Some(eventually), false, false) = (&expect.eventually, asks, reads) {
            self.found.push(
                Diagnostic::new(
                    "nothing-to-repeat",
                    &eventually.span,
                    "`eventually` waits for an aftermath or repeats a GET; there is neither",
                )
                .label("nothing to wait for")
                .help(
                    "ask for `gone`, `unchanged` or `after.…`, or add a GET step with `eventually`",
                ),
            );
        }
        if !expect.asks() {
            self.found.push(
                Diagnostic::new("asks-nothing", &expect.span, "this `then` asks for nothing")
                    .label("nothing to judge")
                    .help("ask for a `status`, an `answer`, a `body`, …"),
            );
        }
    }

    fn answer(&mut self, answer: &AnswerExpect, names: &[&str]) {
        let mut matchers: Vec<&Matcher> =
            answer.headers.iter().map(|(_, matcher)| matcher).collect();
        if let Some(Spanned {
            value: BodyExpect::Matches(matcher),
            ..
        }) = &answer.body
        {
            matchers.push(matcher);
        }
        let known: Vec<&str> = names.iter().copied().chain(["value"]).collect();
        for matcher in matchers {
            let mut exprs = Vec::new();
            matcher.for_each_expr(&mut |expr| exprs.push(expr));
            exprs.into_iter().for_each(|expr| self.names(expr, &known));
        }
        if let Some(Spanned {
            value: SchemaRef::Component(name),
            span,
        }) = &answer.schema
        {
            let components: Vec<String> = self
                .openapi
                .map(|api| api.components().map(str::to_owned).collect())
                .unwrap_or_default();
            self.known(
                "component schema",
                "unknown-schema",
                &Spanned::new(name.clone(), span.clone()),
                components.iter().map(String::as_str),
            );
        }
    }
}

/// The resource that a step creates by its `create` operation.
fn created(step: &Step) -> Option<&str> {
    match &step.action {
        Action::Operation(operation, resource) if operation.value == "create" => {
            Some(&resource.value)
        }
        _ => None,
    }
}

fn names(expr: &Expr, known: &[&str], found: &mut Found) {
    for root in expr.roots().collect::<BTreeSet<_>>() {
        if !known.contains(&root) {
            let mut diagnostic = Diagnostic::new(
                "unknown-name",
                &expr.span,
                format!("there is no `{root}` here"),
            )
            .label("used here")
            .nearest(root, known.iter().copied());
            if diagnostic.help.is_none() {
                diagnostic = diagnostic.help(format!("known here: {}", shorten(known)));
            }
            found.push(diagnostic);
        }
    }
}

fn shorten(names: &[&str]) -> String {
    let names: Vec<&str> = names
        .iter()
        .copied()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    if names.len() > 12 {
        format!("{}, … ({} in all)", names[..12].join(", "), names.len())
    } else {
        names.join(", ")
    }
}
