//! Whether a JSON value matches, and where it does not.

use serde_json::Value;

use super::{Mismatch, quote};
use crate::suite::model::{MatchOp, Matcher};
use crate::template::{Scope, pattern};

/// Holds a value to a matcher; each mismatch names the path inside the value.
pub(super) fn matches(
    matcher: &Matcher,
    value: Option<&Value>,
    path: &str,
    scope: &Scope,
) -> Vec<Mismatch> {
    let mut found = Vec::new();
    walk(matcher, value, path, scope, &mut found);
    found
}

fn push(found: &mut Vec<Mismatch>, path: &str, expected: String, value: Option<&Value>) {
    let actual = value.map_or_else(|| "nothing".to_owned(), quote);
    found.push(Mismatch {
        check: "body",
        expected: format!("{path}: {expected}"),
        actual,
        location: None,
    });
}

fn walk(
    matcher: &Matcher,
    value: Option<&Value>,
    path: &str,
    scope: &Scope,
    found: &mut Vec<Mismatch>,
) {
    match matcher {
        Matcher::Value(template) => match template.value(scope) {
            Ok(wanted) => {
                let wanted = wanted.unwrap_or(Value::Null);
                if value.is_none_or(|value| !equal(&wanted, value)) {
                    push(found, path, quote(&wanted), value);
                }
            }
            Err(error) => push(found, path, error.to_string(), value),
        },
        Matcher::List(wanted) => match value {
            Some(Value::Array(items)) if items.len() == wanted.len() => {
                for (at, (matcher, item)) in wanted.iter().zip(items).enumerate() {
                    walk(matcher, Some(item), &format!("{path}[{at}]"), scope, found);
                }
            }
            _ => push(found, path, format!("a list of {}", wanted.len()), value),
        },
        Matcher::Map(wanted) => match value {
            Some(Value::Object(map)) => {
                for (key, matcher) in wanted {
                    walk(
                        matcher,
                        map.get(key),
                        &format!("{path}.{key}"),
                        scope,
                        found,
                    );
                }
            }
            _ => push(
                found,
                path,
                format!(
                    "an object with {}",
                    wanted
                        .iter()
                        .map(|(key, _)| format!("`{key}`"))
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
                value,
            ),
        },
        Matcher::Ops(ops) => ops
            .iter()
            .for_each(|op| operator(op, value, path, scope, found)),
    }
}

/// Equality of JSON, in which 1 and 1.0 are the same number.
fn equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || one.as_f64() == other.as_f64()
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| equal(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(key, one)| other.get(key).is_some_and(|other| equal(one, other)))
        }
        _ => one == other,
    }
}

fn holds(matcher: &Matcher, value: Option<&Value>, scope: &Scope) -> bool {
    matches(matcher, value, "", scope).is_empty()
}

fn operator(
    op: &MatchOp,
    value: Option<&Value>,
    path: &str,
    scope: &Scope,
    found: &mut Vec<Mismatch>,
) {
    match op {
        MatchOp::Matches(template, compiled) => match compiled.clone().map_or_else(
            || {
                let text = template.text(scope).map_err(|error| error.to_string())?;
                pattern(&text).map_err(|error| error.to_string())
            },
            Ok,
        ) {
            Ok(regex) => {
                let text = match value {
                    Some(Value::String(text)) => Some(text.clone()),
                    Some(Value::Number(number)) => Some(number.to_string()),
                    _ => None,
                };
                if text.is_none_or(|text| !regex.is_match(&text)) {
                    push(found, path, format!("text that matches /{regex}/"), value);
                }
            }
            Err(why) => push(found, path, why, value),
        },
        MatchOp::Type(name) => {
            if value.is_none_or(|value| !is_type(value, name)) {
                push(found, path, format!("a value of type {name}"), value);
            }
        }
        MatchOp::Absent => {
            if value.is_some() {
                push(found, path, "nothing".to_owned(), value);
            }
        }
        MatchOp::Present => {
            if value.is_none() {
                push(found, path, "any value".to_owned(), value);
            }
        }
        MatchOp::Length(matcher) => {
            let length = match value {
                Some(Value::Array(items)) => Some(items.len()),
                Some(Value::Object(map)) => Some(map.len()),
                Some(Value::String(text)) => Some(text.chars().count()),
                _ => None,
            };
            match length {
                Some(length) => walk(
                    matcher,
                    Some(&length.into()),
                    &format!("{path} (length)"),
                    scope,
                    found,
                ),
                None => push(found, path, "a list, an object or text".to_owned(), value),
            }
        }
        MatchOp::Contains(matcher) => {
            let contains = match value {
                Some(Value::Array(items)) => {
                    items.iter().any(|item| holds(matcher, Some(item), scope))
                }
                Some(Value::String(text)) => match matcher.as_ref() {
                    Matcher::Value(part) => part.value(scope).ok().flatten().is_some_and(|part| {
                        text.contains(
                            &part
                                .as_str()
                                .map_or_else(|| part.to_string(), str::to_owned),
                        )
                    }),
                    _ => false,
                },
                _ => false,
            };
            if !contains {
                push(
                    found,
                    path,
                    format!("something that contains {}", describe(matcher, scope)),
                    value,
                );
            }
        }
        MatchOp::Each(matcher) => match value {
            Some(Value::Array(items)) => items.iter().enumerate().for_each(|(at, item)| {
                walk(matcher, Some(item), &format!("{path}[{at}]"), scope, found);
            }),
            _ => push(found, path, "a list".to_owned(), value),
        },
        MatchOp::Not(matcher) => {
            if holds(matcher, value, scope) {
                push(
                    found,
                    path,
                    format!("anything but {}", describe(matcher, scope)),
                    value,
                );
            }
        }
        MatchOp::OneOf(options) => {
            if !options.iter().any(|option| holds(option, value, scope)) {
                push(
                    found,
                    path,
                    format!(
                        "one of: {}",
                        options
                            .iter()
                            .map(|option| describe(option, scope))
                            .collect::<Vec<_>>()
                            .join(", ")
                    ),
                    value,
                );
            }
        }
        MatchOp::Exactly(template) => match template.value(scope) {
            Ok(wanted) => {
                let wanted = wanted.unwrap_or(Value::Null);
                if value.is_none_or(|value| !equal(&wanted, value)) {
                    push(found, path, format!("exactly {}", quote(&wanted)), value);
                }
            }
            Err(error) => push(found, path, error.to_string(), value),
        },
        MatchOp::Check(expr) => {
            let mut scope = scope.clone();
            scope.set("value", value.unwrap_or(&Value::Null));
            match expr.holds(&scope) {
                Ok(true) => {}
                Ok(false) => push(
                    found,
                    path,
                    format!("a value for which `{}` holds", expr.text()),
                    value,
                ),
                Err(error) => push(found, path, error.to_string(), value),
            }
        }
    }
}

