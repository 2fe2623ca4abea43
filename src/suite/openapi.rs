//! A thin view of an OpenAPI 3.1 description: which operation a request is, and what its answers may be.
//!
//! The document stays JSON; schemas are compiled when they are first needed, once a suite. That they can be is seen
//! when it is loaded: all of them together, so that what they have in common is compiled once.

mod request;

pub use request::Described as DescribedRequest;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jsonschema::{PatternCache, Registry, Uri, Validator, uri};
use serde_json::{Value as Json, json};

use super::yaml::{Kind, Node};
use crate::source::Diagnostic;

const BASE: &str = "urn:oas";

/// Where component schemas are.
const SCHEMAS: &str = "/components/schemas/";

/// An OpenAPI description, ready to judge answers.
#[derive(Debug)]
pub struct OpenApi {
    /// Holds the document.
    registry: Registry<'static>,
    base: Uri<String>,
    routes: Vec<Route>,
    compiled: Mutex<BTreeMap<String, Arc<Validator>>>,
    /// What validators have in common.
    patterns: PatternCache,
}

#[derive(Debug)]
struct Route {
    segments: Vec<Segment>,
    template: String,
    operations: BTreeMap<String, Responses>,
}

#[derive(Debug, PartialEq)]
enum Segment {
    Literal(String),
    Parameter,
}

/// What one operation may answer: status (`404`, `4XX` or `default`) and what its content must be.
#[derive(Debug)]
struct Responses(BTreeMap<String, Content>);

#[derive(Debug)]
enum Content {
    /// The description names no content.
    None,
    /// JSON that fits the schema, or any JSON; `or_other`: or something else.
    Json {
        schema: Option<Schema>,
        or_other: bool,
    },
    /// Another media type, which is not judged.
    Other,
}

/// A schema, compiled when it is first needed; `None` when it cannot be.
#[derive(Debug)]
struct Schema {
    pointer: String,
    compiled: OnceLock<Option<Arc<Validator>>>,
}

/// What the description says of an answer.
#[derive(Debug)]
pub enum Described<'a> {
    /// The description does not know the path.
    UnknownPath,
    /// The path is known, the method is not; what may be answered is not described.
    UnknownMethod,
    /// The operation does not name this status; these it names.
    UnknownStatus {
        /// `GET /pools/{pool_id}`.
        operation: String,
        /// The statuses that it names.
        known: Vec<String>,
    },
    /// The status is described without content.
    NoContent,
    /// The status is described with content that is not judged.
    Unjudged,
    /// The status is described with JSON that fits this schema.
    Fits(&'a Validator),
}

impl OpenApi {
    /// Reads the description; what is wrong with it is in `found`.
    pub(super) fn read(node: Node<'_>, found: &mut Vec<Diagnostic>) -> Option<Self> {
        let span = node.span.clone();
        let paths = match node.get("paths").map(|paths| &paths.kind) {
            Some(Kind::Map(paths)) => paths.iter().map(|(path, _)| path.clone()).collect(),
            _ => Vec::new(),
        };
        let document = node.into_json();
        let version = document.get("openapi").and_then(Json::as_str).unwrap_or("");
        if !version.starts_with("3.1") {
            found.push(
                Diagnostic::new(
                    "bad-openapi",
                    &span,
                    "this is no OpenAPI 3.1 description",
                )
                .label(format!("its `openapi` is `{version}`"))
                .help("convert it to 3.1; 3.0 schemas differ in `nullable` and `exclusiveMinimum`"),
            );
            return None;
        }
        let registry = Registry::new()
            .add(BASE, document)
            .and_then(|registry| Ok((registry.prepare()?, uri::from_str(BASE)?)));
        let (registry, base) = match registry {
            Ok(made) => made,
            Err(error) => {
                found.push(
                    Diagnostic::new(
                        "bad-openapi",
                        &span,
                        format!("a reference in the description cannot be resolved: {error}"),
                    )
                    .help("only references inside the document are followed"),
                );
                return None;
            }
        };
        let mut api = Self {
            registry,
            base,
            routes: Vec::new(),
            compiled: Mutex::default(),
            patterns: PatternCache::new(),
        };
        let document = api.document();
        let mut routes = Vec::new();
        for path in paths {
            let pointer = format!("/paths/{}", escape(&path.name));
            let item = document.pointer(&pointer);
            let mut operations = BTreeMap::new();
            for method in [
                "get", "put", "post", "delete", "options", "head", "patch", "trace",
            ] {
                if let Some(operation) = item.and_then(|item| item.get(method)) {
                    let at = format!("{pointer}/{method}/responses");
                    match responses(document, operation, &at) {
                        Ok(responses) => {
                            operations.insert(method.to_ascii_uppercase(), responses);
                        }
                        Err(message) => found.push(
                            Diagnostic::new(
                                "bad-openapi",
                                &path.span,
                                format!("{} {}: {message}", method.to_ascii_uppercase(), path.name),
                            )
                            .label("in this path"),
                        ),
                    }
                }
            }
            routes.push(Route {
                segments: segments(&path.name),
                template: path.name.to_string(),
                operations,
            });
        }
        // Literal segments win over parameters, as OpenAPI asks for.
        routes.sort_by_key(|route| {
            route
                .segments
                .iter()
                .map(|segment| *segment == Segment::Parameter)
                .collect::<Vec<_>>()
        });
        api.routes = routes;
        Some(api)
    }

