//! The status tree of a load balancer.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::render::{id, operating_status};
use crate::emulator::dialect::Body;
use crate::emulator::model::{Kind, L7Policy, L7Rule, Listener, Member, Pool, Provisioning};
use crate::emulator::store::{Ref, State};

/// `{"statuses": {"loadbalancer": …}}`.
pub(super) fn tree(state: &State, load_balancer: Uuid) -> Value {
    let listeners: Vec<&Listener> = state.listeners_of(load_balancer);
    let failed = listeners
        .iter()
        .flat_map(|it| state.policies_of(it.common.id))
        .any(|it| duplicates(state, it));
    let mut node = node(state, (Kind::LoadBalancer, load_balancer));
    if state.rules.body == Body::Otc && failed && node["operating_status"] == "ONLINE" {
        node["operating_status"] = json!("DEGRADED");
    }
    node["listeners"] = listeners.iter().map(|it| listener(state, it)).collect();
    node["pools"] = state
        .pools_of(load_balancer)
        .iter()
        .map(|it| pool(state, it))
        .collect();
    json!({"statuses": {"loadbalancer": node}})
}

/// What every node says.
fn node(state: &State, reference: Ref) -> Value {
    let mut map = Map::new();
    if let Some(common) = state.common(reference) {
        map.insert("id".into(), id(common.id));
        map.insert("name".into(), json!(common.name));
        map.insert(
            "provisioning_status".into(),
            json!(state.shown(reference.0, common.provisioning).as_str()),
        );
        let down = state.rules.body == Body::Otc && !common.admin_state_up;
        let operating = if down {
            "DISABLED"
        } else {
            operating_status(state, reference)
        };
        map.insert("operating_status".into(), json!(operating));
    }
    map.into()
}

fn listener(state: &State, it: &Listener) -> Value {
    let mut node = node(state, (Kind::Listener, it.common.id));
    let default = it.default_pool.and_then(|id| state.pools.get(&id));
    node["pools"] = default.iter().map(|it| pool(state, it)).collect();
    node["l7policies"] = state
        .policies_of(it.common.id)
        .iter()
        .map(|it| policy(state, it))
        .collect();
    node
}

fn pool(state: &State, it: &Pool) -> Value {
    let mut node = node(state, (Kind::Pool, it.common.id));
    let key = if state.rules.body == Body::Octavia {
        "health_monitor"
    } else {
        "healthmonitor"
    };
    node[key] = match state.monitor_of(it.common.id) {
        Some(monitor) => {
            let mut inner = self::node(state, (Kind::HealthMonitor, monitor.common.id));
            inner["type"] = json!(monitor.probe.kind.as_str());
            inner
        }
        None => json!({}),
    };
    node["members"] = state
        .members_of(it.common.id)
        .iter()
        .map(|it| member(state, it))
        .collect();
    node
}

fn member(state: &State, it: &Member) -> Value {
    let mut node = node(state, (Kind::Member, it.common.id));
    node["address"] = json!(it.address);
    node["protocol_port"] = json!(it.port);
    node
}

fn policy(state: &State, it: &L7Policy) -> Value {
    let mut node = node(state, (Kind::L7Policy, it.common.id));
    node["action"] = json!(it.action.as_str());
    if duplicates(state, it) {
        node["provisioning_status"] = json!(Provisioning::Error.as_str());
    }
    let rules = state.rules_of(it.common.id);
    node["rules"] = rules
        .iter()
        .map(|rule| self::rule(state, it, rule))
        .collect();
    node
}

fn rule(state: &State, policy: &L7Policy, it: &L7Rule) -> Value {
    let mut node = node(state, (Kind::L7Rule, it.common.id));
    node["type"] = json!(it.test.kind.as_str());
    if repeated(state, policy, it) {
        node["provisioning_status"] = json!(Provisioning::Error.as_str());
    }
    node
}

/// Whether a policy repeats a rule of an earlier policy of its listener, which only one vendor minds.
fn duplicates(state: &State, policy: &L7Policy) -> bool {
    state
        .rules_of(policy.common.id)
        .iter()
        .any(|it| repeated(state, policy, it))
}

fn repeated(state: &State, policy: &L7Policy, rule: &L7Rule) -> bool {
    state.rules.body == Body::Otc
        && state
            .policies_of(policy.listener)
            .iter()
            .take_while(|it| it.common.id != policy.common.id)
            .flat_map(|it| state.rules_of(it.common.id))
            .any(|it| it.test == rule.test)
}
