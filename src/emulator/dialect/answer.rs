//! Answers before they are bytes, and the shapes that several vendors share.

use std::fmt::{Arguments, Display};

use hyper::body::Bytes;
use serde::Serialize;
use serde_json::json;

/// What goes on the wire.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// JSON, if there is one.
    pub(crate) body: Option<Bytes>,
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

    pub(crate) fn written(self, mut body: Bytes) -> Bytes {
        if self == Self::Half {
            let text = String::from_utf8_lossy(&body);
            let half = text.len() / 2;
            let middle = (half..).find(|at| text.is_char_boundary(*at));
            body.truncate(middle.unwrap_or(half));
        }
        body
    }
}

/// `{"NeutronError": …}`.
#[derive(Serialize)]
struct Neutron<'a> {
    #[serde(rename = "NeutronError")]
    error: NeutronError<'a>,
}

#[derive(Serialize)]
struct NeutronError<'a> {
    r#type: &'a str,
    message: Arguments<'a>,
    detail: &'static str,
}

impl Answer {
    /// An answer without a body.
    pub(crate) const fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: None,
            form: Form::Json,
        }
    }

    /// An answer with JSON that is already written.
    pub(crate) fn written(status: u16, body: impl Into<Bytes>) -> Self {
        Self {
            body: Some(body.into()),
            ..Self::empty(status)
        }
    }

    /// An answer with a body that has a JSON form.
    pub(crate) fn json(status: u16, body: impl Serialize) -> Self {
        Self::written(status, serde_json::to_vec(&body).unwrap_or_default())
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The body of neutron and of what grew out of it.
    pub(super) fn neutron(status: u16, class: &str, message: impl Display) -> Self {
        let error = NeutronError {
            r#type: class,
            message: format_args!("{message}"),
            detail: "",
        };
        Self::json(status, Neutron { error })
    }

    /// The 401 of keystonemiddleware, which both OpenStack services stand behind.
    pub(super) fn keystone() -> Self {
        let message = "The request you have made requires authentication.";
        Self::json(
            401,
            json!({"error": {"code": 401, "title": "Unauthorized", "message": message}}),
        )
        .with(
            "www-authenticate",
            "Keystone uri=\"http://127.0.0.1/identity\"",
        )
    }
}
