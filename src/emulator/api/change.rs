//! Bodies of PUT: from JSON to typed changes. What can only be set on creation is refused by name.

use super::body::Reader;
use super::draft::{
    CONNECTION_LIMIT, RETRIES, domain_name, expected_codes, http_method, member, monitor_port,
    session_persistence, url_path,
};
use crate::emulator::dialect::{Batch, Rules};
use crate::emulator::model::Kind;
use crate::emulator::refusal::Refusal;
use crate::emulator::store::{
    BasicsChange, Change, HealthMonitorChange, L7PolicyChange, L7RuleChange, ListenerChange,
    MemberBatch, MemberChange, MemberDraft, PoolChange,
};

/// The change of a kind.
pub(super) fn change(rules: &Rules, kind: Kind, bytes: &[u8]) -> Result<Change, Refusal> {
    let mut reader = Reader::unwrap_object(bytes, kind.as_str())?;
    let fixed: Vec<&str> = fixed(kind)
        .iter()
        .copied()
        .filter(|field| !rules.lets_change(kind, field))
        .collect();
    reader.create_only(&fixed)?;
    reader.create_only(&["id", "tenant_id", "project_id", "created_at", "updated_at"])?;
    reader.only_of(rules, kind)?;
    let for_admins = rules
        .admin_updates
        .iter()
        .any(|(of, field)| *of == kind && reader.has(field));
    let basics = BasicsChange {
        name: reader.text("name", 255)?,
        description: reader.text("description", 255)?,
        admin_state_up: reader.flag("admin_state_up")?,
        tags: reader.texts("tags")?,
        extra: reader.extras(rules, kind)?,
        for_admins,
    };
    let change = match kind {
        Kind::LoadBalancer => Change::LoadBalancer(basics),
        Kind::Listener => Change::Listener(ListenerChange {
            basics,
            default_pool: reader.nullable_id("default_pool_id")?,
            connection_limit: reader.integer("connection_limit", &CONNECTION_LIMIT)?,
            default_tls_container: reader.nullable_text("default_tls_container_ref", 128)?,
        }),
        Kind::Pool => Change::Pool(PoolChange {
            basics,
            algorithm: reader.word("lb_algorithm", rules.algorithms)?,
            persistence: session_persistence(rules, &mut reader)?,
        }),
        Kind::Member => Change::Member(MemberChange {
            basics,
            weight: reader.integer("weight", &rules.weight)?,
        }),
        Kind::HealthMonitor => Change::HealthMonitor(HealthMonitorChange {
            basics,
            kind: reader.word("type", rules.monitor_types)?,
            delay: reader.integer("delay", &rules.delay)?,
            timeout: reader.integer("timeout", &rules.monitor_timeout)?,
            max_retries: reader.integer("max_retries", &RETRIES)?,
            max_retries_down: reader.integer("max_retries_down", &RETRIES)?,
            port: monitor_port(&mut reader)?,
            domain_name: domain_name(&mut reader)?,
            url_path: url_path(&mut reader)?,
            expected_codes: expected_codes(&mut reader)?,
            http_method: http_method(&mut reader)?,
        }),
        Kind::L7Policy => Change::L7Policy(L7PolicyChange {
            basics,
            action: reader.word("action", rules.policy_actions)?,
            redirect_pool: reader.nullable_id("redirect_pool_id")?,
            redirect_listener: reader.nullable_id("redirect_listener_id")?,
            redirect_url: reader.nullable_text("redirect_url", 255)?,
            position: reader.integer("position", &rules.position)?,
        }),
        Kind::L7Rule => {
            let all: Vec<_> = rules
                .compare_types
                .iter()
                .flat_map(|(_, types)| types.iter().copied())
                .collect();
            Change::L7Rule(L7RuleChange {
                basics,
                kind: reader.word("type", rules.rule_types)?,
                compare: reader.word("compare_type", &all)?,
                value: reader.text("value", 255)?,
                key: reader.nullable_text("key", 255)?,
                invert: reader.flag("invert")?,
            })
        }
    };
    reader.finish()?;
    Ok(change)
}

/// The attributes that are set on creation; `Rules::also_updatable` names the exceptions.
const fn fixed(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::LoadBalancer => &[
            "vip_subnet_id",
            "vip_address",
            "vip_port_id",
            "vip_network_id",
            "provider",
            "flavor_id",
        ],
        Kind::Listener => &["loadbalancer_id", "protocol", "protocol_port"],
        Kind::Pool => &["protocol", "listener_id", "loadbalancer_id"],
        Kind::Member => &["address", "protocol_port", "subnet_id"],
        Kind::HealthMonitor => &["pool_id", "type"],
        Kind::L7Policy => &["listener_id", "action", "position", "redirect_url", "rules"],
        Kind::L7Rule => &["type"],
    }
}

/// The body of `PUT .../members`.
pub(super) fn batch(rules: &Rules, batch: Batch, bytes: &[u8]) -> Result<MemberBatch, Refusal> {
    let mut reader = Reader::document(bytes)?;
    let items = reader.list("members")?;
    let items = reader.require("members", items)?;
    let action = match batch {
        Batch::Replace => "replace".to_owned(),
        Batch::Actions { max } => {
            if items.len() > max {
                return Err(reader.invalid("members", format!("there are more than {max}")));
            }
            reader
                .text("action", 255)?
                .unwrap_or_else(|| "replace".into())
        }
    };
    let mut inner = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        inner.push(Reader::nested(format!("members[{index}]"), item)?);
    }
    let batch = match action.as_str() {
        "add" => MemberBatch::Add(drafts(rules, inner)?),
        "replace" => MemberBatch::Replace(drafts(rules, inner)?),
        "delete" => {
            let ids = inner.into_iter().map(|mut item| {
                let id = item.text("id", 255)?;
                let id = item.require("id", id)?;
                item.finish()?;
                Ok(id)
            });
            MemberBatch::Delete(ids.collect::<Result<_, Refusal>>()?)
        }
        _ => return Err(reader.invalid("action", "it is none of add, delete, replace")),
    };
    reader.finish()?;
    Ok(batch)
}

fn drafts(rules: &Rules, items: Vec<Reader<'_>>) -> Result<Vec<MemberDraft>, Refusal> {
    let drafts = items.into_iter().map(|mut item| {
        let draft = member(rules, &mut item)?;
        item.finish()?;
        Ok(draft)
    });
    drafts.collect()
}
