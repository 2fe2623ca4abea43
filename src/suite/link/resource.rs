//! The names in requirements, profiles and resources.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Linker;
use super::names::{ANSWER, EVERYWHERE, FUNCTIONS};
use crate::source::{Diagnostic, Spanned};
use crate::suite::model::{Operation, RequestTemplate, Resource};

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
