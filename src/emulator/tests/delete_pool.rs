//! The operation that everything else is here for, over the matrix of the contract's section 2.2.

use super::*;

/// A load balancer, an HTTP listener, and a pool that the listener does not use.
fn scene(dialect: Dialect) -> (Desk, String, String, String) {
    let desk = Desk::new(dialect);
    let load_balancer = desk.load_balancer();
    let listener = desk.listener(&load_balancer, 80);
    let pool = desk.pool(&load_balancer);
    (desk, load_balancer, listener, pool)
}

fn assert_gone(desk: &Desk, pool: &str) {
    desk.settle();
    assert_eq!(desk.get(&format!("pools/{pool}")).status, 404);
    assert!(!desk.get("pools").text().contains(pool));
    assert!(!desk.get("loadbalancers").text().contains(pool));
    assert!(!desk.get("listeners").text().contains(pool));
}

fn assert_deleted(desk: &Desk, pool: &str) {
    let answer = desk.delete(&format!("pools/{pool}"));
    assert_eq!((answer.status, &answer.body), (204, &None));
    assert_gone(desk, pool);
}

/// Refused with 409 and these words, and everything is as before.
fn assert_in_use(desk: &Desk, pool: &str, words: &str) {
    let before = desk.everything();
    let answer = desk.delete(&format!("pools/{pool}"));
    assert_eq!(answer.status, 409, "{answer:?}");
    assert!(
        answer.text().contains(words),
        "{words} not in {}",
        answer.text()
    );
    assert_eq!(desk.everything(), before);
}

#[test]
fn a_clean_pool_is_deleted_and_nothing_else_is() {
    for dialect in ALL {
        let (desk, load_balancer, listener, pool) = scene(dialect);
        let sibling = desk.pool(&load_balancer);
        assert_deleted(&desk, &pool);
        for kept in [
            format!("pools/{sibling}"),
            format!("listeners/{listener}"),
            format!("loadbalancers/{load_balancer}"),
        ] {
            assert_eq!(desk.get(&kept).status, 200);
        }
    }
}

#[test]
fn members_block_in_otc_until_the_last_is_gone() {
    let (desk, _, _, pool) = scene(Dialect::OtcV2);
    let members = [desk.member(&pool, 1), desk.member(&pool, 2)];
    let off = json!({"member": {"admin_state_up": false, "weight": 0}});
    for member in &members {
        assert_eq!(
            desk.put(&format!("pools/{pool}/members/{member}"), &off)
                .status,
            200
        );
        assert_in_use(&desk, &pool, "EntityInUse");
        assert_in_use(&desk, &pool, &format!("member {member} is using this pool"));
        assert_eq!(
            desk.delete(&format!("pools/{pool}/members/{member}"))
                .status,
            204
        );
    }
    assert_deleted(&desk, &pool);
}

#[test]
fn an_emptying_batch_sets_a_pool_free_in_otc() {
    let (desk, _, _, pool) = scene(Dialect::OtcV2);
    desk.member(&pool, 1);
    let last = desk.member(&pool, 2);
    let members = format!("pools/{pool}/members");
    let delete = json!({"members": [{"id": last}], "action": "delete"});
    assert_eq!(desk.put(&members, &delete).status, 202);
    assert_in_use(&desk, &pool, "member");
    let answer = desk.put(&members, &json!({"members": []}));
    assert_eq!((answer.status, answer.body), (202, None));
    assert_deleted(&desk, &pool);
}

#[test]
fn members_go_with_the_pool_in_openstack() {
    for dialect in [Dialect::Octavia, Dialect::NeutronLbaas] {
        let (desk, _, _, pool) = scene(dialect);
        let before = desk.api.objects_at(desk.now.get());
        let member = desk.member(&pool, 1);
        assert_deleted(&desk, &pool);
        assert_eq!(
            desk.get(&format!("pools/{pool}/members/{member}")).status,
            404
        );
        assert_eq!(desk.api.objects_at(desk.now.get()), before - 1);
    }
}

