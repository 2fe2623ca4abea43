//! L7 policies and their rules.

use std::collections::BTreeSet;

use jiff::Timestamp;
use uuid::Uuid;

use super::listener::mismatch;
use super::settle::Effects;
use super::state::{Intent, State};
use super::{Caller, L7PolicyChange, L7PolicyDraft, L7RuleChange, L7RuleDraft, Reply};
use crate::emulator::dialect::{
    LineBreaks, PoolSharing, Positions, RedirectFit, RedirectNull, RuleTypes, RuleValue, Rules,
};
use crate::emulator::model::{
    CompareType, Kind, L7Policy, L7Rule, Match, PolicyAction, Protocol, RuleType,
};
use crate::emulator::refusal::{Clash, Refusal};

pub(super) fn create(
    state: &mut State,
    caller: &Caller,
    draft: L7PolicyDraft,
    now: Timestamp,
) -> Result<Reply, Refusal> {
    let L7PolicyDraft {
        basics,
        listener,
        action,
        redirect_pool,
        redirect_listener,
        redirect_url,
        position,
        rules,
    } = draft;
    for rule in &rules {
        match_fits(state.rules, &rule.test)?;
    }
    let parent = (
        Kind::Listener,
        state.find_named(caller, Kind::Listener, listener)?,
    );
    for (kind, named) in [
        (Kind::Pool, redirect_pool),
        (Kind::Listener, redirect_listener),
    ] {
        if let Some(named) = named {
            state.find_named(caller, kind, named)?;
        }
    }
    let project = state.project(caller, &basics, Some(parent))?;
    state.within_quota(Kind::L7Policy, &project, 1)?;
    state.within_quota(Kind::L7Rule, &project, rules.len())?;
    state.unlocked(parent)?;
    let redirect = Redirect {
        action,
        pool: redirect_pool,
        listener: redirect_listener,
        url: redirect_url,
    };
    redirect_complete(&redirect)?;
    redirect_fits(state, listener, &redirect)?;
    let mut kinds = BTreeSet::new();
    if let Some(rule) = rules.iter().find(|rule| !kinds.insert(rule.test.kind)) {
        rule_type_free(state.rules, rule.test.kind)?;
    }

    let common = state.new_common(project.clone(), basics, now);
    let id = common.id;
    let Redirect {
        action,
        pool: redirect_pool,
        listener: redirect_listener,
        url: redirect_url,
    } = redirect;
    let position = place(state, listener, position);
    let policy = L7Policy {
        common,
        listener,
        action,
        redirect_pool,
        redirect_listener,
        redirect_url,
        position,
    };
    state.policies.insert(id, policy);
    state.close_ranks(listener);
    let mut effects = Effects::default().create((Kind::L7Policy, id));
    for rule in rules {
        effects = effects.create((
            Kind::L7Rule,
            insert_rule(state, id, project.clone(), rule, now),
        ));
    }
    state.begin(effects, now);
    Ok(Reply::Created(Kind::L7Policy, id))
}

pub(super) fn update(
    state: &mut State,
    caller: &Caller,
    id: Uuid,
    change: L7PolicyChange,
) -> Result<Effects, Refusal> {
    let L7PolicyChange {
        basics: _,
        action,
        redirect_pool,
        redirect_listener,
        redirect_url,
        position,
    } = change;
    for (kind, named) in [
        (Kind::Pool, redirect_pool),
        (Kind::Listener, redirect_listener),
    ] {
        if let Some(Some(named)) = named {
            state.find_named(caller, kind, named)?;
        }
    }
    let redirect_pool = state.redirected(id, redirect_pool)?;
    let Some(policy) = state.policies.get(&id) else {
        return Ok(Effects::default());
    };
    let (listener, before) = (policy.listener, policy.redirect_pool);
    let redirect = Redirect {
        action: action.unwrap_or(policy.action),
        pool: redirect_pool.unwrap_or(policy.redirect_pool),
        listener: redirect_listener.unwrap_or(policy.redirect_listener),
        url: redirect_url.unwrap_or_else(|| policy.redirect_url.clone()),
    };
    // A target may be taken away (that is how a pool is set free), but not by naming the action anew.
    if action.is_some() && state.rules.redirect_null == RedirectNull::ClearsWithoutAction {
        redirect_complete(&redirect)?;
    }
    if redirect_pool.flatten().is_some() || redirect_listener.flatten().is_some() {
        redirect_fits(state, listener, &redirect)?;
    }

    let position = position.map(|position| {
        // It leaves its place first, so that the others are counted without it.
        if let Some(policy) = state.policies.get_mut(&id) {
            policy.position = i64::MAX;
        }
        state.close_ranks(listener);
        place(state, listener, Some(position))
    });
    if let Some(policy) = state.policies.get_mut(&id) {
        policy.action = redirect.action;
        policy.redirect_pool = redirect.pool;
        policy.redirect_listener = redirect.listener;
        policy.redirect_url = redirect.url;
        policy.position = position.unwrap_or(policy.position);
    }
    state.close_ranks(listener);
    let pools = before
        .into_iter()
        .chain(redirect.pool)
        .filter(|_| redirect_pool.is_some());
    Ok(pools.fold(Effects::default(), |effects, pool| {
        effects.update((Kind::Pool, pool))
    }))
}

