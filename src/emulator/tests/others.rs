//! Load balancers, listeners, members, policies and what they do to each other.

use super::*;

#[test]
fn a_new_load_balancer_shows_what_the_dialect_shows() {
    for (dialect, provisioning, operating) in [
        (Dialect::OtcV2, "ACTIVE", "ONLINE"),
        (Dialect::Octavia, "PENDING_CREATE", "OFFLINE"),
        (Dialect::NeutronLbaas, "ACTIVE", "ONLINE"),
    ] {
        let desk = Desk::new(dialect);
        let answer = desk.post(
            "loadbalancers",
            &json!({"loadbalancer": {"vip_subnet_id": SUBNET}}),
        );
        let field = |name: &str| answer.at(&format!("/loadbalancer/{name}"));
        assert_eq!(field("provisioning_status"), provisioning);
        assert_eq!(field("operating_status"), operating);
        assert_eq!(field("listeners"), json!([]));
        assert_eq!(field("tenant_id"), super::super::PROJECT_A);
        assert!(
            field("vip_address")
                .as_str()
                .expect("an address")
                .starts_with("10.")
        );
        let projects = if dialect == Dialect::OtcV2 {
            Value::Null
        } else {
            field("tenant_id")
        };
        assert_eq!(field("project_id"), projects);
        let times = if dialect == Dialect::NeutronLbaas {
            Value::Null
        } else {
            json!("1970-01-01T00:00:00")
        };
        assert_eq!(field("created_at"), times);
        desk.settle();
        let path = format!("loadbalancers/{}", field("id").as_str().expect("an id"));
        assert_eq!(
            desk.read(&path, "/loadbalancer/provisioning_status"),
            "ACTIVE"
        );
        assert_eq!(desk.read(&path, "/loadbalancer/operating_status"), "ONLINE");
    }
}

#[test]
fn an_update_moves_the_time_of_change() {
    for dialect in [Dialect::OtcV2, Dialect::Octavia] {
        let desk = Desk::new(dialect);
        let path = format!("loadbalancers/{}", desk.load_balancer());
        desk.settle();
        assert_eq!(
            desk.put(&path, &json!({"loadbalancer": {"name": "n"}}))
                .status,
            200
        );
        assert_eq!(
            desk.read(&path, "/loadbalancer/created_at"),
            "1970-01-01T00:00:00"
        );
        assert_eq!(
            desk.read(&path, "/loadbalancer/updated_at"),
            "1970-01-01T00:00:02"
        );
    }
}

#[test]
fn a_load_balancer_with_children_stays() {
    for (dialect, status) in [
        (Dialect::OtcV2, 409),
        (Dialect::Octavia, 400),
        (Dialect::NeutronLbaas, 409),
    ] {
        let desk = Desk::new(dialect);
        let load_balancer = desk.load_balancer();
        let path = format!("loadbalancers/{load_balancer}");
        let listener = desk.listener(&load_balancer, 80);
        let pool = desk.pool(&load_balancer);
        assert_eq!(desk.delete(&path).status, status);
        assert_eq!(desk.delete(&format!("listeners/{listener}")).status, 204);
        desk.settle();
        assert_eq!(desk.delete(&path).status, status);
        assert_eq!(desk.delete(&format!("pools/{pool}")).status, 204);
        desk.settle();
        assert_eq!(desk.delete(&path).status, 204);
        desk.settle();
        assert_eq!(desk.api.objects_at(desk.now.get()), 0);
    }
}

#[test]
fn only_octavia_deletes_a_load_balancer_with_all_that_it_carries() {
    for (dialect, status, left) in [
        (Dialect::OtcV2, 409, 6),
        (Dialect::Octavia, 204, 0),
        (Dialect::NeutronLbaas, 409, 6),
    ] {
        let desk = Desk::new(dialect);
        let load_balancer = desk.load_balancer();
        let listener = desk.listener(&load_balancer, 80);
        let pool = desk.pool(&load_balancer);
        desk.member(&pool, 80);
        desk.monitor(&pool);
        desk.policy(&listener, &pool);
        assert_eq!(
            desk.delete(&format!("loadbalancers/{load_balancer}?cascade=true"))
                .status,
            status
        );
        desk.settle();
        assert_eq!(desk.api.objects_at(desk.now.get()), left);
    }
}

