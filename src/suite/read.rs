//! Reading a mapping by its [`Shape`]: every key that is unknown or missing is reported, and what is left
//! is still read, so that one look shows everything that is wrong.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;

use super::model::{
    BodyExpect, BodyTemplate, InlineSchema, MatchOp, Matcher, RequestTemplate, SchemaRef,
    StatusRange, StatusSet,
};
use super::shape::{MATCH_OPERATORS, Shape};
use super::yaml::{Key, Kind, Node};
use crate::source::{Diagnostic, Span, Spanned};
use crate::template::{Expr, JsonTemplate, Template};

/// The problems found so far.
pub(super) type Found = Vec<Diagnostic>;

/// A mapping whose keys have been held to their shape.
pub(super) struct Fields<'a> {
    /// Where the mapping stands.
    pub(super) span: &'a Span,
    shape: &'static Shape,
    entries: &'a [(Key, Node)],
}

impl<'a> Fields<'a> {
    /// Opens a mapping; `None` when it is none.
    pub(super) fn open(node: &'a Node, shape: &'static Shape, found: &mut Found) -> Option<Self> {
        let Kind::Map(entries) = &node.kind else {
            let also = if shape.short.is_some() {
                " or text"
            } else {
                ""
            };
            found.push(
                Diagnostic::new(
                    "wrong-type",
                    &node.span,
                    format!(
                        "{} is a mapping{also}, not {}",
                        shape.about,
                        node.describe()
                    ),
                )
                .label("here"),
            );
            return None;
        };
        for (key, _) in entries {
            if !shape.keys.iter().any(|known| known.name == key.name) {
                let known = shape.keys.iter().map(|known| known.name);
                let mut diagnostic = Diagnostic::new(
                    "unknown-key",
                    &key.span,
                    format!("unknown key `{}` in {}", key.name, shape.about),
                )
                .label("not known here")
                .nearest(&key.name, known.clone());
                if diagnostic.help.is_none() {
                    diagnostic = diagnostic.help(format!(
                        "known keys: {}",
                        known.collect::<Vec<_>>().join(", ")
                    ));
                }
                found.push(diagnostic);
            }
        }
        for key in shape.keys.iter().filter(|key| key.required) {
            if !entries.iter().any(|(present, _)| present.name == key.name) {
                found.push(
                    Diagnostic::new(
                        "missing-key",
                        &node.span,
                        format!("{} needs the key `{}`", shape.about, key.name),
                    )
                    .label("it is missing here")
                    .help(key.about),
                );
            }
        }
        Some(Self {
            span: &node.span,
            shape,
            entries,
        })
    }

    /// The value of a key, if it is there.
    pub(super) fn get(&self, name: &str) -> Option<&'a Node> {
        debug_assert!(
            self.shape.keys.iter().any(|key| key.name == name),
            "`{name}` is not in the shape of {}",
            self.shape.about
        );
        self.entries
            .iter()
            .find(|(key, _)| key.name == name)
            .map(|(_, node)| node)
    }

    /// The value of a key through a reader.
    pub(super) fn read<T>(
        &self,
        name: &str,
        found: &mut Found,
        reader: impl FnOnce(&'a Node, &mut Found) -> Option<T>,
    ) -> Option<T> {
        self.get(name).and_then(|node| reader(node, found))
    }

    /// A list of values through a reader; one value stands for a list of one.
    pub(super) fn many<T>(
        &self,
        name: &str,
        found: &mut Found,
        mut reader: impl FnMut(&'a Node, &mut Found) -> Option<T>,
    ) -> Vec<T> {
        match self.get(name) {
            None => Vec::new(),
            Some(Node {
                kind: Kind::List(items),
                ..
            }) => items
                .iter()
                .filter_map(|item| reader(item, found))
                .collect(),
            Some(node) => reader(node, found).into_iter().collect(),
        }
    }

    /// A list of texts; one text stands for a list of one.
    pub(super) fn names(&self, name: &str, found: &mut Found) -> Vec<Spanned<String>> {
        self.many(name, found, text)
    }

    /// A mapping from names of the author's choice, through a reader.
    pub(super) fn named<T>(
        &self,
        name: &str,
        found: &mut Found,
        mut reader: impl FnMut(&'a Node, &mut Found) -> Option<T>,
    ) -> Vec<(Spanned<String>, T)> {
        let Some(node) = self.get(name) else {
            return Vec::new();
        };
        entries(node, found)
            .iter()
            .filter_map(|(key, value)| {
                Some((
                    Spanned::new(key.name.clone(), key.span.clone()),
                    reader(value, found)?,
                ))
            })
            .collect()
    }
}

/// The entries of a mapping; anything else is reported.
pub(super) fn entries<'a>(node: &'a Node, found: &mut Found) -> &'a [(Key, Node)] {
    match &node.kind {
        Kind::Map(entries) => entries,
        Kind::Null => &[],
        _ => {
            wrong(node, "a mapping", found);
            &[]
        }
    }
}

