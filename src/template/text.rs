//! Text and JSON with expressions in them.

use serde_json::Value as Json;

use super::{EvalError, Expr, Scope, Shared};
use crate::source::{Diagnostic, Span};

/// Text with expressions in it.
#[derive(Debug, Clone)]
pub struct Template {
    /// Where it stands.
    pub span: Span,
    parts: Box<[Part]>,
}

/// A part of a text.
#[derive(Debug, Clone)]
pub enum Part {
    /// As it stands.
    Text(String),
    /// Its value stands there.
    Expr(Expr),
}

impl Template {
    /// Splits the text at `{{ }}` and compiles what is between.
    pub fn parse(text: &str, span: &Span, found: &mut Vec<Diagnostic>) -> Self {
        let mut rest = text;
        let mut next = doubled(rest, '{');
        let mut parts = Vec::with_capacity(if next.is_some() { 3 } else { 1 });
        let mut searched = span.range().start;
        while let Some(open) = next {
            let after = &rest[open + 2..];
            let Some(close) = closing(after) else {
                found.push(
                    Diagnostic::new("open-template", span, "`{{` is never closed")
                        .label("in this text")
                        .help("close it with `}}`; a literal `{{` is written `{{ '{{' }}`"),
                );
                break;
            };
            if open > 0 {
                parts.push(Part::Text(rest[..open].to_owned()));
            }
            let inner = after[..close].trim();
            let place = locate(inner, span, &mut searched);
            if let Some(expr) = Expr::compile(inner, &place, found) {
                parts.push(Part::Expr(expr));
            }
            rest = &after[close + 2..];
            next = doubled(rest, '{');
        }
        if !rest.is_empty() || parts.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Self {
            span: span.clone(),
            parts: parts.into(),
        }
    }

    /// Puts parts together.
    pub fn of(parts: Vec<Part>, span: &Span) -> Self {
        Self {
            span: span.clone(),
            parts: parts.into(),
        }
    }

    /// Its parts in their order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The expressions in it.
    pub fn exprs(&self) -> impl Iterator<Item = &Expr> {
        self.parts.iter().filter_map(|part| match part {
            Part::Expr(expr) => Some(expr),
            Part::Text(_) => None,
        })
    }

    /// The text as it was written.
    pub fn source(&self) -> String {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Expr(expr) => format!("{{{{ {} }}}}", expr.text()),
            })
            .collect()
    }

    /// The text itself, if there is no expression in it.
    pub fn literal(&self) -> Option<&str> {
        match &*self.parts {
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The value: typed if the text is one whole expression, else text; `None` is `omit`.
    ///
    /// # Errors
    /// As [`Expr::value`].
    pub fn value(&self, scope: &Scope) -> Result<Option<Json>, EvalError> {
        match &*self.parts {
            [Part::Expr(expr)] => expr.value(scope),
            _ => self.text(scope).map(|text| Some(Json::String(text))),
        }
    }

    /// The same. What a name leads to is not copied.
    ///
    /// # Errors
    /// As [`Expr::value`].
    pub fn shared(&self, scope: &Scope) -> Result<Option<Shared>, EvalError> {
        match &*self.parts {
            [Part::Expr(expr)] => expr.shared(scope),
            _ => self.text(scope).map(|text| Some(Json::String(text).into())),
        }
    }

    /// The text, with numbers, truth values and JSON written out.
    ///
    /// # Errors
    /// As [`Expr::value`].
    pub fn text(&self, scope: &Scope) -> Result<String, EvalError> {
        self.text_with(scope, |value, out| out.push_str(value))
    }

    /// The text as part of a request target: what comes out of an expression is percent-encoded, except
    /// for the unreserved characters of RFC 3986, so that no value can change the path.
    ///
    /// # Errors
    /// As [`Expr::value`].
    pub fn target(&self, scope: &Scope) -> Result<String, EvalError> {
        self.text_with(scope, percent_encode_into)
    }

    fn text_with(
        &self,
        scope: &Scope,
        write: impl Fn(&str, &mut String),
    ) -> Result<String, EvalError> {
        let mut out = String::new();
        for part in &*self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Expr(expr) => {
                    write(&expr.shown(scope)?, &mut out);
                    if out.len() > MOST {
                        return Err(too_much(expr));
                    }
                }
            }
        }
        Ok(out)
    }
}

/// The most that may come of one template, in bytes, as it stands in memory: a value may name others that name others.
const MOST: usize = 4 << 20;

fn too_much(expr: &Expr) -> EvalError {
    EvalError {
        expression: expr.text().to_owned(),
        why: format!("more than {MOST} bytes come of the value that it stands in"),
        span: expr.span.clone(),
    }
}

