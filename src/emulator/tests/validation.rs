//! Mandatory fields, ranges, create-only attributes, and what does not go together.

use super::*;

/// A desk with a load balancer, an HTTP listener and a pool.
struct Scene {
    desk: Desk,
    load_balancer: String,
    listener: String,
    pool: String,
}

fn scene(dialect: Dialect) -> Scene {
    let desk = Desk::new(dialect);
    let load_balancer = desk.load_balancer();
    let listener = desk.listener(&load_balancer, 80);
    let pool = desk.pool(&load_balancer);
    Scene {
        desk,
        load_balancer,
        listener,
        pool,
    }
}

impl Scene {
    /// A valid body of each kind: path, key, fields, and which of them are mandatory.
    fn bodies(&self) -> Vec<(String, &'static str, Value, Vec<&'static str>)> {
        let Self {
            load_balancer,
            listener,
            pool,
            ..
        } = self;
        let policy = self.desk.policy(listener, pool);
        vec![
            (
                "loadbalancers".into(),
                "loadbalancer",
                json!({"vip_subnet_id": SUBNET}),
                vec!["vip_subnet_id"],
            ),
            (
                "listeners".into(),
                "listener",
                json!({"loadbalancer_id": load_balancer, "protocol": "HTTP", "protocol_port": 81}),
                vec!["loadbalancer_id", "protocol", "protocol_port"],
            ),
            (
                "pools".into(),
                "pool",
                pool_of("loadbalancer_id", load_balancer),
                vec!["loadbalancer_id", "protocol", "lb_algorithm"],
            ),
            (
                format!("pools/{pool}/members"),
                "member",
                json!({"address": "10.0.0.8", "protocol_port": 80, "subnet_id": SUBNET}),
                vec!["address", "protocol_port", "subnet_id"],
            ),
            (
                "healthmonitors".into(),
                "healthmonitor",
                json!({"pool_id": pool, "type": "HTTP", "delay": 5, "timeout": 3, "max_retries": 3}),
                vec!["pool_id", "type", "delay", "timeout", "max_retries"],
            ),
            (
                "l7policies".into(),
                "l7policy",
                json!({"listener_id": listener, "action": "REDIRECT_TO_POOL", "redirect_pool_id": pool}),
                vec!["listener_id", "action"],
            ),
            (
                format!("l7policies/{policy}/rules"),
                "rule",
                json!({"type": "PATH", "compare_type": "STARTS_WITH", "value": "/a"}),
                vec!["type", "compare_type", "value"],
            ),
        ]
    }

    /// Refused with this status, these words, and no trace.
    fn assert_refused(&self, path: &str, key: &str, fields: &Value, status: u16, words: &str) {
        let before = self.desk.everything();
        let answer = self.desk.post(path, &json!({key: fields}));
        assert_eq!(answer.status, status, "{path} {fields} {answer:?}");
        assert!(
            answer.text().contains(words),
            "{words} not in {}",
            answer.text()
        );
        assert_eq!(self.desk.everything(), before);
    }
}

fn with(fields: &Value, key: &str, value: Value) -> Value {
    let mut fields = fields.clone();
    fields[key] = value;
    fields
}

#[test]
fn a_mandatory_field_that_is_absent_or_null_is_refused() {
    for dialect in ALL {
        let scene = scene(dialect);
        let words = if dialect == Dialect::OtcV2 {
            "ELB.9805"
        } else {
            "is mandatory"
        };
        for (path, key, fields, mandatory) in scene.bodies() {
            for field in mandatory {
                if (dialect, field) == (Dialect::Octavia, "subnet_id") {
                    continue;
                }
                scene.assert_refused(&path, key, &with(&fields, field, Value::Null), 400, words);
                let mut without = fields.clone();
                without.as_object_mut().expect("fields").remove(field);
                scene.assert_refused(&path, key, &without, 400, words);
            }
        }
    }
}

#[test]
fn every_valid_body_is_accepted_and_echoed() {
    for dialect in ALL {
        let scene = scene(dialect);
        for (path, key, fields, _) in scene.bodies() {
            let answer = scene.desk.post(&path, &json!({key: fields}));
            assert_eq!(answer.status, 201, "{dialect:?} {path} {answer:?}");
            for (field, value) in fields.as_object().expect("fields") {
                if matches!(field.as_str(), "loadbalancer_id" | "pool_id") {
                    continue;
                }
                assert_eq!(
                    &answer.at(&format!("/{key}/{field}")),
                    value,
                    "{dialect:?} {path} {field}"
                );
            }
            scene.desk.settle();
        }
    }
}

