//! Requests that no client would send as they are written, byte for byte.
//!
//! The request is written here, on a connection of its own and in HTTP/1.1. The answer is read by `hyper`:
//! it is given a request to the same effect, and the connection carries ours in its place.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use hyper::body::Body as _;
use hyper_util::rt::TokioIo;
use reqwest::Url;
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{USER_AGENT, chain, host_field, text, tls};
use crate::exchange::{Request, Response, TransportError};
use crate::target::settings::Network;

/// Sends requests byte for byte.
#[derive(Debug, Clone)]
pub(super) struct Verbatim {
    network: Network,
    /// Set up when it is first needed: it reads the certificates of the system.
    tls: Arc<OnceLock<Result<Arc<ClientConfig>, String>>>,
}

impl Verbatim {
    pub(super) fn new(network: Network) -> Self {
        Self {
            network,
            tls: Arc::default(),
        }
    }

    /// Sends a request and reads the answer; `url` is the request's, read for its origin alone.
    pub(super) async fn exchange(
        &self,
        url: &Url,
        request: &Request,
        limit: usize,
    ) -> Result<Response, TransportError> {
        let bytes = written(url, request)?;
        let connect = |error: io::Error| TransportError::Connect(chain(&error));
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let port = url.port_or_known_default().unwrap_or(80);
        let stream = match self.network.connect {
            None => self.stream(host, port).await,
            Some(time) => tokio::time::timeout(time, self.stream(host, port))
                .await
                .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())),
        };
        let stream = stream.map_err(connect)?;
        if url.scheme() == "http" {
            return answer(stream, bytes, request, limit).await;
        }
        let name = rustls::pki_types::ServerName::try_from(host.to_owned())
            .map_err(|error| TransportError::Connect(error.to_string()))?;
        let tls = TlsConnector::from(self.tls().map_err(TransportError::Connect)?);
        let stream = tls.connect(name, stream).await.map_err(connect)?;
        answer(stream, bytes, request, limit).await
    }

    /// A connection to a host, through the proxy if there is one.
    async fn stream(&self, host: &str, port: u16) -> io::Result<TcpStream> {
        let Some(proxy) = &self.network.proxy else {
            let stream = TcpStream::connect((host, port)).await?;
            stream.set_nodelay(true)?;
            return Ok(stream);
        };
        let no_proxy = |why: &str| io::Error::other(format!("the proxy {proxy}: {why}"));
        let url = Url::parse(proxy).map_err(|error| no_proxy(&error.to_string()))?;
        let own = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let mut stream = TcpStream::connect((own, url.port().unwrap_or(80))).await?;
        stream.set_nodelay(true)?;
        let host = if host.contains(':') {
            format!("[{host}]")
        } else {
            host.to_owned()
        };
        let ask = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n");
        stream.write_all(ask.as_bytes()).await?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if head.len() > 16 << 10 {
                return Err(no_proxy("its answer has no end"));
            }
            head.push(stream.read_u8().await?);
        }
        let line = String::from_utf8_lossy(&head);
        let line = line.lines().next().unwrap_or_default();
        match line.split(' ').nth(1) {
            Some(status) if status.starts_with('2') => Ok(stream),
            _ => Err(no_proxy(&format!("it refuses to connect: {line}"))),
        }
    }

    fn tls(&self) -> Result<Arc<ClientConfig>, String> {
        self.tls
            .get_or_init(|| tls::config(&self.network, &["http/1.1"]).map(Arc::new))
            .clone()
    }
}

/// The bytes of the request. A line break is refused: what is behind it would be something else.
fn written(url: &Url, request: &Request) -> Result<Vec<u8>, TransportError> {
    let mut head = format!("{} {} HTTP/1.1\r\n", request.method, request.target());
    let mut field = |name: &str, value: &str| {
        if format!("{name}{value}").contains(['\r', '\n']) {
            return Err(TransportError::Unsendable(format!(
                "a line break in the header {name} would begin something else"
            )));
        }
        head.push_str(&format!("{name}: {value}\r\n"));
        Ok(())
    };
    let own = |name: &str| {
        request
            .headers
            .iter()
            .any(|(other, _)| other.eq_ignore_ascii_case(name))
    };
    let host = host_field(url);
    let length = request.body.len().to_string();
    let announced =
        !request.body.is_empty() || ["POST", "PUT", "PATCH"].contains(&&*request.method);
    let standard = [
        ("Host", Some(host.as_str())),
        ("User-Agent", Some(USER_AGENT)),
        ("Connection", Some("close")),
        ("Content-Length", announced.then_some(length.as_str())),
    ];
    for (name, value) in standard {
        if let Some(value) = value.filter(|_| !own(name)) {
            field(name, value)?;
        }
    }
    for (name, value) in &request.headers {
        field(name, value)?;
    }
    if request.target().contains(['\r', '\n']) {
        return Err(TransportError::Unsendable(
            "a line break in the target would begin something else".to_owned(),
        ));
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(&request.body);
    Ok(bytes)
}

/// Sends the bytes and reads the answer.
async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    bytes: Vec<u8>,
    request: &Request,
    limit: usize,
) -> Result<Response, TransportError> {
    let broken = |error: hyper::Error| TransportError::Broken(chain(&error));
    let instead = Instead {
        stream,
        bytes,
        written: 0,
    };
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(instead))
        .await
        .map_err(broken)?;
    // What the method is decides how the answer ends; everything else of this request is for nobody.
    let likeness = http::Request::builder()
        .method(request.method.as_str())
        .body(String::new())
        .map_err(|error| TransportError::Unsendable(error.to_string()))?;
    let reading = async {
        let response = sender.send_request(likeness).await.map_err(broken)?;
        let (head, mut content) = response.into_parts();
        let mut body = Vec::new();
        while let Some(frame) = poll_fn(|context| Pin::new(&mut content).poll_frame(context)).await
        {
            tokio::task::consume_budget().await;
            let Ok(data) = frame.map_err(broken)?.into_data() else {
                continue;
            };
            if body.len() + data.len() > limit {
                return Err(TransportError::TooLarge(limit));
            }
            body.extend_from_slice(&data);
        }
        Ok(Response {
            status: head.status.as_u16(),
            headers: text(&head.headers),
            body: body.into(),
        })
    };
    // The connection does not outlive the exchange, not even one that is given up.
    tokio::pin!(connection);
    tokio::pin!(reading);
    tokio::select! {
        response = &mut reading => response,
        // It may end with the last byte of the answer, before that was read here.
        _ = &mut connection => reading.await,
    }
}

/// A stream on which our bytes are sent in the place of what is written to it.
struct Instead<S> {
    stream: S,
    bytes: Vec<u8>,
    written: usize,
}

impl<S: AsyncRead + Unpin> AsyncRead for Instead<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // A little at a time: whoever sends without end is not to keep the time limit from being looked at.
        let mut little = [0; 8 << 10];
        let room = little.len().min(into.remaining());
        let mut read = ReadBuf::new(&mut little[..room]);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut read))?;
        into.put_slice(read.filled());
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Instead<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        theirs: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Self {
            stream,
            bytes,
            written,
        } = &mut *self;
        while *written < bytes.len() {
            match ready!(Pin::new(&mut *stream).poll_write(context, &bytes[*written..])) {
                Ok(sent) if sent > 0 => *written += sent,
                // A server that has had enough may have answered all the same.
                _ => *written = bytes.len(),
            }
        }
        Poll::Ready(Ok(theirs.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