#[test]
fn a_monitor_blocks_in_otc_and_neutron_even_when_it_is_down() {
    for (dialect, words) in [
        (Dialect::OtcV2, "is using this pool"),
        (Dialect::NeutronLbaas, "pool is using healthmonitor"),
    ] {
        let (desk, _, _, pool) = scene(dialect);
        let monitor = desk.monitor(&pool);
        let path = format!("healthmonitors/{monitor}");
        assert_in_use(&desk, &pool, words);
        assert_in_use(&desk, &pool, &monitor);
        assert_eq!(
            desk.put(&path, &json!({"healthmonitor": {"admin_state_up": false}}))
                .status,
            200
        );
        assert_in_use(&desk, &pool, "EntityInUse");
        assert_eq!(desk.delete(&path).status, 204);
        assert_eq!(
            desk.read(&format!("pools/{pool}"), "/pool/healthmonitor_id"),
            Value::Null
        );
        assert_deleted(&desk, &pool);
    }
}

#[test]
fn a_monitor_goes_with_the_pool_in_octavia() {
    let (desk, _, _, pool) = scene(Dialect::Octavia);
    let monitor = desk.monitor(&pool);
    assert_deleted(&desk, &pool);
    assert_eq!(desk.get(&format!("healthmonitors/{monitor}")).status, 404);
}

#[test]
fn policies_block_in_otc_and_octavia_until_the_last_lets_go() {
    for (dialect, words) in [
        (Dialect::OtcV2, "is using this pool"),
        (Dialect::Octavia, "is in use by L7 policy"),
    ] {
        let (desk, load_balancer, listener, pool) = scene(dialect);
        let other = desk.pool(&load_balancer);
        let [nulled, moved, deleted] = [(); 3].map(|()| desk.policy(&listener, &pool));
        let target = |policy: &str, pool: Value| {
            let body = json!({"l7policy": {"redirect_pool_id": pool}});
            assert_eq!(desk.put(&format!("l7policies/{policy}"), &body).status, 200);
            desk.settle();
        };
        assert_in_use(&desk, &pool, words);
        target(&nulled, Value::Null);
        assert_eq!(
            desk.read(&format!("l7policies/{nulled}"), "/l7policy/action"),
            "REDIRECT_TO_POOL"
        );
        assert_in_use(&desk, &pool, &moved);
        target(&moved, json!(other));
        assert_in_use(&desk, &pool, &deleted);
        assert_eq!(desk.delete(&format!("l7policies/{deleted}")).status, 204);
        desk.settle();
        assert_deleted(&desk, &pool);
        assert_eq!(
            desk.read(
                &format!("l7policies/{nulled}"),
                "/l7policy/redirect_pool_id"
            ),
            Value::Null
        );
        assert_eq!(
            desk.read(&format!("l7policies/{moved}"), "/l7policy/redirect_pool_id"),
            json!(other)
        );
    }
}

#[test]
fn a_disabled_policy_without_rules_still_blocks() {
    for dialect in [Dialect::OtcV2, Dialect::Octavia] {
        let (desk, _, listener, pool) = scene(dialect);
        let policy = desk.policy(&listener, &pool);
        let down = json!({"l7policy": {"admin_state_up": false}});
        assert_eq!(desk.put(&format!("l7policies/{policy}"), &down).status, 200);
        desk.settle();
        assert_in_use(&desk, &pool, "");
    }
}

#[test]
fn a_policy_that_loses_its_pool_rejects_in_neutron() {
    let (desk, _, listener, pool) = scene(Dialect::NeutronLbaas);
    let policy = format!("l7policies/{}", desk.policy(&listener, &pool));
    assert_deleted(&desk, &pool);
    assert_eq!(desk.read(&policy, "/l7policy/action"), "REJECT");
    assert_eq!(
        desk.read(&policy, "/l7policy/redirect_pool_id"),
        Value::Null
    );
}

#[test]
fn neutron_clears_a_redirection_only_if_the_action_is_not_named_anew() {
    let (desk, _, listener, pool) = scene(Dialect::NeutronLbaas);
    let policy = format!("l7policies/{}", desk.policy(&listener, &pool));
    let named = json!({"l7policy": {"action": "REDIRECT_TO_POOL", "redirect_pool_id": null}});
    assert_eq!(desk.put(&policy, &named).status, 409);
    assert_eq!(
        desk.read(&policy, "/l7policy/redirect_pool_id"),
        json!(pool)
    );
    assert_eq!(
        desk.put(&policy, &json!({"l7policy": {"redirect_pool_id": null}}))
            .status,
        200
    );
    assert_eq!(
        desk.read(&policy, "/l7policy/redirect_pool_id"),
        Value::Null
    );
}

