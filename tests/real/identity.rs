//! Who sends: signed in at a Keystone, renewed in time, and told to nobody.

use std::fs;
use std::path::Path;

use serde_json::json;
use wiremock::matchers::{body_partial_json, header, method, path, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::{Serving, run};

fn keystone(url: &str, user: &str) -> String {
    format!(
        "[identities.{user}.keystone]\nauth_url = \"{url}/v3\"\nusername = \"{user}\"\npassword = {{ file = \"{user}.password\" }}\nproject_name = \"{user}\"\n"
    )
}

fn directory(target: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("assize.toml"), target).unwrap();
    for user in ["owner", "other"] {
        let password = format!("assize-{user}\n");
        fs::write(directory.path().join(format!("{user}.password")), password).unwrap();
    }
    directory
}

fn written(directory: &Path) -> String {
    let files = ["report.json", "report.html", "report.xml"];
    let text = files.map(|file| fs::read_to_string(directory.join(file)).unwrap_or_default());
    text.concat()
}

#[test]
fn a_run_signs_in_finds_the_endpoint_and_renews_its_tokens() {
    let serving = Serving::new(&[
        "--dialect",
        "octavia",
        "--pending",
        "5..20ms",
        "--token-life",
        "1s",
    ]);
    let target = format!(
        "suite = \"lbaas-v2\"\nservice = \"load-balancer\"\nprofile = \"octavia\"\n{}{}",
        keystone(&serving.url, "owner"),
        keystone(&serving.url, "other")
    );
    let directory = directory(&target);
    // With so few at once it takes longer than a token lives.
    let filter = "pools/delete/{identity,policies}/*";
    let arguments = [
        "run",
        "--jobs",
        "2",
        "--filter",
        filter,
        "--json",
        "report.json",
        "--junit",
        "report.xml",
    ];
    let said = run(directory.path(), &arguments).exits(0);
    assert!(
        said.stderr
            .contains(&format!("endpoint {} as octavia", serving.url)),
        "{said:?}"
    );
    assert_eq!(serving.names(), [""; 0]);
    let text = written(directory.path()) + &said.stdout + &said.stderr;
    assert!(!text.contains("gAAAAA"), "a token is told");
    assert!(text.contains("pools/delete/identity/"), "{text}");
}

#[test]
fn the_clouds_of_openstack_and_its_variables_say_who_as_well() {
    let serving = Serving::new(&["--dialect", "octavia"]);
    let target = "suite = \"lbaas-v2\"\nservice = \"octavia\"\nprofile = \"octavia\"\n";
    let directory = directory(target);
    let clouds = format!(
        "clouds:\n  here:\n    auth: {{ auth_url: {}, application_credential_id: owner }}\n    region_name: RegionOne\n",
        serving.url
    );
    fs::write(directory.path().join("clouds.yaml"), clouds).unwrap();
    let secure = "clouds: { here: { auth: { application_credential_secret: assize-owner } } }";
    fs::write(directory.path().join("secure.yaml"), secure).unwrap();
    let one = ["run", "--filter", "clean/clean-pool", "--os-cloud"];
    run(directory.path(), &[&one[..], &["here"]].concat()).exits(0);
    let said = run(directory.path(), &[&one[..], &["there"]].concat()).exits(2);
    assert!(
        said.stderr.contains("there is no cloud `there`"),
        "{said:?}"
    );
    let mut by_environment = crate::assize(directory.path());
    by_environment.args(one).arg("envvars");
    for (name, value) in [
        ("OS_AUTH_URL", serving.url.as_str()),
        ("OS_USERNAME", "owner"),
        ("OS_PASSWORD", "assize-owner"),
        ("OS_PROJECT_NAME", "owner"),
    ] {
        by_environment.env(name, value);
    }
    crate::Said::from(by_environment.output().unwrap()).exits(0);
    by_environment.env("OS_PASSWORD", "hunter2-wrong");
    let said = crate::Said::from(by_environment.output().unwrap()).exits(2);
    assert!(
        said.stderr.contains("the credentials are wrong"),
        "{said:?}"
    );
    assert!(!said.stderr.contains("hunter2"), "{said:?}");
    by_environment
        .env_remove("OS_PASSWORD")
        .env_remove("OS_PROJECT_NAME");
    let said = crate::Said::from(by_environment.output().unwrap()).exits(2);
    for part in [
        "`password` is missing",
        "`project_name` or `project_id` is missing",
        "2 problems",
    ] {
        assert!(said.stderr.contains(part), "{said:?}");
    }
}

