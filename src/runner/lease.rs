//! Objects that cases share: created when first needed, lent out, removed at the end of the run.
//!
//! A `run` object is lent to everyone at once, a `worker` object to one case at a time. The first object of
//! a kind is created alone: when that is refused, every other case learns the reason without asking again.
//! What happens here belongs to no case, so that no report depends on which case came first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value as Json;
use tokio::sync::Notify;

use super::Context;
use super::object::{Blueprint, Object, surroundings};
use super::session::{OWNER, Session, Stop};
use super::standstill::Waiting;
use super::track::{Loan, params};
use crate::check::Mismatch;
use crate::exchange::Exchange;
use crate::outcome::Leak;
use crate::suite::model::{Given, Resource, Scope};
use crate::tape::{Lent, Note};

/// The lowest numbers are for the objects that cases create themselves.
const OWN_NUMBERS: usize = 100;

/// The right to use a shared object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lease {
    key: String,
    number: usize,
}

/// What went wrong with the shared objects of one kind.
#[derive(Debug, Clone)]
pub(super) struct SharedTrouble {
    /// The kind.
    pub(super) resource: Arc<Resource>,
    /// What always holds and did not, with its exchange.
    pub(super) violations: Vec<(Mismatch, Arc<Exchange>)>,
    /// Why none could be created, with the exchanges.
    pub(super) refused: Option<(String, Vec<Arc<Exchange>>)>,
}

/// All shared objects of a run.
#[derive(Default)]
pub(super) struct Leases {
    kinds: Mutex<BTreeMap<String, Arc<Kind>>>,
    /// How many objects of each kind were to be created so far, whatever they need.
    created: Mutex<BTreeMap<String, usize>>,
    /// By resource, how many are being created, where there is room for so many only.
    coming: tokio::sync::Mutex<BTreeMap<String, usize>>,
    /// The cases that wait for an object to come back.
    waiting: Waiting,
    /// What could not be removed while the run went on.
    leaked: Mutex<Vec<Leak>>,
}

/// The objects of one kind with the same parameters.
struct Kind {
    scope: Scope,
    /// Held while the first object is being created.
    first: tokio::sync::Mutex<()>,
    returned: Notify,
    state: Mutex<State>,
    trouble: Mutex<SharedTrouble>,
}

