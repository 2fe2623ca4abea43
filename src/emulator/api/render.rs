//! Objects as the bodies of answers.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::emulator::config::Quotas;
use crate::emulator::dialect::Body;
use crate::emulator::model::{
    Common, HealthMonitor, Kind, L7Policy, L7Rule, Listener, LoadBalancer, Member, MonitorType,
    Pool, Provisioning, SessionPersistence,
};
use crate::emulator::store::{Ref, State};

/// An object with all its attributes; empty if there is none.
pub(super) fn object(state: &State, reference: Ref) -> Map<String, Value> {
    let (kind, id) = reference;
    let mut map = Map::new();
    if let Some(common) = state.common(reference) {
        head(state, kind, common, &mut map);
    }
    match kind {
        Kind::LoadBalancer => state
            .load_balancers
            .get(&id)
            .map(|it| load_balancer(state, it, &mut map)),
        Kind::Listener => state
            .listeners
            .get(&id)
            .map(|it| listener(state, it, &mut map)),
        Kind::Pool => state.pools.get(&id).map(|it| pool(state, it, &mut map)),
        Kind::Member => state.members.get(&id).map(|it| member(it, &mut map)),
        Kind::HealthMonitor => state
            .monitors
            .get(&id)
            .map(|it| health_monitor(state, it, &mut map)),
        Kind::L7Policy => state
            .policies
            .get(&id)
            .map(|it| l7_policy(state, it, &mut map)),
        Kind::L7Rule => state.l7_rules.get(&id).map(|it| l7_rule(it, &mut map)),
    };
    if let Some(common) = state.common(reference) {
        tail(state, reference, common, &mut map);
    }
    map
}

/// An object of the list of all members: the otc extension names where each belongs.
pub(super) fn member_of_all(state: &State, id: Uuid) -> Map<String, Value> {
    let mut map = object(state, (Kind::Member, id));
    put(&mut map, "device_id", Value::Null);
    put(&mut map, "device_owner", Value::Null);
    put(
        &mut map,
        "loadbalancer_id",
        self::id(state.load_balancer_of((Kind::Member, id))),
    );
    put(
        &mut map,
        "pool_id",
        self::id(state.parent((Kind::Member, id))),
    );
    map
}

fn put(map: &mut Map<String, Value>, key: &str, value: impl Into<Value>) {
    map.insert(key.to_owned(), value.into());
}

/// An id, or null.
pub(super) fn id(id: impl Into<Option<Uuid>>) -> Value {
    id.into().map(|id| id.to_string()).into()
}

/// `[{"id": …}]`.
fn references(ids: impl IntoIterator<Item = Uuid>) -> Value {
    ids.into_iter()
        .map(|id| json!({"id": self::id(id)}))
        .collect()
}

/// What an object starts with.
fn head(state: &State, kind: Kind, common: &Common, map: &mut Map<String, Value>) {
    put(map, "id", id(common.id));
    put(map, "tenant_id", common.project.as_str());
    for (field, value) in [
        ("project_id", &common.project),
        ("name", &common.name),
        ("description", &common.description),
    ] {
        if state.rules.has(kind, field) {
            put(map, field, value.as_str());
        }
    }
    put(map, "admin_state_up", common.admin_state_up);
}

/// What an object ends with: statuses, times and echoed attributes.
fn tail(state: &State, reference: Ref, common: &Common, map: &mut Map<String, Value>) {
    let kind = reference.0;
    let provisioning = state.shown(kind, common.provisioning);
    for extra in state.rules.extras(kind) {
        let value = common
            .extra
            .get(extra.name)
            .cloned()
            .unwrap_or_else(|| extra.shape.default());
        put(map, extra.name, value);
    }
    match state.rules.body {
        Body::Octavia => {
            put(map, "provisioning_status", provisioning.as_str());
            put(map, "operating_status", operating_status(state, reference));
            put(map, "tags", json!(common.tags));
            put(map, "created_at", time(common.created));
            put(map, "updated_at", common.updated.map(time));
        }
        Body::Otc => match kind {
            Kind::LoadBalancer => {
                put(map, "provisioning_status", provisioning.as_str());
                put(map, "operating_status", "ONLINE");
                times_and_tags(common, map);
            }
            Kind::Listener => times_and_tags(common, map),
            Kind::Member => put(map, "operating_status", operating_status(state, reference)),
            Kind::L7Policy | Kind::L7Rule => {
                put(map, "provisioning_status", provisioning.as_str());
            }
            Kind::Pool | Kind::HealthMonitor => {}
        },
        Body::Neutron => {
            if kind == Kind::LoadBalancer {
                put(map, "provisioning_status", provisioning.as_str());
                put(map, "operating_status", operating_status(state, reference));
            }
        }
    }
}

