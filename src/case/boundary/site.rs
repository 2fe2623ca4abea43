//! Where values can stand: the operations of a resource, as the OpenAPI description has them.

use std::sync::Arc;

use crate::source::{Span, Spanned};
use crate::suite::model::{BodyTemplate, Operation, RequestTemplate, Resource, Scope, Suite};
use crate::suite::openapi::{DescribedRequest, OpenApi};
use crate::template::{JsonTemplate, Part, Template};

/// What an operation does when it succeeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Reads,
    Creates,
    Updates,
    Deletes,
}

/// One operation that is tried.
pub(super) struct Site<'a> {
    pub(super) resource: &'a Arc<Resource>,
    /// `create`, `list`, `read`, `update`, `delete`, or the operation's own name.
    pub(super) name: &'a str,
    pub(super) effect: Effect,
    pub(super) request: &'a RequestTemplate,
    /// The named answers that count as success.
    pub(super) answer: &'a [Spanned<String>],
    /// Values for the names that the request knows.
    pub(super) with: Vec<(String, JsonTemplate)>,
    pub(super) described: DescribedRequest,
    /// The kinds of which there is a second object.
    seconds: Vec<String>,
    /// The segments of the path.
    segments: Vec<Vec<Part>>,
    /// What stands behind the path, if there is a `?`.
    query: Option<Vec<Part>>,
}

/// The operations of a resource that the description has for a profile, each method of a path once.
pub(super) fn sites<'a>(
    suite: &Suite,
    api: &OpenApi,
    profile: Option<&str>,
    resource: &'a Arc<Resource>,
) -> Vec<Site<'a>> {
    let seconds = seconds(suite, resource);
    let mut sites: Vec<Site<'a>> = Vec::new();
    let mut item = None;
    for (name, request, operation) in operations(resource) {
        let (segments, query) = split(&request.target);
        let path: Vec<Option<String>> = segments.iter().map(|segment| literal(segment)).collect();
        let Some(described) = api.operation(&request.method, &path, profile) else {
            continue;
        };
        if name == "read" {
            item = Some(described.path.clone());
        }
        let effect = match (name, request.method.as_str()) {
            ("create", _) => Effect::Creates,
            ("delete", _) => Effect::Deletes,
            (_, "GET" | "HEAD") => Effect::Reads,
            _ => Effect::Updates,
        };
        // However a resource names it, a change of the object itself is its update.
        let name = if effect == Effect::Updates && item.as_ref() == Some(&described.path) {
            "update"
        } else {
            name
        };
        if sites.iter().any(|site| {
            site.described.path == described.path && site.request.method == request.method
        }) {
            continue;
        }
        // What is sent to an object may be what creation sends.
        let mut with = created_with(resource);
        with.extend(
            operation
                .into_iter()
                .flat_map(|own| own.params.iter().cloned()),
        );
        sites.push(Site {
            resource,
            name,
            effect,
            request,
            answer: operation.map_or(&[], |operation| &operation.answer),
            with,
            described,
            seconds: seconds.clone(),
            segments,
            query,
        });
    }
    sites
}

/// The requests of a resource by the names of the operations, in the order in which they are tried.
fn operations(
    resource: &Resource,
) -> impl Iterator<Item = (&str, &RequestTemplate, Option<&Operation>)> {
    let list = resource
        .list
        .iter()
        .map(|list| ("list", &list.request, None));
    let own = resource
        .operations
        .iter()
        .map(|(name, own)| (name.as_str(), own));
    std::iter::once(("create", &resource.create))
        .chain([("read", &resource.read)])
        .chain(own)
        .chain(resource.delete.iter().map(|delete| ("delete", delete)))
        .map(|(name, operation)| (name, &operation.request, Some(operation)))
        .chain(list)
}

/// Values for the parameters of creation, with which several objects stand side by side.
fn created_with(resource: &Resource) -> Vec<(String, JsonTemplate)> {
    let beside = |(name, default): &(String, JsonTemplate)| {
        let own = resource.beside.iter().find(|(own, _)| own == name);
        let value = own.map_or(default, |(_, value)| value);
        (name.clone(), value.clone())
    };
    resource.params.iter().map(beside).collect()
}