    fn document(&self) -> &Json {
        let found = self.registry.resolver(self.base.clone()).lookup("#");
        found.map_or(&Json::Null, |found| found.contents())
    }

    /// What the description says of an answer with this status to this request; the path without query,
    /// `json` as the answer's Content-Type says.
    pub fn describes(&self, method: &str, path: &str, status: u16, json: bool) -> Described<'_> {
        let asked: Vec<&[u8]> = path.as_bytes().split(|byte| *byte == b'/').collect();
        let Some(route) = self.routes.iter().find(|route| route.matches(&asked)) else {
            return Described::UnknownPath;
        };
        let Some(responses) = route.operations.get(method) else {
            return Described::UnknownMethod;
        };
        let content = (responses.0.get(&status.to_string()))
            .or_else(|| responses.0.get(&format!("{}XX", status / 100)))
            .or_else(|| responses.0.get("default"));
        match content {
            None => Described::UnknownStatus {
                operation: format!("{method} {}", route.template),
                known: responses.0.keys().cloned().collect(),
            },
            Some(Content::None) => Described::NoContent,
            Some(Content::Other | Content::Json { schema: None, .. }) => Described::Unjudged,
            Some(Content::Json { or_other: true, .. }) if !json => Described::Unjudged,
            Some(Content::Json {
                schema: Some(schema),
                ..
            }) => {
                let made = || self.compile(&schema.pointer).ok();
                let validator = schema.compiled.get_or_init(made).as_deref();
                validator.map_or(Described::Unjudged, Described::Fits)
            }
        }
    }

    /// The names of its component schemas.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.document()
            .pointer("/components/schemas")
            .and_then(Json::as_object)
            .into_iter()
            .flat_map(|schemas| schemas.keys().map(String::as_str))
    }

    /// A component schema, ready to judge; `None` when there is none of that name.
    pub fn component(&self, name: &str) -> Option<Arc<Validator>> {
        let pointer = format!("{SCHEMAS}{}", escape(name));
        self.document().pointer(&pointer)?;
        self.compile(&pointer).ok()
    }

    fn compile(&self, pointer: &str) -> Result<Arc<Validator>, String> {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(validator) = compiled.get(pointer) {
            return Ok(Arc::clone(validator));
        }
        // Many answers are described by a reference and nothing else.
        let written = written(self.document(), pointer);
        let validator = match compiled.get(written) {
            Some(validator) => Arc::clone(validator),
            None => Arc::new(self.build(reference(written))?),
        };
        for pointer in [pointer, written] {
            compiled.insert(pointer.to_owned(), Arc::clone(&validator));
        }
        Ok(validator)
    }

    fn build(&self, mut schema: Json) -> Result<Validator, String> {
        schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
        jsonschema::options()
            .with_registry(&self.registry)
            .with_pattern_cache(self.patterns.clone())
            .build(&schema)
            .map_err(|error| error.to_string())
    }

    /// The pointers of all response schemas that cannot be compiled, with the reason.
    pub(super) fn broken_schemas(&self) -> Vec<(String, String)> {
        let answers = self
            .routes
            .iter()
            .flat_map(|route| route.operations.values())
            .flat_map(|responses| responses.0.values())
            .filter_map(|content| match content {
                Content::Json { schema, .. } => Some(schema.as_ref()?.pointer.clone()),
                _ => None,
            });
        let components = self
            .components()
            .map(|name| format!("{SCHEMAS}{}", escape(name)));
        let pointers: Vec<String> = answers.chain(components).collect();
        let document = self.document();
        let different: BTreeSet<&str> = pointers.iter().map(String::as_str).collect();
        let different: BTreeSet<&str> = (different.into_iter())
            .map(|pointer| written(document, pointer))
            .collect();
        let all: Vec<Json> = different.into_iter().map(reference).collect();
        if self.build(json!({ "allOf": all })).is_ok() {
            return Vec::new();
        }
        (pointers.into_iter())
            .filter_map(|pointer| Some((self.compile(&pointer).err()?, pointer)))
            .map(|(why, pointer)| (pointer, why))
            .collect()
    }
}

