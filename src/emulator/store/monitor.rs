//! Health monitors.

use jiff::Timestamp;
use uuid::Uuid;

use super::settle::Effects;
use super::state::State;
use super::{Caller, HealthMonitorChange, HealthMonitorDraft, Reply};
use crate::emulator::model::{HealthMonitor, Kind, MonitorType};
use crate::emulator::refusal::{Clash, Refusal};

pub(super) fn create(
    state: &mut State,
    caller: &Caller,
    draft: HealthMonitorDraft,
    now: Timestamp,
) -> Result<Reply, Refusal> {
    let HealthMonitorDraft {
        basics,
        pool,
        probe,
    } = draft;
    let parent = (Kind::Pool, state.find_named(caller, Kind::Pool, pool)?);
    let project = state.project(caller, &basics, Some(parent))?;
    state.within_quota(Kind::HealthMonitor, &project, 1)?;
    state.unlocked(parent)?;
    if state.monitor_of(pool).is_some() {
        let reason = format!("pool {pool} already has a health monitor");
        return Err(Refusal::clash(Clash::DuplicateMonitor, reason));
    }
    type_fits(state, pool, probe.kind)?;

    let common = state.new_common(project, basics, now);
    let id = common.id;
    state.monitors.insert(
        id,
        HealthMonitor {
            common,
            pool,
            probe,
        },
    );
    state.begin(Effects::default().create((Kind::HealthMonitor, id)), now);
    Ok(Reply::Created(Kind::HealthMonitor, id))
}

pub(super) fn update(
    state: &mut State,
    id: Uuid,
    change: HealthMonitorChange,
) -> Result<Effects, Refusal> {
    let HealthMonitorChange {
        basics: _,
        kind,
        delay,
        timeout,
        max_retries,
        max_retries_down,
        port,
        domain_name,
        url_path,
        expected_codes,
        http_method,
    } = change;
    if let (Some(kind), Some(monitor)) = (kind, state.monitors.get(&id)) {
        type_fits(state, monitor.pool, kind)?;
    }
    if let Some(HealthMonitor { probe, .. }) = state.monitors.get_mut(&id) {
        probe.kind = kind.unwrap_or(probe.kind);
        probe.delay = delay.unwrap_or(probe.delay);
        probe.timeout = timeout.unwrap_or(probe.timeout);
        probe.max_retries = max_retries.unwrap_or(probe.max_retries);
        probe.max_retries_down = max_retries_down.unwrap_or(probe.max_retries_down);
        probe.port = port.unwrap_or(probe.port);
        for (slot, value) in [
            (&mut probe.domain_name, domain_name),
            (&mut probe.url_path, url_path),
            (&mut probe.expected_codes, expected_codes),
            (&mut probe.http_method, http_method),
        ] {
            if let Some(value) = value {
                *slot = value;
            }
        }
    }
    Ok(Effects::default())
}

fn type_fits(state: &State, pool: Uuid, kind: MonitorType) -> Result<(), Refusal> {
    let Some(protocol) = state.pools.get(&pool).map(|it| it.protocol) else {
        return Ok(());
    };
    let fits = state
        .rules
        .monitor_types_of
        .iter()
        .any(|(of, kinds)| *of == protocol && kinds.contains(&kind));
    if fits {
        return Ok(());
    }
    let reason = format!(
        "a {} monitor cannot watch a {} pool",
        kind.as_str(),
        protocol.as_str()
    );
    Err(Refusal::clash(Clash::MonitorType, reason))
}
