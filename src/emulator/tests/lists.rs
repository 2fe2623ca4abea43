//! Filters, order, pages and the choice of attributes.

use super::*;

/// Five pools named p0 to p4 on one load balancer; their ids in ascending order.
fn five(dialect: Dialect) -> (Desk, String, Vec<String>) {
    let desk = Desk::new(dialect);
    let load_balancer = desk.load_balancer();
    let mut ids: Vec<String> = (0..5)
        .map(|number| {
            let mut fields = pool_of("loadbalancer_id", &load_balancer);
            fields["name"] = json!(format!("p{number}"));
            desk.create("pools", &json!({"pool": fields}))
        })
        .collect();
    ids.sort();
    (desk, load_balancer, ids)
}

fn values(answer: &Answer, plural: &str, field: &str) -> Vec<String> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let list = answer.at(&format!("/{plural}"));
    let values = list
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| it[field].as_str().expect("text").to_owned());
    values.collect()
}

fn ids(answer: &Answer) -> Vec<String> {
    values(answer, "pools", "id")
}

fn link(answer: &Answer, rel: &str) -> Option<String> {
    let links = answer.at("/pools_links");
    let found = links.as_array()?.iter().find(|link| link["rel"] == rel)?;
    Some(found["href"].as_str()?.split_once("/lbaas/")?.1.to_owned())
}

#[test]
fn a_list_without_limit_is_whole_ascending_and_without_links() {
    for dialect in ALL {
        let (desk, _, all) = five(dialect);
        let answer = desk.get("pools");
        assert_eq!(ids(&answer), all);
        assert_eq!(answer.at("/pools_links"), Value::Null);
    }
}

#[test]
fn pages_follow_one_another_by_their_links() {
    for dialect in ALL {
        let (desk, _, all) = five(dialect);
        let mut seen = Vec::new();
        let mut next = Some("pools?limit=2".to_owned());
        let mut last = None;
        while let Some(path) = next {
            let answer = desk.get(&path);
            seen.extend(ids(&answer));
            next = link(&answer, "next");
            last = link(&answer, "previous").or(last);
        }
        assert_eq!(seen, all);
        let before = desk.get(&last.expect("a way back"));
        assert_eq!(ids(&before), all[2..4]);
    }
}

#[test]
fn the_last_page_has_a_next_link_only_where_a_full_page_always_has_one() {
    for (dialect, expected) in [
        (Dialect::OtcV2, false),
        (Dialect::Octavia, true),
        (Dialect::NeutronLbaas, true),
    ] {
        let (desk, _, all) = five(dialect);
        let answer = desk.get(&format!("pools?limit=1&marker={}", all[3]));
        assert_eq!(ids(&answer), all[4..]);
        assert_eq!(link(&answer, "next").is_some(), expected);
    }
}

#[test]
fn a_reversed_page_ends_before_its_marker() {
    for dialect in ALL {
        let (desk, _, all) = five(dialect);
        let path = format!("pools?limit=2&page_reverse=true&marker={}", all[4]);
        let answer = desk.get(&path);
        assert_eq!(ids(&answer), all[2..4]);
        assert!(link(&answer, "next").is_some());
        let first = desk.get(&format!(
            "pools?limit=2&page_reverse=true&marker={}",
            all[1]
        ));
        assert_eq!(ids(&first), all[..1]);
        assert_eq!(link(&first, "previous"), None);
    }
}

#[test]
fn a_marker_without_limit_has_no_effect_in_otc() {
    let (desk, _, all) = five(Dialect::OtcV2);
    assert_eq!(
        ids(&desk.get(&format!("pools?marker={}&page_reverse=true", all[2]))),
        all
    );
}

#[test]
fn octavia_pages_without_a_limit_too() {
    let (desk, _, all) = five(Dialect::Octavia);
    assert_eq!(
        ids(&desk.get(&format!("pools?marker={}", all[2]))),
        all[3..]
    );
}

#[test]
fn a_bad_limit_marker_or_order_is_refused() {
    for dialect in ALL {
        let (desk, ..) = five(dialect);
        for query in [
            "limit=-1",
            "limit=x",
            "limit=1&marker=nobody",
            "sort_dir=asc",
            "sort_key=name&sort_dir=up",
            "sort_key=colour&sort_dir=asc",
        ] {
            assert_eq!(
                desk.get(&format!("pools?{query}")).status,
                400,
                "{dialect:?} {query}"
            );
        }
    }
}

