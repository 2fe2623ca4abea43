//! `assize schema`: the JSON Schema of a format, for editors and for programs that read reports.

use assize::report::{json, statement};
use assize::suite::shape;

use crate::args::{self, Described};
use crate::output::say;

pub(crate) fn schema(arguments: &args::Schema) -> anyhow::Result<u8> {
    let schema = match arguments.of {
        Described::Scenarios => shape::json_schema(),
        Described::Report => json::report_schema(),
        Described::Events => json::events_schema(),
        Described::Statement => statement::schema(),
    };
    say(&format!("{}\n", serde_json::to_string_pretty(&schema)?))?;
    Ok(0)
}
