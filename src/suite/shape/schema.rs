//! The table of keys as a JSON Schema.

use serde_json::{Map, Value, json};

use super::{FILES, Kind, Shape};

/// The JSON Schema of the format (draft 2020-12), for editors.
pub fn json_schema() -> Value {
    let mut definitions = Map::new();
    for shape in FILES {
        define(shape, &mut definitions);
    }
    let files: Vec<Value> = FILES.iter().map(|shape| reference(shape)).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "assize",
        "description": "A file of an assize suite: a manifest, requirements, a resource, a profile, or scenarios.",
        "anyOf": files,
        "$defs": definitions,
    })
}

fn reference(shape: &Shape) -> Value {
    json!({ "$ref": format!("#/$defs/{}", shape.name) })
}

fn define(shape: &Shape, definitions: &mut Map<String, Value>) {
    if definitions.contains_key(shape.name) {
        return;
    }
    definitions.insert(shape.name.to_owned(), Value::Null);
    let mut properties = Map::new();
    for key in shape.keys {
        let mut schema = schema(&key.kind, definitions);
        if let Some(map) = schema.as_object_mut() {
            map.insert("description".to_owned(), key.about.into());
        }
        properties.insert(key.name.to_owned(), schema);
    }
    let required: Vec<&str> = shape
        .keys
        .iter()
        .filter(|key| key.required)
        .map(|key| key.name)
        .collect();
    let mut mapping =
        json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if !required.is_empty() {
        mapping["required"] = required.into();
    }
    let value = match &shape.short {
        Some(short) => json!({ "anyOf": [schema(short, definitions), mapping] }),
        None => mapping,
    };
    definitions.insert(shape.name.to_owned(), value);
}

fn schema(kind: &Kind, definitions: &mut Map<String, Value>) -> Value {
    match kind {
        Kind::Text => json!({ "type": ["string", "number", "boolean"] }),
        Kind::Template | Kind::Request => {
            json!({ "type": ["string", "number", "boolean", "null"] })
        }
        Kind::Expr => json!({ "type": ["string", "boolean", "number"] }),
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Duration => {
            json!({ "type": ["string", "number"], "examples": ["250ms", "5s", "2m"] })
        }
        Kind::Any => json!({}),
        Kind::Word(words) => json!({ "enum": words }),
        Kind::Shape(shape) => {
            define(shape, definitions);
            reference(shape)
        }
        Kind::List(item) => json!({ "type": "array", "items": schema(item, definitions) }),
        Kind::Many(item) => {
            let item = schema(item, definitions);
            json!({ "anyOf": [item, { "type": "array", "items": item }] })
        }
        Kind::Named(value) => {
            json!({ "type": "object", "additionalProperties": schema(value, definitions) })
        }
        Kind::Status => {
            let one = json!({ "anyOf": [{ "type": "integer", "minimum": 100, "maximum": 599 }, { "type": "string", "pattern": "^[1-5]xx$" }] });
            json!({ "anyOf": [one, { "type": "array", "items": one }] })
        }
        Kind::Either(one, other) => {
            let one = schema(one, definitions);
            json!({ "anyOf": [one, schema(other, definitions)] })
        }
    }
}