#[test]
fn a_body_that_is_no_object_in_its_key_is_refused() {
    for dialect in ALL {
        let scene = scene(dialect);
        let words = if dialect == Dialect::OtcV2 {
            "ELB.0002"
        } else {
            ""
        };
        let bodies = scene.bodies();
        let before = scene.desk.everything();
        for (path, key, ..) in bodies {
            let null = format!("{{\"{key}\":null}}");
            for body in [
                "",
                " ",
                "{",
                "[]",
                "null",
                "{}",
                "{\"other\":{}}",
                "\"x\"",
                "{\"a\":\u{1}}",
                &null,
            ] {
                let answer = scene
                    .desk
                    .send("POST", &full(&path), Some("assize-owner"), body);
                assert_eq!(answer.status, 400, "{dialect:?} {path} {body} {answer:?}");
                assert!(answer.text().contains(words), "{}", answer.text());
            }
        }
        assert_eq!(scene.desk.everything(), before);
    }
}

#[test]
fn values_out_of_range_or_of_the_wrong_type_are_refused() {
    for dialect in ALL {
        let scene = scene(dialect);
        let bodies = scene.bodies();
        let long = "x".repeat(256);
        let cases = [
            ("loadbalancers", "vip_subnet_id", json!("not-a-uuid")),
            (
                "loadbalancers",
                "vip_subnet_id",
                json!(SUBNET.replace('-', "")),
            ),
            ("loadbalancers", "vip_address", json!("10.0.0.256")),
            ("loadbalancers", "name", json!(long)),
            ("loadbalancers", "name", json!(7)),
            ("loadbalancers", "admin_state_up", json!("yes")),
            ("listeners", "protocol", json!("http")),
            ("listeners", "protocol", json!("GOPHER")),
            ("listeners", "protocol_port", json!(0)),
            ("listeners", "protocol_port", json!(65_536)),
            ("listeners", "protocol_port", json!("80")),
            ("listeners", "protocol_port", json!(80.5)),
            ("listeners", "connection_limit", json!(-2)),
            ("pools", "protocol", json!("TERMINATED_HTTPS")),
            ("pools", "lb_algorithm", json!("FASTEST")),
            ("pools", "description", json!(long)),
            ("pools", "session_persistence", json!("SOURCE_IP")),
            ("pools", "session_persistence", json!({})),
            ("pools", "session_persistence", json!({"type": "GUESS"})),
            (
                "pools",
                "session_persistence",
                json!({"type": "APP_COOKIE"}),
            ),
            (
                "pools",
                "session_persistence",
                json!({"type": "SOURCE_IP", "cookie_name": "c"}),
            ),
            (
                "pools",
                "session_persistence",
                json!({"type": "SOURCE_IP", "colour": "red"}),
            ),
            ("pools", "operating_status", json!("ONLINE")),
            ("pools", "id", json!(NOBODY)),
            ("members", "address", json!("1".repeat(65))),
            ("members", "address", json!("host.example")),
            ("members", "protocol_port", json!(65_536)),
            ("members", "weight", json!(-1)),
            ("members", "weight", json!(257)),
            ("members", "subnet_id", json!("s")),
            ("healthmonitors", "type", json!("CARRIER_PIGEON")),
            ("healthmonitors", "delay", json!(-1)),
            ("healthmonitors", "timeout", json!(-1)),
            ("healthmonitors", "max_retries", json!(0)),
            ("healthmonitors", "max_retries", json!(11)),
            ("healthmonitors", "max_retries_down", json!(11)),
            ("healthmonitors", "url_path", json!("no-slash")),
            ("healthmonitors", "expected_codes", json!("2xx")),
            ("healthmonitors", "http_method", json!("BREW")),
            ("l7policies", "action", json!("SHRUG")),
            ("l7policies", "position", json!(0)),
            ("rules", "type", json!("MOOD")),
            ("rules", "compare_type", json!("LIKE")),
            ("rules", "value", json!("x".repeat(256))),
        ];
        for (plural, field, value) in cases {
            let (path, key, fields, _) = bodies
                .iter()
                .find(|(path, ..)| path.ends_with(plural))
                .expect("a body");
            scene.assert_refused(path, key, &with(fields, field, value), 400, field);
        }
    }
}

