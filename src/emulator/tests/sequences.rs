//! Long random histories: whatever is asked in whatever order, the same few sentences hold.

use super::*;
use crate::emulator::store::Random;

/// Picks by a seed; the same seed, the same history.
struct Dice(Random);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        let bits = u64::try_from(self.0.id().as_u128() & 0xffff_ffff).expect("32 bits");
        usize::try_from(bits).expect("fits") % sides
    }

    fn pick<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.roll(items.len())].clone()
    }
}

/// What was created, by path, whether or not it still exists.
struct History {
    desk: Desk,
    dice: Dice,
    ids: Vec<(&'static str, String)>,
}

impl History {
    fn new(dialect: Dialect, seed: u64) -> Self {
        let desk = Desk::with(Config {
            seed,
            quotas: Quotas::UNLIMITED,
            ..Config::new(dialect)
        });
        Self {
            desk,
            dice: Dice(Random::new(seed)),
            ids: vec![("nothing", NOBODY.into())],
        }
    }

    /// An id of a kind, or now and then of anything.
    fn id(&mut self, plural: &str) -> String {
        let fitting: Vec<String> = self
            .ids
            .iter()
            .filter(|(kind, _)| *kind == plural)
            .map(|(_, id)| id.clone())
            .collect();
        if fitting.is_empty() || self.dice.roll(20) == 0 {
            return self.dice.pick(&self.ids.clone()).1;
        }
        self.dice.pick(&fitting)
    }

    /// One request, and the kind of what it creates.
    fn request(&mut self) -> (&'static str, String, Value, &'static str) {
        let (load_balancer, listener) = (self.id("loadbalancers"), self.id("listeners"));
        let (pool, policy) = (self.id("pools"), self.id("l7policies"));
        let maybe_pool = self.dice.pick(&[Value::Null, json!(pool)]);
        let port = self.dice.pick(&[80, 81, 82, 0]);
        match self.dice.roll(20) {
            0 => (
                "POST",
                "loadbalancers".into(),
                json!({"loadbalancer": {"vip_subnet_id": SUBNET}}),
                "loadbalancers",
            ),
            1 | 2 => {
                let protocol = self.dice.pick(&["HTTP", "HTTP", "TCP"]);
                let fields = json!({
                    "loadbalancer_id": load_balancer, "protocol": protocol, "protocol_port": port,
                    "default_pool_id": maybe_pool,
                });
                (
                    "POST",
                    "listeners".into(),
                    json!({"listener": fields}),
                    "listeners",
                )
            }
            3 => (
                "POST",
                "pools".into(),
                json!({"pool": pool_of("loadbalancer_id", &load_balancer)}),
                "pools",
            ),
            4 => (
                "POST",
                "pools".into(),
                json!({"pool": pool_of("listener_id", &listener)}),
                "pools",
            ),
            5 | 6 => {
                let fields =
                    json!({"address": "10.0.0.8", "protocol_port": port, "subnet_id": SUBNET});
                (
                    "POST",
                    format!("pools/{pool}/members"),
                    json!({"member": fields}),
                    "members",
                )
            }
            7 => {
                let fields = json!({"pool_id": pool, "type": "HTTP", "delay": 5, "timeout": 3, "max_retries": 3});
                (
                    "POST",
                    "healthmonitors".into(),
                    json!({"healthmonitor": fields}),
                    "healthmonitors",
                )
            }
            8 | 9 => {
                let fields = json!({"listener_id": listener, "action": "REDIRECT_TO_POOL", "redirect_pool_id": maybe_pool});
                (
                    "POST",
                    "l7policies".into(),
                    json!({"l7policy": fields}),
                    "l7policies",
                )
            }
            10 => {
                let fields = json!({"type": "PATH", "compare_type": "STARTS_WITH", "value": "/a"});
                (
                    "POST",
                    format!("l7policies/{policy}/rules"),
                    json!({"rule": fields}),
                    "rules",
                )
            }
            11 => (
                "PUT",
                format!("listeners/{listener}"),
                json!({"listener": {"default_pool_id": maybe_pool}}),
                "",
            ),
            12 => (
                "PUT",
                format!("l7policies/{policy}"),
                json!({"l7policy": {"redirect_pool_id": maybe_pool}}),
                "",
            ),
            13 => {
                let item =
                    json!({"address": "10.0.0.8", "protocol_port": port, "subnet_id": SUBNET});
                let items = self.dice.pick(&[json!([]), json!([item])]);
                (
                    "PUT",
                    format!("pools/{pool}/members"),
                    json!({"members": items}),
                    "",
                )
            }
            14 => ("DELETE", format!("listeners/{listener}"), Value::Null, ""),
            15 => ("DELETE", format!("l7policies/{policy}"), Value::Null, ""),
            16 => (
                "DELETE",
                format!("healthmonitors/{}", self.id("healthmonitors")),
                Value::Null,
                "",
            ),
            17 => (
                "DELETE",
                format!("loadbalancers/{load_balancer}"),
                Value::Null,
                "",
            ),
            _ => ("DELETE", format!("pools/{pool}"), Value::Null, ""),
        }
    }