#[test]
fn a_default_pool_is_deleted_and_its_listener_stays_without_one() {
    for dialect in ALL {
        let (desk, load_balancer, _, _) = scene(dialect);
        let listener = desk.listener(&load_balancer, 81);
        let pool = desk.default_pool(&listener);
        let path = format!("listeners/{listener}");
        assert_eq!(desk.read(&path, "/listener/default_pool_id"), json!(pool));
        assert_deleted(&desk, &pool);
        assert_eq!(desk.read(&path, "/listener/default_pool_id"), Value::Null);
        desk.default_pool(&listener);
    }
}

#[test]
fn session_persistence_does_not_block() {
    for dialect in ALL {
        let (desk, _, _, pool) = scene(dialect);
        let body = json!({"pool": {"session_persistence": {"type": "HTTP_COOKIE"}}});
        assert_eq!(desk.put(&format!("pools/{pool}"), &body).status, 200);
        desk.settle();
        assert_deleted(&desk, &pool);
    }
}

#[test]
fn a_redirection_to_a_listener_does_not_block() {
    let (desk, load_balancer, listener, pool) = scene(Dialect::OtcV2);
    let secure = json!({
        "loadbalancer_id": load_balancer, "protocol": "TERMINATED_HTTPS", "protocol_port": 443,
        "default_tls_container_ref": "c1",
    });
    let secure = desk.create("listeners", &json!({"listener": secure}));
    let policy = json!({"listener_id": listener, "action": "REDIRECT_TO_LISTENER", "redirect_listener_id": secure});
    desk.create("l7policies", &json!({"l7policy": policy}));
    assert_deleted(&desk, &pool);
}

#[test]
fn blockers_are_reported_in_the_dialects_order() {
    for (dialect, order) in [
        (
            Dialect::OtcV2,
            ["member", "healthmonitor", "l7policy"].as_slice(),
        ),
        (Dialect::Octavia, ["L7 policy"].as_slice()),
        (Dialect::NeutronLbaas, ["healthmonitor"].as_slice()),
    ] {
        let (desk, _, listener, pool) = scene(dialect);
        let clear = [
            (
                "member",
                format!("pools/{pool}/members/{}", desk.member(&pool, 1)),
            ),
            (
                "healthmonitor",
                format!("healthmonitors/{}", desk.monitor(&pool)),
            ),
            (
                "l7policy",
                format!("l7policies/{}", desk.policy(&listener, &pool)),
            ),
        ];
        for blocker in order {
            assert_in_use(&desk, &pool, blocker);
            let path = &clear
                .iter()
                .find(|(kind, _)| *kind == blocker.replace("L7 ", "l7"))
                .expect("a blocker")
                .1;
            assert_eq!(desk.delete(path).status, 204);
            desk.settle();
        }
        assert_deleted(&desk, &pool);
    }
}

#[test]
fn an_id_that_names_no_pool_is_not_found() {
    for dialect in ALL {
        let (desk, load_balancer, listener, pool) = scene(dialect);
        let member = desk.member(&pool, 1);
        let before = desk.everything();
        for id in [
            NOBODY,
            "not-a-uuid",
            "%2e%2e",
            "a%2Fb",
            "%ff",
            &load_balancer,
            &listener,
            &member,
            &pool.to_uppercase(),
        ] {
            assert_eq!(
                desk.delete(&format!("pools/{id}")).status,
                404,
                "{dialect:?} {id}"
            );
        }
        assert_eq!(desk.everything(), before);
    }
}

#[test]
fn the_words_of_not_found_are_the_dialects() {
    for (dialect, words) in [
        (Dialect::OtcV2, "EntityNotFound"),
        (
            Dialect::Octavia,
            "\"faultcode\":\"Client\",\"faultstring\":\"Pool 00000000-0000-4000-8000-00000000dead not found.\"",
        ),
        (
            Dialect::NeutronLbaas,
            "pool 00000000-0000-4000-8000-00000000dead could not be found",
        ),
    ] {
        let desk = Desk::new(dialect);
        let answer = desk.delete(&format!("pools/{NOBODY}"));
        assert!(answer.text().contains(words), "{}", answer.text());
    }
}

#[test]
fn a_second_delete_is_not_found() {
    for (dialect, at_once) in [
        (Dialect::OtcV2, 404),
        (Dialect::Octavia, 409),
        (Dialect::NeutronLbaas, 404),
    ] {
        let (desk, _, _, pool) = scene(dialect);
        let path = format!("pools/{pool}");
        assert_eq!(desk.delete(&path).status, 204);
        assert_eq!(desk.delete(&path).status, at_once);
        desk.settle();
        assert_eq!(desk.delete(&path).status, 404);
    }
}