#[test]
fn otc_has_narrower_ranges_than_its_family() {
    let scene = scene(Dialect::OtcV2);
    let bodies = scene.bodies();
    let cases = [
        ("loadbalancers", "provider", json!("haproxy")),
        ("loadbalancers", "project_id", json!("p")),
        ("listeners", "protocol", json!("HTTPS")),
        ("listeners", "tls_ciphers_policy", json!("tls-0-9")),
        ("pools", "protocol", json!("HTTPS")),
        (
            "pools",
            "session_persistence",
            json!({"type": "HTTP_COOKIE", "persistence_timeout": 1441}),
        ),
        (
            "pools",
            "session_persistence",
            json!({"type": "HTTP_COOKIE", "persistence_timeout": 0}),
        ),
        ("members", "weight", json!(101)),
        ("healthmonitors", "delay", json!(0)),
        ("healthmonitors", "delay", json!(51)),
        ("healthmonitors", "timeout", json!(51)),
        ("healthmonitors", "monitor_port", json!(0)),
        ("healthmonitors", "domain_name", json!("-leading.example")),
        ("l7policies", "action", json!("REJECT")),
        ("l7policies", "position", json!(101)),
        (
            "l7policies",
            "rules",
            json!([
                {"type": "PATH", "compare_type": "EQUAL_TO", "value": "/a"},
                {"type": "PATH", "compare_type": "EQUAL_TO", "value": "/b"},
            ]),
        ),
        ("l7policies", "rules", json!([{"type": "PATH"}])),
        ("rules", "type", json!("COOKIE")),
        ("rules", "value", json!("no-slash")),
        ("rules", "value", json!("/with space")),
        ("rules", "value", json!("")),
        ("rules", "value", json!(format!("/{}", "x".repeat(128)))),
    ];
    for (plural, field, value) in cases {
        let (path, key, fields, _) = bodies
            .iter()
            .find(|(path, ..)| path.ends_with(plural))
            .expect("a body");
        scene.assert_refused(path, key, &with(fields, field, value), 400, "ELB.9");
    }
    let udp =
        json!({"loadbalancer_id": scene.load_balancer, "protocol": "UDP", "protocol_port": 4789});
    scene.assert_refused("listeners", "listener", &udp, 400, "ELB.9899");
}

#[test]
fn the_persistence_timeout_is_bounded_by_the_pools_protocol() {
    let Scene {
        desk,
        load_balancer,
        pool,
        ..
    } = scene(Dialect::OtcV2);
    let persistence = |minutes: i64| json!({"type": "SOURCE_IP", "persistence_timeout": minutes});
    let tcp = json!({
        "loadbalancer_id": load_balancer, "protocol": "TCP", "lb_algorithm": "ROUND_ROBIN",
        "session_persistence": persistence(60),
    });
    let tcp = desk.create("pools", &json!({"pool": tcp}));
    let put = |pool: &str, value: Value| {
        desk.put(
            &format!("pools/{pool}"),
            &json!({"pool": {"session_persistence": value}}),
        )
        .status
    };
    assert_eq!(put(&tcp, persistence(61)), 400);
    assert_eq!(put(&pool, persistence(61)), 200);
    assert_eq!(put(&pool, json!({"type": "HTTP_COOKIE"})), 200);
    let path = format!("pools/{pool}");
    assert_eq!(
        desk.read(&path, "/pool/session_persistence/persistence_timeout"),
        1440
    );
    assert_eq!(put(&pool, Value::Null), 200);
    assert_eq!(desk.read(&path, "/pool/session_persistence"), Value::Null);
}

