//! Expressions and `{{ }}` interpolation.
//!
//! A text is split into its literal parts and its expressions once, when the suite is loaded; each
//! expression is compiled then. A text that is one whole expression keeps the type of its value; any other
//! is text. Undefined names are errors, and an expression has a bound on its steps, so that no suite can
//! hang a run.

mod pattern;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use minijinja::value::{Enumerator, Object, ObjectRepr, Value};
use minijinja::{Environment, Expression, UndefinedBehavior};
use serde_json::Value as Json;

use crate::source::{Diagnostic, Span};

pub use pattern::pattern;
/// The names of an answer.
pub const ANSWER: &[&str] = &["status", "headers", "body"];

/// Steps that one evaluation may take.
const FUEL: u64 = 100_000;

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.add_filter("matches", |text: &str, pattern: &str| {
        self::pattern(pattern)
            .map(|regex| regex.is_match(text))
            .map_err(|error| {
                minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, error.to_string())
            })
    });
    environment.add_filter("ids", |list: Value| -> Result<Value, minijinja::Error> {
        list.try_iter()?
            .map(|item| item.get_attr("id"))
            .collect::<Result<Vec<_>, _>>()
            .map(Value::from)
    });
    environment.add_filter("refs", |list: Value| -> Result<Value, minijinja::Error> {
        list.try_iter()?
            .map(|item| Ok(Value::from(BTreeMap::from([("id", item.get_attr("id")?)]))))
            .collect::<Result<Vec<_>, _>>()
            .map(Value::from)
    });
    environment.add_global("omit", Value::from_object(Omit));
    environment
});

/// The value of `omit`: a key or an item with this value is left out of the request.
#[derive(Debug)]
struct Omit;

impl Object for Omit {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }
}

/// A value as expressions see it. Cheap to copy.
#[derive(Debug, Clone)]
pub struct Data(Value);

impl Data {
    /// The value of JSON.
    pub fn of(value: &Json) -> Self {
        Self(Value::from(minijinja::value::Serde(value)))
    }

    /// A list of values.
    pub fn list(items: impl IntoIterator<Item = Self>) -> Self {
        Self(items.into_iter().map(|item| item.0).collect())
    }

    /// Values by name.
    pub fn map(entries: impl IntoIterator<Item = (String, Self)>) -> Self {
        let map: BTreeMap<String, Value> = entries
            .into_iter()
            .map(|(name, value)| (name, value.0))
            .collect();
        Self(Value::from(map))
    }
}

/// The names that an expression can use, with their values. Cheap to copy: a copy that is changed keeps
/// what it shares below what is its own.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    top: Arc<Layer>,
}

#[derive(Debug, Default)]
struct Layer {
    values: BTreeMap<String, Value>,
    below: Option<Arc<Layer>>,
    depth: usize,
}

/// Layers that are looked through before they are joined.
const DEPTH: usize = 6;

impl Layer {
    fn get(&self, name: &str) -> Option<&Value> {
        self.values
            .get(name)
            .or_else(|| self.below.as_ref().and_then(|below| below.get(name)))
    }

    fn all(&self) -> BTreeMap<String, Value> {
        let mut all = self
            .below
            .as_ref()
            .map(|below| below.all())
            .unwrap_or_default();
        all.extend(
            self.values
                .iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        all
    }
}

#[derive(Debug)]
struct View(Arc<Layer>);

impl Object for View {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.0.get(key.as_str()?).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.all().into_keys().map(Value::from).collect())
    }
}

impl Scope {
    /// A scope without names.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives a name its value; what it had before is replaced.
    pub fn set(&mut self, name: impl Into<String>, value: &Json) {
        self.put(name, Data::of(value));
    }

    /// Gives a name a value that expressions can use already.
    pub fn put(&mut self, name: impl Into<String>, value: Data) {
        if let Some(own) = Arc::get_mut(&mut self.top) {
            own.values.insert(name.into(), value.0);
            return;
        }
        let deep = self.top.depth >= DEPTH;
        let mut layer = Layer {
            values: if deep {
                self.top.all()
            } else {
                BTreeMap::new()
            },
            below: (!deep).then(|| Arc::clone(&self.top)),
            depth: if deep { 0 } else { self.top.depth + 1 },
        };
        layer.values.insert(name.into(), value.0);
        self.top = Arc::new(layer);
    }

    /// Takes every name of the other scope.
    pub fn extend(&mut self, other: &Scope) {
        for (name, value) in other.top.all() {
            self.put(name, Data(value));
        }
    }

    /// Gives `new` the value of `name`, if it has one.
    pub fn alias(&mut self, new: &str, name: &str) {
        if let Some(value) = self.top.get(name).cloned() {
            self.put(new, Data(value));
        }
    }

