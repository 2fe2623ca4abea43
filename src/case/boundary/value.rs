//! Values at and beyond the boundaries of a schema.

use serde_json::{Map, Value as Json, json};

use crate::suite::model::Boundary::{
    self, FieldForm, FieldLength, FieldMissing, FieldNull, FieldRange, FieldReference, FieldText,
    FieldType, FieldUnknown, FieldValid, FieldWord,
};
use crate::template::JsonTemplate;

/// Texts longer than this are not made.
const LONGEST: usize = 1 << 16;

/// One value for a field.
pub(super) struct Value {
    pub(super) name: String,
    pub(super) about: String,
    /// What it is meant to be.
    pub(super) of: Boundary,
    /// As it is sent.
    pub(super) json: JsonTemplate,
    /// As it is held to the description.
    pub(super) sample: Json,
    /// The field below this one that it is about.
    pub(super) below: Option<String>,
    /// Whether something outside the request decides if an admitted value is accepted.
    pub(super) depends: bool,
}

/// The values worth trying for a schema that has no references; what `x-depends` says of it.
pub(super) fn values(schema: &Json, required: bool) -> Vec<Value> {
    let mut list = List {
        depends: schema.get("x-depends").is_some(),
        values: Vec::new(),
    };
    let types = types(schema);
    if types.is_empty() {
        return Vec::new();
    }
    list.nothing(&types, required);
    list.other_types(&types);
    if let Some(words) = schema.get("enum").and_then(Json::as_array) {
        list.words(words);
    } else if types.contains(&"string") {
        list.texts(schema);
    }
    if types.contains(&"integer") {
        list.numbers(schema);
    }
    if types.contains(&"boolean") {
        list.push("true", "true", FieldValid, json!(true));
        list.push("false", "false", FieldValid, json!(false));
    }
    if types.contains(&"array") {
        list.lists(schema);
    }
    if types.contains(&"object") {
        list.objects(schema);
    }
    list.values
}

fn types(schema: &Json) -> Vec<&str> {
    match schema.get("type") {
        Some(Json::String(one)) => vec![one],
        Some(Json::Array(many)) => many.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    }
}

struct List {
    depends: bool,
    values: Vec<Value>,
}

impl List {
    fn push(&mut self, name: &str, about: &str, of: Boundary, value: Json) {
        if self.values.iter().any(|known| known.sample == value) {
            return;
        }
        self.values.push(Value {
            name: name.to_owned(),
            about: about.to_owned(),
            of,
            json: JsonTemplate::Plain(value.clone().into()),
            sample: value,
            below: None,
            depends: self.depends,
        });
    }

    fn nothing(&mut self, types: &[&str], required: bool) {
        let of = match (types.contains(&"null"), required) {
            (true, _) => FieldValid,
            (false, true) => FieldMissing,
            (false, false) => FieldNull,
        };
        self.push("null", "null", of, Json::Null);
    }

    fn other_types(&mut self, types: &[&str]) {
        let has = |name: &str| types.contains(&name);
        if !has("string") {
            self.push("text", "a text", FieldType, json!("x"));
        }
        if has("integer") {
            self.push("text-number", "a number in quotes", FieldType, json!("7"));
            self.push("fraction", "a fraction", FieldType, json!(7.5));
        } else if has("boolean") {
            self.push(
                "text-truth",
                "a truth value in quotes",
                FieldType,
                json!("true"),
            );
            self.push("one", "the number 1", FieldType, json!(1));
        } else {
            self.push("number", "a number", FieldType, json!(7));
        }
        if !has("boolean") {
            self.push("truth", "a truth value", FieldType, json!(true));
        }
        if !has("array") {
            self.push("list", "a list", FieldType, json!([]));
        }
        if !has("object") {
            self.push("object", "an object", FieldType, json!({}));
        }
    }

    fn words(&mut self, words: &[Json]) {
        for word in words.iter().filter_map(Json::as_str).take(12) {
            self.push(&slug(word), word, FieldValid, json!(word));
        }
        self.push(
            "no-such-word",
            "a word that there is not",
            FieldWord,
            json!("NO_SUCH_WORD"),
        );
        self.push("empty", "left empty", FieldWord, json!(""));
        if let Some(first) = words.iter().find_map(Json::as_str) {
            let lower = first.to_lowercase();
            self.push("lower-case", "in small letters", FieldWord, json!(lower));
            self.push(
                "space-behind",
                "with a space behind it",
                FieldWord,
                json!(format!("{first} ")),
            );
        }
    }

