//! What only the wire shows: sockets, headers, hostile bytes.

use reqwest::{Client, Method, Response, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::emulator::{Defect, Emulator, Running};

async fn serve(dialect: Dialect) -> Running {
    serve_with(dialect, &[]).await
}

async fn serve_with(dialect: Dialect, defects: &[Defect]) -> Running {
    let config = Config {
        quotas: Quotas::UNLIMITED,
        defects: defects.to_vec(),
        ..Config::new(dialect)
    };
    let emulator = Emulator::bind(config, ([127, 0, 0, 1], 0).into())
        .await
        .expect("a free port");
    emulator.serve()
}

fn client() -> Client {
    // Another test may have been first; one provider is as good as the other.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().build().expect("a client")
}

async fn send(
    running: &Running,
    method: &str,
    path: &str,
    body: impl Into<reqwest::Body>,
) -> Response {
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let request = client().request(method, format!("{}{path}", running.url()));
    request
        .header("X-Auth-Token", "assize-owner")
        .body(body)
        .send()
        .await
        .expect("an answer")
}

#[tokio::test]
async fn a_pool_lives_and_dies_over_http() {
    for dialect in ALL {
        let running = serve(dialect).await;
        let created = send(
            &running,
            "POST",
            "/v2.0/lbaas/loadbalancers",
            json!({"loadbalancer": {"vip_subnet_id": SUBNET}}).to_string(),
        )
        .await;
        assert_eq!(created.status(), StatusCode::CREATED);
        assert_eq!(created.headers()["content-type"], "application/json");
        let has_request_id = created.headers().get("x-openstack-request-id").is_some();
        assert_eq!(has_request_id, dialect != Dialect::OtcV2);
        let body: Value =
            serde_json::from_slice(&created.bytes().await.expect("a body")).expect("JSON");
        let load_balancer = body["loadbalancer"]["id"].as_str().expect("an id");
        let pool = json!({"pool": pool_of("loadbalancer_id", load_balancer)}).to_string();
        let created = eventually(&running, "POST", "/v2.0/lbaas/pools", &pool).await;
        assert_eq!(created.status(), StatusCode::CREATED);
        let body: Value =
            serde_json::from_slice(&created.bytes().await.expect("a body")).expect("JSON");
        let pool = format!(
            "/v2.0/lbaas/pools/{}",
            body["pool"]["id"].as_str().expect("an id")
        );
        let deleted = eventually(&running, "DELETE", &pool, "").await;
        assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
        assert!(deleted.headers().get("content-type").is_none());
        assert!(deleted.headers().get("content-length").is_none());
        assert!(deleted.bytes().await.expect("a body").is_empty());
        let gone = eventually(&running, "DELETE", &pool, "").await;
        assert_eq!(gone.status(), StatusCode::NOT_FOUND);
        assert_eq!(running.objects(), 1);
        running.shutdown().await.expect("a clean end");
    }
}

/// Repeats while the load balancer is locked, for a few seconds at most.
async fn eventually(running: &Running, method: &str, path: &str, body: &str) -> Response {
    let repeated = async {
        loop {
            let answer = send(running, method, path, body.to_owned()).await;
            if answer.status() != StatusCode::CONFLICT {
                return answer;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), repeated)
        .await
        .expect("the lock ends")
}

#[tokio::test]
async fn a_method_that_a_path_lacks_is_answered_with_those_it_has() {
    for dialect in ALL {
        let running = serve(dialect).await;
        let item = format!("/v2.0/lbaas/pools/{NOBODY}");
        for (method, path, allow) in [
            ("POST", item.as_str(), "DELETE, GET, PUT"),
            ("PATCH", &item, "DELETE, GET, PUT"),
            ("HEAD", &item, "DELETE, GET, PUT"),
            ("OPTIONS", &item, "DELETE, GET, PUT"),
            ("BREW", &item, "DELETE, GET, PUT"),
            ("DELETE", "/v2.0/lbaas/pools", "GET, POST"),
            ("POST", "/", "GET"),
        ] {
            let answer = send(&running, method, path, "").await;
            assert_eq!(
                answer.status(),
                StatusCode::METHOD_NOT_ALLOWED,
                "{method} {path}"
            );
            assert_eq!(answer.headers()["allow"], allow);
        }
    }
}

#[tokio::test]
async fn an_unknown_path_is_not_found_in_the_dialects_shape() {
    for (dialect, version, shape) in [
        (Dialect::OtcV2, "ELB.1110", "APIGW.0101"),
        (Dialect::Octavia, "faultstring", "faultstring"),
        (Dialect::NeutronLbaas, "\"title\"", "\"title\""),
    ] {
        let running = serve(dialect).await;
        for (path, words) in [
            ("/v2.0/lbaas/towers", shape),
            ("/v2.0/lbaas", shape),
            ("/v2.0/lbaas/pools/a/b", shape),
            ("/favicon.ico", shape),
            ("/v9/lbaas/pools", version),
            ("/v2.0/lbaas/pools/%ff", ""),
            ("/v2.0/lbaas/pools%2F", ""),
            ("/v2.0/lbaas/pools/a%2Fb", shape),
            ("//v2.0/lbaas/pools", ""),
        ] {
            let answer = send(&running, "GET", path, "").await;
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
            let text = answer.text().await.expect("text");
            assert!(text.contains(words), "{words} not in {text}");
        }
    }
}

#[tokio::test]
async fn the_versions_need_no_token() {
    for dialect in ALL {
        let running = serve(dialect).await;
        let answer = client()
            .get(format!("{}/", running.url()))
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK);
        let body: Value =
            serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON");
        assert_eq!(body["versions"][0]["id"], "v2.0");
    }
}

#[tokio::test]
async fn a_path_without_its_id_is_refused_by_otc() {
    let running = serve(Dialect::OtcV2).await;
    let answer = send(&running, "DELETE", "/v2.0/lbaas/pools/", "").await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert!(answer.text().await.expect("text").contains("ELB.9806"));
    let running = serve(Dialect::Octavia).await;
    assert_eq!(
        send(&running, "GET", "/v2.0/lbaas/pools/", "")
            .await
            .status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn octavia_answers_those_who_accept_json_only() {
    for (dialect, status) in [
        (Dialect::Octavia, 406),
        (Dialect::OtcV2, 200),
        (Dialect::NeutronLbaas, 200),
    ] {
        let running = serve(dialect).await;
        for (accept, expected) in [
            ("text/html", status),
            ("text/html, application/json;q=0.5", 200),
            ("*/*", 200),
        ] {
            let url = format!("{}/v2.0/lbaas/pools", running.url());
            let request = client()
                .get(url)
                .header("X-Auth-Token", "assize-owner")
                .header("Accept", accept);
            assert_eq!(request.send().await.expect("an answer").status(), expected);
        }
    }
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused() {
    for dialect in ALL {
        let running = serve(dialect).await;
        let answer = send(
            &running,
            "POST",
            "/v2.0/lbaas/pools",
            vec![b' '; 2 * 1024 * 1024 + 1],
        )
        .await;
        assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
        let deep = "[".repeat(100_000);
        let answer = send(
            &running,
            "POST",
            "/v2.0/lbaas/pools",
            format!("{{\"pool\":{deep}"),
        )
        .await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn hostile_bytes_do_not_stop_it() {
    let running = serve(Dialect::OtcV2).await;
    let address = running.url().trim_start_matches("http://").to_owned();
    for bytes in [
        b"\x00\xff\xfe\r\n\r\n".as_slice(),
        b"GET /v2.0/lbaas/pools\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"DELETE * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"CONNECT pools:80 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET http://elsewhere/v2.0/lbaas/pools?limit=%zz&%=%&=&& HTTP/1.1\r\nHost: x\r\nX-Auth-Token: assize-owner\r\nConnection: close\r\n\r\n",
        b"POST /v2.0/lbaas/pools HTTP/1.1\r\nHost: x\r\nX-Auth-Token: \xff\r\nContent-Length: 1\r\nConnection: close\r\n\r\n\xff",
    ] {
        let mut stream = TcpStream::connect(&address).await.expect("a connection");
        stream.write_all(bytes).await.expect("written");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("an end");
        assert!(!answer.starts_with(b"HTTP/1.1 5"), "{}", String::from_utf8_lossy(&answer));
    }
    // A client that goes away in the middle of its body.
    let mut stream = TcpStream::connect(&address).await.expect("a connection");
    stream
        .write_all(b"POST /v2.0/lbaas/pools HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
        .await
        .expect("written");
    drop(stream);
    assert_eq!(
        send(&running, "GET", "/v2.0/lbaas/pools", "")
            .await
            .status(),
        StatusCode::OK
    );
    assert_eq!(running.objects(), 0);
}

#[tokio::test]
async fn of_many_deletes_at_once_one_succeeds() {
    for dialect in ALL {
        for clients in [1, 8] {
            let running = serve(dialect).await;
            let body = json!({"loadbalancer": {"vip_subnet_id": SUBNET}}).to_string();
            let created = send(&running, "POST", "/v2.0/lbaas/loadbalancers", body).await;
            let body: Value =
                serde_json::from_slice(&created.bytes().await.expect("a body")).expect("JSON");
            let path = format!(
                "/v2.0/lbaas/loadbalancers/{}",
                body["loadbalancer"]["id"].as_str().expect("an id")
            );
            // An update waits the creation out, and leaves the lock that one client finds.
            let renamed = json!({"loadbalancer": {"name": "n"}}).to_string();
            assert_eq!(
                eventually(&running, "PUT", &path, &renamed).await.status(),
                StatusCode::OK
            );
            let deletes = (0..clients).map(|_| async {
                eventually(&running, "DELETE", &path, "")
                    .await
                    .status()
                    .as_u16()
            });
            let mut answers = futures_util::future::join_all(deletes).await;
            answers.sort_unstable();
            let mut expected = vec![204];
            expected.resize(clients, 404);
            assert_eq!(answers, expected);
        }
    }
}

#[tokio::test]
async fn a_shutdown_ends_even_while_a_client_holds_on() {
    let running = serve(Dialect::OtcV2).await;
    let address = running.url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).await.expect("a connection");
    stream
        .write_all(b"GET / HTTP/1.1\r\n")
        .await
        .expect("written");
    running.shutdown().await.expect("an end");
    assert!(TcpStream::connect(&address).await.is_err());
}

#[tokio::test]
async fn a_dropped_emulator_stops_to_accept() {
    let running = serve(Dialect::OtcV2).await;
    let address = running.url().trim_start_matches("http://").to_owned();
    drop(running);
    let refused = async { while TcpStream::connect(&address).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(10), refused)
        .await
        .expect("it stops");
}

/// The path of a new pool, alone on a load balancer of its own.
async fn new_pool(running: &Running) -> String {
    let mut parent = json!({"loadbalancer": {"vip_subnet_id": SUBNET}});
    let mut id = String::new();
    for (plural, singular) in [("loadbalancers", "loadbalancer"), ("pools", "pool")] {
        let path = format!("/v2.0/lbaas/{plural}");
        let created = eventually(running, "POST", &path, &parent.to_string()).await;
        let body: Value =
            serde_json::from_slice(&created.bytes().await.expect("a body")).expect("JSON");
        id = body[singular]["id"].as_str().expect("an id").to_owned();
        parent = json!({"pool": pool_of("loadbalancer_id", &id)});
    }
    format!("/v2.0/lbaas/pools/{id}")
}

#[tokio::test]
async fn a_lost_connection_has_no_answer_and_the_pool_is_gone() {
    let running = serve_with(Dialect::OtcV2, &[Defect::ConnectionLost]).await;
    let pool = new_pool(&running).await;
    let request = client().delete(format!("{}{pool}", running.url()));
    let end = request.header("X-Auth-Token", "assize-owner").send().await;
    assert!(end.is_err(), "{end:?}");
    let read = send(&running, "GET", &pool, "").await;
    assert_eq!(read.status(), StatusCode::NOT_FOUND);
    running.shutdown().await.expect("a clean end");
}

#[tokio::test]
async fn what_is_wrong_with_an_answer_is_on_the_wire() {
    let unknown = format!("/v2.0/lbaas/pools/{NOBODY}");
    for (defect, status, content_type, json) in [
        (Defect::ErrorAsHtml, 404, "text/html; charset=utf-8", true),
        (Defect::TruncatedError, 404, "application/json", false),
        (Defect::ErrorWithoutBody, 404, "", false),
        (Defect::DeletionAnswersBody, 204, "application/json", false),
        (Defect::DeletionAnswersPool, 200, "application/json", true),
    ] {
        let running = serve_with(Dialect::OtcV2, &[defect]).await;
        let path = if status == 404 {
            unknown.clone()
        } else {
            new_pool(&running).await
        };
        let answer = send(&running, "DELETE", &path, "").await;
        let name = defect.name();
        assert_eq!(answer.status().as_u16(), status, "{name}");
        let shown = answer
            .headers()
            .get("content-type")
            .map_or("", |it| it.to_str().expect("a text"));
        assert_eq!(shown, content_type, "{name}");
        let body = answer.bytes().await.expect("a body");
        let parsed = serde_json::from_slice::<Value>(&body);
        assert_eq!(parsed.is_ok(), json, "{name}");
        running.shutdown().await.expect("a clean end");
    }
}