    /// Takes one name from another scope, if it has a value there.
    pub fn take(&mut self, name: &str, from: &Scope) {
        if let Some(value) = from.top.get(name).cloned() {
            self.put(name, Data(value));
        }
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<Json> {
        self.top
            .get(name)
            .and_then(|value| to_json(value).ok().flatten())
    }

    /// Whether the name has a value.
    pub fn contains(&self, name: &str) -> bool {
        self.top.get(name).is_some()
    }
}

/// One compiled expression.
#[derive(Clone)]
pub struct Expr {
    /// As written.
    pub text: String,
    /// Where.
    pub span: Span,
    /// The names it uses, with the attributes that are read of them: `pool.id`.
    pub names: BTreeSet<String>,
    compiled: Arc<Expression<'static, 'static>>,
}

impl std::fmt::Debug for Expr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{{{{ {} }}}}", self.text)
    }
}

/// An expression that could not be evaluated.
#[derive(Debug, Clone, thiserror::Error)]
#[error("cannot evaluate `{expression}`: {why}")]
pub struct EvalError {
    /// The expression as written.
    pub expression: String,
    /// What the evaluation met.
    pub why: String,
    /// Where the expression stands.
    pub span: Span,
}

impl Expr {
    /// Compiles an expression; what is wrong with it is in `found`.
    pub fn compile(text: &str, span: &Span, found: &mut Vec<Diagnostic>) -> Option<Self> {
        match ENVIRONMENT.compile_expression_owned(text.to_owned()) {
            Ok(compiled) => {
                let names = compiled.undeclared_variables(true).into_iter().collect();
                Some(Self {
                    text: text.trim().to_owned(),
                    span: span.clone(),
                    names,
                    compiled: Arc::new(compiled),
                })
            }
            Err(error) => {
                let span = match error.range() {
                    Some(range) if span.range.len() >= text.len() => span
                        .at(span.range.start + range.start.min(text.len())
                            ..span.range.start + range.end.min(text.len())),
                    _ => span.clone(),
                };
                found.push(Diagnostic::new("bad-expression", &span, format!("this is no expression: {}", error.detail().unwrap_or("syntax error"))).label("here").help("expressions are those of Jinja: `a == b`, `x in list`, `a and not b`, `list | length`"));
                None
            }
        }
    }

    /// The first segments of the names it uses: `pool` of `pool.id`.
    pub fn roots(&self) -> impl Iterator<Item = &str> {
        self.names
            .iter()
            .map(|name| name.split('.').next().unwrap_or(name))
    }

    /// Whether it looks at an answer: at `status`, `headers` or `body`.
    pub fn is_of_answer(&self) -> bool {
        self.roots().any(|root| ANSWER.contains(&root))
    }

    /// The value as JSON; `None` is `omit`.
    ///
    /// # Errors
    /// An undefined name, an operation that does not fit its operands, or too many steps.
    pub fn value(&self, scope: &Scope) -> Result<Option<Json>, EvalError> {
        let value = self.evaluate(scope)?;
        to_json(&value).map_err(|why| self.error(why))
    }

    /// Whether the value counts as true.
    ///
    /// # Errors
    /// As [`Expr::value`].
    pub fn holds(&self, scope: &Scope) -> Result<bool, EvalError> {
        Ok(self.evaluate(scope)?.is_true())
    }

    fn evaluate(&self, scope: &Scope) -> Result<Value, EvalError> {
        let value = self
            .compiled
            .eval(Value::from_object(View(Arc::clone(&scope.top))))
            .map_err(|error| self.error(explain(&error)))?;
        if value.is_undefined() {
            return Err(self.error("it has no value here".to_owned()));
        }
        Ok(value)
    }

    fn error(&self, why: String) -> EvalError {
        EvalError {
            expression: self.text.clone(),
            why,
            span: self.span.clone(),
        }
    }
}

fn explain(error: &minijinja::Error) -> String {
    let kind = error.kind().to_string();
    match error.detail() {
        Some(detail) if !detail.is_empty() => format!("{kind}: {detail}"),
        _ => kind,
    }
}

fn to_json(value: &Value) -> Result<Option<Json>, String> {
    if value.downcast_object_ref::<Omit>().is_some() {
        return Ok(None);
    }
    serde_json::to_value(value)
        .map(Some)
        .map_err(|error| error.to_string())
}

/// Text with expressions in it.
#[derive(Debug, Clone)]
pub struct Template {
    /// Where it stands.
    pub span: Span,
    parts: Vec<Part>,
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
        let mut parts = Vec::new();
        let mut rest = text;
        let mut searched = span.range.start;
        while let Some(open) = rest.find("{{") {
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
        }
        if !rest.is_empty() || parts.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Self {
            span: span.clone(),
            parts,
        }
    }

    /// Puts parts together.
    pub fn of(parts: Vec<Part>, span: &Span) -> Self {
        Self {
            span: span.clone(),
            parts,
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
                Part::Expr(expr) => format!("{{{{ {} }}}}", expr.text),
            })
            .collect()
    }

    /// The text itself, if there is no expression in it.
    pub fn literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The value: typed if the text is one whole expression, else text; `None` is `omit`.
    ///
    /// # Errors
    /// As [`Expr::value`].
    pub fn value(&self, scope: &Scope) -> Result<Option<Json>, EvalError> {
        match self.parts.as_slice() {
            [Part::Expr(expr)] => expr.value(scope),
            _ => self.text(scope).map(|text| Some(Json::String(text))),
        }
    }

    /// The text, with numbers, truth values and JSON written out.
    ///
    /// # Errors
    /// As [`Expr::value`].
    pub fn text(&self, scope: &Scope) -> Result<String, EvalError> {
        self.text_with(scope, |value| value)
    }

    /// The text as part of a request target: what comes out of an expression is percent-encoded, except
    /// for the unreserved characters of RFC 3986, so that no value can change the path.
    ///
    /// # Errors
    /// As [`Expr::value`].
    pub fn target(&self, scope: &Scope) -> Result<String, EvalError> {
        self.text_with(scope, |value| percent_encode(&value))
    }

    fn text_with(
        &self,
        scope: &Scope,
        encode: impl Fn(String) -> String,
    ) -> Result<String, EvalError> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Expr(expr) => {
                    out.push_str(&encode(plain(&expr.value(scope)?.unwrap_or(Json::Null))));
                }
            }
        }
        Ok(out)
    }
}