    fn numbers(&mut self, schema: &Json) {
        let bound = |name: &str| schema.get(name).and_then(Json::as_i64);
        if let Some(least) = bound("minimum") {
            self.push(
                "least",
                &format!("the least, {least}"),
                FieldValid,
                json!(least),
            );
            let less = least.saturating_sub(1);
            self.push(
                "less",
                &format!("one below the least, {less}"),
                FieldRange,
                json!(less),
            );
            let far = least.min(0).saturating_sub(1_000_000);
            self.push(
                "far-less",
                &format!("far below, {far}"),
                FieldRange,
                json!(far),
            );
        }
        if let Some(most) = bound("maximum") {
            self.push(
                "most",
                &format!("the most, {most}"),
                FieldValid,
                json!(most),
            );
            let more = most.saturating_add(1);
            self.push(
                "more",
                &format!("one above the most, {more}"),
                FieldRange,
                json!(more),
            );
            let wide = i64::from(u32::MAX) + 2;
            self.push("wider", "wider than 32 bits", FieldRange, json!(wide));
            self.push("widest", "wider than 64 bits", FieldRange, json!(u64::MAX));
        }
    }

    fn texts(&mut self, schema: &Json) {
        let length = |name: &str| {
            let length = schema.get(name).and_then(Json::as_u64)?;
            usize::try_from(length)
                .ok()
                .filter(|length| *length <= LONGEST)
        };
        let pattern = schema.get("pattern").and_then(Json::as_str);
        let format = schema.get("format").and_then(Json::as_str);
        let fits = fits(schema);
        let filled = |length: usize| {
            let fillings = ["a", "/", "200", "0"];
            fillings
                .iter()
                .map(|first| {
                    let rest = if *first == "200" { "," } else { "a" };
                    let text: String = first
                        .chars()
                        .chain(rest.chars().cycle())
                        .take(length)
                        .collect();
                    text
                })
                .find(|text| fits(&json!(text)))
        };
        let shortest = length("minLength").unwrap_or(0);
        if shortest == 0 && pattern.is_none() && format.is_none() {
            self.push("empty", "left empty", FieldValid, json!(""));
        } else {
            let of = if shortest > 0 { FieldLength } else { FieldForm };
            self.push("empty", "left empty", of, json!(""));
        }
        if format.is_none()
            && let Some(text) = filled(shortest.max(1))
        {
            self.push("shortest", "as short as can be", FieldValid, json!(text));
        }
        if let Some(longest) = length("maxLength") {
            if format.is_none()
                && let Some(text) = filled(longest)
            {
                let about = format!("of {longest} characters");
                self.push("longest", &about, FieldValid, json!(text));
            }
            let first = sample(schema);
            let first = first.as_ref().and_then(Json::as_str).unwrap_or("a");
            let longer: String = first
                .chars()
                .chain(std::iter::repeat('a'))
                .take(longest + 1)
                .collect();
            let about = format!("of {} characters", longest + 1);
            self.push("longer", &about, FieldLength, json!(longer));
            self.push(
                "much-longer",
                "of 65536 characters",
                FieldLength,
                json!("a".repeat(LONGEST)),
            );
        }
        match format {
            Some("uuid") => {
                let known = "6ba7b811-9dad-41d1-80b4-00c04fd430c8";
                self.push("unknown", "of nothing", FieldReference, json!(known));
                self.push("word", "a word", FieldForm, json!("not-an-id"));
                self.push(
                    "one-less",
                    "one character short",
                    FieldForm,
                    json!(known[1..]),
                );
                self.push(
                    "braces",
                    "in braces",
                    FieldForm,
                    json!(format!("{{{known}}}")),
                );
            }
            Some("ipv4") => {
                self.push("word", "a word", FieldForm, json!("not-an-address"));
                self.push(
                    "part",
                    "three parts of an address",
                    FieldForm,
                    json!("192.0.2"),
                );
                self.push(
                    "part-more",
                    "an address with a part of 256",
                    FieldForm,
                    json!("192.0.2.256"),
                );
            }
            Some(_) => {}
            None if pattern.is_some() => {
                for (name, about, text) in [
                    ("blank", "a space", " "),
                    ("inner-space", "with a space in it", "a b"),
                    ("punctuation", "punctuation", "!"),
                    ("line-break", "with a line break at its end", "a\n"),
                ] {
                    if !fits(&json!(text)) {
                        self.push(name, about, FieldForm, json!(text));
                    }
                }
            }
            None if self.depends => {
                let nothing = json!("6ba7b8119dad41d180b400c04fd430c8");
                self.push("unknown", "of nothing", FieldReference, nothing);
            }
            None => {
                for (name, about, text) in [
                    ("nul", "with a NUL", "a\0b"),
                    (
                        "non-ascii",
                        "in letters beyond ASCII",
                        "\u{e9}\u{1f512}\u{202e}",
                    ),
                    ("line-break", "with a line break", "a\r\nb"),
                    ("markup", "a piece of markup", "<script>alert(1)</script>"),
                    ("sql", "a quote and a condition", "' OR '1'='1"),
                    ("template", "an expression", "{{7*7}}${7*7}"),
                ] {
                    self.push(name, about, FieldText, json!(text));
                }
            }
        }
    }

