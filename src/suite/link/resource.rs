//! The names in requirements, profiles and resources.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Linker;
use super::names::{EVERYWHERE, FUNCTIONS, STATE};
use crate::source::{Diagnostic, Spanned};
use crate::suite::model::{Operation, RequestTemplate, Resource};
use crate::template::ANSWER;

impl<'a> Linker<'a> {
    pub(super) fn requirements(&mut self) {
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

    pub(super) fn profiles(&mut self) {
        let resources = self.resources;
        for profile in self.profiles.values() {
            if let Some(quota) = &profile.quota {
                self.request(&quota.request, &["profile"]);
                for (resource, list) in &quota.there {
                    let known = resources.keys().map(String::as_str);
                    self.known("resource", "unknown-resource", resource, known);
                    self.request(&list.request, &["profile"]);
                    for expr in list.items.exprs() {
                        self.names(expr, ANSWER);
                    }
                }
                for (resource, most) in &quota.most {
                    let known = resources.keys().map(String::as_str);
                    self.known("resource", "unknown-resource", resource, known);
                    for expr in most.exprs() {
                        self.names(expr, ANSWER);
                    }
                }
            }
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

    pub(super) fn resources(&mut self) {
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
                    || FUNCTIONS.contains(name)
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
            for (name, value) in &resource.beside {
                let beside = Spanned::new(name.clone(), resource.span.clone());
                self.known(
                    &format!("parameter of `{}`", resource.name),
                    "unknown-parameter",
                    &beside,
                    params.iter().copied(),
                );
                value.for_each_expr(&mut |expr| self.names(expr, &["number"]));
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
            for expr in resource.found.iter().flat_map(|found| found.exprs()) {
                self.names(expr, &about);
            }
            for (_, value) in &resource.shows {
                let known: Vec<&str> = itself
                    .iter()
                    .copied()
                    .chain(STATE[..2].iter().copied())
                    .collect();
                value.for_each_expr(&mut |expr| self.names(expr, &known));
            }
            self.decisions(&resource.create, &about, resource);
            for operation in std::iter::once(&resource.read)
                .chain(&resource.delete)
                .chain(resource.operations.values())
            {
                self.decisions(operation, &itself, resource);
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

    /// The decision table of an operation, and the values that generated cases choose from.
    fn decisions(&mut self, operation: &'a Operation, about: &[&str], resource: &'a Resource) {
        let mut known: Vec<&str> = about.to_vec();
        known.extend(operation.params.iter().map(|(name, _)| name.as_str()));
        known.extend(STATE);
        for (name, value) in &operation.choices {
            value.for_each_expr(&mut |expr| self.names(expr, &known));
            let params = if std::ptr::eq(operation, &resource.create) {
                &resource.params
            } else {
                &operation.params
            };
            self.known(
                "parameter of this operation",
                "unknown-parameter",
                &Spanned::new(name.clone(), operation.request.span.clone()),
                params.iter().map(|(name, _)| name.as_str()),
            );
        }
        let mut after = known.clone();
        after.push(&resource.name);
        let resources = self.resources;
        let last = operation.decides.len().saturating_sub(1);
        for (at, line) in operation.decides.iter().enumerate() {
            if let Some(expr) = &line.condition {
                self.names(expr, &known);
            }
            if (at == last) != line.condition.is_none() {
                let (message, help) = if at == last {
                    (
                        "the last line of a decision table must always apply",
                        "take its `if` out, or add a line without one",
                    )
                } else {
                    (
                        "this line always applies, so those after it never do",
                        "add an `if`, or make it the last line",
                    )
                };
                self.found.push(
                    Diagnostic::new("bad-decision", &line.span, message)
                        .label("this line")
                        .help(help),
                );
            }
            self.named(&line.answer);
            for requirement in &line.requirements {
                let requirements = self.requirements;
                self.known(
                    "requirement",
                    "unknown-requirement",
                    requirement,
                    requirements.keys().map(String::as_str),
                );
            }
            for kind in line
                .removes
                .iter()
                .chain(line.changes.iter().map(|change| &change.of))
            {
                self.known(
                    "resource",
                    "unknown-resource",
                    kind,
                    resources.keys().map(String::as_str),
                );
            }
            for (_, value) in &line.sets {
                value.for_each_expr(&mut |expr| self.names(expr, &after));
            }
            let others: Vec<&str> = after.iter().copied().chain(["it"]).collect();
            for change in &line.changes {
                if let Some(expr) = &change.condition {
                    self.names(expr, &others);
                }
                for (_, value) in &change.sets {
                    value.for_each_expr(&mut |expr| self.names(expr, &others));
                }
            }
        }
        if !operation.decides.is_empty()
            && !operation
                .decides
                .iter()
                .any(|line| crate::suite::model::succeeds(operation, line))
        {
            self.found.push(
                Diagnostic::new(
                    "bad-decision",
                    &operation.decides[last].span,
                    "no line of this decision table tells of success",
                )
                .label("neither this nor any other")
                .help("`answer` of the operation names the answers that count as success; use one of them"),
            );
        }
    }

    /// The names of what a resource needs, and of what that needs.
    pub(super) fn reach(&self, resource: &'a Resource) -> Vec<&'a str> {
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

    pub(super) fn cycles(&mut self) {
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

    pub(super) fn operation(&mut self, operation: &Operation, names: &[&str]) {
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

    pub(super) fn request(&mut self, request: &RequestTemplate, names: &[&str]) {
        request.for_each_expr(&mut |expr| self.names(expr, names));
    }
}
