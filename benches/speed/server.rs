//! The endpoint: as little of a pool API as the work needs, as fast as it gets, in a process of its own.

use std::collections::HashMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::oneshot;

/// How many members each pool has, by its id.
#[derive(Default)]
struct Pools {
    members: HashMap<u64, u64>,
    last: u64,
}

/// How many connections may wait to be accepted. The kernel drops one too many, which is tried again after a second;
/// the usual 128 are fewer than the lanes that begin at once.
const BACKLOG: u32 = 4096;

/// When an answer is due, and who is told then.
type Due = (Instant, oneshot::Sender<()>);

/// Says where it listens, and serves until it is killed, each answer so long after its request was read.
pub(crate) fn serve(latency: Duration) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    runtime.block_on(async {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let listener = socket.listen(BACKLOG)?;
        let mut out = std::io::stdout();
        writeln!(out, "http://{}", listener.local_addr()?)?;
        out.flush()?;
        let pools = Arc::new(Mutex::new(Pools::default()));
        let (line, waiting) = mpsc::channel();
        thread::spawn(move || tell_when_due(waiting));
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let (pools, line) = (Arc::clone(&pools), line.clone());
            tokio::spawn(async move { drop(converse(stream, latency, &line, &pools).await) });
        }
    })
}

/// A timer of the runtime counts whole milliseconds, which is too coarse here; a thread sleeps exactly. All wait
/// equally long, so that the first of the line is the next that is due.
fn tell_when_due(waiting: Receiver<Due>) {
    for (due, waits) in waiting {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let _ = waits.send(());
    }
}

async fn converse(
    mut stream: TcpStream,
    latency: Duration,
    line: &Sender<Due>,
    pools: &Mutex<Pools>,
) -> anyhow::Result<()> {
    let (mut buffer, mut filled) = ([0; 8192], 0);
    loop {
        match stream.read(&mut buffer[filled..]).await? {
            0 => return Ok(()),
            read => filled += read,
        }
        let Some(length) = request(&buffer[..filled]) else {
            continue;
        };
        if !latency.is_zero() {
            let (waits, told) = oneshot::channel();
            line.send((Instant::now() + latency, waits))?;
            told.await?;
        }
        let answer = answer(&buffer[..length], pools);
        stream.write_all(answer.as_bytes()).await?;
        buffer.copy_within(length..filled, 0);
        filled -= length;
    }
}

/// The length of the first request, once it is there as a whole.
fn request(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..head]).ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse::<usize>().ok())?
    });
    let whole = head + length.unwrap_or(0);
    (bytes.len() >= whole).then_some(whole)
}

fn answer(request: &[u8], pools: &Mutex<Pools>) -> String {
    const NOT_FOUND: &str =
        r#"{"NeutronError":{"type":"NotFound","message":"not found","detail":""}}"#;
    const IN_USE: &str =
        r#"{"NeutronError":{"type":"PoolInUse","message":"the pool is in use","detail":""}}"#;
    let line = request.split(|byte| *byte == b'\r').next().unwrap_or(&[]);
    let line = std::str::from_utf8(line).unwrap_or("");
    let mut words = line.split(' ');
    let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let mut parts = path
        .trim_start_matches("/v2.0/lbaas/pools")
        .split('/')
        .skip(1);
    let id = parts.next().and_then(|id| id.parse::<u64>().ok());
    let of_members = parts.next().is_some();
    let mut pools = pools.lock().unwrap_or_else(PoisonError::into_inner);
    let known = id.and_then(|id| pools.members.get(&id).copied());
    match (method, id, known) {
        ("POST", None, _) => {
            pools.last += 1;
            let id = pools.last;
            pools.members.insert(id, 0);
            with_body(
                201,
                &format!(
                    r#"{{"pool":{{"id":"{id}","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN","members":[]}}}}"#
                ),
            )
        }
        ("POST", Some(id), Some(members)) => {
            pools.members.insert(id, members + 1);
            with_body(
                201,
                &format!(
                    r#"{{"member":{{"id":"{}","address":"10.0.0.1","protocol_port":80}}}}"#,
                    members + 1
                ),
            )
        }
        ("DELETE", Some(id), Some(members)) if of_members => {
            pools.members.insert(id, members.saturating_sub(1));
            empty()
        }
        ("DELETE", Some(_), Some(1..)) => with_body(409, IN_USE),
        ("DELETE", Some(id), Some(0)) => {
            pools.members.remove(&id);
            empty()
        }
        _ => with_body(404, NOT_FOUND),
    }
}

fn with_body(status: u16, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn empty() -> String {
    "HTTP/1.1 204 X\r\n\r\n".to_owned()
}
