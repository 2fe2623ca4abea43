//! The names in a step; fragments in the place of their names, and objects that steps create.

use std::sync::Arc;

use serde_json::Value as Json;

use super::given::bind;
use super::names::{ANSWER, ANSWERS};
use super::{Linker, Objects};
use crate::source::{Diagnostic, Spanned, nearest};
use crate::suite::model::{Action, Expect, Given, Step};
use crate::template::JsonTemplate;

impl Linker<'_> {
    /// Puts a fragment in the place of its name; what the step says itself wins. A step whose fragment is
    /// unknown stays as it is.
    pub(super) fn unfold(&mut self, step: Step, depth: usize) -> Step {
        let Action::Fragment(name) = &step.action else {
            return step;
        };
        let fragments = self.fragments;
        let known = || fragments.keys().map(String::as_str);
        let meant = if self.known("fragment", "unknown-fragment", name, known()) {
            Some(name.value.as_str())
        } else {
            nearest(&name.value, known())
        };
        let Some((_, fragment)) = meant.and_then(|meant| fragments.get(meant)) else {
            return step;
        };
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
            return step;
        }
        let mut unfolded = self.unfold(fragment.clone(), depth + 1);
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
        unfolded
    }

    /// Turns `create pool` into the creation of one more pool, with its needs bound to what is given.
    pub(super) fn creation(&mut self, step: &mut Step, given: &mut Vec<Given>) {
        let Some(resource) = created(step)
            .and_then(|name| self.resources.get(&name.value))
            .cloned()
        else {
            return;
        };
        let Action::Operation(_, name) = &step.action else {
            return;
        };
        let mut explicit = Vec::new();
        step.with.retain(|(param, value)| {
            let binds = resource.needs.iter().any(|need| need.value == *param);
            if binds {
                let alias = match value {
                    JsonTemplate::Plain(Json::String(alias)) => alias.clone(),
                    _ => String::new(),
                };
                explicit.push((param.clone(), Spanned::new(alias, step.span.clone())));
            }
            !binds
        });
        let binds = bind(&resource, &name.span, &explicit, given, self.found);
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
        given.push(Given {
            alias: alias.value.clone(),
            resource: Arc::clone(&resource),
            span: alias.span.clone(),
            count: None,
            params: Vec::new(),
            binds: binds.clone(),
            scope: resource.scope,
            operations: Vec::new(),
        });
        step.creates = Some((alias, name.clone()));
        step.action = Action::Create(resource, binds);
    }

    pub(super) fn step(
        &mut self,
        step: &Step,
        judged: &[&Expect],
        names: &mut Vec<String>,
        objects: &mut Objects,
    ) {
        let resources = self.resources;
        let mut known: Vec<&str> = names.iter().map(String::as_str).collect();
        for (_, value) in &step.with {
            value.for_each_expr(&mut |expr| self.names(expr, &known));
        }
        known.extend(step.with.iter().map(|(name, _)| name.as_str()));
        match &step.action {
            Action::Request(request) => self.request(request, &known),
            Action::Operation(operation, _) if operation.value == "create" => {}
            Action::Operation(operation, alias) => {
                if self.known(
                    "given object",
                    "unknown-object",
                    alias,
                    objects.keys().map(String::as_str),
                ) && let Some(Some(resource)) = objects.get(&alias.value)
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
        let made = created(step).or(step.creates.as_ref().map(|(_, kind)| kind));
        if let Some(kind) = made {
            let known = || resources.keys().map(String::as_str);
            let alias = step.creates.as_ref().map_or(kind, |(alias, _)| alias);
            self.known("resource", "unknown-resource", kind, known());
            let resource = resources.get(&kind.value);
            objects.insert(alias.value.clone(), resource.map(Arc::clone));
            names.push(alias.value.clone());
            if resource.is_none()
                && alias.value == kind.value
                && let Some(near) = nearest(&kind.value, known())
            {
                objects.insert(near.to_owned(), resources.get(near).map(Arc::clone));
                names.push(near.to_owned());
            }
        }
        for (name, expr) in &step.capture {
            let known: Vec<&str> = after
                .iter()
                .map(String::as_str)
                .chain(ANSWER.iter().chain(ANSWERS).copied())
                .collect();
            self.names(expr, &known);
            names.push(name.value.clone());
        }
        let reads = match &step.action {
            Action::Request(request) => matches!(request.method.as_str(), "GET" | "HEAD"),
            Action::Operation(operation, _) => operation.value == "read",
            Action::Create(..) => false,
            // An unknown fragment may well read.
            Action::Fragment(_) => true,
        };
        let known: Vec<String> = names.clone();
        let counted = self.concurrency(step, judged);
        for expect in judged {
            if expect.contract {
                let decided = match &step.action {
                    Action::Operation(operation, alias) => objects
                        .get(&alias.value)
                        .and_then(Option::as_ref)
                        .and_then(|resource| resource.operation(&operation.value)),
                    Action::Create(resource, _) => Some(&resource.create),
                    Action::Request(_) | Action::Fragment(_) => None,
                };
                let known = match &step.action {
                    // An operation that is not there has been told of already.
                    Action::Operation(..) => {
                        decided.is_none_or(|operation| !operation.decides.is_empty())
                    }
                    // Neither is a fragment that is not there.
                    Action::Fragment(_) => true,
                    _ => decided.is_some_and(|operation| !operation.decides.is_empty()),
                };
                if !known {
                    self.found.push(
                        Diagnostic::new(
                            "no-contract",
                            &expect.span,
                            "`contract` asks for a decision table, and this step has none",
                        )
                        .label("here")
                        .help("send an operation that has `decides`, with `do`"),
                    );
                }
            }
            self.expect(expect, &known, objects, reads);
            if counted {
                self.named(expect.answers.iter().flat_map(|(names, _)| names));
            }
        }
    }

    /// Reports a step that judges one answer of several, or several of one; once, however often it does.
    /// Whether its `answers` can be meant at all.
    fn concurrency(&mut self, step: &Step, judged: &[&Expect]) -> bool {
        let times = step.concurrently.as_ref().map(|times| times.value);
        let wrong = match times {
            // The number is wrong, and that has been said; or the fragment is, and it may say a number.
            Some(0) => None,
            None if matches!(step.action, Action::Fragment(_)) => None,
            Some(_) => judged.iter().find(|expect| expect.judges_one_answer()),
            None => judged.iter().find(|expect| !expect.answers.is_empty()),
        };
        let Some(expect) = wrong else { return true };
        let (message, help) = match times {
            Some(_) => (
                "several requests are sent at once, and this judges one answer",
                "count them by their names, such as `answers: { deleted: 1, not_found: rest }`",
            ),
            None => (
                "`answers` counts the answers of concurrent requests, and there is one request",
                "say how many are sent with `concurrently`, or judge the one with `answer`",
            ),
        };
        self.found.push(
            Diagnostic::new("concurrent-answers", &expect.span, message)
                .label("here")
                .help(help),
        );
        times.is_some()
    }

    pub(super) fn with(&mut self, step: &Step, params: Vec<&str>) {
        for (name, _) in &step.with {
            self.known(
                "parameter of this operation",
                "unknown-parameter",
                &Spanned::new(name.clone(), step.span.clone()),
                params.iter().copied(),
            );
        }
    }
}

/// The resource that a step creates by its `create` operation.
pub(super) fn created(step: &Step) -> Option<&Spanned<String>> {
    match &step.action {
        Action::Operation(operation, resource) if operation.value == "create" => Some(resource),
        _ => None,
    }
}
