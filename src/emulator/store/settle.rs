//! How a change comes to pass: at once, or as PENDING first and done when its time has come.

use jiff::Timestamp;
use uuid::Uuid;

use super::state::{Ref, State};
use crate::emulator::defect::Defect;
use crate::emulator::dialect::{OrphanedPolicy, Positions, Settling};
use crate::emulator::model::{Kind, PolicyAction, Provisioning};

/// The objects that a change makes, alters or takes away; those around them follow from the tree.
#[derive(Debug, Clone, Default)]
pub(super) struct Effects {
    created: Vec<Ref>,
    updated: Vec<Ref>,
    deleted: Vec<Ref>,
}

impl Effects {
    pub(super) fn create(mut self, reference: Ref) -> Self {
        self.created.push(reference);
        self
    }

    pub(super) fn update(mut self, reference: Ref) -> Self {
        self.updated.push(reference);
        self
    }

    pub(super) fn delete(mut self, reference: Ref) -> Self {
        self.deleted.push(reference);
        self
    }

    /// As they are, but one object is not taken away.
    pub(super) fn sparing_one(mut self) -> Self {
        self.deleted.pop();
        self
    }
}

/// What is done when the time has come.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Transition {
    settled: Vec<Ref>,
    removed: Vec<Ref>,
    /// What is marked as being created, as a defect has it.
    begun_anew: Vec<Ref>,
}

impl State {
    /// Begins a change: marks everything it touches, and does it or sets its time.
    pub(super) fn begin(&mut self, effects: Effects, now: Timestamp) {
        let Effects {
            created,
            updated,
            deleted,
        } = effects;
        self.remember(&created, &deleted);
        let mut touched = updated.clone();
        for reference in created.iter().chain(&updated).chain(&deleted) {
            self.around(*reference, &mut touched);
        }
        touched.sort_unstable();
        touched.dedup();
        touched.retain(|it| !created.contains(it) && !deleted.contains(it));
        let detour = self.detour(&touched);
        let later = self.rules.settling == Settling::Later;
        if later {
            for (mark, references) in [
                (Provisioning::PendingCreate, &created),
                (Provisioning::PendingUpdate, &touched),
                (Provisioning::PendingDelete, &deleted),
            ] {
                for reference in references {
                    self.mark(*reference, mark);
                }
            }
        }
        touched.extend(created);
        let transition = Transition {
            settled: touched,
            removed: deleted,
            ..Transition::default()
        };
        if !later {
            return self.complete(transition);
        }
        let wait = self.random.duration(&self.pending.clone());
        if let Some(begun_anew) = detour {
            let halfway = Transition {
                begun_anew,
                ..Transition::default()
            };
            let due = now.checked_add(wait / 2).unwrap_or(Timestamp::MAX);
            let sequence = self.next_sequence();
            self.transitions.insert((due, sequence), halfway);
        }
        let due = now.checked_add(wait).unwrap_or(Timestamp::MAX);
        let due = self.never(&transition.removed).unwrap_or(due);
        let sequence = self.next_sequence();
        self.transitions.insert((due, sequence), transition);
    }

    /// Takes an object away at a later time, which nothing shows until then.
    pub(super) fn removed_later(&mut self, reference: Ref, due: Timestamp) {
        let transition = Transition {
            removed: vec![reference],
            ..Transition::default()
        };
        let sequence = self.next_sequence();
        self.transitions.insert((due, sequence), transition);
    }

