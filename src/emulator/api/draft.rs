//! Bodies of POST: from JSON to typed drafts, with every rule that needs no look at what is stored.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use super::body::Reader;
use super::json::Json;
use crate::emulator::dialect::{MemberSubnet, Persistence, RuleTypes, Rules, Vip};
use crate::emulator::model::{Kind, Match, PersistenceType, Probe, Protocol, SessionPersistence};
use crate::emulator::refusal::Refusal;
use crate::emulator::store::{
    Basics, Draft, HealthMonitorDraft, L7PolicyDraft, L7RuleDraft, ListenerDraft,
    LoadBalancerDraft, MemberDraft, PoolDraft,
};

pub(super) const CONNECTION_LIMIT: RangeInclusive<i64> = -1..=i32::MAX as i64;

/// The draft of a kind; `parent` is the id in the path of a member or a rule.
pub(super) fn draft(
    rules: &Rules,
    kind: Kind,
    parent: Option<&str>,
    bytes: &[u8],
) -> Result<Draft, Refusal> {
    let mut reader = Reader::unwrap_object(bytes, kind.as_str())?;
    reader.only_of(rules, kind)?;
    let parent = parent.unwrap_or_default().to_owned();
    let draft = match kind {
        Kind::LoadBalancer => Draft::LoadBalancer(load_balancer(rules, &mut reader)?),
        Kind::Listener => Draft::Listener(listener(rules, &mut reader)?),
        Kind::Pool => Draft::Pool(pool(rules, &mut reader)?),
        Kind::Member => Draft::Member {
            pool: parent,
            draft: member(rules, &mut reader)?,
        },
        Kind::HealthMonitor => Draft::HealthMonitor(health_monitor(rules, &mut reader)?),
        Kind::L7Policy => Draft::L7Policy(l7_policy(rules, &mut reader)?),
        Kind::L7Rule => Draft::L7Rule {
            policy: parent,
            draft: l7_rule(rules, &mut reader)?,
        },
    };
    reader.finish()?;
    Ok(draft)
}

fn basics(rules: &Rules, kind: Kind, reader: &mut Reader<'_>) -> Result<Basics, Refusal> {
    let tenant = reader.text("tenant_id", rules.project)?;
    let project = reader.text("project_id", rules.project)?;
    if tenant.is_some() && project.is_some() && tenant != project {
        return Err(reader.invalid("project_id", "it differs from tenant_id"));
    }
    Ok(Basics {
        project: project.or(tenant),
        name: reader.text("name", 255)?.unwrap_or_default(),
        description: reader.text("description", 255)?.unwrap_or_default(),
        admin_state_up: reader.flag("admin_state_up")?,
        tags: reader.texts("tags")?.unwrap_or_default(),
        extra: reader.extras(rules, kind)?,
    })
}

fn load_balancer(rules: &Rules, reader: &mut Reader<'_>) -> Result<LoadBalancerDraft, Refusal> {
    let vip_subnet = reader.id("vip_subnet_id")?;
    let vip_address = address(reader, "vip_address")?;
    let (vip_port, placed) = match rules.vip {
        Vip::Subnet => (None, false),
        Vip::SubnetNetworkOrPort => {
            let port = reader.id("vip_port_id")?;
            (port, port.is_some() || reader.has("vip_network_id"))
        }
    };
    if vip_subnet.is_none() && !placed {
        return Err(reader.missing("vip_subnet_id"));
    }
    let provider = match reader.text("provider", 255)? {
        None => rules.default_provider.to_owned(),
        Some(provider) => match rules.providers {
            Some(known) if !known.contains(&provider.as_str()) => {
                return Err(
                    reader.invalid("provider", format!("it is none of {}", known.join(", ")))
                );
            }
            _ => provider,
        },
    };
    let basics = basics(rules, Kind::LoadBalancer, reader)?;
    Ok(LoadBalancerDraft {
        basics,
        vip_subnet,
        vip_address,
        vip_port,
        provider,
    })
}

fn listener(rules: &Rules, reader: &mut Reader<'_>) -> Result<ListenerDraft, Refusal> {
    let load_balancer = reader.id("loadbalancer_id")?;
    let protocol = reader.word("protocol", rules.listener_protocols)?;
    let port = reader.port("protocol_port")?;
    let load_balancer = reader.require("loadbalancer_id", load_balancer)?;
    let protocol = reader.require("protocol", protocol)?;
    let port = reader.require("protocol_port", port)?;
    if rules.reserved_ports.contains(&(protocol, port)) {
        return Err(reader.invalid(
            "protocol_port",
            format!("{} port {port} is reserved", protocol.as_str()),
        ));
    }
    let default_tls_container = reader.text("default_tls_container_ref", 128)?;
    if protocol == Protocol::TerminatedHttps && default_tls_container.is_none() {
        return Err(reader.missing("default_tls_container_ref"));
    }
    Ok(ListenerDraft {
        load_balancer,
        protocol,
        port,
        default_pool: reader.id("default_pool_id")?,
        connection_limit: reader
            .integer("connection_limit", &CONNECTION_LIMIT)?
            .unwrap_or(-1),
        default_tls_container,
        basics: basics(rules, Kind::Listener, reader)?,
    })
}

