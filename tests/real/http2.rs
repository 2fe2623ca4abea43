//! Endpoints that speak HTTP/2 and nothing else.

use std::convert::Infallible;
use std::fs;
use std::sync::{Arc, Mutex};

use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::network::{authority, key};
use crate::run;

type Seen = Arc<Mutex<Vec<String>>>;

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, seen: Seen) {
    let answer = service_fn(move |request: Request<Incoming>| {
        let line = format!("{} {}", request.method(), request.uri().path());
        assert_eq!(request.version(), Version::HTTP_2);
        seen.lock().unwrap().push(line);
        async { Ok::<_, Infallible>(Response::new("ok".to_owned())) }
    });
    let connection = http2::Builder::new(TokioExecutor::new());
    // A client that speaks something else gets no answer.
    let _ = connection
        .serve_connection(TokioIo::new(stream), answer)
        .await;
}

/// A server that speaks HTTP/2 alone, in the clear or as a TLS configuration negotiates; its port.
async fn server(tls: Option<ServerConfig>) -> (u16, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Seen::default();
    let kept = Arc::clone(&seen);
    let tls = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (seen, tls) = (Arc::clone(&kept), tls.clone());
            tokio::spawn(async move {
                match tls {
                    None => serve(stream, seen).await,
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            serve(stream, seen).await;
                        }
                    }
                }
            });
        }
    });
    (port, seen)
}

const SCENARIO: &str = "steps:\n  - { request: GET /plain?a=b, then: { status: 200, body: ok } }\n  - { request: DELETE /content, json: { a: 1 }, then: { status: 200 } }\n";

async fn against(target: &str, certificate: &str) -> crate::Said {
    let directory = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| fs::write(directory.path().join(file), text).unwrap();
    write("it.yaml", SCENARIO);
    write("assize.toml", target);
    write("ca.pem", certificate);
    let said = tokio::task::spawn_blocking(move || run(directory.path(), &["run", "it.yaml"]));
    said.await.unwrap()
}

const SENT: [&str; 2] = ["GET /plain", "DELETE /content"];

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_in_the_clear_is_spoken_to_in_http_2_when_that_is_said() {
    let (port, seen) = server(None).await;
    let endpoint = format!("endpoint = \"http://127.0.0.1:{port}\"\n");
    against(&format!("{endpoint}[network]\nhttp = \"2\"\n"), "")
        .await
        .exits(0);
    assert_eq!(*seen.lock().unwrap(), SENT);
    let said = against(&endpoint, "").await.exits(3);
    assert!(said.stdout.contains("GET /plain?a=b: "), "{said:?}");
    assert_eq!(seen.lock().unwrap().len(), 2, "nothing else was understood");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_negotiates_nothing_but_http_2_is_spoken_to_in_it() {
    let ca = authority();
    let own = key();
    let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&own, &ca).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let secret = PrivateKeyDer::try_from(own.serialize_der()).unwrap();
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], secret)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let (port, seen) = server(Some(config)).await;
    let endpoint = format!("endpoint = \"https://localhost:{port}\"\n[network]\nca = \"ca.pem\"\n");
    against(&format!("{endpoint}http = \"2\"\n"), &ca.pem())
        .await
        .exits(0);
    assert_eq!(*seen.lock().unwrap(), SENT);
    seen.lock().unwrap().clear();
    // Not said, it is negotiated; content where none is expected goes out in HTTP/1.1, which is refused.
    let said = against(&endpoint, &ca.pem()).await.exits(3);
    assert_eq!(*seen.lock().unwrap(), SENT[..1]);
    assert!(said.stdout.contains("DELETE /content"), "{said:?}");
}
