//! HTTP: one request out, one answer or transport error back, both recorded.
//!
//! A request is sent as it is recorded. The client sends all but those that it would rewrite or refuse: dot
//! segments, control characters, spaces, a fragment. Those go out byte for byte, see `verbatim`, and so do
//! those after which a connection should not be used again.

mod plain;
mod tls;
mod verbatim;

use std::future::poll_fn;
use std::pin::pin;
use std::sync::OnceLock;
use std::task::Poll;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use jiff::Timestamp;
use reqwest::header::{HeaderName, HeaderValue};

use crate::exchange::{Exchange, Phase, Request, Response, TransportError};
use crate::target::Target;
use crate::target::settings::{HttpVersion, Network};
use plain::Plain;
use verbatim::Verbatim;

/// So many bytes of content every server takes.
const EXPECTED: usize = 64 << 10;

/// How this program names itself to servers.
const USER_AGENT: &str = concat!("assize/", env!("CARGO_PKG_VERSION"));

/// The client of a run. Follows no redirect, repeats nothing, uses no proxy unless the target names one.
#[derive(Debug, Clone)]
pub(super) struct Transport {
    client: reqwest::Client,
    /// Sends what is not encrypted, unless there is a proxy or HTTP/2.
    plain: Option<Plain>,
    verbatim: Verbatim,
    timeout: Duration,
    limit: usize,
    /// Whether one request can spoil a connection for the next: in HTTP/2 each has a stream of its own.
    spoils: bool,
}

/// The client could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be set up: {0}")]
pub struct SetupError(String);

impl Transport {
    /// A client for a target: its network, the time of a request, and the size of an answer.
    pub(super) fn new(target: &Target) -> Result<Self, SetupError> {
        let network = &target.network;
        Self::with(network, target.limits.request, target.limits.answer)
    }

    fn with(network: &Network, timeout: Duration, limit: usize) -> Result<Self, SetupError> {
        // Another part of the process may have installed a provider first; either will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .tcp_nodelay(true);
        let protocols: &[&str] = match network.http {
            None => &["h2", "http/1.1"],
            Some(HttpVersion::One) => &["http/1.1"],
            Some(HttpVersion::Two) => &["h2"],
        };
        let config = tls::config(network, protocols).map_err(SetupError)?;
        builder = builder.tls_backend_preconfigured(config);
        builder = match network.http {
            None => builder,
            Some(HttpVersion::One) => builder.http1_only(),
            Some(HttpVersion::Two) => builder.http2_prior_knowledge(),
        };
        if let Some(time) = network.connect {
            builder = builder.connect_timeout(time);
        }
        if let Some(proxy) = &network.proxy {
            let proxy = reqwest::Proxy::all(proxy);
            builder = builder.proxy(proxy.map_err(|error| SetupError(chain(&error)))?);
        }
        let client = builder.build().map_err(|error| SetupError(chain(&error)))?;
        let direct = network.proxy.is_none() && network.http != Some(HttpVersion::Two);
        Ok(Self {
            client,
            plain: direct.then(|| Plain::new(network.connect)),
            verbatim: Verbatim::new(network.clone()),
            timeout,
            limit,
            spoils: network.http != Some(HttpVersion::Two),
        })
    }

    /// How long an answer may take.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Sends the request once.
    pub(super) async fn send(&self, phase: Phase, request: Request) -> Exchange {
        let started = Timestamp::now();
        let clock = Instant::now();
        let head = OnceLock::new();
        let come = || {
            let _ = head.set(clock.elapsed());
        };
        let response = {
            let mut exchange = pin!(self.exchange(&request, &come));
            // Where all threads are kept busy by those who send without end, nobody looks at the timers.
            let exchange = poll_fn(|context| {
                if clock.elapsed() > self.timeout {
                    return Poll::Ready(Err(TransportError::Timeout(self.timeout)));
                }
                exchange.as_mut().poll(context)
            });
            let in_time = tokio::time::timeout(self.timeout, exchange).await;
            in_time.unwrap_or(Err(TransportError::Timeout(self.timeout)))
        };
        let duration = clock.elapsed();
        Exchange {
            phase,
            request,
            response,
            started,
            waited: head.get().copied().unwrap_or(duration),
            duration,
        }
    }

    /// The answer. `come` is called when its head is there.
    async fn exchange(
        &self,
        request: &Request,
        come: &(dyn Fn() + Sync),
    ) -> Result<Response, TransportError> {
        if let Some(plain) = &self.plain
            && !spoils_its_connection(request)
            && let Some(answer) = plain.exchange(request, self.limit, come).await
        {
            return answer;
        }
        // What is sent otherwise takes kilobytes, which would be moved about for every request.
        Box::pin(self.exchange_otherwise(request, come)).await
    }