#[derive(Default)]
struct State {
    /// All that were created, in order, each with the objects it needs behind it.
    created: Vec<Vec<Object>>,
    /// The numbers of those that wait for a case.
    free: Vec<usize>,
    /// The numbers of those that are lent to nobody any more.
    spoilt: Vec<usize>,
    /// How many are lent.
    lent: usize,
    /// Whether one has been created.
    proven: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Leases {
    /// Borrows an object as it is given, for a case that has other objects; what it needs, with what that needs
    /// in turn, is shared as well. The time is what the case has left.
    pub(super) async fn acquire(
        &self,
        ctx: &Context,
        given: &Given,
        needs: &[(String, usize)],
        objects: &[Object],
        time: Duration,
    ) -> Result<Object, Stop> {
        let (resource, scope) = (&given.resource, given.scope);
        let (behind, needs) = surroundings(objects, needs);
        let key = key(given, &behind, &needs);
        let kind = Arc::clone(lock(&self.kinds).entry(key.clone()).or_insert_with(|| {
            let trouble = SharedTrouble {
                resource: Arc::clone(resource),
                violations: Vec::new(),
                refused: None,
            };
            Arc::new(Kind {
                scope,
                first: tokio::sync::Mutex::new(()),
                returned: Notify::new(),
                state: Mutex::new(State::default()),
                trouble: Mutex::new(trouble),
            })
        }));
        let create = |(label, number): (String, usize)| {
            let blueprint = Blueprint {
                alias: &resource.name,
                identity: OWNER,
                index: None,
                resource,
                params: &given.params,
                needs: needs.clone(),
            };
            let labelled = (label, number);
            kind.create(ctx, blueprint, behind.clone(), &key, labelled, time)
        };
        if ctx.track.is_playing() {
            let mut refused = None;
            loop {
                match ctx.track.loan() {
                    Loan::Lent(lent) => return Ok(as_lent(&lent, resource, &key)),
                    Loan::Refused(stop) => return Err(refused.unwrap_or(stop)),
                    Loan::Made(label, number) => match create((label, number)).await {
                        Ok(object) => return Ok(object),
                        Err(stop) => refused = Some(stop),
                    },
                }
            }
        }
        let create = || {
            let (label, number) = self.label(given);
            ctx.track.note(|| Note::Made(label.clone(), number));
            create((label, number))
        };
        let lent = |object: Object| {
            ctx.track.lent(&object);
            Ok(object)
        };
        let refused = |stop: Stop| Err(ctx.track.stopped(stop));
        let until = tokio::time::Instant::now() + time;
        loop {
            // Whatever is given back from here on is heard of, however long the attempt below takes.
            let mut returned = std::pin::pin!(kind.returned.notified());
            returned.as_mut().enable();
            if let Some(object) = kind.take(&key, scope) {
                return lent(object);
            }
            // Everybody waits for the first, and for the only one of a `run` object.
            let guard = kind.first.lock().await;
            if let Some(object) = kind.take(&key, scope) {
                return lent(object);
            }
            if let Some((why, _)) = &lock(&kind.trouble).refused {
                return refused(Stop::Unjudged(why.clone()));
            }
            self.make_room(ctx, &resource.name).await;
            let proven = lock(&kind.state).proven;
            let created = if proven && scope == Scope::Worker {
                drop(guard);
                create().await
            } else {
                let created = create().await;
                drop(guard);
                created
            };
            self.came(&resource.name).await;
            match created {
                Ok(object) => return Ok(object),
                Err(Stop::Interrupted) => return refused(Stop::Interrupted),
                Err(stop) => {
                    let leases = objects.iter().filter_map(|object| object.lease.as_ref());
                    let has = leases.map(|lease| lease.key.clone()).collect();
                    let Some(_turn) = self.waiting.join(&key, has, |kind| self.out(kind)) else {
                        // Whoever else waits looks again, and is not left to wait for nobody.
                        kind.returned.notify_waiters();
                        return refused(stop);
                    };
                    // Perhaps a quota: another case's object will do when it comes back.
                    tokio::select! {
                        () = &mut returned => {}
                        () = tokio::time::sleep_until(until) => return refused(stop),
                        () = ctx.cancel.cancelled() => return refused(Stop::Interrupted),
                    }
                }
            }
        }
    }

    /// How many objects of a kind are lent, or were given back just now.
    fn out(&self, key: &str) -> usize {
        let kind = lock(&self.kinds).get(key).cloned();
        kind.map_or(0, |kind| {
            let state = lock(&kind.state);
            state.lent + state.free.len()
        })
    }

    /// What keeps the name of the next object of a kind apart from all others, and the number that does the
    /// same for whatever else its parameters make of it. Neither depends on what else is created.
    fn label(&self, given: &Given) -> (String, usize) {
        let kind = key(given, &[], &[]);
        let mut created = lock(&self.created);
        let count = created.entry(kind.clone()).or_default();
        let ordinal = *count;
        *count += 1;
        let (place, sets) = given
            .set
            .as_ref()
            .map_or((0, 1), |set| (set.place, set.sets));
        let label = format!("shared/{kind}/{ordinal}-{}", given.resource.name);
        (label, OWN_NUMBERS + ordinal * sets + place)
    }

    /// Gives an object back; one that is not clean is lent to nobody else.
    pub(super) fn release(&self, lease: &Lease, clean: bool) {
        let Some(kind) = lock(&self.kinds).get(&lease.key).cloned() else {
            return;
        };
        let mut state = lock(&kind.state);
        state.lent = state.lent.saturating_sub(1);
        if clean {
            // The one with the lowest number first, so that few are in use.
            let at = state.free.partition_point(|free| *free > lease.number);
            state.free.insert(at, lease.number);
        } else {
            state.spoilt.push(lease.number);
        }
        drop(state);
        kind.returned.notify_one();
    }

    /// Removes shared objects that nobody uses until there is room for one more, where room is scarce.
    async fn make_room(&self, ctx: &Context, resource: &str) {
        let Some(most) = ctx.rooms.shared(resource) else {
            return;
        };
        let mut coming = self.coming.lock().await;
        let own = coming.entry(resource.to_owned()).or_default();
        while let Some(mut objects) = self.superfluous(resource, most.saturating_sub(*own)) {
            let leaks = removed(&ctx.aside(), &mut objects).await;
            lock(&self.leaked).extend(leaks);
        }
        *own += 1;
    }

    /// What was to come is there, or never will be.
    async fn came(&self, resource: &str) {
        if let Some(coming) = self.coming.lock().await.get_mut(resource) {
            *coming -= 1;
        }
    }

    /// An object that nobody uses and nothing stands on, if there are as many as there may be.
    fn superfluous(&self, resource: &str, most: usize) -> Option<Vec<Object>> {
        let kinds: Vec<Arc<Kind>> = lock(&self.kinds).values().cloned().collect();
        let mut there = 0;
        let mut stands_on: BTreeSet<String> = BTreeSet::new();
        for kind in &kinds {
            for objects in &lock(&kind.state).created {
                let Some((last, behind)) = objects.split_last() else {
                    continue;
                };
                there += usize::from(last.resource.name == resource);
                stands_on.extend(behind.iter().map(|object| object.name.clone()));
            }
        }
        if there < most {
            return None;
        }
        kinds.iter().find_map(|kind| {
            let mut state = lock(&kind.state);
            let unused: Vec<usize> = state.spoilt.iter().chain(&state.free).copied().collect();
            let number = unused.into_iter().find(|number| {
                let object = state.created[*number].last();
                kind.scope == Scope::Worker
                    && object.is_some_and(|object| {
                        object.resource.name == resource && !stands_on.contains(&object.name)
                    })
            })?;
            state.spoilt.retain(|other| *other != number);
            state.free.retain(|other| *other != number);
            Some(std::mem::take(&mut state.created[number]))
        })
    }

    /// Removes everything: what hangs together one by one, as it stands in its own way, and the rest meanwhile.
    pub(super) async fn close(&self, ctx: &Context) -> Vec<Leak> {
        let kinds: Vec<Arc<Kind>> = lock(&self.kinds).values().cloned().collect();
        let mut created: Vec<Vec<Object>> = Vec::new();
        for kind in kinds {
            created.append(&mut lock(&kind.state).created);
        }
        created.retain(|objects| !objects.is_empty());
        // An object with more behind it needs the others: it goes first.
        created.sort_by_key(|objects| std::cmp::Reverse(objects.len()));
        let mut groups: Vec<(BTreeSet<String>, Vec<Vec<Object>>)> = Vec::new();
        for objects in created {
            let roots = objects.iter().filter(|object| object.needs.is_empty());
            let mut roots: BTreeSet<String> = roots.map(|root| root.name.clone()).collect();
            let mut together = Vec::new();
            groups.retain_mut(|(others, members)| {
                let apart = roots.is_disjoint(others);
                if !apart {
                    roots.append(others);
                    together.append(members);
                }
                apart
            });
            together.push(objects);
            together.sort_by_key(|objects| std::cmp::Reverse(objects.len()));
            groups.push((roots, together));
        }
        let removals = groups.into_iter().map(|(_, members)| async {
            let mut leaks = Vec::new();
            for mut objects in members {
                leaks.extend(removed(ctx, &mut objects).await);
            }
            leaks
        });
        let leaks = futures_util::future::join_all(removals).await;
        let before = std::mem::take(&mut *lock(&self.leaked));
        before
            .into_iter()
            .chain(leaks.into_iter().flatten())
            .collect()
    }

    /// What went wrong, resource by resource, each thing once.
    pub(super) fn troubles(&self) -> Vec<SharedTrouble> {
        let kinds: Vec<Arc<Kind>> = lock(&self.kinds).values().cloned().collect();
        let mut troubles: Vec<SharedTrouble> = Vec::new();
        for kind in kinds {
            let SharedTrouble {
                resource,
                violations,
                refused,
            } = lock(&kind.trouble).clone();
            if refused.is_none() && violations.is_empty() {
                continue;
            }
            match troubles
                .iter_mut()
                .find(|it| it.resource.name == resource.name)
            {
                None => troubles.push(SharedTrouble {
                    resource,
                    violations,
                    refused,
                }),
                Some(known) => {
                    known.refused = known.refused.take().or(refused);
                    for violation in violations {
                        note(&mut known.violations, violation);
                    }
                }
            }
        }
        troubles
    }
}

/// Removes the last of the objects; the others are what it needs.
async fn removed(ctx: &Context, objects: &mut Vec<Object>) -> Vec<Leak> {
    let mut session = Session::new(ctx, "shared/clean-up", ctx.target.limits.clean_up);
    session.interruptible = false;
    for object in objects.iter_mut() {
        object.gone = true;
    }
    if let Some(last) = objects.last_mut() {
        last.gone = false;
        last.lease = None;
    }
    // Whether it is there at all is looked up first.
    if objects.last().is_some_and(|last| last.value.is_null()) {
        session.coming.extend(objects.pop());
    }
    match ctx.kept(session.clean_up(objects)).await {
        Ok(leaks) => leaks,
        Err(why) => session.abandoned(objects, why),
    }
}

/// A shared object as a tape has it.
fn as_lent(lent: &Lent, resource: &Arc<Resource>, key: &str) -> Object {
    Object {
        alias: resource.name.clone(),
        index: None,
        resource: Arc::clone(resource),
        value: lent.value.clone().into(),
        params: params(lent),
        needs: Vec::new(),
        identity: OWNER.to_owned(),
        name: lent.name.clone(),
        named: None,
        gone: false,
        lease: Some(Lease {
            key: key.to_owned(),
            number: 0,
        }),
        entry: None,
        in_doubt: false,
        spoilt: false,
    }
}

/// Keeps what is not known yet, by the exchange that showed it first.
fn note(known: &mut Vec<(Mismatch, Arc<Exchange>)>, found: (Mismatch, Arc<Exchange>)) {
    let same = |(other, _): &(Mismatch, Arc<Exchange>)| {
        (other.check, &other.expected) == (found.0.check, &found.0.expected)
    };
    match known.iter_mut().find(|other| same(other)) {
        None => known.push(found),
        Some(other) if found.1.started < other.1.started => *other = found,
        Some(_) => {}
    }
    known.sort_by_key(|(_, exchange)| exchange.started);
}

impl Kind {
    fn take(&self, key: &str, scope: Scope) -> Option<Object> {
        let mut state = lock(&self.state);
        let number = match scope {
            Scope::Run if !state.created.is_empty() => 0,
            _ => state.free.pop()?,
        };
        let mut object = state.created.get(number)?.last()?.clone();
        state.lent += 1;
        object.lease = Some(Lease {
            key: key.to_owned(),
            number,
        });
        Some(object)
    }

