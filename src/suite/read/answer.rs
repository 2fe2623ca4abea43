//! What an answer must look like: its status, its content, its schema.

use std::sync::Arc;

use super::{Found, matcher, text, wrong};
use crate::source::{Diagnostic, Spanned};
use crate::suite::model::{BodyExpect, InlineSchema, SchemaRef, StatusRange, StatusSet};
use crate::suite::yaml::{Kind, Node};

/// A status code, a class, or a list of them.
pub(in crate::suite) fn status(node: &Node<'_>, found: &mut Found) -> Option<Spanned<StatusSet>> {
    let items = match &node.kind {
        Kind::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let mut ranges = Vec::new();
    for item in items {
        let written = text(item, found)?.value;
        let class = written
            .strip_suffix("xx")
            .and_then(|class| class.parse().ok())
            .filter(|class| (1..=5).contains(class))
            .map(StatusRange::Class);
        let code = written
            .parse()
            .ok()
            .filter(|code| (100..=599).contains(code))
            .map(StatusRange::Code);
        match class.or(code) {
            Some(range) => ranges.push(range),
            None => found.push(
                Diagnostic::new(
                    "bad-status",
                    &item.span,
                    format!("`{written}` is no status"),
                )
                .label("here")
                .help("write a code from 100 to 599, a class such as `4xx`, or a list of them"),
            ),
        }
    }
    (!ranges.is_empty()).then(|| Spanned::new(StatusSet(ranges), node.span.clone()))
}

/// Content that matches, or `empty`.
pub(in crate::suite) fn body(node: &Node<'_>, found: &mut Found) -> Option<Spanned<BodyExpect>> {
    let body = if node.text() == Some("empty") {
        BodyExpect::Empty
    } else {
        BodyExpect::Matches(matcher(node, found)?)
    };
    Some(Spanned::new(body, node.span.clone()))
}

/// A component schema's name, or a JSON Schema.
pub(in crate::suite) fn schema(node: &Node<'_>, found: &mut Found) -> Option<Spanned<SchemaRef>> {
    let schema = match &node.kind {
        Kind::Text(name) => SchemaRef::Component(name.to_string()),
        Kind::Map(_) => {
            let schema = node.to_json();
            match jsonschema::validator_for(&schema) {
                Ok(validator) => SchemaRef::Inline(Arc::new(InlineSchema { schema, validator })),
                Err(error) => {
                    found.push(
                        Diagnostic::new(
                            "bad-schema",
                            &node.span,
                            format!("this is no JSON Schema: {error}"),
                        )
                        .label("here"),
                    );
                    return None;
                }
            }
        }
        _ => {
            wrong(
                node,
                "a component schema's name or a JSON Schema",
                "name a schema of the OpenAPI description, or write one as a mapping",
                found,
            );
            return None;
        }
    };
    Some(Spanned::new(schema, node.span.clone()))
}
