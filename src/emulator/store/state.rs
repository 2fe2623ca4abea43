//! Everything that exists, and how it is found.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::past::Past;
use super::random::Random;
use super::settle::Transition;
use super::{Basics, BasicsChange, Caller, Target, parse_id};
use crate::emulator::config::{Access, Config, Quotas};
use crate::emulator::dialect::{Foreign, Lock, Permission, Rules};
use crate::emulator::model::{
    Common, HealthMonitor, Kind, L7Policy, L7Rule, Listener, LoadBalancer, Member, Pool,
    Provisioning,
};
use crate::emulator::refusal::Refusal;

/// One object.
pub(crate) type Ref = (Kind, Uuid);

/// Whether an object is looked up to be read or to be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intent {
    Read,
    Write,
}

/// The state of the emulated cloud.
pub(crate) struct State {
    pub(crate) rules: &'static Rules,
    pub(super) quotas: Quotas,
    project_quotas: BTreeMap<String, Quotas>,
    pub(super) pending: RangeInclusive<Duration>,
    pub(super) random: Random,
    sequence: u64,
    pub(crate) load_balancers: BTreeMap<Uuid, LoadBalancer>,
    pub(crate) listeners: BTreeMap<Uuid, Listener>,
    pub(crate) pools: BTreeMap<Uuid, Pool>,
    pub(crate) members: BTreeMap<Uuid, Member>,
    pub(crate) monitors: BTreeMap<Uuid, HealthMonitor>,
    pub(crate) policies: BTreeMap<Uuid, L7Policy>,
    pub(crate) l7_rules: BTreeMap<Uuid, L7Rule>,
    /// What defects go by.
    pub(super) past: Past,
    /// What is under way, by the time it is due and the order it was begun.
    pub(super) transitions: BTreeMap<(Timestamp, u64), Transition>,
}

