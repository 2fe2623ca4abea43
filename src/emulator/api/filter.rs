//! Which objects of a list a query asks for.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::query::Query;
use crate::emulator::dialect::{Body, UnknownFilter};
use crate::emulator::model::Kind;
use crate::emulator::refusal::Refusal;
use crate::emulator::store::State;

/// What an object of a list shows.
pub(super) type Attributes = Map<String, Value>;

/// An object of a list, and what it shows, if that is looked at.
pub(super) struct Listed {
    pub(super) id: Uuid,
    pub(super) attributes: Attributes,
}

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

/// The filters that every object is held to before it is shown.
const TAKEN: &[&str] = &["id", "name"];

/// Whether a query looks at what objects show: by a filter, or by an order.
pub(super) fn looks(query: &Query) -> bool {
    query.pairs.iter().any(|(key, _)| {
        let key = key.as_str();
        key.starts_with("sort") || !CONTROLS.contains(&key) && !TAKEN.contains(&key)
    })
}

/// Whether a query has a filter at all.
pub(super) fn filters(query: &Query) -> bool {
    query
        .pairs
        .iter()
        .any(|(key, _)| !CONTROLS.contains(&key.as_str()))
}

/// Keeps the objects that match every filter; of several values for one attribute, any.
pub(super) fn filter(
    state: &State,
    kind: Kind,
    objects: &mut Vec<Listed>,
    query: &Query,
) -> Result<(), Refusal> {
    for (at, (key, _)) in query.pairs.iter().enumerate() {
        let again = query.pairs[..at].iter().any(|(before, _)| before == key);
        if again || CONTROLS.contains(&key.as_str()) || TAKEN.contains(&key.as_str()) {
            continue;
        }
        let values: Vec<&str> = query.all(key).collect();
        let judge = |object: &Attributes| -> Option<bool> {
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
        objects.retain(|object| judge(&object.attributes).unwrap_or(true));
    }
    Ok(())
}

/// Whether an object matches one filter; nothing if the filter does not exist.
fn matches(state: &State, kind: Kind, object: &Attributes, key: &str, value: &str) -> Option<bool> {
    let tags = |object: &Attributes| -> Vec<String> {
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
        // What it is below does not show in the object itself.
        (Kind::L7Rule, "l7policy_id") | (Kind::Member, "pool_id") => {
            let id = object.get("id").and_then(Value::as_str);
            let id = id.and_then(|id| id.parse().ok())?;
            let parent = state.parent((kind, id));
            Some(parent.is_some_and(|parent| parent.to_string() == value))
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
        Kind::Member => &["address", "protocol_port", "subnet_id", "weight", "pool_id"],
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
        Kind::L7Rule => &[
            "type",
            "compare_type",
            "key",
            "value",
            "invert",
            "l7policy_id",
        ],
    };
    everywhere.contains(&key)
        || own.contains(&key)
        || state.rules.extras(kind).any(|extra| extra.name == key)
}

fn has_member(state: &State, object: &Attributes, address: &str) -> bool {
    let id = object.get("id").and_then(Value::as_str);
    let id = id.and_then(|id| id.parse().ok());
    state.members.values().any(|member| {
        let balancer = || state.load_balancer_of((Kind::Member, member.common.id));
        member.address == address && (Some(member.pool) == id || balancer() == id)
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
