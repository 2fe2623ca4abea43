//! Whether an answer is what a scenario or a profile says it is.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::Value;

use super::{Mismatch, body, bounded};
use crate::exchange::{Content, Response};
use crate::source::{Span, Spanned};
use crate::suite::model::{AnswerExpect, BodyExpect, Expect, Profile, SchemaRef};
use crate::suite::openapi::OpenApi;
use crate::template::{Scope, Shared};

/// Adds those of `status`, `headers` and `body` to a scope that are asked for. `headers` has lower-case names with `_`
/// for `-`; `body` is the JSON content, else the text, else null.
pub fn into_scope(response: &Response, scope: &mut Scope, asked: impl Fn(&str) -> bool) {
    if asked("status") {
        scope.set("status", &response.status.into());
    }
    if asked("headers") {
        let headers = response.headers.clone();
        let headers = Shared::later(|| {
            let fields = headers.into_iter().map(|(name, value)| {
                let name = name.to_ascii_lowercase().replace('-', "_");
                (name, Value::String(value))
            });
            let fields: BTreeMap<String, Value> = fields.collect();
            Value::Object(fields.into_iter().collect()).into()
        });
        scope.share("headers", &headers);
    }
    if asked("body") {
        scope.share("body", &Shared::in_keeping(Body::of(&response.body)));
    }
}

/// What the content of an answer is to whoever judges it; nothing is read before it is asked for.
#[derive(Debug)]
struct Body {
    content: Content,
    /// What it is where it is no JSON.
    other: OnceLock<Value>,
}

impl Body {
    fn of(content: &Content) -> Self {
        Self {
            content: content.clone(),
            other: OnceLock::new(),
        }
    }
}

impl Borrow<Value> for Body {
    fn borrow(&self) -> &Value {
        let other = || match self.content.is_empty() {
            true => Value::Null,
            false => self.content.text().into_owned().into(),
        };
        let json = self.content.json();
        json.unwrap_or_else(|| self.other.get_or_init(other))
    }
}

/// Holds an answer to everything that an expectation says of it.
pub fn answer(
    expect: &Expect,
    response: &Response,
    scope: &Scope,
    profile: Option<&Profile>,
    api: Option<&OpenApi>,
) -> Vec<Mismatch> {
    let mut found = plain(&expect.answer, response, scope, api, &expect.span);
    if !expect.named.is_empty() {
        found.extend(named(&expect.named, response, scope, profile, api));
    }
    found
}

/// Whether an answer is one of the named ones; any 2xx where there is no name.
pub fn satisfies(
    names: &[Spanned<String>],
    response: &Response,
    scope: &Scope,
    profile: Option<&Profile>,
    api: Option<&OpenApi>,
) -> bool {
    if names.is_empty() {
        return (200..300).contains(&response.status);
    }
    names.iter().any(|name| {
        let answer = profile.and_then(|profile| profile.answers.get(&name.value));
        answer.is_some_and(|answer| fits(&answer.expect, response, scope, api, &name.span))
    })
}

/// Whether an answer is as expected. That of most is seen by the status.
fn fits(
    expect: &AnswerExpect,
    response: &Response,
    scope: &Scope,
    api: Option<&OpenApi>,
    span: &Span,
) -> bool {
    let status = expect.status.as_ref();
    status.is_none_or(|status| status.value.contains(response.status))
        && plain(expect, response, scope, api, span).is_empty()
}

/// Holds an answer to the named answers of the profile: one of them must fit. What does not agree is said
/// of the one with the right status, else of the names.
pub fn named(
    names: &[Spanned<String>],
    response: &Response,
    scope: &Scope,
    profile: Option<&Profile>,
    api: Option<&OpenApi>,
) -> Vec<Mismatch> {
    let mut nearest: Option<Vec<Mismatch>> = None;
    let mut wanted = Vec::new();
    for name in names {
        let Some(answer) = profile.and_then(|profile| profile.answers.get(&name.value)) else {
            wanted.push(format!("{} (not declared by the profile)", name.value));
            continue;
        };
        let found = plain(&answer.expect, response, scope, api, &name.span);
        if found.is_empty() {
            return Vec::new();
        }
        if found.iter().all(|mismatch| mismatch.check != "status") && nearest.is_none() {
            nearest = Some(
                found
                    .into_iter()
                    .map(|mismatch| Mismatch {
                        location: Some(name.span.location()),
                        expected: format!("answer `{}`: {}", name.value, mismatch.expected),
                        ..mismatch
                    })
                    .collect(),
            );
        }
        wanted.push(match &answer.expect.status {
            Some(status) => format!("{} ({})", name.value, status.value),
            None => name.value.clone(),
        });
    }
    nearest.unwrap_or_else(|| {
        vec![Mismatch {
            check: "answer",
            expected: wanted.join(" or "),
            actual: summary(response),
            location: names.first().map(|name| name.span.location()),
        }]
    })
}

