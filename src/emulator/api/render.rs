//! Objects as the bodies of answers.

use serde_json::{Value, json};

use super::object::Object;
use crate::emulator::config::Quotas;
use crate::emulator::dialect::Body;
use crate::emulator::model::{
    Common, HealthMonitor, Kind, L7Policy, L7Rule, Listener, LoadBalancer, Member, MonitorType,
    Pool, Provisioning, SessionPersistence,
};
use crate::emulator::store::{Ref, State};

/// What an object shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// Its attributes.
    Plain,
    /// Where it belongs too, as in the list of all members: an extension of otc.
    Placed,
    /// Whole rules in the place of references to them.
    WholeRules,
}

/// An object with all its attributes; empty if there is none.
pub(super) fn object(state: &State, reference: Ref, view: View, object: &mut Object<'_>) {
    let (kind, id) = reference;
    let Some(common) = state.common(reference) else {
        return;
    };
    head(state, kind, common, object);
    match kind {
        Kind::LoadBalancer => {
            let it = state.load_balancers.get(&id);
            it.map(|it| load_balancer(state, it, object))
        }
        Kind::Listener => {
            let it = state.listeners.get(&id);
            it.map(|it| listener(state, it, object))
        }
        Kind::Pool => state.pools.get(&id).map(|it| pool(state, it, object)),
        Kind::Member => state.members.get(&id).map(|it| member(it, object)),
        Kind::HealthMonitor => {
            let it = state.monitors.get(&id);
            it.map(|it| health_monitor(state, it, object))
        }
        Kind::L7Policy => {
            let it = state.policies.get(&id);
            it.map(|it| l7_policy(state, it, view, object))
        }
        Kind::L7Rule => state.l7_rules.get(&id).map(|it| l7_rule(it, object)),
    };
    tail(state, reference, common, object);
    if view == View::Placed {
        object.put("device_id", ());
        object.put("device_owner", ());
        object.id("loadbalancer_id", state.load_balancer_of(reference));
        object.id("pool_id", state.parent(reference));
    }
}

/// What an object starts with.
fn head(state: &State, kind: Kind, common: &Common, object: &mut Object<'_>) {
    object.id("id", common.id);
    object.text("tenant_id", &common.project);
    for (field, value) in [
        ("project_id", &common.project),
        ("name", &common.name),
        ("description", &common.description),
    ] {
        if state.rules.has(kind, field) {
            object.text(field, value);
        }
    }
    object.put("admin_state_up", common.admin_state_up);
}

/// What an object ends with: statuses, times and echoed attributes.
fn tail(state: &State, reference: Ref, common: &Common, object: &mut Object<'_>) {
    let kind = reference.0;
    for extra in state.rules.extras(kind) {
        match common.extra.get(extra.name) {
            Some(value) => object.put(extra.name, value),
            None => object.put(extra.name, extra.shape.default()),
        }
    }
    let statuses = |object: &mut Object<'_>, operating: &str| {
        let provisioning = state.shown(kind, common.provisioning);
        object.word("provisioning_status", provisioning.as_str());
        object.word("operating_status", operating);
    };
    match state.rules.body {
        Body::Octavia => {
            statuses(object, operating_status(state, reference));
            object.put("tags", &common.tags);
            object.time("created_at", common.created);
            object.time("updated_at", common.updated);
        }
        Body::Otc => match kind {
            Kind::LoadBalancer => {
                statuses(object, "ONLINE");
                times_and_tags(common, object);
            }
            Kind::Listener => times_and_tags(common, object),
            Kind::Member => object.word("operating_status", operating_status(state, reference)),
            Kind::L7Policy | Kind::L7Rule => {
                let provisioning = state.shown(kind, common.provisioning);
                object.word("provisioning_status", provisioning.as_str());
            }
            Kind::Pool | Kind::HealthMonitor => {}
        },
        Body::Neutron => {
            if kind == Kind::LoadBalancer {
                statuses(object, operating_status(state, reference));
            }
        }
    }
}

fn times_and_tags(common: &Common, object: &mut Object<'_>) {
    object.put("tags", &common.tags);
    object.time("created_at", common.created);
    object.time("updated_at", common.updated.unwrap_or(common.created));
}

/// Nothing is ever really up or down here: the status follows from what was asked for.
pub(super) fn operating_status(state: &State, (kind, id): Ref) -> &'static str {
    let Some(common) = state.common((kind, id)) else {
        return "OFFLINE";
    };
    let watched = || {
        let pool = state.parent((kind, id));
        pool.is_some_and(|pool| state.monitor_of(pool).is_some())
    };
    match kind {
        Kind::Member if !watched() => "NO_MONITOR",
        _ if common.provisioning == Provisioning::PendingCreate => "OFFLINE",
        _ if common.provisioning == Provisioning::Error => "ERROR",
        _ if common.admin_state_up => "ONLINE",
        _ => match (state.rules.body, kind) {
            (Body::Neutron, _) => "DISABLED",
            (Body::Otc | Body::Octavia, _) => "OFFLINE",
        },
    }
}

