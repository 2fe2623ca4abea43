//! Servers that always do the same, whatever they are asked.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use assize::case::Case;
use assize::outcome::Verdict;
use assize::proof::{Fate, Kind, Mutant};
use assize::runner::Tamper;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;
use tokio::task::JoinHandle;

use super::Prover;
use super::fate::{clearer, fate_of};

/// What a server always does.
#[derive(Debug, Clone, Copy)]
pub(super) enum Null {
    /// Always this answer.
    Answers(&'static str),
    /// Nothing, and the connection stays open.
    Silent,
    /// The connection is closed at once.
    Closes,
}

/// Names and sentences.
pub(super) const NULLS: &[(&str, Null, &str)] = &[
    (
        "always-204",
        Null::Answers("HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"),
        "Every request is answered with 204.",
    ),
    (
        "always-404",
        Null::Answers(
            "HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
        ),
        "Every request is answered with 404 and {}.",
    ),
    (
        "always-409",
        Null::Answers(
            "HTTP/1.1 409 Conflict\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
        ),
        "Every request is answered with 409 and {}.",
    ),
    (
        "always-200",
        Null::Answers(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
        ),
        "Every request is answered with 200 and {}.",
    ),
    (
        "silent",
        Null::Silent,
        "Connections are accepted, and nothing is ever answered.",
    ),
    (
        "closes",
        Null::Closes,
        "Connections are closed as soon as they are accepted.",
    ),
];

impl Prover<'_> {
    /// Every server that always does the same.
    pub(super) async fn nulls(&self, cases: &[Case]) -> anyhow::Result<Vec<Mutant>> {
        let mut mutants = Vec::new();
        for (name, null, about) in NULLS {
            let id = format!("null/{name}");
            if !self.wants(&id)? {
                continue;
            }
            let clock = Instant::now();
            let server = start(*null).await?;
            let mut target = self.target(&server.url, true)?;
            target.limits.request = Duration::from_millis(500);
            // A case that asks for just this answer passes; it is no proof that one fails which does not.
            let nothing = Tamper::Falsify(Arc::default());
            let outcomes = self
                .run(&target, cases.to_vec(), nothing, 32, |outcome| {
                    outcome.verdict == Verdict::Fail
                })
                .await?;
            let fates = outcomes.iter().map(|outcome| fate_of(outcome, &[]));
            let best = fates.fold(None, clearer);
            mutants.push(Mutant {
                id,
                kind: Kind::Null,
                about: (*about).to_owned(),
                requirements: Vec::new(),
                missing: "no case asks for an answer that such a server does not give".to_owned(),
                fate: match best {
                    Some(Fate::Elsewhere(kill)) => Fate::Killed(kill),
                    other => other.unwrap_or(Fate::Survived),
                },
                duration: clock.elapsed(),
            });
        }
        Ok(mutants)
    }
}

/// A server that is up until this is dropped.
pub(super) struct Server {
    pub(super) url: String,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(super) async fn start(null: Null) -> std::io::Result<Server> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    // All lanes come at once; whoever finds no place in the queue comes again after a second.
    let listener = socket.listen(1024)?;
    let url = format!("http://{}", listener.local_addr()?);
    let task = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = match null {
                Null::Closes => continue,
                Null::Silent => None,
                Null::Answers(text) => Some(text),
            };
            tokio::spawn(async move {
                let mut head = Vec::new();
                let mut chunk = [0; 4096];
                while let Ok(read @ 1..) = stream.read(&mut chunk).await {
                    head.extend_from_slice(&chunk[..read]);
                    let Some(end) = find(&head, b"\r\n\r\n") else {
                        continue;
                    };
                    let Some(answer) = answer else { continue };
                    if head.len() < end + length(&head[..end]) {
                        continue;
                    }
                    // Whoever has gone away needs no answer.
                    let _ = stream.write_all(answer.as_bytes()).await;
                    let _ = stream.shutdown().await;
                    break;
                }
            });
        }
    });
    Ok(Server { url, task })
}

/// Where the text ends in the bytes.
fn find(bytes: &[u8], text: &[u8]) -> Option<usize> {
    bytes
        .windows(text.len())
        .position(|part| part == text)
        .map(|at| at + text.len())
}

/// The Content-Length of a head, else 0.
fn length(head: &[u8]) -> usize {
    String::from_utf8_lossy(head)
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .unwrap_or(0)
}