#[test]
fn a_listener_is_deleted_by_the_dialects_rule() {
    for (dialect, with_pool, with_policy) in [
        (Dialect::OtcV2, 409, 409),
        (Dialect::Octavia, 204, 204),
        (Dialect::NeutronLbaas, 204, 409),
    ] {
        let desk = Desk::new(dialect);
        let load_balancer = desk.load_balancer();
        let listener = desk.listener(&load_balancer, 80);
        let pool = desk.default_pool(&listener);
        assert_eq!(
            desk.delete(&format!("listeners/{listener}")).status,
            with_pool
        );
        desk.settle();
        let other = desk.pool(&load_balancer);
        let second = desk.listener(&load_balancer, 81);
        let policy = desk.policy(&second, &other);
        assert_eq!(
            desk.delete(&format!("listeners/{second}")).status,
            with_policy
        );
        desk.settle();
        let policy_left = desk.get(&format!("l7policies/{policy}")).status;
        assert_eq!(policy_left, if with_policy == 204 { 404 } else { 200 });
        assert_eq!(desk.get(&format!("pools/{pool}")).status, 200);
        assert_eq!(desk.get(&format!("pools/{other}")).status, 200);
    }
}

#[test]
fn a_listener_that_its_pool_held_is_deleted_once_the_pool_is_gone() {
    let desk = Desk::new(Dialect::OtcV2);
    let load_balancer = desk.load_balancer();
    let listener = desk.listener(&load_balancer, 80);
    let pool = desk.default_pool(&listener);
    let path = format!("listeners/{listener}");
    let other = desk.pool(&load_balancer);
    let policy = desk.policy(&listener, &other);
    let answer = desk.delete(&path);
    assert_eq!(
        answer.at("/NeutronError/message"),
        json!(format!("pool {pool} is using this listener"))
    );
    assert_eq!(desk.delete(&format!("pools/{pool}")).status, 204);
    let answer = desk.delete(&path);
    assert_eq!(
        answer.at("/NeutronError/message"),
        json!(format!("l7policy {policy} is using this listener"))
    );
    assert_eq!(desk.delete(&format!("l7policies/{policy}")).status, 204);
    assert_eq!(desk.delete(&path).status, 204);
}

#[test]
fn a_member_belongs_to_its_pool_alone() {
    for dialect in ALL {
        let desk = Desk::new(dialect);
        let load_balancer = desk.load_balancer();
        let [mine, other] = [desk.pool(&load_balancer), desk.pool(&load_balancer)];
        let member = desk.member(&mine, 80);
        for method in ["GET", "DELETE"] {
            let path = full(&format!("pools/{other}/members/{member}"));
            assert_eq!(
                desk.send(method, &path, Some("assize-owner"), "").status,
                404
            );
        }
        assert_eq!(
            desk.get(&format!("pools/{NOBODY}/members/{member}")).status,
            404
        );
        assert_eq!(
            desk.read(&format!("pools/{mine}"), "/pool/members"),
            json!([{"id": member}])
        );
        assert_eq!(
            desk.read(&format!("pools/{mine}/members/{member}"), "/member/weight"),
            1
        );
    }
}

#[test]
fn a_member_is_unwatched_until_its_pool_has_a_monitor() {
    for dialect in [Dialect::OtcV2, Dialect::Octavia] {
        let desk = Desk::new(dialect);
        let pool = desk.pool(&desk.load_balancer());
        let member = format!("pools/{pool}/members/{}", desk.member(&pool, 80));
        assert_eq!(desk.read(&member, "/member/operating_status"), "NO_MONITOR");
        desk.monitor(&pool);
        assert_eq!(desk.read(&member, "/member/operating_status"), "ONLINE");
    }
}

fn item(port: u16, weight: Option<i64>) -> Value {
    let mut item = json!({"address": "10.0.0.8", "protocol_port": port, "subnet_id": SUBNET});
    if let Some(weight) = weight {
        item["weight"] = json!(weight);
    }
    item
}

fn ports(desk: &Desk, pool: &str) -> Vec<u64> {
    let members = desk.get(&format!("pools/{pool}/members")).at("/members");
    let ports = members
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| it["protocol_port"].as_u64().expect("a port"));
    let mut ports: Vec<u64> = ports.collect();
    ports.sort_unstable();
    ports
}