fn is_type(value: &Value, name: &str) -> bool {
    match value {
        Value::Null => name == "null",
        Value::Bool(_) => name == "boolean",
        Value::Number(number) => {
            name == "number"
                || (name == "integer"
                    && (number.is_i64()
                        || number.is_u64()
                        || number.as_f64().is_some_and(|float| float.fract() == 0.0)))
        }
        Value::String(_) => name == "string",
        Value::Array(_) => name == "array",
        Value::Object(_) => name == "object",
    }
}

fn describe(matcher: &Matcher, scope: &Scope) -> String {
    match matcher {
        Matcher::Value(template) => template
            .value(scope)
            .ok()
            .flatten()
            .map_or_else(|| "nothing".to_owned(), |value| quote(&value)),
        Matcher::List(items) => format!(
            "[{}]",
            items
                .iter()
                .map(|item| describe(item, scope))
                .collect::<Vec<_>>()
                .join(", ")
        ),
        Matcher::Map(entries) => format!(
            "{{{}}}",
            entries
                .iter()
                .map(|(key, value)| format!("{key}: {}", describe(value, scope)))
                .collect::<Vec<_>>()
                .join(", ")
        ),
        Matcher::Ops(_) => "what its operators ask for".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;
    use crate::suite::yaml;
    use serde_json::json;

    /// Holds `value` to the matcher in `text` and compares what does not match, as `expected | actual`.
    fn check(text: &str, value: &Value, wanted: &[&str]) {
        let source = Source::new("m.yaml", text);
        let mut problems = Vec::new();
        let matcher = yaml::parse(&source, &mut problems)
            .and_then(|node| crate::suite::matcher_for_tests(&node, &mut problems));
        assert!(problems.is_empty(), "{text}: {problems:?}");
        let mut scope = Scope::new();
        scope.set("name", &json!("n"));
        let found: Vec<String> = matcher
            .map(|matcher| matches(&matcher, Some(value), "body", &scope))
            .unwrap_or_default()
            .into_iter()
            .map(|m| format!("{} | {}", m.expected, m.actual))
            .collect();
        assert_eq!(found, wanted, "{text}");
    }

    #[test]
    fn an_object_matches_when_it_has_at_least_what_is_asked_for() {
        let value = json!({"pool": {"name": "n", "members": [{"id": "1", "w": 1}], "monitor": null}, "n": 1.0});
        check("pool: { name: '{{ name }}' }", &value, &[]);
        check("n: 1", &value, &[]);
        check(
            "pool: { name: other, nothing: 1 }",
            &value,
            &[
                "body.pool.name: \"other\" | \"n\"",
                "body.pool.nothing: 1 | nothing",
            ],
        );
        check("pool: { members: [{ w: 1 }] }", &value, &[]);
        check(
            "pool: { members: [] }",
            &value,
            &["body.pool.members: a list of 0 | [{\"id\":\"1\",\"w\":1}]"],
        );
        check("pool: { monitor: null }", &value, &[]);
        check(
            "pool: 3",
            &value,
            &[&format!("body.pool: 3 | {}", value["pool"])],
        );
    }

    #[test]
    fn operators_say_what_they_miss() {
        let value = json!({"message": "member m1 is using this pool", "ids": [1, 2, 3]});
        check("message: { $matches: '^member .* using' }", &value, &[]);
        check(
            "message: { $matches: '^pool' }",
            &value,
            &["body.message: text that matches /^pool/ | \"member m1 is using this pool\""],
        );
        check(
            "message: { $contains: using, $type: string, $length: 28 }",
            &value,
            &[],
        );
        check(
            "ids: { $contains: 2, $each: { $type: integer }, $length: { $check: value >= 3 } }",
            &value,
            &[],
        );
        check(
            "ids: { $contains: 9 }",
            &value,
            &["body.ids: something that contains 9 | [1,2,3]"],
        );
        check(
            "{ ids: { $absent: true }, other: { $absent: true }, message: { $present: true } }",
            &value,
            &["body.ids: nothing | [1,2,3]"],
        );
        check(
            "message: { $not: { $matches: member } }",
            &value,
            &[
                "body.message: anything but what its operators ask for | \"member m1 is using this pool\"",
            ],
        );
        check("ids: { $one_of: [[1], [1, 2, 3]] }", &value, &[]);
        check(
            "{ $exactly: { ids: [1, 2, 3] } }",
            &value,
            &[&format!("body: exactly {{\"ids\":[1,2,3]}} | {value}")],
        );
        check(
            "ids: { $each: { $check: value < 3 } }",
            &value,
            &["body.ids[2]: a value for which `value < 3` holds | 3"],
        );
    }
}
