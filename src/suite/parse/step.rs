//! A step: the one thing that it sends, and what goes with it.

use super::expect::expect;
use super::plain;
use crate::source::{Diagnostic, Spanned};
use crate::suite::model::{Action, Step};
use crate::suite::read::{self, Fields, Found};
use crate::suite::shape;
use crate::suite::yaml::{Kind, Node};
use crate::template::Expr;

/// The steps of a key, or of one step that stands for a list of one.
pub(super) fn steps(fields: &Fields<'_>, key: &str, found: &mut Found) -> Vec<Step> {
    fields.many(key, found, |node, found| Some(step(node, found)))
}

/// A step. One that cannot be read is reported, and the rest of it is still read: the names that it gives
/// are known after it, and what it asks for is looked at.
pub(super) fn step(node: &Node<'_>, found: &mut Found) -> Step {
    let bare = |action| Step::plain(action, &node.span);
    let unreadable = || Action::Request(read::unreadable(node));
    if let Kind::Text(text) = &node.kind {
        return bare(if read::means_request(text) {
            Action::Request(read::request(node, None, found))
        } else {
            operation(node, text, found).unwrap_or_else(unreadable)
        });
    }
    let Some(fields) = Fields::open(node, &shape::STEP, found) else {
        return bare(unreadable());
    };
    let together = fields
        .get("concurrently")
        .filter(|node| matches!(node.kind, Kind::List(_)));
    let ways: Vec<&str> = ["request", "do", "fragment"]
        .into_iter()
        .filter(|key| fields.get(key).is_some())
        .chain(together.map(|_| "concurrently"))
        .collect();
    if ways.len() != 1 {
        let message = if ways.is_empty() {
            "a step sends something: it needs `request`, `do` or `fragment`".to_owned()
        } else {
            format!("a step sends one thing, not {}", ways.join(" and "))
        };
        found.push(
            Diagnostic::new("one-action", &node.span, message)
                .label("this step")
                .help("write `request: METHOD /path`, `do: OPERATION OBJECT`, or `fragment: NAME`"),
        );
    }
    let action = match ways.first() {
        Some(&"request") => fields.read("request", found, |node, found| {
            Some(Action::Request(read::request(node, Some(&fields), found)))
        }),
        Some(&"do") => fields.read("do", found, |node, found| {
            let name = read::text(node, found)?.value;
            if read::request_line(&name).is_some() {
                found.push(
                    Diagnostic::new(
                        "bad-request-line",
                        &node.span,
                        "this is a request, and `do` carries out an operation",
                    )
                    .label("here")
                    .help(format!("write `request: {name}`")),
                );
                return None;
            }
            operation(node, &name, found)
        }),
        Some(&"fragment") => fields
            .read("fragment", found, read::text)
            .map(Action::Fragment),
        Some(_) => Some(Action::Together(steps(&fields, "concurrently", found))),
        None => None,
    }
    .unwrap_or_else(unreadable);
    if let (Action::Together(steps), Some(list)) = (&action, together) {
        if !(2..=64).contains(&steps.len()) {
            found.push(
                Diagnostic::new("bad-count", &list.span, "these are not 2 to 64 steps")
                    .label("here")
                    .help("list the steps that are sent at once"),
            );
        }
        for key in ["as", "with", "creates", "capture"] {
            if let Some(extra) = fields.get(key) {
                found.push(
                    Diagnostic::new(
                        "unknown-key",
                        &extra.span,
                        format!("`{key}` goes with one request, and this step sends several"),
                    )
                    .label("not known here")
                    .help("move it into the steps of `concurrently`"),
                );
            }
        }
    }
    if !matches!(action, Action::Request(_)) {
        for key in ["query", "headers", "json", "text"] {
            if let Some(extra) = fields.get(key) {
                found.push(
                    Diagnostic::new(
                        "unknown-key",
                        &extra.span,
                        format!("`{key}` goes with `request`, and this step has none"),
                    )
                    .label("not known here")
                    .help("set parameters with `with`"),
                );
            }
        }
    }
    let creates = fields.read("creates", found, |node, found| match &node.kind {
        Kind::Map(entries) if entries.len() == 1 => {
            let (key, value) = &entries[0];
            Some((key.spanned(), read::text(value, found)?))
        }
        _ => read::text(node, found).map(|resource| (resource.clone(), resource)),
    });
    Step {
        identity: fields.read("as", found, read::text),
        concurrently: match together {
            None => fields.read("concurrently", found, times),
            Some(_) => None,
        },
        capture: fields.named("capture", found, |node, found| {
            // A name whose expression is wrong is a name all the same.
            read::expr(node, found).or_else(|| Expr::compile("none", &node.span, &mut Found::new()))
        }),
        creates,
        with: plain(fields.named("with", found, read::json_template)),
        then: fields.many("then", found, expect),
        ..bare(action)
    }
}

fn operation(node: &Node<'_>, text: &str, found: &mut Found) -> Option<Action> {
    let mut words = text.split_whitespace();
    if let (Some(operation), Some(alias), None) = (words.next(), words.next(), words.next()) {
        let spanned = |word: &str| Spanned::new(word.to_owned(), node.span.clone());
        return Some(Action::Operation(spanned(operation), spanned(alias)));
    }
    found.push(
        Diagnostic::new(
            "bad-request-line",
            &node.span,
            "this is neither a request nor an operation",
        )
        .label("here")
        .help("write a method and a path, such as `GET /pools`, or an operation and an object, such as `delete pool`"),
    );
    None
}

/// How many requests are sent at once. What is no such number is reported and 0: that several are meant is
/// known all the same.
fn times(node: &Node<'_>, found: &mut Found) -> Option<Spanned<usize>> {
    let times = match &node.kind {
        Kind::Number(number) => number
            .as_u64()
            .and_then(|times| usize::try_from(times).ok()),
        _ => None,
    }
    .filter(|times| (2..=64).contains(times));
    if times.is_none() {
        found.push(
            Diagnostic::new("bad-count", &node.span, "this is not a number from 2 to 64")
                .label("here")
                .help("write how many requests are sent at once, or leave `concurrently` out to send one"),
        );
    }
    Some(Spanned::new(times.unwrap_or(0), node.span.clone()))
}

#[cfg(test)]
mod tests {
    use super::super::document;
    use super::*;
    use crate::source::Source;
    use crate::suite::yaml;

    /// The diagnostics of a scenario file, as code and message.
    fn said(text: &str) -> Vec<(&'static str, String)> {
        let source = Source::new("file.yaml", text);
        let mut found = Found::new();
        if let Some(node) = yaml::parse(&source, &mut found) {
            document(&source, &node, &mut found);
        }
        found
            .into_iter()
            .map(|diagnostic| (diagnostic.code, diagnostic.message))
            .collect()
    }

    #[test]
    fn a_step_with_a_path_or_a_method_in_capitals_is_a_request_and_no_operation() {
        for line in [
            "GET https://lb.example/pools",
            "get /pools",
            "DELETE pool",
            "https://lb.example/pools",
        ] {
            let said = said(&format!("steps:\n  - {line}\n  - delete pool\n"));
            let expected = ("bad-request-line", "this is no request line".to_owned());
            assert_eq!(said, [expected], "{line}");
        }
    }
}