/// Holds the answers of concurrent requests to how many may be of which names; each answer counts for the
/// first entry that it fits.
pub fn answers(
    expect: &Expect,
    responses: &[&Response],
    scope: &Scope,
    profile: Option<&Profile>,
    api: Option<&OpenApi>,
) -> Vec<Mismatch> {
    if expect.answers.is_empty() {
        return Vec::new();
    }
    let mut counted = vec![0_usize; expect.answers.len()];
    let mut strange = Vec::new();
    for response in responses {
        match expect
            .answers
            .iter()
            .position(|(names, _)| satisfies(names, response, scope, profile, api))
        {
            Some(at) => counted[at] += 1,
            None => strange.push(summary(response)),
        }
    }
    let names = |names: &[Spanned<String>]| {
        names
            .iter()
            .map(|name| name.value.as_str())
            .collect::<Vec<_>>()
            .join(" or ")
    };
    let wrong = expect
        .answers
        .iter()
        .zip(&counted)
        .any(|((_, wanted), counted)| wanted.is_some_and(|wanted| wanted != *counted));
    if !wrong && strange.is_empty() {
        return Vec::new();
    }
    let wanted: Vec<String> = expect
        .answers
        .iter()
        .map(|(own, wanted)| {
            format!(
                "{} {}",
                wanted.map_or_else(|| "the rest".to_owned(), |wanted| wanted.to_string()),
                names(own)
            )
        })
        .collect();
    let mut actual: Vec<String> = expect
        .answers
        .iter()
        .zip(&counted)
        .map(|((own, _), counted)| format!("{counted} {}", names(own)))
        .collect();
    actual.extend(strange.into_iter().map(|answer| format!("and {answer}")));
    let location = expect
        .answers
        .first()
        .and_then(|(names, _)| names.first())
        .map(|name| name.span.location());
    vec![Mismatch {
        check: "answers",
        expected: wanted.join(", "),
        actual: actual.join(", "),
        location,
    }]
}

fn plain(
    expect: &AnswerExpect,
    response: &Response,
    scope: &Scope,
    api: Option<&OpenApi>,
    span: &Span,
) -> Vec<Mismatch> {
    let mut found = Vec::new();
    if let Some(status) = &expect.status
        && !status.value.contains(response.status)
    {
        found.push(Mismatch {
            check: "status",
            expected: format!("status {}", status.value),
            actual: summary(response),
            location: Some(status.span.location()),
        });
    }
    for (name, matcher) in &expect.headers {
        let value = response
            .header(&name.value)
            .map(|value| Value::String(value.to_owned()));
        for mismatch in body::matches(
            matcher,
            value.as_ref(),
            &format!("header {}", name.value),
            scope,
        ) {
            found.push(Mismatch {
                check: "headers",
                location: Some(name.span.location()),
                ..mismatch
            });
        }
    }
    match expect.body.as_ref().map(|body| (&body.value, &body.span)) {
        Some((BodyExpect::Empty, at)) if !response.body.is_empty() => {
            found.push(Mismatch {
                check: "body",
                expected: "no content".to_owned(),
                actual: bounded(&response.body.text()),
                location: Some(at.location()),
            });
        }
        Some((BodyExpect::Matches(matcher), at)) => {
            let body = Body::of(&response.body);
            let value = (!response.body.is_empty()).then(|| body.borrow());
            found.extend(
                body::matches(matcher, value, "body", scope)
                    .into_iter()
                    .map(|mismatch| Mismatch {
                        location: Some(at.location()),
                        ..mismatch
                    }),
            );
        }
        _ => {}
    }
    if let Some(schema) = &expect.schema {
        let component;
        let (validator, name): (Option<&Validator>, &str) = match &schema.value {
            SchemaRef::Inline(inline) => (Some(&inline.validator), "the schema"),
            SchemaRef::Component(name) => {
                component = api.and_then(|api| api.component(name));
                (component.as_deref(), name)
            }
        };
        let actual = match (validator, response.body.json()) {
            (None, _) => Some(format!("there is no schema `{name}`")),
            (Some(_), None) => Some(format!("no JSON: {}", bounded(&response.body.text()))),
            (Some(validator), Some(json)) => violations(validator, json),
        };
        if let Some(actual) = actual {
            found.push(Mismatch {
                check: "schema",
                expected: format!("content that fits {name}"),
                actual,
                location: Some(schema.span.location()),
            });
        }
    }
    for mismatch in &mut found {
        if mismatch.location.is_none() {
            mismatch.location = Some(span.location());
        }
    }
    found
}

/// What of the value does not fit the schema, in a line; `None` when it fits.
pub(super) fn violations(validator: &Validator, value: &Value) -> Option<String> {
    if validator.is_valid(value) {
        return None;
    }
    let lines: Vec<String> = validator
        .iter_errors(value)
        .take(3)
        .map(|error| {
            let path = error.instance_path().to_string();
            format!(
                "{}: {}",
                if path.is_empty() { "/" } else { &path },
                bounded(&error.to_string())
            )
        })
        .collect();
    Some(lines.join("; "))
}

/// Status and the beginning of the content.
fn summary(response: &Response) -> String {
    if response.body.is_empty() {
        return format!("{} without content", response.status);
    }
    format!("{} {}", response.status, bounded(&response.body.text()))
}
