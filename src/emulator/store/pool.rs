//! Pools. What keeps one from being deleted is `dialect::Rules::pool_blockers`.

use jiff::Timestamp;
use uuid::Uuid;

use super::listener::mismatch;
use super::settle::Effects;
use super::state::State;
use super::{Caller, PoolChange, PoolDraft, Reply};
use crate::emulator::dialect::{Persistence, Rules};
use crate::emulator::model::{Kind, PersistenceType, Pool, Protocol, SessionPersistence};
use crate::emulator::refusal::{Clash, Refusal};

pub(super) fn create(
    state: &mut State,
    caller: &Caller,
    draft: PoolDraft,
    now: Timestamp,
) -> Result<Reply, Refusal> {
    let PoolDraft {
        basics,
        load_balancer,
        listener,
        protocol,
        algorithm,
        persistence,
    } = draft;
    if let Some(persistence) = &persistence {
        persistence_fits(state.rules, protocol, persistence)?;
    }
    let named = load_balancer
        .map(|it| state.find_named(caller, Kind::LoadBalancer, it))
        .transpose()?;
    let listener = listener
        .map(|it| state.find_named(caller, Kind::Listener, it))
        .transpose()?;
    let serves = listener.and_then(|it| state.listeners.get(&it));
    let Some(load_balancer) = named.or(serves.map(|it| it.load_balancer)) else {
        return Err(Refusal::Missing {
            field: "loadbalancer_id".into(),
        });
    };
    let parent = (Kind::LoadBalancer, load_balancer);
    let project = state.project(caller, &basics, Some(parent))?;
    state.within_quota(Kind::Pool, &project, 1)?;
    state.unlocked(parent)?;
    if let Some(listener) = serves {
        let id = listener.common.id;
        if listener.load_balancer != load_balancer {
            let reason = format!("listener {id} belongs to another load balancer");
            return Err(Refusal::clash(Clash::OtherLoadBalancer, reason));
        }
        if listener.default_pool.is_some() {
            let reason = format!("listener {id} already has a default pool");
            return Err(Refusal::clash(Clash::DefaultPoolTaken, reason));
        }
        if !state.rules.fits(listener.protocol, protocol) {
            return Err(mismatch(listener.protocol, protocol));
        }
    }

    let mut common = state.new_common(project, basics, now);
    common.id = state.pool_id(common.id);
    let id = common.id;
    state.pools.insert(
        id,
        Pool {
            common,
            load_balancer,
            protocol,
            algorithm,
            persistence,
        },
    );
    if let Some(listener) = listener.and_then(|it| state.listeners.get_mut(&it)) {
        listener.default_pool = Some(id);
    }
    state.begin(Effects::default().create((Kind::Pool, id)), now);
    Ok(Reply::Created(Kind::Pool, id))
}

pub(super) fn update(state: &mut State, id: Uuid, change: PoolChange) -> Result<Effects, Refusal> {
    let PoolChange {
        basics: _,
        algorithm,
        persistence,
    } = change;
    let rules = state.rules;
    let Some(pool) = state.pools.get_mut(&id) else {
        return Ok(Effects::default());
    };
    if let Some(Some(persistence)) = &persistence {
        persistence_fits(rules, pool.protocol, persistence)?;
    }
    pool.algorithm = algorithm.unwrap_or(pool.algorithm);
    if let Some(persistence) = persistence {
        pool.persistence = persistence;
    }
    Ok(Effects::default())
}

/// Whether a pool of that protocol can hold its clients in that way.
fn persistence_fits(
    rules: &Rules,
    protocol: Protocol,
    persistence: &SessionPersistence,
) -> Result<(), Refusal> {
    let app_cookie = persistence.kind == PersistenceType::AppCookie;
    match &persistence.cookie_name {
        None if app_cookie => {
            return Err(Refusal::invalid(
                "session_persistence.cookie_name",
                "APP_COOKIE needs one",
            ));
        }
        Some(_) if !app_cookie => {
            return Err(Refusal::invalid(
                "session_persistence.cookie_name",
                "only APP_COOKIE has one",
            ));
        }
        _ => {}
    }
    let Persistence::Timeout { layer4, layer7, .. } = rules.persistence else {
        return Ok(());
    };
    let max = match protocol {
        Protocol::Tcp | Protocol::Udp => layer4,
        _ => layer7,
    };
    match persistence.timeout {
        Some(timeout) if !app_cookie && !(1..=max).contains(&timeout) => Err(Refusal::invalid(
            "session_persistence.persistence_timeout",
            format!("it must be between 1 and {max} minutes"),
        )),
        _ => Ok(()),
    }
}
