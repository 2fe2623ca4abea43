//! The keys of a profile and its named answers.

use super::{Kind, LIST, NAMES, Shape, key, must};

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
            "moves",
            Kind::Shape(&MOVES),
            "How a status of its objects may change; anything else that is seen is a finding.",
        ),
        key(
            "quota",
            Kind::Shape(&QUOTA),
            "How the endpoint tells how many objects there may be; looked at before a run.",
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

/// The changes of a status.
pub static MOVES: Shape = Shape {
    name: "moves",
    about: "the changes of a status",
    short: None,
    keys: &[
        must("field", Kind::Text, "The field that tells the status."),
        must(
            "by_itself",
            Kind::Named(&NAMES),
            "What may follow a status by itself.",
        ),
        key(
            "when_asked",
            Kind::Named(&NAMES),
            "What may follow a status only after a request that changes something.",
        ),
    ],
};

/// How many objects there may be.
pub static QUOTA: Shape = Shape {
    name: "quota",
    about: "a quota",
    short: None,
    keys: &[
        must("request", Kind::Request, "Method and path."),
        must(
            "most",
            Kind::Named(&Kind::Template),
            "By resource, the number in the answer; null or less than 0 is no bound.",
        ),
        key(
            "there",
            Kind::Named(&Kind::Shape(&LIST)),
            "By resource, the list of all that there are already.",
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
