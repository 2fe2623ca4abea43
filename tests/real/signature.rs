//! A server that takes signed requests only, and works the signature out by itself from what arrives.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::thread;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::run;

const ACCESS: &str = "ACCESSKEY0123456789A";
const SECRET: &str = "a secret key with blanks";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A request as it arrived.
struct Arrived {
    line: String,
    fields: Vec<(String, String)>,
    content: Vec<u8>,
}

fn read(stream: &mut impl std::io::Read) -> Option<Arrived> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes).unwrap();
    let mut lines = head.trim_end().split("\r\n");
    let line = lines.next()?.to_owned();
    let fields: Vec<(String, String)> = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length = fields.iter().find(|(name, _)| name == "content-length");
    let mut content = vec![0; length.map_or(0, |(_, length)| length.parse().unwrap())];
    stream.read_exact(&mut content).ok()?;
    Some(Arrived {
        line,
        fields,
        content,
    })
}

/// What is wrong with the signature of a request, by the guide: the request in its canonical form, the hash of that
/// with the date, and the code of this with the secret key.
fn wrong(request: &Arrived) -> Option<String> {
    let field = |name: &str| {
        let mut all = request.fields.iter().filter(|(other, _)| other == name);
        all.next().map_or("", |(_, value)| value.as_str())
    };
    let Some(given) = field("authorization").strip_prefix("SDK-HMAC-SHA256 ") else {
        return Some("it is signed in another way".to_owned());
    };
    let part = |name: &str| {
        let mut parts = given.split(", ").filter_map(|part| part.split_once('='));
        parts
            .find(|(other, _)| *other == name)
            .map_or("", |(_, value)| value)
    };
    let mut words = request.line.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let slash = if path.ends_with('/') { "" } else { "/" };
    let mut pairs: Vec<&str> = query.split('&').collect();
    pairs.sort_unstable();
    let names: Vec<&str> = part("SignedHeaders").split(';').collect();
    if !["host", "x-sdk-date", "x-project-id"]
        .iter()
        .all(|name| names.contains(name))
    {
        return Some(format!("only {names:?} are signed"));
    }
    let signed: String = names
        .iter()
        .map(|name| format!("{name}:{}\n", field(name)))
        .collect();
    let canonical = format!(
        "{method}\n{path}{slash}\n{}\n{signed}\n{}\n{}",
        pairs.join("&"),
        names.join(";"),
        hex(&Sha256::digest(&request.content))
    );
    let date = field("x-sdk-date");
    let text = format!(
        "SDK-HMAC-SHA256\n{date}\n{}",
        hex(&Sha256::digest(&canonical))
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    let own = hex(&mac.finalize().into_bytes());
    let sent = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", date).unwrap();
    let sent = jiff::tz::TimeZone::UTC.to_timestamp(sent).unwrap();
    let age = jiff::Timestamp::now().duration_since(sent).abs();
    let recent = age < jiff::SignedDuration::from_mins(15);
    match (part("Access") == ACCESS, part("Signature") == own, recent) {
        (true, true, true) => None,
        _ => Some(format!(
            "{given} is wrong for {canonical:?}, which is {age} old"
        )),
    }
}

#[test]
fn what_is_sent_is_what_was_signed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                while let Some(request) = read(&mut stream) {
                    let signed = request
                        .fields
                        .iter()
                        .any(|(name, _)| name == "authorization");
                    let (status, said) = match wrong(&request) {
                        _ if !signed => ("401 Unauthorized", "not signed".to_owned()),
                        None => ("200 OK", "signed".to_owned()),
                        Some(why) => ("403 Forbidden", why),
                    };
                    let length = said.len();
                    let answer =
                        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{said}");
                    if stream.write_all(answer.as_bytes()).is_err() {
                        break;
                    }
                }
            });
        }
    });
    let directory = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| fs::write(directory.path().join(file), text).unwrap();
    write("secret", SECRET);
    write("access", ACCESS);
    write(
        "assize.toml",
        &format!(
            "endpoint = \"http://127.0.0.1:{port}\"\n[identities.owner.signature]\naccess_key = {{ file = \"access\" }}\nsecret_key = {{ file = \"secret\" }}\nproject_id = \"0123456789abcdef\"\n"
        ),
    );
    write(
        "it.yaml",
        r#"variables: { name: "a b/ü" }
steps:
  - { request: GET /, then: { status: 200, body: signed } }
  - { request: "GET /v1/{{ name }}/x?z=1&a=%2F&a=", then: { status: 200, body: signed } }
  - { request: GET /q, query: { "m n": "{{ name }}", b: "~" }, then: { status: 200, body: signed } }
  - { request: POST /things, json: { name: "{{ name }}" }, then: { status: 200, body: signed } }
  - { request: DELETE /things/, json: { why: none }, then: { status: 200, body: signed } }
  - { request: GET /nobody, as: anonymous, then: { status: 401, body: not signed } }
"#,
    );
    run(
        directory.path(),
        &["run", "it.yaml", "-v", "--var", "name=a b/ü"],
    )
    .exits(0);

    // The server does look: another key is refused.
    write("secret", "another secret key");
    let said = run(directory.path(), &["run", "it.yaml"]).exits(1);
    assert!(said.stdout.contains("is wrong for"), "{said:?}");
    assert!(!said.stdout.contains("another secret key"), "{said:?}");
}