/// Where the schema is written that is at a pointer: in a component, if it only refers to it.
fn written<'a>(document: &'a Json, pointer: &'a str) -> &'a str {
    let component = || {
        let schema = document.pointer(pointer)?.as_object()?;
        let pointer = schema.get("$ref")?.as_str()?.strip_prefix('#')?;
        let name = pointer.strip_prefix(SCHEMAS)?;
        (schema.len() == 1 && !name.contains(['/', '%']) && document.pointer(pointer).is_some())
            .then_some(pointer)
    };
    component().unwrap_or(pointer)
}

/// A schema that refers to the one at a pointer.
fn reference(pointer: &str) -> Json {
    let fragment = pointer.replace('%', "%25").replace('{', "%7B");
    json!({ "$ref": format!("{BASE}#{}", fragment.replace('}', "%7D")) })
}

impl Route {
    fn matches(&self, path: &[&[u8]]) -> bool {
        self.segments.len() == path.len()
            && self
                .segments
                .iter()
                .zip(path)
                // Paths differ at their ends.
                .rev()
                .all(|(segment, part)| match segment {
                    Segment::Literal(text) => text.as_bytes() == *part,
                    Segment::Parameter => !part.is_empty(),
                })
    }
}

fn segments(path: &str) -> Vec<Segment> {
    path.split('/')
        .map(|part| {
            if part.starts_with('{') && part.ends_with('}') {
                Segment::Parameter
            } else {
                Segment::Literal(part.to_owned())
            }
        })
        .collect()
}

fn escape(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}

