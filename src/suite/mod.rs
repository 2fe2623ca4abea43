//! A suite: its files read into typed values that keep their places, with every problem reported at once.

pub mod codes;
mod files;
mod link;
mod load;
pub mod model;
pub mod openapi;
mod parse;
mod read;
pub mod shape;
pub mod space;
mod spread;
pub mod yaml;

pub use files::{FILE_LIMIT, Files, MANIFEST_FILE};
pub use load::{Selection, load};
pub use read::parse_duration;

/// A matcher from its YAML, for tests of the judging code.
#[cfg(test)]
pub(crate) fn matcher_for_tests(
    node: &yaml::Node<'_>,
    found: &mut Vec<crate::source::Diagnostic>,
) -> Option<model::Matcher> {
    read::matcher(node, found)
}
