//! Lists: filters, order, pages and the choice of attributes.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::render;
use crate::emulator::dialect::{Body, Fields, Paging, SortPairs, UnknownFilter};
use crate::emulator::model::Kind;
use crate::emulator::refusal::Refusal;
use crate::emulator::store::State;

type Object = Map<String, Value>;

/// The parameters that are no filters.
const CONTROLS: &[&str] = &[
    "limit",
    "marker",
    "page_reverse",
    "sort",
    "sort_key",
    "sort_dir",
    "fields",
    "cascade",
    "display_all_rules",
];

/// The decoded parameters of a query string, in their order.
#[derive(Debug, Clone, Default)]
pub(super) struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    pub(super) fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (
                decode(&key.replace('+', " ")),
                decode(&value.replace('+', " ")),
            )
        });
        Self {
            pairs: pairs.collect(),
        }
    }

    fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs
            .iter()
            .filter(move |(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    fn first<'a>(&'a self, key: &'a str) -> Option<&'a str> {
        self.all(key).next()
    }

    /// Whether a flag is set; anything but a true word is not.
    pub(super) fn flag(&self, key: &str) -> bool {
        self.first(key).is_some_and(|value| {
            matches!(value.to_ascii_lowercase().as_str(), "true" | "1" | "yes")
        })
    }
}

/// Percent-decodes; what is no UTF-8 then is replaced, and so matches nothing.
fn decode(text: &str) -> String {
    String::from_utf8_lossy(&percent_decoded(text)).into_owned()
}

/// The bytes behind a percent-encoded text; a stray `%` stays as it is.
pub(super) fn percent_decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = |byte: u8| {
            char::from(byte)
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        };
        let pair = match (first, after) {
            (b'%', [high, low, tail @ ..]) => {
                hex(*high).zip(hex(*low)).map(|(h, l)| (h * 16 + l, tail))
            }
            _ => None,
        };
        let (byte, tail) = pair.unwrap_or((*first, after));
        bytes.push(byte);
        rest = tail;
    }
    bytes
}

/// The body of a list: what matches, in order, one page of it; `base` is the list's own URL.
pub(super) fn page(
    state: &State,
    kind: Kind,
    mut objects: Vec<Object>,
    query: &Query,
    base: &str,
) -> Result<Value, Refusal> {
    filter(state, kind, &mut objects, query)?;
    sort(state, &mut objects, query)?;
    let Page { mut objects, links } = cut(state, objects, query, base)?;
    objects
        .iter_mut()
        .for_each(|object| select(state, object, query));
    let mut body = Map::new();
    body.insert(kind.plural().to_owned(), objects.into());
    if let Some(links) = links {
        body.insert(format!("{}_links", kind.plural()), links);
    }
    Ok(body.into())
}

/// Keeps the attributes that `fields` names, if it names any.
pub(super) fn select(state: &State, object: &mut Object, query: &Query) {
    let wanted: Vec<&str> = query
        .all("fields")
        .flat_map(|names| names.split(','))
        .filter(|name| !name.is_empty())
        .collect();
    match state.rules.fields {
        Fields::Select if !wanted.is_empty() => {
            object.retain(|key, _| wanted.contains(&key.as_str()));
        }
        Fields::Select | Fields::Ignored => {}
    }
}

fn filter(
    state: &State,
    kind: Kind,
    objects: &mut Vec<Object>,
    query: &Query,
) -> Result<(), Refusal> {
    for (key, _) in &query.pairs {
        if CONTROLS.contains(&key.as_str()) {
            continue;
        }
        let values: Vec<&str> = query.all(key).collect();
        let judge = |object: &Object| -> Option<bool> {
            let verdicts: Option<Vec<bool>> = values
                .iter()
                .map(|value| matches(state, kind, object, key, value))
                .collect();
            verdicts.map(|verdicts| verdicts.contains(&true))
        };
        match state.rules.unknown_filter {
            UnknownFilter::Refused if !known(state, kind, key) => {
                return Err(Refusal::BadQuery {
                    reason: format!("{} have no attribute {key}", kind.plural()),
                });
            }
            UnknownFilter::Refused | UnknownFilter::Ignored => {}
        }
        objects.retain(|object| judge(object).unwrap_or(true));
    }
    Ok(())
}

