//! Secrets out of what is reported: every outcome passes here once, on its way to the report.

use crate::exchange::{Exchange, Response};
use crate::outcome::{CaseOutcome, Finding, Leak, Observation};
use crate::target::Target;

/// Bytes of a secret's beginning that tell something of it.
const TELLING: usize = 4;

/// The outcome with every secret replaced by its name.
pub(super) fn redacted(target: &Target, outcome: CaseOutcome) -> CaseOutcome {
    let text = |text: String| redacted_text(target, &text);
    CaseOutcome {
        reason: outcome.reason.map(text),
        reproducer: outcome.reproducer.map(text),
        findings: (outcome.findings.into_iter())
            .map(|finding| Finding {
                expected: text(finding.expected),
                actual: text(finding.actual),
                ..finding
            })
            .collect(),
        observations: (outcome.observations.into_iter())
            .map(|observation| Observation {
                name: text(observation.name),
                value: text(observation.value),
                ..observation
            })
            .collect(),
        leaked: (outcome.leaked.into_iter())
            .map(|leak| redacted_leak(target, leak))
            .collect(),
        exchanges: (outcome.exchanges.into_iter())
            .map(|exchange| redacted_exchange(target, exchange))
            .collect(),
        ..outcome
    }
}

/// The leak with every secret replaced by its name.
pub(super) fn redacted_leak(target: &Target, leak: Leak) -> Leak {
    Leak {
        why: redacted_text(target, &leak.why),
        ..leak
    }
}

/// The text with every secret replaced by its name, also one of which a shortened text keeps the beginning.
fn redacted_text(target: &Target, text: &str) -> String {
    let text = target.redact(text);
    let mut parts = text.split('…').peekable();
    let mut out = String::with_capacity(text.len());
    while let Some(part) = parts.next() {
        let beginning = target.secrets.iter().find_map(|(secret, name)| {
            (TELLING..secret.len())
                .rev()
                .filter_map(|end| secret.get(..end))
                .find_map(|beginning| part.strip_suffix(beginning))
                .map(|before| (before, name))
        });
        match (beginning, parts.peek()) {
            (Some((before, name)), Some(_)) => out.push_str(&format!("{before}${{{name}}}…")),
            (None, Some(_)) => out.extend([part, "…"]),
            (_, None) => out.push_str(part),
        }
    }
    out
}

/// The exchange with every secret replaced by its name.
fn redacted_exchange(target: &Target, mut exchange: Exchange) -> Exchange {
    // A secret is text, so it lies whole between the bytes that are none.
    let bytes = |bytes: &[u8]| {
        let mut out = Vec::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            out.extend_from_slice(target.redact(chunk.valid()).as_bytes());
            out.extend_from_slice(chunk.invalid());
        }
        out
    };
    let headers = |headers: Vec<(String, String)>| {
        headers
            .into_iter()
            .map(|(name, value)| (name, target.redact(&value)))
            .collect()
    };
    exchange.request.url = target.redact(&exchange.request.url);
    exchange.request.headers = headers(exchange.request.headers);
    exchange.request.body = bytes(&exchange.request.body);
    exchange.response = exchange.response.map(|response| Response {
        status: response.status,
        headers: headers(response.headers),
        body: bytes(&response.body).into(),
    });
    exchange
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{Phase, Request};
    use crate::outcome::Verdict;
    use crate::source::Location;
    use crate::suite::model::Level;
    use crate::target::Limits;
    use std::collections::BTreeMap;
    use std::time::Duration;

    const SECRET: &str = "s3cret";

    fn target(secret: &str) -> Target {
        Target {
            endpoint: "http://h".to_owned(),
            profile: None,
            variables: BTreeMap::new(),
            identities: BTreeMap::new(),
            credentials: BTreeMap::new(),
            unconfigured: BTreeMap::new(),
            network: Default::default(),
            pace: Default::default(),
            secrets: vec![(secret.to_owned(), "token".to_owned())],
            limits: Limits::STANDARD,
        }
    }

    fn exchange(body: Vec<u8>) -> Exchange {
        let text = || format!("<{SECRET}>");
        let headers = || vec![("X-Auth-Token".to_owned(), text())];
        Exchange {
            phase: Phase::Act,
            request: Request {
                method: "GET".to_owned(),
                url: text(),
                headers: headers(),
                body: body.clone(),
            },
            response: Ok(Response {
                status: 200,
                headers: headers(),
                body: body.into(),
            }),
            started: jiff::Timestamp::UNIX_EPOCH,
            duration: Duration::ZERO,
        }
    }

    #[test]
    fn bytes_that_are_no_text_lose_the_secret_and_nothing_else() {
        let bytes = |inside: &str| [b"\xff<\xe6", inside.as_bytes(), b"\xe6\xb1>\x80"].concat();
        for secret in [SECRET, "pässwörd", "池"] {
            let target = target(secret);
            let mut exchange = exchange(Vec::new());
            exchange.request.body = bytes(secret);
            exchange.response.as_mut().unwrap().body = bytes(secret).into();
            let redacted = redacted_exchange(&target, exchange);
            assert_eq!(redacted.request.body, bytes("${token}"));
            assert_eq!(*redacted.response.unwrap().body, *bytes("${token}"));
        }
    }

    #[test]
    fn what_a_shortened_text_keeps_of_a_secret_is_taken_out_too() {
        let target = target("s3cret-päss");
        for (text, expected) in [
            (
                "a s3cret-pä… (900 bytes in all)",
                "a ${token}… (900 bytes in all)",
            ),
            ("s3cr… and s3cret-p…", "${token}… and ${token}…"),
            ("s3cret-päss…", "${token}…"),
            ("s3c… s3cret-q… s3cret", "s3c… s3cret-q… s3cret"),
        ] {
            assert_eq!(redacted_text(&target, text), expected);
        }
    }

    #[test]
    fn no_text_of_an_outcome_keeps_a_secret() {
        let target = target(SECRET);
        let text = || format!("<{SECRET}>");
        let location = Location {
            file: "f".to_owned(),
            line: 1,
            column: 1,
        };
        let outcome = CaseOutcome {
            id: "c".to_owned(),
            title: "c".to_owned(),
            group: "c".to_owned(),
            feature: None,
            location: location.clone(),
            why: None,
            tags: Vec::new(),
            requirements: Vec::new(),
            verdict: Verdict::Fail,
            reason: Some(text()),
            findings: vec![Finding {
                check: "body",
                requirements: Vec::new(),
                level: Level::Must,
                expected: text(),
                actual: text(),
                location,
                exchange: None,
            }],
            judged: 1,
            not_judged: Vec::new(),
            observations: vec![Observation {
                requirements: Vec::new(),
                name: text(),
                value: text(),
            }],
            leaked: vec![Leak {
                resource: "r".to_owned(),
                id: "i".to_owned(),
                why: text(),
            }],
            exchanges: vec![exchange(text().into_bytes())],
            requests: 1,
            reproducer: None,
            started: jiff::Timestamp::UNIX_EPOCH,
            duration: Duration::ZERO,
        };
        let redacted = redacted(&target, outcome);
        assert!(!format!("{redacted:?}").contains(SECRET), "{redacted:?}");
        let exchange = &redacted.exchanges[0];
        assert_eq!(exchange.request.body, b"<${token}>");
        assert_eq!(*exchange.response.as_ref().unwrap().body, *b"<${token}>");
    }
}
