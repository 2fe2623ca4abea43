//! A request before its expressions have values.

use crate::source::Span;
use crate::template::{Expr, JsonTemplate, Template};

/// A request whose values are still expressions.
#[derive(Debug, Clone)]
pub struct RequestTemplate {
    /// Where it is written.
    pub span: Span,
    /// The method as written.
    pub method: String,
    /// Path and query, from `/`.
    pub target: Template,
    /// Query parameters added to the target; an `omit` is left out.
    pub query: Vec<(String, JsonTemplate)>,
    /// Header fields; an `omit` is left out.
    pub headers: Vec<(String, Template)>,
    /// The content.
    pub body: BodyTemplate,
}

impl RequestTemplate {
    /// Calls `visit` with every expression in it.
    pub fn for_each_expr<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        self.target.exprs().for_each(&mut *visit);
        self.query
            .iter()
            .for_each(|(_, value)| value.for_each_expr(visit));
        self.headers
            .iter()
            .flat_map(|(_, value)| value.exprs())
            .for_each(&mut *visit);
        match &self.body {
            BodyTemplate::Empty => {}
            BodyTemplate::Json(json) => json.for_each_expr(visit),
            BodyTemplate::Text(text) => Template::exprs(text).for_each(visit),
        }
    }
}

/// The content of a request.
#[derive(Debug, Clone)]
pub enum BodyTemplate {
    /// None.
    Empty,
    /// JSON, with its Content-Type.
    Json(JsonTemplate),
    /// Text as it is, with no Content-Type of its own.
    Text(Template),
}