    /// Does what is due by `now`, in the order in which it became due.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        while let Some(entry) = self.transitions.first_entry() {
            if entry.key().0 > now {
                return;
            }
            let transition = entry.remove();
            self.complete(transition);
        }
    }

    fn complete(&mut self, transition: Transition) {
        let Transition {
            settled,
            removed,
            begun_anew,
        } = transition;
        for reference in begun_anew {
            self.mark(reference, Provisioning::PendingCreate);
        }
        for reference in settled {
            self.mark(reference, Provisioning::Active);
        }
        for reference in removed {
            self.remove(reference);
        }
    }

    fn mark(&mut self, reference: Ref, mark: Provisioning) {
        if let Some(common) = self.common_mut(reference) {
            common.provisioning = mark;
        }
    }

    /// Adds the objects that a change of one locks with it: what it hangs below, and the listeners it serves.
    fn around(&self, (kind, id): Ref, around: &mut Vec<Ref>) {
        let listener = |id| (Kind::Listener, id);
        match kind {
            Kind::LoadBalancer => return,
            Kind::Listener => {}
            Kind::Pool => {
                let default_of = self.listeners_using(id).into_iter();
                around.extend(default_of.map(|it| listener(it.common.id)));
                let target_of = self.policies_using(id).into_iter();
                around.extend(target_of.map(|it| listener(it.listener)));
            }
            Kind::Member | Kind::HealthMonitor => {
                if let Some(pool) = self.parent((kind, id)) {
                    around.push((Kind::Pool, pool));
                    return self.around((Kind::Pool, pool), around);
                }
            }
            Kind::L7Policy => around.extend(self.parent((kind, id)).map(listener)),
            Kind::L7Rule => {
                if let Some(policy) = self.parent((kind, id)) {
                    around.push((Kind::L7Policy, policy));
                    return self.around((Kind::L7Policy, policy), around);
                }
            }
        }
        let balancer = self.load_balancer_of((kind, id));
        around.extend(balancer.map(|it| (Kind::LoadBalancer, it)));
    }

    /// Takes an object away with everything below it; whatever referred to it refers to nothing.
    fn remove(&mut self, (kind, id): Ref) {
        match kind {
            Kind::LoadBalancer => {
                for reference in self.below(id) {
                    self.remove(reference);
                }
                self.load_balancers.remove(&id);
            }
            Kind::Listener => {
                for policy in ids(self.policies_of(id), |it| it.common.id) {
                    self.remove((Kind::L7Policy, policy));
                }
                for policy in self
                    .policies
                    .values_mut()
                    .filter(|it| it.redirect_listener == Some(id))
                {
                    policy.redirect_listener = None;
                }
                self.listeners.remove(&id);
            }
            Kind::Pool => {
                self.members.retain(|_, it| it.pool != id);
                if !self.wrong(Defect::MonitorSurvives) {
                    self.monitors.retain(|_, it| it.pool != id);
                }
                let listeners_keep = self.wrong(Defect::ListenerKeepsReference);
                for listener in self
                    .listeners
                    .values_mut()
                    .filter(|it| it.default_pool == Some(id) && !listeners_keep)
                {
                    listener.default_pool = None;
                }
                let policies_keep = self.wrong(Defect::PolicyKeepsReference);
                let actions_stay = self.wrong(Defect::OrphanKeepsAction);
                for policy in self
                    .policies
                    .values_mut()
                    .filter(|it| it.redirect_pool == Some(id) && !policies_keep)
                {
                    policy.redirect_pool = None;
                    match self.rules.orphaned_policy {
                        OrphanedPolicy::Rejects if !actions_stay => {
                            policy.action = PolicyAction::Reject;
                        }
                        OrphanedPolicy::Rejects | OrphanedPolicy::Cleared => {}
                    }
                }
                self.bury(id);
            }
            Kind::Member => {
                self.members.remove(&id);
            }
            Kind::HealthMonitor => {
                self.monitors.remove(&id);
            }
            Kind::L7Policy => {
                self.l7_rules.retain(|_, it| it.policy != id);
                if let Some(policy) = self.policies.remove(&id) {
                    self.close_ranks(policy.listener);
                }
            }
            Kind::L7Rule => {
                self.l7_rules.remove(&id);
            }
        }
    }

    /// Numbers the policies of a listener from 1 without gaps, where positions are an order.
    pub(super) fn close_ranks(&mut self, listener: Uuid) {
        if self.rules.positions != Positions::Ordered {
            return;
        }
        let mut policies = self.policies_of(listener);
        policies.sort_by_key(|it| it.position);
        for (position, policy) in (1..).zip(ids(policies, |it| it.common.id)) {
            if let Some(policy) = self.policies.get_mut(&policy) {
                policy.position = position;
            }
        }
    }
}

fn ids<T>(items: Vec<&T>, id: impl Fn(&T) -> Uuid) -> Vec<Uuid> {
    items.into_iter().map(id).collect()
}