fn wrong(node: &Node, wanted: &str, found: &mut Found) {
    found.push(
        Diagnostic::new(
            "wrong-type",
            &node.span,
            format!("this should be {wanted}, not {}", node.describe()),
        )
        .label("here"),
    );
}

/// Text; a number or a truth value is taken as written.
pub(super) fn text(node: &Node, found: &mut Found) -> Option<Spanned<String>> {
    let value = match &node.kind {
        Kind::Text(text) => text.clone(),
        Kind::Number(number) => number.to_string(),
        Kind::Bool(truth) => truth.to_string(),
        _ => {
            wrong(node, "text", found);
            return None;
        }
    };
    Some(Spanned::new(value, node.span.clone()))
}

/// `true` or `false`.
pub(super) fn truth(node: &Node, found: &mut Found) -> Option<bool> {
    match node.kind {
        Kind::Bool(truth) => Some(truth),
        _ => {
            wrong(node, "`true` or `false`", found);
            None
        }
    }
}

/// One of the words.
pub(super) fn word(node: &Node, words: &[&str], found: &mut Found) -> Option<String> {
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
pub(super) fn template(node: &Node, found: &mut Found) -> Option<Template> {
    let text = match &node.kind {
        Kind::Null => Spanned::new(String::new(), node.span.clone()),
        _ => text(node, found)?,
    };
    Some(Template::parse(&text.value, &text.span, found))
}

/// An expression.
pub(super) fn expr(node: &Node, found: &mut Found) -> Option<Expr> {
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
            .get(text.span.range.start)
            .is_some_and(|byte| matches!(byte, b'"' | b'\'')),
    );
    let start = text.span.range.start + quoted;
    let inside = text
        .span
        .at(start..text.span.range.end.saturating_sub(quoted).max(start));
    Expr::compile(&text.value, &inside, found)
}