impl State {
    /// An empty cloud.
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            rules: config.dialect.rules(),
            quotas: config.quotas,
            project_quotas: config.project_quotas.clone(),
            pending: config.pending.clone(),
            random: Random::new(config.seed),
            past: Past::new(config),
            sequence: 0,
            load_balancers: BTreeMap::new(),
            listeners: BTreeMap::new(),
            pools: BTreeMap::new(),
            members: BTreeMap::new(),
            monitors: BTreeMap::new(),
            policies: BTreeMap::new(),
            l7_rules: BTreeMap::new(),
            transitions: BTreeMap::new(),
        }
    }

    /// How many objects of all kinds exist.
    pub(crate) fn objects(&self) -> usize {
        self.load_balancers.len()
            + self.listeners.len()
            + self.pools.len()
            + self.members.len()
            + self.monitors.len()
            + self.policies.len()
            + self.l7_rules.len()
    }

    /// The ids of a kind, ascending.
    pub(crate) fn ids(&self, kind: Kind) -> Vec<Uuid> {
        self.commons(kind).map(|common| common.id).collect()
    }

    /// What the objects of a kind have in common, by ascending id.
    pub(super) fn commons(&self, kind: Kind) -> Box<dyn Iterator<Item = &Common> + '_> {
        match kind {
            Kind::LoadBalancer => Box::new(self.load_balancers.values().map(|it| &it.common)),
            Kind::Listener => Box::new(self.listeners.values().map(|it| &it.common)),
            Kind::Pool => Box::new(self.pools.values().map(|it| &it.common)),
            Kind::Member => Box::new(self.members.values().map(|it| &it.common)),
            Kind::HealthMonitor => Box::new(self.monitors.values().map(|it| &it.common)),
            Kind::L7Policy => Box::new(self.policies.values().map(|it| &it.common)),
            Kind::L7Rule => Box::new(self.l7_rules.values().map(|it| &it.common)),
        }
    }

    pub(crate) fn common(&self, (kind, id): Ref) -> Option<&Common> {
        match kind {
            Kind::LoadBalancer => self.load_balancers.get(&id).map(|it| &it.common),
            Kind::Listener => self.listeners.get(&id).map(|it| &it.common),
            Kind::Pool => self.pools.get(&id).map(|it| &it.common),
            Kind::Member => self.members.get(&id).map(|it| &it.common),
            Kind::HealthMonitor => self.monitors.get(&id).map(|it| &it.common),
            Kind::L7Policy => self.policies.get(&id).map(|it| &it.common),
            Kind::L7Rule => self.l7_rules.get(&id).map(|it| &it.common),
        }
    }

    pub(super) fn common_mut(&mut self, (kind, id): Ref) -> Option<&mut Common> {
        match kind {
            Kind::LoadBalancer => self.load_balancers.get_mut(&id).map(|it| &mut it.common),
            Kind::Listener => self.listeners.get_mut(&id).map(|it| &mut it.common),
            Kind::Pool => self.pools.get_mut(&id).map(|it| &mut it.common),
            Kind::Member => self.members.get_mut(&id).map(|it| &mut it.common),
            Kind::HealthMonitor => self.monitors.get_mut(&id).map(|it| &mut it.common),
            Kind::L7Policy => self.policies.get_mut(&id).map(|it| &mut it.common),
            Kind::L7Rule => self.l7_rules.get_mut(&id).map(|it| &mut it.common),
        }
    }

    /// The object that an object hangs below; a load balancer hangs below nothing.
    pub(crate) fn parent(&self, (kind, id): Ref) -> Option<Uuid> {
        match kind {
            Kind::LoadBalancer => None,
            Kind::Listener => self.listeners.get(&id).map(|it| it.load_balancer),
            Kind::Pool => self.pools.get(&id).map(|it| it.load_balancer),
            Kind::Member => self.members.get(&id).map(|it| it.pool),
            Kind::HealthMonitor => self.monitors.get(&id).map(|it| it.pool),
            Kind::L7Policy => self.policies.get(&id).map(|it| it.listener),
            Kind::L7Rule => self.l7_rules.get(&id).map(|it| it.policy),
        }
    }

    /// The load balancer that an object is part of.
    pub(crate) fn load_balancer_of(&self, (kind, id): Ref) -> Option<Uuid> {
        let above = match kind {
            Kind::LoadBalancer => return Some(id),
            Kind::Listener | Kind::Pool => Kind::LoadBalancer,
            Kind::Member | Kind::HealthMonitor => Kind::Pool,
            Kind::L7Policy => Kind::Listener,
            Kind::L7Rule => Kind::L7Policy,
        };
        self.load_balancer_of((above, self.parent((kind, id))?))
    }

    // Children, in the order of their creation.

    pub(crate) fn listeners_of(&self, load_balancer: Uuid) -> Vec<&Listener> {
        ordered(
            self.listeners
                .values()
                .filter(|it| it.load_balancer == load_balancer),
            |it| &it.common,
        )
    }

    pub(crate) fn pools_of(&self, load_balancer: Uuid) -> Vec<&Pool> {
        ordered(
            self.pools
                .values()
                .filter(|it| it.load_balancer == load_balancer && self.referred(it.common.id)),
            |it| &it.common,
        )
    }

    pub(crate) fn members_of(&self, pool: Uuid) -> Vec<&Member> {
        ordered(self.members.values().filter(|it| it.pool == pool), |it| {
            &it.common
        })
    }

    pub(crate) fn monitor_of(&self, pool: Uuid) -> Option<&HealthMonitor> {
        self.monitors.values().find(|it| it.pool == pool)
    }

    pub(crate) fn policies_of(&self, listener: Uuid) -> Vec<&L7Policy> {
        ordered(
            self.policies.values().filter(|it| it.listener == listener),
            |it| &it.common,
        )
    }

    pub(crate) fn rules_of(&self, policy: Uuid) -> Vec<&L7Rule> {
        ordered(
            self.l7_rules.values().filter(|it| it.policy == policy),
            |it| &it.common,
        )
    }

    // References across the tree.

    /// The listeners whose default pool it is.
    pub(crate) fn listeners_using(&self, pool: Uuid) -> Vec<&Listener> {
        ordered(
            self.listeners
                .values()
                .filter(|it| it.default_pool == Some(pool)),
            |it| &it.common,
        )
    }

    /// The policies that redirect to the pool.
    pub(crate) fn policies_using(&self, pool: Uuid) -> Vec<&L7Policy> {
        ordered(
            self.policies
                .values()
                .filter(|it| it.redirect_pool == Some(pool)),
            |it| &it.common,
        )
    }

    /// Everything below a load balancer.
    pub(super) fn below(&self, load_balancer: Uuid) -> Vec<Ref> {
        let kinds = [
            Kind::L7Rule,
            Kind::L7Policy,
            Kind::HealthMonitor,
            Kind::Member,
            Kind::Pool,
            Kind::Listener,
        ];
        let all = kinds
            .into_iter()
            .flat_map(|kind| self.ids(kind).into_iter().map(move |id| (kind, id)));
        all.filter(|it| self.load_balancer_of(*it) == Some(load_balancer))
            .collect()
    }

    // Looking up: the one place that decides who sees what, and in which order it is found out.

    /// The id of an object that the caller may read or write.
    pub(super) fn find(
        &self,
        caller: &Caller,
        intent: Intent,
        kind: Kind,
        id: &str,
    ) -> Result<Uuid, Refusal> {
        let order = self.rules.permission;
        if intent == Intent::Write && order == Permission::First {
            caller.may_write()?;
        }
        let missing = || Refusal::NotFound {
            kind,
            id: id.to_owned(),
        };
        let found = parse_id(id).ok_or_else(missing)?;
        if self.remains(found) || intent == Intent::Write && self.stale((kind, found)) {
            return Err(missing());
        }
        let common = self.common((kind, found)).ok_or_else(missing)?;
        if !caller.sees(&common.project) {
            return Err(match self.rules.foreign {
                Foreign::Hidden => missing(),
                Foreign::Forbidden => Refusal::Forbidden,
            });
        }
        if intent == Intent::Write && order == Permission::AfterLookup {
            caller.may_write()?;
        }
        Ok(found)
    }

    /// As [`State::find`], for an id that a body named.
    pub(super) fn find_named(
        &self,
        caller: &Caller,
        kind: Kind,
        id: Uuid,
    ) -> Result<Uuid, Refusal> {
        self.find(caller, Intent::Write, kind, &id.to_string())
    }

    /// As [`State::find`], for a path: the parent first, then the object, which must be below it.
    pub(super) fn target(
        &self,
        caller: &Caller,
        intent: Intent,
        target: &Target,
    ) -> Result<Uuid, Refusal> {
        let Target { kind, parent, id } = target;
        let above = match (kind, parent) {
            (Kind::Member, Some(pool)) => Some(self.find(caller, intent, Kind::Pool, pool)?),
            (Kind::L7Rule, Some(policy)) => {
                Some(self.find(caller, intent, Kind::L7Policy, policy)?)
            }
            _ => None,
        };
        let found = self.find(caller, intent, *kind, id)?;
        if above.is_some_and(|above| self.parent((*kind, found)) != Some(above)) {
            return Err(Refusal::NotFound {
                kind: *kind,
                id: id.clone(),
            });
        }
        Ok(found)
    }

    /// Refuses whoever is not an administrator.
    pub(super) fn admin_only(&self, caller: &Caller) -> Result<(), Refusal> {
        match caller.access {
            Access::Admin => Ok(()),
            Access::Read | Access::Write => Err(Refusal::Forbidden),
        }
    }

    /// The project of a new object: the one above it, or the caller's; a body that names another is refused.
    pub(super) fn project(
        &self,
        caller: &Caller,
        basics: &Basics,
        above: Option<Ref>,
    ) -> Result<String, Refusal> {
        match &basics.project {
            Some(named) if !caller.sees(named) => return Err(Refusal::OtherProject),
            _ => {}
        }
        let inherited = above
            .and_then(|above| self.common(above))
            .map(|common| common.project.clone());
        Ok(inherited
            .or_else(|| basics.project.clone())
            .unwrap_or_else(|| caller.project.clone()))
    }

    /// What a project may have.
    pub(crate) fn quotas_of(&self, project: &str) -> Quotas {
        *self.project_quotas.get(project).unwrap_or(&self.quotas)
    }

    /// Refuses so many new objects if they exceed the project's quota.
    pub(super) fn within_quota(
        &self,
        kind: Kind,
        project: &str,
        more: usize,
    ) -> Result<(), Refusal> {
        let quotas = self.quotas_of(project);
        let bound = match kind {
            Kind::LoadBalancer => quotas.load_balancers,
            Kind::Listener => quotas.listeners,
            Kind::Pool => quotas.pools,
            Kind::Member => quotas.members,
            Kind::HealthMonitor => quotas.health_monitors,
            Kind::L7Policy => quotas.l7_policies,
            Kind::L7Rule => quotas.l7_rules,
        };
        let Some(bound) = bound else { return Ok(()) };
        let owned = self
            .commons(kind)
            .filter(|common| common.project == project && self.counts(common.id))
            .count();
        if owned + more > bound {
            Err(Refusal::Quota { kind })
        } else {
            Ok(())
        }
    }

    /// Refuses a change while the load balancer of the object is locked.
    pub(super) fn unlocked(&self, reference: Ref) -> Result<(), Refusal> {
        self.locked_by(reference, &[])
    }

    /// Refuses a deletion while the load balancer is locked; one in ERROR can still be deleted itself.
    pub(super) fn deletable(&self, reference: Ref) -> Result<(), Refusal> {
        if self.ignores_lock(reference) {
            return Ok(());
        }
        let tolerated: &[Provisioning] = match reference.0 {
            Kind::LoadBalancer => &[Provisioning::Error],
            _ => &[],
        };
        self.locked_by(reference, tolerated)
    }

    fn locked_by(&self, reference: Ref, tolerated: &[Provisioning]) -> Result<(), Refusal> {
        let Some(id) = self.load_balancer_of(reference) else {
            return Ok(());
        };
        let Some(common) = self.common((Kind::LoadBalancer, id)) else {
            return Ok(());
        };
        let state = common.provisioning;
        let locked = match self.rules.lock {
            Lock::Open => false,
            Lock::Pending => !matches!(state, Provisioning::Active | Provisioning::Error),
            Lock::NotActive => state != Provisioning::Active && !tolerated.contains(&state),
        };
        if locked {
            Err(Refusal::Immutable {
                load_balancer: id.to_string(),
                state,
            })
        } else {
            Ok(())
        }
    }

    // Making and changing what all objects have.

    /// The common part of a new object, with an id that was never used.
    pub(super) fn new_common(&mut self, project: String, basics: Basics, now: Timestamp) -> Common {
        let Basics {
            project: _,
            name,
            description,
            admin_state_up,
            tags,
            extra,
        } = basics;
        self.sequence += 1;
        Common {
            id: self.random.id(),
            sequence: self.sequence,
            project,
            name,
            description,
            admin_state_up: admin_state_up.unwrap_or(true),
            tags,
            created: now,
            updated: None,
            provisioning: Provisioning::Active,
            extra,
        }
    }

    pub(super) fn change_basics(&mut self, reference: Ref, change: BasicsChange, now: Timestamp) {
        let BasicsChange {
            name,
            description,
            admin_state_up,
            tags,
            extra,
            for_admins: _,
        } = change;
        let Some(common) = self.common_mut(reference) else {
            return;
        };
        common.name = name.unwrap_or_else(|| common.name.clone());
        common.description = description.unwrap_or_else(|| common.description.clone());
        common.admin_state_up = admin_state_up.unwrap_or(common.admin_state_up);
        common.tags = tags.unwrap_or_else(|| common.tags.clone());
        common.extra.extend(extra);
        common.updated = Some(now);
    }

    /// The next number of the order of creation.
    pub(super) fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }
}

pub(super) fn ordered<'a, T>(
    items: impl Iterator<Item = &'a T>,
    common: impl Fn(&T) -> &Common,
) -> Vec<&'a T> {
    let mut items: Vec<&T> = items.collect();
    items.sort_by_key(|item| common(item).sequence);
    items
}
