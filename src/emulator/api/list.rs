//! Lists: their order, their pages and the choice of attributes.

use std::cmp::Ordering;

use serde_json::{Value, json};
use uuid::Uuid;

use super::filter::{Attributes, Listed, filter, filters, looks};
use super::object::Object;
use super::query::{Query, encode};
use super::render::{self, View};
use crate::emulator::dialect::{Body, Fields, Paging, SortPairs};
use crate::emulator::model::Kind;
use crate::emulator::refusal::Refusal;
use crate::emulator::store::{Ref, State, parse_id};

/// The body of a list: what matches, in order, one page of it; `base` is the list's own URL.
pub(super) fn list(
    state: &State,
    kind: Kind,
    ids: &[Uuid],
    all_members: bool,
    query: &Query,
    base: &str,
) -> Result<Vec<u8>, Refusal> {
    let view = match kind {
        _ if all_members => View::Placed,
        Kind::L7Policy if state.rules.body == Body::Otc && query.flag("display_all_rules") => {
            View::WholeRules
        }
        _ => View::Plain,
    };
    let (filtered, looked_at) = (filters(query), looks(query));
    let objects = ids
        .iter()
        .filter(|id| filtered || !state.needs_filter(**id))
        .filter(|id| !named_otherwise(state, (kind, **id), query))
        .map(|id| Listed {
            id: *id,
            attributes: if looked_at {
                attributes(state, (kind, *id), view)
            } else {
                Attributes::new()
            },
        });
    let mut objects = objects.collect();
    filter(state, kind, &mut objects, query)?;
    sort(state, &mut objects, query)?;
    let Page { objects, links } = cut(state, objects, query, base)?;

    let mut text = Vec::with_capacity(1024);
    let wanted = wanted(state, query);
    Object::write(&mut text, &[], |body| {
        body.list(kind.plural(), &wanted, objects, |it, object| {
            render::object(state, (kind, it.id), view, object);
        });
        if let Some(links) = links {
            body.put(&format!("{}_links", kind.plural()), links);
        }
    });
    Ok(text)
}

/// What an object shows, to be looked at.
fn attributes(state: &State, reference: Ref, view: View) -> Attributes {
    let mut text = Vec::new();
    Object::write(&mut text, &[], |object| {
        render::object(state, reference, view, object);
    });
    serde_json::from_slice(&text).unwrap_or_default()
}

/// The attributes that `fields` names; none if all are to be shown.
pub(super) fn wanted<'a>(state: &State, query: &'a Query) -> Vec<&'a str> {
    match state.rules.fields {
        Fields::Select => query
            .all("fields")
            .flat_map(|names| names.split(','))
            .filter(|name| !name.is_empty())
            .collect(),
        Fields::Ignored => Vec::new(),
    }
}

/// Whether the filters for id and name leave an object out; it need not be shown to be known.
fn named_otherwise(state: &State, reference: Ref, query: &Query) -> bool {
    let Some(common) = state.common(reference) else {
        return false;
    };
    let differs = |key: &str, own: &str| {
        let mut asked = query.all(key).peekable();
        asked.peek().is_some() && asked.all(|value| value != own)
    };
    (state.rules.has(reference.0, "name") && differs("name", &common.name))
        || differs("id", common.id.hyphenated().encode_lower(&mut [0; 36]))
}

/// Orders by the sort keys, and by id where they say nothing.
fn sort(state: &State, objects: &mut [Listed], query: &Query) -> Result<(), Refusal> {
    let mut keys: Vec<(&str, &str)> = Vec::new();
    for pair in query.all("sort").flat_map(|pairs| pairs.split(',')) {
        keys.push(pair.split_once(':').unwrap_or((pair, "asc")));
    }
    let (names, directions): (Vec<&str>, Vec<&str>) = (
        query.all("sort_key").collect(),
        query.all("sort_dir").collect(),
    );
    let paired = match state.rules.sort_pairs {
        SortPairs::Equal => names.len() == directions.len(),
        SortPairs::Padded => names.len() >= directions.len(),
    };
    if !paired {
        return Err(Refusal::BadQuery {
            reason: "there must be as many sort_dir as sort_key".into(),
        });
    }
    let directions = directions.into_iter().chain(std::iter::repeat("asc"));
    keys.extend(names.into_iter().zip(directions));

    for (key, direction) in &keys {
        if !matches!(*direction, "asc" | "desc") {
            return Err(Refusal::BadQuery {
                reason: format!("sort direction {direction} is neither asc nor desc"),
            });
        }
        let sortable = |value: &Value| !value.is_array() && !value.is_object();
        if objects
            .first()
            .is_some_and(|object| !object.attributes.get(*key).is_some_and(sortable))
        {
            return Err(Refusal::BadQuery {
                reason: format!("{key} is no sort key"),
            });
        }
    }
    objects.sort_by(|left, right| {
        let by_keys = keys.iter().map(|(key, direction)| {
            let order = compare(left.attributes.get(*key), right.attributes.get(*key));
            if *direction == "desc" {
                order.reverse()
            } else {
                order
            }
        });
        by_keys
            .fold(Ordering::Equal, Ordering::then)
            .then_with(|| left.id.cmp(&right.id))
    });
    Ok(())
}

