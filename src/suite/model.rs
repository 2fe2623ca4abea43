//! What a suite says, as typed values that keep their places.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value as Json;

use super::openapi::OpenApi;
use crate::source::{Span, Spanned};
use crate::template::{Expr, JsonTemplate, Template};

/// Everything that a run needs to know of a contract: parsed, linked, free of errors.
#[derive(Debug)]
pub struct Suite {
    /// Its name: the `suite` of its manifest, or the name of the only file.
    pub name: String,
    /// What it is about, in a few words.
    pub title: String,
    /// The version of the manifest, if it has one.
    pub version: Option<String>,
    /// The profile that is meant when none is named.
    pub default_profile: Option<String>,
    /// The requirements by id.
    pub requirements: BTreeMap<String, Requirement>,
    /// The resources by name.
    pub resources: BTreeMap<String, Arc<Resource>>,
    /// The profiles by name.
    pub profiles: BTreeMap<String, Arc<Profile>>,
    /// Who can send requests.
    pub identities: BTreeMap<String, IdentityRule>,
    /// Variables that the suite declares.
    pub variables: BTreeMap<String, Variable>,
    /// The scenarios, ordered by file and then as written.
    pub scenarios: Vec<Arc<Scenario>>,
    /// The description that every answer must fit, if the suite has one.
    pub openapi: Option<Arc<OpenApi>>,
}

/// How binding a requirement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The profile does not know what the requirement speaks of.
    NotApplicable,
    /// Recorded, never judged.
    Observe,
    /// Judged; a violation fails the run only when the run is strict.
    Should,
    /// Judged; a violation fails the run.
    Must,
}

impl Level {
    /// As written in a suite.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotApplicable => "not_applicable",
            Self::Observe => "observe",
            Self::Should => "should",
            Self::Must => "must",
        }
    }
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One testable clause of the contract.
#[derive(Debug)]
pub struct Requirement {
    /// Such as `DP-10`.
    pub id: String,
    /// Where it is written.
    pub span: Span,
    /// What it demands, in a sentence.
    pub text: String,
    /// How binding it is unless the profile says otherwise.
    pub level: Level,
    /// How it is known, in the suite's own letters.
    pub origin: Option<String>,
    /// The document it comes from.
    pub source: String,
    /// What differs for one profile.
    pub profiles: BTreeMap<String, RequirementIn>,
    /// Why no scenario covers it, if none can.
    pub untested: Option<String>,
}

/// What one profile says differently of a requirement.
#[derive(Debug)]
pub struct RequirementIn {
    /// How binding it is there.
    pub level: Option<Level>,
    /// What it demands there.
    pub text: Option<String>,
    /// The document it comes from there.
    pub source: Option<String>,
}

impl Requirement {
    /// How binding it is for a profile.
    pub fn level_for(&self, profile: Option<&str>) -> Level {
        self.of(profile)
            .and_then(|own| own.level)
            .unwrap_or(self.level)
    }

    /// What it demands of a profile.
    pub fn text_for(&self, profile: Option<&str>) -> &str {
        self.of(profile)
            .and_then(|own| own.text.as_deref())
            .unwrap_or(&self.text)
    }

    /// Where it comes from, for a profile.
    pub fn source_for(&self, profile: Option<&str>) -> &str {
        self.of(profile)
            .and_then(|own| own.source.as_deref())
            .unwrap_or(&self.source)
    }

    fn of(&self, profile: Option<&str>) -> Option<&RequirementIn> {
        self.profiles.get(profile?)
    }
}

/// How long an object lives, and who shares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Created for one case, deleted with it.
    Case,
    /// Kept, and lent to one case at a time.
    Worker,
    /// Created once, shared by all cases.
    Run,
}

/// How one kind of object is created, awaited, read and deleted.
#[derive(Debug)]
pub struct Resource {
    /// Such as `pool`.
    pub name: String,
    /// Where it is written.
    pub span: Span,
    /// Who shares it unless a scenario says otherwise.
    pub scope: Scope,
    /// The resources that must exist first.
    pub needs: Vec<Spanned<String>>,
    /// Parameters with their defaults.
    pub params: Vec<(String, JsonTemplate)>,
    /// How it comes to be.
    pub create: Operation,
    /// The object inside the answers to `create` and `read`.
    pub object: Template,
    /// When it and its surroundings can be changed again.
    pub ready: Option<Ready>,
    /// How it is read.
    pub read: Operation,
    /// How its kind is listed.
    pub list: Option<List>,
    /// How it is removed; `None` when it goes with what it belongs to.
    pub delete: Option<Operation>,
    /// Further operations by name.
    pub operations: BTreeMap<String, Operation>,
    /// Fields that may change by themselves.
    pub volatile: BTreeSet<String>,
}

impl Resource {
    /// An operation by its name, `create`, `read` and `delete` among them.
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        match name {
            "create" => Some(&self.create),
            "read" => Some(&self.read),
            "delete" => self.delete.as_ref(),
            other => self.operations.get(other),
        }
    }

    /// The names of its operations.
    pub fn operation_names(&self) -> impl Iterator<Item = &str> {
        ["create", "read"]
            .into_iter()
            .chain(self.delete.as_ref().map(|_| "delete"))
            .chain(self.operations.keys().map(String::as_str))
    }
}

