//! Connections: so many at once, and none that is held by a client that does nothing.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{Id, JoinSet};
use tokio::time::{Instant, Sleep, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::api::Api;

/// How long one that has to leave may take to end what it has begun.
const GRACE: Duration = Duration::from_secs(1);

/// How long a client may take to read the last answer and to stop sending, and how much of that is read. Whoever
/// closes a socket that has unread bytes takes the answer away from its reader.
const LINGER: (Duration, u64) = (Duration::from_secs(1), 16 << 20);

/// How long nothing is accepted for when the system has no socket left.
const PAUSE: Duration = Duration::from_millis(50);

/// The largest head of a request.
const HEAD_LIMIT: usize = 64 << 10;

const TOO_SLOW: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// What clients may take.
pub(super) struct Limits {
    /// How many may be connected.
    pub(super) connections: usize,
    /// How long a head, a body, or the reading of an answer may take.
    pub(super) patience: Duration,
}

/// What is known of one connection.
struct Guest {
    start: Instant,
    /// Since when it has waited for a request, in microseconds from the start; 0 while it has one, or an answer that
    /// is not read.
    waits_since: AtomicU64,
    /// When it has to leave.
    leave: CancellationToken,
}

impl Guest {
    fn new(start: Instant, leave: CancellationToken) -> Self {
        let guest = Self {
            start,
            waits_since: AtomicU64::new(0),
            leave,
        };
        guest.waits();
        guest
    }

    fn waits(&self) {
        let since = u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.waits_since
            .store(since.saturating_add(1), Ordering::Relaxed);
    }

    fn is_busy(&self) {
        self.waits_since.store(0, Ordering::Relaxed);
    }

    fn waits_since(&self) -> Option<u64> {
        Some(self.waits_since.load(Ordering::Relaxed)).filter(|since| *since > 0)
    }
}

/// Takes connections until it is told to stop, and ends when they have ended.
pub(super) async fn attend(
    listener: TcpListener,
    api: Arc<Api>,
    limits: Limits,
    stop: CancellationToken,
) {
    let start = Instant::now();
    let mut open = JoinSet::new();
    let mut guests: HashMap<Id, Arc<Guest>> = HashMap::new();
    let mut pause = false;
    loop {
        // One more is let in, so that there is somebody for whom others have to leave.
        let crowded = guests.len() > limits.connections;
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            Some(ended) = open.join_next_with_id() => {
                let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
                guests.remove(&id);
                pause = false;
                continue;
            }
            () = sleep(PAUSE), if crowded || pause => {
                pause = false;
                if crowded {
                    dismiss(&guests);
                }
                continue;
            }
            accepted = listener.accept(), if !crowded && !pause => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            // It is gone already.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
            Err(_) => {
                dismiss(&guests);
                pause = true;
                continue;
            }
        };
        let guest = Arc::new(Guest::new(start, stop.child_token()));
        let serving = serve(
            stream,
            Arc::clone(&api),
            Arc::clone(&guest),
            limits.patience,
        );
        let id = open.spawn(serving).id();
        guests.insert(id, guest);
        if guests.len() > limits.connections {
            dismiss(&guests);
        }
    }
    drop(listener);
    while open.join_next().await.is_some() {}
}

/// Lets those leave who have waited the longest for a request: several at once, as those that come may be many.
fn dismiss(guests: &HashMap<Id, Arc<Guest>>) {
    if guests.values().any(|guest| guest.leave.is_cancelled()) {
        return;
    }
    let mut waiting: Vec<(u64, &Arc<Guest>)> = guests
        .values()
        .filter_map(|guest| Some((guest.waits_since()?, guest)))
        .collect();
    waiting.sort_unstable_by_key(|(since, _)| *since);
    for (_, guest) in waiting.iter().take(1 + waiting.len() / 16) {
        guest.leave.cancel();
    }
}

/// Answers the requests of one connection.
async fn serve(stream: TcpStream, api: Arc<Api>, guest: Arc<Guest>, patience: Duration) {
    // A socket that cannot be set up so is slower, not wrong.
    let _ = stream.set_nodelay(true);
    let asks = Arc::clone(&guest);
    let service = service_fn(move |request| {
        let (api, guest) = (Arc::clone(&api), Arc::clone(&asks));
        async move {
            guest.is_busy();
            let answer = api.handle(request).await;
            guest.waits();
            answer
        }
    });
    let stream = TokioIo::new(Timed {
        stream,
        guest: Arc::clone(&guest),
        patience,
        end: None,
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_buf_size(HEAD_LIMIT)
        .serve_connection(stream, service);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = guest.leave.cancelled() => {
            if guest.waits_since().is_none() {
                Pin::new(&mut connection).graceful_shutdown();
                // Whoever takes longer is cut off.
                let _ = timeout(GRACE, connection).await;
            }
            return;
        }
    };
    let parts = connection.into_parts();
    let mut stream = parts.io.into_inner().stream;
    if ended.is_err_and(|error| error.is_timeout()) && !parts.read_buf.is_empty() {
        // Whoever has gone away needs no answer.
        let _ = stream.write_all(TOO_SLOW).await;
    }
    tokio::select! {
        () = linger(stream) => {}
        () = guest.leave.cancelled() => {}
    }
}

/// Lets the client read what it was answered.
async fn linger(mut stream: TcpStream) {
    let (time, length) = LINGER;
    let rest = async {
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(length), &mut tokio::io::sink()).await
    };
    let _ = timeout(time, rest).await;
}

/// A stream whose reader has to read each answer in time.
struct Timed {
    stream: TcpStream,
    guest: Arc<Guest>,
    patience: Duration,
    /// When time is up, once the reader has made us wait.
    end: Option<Pin<Box<Sleep>>>,
}

impl Timed {
    fn unless_late<T>(
        &mut self,
        written: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if written.is_pending() {
            self.guest.is_busy();
            let patience = self.patience;
            let end = self.end.get_or_insert_with(|| Box::pin(sleep(patience)));
            ready!(end.as_mut().poll(context));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        written
    }
}

impl AsyncRead for Timed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Timed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.unless_late(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.unless_late(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// It comes once all of an answer is written.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.end.take().is_some() {
            self.guest.waits();
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
