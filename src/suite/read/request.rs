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

/// A request line with what else a mapping says of the request.
pub(in crate::suite) fn request(
    node: &Node,
    fields: Option<&Fields<'_>>,
    found: &mut Found,
) -> Option<RequestTemplate> {
    let line = text(node, found)?;
    let Some((method, target)) = request_line(&line.value) else {
        let first = line
            .value
            .split_whitespace()
            .next()
            .unwrap_or("")
            .to_ascii_uppercase();
        let help = if METHODS.contains(&first.as_str()) {
            format!(
                "write it like `{first} /path`; the path begins with `/`, the host comes from the target"
            )
        } else {
            "write a method and a path, such as `GET /pools`".to_owned()
        };
        found.push(
            Diagnostic::new("bad-request-line", &node.span, "this is no request")
                .label("here")
                .help(help),
        );
        return None;
    };
    let target = Template::parse(target, &node.span, found);
    let mut request = RequestTemplate {
        span: node.span.clone(),
        method: method.to_owned(),
        target,
        query: Vec::new(),
        headers: Vec::new(),
        body: BodyTemplate::Empty,
    };
    if let Some(fields) = fields {
        content(fields, &mut request, found);
    }
    Some(request)
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
}
