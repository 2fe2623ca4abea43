//! The keys of `then`, and the operators of matchers.

use super::{Kind, NAMES, Shape, key};

/// What must hold after a request.
pub static EXPECT: Shape = Shape {
    name: "expect",
    about: "`then`",
    short: Some(Kind::Word(&["contract"])),
    keys: &[
        key(
            "requirements",
            NAMES,
            "The requirements that just this shows.",
        ),
        key(
            "only_if",
            Kind::Expr,
            "Asked for only where this holds; it may look at the `status`, `headers` and `body` of the answer.",
        ),
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
            "The given objects that are no more: not readable, not listed, not referred to. Of what the step `creates`: it does not come to be.",
        ),
        key(
            "within",
            Kind::Duration,
            "The answer comes within this time. Without any answer the case fails instead of being an error.",
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
