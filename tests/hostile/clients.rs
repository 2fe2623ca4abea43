//! Clients that misbehave on the wire, against `assize serve`.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::served::Served;
use crate::servers::bomb;
use crate::table::{Line, tell};

/// How long a connection may last that has one request, on a busy machine: as long as the server waits for a head, a
/// body and a reader.
const TIME: Duration = Duration::from_secs(12);

/// How long the server waits for those that misbehave, and for those that wait themselves.
const PATIENCE: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(60);

/// What the server may take, in KiB.
const MEMORY: u64 = 96 << 10;

/// What a client does with its side of a connection.
type Act = fn(&mut TcpStream);

/// The case, the statuses that the server answers with, a part of the answer, and what the client does.
type Case = (&'static str, &'static str, &'static str, Act);

const HEAD: &str = "POST /v2.0/lbaas/pools HTTP/1.1\r\nhost: x\r\nx-auth-token: assize-owner\r\n";

const LIST: &[u8] =
    b"GET /v2.0/lbaas/pools HTTP/1.1\r\nhost: x\r\nx-auth-token: assize-owner\r\n\r\n";

/// Sends; whoever has been cut off goes on.
fn send(stream: &mut TcpStream, bytes: impl AsRef<[u8]>) {
    let _ = stream.write_all(bytes.as_ref());
}

/// Sends until the other side has had enough.
fn endlessly(stream: &mut TcpStream, head: impl AsRef<[u8]>, again: &[u8]) {
    let mut sent = stream.write_all(head.as_ref());
    while sent.is_ok() {
        sent = stream.write_all(again);
    }
}

/// Sends a byte a second until the other side has had enough.
fn slowly(stream: &mut TcpStream, head: impl AsRef<[u8]>) {
    send(stream, head);
    while stream.write_all(b"x").is_ok() {
        thread::sleep(Duration::from_secs(1));
    }
}

/// Sends a creation with these header lines and this content.
fn post(stream: &mut TcpStream, lines: &str, content: impl AsRef<[u8]>) {
    send(stream, format!("{HEAD}{lines}\r\n"));
    send(stream, content);
}

/// Sends a creation with this content, well framed.
fn content(stream: &mut TcpStream, content: impl AsRef<[u8]>) {
    let content = content.as_ref();
    post(
        stream,
        &format!("connection: close\r\ncontent-length: {}\r\n", content.len()),
        content,
    );
}

/// A creation of a pool whose name is this JSON.
fn named(name: &str) -> String {
    format!(
        "{{\"pool\": {{\"name\": {name}, \"protocol\": \"HTTP\", \"lb_algorithm\": \"ROUND_ROBIN\"}}}}"
    )
}

/// Ends a connection by a reset.
fn reset(stream: &mut TcpStream) {
    thread::sleep(Duration::from_millis(50));
    let socket = socket2::SockRef::from(&*stream);
    socket.set_linger(Some(Duration::ZERO)).unwrap();
    let _ = stream.shutdown(Shutdown::Both);
}

const CASES: &[Case] = &[
    // How connections begin and end.
    ("silence", "", "", |_| {}),
    ("a reset before the head", "", "", reset),
    ("a reset inside the head", "", "", |it| {
        send(it, HEAD);
        reset(it);
    }),
    ("a reset inside the body", "", "", |it| {
        post(it, "content-length: 100\r\n", "{");
        reset(it);
    }),
    ("an end inside the head", "", "", |it| {
        send(it, HEAD);
        let _ = it.shutdown(Shutdown::Write);
    }),
    ("an end inside the body", "400", "cut short", |it| {
        post(it, "content-length: 100\r\n", "{");
        let _ = it.shutdown(Shutdown::Write);
    }),
    // Slow ones.
    ("a head of one byte a second", "408", "", |it| {
        slowly(it, "GET /v2.0/lb");
    }),
    (
        "a body of one byte a second",
        "408",
        "did not come within 1 s",
        |it| {
            slowly(it, format!("{HEAD}content-length: 100000\r\n\r\n"));
        },
    ),
    (
        "chunks of one byte a second",
        "408",
        "did not come within 1 s",
        |it| {
            post(it, "transfer-encoding: chunked\r\n", "");
            while it.write_all(b"1\r\nx\r\n").is_ok() {
                thread::sleep(Duration::from_secs(1));
            }
        },
    ),
    (
        "a body that is announced, and not sent",
        "408",
        "did not come within 1 s",
        |it| {
            post(it, "content-length: 100\r\n", "");
        },
    ),
    (
        "a body that waits to be asked for, and is not sent",
        "100 408",
        "did not come within 1 s",
        |it| {
            post(it, "content-length: 100\r\nexpect: 100-continue\r\n", "");
        },
    ),
    // Too much.
    ("an endless request line", "431", "", |it| {
        endlessly(it, "GET /", &[b'x'; 4096]);
    }),
    ("an endless field", "431", "", |it| {
        endlessly(it, format!("{HEAD}x-a: "), &[b'x'; 4096]);
    }),
    ("endless fields", "431", "", |it| {
        endlessly(it, HEAD, &b"x-a: b\r\n".repeat(500));
    }),
    ("100,000 fields", "431", "", |it| {
        send(
            it,
            [HEAD.as_bytes(), &b"a: b\r\n".repeat(100_000), b"\r\n"].concat(),
        );
    }),
    ("a field of 60 KiB", "200", "", |it| {
        send(
            it,
            [
                b"GET / HTTP/1.1\r\nhost: x\r\nx-a: ",
                vec![b'x'; 60 << 10].as_slice(),
                b"\r\n\r\n",
            ]
            .concat(),
        );
    }),
    (
        "an endless body",
        "413",
        "larger than 2097152 bytes",
        |it| {
            post(it, "transfer-encoding: chunked\r\n", "");
            endlessly(
                it,
                "",
                &[b"1000\r\n".as_slice(), &[b'x'; 4096], b"\r\n"].concat(),
            );
        },
    ),
    (
        "1 GiB announced",
        "413",
        "larger than 2097152 bytes",
        |it| {
            post(it, "content-length: 1073741824\r\n", "");
        },
    ),
    (
        "1 GiB announced, and sent",
        "413",
        "larger than 2097152 bytes",
        |it| {
            post(it, "content-length: 1073741824\r\n", "");
            endlessly(it, "", &[b'x'; 65536]);
        },
    ),
    (
        "1 GiB announced that waits to be asked for",
        "413",
        "larger than 2097152 bytes",
        |it| {
            post(
                it,
                "content-length: 1073741824\r\nexpect: 100-continue\r\n",
                "",
            );
        },
    ),
    ("endless trailers", "400", "", |it| {
        post(it, "transfer-encoding: chunked\r\n", "0\r\n");
        endlessly(it, "", &b"x-a: b\r\n".repeat(500));
    }),
    (
        "an endless extension of a chunk",
        "400",
        "cut short or wrongly coded",
        |it| {
            post(it, "transfer-encoding: chunked\r\n", "1;x=");
            endlessly(it, "", &[b'x'; 4096]);
        },
    ),
    (
        "requests without end, whose answers are not read",
        "",
        "",
        |it| {
            let socket = socket2::SockRef::from(&*it);
            socket.set_recv_buffer_size(4096).unwrap();
            // The answer says what was asked for.
            let path = "x".repeat(8000);
            let ask =
                format!("GET /{path} HTTP/1.1\r\nhost: x\r\nx-auth-token: assize-owner\r\n\r\n");
            endlessly(it, "", ask.as_bytes());
        },
    ),
    (
        "30,000 parameters",
        "400",
        "more than 100 parameters",
        |it| {
            send(
                it,
                format!(
                    "GET /v2.0/lbaas/pools?{} HTTP/1.1\r\nhost: x\r\nx-auth-token: assize-owner\r\n\r\n",
                    "a&".repeat(30_000)
                ),
            );
        },
    ),
    // What is framed wrongly.
    (
        "less content than announced",
        "408",
        "did not come within 1 s",
        |it| {
            post(it, "content-length: 100\r\n", "{}");
        },
    ),
    ("more content than announced", "400 400", "", |it| {
        post(it, "content-length: 2\r\n", "{}{}\r\n\r\n");
    }),
    ("a length that is none", "400", "", |it| {
        post(it, "content-length: many\r\n", "{}");
    }),
    ("a length below zero", "400", "", |it| {
        post(it, "content-length: -1\r\n", "{}");
    }),
    ("a length with a sign", "400", "", |it| {
        post(it, "content-length: +2\r\n", "{}");
    }),
    ("a length beyond all numbers", "400", "", |it| {
        post(it, "content-length: 99999999999999999999999\r\n", "{}");
    }),
    ("two lengths", "400", "", |it| {
        post(it, "content-length: 2\r\ncontent-length: 3\r\n", "{}");
    }),
    ("two lengths in one field", "400", "", |it| {
        post(it, "content-length: 2, 3\r\n", "{}");
    }),
    ("a bad chunk", "400", "cut short or wrongly coded", |it| {
        post(
            it,
            "transfer-encoding: chunked\r\n",
            "zz\r\n{}\r\n0\r\n\r\n",
        );
    }),
    (
        "a chunk beyond all numbers",
        "400",
        "cut short or wrongly coded",
        |it| {
            post(
                it,
                "transfer-encoding: chunked\r\n",
                "fffffffffffffffff\r\n{}\r\n0\r\n\r\n",
            );
        },
    ),
    (
        "a chunk that is longer than it says",
        "400",
        "cut short or wrongly coded",
        |it| {
            post(it, "transfer-encoding: chunked\r\n", "1\r\n{}\r\n0\r\n\r\n");
        },
    ),
    // Two readers, of whom one sees another request: it is never carried out.
    ("chunks and a length", "400", "the body has no pool", |it| {
        post(
            it,
            "content-length: 4\r\ntransfer-encoding: chunked\r\n",
            "2\r\n{}\r\n0\r\n\r\n",
        );
        send(it, LIST);
    }),
    (
        "a length and chunks that end early",
        "400",
        "the body is empty",
        |it| {
            post(
                it,
                &format!(
                    "content-length: {}\r\ntransfer-encoding: chunked\r\n",
                    LIST.len() + 5
                ),
                "0\r\n\r\n",
            );
            send(it, LIST);
        },
    ),
    ("a transfer coding that is none", "400", "", |it| {
        post(it, "transfer-encoding: xchunked\r\n", "0\r\n\r\n");
    }),
    ("chunks that are no last coding", "400", "", |it| {
        post(it, "transfer-encoding: chunked, gzip\r\n", "0\r\n\r\n");
    }),
    ("a space before the colon", "400", "", |it| {
        post(it, "transfer-encoding : chunked\r\n", "0\r\n\r\n");
    }),
    ("a folded field", "400", "", |it| {
        post(it, "x-a: b\r\n transfer-encoding: chunked\r\n", "0\r\n\r\n");
    }),
    ("chunks in HTTP/1.0", "400", "", |it| {
        send(
            it,
            "POST /v2.0/lbaas/pools HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        );
    }),
    ("a carriage return in a field", "400", "", |it| {
        post(it, "x-a: b\rx-b: c\r\n", "");
    }),
    ("a NUL in a field", "400", "", |it| {
        post(it, "x-a: b\0c\r\n", "");
    }),
    // What is no HTTP/1.1.
    ("HTTP/0.9", "400", "", |it| send(it, "GET /\r\n\r\n")),
    ("HTTP/1.2", "400", "", |it| {
        send(it, "GET / HTTP/1.2\r\n\r\n");
    }),
    ("HTTP/2 at once", "", "", |it| {
        send(it, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    }),
    ("another protocol", "400", "", |it| {
        send(it, "EHLO mail.example\r\n\r\n");
    }),
    ("TLS", "400", "", |it| {
        send(
            it,
            b"\x16\x03\x01\x00\xf4\x01\x00\x00\xf0\x03\x03\x00\x0d\x0a\x0d\x0a",
        );
    }),
    ("noise", "400", "", |it| {
        // A linear congruential generator is noise enough.
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        send(
            it,
            std::iter::repeat_with(&mut next)
                .take(100_000)
                .collect::<Vec<u8>>(),
        );
    }),
    // What is no good content.
    ("a bomb of gzip", "400", "not JSON", |it| {
        let bomb = bomb(256);
        post(
            it,
            &format!(
                "content-encoding: gzip\r\ncontent-length: {}\r\n",
                bomb.len()
            ),
            bomb,
        );
    }),
    (
        "100,000 lists in each other",
        "400",
        "more than 50000 values",
        |it| {
            content(it, [vec![b'['; 100_000], vec![b']'; 100_000]].concat());
        },
    ),
    ("40,000 lists in each other", "400", "not JSON", |it| {
        content(it, [vec![b'['; 40_000], vec![b']'; 40_000]].concat());
    }),
    (
        "100,000 objects in each other",
        "400",
        "more than 50000 values",
        |it| {
            content(
                it,
                [
                    b"{\"pool\":".repeat(100_000),
                    vec![b'1'],
                    vec![b'}'; 100_000],
                ]
                .concat(),
            );
        },
    ),
    ("text of 10 MiB", "413", "larger than 2097152 bytes", |it| {
        content(it, named(&format!("\"{}\"", "x".repeat(10 << 20))));
    }),
    ("text of 2 MiB", "400", "name", |it| {
        content(it, named(&format!("\"{}\"", "x".repeat((2 << 20) - 100))));
    }),
    (
        "200,000 small objects",
        "400",
        "more than 50000 values",
        |it| {
            content(it, named(&format!("[{}0]", "{\"a\":0},".repeat(200_000))));
        },
    ),
    ("NaN", "400", "not JSON", |it| content(it, named("NaN"))),
    ("a number of 400 digits", "400", "not JSON", |it| {
        content(it, named(&"1".repeat(400)));
    }),
    ("an exponent of 400 digits", "400", "not JSON", |it| {
        content(it, named(&format!("1e{}", "9".repeat(400))));
    }),
    ("duplicate keys", "400", "protocol is mandatory", |it| {
        content(it, "{\"pool\": {\"name\": \"a\", \"name\": \"b\"}}");
    }),
    ("no UTF-8", "400", "not JSON", |it| {
        content(it, b"{\"pool\": {\"name\": \"\xff\xfe\"}}");
    }),
    ("a NUL in the content", "400", "not JSON", |it| {
        content(it, b"{\"pool\": {\"name\": \"a\0b\"}}");
    }),
    ("half a surrogate", "400", "not JSON", |it| {
        content(it, named("\"\\ud800\""));
    }),
];

/// The statuses of all answers in these bytes.
fn statuses(answer: &str) -> String {
    let parts = answer.split("HTTP/1.1 ").skip(1);
    let statuses: Vec<&str> = parts
        .filter_map(|part| part.split([' ', '\r']).next())
        .collect();
    statuses.join(" ")
}

/// Lets a client misbehave while another asks as it should; what came of it, with everything that is wrong.
fn held((name, expected, part, act): &Case) -> (Line, Vec<String>) {
    let served = Served::start(PATIENCE, &[]);
    let mut wrong = Vec::new();
    let mut check = |holds: bool, what: String| {
        if !holds {
            wrong.push(format!("{name}: {what}"));
        }
    };
    let mut stream = served.connect();
    stream.set_read_timeout(Some(TIME)).unwrap();
    let mut writing = stream.try_clone().unwrap();
    let clock = Instant::now();
    let act = *act;
    let (ended, end) = mpsc::channel();
    let writer = thread::spawn(move || {
        act(&mut writing);
        // Nobody may be left who hears it.
        let _ = ended.send(());
    });
    let mut answer = Vec::new();
    let over = if name.starts_with("requests without end") {
        end.recv_timeout(TIME).is_ok()
    } else {
        let read = (&mut stream).take(1 << 20).read_to_end(&mut answer);
        let late = std::io::ErrorKind::WouldBlock;
        !read.is_err_and(|error| error.kind() == late)
    };
    let time = clock.elapsed();
    if let Err(why) = served.good() {
        check(false, why);
    }
    let _ = stream.shutdown(Shutdown::Both);
    writer.join().unwrap();
    let answer = String::from_utf8_lossy(&answer);
    check(
        over,
        format!("the connection is still there after {TIME:?}"),
    );
    let told = statuses(&answer);
    check(
        told == *expected,
        format!("{told:?} instead of {expected:?}: {answer}"),
    );
    check(
        answer.contains(part),
        format!("{part:?} is not in {answer}"),
    );
    check(time < TIME, format!("it took {time:?}"));
    let (_, memory) = served.memory();
    check(memory < MEMORY, format!("it took {memory} KiB"));
    let content = answer.rsplit("\r\n\r\n").next().unwrap_or("");
    let line = Line {
        case: (*name).to_owned(),
        verdict: if told.is_empty() {
            "closed".to_owned()
        } else {
            told
        },
        reason: content.to_owned(),
        time,
        memory,
    };
    (line, wrong)
}

#[test]
fn every_misbehaviour_of_a_client_ends_in_time_and_the_next_one_is_answered() {
    let lanes = 12;
    let done: Vec<_> = thread::scope(|scope| {
        let lane = |at| {
            CASES
                .iter()
                .skip(at)
                .step_by(lanes)
                .map(held)
                .collect::<Vec<_>>()
        };
        let lanes: Vec<_> = (0..lanes).map(|at| scope.spawn(move || lane(at))).collect();
        lanes.into_iter().map(|lane| lane.join().unwrap()).collect()
    });
    // In the order of the cases again.
    let mut done: Vec<_> = done.into_iter().map(Vec::into_iter).collect();
    let ordered: Vec<_> = (0..CASES.len())
        .filter_map(|at| done[at % lanes].next())
        .collect();
    let (lines, wrong): (Vec<Line>, Vec<Vec<String>>) = ordered.into_iter().unzip();
    tell("hostile-clients", &lines);
    let wrong = wrong.concat();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// Lets this process have so many files, if the system does.
fn files(wanted: u64) {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (now, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    if now < wanted {
        setrlimit(Resource::RLIMIT_NOFILE, wanted.min(most), most).unwrap();
    }
}

/// So many clients that connect and do nothing, with room for them all.
fn idle(count: usize) {
    files(count as u64 + 200);
    let served = Served::start(LONG, &[]);
    let clock = Instant::now();
    let mut streams: Vec<TcpStream> = (0..count).map(|_| served.connect()).collect();
    let connected = clock.elapsed();
    let asked = served.good().unwrap();
    // None of them had to leave: the first is answered as the last is.
    let mut answer = [0; 12];
    for stream in [0, count / 2, count - 1] {
        let stream = &mut streams[stream];
        stream.set_read_timeout(Some(TIME)).unwrap();
        stream.write_all(LIST).unwrap();
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
    }
    let (_, memory) = served.memory();
    let name = format!("{count} connections that do nothing");
    let reason = format!(
        "all are open after {} ms, another client is answered",
        connected.as_millis()
    );
    tell(
        "idle-clients",
        &[Line {
            case: name,
            verdict: "200".to_owned(),
            reason,
            time: asked,
            memory,
        }],
    );
    let most = MEMORY + count as u64 * 20;
    assert!(memory < most, "{memory} KiB, more than {most}");
}

#[test]
fn two_thousand_that_do_nothing_keep_nobody_waiting() {
    idle(2_000);
}

#[test]
#[ignore = "it needs 10,200 files"]
fn ten_thousand_that_do_nothing_keep_nobody_waiting() {
    idle(10_000);
}

#[test]
fn those_who_wait_longest_make_room_for_those_who_come() {
    files(1_000);
    for begun in [b"".as_slice(), b"GET / HTTP/1.1\r\n"] {
        let served = Served::start(LONG, &["--connections", "50"]);
        let mut streams = Vec::new();
        for _ in 0..500 {
            let mut stream = served.connect();
            stream.write_all(begun).unwrap();
            streams.push(stream);
        }
        served.good().unwrap();
        // The last came to stay, the first had to go.
        let mut byte = [0];
        let first = &mut streams[0];
        first.set_read_timeout(Some(TIME)).unwrap();
        let told = first.read(&mut byte).map_err(|error| error.kind());
        let ended = [Ok(0), Err(std::io::ErrorKind::ConnectionReset)];
        assert!(ended.contains(&told), "{begun:?}: {told:?}");
        let last = streams.last_mut().unwrap();
        last.set_nonblocking(true).unwrap();
        let waits = last.read(&mut byte).map_err(|error| error.kind());
        assert_eq!(waits, Err(std::io::ErrorKind::WouldBlock), "{begun:?}");
    }
}

/// Pools that are created, read and deleted by so many clients; how many requests there were and how long they took.
fn load(served: &Served, clients: usize, rounds: usize) -> (usize, Duration) {
    let clock = Instant::now();
    thread::scope(|scope| {
        for _ in 0..clients {
            scope.spawn(|| {
                let mut client = Client::new(served);
                let parent = "{\"loadbalancer\": {\"vip_subnet_id\": \"5c1a2f3e-0000-4000-8000-000000000001\"}}";
                let parent = client.create("loadbalancers", parent);
                let pool = format!("{{\"pool\": {{\"loadbalancer_id\": \"{parent}\", \"protocol\": \"HTTP\", \"lb_algorithm\": \"ROUND_ROBIN\"}}}}");
                for _ in 0..rounds {
                    let pool = client.create("pools", &pool);
                    assert_eq!(client.ask("GET", &format!("pools/{pool}"), "").0, 200);
                    assert_eq!(client.ask("DELETE", &format!("pools/{pool}"), "").0, 204);
                    assert_eq!(client.ask("GET", &format!("pools/{pool}"), "").0, 404);
                }
                let parent = format!("loadbalancers/{parent}");
                assert_eq!(client.ask("DELETE", &parent, "").0, 204);
            });
        }
    });
    (clients * (rounds * 4 + 2), clock.elapsed())
}

/// One connection that is kept.
struct Client(std::io::BufReader<TcpStream>);

impl Client {
    fn new(served: &Served) -> Self {
        let stream = served.connect();
        stream.set_read_timeout(Some(TIME)).unwrap();
        Self(std::io::BufReader::new(stream))
    }

    /// The status and the content of an answer.
    fn ask(&mut self, method: &str, path: &str, content: &str) -> (u16, String) {
        use std::io::BufRead as _;
        let length = content.len();
        let request = format!(
            "{method} /v2.0/lbaas/{path} HTTP/1.1\r\nhost: x\r\nx-auth-token: assize-owner\r\ncontent-length: {length}\r\n\r\n{content}"
        );
        self.0.get_mut().write_all(request.as_bytes()).unwrap();
        let (mut status, mut length) = (0, 0);
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
                status = rest[..3].parse().unwrap();
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            }
        }
        let mut content = vec![0; length];
        self.0.read_exact(&mut content).unwrap();
        (status, String::from_utf8(content).unwrap())
    }

    /// Creates an object; its id.
    fn create(&mut self, path: &str, content: &str) -> String {
        let (status, content) = self.ask("POST", path, content);
        assert_eq!(status, 201, "{content}");
        let content: serde_json::Value = serde_json::from_str(&content).unwrap();
        let object = content.as_object().unwrap().values().next().unwrap();
        object["id"].as_str().unwrap().to_owned()
    }
}

/// So many requests of 64 clients: what the server takes after a tenth of them is what it takes at their end.
fn soak(requests: usize) {
    let served = Served::start(LONG, &[]);
    let rounds = requests / 64 / 4;
    load(&served, 64, rounds / 10);
    let (before, _) = served.memory();
    let (count, time) = load(&served, 64, rounds);
    let (after, most) = served.memory();
    let each = count as f64 / time.as_secs_f64();
    let reason = format!("{each:.0} a second; {before} KiB after a tenth, {after} KiB at the end");
    tell(
        "soaked",
        &[Line {
            case: format!("{count} requests of 64 clients"),
            verdict: "answered".to_owned(),
            reason,
            time,
            memory: most,
        }],
    );
    served.good().unwrap();
    assert!(
        after < before + before / 4 + 4096,
        "{before} KiB, and then {after} KiB"
    );
}

#[test]
fn twenty_thousand_requests_take_no_more_memory_than_two_thousand() {
    soak(20_000);
}

#[test]
#[ignore = "it takes minutes"]
fn a_million_requests_take_no_more_memory_than_a_hundred_thousand() {
    soak(1_000_000);
}

#[test]
fn large_bodies_that_do_not_end_are_few_at_a_time() {
    let served = Served::start(PATIENCE, &[]);
    let mut streams: Vec<TcpStream> = (0..200).map(|_| served.connect()).collect();
    for stream in &mut streams {
        post(stream, "content-length: 2000000\r\n", "");
        stream.set_nonblocking(true).unwrap();
    }
    let (before, _) = served.memory();
    let clock = Instant::now();
    while clock.elapsed() < PATIENCE {
        for stream in &mut streams {
            let _ = stream.write(&[b' '; 16384]);
        }
    }
    served.good().unwrap();
    let (_, most) = served.memory();
    assert!(
        most < before + (160 << 10),
        "{before} KiB, and then {most} KiB"
    );
}
