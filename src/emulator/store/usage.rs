//! What uses an object, and so keeps it from being deleted.

use uuid::Uuid;

use super::state::{Ref, State, ordered};
use crate::emulator::model::{Common, Kind, L7Policy};
use crate::emulator::refusal::Refusal;

impl State {
    /// Refuses to delete what something else depends on; the one place where a dependant blocks.
    pub(super) fn unused(&self, kind: Kind, id: Uuid) -> Result<(), Refusal> {
        let blockers = self.rules.blockers(kind).iter();
        let users = blockers.flat_map(|by_kind| self.users(kind, id, *by_kind));
        let mut users = users.filter(|by| !self.overlooks(kind, id, *by));
        match users.next().or_else(|| self.kept_by(kind, id)) {
            Some((by_kind, by)) => Err(Refusal::InUse {
                kind,
                id: id.to_string(),
                by_kind,
                by: by.to_string(),
            }),
            None => Ok(()),
        }
    }

    /// The objects of a kind that depend on an object, in the order of their creation.
    fn users(&self, kind: Kind, id: Uuid, by: Kind) -> Vec<Ref> {
        let commons: Vec<&Common> = match (kind, by) {
            (Kind::LoadBalancer, Kind::Listener) => {
                self.listeners_of(id).iter().map(|it| &it.common).collect()
            }
            (Kind::LoadBalancer, Kind::Pool) => {
                self.pools_of(id).iter().map(|it| &it.common).collect()
            }
            (Kind::Listener, Kind::Pool) => {
                let pool = self.listeners.get(&id).and_then(|it| it.default_pool);
                let pool = pool.and_then(|pool| self.common((Kind::Pool, pool)));
                pool.into_iter().collect()
            }
            (Kind::Listener, Kind::L7Policy) => {
                let uses = |it: &&L7Policy| it.listener == id || it.redirect_listener == Some(id);
                ordered(self.policies.values().filter(uses), |it| &it.common)
                    .iter()
                    .map(|it| &it.common)
                    .collect()
            }
            (Kind::Pool, Kind::Member) => self.members_of(id).iter().map(|it| &it.common).collect(),
            (Kind::Pool, Kind::HealthMonitor) => {
                self.monitor_of(id).iter().map(|it| &it.common).collect()
            }
            (Kind::Pool, Kind::L7Policy) => self
                .policies_using(id)
                .iter()
                .map(|it| &it.common)
                .collect(),
            _ => Vec::new(),
        };
        commons.iter().map(|common| (by, common.id)).collect()
    }
}
