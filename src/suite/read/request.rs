//! Requests: a line of method and path, with query, header fields and content.

use super::{Fields, Found, json_template, template, text};
use crate::source::Diagnostic;
use crate::suite::model::{BodyTemplate, RequestTemplate};
use crate::suite::yaml::Node;
use crate::template::Template;

const METHODS: &[&str] = &[
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE",
];

/// `METHOD /path`, if the text begins like that.
pub(in crate::suite) fn request_line(text: &str) -> Option<(&str, &str)> {
    let (method, target) = text.trim().split_once(char::is_whitespace)?;
    let target = target.trim_start();
    (method
        .bytes()
        .all(|byte| byte.is_ascii_uppercase() || byte == b'-')
        && (target.starts_with('/') || target.starts_with("{{")))
    .then_some((method, target))
}

/// Whether a text means a request, well written or not: no operation is in capitals, no object has a slash.
pub(in crate::suite) fn means_request(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or("");
    request_line(text).is_some()
        || text.contains('/')
        || (first.len() > 1 && first.bytes().all(|byte| byte.is_ascii_uppercase()))
}

/// A request line with what else a mapping says of the request. One that cannot be read is reported and
/// something stands in its place, so that what the rest of the step says is still read.
pub(in crate::suite) fn request(
    node: &Node<'_>,
    fields: Option<&Fields<'_>>,
    found: &mut Found,
) -> RequestTemplate {
    let line = text(node, found).map(|line| line.value);
    let mut request = match line.as_deref().map(|line| request_line(line).ok_or(line)) {
        Some(Ok((method, target))) => of(node, method, Template::parse(target, &node.span, found)),
        Some(Err(line)) => {
            found.push(
                Diagnostic::new("bad-request-line", &node.span, "this is no request line")
                    .label("here")
                    .help(correction(line)),
            );
            unreadable(node)
        }
        None => unreadable(node),
    };
    if let Some(fields) = fields {
        content(fields, &mut request, found);
    }
    request
}

/// What stands for a request that could not be read; a suite that has one does not run.
pub(in crate::suite) fn unreadable(node: &Node<'_>) -> RequestTemplate {
    of(
        node,
        "GET",
        Template::parse("/", &node.span, &mut Found::new()),
    )
}

fn of(node: &Node<'_>, method: &str, target: Template) -> RequestTemplate {
    RequestTemplate {
        span: node.span.clone(),
        method: method.to_owned(),
        target,
        query: Vec::new(),
        headers: Vec::new(),
        body: BodyTemplate::Empty,
    }
}

/// How a request line that is wrong would be right.
fn correction(line: &str) -> String {
    let line = line.trim();
    let known = |word: &str| METHODS.contains(&word.to_ascii_uppercase().as_str());
    let (word, target) = match line.split_once(char::is_whitespace) {
        Some((word, target)) if word.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
            (word, target.trim())
        }
        None if known(line) => (line, ""),
        _ => ("", line),
    };
    let method = if known(word) { word } else { "get" }.to_ascii_uppercase();
    let (host, path) = match target.split_once("://") {
        Some((_, rest)) => (true, rest.find('/').map_or("/", |at| &rest[at..])),
        None => (false, target),
    };
    let slash = if path.starts_with('/') { "" } else { "/" };
    let right = format!("`{method} {slash}{path}`");
    if host {
        let only = "the host comes from the target: write only the path";
        return if word.is_empty() {
            format!("{only}, after a method, such as {right}")
        } else {
            format!("{only}, {right}")
        };
    }
    if word.is_empty() && path.contains('/') {
        return format!("begin with the method, such as {right}");
    }
    let name = |text: &str| text.chars().all(|c| c.is_alphanumeric() || c == '_');
    let general = "write a method and a path, such as `GET /pools`";
    if word.is_empty() || (!known(word) && !name(path)) {
        return general.to_owned();
    }
    if path.is_empty() {
        return format!(
            "the path is missing: write it after the method, such as `{method} /pools`"
        );
    }
    if !name(path) {
        return if slash.is_empty() {
            format!("the method is in capitals: {right}")
        } else {
            format!("the path begins with `/`: {right}")
        };
    }
    // Two words without a sign of a path can mean an operation of an object.
    let operation = word.to_ascii_lowercase();
    if operation == word {
        format!("{general}; an operation is written `do: {operation} {path}`")
    } else {
        format!(
            "the path begins with `/`: {right}; an operation is in small letters: `{operation} {path}`"
        )
    }
}

/// Query, header fields and content of a request.
pub(in crate::suite) fn content(
    fields: &Fields<'_>,
    request: &mut RequestTemplate,
    found: &mut Found,
) {
    request.query.extend(
        fields
            .named("query", found, json_template)
            .into_iter()
            .map(|(key, value)| (key.value, value)),
    );
    request.headers.extend(
        fields
            .named("headers", found, template)
            .into_iter()
            .map(|(key, value)| (key.value, value)),
    );
    let json = fields
        .read("json", found, json_template)
        .map(BodyTemplate::Json);
    let text = fields.read("text", found, template).map(BodyTemplate::Text);
    if json.is_some() && text.is_some() {
        found.push(
            Diagnostic::new(
                "two-bodies",
                fields.span,
                "a request has one content, not both `json` and `text`",
            )
            .label("here")
            .help("keep one of them"),
        );
    }
    if let Some(body) = json.or(text) {
        request.body = body;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_line_is_a_method_in_capitals_and_a_path() {
        assert_eq!(request_line("DELETE /v2/x y"), Some(("DELETE", "/v2/x y")));
        assert_eq!(request_line("GET  {{ next }}"), Some(("GET", "{{ next }}")));
        for text in ["delete pool", "GET", "GET http://x/", "Get /x"] {
            assert_eq!(request_line(text), None, "{text}");
        }
    }

    #[test]
    fn a_request_line_that_is_wrong_is_answered_with_one_that_is_right() {
        for (line, right) in [
            ("get /pools", "the method is in capitals: `GET /pools`"),
            (
                "GET pools?limit=1",
                "the path begins with `/`: `GET /pools?limit=1`",
            ),
            ("get pools/1", "the path begins with `/`: `GET /pools/1`"),
            (
                "GET https://lb.example:9696/pools",
                "the host comes from the target: write only the path, `GET /pools`",
            ),
            (
                "put http://lb.example",
                "the host comes from the target: write only the path, `PUT /`",
            ),
            (
                "http://{{ host }}/pools",
                "the host comes from the target: write only the path, after a method, such as `GET /pools`",
            ),
            (
                "/pools/{{ id }}",
                "begin with the method, such as `GET /pools/{{ id }}`",
            ),
            (
                "DELETE pool",
                "the path begins with `/`: `DELETE /pool`; an operation is in small letters: `delete pool`",
            ),
            (
                "DELETE",
                "the path is missing: write it after the method, such as `DELETE /pools`",
            ),
            (
                "delete pool",
                "write a method and a path, such as `GET /pools`; an operation is written `do: delete pool`",
            ),
            (
                "a few words",
                "write a method and a path, such as `GET /pools`",
            ),
        ] {
            assert!(request_line(line).is_none(), "{line}");
            assert_eq!(correction(line), right, "{line}");
        }
    }
}
