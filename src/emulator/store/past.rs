//! What defects go by: the past of each pool, kept only while one of them asks for it. Without defects
//! nothing is kept, and every question here is answered with no.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::state::{Ref, State};
use crate::emulator::config::Config;
use crate::emulator::defect::{Defect, Defects};
use crate::emulator::model::Kind;

/// What is wrong with the emulator, and what that has to remember.
pub(super) struct Past {
    pub(super) defects: Defects,
    pools: BTreeMap<Uuid, Vec<Event>>,
    /// The pools that are gone, but of which something still shows.
    pub(super) remains: BTreeSet<Uuid>,
    /// How many deletions of pools had nothing against them.
    pub(super) deletions: usize,
}

/// What became of a pool or of something that belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    Created(Ref),
    Deleted(Ref),
}

impl Past {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            defects: Defects::new(config),
            pools: BTreeMap::new(),
            remains: BTreeSet::new(),
            deletions: 0,
        }
    }

    pub(super) fn of(&self, pool: Uuid) -> &[Event] {
        self.pools.get(&pool).map_or(&[], Vec::as_slice)
    }

    /// The object of a kind that was the first to be created for the pool.
    pub(super) fn first(&self, pool: Uuid, kind: Kind) -> Option<Uuid> {
        self.of(pool).iter().find_map(|event| match event {
            Event::Created((of, id)) if *of == kind => Some(*id),
            _ => None,
        })
    }

    /// Whether the deletion of the pool was begun.
    pub(super) fn deleted(&self, pool: Uuid) -> bool {
        self.of(pool).contains(&Event::Deleted((Kind::Pool, pool)))
    }

    /// The pools whose deletion was begun.
    pub(super) fn all_deleted(&self) -> impl Iterator<Item = Uuid> {
        self.pools
            .keys()
            .copied()
            .filter(|pool| self.deleted(*pool))
    }

    /// Whether the pool lost its monitor after three members and then got a new one.
    pub(super) fn monitor_recreated(&self, pool: Uuid) -> bool {
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
        self.past.defects.has(defect)
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
                Kind::L7Policy => self.policies.get(&id).and_then(|it| it.redirect_pool),
                Kind::LoadBalancer | Kind::Listener | Kind::L7Rule => None,
            };
            if let Some(pool) = pool {
                self.past.pools.entry(pool).or_default().push(event);
            }
        }
    }
}