fn pool(rules: &Rules, reader: &mut Reader<'_>) -> Result<PoolDraft, Refusal> {
    let protocol = reader.word("protocol", rules.pool_protocols)?;
    let algorithm = reader.word("lb_algorithm", rules.algorithms)?;
    let load_balancer = reader.id("loadbalancer_id")?;
    let listener = reader.id("listener_id")?;
    let protocol = reader.require("protocol", protocol)?;
    let algorithm = reader.require("lb_algorithm", algorithm)?;
    let persistence = session_persistence(rules, reader)?.flatten();
    let basics = basics(rules, Kind::Pool, reader)?;
    Ok(PoolDraft {
        basics,
        load_balancer,
        listener,
        protocol,
        algorithm,
        persistence,
    })
}

/// The session persistence of a pool; `Some(None)` is null.
pub(super) fn session_persistence(
    rules: &Rules,
    reader: &mut Reader<'_>,
) -> Result<Option<Option<SessionPersistence>>, Refusal> {
    let value = match reader.take("session_persistence") {
        None => return Ok(None),
        Some(Json::Null) => return Ok(Some(None)),
        Some(value) => value,
    };
    let mut inner = Reader::nested("session_persistence", value)?;
    let kind = inner.word("type", rules.persistence_types)?;
    let kind = inner.require("type", kind)?;
    let cookie_name = inner.text("cookie_name", 255)?;
    let spelled = |name: &str| !name.is_empty() && !name.contains([',', ';', '\\']);
    let spelled = |name: &str| spelled(name) && !name.contains(char::is_whitespace);
    if rules.persistence == Persistence::Granular
        && cookie_name.as_deref().is_some_and(|name| !spelled(name))
    {
        return Err(inner.invalid("cookie_name", "it is not the name of a cookie"));
    }
    let any = 0..=i64::from(i32::MAX);
    let (timeout, granularity) = match rules.persistence {
        Persistence::Plain => (None, None),
        Persistence::Timeout { default_cookie, .. } => {
            let default = (kind == PersistenceType::HttpCookie).then_some(default_cookie);
            // The bounds depend on the pool's protocol, which an update does not name.
            let given = inner.integer(
                "persistence_timeout",
                &(i64::from(i32::MIN)..=i64::from(i32::MAX)),
            )?;
            (given.or(default), None)
        }
        Persistence::Granular => (
            inner.integer("persistence_timeout", &any)?,
            inner.text("persistence_granularity", 64)?,
        ),
    };
    inner.finish()?;
    Ok(Some(Some(SessionPersistence {
        kind,
        cookie_name,
        timeout,
        granularity,
    })))
}

/// A member; batches call it for each item.
pub(super) fn member(rules: &Rules, reader: &mut Reader<'_>) -> Result<MemberDraft, Refusal> {
    reader.only_of(rules, Kind::Member)?;
    let address = address(reader, "address")?;
    let port = reader.port("protocol_port")?;
    let subnet = reader.id("subnet_id")?;
    let address = reader.require("address", address)?;
    let port = reader.require("protocol_port", port)?;
    if subnet.is_none() && rules.member_subnet == MemberSubnet::Mandatory {
        return Err(reader.missing("subnet_id"));
    }
    let weight = reader.integer("weight", &rules.weight)?;
    Ok(MemberDraft {
        address,
        port,
        subnet,
        weight,
        basics: basics(rules, Kind::Member, reader)?,
    })
}

fn health_monitor(rules: &Rules, reader: &mut Reader<'_>) -> Result<HealthMonitorDraft, Refusal> {
    let pool = reader.id("pool_id")?;
    let kind = reader.word("type", rules.monitor_types)?;
    let delay = reader.integer("delay", &rules.delay)?;
    let timeout = reader.integer("timeout", &rules.monitor_timeout)?;
    let max_retries = reader.integer("max_retries", &RETRIES)?;
    let pool = reader.require("pool_id", pool)?;
    let probe = Probe {
        kind: reader.require("type", kind)?,
        delay: reader.require("delay", delay)?,
        timeout: reader.require("timeout", timeout)?,
        max_retries: reader.require("max_retries", max_retries)?,
        max_retries_down: reader.integer("max_retries_down", &RETRIES)?.unwrap_or(3),
        port: monitor_port(reader)?.flatten(),
        domain_name: domain_name(reader)?.flatten(),
        url_path: url_path(reader)?.flatten(),
        expected_codes: expected_codes(reader)?.flatten(),
        http_method: http_method(reader)?.flatten(),
    };
    Ok(HealthMonitorDraft {
        pool,
        probe,
        basics: basics(rules, Kind::HealthMonitor, reader)?,
    })
}

