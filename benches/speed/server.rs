//! The endpoint: as little of a pool API as the work needs, as fast as it gets, in a process of its own.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How many members each pool has, by its id.
#[derive(Default)]
struct Pools {
    members: HashMap<u64, u64>,
    last: u64,
}

/// Says where it listens, and serves until it is killed.
pub(crate) fn serve(latency: Duration) -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut out = std::io::stdout();
    writeln!(out, "http://{}", listener.local_addr()?)?;
    out.flush()?;
    let pools = Arc::new(Mutex::new(Pools::default()));
    if latency.is_zero() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?;
        return runtime.block_on(at_once(listener, pools));
    }
    // A timer of a runtime counts whole milliseconds, which is too coarse here; a thread sleeps exactly.
    for stream in listener.incoming() {
        let (stream, pools) = (stream?, Arc::clone(&pools));
        thread::spawn(move || drop(later(stream, latency, &pools)));
    }
    Ok(())
}

async fn at_once(listener: TcpListener, pools: Arc<Mutex<Pools>>) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let pools = Arc::clone(&pools);
        tokio::spawn(async move { drop(converse(&stream, &pools).await) });
    }
}

async fn converse(stream: &tokio::net::TcpStream, pools: &Mutex<Pools>) -> std::io::Result<()> {
    let (mut buffer, mut filled) = ([0; 8192], 0);
    loop {
        stream.readable().await?;
        match stream.try_read(&mut buffer[filled..]) {
            Ok(0) => return Ok(()),
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        }
        let Some(length) = request(&buffer[..filled]) else {
            continue;
        };
        let answer = answer(&buffer[..length], pools);
        let mut sent = 0;
        while sent < answer.len() {
            match stream.try_write(&answer.as_bytes()[sent..]) {
                Ok(written) => sent += written,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    stream.writable().await?;
                }
                Err(error) => return Err(error),
            }
        }
        buffer.copy_within(length..filled, 0);
        filled -= length;
    }
}

fn later(mut stream: TcpStream, latency: Duration, pools: &Mutex<Pools>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut buffer, mut filled) = ([0; 8192], 0);
    loop {
        match stream.read(&mut buffer[filled..])? {
            0 => return Ok(()),
            read => filled += read,
        }
        let Some(length) = request(&buffer[..filled]) else {
            continue;
        };
        thread::sleep(latency);
        let answer = answer(&buffer[..length], pools);
        stream.write_all(answer.as_bytes())?;
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
