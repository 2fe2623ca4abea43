//! What a JSON value must look like.

use crate::template::{Expr, JsonTemplate, Template};

/// What a JSON value must look like.
#[derive(Debug, Clone)]
pub enum Matcher {
    /// Equal to this value.
    Value(JsonTemplate),
    /// A list of as many items, each of which matches.
    List(Vec<Matcher>),
    /// An object that has at least these keys, each of which matches.
    Map(Vec<(String, Matcher)>),
    /// Everything that these operators ask for.
    Ops(Vec<MatchOp>),
}

/// One operator of a matcher, written as a key that begins with `$`.
#[derive(Debug, Clone)]
pub enum MatchOp {
    /// `$matches`: text in which the regular expression is found; compiled where it has no expression in it.
    Matches(Template, Option<regex::Regex>),
    /// `$type`: a JSON type, `integer` among them.
    Type(String),
    /// `$absent`: the key is missing.
    Absent,
    /// `$present`: the key is there, whatever its value.
    Present,
    /// `$length`: so many items, keys or characters.
    Length(Box<Matcher>),
    /// `$contains`: a list with at least one item that matches, or text with this part.
    Contains(Box<Matcher>),
    /// `$each`: a list whose items all match.
    Each(Box<Matcher>),
    /// `$not`: does not match.
    Not(Box<Matcher>),
    /// `$one_of`: one of these matches.
    OneOf(Vec<Matcher>),
    /// `$exactly`: equal, with no further keys anywhere.
    Exactly(JsonTemplate),
    /// `$check`: the expression holds for `value`.
    Check(Expr),
}

impl Matcher {
    /// Calls `visit` with every expression in it; `value` marks those of `$check`.
    pub fn for_each_expr<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        match self {
            Self::Value(value) => value.for_each_expr(visit),
            Self::List(items) => items.iter().for_each(|item| item.for_each_expr(visit)),
            Self::Map(entries) => entries
                .iter()
                .for_each(|(_, value)| value.for_each_expr(visit)),
            Self::Ops(ops) => ops.iter().for_each(|op| match op {
                MatchOp::Matches(template, _) => template.exprs().for_each(&mut *visit),
                MatchOp::Type(_) | MatchOp::Absent | MatchOp::Present => {}
                MatchOp::Length(inner)
                | MatchOp::Contains(inner)
                | MatchOp::Each(inner)
                | MatchOp::Not(inner) => inner.for_each_expr(visit),
                MatchOp::OneOf(options) => options
                    .iter()
                    .for_each(|option| option.for_each_expr(visit)),
                MatchOp::Exactly(value) => value.for_each_expr(visit),
                MatchOp::Check(expr) => visit(expr),
            }),
        }
    }
}
