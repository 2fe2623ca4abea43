//! For each defect, what shows it.

use super::scene::Scene;
use super::*;
use crate::emulator::dialect::Form;

fn to(pool: Option<&str>) -> Value {
    json!({"l7policy": {"redirect_pool_id": pool}})
}

/// Whether the emulator does what the defect says.
pub(super) fn shows(defect: Defect, dialect: Dialect, desk: &Desk) -> bool {
    let scene = Scene::new(desk);
    let down = |key: &str| json!({key: {"admin_state_up": false}});
    match defect {
        Defect::MembersIgnored => {
            scene.members(1..=2);
            scene.delete() == 204
        }
        Defect::FirstMemberOnly => {
            let members = scene.members(1..=2);
            let while_first_is_there = scene.delete();
            scene.remove_members(&members[..1]);
            (while_first_is_there, scene.delete()) == (409, 204)
        }
        Defect::WeightlessMembersIgnored => {
            scene.with_and_without_another_member(&json!({"weight": 0})) == (409, 204)
        }
        Defect::DisabledMembersIgnored => {
            scene.with_and_without_another_member(&json!({"admin_state_up": false})) == (409, 204)
        }
        Defect::MonitorIgnored => {
            desk.monitor(&scene.pool);
            scene.delete() == 204
        }
        Defect::DisabledMonitorIgnored => {
            let path = format!("healthmonitors/{}", desk.monitor(&scene.pool));
            scene.before_and_after(&path, &down("healthmonitor")) == (409, 204)
        }
        Defect::PolicyIgnored => {
            desk.policy(&scene.listener, &scene.pool);
            scene.delete() == 204
        }
        Defect::DisabledPolicyIgnored => {
            let path = format!("l7policies/{}", desk.policy(&scene.listener, &scene.pool));
            scene.before_and_after(&path, &down("l7policy")) == (409, 204)
        }
        Defect::RulelessPolicyIgnored => {
            let rules = format!(
                "l7policies/{}/rules",
                desk.policy(&scene.listener, &scene.pool)
            );
            let rule = json!({"type": "PATH", "compare_type": "STARTS_WITH", "value": "/a"});
            let rule = desk.create(&rules, &json!({"rule": rule}));
            let with_rule = scene.delete();
            scene.remove(&format!("{rules}/{rule}"));
            (with_rule, scene.delete()) == (409, 204)
        }
        Defect::FirstPolicyOnly => {
            let first = desk.policy(&scene.listener, &scene.pool);
            desk.policy(&scene.listener, &scene.pool);
            scene.before_and_after(&format!("l7policies/{first}"), &to(None)) == (409, 204)
        }
        Defect::RecreatedMonitorIgnored => {
            scene.remove_members(&scene.members(1..=3));
            scene.recreate_monitor();
            scene.delete() == 204
        }
        Defect::RecreatedMonitorBlocks => {
            scene.remove_members(&scene.members(1..=3));
            scene.recreate_monitor();
            scene.delete() == 409
        }
        Defect::MembersBlock => {
            scene.members(1..=1);
            scene.delete() == 409
        }
        Defect::MonitorBlocks => {
            desk.monitor(&scene.pool);
            scene.delete() == 409
        }
        Defect::PolicyBlocks => {
            desk.policy(&scene.listener, &scene.pool);
            scene.delete() == 409
        }
        Defect::CleanPoolRefused => {
            scene.delete() == 409 && {
                scene.remove_members(&scene.members(1..=1));
                scene.delete() == 204
            }
        }
        Defect::EmptiedPoolRefused => {
            let other = desk.pool(&scene.load_balancer);
            scene.remove_members(&scene.members(1..=1));
            scene.remove(&format!("pools/{other}"));
            scene.delete() == 409
        }
        Defect::PersistenceBlocks => {
            let persistence = json!({"session_persistence": {"type": "HTTP_COOKIE"}});
            scene.change(&scene.path(), &json!({"pool": persistence}));
            scene.delete() == 409
        }
        Defect::DefaultPoolRefused => {
            let of_listener = Scene::with_default_pool(desk);
            scene.remove(&scene.path());
            of_listener.delete() == 409
        }
        Defect::ListenerRedirectBlocks => {
            let scene = Scene::with_default_pool(desk);
            let tls = json!({
                "loadbalancer_id": scene.load_balancer, "protocol": "TERMINATED_HTTPS",
                "protocol_port": 443, "default_tls_container_ref": "a",
            });
            let tls = desk.create("listeners", &json!({"listener": tls}));
            let policy = json!({
                "listener_id": scene.listener, "action": "REDIRECT_TO_LISTENER",
                "redirect_listener_id": tls,
            });
            desk.create("l7policies", &json!({"l7policy": policy}));
            scene.delete() == 409
        }
        Defect::RefusalTakesMembers => {
            scene.members(1..=2);
            assert_eq!(scene.refusal(dialect), 409);
            desk.get(&format!("{}/members", scene.path()))
                .at("/members")
                == json!([])
        }
        Defect::RefusalTakesMonitor => {
            let monitor = desk.monitor(&scene.pool);
            if dialect == Dialect::Octavia {
                scene.block(dialect);
            }
            assert_eq!(scene.delete(), 409);
            scene.gone(&format!("healthmonitors/{monitor}"))
        }
        Defect::RefusalClearsPolicies => {
            let policy = desk.policy(&scene.listener, &scene.pool);
            assert_eq!(scene.refusal(dialect), 409);
            desk.read(
                &format!("l7policies/{policy}"),
                "/l7policy/redirect_pool_id",
            )
            .is_null()
        }
        Defect::RefusalDeletes => {
            assert_eq!(scene.refusal(dialect), 409);
            scene.gone(&scene.path())
        }
        Defect::DeletedPoolStays => {
            assert_eq!(scene.delete(), 204);
            !scene.gone(&scene.path())
        }
        Defect::DeletedPoolListed => {
            assert_eq!(scene.delete(), 204);
            assert!(scene.gone(&scene.path()));
            desk.get("pools").text().contains(&scene.pool)
        }
        Defect::DeletedPoolFiltered => {
            assert_eq!(scene.delete(), 204);
            assert!(scene.gone(&scene.path()));
            let lists = ["pools", "pools?protocol=HTTP"];
            lists.map(|list| desk.get(list).text().contains(&scene.pool)) == [false, true]
        }
        Defect::LoadBalancerKeepsReference => {
            assert_eq!(scene.delete(), 204);
            assert!(scene.gone(&scene.path()));
            let path = format!("loadbalancers/{}", scene.load_balancer);
            let shown = desk.get(&path).text().contains(&scene.pool);
            scene.remove(&format!("listeners/{}", scene.listener));
            scene.remove(&path);
            shown
        }
        Defect::ListenerKeepsReference => {
            let scene = Scene::with_default_pool(desk);
            assert_eq!(scene.delete(), 204);
            assert!(scene.gone(&scene.path()));
            let path = format!("listeners/{}", scene.listener);
            let shown = desk.read(&path, "/listener/default_pool_id") == json!(scene.pool);
            scene.remove(&path);
            shown
        }
        Defect::PolicyKeepsReference => {
            let path = format!("l7policies/{}", desk.policy(&scene.listener, &scene.pool));
            assert_eq!(scene.delete(), 204);
            desk.read(&path, "/l7policy/redirect_pool_id") == json!(scene.pool)
        }
        Defect::OrphanKeepsAction => {
            let path = format!("l7policies/{}", desk.policy(&scene.listener, &scene.pool));
            assert_eq!(scene.delete(), 204);
            assert!(desk.read(&path, "/l7policy/redirect_pool_id").is_null());
            desk.read(&path, "/l7policy/action") == json!("REDIRECT_TO_POOL")
        }
        Defect::MonitorSurvives => {
            let monitor = desk.monitor(&scene.pool);
            assert_eq!(scene.delete(), 204);
            !scene.gone(&format!("healthmonitors/{monitor}"))
        }
        Defect::ListenerDeletedToo => {
            let scene = Scene::with_default_pool(desk);
            assert_eq!(scene.delete(), 204);
            scene.gone(&format!("listeners/{}", scene.listener))
        }
        Defect::SiblingDeletedToo => {
            let other = desk.pool(&scene.load_balancer);
            assert_eq!(scene.delete(), 204);
            scene.gone(&format!("pools/{other}"))
        }
        Defect::QuotaNotReleased => {
            let limited = |method: &str, path: &str, body: &Value| {
                let body = if body.is_null() {
                    String::new()
                } else {
                    body.to_string()
                };
                let answer = desk.send(method, &full(path), Some("assize-limited"), &body);
                desk.settle();
                answer
            };
            let load_balancer = json!({"loadbalancer": {"vip_subnet_id": SUBNET}});
            let load_balancer = limited("POST", "loadbalancers", &load_balancer);
            let id = load_balancer.at("/loadbalancer/id");
            let pool = json!({"pool": pool_of("loadbalancer_id", id.as_str().expect("an id"))});
            let first = limited("POST", "pools", &pool).at("/pool/id");
            let path = format!("pools/{}", first.as_str().expect("an id"));
            assert_ne!(limited("POST", "pools", &pool).status, 201);
            assert_eq!(limited("DELETE", &path, &Value::Null).status, 204);
            limited("POST", "pools", &pool).status != 201
        }
        Defect::IdReused => {
            scene.remove(&scene.path());
            desk.pool(&scene.load_balancer) == scene.pool
        }
        Defect::DeletionAnswers200 => scene.delete() == 200 && scene.gone(&scene.path()),
        Defect::DeletionAnswers201 => scene.delete() == 201 && scene.gone(&scene.path()),
        Defect::DeletionAnswers202 => scene.delete() == 202 && scene.gone(&scene.path()),
        Defect::DeletionAnswersBody | Defect::DeletionAnswersPool => {
            let answer = desk.delete(&scene.path());
            let status = if defect == Defect::DeletionAnswersBody {
                204
            } else {
                200
            };
            answer.status == status && answer.body.is_some()
        }
        Defect::RefusalAnswers400 => scene.refusal(dialect) == 400,
        Defect::RefusalAnswers403 => scene.refusal(dialect) == 403,
        Defect::RefusalAnswers404 => scene.refusal(dialect) == 404,
        Defect::RefusalAnswers500 => scene.refusal(dialect) == 500,
        Defect::RefusalNamesPool => {
            let members = scene.members(1..=1);
            let answer = desk.delete(&scene.path());
            assert_eq!(answer.status, 409);
            !answer.text().contains(&members[0])
        }
        Defect::WrongEnvelope => !scene.error().at("/reasons").is_null(),
        Defect::ErrorWithoutBody => scene.error().body.is_none(),
        Defect::ErrorWithoutMessage => !scene.error().text().contains(NOBODY),
        Defect::ErrorAsHtml => scene.error().form == Form::Html,
        Defect::TruncatedError => {
            let Answer { body, form, .. } = scene.error();
            let text = form.written(body.expect("a body"));
            serde_json::from_slice::<Value>(&text).is_err()
        }
        Defect::SecondDeleteAccepted => {
            assert_eq!(scene.error().status, 404);
            scene.remove(&scene.path());
            scene.delete() == 204
        }
        Defect::UnknownPoolAccepted => {
            scene.remove(&scene.path());
            assert_eq!(scene.delete(), 404);
            scene.error().status == 204
        }
        Defect::MalformedIdCrashes => scene.delete_by("no-id") == 500,
        Defect::MalformedIdAccepted => scene.delete_by("no-id") == 204,
        Defect::IdPrefixDeletes => {
            scene.delete_by(&scene.pool[..8]) == 204 && scene.gone(&scene.path())
        }
        Defect::IdCaseIgnored => {
            scene.delete_by(&scene.pool.to_ascii_uppercase()) == 204 && scene.gone(&scene.path())
        }
        Defect::OtherKindDeleted => {
            let status = scene.delete_by(&scene.listener);
            status == 204 && scene.gone(&format!("listeners/{}", scene.listener))
        }
        Defect::BodyIdDeletes => {
            let other = desk.pool(&scene.load_balancer);
            let body = json!({"pool": {"id": other}}).to_string();
            desk.send("DELETE", &full(&scene.path()), Some("assize-owner"), &body);
            scene.gone(&format!("pools/{other}")) && !scene.gone(&scene.path())
        }
        Defect::QueryIdDeletes => {
            let other = desk.pool(&scene.load_balancer);
            desk.delete(&format!("{}?id={other}", scene.path()));
            scene.gone(&format!("pools/{other}")) && !scene.gone(&scene.path())
        }
        Defect::QueryCascades => {
            assert_eq!(scene.refusal(dialect), 409);
            desk.delete(&format!("{}?cascade=true", scene.path()));
            scene.gone(&scene.path())
        }
        Defect::CollectionDeleted => {
            let other = desk.pool(&scene.load_balancer);
            let status = desk.delete("pools").status;
            status == 204 && scene.gone(&scene.path()) && scene.gone(&format!("pools/{other}"))
        }
        Defect::MethodOverridden => {
            let plain = desk.send("POST", &full(&scene.path()), Some("assize-owner"), "");
            assert_eq!(plain.status, 405);
            let request = http::Request::post(full(&scene.path()))
                .header("X-Auth-Token", "assize-owner")
                .header("X-HTTP-Method-Override", "DELETE");
            desk.ask(request.body(String::new()).expect("a request"));
            scene.gone(&scene.path())
        }
        Defect::PatchDeletes => {
            desk.send("PATCH", &full(&scene.path()), Some("assize-owner"), "");
            scene.gone(&scene.path())
        }
        Defect::TokenIgnored => scene.delete_as(None) == (204, true),
        Defect::WrongTokenAccepted => {
            assert_eq!(scene.delete_as(None), (401, false));
            scene.delete_as(Some("expired")) == (204, true)
        }
        Defect::ForeignProjectDeletes => scene.delete_as(Some("assize-other")) == (204, true),
        Defect::ReaderDeletes => scene.delete_as(Some("assize-readonly")) == (204, true),
        Defect::ForbiddenDeletes => scene.delete_as(Some("assize-readonly")) == (403, true),
        Defect::UnauthenticatedDeletes => scene.delete_as(None) == (401, true),
        Defect::TokenCheckedLast => {
            assert_eq!(scene.delete_as(None), (401, false));
            let unknown = full(&format!("pools/{NOBODY}"));
            desk.send("DELETE", &unknown, None, "").status == 404
        }
        Defect::StaleRead => {
            assert_eq!(scene.delete(), 204);
            let read = desk.get(&scene.path()).status == 200;
            let listed = desk.get("pools").text().contains(&scene.pool);
            assert_eq!(read, listed);
            assert_eq!(scene.delete(), 404);
            assert!(scene.gone(&scene.path()));
            read
        }
        Defect::DeleteChecksThenSleeps => {
            let path = full(&scene.path());
            match desk.turn("DELETE", &path, Some("assize-owner"), "") {
                Turn::Nap(nap) => {
                    assert!(nap.time <= Duration::from_millis(6), "{:?}", nap.time);
                    assert_eq!(desk.get(&scene.path()).status, 200);
                    scene.block(dialect);
                    let answer = desk.api.wake(nap, desk.now.get());
                    answer.status == 204 && scene.gone(&scene.path())
                }
                _ => false,
            }
        }
        Defect::PendingForEver => {
            assert_eq!(scene.delete(), 204);
            let pending = !scene.gone(&scene.path());
            let status = desk.get(&scene.path()).at("/pool/provisioning_status");
            pending && status == json!("PENDING_DELETE")
        }
        Defect::StatusDetour => {
            assert_eq!(scene.delete(), 204);
            let path = format!("loadbalancers/{}", scene.load_balancer);
            let mut seen = Vec::new();
            while seen.last() != Some(&json!("ACTIVE")) {
                seen.push(desk.read(&path, "/loadbalancer/provisioning_status"));
                let next = desk.now.get().checked_add(Duration::from_millis(1));
                desk.now.set(next.expect("a time"));
            }
            seen.dedup();
            seen == ["PENDING_UPDATE", "PENDING_CREATE", "ACTIVE"]
        }
        Defect::ActiveBeforeReady => {
            assert_eq!(scene.delete(), 204);
            let path = format!("loadbalancers/{}", scene.load_balancer);
            assert_eq!(
                desk.put(&path, &json!({"loadbalancer": {"name": "a"}}))
                    .status,
                409
            );
            desk.read(&path, "/loadbalancer/provisioning_status") == json!("ACTIVE")
        }
        Defect::LockIgnored => {
            let path = format!("loadbalancers/{}", scene.load_balancer);
            desk.put(&path, &json!({"loadbalancer": {"name": "a"}}));
            scene.delete() == 204
        }
        Defect::Slow => {
            let turn = desk.turn("DELETE", &full(&scene.path()), Some("assize-owner"), "");
            matches!(turn, Turn::Late(..)) && scene.gone(&scene.path())
        }
        Defect::SomeFail => {
            let statuses = [(); 14].map(|()| {
                let path = format!("pools/{}", desk.pool(&scene.load_balancer));
                let status = desk.delete(&path).status;
                assert_eq!(scene.gone(&path), status == 204);
                status
            });
            statuses.iter().filter(|status| **status == 500).count() == 2
        }
        Defect::ConnectionLost => {
            let turn = desk.turn("DELETE", &full(&scene.path()), Some("assize-owner"), "");
            matches!(turn, Turn::Lost) && scene.gone(&scene.path())
        }
        Defect::FaultDeletes => scene.delete() == 500 && scene.gone(&scene.path()),
        Defect::DeletionBreaksOff => {
            let scene = Scene::with_default_pool(desk);
            let path = format!("listeners/{}", scene.listener);
            scene.delete() == 500
                && !scene.gone(&scene.path())
                && desk.read(&path, "/listener/default_pool_id").is_null()
        }
        Defect::DisassociationLost => {
            let path = format!("l7policies/{}", desk.policy(&scene.listener, &scene.pool));
            scene.change(&path, &to(None));
            desk.read(&path, "/l7policy/redirect_pool_id") == json!(scene.pool)
        }
        Defect::DisassociationRefused => {
            let path = format!("l7policies/{}", desk.policy(&scene.listener, &scene.pool));
            desk.put(&path, &to(None)).status != 200
        }
        Defect::DisassociationDeletes => {
            let path = format!("l7policies/{}", desk.policy(&scene.listener, &scene.pool));
            scene.change(&path, &to(None));
            scene.gone(&path)
        }
        Defect::RedirectionLost => {
            let other = desk.pool(&scene.load_balancer);
            let path = format!("l7policies/{}", desk.policy(&scene.listener, &scene.pool));
            scene.change(&path, &to(Some(&other)));
            desk.read(&path, "/l7policy/redirect_pool_id") == json!(scene.pool)
        }
        Defect::BatchLeavesOne => {
            scene.members(1..=3);
            let path = format!("{}/members", scene.path());
            assert_eq!(desk.put(&path, &json!({"members": []})).status, 202);
            desk.settle();
            let left = desk.get(&path).at("/members");
            left.as_array().is_some_and(|left| left.len() == 1)
        }
    }
}
