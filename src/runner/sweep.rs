//! Finishing the clean-up of a run that was killed, by its ledger and by what the endpoint says is there.
//!
//! Only objects that stand in the ledger are removed, and only while their name carries the run's prefix, or
//! is the one that their case gave them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;

use super::dispatcher::RunError;
use super::guard;
use super::identity::Identities;
use super::lease::Leases;
use super::ledger::{Ledger, Recorded, Standing};
use super::object::{Blueprint, Object};
use super::pace::Pace;
use super::redact::redacted_leak;
use super::room::Rooms;
use super::session::{Session, Stop};
use super::track::Track;
use super::transport::Transport;
use super::{Context, Shared};
use crate::check::Afterwards;
use crate::exchange::Phase;
use crate::outcome::Leak;
use crate::suite::model::Suite;
use crate::target::Target;
use crate::template::Scope;

/// Objects that hang together are removed one after the other; so many such groups at a time.
const AT_ONCE: usize = 8;

/// How long one group may take.
const TIME: Duration = Duration::from_secs(3600);

/// What a sweep came to.
#[derive(Debug, Default)]
pub struct Sweep {
    /// What was there, in the order in which it was created.
    pub found: Vec<Found>,
    /// How many objects of the ledger were no more, or had never been.
    pub absent: usize,
    /// What could not be removed, or not be looked for.
    pub left: Vec<Leak>,
}

/// An object that was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its kind.
    pub resource: String,
    /// Its id.
    pub id: String,
    /// The name that it was created with.
    pub name: String,
}

/// Removes what a recorded run has left, or with `look_only` says what it would remove.
///
/// # Errors
/// The HTTP client cannot be set up, or the ledger not be written.
pub async fn sweep(
    suite: Arc<Suite>,
    target: Arc<Target>,
    recorded: &Recorded,
    look_only: bool,
    cancel: CancellationToken,
) -> Result<Sweep, RunError> {
    let transport = Transport::new(&target)?;
    let run_id = recorded.header.run.clone();
    let mut scope = target.scope();
    scope.set("run_id", &run_id.clone().into());
    let ledger = (!look_only).then(|| Ledger::resume(recorded)).transpose()?;
    let shared = Arc::new(Shared {
        suite,
        on_loopback: target.is_loopback(),
        identities: Identities::new(&target),
        pace: Pace::new(target.pace.rate),
        rooms: Rooms::default(),
        target,
        transport,
        scope,
        run_id,
        leases: Leases::default(),
        ledger,
        cancel,
        at_once: CancellationToken::new(),
        strict: false,
        tamper: None,
        grace: None,
    });
    let ctx = Context {
        shared,
        track: Track::Off,
    };
    let groups = groups(recorded);
    let swept = futures_util::stream::iter(
        groups
            .iter()
            .map(|group| group_swept(&ctx, group, look_only)),
    )
    .buffered(AT_ONCE)
    .collect::<Vec<Sweep>>()
    .await;
    let mut whole = Sweep::default();
    for part in swept {
        whole.found.extend(part.found);
        whole.absent += part.absent;
        let left = part.left.into_iter();
        whole
            .left
            .extend(left.map(|leak| redacted_leak(&ctx.target.secrets, leak)));
    }
    if let Some(ledger) = Arc::into_inner(ctx.shared).and_then(|shared| shared.ledger) {
        ledger.end(true).await;
    }
    Ok(whole)
}

/// The objects of a ledger by what hangs together, directly or over several; groups of which something may
/// be left.
fn groups(recorded: &Recorded) -> Vec<Vec<(&Standing, bool)>> {
    // The number of a group is that of its first object.
    let mut root: BTreeMap<u64, u64> = BTreeMap::new();
    for (standing, _) in recorded.all() {
        let n = standing.intent.n;
        root.insert(n, n);
        let mut own = n;
        for need in standing.intent.needs.values() {
            let Some(other) = root.get(need).copied() else {
                continue;
            };
            let (low, high) = (own.min(other), own.max(other));
            for group in root.values_mut() {
                if *group == high {
                    *group = low;
                }
            }
            own = low;
        }
    }
    let mut groups: BTreeMap<u64, Vec<(&Standing, bool)>> = BTreeMap::new();
    for (standing, there) in recorded.all() {
        let group = root[&standing.intent.n];
        groups.entry(group).or_default().push((standing, there));
    }
    let mut groups: Vec<Vec<(&Standing, bool)>> = groups.into_values().collect();
    groups.retain(|group| group.iter().any(|(_, there)| *there));
    groups
}

/// What became of one object of a ledger.
enum Seen {
    /// It is there, perhaps more than once.
    There(Vec<Json>),
    Absent,
    Unclear(String),
}