/// The kinds of which a second object stands beside a resource's own: itself, and what it needs that is not
/// shared anyway.
fn seconds(suite: &Suite, resource: &Arc<Resource>) -> Vec<String> {
    let mut seconds = vec![resource.name.clone()];
    let mut open = vec![resource];
    while let Some(next) = open.pop() {
        let needed = next
            .needs
            .iter()
            .filter_map(|need| suite.resources.get(&need.value));
        for needed in needed.filter(|needed| needed.scope == Scope::Case) {
            seconds.push(needed.name.clone());
            open.push(needed);
        }
    }
    seconds
}

/// The segments of a target's path, and its query.
fn split(target: &Template) -> (Vec<Vec<Part>>, Option<Vec<Part>>) {
    let mut segments = vec![Vec::new()];
    let mut query: Option<Vec<Part>> = None;
    for part in target.parts() {
        let text = match (part, &mut query) {
            (part, Some(query)) => {
                query.push(part.clone());
                continue;
            }
            (Part::Expr(_), None) => {
                segments
                    .last_mut()
                    .into_iter()
                    .for_each(|segment| segment.push(part.clone()));
                continue;
            }
            (Part::Text(text), None) => text,
        };
        let (path, rest) = match text.split_once('?') {
            Some((path, rest)) => (path, Some(rest)),
            None => (text.as_str(), None),
        };
        for (at, piece) in path.split('/').enumerate() {
            if at > 0 {
                segments.push(Vec::new());
            }
            if !piece.is_empty() {
                segments
                    .last_mut()
                    .into_iter()
                    .for_each(|segment| segment.push(Part::Text(piece.to_owned())));
            }
        }
        query = rest.map(|rest| match rest {
            "" => Vec::new(),
            rest => vec![Part::Text(rest.to_owned())],
        });
    }
    (segments, query)
}

fn literal(segment: &[Part]) -> Option<String> {
    match segment {
        [] => Some(String::new()),
        [Part::Text(text)] => Some(text.clone()),
        _ => None,
    }
}

impl Site<'_> {
    pub(super) fn span(&self) -> &Span {
        &self.request.span
    }

    /// Whether there is a second object of a kind, for requests to name.
    pub(super) fn has_second(&self, kind: &str) -> bool {
        self.effect != Effect::Creates && self.seconds.iter().any(|own| own == kind)
    }

    /// The parts of a segment of the path.
    pub(super) fn segment(&self, at: usize) -> &[Part] {
        &self.segments[at]
    }

    /// The target with other parts in one segment of the path.
    pub(super) fn with_segment(&self, at: usize, instead: Vec<Part>) -> Template {
        let mut segments = self.segments.clone();
        segments[at] = instead;
        self.target(&segments, self.query.clone())
    }

    /// The target with a parameter more, given as it stands in a query.
    pub(super) fn with_query(&self, more: Vec<Part>) -> Template {
        let query = match self.query.clone() {
            Some(mut query) => {
                query.push(Part::Text("&".to_owned()));
                query.extend(more);
                query
            }
            None => more,
        };
        self.target(&self.segments, Some(query))
    }

    fn target(&self, segments: &[Vec<Part>], query: Option<Vec<Part>>) -> Template {
        let mut parts = Vec::new();
        for (at, segment) in segments.iter().enumerate() {
            if at > 0 {
                parts.push(Part::Text("/".to_owned()));
            }
            parts.extend(segment.iter().cloned());
        }
        if let Some(query) = query {
            parts.push(Part::Text("?".to_owned()));
            parts.extend(query);
        }
        Template::of(parts, &self.request.target.span)
    }

    /// The request with another target.
    pub(super) fn aimed(&self, target: Template) -> RequestTemplate {
        RequestTemplate {
            target,
            ..self.request.clone()
        }
    }

    /// The request with other content; of the header fields, one that says what it is, or none.
    pub(super) fn carrying(&self, body: BodyTemplate, media: Option<&str>) -> RequestTemplate {
        let mut request = self.request.clone();
        request.body = body;
        request
            .headers
            .retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
        request.headers.extend(media.map(|media| {
            let value = Template::of(vec![Part::Text(media.to_owned())], self.span());
            ("Content-Type".to_owned(), value)
        }));
        request
    }
}
