//! A step: the one thing that it sends, and what goes with it.

use super::expect::expect;
use super::plain;
use crate::source::{Diagnostic, Spanned};
use crate::suite::model::{Action, Step};
use crate::suite::read::{self, Fields, Found};
use crate::suite::shape;
use crate::suite::yaml::{Kind, Node};

pub(super) fn step(node: &Node, found: &mut Found) -> Option<Step> {
    let bare = |action| Step {
        span: node.span.clone(),
        action,
        identity: None,
        concurrently: None,
        capture: Vec::new(),
        creates: None,
        with: Vec::new(),
        then: Vec::new(),
    };
    if let Kind::Text(text) = &node.kind {
        let action = if read::request_line(text).is_some() {
            Action::Request(read::request(node, None, found)?)
        } else {
            operation_name(node, text, found)?
        };
        return Some(bare(action));
    }
    let fields = Fields::open(node, &shape::STEP, found)?;
    let ways: Vec<&str> = ["request", "do", "fragment"]
        .into_iter()
        .filter(|key| fields.get(key).is_some())
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
                .help("write `request: METHOD /path`, `do: OPERATION ALIAS`, or `fragment: NAME`"),
        );
    }
    let action = match *ways.first()? {
        "request" => Action::Request(fields.read("request", found, |node, found| {
            read::request(node, Some(&fields), found)
        })?),
        "do" => {
            let name = fields.read("do", found, read::text)?;
            operation_name(fields.get("do")?, &name.value, found)?
        }
        _ => Action::Fragment(fields.read("fragment", found, read::text)?),
    };
    if !matches!(action, Action::Request(_)) {
        for key in ["query", "headers", "json", "text"] {
            if let Some(extra) = fields.get(key) {
                found.push(
                    Diagnostic::new(
                        "unknown-key",
                        &extra.span,
                        format!("`{key}` goes with `request`, not with an operation or a fragment"),
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
            Some((
                Spanned::new(key.name.clone(), key.span.clone()),
                read::text(value, found)?,
            ))
        }
        _ => read::text(node, found).map(|resource| (resource.clone(), resource)),
    });
    Some(Step {
        identity: fields.read("as", found, read::text),
        concurrently: fields.read("concurrently", found, |node, found| {
            match &node.kind {
                Kind::Number(number) => number
                    .as_u64()
                    .filter(|times| (2..=64).contains(times))
                    .and_then(|times| usize::try_from(times).ok())
                    .map(|times| Spanned::new(times, node.span.clone())),
                _ => None,
            }
            .or_else(|| {
                found.push(
                    Diagnostic::new("bad-count", &node.span, "this is not a number from 2 to 64")
                        .label("here")
                        .help("write how many requests are sent at once, or leave `concurrently` out to send one"),
                );
                None
            })
        }),
        capture: fields.named("capture", found, read::expr),
        creates,
        with: plain(fields.named("with", found, read::json_template)),
        then: fields.many("then", found, expect),
        ..bare(action)
    })
}

fn operation_name(node: &Node, text: &str, found: &mut Found) -> Option<Action> {
    let mut words = text.split_whitespace();
    // A method in capitals means a request, so its path must be what is wrong.
    let method = |word: &str| word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_uppercase());
    if let (Some(operation), Some(alias), None) = (words.next(), words.next(), words.next())
        && !method(operation)
    {
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
        .help("write `METHOD /path` without scheme and host, or an operation and an object such as `delete pool`"),
    );
    None
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
    fn a_method_with_a_url_is_a_bad_request_line_and_no_operation() {
        let said = said("steps:\n  - GET https://lb.example/pools\n  - delete pool\n");
        assert_eq!(
            said,
            [(
                "bad-request-line",
                "this is neither a request nor an operation".to_owned()
            )]
        );
    }
}
