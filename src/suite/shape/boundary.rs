//! The keys of a file of rules for boundaries.

use super::{Kind, NAMES, Shape, key, must};
use crate::suite::model::Boundary;

/// A file of rules for boundaries.
pub static BOUNDARIES: Shape = Shape {
    name: "boundaries",
    about: "a file of boundaries",
    short: None,
    keys: &[must(
        "boundaries",
        Kind::List(&Kind::Shape(&BOUNDARY)),
        "What values at and beyond boundaries must come to; the first rule that fits decides.",
    )],
};

/// The words for kinds of values.
pub const KINDS: &[&str] = &Boundary::WORDS;

/// A rule for boundaries.
pub static BOUNDARY: Shape = Shape {
    name: "boundary",
    about: "a rule for boundaries",
    short: None,
    keys: &[
        must(
            "of",
            Kind::Many(&Kind::Word(KINDS)),
            "The kinds of value that it speaks of, such as `path.unknown`.",
        ),
        key(
            "on",
            NAMES,
            "The operations: `create`, `list`, `read`, `update`, `delete`, or one by its name; all unless said.",
        ),
        key("resource", NAMES, "The resources; all unless said."),
        key(
            "field",
            NAMES,
            "The parameters or fields, such as `pool_id` or `session_persistence.type`; all unless said.",
        ),
        key(
            "answer",
            NAMES,
            "One of these answers that the profile names.",
        ),
        key(
            "status",
            Kind::Status,
            "The status code, a class such as `4xx`, or a list of them.",
        ),
        key("requirements", NAMES, "The requirements that say so."),
    ],
};
