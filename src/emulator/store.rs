//! The state of the emulated cloud, and the only function that changes it.
//!
//! Pure: the time comes in as an argument, nothing is read or written elsewhere, and nothing here has
//! heard of HTTP. A refused command has changed nothing: every check comes before the first change.

mod command;
mod listener;
mod load_balancer;
mod member;
mod monitor;
mod past;
mod policy;
mod pool;
mod random;
mod settle;
mod state;
#[cfg(test)]
mod tests;
mod usage;
mod wrong;

use jiff::Timestamp;
use uuid::Uuid;

pub(crate) use self::command::{
    Action, Basics, BasicsChange, Caller, Change, Depth, Draft, HealthMonitorChange,
    HealthMonitorDraft, L7PolicyChange, L7PolicyDraft, L7RuleChange, L7RuleDraft, ListenerChange,
    ListenerDraft, LoadBalancerDraft, MemberBatch, MemberChange, MemberDraft, PoolChange,
    PoolDraft, Reply, Target,
};

pub(crate) use self::random::Random;
pub(crate) use self::state::{Ref, State};

use self::settle::Effects;
use self::state::Intent;
use super::model::Kind;
use super::refusal::Refusal;

/// Does what the caller asks, or says why not.
///
/// Whatever had become due by `now` is done first, in the order in which it became due.
pub(crate) fn apply(
    state: &mut State,
    caller: &Caller,
    action: Action,
    now: Timestamp,
) -> Result<Reply, Refusal> {
    state.settle(now);
    match action {
        Action::Create(draft) => create(state, caller, draft, now),
        Action::Show(target) => {
            let id = state.target(caller, Intent::Read, &target)?;
            Ok(Reply::Found(target.kind, id))
        }
        Action::List { kind, parent } => list(state, caller, kind, parent.as_deref()),
        Action::Tree { id } => Ok(Reply::Tree(state.find(
            caller,
            Intent::Read,
            Kind::LoadBalancer,
            &id,
        )?)),
        Action::Update(target, change) => update(state, caller, &target, change, now),
        Action::Delete(target, depth) => delete(state, caller, target, depth, now),
        Action::Batch { pool, batch } => member::batch(state, caller, &pool, batch, now),
    }
}

fn create(
    state: &mut State,
    caller: &Caller,
    draft: Draft,
    now: Timestamp,
) -> Result<Reply, Refusal> {
    match draft {
        Draft::LoadBalancer(draft) => load_balancer::create(state, caller, draft, now),
        Draft::Listener(draft) => listener::create(state, caller, draft, now),
        Draft::Pool(draft) => pool::create(state, caller, draft, now),
        Draft::Member { pool, draft } => member::create(state, caller, &pool, draft, now),
        Draft::HealthMonitor(draft) => monitor::create(state, caller, draft, now),
        Draft::L7Policy(draft) => policy::create(state, caller, draft, now),
        Draft::L7Rule { policy, draft } => policy::create_rule(state, caller, &policy, draft, now),
    }
}

fn list(
    state: &State,
    caller: &Caller,
    kind: Kind,
    parent: Option<&str>,
) -> Result<Reply, Refusal> {
    let parent = match (kind, parent) {
        (Kind::Member, Some(pool)) => Some(state.find(caller, Intent::Read, Kind::Pool, pool)?),
        (Kind::L7Rule, Some(policy)) => {
            Some(state.find(caller, Intent::Read, Kind::L7Policy, policy)?)
        }
        _ => None,
    };
    let shown = state.commons(kind).filter(|common| {
        caller.sees(&common.project)
            && state.listed(common.id)
            && parent.is_none_or(|parent| state.parent((kind, common.id)) == Some(parent))
    });
    let ids = shown.map(|common| common.id);
    Ok(Reply::Listed(kind, ids.collect()))
}

fn update(
    state: &mut State,
    caller: &Caller,
    target: &Target,
    change: Change,
    now: Timestamp,
) -> Result<Reply, Refusal> {
    let id = state.target(caller, Intent::Write, target)?;
    if change.basics().for_admins {
        state.admin_only(caller)?;
    }
    let reference = (target.kind, id);
    state.unlocked(reference)?;
    let basics = change.basics().clone();
    let touched = match change {
        Change::LoadBalancer(_) => Effects::default(),
        Change::Listener(change) => listener::update(state, caller, id, change)?,
        Change::Pool(change) => pool::update(state, id, change)?,
        Change::Member(change) => member::update(state, id, &change),
        Change::HealthMonitor(change) => monitor::update(state, id, change)?,
        Change::L7Policy(change) => policy::update(state, caller, id, change)?,
        Change::L7Rule(change) => policy::update_rule(state, id, change)?,
    };
    state.change_basics(reference, basics, now);
    state.begin(touched.update(reference), now);
    Ok(Reply::Found(target.kind, id))
}

fn delete(
    state: &mut State,
    caller: &Caller,
    target: Target,
    depth: Depth,
    now: Timestamp,
) -> Result<Reply, Refusal> {
    let target = &state.understood(target);
    let id = match state.target(caller, Intent::Write, target) {
        Ok(id) => id,
        Err(refusal) => return state.missed(caller, target, refusal, now),
    };
    match depth {
        Depth::Checked => {}
        Depth::Cascade => state.deletable((target.kind, id))?,
        Depth::Object => {
            if let Err(refusal) = state.unused(target.kind, id) {
                state.spoil(target.kind, id, now);
                return Err(refusal);
            }
            state.deletable((target.kind, id))?;
            if let Some(end) = state.botch(target, id, now) {
                return end;
            }
        }
    }
    let with_it = match depth {
        Depth::Object | Depth::Checked => state.taken_along((target.kind, id)),
        Depth::Cascade => state.below(id),
    };
    let effects = with_it
        .into_iter()
        .fold(Effects::default(), Effects::delete);
    state.begin(effects.delete((target.kind, id)), now);
    Ok(Reply::Deleted)
}

impl Change {
    fn basics(&self) -> &BasicsChange {
        match self {
            Self::LoadBalancer(basics) => basics,
            Self::Listener(change) => &change.basics,
            Self::Pool(change) => &change.basics,
            Self::Member(change) => &change.basics,
            Self::HealthMonitor(change) => &change.basics,
            Self::L7Policy(change) => &change.basics,
            Self::L7Rule(change) => &change.basics,
        }
    }
}

/// An id in its one spelling on the wire, or nothing.
pub(crate) fn parse_id(text: &str) -> Option<Uuid> {
    let id = Uuid::try_parse(text).ok()?;
    (id.hyphenated().encode_lower(&mut [0; 36]) == text).then_some(id)
}
