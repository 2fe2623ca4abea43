//! A server that answers with whatever breaks reports, and with its caller's own token.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::Value;

use crate::evidence::missing;
use crate::statement::{self, VENDOR};
use crate::support::{Written, files, problems, test_cases};

/// A token with every character that some format escapes.
const TOKEN: &str = "t0ken/\"<&'>+ä=%\\z";

pub(crate) const HOSTILE: &str = "\u{0}\u{1}\u{7}\u{1b}[31mred\u{1b}]0;title\u{7}\u{9b}2J\u{fffe}\u{ffff}\u{202e}]]>--><script>document.title='owned'</script></script><!--<img src=x onerror=\"document.title='owned'\">[[ATTACHMENT|/etc/passwd]]\r\n::error::x";

const SUITE: &str = r#"suite: hostile
version: 1.0.0
use: requirements.yaml
scenarios: all.yaml
variables:
  token: { secret: true }
identities:
  owner: { headers: { X-Auth-Token: "{{ token }}" } }
"#;

const REQUIREMENTS: &str =
    "requirements: [{ id: R-1, text: Nothing is told, level: must, source: RFC }]\n";

/// Each fails, and so shows what came.
const SCENARIOS: &str = r#"scenarios:
  - { id: echo, title: echo, requirements: [R-1], steps: [{ request: GET /echo, then: { status: 204 } }] }
  - { id: encoded, title: encoded, steps: [{ request: GET /encoded, then: { body: { a: 1 } } }] }
  - { id: hostile, title: hostile, steps: [{ request: GET /hostile, then: { body: { a: 1 } } }] }
  - { id: large, title: large, steps: [{ request: GET /large, then: { status: 204 } }] }
  - { id: object, title: object, steps: [{ request: GET /object, then: { body: { a: 1 }, headers: { x-echo: none } } }] }
  - { id: binary, title: binary, steps: [{ request: GET /binary, then: { status: 204 } }] }
  - { id: lost, title: lost, steps: [{ request: GET /lost, then: { status: 204 } }] }
"#;

/// Every form in which the token could be told, written down without the program's help.
fn forms() -> Vec<Vec<u8>> {
    let percent = |upper: bool| -> String {
        TOKEN
            .bytes()
            .map(|byte| match (byte.is_ascii_alphanumeric(), upper) {
                (true, _) => char::from(byte).to_string(),
                (false, true) => format!("%{byte:02X}"),
                (false, false) => format!("%{byte:02x}"),
            })
            .collect()
    };
    let json = Value::from(TOKEN).to_string();
    let json = json.trim_matches('"').to_owned();
    let units: String = (TOKEN.encode_utf16())
        .map(|unit| format!("\\u{unit:04x}"))
        .collect();
    let whole: String = TOKEN.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let markup = TOKEN
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let basic = STANDARD.encode(format!("user:{TOKEN}"));
    let texts = [
        TOKEN.to_owned(),
        STANDARD.encode(TOKEN),
        URL_SAFE.encode(TOKEN),
        // What stands for the token alone in the header of Basic authentication.
        basic[7..(5 + TOKEN.len()) * 8 / 6].to_owned(),
        percent(true),
        percent(false),
        whole,
        json.replace('/', "\\/"),
        json.replace('ä', "\\u00e4"),
        Value::from(json.as_str()).to_string(),
        json,
        units,
        markup.replace('"', "&quot;"),
        markup.replace('"', "&quot;").replace('\'', "&#39;"),
        markup,
    ];
    texts.map(String::into_bytes).to_vec()
}

fn answer(stream: &mut TcpStream) {
    let mut request = [0; 4096];
    let read = stream.read(&mut request).unwrap_or(0);
    let request = String::from_utf8_lossy(&request[..read]).into_owned();
    let path = request.split(' ').nth(1).unwrap_or("").to_owned();
    let (kind, body): (&str, Vec<u8>) = match path.as_str() {
        "/echo" => ("text/plain", TOKEN.as_bytes().to_vec()),
        "/encoded" => ("text/plain", forms().join(&b'\n')),
        "/hostile" => ("text/html", HOSTILE.as_bytes().to_vec()),
        "/large" => {
            let piece = format!("{HOSTILE}{TOKEN}");
            (
                "application/json",
                piece.repeat((5 << 20) / piece.len()).into_bytes(),
            )
        }
        "/object" => {
            let object = serde_json::json!({ "a": TOKEN, HOSTILE: [HOSTILE, TOKEN] });
            ("application/json", object.to_string().into_bytes())
        }
        "/binary" => {
            // No UTF-8, at each of the three places that base64 can begin with.
            let pieces = ["\u{1b}", "xx", "yyy"]
                .map(|before| [before.as_bytes(), TOKEN.as_bytes(), &[0xff, 0xfe]].concat());
            ("application/octet-stream", pieces.concat())
        }
        _ => return,
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nX-Echo: {}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        TOKEN,
        body.len()
    );
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(&body);
}

/// Serves until the test is over.
pub(crate) fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(&mut stream));
        }
    });
    url
}

/// Whether content that is told in base64 has the token in it.
fn tells(value: &Value) -> bool {
    match value {
        Value::Array(values) => values.iter().any(tells),
        Value::Object(members) => {
            let encoded = |name: &str| members.get(name).is_some_and(|it| it == "base64");
            let text = if encoded("encoding") || encoded("_encoding") {
                members.get("text")
            } else {
                members.get("base64")
            };
            let bytes = text
                .and_then(Value::as_str)
                .map(|text| STANDARD.decode(text).unwrap());
            let token = TOKEN.as_bytes();
            bytes.is_some_and(|bytes| bytes.windows(token.len()).any(|window| window == token))
                || members.values().any(tells)
        }
        _ => false,
    }
}