fn compare(left: Option<&Value>, right: Option<&Value>) -> Ordering {
    match (left, right) {
        (Some(Value::Number(left)), Some(Value::Number(right))) => {
            left.as_i64().cmp(&right.as_i64())
        }
        (Some(Value::String(left)), Some(Value::String(right))) => left.cmp(right),
        (Some(Value::Bool(left)), Some(Value::Bool(right))) => left.cmp(right),
        (Some(Value::Null) | None, Some(Value::Null) | None) => Ordering::Equal,
        (Some(Value::Null) | None, _) => Ordering::Less,
        _ => Ordering::Greater,
    }
}

struct Page {
    objects: Vec<Listed>,
    links: Option<Value>,
}

/// Cuts one page out of the ordered list.
fn cut(state: &State, objects: Vec<Listed>, query: &Query, base: &str) -> Result<Page, Refusal> {
    let bad = |reason: String| Refusal::BadQuery { reason };
    let asked = match query.first("limit") {
        None => None,
        Some(text) => match text.parse::<usize>() {
            // Zero asks for no bound.
            Ok(limit) => Some(limit).filter(|limit| *limit > 0),
            Err(_) => return Err(bad(format!("limit {text} is no number"))),
        },
    };
    let limit = match state.rules.paging {
        Paging::Always { max } => Some(asked.unwrap_or(max).min(max)),
        Paging::OnLimit | Paging::OnLimitFull => asked,
    };
    let Some(limit) = limit else {
        return Ok(Page {
            objects,
            links: None,
        });
    };
    let reverse = query.flag("page_reverse");
    let marker = query.first("marker").filter(|marker| !marker.is_empty());
    let position = match marker {
        None => None,
        Some(marker) => {
            let id = parse_id(marker);
            let at = objects.iter().position(|object| Some(object.id) == id);
            Some(at.ok_or_else(|| bad(format!("marker {marker} is not in the list")))?)
        }
    };
    let (start, end) = if reverse {
        let end = position.unwrap_or(objects.len());
        (end.saturating_sub(limit), end)
    } else {
        let start = position.map_or(0, |at| at + 1);
        (start, start.saturating_add(limit).min(objects.len()))
    };
    let (total, full) = (objects.len(), end - start == limit);
    let objects: Vec<Listed> = objects.into_iter().skip(start).take(end - start).collect();
    let (next, previous) = match state.rules.paging {
        Paging::OnLimit => (end < total, start > 0),
        Paging::Always { .. } | Paging::OnLimitFull => {
            if reverse {
                (position.is_some(), full)
            } else {
                (full, position.is_some())
            }
        }
    };
    let id = |object: Option<&Listed>| object.map(|it| it.id);
    let mut links = Vec::new();
    for (rel, wanted, edge) in [
        ("next", next, id(objects.last())),
        ("previous", previous, id(objects.first())),
    ] {
        if let (true, Some(edge)) = (wanted, edge) {
            let kept = query
                .pairs
                .iter()
                .filter(|(key, _)| !matches!(key.as_str(), "marker" | "page_reverse" | "limit"));
            let kept: String = kept
                .map(|(key, value)| format!("&{}={}", encode(key), encode(value)))
                .collect();
            let back = if rel == "previous" {
                "&page_reverse=True"
            } else {
                ""
            };
            links.push(json!({"rel": rel, "href": format!("{base}?limit={limit}&marker={edge}{back}{kept}")}));
        }
    }
    let shown = matches!(state.rules.paging, Paging::OnLimit) || !links.is_empty();
    Ok(Page {
        objects,
        links: shown.then(|| links.into()),
    })
}
