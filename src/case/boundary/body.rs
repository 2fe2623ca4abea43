//! Content that is wrong as a whole.

use super::field::Content;
use super::probe::{Hits, Probe, repeated, template, text};
use super::site::Site;
use crate::suite::model::{BodyTemplate, Boundary};
use crate::template::{JsonTemplate, Part, Template};

use Boundary::{BodyEmpty, BodyMedia, BodyOdd, BodySyntax, BodyWrapper, FieldUnknown};
use Hits::{Nothing, Perhaps, Refused};

const JSON: Option<&str> = Some("application/json");

pub(super) fn probes(site: &Site<'_>) -> Vec<Probe> {
    let Some(content) = Content::of(site) else {
        return Vec::new();
    };
    let span = site.span();
    let mut probes = Vec::new();
    let mut push = |name: &str, about: &str, of, hits, body, media| {
        probes.push(Probe {
            place: "body".to_owned(),
            field: String::new(),
            name: name.to_owned(),
            about: about.to_owned(),
            of,
            hits,
            request: site.carrying(body, media),
            identity: None,
        });
    };
    let written = |parts: Vec<Part>| BodyTemplate::Text(Template::of(parts, span));
    let plain = |content: &str| written(vec![text(content)]);

    push(
        "empty",
        "left empty",
        BodyEmpty,
        Nothing,
        BodyTemplate::Empty,
        JSON,
    );
    push("blank", "of a space", BodyEmpty, Nothing, plain(" "), JSON);
    for (name, about, content) in [
        ("cut", "cut short", "{\"a\": {"),
        ("word", "a bare word", "content"),
        ("comma", "with a comma too many", "{\"a\": 1,}"),
        ("quotes", "in single quotes", "{'a': 1}"),
        ("twice", "two values in a row", "{}{}"),
        ("not-a-number", "with NaN", "{\"a\": NaN}"),
        ("comment", "with a comment", "{/* a */}"),
        ("markup", "a document in XML", "<?xml version=\"1.0\"?><a/>"),
    ] {
        push(name, about, BodySyntax, Nothing, plain(content), JSON);
    }
    let form = Some("application/x-www-form-urlencoded");
    push(
        "form",
        "a form",
        BodySyntax,
        Nothing,
        plain("a=b&c=d"),
        form,
    );
    for (name, about, text_of) in [
        ("null", "null", "null"),
        ("list", "an empty list", "[]"),
        ("text", "a text", "\"content\""),
        ("number", "a number", "7"),
        ("object", "an empty object", "{}"),
    ] {
        // An object without anything may be what is admitted.
        if name != "object" || content.wrapper.is_some() {
            push(name, about, BodyWrapper, Nothing, plain(text_of), JSON);
        }
    }
    let fields = || JsonTemplate::Map(content.own().to_vec());
    let mapped = |key: &str, value: JsonTemplate| {
        BodyTemplate::Json(JsonTemplate::Map(vec![(key.to_owned(), value)]))
    };
    if let Some(wrapper) = &content.wrapper {
        for (name, about, value) in [
            ("wrapped-null", "with null in it", serde_json::Value::Null),
            ("wrapped-list", "with a list in it", serde_json::json!([])),
            (
                "wrapped-text",
                "with a text in it",
                serde_json::json!("content"),
            ),
            (
                "wrapped-number",
                "with a number in it",
                serde_json::json!(7),
            ),
        ] {
            let body = mapped(wrapper, JsonTemplate::Plain(value.into()));
            push(name, about, BodyWrapper, Nothing, body, None);
        }
        push(
            "unwrapped",
            "without its outer object",
            BodyWrapper,
            Refused,
            BodyTemplate::Json(fields()),
            None,
        );
        push(
            "other-wrapper",
            "under another name",
            BodyWrapper,
            Refused,
            mapped("no_such_object", fields()),
            None,
        );
    }
    let mut more = content.whole(content.own().to_vec());
    more.push((
        "no_such_object".to_owned(),
        JsonTemplate::Plain(serde_json::json!({}).into()),
    ));
    push(
        "one-more",
        "with an object more",
        FieldUnknown,
        Refused,
        BodyTemplate::Json(JsonTemplate::Map(more)),
        None,
    );

    for (name, about, media) in [
        ("as-text", "as text/plain", "text/plain"),
        ("as-form", "as a form", "application/x-www-form-urlencoded"),
        ("as-markup", "as application/xml", "application/xml"),
        ("as-nothing", "as no media type", "json"),
    ] {
        let body = BodyTemplate::Json(JsonTemplate::Map(content.whole(content.own().to_vec())));
        push(name, about, BodyMedia, Perhaps, body, Some(media));
    }
    let mut deep = vec![text("{\"a\": ")];
    deep.extend(
        template("{{ '[' * 5000 }}{{ ']' * 5000 }}", span)
            .parts()
            .to_vec(),
    );
    deep.push(text("}"));
    push(
        "deep",
        "5000 lists deep",
        BodyOdd,
        Nothing,
        written(deep),
        JSON,
    );
    let long = BodyTemplate::Text(repeated(' ', 3 << 20, span));
    push("long", "of three mebibytes", BodyOdd, Nothing, long, JSON);
    probes
}
