//! What differs between two JSON values, path by path.

use serde_json::Value;

use super::quote;

/// One place at which two values differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Such as `members[0].weight`; empty for the whole value.
    pub path: String,
    /// What stood there, `None` if nothing did.
    pub before: Option<Value>,
    /// What stands there, `None` if nothing does.
    pub after: Option<Value>,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let side =
            |value: &Option<Value>| value.as_ref().map_or_else(|| "nothing".to_owned(), quote);
        let path = if self.path.is_empty() {
            "the whole value"
        } else {
            &self.path
        };
        write!(f, "{path}: {} → {}", side(&self.before), side(&self.after))
    }
}

/// Where a value stands inside another; written out only where it is told.
enum Place<'a> {
    Whole,
    Field(&'a Self, &'a str),
    Item(&'a Self, usize),
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole => Ok(()),
            Self::Field(Self::Whole, key) => f.write_str(key),
            Self::Field(of, key) => write!(f, "{of}.{key}"),
            Self::Item(of, at) => write!(f, "{of}[{at}]"),
        }
    }
}

/// Every place at which the two differ, in the order of `before`, except below the keys in `ignored`.
pub fn differences(
    before: &Value,
    after: &Value,
    ignored: &dyn Fn(&str) -> bool,
) -> Vec<Difference> {
    let mut found = Vec::new();
    walk(
        &Place::Whole,
        Some(before),
        Some(after),
        ignored,
        &mut found,
    );
    found
}

fn walk(
    place: &Place<'_>,
    before: Option<&Value>,
    after: Option<&Value>,
    ignored: &dyn Fn(&str) -> bool,
    found: &mut Vec<Difference>,
) {
    match (before, after) {
        (Some(Value::Object(one)), Some(Value::Object(other))) => {
            let mut field = |key: &str, before, after| {
                if !ignored(key) {
                    walk(&Place::Field(place, key), before, after, ignored, found);
                }
            };
            // Mostly both have the same fields in the same order.
            let mut others = other.iter();
            let mut common = 0;
            for (key, value) in one {
                let there = match others.next() {
                    Some((same, there)) if same == key => Some(there),
                    _ => other.get(key),
                };
                common += usize::from(there.is_some());
                field(key, Some(value), there);
            }
            if common < other.len() {
                for (key, value) in other.iter().filter(|(key, _)| !one.contains_key(*key)) {
                    field(key, None, Some(value));
                }
            }
        }
        (Some(Value::Array(one)), Some(Value::Array(other))) => {
            for at in 0..one.len().max(other.len()) {
                walk(
                    &Place::Item(place, at),
                    one.get(at),
                    other.get(at),
                    ignored,
                    found,
                );
            }
        }
        (one, other) if one == other => {}
        (one, other) => found.push(Difference {
            path: place.to_string(),
            before: one.cloned(),
            after: other.cloned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_difference_is_named_by_its_path() {
        let before = json!({"id": 1, "members": [{"w": 1}, {"w": 2}], "old": null, "time": 1});
        let after = json!({"id": 1, "members": [{"w": 3}], "new": true, "time": 2});
        let lines: Vec<String> = differences(&before, &after, &|key| key == "time")
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            lines,
            [
                "members[0].w: 1 → 3",
                "members[1]: {\"w\":2} → nothing",
                "old: null → nothing",
                "new: nothing → true"
            ]
        );
        assert!(differences(&before, &before, &|_| false).is_empty());
        let turned = json!({"time": 1, "old": null, "members": [{"w": 1}, {"w": 2}], "id": 1});
        assert!(differences(&before, &turned, &|_| false).is_empty());
        let nested = differences(&json!([{"a": 1}]), &json!([{"a": 2}]), &|_| false);
        assert_eq!(nested[0].path, "[0].a");
    }
}
