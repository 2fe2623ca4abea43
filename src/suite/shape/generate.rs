//! The keys of generated cases.

use super::{Kind, Shape, key, must};

/// What makes many cases of one scenario.
pub static GENERATE: Shape = Shape {
    name: "generate",
    about: "`generate`",
    short: None,
    keys: &[
        must(
            "matrix",
            Kind::Named(&Kind::List(&Kind::Any)),
            "The axes with their values; expressions know an axis by its name.",
        ),
        key(
            "exclude",
            Kind::Many(&Kind::Expr),
            "A combination for which one of these holds is no case; they know the axes.",
        ),
        key(
            "only",
            Kind::Many(&Kind::Expr),
            "A combination for which one of these does not hold is no case.",
        ),
        key(
            "strategy",
            Kind::Shape(&STRATEGY),
            "Which combinations are cases: `all`, or few that have every pair of values, or every choice of more values.",
        ),
        key("limit", Kind::Any, "How many cases there are at the most."),
    ],
};

/// The words for a strategy.
pub const STRATEGIES: &[&str] = &["all", "pairwise"];

/// Which combinations of a matrix are cases.
pub static STRATEGY: Shape = Shape {
    name: "strategy",
    about: "`strategy`",
    short: Some(Kind::Word(STRATEGIES)),
    keys: &[must(
        "t-way",
        Kind::Any,
        "Few cases, so that whatever values so many axes have together, one of them has these.",
    )],
};
