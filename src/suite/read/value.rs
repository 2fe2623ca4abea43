//! Single values: texts, words, times, expressions.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Found, wrong};
use crate::source::{Diagnostic, Spanned};
use crate::suite::yaml::{Kind, Node};
use crate::template::{Expr, JsonTemplate, Template};

/// Text; a number or a truth value is taken as written.
pub(in crate::suite) fn text(node: &Node<'_>, found: &mut Found) -> Option<Spanned<String>> {
    let value = match &node.kind {
        Kind::Text(text) => text.to_string(),
        Kind::Number(number) => number.to_string(),
        Kind::Bool(truth) => truth.to_string(),
        _ => {
            let help = match node.kind {
                Kind::Null => "write the text, or leave the key out",
                Kind::List(_) => "write one text, not a list",
                _ => "write plain text, in quotes where it begins with `{` or another sign of YAML",
            };
            wrong(node, "text", help, found);
            return None;
        }
    };
    Some(Spanned::new(value, node.span.clone()))
}

/// `true` or `false`.
pub(in crate::suite) fn truth(node: &Node<'_>, found: &mut Found) -> Option<bool> {
    match node.kind {
        Kind::Bool(truth) => Some(truth),
        _ => {
            wrong(
                node,
                "`true` or `false`",
                "a truth value is one of these two words, without quotes",
                found,
            );
            None
        }
    }
}

/// One of the words.
pub(in crate::suite) fn word(node: &Node<'_>, words: &[&str], found: &mut Found) -> Option<String> {
    let written = text(node, found)?.value;
    if words.contains(&written.as_str()) {
        return Some(written);
    }
    let diagnostic = Diagnostic::new(
        "unknown-word",
        &node.span,
        format!("`{written}` is none of: {}", words.join(", ")),
    )
    .label("here")
    .nearest(&written, words.iter().copied());
    found.push(diagnostic);
    None
}

/// Text in which `{{ }}` is replaced.
pub(in crate::suite) fn template(node: &Node<'_>, found: &mut Found) -> Option<Template> {
    let text = match &node.kind {
        Kind::Null => Spanned::new(String::new(), node.span.clone()),
        _ => text(node, found)?,
    };
    Some(Template::parse(&text.value, &text.span, found))
}

/// An expression.
pub(in crate::suite) fn expr(node: &Node<'_>, found: &mut Found) -> Option<Expr> {
    let text = text(node, found)?;
    let trimmed = text.value.trim();
    if trimmed.starts_with("{{") {
        found.push(
            Diagnostic::new("bad-expression", &node.span, "braces around an expression")
                .label("here")
                .help("this key takes an expression as it is: leave out `{{` and `}}`"),
        );
        return None;
    }
    let quoted = usize::from(
        text.span
            .source
            .text
            .as_bytes()
            .get(text.span.range().start)
            .is_some_and(|byte| matches!(byte, b'"' | b'\'')),
    );
    let start = text.span.range().start + quoted;
    let inside = text
        .span
        .at(start..text.span.range().end.saturating_sub(quoted).max(start));
    Expr::compile(&text.value, &inside, found)
}

/// A value whose texts are templates.
pub(in crate::suite) fn json_template(node: &Node<'_>, found: &mut Found) -> Option<JsonTemplate> {
    Some(match &node.kind {
        Kind::Text(text) => {
            let template = Template::parse(text, &node.span, found);
            match template.literal() {
                Some(text) => JsonTemplate::Plain(Box::new(text.into())),
                None => JsonTemplate::Text(template),
            }
        }
        Kind::List(items) => JsonTemplate::List(
            items
                .iter()
                .filter_map(|item| json_template(item, found))
                .collect(),
        ),
        Kind::Map(entries) => JsonTemplate::Map(
            entries
                .iter()
                .filter_map(|(key, value)| {
                    Some((key.name.to_string(), json_template(value, found)?))
                })
                .collect(),
        ),
        _ => JsonTemplate::Plain(node.to_json().into()),
    })
}

/// The longest time that a suite may ask for.
const LONGEST: Duration = Duration::from_secs(3600);

/// A time: a number of seconds, or a number with `ms`, `s`, `m` or `h`.
pub(in crate::suite) fn duration(node: &Node<'_>, found: &mut Found) -> Option<Spanned<Duration>> {
    let parsed = match &node.kind {
        Kind::Number(number) => number
            .as_f64()
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        Kind::Text(text) => parse_duration(text),
        _ => None,
    };
    match parsed {
        Some(duration) if duration > LONGEST => {
            found.push(Diagnostic::new("bad-duration", &node.span, "this is more than an hour").label("here").help("a case that may take so long cannot be told from one that hangs; one hour is the most"));
            None
        }
        Some(duration) => Some(Spanned::new(duration, node.span.clone())),
        None => {
            found.push(Diagnostic::new("bad-duration", &node.span, "this is no time").label("here").help("write seconds as a number, or a number with a unit: `250ms`, `5s`, `2m`, `1h`"));
            None
        }
    }
}

/// Reads `250ms`, `5s`, `1.5m`, `1h`; a bare number is seconds. `None` for anything else.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let number: f64 = text[..digits].parse().ok()?;
    let factor = match text[digits..].trim() {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number * factor).ok()
}

/// A set of texts.
pub(in crate::suite) fn set(names: Vec<Spanned<String>>) -> BTreeSet<String> {
    names.into_iter().map(|name| name.value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units_and_a_bare_number_is_seconds() {
        for (text, millis) in [
            ("250ms", 250),
            ("5s", 5000),
            ("5", 5000),
            ("1.5m", 90_000),
            ("1h", 3_600_000),
            ("0", 0),
        ] {
            assert_eq!(
                parse_duration(text),
                Some(Duration::from_millis(millis)),
                "{text}"
            );
        }
        for text in ["", "s", "5 days", "-1s", "1e400", "ms"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
