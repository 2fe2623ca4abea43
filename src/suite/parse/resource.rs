//! A resource and its operations.

use std::time::Duration;

use super::plain;
use crate::suite::model::{Change, Decision, List, Operation, Ready, Resource, Scope};
use crate::suite::read::{self, Fields, Found};
use crate::suite::shape;
use crate::suite::yaml::{Kind, Node};
use crate::template::Template;

/// How long to wait for an object to settle unless the resource says otherwise.
const READY_WITHIN: Duration = Duration::from_secs(300);

pub(super) fn resource(node: &Node<'_>, found: &mut Found) -> Option<Resource> {
    let fields = Fields::open(node, &shape::RESOURCE, found)?;
    let name = fields.read("resource", found, read::text)?;
    let ready = fields.read("ready", found, |node, found| {
        let fields = Fields::open(node, &shape::READY, found)?;
        Some(Ready {
            poll: fields.read("poll", found, read::text)?,
            until: fields.read("until", found, read::expr)?,
            fail_if: fields.read("fail_if", found, read::expr),
            within: fields
                .read("within", found, read::duration)
                .map_or(READY_WITHIN, |within| within.value),
        })
    });
    let list = fields.read("list", found, list);
    let one = |key: &str, found: &mut Found| {
        fields.read(key, found, |node, found| Some(operation(node, found)))
    };
    Some(Resource {
        span: name.span.clone(),
        name: name.value,
        scope: fields.read("scope", found, scope).unwrap_or(Scope::Case),
        needs: fields.names("needs", found),
        params: plain(fields.named("params", found, read::json_template)),
        beside: plain(fields.named("beside", found, read::json_template)),
        create: one("create", found).unwrap_or_else(|| unreadable(node)),
        object: fields
            .read("object", found, read::template)
            .unwrap_or_else(|| Template::parse("", &node.span, &mut Found::new())),
        ready,
        read: one("read", found).unwrap_or_else(|| unreadable(node)),
        list,
        found: fields.read("found", found, read::template),
        delete: one("delete", found),
        operations: fields
            .named("operations", found, |node, found| {
                Some(operation(node, found))
            })
            .into_iter()
            .map(|(key, value)| (key.value, value))
            .collect(),
        shows: plain(fields.named("shows", found, read::json_template)),
        volatile: read::set(fields.names("volatile", found)),
    })
}

/// The word of a scope.
pub(in crate::suite) fn scope(node: &Node<'_>, found: &mut Found) -> Option<Scope> {
    read::word(node, shape::SCOPES, found).map(|word| match word.as_str() {
        "worker" => Scope::Worker,
        "run" => Scope::Run,
        _ => Scope::Case,
    })
}

fn operation(node: &Node<'_>, found: &mut Found) -> Operation {
    if let Kind::Text(_) = node.kind {
        return Operation {
            request: read::request(node, None, found),
            ..unreadable(node)
        };
    }
    let Some(fields) = Fields::open(node, &shape::OPERATION, found) else {
        return unreadable(node);
    };
    Operation {
        request: fields
            .read("request", found, |node, found| {
                Some(read::request(node, Some(&fields), found))
            })
            .unwrap_or_else(|| read::unreadable(node)),
        answer: fields.names("answer", found),
        params: plain(fields.named("params", found, read::json_template)),
        decides: fields.many("decides", found, decision),
        choices: plain(fields.named("choices", found, read::json_template)),
    }
}

/// What stands for an operation that is missing or could not be read: its name is known all the same.
fn unreadable(node: &Node<'_>) -> Operation {
    Operation {
        request: read::unreadable(node),
        answer: Vec::new(),
        params: Vec::new(),
        decides: Vec::new(),
        choices: Vec::new(),
    }
}

fn decision(node: &Node<'_>, found: &mut Found) -> Option<Decision> {
    let fields = Fields::open(node, &shape::DECISION, found)?;
    Some(Decision {
        span: node.span.clone(),
        condition: fields.read("if", found, read::expr),
        answer: fields.names("answer", found),
        requirements: fields.names("requirements", found),
        sets: plain(fields.named("sets", found, read::json_template)),
        removes: fields.names("removes", found),
        changes: fields.many("changes", found, |node, found| {
            let fields = Fields::open(node, &shape::CHANGE, found)?;
            Some(Change {
                of: fields.read("of", found, read::text)?,
                condition: fields.read("where", found, read::expr),
                sets: plain(fields.named("sets", found, read::json_template)),
            })
        }),
    })
}

/// How a kind is listed.
pub(super) fn list(node: &Node<'_>, found: &mut Found) -> Option<List> {
    let fields = Fields::open(node, &shape::LIST, found)?;
    let request = fields.read("request", found, |node, found| {
        Some(read::request(node, None, found))
    })?;
    Some(List {
        request,
        items: fields.read("items", found, read::template)?,
    })
}