    async fn create(
        &self,
        ctx: &Context,
        blueprint: Blueprint<'_>,
        mut objects: Vec<Object>,
        key: &str,
        (label, number): (String, usize),
        time: Duration,
    ) -> Result<Object, Stop> {
        let resource = blueprint.resource;
        let mut session = Session::new(ctx, &label, time);
        session.scope.set("number", &number.into());
        let behind = objects.len();
        let created = ctx.kept(session.create(blueprint, &mut objects)).await;
        let created = created.and_then(|created| created);
        objects.append(&mut session.coming);
        {
            let mut trouble = lock(&self.trouble);
            if created.is_err() || !session.violations.is_empty() {
                ctx.track.want();
            }
            for (mismatch, at) in session.violations.drain(..) {
                note(
                    &mut trouble.violations,
                    (mismatch, Arc::clone(&session.exchanges[at])),
                );
            }
        }
        let mut state = lock(&self.state);
        match created {
            Ok(_) => {
                state.proven = true;
                let number = state.created.len();
                let mut object = objects[behind].clone();
                state.created.push(objects);
                state.lent += 1;
                object.lease = Some(Lease {
                    key: key.to_owned(),
                    number,
                });
                Ok(object)
            }
            Err(stop) => {
                // What may have come to be all the same is kept for the end, and lent to nobody.
                if objects.len() > behind {
                    state.created.push(objects);
                }
                let proven = ctx.track.so(|| state.proven);
                let (Stop::Unjudged(why), false) = (&stop, proven) else {
                    return Err(stop);
                };
                // All cases say the same, the one that happened to ask first included.
                let why = format!("the shared {} could not be set up: {why}", resource.name);
                lock(&self.trouble).refused = Some((why.clone(), session.exchanges));
                Err(Stop::Unjudged(why))
            }
        }
    }
}

fn key(given: &Given, behind: &[Object], needs: &[(String, usize)]) -> String {
    let mut key = given.resource.name.clone();
    if let Some(set) = &given.set {
        key.push_str(&format!(" of {}", set.name));
    }
    for (name, value) in &given.params {
        key.push_str(&format!(" {name}={value:?}"));
    }
    for (need, at) in needs {
        let id = behind[*at].id().map_or_else(String::new, Json::to_string);
        key.push_str(&format!(" {need}:{id}"));
    }
    key
}
