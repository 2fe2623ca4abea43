//! Expressions and `{{ }}` interpolation.
//!
//! A text is split into its literal parts and its expressions once, when the suite is loaded; each
//! expression is compiled then. A text that is one whole expression keeps the type of its value; any other
//! is text. Undefined names are errors, and an expression has a bound on its steps, so that no suite can
//! hang a run.

mod direct;
mod pattern;
mod scope;
mod text;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError, Weak};

use minijinja::value::{Object, ObjectRepr, Value};
use minijinja::{Environment, Expression, UndefinedBehavior};
use serde_json::Value as Json;

use crate::source::{Diagnostic, Span};

use direct::{Found, Node};
pub use pattern::pattern;
pub use scope::{Scope, Shared};
pub use text::{JsonTemplate, Part, Template, doubled, percent_encode};

/// The names of an answer.
pub const ANSWER: &[&str] = &["status", "headers", "body"];

/// Steps that one evaluation may take.
const FUEL: u64 = 100_000;

/// The longest expression, in bytes. One is taken apart from the outside in, and depth takes room on the stack.
const LONGEST: usize = 1000;

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

/// One compiled expression.
#[derive(Clone)]
pub struct Expr {
    /// Where it is written.
    pub span: Span,
    compiled: Arc<Compiled>,
}

/// What is the same for all expressions with one text.
struct Compiled {
    text: Box<str>,
    names: BTreeSet<String>,
    /// What is evaluated first, if it is of a form that needs no more.
    direct: Option<Node>,
    /// What is evaluated else. It takes some kilobytes, so that it is made when it is needed.
    expression: OnceLock<Expression<'static, 'static>>,
}

impl Compiled {
    fn expression(&self) -> Result<&Expression<'static, 'static>, minijinja::Error> {
        if let Some(expression) = self.expression.get() {
            return Ok(expression);
        }
        let expression = ENVIRONMENT.compile_expression_owned(self.text.to_string())?;
        Ok(self.expression.get_or_init(|| expression))
    }
}

/// What is compiled, by its text, as long as anything uses it. Suites say the same things many times, and what
/// is compiled may be large.
static COMPILED: LazyLock<Mutex<HashMap<String, Weak<Compiled>>>> = LazyLock::new(Mutex::default);

/// So many texts are kept at the least before those are looked for that nothing uses any more.
const KEPT: usize = 1024;

fn compiled(text: &str) -> Result<Arc<Compiled>, minijinja::Error> {
    let mut known = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(compiled) = known.get(text).and_then(Weak::upgrade) {
        return Ok(compiled);
    }
    let expression = ENVIRONMENT.compile_expression_owned(text.to_owned())?;
    let names: BTreeSet<String> = expression.undeclared_variables(true).into_iter().collect();
    let own = text.trim();
    let direct = Node::read(own);
    let compiled = Arc::new(Compiled {
        text: own.into(),
        names,
        expression: match direct {
            Some(_) => OnceLock::new(),
            None => expression.into(),
        },
        direct,
    });
    if known.len() >= KEPT && known.len() == known.capacity() {
        known.retain(|_, compiled| compiled.strong_count() > 0);
    }
    known.insert(text.to_owned(), Arc::downgrade(&compiled));
    Ok(compiled)
}

impl std::fmt::Debug for Expr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{{{{ {} }}}}", self.text())
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
        if text.len() > LONGEST {
            let length = text.len();
            found.push(
                Diagnostic::new(
                    "bad-expression",
                    span,
                    format!("this expression has {length} bytes, more than {LONGEST}"),
                )
                .label("here")
                .help("give parts of it names under `variables`"),
            );
            return None;
        }
        match compiled(text) {
            Ok(compiled) => Some(Self {
                span: span.clone(),
                compiled,
            }),
            Err(error) => {
                let span = match error.range() {
                    Some(range) if span.range().len() >= text.len() => span
                        .at(span.range().start + range.start.min(text.len())
                            ..span.range().start + range.end.min(text.len())),
                    _ => span.clone(),
                };
                found.push(Diagnostic::new("bad-expression", &span, format!("this is no expression: {}", error.detail().unwrap_or("syntax error"))).label("here").help("expressions are those of Jinja: `a == b`, `x in list`, `a and not b`, `list | length`"));
                None
            }
        }
    }

    /// As written.
    pub fn text(&self) -> &str {
        &self.compiled.text
    }

    /// The names it uses, with the attributes that are read of them: `pool.id`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.compiled.names.iter().map(String::as_str)
    }

    /// The first segments of the names it uses: `pool` of `pool.id`.
    pub fn roots(&self) -> impl Iterator<Item = &str> {
        self.names()
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
        if let Some(value) = self.found(scope).and_then(Found::json) {
            return Ok(value);
        }
        let value = self.evaluate(scope)?;
        to_json(&value).map_err(|why| self.error(why))
    }

    /// The same. What a name leads to is not copied.
    ///
    /// # Errors
    /// As [`Expr::value`].
    pub fn shared(&self, scope: &Scope) -> Result<Option<Shared>, EvalError> {
        let named = match &self.compiled.direct {
            Some(Node::Path(names)) => scope.find(names),
            _ => None,
        };
        match named {
            Some(value) => Ok(Some(value)),
            None => Ok(self.value(scope)?.map(Shared::from)),
        }
    }

    /// The value as it stands inside a text.
    fn shown<'a>(&'a self, scope: &'a Scope) -> Result<Cow<'a, str>, EvalError> {
        if let Some(Found::Json(Cow::Borrowed(Json::String(text)))) = self.found(scope) {
            return Ok(Cow::Borrowed(text));
        }
        let value = self.value(scope)?.unwrap_or(Json::Null);
        Ok(text::plain(value).into())
    }

    /// Whether the value counts as true.
    ///
    /// # Errors
    /// As [`Expr::value`].
    pub fn holds(&self, scope: &Scope) -> Result<bool, EvalError> {
        match self.found(scope).and_then(|found| found.is_true()) {
            Some(truth) => Ok(truth),
            None => Ok(self.evaluate(scope)?.is_true()),
        }
    }

    /// What it comes to, if that can be told without `minijinja`.
    fn found<'a>(&'a self, scope: &'a Scope) -> Option<Found<'a>> {
        self.compiled.direct.as_ref()?.found(scope)
    }

    fn evaluate(&self, scope: &Scope) -> Result<Value, EvalError> {
        let expression = self.compiled.expression();
        let value = expression
            .and_then(|expression| expression.eval(scope.lookup()))
            .map_err(|error| self.error(explain(&error)))?;
        if value.is_undefined() {
            return Err(self.error("it has no value here".to_owned()));
        }
        Ok(value)
    }

    fn error(&self, why: String) -> EvalError {
        EvalError {
            expression: self.text().to_owned(),
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
