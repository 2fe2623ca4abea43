//! What must hold: of the answer, and of what a request left behind.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;

use super::matcher::Matcher;
use crate::source::{Span, Spanned};
use crate::template::Expr;

/// What must hold after a request. Everything that is asked for must hold.
#[derive(Debug, Clone)]
pub struct Expect {
    /// Where it is written.
    pub span: Span,
    /// The requirements that it shows; all of the scenario's where there is none.
    pub requirements: Vec<Spanned<String>>,
    /// Asked for only where this holds.
    pub only_if: Option<Expr>,
    /// What the operation's decision table says.
    pub contract: bool,
    /// The answer itself.
    pub answer: AnswerExpect,
    /// One of these named answers.
    pub named: Vec<Spanned<String>>,
    /// With concurrent requests: how many answers are of which names, `None` for the rest.
    pub answers: Vec<(Vec<Spanned<String>>, Option<usize>)>,
    /// The answer comes within this time.
    pub within: Option<Spanned<Duration>>,
    /// The aftermath, or a repeated read, may take this long to show.
    pub eventually: Option<Spanned<Duration>>,
    /// The given objects that read exactly as before.
    pub unchanged: Option<Box<Spanned<Unchanged>>>,
    /// The given objects that are no more.
    pub gone: Vec<Spanned<String>>,
    /// Expressions that hold.
    pub check: Vec<Expr>,
    /// Values to record and never to judge.
    pub observe: Vec<(Spanned<String>, Expr)>,
}

impl Expect {
    /// An expectation that asks for nothing yet.
    pub fn nothing(span: &Span) -> Self {
        Self {
            span: span.clone(),
            requirements: Vec::new(),
            only_if: None,
            contract: false,
            answer: AnswerExpect::default(),
            named: Vec::new(),
            answers: Vec::new(),
            within: None,
            eventually: None,
            unchanged: None,
            gone: Vec::new(),
            check: Vec::new(),
            observe: Vec::new(),
        }
    }

    /// What the decision table of the step's operation says.
    pub fn contract(span: &Span) -> Self {
        Self {
            contract: true,
            ..Self::nothing(span)
        }
    }

    /// Whether it asks for anything at all.
    pub fn asks(&self) -> bool {
        self.judges() || self.contract || !self.observe.is_empty()
    }

    /// Whether it says itself what can be other than asked.
    pub fn judges(&self) -> bool {
        self.judges_one_answer()
            || !self.answers.is_empty()
            || self.within.is_some()
            || !self.check.is_empty()
            || self.unchanged.is_some()
            || !self.gone.is_empty()
    }

    /// Whether it asks for anything of the one answer to a request that is sent once.
    pub fn judges_one_answer(&self) -> bool {
        let answer = &self.answer;
        answer.status.is_some()
            || !answer.headers.is_empty()
            || answer.body.is_some()
            || answer.schema.is_some()
            || !self.named.is_empty()
            || self.only_if.as_ref().is_some_and(Expr::is_of_answer)
    }

    /// Whether it asks for anything that must be read after the act.
    pub fn has_aftermath(&self) -> bool {
        self.unchanged.is_some()
            || !self.gone.is_empty()
            || self
                .exprs()
                .any(|expr| expr.roots().any(|root| root == "after" || root == "before"))
    }

    /// Its `check` and `observe` expressions.
    pub fn exprs(&self) -> impl Iterator<Item = &Expr> {
        self.check
            .iter()
            .chain(self.observe.iter().map(|(_, expr)| expr))
    }
}

/// What an answer must look like.
#[derive(Debug, Clone, Default)]
pub struct AnswerExpect {
    /// The status.
    pub status: Option<Spanned<StatusSet>>,
    /// Header fields by name.
    pub headers: Vec<(Spanned<String>, Matcher)>,
    /// The content.
    pub body: Option<Box<Spanned<BodyExpect>>>,
    /// The schema that the JSON content fits.
    pub schema: Option<Box<Spanned<SchemaRef>>>,
}

/// A set of status codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusSet(pub Vec<StatusRange>);

/// A status code, or a class of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusRange {
    /// Such as 409.
    Code(u16),
    /// Such as 4 for `4xx`.
    Class(u16),
}

impl StatusSet {
    /// Whether the code of a server error is in it.
    pub fn has_server_error(&self) -> bool {
        self.0.iter().any(|range| match range {
            StatusRange::Code(code) => code / 100 == 5,
            StatusRange::Class(class) => *class == 5,
        })
    }

    /// Whether the code is in it.
    pub fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|range| match range {
            StatusRange::Code(code) => *code == status,
            StatusRange::Class(class) => *class == status / 100,
        })
    }
}

impl std::fmt::Display for StatusSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, range) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(if at + 1 == self.0.len() { " or " } else { ", " })?;
            }
            match range {
                StatusRange::Code(code) => write!(f, "{code}")?,
                StatusRange::Class(class) => write!(f, "{class}xx")?,
            }
        }
        Ok(())
    }
}

/// What the content must be.
#[derive(Debug, Clone)]
pub enum BodyExpect {
    /// No content at all.
    Empty,
    /// JSON that matches, or text that matches where the content is no JSON.
    Matches(Matcher),
}

/// A schema by name or in place.
#[derive(Debug, Clone)]
pub enum SchemaRef {
    /// A component schema of the suite's OpenAPI description.
    Component(String),
    /// A JSON Schema of its own, compiled when the suite is linked.
    Inline(Arc<InlineSchema>),
}

/// A JSON Schema and its compiled form.
#[derive(Debug)]
pub struct InlineSchema {
    /// As written.
    pub schema: Json,
    /// Ready to judge.
    pub validator: jsonschema::Validator,
}

/// The objects that must read as before.
#[derive(Debug, Clone)]
pub enum Unchanged {
    /// Every given object.
    All,
    /// Every given object that `then` does not name as gone.
    Others,
    /// Just these.
    These(Vec<Spanned<String>>),
}
