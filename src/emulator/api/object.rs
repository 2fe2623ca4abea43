//! JSON objects as they are written: the bytes of an answer, without a tree in between.

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use jiff::tz::Offset;
use serde::Serialize;
use uuid::Uuid;

const SECONDS: DateTimePrinter = DateTimePrinter::new().precision(Some(0));

/// An object of which one attribute after another is written.
pub(super) struct Object<'a> {
    text: &'a mut Vec<u8>,
    wanted: &'a [&'a str],
}

impl Object<'_> {
    /// Writes a whole object; of its own attributes those that are wanted, or all if none are.
    pub(super) fn write(text: &mut Vec<u8>, wanted: &[&str], show: impl FnOnce(&mut Object<'_>)) {
        text.push(b'{');
        show(&mut Object { text, wanted });
        text.push(b'}');
    }

    /// Begins an attribute, unless it is not wanted.
    fn begin(&mut self, name: &str) -> Option<&mut Vec<u8>> {
        if !self.wanted.is_empty() && !self.wanted.contains(&name) {
            return None;
        }
        separate(self.text);
        self.text.push(b'"');
        self.text.extend_from_slice(name.as_bytes());
        self.text.extend_from_slice(b"\":");
        Some(self.text)
    }

    pub(super) fn put(&mut self, name: &str, value: impl Serialize) {
        if let Some(text) = self.begin(name) {
            // Memory takes every byte, and no value here lacks a JSON form.
            let _ = serde_json::to_writer(text, &value);
        }
    }

    pub(super) fn text(&mut self, name: &str, text: &str) {
        // All bytes at once are faster than a stop at the first.
        let escaped = text.bytes().fold(false, |escaped, byte| {
            escaped | (byte < b' ') | (byte == b'"') | (byte == b'\\')
        });
        if escaped {
            self.put(name, text);
        } else {
            self.word(name, text);
        }
    }

    /// A text that needs no escapes.
    pub(super) fn word(&mut self, name: &str, word: &str) {
        if let Some(text) = self.begin(name) {
            text.push(b'"');
            text.extend_from_slice(word.as_bytes());
            text.push(b'"');
        }
    }

    /// An id, or null.
    pub(super) fn id(&mut self, name: &str, id: impl Into<Option<Uuid>>) {
        match id.into() {
            Some(id) => self.word(name, id.hyphenated().encode_lower(&mut [0; 36])),
            None => self.put(name, ()),
        }
    }

    /// A time in UTC, without a zone, or null.
    pub(super) fn time(&mut self, name: &str, at: impl Into<Option<Timestamp>>) {
        let Some(at) = at.into() else {
            return self.put(name, ());
        };
        if let Some(text) = self.begin(name) {
            text.push(b'"');
            let _ = SECONDS.print_datetime(&Offset::UTC.to_datetime(at), &mut *text);
            text.push(b'"');
        }
    }

    pub(super) fn object(
        &mut self,
        name: &str,
        wanted: &[&str],
        show: impl FnOnce(&mut Object<'_>),
    ) {
        if let Some(text) = self.begin(name) {
            Object::write(text, wanted, show);
        }
    }

    /// A list of objects.
    pub(super) fn list<T>(
        &mut self,
        name: &str,
        wanted: &[&str],
        items: impl IntoIterator<Item = T>,
        show: impl Fn(T, &mut Object<'_>),
    ) {
        let Some(text) = self.begin(name) else { return };
        text.push(b'[');
        for item in items {
            separate(text);
            Object::write(text, wanted, |object| show(item, object));
        }
        text.push(b']');
    }

    /// `[{"id": …}]`.
    pub(super) fn references(&mut self, name: &str, ids: impl IntoIterator<Item = Uuid>) {
        self.list(name, &[], ids, |id, object| object.id("id", id));
    }
}

/// A comma, unless nothing is before it.
fn separate(text: &mut Vec<u8>) {
    if !matches!(text.last(), Some(b'{' | b'[')) {
        text.push(b',');
    }
}