    fn lists(&mut self, schema: &Json) {
        self.push("empty-list", "an empty list", FieldValid, json!([]));
        let items = schema.get("items");
        let wrong = json!([{ "no_such_field": true }]);
        self.push("wrong-item", "a list of something else", FieldType, wrong);
        self.push("null-item", "a list of null", FieldType, json!([null]));
        let most = schema.get("maxItems").and_then(Json::as_u64);
        if let (Some(most), Some(item)) = (most, items.and_then(sample)) {
            let many = usize::try_from(most).unwrap_or(0).min(1000) + 1;
            let about = format!("of {many} items");
            self.push(
                "more-items",
                &about,
                FieldLength,
                Json::Array(vec![item; many]),
            );
        }
    }

    fn objects(&mut self, schema: &Json) {
        let Some(properties) = schema.get("properties").and_then(Json::as_object) else {
            return;
        };
        let examples: Vec<Map<String, Json>> = schema
            .get("examples")
            .and_then(Json::as_array)
            .map(|examples| {
                examples
                    .iter()
                    .filter_map(Json::as_object)
                    .cloned()
                    .collect()
            })
            .unwrap_or_else(|| match sample(schema) {
                Some(Json::Object(sample)) => vec![sample],
                _ => Vec::new(),
            });
        for (number, example) in examples.iter().enumerate() {
            let name = format!("example-{}", number + 1);
            let about = Json::Object(example.clone()).to_string();
            self.push(&name, &about, FieldValid, Json::Object(example.clone()));
        }
        let required = |field: &str| {
            let list = schema.get("required").and_then(Json::as_array);
            list.is_some_and(|list| list.iter().any(|name| name == field))
        };
        for (field, inner) in properties {
            // Beside the fields that it goes with.
            let with = examples.iter().find(|example| example.contains_key(field));
            let Some(base) = with.or(examples.first()) else {
                continue;
            };
            for value in values(inner, required(field)) {
                let mut object = base.clone();
                object.insert(field.clone(), value.sample);
                self.below(
                    field,
                    &value.name,
                    &value.about,
                    value.of,
                    object,
                    value.depends,
                );
            }
            if base.contains_key(field) && required(field) {
                let mut object = base.clone();
                object.shift_remove(field);
                self.below(field, "absent", "left out", FieldMissing, object, false);
            }
        }
        if let Some(base) = examples.first() {
            let mut object = base.clone();
            object.insert("no_such_field".to_owned(), json!(true));
            self.below(
                "no_such_field",
                "there",
                "there",
                FieldUnknown,
                object,
                false,
            );
        }
    }

    fn below(
        &mut self,
        field: &str,
        name: &str,
        about: &str,
        of: Boundary,
        object: Map<String, Json>,
        depends: bool,
    ) {
        let value = Json::Object(object);
        if self.values.iter().any(|known| known.sample == value) {
            return;
        }
        self.values.push(Value {
            name: name.to_owned(),
            about: about.to_owned(),
            of,
            json: JsonTemplate::Plain(value.clone().into()),
            sample: value,
            below: Some(field.to_owned()),
            depends: self.depends || depends,
        });
    }
}

/// Whether values fit a schema by itself.
fn fits(schema: &Json) -> impl Fn(&Json) -> bool {
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(schema)
        .ok();
    move |value| {
        validator
            .as_ref()
            .is_some_and(|validator| validator.is_valid(value))
    }
}

/// A value that fits a schema, if one is easily found.
fn sample(schema: &Json) -> Option<Json> {
    let listed = |name: &str| schema.get(name).and_then(Json::as_array)?.first().cloned();
    if let Some(value) = listed("enum").or_else(|| listed("examples")) {
        return Some(value);
    }
    let candidates = match types(schema).first().copied()? {
        "string" => vec![
            json!("a"),
            json!("/"),
            json!("200"),
            json!("6ba7b811-9dad-41d1-80b4-00c04fd430c8"),
            json!("192.0.2.7"),
        ],
        "integer" => vec![schema.get("minimum").cloned().unwrap_or(json!(1))],
        "boolean" => vec![json!(true)],
        "array" => vec![json!([])],
        "object" => {
            let mut object = Map::new();
            for name in schema
                .get("required")
                .and_then(Json::as_array)
                .into_iter()
                .flatten()
            {
                let name = name.as_str()?;
                let inner = schema.get("properties")?.get(name)?;
                object.insert(name.to_owned(), sample(inner)?);
            }
            vec![Json::Object(object)]
        }
        _ => Vec::new(),
    };
    let fits = fits(schema);
    candidates.into_iter().find(|value| fits(value))
}

fn slug(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "-_.".contains(c) {
                c
            } else {
                '-'
            }
        })
        .collect()
}
