//! The names in a step; fragments in the place of their names, and objects that steps create.

use std::sync::Arc;

use super::given::bind;
use super::names::ANSWERS;
use super::{Linker, Objects};
use crate::source::{Diagnostic, Spanned, nearest};
use crate::suite::model::{Action, Expect, Given, Operation, Step};
use crate::template::{ANSWER, JsonTemplate};

impl Linker<'_> {
    /// Puts a fragment in the place of its name; what the step says itself wins. A step whose fragment is
    /// unknown stays as it is.
    pub(super) fn unfold(&mut self, mut step: Step, depth: usize) -> Step {
        if let Action::Together(parts) = step.action {
            let parts = parts.into_iter().map(|part| self.unfold(part, depth));
            step.action = Action::Together(parts.collect());
            return step;
        }
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
        let known = given.len();
        match &mut step.action {
            // What is sent at the same time cannot need what another of them creates.
            Action::Together(parts) => parts
                .iter_mut()
                .for_each(|part| self.one_creation(part, given, known)),
            _ => self.one_creation(step, given, known),
        }
    }

    /// As [`Linker::creation`], of one request that can need the first `known` of what is given.
    fn one_creation(&mut self, step: &mut Step, given: &mut Vec<Given>, known: usize) {
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
                    JsonTemplate::Plain(alias) => alias.as_str().unwrap_or_default().to_owned(),
                    _ => String::new(),
                };
                explicit.push((param.clone(), Spanned::new(alias, step.span.clone())));
            }
            !binds
        });
        let binds = bind(
            &resource,
            &name.span,
            &explicit,
            &given[..known],
            self.found,
        );
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
            binds: binds.clone(),
            ..Given::plain(alias.value.as_str(), &resource, &alias.span)
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
        if let Action::Together(parts) = &step.action {
            self.parts(parts, names, objects);
        }
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
            Action::Fragment(_) | Action::Together(_) => {}
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
            Action::Create(..) | Action::Together(_) => false,
            // An unknown fragment may well read.
            Action::Fragment(_) => true,
        };
        let known: Vec<String> = names.clone();
        let counted = self.concurrency(step, judged);
        for expect in judged {
            if expect.contract && !step.parts().iter().all(|part| decided(part, objects)) {
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
            let stranger = (step.parts().iter())
                .filter(|_| step.is_together())
                .filter_map(|part| part.identity.as_ref())
                .find(|identity| identity.value != "owner");
            if let (true, Some(stranger)) = (expect.contract, stranger) {
                self.found.push(
                    Diagnostic::new(
                        "no-contract",
                        &stranger.span,
                        "a decision table says what the owner is answered, not anybody else",
                    )
                    .label("sent as another")
                    .help("count the answers with `answers` instead of `contract`"),
                );
            }
            self.expect(expect, &known, objects, reads);
            if counted {
                self.named(expect.answers.iter().flat_map(|(names, _)| names));
            }
        }
    }

    /// The steps that are sent at the same time: none knows what comes of another.
    fn parts(&mut self, parts: &[Step], names: &mut Vec<String>, objects: &mut Objects) {
        let (mut made, mut kinds) = (Vec::new(), Objects::new());
        for part in parts {
            let wrong = [
                ("then", !part.then.is_empty()),
                ("capture", !part.capture.is_empty()),
                (
                    "concurrently",
                    part.concurrently.is_some() || part.is_together(),
                ),
            ];
            if let Some((key, _)) = wrong.into_iter().find(|(_, wrong)| *wrong) {
                self.found.push(
                    Diagnostic::new(
                        "concurrent-step",
                        &part.span,
                        format!(
                            "a step that is sent together with others has no `{key}` of its own"
                        ),
                    )
                    .label("this step")
                    .help("judge them together, in the `then` of the step around them"),
                );
                continue;
            }
            let (mut own_names, mut own_objects) = (names.clone(), objects.clone());
            self.step(part, &[], &mut own_names, &mut own_objects);
            made.extend(own_names.into_iter().skip(names.len()));
            kinds.extend(
                own_objects
                    .into_iter()
                    .filter(|(alias, _)| !objects.contains_key(alias)),
            );
        }
        names.extend(made);
        objects.extend(kinds);
    }

    /// Reports a step that judges one answer of several, or several of one; once, however often it does.
    /// Whether its `answers` can be meant at all.
    fn concurrency(&mut self, step: &Step, judged: &[&Expect]) -> bool {
        let times = step.concurrently.as_ref().map(|times| times.value);
        let several = times.is_some() || step.is_together();
        let wrong = match (times, several) {
            // The number is wrong, and that has been said; or the fragment is, and it may say a number.
            (Some(0), _) => None,
            (None, false) if matches!(step.action, Action::Fragment(_)) => None,
            (_, true) => judged.iter().find(|expect| expect.judges_one_answer()),
            (_, false) => judged.iter().find(|expect| !expect.answers.is_empty()),
        };
        let Some(expect) = wrong else { return true };
        let (message, help) = if several {
            (
                "several requests are sent at once, and this judges one answer",
                "count them by their names, such as `answers: { deleted: 1, not_found: rest }`",
            )
        } else {
            (
                "`answers` counts the answers of concurrent requests, and there is one request",
                "say how many are sent with `concurrently`, or judge the one with `answer`",
            )
        };
        self.found.push(
            Diagnostic::new("concurrent-answers", &expect.span, message)
                .label("here")
                .help(help),
        );
        several
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

/// Whether a step that is asked for its contract can have one: it has a decision table, or it has been told
/// of already.
fn decided(step: &Step, objects: &Objects) -> bool {
    let table = |operation: &Operation| !operation.decides.is_empty();
    match &step.action {
        Action::Operation(operation, alias) => objects
            .get(&alias.value)
            .and_then(Option::as_ref)
            .and_then(|resource| resource.operation(&operation.value))
            .is_none_or(table),
        Action::Create(resource, _) => table(&resource.create),
        Action::Fragment(_) | Action::Together(_) => true,
        Action::Request(_) => false,
    }
}

/// The resource that a step creates by its `create` operation.
pub(super) fn created(step: &Step) -> Option<&Spanned<String>> {
    match &step.action {
        Action::Operation(operation, resource) if operation.value == "create" => Some(resource),
        _ => None,
    }
}
