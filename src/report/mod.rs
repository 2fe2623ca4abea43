//! A run report as text for people and for the gates of a CI system.
//!
//! Every renderer is a pure function from [`RunReport`](crate::outcome::RunReport) to a `String`: nothing
//! here prints, opens a file, asks the environment or reads a clock, so that the same report always gives
//! the same text. What the endpoint sent is hostile until it has gone through [`escape`].
//!
//! | item | gives |
//! |---|---|
//! | [`escape`] | text that neither a terminal nor an XML parser trips over |
//! | [`curl()`] | the shell line that repeats a request |
//! | `layout`, `evidence` | findings and exchanges in words, shared by the renderers |
//! | [`Console`] | the lines of cases and the summary of a run, for a terminal or a log |
//! | [`junit()`] | the XML that CI systems read |
//! | [`html()`] | a page for people, self-contained |
//! | [`markdown()`] | the run in short, for the pages of a CI system |
//! | [`annotations()`] | what GitHub shows beside the lines of a change |
//! | [`compare`] | two reports side by side |
//! | [`merge`] | the reports of shards, joined |
//! | [`har`], [`manifest`] | what went and came, for others to judge, and what it belongs to |
//! | [`statement`] | what a product conforms to, to be submitted, and worked out again |
//! | [`json`] | everything, for machines: a document with a published schema, and events |

mod annotations;
pub mod compare;
mod console;
mod curl;
pub mod escape;
mod evidence;
pub mod har;
mod html;
pub mod json;
mod junit;
mod layout;
#[cfg(test)]
mod lint;
mod lists;
pub mod manifest;
mod markdown;
pub mod merge;
pub mod proof;
#[cfg(test)]
mod sample;
pub mod statement;

pub use annotations::annotations;
pub use console::Console;
pub use curl::curl;
pub use html::{Html, html};
pub use junit::{Junit, junit};
pub use markdown::markdown;