fn load_balancer(state: &State, it: &LoadBalancer, object: &mut Object<'_>) {
    let LoadBalancer {
        common,
        vip_subnet,
        vip_address,
        vip_port,
        provider,
    } = it;
    object.id("vip_subnet_id", *vip_subnet);
    object.id("vip_port_id", *vip_port);
    object.text("vip_address", vip_address);
    object.text("provider", provider);
    let listeners = state.listeners_of(common.id);
    object.references("listeners", listeners.iter().map(|it| it.common.id));
    let pools = state.pools_of(common.id);
    object.references("pools", pools.iter().map(|it| it.common.id));
}

fn listener(state: &State, it: &Listener, object: &mut Object<'_>) {
    let Listener {
        common,
        load_balancer,
        protocol,
        port,
        default_pool,
        connection_limit,
        default_tls_container,
    } = it;
    object.word("protocol", protocol.as_str());
    object.put("protocol_port", port);
    object.references("loadbalancers", [*load_balancer]);
    object.id("default_pool_id", *default_pool);
    object.put("connection_limit", connection_limit);
    object.put("default_tls_container_ref", default_tls_container);
    match state.rules.body {
        Body::Otc => {}
        Body::Octavia | Body::Neutron => {
            let policies = state.policies_of(common.id);
            object.references("l7policies", policies.iter().map(|it| it.common.id));
        }
    }
}

fn pool(state: &State, it: &Pool, object: &mut Object<'_>) {
    let Pool {
        common,
        load_balancer,
        protocol,
        algorithm,
        persistence,
    } = it;
    object.word("protocol", protocol.as_str());
    object.word("lb_algorithm", algorithm.as_str());
    let members = state.members_of(common.id);
    object.references("members", members.iter().map(|it| it.common.id));
    let monitor = state.monitor_of(common.id);
    object.id("healthmonitor_id", monitor.map(|it| it.common.id));
    object.references("loadbalancers", [*load_balancer]);
    let listeners = state.listeners_using(common.id);
    object.references("listeners", listeners.iter().map(|it| it.common.id));
    match persistence {
        Some(it) => object.object("session_persistence", &[], |object| {
            session_persistence(state.rules.body, it, object);
        }),
        None => object.put("session_persistence", ()),
    }
}

fn session_persistence(body: Body, it: &SessionPersistence, object: &mut Object<'_>) {
    let SessionPersistence {
        kind,
        cookie_name,
        timeout,
        granularity,
    } = it;
    object.word("type", kind.as_str());
    object.put("cookie_name", cookie_name);
    match body {
        Body::Neutron => {}
        Body::Otc => object.put("persistence_timeout", timeout),
        Body::Octavia => {
            object.put("persistence_timeout", timeout);
            object.put("persistence_granularity", granularity);
        }
    }
}

fn member(it: &Member, object: &mut Object<'_>) {
    let Member {
        common: _,
        pool: _,
        address,
        port,
        subnet,
        weight,
    } = it;
    object.text("address", address);
    object.put("protocol_port", port);
    object.id("subnet_id", *subnet);
    object.put("weight", weight);
}

fn health_monitor(state: &State, it: &HealthMonitor, object: &mut Object<'_>) {
    let HealthMonitor {
        common: _,
        pool,
        probe,
    } = it;
    let http = matches!(probe.kind, MonitorType::Http | MonitorType::Https);
    let default = |value| Some(value).filter(|_| http);
    object.word("type", probe.kind.as_str());
    object.put("delay", probe.delay);
    object.put("timeout", probe.timeout);
    object.put("max_retries", probe.max_retries);
    object.put("max_retries_down", probe.max_retries_down);
    if state.rules.has(Kind::HealthMonitor, "monitor_port") {
        object.put("monitor_port", probe.port);
    }
    if state.rules.has(Kind::HealthMonitor, "domain_name") {
        object.put("domain_name", &probe.domain_name);
    }
    for (field, given, default) in [
        ("url_path", &probe.url_path, default("/")),
        ("expected_codes", &probe.expected_codes, default("200")),
        ("http_method", &probe.http_method, default("GET")),
    ] {
        object.put(field, given.as_deref().or(default));
    }
    object.references("pools", [*pool]);
}

fn l7_policy(state: &State, it: &L7Policy, view: View, object: &mut Object<'_>) {
    let L7Policy {
        common,
        listener,
        action,
        redirect_pool,
        redirect_listener,
        redirect_url,
        position,
    } = it;
    object.id("listener_id", *listener);
    object.word("action", action.as_str());
    object.id("redirect_pool_id", *redirect_pool);
    if state.rules.has(Kind::L7Policy, "redirect_listener_id") {
        object.id("redirect_listener_id", *redirect_listener);
    }
    object.put("redirect_url", redirect_url);
    object.put("position", position);
    let rules = state.rules_of(common.id);
    let rules = rules.iter().map(|it| it.common.id);
    if view == View::WholeRules {
        object.list("rules", &[], rules, |id, object| {
            self::object(state, (Kind::L7Rule, id), View::Plain, object);
        });
    } else {
        object.references("rules", rules);
    }
}

fn l7_rule(it: &L7Rule, object: &mut Object<'_>) {
    let L7Rule {
        common: _,
        policy: _,
        test,
    } = it;
    object.word("type", test.kind.as_str());
    object.word("compare_type", test.compare.as_str());
    object.put("key", &test.key);
    object.text("value", &test.value);
    object.put("invert", test.invert);
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
