//! The identity service: who gets a token, what it says, and when it ends.

use std::time::Duration;

use super::*;

/// Asks for a token of a project.
fn sign_in(desk: &Desk, identity: &Value, project: &Value) -> Answer {
    let mut content = json!({"auth": {"identity": identity}});
    if !project.is_null() {
        content["auth"]["scope"] = json!({"project": project});
    }
    desk.send("POST", "/v3/auth/tokens", None, &content.to_string())
}

fn password(user: &str, password: &str) -> Value {
    let user = json!({"name": user, "password": password, "domain": {"id": "default"}});
    json!({"methods": ["password"], "password": {"user": user}})
}

fn named(project: &str) -> Value {
    json!({"name": project, "domain": {"name": "Default"}})
}

fn token_of(answer: &Answer) -> &str {
    assert_eq!(answer.status, 201, "{answer:?}");
    let header = answer
        .headers
        .iter()
        .find(|(name, _)| *name == "x-subject-token");
    &header.expect("a token").1
}

#[test]
fn a_token_is_its_users_until_it_ends() {
    for dialect in ALL {
        let desk = Desk::with(Config {
            token_life: Duration::from_secs(2),
            ..Config::new(dialect)
        });
        let answer = sign_in(&desk, &password("owner", "assize-owner"), &named("owner"));
        let token = token_of(&answer);
        assert_eq!(answer.at("/token/issued_at"), "1970-01-01T00:00:00.000000Z");
        assert_eq!(
            answer.at("/token/expires_at"),
            "1970-01-01T00:00:02.000000Z"
        );
        assert_eq!(answer.at("/token/project/id"), crate::emulator::PROJECT_A);
        assert_eq!(answer.at("/token/catalog/1/type"), "load-balancer");
        assert_eq!(
            answer.at("/token/catalog/1/endpoints/0/url"),
            "http://127.0.0.1:1"
        );
        let list = || {
            desk.send("GET", "/v2.0/lbaas/pools", Some(token), "")
                .status
        };
        assert_eq!(list(), 200);
        desk.now.set(desk.now.get() + Duration::from_millis(1999));
        assert_eq!(list(), 200);
        desk.now.set(desk.now.get() + Duration::from_millis(1));
        assert_eq!(list(), 401);
    }
}

#[test]
fn only_the_right_proof_for_the_right_project_is_taken() {
    let desk = Desk::new(Dialect::Octavia);
    let credential = |secret: &str| {
        let own = json!({"id": "owner", "secret": secret});
        json!({"methods": ["application_credential"], "application_credential": own})
    };
    let token = |id: &str| json!({"methods": ["token"], "token": {"id": id}});
    let issued = sign_in(&desk, &credential("assize-owner"), &Value::Null);
    let issued = token_of(&issued).to_owned();
    for (identity, project, status) in [
        (password("owner", "assize-owner"), named("owner"), 201),
        (
            password("owner", "assize-owner"),
            json!({"id": crate::emulator::PROJECT_A}),
            201,
        ),
        (password("readonly", "assize-readonly"), named("owner"), 201),
        (token(&issued), named("owner"), 201),
        (token("assize-other"), named("other"), 201),
        (password("owner", "assize-other"), named("owner"), 401),
        (password("nobody", "assize-owner"), named("owner"), 401),
        (password("owner", "assize-owner"), named("other"), 401),
        (credential("wrong"), Value::Null, 401),
        (token("wrong"), named("owner"), 401),
        (password("owner", "assize-owner"), Value::Null, 400),
        (credential("assize-owner"), named("owner"), 400),
        (json!({"methods": []}), named("owner"), 400),
    ] {
        let answer = sign_in(&desk, &identity, &project);
        assert_eq!(
            answer.status, status,
            "{identity} for {project}: {answer:?}"
        );
    }
    assert_eq!(desk.send("POST", "/v3/auth/tokens", None, "{").status, 400);
    assert_eq!(desk.send("PUT", "/v3/auth/tokens", None, "").status, 405);
    assert_eq!(desk.send("GET", "/v3", None, "").at("/version/id"), "v3.14");
}

#[test]
fn what_asks_for_a_change_is_counted_whatever_comes_of_it() {
    let desk = Desk::with(Config {
        count: true,
        ..Config::new(Dialect::OtcV2)
    });
    let load_balancer = desk.load_balancer();
    let path = full(&format!("loadbalancers/{load_balancer}"));
    desk.get(&format!("loadbalancers/{load_balancer}"));
    desk.send("DELETE", &path, None, "");
    desk.send("DELETE", &path, Some("assize-owner"), "");
    let asked = desk.api.asked();
    assert_eq!(asked[&("DELETE".to_owned(), path)], 2);
    assert!(asked.keys().all(|(method, _)| method != "GET"), "{asked:?}");
}
