//! Secrets out of what is reported: every outcome passes here once, on its way to the report.

use std::sync::Arc;

use crate::exchange::{Exchange, Response, TransportError};
use crate::outcome::{CaseOutcome, Finding, Leak, Observation};
use crate::secret::Secrets;
use crate::tape::{Entry, Lent, Note};
use serde_json::Value as Json;

/// Bytes of a secret's beginning that tell something of it.
const TELLING: usize = 4;

/// The outcome with every secret replaced by its name.
pub(super) fn redacted(secrets: &Secrets, outcome: CaseOutcome) -> CaseOutcome {
    let text = |text: String| redacted_text(secrets, &text);
    let list = |texts: Vec<String>| texts.into_iter().map(text).collect();
    CaseOutcome {
        id: text(outcome.id),
        title: text(outcome.title),
        why: outcome.why.map(text),
        tags: list(outcome.tags),
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
            .map(|leak| redacted_leak(secrets, leak))
            .collect(),
        exchanges: (outcome.exchanges.into_iter())
            .map(|exchange| redacted_exchange(secrets, exchange))
            .collect(),
        ..outcome
    }
}

/// The tape with every secret replaced by its name.
pub(super) fn redacted_tape(secrets: &Secrets, tape: Vec<Entry>) -> Vec<Entry> {
    let json = |value: &Json| {
        let text = secrets.redact(&value.to_string());
        serde_json::from_str(&text).unwrap_or(Json::String(text))
    };
    let entries = tape.into_iter();
    entries
        .map(|entry| match entry {
            Entry::Exchange(exchange) => {
                let exchange = Arc::unwrap_or_clone(exchange);
                Entry::Exchange(redacted_exchange(secrets, exchange).into())
            }
            Entry::Beginning(exchange, _) => {
                Entry::Exchange(redacted_exchange(secrets, exchange).into())
            }
            Entry::Note(note) => Entry::Note(match note {
                Note::Stopped(why) => Note::Stopped(why.map(|why| redacted_text(secrets, &why))),
                Note::Lent(lent) => Note::Lent(Lent {
                    name: secrets.redact(&lent.name),
                    value: json(&lent.value),
                    params: (lent.params.iter())
                        .map(|(name, value)| (name.clone(), json(value)))
                        .collect(),
                }),
                Note::Made(label, number) => Note::Made(secrets.redact(&label), number),
                note @ (Note::Began(_) | Note::Ended(_) | Note::So(_) | Note::Together(_)) => note,
            }),
        })
        .collect()
}

/// The leak with every secret replaced by its name.
pub(super) fn redacted_leak(secrets: &Secrets, leak: Leak) -> Leak {
    let text = |text: String| redacted_text(secrets, &text);
    Leak {
        id: text(leak.id),
        why: text(leak.why),
        ..leak
    }
}

/// The text with every secret replaced by its name, also one of which a shortened text keeps the beginning.
fn redacted_text(secrets: &Secrets, text: &str) -> String {
    let text = secrets.redact(text);
    let mut parts = text.split('…').peekable();
    let mut out = String::with_capacity(text.len());
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            out.push_str(part);
            break;
        }
        match secrets.cut_at_end(part, TELLING) {
            Some((at, name)) => out.push_str(&format!("{}${{{name}}}…", &part[..at])),
            None => out.extend([part, "…"]),
        }
    }
    out
}

/// The exchange with every secret replaced by its name.
fn redacted_exchange(secrets: &Secrets, mut exchange: Exchange) -> Exchange {
    let headers = |headers: Vec<(String, String)>| {
        headers
            .into_iter()
            .map(|(name, value)| (secrets.redact(&name), secrets.redact(&value)))
            .collect()
    };
    exchange.request.url = secrets.redact(&exchange.request.url);
    exchange.request.headers = headers(exchange.request.headers);
    exchange.request.body = secrets.redact_bytes(&exchange.request.body);
    exchange.response = match exchange.response {
        Ok(response) => Ok(Response {
            status: response.status,
            headers: headers(response.headers),
            body: secrets.redact_bytes(&response.body).into(),
        }),
        Err(error) => Err(match error {
            TransportError::Connect(why) => TransportError::Connect(secrets.redact(&why)),
            TransportError::Broken(why) => TransportError::Broken(secrets.redact(&why)),
            TransportError::Unsendable(why) => TransportError::Unsendable(secrets.redact(&why)),
            TransportError::Timeout(_) | TransportError::TooLarge(_) => error,
        }),
    };
    exchange
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{Phase, Request};
    use crate::outcome::Verdict;
    use crate::source::Location;
    use crate::suite::model::Level;
    use std::time::Duration;

    const SECRET: &str = "s3cret";

    fn secrets(secret: &str) -> Secrets {
        Secrets::new([(secret.to_owned(), "token".to_owned())])
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
            waited: Duration::ZERO,
            duration: Duration::ZERO,
        }
    }

    #[test]
    fn bytes_that_are_no_text_lose_the_secret_and_nothing_else() {
        let bytes = |inside: &str| [b"\xff<\xe6", inside.as_bytes(), b"\xe6\xb1>\x80"].concat();
        for secret in [SECRET, "pässwörd", "池"] {
            let secrets = secrets(secret);
            let mut exchange = exchange(Vec::new());
            exchange.request.body = bytes(secret);
            exchange.response.as_mut().unwrap().body = bytes(secret).into();
            let redacted = redacted_exchange(&secrets, exchange);
            assert_eq!(redacted.request.body, bytes("${token}"));
            assert_eq!(*redacted.response.unwrap().body, *bytes("${token}"));
        }
    }

    #[test]
    fn what_a_shortened_text_keeps_of_a_secret_is_taken_out_too() {
        let secrets = secrets("s3cret-päss");
        for (text, expected) in [
            (
                "a s3cret-pä… (900 bytes in all)",
                "a ${token}… (900 bytes in all)",
            ),
            ("s3cr… and s3cret-p…", "${token}… and ${token}…"),
            ("s3cret-päss…", "${token}…"),
            ("s3c… s3cret-q… s3cret", "s3c… s3cret-q… s3cret"),
        ] {
            assert_eq!(redacted_text(&secrets, text), expected);
        }
    }

    #[test]
    fn no_text_of_an_outcome_keeps_a_secret() {
        let secrets = secrets(SECRET);
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
                check: "body".into(),
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
            evidence: None,
            started: jiff::Timestamp::UNIX_EPOCH,
            duration: Duration::ZERO,
        };
        let redacted = redacted(&secrets, outcome);
        assert!(!format!("{redacted:?}").contains(SECRET), "{redacted:?}");
        let exchange = &redacted.exchanges[0];
        assert_eq!(exchange.request.body, b"<${token}>");
        assert_eq!(*exchange.response.as_ref().unwrap().body, *b"<${token}>");
    }
}