#[test]
fn a_replacing_batch_keeps_the_ids_of_those_that_stay() {
    for dialect in [Dialect::OtcV2, Dialect::Octavia] {
        let desk = Desk::new(dialect);
        let pool = desk.pool(&desk.load_balancer());
        let path = format!("pools/{pool}/members");
        let stays = desk.member(&pool, 1);
        let leaves = desk.member(&pool, 2);
        let answer = desk.put(
            &path,
            &json!({"members": [item(1, Some(7)), item(3, None)]}),
        );
        assert_eq!((answer.status, answer.body), (202, None));
        desk.settle();
        assert_eq!(ports(&desk, &pool), [1, 3]);
        assert_eq!(desk.read(&format!("{path}/{stays}"), "/member/weight"), 7);
        assert_eq!(desk.get(&format!("{path}/{leaves}")).status, 404);
    }
}

#[test]
fn otc_adds_and_deletes_in_batches_of_all_or_nothing() {
    let desk = Desk::new(Dialect::OtcV2);
    let pool = desk.pool(&desk.load_balancer());
    let path = format!("pools/{pool}/members");
    let first = desk.member(&pool, 1);
    let elsewhere = desk.member(&desk.pool(&desk.load_balancer()), 1);
    let put = |body: Value| desk.put(&path, &body).status;
    assert_eq!(
        put(json!({"members": [item(2, None), item(3, None)], "action": "add"})),
        202
    );
    for (body, status) in [
        (
            json!({"members": [item(4, None), item(1, None)], "action": "add"}),
            409,
        ),
        (
            json!({"members": [item(4, None), item(4, None)], "action": "replace"}),
            409,
        ),
        (
            json!({"members": [item(4, None), {"address": "10.0.0.8"}], "action": "add"}),
            400,
        ),
        (
            json!({"members": [{"id": first}, {"id": NOBODY}], "action": "delete"}),
            404,
        ),
        (
            json!({"members": [{"id": first}, {"id": elsewhere}], "action": "delete"}),
            404,
        ),
        (
            json!({"members": [{"id": first, "weight": 1}], "action": "delete"}),
            400,
        ),
        (json!({"members": [], "action": "shuffle"}), 400),
        (json!({"members": vec![item(4, None); 201]}), 400),
        (json!({"action": "add"}), 400),
        (json!({"members": {}}), 400),
    ] {
        assert_eq!(put(body.clone()), status, "{body}");
        assert_eq!(ports(&desk, &pool), [1, 2, 3]);
    }
    assert_eq!(
        put(json!({"members": [{"id": first}], "action": "delete"})),
        202
    );
    assert_eq!(ports(&desk, &pool), [2, 3]);
}

#[test]
fn neutron_has_no_batches() {
    let desk = Desk::new(Dialect::NeutronLbaas);
    let pool = desk.pool(&desk.load_balancer());
    let answer = desk.put(&format!("pools/{pool}/members"), &json!({"members": []}));
    assert_eq!(answer.status, 405);
    assert!(answer.headers.contains(&("allow", "GET, POST".into())));
}

#[test]
fn a_monitor_is_shown_with_its_defaults_and_changed() {
    for dialect in ALL {
        let desk = Desk::new(dialect);
        let pool = desk.pool(&desk.load_balancer());
        let path = format!("healthmonitors/{}", desk.monitor(&pool));
        let read = |field: &str| desk.read(&path, &format!("/healthmonitor/{field}"));
        assert_eq!(
            [
                read("url_path"),
                read("http_method"),
                read("expected_codes")
            ],
            [json!("/"), json!("GET"), json!("200")]
        );
        assert_eq!(read("pools"), json!([{"id": pool}]));
        let change = json!({"healthmonitor": {"delay": 9, "url_path": "/up", "name": "m"}});
        assert_eq!(desk.put(&path, &change).status, 200);
        desk.settle();
        assert_eq!(
            [
                read("delay"),
                read("url_path"),
                read("timeout"),
                read("name")
            ],
            [json!(9), json!("/up"), json!(3), json!("m")]
        );
        let kind = desk.put(&path, &json!({"healthmonitor": {"type": "TCP"}}));
        assert_eq!(
            kind.status,
            if dialect == Dialect::OtcV2 { 200 } else { 400 }
        );
    }
}