fn l7_policy(rules: &Rules, reader: &mut Reader<'_>) -> Result<L7PolicyDraft, Refusal> {
    let listener = reader.id("listener_id")?;
    let action = reader.word("action", rules.policy_actions)?;
    let listener = reader.require("listener_id", listener)?;
    let action = reader.require("action", action)?;
    let redirect_pool = reader.id("redirect_pool_id")?;
    let redirect_listener = reader.id("redirect_listener_id")?;
    let redirect_url = reader.text("redirect_url", 255)?;
    let position = reader.integer("position", &rules.position)?;
    let items = if *rules.inline_rules.end() == 0 {
        None
    } else {
        reader.list("rules")?
    }
    .unwrap_or_default();
    if !rules.inline_rules.contains(&items.len()) {
        return Err(reader.invalid(
            "rules",
            format!("there are more than {}", rules.inline_rules.end()),
        ));
    }
    let mut inline = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        let mut inner = Reader::nested(format!("rules[{index}]"), item)?;
        inline.push(l7_rule(rules, &mut inner)?);
        inner.finish()?;
    }
    if rules.rule_types_per_policy == RuleTypes::Once {
        let mut kinds = BTreeSet::new();
        if let Some(twice) = inline.iter().find(|rule| !kinds.insert(rule.test.kind)) {
            return Err(reader.invalid(
                "rules",
                format!("{} occurs twice", twice.test.kind.as_str()),
            ));
        }
    }
    let basics = basics(rules, Kind::L7Policy, reader)?;
    Ok(L7PolicyDraft {
        basics,
        listener,
        action,
        redirect_pool,
        redirect_listener,
        redirect_url,
        position,
        rules: inline,
    })
}

fn l7_rule(rules: &Rules, reader: &mut Reader<'_>) -> Result<L7RuleDraft, Refusal> {
    reader.only_of(rules, Kind::L7Rule)?;
    let kind = reader.word("type", rules.rule_types)?;
    let all: Vec<_> = rules
        .compare_types
        .iter()
        .flat_map(|(_, types)| types.iter().copied())
        .collect();
    let compare = reader.word("compare_type", &all)?;
    let value = reader.text("value", 255)?;
    let test = Match {
        kind: reader.require("type", kind)?,
        compare: reader.require("compare_type", compare)?,
        value: reader.require("value", value)?,
        key: reader.text("key", 255)?,
        invert: reader.flag("invert")?.unwrap_or(false),
    };
    Ok(L7RuleDraft {
        test,
        basics: basics(rules, Kind::L7Rule, reader)?,
    })
}

// Fields that an update reads as well.

pub(super) const RETRIES: RangeInclusive<i64> = 1..=10;

pub(super) fn monitor_port(reader: &mut Reader<'_>) -> Result<Option<Option<i64>>, Refusal> {
    reader.nullable_integer("monitor_port", &(1..=i64::from(u16::MAX)))
}

pub(super) fn domain_name(reader: &mut Reader<'_>) -> Result<Option<Option<String>>, Refusal> {
    let name = reader.nullable_text("domain_name", 100)?;
    let fits = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
    };
    match &name {
        Some(Some(text)) if !fits(text) => {
            Err(reader.invalid("domain_name", "it is not a domain name"))
        }
        _ => Ok(name),
    }
}

pub(super) fn url_path(reader: &mut Reader<'_>) -> Result<Option<Option<String>>, Refusal> {
    let path = reader.nullable_text("url_path", 80)?;
    match &path {
        Some(Some(text)) if !text.starts_with('/') => {
            Err(reader.invalid("url_path", "it does not start with /"))
        }
        _ => Ok(path),
    }
}

/// A code, a list of codes, or a range of codes.
pub(super) fn expected_codes(reader: &mut Reader<'_>) -> Result<Option<Option<String>>, Refusal> {
    let codes = reader.nullable_text("expected_codes", 64)?;
    let code = |text: &str| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    let fits = |text: &str| match text.split_once('-') {
        Some((low, high)) => code(low) && code(high) && low <= high,
        None => text.split(',').all(|item| code(item.trim())),
    };
    match &codes {
        Some(Some(text)) if !fits(text) => {
            Err(reader.invalid("expected_codes", "it is no code, list or range"))
        }
        _ => Ok(codes),
    }
}

const METHODS: &[&str] = &[
    "GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "OPTIONS", "CONNECT", "PATCH",
];

pub(super) fn http_method(reader: &mut Reader<'_>) -> Result<Option<Option<String>>, Refusal> {
    let method = reader.nullable_text("http_method", 16)?;
    match &method {
        Some(Some(text)) if !METHODS.contains(&text.as_str()) => Err(reader.invalid(
            "http_method",
            format!("it is none of {}", METHODS.join(", ")),
        )),
        _ => Ok(method),
    }
}

fn address(reader: &mut Reader<'_>, field: &str) -> Result<Option<String>, Refusal> {
    let text = reader.text(field, 64)?;
    match &text {
        Some(text) if text.parse::<IpAddr>().is_err() => {
            Err(reader.invalid(field, "it is not an IP address"))
        }
        _ => Ok(text),
    }
}
