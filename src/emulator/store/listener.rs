//! Listeners.

use jiff::Timestamp;
use uuid::Uuid;

use super::settle::Effects;
use super::state::State;
use super::{Caller, ListenerChange, ListenerDraft, Reply};
use crate::emulator::dialect::{PoolSharing, PortKey};
use crate::emulator::model::{Kind, Listener, Protocol};
use crate::emulator::refusal::{Clash, Refusal};

pub(super) fn create(
    state: &mut State,
    caller: &Caller,
    draft: ListenerDraft,
    now: Timestamp,
) -> Result<Reply, Refusal> {
    let ListenerDraft {
        basics,
        load_balancer,
        protocol,
        port,
        default_pool,
        connection_limit,
        default_tls_container,
    } = draft;
    let parent = (
        Kind::LoadBalancer,
        state.find_named(caller, Kind::LoadBalancer, load_balancer)?,
    );
    if let Some(pool) = default_pool {
        state.find_named(caller, Kind::Pool, pool)?;
    }
    let project = state.project(caller, &basics, Some(parent))?;
    state.within_quota(Kind::Listener, &project, 1)?;
    let siblings = state.listeners_of(load_balancer);
    if state
        .quotas
        .listeners_per_load_balancer
        .is_some_and(|bound| siblings.len() >= bound)
    {
        return Err(Refusal::Quota {
            kind: Kind::Listener,
        });
    }
    state.unlocked(parent)?;
    let taken = siblings.iter().any(|it| {
        it.port == port
            && match state.rules.port_key {
                PortKey::Port => true,
                PortKey::PortAndProtocol => it.protocol == protocol,
            }
    });
    if taken {
        let reason = format!("load balancer {load_balancer} already has a listener on port {port}");
        return Err(Refusal::clash(Clash::PortTaken, reason));
    }
    if let Some(pool) = default_pool {
        default_pool_fits(state, pool, None, load_balancer, protocol)?;
    }

    let common = state.new_common(project, basics, now);
    let id = common.id;
    let listener = Listener {
        common,
        load_balancer,
        protocol,
        port,
        default_pool,
        connection_limit,
        default_tls_container,
    };
    state.listeners.insert(id, listener);
    let effects = Effects::default().create((Kind::Listener, id));
    let effects = default_pool
        .into_iter()
        .fold(effects, |effects, pool| effects.update((Kind::Pool, pool)));
    state.begin(effects, now);
    Ok(Reply::Created(Kind::Listener, id))
}

pub(super) fn update(
    state: &mut State,
    caller: &Caller,
    id: Uuid,
    change: ListenerChange,
) -> Result<Effects, Refusal> {
    let ListenerChange {
        basics: _,
        default_pool,
        connection_limit,
        default_tls_container,
    } = change;
    let Some(listener) = state.listeners.get(&id) else {
        return Ok(Effects::default());
    };
    let (load_balancer, protocol) = (listener.load_balancer, listener.protocol);
    if protocol == Protocol::TerminatedHttps && default_tls_container == Some(None) {
        let reason = "a TERMINATED_HTTPS listener needs one";
        return Err(Refusal::invalid("default_tls_container_ref", reason));
    }
    if let Some(Some(pool)) = default_pool {
        state.find_named(caller, Kind::Pool, pool)?;
        default_pool_fits(state, pool, Some(id), load_balancer, protocol)?;
    }

    let mut effects = Effects::default();
    if let Some(listener) = state.listeners.get_mut(&id) {
        if let Some(pool) = default_pool {
            let both = listener.default_pool.into_iter().chain(pool);
            effects = both.fold(effects, |effects, pool| effects.update((Kind::Pool, pool)));
            listener.default_pool = pool;
        }
        listener.connection_limit = connection_limit.unwrap_or(listener.connection_limit);
        if let Some(container) = default_tls_container {
            listener.default_tls_container = container;
        }
    }
    Ok(effects)
}

/// Whether a pool can be the default pool of a listener; `listener` is the one that is updated.
fn default_pool_fits(
    state: &State,
    pool: Uuid,
    listener: Option<Uuid>,
    load_balancer: Uuid,
    protocol: Protocol,
) -> Result<(), Refusal> {
    let Some(found) = state.pools.get(&pool) else {
        return Ok(());
    };
    if found.load_balancer != load_balancer {
        let reason = format!("pool {pool} belongs to another load balancer");
        return Err(Refusal::clash(Clash::OtherLoadBalancer, reason));
    }
    if !state.rules.fits(protocol, found.protocol) {
        return Err(mismatch(protocol, found.protocol));
    }
    match state.rules.pool_sharing {
        PoolSharing::Free => Ok(()),
        PoolSharing::OneListener => {
            let by_default = state
                .listeners_using(pool)
                .iter()
                .any(|it| Some(it.common.id) != listener);
            let by_policy = state
                .policies_using(pool)
                .iter()
                .any(|it| Some(it.listener) != listener);
            if by_default || by_policy {
                let reason = format!("pool {pool} is used by another listener");
                return Err(Refusal::clash(Clash::PoolTaken, reason));
            }
            Ok(())
        }
    }
}

/// The refusal for a listener and a pool that do not speak the same protocol.
pub(super) fn mismatch(listener: Protocol, pool: Protocol) -> Refusal {
    let (listener, pool) = (listener.as_str(), pool.as_str());
    let reason =
        format!("listener protocol {listener} and pool protocol {pool} do not go together");
    Refusal::clash(Clash::ProtocolMismatch, reason)
}
