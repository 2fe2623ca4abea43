//! Members, alone and in batches.

use std::collections::BTreeSet;

use jiff::Timestamp;
use uuid::Uuid;

use super::settle::Effects;
use super::state::{Intent, State};
use super::{
    Basics, BasicsChange, Caller, MemberBatch, MemberChange, MemberDraft, Reply, parse_id,
};
use crate::emulator::defect::Defect;
use crate::emulator::model::{Kind, Member};
use crate::emulator::refusal::{Clash, Refusal};

pub(super) fn create(
    state: &mut State,
    caller: &Caller,
    pool: &str,
    draft: MemberDraft,
    now: Timestamp,
) -> Result<Reply, Refusal> {
    let pool = state.find(caller, Intent::Write, Kind::Pool, pool)?;
    let project = state.project(caller, &draft.basics, Some((Kind::Pool, pool)))?;
    state.within_quota(Kind::Member, &project, 1)?;
    state.unlocked((Kind::Pool, pool))?;
    let taken = addresses(state, pool);
    if taken.contains(&(draft.address.clone(), draft.port)) {
        return Err(duplicate(pool, &draft));
    }

    let id = insert(state, pool, project, draft, now);
    state.begin(Effects::default().create((Kind::Member, id)), now);
    Ok(Reply::Created(Kind::Member, id))
}

pub(super) fn update(state: &mut State, id: Uuid, change: &MemberChange) -> Effects {
    if let Some(member) = state.members.get_mut(&id) {
        member.weight = change.weight.unwrap_or(member.weight);
    }
    Effects::default()
}

pub(super) fn batch(
    state: &mut State,
    caller: &Caller,
    pool: &str,
    batch: MemberBatch,
    now: Timestamp,
) -> Result<Reply, Refusal> {
    let pool = state.find(caller, Intent::Write, Kind::Pool, pool)?;
    let effects = match batch {
        MemberBatch::Add(drafts) => add(state, caller, pool, drafts, now)?,
        MemberBatch::Delete(ids) => delete(state, pool, &ids)?,
        MemberBatch::Replace(drafts) => replace(state, caller, pool, drafts, now)?,
    };
    let effects = if state.wrong(Defect::BatchLeavesOne) {
        effects.sparing_one()
    } else {
        effects
    };
    state.begin(effects.update((Kind::Pool, pool)), now);
    Ok(Reply::Accepted)
}

fn add(
    state: &mut State,
    caller: &Caller,
    pool: Uuid,
    drafts: Vec<MemberDraft>,
    now: Timestamp,
) -> Result<Effects, Refusal> {
    let project = projects(state, caller, pool, &drafts)?;
    state.within_quota(Kind::Member, &project, drafts.len())?;
    state.unlocked((Kind::Pool, pool))?;
    distinct(pool, &drafts, addresses(state, pool))?;

    let mut effects = Effects::default();
    for draft in drafts {
        let id = insert(state, pool, project.clone(), draft, now);
        effects = effects.create((Kind::Member, id));
    }
    Ok(effects)
}

fn delete(state: &mut State, pool: Uuid, ids: &[String]) -> Result<Effects, Refusal> {
    let mut named = BTreeSet::new();
    for id in ids {
        let missing = || Refusal::NotFound {
            kind: Kind::Member,
            id: id.clone(),
        };
        let found = parse_id(id).ok_or_else(missing)?;
        let member = state.members.get(&found).filter(|it| it.pool == pool);
        member.ok_or_else(missing)?;
        named.insert(found);
    }
    state.unlocked((Kind::Pool, pool))?;
    Ok(named.into_iter().fold(Effects::default(), |effects, id| {
        effects.delete((Kind::Member, id))
    }))
}

fn replace(
    state: &mut State,
    caller: &Caller,
    pool: Uuid,
    drafts: Vec<MemberDraft>,
    now: Timestamp,
) -> Result<Effects, Refusal> {
    let project = projects(state, caller, pool, &drafts)?;
    let existing: Vec<(Uuid, String, u16)> = state
        .members_of(pool)
        .iter()
        .map(|it| (it.common.id, it.address.clone(), it.port))
        .collect();
    state.within_quota(
        Kind::Member,
        &project,
        drafts.len().saturating_sub(existing.len()),
    )?;
    state.unlocked((Kind::Pool, pool))?;
    distinct(pool, &drafts, BTreeSet::new())?;

    let mut effects = Effects::default();
    for (id, address, port) in &existing {
        if !drafts
            .iter()
            .any(|draft| (&draft.address, &draft.port) == (address, port))
        {
            effects = effects.delete((Kind::Member, *id));
        }
    }
    for draft in drafts {
        let stays = existing
            .iter()
            .find(|(_, address, port)| (address, port) == (&draft.address, &draft.port));
        effects = match stays {
            Some((id, ..)) => {
                overwrite(state, *id, draft, now);
                effects.update((Kind::Member, *id))
            }
            None => effects.create((
                Kind::Member,
                insert(state, pool, project.clone(), draft, now),
            )),
        };
    }
    Ok(effects)
}

/// A member that stays takes what the item says, and keeps what it does not say.
fn overwrite(state: &mut State, id: Uuid, draft: MemberDraft, now: Timestamp) {
    let MemberDraft {
        basics,
        address: _,
        port: _,
        subnet,
        weight,
    } = draft;
    let Basics {
        project: _,
        name,
        description: _,
        admin_state_up,
        tags,
        extra,
    } = basics;
    let change = BasicsChange {
        name: (!name.is_empty()).then_some(name),
        description: None,
        admin_state_up,
        tags: (!tags.is_empty()).then_some(tags),
        extra,
        for_admins: false,
    };
    state.change_basics((Kind::Member, id), change, now);
    if let Some(member) = state.members.get_mut(&id) {
        member.subnet = subnet.or(member.subnet);
        member.weight = weight.unwrap_or(member.weight);
    }
}

fn insert(
    state: &mut State,
    pool: Uuid,
    project: String,
    draft: MemberDraft,
    now: Timestamp,
) -> Uuid {
    let MemberDraft {
        basics,
        address,
        port,
        subnet,
        weight,
    } = draft;
    let common = state.new_common(project, basics, now);
    let id = common.id;
    state.members.insert(
        id,
        Member {
            common,
            pool,
            address,
            port,
            subnet,
            weight: weight.unwrap_or(1),
        },
    );
    id
}

fn projects(
    state: &State,
    caller: &Caller,
    pool: Uuid,
    drafts: &[MemberDraft],
) -> Result<String, Refusal> {
    let above = Some((Kind::Pool, pool));
    let mut project = state.project(caller, &Basics::default(), above)?;
    for draft in drafts {
        project = state.project(caller, &draft.basics, above)?;
    }
    Ok(project)
}

fn addresses(state: &State, pool: Uuid) -> BTreeSet<(String, u16)> {
    state
        .members_of(pool)
        .iter()
        .map(|it| (it.address.clone(), it.port))
        .collect()
}

fn distinct(
    pool: Uuid,
    drafts: &[MemberDraft],
    mut taken: BTreeSet<(String, u16)>,
) -> Result<(), Refusal> {
    match drafts
        .iter()
        .find(|draft| !taken.insert((draft.address.clone(), draft.port)))
    {
        Some(draft) => Err(duplicate(pool, draft)),
        None => Ok(()),
    }
}

fn duplicate(pool: Uuid, draft: &MemberDraft) -> Refusal {
    let MemberDraft { address, port, .. } = draft;
    let reason = format!("pool {pool} already has a member at address {address} and port {port}");
    Refusal::clash(Clash::DuplicateMember, reason)
}
