//! A file of scenarios, or of one.

use std::sync::Arc;
use std::time::Duration;

use super::expect::expect;
use super::generate::{RawMatrix, generate};
use super::step::{step, steps};
use crate::source::{Diagnostic, Source, Span, Spanned};
use crate::suite::model::{Expect, Step};
use crate::suite::read::{self, Fields, Found};
use crate::suite::shape;
use crate::suite::yaml::{Kind, Node};
use crate::template::{Expr, JsonTemplate};

/// A file of scenarios.
pub(in crate::suite) struct ScenarioFile {
    pub(in crate::suite) feature: Option<String>,
    pub(in crate::suite) tags: Vec<Spanned<String>>,
    pub(in crate::suite) uses: Vec<Spanned<String>>,
    pub(in crate::suite) fragments: Vec<(Spanned<String>, Step)>,
    pub(in crate::suite) scenarios: Vec<RawScenario>,
}

/// A scenario before its names are resolved.
pub(in crate::suite) struct RawScenario {
    pub(in crate::suite) span: Span,
    /// `None` for the only scenario of a file.
    pub(in crate::suite) id: Option<Spanned<String>>,
    pub(in crate::suite) title: Option<Spanned<String>>,
    pub(in crate::suite) requirements: Vec<Spanned<String>>,
    pub(in crate::suite) tags: Vec<Spanned<String>>,
    pub(in crate::suite) only_if: Option<Expr>,
    pub(in crate::suite) variables: Vec<(Spanned<String>, JsonTemplate)>,
    pub(in crate::suite) matrix: Option<RawMatrix>,
    pub(in crate::suite) given: Vec<RawGiven>,
    pub(in crate::suite) steps: Vec<Step>,
    pub(in crate::suite) then: Vec<Expect>,
    pub(in crate::suite) finally: Vec<Step>,
    pub(in crate::suite) timeout: Option<Duration>,
}

/// An entry of `given` as written: a resource's name and its options.
pub(in crate::suite) struct RawGiven {
    pub(in crate::suite) resource: Spanned<String>,
    pub(in crate::suite) options: Vec<(Spanned<String>, Node<'static>)>,
}

impl RawGiven {
    /// What the scenario calls the object.
    pub(in crate::suite) fn alias(&self) -> &str {
        self.options
            .iter()
            .find(|(option, _)| option.value == "as")
            .and_then(|(_, node)| node.text())
            .unwrap_or(&self.resource.value)
    }
}

pub(super) fn scenario_file(
    source: &Arc<Source>,
    node: &Node<'_>,
    found: &mut Found,
) -> Option<ScenarioFile> {
    let fields = Fields::open(node, &shape::SCENARIOS, found)?;
    let mut scenarios = fields.many("scenarios", found, |node, found| {
        let fields = Fields::open(node, &shape::SCENARIO, found)?;
        let id = fields.read("id", found, read::text);
        Some(scenario(&fields, id, found))
    });
    let alone = ["steps", "when", "given", "then"]
        .iter()
        .any(|key| node.get(key).is_some());
    match (alone, node.get("scenarios")) {
        (true, Some(list)) => found.push(
            Diagnostic::new(
                "two-forms",
                &list.span,
                "a file has either `scenarios` or one scenario at its top",
            )
            .label("a scenario stands at the top as well")
            .help("move it into the list and give it an `id`"),
        ),
        (true, None) => scenarios.push(scenario(&fields, None, found)),
        (false, _) => {
            for key in [
                "title",
                "requirements",
                "only_if",
                "variables",
                "generate",
                "finally",
                "timeout",
            ] {
                if let Some(node) = fields.get(key) {
                    found.push(
                        Diagnostic::new(
                            "unknown-key",
                            &node.span,
                            format!("`{key}` belongs to one scenario, not to a file of several"),
                        )
                        .label("not known here")
                        .help("move it into the scenario"),
                    );
                }
            }
            if node.get("scenarios").is_none() && node.get("fragments").is_none() {
                found.push(Diagnostic::new("nothing-here", &Span::start_of(source), "this file holds no scenario, resource, profile or requirement").help("begin with `steps:` and a list of requests; `assize schema` knows every key"));
            }
        }
    }
    Some(ScenarioFile {
        feature: fields
            .read("feature", found, read::text)
            .map(|text| text.value),
        tags: if alone {
            Vec::new()
        } else {
            fields.names("tags", found)
        },
        uses: fields.names("use", found),
        fragments: fields.named("fragments", found, |node, found| Some(step(node, found))),
        scenarios,
    })
}

fn scenario(fields: &Fields<'_>, id: Option<Spanned<String>>, found: &mut Found) -> RawScenario {
    let when = steps(fields, "when", found);
    let mut sent = steps(fields, "steps", found);
    if let (Some(node), false) = (fields.get("steps"), when.is_empty()) {
        found.push(
            Diagnostic::new(
                "two-forms",
                &node.span,
                "a scenario has either `steps` or `when`",
            )
            .label("`when` is there as well")
            .help("put the requests into one of them"),
        );
    }
    let then = fields.many("then", found, expect);
    if let (Some(node), true) = (fields.get("then"), when.is_empty()) {
        found.push(
            Diagnostic::new(
                "then-without-when",
                &node.span,
                "`then` judges the last request of `when`, and there is none",
            )
            .label("nothing to judge")
            .help("add `when`, or put `then` below a step"),
        );
    }
    if when.is_empty()
        && sent.is_empty()
        && fields.get("when").is_none()
        && fields.get("steps").is_none()
    {
        found.push(
            Diagnostic::new(
                "missing-key",
                fields.span,
                "a scenario sends something: it needs `when` or `steps`",
            )
            .label("nothing is sent")
            .help("add `steps:` and a list of requests such as `GET /path`"),
        );
    }
    sent.extend(when);
    RawScenario {
        span: id
            .as_ref()
            .map_or_else(|| fields.span.clone(), |id| id.span.clone()),
        id,
        title: fields.read("title", found, read::text),
        requirements: fields.names("requirements", found),
        tags: fields.names("tags", found),
        only_if: fields.read("only_if", found, read::expr),
        variables: fields.named("variables", found, read::json_template),
        matrix: fields.read("generate", found, generate),
        given: fields
            .many("given", found, given)
            .into_iter()
            .flatten()
            .collect(),
        steps: sent,
        then,
        finally: steps(fields, "finally", found),
        timeout: fields
            .read("timeout", found, read::duration)
            .map(|timeout| timeout.value),
    }
}

fn given(node: &Node<'_>, found: &mut Found) -> Option<Vec<RawGiven>> {
    match &node.kind {
        Kind::Map(entries) => Some(
            entries
                .iter()
                .map(|(key, value)| RawGiven {
                    resource: key.spanned(),
                    options: read::entries(value, found)
                        .iter()
                        .map(|(key, value)| (key.spanned(), value.clone().into_owned()))
                        .collect(),
                })
                .collect(),
        ),
        _ => Some(vec![RawGiven {
            resource: read::text(node, found)?,
            options: Vec::new(),
        }]),
    }
}