fn responses(document: &Json, operation: &Json, at: &str) -> Result<Responses, String> {
    let Some(map) = operation.get("responses").and_then(Json::as_object) else {
        return Err("it has no `responses`".to_owned());
    };
    let mut known = BTreeMap::new();
    for (status, response) in map {
        let (mut response, mut at) = (response, format!("{at}/{}", escape(status)));
        if let Some(reference) = response.get("$ref").and_then(Json::as_str) {
            let pointer = reference
                .strip_prefix('#')
                .ok_or_else(|| format!("the reference `{reference}` leaves the document"))?;
            response = document
                .pointer(pointer)
                .ok_or_else(|| format!("the reference `{reference}` leads nowhere"))?;
            pointer.clone_into(&mut at);
        }
        let content = match response.get("content").and_then(Json::as_object) {
            None => Content::None,
            Some(content) => match content
                .keys()
                .find(|media| media.starts_with("application/json") || media.contains("+json"))
            {
                None => Content::Other,
                Some(media) => Content::Json {
                    schema: content[media].get("schema").map(|_| Schema {
                        pointer: format!("{at}/content/{}/schema", escape(media)),
                        compiled: OnceLock::new(),
                    }),
                    or_other: content.len() > 1,
                },
            },
        };
        known.insert(status.to_uppercase().replace("DEFAULT", "default"), content);
    }
    Ok(Responses(known))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;
    use crate::suite::yaml;

    const TEXT: &str = "
openapi: 3.1.0
paths:
  /pools/{id}:
    get:
      responses:
        '200': { description: it, content: { application/json: { schema: { $ref: '#/components/schemas/Pool' } } } }
        4XX: { $ref: '#/components/responses/Error' }
    delete:
      responses: { '204': { description: gone } }
  /pools/all:
    get: { responses: { default: { description: any } } }
components:
  responses: { Error: { description: no, content: { application/json: { schema: { type: object, required: [message] } } } } }
  schemas: { Pool: { type: object, required: [id], properties: { id: { type: [string, 'null'] } } } }
";

    fn api() -> OpenApi {
        api_of(TEXT)
    }

    fn api_of(text: &str) -> OpenApi {
        let source = Source::new("openapi.yaml", text);
        let mut found = Vec::new();
        let node = yaml::parse(&source, &mut found);
        let api = node.and_then(|node| OpenApi::read(node, &mut found));
        assert!(found.is_empty(), "{found:?}");
        api.unwrap_or_else(|| panic!("no description"))
    }

    #[test]
    fn answers_are_held_to_the_schema_of_their_status_or_class() {
        let api = api();
        let fits = |status, value: Json| match api.describes("GET", "/pools/7", status, true) {
            Described::Fits(validator) => validator.is_valid(&value),
            other => panic!("{other:?}"),
        };
        assert!(fits(200, serde_json::json!({"id": null})));
        assert!(!fits(200, serde_json::json!({"id": 7})));
        assert!(!fits(404, serde_json::json!({})));
        assert!(fits(404, serde_json::json!({"message": "x"})));
        assert!(matches!(
            api.describes("DELETE", "/pools/7", 204, false),
            Described::NoContent
        ));
        assert!(matches!(
            api.describes("DELETE", "/pools/7", 500, false),
            Described::UnknownStatus { .. }
        ));
        assert!(matches!(
            api.describes("PUT", "/pools/7", 200, true),
            Described::UnknownMethod
        ));
        assert!(matches!(
            api.describes("GET", "/pools", 200, true),
            Described::UnknownPath
        ));
        assert!(
            matches!(
                api.describes("GET", "/pools/all", 404, true),
                Described::NoContent
            ),
            "a literal path wins over a parameter"
        );
        assert!(api.broken_schemas().is_empty());
        assert!(api.component("Pool").is_some() && api.component("Pond").is_none());
    }

    #[test]
    fn what_only_refers_to_a_component_is_compiled_with_it() {
        let api = api();
        let pool = api.component("Pool").unwrap();
        let Described::Fits(answer) = api.describes("GET", "/pools/7", 200, true) else {
            panic!("it is described");
        };
        assert!(std::ptr::eq(&raw const *pool, answer));
        let Described::Fits(error) = api.describes("GET", "/pools/7", 404, true) else {
            panic!("it is described");
        };
        assert!(!std::ptr::eq(&raw const *pool, error));
    }

    #[test]
    fn each_schema_that_cannot_be_compiled_is_told_and_what_refers_to_it() {
        let broken = |changes: &[(&str, &str)]| {
            let change = |text: String, (from, to): &(&str, &str)| text.replace(from, to);
            let api = api_of(&changes.iter().fold(TEXT.to_owned(), change));
            let pointers = api.broken_schemas().into_iter();
            pointers.map(|(pointer, _)| pointer).collect::<Vec<_>>()
        };
        let (list, pattern) = (
            ("required: [message]", "required: 5"),
            ("type: [string, 'null']", "pattern: '('"),
        );
        let error = "/components/responses/Error/content/application~1json/schema";
        let pool = [
            "/paths/~1pools~1{id}/get/responses/200/content/application~1json/schema",
            "/components/schemas/Pool",
        ];
        assert_eq!(broken(&[list]), [error]);
        assert_eq!(broken(&[pattern]), pool);
        assert_eq!(broken(&[list, pattern]), [pool[0], error, pool[1]]);
        let nowhere = ("schemas/Pool'", "schemas/Pond'");
        assert_eq!(broken(&[nowhere]), [pool[0]]);
    }
}