/// A value whose texts are templates.
pub(super) fn json_template(node: &Node, found: &mut Found) -> Option<JsonTemplate> {
    Some(match &node.kind {
        Kind::Text(text) => {
            let template = Template::parse(text, &node.span, found);
            match template.literal() {
                Some(text) => JsonTemplate::Plain(Json::String(text.to_owned())),
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
                .filter_map(|(key, value)| Some((key.name.clone(), json_template(value, found)?)))
                .collect(),
        ),
        _ => JsonTemplate::Plain(node.to_json()),
    })
}

/// A time: a number of seconds, or a number with `ms`, `s`, `m` or `h`.
pub(super) fn duration(node: &Node, found: &mut Found) -> Option<Spanned<Duration>> {
    let parsed = match &node.kind {
        Kind::Number(number) => number
            .as_f64()
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        Kind::Text(text) => parse_duration(text),
        _ => None,
    };
    match parsed {
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

/// A status code, a class, or a list of them.
pub(super) fn status(node: &Node, found: &mut Found) -> Option<Spanned<StatusSet>> {
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

const METHODS: &[&str] = &[
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE",
];

/// `METHOD /path`, if the text begins like that.
pub(super) fn request_line(text: &str) -> Option<(&str, &str)> {
    let (method, target) = text.trim().split_once(char::is_whitespace)?;
    let target = target.trim_start();
    (method
        .bytes()
        .all(|byte| byte.is_ascii_uppercase() || byte == b'-')
        && (target.starts_with('/') || target.starts_with("{{")))
    .then_some((method, target))
}

/// A request line with what else a mapping says of the request.
pub(super) fn request(
    node: &Node,
    fields: Option<&Fields<'_>>,
    found: &mut Found,
) -> Option<RequestTemplate> {
    let line = text(node, found)?;
    let Some((method, target)) = request_line(&line.value) else {
        let first = line
            .value
            .split_whitespace()
            .next()
            .unwrap_or("")
            .to_ascii_uppercase();
        let help = if METHODS.contains(&first.as_str()) {
            format!(
                "write it like `{first} /path`; the path begins with `/`, the host comes from the target"
            )
        } else {
            "write a method and a path, such as `GET /pools`".to_owned()
        };
        found.push(
            Diagnostic::new("bad-request-line", &node.span, "this is no request")
                .label("here")
                .help(help),
        );
        return None;
    };
    let target = Template::parse(target, &node.span, found);
    let mut request = RequestTemplate {
        span: node.span.clone(),
        method: method.to_owned(),
        target,
        query: Vec::new(),
        headers: Vec::new(),
        body: BodyTemplate::Empty,
    };
    if let Some(fields) = fields {
        content(fields, &mut request, found);
    }
    Some(request)
}

/// Query, header fields and content of a request.
pub(super) fn content(fields: &Fields<'_>, request: &mut RequestTemplate, found: &mut Found) {
    request.query.extend(
        fields
            .named("query", found, json_template)
            .into_iter()
            .map(|(key, value)| (key.value, value)),
    );
    request.headers.extend(
        fields
            .named("headers", found, template)
            .into_iter()
            .map(|(key, value)| (key.value, value)),
    );
    let json = fields
        .read("json", found, json_template)
        .map(BodyTemplate::Json);
    let text = fields.read("text", found, template).map(BodyTemplate::Text);
    if json.is_some() && text.is_some() {
        found.push(
            Diagnostic::new(
                "two-bodies",
                fields.span,
                "a request has one content, not both `json` and `text`",
            )
            .label("here")
            .help("keep one of them"),
        );
    }
    if let Some(body) = json.or(text) {
        request.body = body;
    }
}

/// Content that matches, or `empty`.
pub(super) fn body(node: &Node, found: &mut Found) -> Option<Spanned<BodyExpect>> {
    let body = if node.text() == Some("empty") {
        BodyExpect::Empty
    } else {
        BodyExpect::Matches(matcher(node, found)?)
    };
    Some(Spanned::new(body, node.span.clone()))
}

/// A matcher: any value, in which mappings with `$` keys are operators.
pub(super) fn matcher(node: &Node, found: &mut Found) -> Option<Matcher> {
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
                .filter_map(|(key, value)| Some((key.name.clone(), matcher(value, found)?)))
                .collect(),
        ),
        _ => Matcher::Value(json_template(node, found)?),
    })
}

const TYPES: &[&str] = &[
    "string", "number", "integer", "boolean", "null", "array", "object",
];

fn operator(key: &Key, node: &Node, found: &mut Found) -> Option<MatchOp> {
    let inner = |found: &mut Found| matcher(node, found).map(Box::new);
    Some(match key.name.as_str() {
        "$matches" => {
            let template = template(node, found)?;
            if let Some(Err(error)) = template.literal().map(regex::Regex::new) {
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
            MatchOp::Matches(template)
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
                wrong(node, "a list", found);
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

/// A component schema's name, or a JSON Schema.
pub(super) fn schema(node: &Node, found: &mut Found) -> Option<Spanned<SchemaRef>> {
    let schema = match &node.kind {
        Kind::Text(name) => SchemaRef::Component(name.clone()),
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
            wrong(node, "a component schema's name or a JSON Schema", found);
            return None;
        }
    };
    Some(Spanned::new(schema, node.span.clone()))
}

/// A set of texts.
pub(super) fn set(names: Vec<Spanned<String>>) -> BTreeSet<String> {
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

    #[test]
    fn a_request_line_is_a_method_in_capitals_and_a_path() {
        assert_eq!(request_line("DELETE /v2/x y"), Some(("DELETE", "/v2/x y")));
        assert_eq!(request_line("GET  {{ next }}"), Some(("GET", "{{ next }}")));
        for text in ["delete pool", "GET", "GET http://x/", "Get /x"] {
            assert_eq!(request_line(text), None, "{text}");
        }
    }
}
