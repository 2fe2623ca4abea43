//! What was written, read back as the facts that it tells. A body that was cut stays cut.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{BodyRecord, CaseRecord, ErrorKind, ErrorRecord, ExchangeRecord};
use crate::exchange::{Exchange, Request, Response, TransportError};
use crate::outcome::CaseOutcome;

impl CaseRecord {
    /// What came of the case, with its exchanges.
    pub(in crate::report) fn outcome(&self) -> CaseOutcome {
        CaseOutcome {
            exchanges: self
                .exchanges
                .iter()
                .map(ExchangeRecord::exchange)
                .collect(),
            ..self.case.clone()
        }
    }

    /// Cuts bodies to so many bytes.
    pub(in crate::report) fn shorten(&mut self, bytes: usize) {
        for exchange in &mut self.exchanges {
            let answer = exchange
                .response
                .as_mut()
                .map(|response| &mut response.body);
            for body in [Some(&mut exchange.body), answer].into_iter().flatten() {
                *body = body.take().map(|body| body.within(bytes));
            }
        }
    }
}

impl ExchangeRecord {
    /// The request as it was sent.
    pub(in crate::report) fn request(&self) -> Request {
        Request {
            method: self.method.clone(),
            url: self.url.clone(),
            headers: self.headers.clone(),
            body: self
                .body
                .as_ref()
                .map(BodyRecord::content)
                .unwrap_or_default(),
        }
    }

    fn exchange(&self) -> Exchange {
        let response = match (&self.response, &self.error) {
            (Some(response), _) => Ok(Response {
                status: response.status,
                headers: response.headers.clone(),
                body: (response.body.as_ref().map(BodyRecord::content))
                    .unwrap_or_default()
                    .into(),
            }),
            (None, Some(error)) => Err(error.error()),
            (None, None) => Err(TransportError::Broken("nothing is told of it".to_owned())),
        };
        Exchange {
            phase: self.phase,
            request: self.request(),
            response,
            started: self.started,
            waited: self.duration,
            duration: self.duration,
        }
    }
}

impl ErrorRecord {
    fn error(&self) -> TransportError {
        let why = || match self.text.split_once(": ") {
            Some((_, why)) => why.to_owned(),
            None => self.text.clone(),
        };
        match self.kind {
            ErrorKind::Connect => TransportError::Connect(why()),
            ErrorKind::Broken => TransportError::Broken(why()),
            ErrorKind::Unsendable => TransportError::Unsendable(why()),
            ErrorKind::Timeout => TransportError::Timeout(time(&self.text)),
            ErrorKind::TooLarge => {
                let mut numbers = self.text.split(' ').filter_map(|word| word.parse().ok());
                TransportError::TooLarge(numbers.next().unwrap_or(0))
            }
        }
    }
}

/// The time at the end of a text, as `Debug` writes it.
fn time(text: &str) -> Duration {
    let word = text.rsplit(' ').next().unwrap_or("");
    let unit = word.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let factor = match unit {
        "s" => 1.0,
        "ms" => 1e-3,
        "µs" => 1e-6,
        _ => 1e-9,
    };
    let number: f64 = word[..word.len() - unit.len()].parse().unwrap_or(0.0);
    Duration::try_from_secs_f64(number * factor).unwrap_or_default()
}

impl BodyRecord {
    fn content(&self) -> Vec<u8> {
        match (&self.text, &self.base64) {
            (Some(text), _) => text.clone().into_bytes(),
            (None, Some(base64)) => STANDARD.decode(base64).unwrap_or_default(),
            (None, None) => Vec::new(),
        }
    }

    /// The same with at most so many bytes; what is said of the whole stays.
    fn within(self, limit: usize) -> Self {
        let content = self.content();
        if content.len() <= limit {
            return self;
        }
        let cut = Self::of(&content, limit).unwrap_or_else(|| self.clone());
        Self {
            bytes: self.bytes,
            sha256: self.sha256.or(cut.sha256),
            ..cut
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::Phase;
    use crate::outcome::Verdict;
    use crate::report::json::BODY;
    use crate::report::sample;

    #[test]
    fn what_is_read_back_is_what_was_written() {
        let mut case = sample::case("one", "one", Verdict::Fail);
        case.exchanges = vec![
            sample::exchange(Phase::Act, "GET", 200, b"{\"a\":1}"),
            sample::exchange(Phase::Act, "GET", 200, b"\xff\x00"),
        ];
        case.exchanges[0].request.body = b"sent".to_vec();
        for error in [
            TransportError::Connect("refused: by nobody".to_owned()),
            TransportError::Broken("reset".to_owned()),
            TransportError::Unsendable("bad header".to_owned()),
            TransportError::Timeout(Duration::from_secs(30)),
            TransportError::Timeout(Duration::from_millis(1500)),
            TransportError::Timeout(Duration::from_micros(250)),
            TransportError::TooLarge(16_777_216),
        ] {
            let mut exchange = case.exchanges[0].clone();
            exchange.response = Err(error);
            case.exchanges.push(exchange);
        }
        let text = serde_json::to_string(&CaseRecord::of(&case)).unwrap();
        let back = serde_json::from_str::<CaseRecord>(&text).unwrap().outcome();
        for (read, written) in back.exchanges.iter().zip(&case.exchanges) {
            assert_eq!(read.request, written.request);
            assert_eq!(read.response, written.response);
        }
        assert_eq!(back.exchanges.len(), case.exchanges.len());
    }

    #[test]
    fn a_body_that_is_shortened_again_keeps_what_is_said_of_the_whole() {
        let mut case = sample::case("one", "one", Verdict::Fail);
        let body = "池".repeat(BODY);
        case.exchanges = vec![sample::exchange(Phase::Act, "GET", 200, body.as_bytes())];
        let mut read = CaseRecord::of(&case);
        read.shorten(1000);
        let once = CaseRecord::within(&case, 1000);
        assert_eq!(
            serde_json::to_value(&read).unwrap(),
            serde_json::to_value(&once).unwrap()
        );
    }
}