#[test]
fn what_is_set_on_creation_cannot_be_changed() {
    for dialect in ALL {
        let scene = scene(dialect);
        let Scene {
            desk,
            load_balancer,
            listener,
            pool,
        } = &scene;
        let member = desk.member(pool, 80);
        let monitor = desk.monitor(pool);
        let policy = desk.policy(listener, pool);
        let before = desk.everything();
        for (path, key, field, value) in [
            (
                format!("loadbalancers/{load_balancer}"),
                "loadbalancer",
                "vip_address",
                json!("10.0.0.1"),
            ),
            (
                format!("loadbalancers/{load_balancer}"),
                "loadbalancer",
                "vip_subnet_id",
                json!(SUBNET),
            ),
            (
                format!("loadbalancers/{load_balancer}"),
                "loadbalancer",
                "tenant_id",
                json!("x"),
            ),
            (
                format!("listeners/{listener}"),
                "listener",
                "protocol",
                json!("TCP"),
            ),
            (
                format!("listeners/{listener}"),
                "listener",
                "protocol_port",
                json!(81),
            ),
            (
                format!("listeners/{listener}"),
                "listener",
                "loadbalancer_id",
                json!(load_balancer),
            ),
            (format!("pools/{pool}"), "pool", "protocol", json!("TCP")),
            (
                format!("pools/{pool}"),
                "pool",
                "listener_id",
                json!(listener),
            ),
            (
                format!("pools/{pool}/members/{member}"),
                "member",
                "address",
                json!("10.0.0.9"),
            ),
            (
                format!("pools/{pool}/members/{member}"),
                "member",
                "protocol_port",
                json!(81),
            ),
            (
                format!("healthmonitors/{monitor}"),
                "healthmonitor",
                "pool_id",
                json!(pool),
            ),
            (
                format!("l7policies/{policy}"),
                "l7policy",
                "listener_id",
                json!(listener),
            ),
            (
                format!("l7policies/{policy}"),
                "l7policy",
                "id",
                json!(policy),
            ),
        ] {
            let answer = desk.put(&path, &json!({key: {field: value, "name": "changed"}}));
            assert_eq!(answer.status, 400, "{dialect:?} {path} {field}");
        }
        let action = json!({"l7policy": {"action": "REDIRECT_TO_POOL"}});
        let status = if dialect == Dialect::OtcV2 { 400 } else { 200 };
        assert_eq!(desk.everything(), before);
        assert_eq!(
            desk.put(&format!("l7policies/{policy}"), &action).status,
            status
        );
    }
}

#[test]
fn updates_change_what_they_name_and_keep_the_rest() {
    for dialect in ALL {
        let scene = scene(dialect);
        let Scene { desk, pool, .. } = &scene;
        let path = format!("pools/{pool}");
        let change =
            json!({"pool": {"name": "n", "lb_algorithm": "SOURCE_IP", "admin_state_up": false}});
        let answer = desk.put(&path, &change);
        assert_eq!((answer.status, answer.at("/pool/name")), (200, json!("n")));
        desk.settle();
        assert_eq!(
            desk.put(&path, &json!({"pool": {"description": "d"}}))
                .status,
            200
        );
        for (field, value) in [
            ("name", json!("n")),
            ("description", json!("d")),
            ("lb_algorithm", json!("SOURCE_IP")),
            ("admin_state_up", json!(false)),
        ] {
            assert_eq!(desk.read(&path, &format!("/pool/{field}")), value);
        }
    }
}

#[test]
fn of_a_field_that_comes_twice_the_last_counts() {
    for dialect in ALL {
        let Scene { desk, pool, .. } = scene(dialect);
        let path = full(&format!("pools/{pool}"));
        let body = r#"{"pool": {"name": 5, "description": "d", "name": "last"}}"#;
        let answer = desk.send("PUT", &path, Some("assize-owner"), body);
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.at("/pool/name"), "last");
    }
}

#[test]
fn a_reference_to_nothing_is_not_found() {
    for dialect in ALL {
        let scene = scene(dialect);
        for (path, key, fields, _) in scene.bodies() {
            for reference in [
                "loadbalancer_id",
                "pool_id",
                "listener_id",
                "redirect_pool_id",
            ] {
                if fields.get(reference).is_some() {
                    scene.assert_refused(
                        &path,
                        key,
                        &with(&fields, reference, json!(NOBODY)),
                        404,
                        NOBODY,
                    );
                }
            }
        }
    }
}