/// About how many bytes a value takes.
fn weight(value: &Json) -> usize {
    let own = 32;
    own + match value {
        Json::String(text) => text.len(),
        Json::Array(items) => items.iter().map(weight).sum(),
        Json::Object(fields) => {
            let fields = fields.iter();
            fields.map(|(key, value)| key.len() + weight(value)).sum()
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => 0,
    }
}

/// A value as it stands inside a text: text as it is, nothing for null, everything else as JSON.
pub(super) fn plain(value: Json) -> String {
    match value {
        Json::String(text) => text,
        Json::Null => String::new(),
        other => other.to_string(),
    }
}

/// Percent-encodes everything but unreserved characters (RFC 3986, section 2.3).
pub fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    percent_encode_into(text, &mut out);
    out
}

fn percent_encode_into(text: &str, out: &mut String) {
    let unreserved =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| !unreserved(byte)) {
        out.push_str(&rest[..at]);
        let one = rest[at..].chars().next().map_or(1, char::len_utf8);
        for byte in &rest.as_bytes()[at..at + one] {
            out.push_str(&format!("%{byte:02X}"));
        }
        rest = &rest[at + one..];
    }
    out.push_str(rest);
}

/// Where a sign stands twice, one behind the other.
pub fn doubled(text: &str, sign: char) -> Option<usize> {
    let mut signs = text.match_indices(sign).map(|(at, _)| at);
    signs.find(|at| text[at + sign.len_utf8()..].starts_with(sign))
}

/// Where `}}` closes the expression, quoted text and nested braces aside.
fn closing(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut quote, mut depth, mut at) = (None, 0_usize, 0);
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (Some(_), b'\\') => at += 1,
            (Some(open), byte) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, byte @ (b'\'' | b'"')) => quote = Some(byte),
            (None, b'{') => depth += 1,
            (None, b'}') if depth > 0 => depth -= 1,
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

/// The place of an expression inside the text as it stands in the file; the whole text where escapes hide it.
fn locate(inner: &str, span: &Span, searched: &mut usize) -> Span {
    let text = (span.source.text).get(*searched..span.range().end);
    let found = text.and_then(|text| {
        // Where it most often is, before it is looked for everywhere.
        let behind = text.get(doubled(text, '{')? + 2..)?.trim_start();
        let nearest = behind.starts_with(inner);
        nearest.then_some(text.len() - behind.len())
    });
    let found = found.or_else(|| text?.find(inner));
    match found {
        Some(offset) if !inner.is_empty() => {
            let start = *searched + offset;
            *searched = start + inner.len();
            span.at(start..start + inner.len())
        }
        _ => span.clone(),
    }
}

/// A JSON value whose texts are templates.
#[derive(Debug, Clone)]
pub enum JsonTemplate {
    /// A value without expressions.
    Plain(Box<Json>),
    /// Text with expressions.
    Text(Template),
    /// A list.
    List(Vec<JsonTemplate>),
    /// An object, in the order written.
    Map(Vec<(String, JsonTemplate)>),
}

impl JsonTemplate {
    /// The value; `None` is `omit`. Keys and items that are `omit` are left out.
    ///
    /// # Errors
    /// As [`Expr::value`].
    pub fn value(&self, scope: &Scope) -> Result<Option<Json>, EvalError> {
        let mut room = MOST;
        self.within(scope, &mut room)
    }

    fn within(&self, scope: &Scope, room: &mut usize) -> Result<Option<Json>, EvalError> {
        Ok(Some(match self {
            Self::Plain(value) => (**value).clone(),
            Self::Text(template) => {
                let value = template.value(scope)?;
                let weight = value.as_ref().map_or(0, weight);
                match (room.checked_sub(weight), template.exprs().next()) {
                    (None, Some(expr)) => return Err(too_much(expr)),
                    (left, _) => *room = left.unwrap_or(0),
                }
                return Ok(value);
            }
            Self::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                for item in items {
                    list.extend(item.within(scope, room)?);
                }
                Json::Array(list)
            }
            Self::Map(entries) => {
                let mut map = serde_json::Map::new();
                for (key, value) in entries {
                    if let Some(value) = value.within(scope, room)? {
                        map.insert(key.clone(), value);
                    }
                }
                Json::Object(map)
            }
        }))
    }

    /// The value as it was written, in JSON, which YAML reads, too.
    pub fn source(&self) -> Json {
        match self {
            Self::Plain(value) => (**value).clone(),
            Self::Text(template) => template.source().into(),
            Self::List(items) => items.iter().map(Self::source).collect(),
            Self::Map(entries) => entries
                .iter()
                .map(|(key, value)| (key.clone(), value.source()))
                .collect(),
        }
    }

    /// Calls `visit` with every expression in it.
    pub fn for_each_expr<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        match self {
            Self::Plain(_) => {}
            Self::Text(template) => template.exprs().for_each(visit),
            Self::List(items) => items.iter().for_each(|item| item.for_each_expr(visit)),
            Self::Map(entries) => entries
                .iter()
                .for_each(|(_, value)| value.for_each_expr(visit)),
        }
    }
}
