//! What holds for every exchange without being asked.

use super::answer::violations;
use super::{Mismatch, bounded};
use crate::exchange::{Request, Response};
use crate::suite::openapi::{Described, OpenApi};

/// How much of the standing checks applies to an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// All of them.
    Full,
    /// All but "no 5xx": the scenario asks for this very status, or a refused set-up speaks for itself.
    ServerErrorsAllowed,
}

/// Holds an exchange to what always holds: no server error, no content with 204 or 304, JSON where JSON is
/// claimed, no redirect to another origin, and an answer that the OpenAPI description knows.
pub fn standing(
    request: &Request,
    response: &Response,
    api: Option<&OpenApi>,
    standing: Standing,
) -> Vec<Mismatch> {
    let mut found = Vec::new();
    let mut push = |check, expected: &str, actual: String| {
        found.push(Mismatch {
            check,
            expected: expected.to_owned(),
            actual,
            location: None,
        });
    };
    let text = || bounded(&response.body.text());
    if response.status >= 500 {
        if standing == Standing::Full {
            push(
                "server-error",
                "no server error",
                format!("{} {}", response.status, text()),
            );
        }
        return found;
    }
    let announced = response
        .header("content-length")
        .and_then(|length| length.trim().parse::<u64>().ok())
        .unwrap_or(0);
    if matches!(response.status, 204 | 304)
        && (!response.body.is_empty() || (response.status == 204 && announced > 0))
    {
        push(
            "no-content",
            "no content with status 204 or 304 (RFC 9110, 6.4.1)",
            format!(
                "{} bytes announced or sent",
                announced.max(response.body.len() as u64)
            ),
        );
    }
    let claims_json = response.claims_json();
    if claims_json
        && !response.body.is_empty()
        && let Some(why) = response.body.no_json()
    {
        let actual = format!("{why}, in {}", text());
        push("json", "JSON, as the Content-Type says", actual);
    }
    if (300..400).contains(&response.status)
        && let Some(location) = response.header("location")
        && leaves(&request.url, location)
    {
        push(
            "redirect",
            "no redirect to another origin",
            bounded(location),
        );
    }
    // What is no HTTP may be refused by whatever stands before the API, in its own words.
    if let Some(api) = api.filter(|_| request.is_well_formed()) {
        let target = request.target();
        let path = target.split(['?', '#']).next().unwrap_or(target);
        match api.describes(&request.method, path, response.status, claims_json) {
            Described::UnknownPath | Described::UnknownMethod | Described::Unjudged => {}
            Described::UnknownStatus { operation, known } => push(
                "openapi",
                &format!(
                    "a status that the description of {operation} names: {}",
                    known.join(", ")
                ),
                response.status.to_string(),
            ),
            Described::NoContent => {
                if !response.body.is_empty() {
                    push(
                        "openapi",
                        &format!(
                            "no content with {}, as the description says",
                            response.status
                        ),
                        text(),
                    );
                }
            }
            Described::Fits(validator) => {
                if request.method == "HEAD" {
                    return found;
                }
                if !response.body.is_empty() && !claims_json {
                    push(
                        "openapi",
                        "a Content-Type of JSON, as the description says",
                        response
                            .header("content-type")
                            .map_or_else(|| "none".to_owned(), bounded),
                    );
                }
                match response.body.json() {
                    None => push(
                        "openapi",
                        "JSON content, as the description says",
                        if response.body.is_empty() {
                            "no content".to_owned()
                        } else {
                            text()
                        },
                    ),
                    Some(json) => {
                        if let Some(actual) = violations(validator, json) {
                            push(
                                "openapi",
                                &format!(
                                    "content that fits the description of {} {path} with {}",
                                    request.method, response.status
                                ),
                                actual,
                            );
                        }
                    }
                }
            }
        }
    }
    found
}

/// Whether two answers with one content to one request differ in nothing that [`standing`] looks at. What is wrong with
/// a server error depends on who asks.
pub fn stands_alike(one: &Response, other: &Response) -> bool {
    const LOOKED_AT: [&str; 3] = ["content-type", "content-length", "location"];
    one.status == other.status
        && one.status < 500
        && (LOOKED_AT.iter()).all(|name| one.header(name) == other.header(name))
}

/// Whether a Location leads to another scheme, host or port than the request's.
fn leaves(url: &str, location: &str) -> bool {
    let origin = |url: &str| {
        let (scheme, rest) = url.split_once("://")?;
        Some((
            scheme.to_ascii_lowercase(),
            rest.split(['/', '?', '#'])
                .next()
                .unwrap_or("")
                .to_ascii_lowercase(),
        ))
    };
    if let Some(rest) = location.strip_prefix("//") {
        return origin(url).is_none_or(|(_, host)| {
            host != rest
                .split(['/', '?', '#'])
                .next()
                .unwrap_or("")
                .to_ascii_lowercase()
        });
    }
    match origin(location) {
        Some(target) => origin(url) != Some(target),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &str, status: u16, headers: &[(&str, &str)], body: &str, wanted: &[&str]) {
        let request = Request {
            method: method.into(),
            url: "http://h:1/x?y".into(),
            headers: vec![],
            body: vec![],
        };
        let response = Response {
            status,
            headers: headers
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect(),
            body: body.as_bytes().to_vec().into(),
        };
        let found: Vec<&str> = standing(&request, &response, None, Standing::Full)
            .iter()
            .map(|m| m.check)
            .collect();
        assert_eq!(found, wanted, "{status} {headers:?} {body}");
    }

    #[test]
    fn what_always_holds_is_held_to() {
        let json = ("content-type", "application/json; charset=utf-8");
        check("GET", 200, &[json], "{}", &[]);
        check("GET", 200, &[json], "{", &["json"]);
        check("GET", 200, &[("content-type", "text/plain")], "{", &[]);
        check("DELETE", 204, &[], "", &[]);
        check("DELETE", 204, &[("Content-Length", "0")], "", &[]);
        check(
            "DELETE",
            204,
            &[("Content-Length", "2")],
            "",
            &["no-content"],
        );
        check("DELETE", 204, &[], "{}", &["no-content"]);
        check("GET", 500, &[json], "{", &["server-error"]);
        check("GET", 302, &[("location", "/y")], "", &[]);
        check("GET", 302, &[("location", "http://H:1/y")], "", &[]);
        check(
            "GET",
            302,
            &[("location", "http://other/y")],
            "",
            &["redirect"],
        );
        check("GET", 302, &[("location", "//other/y")], "", &["redirect"]);
        check(
            "GET",
            302,
            &[("location", "https://h:1/y")],
            "",
            &["redirect"],
        );
    }
}
