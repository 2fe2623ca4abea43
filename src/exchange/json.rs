//! JSON read into values, with room for as many members as an object has, and no more.
//!
//! `serde_json` itself lets each object grow as its members come, which takes longer than all the rest of its work.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// What `serde_json::from_slice` says.
pub(super) fn read(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    let open = RefCell::new(Vec::new());
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Reading { open: &open }.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// Reads one value.
#[derive(Clone, Copy)]
struct Reading<'r> {
    /// The members, so far, of the objects that are being read: the innermost one's are the last.
    open: &'r RefCell<Vec<(String, Value)>>,
}

impl<'de> DeserializeSeed<'de> for Reading<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reading<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any valid JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let before = self.open.borrow().len();
        while let Some(key) = access.next_key()? {
            let value = access.next_value_seed(self)?;
            self.open.borrow_mut().push((key, value));
        }
        let mut open = self.open.borrow_mut();
        let mut members = Map::with_capacity(open.len() - before);
        members.extend(open.drain(before..));
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_what_serde_json_reads_and_refuses_what_it_refuses() {
        let deep = "[".repeat(127) + &"]".repeat(127);
        let too_deep = "{\"a\":".repeat(128) + "1" + &"}".repeat(128);
        for text in [
            r#"{"b": 1, "a": {"c": [], "d": {}, "e": {"f": null}}, "g": "x\"\u00e9\ud83d\ude00"}"#,
            r#"[{"id": "1"}, {"id": "2", "of": {"id": "3"}}, [[{}]], true, false, -2.5e3]"#,
            r#"{"a": 1, "b": 2, "\u0061": 3, "c": {"a": 4, "a": 5}}"#,
            "18446744073709551615",
            "-9223372036854775808",
            "18446744073709551616",
            "-0",
            "-0.0",
            " [ ] ",
            "1e999",
            "NaN",
            r#""\ud800""#,
            r#"{"a": 1,}"#,
            r#"{"a": {"b": 1, }"#,
            r#"{1: 1}"#,
            r#"{"a" 1}"#,
            "[1 2]",
            "{} {}",
            "\"\u{1}\"",
            "nul",
            "",
            &deep,
            &too_deep,
        ] {
            let own = read(text.as_bytes()).map_err(|error| error.to_string());
            let theirs = serde_json::from_str::<Value>(text).map_err(|error| error.to_string());
            assert_eq!(own, theirs, "{text}");
            // Equal values may have their members in another order.
            let written = |value: Result<Value, String>| value.map(|value| value.to_string());
            assert_eq!(written(own), written(theirs), "{text}");
        }
        let no_text = b"\"\xff\"";
        let own = read(no_text).map_err(|error| error.to_string());
        let theirs = serde_json::from_slice::<Value>(no_text).map_err(|error| error.to_string());
        assert_eq!(own, theirs);
    }
}
