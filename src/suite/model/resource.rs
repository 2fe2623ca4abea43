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
