//! What the store does wrong where a defect says so. Each function stands for one decision of the store, which
//! asks it there; without defects all of them answer that nothing is to be done otherwise.

use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::settle::Effects;
use super::state::{Intent, Ref, State};
use super::{Caller, Reply, Target, parse_id};
use crate::emulator::defect::Defect;
use crate::emulator::model::{Kind, PolicyAction, Provisioning};
use crate::emulator::refusal::Refusal;

/// How long `stale-read` shows a pool that was deleted.
const STALE: Duration = Duration::from_millis(300);

/// How long `delete-checks-then-sleeps` sleeps.
const NAP: RangeInclusive<Duration> = Duration::from_millis(2)..=Duration::from_millis(6);

/// `some-fail` lets one in so many deletions fail.
const SOME: usize = 7;

// Which object is meant.
impl State {
    /// The target of a deletion as it is understood.
    pub(super) fn understood(&self, mut target: Target) -> Target {
        if target.kind == Kind::Pool && parse_id(&target.id).is_none() {
            if self.wrong(Defect::IdCaseIgnored) {
                target.id = target.id.to_ascii_lowercase();
            }
            let starts = |id: &String| !target.id.is_empty() && id.starts_with(&target.id);
            let whole = self.pools.keys().map(Uuid::to_string).find(starts);
            if let (true, Some(id)) = (self.wrong(Defect::IdPrefixDeletes), whole) {
                target.id = id;
            }
        }
        target
    }

    /// What the deletion of an object that was not found comes to.
    pub(super) fn missed(
        &mut self,
        caller: &Caller,
        target: &Target,
        refusal: Refusal,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        if target.kind != Kind::Pool || !matches!(refusal, Refusal::NotFound { .. }) {
            return Err(refusal);
        }
        let Some(id) = parse_id(&target.id) else {
            return if self.wrong(Defect::MalformedIdAccepted) {
                Ok(Reply::Deleted)
            } else if self.wrong(Defect::MalformedIdCrashes) {
                Err(Refusal::Fault)
            } else {
                Err(refusal)
            };
        };
        if self.wrong(Defect::OtherKindDeleted) {
            for kind in [Kind::Listener, Kind::Member] {
                if self.find(caller, Intent::Write, kind, &target.id).is_ok() {
                    self.begin(Effects::default().delete((kind, id)), now);
                    return Ok(Reply::Deleted);
                }
            }
        }
        let accepted = if self.past.deleted(id) {
            Defect::SecondDeleteAccepted
        } else {
            Defect::UnknownPoolAccepted
        };
        // A pool that is only hidden from the caller is neither.
        if self.wrong(accepted) && (self.past.deleted(id) || !self.pools.contains_key(&id)) {
            Ok(Reply::Deleted)
        } else {
            Err(refusal)
        }
    }
}

// What keeps an object, and what a refusal does.
impl State {
    /// Whether a deletion overlooks an object that uses it.
    pub(super) fn overlooks(&self, kind: Kind, id: Uuid, (by_kind, by): Ref) -> bool {
        let later = |first: Option<Uuid>| first.is_some_and(|first| first != by);
        let disabled = self
            .common((by_kind, by))
            .is_some_and(|it| !it.admin_state_up);
        match (kind, by_kind) {
            (Kind::Pool, Kind::Member) => {
                let weightless = self.members.get(&by).is_some_and(|it| it.weight == 0);
                self.wrong(Defect::MembersIgnored)
                    || self.wrong(Defect::WeightlessMembersIgnored) && weightless
                    || self.wrong(Defect::DisabledMembersIgnored) && disabled
                    || self.wrong(Defect::FirstMemberOnly) && later(self.past.first(id, by_kind))
            }
            (Kind::Pool, Kind::HealthMonitor) => {
                self.wrong(Defect::MonitorIgnored)
                    || self.wrong(Defect::DisabledMonitorIgnored) && disabled
                    || self.wrong(Defect::RecreatedMonitorIgnored)
                        && self.past.monitor_recreated(id)
            }
            (Kind::Pool, Kind::L7Policy) => {
                self.wrong(Defect::PolicyIgnored)
                    || self.wrong(Defect::DisabledPolicyIgnored) && disabled
                    || self.wrong(Defect::RulelessPolicyIgnored) && self.rules_of(by).is_empty()
                    || self.wrong(Defect::FirstPolicyOnly) && later(self.past.first(id, by_kind))
            }
            // What a deleted pool leaves behind keeps nothing.
            (Kind::LoadBalancer | Kind::Listener, Kind::Pool) => self.remains(by),
            _ => false,
        }
    }

