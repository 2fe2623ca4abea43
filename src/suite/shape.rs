//! Which keys a suite's files may have: one table, from which the reader refuses what it does not know,
//! `assize schema` writes the JSON Schema for editors, and the tests hold the documentation to account.

use serde_json::{Map, Value, json};

/// A mapping of the format.
#[derive(Debug)]
pub struct Shape {
    /// Its name in the JSON Schema.
    pub name: &'static str,
    /// What it is, after "a key of …".
    pub about: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
    /// What it may be instead of a mapping.
    pub short: Option<Kind>,
}

/// One key of a mapping.
#[derive(Debug)]
pub struct Key {
    /// As written.
    pub name: &'static str,
    /// Whether it must be there.
    pub required: bool,
    /// What it takes.
    pub kind: Kind,
    /// What it means.
    pub about: &'static str,
}

/// What a key takes.
#[derive(Debug)]
pub enum Kind {
    /// Text.
    Text,
    /// Text in which `{{ }}` is replaced.
    Template,
    /// An expression without braces.
    Expr,
    /// `true` or `false`.
    Bool,
    /// Seconds as a number, or a number with a unit.
    Duration,
    /// Any value, its texts templates.
    Any,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A mapping of the format.
    Shape(&'static Shape),
    /// A list of these.
    List(&'static Kind),
    /// One of these, or a list of them.
    Many(&'static Kind),
    /// A mapping from names of the author's choice.
    Named(&'static Kind),
    /// A status code, a class such as `4xx`, or a list of them.
    Status,
    /// Either of the two.
    Either(&'static Kind, &'static Kind),
}

const fn key(name: &'static str, kind: Kind, about: &'static str) -> Key {
    Key {
        name,
        required: false,
        kind,
        about,
    }
}

const fn must(name: &'static str, kind: Kind, about: &'static str) -> Key {
    Key {
        name,
        required: true,
        kind,
        about,
    }
}

const REQUEST: Kind = Kind::Template;
const QUERY: Kind = Kind::Named(&Kind::Any);
const HEADERS: Kind = Kind::Named(&Kind::Template);
const NAMES: Kind = Kind::Many(&Kind::Text);

/// `suite.yaml`: what belongs together.
pub static MANIFEST: Shape = Shape {
    name: "suite",
    about: "a suite manifest",
    short: None,
    keys: &[
        must("suite", Kind::Text, "The suite's name."),
        key("title", Kind::Text, "What it is about, in a few words."),
        key("version", Kind::Text, "Its version; reports name it."),
        key(
            "use",
            NAMES,
            "Files and directories with requirements, resources, profiles and fragments.",
        ),
        key(
            "scenarios",
            NAMES,
            "Files and directories with scenarios; case ids are paths below these directories.",
        ),
        key(
            "openapi",
            Kind::Text,
            "The OpenAPI 3.1 description that every answer must fit.",
        ),
        key(
            "profile",
            Kind::Text,
            "The profile that is meant when none is named.",
        ),
        key(
            "identities",
            Kind::Named(&Kind::Shape(&IDENTITY)),
            "Who can send requests: owner (the default), other, readonly, invalid, anonymous.",
        ),
        key(
            "variables",
            Kind::Named(&Kind::Shape(&VARIABLE)),
            "Values that a target, `--var` or `ASSIZE_VAR_…` can set.",
        ),
    ],
};

/// One identity.
pub static IDENTITY: Shape = Shape {
    name: "identity",
    about: "an identity",
    short: None,
    keys: &[key(
        "headers",
        HEADERS,
        "The header fields that prove it; with an empty variable the identity counts as not configured.",
    )],
};

/// One variable.
pub static VARIABLE: Shape = Shape {
    name: "variable",
    about: "a variable",
    short: None,
    keys: &[
        key("about", Kind::Text, "What it means."),
        key("default", Kind::Any, "Its value unless it is set."),
        key(
            "secret",
            Kind::Bool,
            "Whether its value must reach no report.",
        ),
    ],
};

/// A file of requirements.
pub static REQUIREMENTS: Shape = Shape {
    name: "requirements",
    about: "a requirements file",
    short: None,
    keys: &[must(
        "requirements",
        Kind::List(&Kind::Shape(&REQUIREMENT)),
        "The testable clauses of the contract.",
    )],
};

/// One requirement.
pub static REQUIREMENT: Shape = Shape {
    name: "requirement",
    about: "a requirement",
    short: None,
    keys: &[
        must("id", Kind::Text, "Its id."),
        must("text", Kind::Text, "What it demands, in a sentence."),
        must("level", Kind::Word(LEVELS), "How binding it is."),
        must("source", Kind::Text, "The document it comes from."),
        key(
            "origin",
            Kind::Text,
            "How it is known, in the suite's own letters.",
        ),
        key(
            "profiles",
            Kind::Named(&Kind::Shape(&REQUIREMENT_IN)),
            "What differs for one profile.",
        ),
        key("untested", Kind::Text, "Why no scenario covers it."),
    ],
};

/// What one profile says differently of a requirement.
pub static REQUIREMENT_IN: Shape = Shape {
    name: "requirement_in_profile",
    about: "a requirement's profile entry",
    short: None,
    keys: &[
        key("level", Kind::Word(LEVELS), "How binding it is there."),
        key("text", Kind::Text, "What it demands there."),
        key("source", Kind::Text, "The document it comes from there."),
    ],
};

/// The words for a level.
pub const LEVELS: &[&str] = &["must", "should", "observe", "not_applicable"];

/// A resource file.
pub static RESOURCE: Shape = Shape {
    name: "resource",
    about: "a resource",
    short: None,
    keys: &[
        must("resource", Kind::Text, "Its name."),
        key("about", Kind::Text, "What it is."),
        key(
            "scope",
            Kind::Word(SCOPES),
            "Who shares an object: `case` (nobody), `worker` (lent to one case at a time), `run` (all cases).",
        ),
        key("needs", NAMES, "The resources that must exist first."),
        key(
            "params",
            Kind::Named(&Kind::Any),
            "Parameters that a scenario may set, with their defaults.",
        ),
        must("create", Kind::Shape(&OPERATION), "How it comes to be."),
        must(
            "object",
            Kind::Template,
            "The object inside the answers to `create` and `read`, such as `{{ body.pool }}`.",
        ),
        key(
            "ready",
            Kind::Shape(&READY),
            "When it and its surroundings can be changed again.",
        ),
        must("read", Kind::Shape(&OPERATION), "How it is read."),
        key("list", Kind::Shape(&LIST), "How its kind is listed."),
        key(
            "delete",
            Kind::Shape(&OPERATION),
            "How it is removed; left out when it goes with what it belongs to.",
        ),
        key(
            "operations",
            Kind::Named(&Kind::Shape(&OPERATION)),
            "Further operations by name.",
        ),
        key(
            "volatile",
            NAMES,
            "Fields that may change by themselves and that `unchanged` does not compare.",
        ),
    ],
};

/// The words for a scope.
pub const SCOPES: &[&str] = &["case", "worker", "run"];

/// An operation of a resource.
pub static OPERATION: Shape = Shape {
    name: "operation",
    about: "an operation",
    short: Some(Kind::Template),
    keys: &[
        must(
            "request",
            REQUEST,
            "Method and path, such as `GET /pools/{{ pool.id }}`.",
        ),
        key("query", QUERY, "Query parameters."),
        key("headers", HEADERS, "Header fields."),
        key("json", Kind::Any, "The content as JSON."),
        key("text", Kind::Template, "The content as text."),
        key(
            "answer",
            NAMES,
            "The named answers that count as success; any 2xx where there is none.",
        ),
        key(
            "params",
            Kind::Named(&Kind::Any),
            "Parameters that a step may set with `with`, with their defaults.",
        ),
    ],
};

/// When an object has settled.
pub static READY: Shape = Shape {
    name: "ready",
    about: "`ready`",
    short: None,
    keys: &[
        must(
            "poll",
            Kind::Text,
            "The resource to read: this one or one that it needs.",
        ),
        must("until", Kind::Expr, "Holds once it has settled."),
        key("fail_if", Kind::Expr, "Holds when it never will."),
        key(
            "within",
            Kind::Duration,
            "How long to wait at the most; 5m unless said.",
        ),
    ],
};

/// How a kind of object is listed.
pub static LIST: Shape = Shape {
    name: "list",
    about: "`list`",
    short: None,
    keys: &[
        must("request", REQUEST, "Method and path."),
        must(
            "items",
            Kind::Template,
            "The list inside the answer, such as `{{ body.pools }}`.",
        ),
    ],
};

/// A profile file.
pub static PROFILE: Shape = Shape {
    name: "profile",
    about: "a profile",
    short: None,
    keys: &[
        must("profile", Kind::Text, "Its name."),
        key("title", Kind::Text, "What it is, in a few words."),
        key("about", Kind::Text, "More of it."),
        key(
            "emulator",
            Kind::Text,
            "The dialect of the embedded emulator that speaks it.",
        ),
        key(
            "settle",
            Kind::Duration,
            "How long an aftermath may take to show; 0 unless said.",
        ),
        key(
            "transient",
            NAMES,
            "The named answers that are tried again during set-up and clean-up.",
        ),
        key(
            "answers",
            Kind::Named(&Kind::Shape(&ANSWER)),
            "The answers that scenarios call by name.",
        ),
        key(
            "features",
            Kind::Named(&Kind::Any),
            "What `profile.…` gives to expressions.",
        ),
    ],
};

/// A named answer.
pub static ANSWER: Shape = Shape {
    name: "answer",
    about: "a named answer",
    short: None,
    keys: &[
        key("about", Kind::Text, "What people call it."),
        must(
            "status",
            Kind::Status,
            "The status code, a class such as `4xx`, or a list of them.",
        ),
        key(
            "headers",
            Kind::Named(&Kind::Any),
            "Header fields that match.",
        ),
        key("body", Kind::Any, "Content that matches, or `empty`."),
        key(
            "schema",
            Kind::Any,
            "A component schema's name, or a JSON Schema.",
        ),
    ],
};

macro_rules! with_scenario_keys {
    ($($own:expr),* $(,)?) => { &[
        $($own,)*
        key("title", Kind::Text, "What people read; the id unless said."),
        key("about", Kind::Text, "More of it."),
        key("requirements", NAMES, "What it shows, by requirement id."),
        key("tags", NAMES, "Words to select it by."),
        key("only_if", Kind::Expr, "Runs only where this holds."),
        key("variables", Kind::Named(&Kind::Any), "Values of its own."),
        key("given", Kind::List(&GIVEN), "The objects that must exist first: a resource's name, or `{ name: { count, as, scope, do, parameters } }`."),
        key("when", STEPS, "What is sent; the last of it is judged by `then`."),
        key("then", EXPECTS, "What must hold after the act."),
        key("steps", STEPS, "Requests in a row, each with its own `then`; instead of `when`."),
        key("finally", STEPS, "What is sent at the end, whatever happened."),
        key("timeout", Kind::Duration, "How long the case may take, clean-up aside; 5m unless said."),
    ] };
}

const GIVEN: Kind = Kind::Either(&Kind::Text, &Kind::Named(&Kind::Any));
const STEPS: Kind = Kind::Many(&Kind::Shape(&STEP));
const EXPECTS: Kind = Kind::Many(&Kind::Shape(&EXPECT));

/// A file of scenarios; with `steps` or `when` at its top it is one scenario, named like the file.
pub static SCENARIOS: Shape = Shape {
    name: "scenarios",
    about: "a scenario file",
    short: None,
    keys: with_scenario_keys![
        key("feature", Kind::Text, "What the file is about."),
        key(
            "use",
            NAMES,
            "Files and directories whose resources, profiles and fragments it uses."
        ),
        key(
            "fragments",
            Kind::Named(&Kind::Shape(&STEP)),
            "Steps that others use by name."
        ),
        key(
            "scenarios",
            Kind::List(&Kind::Shape(&SCENARIO)),
            "The scenarios."
        ),
    ],
};

/// One scenario.
pub static SCENARIO: Shape = Shape {
    name: "scenario",
    about: "a scenario",
    short: None,
    keys: with_scenario_keys![must(
        "id",
        Kind::Text,
        "Its id: letters, digits, `-`, `_` and `.`; unique in the file."
    ),],
};

/// One step.
pub static STEP: Shape = Shape {
    name: "step",
    about: "a step",
    short: Some(Kind::Template),
    keys: &[
        key(
            "request",
            REQUEST,
            "Method and path, such as `GET /pools/{{ pool.id }}`.",
        ),
        key(
            "do",
            Kind::Text,
            "An operation of a given object instead, such as `delete pool`.",
        ),
        key(
            "fragment",
            Kind::Text,
            "A named fragment instead; what the step says itself replaces what the fragment says.",
        ),
        key(
            "with",
            Kind::Named(&Kind::Any),
            "Values for the operation's parameters, or for names that the fragment leaves open.",
        ),
        key("as", Kind::Text, "Who sends it; `owner` unless said."),
        key("query", QUERY, "Query parameters."),
        key("headers", HEADERS, "Header fields."),
        key("json", Kind::Any, "The content as JSON."),
        key("text", Kind::Template, "The content as text."),
        key(
            "concurrently",
            Kind::Any,
            "How many times it is sent at once, 2 to 64; `answers` says what may come of it.",
        ),
        key(
            "capture",
            Kind::Named(&Kind::Expr),
            "Names for values of the answer, such as `{ id: body.pool.id }`.",
        ),
        key(
            "creates",
            Kind::Either(&Kind::Text, &Kind::Named(&Kind::Text)),
            "The object that a success creates and the clean-up removes: a resource's name, or `{ alias: resource }`.",
        ),
        key(
            "then",
            EXPECTS,
            "What must hold after it; a step before the last one must succeed in any case.",
        ),
    ],
};

/// What must hold after a request.
pub static EXPECT: Shape = Shape {
    name: "expect",
    about: "`then`",
    short: None,
    keys: &[
        key(
            "requirements",
            NAMES,
            "The requirements that just this shows.",
        ),
        key("only_if", Kind::Expr, "Asked for only where this holds."),
        key(
            "status",
            Kind::Status,
            "The status code, a class such as `4xx`, or a list of them.",
        ),
        key(
            "answer",
            NAMES,
            "One of these answers that the profile names.",
        ),
        key(
            "answers",
            Kind::Named(&Kind::Any),
            "With `concurrently`: how many answers are of each name, a number or `rest`; names joined by ` or ` count together.",
        ),
        key(
            "headers",
            Kind::Named(&Kind::Any),
            "Header fields of the answer that match; null for one that must be missing.",
        ),
        key("body", Kind::Any, "Content that matches, or `empty`."),
        key(
            "schema",
            Kind::Any,
            "A component schema's name, or a JSON Schema, that the content fits.",
        ),
        key(
            "check",
            Kind::Many(&Kind::Expr),
            "Expressions that hold; they know `status`, `headers`, `body`, `before` and `after`.",
        ),
        key(
            "unchanged",
            NAMES,
            "`all`, `others`, or the given objects that read exactly as before.",
        ),
        key(
            "gone",
            NAMES,
            "The given objects that are no more: not readable, not listed, not referred to.",
        ),
        key(
            "within",
            Kind::Duration,
            "The answer comes within this time.",
        ),
        key(
            "eventually",
            Kind::Duration,
            "The aftermath, or a repeated GET, may take this long to show.",
        ),
        key(
            "observe",
            Kind::Named(&Kind::Expr),
            "Values to record and never to judge.",
        ),
    ],
};

/// Operators of a matcher, with what they mean.
pub const MATCH_OPERATORS: &[(&str, &str)] = &[
    ("$matches", "text in which the regular expression is found"),
    (
        "$type",
        "a JSON type: string, number, integer, boolean, null, array or object",
    ),
    ("$absent", "true: the key is missing"),
    ("$present", "true: the key is there, whatever its value"),
    ("$length", "so many items, keys or characters"),
    (
        "$contains",
        "a list with at least one item that matches, or text with this part",
    ),
    ("$each", "a list whose items all match"),
    ("$not", "does not match"),
    ("$one_of", "one of these matches"),
    ("$exactly", "equal, with no further keys anywhere"),
    ("$check", "an expression that holds for `value`"),
];

/// Every shape that a file can have at its top.
pub static FILES: [&Shape; 5] = [&MANIFEST, &REQUIREMENTS, &RESOURCE, &PROFILE, &SCENARIOS];

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
        Kind::Template => json!({ "type": ["string", "number", "boolean", "null"] }),
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
