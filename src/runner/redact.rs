//! Secrets out of what is reported: every outcome passes here once, on its way to the report.

use crate::exchange::{Exchange, Response};
use crate::outcome::{CaseOutcome, Finding, Leak, Observation};
use crate::target::Target;

/// The outcome with every secret replaced by its name.
pub(super) fn redacted(target: &Target, outcome: CaseOutcome) -> CaseOutcome {
    let text = |text: String| target.redact(&text);
    CaseOutcome {
        reason: outcome.reason.map(text),
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
        why: target.redact(&leak.why),
        ..leak
    }
}

/// The exchange with every secret replaced by its name.
fn redacted_exchange(target: &Target, mut exchange: Exchange) -> Exchange {
    let bytes = |bytes: Vec<u8>| match String::from_utf8(bytes) {
        Ok(text) => target.redact(&text).into_bytes(),
        Err(error) => error.into_bytes(),
    };
    let headers = |headers: Vec<(String, String)>| {
        headers
            .into_iter()
            .map(|(name, value)| (name, target.redact(&value)))
            .collect()
    };
    exchange.request.url = target.redact(&exchange.request.url);
    exchange.request.headers = headers(exchange.request.headers);
    exchange.request.body = bytes(exchange.request.body);
    exchange.response = exchange.response.map(|response| Response {
        status: response.status,
        headers: headers(response.headers),
        body: bytes(response.body.to_vec()).into(),
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

    #[test]
    fn no_text_of_an_outcome_keeps_a_secret() {
        let target = Target {
            endpoint: "http://h".to_owned(),
            profile: None,
            variables: BTreeMap::new(),
            identities: BTreeMap::new(),
            secrets: vec![(SECRET.to_owned(), "token".to_owned())],
            limits: Limits::STANDARD,
        };
        let text = || format!("<{SECRET}>");
        let location = Location {
            file: "f".to_owned(),
            line: 1,
            column: 1,
        };
        let header = || vec![("X-Auth-Token".to_owned(), text())];
        let outcome = CaseOutcome {
            id: "c".to_owned(),
            title: "c".to_owned(),
            group: "c".to_owned(),
            feature: None,
            location: location.clone(),
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
            exchanges: vec![Exchange {
                phase: Phase::Act,
                request: Request {
                    method: "GET".to_owned(),
                    url: text(),
                    headers: header(),
                    body: text().into_bytes(),
                },
                response: Ok(Response {
                    status: 200,
                    headers: header(),
                    body: text().into_bytes().into(),
                }),
                started: jiff::Timestamp::UNIX_EPOCH,
                duration: Duration::ZERO,
            }],
            requests: 1,
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