    /// What keeps a pool although it should not.
    pub(super) fn kept_by(&self, kind: Kind, id: Uuid) -> Option<Ref> {
        if kind != Kind::Pool || self.past.defects.is_empty() {
            return None;
        }
        let pool = self.pools.get(&id)?;
        let parent = (Kind::LoadBalancer, pool.load_balancer);
        let past = self.past.of(id);
        let listeners = self.listeners_using(id);
        let listener = listeners.first().map(|it| (Kind::Listener, it.common.id));
        let monitor = self
            .monitor_of(id)
            .map(|it| (Kind::HealthMonitor, it.common.id));
        let member = self
            .members_of(id)
            .first()
            .map(|it| (Kind::Member, it.common.id));
        let policy = self
            .policies_using(id)
            .first()
            .map(|it| (Kind::L7Policy, it.common.id));
        let elsewhere = self
            .policies
            .values()
            .find(|it| {
                it.action == PolicyAction::RedirectToListener
                    && listeners
                        .iter()
                        .any(|listener| listener.common.id == it.listener)
            })
            .map(|it| (Kind::L7Policy, it.common.id));
        let recreated = self.past.monitor_recreated(id);
        let emptied = self.past.first(id, Kind::Member).is_some();
        [
            (Defect::MembersBlock, member),
            (Defect::MonitorBlocks, monitor),
            (
                Defect::RecreatedMonitorBlocks,
                monitor.filter(|_| recreated),
            ),
            (Defect::PolicyBlocks, policy),
            (Defect::DefaultPoolRefused, listener),
            (Defect::ListenerRedirectBlocks, elsewhere),
            (
                Defect::CleanPoolRefused,
                (past.len() == 1).then_some(parent),
            ),
            (Defect::EmptiedPoolRefused, emptied.then_some(parent)),
            (
                Defect::PersistenceBlocks,
                pool.persistence.as_ref().map(|_| parent),
            ),
        ]
        .into_iter()
        .find_map(|(defect, by)| by.filter(|_| self.wrong(defect)))
    }

    /// What a refused deletion does all the same.
    pub(super) fn spoil(&mut self, kind: Kind, id: Uuid, now: Timestamp) {
        if kind != Kind::Pool {
            return;
        }
        if self.wrong(Defect::RefusalTakesMembers) {
            self.members.retain(|_, it| it.pool != id);
        }
        if self.wrong(Defect::RefusalTakesMonitor) {
            self.monitors.retain(|_, it| it.pool != id);
        }
        if self.wrong(Defect::RefusalClearsPolicies) {
            for policy in self.policies.values_mut() {
                policy.redirect_pool = policy.redirect_pool.filter(|pool| *pool != id);
            }
        }
        if self.wrong(Defect::RefusalDeletes) {
            self.begin(Effects::default().delete((kind, id)), now);
        }
    }

    /// Whether a pool is deleted although its load balancer is locked.
    pub(super) fn ignores_lock(&self, (kind, _): Ref) -> bool {
        kind == Kind::Pool && self.wrong(Defect::LockIgnored)
    }
}

// What a deletion does.
impl State {
    /// What a deletion that nothing speaks against comes to, if it is not carried out as it should be.
    pub(super) fn botch(
        &mut self,
        target: &Target,
        id: Uuid,
        now: Timestamp,
    ) -> Option<Result<Reply, Refusal>> {
        let kind = target.kind;
        if kind != Kind::Pool {
            return None;
        }
        if self.wrong(Defect::SomeFail) {
            self.past.deletions += 1;
            if self.past.deletions.is_multiple_of(SOME) {
                return Some(Err(Refusal::Fault));
            }
        }
        if self.wrong(Defect::DeletedPoolStays) {
            return Some(Ok(Reply::Deleted));
        }
        if self.wrong(Defect::StaleRead) {
            self.remember(&[], &[(kind, id)]);
            self.removed_later((kind, id), now.checked_add(STALE).unwrap_or(Timestamp::MAX));
            return Some(Ok(Reply::Deleted));
        }
        if self.wrong(Defect::DeleteChecksThenSleeps) {
            let nap = self.random.duration(&NAP);
            return Some(Ok(Reply::Napping(nap, target.clone())));
        }
        if self.wrong(Defect::FaultDeletes) {
            self.begin(Effects::default().delete((kind, id)), now);
            return Some(Err(Refusal::Fault));
        }
        if self.wrong(Defect::DeletionBreaksOff) {
            self.members.retain(|_, it| it.pool != id);
            for listener in self.listeners.values_mut() {
                listener.default_pool = listener.default_pool.filter(|pool| *pool != id);
            }
            return Some(Err(Refusal::Fault));
        }
        None
    }

