//! Which keys a suite's files may have: one table, from which the reader refuses what it does not know,
//! `assize schema` writes the JSON Schema for editors, and the tests hold the documentation to account.

mod boundary;
mod expect;
mod generate;
mod profile;
mod resource;
mod scenario;
mod schema;
mod suite;

pub use boundary::{BOUNDARIES, BOUNDARY, KINDS};
pub use expect::{EXPECT, MATCH_OPERATORS};
pub use generate::{GENERATE, STRATEGIES, STRATEGY};
pub use profile::{ANSWER, MOVES, PROFILE, QUOTA};
pub use resource::{CHANGE, DECISION, LIST, OPERATION, READY, RESOURCE, SCOPES};
pub use scenario::{SCENARIO, SCENARIOS, STEP};
pub use schema::json_schema;
pub use suite::{
    EQUIVALENT, IDENTITY, LEVELS, MANIFEST, REQUIREMENT, REQUIREMENT_IN, REQUIREMENTS, VARIABLE,
};

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
    /// A method and a path, in which `{{ }}` is replaced.
    Request,
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

const QUERY: Kind = Kind::Named(&Kind::Any);
const HEADERS: Kind = Kind::Named(&Kind::Template);
const NAMES: Kind = Kind::Many(&Kind::Text);

/// Every shape that a file can have at its top.
pub static FILES: [&Shape; 6] = [
    &MANIFEST,
    &REQUIREMENTS,
    &RESOURCE,
    &PROFILE,
    &BOUNDARIES,
    &SCENARIOS,
];
