//! The status tree of a load balancer.

use uuid::Uuid;

use super::object::Object;
use super::render::operating_status;
use crate::emulator::dialect::Body;
use crate::emulator::model::{
    Common, Kind, L7Policy, L7Rule, Listener, Member, Pool, Provisioning,
};
use crate::emulator::store::{Ref, State};

/// `{"statuses": {"loadbalancer": …}}`.
pub(super) fn tree(state: &State, id: Uuid, body: &mut Object<'_>) {
    body.object("statuses", &[], |statuses| {
        statuses.object("loadbalancer", &[], |node| load_balancer(state, id, node));
    });
}

fn load_balancer(state: &State, id: Uuid, node: &mut Object<'_>) {
    let listeners: Vec<&Listener> = state.listeners_of(id);
    let failed = listeners
        .iter()
        .flat_map(|it| state.policies_of(it.common.id))
        .any(|it| duplicates(state, it));
    let reference = (Kind::LoadBalancer, id);
    if let Some(common) = state.common(reference) {
        let operating = match operating(state, reference, common) {
            "ONLINE" if state.rules.body == Body::Otc && failed => "DEGRADED",
            operating => operating,
        };
        let provisioning = state.shown(Kind::LoadBalancer, common.provisioning);
        head(common, provisioning, operating, node);
    }
    node.list("listeners", &[], listeners, |it, node| {
        listener(state, it, node);
    });
    node.list("pools", &[], state.pools_of(id), |it, node| {
        pool(state, it, node);
    });
}

/// What every node says.
fn head(common: &Common, provisioning: Provisioning, operating: &str, node: &mut Object<'_>) {
    node.id("id", common.id);
    node.text("name", &common.name);
    node.word("provisioning_status", provisioning.as_str());
    node.word("operating_status", operating);
}

fn operating(state: &State, reference: Ref, common: &Common) -> &'static str {
    if state.rules.body == Body::Otc && !common.admin_state_up {
        "DISABLED"
    } else {
        operating_status(state, reference)
    }
}

/// What a node says; the tree alone may show an object as failed.
fn begin(state: &State, kind: Kind, common: &Common, failed: bool, node: &mut Object<'_>) {
    let provisioning = if failed {
        Provisioning::Error
    } else {
        state.shown(kind, common.provisioning)
    };
    let operating = operating(state, (kind, common.id), common);
    head(common, provisioning, operating, node);
}

fn listener(state: &State, it: &Listener, node: &mut Object<'_>) {
    begin(state, Kind::Listener, &it.common, false, node);
    let default = it.default_pool.and_then(|id| state.pools.get(&id));
    node.list("pools", &[], default, |it, node| pool(state, it, node));
    let policies = state.policies_of(it.common.id);
    node.list("l7policies", &[], policies, |it, node| {
        policy(state, it, node);
    });
}

fn pool(state: &State, it: &Pool, node: &mut Object<'_>) {
    begin(state, Kind::Pool, &it.common, false, node);
    let key = if state.rules.body == Body::Octavia {
        "health_monitor"
    } else {
        "healthmonitor"
    };
    node.object(key, &[], |node| {
        if let Some(monitor) = state.monitor_of(it.common.id) {
            begin(state, Kind::HealthMonitor, &monitor.common, false, node);
            node.word("type", monitor.probe.kind.as_str());
        }
    });
    node.list(
        "members",
        &[],
        state.members_of(it.common.id),
        |it, node| member(state, it, node),
    );
}

fn member(state: &State, it: &Member, node: &mut Object<'_>) {
    begin(state, Kind::Member, &it.common, false, node);
    node.text("address", &it.address);
    node.put("protocol_port", it.port);
}

fn policy(state: &State, it: &L7Policy, node: &mut Object<'_>) {
    let failed = duplicates(state, it);
    begin(state, Kind::L7Policy, &it.common, failed, node);
    node.word("action", it.action.as_str());
    node.list("rules", &[], state.rules_of(it.common.id), |own, node| {
        rule(state, it, own, node);
    });
}

fn rule(state: &State, policy: &L7Policy, it: &L7Rule, node: &mut Object<'_>) {
    let failed = repeated(state, policy, it);
    begin(state, Kind::L7Rule, &it.common, failed, node);
    node.word("type", it.test.kind.as_str());
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
