//! A scenario whose names are all there, with its fragments unfolded and its objects in order.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::given::{State, resolve};
use super::step::created;
use super::{Linker, Objects, duplicate};
use crate::source::{Diagnostic, Spanned};
use crate::suite::model::{Expect, Scenario, Step};
use crate::suite::parse::{RawScenario, ScenarioFile};

impl Linker<'_> {
    pub(super) fn file(&mut self, group: &str, file: ScenarioFile) -> Vec<Arc<Scenario>> {
        let mut scenarios: Vec<Arc<Scenario>> = Vec::new();
        // Where the first one is that has it.
        let (mut ids, mut titles) = (HashMap::new(), HashMap::new());
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
            let first = ids.get(&id.value).map(|at: &usize| &scenarios[*at]);
            if let Some(first) = first {
                let diagnostic = duplicate("scenario", &id, &first.span);
                self.found.push(diagnostic);
            }
            let title = raw.title.clone().unwrap_or_else(|| id.clone());
            let first = titles.get(&title.value).map(|at: &usize| &scenarios[*at]);
            if let Some(first) = first {
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
            ids.entry(id.value.clone()).or_insert(scenarios.len());
            titles.entry(title.value.clone()).or_insert(scenarios.len());
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
            let scenario = self.scenario(raw, full, group, title, file.feature.clone(), tags);
            scenarios.push(Arc::new(scenario));
        }
        scenarios
    }

    pub(super) fn scenario(
        &mut self,
        raw: RawScenario,
        id: String,
        group: &str,
        title: Spanned<String>,
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
            matrix,
            given,
            steps,
            then,
            finally,
            timeout,
        } = raw;
        for requirement in &requirements {
            self.requirement(requirement);
        }
        let axes: Vec<Spanned<String>> = matrix
            .iter()
            .flat_map(|matrix| &matrix.axes)
            .map(|axis| axis.name.clone())
            .collect();
        let matrix = matrix.and_then(|matrix| self.matrix(matrix, &title));
        let mut names: Vec<String> = axes.iter().map(|name| name.value.clone()).collect();
        if let Some(expr) = &only_if {
            self.names(expr, &names);
        }
        let mut steps: Vec<Step> = steps.into_iter().map(|step| self.unfold(step, 0)).collect();
        let mut finally: Vec<Step> = finally
            .into_iter()
            .map(|step| self.unfold(step, 0))
            .collect();
        let wanted: Vec<&str> = steps
            .iter()
            .chain(&finally)
            .flat_map(Step::parts)
            .filter_map(created)
            .map(|name| name.value.as_str())
            .collect();
        let State { given, unknown } = resolve(given, &wanted, self.resources, self.found);
        let mut objects = given.clone();
        for step in steps.iter_mut().chain(&mut finally) {
            self.creation(step, &mut objects);
        }

        for (name, value) in &variables {
            value.for_each_expr(&mut |expr| self.names(expr, &names));
            names.push(name.value.clone());
        }
        names.extend(unknown.iter().cloned());
        for entry in &given {
            for value in entry
                .params
                .iter()
                .map(|(_, value)| value)
                .chain(&entry.count)
            {
                value.for_each_expr(&mut |expr| self.names(expr, &names));
            }
            names.push(entry.alias.clone());
        }
        let mut objects: Objects = unknown
            .into_iter()
            .map(|alias| (alias, None))
            .chain(
                given
                    .iter()
                    .map(|entry| (entry.alias.clone(), Some(Arc::clone(&entry.resource)))),
            )
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
        let taken: Vec<&str> = names[axes.len()..].iter().map(String::as_str).collect();
        self.own_names(&axes, &taken);
        let variables = variables
            .into_iter()
            .map(|(name, value)| (name.value, value))
            .collect();
        Scenario {
            id,
            group: group.to_owned(),
            title: title.value,
            feature,
            span,
            requirements,
            tags,
            only_if,
            variables,
            matrix,
            given,
            steps,
            then,
            finally,
            timeout,
        }
    }

    pub(super) fn requirement(&mut self, requirement: &Spanned<String>) {
        let requirements = self.requirements;
        // They are named often.
        if self.used.contains(&requirement.value) && requirements.contains_key(&requirement.value) {
            return;
        }
        self.known(
            "requirement",
            "unknown-requirement",
            requirement,
            requirements.keys().map(String::as_str),
        );
        self.used.insert(requirement.value.clone());
    }
}
