//! Values in the place of the fields of a request's content.

use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::probe::{Hits, Probe};
use super::site::Site;
use super::value::{Value, values};
use crate::suite::model::{BodyTemplate, Boundary};
use crate::target::Target;
use crate::template::{EvalError, JsonTemplate, Scope};

/// The content of a request, taken apart.
pub(super) struct Content<'a> {
    /// The name of the object that holds all fields, if there is one.
    pub(super) wrapper: Option<String>,
    /// The fields as the operation sends them.
    own: &'a [(String, JsonTemplate)],
    /// What the description says of all content.
    schema: &'a Json,
}

/// The name of the only object in some content.
pub(super) fn wrapper_of(body: &BodyTemplate) -> Option<&str> {
    match body {
        BodyTemplate::Json(JsonTemplate::Map(entries)) => match entries.as_slice() {
            [(name, JsonTemplate::Map(_))] => Some(name),
            _ => None,
        },
        _ => None,
    }
}

impl<'a> Content<'a> {
    /// The content of an operation that takes JSON and sends an object.
    pub(super) fn of(site: &'a Site<'_>) -> Option<Self> {
        let schema = site.described.body.as_ref()?;
        let BodyTemplate::Json(JsonTemplate::Map(entries)) = &site.request.body else {
            return None;
        };
        Some(match entries.as_slice() {
            [(name, JsonTemplate::Map(fields))] => Self {
                wrapper: Some(name.clone()),
                own: fields,
                schema,
            },
            entries => Self {
                wrapper: None,
                own: entries,
                schema,
            },
        })
    }

    pub(super) fn own(&self) -> &'a [(String, JsonTemplate)] {
        self.own
    }

    /// The whole content with these fields.
    pub(super) fn whole(&self, fields: Vec<(String, JsonTemplate)>) -> Vec<(String, JsonTemplate)> {
        match &self.wrapper {
            Some(wrapper) => vec![(wrapper.clone(), JsonTemplate::Map(fields))],
            None => fields,
        }
    }

    /// The properties that the description has for the fields.
    fn properties(&self) -> impl Iterator<Item = (&'a String, &'a Json)> {
        let properties = self.object().get("properties").and_then(Json::as_object);
        properties.into_iter().flatten()
    }

    fn requires(&self, field: &str) -> bool {
        let required = self.object().get("required").and_then(Json::as_array);
        required.is_some_and(|required| required.iter().any(|name| name == field))
    }

    /// What the description says of the object that holds the fields.
    fn object(&self) -> &'a Json {
        let inner = self
            .wrapper
            .as_ref()
            .and_then(|wrapper| self.schema.get("properties")?.get(wrapper));
        inner.unwrap_or(self.schema)
    }
}

/// The fields of a request's content, each in the form that a case sends.
type Fields = Vec<(String, JsonTemplate)>;