fn times_and_tags(common: &Common, map: &mut Map<String, Value>) {
    put(map, "tags", json!(common.tags));
    put(map, "created_at", time(common.created));
    put(
        map,
        "updated_at",
        time(common.updated.unwrap_or(common.created)),
    );
}

/// UTC, without a zone.
fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

/// Nothing is ever really up or down here: the status follows from what was asked for.
pub(super) fn operating_status(state: &State, (kind, id): Ref) -> &'static str {
    let Some(common) = state.common((kind, id)) else {
        return "OFFLINE";
    };
    let watched = state
        .parent((kind, id))
        .and_then(|pool| state.monitor_of(pool))
        .is_some();
    match kind {
        Kind::Member if !watched => "NO_MONITOR",
        _ if common.provisioning == Provisioning::PendingCreate => "OFFLINE",
        _ if common.provisioning == Provisioning::Error => "ERROR",
        _ if common.admin_state_up => "ONLINE",
        _ => match (state.rules.body, kind) {
            (Body::Neutron, _) => "DISABLED",
            (Body::Otc | Body::Octavia, _) => "OFFLINE",
        },
    }
}

fn load_balancer(state: &State, it: &LoadBalancer, map: &mut Map<String, Value>) {
    let LoadBalancer {
        common,
        vip_subnet,
        vip_address,
        vip_port,
        provider,
    } = it;
    put(map, "vip_subnet_id", id(*vip_subnet));
    put(map, "vip_port_id", id(*vip_port));
    put(map, "vip_address", vip_address.as_str());
    put(map, "provider", provider.as_str());
    put(
        map,
        "listeners",
        references(state.listeners_of(common.id).iter().map(|it| it.common.id)),
    );
    put(
        map,
        "pools",
        references(state.pools_of(common.id).iter().map(|it| it.common.id)),
    );
}

fn listener(state: &State, it: &Listener, map: &mut Map<String, Value>) {
    let Listener {
        common,
        load_balancer,
        protocol,
        port,
        default_pool,
        connection_limit,
        default_tls_container,
    } = it;
    put(map, "protocol", protocol.as_str());
    put(map, "protocol_port", *port);
    put(map, "loadbalancers", references([*load_balancer]));
    put(map, "default_pool_id", id(*default_pool));
    put(map, "connection_limit", *connection_limit);
    put(
        map,
        "default_tls_container_ref",
        default_tls_container.clone(),
    );
    match state.rules.body {
        Body::Otc => {}
        Body::Octavia | Body::Neutron => {
            put(
                map,
                "l7policies",
                references(state.policies_of(common.id).iter().map(|it| it.common.id)),
            );
        }
    }
}

fn pool(state: &State, it: &Pool, map: &mut Map<String, Value>) {
    let Pool {
        common,
        load_balancer,
        protocol,
        algorithm,
        persistence,
    } = it;
    put(map, "protocol", protocol.as_str());
    put(map, "lb_algorithm", algorithm.as_str());
    put(
        map,
        "members",
        references(state.members_of(common.id).iter().map(|it| it.common.id)),
    );
    put(
        map,
        "healthmonitor_id",
        id(state.monitor_of(common.id).map(|it| it.common.id)),
    );
    put(map, "loadbalancers", references([*load_balancer]));
    put(
        map,
        "listeners",
        references(
            state
                .listeners_using(common.id)
                .iter()
                .map(|it| it.common.id),
        ),
    );
    let body = state.rules.body;
    put(
        map,
        "session_persistence",
        persistence
            .as_ref()
            .map_or(Value::Null, |it| session_persistence(body, it)),
    );
}