/// Runs against the hostile server with every report on, and with these arguments.
pub(crate) fn run_hostile(more: &[&str]) -> Written {
    let (suite, to) = (Written::new(), Written::new());
    std::fs::write(suite.path("suite.yaml"), SUITE).unwrap();
    std::fs::write(suite.path("all.yaml"), SCENARIOS).unwrap();
    std::fs::write(suite.path("requirements.yaml"), REQUIREMENTS).unwrap();
    let said = crate::support::said(
        crate::support::assize()
            .env("ASSIZE_VAR_TOKEN", TOKEN)
            .args(["run", "--endpoint", &serve(), "--suite", &suite.path("")])
            .args(["--junit", &to.path("TEST-hostile.xml")])
            .args(["--html", &to.path("report.html")])
            .args(["--json", &to.path("report.json")])
            .args(["--events", &to.path("events.ndjson")])
            .args(["--summary", &to.path("summary.md")])
            .args(["--evidence", &to.path("evidence")])
            .args(["--statement", &to.path("statement.yaml")])
            .args(VENDOR)
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_STEP_SUMMARY", to.path("job.md"))
            .args(more),
    )
    .exits(3);
    assert!(said.stdout.contains("6 failed, 1 error"), "{}", said.stdout);
    std::fs::write(to.path("stdout"), said.stdout).unwrap();
    std::fs::write(to.path("stderr"), said.stderr).unwrap();
    to
}

#[test]
fn no_answer_breaks_a_report_or_gets_its_callers_token_into_one() {
    let to = run_hostile(&[]);
    let files = files(to.directory());
    // Five reports, two summaries, what was said, and evidence of seven cases with its manifest.
    assert_eq!(files.len(), 5 + 2 + 2 + 8, "{files:?}");
    let texts: Vec<(String, Vec<u8>)> = files
        .iter()
        .map(|path| (path.display().to_string(), std::fs::read(path).unwrap()))
        .collect();
    for (name, bytes) in &texts {
        assert!(!bytes.contains(&0x1b), "{name} has an escape");
        assert!(bytes.len() < 8 << 20, "{name} has {} bytes", bytes.len());
        for form in forms() {
            assert!(
                !bytes.windows(form.len()).any(|window| window == form),
                "{name} tells {}",
                String::from_utf8_lossy(&form)
            );
        }
    }

    assert_eq!(
        problems("report.schema.json", &to.json("report.json")),
        [""; 0]
    );
    let statement = statement::value(&to.text("statement.yaml"));
    assert_eq!(problems("statement.schema.json", &statement), [""; 0]);
    for line in to.text("events.ndjson").lines() {
        let line = serde_json::from_str(line).unwrap();
        assert_eq!(problems("events.schema.json", &line), [""; 0]);
    }
    assert_eq!(test_cases(&to.text("TEST-hostile.xml")), 7);
    for path in files
        .iter()
        .filter(|path| path.extension().is_some_and(|it| it == "har"))
    {
        let har = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!(missing(&har), [""; 0], "{path:?}");
        assert!(!tells(&har), "{path:?} tells the token in base64");
    }
    let binary = "evidence/cases/all_binary-";
    let binary = files
        .iter()
        .find(|path| path.to_string_lossy().contains(binary));
    let text = std::fs::read_to_string(binary.unwrap()).unwrap();
    assert!(text.contains("\"encoding\": \"base64\""), "{text}");
    assert!(
        !tells(&to.json("report.json")),
        "the token is there in base64"
    );

    // No line of a server is a command, and none of its markup is markup.
    let commands = to.text("stdout");
    let commands: Vec<&str> = commands
        .lines()
        .filter(|line| line.starts_with("::"))
        .collect();
    let end = commands[0].replace("stop-commands::", "") + "::";
    assert!(
        commands[0].starts_with("::stop-commands::") && commands[1] == end,
        "{commands:?}"
    );
    assert_eq!(commands.len(), 2 + 7);
    assert!(
        commands[2..]
            .iter()
            .all(|line| line.starts_with("::error file=")),
        "{commands:?}"
    );
    for name in ["summary.md", "job.md"] {
        let text = to.text(name);
        assert!(text.contains("6 of 7 cases failed"), "{text}");
        assert!(
            !text.contains("<script") && !text.contains("<img"),
            "{text}"
        );
    }
}

#[test]
fn a_report_that_would_tell_a_secret_is_deleted_and_named() {
    let (suite, to) = (Written::new(), Written::new());
    // What a suite says of itself comes from no answer, so nothing is replaced in it.
    let telling = SUITE.replace("suite: hostile\n", "suite: hostile\ntitle: of t0ken-zero\n");
    std::fs::write(suite.path("suite.yaml"), telling).unwrap();
    std::fs::write(suite.path("all.yaml"), SCENARIOS).unwrap();
    std::fs::write(suite.path("requirements.yaml"), REQUIREMENTS).unwrap();
    std::fs::write(to.path("report.json"), "of an earlier run").unwrap();
    let said = crate::support::said(
        crate::support::assize()
            .env("ASSIZE_VAR_TOKEN", "t0ken-zero")
            .args(["run", "--endpoint", &serve(), "--suite", &suite.path("")])
            .args(["--filter", "echo", "--json", &to.path("report.json")])
            .args(["--junit", &to.path("TEST-hostile.xml")])
            .args(["--events", &to.path("events.ndjson")]),
    )
    .exits(3);
    for name in ["report.json", "events.ndjson"] {
        let told = format!("{} told the secret token and was deleted", to.path(name));
        assert!(said.stderr.contains(&told), "{}", said.stderr);
    }
    // The XML does not have the title, so it may stay.
    assert_eq!(files(to.directory()).len(), 1);
}