#[test]
fn the_token_is_judged_before_everything() {
    for dialect in ALL {
        let (desk, _, _, pool) = scene(dialect);
        for token in [None, Some(""), Some("nonsense")] {
            for path in [
                format!("pools/{pool}"),
                format!("pools/{NOBODY}"),
                "nowhere".into(),
            ] {
                let answer = desk.send("DELETE", &full(&path), token, "{");
                assert_eq!(answer.status, 401);
                let challenged = answer
                    .headers
                    .iter()
                    .any(|(name, _)| *name == "www-authenticate");
                assert_eq!(challenged, dialect != Dialect::OtcV2);
            }
        }
        assert_deleted(&desk, &pool);
    }
}

#[test]
fn a_reader_may_not_delete() {
    for dialect in ALL {
        let (desk, _, _, pool) = scene(dialect);
        let before = desk.everything();
        let answer = desk.send(
            "DELETE",
            &full(&format!("pools/{pool}")),
            Some("assize-readonly"),
            "",
        );
        assert_eq!(answer.status, 403, "{answer:?}");
        assert_eq!(desk.everything(), before);
    }
}

#[test]
fn permission_and_existence_are_judged_in_the_dialects_order() {
    for (dialect, unknown) in [
        (Dialect::OtcV2, 403),
        (Dialect::Octavia, 404),
        (Dialect::NeutronLbaas, 404),
    ] {
        let desk = Desk::new(dialect);
        let answer = desk.send(
            "DELETE",
            &full(&format!("pools/{NOBODY}")),
            Some("assize-readonly"),
            "",
        );
        assert_eq!(answer.status, unknown);
    }
}

#[test]
fn a_pool_of_another_project_is_hidden_or_forbidden() {
    for (dialect, status) in [
        (Dialect::OtcV2, 404),
        (Dialect::Octavia, 403),
        (Dialect::NeutronLbaas, 404),
    ] {
        let (desk, _, listener, pool) = scene(dialect);
        desk.policy(&listener, &pool);
        let before = desk.everything();
        for method in ["GET", "DELETE"] {
            let answer = desk.send(
                method,
                &full(&format!("pools/{pool}")),
                Some("assize-other"),
                "",
            );
            assert_eq!(answer.status, status, "{dialect:?} {method}");
        }
        assert_eq!(desk.everything(), before);
    }
}

#[test]
fn an_administrator_may_delete_anybodys_pool() {
    for dialect in ALL {
        let (desk, _, _, pool) = scene(dialect);
        let answer = desk.send(
            "DELETE",
            &full(&format!("pools/{pool}")),
            Some("assize-admin"),
            "",
        );
        assert_eq!(answer.status, 204);
        assert_gone(&desk, &pool);
    }
}

#[test]
fn a_body_is_ignored_or_refused_before_the_pool_is_looked_up() {
    for (dialect, known, unknown) in [
        (Dialect::OtcV2, 204, 404),
        (Dialect::Octavia, 204, 404),
        (Dialect::NeutronLbaas, 400, 400),
    ] {
        let (desk, _, _, pool) = scene(dialect);
        for (id, status) in [(NOBODY, unknown), (pool.as_str(), known)] {
            let answer = desk.send(
                "DELETE",
                &full(&format!("pools/{id}")),
                Some("assize-owner"),
                "{}",
            );
            assert_eq!(answer.status, status, "{dialect:?}");
        }
    }
}

#[test]
fn no_query_turns_on_a_cascade() {
    for (dialect, status) in [(Dialect::OtcV2, 409), (Dialect::NeutronLbaas, 409)] {
        let (desk, _, _, pool) = scene(dialect);
        desk.member(&pool, 1);
        desk.monitor(&pool);
        assert_eq!(
            desk.delete(&format!("pools/{pool}?cascade=true&force=1"))
                .status,
            status
        );
    }
}

