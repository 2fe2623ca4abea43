//! `assize schema`: the JSON Schema of the format, for editors.

use crate::output::say;

pub(crate) fn schema() -> anyhow::Result<u8> {
    let schema = serde_json::to_string_pretty(&assize::suite::shape::json_schema())?;
    say(&format!("{schema}\n"))?;
    Ok(0)
}
