//! Certificates, proxies, and who is told credentials.

use std::fs;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use crate::run;

/// Two requests: one that a client sends, and one that is sent byte for byte.
const SCENARIO: &str = "steps:\n  - { request: GET /plain, then: { status: 200 } }\n  - { request: 'GET /a/../b', then: { status: 200 } }\n";

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";

pub(crate) fn key() -> KeyPair {
    KeyPair::generate().unwrap()
}

pub(crate) fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, key()).unwrap()
}

/// Reads a request's head from a stream.
fn head(stream: &mut impl std::io::Read) -> Option<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 1024];
    while !bytes.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&buffer[..read]);
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// A server that speaks TLS; its port, and the heads of the requests that it has received.
fn serve(ca: &CertifiedIssuer<'static, KeyPair>, asks: bool) -> (u16, Arc<Mutex<Vec<String>>>) {
    let own = key();
    let params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]);
    let certificate = params.unwrap().signed_by(&own, ca).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = if asks {
        let mut roots = RootCertStore::empty();
        roots.add(ca.der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        builder.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let secret = PrivateKeyDer::try_from(own.serialize_der()).unwrap();
    let config = builder.with_single_cert(vec![certificate.der().clone()], secret);
    let config = Arc::new(config.unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let received = Arc::new(Mutex::new(Vec::new()));
    let heads = Arc::clone(&received);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let heads = Arc::clone(&heads);
            thread::spawn(move || {
                let mut stream = StreamOwned::new(connection, stream);
                if let Some(head) = head(&mut stream) {
                    heads.lock().unwrap().push(head);
                    let _ = stream.write_all(ANSWER);
                    stream.conn.send_close_notify();
                    let _ = stream.flush();
                }
            });
        }
    });
    (port, received)
}

fn directory(target: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("it.yaml"), SCENARIO).unwrap();
    fs::write(directory.path().join("assize.toml"), target).unwrap();
    directory
}

fn lines(received: &Mutex<Vec<String>>) -> Vec<String> {
    let mut received = received.lock().unwrap();
    let lines = received.drain(..);
    lines
        .filter_map(|head| head.lines().next().map(str::to_owned))
        .collect()
}

const SENT: [&str; 2] = ["GET /plain HTTP/1.1", "GET /a/../b HTTP/1.1"];

fn run_it(directory: &Path, more: &[&str]) -> crate::Said {
    let all = [
        "run",
        "it.yaml",
        "--json",
        "report.json",
        "--junit",
        "report.xml",
        "--summary",
        "summary.md",
    ];
    run(directory, &[&all, more].concat())
}

#[test]
fn a_certificate_is_believed_when_its_authority_is_and_otherwise_only_on_demand() {
    let ca = authority();
    let (port, received) = serve(&ca, false);
    let endpoint = format!("endpoint = \"https://localhost:{port}\"\n[network]\nhttp = \"1.1\"\n");
    let plain = directory(&endpoint);
    let said = run_it(plain.path(), &[]).exits(3);
    assert!(said.stdout.contains("could not connect"), "{said:?}");
    assert_eq!(lines(&received), [""; 0]);

    let trusting = directory(&format!("{endpoint}ca = \"ca.pem\"\n"));
    fs::write(trusting.path().join("ca.pem"), ca.pem()).unwrap();
    run_it(trusting.path(), &[]).exits(0);
    assert_eq!(lines(&received), SENT);

    let said = run_it(plain.path(), &["--insecure"]).exits(0);
    assert_eq!(lines(&received), SENT);
    assert!(
        said.stderr.contains("warning: no certificate is looked at"),
        "{said:?}"
    );
    assert!(
        said.stdout.contains("certificate was not looked at"),
        "{said:?}"
    );
    for (file, word) in [
        ("report.json", "\"insecure\":true"),
        ("report.xml", "certificate was not looked at"),
        ("summary.md", "certificate was not looked at"),
    ] {
        let report = fs::read_to_string(plain.path().join(file)).unwrap();
        assert!(report.contains(word), "{file} does not say so: {report}");
    }

    fs::write(trusting.path().join("ca.pem"), "nothing").unwrap();
    let said = run_it(trusting.path(), &[]).exits(2);
    assert!(
        said.stderr.contains("ca.pem has no certificate in it"),
        "{said:?}"
    );
}

