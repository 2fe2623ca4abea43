//! Kinds of objects: how they come to be, settle, are read and go.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::request::RequestTemplate;
use crate::source::{Span, Spanned};
use crate::template::{Expr, JsonTemplate, Template};

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
    /// Parameters with which several stand side by side.
    pub beside: Vec<(String, JsonTemplate)>,
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
    /// Its id as what it needs shows it, for a kind that bears no name to look it up by.
    pub found: Option<Template>,
    /// How it is removed; `None` when it goes with what it belongs to.
    pub delete: Option<Operation>,
    /// Further operations by name.
    pub operations: BTreeMap<String, Operation>,
    /// Fields that follow from other objects, with what they must then be.
    pub shows: Vec<(String, JsonTemplate)>,
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
    pub fn operation_names(&self) -> impl Iterator<Item = &str> + Clone {
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
    /// Its decision table: the first line that applies says what comes of it.
    pub decides: Vec<Decision>,
    /// Values that generated cases choose from, by parameter.
    pub choices: Vec<(String, JsonTemplate)>,
}

/// One line of a decision table.
#[derive(Debug)]
pub struct Decision {
    /// Where it is written.
    pub span: Span,
    /// Applies where this holds; always where there is none.
    pub condition: Option<Expr>,
    /// One of these named answers comes.
    pub answer: Vec<Spanned<String>>,
    /// The requirements that say so.
    pub requirements: Vec<Spanned<String>>,
    /// Fields of the object itself, with their new values.
    pub sets: Vec<(String, JsonTemplate)>,
    /// The kinds of objects that need this one and go with it.
    pub removes: Vec<Spanned<String>>,
    /// What changes in other objects.
    pub changes: Vec<Change>,
}

/// What an operation changes in other objects.
#[derive(Debug)]
pub struct Change {
    /// Their kind.
    pub of: Spanned<String>,
    /// Those for which this holds, by the name `it`; all where there is none.
    pub condition: Option<Expr>,
    /// Their fields with their new values.
    pub sets: Vec<(String, JsonTemplate)>,
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

/// Whether a line tells of an operation that was carried out: one of its answers counts as success.
pub fn succeeds(operation: &Operation, line: &Decision) -> bool {
    line.answer
        .iter()
        .any(|name| operation.answer.iter().any(|own| own.value == name.value))
}
