//! Servers that misbehave on the wire.

use std::fs;
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use serde_json::Value as Json;

use crate::run::assize;
use crate::server::{Act, Stream, start, start_later, start_resetting, start_tls};
use crate::table::{Line, tell};

/// How long a request may take here.
const REQUEST: Duration = Duration::from_secs(2);

/// How long a case may take that has one such request, on a busy machine.
const CASE: Duration = Duration::from_secs(6);

/// What the process may take, in KiB: what it takes anyway, and an answer of the greatest size a few times over.
const MEMORY: u64 = 192 << 10;

/// Where the server is, who vouches for it, and whether it misbehaves only once.
struct Place {
    endpoint: String,
    authority: Option<String>,
    of_first: bool,
}

fn at(port: u16) -> Place {
    Place {
        endpoint: format!("http://127.0.0.1:{port}"),
        authority: None,
        of_first: false,
    }
}

fn tls((port, authority): (u16, String)) -> Place {
    Place {
        endpoint: format!("https://localhost:{port}"),
        authority: Some(authority),
        of_first: true,
    }
}

/// Sends until the other side has had enough.
fn endlessly(stream: &mut dyn Stream, head: &[u8], again: &[u8]) {
    let mut sent = stream.write_all(head);
    while sent.is_ok() {
        sent = stream.write_all(again);
    }
}

fn once(stream: &mut dyn Stream, bytes: &[u8]) {
    // Whoever has gone away needs no answer.
    let _ = stream.write_all(bytes);
    let _ = stream.flush();
}

/// Sends JSON in a well-formed answer.
fn json(stream: &mut dyn Stream, content: &[u8]) {
    let length = content.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    once(stream, head.as_bytes());
    once(stream, content);
}

/// Waits for longer than any request may take.
fn wait() {
    thread::sleep(REQUEST * 3);
}

/// Zeros, compressed: so many mebibytes of a bomb, each of which takes 6.6 KiB.
pub(crate) fn bomb(mebibytes: usize) -> Vec<u8> {
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    let (mut bits, mut count) = (0_u32, 0);
    let mut put = |value: u32, length: u32| {
        bits |= value << count;
        count += length;
        while count >= 8 {
            bytes.push(u8::try_from(bits & 0xff).unwrap());
            bits >>= 8;
            count -= 8;
        }
    };
    // One block with fixed codes: a zero, and then what was there a byte before, 258 times over.
    put(0b011, 3);
    put(0b0000_1100, 8);
    for _ in 0..mebibytes * (1 << 20) / 258 {
        put(0b1010_0011, 8);
        put(0, 5);
    }
    put(0, 7);
    put(0, 8);
    bytes
}