#[test]
fn rules_live_and_die_with_their_policy() {
    for dialect in ALL {
        let desk = Desk::new(dialect);
        let load_balancer = desk.load_balancer();
        let pool = desk.pool(&load_balancer);
        let policy = desk.policy(&desk.listener(&load_balancer, 80), &pool);
        let rules = format!("l7policies/{policy}/rules");
        let body = json!({"rule": {"type": "HOST_NAME", "compare_type": "EQUAL_TO", "value": "a.example"}});
        let rule = desk.create(&rules, &body);
        let path = format!("{rules}/{rule}");
        assert_eq!(desk.read(&rules, "/rules/0/id"), json!(rule));
        assert_eq!(
            desk.put(&path, &json!({"rule": {"value": "b.example"}}))
                .status,
            200
        );
        desk.settle();
        assert_eq!(desk.read(&path, "/rule/value"), "b.example");
        assert_eq!(
            desk.read(&format!("l7policies/{policy}"), "/l7policy/rules"),
            json!([{"id": rule}])
        );
        assert_eq!(desk.delete(&format!("l7policies/{policy}")).status, 204);
        desk.settle();
        assert_eq!(desk.get(&path).status, 404);
        assert_eq!(desk.get(&format!("pools/{pool}")).status, 200);
        assert_eq!(desk.api.objects_at(desk.now.get()), 3);
    }
}

#[test]
fn positions_are_an_order_where_they_are_not_reserved() {
    for (dialect, expected) in [
        (Dialect::OtcV2, [100, 100, 1]),
        (Dialect::Octavia, [2, 3, 1]),
        (Dialect::NeutronLbaas, [2, 3, 1]),
    ] {
        let desk = Desk::new(dialect);
        let load_balancer = desk.load_balancer();
        let (listener, pool) = (desk.listener(&load_balancer, 80), desk.pool(&load_balancer));
        let fields = json!({
            "listener_id": listener, "action": "REDIRECT_TO_POOL", "redirect_pool_id": pool, "position": 1,
        });
        let first = [desk.policy(&listener, &pool), desk.policy(&listener, &pool)];
        let third = desk.create("l7policies", &json!({"l7policy": fields}));
        let read = |id: &str| {
            desk.read(&format!("l7policies/{id}"), "/l7policy/position")
                .as_i64()
                .expect("a number")
        };
        assert_eq!([read(&first[0]), read(&first[1]), read(&third)], expected);
        if dialect != Dialect::OtcV2 {
            let last = json!({"l7policy": {"position": 3}});
            assert_eq!(desk.put(&format!("l7policies/{third}"), &last).status, 200);
            assert_eq!([read(&first[0]), read(&first[1]), read(&third)], [1, 2, 3]);
        }
    }
}

#[test]
fn the_status_tree_nests_what_hangs_below() {
    for (dialect, segment, monitor_key) in [
        (Dialect::OtcV2, "statuses", "healthmonitor"),
        (Dialect::Octavia, "status", "health_monitor"),
        (Dialect::NeutronLbaas, "statuses", "healthmonitor"),
    ] {
        let desk = Desk::new(dialect);
        let load_balancer = desk.load_balancer();
        let listener = desk.listener(&load_balancer, 80);
        let pool = desk.default_pool(&listener);
        let other = desk.pool(&load_balancer);
        let member = desk.member(&pool, 80);
        let monitor = desk.monitor(&pool);
        let policy = desk.policy(&listener, &other);
        let tree = desk.get(&format!("loadbalancers/{load_balancer}/{segment}"));
        let at = |pointer: &str| tree.at(&format!("/statuses/loadbalancer{pointer}"));
        assert_eq!(at("/id"), json!(load_balancer));
        assert_eq!(at("/listeners/0/pools/0/members/0/id"), json!(member));
        assert_eq!(
            at(&format!("/listeners/0/pools/0/{monitor_key}/id")),
            json!(monitor)
        );
        assert_eq!(at("/listeners/0/l7policies/0/id"), json!(policy));
        assert_eq!(at("/pools/1/id"), json!(other));
        assert_eq!(
            desk.get(&format!("loadbalancers/{NOBODY}/{segment}"))
                .status,
            404
        );
    }
}

#[test]
fn the_tree_of_otc_marks_a_policy_that_repeats_another() {
    let desk = Desk::new(Dialect::OtcV2);
    let load_balancer = desk.load_balancer();
    let (listener, pool) = (desk.listener(&load_balancer, 80), desk.pool(&load_balancer));
    let body = json!({"rule": {"type": "PATH", "compare_type": "EQUAL_TO", "value": "/a"}});
    for _ in 0..2 {
        let policy = desk.policy(&listener, &pool);
        desk.create(&format!("l7policies/{policy}/rules"), &body);
    }
    let tree = desk.get(&format!("loadbalancers/{load_balancer}/statuses"));
    let policies = "/statuses/loadbalancer/listeners/0/l7policies";
    assert_eq!(
        tree.at("/statuses/loadbalancer/operating_status"),
        "DEGRADED"
    );
    assert_eq!(
        tree.at(&format!("{policies}/0/provisioning_status")),
        "ACTIVE"
    );
    assert_eq!(
        tree.at(&format!("{policies}/1/rules/0/provisioning_status")),
        "ERROR"
    );
}

