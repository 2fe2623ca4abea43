//! The keys of scenarios and their steps.

use super::{EXPECT, GENERATE, HEADERS, Kind, NAMES, QUERY, Shape, key, must};

macro_rules! with_scenario_keys {
    ($($own:expr),* $(,)?) => { &[
        $($own,)*
        key("title", Kind::Text, "What people read; the id unless said."),
        key("about", Kind::Text, "More of it."),
        key("requirements", NAMES, "What it shows, by requirement id."),
        key("tags", NAMES, "Words to select it by."),
        key("only_if", Kind::Expr, "Runs only where this holds."),
        key("variables", Kind::Named(&Kind::Any), "Values of its own."),
        key("generate", Kind::Shape(&GENERATE), "Makes many cases of it, one for each combination of values."),
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
            "suite",
            Kind::Text,
            "The suite that a file of one scenario belongs to where it stands below none: a directory below that of the file or below the working directory, or the name of one inside the program."
        ),
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
            Kind::Request,
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
            Kind::Either(&Kind::Text, &Kind::List(&Kind::Shape(&STEP))),
            "How many times it is sent at once, 2 to 64; or so many steps that are sent at once instead.",
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