/// The probes of an operation's fields.
///
/// # Errors
/// Why what the operation sends, or what the description says of it, cannot be used.
pub(super) fn probes(site: &Site<'_>, target: &Target) -> Result<Vec<Probe>, String> {
    let Some(content) = Content::of(site) else {
        return Ok(Vec::new());
    };
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(content.schema)
        .map_err(|error| format!("the schema of the content cannot be compiled: {error}"))?;
    // An update is tried field by field, anything else with all that it needs.
    let base = if site.name == "update" {
        &[]
    } else {
        content.own()
    };
    let sample = sample(site, target, base)?;
    let fits = |fields: &Map<String, Json>| {
        let object = Json::Object(fields.clone());
        let whole = match &content.wrapper {
            Some(wrapper) => json!({ wrapper: object }),
            None => object,
        };
        validator.is_valid(&whole)
    };
    if !fits(&sample) {
        return Err("what the operation sends does not fit the description".to_owned());
    }
    let mut probes = Vec::new();
    let mut push = |field: &str, name: &str, about: &str, (of, hits), fields: Fields| {
        let body = BodyTemplate::Json(JsonTemplate::Map(content.whole(fields)));
        probes.push(Probe {
            place: format!("body.{field}"),
            field: field.to_owned(),
            name: name.to_owned(),
            about: about.to_owned(),
            of,
            hits,
            request: site.carrying(body, None),
            identity: None,
        });
    };
    let mut texts = None;
    for (field, schema) in content.properties() {
        for value in values(schema, content.requires(field)) {
            // What a server makes of odd texts shows in one field.
            if value.of == Boundary::FieldText && texts.get_or_insert(field) != &field {
                continue;
            }
            let mut changed = sample.clone();
            changed.insert(field.clone(), value.sample.clone());
            let Some(judged) = judged(&value, fits(&changed)) else {
                continue;
            };
            let path = match &value.below {
                Some(below) => format!("{field}.{below}"),
                None => field.clone(),
            };
            let fields = with(base, field, value.json);
            push(&path, &value.name, &value.about, judged, fields);
        }
    }
    for (field, _) in base {
        let mut changed = sample.clone();
        if changed.shift_remove(field).is_none() {
            continue;
        }
        let judged = if fits(&changed) {
            (Boundary::FieldValid, Hits::Surely)
        } else {
            (Boundary::FieldMissing, Hits::Refused)
        };
        let rest = base.iter().filter(|(name, _)| name != field);
        push(field, "absent", "left out", judged, rest.cloned().collect());
    }
    let unknown = (Boundary::FieldUnknown, Hits::Refused);
    let anything = JsonTemplate::Plain(json!(true).into());
    let fields = with(base, "no_such_field", anything);
    push("no_such_field", "there", "there", unknown, fields);
    let fixed = (Boundary::FieldFixed, Hits::Refused);
    let id = Uuid::new_v5(&Uuid::NAMESPACE_URL, site.resource.name.as_bytes());
    let fields = with(
        base,
        "id",
        JsonTemplate::Plain(json!(id.to_string()).into()),
    );
    push("id", "there", "there", fixed, fields);
    if site.name == "update"
        && let BodyTemplate::Json(JsonTemplate::Map(entries)) = &site.resource.create.request.body
        && let [(_, JsonTemplate::Map(created))] = entries.as_slice()
    {
        let set = self::sample(site, target, created)?;
        for (field, value) in created {
            let known = content.properties().any(|(name, _)| name == field);
            if !known && set.contains_key(field) {
                let fields = with(base, field, value.clone());
                push(field, "fixed", "as on creation", fixed, fields);
            }
        }
    }
    Ok(probes)
}

/// What a value comes to be and what may come of it, now that it is known whether the description admits it;
/// `None` for one that was meant to be admitted and is not, for the sake of other fields.
fn judged(value: &Value, fits: bool) -> Option<(Boundary, Hits)> {
    match (value.of, fits) {
        (Boundary::FieldValid, false) => None,
        (Boundary::FieldText, true) => Some((value.of, Hits::Perhaps)),
        (Boundary::FieldReference, true) => Some((value.of, Hits::Refused)),
        (Boundary::FieldText | Boundary::FieldReference, false) => {
            Some((Boundary::FieldForm, Hits::Refused))
        }
        (_, true) if value.depends => Some((Boundary::FieldValid, Hits::Perhaps)),
        (_, true) => Some((Boundary::FieldValid, Hits::Surely)),
        (of, false) => Some((of, Hits::Refused)),
    }
}

/// The fields with one of them set.
fn with(base: &[(String, JsonTemplate)], field: &str, value: JsonTemplate) -> Fields {
    let mut fields = base.to_vec();
    match fields.iter_mut().find(|(name, _)| name == field) {
        Some((_, own)) => *own = value,
        None => fields.push((field.to_owned(), value)),
    }
    fields
}

/// The fields with their values in a case that nobody runs.
fn sample(
    site: &Site<'_>,
    target: &Target,
    base: &[(String, JsonTemplate)],
) -> Result<Map<String, Json>, String> {
    let mut scope: Scope = target.scope();
    let id = json!({ "id": Uuid::NAMESPACE_URL.to_string() });
    let own = [site.resource.name.as_str()];
    let needs = site.resource.needs.iter().map(|need| need.value.as_str());
    for name in needs.chain(own) {
        scope.set(name, &id);
    }
    scope.set("unique_name", &json!("assize-name-1"));
    scope.set("number", &json!(0));
    let failed = |error: EvalError| error.to_string();
    for (name, value) in &site.with {
        let value = value.value(&scope).map_err(failed)?;
        scope.set(name.as_str(), &value.unwrap_or(Json::Null));
    }
    match JsonTemplate::Map(base.to_vec())
        .value(&scope)
        .map_err(failed)?
    {
        Some(Json::Object(fields)) => Ok(fields),
        _ => Ok(Map::new()),
    }
}
