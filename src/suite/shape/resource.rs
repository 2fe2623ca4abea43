//! The keys of a resource and its operations.

use super::{HEADERS, Kind, NAMES, QUERY, Shape, key, must};

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
        key(
            "beside",
            Kind::Named(&Kind::Any),
            "Values for its parameters with which several stand side by side in generated cases; `number` differs among them.",
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
            "found",
            Kind::Template,
            "For a kind without names: its id as what it needs shows it, such as `{{ pool.healthmonitor_id }}`.",
        ),
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
            "shows",
            Kind::Named(&Kind::Any),
            "Fields that follow from other objects, such as `{ members: \"{{ children.member | refs }}\" }`, for `then: contract`.",
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
            Kind::Request,
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
        key(
            "decides",
            Kind::Many(&Kind::Shape(&DECISION)),
            "Its decision table: the first line that applies says what comes of it.",
        ),
        key(
            "choices",
            Kind::Named(&Kind::Any),
            "Values that generated cases choose from, by parameter.",
        ),
    ],
};

/// One line of a decision table.
pub static DECISION: Shape = Shape {
    name: "decision",
    about: "a line of `decides`",
    short: None,
    keys: &[
        key(
            "if",
            Kind::Expr,
            "Applies where this holds; always where there is none, as in the last line.",
        ),
        must("answer", NAMES, "One of these named answers comes."),
        key("requirements", NAMES, "The requirements that say so."),
        key(
            "sets",
            Kind::Named(&Kind::Any),
            "Fields of the object itself, with their values after success.",
        ),
        key(
            "removes",
            NAMES,
            "Kinds of objects that need this one and go with it.",
        ),
        key(
            "changes",
            Kind::Many(&Kind::Shape(&CHANGE)),
            "What changes in other objects.",
        ),
    ],
};

/// What an operation changes in other objects.
pub static CHANGE: Shape = Shape {
    name: "change",
    about: "a line of `changes`",
    short: None,
    keys: &[
        must("of", Kind::Text, "The kind of the objects."),
        key(
            "where",
            Kind::Expr,
            "Those for which this holds, by the name `it`; all where there is none.",
        ),
        must(
            "sets",
            Kind::Named(&Kind::Any),
            "Their fields with the new values.",
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
        must("request", Kind::Request, "Method and path."),
        must(
            "items",
            Kind::Template,
            "The list inside the answer, such as `{{ body.pools }}`.",
        ),
    ],
};