    /// What is deleted with an object although it should not be.
    pub(super) fn taken_along(&self, (kind, id): Ref) -> Vec<Ref> {
        let mut taken = Vec::new();
        if kind == Kind::Pool && self.wrong(Defect::ListenerDeletedToo) {
            let listeners = self.listeners_using(id);
            taken.extend(listeners.iter().map(|it| (Kind::Listener, it.common.id)));
        }
        if kind == Kind::Pool && self.wrong(Defect::SiblingDeletedToo) {
            let parent = self.parent((kind, id));
            let pools = parent.map_or_else(Vec::new, |parent| self.pools_of(parent));
            let mut siblings = pools.iter().map(|it| it.common.id);
            taken.extend(siblings.find(|it| *it != id).map(|it| (kind, it)));
        }
        taken
    }

    /// When a change is done, if its time never comes.
    pub(super) fn never(&self, deleted: &[Ref]) -> Option<Timestamp> {
        let pool = deleted.iter().any(|(kind, _)| *kind == Kind::Pool);
        (pool && self.wrong(Defect::PendingForEver)).then_some(Timestamp::MAX)
    }

    /// What a change makes begin anew halfway.
    pub(super) fn detour(&self, touched: &[Ref]) -> Option<Vec<Ref>> {
        let balancers = touched
            .iter()
            .filter(|(kind, _)| *kind == Kind::LoadBalancer);
        self.wrong(Defect::StatusDetour)
            .then(|| balancers.copied().collect())
    }

    /// Takes a pool away, or what shows of it.
    pub(super) fn bury(&mut self, pool: Uuid) {
        let shows = [
            Defect::DeletedPoolListed,
            Defect::DeletedPoolFiltered,
            Defect::LoadBalancerKeepsReference,
            Defect::QuotaNotReleased,
        ];
        if shows.iter().any(|defect| self.wrong(*defect)) && self.pools.contains_key(&pool) {
            self.past.remains.insert(pool);
        } else {
            self.pools.remove(&pool);
        }
    }
}

// What shows of a deleted pool.
impl State {
    /// Whether a pool is gone, although something of it still shows.
    pub(super) fn remains(&self, id: Uuid) -> bool {
        self.past.remains.contains(&id)
    }

    /// Whether an object is only a picture of what it was.
    pub(super) fn stale(&self, (kind, id): Ref) -> bool {
        kind == Kind::Pool && self.wrong(Defect::StaleRead) && self.past.deleted(id)
    }

    /// Whether an object is in lists.
    pub(super) fn listed(&self, id: Uuid) -> bool {
        !self.remains(id)
            || self.wrong(Defect::DeletedPoolListed)
            || self.wrong(Defect::DeletedPoolFiltered)
    }

    /// Whether an object is in lists that have a filter only.
    pub(crate) fn needs_filter(&self, id: Uuid) -> bool {
        self.remains(id) && !self.wrong(Defect::DeletedPoolListed)
    }

    /// Whether a pool is among those of its load balancer.
    pub(super) fn referred(&self, pool: Uuid) -> bool {
        !self.remains(pool) || self.wrong(Defect::LoadBalancerKeepsReference)
    }

    /// Whether an object counts for the quota.
    pub(super) fn counts(&self, id: Uuid) -> bool {
        !self.remains(id) || self.wrong(Defect::QuotaNotReleased)
    }

    /// The id of a new pool, which is to be `fresh`.
    pub(super) fn pool_id(&self, fresh: Uuid) -> Uuid {
        let free = |id: &Uuid| !self.pools.contains_key(id);
        let used = self.past.all_deleted().find(free);
        used.filter(|_| self.wrong(Defect::IdReused))
            .unwrap_or(fresh)
    }

    /// The status that an object shows.
    pub(crate) fn shown(&self, kind: Kind, status: Provisioning) -> Provisioning {
        if kind == Kind::LoadBalancer && self.wrong(Defect::ActiveBeforeReady) {
            Provisioning::Active
        } else {
            status
        }
    }
}

// How a pool is set free.
impl State {
    /// The pool that an update of a policy names, as it is understood.
    pub(super) fn redirected(
        &mut self,
        policy: Uuid,
        pool: Option<Option<Uuid>>,
    ) -> Result<Option<Option<Uuid>>, Refusal> {
        match pool {
            Some(None) if self.wrong(Defect::DisassociationRefused) => {
                Err(Refusal::invalid("redirect_pool_id", "it must not be null"))
            }
            Some(None) if self.wrong(Defect::DisassociationLost) => Ok(None),
            Some(None) if self.wrong(Defect::DisassociationDeletes) => {
                // Not before this update has been answered.
                self.removed_later((Kind::L7Policy, policy), Timestamp::MIN);
                Ok(pool)
            }
            Some(Some(_)) if self.wrong(Defect::RedirectionLost) => Ok(None),
            _ => Ok(pool),
        }
    }
}
