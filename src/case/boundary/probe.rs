//! One value in one place of an operation.

use crate::source::Span;
use crate::suite::model::{Boundary, RequestTemplate};
use crate::template::{Expr, Part, Template};

/// What may come of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hits {
    /// It names nothing, or may do nothing: whatever the answer, nothing changes.
    Nothing,
    /// It is to be refused where a rule says so. Without one it may be carried out.
    Refused,
    /// It is carried out or refused, and then leaves no trace.
    Perhaps,
    /// It is carried out.
    Surely,
}

/// A request with a value worth trying.
pub(super) struct Probe {
    /// Where the value stands: a parameter's name, `token`, `method`, `query`, `header`, `content`, `body`, or
    /// a field of the content behind `body.`.
    pub(super) place: String,
    /// The parameter or field by the name that rules know; empty where it is neither.
    pub(super) field: String,
    /// The value's name.
    pub(super) name: String,
    /// The value in words, behind the place.
    pub(super) about: String,
    pub(super) of: Boundary,
    pub(super) hits: Hits,
    pub(super) request: RequestTemplate,
    /// Who sends it; `None` is `owner`.
    pub(super) identity: Option<&'static str>,
}

/// Text as it stands.
pub(super) fn text(text: impl Into<String>) -> Part {
    Part::Text(text.into())
}

/// What an expression yields.
pub(super) fn expr(text: &str, span: &Span) -> Part {
    let mut found = Vec::new();
    let compiled = Expr::compile(text, span, &mut found);
    debug_assert!(found.is_empty(), "{text}: {found:?}");
    compiled.map_or_else(|| Part::Text(String::new()), Part::Expr)
}

/// A text in which `{{ }}` is replaced.
pub(super) fn template(text: &str, span: &Span) -> Template {
    let mut found = Vec::new();
    let template = Template::parse(text, span, &mut found);
    debug_assert!(found.is_empty(), "{text}: {found:?}");
    template
}

/// So many characters without a place for each in the text of the case.
pub(super) fn repeated(character: char, count: usize, span: &Span) -> Template {
    template(&format!("{{{{ '{character}' * {count} }}}}"), span)
}
