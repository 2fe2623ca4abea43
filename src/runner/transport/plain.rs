//! HTTP/1.1 without encryption, on connections that are kept.
//!
//! What is asked for most, on a machine's own loopback above all, goes the shortest way: whoever waits for an
//! answer drives the connection, so that no other task has to be woken for it.

use std::collections::HashMap;
use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use http::header::{HOST, HeaderName, HeaderValue, USER_AGENT};
use http::uri::PathAndQuery;
use http_body_util::Full;
use hyper::body::{Body as _, Bytes};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::rt::ReadBufCursor;
use reqwest::Url;
use socket2::SockRef;
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::TcpStream;

use super::{chain, host_field, text};
use crate::exchange::{Request, Response, TransportError};

/// A connection that nobody has used for so long may have been forgotten on its way.
const IDLE: Duration = Duration::from_secs(60);

/// So much is read at once: whoever sends without end is not to keep the time limit from being looked at.
const AT_ONCE: usize = 8 << 10;

type Content = Full<Bytes>;
type Connection = Box<http1::Connection<Wire, Content>>;

/// Connections to servers, by the authority of a URL.
#[derive(Debug, Default, Clone)]
pub(super) struct Plain {
    connect: Option<Duration>,
    origins: Arc<Mutex<HashMap<String, Origin>>>,
}

#[derive(Debug)]
struct Origin {
    server: Arc<Server>,
    /// The connections that wait, the last one used at the end.
    idle: Vec<Line>,
}

#[derive(Debug)]
struct Server {
    host: String,
    port: u16,
    /// The field Host.
    field: HeaderValue,
}

/// A connection.
#[derive(Debug)]
struct Line {
    sender: SendRequest<Content>,
    stream: Stream,
    /// Until it is closed.
    connection: Option<Connection>,
    used: Instant,
}

impl Plain {
    pub(super) fn new(connect: Option<Duration>) -> Self {
        Self {
            connect,
            ..Self::default()
        }
    }

    /// Sends the request and reads the answer, of which so many bytes of content are taken. `None` if the request
    /// does not go this way: it is encrypted, or would not arrive as it is written. `come` is called when the head
    /// of the answer is there.
    pub(super) async fn exchange(
        &self,
        request: &Request,
        limit: usize,
        come: &(dyn Fn() + Sync),
    ) -> Option<Result<Response, TransportError>> {
        let rest = request.url.strip_prefix("http://")?;
        let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
        let server = self.server(authority)?;
        let request = outgoing(request, &server)?;
        Some(self.answer(authority, &server, request, limit, come).await)
    }

    fn origins(&self) -> MutexGuard<'_, HashMap<String, Origin>> {
        self.origins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server of an authority.
    fn server(&self, authority: &str) -> Option<Arc<Server>> {
        let mut origins = self.origins();
        if let Some(origin) = origins.get(authority) {
            return Some(Arc::clone(&origin.server));
        }
        let url = Url::parse(&format!("http://{authority}")).ok()?;
        if !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        let host = url.host_str()?;
        let server = Arc::new(Server {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(80),
            field: HeaderValue::try_from(host_field(&url)).ok()?,
        });
        let origin = Origin {
            server: Arc::clone(&server),
            idle: Vec::new(),
        };
        origins.insert(authority.to_owned(), origin);
        Some(server)
    }

    async fn answer(
        &self,
        authority: &str,
        server: &Server,
        request: http::Request<Content>,
        limit: usize,
        come: &(dyn Fn() + Sync),
    ) -> Result<Response, TransportError> {
        let broken = |error: hyper::Error| TransportError::Broken(chain(&error));
        let waits = |origin: &mut Origin| origin.idle.pop();
        let idle = self.origins().get_mut(authority).and_then(waits);
        let mut sent = Err(request);
        if let (Some(mut line), Err(request)) = (idle, &mut sent)
            && line.used.elapsed() < IDLE
            && line.is_silent()
        {
            let request = std::mem::take(request);
            sent = match line.send(request).await {
                Ok(response) => Ok((line, response)),
                Err((_, Some(request))) => Err(request),
                Err((error, None)) => return Err(broken(error)),
            };
        }
        // Where the server had closed the connection that waited, nothing of the request was sent.
        let (mut line, response) = match sent {
            Ok(sent) => sent,
            Err(request) => {
                let mut line = Box::pin(self.line(server)).await?;
                let sent = line.send(request).await;
                (line, sent.map_err(|(error, _)| broken(error))?)
            }
        };
        come();
        let (head, mut content) = response.into_parts();
        let mut body = Vec::new();
        while !content.is_end_stream() {
            let frame = poll_fn(|context| Pin::new(&mut content).poll_frame(context));
            let Some(frame) = driving(&mut line.connection, frame).await else {
                break;
            };
            // Whoever sends without end is not to keep the time limit from being looked at.
            tokio::task::consume_budget().await;
            let frame = frame.map_err(broken)?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            if body.len() + data.len() > limit {
                return Err(TransportError::TooLarge(limit));
            }
            body.extend_from_slice(&data);
        }
        line.used = Instant::now();
        if line.is_open().await
            && line.sender.is_ready()
            && let Some(origin) = self.origins().get_mut(authority)
        {
            origin.idle.push(line);
        }
        Ok(Response {
            status: head.status.as_u16(),
            headers: text(&head.headers),
            body: body.into(),
        })
    }

