//! What is not the run's own is neither changed by an act nor removed by clean-up.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use serde_json::{Value as Json, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::{Said, Serving, assize, run};

const SUBNET: &str = "5a9a3e9e-d1aa-448e-af37-a70171f2a332";

/// An address of this machine that does not look like one.
fn elsewhere(url: &str) -> String {
    url.replace("127.0.0.1", "0.0.0.0")
}

/// Creates an object as somebody who is no run, and gives its id.
fn of_somebody(serving: &Serving, kind: &str, fields: Json) -> String {
    let body = json!({ kind: fields }).to_string();
    let at = format!("/v2.0/lbaas/{kind}s");
    let (status, answer) = serving.send("POST", &at, "assize-owner", &body);
    assert_eq!(status, 201, "{answer}");
    answer[kind]["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_write_that_names_an_object_of_somebody_else_is_not_sent() {
    let serving = Serving::new(&["--dialect", "otc-v2"]);
    let balancer = of_somebody(
        &serving,
        "loadbalancer",
        json!({ "name": "ours", "vip_subnet_id": SUBNET }),
    );
    let pool = of_somebody(
        &serving,
        "pool",
        json!({ "name": "precious", "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN", "loadbalancer_id": balancer }),
    );
    let directory = tempfile::tempdir().unwrap();
    let first = "GET /v2.0/lbaas/pools?name=precious";
    fs::write(
        directory.path().join("it.yaml"),
        format!(
            r#"scenarios:
  - id: told
    title: an id that a list told
    given: pool
    when:
      - {{ request: "{first}", then: {{ status: 200 }}, capture: {{ theirs: "body.pools[0].id" }} }}
      - request: DELETE /v2.0/lbaas/pools/{{{{ theirs }}}}
    then: {{ status: 409 }}
  - id: below
    title: something below what a list told
    given: pool
    when:
      - {{ request: "{first}", then: {{ status: 200 }}, capture: {{ theirs: "body.pools[0].id" }} }}
      - {{ request: "POST /v2.0/lbaas/pools/{{{{ theirs }}}}/members", json: {{ member: {{}} }} }}
    then: {{ status: 400 }}
  - id: configured
    title: an id that the target gives
    given: pool
    when: DELETE /v2.0/lbaas/pools/{{{{ tls_container_ref }}}}
    then: {{ status: 404 }}
  - id: read
    title: a read of what a list told
    given: pool
    when:
      - {{ request: "{first}", then: {{ status: 200 }}, capture: {{ theirs: "body.pools[0].id" }} }}
      - GET /v2.0/lbaas/pools/{{{{ theirs }}}}
    then: {{ status: 200 }}
  - id: captured
    title: what an answer to a creation of its own told
    given: pool
    when:
      - {{ do: create pool, creates: {{ second: pool }}, capture: {{ mine: body.pool.id }} }}
      - DELETE /v2.0/lbaas/pools/{{{{ mine }}}}
    then: {{ status: 204 }}
  - id: made-up
    title: an id of nobody
    given: pool
    when: DELETE /v2.0/lbaas/pools/{{{{ pool.id[:-4] ~ 'beef' }}}}
    then: {{ status: 404 }}
"#
        ),
    )
    .unwrap();
    let own = format!("tls_container_ref={pool}");
    let at = |endpoint: &str| {
        let arguments = [
            "run",
            "--suite",
            "lbaas-v2",
            "--profile",
            "otc-v2",
            "it.yaml",
            "--allow-writes",
            "--var",
            "owner_token=assize-owner",
            "--var",
            &own,
            "--endpoint",
            endpoint,
        ];
        run(directory.path(), &arguments)
    };
    let said = at(&elsewhere(&serving.url)).exits(3);
    for (id, whose) in [
        (
            "told",
            "which the answer to GET /v2.0/lbaas/pools?name=precious told of",
        ),
        (
            "below",
            "which the answer to GET /v2.0/lbaas/pools?name=precious told of",
        ),
        (
            "configured",
            "the variable `tls_container_ref` of the target",
        ),
    ] {
        let line = said
            .stdout
            .lines()
            .find(|line| line.contains(&format!("it/{id} ")));
        assert!(
            line.is_some_and(|it| it.starts_with("ERROR")),
            "{id}: {said:?}"
        );
        assert!(said.stdout.contains(whose), "{id}: {said:?}");
    }
    assert!(said.stdout.contains("3 passed"), "{said:?}");
    assert_eq!(
        serving.names(),
        ["loadbalancers ours", "pools precious"],
        "{said:?}"
    );
    // On this machine's own address a suite may do as it likes.
    at(&serving.url);
    assert_eq!(serving.names(), ["loadbalancers ours"]);
}

#[test]
fn a_run_that_the_quota_has_no_room_for_ends_before_it_creates_anything() {
    let serving = Serving::new(&[
        "--dialect",
        "octavia",
        "--pending",
        "1ms",
        "--quota",
        "loadbalancers=3",
    ]);
    of_somebody(
        &serving,
        "loadbalancer",
        json!({ "name": "ours", "vip_subnet_id": SUBNET }),
    );
    serving.calm();
    let directory = tempfile::tempdir().unwrap();
    let with = |more: &[&str]| {
        let all = [
            "run",
            "--suite",
            "lbaas-v2",
            "--profile",
            "octavia",
            "--filter",
            "pools/delete/clean/*",
            "--endpoint",
            &serving.url,
        ];
        run(directory.path(), &[&all, more].concat())
    };
    let said = with(&["--jobs", "4"]).exits(2);
    assert!(
        said.stderr.contains(
            "the endpoint allows 3 of `loadbalancer` and has 1, and the run may need 4 at once; hold back with --at-most loadbalancer=2, or with fewer --jobs"
        ),
        "{said:?}"
    );
    assert_eq!(serving.names(), ["loadbalancers ours"]);
    assert!(!directory.path().join("assize-ledger").exists());
    with(&["--jobs", "4", "--at-most", "loadbalancer=2"]).exits(0);
    with(&["--jobs", "2"]).exits(0);
    serving.calm();
    assert_eq!(serving.names(), ["loadbalancers ours"]);
}

/// A server that answers a creation with an object of somebody else, which it would delete.
async fn confused(name: &str) -> MockServer {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = MockServer::builder().listener(listener).start().await;
    let thing = json!({ "id": "7", "name": name });
    for (verb, at, answer) in [
        (
            "POST",
            "/things",
            ResponseTemplate::new(201).set_body_json(&thing),
        ),
        (
            "GET",
            "/things/7",
            ResponseTemplate::new(200).set_body_json(&thing),
        ),
        ("DELETE", "/things/7", ResponseTemplate::new(204)),
        (
            "PUT",
            "/things/7",
            ResponseTemplate::new(200).set_body_json(&thing),
        ),
    ] {
        Mock::given(method(verb))
            .and(path(at))
            .respond_with(answer)
            .mount(&server)
            .await;
    }
    server
}

async fn against(server: &MockServer, directory: &Path) -> (Said, usize) {
    fs::create_dir_all(directory.join("use/resources")).unwrap();
    fs::create_dir_all(directory.join("all")).unwrap();
    let write = |file: &str, text: &str| fs::write(directory.join(file), text).unwrap();
    write("suite.yaml", "suite: things\nuse: use\nscenarios: all\n");
    write(
        "use/resources/thing.yaml",
        "resource: thing\nparams: { name: \"{{ unique_name }}\" }\ncreate: { request: POST /things, json: { name: \"{{ name }}\" } }\nobject: \"{{ body }}\"\nread: GET /things/{{ thing.id }}\ndelete: DELETE /things/{{ thing.id }}\n",
    );
    write(
        "all/it.yaml",
        "title: t\ngiven: { thing: { name: mine } }\nwhen: GET /things/{{ thing.id }}\nthen: { status: 200 }\n",
    );
    let (own, uri) = (directory.to_path_buf(), server.uri());
    let said = tokio::task::spawn_blocking(move || {
        let arguments = ["run", "--suite", ".", "--endpoint", &uri];
        Said::from(assize(&own).args(arguments).output().unwrap())
    });
    let said = said.await.unwrap();
    let asked = server.received_requests().await.unwrap();
    let deleted = asked.iter().filter(|it| it.method == "DELETE").count();
    (said, deleted)
}

#[tokio::test(flavor = "multi_thread")]
async fn clean_up_removes_nothing_whose_name_the_run_did_not_give() {
    let directory = tempfile::tempdir().unwrap();
    let server = confused("theirs").await;
    let (said, deleted) = against(&server, directory.path()).await;
    assert_eq!(deleted, 0, "{said:?}");
    let said = said.exits(5);
    assert!(
        said.stdout
            .contains("not deleted: its name is `theirs`, which this run did not give it"),
        "{said:?}"
    );

    // A name that the case gave is the run's, too.
    let server = confused("mine").await;
    let (said, deleted) = against(&server, directory.path()).await;
    assert!(deleted > 0, "{said:?}");
}

#[test]
fn a_proof_keeps_no_ledger_of_servers_of_its_own() {
    let serving = Serving::new(&["--dialect", "otc-v2"]);
    let directory = tempfile::tempdir().unwrap();
    let arguments = [
        "prove",
        "--suite",
        "lbaas-v2",
        "--profile",
        "otc-v2",
        "--filter",
        "pools/delete/unknown_ids/*",
        "--only",
        "null/always-*",
        "--endpoint",
        &serving.url,
    ];
    let said = run(directory.path(), &arguments).exits(0);
    assert!(
        said.stdout.contains("0 of 4 mutants got through"),
        "{said:?}"
    );
    assert!(!directory.path().join("assize-ledger").exists(), "{said:?}");
    assert_eq!(serving.names(), [""; 0]);
}