const SUITE: &[(&str, &str)] = &[
    (
        "suite.yaml",
        "suite: things\nuse: thing.yaml\nscenarios: it.yaml\nidentities: { owner: {} }\n",
    ),
    (
        "thing.yaml",
        "resource: thing\ncreate: { request: POST /things, json: { name: '{{ unique_name }}' } }\nobject: '{{ body }}'\nread: GET /things/{{ thing.id }}\ndelete: DELETE /things/{{ thing.id }}\n",
    ),
];

async fn answers(server: &MockServer, verb: &str, at: &str, token: &str, answer: ResponseTemplate) {
    Mock::given(method(verb))
        .and(path_regex(at))
        .and(header("X-Auth-Token", token))
        .respond_with(answer)
        .mount(server)
        .await;
}

/// A server that issues `first`, and `second` from then on, and takes the first nowhere.
async fn revoking() -> MockServer {
    let server = MockServer::start().await;
    let token = |id: &str| {
        let content = json!({"token": {"issued_at": "2026-01-01T00:00:00Z", "expires_at": "2026-01-01T01:00:00Z"}});
        ResponseTemplate::new(201)
            .insert_header("X-Subject-Token", id)
            .set_body_json(content)
    };
    let issue = |id: &str| {
        Mock::given(method("POST"))
            .and(path("/v3/auth/tokens"))
            .and(body_partial_json(
                json!({"auth": {"identity": {"methods": ["password"]}}}),
            ))
            .respond_with(token(id))
    };
    issue("first-token").up_to_n_times(1).mount(&server).await;
    issue("second-token").mount(&server).await;
    let thing = json!({"id": "1"});
    answers(
        &server,
        "POST",
        "^/things$",
        "second-token",
        ResponseTemplate::new(201).set_body_json(&thing),
    )
    .await;
    answers(
        &server,
        "DELETE",
        "^/things/1$",
        "second-token",
        ResponseTemplate::new(204),
    )
    .await;
    answers(
        &server,
        "GET",
        "^/things/1$",
        "second-token",
        ResponseTemplate::new(404),
    )
    .await;
    Mock::given(path_regex("^/things"))
        .respond_with(ResponseTemplate::new(401))
        .mount(&server)
        .await;
    server
}

/// Runs the suite with this scenario; the server's requests by method and path.
async fn counted(server: &MockServer, scenario: &'static str) -> impl Fn(&str, &str) -> usize {
    let directory = directory(&format!(
        "endpoint = \"{0}\"\n{1}",
        server.uri(),
        keystone(&server.uri(), "owner")
    ));
    for (name, text) in SUITE {
        fs::write(directory.path().join(name), text).unwrap();
    }
    fs::write(directory.path().join("it.yaml"), scenario).unwrap();
    let path = directory.path().to_path_buf();
    let said = tokio::task::spawn_blocking(move || run(&path, &["run"]))
        .await
        .unwrap();
    said.exits(0);
    let requests = server.received_requests().await.unwrap();
    move |verb, at| {
        let own = requests
            .iter()
            .filter(|it| it.method.as_str() == verb && it.url.path() == at);
        own.count()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_refused_is_renewed_once_and_a_case_goes_by_what_its_act_comes_to() {
    let server = revoking().await;
    let refused = "scenarios:\n  - { id: one, given: thing, when: 'PUT /things/{{ thing.id }}', then: { status: 401 } }\n";
    let count = counted(&server, refused).await;
    assert_eq!(count("POST", "/v3/auth/tokens"), 2);
    assert_eq!(
        count("POST", "/things"),
        2,
        "set-up is tried with the new token"
    );
    assert_eq!(count("PUT", "/things/1"), 1, "the act is not");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_whose_token_ends_before_its_act_is_begun_afresh() {
    let server = revoking().await;
    let thing = json!({"id": "1"});
    let made = ResponseTemplate::new(201).set_body_json(&thing);
    Mock::given(method("POST"))
        .and(path("/things"))
        .and(header("X-Auth-Token", "first-token"))
        .respond_with(made)
        .with_priority(1)
        .mount(&server)
        .await;
    Mock::given(method("PUT"))
        .and(path("/things/1"))
        .and(header("X-Auth-Token", "second-token"))
        .respond_with(ResponseTemplate::new(200).set_body_json(&thing))
        .with_priority(1)
        .mount(&server)
        .await;
    let taken = "scenarios:\n  - { id: one, given: thing, when: 'PUT /things/{{ thing.id }}', then: { status: 200 } }\n";
    let count = counted(&server, taken).await;
    assert_eq!(count("POST", "/things"), 2, "there are new objects");
    assert_eq!(count("PUT", "/things/1"), 2, "one act for each");
    assert_eq!(
        count("DELETE", "/things/1"),
        3,
        "one for each, and one in vain"
    );
}