#[test]
fn octavia_shows_a_deleted_pool_until_it_is_gone_and_locks_what_is_around() {
    let (desk, load_balancer, _, _) = scene(Dialect::Octavia);
    let listener = desk.listener(&load_balancer, 81);
    let pool = desk.default_pool(&listener);
    assert_eq!(desk.delete(&format!("pools/{pool}")).status, 204);
    let status = |path: &str, kind: &str| desk.read(path, &format!("/{kind}/provisioning_status"));
    assert_eq!(status(&format!("pools/{pool}"), "pool"), "PENDING_DELETE");
    assert_eq!(
        status(&format!("listeners/{listener}"), "listener"),
        "PENDING_UPDATE"
    );
    assert_eq!(
        status(&format!("loadbalancers/{load_balancer}"), "loadbalancer"),
        "PENDING_UPDATE"
    );
    assert_eq!(
        desk.read(
            &format!("listeners/{listener}"),
            "/listener/default_pool_id"
        ),
        json!(pool)
    );
    assert_gone(&desk, &pool);
    assert_eq!(
        status(&format!("listeners/{listener}"), "listener"),
        "ACTIVE"
    );
    assert_eq!(
        status(&format!("loadbalancers/{load_balancer}"), "loadbalancer"),
        "ACTIVE"
    );
}

#[test]
fn octavia_refuses_every_write_below_a_pending_load_balancer() {
    let (desk, load_balancer, listener, pool) = scene(Dialect::Octavia);
    let member = desk.member(&pool, 1);
    let monitor = desk.monitor(&pool);
    let renamed = json!({"loadbalancer": {"name": "renamed"}});
    assert_eq!(
        desk.put(&format!("loadbalancers/{load_balancer}"), &renamed)
            .status,
        200
    );
    let before = desk.everything();
    let new_member = json!({"member": {"address": "10.0.0.9", "protocol_port": 1}});
    let answers = [
        desk.delete(&format!("pools/{pool}")),
        desk.delete(&format!("pools/{pool}/members/{member}")),
        desk.delete(&format!("healthmonitors/{monitor}")),
        desk.delete(&format!("listeners/{listener}")),
        desk.delete(&format!("loadbalancers/{load_balancer}?cascade=true")),
        desk.put(&format!("pools/{pool}"), &json!({"pool": {"name": "x"}})),
        desk.put(&format!("pools/{pool}/members"), &json!({"members": []})),
        desk.put(
            &format!("healthmonitors/{monitor}"),
            &json!({"healthmonitor": {"delay": 9}}),
        ),
        desk.post(
            "pools",
            &json!({"pool": pool_of("loadbalancer_id", &load_balancer)}),
        ),
        desk.post(&format!("pools/{pool}/members"), &new_member),
    ];
    let words = format!("Load Balancer {load_balancer} is immutable and cannot be updated.");
    for answer in answers {
        assert_eq!(
            (answer.status, answer.at("/faultstring")),
            (409, json!(words))
        );
    }
    assert_eq!(desk.everything(), before);
    desk.settle();
    assert_deleted(&desk, &pool);
}

#[test]
fn octavia_reports_a_policy_before_the_lock() {
    let (desk, load_balancer, listener, pool) = scene(Dialect::Octavia);
    desk.policy(&listener, &pool);
    let renamed = json!({"loadbalancer": {"name": "renamed"}});
    assert_eq!(
        desk.put(&format!("loadbalancers/{load_balancer}"), &renamed)
            .status,
        200
    );
    assert_in_use(&desk, &pool, "is in use by L7 policy");
}

#[test]
fn a_deleted_pool_frees_its_place_in_the_quota_and_its_id_never_returns() {
    for dialect in ALL {
        let quotas = Quotas {
            pools: Some(1),
            ..Quotas::UNLIMITED
        };
        let desk = Desk::with(Config {
            quotas,
            ..Config::new(dialect)
        });
        let load_balancer = desk.load_balancer();
        let body = json!({"pool": pool_of("loadbalancer_id", &load_balancer)});
        let mut seen = Vec::new();
        for _ in 0..5 {
            let pool = desk.pool(&load_balancer);
            let status = if dialect == Dialect::OtcV2 {
                400
            } else if dialect == Dialect::Octavia {
                403
            } else {
                409
            };
            assert_eq!(desk.post("pools", &body).status, status);
            assert_deleted(&desk, &pool);
            assert!(!seen.contains(&pool));
            seen.push(pool);
        }
    }
}

#[test]
fn both_paths_of_octavia_lead_to_the_same_pool() {
    let (desk, _, _, pool) = scene(Dialect::Octavia);
    let short = format!("/v2/lbaas/pools/{pool}");
    assert_eq!(
        desk.send("GET", &short, Some("assize-owner"), "").status,
        200
    );
    assert_eq!(
        desk.send("DELETE", &short, Some("assize-owner"), "").status,
        204
    );
    assert_gone(&desk, &pool);
}