#[test]
fn octavia_marks_each_object_that_a_change_touches() {
    let desk = Desk::new(Dialect::Octavia);
    let load_balancer = desk.load_balancer();
    let listener = desk.listener(&load_balancer, 80);
    let pool = desk.default_pool(&listener);
    let body = json!({"member": {"address": "10.0.0.8", "protocol_port": 80}});
    let answer = desk.post(&format!("pools/{pool}/members"), &body);
    assert_eq!(answer.at("/member/provisioning_status"), "PENDING_CREATE");
    let status = |plural: &str, kind: &str, id: &str| {
        desk.read(
            &format!("{plural}/{id}"),
            &format!("/{kind}/provisioning_status"),
        )
    };
    let all = || {
        [
            status("pools", "pool", &pool),
            status("listeners", "listener", &listener),
            status("loadbalancers", "loadbalancer", &load_balancer),
        ]
    };
    assert_eq!(
        all(),
        [
            json!("PENDING_UPDATE"),
            json!("PENDING_UPDATE"),
            json!("PENDING_UPDATE")
        ]
    );
    desk.settle();
    assert_eq!(all(), [json!("ACTIVE"), json!("ACTIVE"), json!("ACTIVE")]);
}

#[test]
fn a_policy_and_the_rules_it_came_with_are_pending_together() {
    let desk = Desk::new(Dialect::Octavia);
    let load_balancer = desk.load_balancer();
    let (listener, pool) = (desk.listener(&load_balancer, 80), desk.pool(&load_balancer));
    let rule = json!({"type": "PATH", "compare_type": "EQUAL_TO", "value": "/a"});
    let fields = json!({
        "listener_id": listener, "action": "REDIRECT_TO_POOL", "redirect_pool_id": pool, "rules": [rule],
    });
    let answer = desk.post("l7policies", &json!({"l7policy": fields}));
    assert_eq!(answer.at("/l7policy/provisioning_status"), "PENDING_CREATE");
    let rules = format!(
        "l7policies/{}/rules",
        answer.at("/l7policy/id").as_str().expect("an id")
    );
    assert_eq!(
        desk.read(&rules, "/rules/0/provisioning_status"),
        "PENDING_CREATE"
    );
    desk.settle();
    assert_eq!(desk.read(&rules, "/rules/0/provisioning_status"), "ACTIVE");
}

#[test]
fn a_pending_state_lasts_as_long_as_configured() {
    let wait = Duration::from_millis(500);
    let desk = Desk::with(Config {
        pending: wait..=wait,
        ..Config::new(Dialect::Octavia)
    });
    let answer = desk.post(
        "loadbalancers",
        &json!({"loadbalancer": {"vip_subnet_id": SUBNET}}),
    );
    let path = format!(
        "loadbalancers/{}",
        answer.at("/loadbalancer/id").as_str().expect("an id")
    );
    let after = |milliseconds: u64| {
        let start = Timestamp::UNIX_EPOCH;
        desk.now.set(
            start
                .checked_add(Duration::from_millis(milliseconds))
                .expect("a time"),
        );
        desk.read(&path, "/loadbalancer/provisioning_status")
    };
    assert_eq!(
        [after(499), after(500)],
        [json!("PENDING_CREATE"), json!("ACTIVE")]
    );
}

#[test]
fn equal_seeds_give_equal_answers_and_other_seeds_other_ids() {
    let first = |seed: u64| {
        let desk = Desk::with(Config {
            seed,
            ..Config::new(Dialect::Octavia)
        });
        let id = desk.load_balancer();
        (id.clone(), desk.pool(&id), desk.get("pools").text())
    };
    assert_eq!(first(7), first(7));
    let ids: std::collections::BTreeSet<String> = (0..100)
        .flat_map(|seed| [first(seed).0, first(seed).1])
        .collect();
    assert_eq!(ids.len(), 200);
    assert!(ids.iter().all(|id| id.as_bytes()[14] == b'4'));
}