async fn group_swept(ctx: &Context, group: &[(&Standing, bool)], look_only: bool) -> Sweep {
    let mut session = Session::new(ctx, "sweep", TIME);
    session.interruptible = true;
    let mut swept = Sweep::default();
    let mut objects: Vec<Object> = Vec::new();
    // The places of the objects by their number; several have one name where its creation was tried again.
    let mut places: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    let mut absent: BTreeSet<usize> = BTreeSet::new();
    for (standing, there) in group {
        let intent = &standing.intent;
        let Some(resource) = ctx.suite.resources.get(&intent.resource) else {
            if *there {
                let why = format!(
                    "the suite {} has no resource `{}`; sweep with the version of it that the run had",
                    ctx.suite.name, intent.resource
                );
                swept.left.push(leak(standing, why));
            }
            continue;
        };
        let mut params = Scope::new();
        for (name, value) in &intent.params {
            params.set(name.as_str(), value);
        }
        params.set("unique_name", &intent.name.clone().into());
        let needs = intent.needs.iter();
        let mut object = Object {
            alias: intent.resource.clone(),
            index: None,
            resource: Arc::clone(resource),
            value: known(standing).into(),
            params,
            needs: needs
                .filter_map(|(need, n)| Some((need.clone(), *places.get(n)?.first()?)))
                .collect(),
            identity: intent.identity.clone(),
            name: intent.name.clone(),
            named: standing.name.clone(),
            gone: true,
            lease: None,
            entry: None,
            in_doubt: false,
            spoilt: false,
        };
        let place = objects.len();
        objects.push(object.clone());
        let own = places.entry(intent.n).or_default();
        own.push(place);
        if !there {
            absent.insert(place);
            continue;
        }
        let named = standing.name.as_deref();
        match seen(&mut session, &objects, place, named, &absent).await {
            Seen::Absent => {
                swept.absent += 1;
                absent.insert(place);
            }
            Seen::Unclear(why) => swept.left.push(leak(standing, why)),
            Seen::There(values) => {
                for (at, value) in values.into_iter().enumerate() {
                    swept.found.push(Found {
                        resource: intent.resource.clone(),
                        id: id_of(&value),
                        name: intent.name.clone(),
                    });
                    object.gone = false;
                    object.value = value.into();
                    if at == 0 {
                        objects[place] = object.clone();
                    } else {
                        own.push(objects.len());
                        objects.push(object.clone());
                    }
                }
            }
        }
    }
    if look_only {
        return swept;
    }
    let there: Vec<usize> = (0..objects.len()).filter(|at| !objects[*at].gone).collect();
    swept.left.extend(session.clean_up(&mut objects).await);
    let is_gone = |at: &usize| absent.contains(at) || there.contains(at) && objects[*at].gone;
    for (n, places) in places {
        if let Some(ledger) = &ctx.ledger
            && places.iter().all(is_gone)
        {
            ledger.gone(n);
        }
    }
    swept
}

/// Asks the endpoint for an object: by its id and, as its creation may have been tried more than once, by its
/// name.
async fn seen(
    session: &mut Session<'_>,
    objects: &[Object],
    place: usize,
    named: Option<&str>,
    absent: &BTreeSet<usize>,
) -> Seen {
    let object = &objects[place];
    let below_something_gone = object.needs.iter().any(|(_, at)| absent.contains(at));
    let mut there: Vec<Json> = Vec::new();
    if object.id().is_some() {
        match session.read(Phase::CleanUp, objects, place).await {
            Ok((Afterwards::Object(value), _)) => {
                let prefix = guard::prefix(&session.ctx.run_id);
                match value.get("name").and_then(Json::as_str) {
                    // A kind that bears no name is known by what it belongs to.
                    Some("") if !object.needs.is_empty() => there.push(Json::clone(&value)),
                    Some(name) if !name.starts_with(&prefix) && named != Some(name) => {
                        return Seen::Unclear(format!(
                            "its name is `{}` now, which does not begin with `{prefix}`; remove it by hand if it is yours",
                            crate::check::bounded(name)
                        ));
                    }
                    _ => there.push(Json::clone(&value)),
                }
            }
            Ok((Afterwards::Absent, _)) => {}
            Ok((Afterwards::Unclear(why), _)) => return Seen::Unclear(why),
            Err(stop) => return Seen::Unclear(words(stop)),
        }
    }
    let scope = session.object_scope(objects, place);
    let blueprint = Blueprint {
        alias: &object.alias,
        index: None,
        resource: &object.resource,
        identity: &object.identity,
        params: &[],
        needs: object.needs.clone(),
    };
    let found = session
        .look_up(&blueprint, &object.name, &scope, objects)
        .await;
    match found {
        Ok(items) => {
            for item in items {
                if item.get("id").is_some()
                    && !there.iter().any(|it| it.get("id") == item.get("id"))
                {
                    there.push(item);
                }
            }
        }
        // With its id it was asked for already, and nothing is below what is no more.
        Err(_) if object.id().is_some() || below_something_gone => {}
        Err(why) => return Seen::Unclear(format!("it cannot be looked up by its name: {why}")),
    }
    if there.is_empty() {
        Seen::Absent
    } else {
        Seen::There(there)
    }
}

/// What the ledger knows of an object.
fn known(standing: &Standing) -> Json {
    match &standing.id {
        Some(id) => json!({"id": id, "name": standing.intent.name}),
        None => json!({"name": standing.intent.name}),
    }
}

fn leak(standing: &Standing, why: String) -> Leak {
    let Standing { intent, id, .. } = standing;
    Leak {
        resource: intent.resource.clone(),
        id: id.as_ref().map_or_else(|| intent.name.clone(), text_of),
        why,
    }
}

fn id_of(value: &Json) -> String {
    value.get("id").map_or_else(String::new, text_of)
}

fn text_of(id: &Json) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

fn words(stop: Stop) -> String {
    match stop {
        Stop::Interrupted | Stop::Judged => "the sweep was interrupted".to_owned(),
        Stop::Unjudged(why) => why,
    }
}