    /// A new connection.
    async fn line(&self, server: &Server) -> Result<Line, TransportError> {
        let connect = TcpStream::connect((server.host.as_str(), server.port));
        let stream = match self.connect {
            None => connect.await,
            Some(time) => tokio::time::timeout(time, connect)
                .await
                .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())),
        };
        let stream = stream
            .and_then(|stream| stream.set_nodelay(true).map(|()| stream))
            .map_err(|error| TransportError::Connect(chain(&error)))?;
        let stream = Arc::new(Mutex::new(stream));
        let (sender, connection) = http1::handshake(Wire(Arc::clone(&stream)))
            .await
            .map_err(|error| TransportError::Broken(chain(&error)))?;
        Ok(Line {
            sender,
            stream,
            connection: Some(Box::new(connection)),
            used: Instant::now(),
        })
    }
}

/// A request that has not been sent, and why not; or why one was sent in vain.
type Unsent = (hyper::Error, Option<http::Request<Content>>);

impl Line {
    /// Sends a request and waits for the head of the answer.
    async fn send(
        &mut self,
        request: http::Request<Content>,
    ) -> Result<http::Response<hyper::body::Incoming>, Unsent> {
        let Self {
            sender, connection, ..
        } = self;
        if !sender.is_ready()
            && let Err(error) = driving(connection, sender.ready()).await
        {
            return Err((error, Some(request)));
        }
        let sent = driving(connection, sender.try_send_request(request)).await;
        sent.map_err(|mut error| {
            let request = error.take_message();
            (error.into_error(), request)
        })
    }

    /// Whether it can be used again: nothing that the server said ends it.
    async fn is_open(&mut self) -> bool {
        poll_fn(|context| {
            drive(&mut self.connection, context);
            Poll::Ready(())
        })
        .await;
        self.connection.is_some()
    }

    /// Whether the server has said nothing since, not even that it has closed it. Many close without a word before.
    fn is_silent(&self) -> bool {
        let peeked = SockRef::from(&*lock(&self.stream)).peek(&mut [MaybeUninit::uninit()]);
        peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }
}

/// A connection as `hyper` reads and writes it.
#[derive(Debug)]
struct Wire(Stream);

type Stream = Arc<Mutex<TcpStream>>;

fn lock(stream: &Stream) -> MutexGuard<'_, TcpStream> {
    stream.lock().unwrap_or_else(PoisonError::into_inner)
}

impl hyper::rt::Read for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut bytes = [MaybeUninit::uninit(); AT_ONCE];
        let room = into.remaining().min(AT_ONCE);
        let mut read = ReadBuf::uninit(&mut bytes[..room]);
        ready!(Pin::new(&mut *lock(&self.0)).poll_read(context, &mut read))?;
        into.put_slice(read.filled());
        Poll::Ready(Ok(()))
    }
}

impl hyper::rt::Write for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *lock(&self.0)).poll_write(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *lock(&self.0)).poll_write_vectored(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *lock(&self.0)).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *lock(&self.0)).poll_shutdown(context)
    }
}

/// Drives a connection on.
fn drive(connection: &mut Option<Connection>, context: &mut Context<'_>) {
    if let Some(open) = connection
        && Pin::new(open).poll(context).is_ready()
    {
        // What went wrong with it is told to whoever waits for something.
        *connection = None;
    }
}

/// Waits for something that comes with the connection, and drives it on meanwhile.
async fn driving<T>(connection: &mut Option<Connection>, what: impl Future<Output = T>) -> T {
    let mut what = pin!(what);
    poll_fn(|context| {
        if let early @ Poll::Ready(_) = what.as_mut().poll(context) {
            return early;
        }
        drive(connection, context);
        what.as_mut().poll(context)
    })
    .await
}

/// The request for a server; `None` if it would not arrive as it is written.
fn outgoing(request: &Request, server: &Server) -> Option<http::Request<Content>> {
    let target = PathAndQuery::try_from(request.target()).ok()?;
    if target.as_str() != request.target() || request.method == "CONNECT" {
        return None;
    }
    let mut out = http::Request::new(Content::from(Bytes::copy_from_slice(&request.body)));
    *out.method_mut() = http::Method::from_bytes(request.method.as_bytes()).ok()?;
    *out.uri_mut() = http::Uri::from(target);
    let headers = out.headers_mut();
    for (name, value) in &request.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).ok()?);
    }
    let own = [
        (HOST, &server.field),
        (USER_AGENT, &HeaderValue::from_static(super::USER_AGENT)),
    ];
    for (name, value) in own {
        if !headers.contains_key(&name) {
            headers.insert(name, value.clone());
        }
    }
    Some(out)
}
