//! Reading one JSON object field by field, with the refusals that a body can earn.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::json::Json;
use crate::emulator::dialect::{Rules, Shape};
use crate::emulator::model::{Kind, Word};
use crate::emulator::refusal::Refusal;

/// A body that is not yet read to the end; what is left then is unknown and refused.
pub(super) struct Reader<'a> {
    prefix: String,
    object: Vec<(Cow<'a, str>, Json<'a>)>,
}

impl<'a> Reader<'a> {
    /// The object below the one key that a body has.
    pub(super) fn unwrap_object(bytes: &'a [u8], key: &str) -> Result<Self, Refusal> {
        let bad = |reason: String| Refusal::BadBody { reason };
        let mut document = Self::document(bytes)?;
        match document.take(key) {
            Some(Json::Object(object)) => {
                document.finish()?;
                Ok(Self {
                    prefix: String::new(),
                    object,
                })
            }
            Some(_) => Err(bad(format!("{key} is not an object"))),
            None => Err(bad(format!("the body has no {key}"))),
        }
    }

    /// A document whose keys are read directly.
    pub(super) fn document(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let bad = |reason: &str| Refusal::BadBody {
            reason: reason.to_owned(),
        };
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(bad("the body is empty"));
        }
        match serde_json::from_slice(bytes) {
            Ok(Json::Object(object)) => Ok(Self {
                prefix: String::new(),
                object,
            }),
            Ok(_) => Err(bad("the body is not a JSON object")),
            Err(_) => Err(bad("the body is not JSON")),
        }
    }

    /// An object inside another; its fields are reported with the prefix.
    pub(super) fn nested(prefix: impl Into<String>, value: Json<'a>) -> Result<Self, Refusal> {
        let prefix = prefix.into();
        match value {
            Json::Object(object) => Ok(Self {
                prefix: format!("{prefix}."),
                object,
            }),
            _ => Err(Refusal::invalid(prefix, "it is not an object")),
        }
    }

    /// The field's full name, for a refusal.
    pub(super) fn name(&self, field: &str) -> String {
        format!("{}{field}", self.prefix)
    }

    pub(super) fn missing(&self, field: &str) -> Refusal {
        Refusal::Missing {
            field: self.name(field),
        }
    }

    pub(super) fn invalid(&self, field: &str, reason: impl Into<String>) -> Refusal {
        Refusal::invalid(self.name(field), reason)
    }

    /// The value of a field as it stands, null included.
    pub(super) fn take(&mut self, field: &str) -> Option<Json<'a>> {
        let last = self.object.iter().rposition(|(key, _)| key == field)?;
        let (_, value) = self.object.remove(last);
        if self.has(field) {
            self.object.retain(|(key, _)| key != field);
        }
        Some(value)
    }

    /// Whether the body names the field.
    pub(super) fn has(&self, field: &str) -> bool {
        self.object.iter().any(|(key, _)| key == field)
    }

    /// A value, or the refusal that it is mandatory.
    pub(super) fn require<T>(&self, field: &str, value: Option<T>) -> Result<T, Refusal> {
        value.ok_or_else(|| self.missing(field))
    }

    /// A string of at most so many characters; null is absent.
    pub(super) fn text(&mut self, field: &str, max: usize) -> Result<Option<String>, Refusal> {
        Ok(self.nullable_text(field, max)?.flatten())
    }

    /// A string of at most so many characters, or null.
    pub(super) fn nullable_text(
        &mut self,
        field: &str,
        max: usize,
    ) -> Result<Option<Option<String>>, Refusal> {
        let text = self.borrowed_text(field, max)?;
        Ok(text.map(|text| text.map(Cow::into_owned)))
    }

    fn borrowed_text(
        &mut self,
        field: &str,
        max: usize,
    ) -> Result<Option<Option<Cow<'a, str>>>, Refusal> {
        match self.take(field) {
            None => Ok(None),
            Some(Json::Null) => Ok(Some(None)),
            Some(Json::String(text)) if text.len() > max && text.chars().count() > max => {
                Err(Refusal::TooLong {
                    field: self.name(field),
                    max,
                })
            }
            Some(Json::String(text)) => Ok(Some(Some(text))),
            Some(_) => Err(self.invalid(field, "it is not a string")),
        }
    }

    /// A boolean; null is absent.
    pub(super) fn flag(&mut self, field: &str) -> Result<Option<bool>, Refusal> {
        match self.take(field) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::Bool(value)) => Ok(Some(value)),
            Some(_) => Err(self.invalid(field, "it is neither true nor false")),
        }
    }

    /// An integer of a range; null is absent.
    pub(super) fn integer(
        &mut self,
        field: &str,
        range: &RangeInclusive<i64>,
    ) -> Result<Option<i64>, Refusal> {
        Ok(self.nullable_integer(field, range)?.flatten())
    }

    /// An integer of a range, or null.
    pub(super) fn nullable_integer(
        &mut self,
        field: &str,
        range: &RangeInclusive<i64>,
    ) -> Result<Option<Option<i64>>, Refusal> {
        let number = match self.take(field) {
            None => return Ok(None),
            Some(Json::Null) => return Ok(Some(None)),
            Some(Json::Number(number)) => number,
            Some(_) => return Err(self.invalid(field, "it is not a number")),
        };
        match number.as_i64().filter(|number| range.contains(number)) {
            Some(number) => Ok(Some(Some(number))),
            None => {
                let (low, high) = (range.start(), range.end());
                Err(self.invalid(
                    field,
                    format!("it is not an integer between {low} and {high}"),
                ))
            }
        }
    }

    /// A port number; null is absent.
    pub(super) fn port(&mut self, field: &str) -> Result<Option<u16>, Refusal> {
        Ok(self
            .integer(field, &(1..=i64::from(u16::MAX)))?
            .and_then(|port| u16::try_from(port).ok()))
    }

    /// One of a few words; null is absent.
    pub(super) fn word<T: Word>(
        &mut self,
        field: &str,
        allowed: &[T],
    ) -> Result<Option<T>, Refusal> {
        let Some(text) = self.borrowed_text(field, 255)?.flatten() else {
            return Ok(None);
        };
        match T::parse(&text).filter(|word| allowed.contains(word)) {
            Some(word) => Ok(Some(word)),
            None => {
                let words: Vec<&str> = allowed.iter().map(|word| word.word()).collect();
                Err(self.invalid(field, format!("it is none of {}", words.join(", "))))
            }
        }
    }

    /// A UUID; null is absent.
    pub(super) fn id(&mut self, field: &str) -> Result<Option<Uuid>, Refusal> {
        Ok(self.nullable_id(field)?.flatten())
    }

    /// A UUID, or null. An empty string is neither: clients that take it for null send null.
    pub(super) fn nullable_id(&mut self, field: &str) -> Result<Option<Option<Uuid>>, Refusal> {
        let Some(text) = self.borrowed_text(field, 255)? else {
            return Ok(None);
        };
        let Some(text) = text else {
            return Ok(Some(None));
        };
        match Uuid::try_parse(&text) {
            Ok(id) if text.len() == 36 => Ok(Some(Some(id))),
            _ => Err(self.invalid(field, "it is not a UUID")),
        }
    }

    /// A list of strings; null is absent.
    pub(super) fn texts(&mut self, field: &str) -> Result<Option<Vec<String>>, Refusal> {
        let items = match self.take(field) {
            None | Some(Json::Null) => return Ok(None),
            Some(Json::Array(items)) => items,
            Some(_) => return Err(self.invalid(field, "it is not a list")),
        };
        let texts = items.into_iter().map(|item| match item {
            Json::String(text) if text.chars().count() <= 255 => Ok(text.into_owned()),
            _ => Err(self.invalid(field, "it is not a list of short strings")),
        });
        Ok(Some(texts.collect::<Result<_, _>>()?))
    }

    /// A list of anything; null is absent.
    pub(super) fn list(&mut self, field: &str) -> Result<Option<Vec<Json<'a>>>, Refusal> {
        match self.take(field) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::Array(items)) => Ok(Some(items)),
            Some(_) => Err(self.invalid(field, "it is not a list")),
        }
    }

    /// The stored-and-echoed attributes of a kind, those that are present.
    pub(super) fn extras(
        &mut self,
        rules: &Rules,
        kind: Kind,
    ) -> Result<Map<String, Value>, Refusal> {
        let mut found = Map::new();
        for extra in rules.extras(kind) {
            let name = extra.name;
            let Some((_, given)) = self.object.iter().rfind(|(key, _)| key == name) else {
                continue;
            };
            let value = match extra.shape {
                _ if matches!(given, Json::Null) => {
                    self.take(name);
                    extra.shape.default()
                }
                Shape::Text(max) => Value::from(self.text(name, max)?),
                Shape::Flag(_) => Value::from(self.flag(name)?),
                Shape::Integer(low, high, _) => Value::from(self.integer(name, &(low..=high))?),
                Shape::Word(words) => match self.text(name, 255)? {
                    Some(text) if words.contains(&text.as_str()) => Value::from(text),
                    _ => {
                        return Err(
                            self.invalid(name, format!("it is none of {}", words.join(", ")))
                        );
                    }
                },
                Shape::List | Shape::ListOrNull => Value::from(self.texts(name)?),
                Shape::Object => match self.take(name) {
                    Some(value @ Json::Object(_)) => value.into(),
                    _ => return Err(self.invalid(name, "it is not an object")),
                },
            };
            found.insert(name.to_owned(), value);
        }
        Ok(found)
    }

    /// Refuses the fields of this list: they exist, but not in an update.
    pub(super) fn create_only(&self, fields: &[&str]) -> Result<(), Refusal> {
        let mut keys = self.object.iter().map(|(key, _)| key);
        match keys.find(|key| fields.contains(&key.as_ref())) {
            Some(field) => Err(Refusal::CreateOnly {
                field: self.name(field),
            }),
            None => Ok(()),
        }
    }

    /// Refuses the fields that objects of the kind do not have.
    pub(super) fn only_of(&self, rules: &Rules, kind: Kind) -> Result<(), Refusal> {
        let mut keys = self.object.iter().map(|(key, _)| key);
        match keys.find(|key| !rules.has(kind, key)) {
            Some(field) => Err(Refusal::UnknownField {
                field: self.name(field),
            }),
            None => Ok(()),
        }
    }

    /// Refuses what nobody has read.
    pub(super) fn finish(self) -> Result<(), Refusal> {
        match self.object.first() {
            Some((field, _)) => Err(Refusal::UnknownField {
                field: self.name(field),
            }),
            None => Ok(()),
        }
    }
}
