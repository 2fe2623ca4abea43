//! Load balancers.

use jiff::Timestamp;

use super::settle::Effects;
use super::state::State;
use super::{Caller, LoadBalancerDraft, Reply};
use crate::emulator::model::{Kind, LoadBalancer};
use crate::emulator::refusal::Refusal;

pub(super) fn create(
    state: &mut State,
    caller: &Caller,
    draft: LoadBalancerDraft,
    now: Timestamp,
) -> Result<Reply, Refusal> {
    let LoadBalancerDraft {
        basics,
        vip_subnet,
        vip_address,
        vip_port,
        provider,
    } = draft;
    caller.may_write()?;
    let project = state.project(caller, &basics, None)?;
    state.within_quota(Kind::LoadBalancer, &project, 1)?;

    let common = state.new_common(project, basics, now);
    let id = common.id;
    let [_, a, b, c] = u32::try_from(common.sequence & 0x00ff_ffff)
        .unwrap_or_default()
        .to_be_bytes();
    let vip_address = vip_address.unwrap_or_else(|| format!("10.{a}.{b}.{c}"));
    let vip_port = vip_port.unwrap_or_else(|| state.random.id());
    state.load_balancers.insert(
        id,
        LoadBalancer {
            common,
            vip_subnet,
            vip_address,
            vip_port,
            provider,
        },
    );
    state.begin(Effects::default().create((Kind::LoadBalancer, id)), now);
    Ok(Reply::Created(Kind::LoadBalancer, id))
}
