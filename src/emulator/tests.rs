//! Tests through requests without a socket: the time is set by hand, so nothing sleeps.
//! What only the wire can show is in `tests/wire.rs`.

mod defects;
mod delete_pool;
mod identity;
mod lists;
mod others;
mod sequences;
mod validation;
mod wire;

use std::cell::Cell;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::api::{Api, Turn};
use super::dialect::Answer;
use super::{Config, Dialect, Quotas};

const SUBNET: &str = "5c1a2f3e-0000-4000-8000-000000000001";
const NOBODY: &str = "00000000-0000-4000-8000-00000000dead";
const ALL: [Dialect; 3] = [Dialect::OtcV2, Dialect::Octavia, Dialect::NeutronLbaas];

/// An API that is asked directly, at a time that only the test moves.
struct Desk {
    api: Api,
    now: Cell<Timestamp>,
}

impl Desk {
    fn new(dialect: Dialect) -> Self {
        Self::with(Config {
            quotas: Quotas::UNLIMITED,
            ..Config::new(dialect)
        })
    }

    fn with(config: Config) -> Self {
        let api = Api::new(&config, "http://127.0.0.1:1".into());
        Self {
            api,
            now: Cell::new(Timestamp::UNIX_EPOCH),
        }
    }

    fn send(&self, method: &str, path: &str, token: Option<&str>, body: &str) -> Answer {
        match self.turn(method, path, token, body) {
            Turn::Done(answer) => answer,
            Turn::Late(_, answer) => answer,
            Turn::Nap(nap) => self.api.wake(nap, self.now.get()),
            Turn::Lost => panic!("{method} {path} ends the connection"),
        }
    }

    fn turn(&self, method: &str, path: &str, token: Option<&str>, body: &str) -> Turn {
        let mut request = http::Request::builder().method(method).uri(path);
        if let Some(token) = token {
            request = request.header("X-Auth-Token", token);
        }
        self.ask(request.body(body.to_owned()).expect("a request"))
    }

    fn ask(&self, request: http::Request<String>) -> Turn {
        let (parts, body) = request.into_parts();
        self.api.turn(&parts, Ok(body.into()), self.now.get())
    }

    fn get(&self, path: &str) -> Answer {
        self.send("GET", &full(path), Some("assize-owner"), "")
    }

    fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", &full(path), Some("assize-owner"), &body.to_string())
    }

    fn put(&self, path: &str, body: &Value) -> Answer {
        self.send("PUT", &full(path), Some("assize-owner"), &body.to_string())
    }

    fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", &full(path), Some("assize-owner"), "")
    }

    /// Lets every PENDING state end.
    fn settle(&self) {
        self.now.set(
            self.now
                .get()
                .checked_add(Duration::from_secs(1))
                .expect("a time"),
        );
    }

    /// Creates, settles, and returns the id.
    fn create(&self, path: &str, body: &Value) -> String {
        let answer = self.post(path, body);
        assert_eq!(answer.status, 201, "{path} {body} {answer:?}");
        self.settle();
        answer.id()
    }

    fn load_balancer(&self) -> String {
        self.create(
            "loadbalancers",
            &json!({"loadbalancer": {"vip_subnet_id": SUBNET}}),
        )
    }

    fn listener(&self, load_balancer: &str, port: u16) -> String {
        let fields =
            json!({"loadbalancer_id": load_balancer, "protocol": "HTTP", "protocol_port": port});
        self.create("listeners", &json!({"listener": fields}))
    }

    fn pool(&self, load_balancer: &str) -> String {
        self.create(
            "pools",
            &json!({"pool": pool_of("loadbalancer_id", load_balancer)}),
        )
    }

    fn default_pool(&self, listener: &str) -> String {
        self.create("pools", &json!({"pool": pool_of("listener_id", listener)}))
    }

    fn member(&self, pool: &str, port: u16) -> String {
        let fields = json!({"address": "10.0.0.8", "protocol_port": port, "subnet_id": SUBNET});
        self.create(&format!("pools/{pool}/members"), &json!({"member": fields}))
    }

    fn monitor(&self, pool: &str) -> String {
        let fields =
            json!({"pool_id": pool, "type": "HTTP", "delay": 5, "timeout": 3, "max_retries": 3});
        self.create("healthmonitors", &json!({"healthmonitor": fields}))
    }

    fn policy(&self, listener: &str, pool: &str) -> String {
        let fields = json!({"listener_id": listener, "action": "REDIRECT_TO_POOL", "redirect_pool_id": pool});
        self.create("l7policies", &json!({"l7policy": fields}))
    }

    /// An attribute of an object that exists.
    fn read(&self, path: &str, pointer: &str) -> Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path} {answer:?}");
        answer.at(pointer)
    }

    /// Everything that the owner can see, to compare before with after.
    fn everything(&self) -> Vec<Value> {
        [
            "loadbalancers",
            "listeners",
            "pools",
            "healthmonitors",
            "l7policies",
        ]
        .iter()
        .map(|plural| {
            let mut list = self.get(plural).at(&format!("/{plural}"));
            for object in list.as_array_mut().expect("a list") {
                let below = match *plural {
                    "pools" => "members",
                    "l7policies" => "rules",
                    _ => continue,
                };
                let id = object["id"].as_str().expect("an id");
                object["below"] = self
                    .get(&format!("{plural}/{id}/{below}"))
                    .at(&format!("/{below}"));
            }
            list
        })
        .collect()
    }
}

impl Answer {
    /// A part of the body; null if there is none.
    fn at(&self, pointer: &str) -> Value {
        let body = self.body.as_deref().unwrap_or(b"null");
        let body: Value = serde_json::from_slice(body).expect("JSON");
        body.pointer(pointer).cloned().unwrap_or(Value::Null)
    }

    /// The id of the object that it shows.
    fn id(&self) -> String {
        let body = self.at("");
        let object = body.as_object().and_then(|body| body.values().next());
        let id = object.and_then(|object| object["id"].as_str());
        id.expect("an id").to_owned()
    }

    fn text(&self) -> String {
        let body = self.body.as_deref().unwrap_or_default();
        String::from_utf8(body.to_vec()).expect("text")
    }
}

fn full(path: &str) -> String {
    format!("/v2.0/lbaas/{path}")
}

fn pool_of(parent: &str, id: &str) -> Value {
    json!({parent: id, "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN"})
}
