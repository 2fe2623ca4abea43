//! Matchers: any value, in which mappings with `$` keys are operators.

use super::{Found, expr, json_template, template, truth, word, wrong};
use crate::source::Diagnostic;
use crate::suite::model::{MatchOp, Matcher};
use crate::suite::shape::MATCH_OPERATORS;
use crate::suite::yaml::{Key, Kind, Node};
use crate::template::pattern;

/// A matcher: any value, in which mappings with `$` keys are operators.
pub(in crate::suite) fn matcher(node: &Node<'_>, found: &mut Found) -> Option<Matcher> {
    Some(match &node.kind {
        Kind::List(items) => Matcher::List(
            items
                .iter()
                .filter_map(|item| matcher(item, found))
                .collect(),
        ),
        Kind::Map(entries) if entries.iter().any(|(key, _)| key.name.starts_with('$')) => {
            Matcher::Ops(
                entries
                    .iter()
                    .filter_map(|(key, value)| operator(key, value, found))
                    .collect(),
            )
        }
        Kind::Map(entries) => Matcher::Map(
            entries
                .iter()
                .filter_map(|(key, value)| Some((key.name.to_string(), matcher(value, found)?)))
                .collect(),
        ),
        _ => Matcher::Value(json_template(node, found)?),
    })
}

const TYPES: &[&str] = &[
    "string", "number", "integer", "boolean", "null", "array", "object",
];

fn operator(key: &Key<'_>, node: &Node<'_>, found: &mut Found) -> Option<MatchOp> {
    let inner = |found: &mut Found| matcher(node, found).map(Box::new);
    Some(match &*key.name {
        "$matches" => {
            let template = template(node, found)?;
            let regex = template.literal().map(pattern).transpose();
            if let Err(error) = &regex {
                found.push(
                    Diagnostic::new("bad-regex", &node.span, "this is no regular expression")
                        .label(
                            error
                                .to_string()
                                .lines()
                                .last()
                                .unwrap_or("")
                                .trim_start_matches("error: ")
                                .to_owned(),
                        )
                        .help("the syntax is that of the Rust crate `regex`: no look-around, no back-references"),
                );
                return None;
            }
            MatchOp::Matches(template, regex.ok().flatten())
        }
        "$type" => MatchOp::Type(word(node, TYPES, found)?),
        "$absent" | "$present" => match (truth(node, found)?, key.name == "$absent") {
            (true, true) | (false, false) => MatchOp::Absent,
            (true, false) | (false, true) => MatchOp::Present,
        },
        "$length" => MatchOp::Length(inner(found)?),
        "$contains" => MatchOp::Contains(inner(found)?),
        "$each" => MatchOp::Each(inner(found)?),
        "$not" => MatchOp::Not(inner(found)?),
        "$one_of" => match &node.kind {
            Kind::List(items) => MatchOp::OneOf(
                items
                    .iter()
                    .filter_map(|item| matcher(item, found))
                    .collect(),
            ),
            _ => {
                wrong(
                    node,
                    "a list",
                    "write `[a, b]`, or lines that begin with `- `",
                    found,
                );
                return None;
            }
        },
        "$exactly" => MatchOp::Exactly(json_template(node, found)?),
        "$check" => MatchOp::Check(expr(node, found)?),
        other => {
            let known = MATCH_OPERATORS.iter().map(|(name, _)| *name);
            found.push(
                Diagnostic::new(
                    "unknown-key",
                    &key.span,
                    format!("unknown operator `{other}`"),
                )
                .label("not known here")
                .help(format!(
                    "known operators: {}",
                    known.clone().collect::<Vec<_>>().join(", ")
                ))
                .nearest(other, known),
            );
            return None;
        }
    })
}
