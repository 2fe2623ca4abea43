//! What a statement says, against what its evidence gives.

use serde_json::Value as Json;

use super::Statement;

/// Every field in which they differ, in words. Which version of the program wrote it is no difference.
///
/// # Errors
/// None that is known; that of the serialiser is passed on.
pub fn differences(
    claimed: &Statement,
    recomputed: &Statement,
) -> Result<Vec<String>, serde_json::Error> {
    let recomputed = Statement {
        tool_version: claimed.tool_version.clone(),
        ..recomputed.clone()
    };
    let mut found = Vec::new();
    let (claimed, recomputed) = (
        serde_json::to_value(claimed)?,
        serde_json::to_value(&recomputed)?,
    );
    walk("", Some(&claimed), Some(&recomputed), &mut found);
    Ok(found)
}

fn walk(place: &str, claimed: Option<&Json>, recomputed: Option<&Json>, found: &mut Vec<String>) {
    let below = |name: &str| match place {
        "" => name.to_owned(),
        _ => format!("{place}, {name}"),
    };
    match (claimed, recomputed) {
        (one, other) if one == other => {}
        (Some(Json::Object(one)), Some(Json::Object(other))) => {
            let more = other.keys().filter(|name| !one.contains_key(*name));
            for name in one.keys().chain(more) {
                walk(&below(name), one.get(name), other.get(name), found);
            }
        }
        (Some(Json::Array(one)), Some(Json::Array(other))) => {
            let of = |all: &[Json], name: &str| all.iter().find(|it| key(it) == name).cloned();
            let mut names: Vec<String> = one.iter().chain(other).map(key).collect();
            names.sort();
            names.dedup();
            let before = found.len();
            for name in names {
                let (one, other) = (of(one, &name), of(other, &name));
                walk(&below(&name), one.as_ref(), other.as_ref(), found);
            }
            if found.len() == before {
                found.push(format!("{place}: the order is another"));
            }
        }
        (one, other) => found.push(format!(
            "{place}: claimed {}, recomputed {}",
            told(one),
            told(other)
        )),
    }
}

/// What tells an item of a list from the others: its first field, or all of it.
fn key(item: &Json) -> String {
    match item {
        Json::Object(fields) => fields.values().next().map_or_else(String::new, key),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn told(value: Option<&Json>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