    async fn exchange_otherwise(
        &self,
        request: &Request,
        come: &(dyn Fn() + Sync),
    ) -> Result<Response, TransportError> {
        let unsendable = |why: &dyn std::fmt::Display| TransportError::Unsendable(why.to_string());
        let method = reqwest::Method::from_bytes(request.method.as_bytes())
            .map_err(|error| unsendable(&error))?;
        let url = reqwest::Url::parse(&request.url).map_err(|error| unsendable(&error))?;
        let mut headers = Vec::new();
        for (name, value) in &request.headers {
            let name =
                HeaderName::from_bytes(name.as_bytes()).map_err(|error| unsendable(&error))?;
            headers.push((name, HeaderValue::from_bytes(value.as_bytes())));
        }
        let rewritten = match url.query() {
            None => url.path() != request.target(),
            Some(query) => request.target().split_once('?') != Some((url.path(), query)),
        };
        let unsendable_field = headers.iter().any(|(_, value)| value.is_err());
        if rewritten || unsendable_field || self.spoils && spoils_its_connection(request) {
            return self.verbatim.exchange(&url, request, self.limit).await;
        }
        let mut builder = self.client.request(method, url);
        for (name, value) in headers {
            let value = value.map_err(|error| unsendable(&error))?;
            builder = builder.header(name, value);
        }
        if !request.body.is_empty() {
            builder = builder.body(request.body.clone());
        }
        let response = builder.send().await.map_err(|error| classify(&error))?;
        come();
        let status = response.status().as_u16();
        let headers = text(response.headers());
        let mut body = Vec::new();
        let mut chunks = response.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            tokio::task::consume_budget().await;
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

/// Whether a server may leave some of the content unread, and so the connection in a state that the next
/// request would suffer from: where it expects none, or more than it takes.
fn spoils_its_connection(request: &Request) -> bool {
    let unexpected = !matches!(request.method.as_str(), "POST" | "PUT" | "PATCH");
    request.body.len() > EXPECTED || (unexpected && !request.body.is_empty())
}

/// What the field Host says.
fn host_field(url: &reqwest::Url) -> String {
    match (url.host_str().unwrap_or_default(), url.port()) {
        (host, Some(port)) => format!("{host}:{port}"),
        (host, None) => host.to_owned(),
    }
}

/// Fields as they are told.
fn text(headers: &reqwest::header::HeaderMap) -> Vec<(String, String)> {
    let text = |(name, value): (&HeaderName, &HeaderValue)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    };
    headers.iter().map(text).collect()
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
fn chain(error: &dyn std::error::Error) -> String {
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

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    /// Sends a request to a server that gives this answer; returns the bytes that arrived, and what came back.
    async fn check(
        request: impl FnOnce(&str) -> Request,
        answer: &'static [u8],
    ) -> (String, Result<Response, TransportError>) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let serving = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut bytes = Vec::new();
            let mut buffer = [0; 4096];
            // Every request of these tests ends with this.
            while !bytes.ends_with(b"\r\n\r\n") && !bytes.ends_with(b"{}") {
                let read = stream.read(&mut buffer).expect("bytes");
                if read == 0 {
                    break;
                }
                bytes.extend_from_slice(&buffer[..read]);
            }
            stream.write_all(answer).expect("an answer");
            bytes
        });
        let transport = Transport::with(&Network::default(), Duration::from_secs(5), 64)
            .unwrap_or_else(|error| panic!("{error}"));
        let exchange = transport.send(Phase::Act, request(&origin)).await;
        let bytes = serving.join().expect("the server");
        (
            String::from_utf8_lossy(&bytes).into_owned(),
            exchange.response,
        )
    }

    fn get(
        target: &'static str,
        fields: &'static [(&'static str, &'static str)],
    ) -> impl FnOnce(&str) -> Request {
        move |origin| Request {
            method: "GET".to_owned(),
            url: format!("{origin}{target}"),
            headers: fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            body: Vec::new(),
        }
    }

    const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

    #[tokio::test]
    async fn a_target_arrives_byte_for_byte() {
        for target in [
            "/plain?a=b",
            "/a/../b/.",
            "/%2e%2E/x",
            "/a\\b",
            "/a b",
            "/\0\u{1}\u{7f}",
            "/\u{e9}\u{1f512}",
            "/\"<>`{|}^",
            "/x#y?z",
            "//x//y",
            "/%zz%",
            "/?",
        ] {
            let (bytes, response) = check(get(target, &[]), OK).await;
            let line = bytes.split("\r\n").next().unwrap_or_default();
            assert_eq!(line, format!("GET {target} HTTP/1.1"));
            assert_eq!(
                response.map(|response| response.body),
                Ok(b"ok".to_vec().into()),
                "{target}"
            );
        }
    }

    #[tokio::test]
    async fn fields_arrive_as_often_as_they_are_there_and_with_any_byte() {
        for target in ["/", "/ "] {
            let fields = &[("X-Token", "a"), ("X-Token", "b\u{e9}"), ("X-Empty", "")];
            let (bytes, _) = check(get(target, fields), OK).await;
            let bytes = bytes.to_ascii_lowercase();
            assert!(
                bytes.contains("x-token: a\r\nx-token: b\u{e9}\r\nx-empty: \r\n"),
                "{bytes}"
            );
        }
        let (bytes, _) = check(get("/", &[("X", "a\0b")]), OK).await;
        assert!(bytes.contains("X: a\0b\r\n"), "{bytes}");
    }

    #[tokio::test]
    async fn a_line_break_is_not_sent() {
        for request in [
            get("/a\r\nX: y", &[]),
            get("/ ", &[("X", "a\nY: b")]),
            get("/", &[("X", "a\rb")]),
        ] {
            let transport = Transport::with(&Network::default(), Duration::from_secs(5), 64)
                .unwrap_or_else(|error| panic!("{error}"));
            let exchange = transport
                .send(Phase::Act, request("http://127.0.0.1:9"))
                .await;
            assert!(
                matches!(exchange.response, Err(TransportError::Unsendable(_))),
                "{exchange:?}"
            );
        }
    }

    #[tokio::test]
    async fn the_answer_to_a_verbatim_request_is_read_like_any_other() {
        let post = |origin: &str| Request {
            method: "POST".to_owned(),
            url: format!("{origin}/ x"),
            headers: Vec::new(),
            body: b"{}".to_vec(),
        };
        let chunked = b"HTTP/1.1 201 Created\r\nA: 1\r\na: 2\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        let (bytes, response) = check(post, chunked).await;
        assert!(
            bytes.contains("Content-Length: 2\r\n") && bytes.ends_with("\r\n\r\n{}"),
            "{bytes}"
        );
        let response = response.expect("an answer");
        assert_eq!((response.status, &response.body[..]), (201, &b"abcde"[..]));
        assert_eq!(
            response.headers[..2],
            [
                ("a".to_owned(), "1".to_owned()),
                ("a".to_owned(), "2".to_owned())
            ]
        );

        let (_, response) = check(get("/ ", &[]), b"HTTP/1.1 200 OK\r\n\r\nuntil the end").await;
        assert_eq!(
            response.map(|response| response.body),
            Ok(b"until the end".to_vec().into())
        );
        let head = |origin: &str| Request {
            method: "HEAD".to_owned(),
            ..get("/ ", &[])(origin)
        };
        let (_, response) = check(head, b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n").await;
        assert_eq!(
            response.map(|response| response.body),
            Ok(Vec::new().into())
        );
        let (_, response) = check(get("/ ", &[]), b"").await;
        assert!(
            matches!(response, Err(TransportError::Broken(_))),
            "{response:?}"
        );
        let (_, response) = check(
            get("/ ", &[]),
            b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab",
        )
        .await;
        assert!(
            matches!(response, Err(TransportError::Broken(_))),
            "{response:?}"
        );
        const LONG: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n0123456789012345678901234567890123456789012345678901234567890123456789";
        let (_, response) = check(get("/ ", &[]), LONG).await;
        assert_eq!(response, Err(TransportError::TooLarge(64)));
    }

    #[tokio::test]
    async fn an_answer_to_half_a_request_is_an_answer() {
        let long = |origin: &str| Request {
            method: "POST".to_owned(),
            url: format!("{origin}/x"),
            headers: Vec::new(),
            body: vec![b'x'; 8 << 20],
        };
        let refused = b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 2\r\n\r\nno";
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let serving = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let _ = stream.read(&mut [0; 4096]).expect("bytes");
            stream.write_all(refused).expect("an answer");
        });
        let transport = Transport::with(&Network::default(), Duration::from_secs(5), 64)
            .unwrap_or_else(|error| panic!("{error}"));
        let exchange = transport.send(Phase::Act, long(&origin)).await;
        serving.join().expect("the server");
        assert_eq!(exchange.response.map(|response| response.status), Ok(413));
    }
}