    /// The documented answer to a deletion of a pool, from nothing but what can be read.
    fn verdict(&self, dialect: Dialect, path: &str) -> u16 {
        let answer = self.desk.get(path);
        if answer.status != 200 {
            return 404;
        }
        let policies = self.desk.get(&format!(
            "l7policies?redirect_pool_id={}",
            &path["pools/".len()..]
        ));
        let policy = policies.at("/l7policies/0") != Value::Null;
        let monitor = answer.at("/pool/healthmonitor_id") != Value::Null;
        let member = answer.at("/pool/members/0") != Value::Null;
        let balancer = answer.at("/pool/loadbalancers/0/id");
        let balancer = format!("loadbalancers/{}", balancer.as_str().expect("an id"));
        let locked = self
            .desk
            .read(&balancer, "/loadbalancer/provisioning_status")
            != "ACTIVE";
        let refused = match dialect {
            Dialect::OtcV2 => member || monitor || policy,
            Dialect::Octavia => policy || locked,
            Dialect::NeutronLbaas => monitor || locked,
        };
        if refused { 409 } else { 204 }
    }
}

/// The id that a pointer finds in each object of a list.
fn references(everything: &[Value], list: usize, field: &str) -> Vec<Value> {
    let objects = everything[list].as_array().expect("a list").iter();
    objects
        .map(|object| object[field].clone())
        .filter(|id| !id.is_null())
        .collect()
}

#[test]
fn a_refusal_changes_nothing_and_nothing_refers_to_what_is_gone() {
    for dialect in ALL {
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..3 {
            let mut history = History::new(dialect, seed);
            for _ in 0..160 {
                let (method, path, body, creates) = history.request();
                let expected = (method == "DELETE" && path.starts_with("pools/"))
                    .then(|| history.verdict(dialect, &path));
                let before = history.desk.everything();
                let body = if body.is_null() {
                    String::new()
                } else {
                    body.to_string()
                };
                let answer = history
                    .desk
                    .send(method, &full(&path), Some("assize-owner"), &body);
                let what = format!("{dialect:?} {seed}: {method} {path} {body} {answer:?}");
                let after = history.desk.everything();
                seen.insert((method, answer.status));
                assert!(answer.status < 500, "{what}");
                assert!(
                    expected.is_none_or(|status| status == answer.status),
                    "{expected:?} {what}"
                );
                if answer.status >= 400 {
                    assert_eq!(before, after, "{what}");
                } else if method == "POST" {
                    let id = answer.id();
                    assert!(history.ids.iter().all(|(_, other)| *other != id), "{what}");
                    history.ids.push((creates, id));
                }
                for (list, field, target) in [
                    (1, "default_pool_id", 2),
                    (4, "redirect_pool_id", 2),
                    (4, "listener_id", 1),
                ] {
                    let existing = references(&after, target, "id");
                    let dangling = references(&after, list, field)
                        .into_iter()
                        .find(|id| !existing.contains(id));
                    assert_eq!(dangling, None, "{what}");
                }
                if history.dice.roll(3) > 0 {
                    history.desk.settle();
                }
            }
        }
        // The histories are no good if they are all refused.
        for common in [
            ("POST", 201),
            ("PUT", 200),
            ("DELETE", 204),
            ("DELETE", 409),
            ("DELETE", 404),
        ] {
            assert!(seen.contains(&common), "{dialect:?} {common:?}");
        }
    }
}
