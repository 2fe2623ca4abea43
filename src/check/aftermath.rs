//! What an act left behind: objects that read as before, and objects that are no more.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Mismatch, bounded, differences};
use crate::source::Location;
use crate::template::Shared;

/// How an object reads after the act.
#[derive(Debug, Clone)]
pub enum Afterwards {
    /// It is there.
    Object(Shared),
    /// It is not there (404 or 410).
    Absent,
    /// The read gave neither; in words.
    Unclear(String),
}

/// What a list of the object's kind shows.
#[derive(Debug, Clone)]
pub enum ListView {
    /// The resource has no list.
    None,
    /// The list.
    Items(Shared),
    /// The list could not be read; in words.
    Unclear(String),
}

/// An object reads exactly as before, volatile fields and references to objects that went aside.
pub fn unchanged(
    name: &str,
    before: &Value,
    after: &Afterwards,
    volatile: &BTreeSet<String>,
    gone: &[Value],
    at: &Location,
) -> Option<Mismatch> {
    let actual = match after {
        Afterwards::Absent => "it is gone".to_owned(),
        Afterwards::Unclear(why) => why.clone(),
        Afterwards::Object(after) if gone.is_empty() => changes(before, after, volatile)?,
        Afterwards::Object(after) => {
            // References that are still there are for `gone` to report, not for this as well.
            let (before, after) = (without(before, gone), without(after, gone));
            changes(&before, &after, volatile)?
        }
    };
    Some(Mismatch {
        check: "unchanged",
        expected: format!("{name} reads as before"),
        actual,
        location: Some(at.clone()),
    })
}

/// What differs between two readings, volatile fields aside; `None` where nothing does.
fn changes(before: &Value, after: &Value, volatile: &BTreeSet<String>) -> Option<String> {
    let changes = differences(before, after, &|key| volatile.contains(key));
    let told: Vec<String> = changes.iter().map(ToString::to_string).collect();
    (!told.is_empty()).then(|| bounded(&told.join("; ")))
}

/// What the contract says of the state, and what is so.
fn against_contract(expected: String, actual: String) -> Mismatch {
    Mismatch {
        check: "contract",
        expected,
        actual,
        location: None,
    }
}

/// An object reads as the contract says. The order of the `unordered` lists means nothing.
pub fn reads_as(
    name: &str,
    expected: &Value,
    after: &Afterwards,
    volatile: &BTreeSet<String>,
    unordered: &BTreeSet<&str>,
) -> Option<Mismatch> {
    let actual = match after {
        Afterwards::Absent => "it is gone".to_owned(),
        Afterwards::Unclear(why) => why.clone(),
        Afterwards::Object(after) if in_order(expected, after, unordered) => {
            changes(expected, after, volatile)?
        }
        Afterwards::Object(after) => {
            let (expected, after) = (sorted(expected, unordered), sorted(after, unordered));
            changes(&expected, &after, volatile)?
        }
    };
    Some(against_contract(
        format!("{name} reads as the contract says"),
        actual,
    ))
}

/// Whether none of the `unordered` lists differs, not even in its order.
fn in_order(one: &Value, other: &Value, unordered: &BTreeSet<&str>) -> bool {
    unordered.iter().all(|key| one.get(key) == other.get(key))
}

fn sorted(value: &Value, unordered: &BTreeSet<&str>) -> Value {
    let mut value = value.clone();
    if let Value::Object(fields) = &mut value {
        for (key, field) in fields {
            if let (true, Value::Array(items)) = (unordered.contains(key.as_str()), field) {
                items.sort_by_cached_key(ToString::to_string);
            }
        }
    }
    value
}

/// An object that the contract knows to be gone cannot be read.
pub fn absent(name: &str, read: &Afterwards) -> Option<Mismatch> {
    let actual = match read {
        Afterwards::Absent => return None,
        Afterwards::Object(object) => format!("it reads {}", super::quote(object)),
        Afterwards::Unclear(why) => why.clone(),
    };
    Some(against_contract(
        format!("{name} cannot be read any more (404)"),
        actual,
    ))
}

/// An object is listed once if it is alive, and not at all if it is gone.
pub fn listed(name: &str, id: Option<&Value>, list: &ListView, alive: bool) -> Option<Mismatch> {
    let expected = if alive {
        format!("{name} is listed once")
    } else {
        format!("{name} is not listed any more")
    };
    let actual = match list {
        ListView::None => return None,
        ListView::Unclear(why) => why.clone(),
        ListView::Items(items) => {
            let id = id?;
            let times = (items.as_array().into_iter().flatten())
                .filter(|item| item.get("id") == Some(id))
                .count();
            if times == usize::from(alive) {
                return None;
            }
            format!("the list has it {times} times")
        }
    };
    Some(against_contract(expected, actual))
}