/// A value as it stands inside a text: text as it is, nothing for null, everything else as JSON.
fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Null => String::new(),
        other => other.to_string(),
    }
}

/// Percent-encodes everything but unreserved characters (RFC 3986, section 2.3).
pub fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
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
    let found = span
        .source
        .text
        .get(*searched..span.range.end)
        .and_then(|text| text.find(inner));
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
    Plain(Json),
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
        Ok(Some(match self {
            Self::Plain(value) => value.clone(),
            Self::Text(template) => return template.value(scope),
            Self::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                for item in items {
                    list.extend(item.value(scope)?);
                }
                Json::Array(list)
            }
            Self::Map(entries) => {
                let mut map = serde_json::Map::new();
                for (key, value) in entries {
                    if let Some(value) = value.value(scope)? {
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
            Self::Plain(value) => value.clone(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;
    use serde_json::json;

    fn scope() -> Scope {
        let mut scope = Scope::new();
        scope.set(
            "pool",
            &json!({"id": "a/b?c", "members": [{"id": "m1"}, {"id": "m2"}], "weight": 3}),
        );
        scope.set("name", &json!("x"));
        scope
    }

    fn check(text: &str, expected: Result<Json, &str>) {
        let source = Source::new("t.yaml", text);
        let span = Span::start_of(&source).at(0..text.len());
        let mut found = Vec::new();
        let template = Template::parse(text, &span, &mut found);
        let actual = match found.first() {
            Some(diagnostic) => Err(diagnostic.code.to_owned()),
            None => template
                .value(&scope())
                .map(|value| value.unwrap_or(json!("<omit>")))
                .map_err(|error| error.why),
        };
        match (actual, expected) {
            (Ok(actual), Ok(expected)) => assert_eq!(actual, expected, "{text}"),
            (Err(actual), Err(expected)) => assert!(actual.contains(expected), "{text}: {actual}"),
            (actual, expected) => panic!("{text}: {actual:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn one_whole_expression_keeps_its_type_and_anything_else_is_text() {
        check("{{ pool.weight }}", Ok(json!(3)));
        check("w={{ pool.weight }}", Ok(json!("w=3")));
        check("{{ pool.members | ids }}", Ok(json!(["m1", "m2"])));
        check("{{ {'a': {'b': 1}} }}", Ok(json!({"a": {"b": 1}})));
        check("{{ '}}' }}{{ name }}", Ok(json!("}}x")));
        check("{{ omit if true else 1 }}", Ok(json!("<omit>")));
        check("plain", Ok(json!("plain")));
        check("", Ok(json!("")));
    }

    #[test]
    fn undefined_names_and_endless_work_are_errors() {
        check("{{ nobody }}", Err("no value"));
        check("{{ nobody + 1 }}", Err("undefined"));
        check("{{ pool.nothing }}", Err("no value"));
        check("{{ pool.nothing.more }}", Err("undefined"));
        check("{{ range(1000000) | list | length }}", Err(""));
        check("{{ name", Err("open-template"));
        check("{{ name + }}", Err("bad-expression"));
    }

    #[test]
    fn what_comes_out_of_an_expression_cannot_change_a_target() {
        let source = Source::new("t.yaml", "/pools/{{ pool.id }}?x=1");
        let span = Span::start_of(&source).at(0..source.text.len());
        let template = Template::parse(&source.text, &span, &mut Vec::new());
        assert_eq!(
            template.target(&scope()).ok().as_deref(),
            Some("/pools/a%2Fb%3Fc?x=1")
        );
    }

    #[test]
    fn an_error_points_into_the_line_of_the_scenario() {
        let text = "id: \"{{ name }} and {{ name + }}\"";
        let source = Source::new("t.yaml", text);
        let span = Span::start_of(&source).at(4..text.len());
        let mut found = Vec::new();
        Template::parse("{{ name }} and {{ name + }}", &span, &mut found);
        let column = found[0].span.as_ref().map(|span| span.location().column);
        assert!(column.is_some_and(|column| column > 20), "{found:?}");
    }
}