/// Whether an object matches one filter; nothing if the filter does not exist.
fn matches(state: &State, kind: Kind, object: &Object, key: &str, value: &str) -> Option<bool> {
    let tags = |object: &Object| -> Vec<String> {
        let tags = object.get("tags").and_then(Value::as_array);
        tags.into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    let wanted = || value.split(',').map(str::to_owned);
    match (kind, key) {
        (_, "tags") => Some(wanted().all(|tag| tags(object).contains(&tag))),
        (_, "tags-any") => Some(wanted().any(|tag| tags(object).contains(&tag))),
        (_, "not-tags") => Some(!wanted().all(|tag| tags(object).contains(&tag))),
        (_, "not-tags-any") => Some(!wanted().any(|tag| tags(object).contains(&tag))),
        // Servers and networks do not exist here, so nothing belongs to one.
        (_, "member_device_id" | "vpc_id") if state.rules.body == Body::Otc => Some(false),
        (Kind::LoadBalancer | Kind::Pool, "member_address") => {
            Some(has_member(state, object, value))
        }
        (Kind::Listener, "tls_container_id") => {
            let own = object
                .get("default_tls_container_ref")
                .is_some_and(|it| equals(it, value));
            Some(
                own || object
                    .get("sni_container_refs")
                    .is_some_and(|it| equals(it, value)),
            )
        }
        _ => {
            let list = key.strip_suffix("_id").map(|stem| format!("{stem}s"));
            let found = object.get(key).or_else(|| object.get(list.as_deref()?));
            found.map(|found| equals(found, value))
        }
    }
}

/// Whether the attribute is one that the kind has, even if no object of it exists yet.
fn known(state: &State, kind: Kind, key: &str) -> bool {
    let everywhere = [
        "id",
        "name",
        "description",
        "tenant_id",
        "project_id",
        "admin_state_up",
        "provisioning_status",
        "operating_status",
        "created_at",
        "updated_at",
        "tags",
        "tags-any",
        "not-tags",
        "not-tags-any",
    ];
    let own: &[&str] = match kind {
        Kind::LoadBalancer => &[
            "vip_address",
            "vip_subnet_id",
            "vip_port_id",
            "provider",
            "listener_id",
            "pool_id",
        ],
        Kind::Listener => &[
            "protocol",
            "protocol_port",
            "connection_limit",
            "default_pool_id",
            "loadbalancer_id",
            "default_tls_container_ref",
        ],
        Kind::Pool => &[
            "protocol",
            "lb_algorithm",
            "loadbalancer_id",
            "listener_id",
            "healthmonitor_id",
            "member_id",
        ],
        Kind::Member => &["address", "protocol_port", "subnet_id", "weight"],
        Kind::HealthMonitor => &[
            "type",
            "delay",
            "timeout",
            "max_retries",
            "max_retries_down",
            "url_path",
            "http_method",
            "expected_codes",
            "domain_name",
            "pool_id",
        ],
        Kind::L7Policy => &[
            "action",
            "listener_id",
            "redirect_pool_id",
            "redirect_url",
            "position",
        ],
        Kind::L7Rule => &["type", "compare_type", "key", "value", "invert"],
    };
    everywhere.contains(&key)
        || own.contains(&key)
        || state.rules.extras(kind).any(|extra| extra.name == key)
}

fn has_member(state: &State, object: &Object, address: &str) -> bool {
    let id = object.get("id").cloned().unwrap_or_default();
    state.members.values().any(|member| {
        let balancer = state.load_balancer_of((Kind::Member, member.common.id));
        member.address == address && (render::id(member.pool) == id || render::id(balancer) == id)
    })
}

/// Exact match with the text of a query; one of a list is enough.
fn equals(value: &Value, text: &str) -> bool {
    match value {
        Value::Null => matches!(text, "" | "null" | "None"),
        Value::Bool(value) => text.eq_ignore_ascii_case(if *value { "true" } else { "false" }),
        Value::Number(number) => number.to_string() == text,
        Value::String(string) => string == text,
        Value::Array(items) => items.iter().any(|item| match item {
            Value::Object(object) => object.get("id").is_some_and(|id| equals(id, text)),
            item => equals(item, text),
        }),
        Value::Object(_) => false,
    }
}

/// Orders by the sort keys, and by id where they say nothing.
fn sort(state: &State, objects: &mut [Object], query: &Query) -> Result<(), Refusal> {
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
            .is_some_and(|object| !object.get(*key).is_some_and(sortable))
        {
            return Err(Refusal::BadQuery {
                reason: format!("{key} is no sort key"),
            });
        }
    }
    objects.sort_by(|left, right| {
        let by_keys = keys.iter().map(|(key, direction)| {
            let order = compare(left.get(*key), right.get(*key));
            if *direction == "desc" {
                order.reverse()
            } else {
                order
            }
        });
        by_keys
            .fold(Ordering::Equal, Ordering::then)
            .then_with(|| compare(left.get("id"), right.get("id")))
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
    objects: Vec<Object>,
    links: Option<Value>,
}

/// Cuts one page out of the ordered list.
fn cut(state: &State, objects: Vec<Object>, query: &Query, base: &str) -> Result<Page, Refusal> {
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
            let at = objects
                .iter()
                .position(|object| object.get("id").is_some_and(|id| id == marker));
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
    let objects: Vec<Object> = objects.into_iter().skip(start).take(end - start).collect();
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
    let id = |object: Option<&Object>| {
        object
            .and_then(|it| it.get("id"))
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
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

/// Percent-encodes everything but the unreserved characters.
fn encode(text: &str) -> String {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    text.bytes()
        .map(|byte| {
            if plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// The objects of a list as they are shown, before any filter.
pub(super) fn objects(
    state: &State,
    kind: Kind,
    ids: &[uuid::Uuid],
    all: bool,
    query: &Query,
) -> Vec<Object> {
    let whole_rules =
        kind == Kind::L7Policy && state.rules.body == Body::Otc && query.flag("display_all_rules");
    let show = |id: &uuid::Uuid| {
        let mut object = if all {
            render::member_of_all(state, *id)
        } else {
            render::object(state, (kind, *id))
        };
        if whole_rules {
            let rules = state
                .rules_of(*id)
                .into_iter()
                .map(|it| render::object(state, (Kind::L7Rule, it.common.id)));
            object.insert("rules".into(), rules.map(Value::Object).collect());
        }
        object
    };
    ids.iter().map(show).collect()
}