#[test]
fn a_limit_beyond_every_number_is_no_trouble() {
    for dialect in ALL {
        let (desk, _, all) = five(dialect);
        let answer = desk.get(&format!("pools?limit={}&marker={}", usize::MAX, all[1]));
        assert_eq!(ids(&answer), all[2..]);
        assert_eq!(desk.get("pools?limit=99999999999999999999999").status, 400);
    }
}

#[test]
fn a_sort_key_without_its_direction_is_refused_or_ascending() {
    for (dialect, status) in [
        (Dialect::OtcV2, 400),
        (Dialect::Octavia, 200),
        (Dialect::NeutronLbaas, 400),
    ] {
        let (desk, ..) = five(dialect);
        assert_eq!(desk.get("pools?sort_key=name").status, status);
    }
}

#[test]
fn lists_are_ordered_by_their_sort_keys() {
    for dialect in ALL {
        let (desk, ..) = five(dialect);
        let down = ["p4", "p3", "p2", "p1", "p0"];
        assert_eq!(
            values(
                &desk.get("pools?sort_key=name&sort_dir=desc"),
                "pools",
                "name"
            ),
            down
        );
        let two =
            desk.get("pools?sort_key=protocol&sort_dir=asc&sort_key=name&sort_dir=desc&limit=2");
        assert_eq!(values(&two, "pools", "name"), down[..2]);
    }
    let (desk, ..) = five(Dialect::Octavia);
    assert_eq!(
        values(&desk.get("pools?sort=name:desc&limit=1"), "pools", "name"),
        ["p4"]
    );
}

#[test]
fn filters_are_exact_and_all_must_match() {
    for dialect in ALL {
        let (desk, load_balancer, all) = five(dialect);
        let other = desk.load_balancer();
        assert_eq!(values(&desk.get("pools?name=p1"), "pools", "name"), ["p1"]);
        assert!(ids(&desk.get("pools?name=p")).is_empty());
        assert!(ids(&desk.get("pools?name=p1&lb_algorithm=SOURCE_IP")).is_empty());
        assert_eq!(
            ids(&desk.get("pools?admin_state_up=True&protocol=HTTP")),
            all
        );
        assert_eq!(
            ids(&desk.get(&format!("pools?loadbalancer_id={load_balancer}"))),
            all
        );
        assert!(ids(&desk.get(&format!("pools?loadbalancer_id={other}"))).is_empty());
        assert_eq!(ids(&desk.get(&format!("pools?id={}", all[1]))), all[1..2]);
        let listener = desk.listener(&load_balancer, 80);
        let policy = desk.policy(&listener, &all[0]);
        let by_pool = |pool: &str| desk.get(&format!("l7policies?redirect_pool_id={pool}"));
        assert_eq!(values(&by_pool(&all[0]), "l7policies", "id"), [policy]);
        assert!(values(&by_pool(&all[1]), "l7policies", "id").is_empty());
    }
}

#[test]
fn a_member_is_found_by_its_address() {
    let (desk, load_balancer, all) = five(Dialect::OtcV2);
    desk.member(&all[3], 80);
    assert_eq!(ids(&desk.get("pools?member_address=10.0.0.8")), all[3..4]);
    assert!(ids(&desk.get("pools?member_address=10.0.0.9")).is_empty());
    let balancers = desk.get("loadbalancers?member_address=10.0.0.8");
    assert_eq!(values(&balancers, "loadbalancers", "id"), [load_balancer]);
}

#[test]
fn a_filter_that_does_not_exist_is_ignored_or_refused() {
    for (dialect, status) in [
        (Dialect::OtcV2, 200),
        (Dialect::Octavia, 400),
        (Dialect::NeutronLbaas, 200),
    ] {
        let (desk, ..) = five(dialect);
        assert_eq!(desk.get("pools?colour=red").status, status);
    }
}

