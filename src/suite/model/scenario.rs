//! Scenarios: what is given, what is sent, and in which order.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::expect::Expect;
use super::matrix::Matrix;
use super::request::RequestTemplate;
use super::resource::{Resource, Scope};
use crate::source::{Span, Spanned};
use crate::template::{Expr, JsonTemplate};

/// Given resources, a request, and what must come of it.
#[derive(Debug, Clone)]
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
    /// The axes, if it stands for many cases.
    pub matrix: Option<Matrix>,
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
#[derive(Debug, Clone)]
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
    /// The set of shared objects that it is taken from; `None` is the common one.
    pub set: Option<Set>,
    /// Operations carried out on it once it exists.
    pub operations: Vec<Spanned<String>>,
}

/// A set of shared objects that is kept apart from others.
#[derive(Debug, Clone)]
pub struct Set {
    /// Its name.
    pub name: String,
    /// Its place among all sets, from 0.
    pub place: usize,
    /// How many sets there are.
    pub sets: usize,
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
    /// How many times it is sent at once, 2 to 64; 0 where that was said wrongly, in a suite that does not run.
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
    /// Several steps, all sent at the same time.
    Together(Vec<Step>),
}

impl Scenario {
    /// The requirements that it shows, its own first, each once.
    pub fn shows(&self) -> Vec<&str> {
        let mut ids: Vec<&str> = Vec::new();
        for id in self.shown() {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids
    }

    /// The same, as often as they are named.
    pub(super) fn shown(&self) -> impl Iterator<Item = &str> {
        let further = self
            .steps
            .iter()
            .flat_map(|step| &step.then)
            .chain(&self.then)
            .flat_map(|expect| &expect.requirements);
        let all = self.requirements.iter().chain(further);
        all.map(|id| id.value.as_str())
    }

    /// A scenario that nobody has written, of a kind that is also its tag: `given` and `steps`, and nothing else.
    pub fn generated(
        group: impl Into<String>,
        name: &str,
        title: impl Into<String>,
        kind: &str,
        span: &Span,
        given: Vec<Given>,
        steps: Vec<Step>,
    ) -> Self {
        let group = group.into();
        Self {
            id: format!("{group}/{name}"),
            group,
            title: title.into(),
            feature: None,
            span: span.clone(),
            requirements: Vec::new(),
            tags: BTreeSet::from(["generated".to_owned(), kind.to_owned()]),
            only_if: None,
            variables: Vec::new(),
            matrix: None,
            given,
            steps,
            then: Vec::new(),
            finally: Vec::new(),
            timeout: None,
        }
    }
}

impl Given {
    /// One object of a kind, shared as the kind is, with nothing else said of it.
    pub fn plain(alias: impl Into<String>, resource: &Arc<Resource>, span: &Span) -> Self {
        Self {
            alias: alias.into(),
            resource: Arc::clone(resource),
            span: span.clone(),
            count: None,
            params: Vec::new(),
            binds: Vec::new(),
            scope: resource.scope,
            set: None,
            operations: Vec::new(),
        }
    }
}

impl Step {
    /// A step of which nothing is said but what it sends.
    pub fn plain(action: Action, span: &Span) -> Self {
        Self {
            span: span.clone(),
            action,
            identity: None,
            concurrently: None,
            capture: Vec::new(),
            creates: None,
            with: Vec::new(),
            then: Vec::new(),
        }
    }

    /// Whether it consists of steps that are sent at the same time.
    pub fn is_together(&self) -> bool {
        matches!(self.action, Action::Together(_))
    }

    /// What is sent one by one or at the same time: the step itself, or the steps that it consists of.
    pub fn parts(&self) -> &[Self] {
        match &self.action {
            Action::Together(steps) => steps,
            _ => std::slice::from_ref(self),
        }
    }
}
