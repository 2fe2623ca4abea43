//! What the description says of requests: the parameters and the content of an operation.
//!
//! Where one profile's dialect differs from what is described, `x-profiles` says so beside it: a mapping from
//! profiles to the keywords that replace those of the schema, null for one that falls away, or `false` where
//! the dialect does not have the operation, the parameter or the property at all.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::{OpenApi, Segment, escape};

/// References inside references are followed so far.
const DEPTH: usize = 24;

/// An operation as one profile knows it.
#[derive(Debug)]
pub struct Described {
    /// Such as `/pools/{pool_id}`.
    pub path: String,
    /// The parameters of the path, each with the number of its segment and its schema.
    pub parameters: Vec<(String, usize, Json)>,
    /// The parameters of the query with their schemas.
    pub query: BTreeMap<String, Json>,
    /// The methods that the path has.
    pub methods: Vec<String>,
    /// The schema of the JSON content, with no reference left in it; `None` where it takes none.
    pub body: Option<Json>,
}

impl OpenApi {
    /// What the description says of an operation. `None` among the segments is one that is not known yet.
    pub fn operation(
        &self,
        method: &str,
        segments: &[Option<String>],
        profile: Option<&str>,
    ) -> Option<Described> {
        let route = self.routes.iter().find(|route| {
            route.segments.len() == segments.len()
                && route.segments.iter().zip(segments).all(|pair| match pair {
                    (Segment::Literal(text), Some(known)) => text == known,
                    (Segment::Literal(_), None) => false,
                    (Segment::Parameter, _) => true,
                })
        })?;
        let item = self
            .document()
            .pointer(&format!("/paths/{}", escape(&route.template)))?;
        let has = |method: &str| {
            let operation = item.get(method.to_ascii_lowercase());
            operation
                .is_some_and(|operation| differs(operation, profile) != Some(&Json::Bool(false)))
        };
        if !has(method) {
            return None;
        }
        let operation = item.get(method.to_ascii_lowercase())?;
        let declared = [item, operation].into_iter().flat_map(|of| {
            let list = of.get("parameters").and_then(Json::as_array);
            list.into_iter().flatten()
        });
        let (mut in_path, mut query) = (BTreeMap::new(), BTreeMap::new());
        for parameter in declared {
            let parameter = self.resolved(parameter, profile, 0);
            let (Some(name), Some(place)) = (parameter["name"].as_str(), parameter["in"].as_str())
            else {
                continue;
            };
            let schema = parameter.get("schema").cloned().unwrap_or(Json::Bool(true));
            match place {
                "path" => in_path.insert(name.to_owned(), schema),
                "query" => query.insert(name.to_owned(), schema),
                _ => None,
            };
        }
        let parameters = route
            .template
            .split('/')
            .enumerate()
            .filter_map(|(at, part)| {
                let name = part.strip_prefix('{')?.strip_suffix('}')?;
                let schema = in_path.remove(name).unwrap_or(Json::Bool(true));
                Some((name.to_owned(), at, schema))
            });
        let body = operation
            .pointer("/requestBody/content")
            .and_then(Json::as_object)
            .and_then(|content| {
                let media = content.iter().find(|(media, _)| media.contains("json"))?;
                Some(self.resolved(media.1.get("schema")?, profile, 0))
            });
        let methods = route.operations.keys().filter(|method| has(method));
        Some(Described {
            path: route.template.clone(),
            parameters: parameters.collect(),
            query,
            methods: methods.cloned().collect(),
            body,
        })
    }

    /// The value with its references replaced by what they refer to, and with what differs for the profile.
    fn resolved(&self, value: &Json, profile: Option<&str>, depth: usize) -> Json {
        let Json::Object(map) = value else {
            return match value {
                Json::Array(items) => items
                    .iter()
                    .map(|item| self.resolved(item, profile, depth))
                    .collect(),
                other => other.clone(),
            };
        };
        if depth > DEPTH {
            return Json::Bool(true);
        }
        let mut own = map.clone();
        if let Some(pointer) = map.get("$ref").and_then(Json::as_str) {
            let target = pointer
                .strip_prefix('#')
                .and_then(|pointer| self.document().pointer(pointer));
            match self.resolved(target.unwrap_or(&Json::Bool(true)), profile, depth + 1) {
                Json::Object(mut target) => {
                    own.shift_remove("$ref");
                    target.extend(own);
                    own = target;
                }
                other => return other,
            }
        }
        match differs(value, profile) {
            Some(Json::Object(changes)) => {
                for (keyword, value) in changes {
                    if value.is_null() {
                        own.shift_remove(keyword);
                    } else {
                        own.insert(keyword.clone(), value.clone());
                    }
                }
            }
            Some(other) => return other.clone(),
            None => {}
        }
        own.shift_remove("x-profiles");
        let resolved = own.into_iter().map(|(key, value)| {
            let value = match key.as_str() {
                // Values, not schemas.
                "enum" | "const" | "default" | "examples" => value,
                _ => self.resolved(&value, profile, depth),
            };
            (key, value)
        });
        let mut resolved: Map<String, Json> = resolved.collect();
        forget(&mut resolved);
        Json::Object(resolved)
    }
}

/// What `x-profiles` says of a profile.
fn differs<'a>(value: &'a Json, profile: Option<&str>) -> Option<&'a Json> {
    value.get("x-profiles")?.get(profile?)
}

/// Takes out the properties that are not there.
fn forget(schema: &mut Map<String, Json>) {
    // Below `else` and its like, `false` says that a property must not be there.
    if schema.get("type").is_none() {
        return;
    }
    let Some(properties) = schema.get_mut("properties").and_then(Json::as_object_mut) else {
        return;
    };
    let absent: Vec<String> = properties
        .iter()
        .filter(|(_, schema)| **schema == Json::Bool(false))
        .map(|(name, _)| name.clone())
        .collect();
    properties.retain(|name, _| !absent.contains(name));
    if let Some(required) = schema.get_mut("required").and_then(Json::as_array_mut) {
        required.retain(|name| !absent.iter().any(|absent| name == absent.as_str()));
    }
}