#[test]
fn a_project_that_is_not_the_tokens_is_refused() {
    for (dialect, status, words) in [
        (Dialect::OtcV2, 400, "ELB.9808"),
        (Dialect::Octavia, 403, "Policy"),
        (Dialect::NeutronLbaas, 403, "Policy"),
    ] {
        let scene = scene(dialect);
        for (path, key, fields, _) in scene.bodies() {
            let fields = with(&fields, "tenant_id", json!(crate::emulator::PROJECT_B));
            scene.assert_refused(&path, key, &fields, status, words);
        }
        let own = json!({"vip_subnet_id": SUBNET, "tenant_id": crate::emulator::PROJECT_A});
        assert_eq!(
            scene
                .desk
                .post("loadbalancers", &json!({"loadbalancer": own}))
                .status,
            201
        );
    }
}

#[test]
fn a_port_is_taken_once() {
    for (dialect, status) in [
        (Dialect::OtcV2, 400),
        (Dialect::Octavia, 409),
        (Dialect::NeutronLbaas, 409),
    ] {
        let scene = scene(dialect);
        let listener = |protocol: &str| json!({"loadbalancer_id": scene.load_balancer, "protocol": protocol, "protocol_port": 80});
        scene.assert_refused("listeners", "listener", &listener("HTTP"), status, "");
        let other = scene
            .desk
            .post("listeners", &json!({"listener": listener("TCP")}));
        assert_eq!(
            other.status,
            if dialect == Dialect::Octavia {
                201
            } else {
                status
            }
        );
    }
}

#[test]
fn a_listener_has_one_default_pool_of_a_fitting_protocol() {
    for (dialect, taken, mismatch) in [
        (Dialect::OtcV2, 409, 409),
        (Dialect::Octavia, 409, 400),
        (Dialect::NeutronLbaas, 409, 409),
    ] {
        let scene = scene(dialect);
        let fields = pool_of("listener_id", &scene.listener);
        scene.assert_refused(
            "pools",
            "pool",
            &with(&fields, "protocol", json!("TCP")),
            mismatch,
            "",
        );
        scene.desk.default_pool(&scene.listener);
        scene.assert_refused("pools", "pool", &fields, taken, "");
    }
}

#[test]
fn otc_gives_a_pool_to_one_listener_only() {
    let Scene {
        desk,
        load_balancer,
        listener,
        pool,
    } = scene(Dialect::OtcV2);
    let second = desk.listener(&load_balancer, 81);
    desk.policy(&listener, &pool);
    let use_it = json!({"listener": {"default_pool_id": pool}});
    let answer = desk.put(&format!("listeners/{second}"), &use_it);
    assert_eq!(
        (answer.status, answer.at("/NeutronError/type")),
        (409, json!("EntityInUse"))
    );
    assert_eq!(
        desk.read(&format!("listeners/{second}"), "/listener/default_pool_id"),
        Value::Null
    );
    assert_eq!(
        desk.put(&format!("listeners/{listener}"), &use_it).status,
        200
    );
    let own =
        json!({"listener_id": listener, "action": "REDIRECT_TO_POOL", "redirect_pool_id": pool});
    assert_eq!(
        desk.post("l7policies", &json!({"l7policy": own})).status,
        409
    );
    let other =
        json!({"listener_id": second, "action": "REDIRECT_TO_POOL", "redirect_pool_id": pool});
    assert_eq!(
        desk.post("l7policies", &json!({"l7policy": other})).status,
        409
    );
}

#[test]
fn a_listener_lets_its_default_pool_go() {
    for dialect in ALL {
        let Scene { desk, listener, .. } = scene(dialect);
        let pool = desk.default_pool(&listener);
        let none = json!({"listener": {"default_pool_id": null}});
        assert_eq!(
            desk.put(&format!("listeners/{listener}"), &none).status,
            200
        );
        assert_eq!(
            desk.read(&format!("pools/{pool}"), "/pool/listeners"),
            json!([])
        );
    }
}

#[test]
fn a_secure_listener_keeps_its_certificate() {
    let Scene {
        desk,
        load_balancer,
        ..
    } = scene(Dialect::OtcV2);
    let fields = json!({
        "loadbalancer_id": load_balancer, "protocol": "TERMINATED_HTTPS", "protocol_port": 443,
        "default_tls_container_ref": "c1",
    });
    let bare = with(&fields, "default_tls_container_ref", Value::Null);
    assert_eq!(
        desk.post("listeners", &json!({"listener": bare})).status,
        400
    );
    let listener = desk.create("listeners", &json!({"listener": fields}));
    let path = format!("listeners/{listener}");
    let answer = desk.put(
        &path,
        &json!({"listener": {"default_tls_container_ref": null}}),
    );
    assert_eq!(
        (answer.status, answer.at("/error_code")),
        (400, json!("ELB.9899"))
    );
    assert_eq!(
        desk.read(&path, "/listener/default_tls_container_ref"),
        "c1"
    );
}