/// The case, where its server is, the verdict, and a part of the reason.
type Case = (&'static str, fn() -> Place, &'static str, &'static str);

macro_rules! acts {
    ($($name:literal, $verdict:literal, $reason:literal, $act:expr;)+) => {
        &[$(($name, || { let act: Act = $act; at(start(act)) }, $verdict, $reason)),+]
    };
}

const WIRE: &[Case] = &[
    (
        "connection refused",
        || Place {
            of_first: true,
            ..at(start_later(Duration::from_millis(1500)))
        },
        "error",
        "could not connect",
    ),
    (
        "reset before the answer",
        || at(start_resetting(b"")),
        "error",
        "connection broken before the answer was complete",
    ),
    (
        "reset inside the head",
        || at(start_resetting(b"HTTP/1.1 200 OK\r\ncontent-le")),
        "error",
        "connection broken before the answer was complete",
    ),
    (
        "reset inside the content",
        || {
            at(start_resetting(
                b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc",
            ))
        },
        "error",
        "connection broken before the answer was complete",
    ),
    (
        "a certificate of another name",
        || tls(start_tls("elsewhere.example", 2100)),
        "error",
        "not valid for name",
    ),
    (
        "a certificate that has expired",
        || tls(start_tls("localhost", 2021)),
        "error",
        "expired",
    ),
];

const ACTS: &[Case] = acts! {
    "closed without an answer", "error", "connection broken before the answer was complete",
        |_| {};
    "silence", "error", "no complete answer within 2s",
        |_| wait();
    "one byte a second", "error", "no complete answer within 2s",
        |stream| {
            for byte in b"HTTP/1.1 200 OK\r\n" {
                once(stream, &[*byte]);
                thread::sleep(Duration::from_secs(1));
            }
        };
    "content at one byte a second", "error", "no complete answer within 2s",
        |stream| {
            once(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
            for _ in 0..8 {
                once(stream, b"x");
                thread::sleep(Duration::from_secs(1));
            }
        };
    "endless content", "error", "answer larger than 8388608 bytes",
        |stream| endlessly(stream, b"HTTP/1.1 200 OK\r\n\r\n", &[b'x'; 65536]);
    "endless chunks", "error", "answer larger than 8388608 bytes",
        |stream| endlessly(
            stream,
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            &[b"8000\r\n".as_slice(), &[b'x'; 0x8000], b"\r\n"].concat(),
        );
    "endless small chunks", "error", "no complete answer within 2s",
        |stream| endlessly(
            stream,
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            &b"1\r\nx\r\n".repeat(1000),
        );
    "endless chunk extensions", "error", "connection broken before the answer was complete",
        |stream| endlessly(
            stream,
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5",
            b";an-extension-of-no-use=whatsoever",
        );
    "endless trailers", "error", "connection broken before the answer was complete",
        |stream| endlessly(
            stream,
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n",
            b"x-trailer: of no use\r\n",
        );
    "endless head", "error", "connection broken before the answer was complete",
        |stream| endlessly(stream, b"HTTP/1.1 200 OK\r\n", b"x-field: of no use whatsoever\r\n");
    "one endless field", "error", "connection broken before the answer was complete",
        |stream| endlessly(stream, b"HTTP/1.1 200 OK\r\nx-field: ", &[b'x'; 4096]);
    "an endless reason", "error", "connection broken before the answer was complete",
        |stream| endlessly(stream, b"HTTP/1.1 200 ", &[b'x'; 4096]);
    "100,000 fields", "error", "connection broken before the answer was complete",
        |stream| {
            let lines: String = (0..100_000).map(|line| format!("x-{line}: y\r\n")).collect();
            once(stream, format!("HTTP/1.1 200 OK\r\n{lines}content-length: 0\r\n\r\n").as_bytes());
        };
    "1 GiB announced, and sent", "error", "answer larger than 8388608 bytes",
        |stream| endlessly(
            stream,
            b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n",
            &[b'x'; 65536],
        );
    "1 GiB announced, and not sent", "error", "no complete answer within 2s",
        |stream| {
            once(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n");
            wait();
        };
    "less content than announced", "error", "connection broken before the answer was complete",
        |stream| once(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc");
    "more content than announced", "pass", "",
        |stream| once(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 418 No\r\ncontent-length: 0\r\n\r\n");
    "a length that is none", "error", "connection broken before the answer was complete",
        |stream| once(stream, b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\nok");
    "a length below zero", "error", "connection broken before the answer was complete",
        |stream| once(stream, b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\nok");
    "a length beyond all numbers", "error", "connection broken before the answer was complete",
        |stream| once(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\nok");
    "two lengths", "error", "connection broken before the answer was complete",
        |stream| once(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nokk");
    "a bad chunk", "error", "connection broken before the answer was complete",
        |stream| once(stream, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n");
    "a chunk beyond all numbers", "error", "connection broken before the answer was complete",
        |stream| once(stream, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\nok\r\n0\r\n\r\n");
    "a bomb of gzip", "fail", "JSON",
        |stream| {
            let bomb = bomb(1024);
            let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", bomb.len());
            once(stream, head.as_bytes());
            once(stream, &bomb);
        };
    "endless 100 Continue", "error", "no complete answer within 2s",
        |stream| endlessly(stream, b"", &b"HTTP/1.1 100 Continue\r\n\r\n".repeat(1000));
    "endless 103 Early Hints", "error", "no complete answer within 2s",
        |stream| endlessly(stream, b"", &b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".repeat(1000));
    "101 Switching Protocols", "fail", "101",
        |stream| once(stream, b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n");
    "a redirect to itself", "fail", "302",
        |stream| once(stream, b"HTTP/1.1 302 Found\r\nlocation: /hostile\r\ncontent-length: 0\r\n\r\n");
    "a status that is none", "error", "connection broken before the answer was complete",
        |stream| once(stream, b"HTTP/1.1 2000 OK\r\ncontent-length: 0\r\n\r\n");
    "a status of 999", "fail", "999",
        |stream| once(stream, b"HTTP/1.1 999 What\r\ncontent-length: 0\r\n\r\n");
    "HTTP/0.9", "error", "connection broken before the answer was complete",
        |stream| once(stream, b"<html>a page of old</html>");
    "another protocol", "error", "connection broken before the answer was complete",
        |stream| once(stream, b"220 mail.example ESMTP ready\r\n");
    "a NUL in a field", "error", "connection broken before the answer was complete",
        |stream| once(stream, b"HTTP/1.1 200 OK\r\nx-field: a\0b\r\ncontent-length: 0\r\n\r\n");
    "a NUL in the content", "fail", "control character",
        |stream| json(stream, b"{\"a\": \"b\0c\"}");
    "100,000 lists in each other", "fail", "recursion limit exceeded",
        |stream| json(stream, &[vec![b'['; 100_000], vec![b']'; 100_000]].concat());
    "100,000 objects in each other", "fail", "recursion limit exceeded",
        |stream| json(stream, &[b"{\"a\":".repeat(100_000), vec![b'1'], vec![b'}'; 100_000]].concat());
    "text of 10 MiB", "error", "answer larger than 8388608 bytes",
        |stream| json(stream, format!("\"{}\"", "x".repeat(10 << 20)).as_bytes());
    "text of 7 MiB", "pass", "",
        |stream| json(stream, format!("\"{}\"", "x".repeat(7 << 20)).as_bytes());
    "a million small objects", "fail", "more than 500000 values",
        |stream| json(stream, format!("[{}0]", "{},".repeat(1_000_000)).as_bytes());
    "200,000 small objects", "pass", "",
        |stream| json(stream, format!("[{}0]", "{},".repeat(200_000)).as_bytes());
    "NaN", "fail", "expected value at line 1 column 7",
        |stream| json(stream, b"{\"a\": NaN}");
    "a number of 400 digits", "fail", "number out of range",
        |stream| json(stream, "1".repeat(400).as_bytes());
    "an exponent of 400 digits", "fail", "number out of range",
        |stream| json(stream, format!("1e{}", "9".repeat(400)).as_bytes());
    "duplicate keys", "pass", "",
        |stream| json(stream, b"{\"a\": 1, \"a\": 2}");
    "no UTF-8", "fail", "invalid unicode code point",
        |stream| json(stream, b"{\"a\": \"\xff\xfe\"}");
    "half a surrogate", "fail", "end of hex escape",
        |stream| json(stream, br#"{"a": "\ud800"}"#);
    "an escape for terminals", "fail", "expected value at line 1 column 1",
        |stream| json(stream, b"\x1b]0;owned\x07\x1b[2J");
    "204 with content, and another answer behind it", "fail", "204",
        |stream| once(stream, b"HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nHELLOHTTP/1.1 418 No\r\ncontent-length: 0\r\n\r\n");
    "204, and another answer behind it", "fail", "204",
        |stream| {
            once(stream, b"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 418 No\r\ncontent-length: 0\r\n\r\n");
            thread::sleep(Duration::from_millis(200));
        };
};

/// Sends a request to the server as a client would, another byte for byte, and a healthy one after them; what came of
/// the first two, with everything that is wrong.
fn held(case: &Case) -> (Vec<Line>, Vec<String>) {
    let (name, place, verdict, part) = case;
    let Place {
        endpoint,
        authority,
        of_first,
    } = place();
    let directory = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| fs::write(directory.path().join(file), text).unwrap();
    write(
        "it.yaml",
        "scenarios:\n  - { id: hostile, title: hostile, when: GET /hostile, then: { status: 200 } }\n  - { id: verbatim, title: verbatim, when: { request: GET /verbatim, json: {} }, then: { status: 200 } }\n  - { id: healthy, title: healthy, when: GET /healthy, then: { eventually: 10s, status: 200, body: { ok: true } } }\n",
    );
    let ca = if authority.is_some() {
        "ca = \"ca.pem\"\n"
    } else {
        ""
    };
    write("ca.pem", &authority.unwrap_or_default());
    write(
        "assize.toml",
        &format!("endpoint = \"{endpoint}\"\n[network]\n{ca}"),
    );
    let said = assize(
        directory.path(),
        &[
            "run",
            "it.yaml",
            "--jobs",
            "1",
            "--request-timeout",
            "2s",
            "--json",
            "r.json",
            "--junit",
            "r.xml",
            "--html",
            "r.html",
        ],
    );
    let report = fs::read_to_string(directory.path().join("r.json")).unwrap_or_default();
    let report: Json = serde_json::from_str(&report).unwrap_or_default();
    let of = |id: &str| {
        let cases = report["cases"].as_array();
        cases.and_then(|cases| cases.iter().find(|case| case["id"] == id).cloned())
    };
    let healthy = of("it/healthy").unwrap_or_default();
    let mut lines = Vec::new();
    let mut wrong = Vec::new();
    let mut check = |holds: bool, what: String| {
        if !holds {
            wrong.push(format!("{name}: {what}"));
        }
    };
    // Servers that change their ways with the second connection are harmless by then.
    let both = ["hostile", "verbatim"]
        .iter()
        .take(if of_first { 1 } else { 2 });
    for id in both {
        let case = of(&format!("it/{id}")).unwrap_or_default();
        let findings = case["findings"].as_array().cloned().unwrap_or_default();
        let told = findings
            .iter()
            .map(|it| format!("expected {}, actual {}", it["expected"], it["actual"]));
        let reason = case["reason"].as_str().map(str::to_owned);
        let told: Vec<String> = reason.into_iter().chain(told).collect();
        let told = told.join("; ");
        let time = case["duration_ms"].as_f64().unwrap_or(0.0) / 1000.0;
        let time = Duration::from_secs_f64(time);
        let (verdict, part) = (*verdict, *part);
        check(
            case["verdict"] == verdict,
            format!("{id}: {} instead of {verdict}: {told}", case["verdict"]),
        );
        check(
            told.contains(part),
            format!("{id}: {part:?} is not in {told}"),
        );
        check(
            told.is_empty() == (verdict == "pass"),
            format!("{id}: the reason is {told:?}"),
        );
        check(time < CASE, format!("{id}: it took {time:?}"));
        lines.push(Line {
            case: match *id {
                "verbatim" => format!("{name}, byte for byte"),
                _ => (*name).to_owned(),
            },
            verdict: case["verdict"].as_str().unwrap_or("none").to_owned(),
            reason: told,
            time,
            memory: said.memory,
        });
    }
    check(
        healthy["verdict"] == "pass",
        format!("the next case does not pass: {healthy}"),
    );
    check(said.memory < MEMORY, format!("it took {} KiB", said.memory));
    check(
        matches!(said.code, Some(0 | 1 | 3)),
        format!("{:?} {}", said.code, said.stderr),
    );
    check(
        !said.stderr.contains("panicked"),
        format!("it panicked: {}", said.stderr),
    );
    check(
        !said.stdout.contains('\u{1b}'),
        "a terminal would obey the server".to_owned(),
    );
    (lines, wrong)
}

#[test]
fn every_misbehaviour_gets_a_verdict_with_a_reason_in_time_and_the_run_goes_on() {
    let cases: Vec<&Case> = WIRE.iter().chain(ACTS).collect();
    let per_lane = cases.len().div_ceil(4);
    let done: Vec<_> = thread::scope(|scope| {
        let lanes = cases.chunks(per_lane);
        let lanes: Vec<_> = lanes
            .map(|lane| scope.spawn(|| lane.iter().map(|case| held(case)).collect::<Vec<_>>()))
            .collect();
        let lanes = lanes.into_iter();
        lanes.flat_map(|lane| lane.join().unwrap()).collect()
    });
    let (lines, wrong): (Vec<Vec<Line>>, Vec<Vec<String>>) = done.into_iter().unzip();
    tell(
        "hostile-servers",
        &lines.into_iter().flatten().collect::<Vec<_>>(),
    );
    let wrong = wrong.concat();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn a_redirect_to_another_origin_is_told_no_token() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let there = elsewhere.local_addr().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let answer = format!(
                "HTTP/1.1 301 Moved Permanently\r\nlocation: http://{there}/steal\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            );
            let _ = std::io::Read::read(&mut stream, &mut [0; 4096]);
            once(&mut stream, answer.as_bytes());
        }
    });
    let directory = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| fs::write(directory.path().join(file), text).unwrap();
    write("it.yaml", "title: t\nwhen: GET /\nthen: { status: 200 }\n");
    write("token", "a-token-of-worth");
    write(
        "assize.toml",
        &format!(
            "endpoint = \"{endpoint}\"\n[identities.owner]\nheaders = {{ X-Auth-Token = {{ file = \"token\" }} }}\n"
        ),
    );
    let said = assize(directory.path(), &["run", "it.yaml"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.stdout.contains("no redirect to another origin"),
        "{said:?}"
    );
    assert!(!said.stdout.contains("a-token-of-worth"), "{said:?}");
    let asked = elsewhere.accept().map(|(_, from)| from);
    assert_eq!(
        asked.map_err(|error| error.kind()),
        Err(std::io::ErrorKind::WouldBlock)
    );
}