/// An object is no more: not readable, not listed, and none of the others refers to it.
pub fn gone(
    name: &str,
    id: Option<&Value>,
    read: &Afterwards,
    list: &ListView,
    others: &[(String, &Value)],
    at: &Location,
) -> Vec<Mismatch> {
    let mut found = Vec::new();
    let mut push = |expected: String, actual: String| {
        found.push(Mismatch {
            check: "gone",
            expected,
            actual,
            location: Some(at.clone()),
        });
    };
    match read {
        Afterwards::Absent => {}
        Afterwards::Object(object) => push(
            format!("{name} cannot be read any more (404)"),
            format!("it reads {}", super::quote(object)),
        ),
        Afterwards::Unclear(why) => {
            push(format!("{name} cannot be read any more (404)"), why.clone());
        }
    }
    let Some(id) = id else { return found };
    match list {
        ListView::None => {}
        ListView::Items(items) => {
            let mut items = items.as_array().into_iter().flatten();
            if let Some(item) = items.find(|item| item.get("id") == Some(id)) {
                push(
                    format!("{name} is not listed any more"),
                    format!("the list has {}", super::quote(item)),
                );
            }
        }
        ListView::Unclear(why) => push(format!("{name} is not listed any more"), why.clone()),
    }
    for (other, value) in others {
        if let Some(path) = mention(value, id, String::new()) {
            push(
                format!("{other} does not refer to {name} any more"),
                format!("`{path}` is {}", super::quote(id)),
            );
        }
    }
    found
}

/// The path at which a value mentions the id.
fn mention(value: &Value, id: &Value, path: String) -> Option<String> {
    match value {
        Value::Object(map) => map.iter().find_map(|(key, value)| {
            mention(
                value,
                id,
                if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                },
            )
        }),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(at, value)| mention(value, id, format!("{path}[{at}]"))),
        value => (value == id).then_some(path),
    }
}

/// The value without its references to the ids: list items that are or hold one, and fields that are one.
fn without(value: &Value, ids: &[Value]) -> Value {
    let refers =
        |item: &Value| ids.contains(item) || item.get("id").is_some_and(|id| ids.contains(id));
    match value {
        Value::Array(items) => items
            .iter()
            .filter(|item| !refers(item))
            .map(|item| without(item, ids))
            .collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| {
                (
                    key.clone(),
                    if ids.contains(value) {
                        Value::Null
                    } else {
                        without(value, ids)
                    },
                )
            })
            .collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at() -> Location {
        Location {
            file: "f".into(),
            line: 1,
            column: 1,
        }
    }

    #[test]
    fn an_object_that_lost_only_its_reference_to_what_went_is_unchanged() {
        let before = json!({"id": "l", "default_pool_id": "p", "pools": [{"id": "p"}, {"id": "q"}], "updated_at": 1});
        let volatile = BTreeSet::from(["updated_at".to_owned()]);
        let check = |after: Value, gone: &[Value]| {
            unchanged(
                "listener",
                &before,
                &Afterwards::Object(after.into()),
                &volatile,
                gone,
                &at(),
            )
            .map(|m| m.actual)
        };
        assert_eq!(
            check(
                json!({"id": "l", "default_pool_id": null, "pools": [{"id": "q"}], "updated_at": 2}),
                &[json!("p")]
            ),
            None
        );
        assert_eq!(check(json!({"id": "l", "default_pool_id": null, "pools": [{"id": "q"}], "updated_at": 2}), &[]).as_deref(), Some("default_pool_id: \"p\" → null; pools[0].id: \"p\" → \"q\"; pools[1]: {\"id\":\"q\"} → nothing"));
        assert_eq!(
            check(
                json!({"id": "l", "default_pool_id": "p", "pools": [{"id": "q"}]}),
                &[json!("p")]
            ),
            None
        );
        assert_eq!(
            check(
                json!({"id": "l", "default_pool_id": null, "pools": []}),
                &[json!("p")]
            )
            .as_deref(),
            Some("pools[0]: {\"id\":\"q\"} → nothing")
        );
        assert_eq!(
            unchanged(
                "listener",
                &before,
                &Afterwards::Absent,
                &volatile,
                &[],
                &at()
            )
            .map(|m| m.actual)
            .as_deref(),
            Some("it is gone")
        );
    }

    #[test]
    fn an_object_is_gone_only_when_nothing_shows_it() {
        let id = json!("p");
        let parent = json!({"id": "l", "pools": [{"id": "p"}]});
        let check = |read: Afterwards, list: ListView, others: &[(String, &Value)]| {
            gone("pool", Some(&id), &read, &list, others, &at()).len()
        };
        assert_eq!(
            check(
                Afterwards::Absent,
                ListView::Items(json!([{"id": "q"}]).into()),
                &[]
            ),
            0
        );
        assert_eq!(
            check(
                Afterwards::Object(json!({"id": "p"}).into()),
                ListView::Items(json!([{"id": "p"}]).into()),
                &[("listener".into(), &parent)]
            ),
            3
        );
        assert_eq!(
            check(
                Afterwards::Unclear("500".into()),
                ListView::Unclear("500".into()),
                &[]
            ),
            2
        );
    }
}