#[test]
fn only_an_administrator_changes_the_connection_limit_of_otc() {
    let Scene { desk, listener, .. } = scene(Dialect::OtcV2);
    let path = full(&format!("listeners/{listener}"));
    let body = json!({"listener": {"connection_limit": 5}}).to_string();
    assert_eq!(
        desk.send("PUT", &path, Some("assize-owner"), &body).status,
        403
    );
    assert_eq!(
        desk.send("PUT", &path, Some("assize-admin"), &body)
            .at("/listener/connection_limit"),
        5
    );
}

#[test]
fn a_pool_has_one_member_at_an_address_and_port() {
    for dialect in ALL {
        let scene = scene(dialect);
        scene.desk.member(&scene.pool, 80);
        scene.desk.member(&scene.pool, 81);
        let same = json!({"address": "10.0.0.8", "protocol_port": 80, "subnet_id": SUBNET});
        scene.assert_refused(
            &format!("pools/{}/members", scene.pool),
            "member",
            &same,
            409,
            "",
        );
    }
}

#[test]
fn a_pool_has_one_monitor_that_fits_it() {
    for (dialect, unfit) in [(Dialect::OtcV2, 400), (Dialect::Octavia, 400)] {
        let scene = scene(dialect);
        let word = if dialect == Dialect::OtcV2 {
            "UDP_CONNECT"
        } else {
            "UDP-CONNECT"
        };
        let fields = json!({"pool_id": scene.pool, "type": word, "delay": 5, "timeout": 3, "max_retries": 3});
        scene.assert_refused("healthmonitors", "healthmonitor", &fields, unfit, "");
        scene.desk.monitor(&scene.pool);
        scene.assert_refused(
            "healthmonitors",
            "healthmonitor",
            &with(&fields, "type", json!("TCP")),
            409,
            "",
        );
    }
}

#[test]
fn a_redirection_needs_its_target() {
    for (dialect, status) in [
        (Dialect::OtcV2, 400),
        (Dialect::Octavia, 400),
        (Dialect::NeutronLbaas, 409),
    ] {
        let scene = scene(dialect);
        let fields = json!({"listener_id": scene.listener, "action": "REDIRECT_TO_POOL"});
        scene.assert_refused(
            "l7policies",
            "l7policy",
            &fields,
            status,
            "redirect_pool_id",
        );
    }
}

#[test]
fn a_tcp_listener_has_no_policies() {
    let scene = scene(Dialect::OtcV2);
    let tcp =
        json!({"loadbalancer_id": scene.load_balancer, "protocol": "TCP", "protocol_port": 22});
    let tcp = scene.desk.create("listeners", &json!({"listener": tcp}));
    let fields =
        json!({"listener_id": tcp, "action": "REDIRECT_TO_POOL", "redirect_pool_id": scene.pool});
    scene.assert_refused("l7policies", "l7policy", &fields, 400, "ELB.9899");
}

#[test]
fn a_type_of_rule_occurs_once_in_a_policy_of_otc() {
    for (dialect, status) in [
        (Dialect::OtcV2, 409),
        (Dialect::Octavia, 201),
        (Dialect::NeutronLbaas, 201),
    ] {
        let Scene {
            desk,
            listener,
            pool,
            ..
        } = scene(dialect);
        let rules = format!("l7policies/{}/rules", desk.policy(&listener, &pool));
        let rule = |value: &str| json!({"rule": {"type": "PATH", "compare_type": "STARTS_WITH", "value": value}});
        desk.create(&rules, &rule("/a"));
        assert_eq!(desk.post(&rules, &rule("/b")).status, status);
    }
}