/// A request with the answer that counts as success.
#[derive(Debug)]
pub struct Operation {
    /// What is sent.
    pub request: RequestTemplate,
    /// The named answers that count as success; any 2xx where there is none.
    pub answer: Vec<Spanned<String>>,
    /// Parameters with their defaults.
    pub params: Vec<(String, JsonTemplate)>,
}

/// How to tell that an object has settled.
#[derive(Debug)]
pub struct Ready {
    /// The object to read: the resource itself or one that it needs.
    pub poll: Spanned<String>,
    /// Holds once it has settled.
    pub until: Expr,
    /// Holds when it never will.
    pub fail_if: Option<Expr>,
    /// How long to wait at the most.
    pub within: Duration,
}

/// How a kind of object is listed.
#[derive(Debug)]
pub struct List {
    /// What is sent.
    pub request: RequestTemplate,
    /// The list inside the answer.
    pub items: Template,
}

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
    /// What `profile.…` gives to expressions.
    pub features: Json,
    /// The named answers.
    pub answers: BTreeMap<String, Answer>,
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

/// Given resources, a request, and what must come of it.
#[derive(Debug)]
pub struct Scenario {
    /// Path of its file below the scenarios' directory, without the suffix, and its id.
    pub id: String,
    /// The path part of the id.
    pub group: String,
    /// What people read.
    pub title: String,
    /// What the file is about.
    pub feature: Option<String>,
    /// Where it is written.
    pub span: Span,
    /// What it shows, by requirement id.
    pub requirements: Vec<Spanned<String>>,
    /// Words to select it by.
    pub tags: BTreeSet<String>,
    /// Runs only where this holds.
    pub only_if: Option<Expr>,
    /// Values of its own.
    pub variables: Vec<(String, JsonTemplate)>,
    /// What must exist first, in the order of creation.
    pub given: Vec<Given>,
    /// What is sent; the last of it is the act that `then` judges.
    pub steps: Vec<Step>,
    /// What must hold after the act.
    pub then: Vec<Expect>,
    /// What is sent at the end, whatever happened.
    pub finally: Vec<Step>,
    /// How long the case may take, clean-up aside.
    pub timeout: Option<Duration>,
}

/// One object, or several alike, that must exist before the act.
#[derive(Debug)]
pub struct Given {
    /// What the scenario calls it.
    pub alias: String,
    /// Its kind.
    pub resource: Arc<Resource>,
    /// Where it is asked for.
    pub span: Span,
    /// How many; `None` is one, and then the alias is the object and no list.
    pub count: Option<JsonTemplate>,
    /// Values for its parameters.
    pub params: Vec<(String, JsonTemplate)>,
    /// For each need of the resource, the alias that fills it.
    pub binds: Vec<(String, String)>,
    /// Who shares it.
    pub scope: Scope,
    /// Operations carried out on it once it exists.
    pub operations: Vec<Spanned<String>>,
}

/// One request and what must come of it.
#[derive(Debug, Clone)]
pub struct Step {
    /// Where it is written.
    pub span: Span,
    /// What is sent.
    pub action: Action,
    /// Who sends it; `None` is `owner`.
    pub identity: Option<Spanned<String>>,
    /// How many times it is sent at once.
    pub concurrently: Option<Spanned<usize>>,
    /// Names for values of the answer.
    pub capture: Vec<(Spanned<String>, Expr)>,
    /// The object that a success creates: alias and resource.
    pub creates: Option<(Spanned<String>, Spanned<String>)>,
    /// Values for the parameters of an operation or for names that a fragment leaves open.
    pub with: Vec<(String, JsonTemplate)>,
    /// What must hold after it.
    pub then: Vec<Expect>,
}

/// What a step sends.
#[derive(Debug, Clone)]
pub enum Action {
    /// A request as written.
    Request(RequestTemplate),
    /// An operation of an object, by the operation's name and the object's alias; `create` names a resource.
    Operation(Spanned<String>, Spanned<String>),
    /// The creation of one more object: its kind, and for each need the alias that fills it.
    Create(Arc<Resource>, Vec<(String, String)>),
    /// A named fragment; resolved when the suite is linked.
    Fragment(Spanned<String>),
}

/// What must hold after a request. Everything that is asked for must hold.
#[derive(Debug, Clone)]
pub struct Expect {
    /// Where it is written.
    pub span: Span,
    /// The requirements that it shows; all of the scenario's where there is none.
    pub requirements: Vec<Spanned<String>>,
    /// Asked for only where this holds.
    pub only_if: Option<Expr>,
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
    pub unchanged: Option<Spanned<Unchanged>>,
    /// The given objects that are no more.
    pub gone: Vec<Spanned<String>>,
    /// Expressions that hold.
    pub check: Vec<Expr>,
    /// Values to record and never to judge.
    pub observe: Vec<(Spanned<String>, Expr)>,
}

impl Expect {
    /// Whether it asks for anything at all.
    pub fn asks(&self) -> bool {
        self.judges() || !self.observe.is_empty()
    }

    /// Whether it asks for anything that can be other than asked.
    pub fn judges(&self) -> bool {
        let answer = &self.answer;
        answer.status.is_some()
            || !answer.headers.is_empty()
            || answer.body.is_some()
            || answer.schema.is_some()
            || !self.named.is_empty()
            || !self.answers.is_empty()
            || self.within.is_some()
            || !self.check.is_empty()
            || self.unchanged.is_some()
            || !self.gone.is_empty()
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
    pub body: Option<Spanned<BodyExpect>>,
    /// The schema that the JSON content fits.
    pub schema: Option<Spanned<SchemaRef>>,
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
