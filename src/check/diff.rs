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

/// Every place at which the two differ, in the order of `before`, except below the keys in `ignored`.
pub fn differences(
    before: &Value,
    after: &Value,
    ignored: &dyn Fn(&str) -> bool,
) -> Vec<Difference> {
    let mut found = Vec::new();
    walk(
        String::new(),
        Some(before),
        Some(after),
        ignored,
        &mut found,
    );
    found
}

fn walk(
    path: String,
    before: Option<&Value>,
    after: Option<&Value>,
    ignored: &dyn Fn(&str) -> bool,
    found: &mut Vec<Difference>,
) {
    match (before, after) {
        (Some(Value::Object(one)), Some(Value::Object(other))) => {
            let keys = one
                .keys()
                .chain(other.keys().filter(|key| !one.contains_key(*key)));
            for key in keys.filter(|key| !ignored(key)) {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                walk(path, one.get(key), other.get(key), ignored, found);
            }
        }
        (Some(Value::Array(one)), Some(Value::Array(other))) => {
            for at in 0..one.len().max(other.len()) {
                walk(
                    format!("{path}[{at}]"),
                    one.get(at),
                    other.get(at),
                    ignored,
                    found,
                );
            }
        }
        (one, other) if one == other => {}
        (one, other) => found.push(Difference {
            path,
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
    }
}
