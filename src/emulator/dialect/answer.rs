//! Answers before they are bytes, and the shapes that several vendors share.

use serde_json::{Value, json};

/// What goes on the wire.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<Value>,
    pub(crate) form: Form,
}

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    /// As JSON that is called HTML, which only a defect does.
    Html,
    /// As the first half of JSON, which only a defect does.
    Half,
}

impl Form {
    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::Json | Self::Half => "application/json",
            Self::Html => "text/html; charset=utf-8",
        }
    }

    pub(crate) fn written(self, body: &Value) -> String {
        let mut text = body.to_string();
        if self == Self::Half {
            let half = text.len() / 2;
            let middle = (half..).find(|at| text.is_char_boundary(*at));
            text.truncate(middle.unwrap_or(half));
        }
        text
    }
}

impl Answer {
    /// An answer without headers of its own.
    pub(crate) fn new(status: u16, body: impl Into<Option<Value>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
            form: Form::Json,
        }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// `{"NeutronError": …}`, the body of neutron and of what grew out of it.
    pub(super) fn neutron(status: u16, class: &str, message: impl Into<String>) -> Self {
        Self::new(
            status,
            json!({"NeutronError": {"type": class, "message": message.into(), "detail": ""}}),
        )
    }

    /// The 401 of keystonemiddleware, which both OpenStack services stand behind.
    pub(super) fn keystone() -> Self {
        let message = "The request you have made requires authentication.";
        Self::new(
            401,
            json!({"error": {"code": 401, "title": "Unauthorized", "message": message}}),
        )
        .with(
            "www-authenticate",
            "Keystone uri=\"http://127.0.0.1/identity\"",
        )
    }
}