fn session_persistence(body: Body, it: &SessionPersistence) -> Value {
    let SessionPersistence {
        kind,
        cookie_name,
        timeout,
        granularity,
    } = it;
    let mut map = Map::new();
    put(&mut map, "type", kind.as_str());
    put(&mut map, "cookie_name", cookie_name.clone());
    match body {
        Body::Neutron => {}
        Body::Otc => put(&mut map, "persistence_timeout", *timeout),
        Body::Octavia => {
            put(&mut map, "persistence_timeout", *timeout);
            put(&mut map, "persistence_granularity", granularity.clone());
        }
    }
    map.into()
}

fn member(it: &Member, map: &mut Map<String, Value>) {
    let Member {
        common: _,
        pool: _,
        address,
        port,
        subnet,
        weight,
    } = it;
    put(map, "address", address.as_str());
    put(map, "protocol_port", *port);
    put(map, "subnet_id", id(*subnet));
    put(map, "weight", *weight);
}

fn health_monitor(state: &State, it: &HealthMonitor, map: &mut Map<String, Value>) {
    let HealthMonitor {
        common: _,
        pool,
        probe,
    } = it;
    let http = matches!(probe.kind, MonitorType::Http | MonitorType::Https);
    let or = |given: &Option<String>, default: &str| match given {
        Some(given) => json!(given),
        None if http => json!(default),
        None => Value::Null,
    };
    put(map, "type", probe.kind.as_str());
    put(map, "delay", probe.delay);
    put(map, "timeout", probe.timeout);
    put(map, "max_retries", probe.max_retries);
    put(map, "max_retries_down", probe.max_retries_down);
    for (field, value) in [
        ("monitor_port", json!(probe.port)),
        ("domain_name", json!(probe.domain_name)),
    ] {
        if state.rules.has(Kind::HealthMonitor, field) {
            put(map, field, value);
        }
    }
    put(map, "url_path", or(&probe.url_path, "/"));
    put(map, "expected_codes", or(&probe.expected_codes, "200"));
    put(map, "http_method", or(&probe.http_method, "GET"));
    put(map, "pools", references([*pool]));
}

fn l7_policy(state: &State, it: &L7Policy, map: &mut Map<String, Value>) {
    let L7Policy {
        common,
        listener,
        action,
        redirect_pool,
        redirect_listener,
        redirect_url,
        position,
    } = it;
    put(map, "listener_id", id(*listener));
    put(map, "action", action.as_str());
    put(map, "redirect_pool_id", id(*redirect_pool));
    if state.rules.has(Kind::L7Policy, "redirect_listener_id") {
        put(map, "redirect_listener_id", id(*redirect_listener));
    }
    put(map, "redirect_url", redirect_url.clone());
    put(map, "position", *position);
    put(
        map,
        "rules",
        references(state.rules_of(common.id).iter().map(|it| it.common.id)),
    );
}

fn l7_rule(it: &L7Rule, map: &mut Map<String, Value>) {
    let L7Rule {
        common: _,
        policy: _,
        test,
    } = it;
    put(map, "type", test.kind.as_str());
    put(map, "compare_type", test.compare.as_str());
    put(map, "key", test.key.clone());
    put(map, "value", test.value.as_str());
    put(map, "invert", test.invert);
}

/// The list of the quotas that were set for a project: one, or none where there is no bound at all.
pub(super) fn quotas(project: &str, quotas: Quotas) -> Value {
    let Quotas {
        load_balancers,
        listeners,
        listeners_per_load_balancer: _,
        pools,
        members,
        health_monitors,
        l7_policies,
        l7_rules,
    } = quotas;
    if quotas == Quotas::UNLIMITED {
        return json!({"quotas": [], "quotas_links": []});
    }
    let bound = |bound: Option<usize>| bound.map_or(json!(-1), Value::from);
    json!({"quotas": [{
        "project_id": project,
        "tenant_id": project,
        "load_balancer": bound(load_balancers),
        "listener": bound(listeners),
        "pool": bound(pools),
        "member": bound(members),
        "health_monitor": bound(health_monitors),
        "l7policy": bound(l7_policies),
        "l7rule": bound(l7_rules),
    }], "quotas_links": []})
}
