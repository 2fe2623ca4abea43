//! What defects go by: the past of each pool, kept only while one of them asks for it. Without defects
//! nothing is kept, and every question here is answered with no.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::state::{Ref, State};
use super::{Reply, Target, parse_id};
use crate::emulator::config::Config;
use crate::emulator::defect::Defect;
use crate::emulator::model::Kind;

/// How long `stale-read` shows a pool that was deleted.
const STALE: Duration = Duration::from_millis(300);

/// How long `delete-checks-then-sleeps` sleeps.
const NAP: std::ops::RangeInclusive<Duration> = Duration::from_millis(2)..=Duration::from_millis(6);

/// What is wrong with the emulator, and what that has to remember.
pub(super) struct Past {
    defects: BTreeSet<Defect>,
    pools: BTreeMap<Uuid, Vec<Event>>,
}

/// What became of a pool or of something that belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Created(Ref),
    Deleted(Ref),
}

impl Past {
    /// The defects of a configuration that its dialect has.
    pub(super) fn new(config: &Config) -> Self {
        let exists = |defect: &Defect| defect.dialects().contains(&config.dialect);
        Self {
            defects: config.defects.iter().copied().filter(exists).collect(),
            pools: BTreeMap::new(),
        }
    }

    fn of(&self, pool: Uuid) -> &[Event] {
        self.pools.get(&pool).map_or(&[], Vec::as_slice)
    }

    /// Whether the pool lost its monitor after three members and then got a new one.
    fn monitor_recreated(&self, pool: Uuid) -> bool {
        let (mut members, mut lost) = (0, false);
        for event in self.of(pool) {
            match event {
                Event::Deleted((Kind::Member, _)) => members += 1,
                Event::Deleted((Kind::HealthMonitor, _)) if members >= 3 => lost = true,
                Event::Created((Kind::HealthMonitor, _)) if lost => return true,
                _ => {}
            }
        }
        false
    }
}

impl Event {
    fn object(self) -> Ref {
        match self {
            Self::Created(object) | Self::Deleted(object) => object,
        }
    }
}

impl State {
    /// Whether this is done wrong.
    pub(super) fn wrong(&self, defect: Defect) -> bool {
        self.past.defects.contains(&defect)
    }

    /// Remembers what a change makes and takes away.
    pub(super) fn remember(&mut self, created: &[Ref], deleted: &[Ref]) {
        if self.past.defects.is_empty() {
            return;
        }
        let created = created.iter().copied().map(Event::Created);
        for event in created.chain(deleted.iter().copied().map(Event::Deleted)) {
            let (kind, id) = event.object();
            let pool = match kind {
                Kind::Pool => Some(id),
                Kind::Member | Kind::HealthMonitor => self.parent((kind, id)),
                _ => None,
            };
            if let Some(pool) = pool {
                self.past.pools.entry(pool).or_default().push(event);
            }
        }
    }

    /// Whether a deletion overlooks the objects of a kind that use it.
    pub(super) fn overlooks(&self, kind: Kind, id: Uuid, by: Kind) -> bool {
        match (kind, by) {
            (Kind::Pool, Kind::Member) => {
                self.wrong(Defect::MembersIgnored)
                    || self.wrong(Defect::FirstMemberOnly) && self.first_member_left(id)
            }
            (Kind::Pool, Kind::HealthMonitor) => {
                self.wrong(Defect::MonitorIgnored)
                    || self.wrong(Defect::RecreatedMonitorIgnored)
                        && self.past.monitor_recreated(id)
            }
            (Kind::Pool, Kind::L7Policy) => self.wrong(Defect::PolicyIgnored),
            _ => false,
        }
    }

    /// The kind that keeps an object although it should not.
    pub(super) fn kept_by(&self, kind: Kind, id: Uuid) -> Option<Kind> {
        let monitor = kind == Kind::Pool
            && self.wrong(Defect::RecreatedMonitorBlocks)
            && self.past.monitor_recreated(id);
        monitor.then_some(Kind::HealthMonitor)
    }

    fn first_member_left(&self, pool: Uuid) -> bool {
        let first = self.past.of(pool).iter().find_map(|event| match event {
            Event::Created((Kind::Member, member)) => Some(member),
            _ => None,
        });
        first.is_some_and(|first| !self.members.contains_key(first))
    }

    /// Whether a pool that is no more is deleted once more.
    pub(super) fn deletes_again(&self, target: &Target) -> bool {
        target.kind == Kind::Pool
            && self.wrong(Defect::SecondDeleteAccepted)
            && parse_id(&target.id)
                .is_some_and(|id| self.past.of(id).contains(&Event::Deleted((Kind::Pool, id))))
    }

    /// What a refused deletion takes away all the same.
    pub(super) fn spoil(&mut self, kind: Kind, id: Uuid) {
        if kind == Kind::Pool && self.wrong(Defect::RefusalTakesMembers) {
            self.members.retain(|_, it| it.pool != id);
        }
    }

    /// What a deletion that nothing speaks against comes to, if it is not carried out as it should be.
    pub(super) fn botch(&mut self, target: &Target, id: Uuid, now: Timestamp) -> Option<Reply> {
        let kind = target.kind;
        if kind != Kind::Pool {
            return None;
        }
        if self.wrong(Defect::DeletedPoolStays) {
            return Some(Reply::Deleted);
        }
        if self.wrong(Defect::StaleRead) {
            self.remember(&[], &[(kind, id)]);
            self.removed_later((kind, id), now.checked_add(STALE).unwrap_or(Timestamp::MAX));
            return Some(Reply::Deleted);
        }
        if self.wrong(Defect::DeleteChecksThenSleeps) {
            let nap = self.random.duration(&NAP);
            return Some(Reply::Napping(nap, target.clone()));
        }
        None
    }

    /// Whether an object is only a picture of what it was.
    pub(super) fn stale(&self, (kind, id): Ref) -> bool {
        kind == Kind::Pool
            && self.wrong(Defect::StaleRead)
            && self.past.of(id).contains(&Event::Deleted((kind, id)))
    }
}
