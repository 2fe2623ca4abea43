//! A statement read back, with everything that is wrong with it by its place.

use std::sync::Arc;

use super::{Statement, VERSION, schema};
use crate::source::{Diagnostic, Source, Span};
use crate::suite::yaml::{self, Kind, Node};

/// Reads a statement.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(source: &Arc<Source>) -> Result<Statement, Vec<Diagnostic>> {
    let mut found = Vec::new();
    let node = yaml::parse(source, &mut found);
    let node = match (node, found.is_empty()) {
        (Some(node), true) => node,
        (_, false) => return Err(found),
        (None, true) => return Err(vec![wrong(&Span::start_of(source), "it cannot be read")]),
    };
    let value = node.to_json();
    if let Some(format) = node.get("format")
        && value["format"] != VERSION
    {
        let told = format!("its format is not {VERSION}, the one that this program knows");
        return Err(vec![
            wrong(&format.span, told).help("use the program that wrote it"),
        ]);
    }
    if let Ok(validator) = jsonschema::validator_for(&schema()) {
        found.extend(validator.iter_errors(&value).map(|error| {
            let pointer = error.instance_path().to_string();
            let place = if pointer.is_empty() {
                String::new()
            } else {
                format!("{pointer}: ")
            };
            wrong(&at(&node, &pointer).span, format!("{place}{error}"))
        }));
    }
    if !found.is_empty() {
        return Err(found);
    }
    serde_json::from_value(value).map_err(|error| vec![wrong(&node.span, error.to_string())])
}

fn wrong(span: &Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new("bad-statement", span, message)
        .label("here")
        .help("`assize run --statement` writes one, and `assize schema statement` describes it")
}

/// The node at a JSON pointer, or the last one on the way there.
fn at<'n>(root: &'n Node<'n>, pointer: &str) -> &'n Node<'n> {
    let mut node = root;
    for name in pointer.split('/').skip(1) {
        let name = name.replace("~1", "/").replace("~0", "~");
        let below = match &node.kind {
            Kind::List(items) => name.parse().ok().and_then(|at: usize| items.get(at)),
            _ => node.get(&name),
        };
        let Some(below) = below else { break };
        node = below;
    }
    node
}