pub(super) fn create_rule(
    state: &mut State,
    caller: &Caller,
    policy: &str,
    draft: L7RuleDraft,
    now: Timestamp,
) -> Result<Reply, Refusal> {
    match_fits(state.rules, &draft.test)?;
    let policy = state.find(caller, Intent::Write, Kind::L7Policy, policy)?;
    let parent = (Kind::L7Policy, policy);
    let project = state.project(caller, &draft.basics, Some(parent))?;
    state.within_quota(Kind::L7Rule, &project, 1)?;
    state.unlocked(parent)?;
    if state
        .rules_of(policy)
        .iter()
        .any(|it| it.test.kind == draft.test.kind)
    {
        rule_type_free(state.rules, draft.test.kind)?;
    }
    let id = insert_rule(state, policy, project, draft, now);
    state.begin(Effects::default().create((Kind::L7Rule, id)), now);
    Ok(Reply::Created(Kind::L7Rule, id))
}

pub(super) fn update_rule(
    state: &mut State,
    id: Uuid,
    change: L7RuleChange,
) -> Result<Effects, Refusal> {
    let L7RuleChange {
        basics: _,
        kind,
        compare,
        value,
        key,
        invert,
    } = change;
    let rules = state.rules;
    let Some(rule) = state.l7_rules.get_mut(&id) else {
        return Ok(Effects::default());
    };
    let test = Match {
        kind: kind.unwrap_or(rule.test.kind),
        compare: compare.unwrap_or(rule.test.compare),
        value: value.unwrap_or_else(|| rule.test.value.clone()),
        key: key.unwrap_or_else(|| rule.test.key.clone()),
        invert: invert.unwrap_or(rule.test.invert),
    };
    match_fits(rules, &test)?;
    rule.test = test;
    Ok(Effects::default())
}

/// Where a policy sends its requests.
struct Redirect {
    action: PolicyAction,
    pool: Option<Uuid>,
    listener: Option<Uuid>,
    url: Option<String>,
}

/// Whether the action has the target that it needs.
fn redirect_complete(redirect: &Redirect) -> Result<(), Refusal> {
    let missing = match redirect.action {
        PolicyAction::RedirectToPool => redirect.pool.is_none().then_some("redirect_pool_id"),
        PolicyAction::RedirectToListener => redirect
            .listener
            .is_none()
            .then_some("redirect_listener_id"),
        PolicyAction::RedirectToUrl => redirect.url.is_none().then_some("redirect_url"),
        PolicyAction::RedirectPrefix | PolicyAction::Reject => None,
    };
    match missing {
        Some(field) => {
            let reason = format!("action {} needs {field}", redirect.action.as_str());
            Err(Refusal::clash(Clash::RedirectMissing, reason))
        }
        None => Ok(()),
    }
}