#[test]
fn a_client_proves_who_it_is_where_that_is_asked_for() {
    let ca = authority();
    let (port, received) = serve(&ca, true);
    let target = format!(
        "endpoint = \"https://127.0.0.1:{port}\"\n[network]\nhttp = \"1.1\"\nca = \"ca.pem\"\n"
    );
    let without = directory(&target);
    fs::write(without.path().join("ca.pem"), ca.pem()).unwrap();
    run_it(without.path(), &[]).exits(3);
    assert_eq!(lines(&received), [""; 0]);
    let with = directory(&format!("{target}client = \"client.pem\"\n"));
    fs::write(with.path().join("ca.pem"), ca.pem()).unwrap();
    let own = key();
    let params = CertificateParams::new(vec!["client".to_owned()]).unwrap();
    let certificate = params.signed_by(&own, &ca).unwrap();
    let pem = certificate.pem() + &own.serialize_pem();
    fs::write(with.path().join("client.pem"), pem).unwrap();
    run_it(with.path(), &[]).exits(0);
    assert_eq!(lines(&received), SENT);
}

/// A proxy that connects whoever asks; its port, and how many it has connected.
fn proxy() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let connected = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connected);
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let count = Arc::clone(&count);
            thread::spawn(move || {
                let head = head(&mut client).unwrap_or_default();
                let Some(to) = head.strip_prefix("CONNECT ") else {
                    return;
                };
                count.fetch_add(1, Ordering::SeqCst);
                let mut server = TcpStream::connect(to.split(' ').next().unwrap()).unwrap();
                client
                    .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    .unwrap();
                let (mut from, mut back) =
                    (client.try_clone().unwrap(), server.try_clone().unwrap());
                thread::spawn(move || std::io::copy(&mut from, &mut back));
                let _ = std::io::copy(&mut server, &mut client);
            });
        }
    });
    (port, connected)
}

#[test]
fn every_request_goes_through_the_proxy_that_is_named() {
    let ca = authority();
    let (port, received) = serve(&ca, false);
    let (proxy, connected) = proxy();
    let target = directory(&format!(
        "endpoint = \"https://localhost:{port}\"\n[network]\nhttp = \"1.1\"\nca = \"ca.pem\"\nproxy = \"http://127.0.0.1:{proxy}\"\n"
    ));
    fs::write(target.path().join("ca.pem"), ca.pem()).unwrap();
    run_it(target.path(), &[]).exits(0);
    assert_eq!(lines(&received), SENT);
    assert_eq!(connected.load(Ordering::SeqCst), 2);
}

#[test]
fn a_redirect_to_another_origin_is_not_followed_and_is_a_finding() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let there = elsewhere.local_addr().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = head(&mut stream);
            let answer = format!(
                "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://{there}/steal\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    let target = directory(&format!(
        "endpoint = \"http://127.0.0.1:{port}\"\n[identities.owner]\nheaders = {{ X-Auth-Token = {{ file = \"token\" }} }}\n"
    ));
    fs::write(target.path().join("token"), "very-secret").unwrap();
    fs::write(
        target.path().join("it.yaml"),
        "steps:\n  - { request: GET /plain, then: { status: 307 } }\n",
    )
    .unwrap();
    let said = run_it(target.path(), &[]).exits(1);
    assert!(said.stdout.contains("redirect"), "{said:?}");
    let asked = elsewhere.accept().map(|(_, from)| from);
    assert_eq!(
        asked.map_err(|error| error.kind()),
        Err(std::io::ErrorKind::WouldBlock)
    );
    let report = fs::read_to_string(target.path().join("report.json")).unwrap();
    assert!(
        !report.contains("very-secret") && report.contains("X-Auth-Token of owner"),
        "{report}"
    );
}