#[test]
fn a_project_can_have_quotas_of_its_own() {
    for (dialect, status) in [
        (Dialect::OtcV2, 400),
        (Dialect::Octavia, 403),
        (Dialect::NeutronLbaas, 409),
    ] {
        let desk = Desk::new(dialect);
        let post = |what: &str, body: &Value| {
            desk.settle();
            let token = Some("assize-limited");
            desk.send("POST", &full(what), token, &body.to_string())
        };
        let answer = post(
            "loadbalancers",
            &json!({"loadbalancer": {"vip_subnet_id": SUBNET}}),
        );
        let id = answer.at("/loadbalancer/id");
        let load_balancer = id.as_str().unwrap_or_default();
        let pool = json!({"pool": pool_of("loadbalancer_id", load_balancer)});
        assert_eq!(post("pools", &pool).status, 201);
        assert_eq!(post("pools", &pool).status, status);
    }
}

#[test]
fn a_quota_is_refused_in_the_dialects_way() {
    for (dialect, status, words) in [
        (Dialect::OtcV2, 400, "ELB.9807"),
        (Dialect::Octavia, 403, "quota"),
        (Dialect::NeutronLbaas, 409, "OverQuota"),
    ] {
        let one = Some(1);
        let quotas = Quotas {
            load_balancers: one,
            members: Some(2),
            listeners: one,
            ..Quotas::UNLIMITED
        };
        let desk = Desk::with(Config {
            quotas,
            ..Config::new(dialect)
        });
        let load_balancer = desk.load_balancer();
        let answer = desk.post(
            "loadbalancers",
            &json!({"loadbalancer": {"vip_subnet_id": SUBNET}}),
        );
        assert_eq!(answer.status, status);
        assert!(answer.text().contains(words), "{}", answer.text());
        let pool = desk.pool(&load_balancer);
        desk.member(&pool, 1);
        desk.member(&pool, 2);
        let third =
            json!({"member": {"address": "10.0.0.8", "protocol_port": 3, "subnet_id": SUBNET}});
        assert_eq!(
            desk.post(&format!("pools/{pool}/members"), &third).status,
            status
        );
        let other = desk.send(
            "POST",
            &full("loadbalancers"),
            Some("assize-other"),
            &json!({"loadbalancer": {"vip_subnet_id": SUBNET}}).to_string(),
        );
        assert_eq!(other.status, 201);
    }
}

#[test]
fn an_empty_id_is_no_id() {
    for dialect in ALL {
        let scene = scene(dialect);
        let fields = json!({
            "loadbalancer_id": scene.load_balancer, "listener_id": "", "protocol": "HTTP",
            "lb_algorithm": "ROUND_ROBIN",
        });
        scene.assert_refused("pools", "pool", &fields, 400, "listener_id");
        let path = format!(
            "l7policies/{}",
            scene.desk.policy(&scene.listener, &scene.pool)
        );
        let empty = json!({"l7policy": {"redirect_pool_id": ""}});
        assert_eq!(scene.desk.put(&path, &empty).status, 400);
    }
}

#[test]
fn octavia_is_strict_about_projects_cookies_and_line_breaks() {
    let scene = scene(Dialect::Octavia);
    let long = json!({"vip_subnet_id": SUBNET, "project_id": "a".repeat(37)});
    scene.assert_refused("loadbalancers", "loadbalancer", &long, 400, "project_id");
    for name in ["", "a b", "a;b", "a\\b", "a\n"] {
        let fields = json!({
            "loadbalancer_id": scene.load_balancer, "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN",
            "session_persistence": {"type": "APP_COOKIE", "cookie_name": name},
        });
        scene.assert_refused("pools", "pool", &fields, 400, "cookie_name");
    }
    let policy = scene.desk.policy(&scene.listener, &scene.pool);
    let path = format!("l7policies/{policy}/rules");
    for (field, value) in [("value", "/a\n/b"), ("key", "a\r")] {
        let mut fields = json!({"type": "PATH", "compare_type": "EQUAL_TO", "value": "/a"});
        fields[field] = json!(value);
        scene.assert_refused(&path, "rule", &fields, 400, field);
    }
}

#[test]
fn a_policy_comes_with_so_many_rules_at_most() {
    let rule = json!({"type": "PATH", "compare_type": "EQUAL_TO", "value": "/a"});
    let scene = scene(Dialect::Octavia);
    let fields = json!({
        "listener_id": scene.listener, "action": "REDIRECT_TO_POOL", "redirect_pool_id": scene.pool,
        "rules": vec![rule; 51],
    });
    scene.assert_refused("l7policies", "l7policy", &fields, 400, "more than 50");
}
