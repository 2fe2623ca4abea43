//! HTTP: one request out, one answer or transport error back, both recorded.

use std::error::Error as _;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use jiff::Timestamp;
use reqwest::header::{HeaderName, HeaderValue};

use crate::exchange::{Exchange, Phase, Request, Response, TransportError};

/// The client of a run. Follows no redirect, repeats nothing, uses no proxy unless told to.
#[derive(Debug, Clone)]
pub(super) struct Transport {
    client: reqwest::Client,
    timeout: Duration,
    limit: usize,
}

/// The client could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be set up: {0}")]
pub struct SetupError(String);

impl Transport {
    /// A client whose requests take at most `timeout` and whose answers have at most `limit` bytes.
    pub(super) fn new(timeout: Duration, limit: usize) -> Result<Self, SetupError> {
        // Another part of the process may have installed a provider first; either will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .user_agent(concat!("assize/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .tcp_nodelay(true)
            .build()
            .map_err(|error| SetupError(chain(&error)))?;
        Ok(Self {
            client,
            timeout,
            limit,
        })
    }

    /// Sends the request once.
    pub(super) async fn send(&self, phase: Phase, request: Request) -> Exchange {
        let started = Timestamp::now();
        let clock = Instant::now();
        let response = match tokio::time::timeout(self.timeout, self.exchange(&request)).await {
            Ok(response) => response,
            Err(_) => Err(TransportError::Timeout(self.timeout)),
        };
        Exchange {
            phase,
            request,
            response,
            started,
            duration: clock.elapsed(),
        }
    }

    async fn exchange(&self, request: &Request) -> Result<Response, TransportError> {
        let unsendable = |why: &dyn std::fmt::Display| TransportError::Unsendable(why.to_string());
        let method = reqwest::Method::from_bytes(request.method.as_bytes())
            .map_err(|error| unsendable(&error))?;
        let url = reqwest::Url::parse(&request.url).map_err(|error| unsendable(&error))?;
        let mut builder = self.client.request(method, url);
        for (name, value) in &request.headers {
            let name =
                HeaderName::from_bytes(name.as_bytes()).map_err(|error| unsendable(&error))?;
            let value = HeaderValue::from_str(value).map_err(|_| {
                TransportError::Unsendable(format!(
                    "the value of header {name} has characters that a header cannot carry"
                ))
            })?;
            builder = builder.header(name, value);
        }
        if !request.body.is_empty() {
            builder = builder.body(request.body.clone());
        }
        let response = builder.send().await.map_err(|error| classify(&error))?;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                (
                    name.as_str().to_owned(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect();
        let mut body = Vec::new();
        let mut chunks = response.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| classify(&error))?;
            if body.len() + chunk.len() > self.limit {
                return Err(TransportError::TooLarge(self.limit));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response {
            status,
            headers,
            body: body.into(),
        })
    }
}

fn classify(error: &reqwest::Error) -> TransportError {
    if error.is_connect() {
        TransportError::Connect(chain(error))
    } else if error.is_builder() {
        TransportError::Unsendable(chain(error))
    } else {
        TransportError::Broken(chain(error))
    }
}

/// The innermost reasons of an error, without the URL that the outer ones repeat.
fn chain(error: &reqwest::Error) -> String {
    let mut reasons = Vec::new();
    let mut source = error.source();
    while let Some(inner) = source {
        reasons.push(inner.to_string());
        source = inner.source();
    }
    reasons.dedup();
    if reasons.is_empty() {
        error.to_string()
    } else {
        reasons.join(": ")
    }
}
