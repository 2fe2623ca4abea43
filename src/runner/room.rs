//! How many objects there may be at once, where a target says so: cases wait for each other.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Context;
use crate::case::Case;
use crate::plan::{Plan, Work};
use crate::suite::model::Suite;
use crate::target::Target;

/// The resources whose objects are counted.
#[derive(Default)]
pub(super) struct Rooms(BTreeMap<String, Room>);

struct Room {
    /// For objects that cases lend each other.
    lent: Arc<Semaphore>,
    /// How many those may be.
    most: usize,
    /// For objects that a case creates for itself.
    own: Arc<Semaphore>,
}

/// A case needs more objects than there may be.
#[derive(Debug, thiserror::Error)]
#[error(
    "there may be {most} of `{resource}` at once, and {case} alone needs {needed}; allow as many, or leave the case out"
)]
pub struct NoRoom {
    /// The resource.
    pub resource: String,
    /// As many as there may be.
    pub most: usize,
    /// The case that needs the most.
    pub case: String,
    /// As many as it needs, with what stands for all cases.
    pub needed: usize,
}

impl Rooms {
    /// Divides what there may be among what cases lend each other and what they create for themselves.
    pub(super) fn new(suite: &Suite, target: &Target, plan: &Plan) -> Result<Self, NoRoom> {
        let scope = target.scope();
        let limits = &target.pace.objects;
        if limits.is_empty() {
            return Ok(Self::default());
        }
        // Of many cases that do the same, one is enough.
        let works: BTreeMap<Work, &Case> = (plan.runnable())
            .map(|case| (Work::of(case, suite, &scope), case))
            .collect();
        let mut rooms = BTreeMap::new();
        for (resource, most) in limits {
            let count = |of: &BTreeMap<String, usize>| of.get(resource).copied().unwrap_or(0);
            let greatest = |of: &dyn Fn(&Work) -> usize| {
                let counts = works.iter().map(|(work, case)| (of(work), Some(*case)));
                counts.max_by_key(|(count, _)| *count).unwrap_or((0, None))
            };
            let (own, _) = greatest(&|work| count(&work.own));
            let (shared, _) = greatest(&|work| count(&work.shared));
            let (lent, borrower) = greatest(&|work| count(&work.borrowed));
            let (_, creator) = greatest(&|work| count(&work.own) + count(&work.borrowed));
            let needed = own + shared + lent;
            if needed > *most {
                return Err(NoRoom {
                    resource: resource.clone(),
                    most: *most,
                    case: (if own > 0 { creator } else { borrower })
                        .map_or_else(String::new, |case| case.id().into_owned()),
                    needed,
                });
            }
            let left = most - own - shared;
            rooms.insert(
                resource.clone(),
                Room {
                    lent: Arc::new(Semaphore::new(left)),
                    most: left,
                    own: Arc::new(Semaphore::new(own)),
                },
            );
        }
        Ok(Self(rooms))
    }

    /// How many objects of a resource cases may lend each other, if that is counted.
    pub(super) fn shared(&self, resource: &str) -> Option<usize> {
        self.0.get(resource).map(|room| room.most)
    }

    /// Waits until there is room for everything that a case needs, which it has until the permits are dropped.
    /// All wait in the same order, so that none waits for one that waits for it.
    pub(super) async fn enter(&self, ctx: &Context, case: &Case) -> Vec<OwnedSemaphorePermit> {
        let mut permits = Vec::new();
        if self.0.is_empty() {
            return permits;
        }
        let work = Work::of(case, &ctx.suite, &ctx.scope);
        for (resource, room) in &self.0 {
            for (semaphore, of) in [(&room.lent, &work.borrowed), (&room.own, &work.own)] {
                let count = of.get(resource).copied().unwrap_or(0);
                let Ok(count) = u32::try_from(count) else {
                    continue;
                };
                tokio::select! {
                    permit = Arc::clone(semaphore).acquire_many_owned(count) => permits.extend(permit),
                    // What is stopped creates nothing.
                    () = ctx.cancel.cancelled() => {}
                }
            }
        }
        permits
    }
}
