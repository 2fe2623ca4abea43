//! What differs from endpoint to endpoint: dialects, identities, variables.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value as Json;

use super::expect::AnswerExpect;
use super::request::RequestTemplate;
use super::resource::List;
use crate::source::{Span, Spanned};
use crate::template::Template;

/// What one vendor's dialect declares.
#[derive(Debug)]
pub struct Profile {
    /// Such as `otc-v2`.
    pub name: String,
    /// Where it is written.
    pub span: Span,
    /// What it is in a few words.
    pub title: String,
    /// The dialect of the embedded emulator that speaks it.
    pub emulator: Option<String>,
    /// How long an aftermath may take to show; zero means at once.
    pub settle: Duration,
    /// The named answers that are tried again during set-up and clean-up.
    pub transient: Vec<Spanned<String>>,
    /// How a status of its objects may change.
    pub moves: Option<Moves>,
    /// How the endpoint tells what it has room for.
    pub quota: Option<Quota>,
    /// What `profile.…` gives to expressions.
    pub features: Json,
    /// The named answers.
    pub answers: BTreeMap<String, Answer>,
}

/// How an endpoint tells how many objects there may be.
#[derive(Debug)]
pub struct Quota {
    /// What is sent.
    pub request: RequestTemplate,
    /// By resource, the most that there may be, as the answer tells it; null or less than 0 is no bound.
    pub most: Vec<(Spanned<String>, Template)>,
    /// By resource, the list of all that there are already; none are where there is no such list.
    pub there: Vec<(Spanned<String>, List)>,
}

/// How the status of an object may change from one look at it to the next.
#[derive(Debug)]
pub struct Moves {
    /// The field that tells the status.
    pub field: String,
    /// What may follow a status by itself.
    pub by_itself: BTreeMap<String, Vec<String>>,
    /// What may follow a status only after a request that changes something.
    pub when_asked: BTreeMap<String, Vec<String>>,
}

/// An answer that scenarios call by name.
#[derive(Debug)]
pub struct Answer {
    /// What it looks like.
    pub expect: AnswerExpect,
    /// What people call it.
    pub about: Option<String>,
}

/// Who sends a request: the header fields that prove it.
#[derive(Debug)]
pub struct IdentityRule {
    /// Where it is written.
    pub span: Span,
    /// Header fields; an identity whose variables are empty is not configured.
    pub headers: Vec<(String, Template)>,
}

/// A value that a target, a flag or the environment can set.
#[derive(Debug)]
pub struct Variable {
    /// What it means.
    pub about: Option<String>,
    /// Its value unless set.
    pub default: Option<Json>,
    /// Whether it must reach no report.
    pub secret: bool,
}

/// Mutants that nothing could tell from the real endpoint.
#[derive(Debug)]
pub struct Equivalent {
    /// Globs of their ids.
    pub mutants: Vec<Spanned<String>>,
    /// The profiles under which it is so; all where there is none.
    pub profiles: Vec<Spanned<String>>,
    /// Why.
    pub because: String,
}
