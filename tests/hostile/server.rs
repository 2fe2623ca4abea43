//! A server that treats one request badly and every other well.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// The path that is treated badly.
pub(crate) const HOSTILE: &str = "/hostile";

/// The same, as it is sent byte for byte.
pub(crate) const VERBATIM: &str = "/verbatim";

const HEALTHY: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{\"ok\":true}";

/// Bytes both ways.
pub(crate) trait Stream: Read + Write + Send {}
impl<S: Read + Write + Send> Stream for S {}

/// What is done with a connection on which the request has come.
pub(crate) type Act = fn(&mut dyn Stream);

/// Starts a server; its port.
pub(crate) fn start(act: Act) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream, act));
        }
    });
    port
}

/// A server that ends a connection by a reset after these bytes, if it is asked for the path; its port.
pub(crate) fn start_resetting(after: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut first = [0; 4 + VERBATIM.len()];
                let read = stream.peek(&mut first).unwrap_or(0);
                if String::from_utf8_lossy(&first[..read]).contains(HOSTILE) {
                    // Whatever is unread when a connection is closed resets it.
                    let _ = stream.write_all(after);
                    let _ = stream.flush();
                    thread::sleep(Duration::from_millis(50));
                    drop(stream);
                } else {
                    serve(stream, |_| {});
                }
            });
        }
    });
    port
}

/// Answers until the connection ends.
fn serve(mut stream: impl Stream, act: Act) {
    while let Some(path) = asked(&mut stream) {
        if [HOSTILE, VERBATIM].contains(&path.as_str()) {
            act(&mut stream);
            return;
        }
        if stream.write_all(HEALTHY).is_err() {
            return;
        }
    }
}

/// The path of the next request.
fn asked(stream: &mut impl Read) -> Option<String> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        bytes.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|it| it.strip_prefix("content-length: "));
    let length = length.map_or(0, |length| length.parse().unwrap());
    stream.read_exact(&mut vec![0; length]).ok()?;
    head.split(' ').nth(1).map(str::to_owned)
}

/// An authority, with which a server speaks TLS: first with a certificate for this name and these years, then with a
/// good one. Its port and the authority's certificate.
pub(crate) fn start_tls(name: &str, until: i32) -> (u16, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let config = |name: &str, until: i32| {
        let own = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let certificate = params.signed_by(&own, &ca).unwrap();
        let secret = PrivateKeyDer::try_from(own.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], secret);
        Arc::new(config.unwrap())
    };
    let (bad, good) = (config(name, until), config("localhost", 2100));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = AtomicUsize::new(0);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let config = match count.fetch_add(1, Ordering::SeqCst) {
                0 => Arc::clone(&bad),
                _ => Arc::clone(&good),
            };
            thread::spawn(move || serve(encrypted(config, stream), |_| {}));
        }
    });
    (port, ca.pem())
}

fn encrypted(
    config: Arc<ServerConfig>,
    stream: TcpStream,
) -> StreamOwned<ServerConnection, TcpStream> {
    StreamOwned::new(ServerConnection::new(config).unwrap(), stream)
}

/// A server that is there only after a while: whoever asks before is refused. Its port.
pub(crate) fn start_later(wait: Duration) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    thread::spawn(move || {
        thread::sleep(wait);
        let listener = TcpListener::bind(address).unwrap();
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream, |_| {}));
        }
    });
    address.port()
}