/// Whether the listener may have such a policy.
fn redirect_fits(state: &State, listener: Uuid, redirect: &Redirect) -> Result<(), Refusal> {
    let rules = state.rules;
    let Some(owner) = state.listeners.get(&listener) else {
        return Ok(());
    };
    if !rules.policy_listeners.contains(&owner.protocol) {
        let reason = format!("a {} listener has no l7 policies", owner.protocol.as_str());
        return Err(Refusal::clash(Clash::PolicyListener, reason));
    }
    let target = |reason: String| Err(Refusal::clash(Clash::RedirectTarget, reason));
    if redirect.action == PolicyAction::RedirectToListener {
        if redirect.pool.is_some() {
            return target("redirect_pool_id does not go with REDIRECT_TO_LISTENER".into());
        }
        if owner.protocol != Protocol::Http {
            let reason = "only an HTTP listener redirects to a listener";
            return Err(Refusal::clash(Clash::PolicyListener, reason));
        }
    } else if redirect.listener.is_some() {
        return target(format!(
            "redirect_listener_id does not go with {}",
            redirect.action.as_str()
        ));
    }
    if let Some(other) = redirect.listener.and_then(|it| state.listeners.get(&it)) {
        if other.load_balancer != owner.load_balancer {
            let reason = format!(
                "listener {} belongs to another load balancer",
                other.common.id
            );
            return Err(Refusal::clash(Clash::OtherLoadBalancer, reason));
        }
        if other.protocol != Protocol::TerminatedHttps {
            return target(format!(
                "listener {} is not a TERMINATED_HTTPS one",
                other.common.id
            ));
        }
    }
    if let Some(pool) = redirect.pool.and_then(|it| state.pools.get(&it)) {
        let id = pool.common.id;
        if pool.load_balancer != owner.load_balancer {
            let reason = format!("pool {id} belongs to another load balancer");
            return Err(Refusal::clash(Clash::OtherLoadBalancer, reason));
        }
        if rules.redirect_fit == RedirectFit::Checked && !rules.fits(owner.protocol, pool.protocol)
        {
            return Err(mismatch(owner.protocol, pool.protocol));
        }
        if rules.pool_sharing == PoolSharing::OneListener {
            if owner.default_pool == Some(id) {
                return target(format!("pool {id} is the default pool of the listener"));
            }
            if state
                .policies_using(id)
                .iter()
                .any(|it| it.listener != listener)
            {
                return target(format!("pool {id} is used by a policy of another listener"));
            }
        }
    }
    Ok(())
}

/// The position of a policy that asks for one; it pushes the later ones back.
fn place(state: &mut State, listener: Uuid, asked: Option<i64>) -> i64 {
    match state.rules.positions {
        Positions::Reserved(default) => asked.unwrap_or(default),
        Positions::Ordered => {
            let asked = asked.unwrap_or(i64::MAX);
            let later = |it: &&mut L7Policy| it.listener == listener && it.position >= asked;
            for policy in state.policies.values_mut().filter(later) {
                policy.position = policy.position.saturating_add(1);
            }
            asked
        }
    }
}

fn insert_rule(
    state: &mut State,
    policy: Uuid,
    project: String,
    draft: L7RuleDraft,
    now: Timestamp,
) -> Uuid {
    let L7RuleDraft { basics, test } = draft;
    let common = state.new_common(project, basics, now);
    let id = common.id;
    state.l7_rules.insert(
        id,
        L7Rule {
            common,
            policy,
            test,
        },
    );
    id
}

fn rule_type_free(rules: &Rules, kind: RuleType) -> Result<(), Refusal> {
    match rules.rule_types_per_policy {
        RuleTypes::Free => Ok(()),
        RuleTypes::Once => {
            let reason = format!("the policy already has a rule of type {}", kind.as_str());
            Err(Refusal::clash(Clash::DuplicateRule, reason))
        }
    }
}

/// Whether type, comparison, key and value of a rule go together.
fn match_fits(rules: &Rules, test: &Match) -> Result<(), Refusal> {
    let Match {
        kind,
        compare,
        value,
        key,
        invert: _,
    } = test;
    if !rules
        .compare_types
        .iter()
        .any(|(of, types)| of == kind && types.contains(compare))
    {
        let reason = format!("{} does not go with {}", compare.as_str(), kind.as_str());
        return Err(Refusal::invalid("compare_type", reason));
    }
    match rules.rule_value {
        RuleValue::Strict { host, path } => {
            let max = if *kind == RuleType::HostName {
                host
            } else {
                path
            };
            if value.chars().count() > max {
                return Err(Refusal::TooLong {
                    field: "value".into(),
                    max,
                });
            }
            if value.is_empty() || value.contains(char::is_whitespace) {
                return Err(Refusal::invalid("value", "it is empty or has spaces"));
            }
            if *kind == RuleType::Path && *compare != CompareType::Regex && !value.starts_with('/')
            {
                return Err(Refusal::invalid("value", "a path starts with /"));
            }
        }
        RuleValue::Keyed(breaks) => {
            let broken = |text: &str| breaks == LineBreaks::Refused && text.contains(['\r', '\n']);
            if broken(value) {
                return Err(Refusal::invalid("value", "it has several lines"));
            }
            if key.as_deref().is_some_and(broken) {
                return Err(Refusal::invalid("key", "it has several lines"));
            }
            if matches!(kind, RuleType::Header | RuleType::Cookie) && key.is_none() {
                return Err(Refusal::invalid(
                    "key",
                    format!("{} needs one", kind.as_str()),
                ));
            }
        }
    }
    Ok(())
}