#[test]
fn octavia_filters_by_tags() {
    let (desk, load_balancer, _) = five(Dialect::Octavia);
    let mut fields = pool_of("loadbalancer_id", &load_balancer);
    fields["tags"] = json!(["blue", "old"]);
    let tagged = desk.create("pools", &json!({"pool": fields}));
    assert_eq!(ids(&desk.get("pools?tags=blue,old")), [tagged.as_str()]);
    assert!(ids(&desk.get("pools?tags=blue,new")).is_empty());
    assert_eq!(ids(&desk.get("pools?tags-any=blue,new")), [tagged]);
    assert_eq!(ids(&desk.get("pools?not-tags=blue")).len(), 5);
}

#[test]
fn fields_are_chosen_where_the_dialect_can() {
    for (dialect, keys) in [
        (Dialect::OtcV2, None),
        (Dialect::Octavia, Some(2)),
        (Dialect::NeutronLbaas, Some(2)),
    ] {
        let (desk, _, all) = five(dialect);
        for answer in [
            desk.get("pools?fields=id&fields=name").at("/pools/0"),
            desk.get(&format!("pools/{}?fields=id&fields=name", all[0]))
                .at("/pool"),
        ] {
            let count = answer.as_object().expect("an object").len();
            assert!(keys.map_or(count > 2, |keys| count == keys), "{answer}");
        }
    }
}

#[test]
fn a_list_shows_the_callers_project_only() {
    for dialect in ALL {
        let (desk, _, all) = five(dialect);
        let seen = |token| ids(&desk.send("GET", &full("pools"), Some(token), ""));
        assert_eq!(seen("assize-readonly"), all);
        assert!(seen("assize-other").is_empty());
        assert_eq!(seen("assize-admin"), all);
    }
}

#[test]
fn the_members_of_all_pools_are_listed_in_otc_only() {
    for (dialect, status) in [
        (Dialect::OtcV2, 200),
        (Dialect::Octavia, 404),
        (Dialect::NeutronLbaas, 404),
    ] {
        let (desk, load_balancer, all) = five(dialect);
        let member = desk.member(&all[0], 80);
        let answer = desk.get("members");
        assert_eq!(answer.status, status);
        if status == 200 {
            let found = answer.at("/members/0");
            assert_eq!(
                (&found["id"], &found["pool_id"]),
                (&json!(member), &json!(all[0]))
            );
            assert_eq!(found["loadbalancer_id"], json!(load_balancer));
        }
    }
}

#[test]
fn otc_shows_whole_rules_on_request() {
    let (desk, load_balancer, all) = five(Dialect::OtcV2);
    let listener = desk.listener(&load_balancer, 80);
    let rule = json!({"type": "PATH", "compare_type": "EQUAL_TO", "value": "/a"});
    let fields = json!({
        "listener_id": listener, "action": "REDIRECT_TO_POOL", "redirect_pool_id": all[0], "rules": [rule],
    });
    desk.create("l7policies", &json!({"l7policy": fields}));
    assert_eq!(
        desk.get("l7policies").at("/l7policies/0/rules/0/value"),
        Value::Null
    );
    assert_eq!(
        desk.get("l7policies?display_all_rules=true")
            .at("/l7policies/0/rules/0/value"),
        "/a"
    );
}

#[test]
fn members_and_rules_can_be_asked_for_by_what_they_are_below() {
    for dialect in ALL {
        let (desk, load_balancer, _) = five(dialect);
        let pool = desk.create(
            "pools",
            &json!({"pool": pool_of("loadbalancer_id", &load_balancer)}),
        );
        let member = desk.member(&pool, 10);
        let below = |id: &str| desk.get(&format!("pools/{pool}/members?pool_id={id}"));
        assert_eq!(values(&below(&pool), "members", "id"), [member]);
        assert_eq!(values(&below(&load_balancer), "members", "id"), [""; 0]);
    }
}

#[test]
fn a_query_of_more_than_a_hundred_parameters_or_values_is_refused() {
    for dialect in ALL {
        let (desk, _, all) = five(dialect);
        let mut names = vec!["name=p1"; 99];
        names.push("name=p2");
        let answer = desk.get(&format!("pools?{}", names.join("&")));
        assert_eq!(ids(&answer).len(), 2, "{all:?}");
        names.push("name=p3");
        assert_eq!(desk.get(&format!("pools?{}", names.join("&"))).status, 400);
        let fields = format!("pools?fields={}", ["id"; 101].join(","));
        let answer = desk.get(&fields);
        assert_eq!(answer.status, 400);
        assert!(answer.text().contains("more than 100"), "{answer:?}");
    }
}
