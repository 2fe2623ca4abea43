//! The keys of `suite.yaml` and of requirements.

use super::{HEADERS, Kind, NAMES, Shape, key, must};

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
        key(
            "equivalent",
            Kind::List(&Kind::Shape(&EQUIVALENT)),
            "Mutants that `assize prove` need not tell from the real endpoint, and why.",
        ),
    ],
};

/// Mutants that nothing tells from the real endpoint.
pub static EQUIVALENT: Shape = Shape {
    name: "equivalent",
    about: "equivalent mutants",
    short: None,
    keys: &[
        must(
            "mutant",
            Kind::Many(&Kind::Text),
            "Their ids, or globs of them, as `assize prove` prints them.",
        ),
        key(
            "profiles",
            NAMES,
            "The profiles under which it is so; all unless said.",
        ),
        must(
            "because",
            Kind::Text,
            "Why nobody could tell them from the real endpoint.",
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
    about: "a requirement under one profile",
    short: None,
    keys: &[
        key("level", Kind::Word(LEVELS), "How binding it is there."),
        key("text", Kind::Text, "What it demands there."),
        key("source", Kind::Text, "The document it comes from there."),
    ],
};

/// The words for a level.
pub const LEVELS: &[&str] = &["must", "should", "observe", "not_applicable"];
