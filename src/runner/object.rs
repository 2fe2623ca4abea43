//! The objects of a case: created, waited for, looked up again after a lost answer, and removed.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;
use tokio::time::Instant;

use super::lease::Lease;
use super::ledger::Intent;
use super::session::{Backoff, OWNER, Session, Stop};
use crate::check::Afterwards;
use crate::exchange::{Phase, Response, TransportError};
use crate::outcome::Leak;
use crate::suite::model::Resource;
use crate::template::{JsonTemplate, Scope, Shared};

/// One object on the endpoint.
#[derive(Debug, Clone)]
pub(super) struct Object {
    /// What the scenario calls it.
    pub(super) alias: String,
    /// Its place among those of the same alias, if there are several.
    pub(super) index: Option<usize>,
    /// Its kind.
    pub(super) resource: Arc<Resource>,
    /// As last read.
    pub(super) value: Shared,
    /// Its parameters.
    pub(super) params: Scope,
    /// What it needs: the need's name and the object's place.
    pub(super) needs: Vec<(String, usize)>,
    /// Who created it, and looks after it.
    pub(super) identity: String,
    /// The unique name that it was created with.
    pub(super) name: String,
    /// The name that its case gave it, where that is another.
    pub(super) named: Option<String>,
    /// Whether it is known to be gone.
    pub(super) gone: bool,
    /// The lease, if it is shared; then it is not this case's to delete.
    pub(super) lease: Option<Lease>,
    /// Its number in the ledger, if the run keeps one.
    pub(super) entry: Option<u64>,
    /// Whether there may be another one of its name, as its creation was sent again.
    pub(super) in_doubt: bool,
    /// Whether the case left it other than it was lent; then it is lent to nobody else.
    pub(super) spoilt: bool,
}

impl Object {
    /// Its id.
    pub(super) fn id(&self) -> Option<&Json> {
        self.value.get("id")
    }

    /// It was not removed, for this reason.
    pub(super) fn leak(&self, why: String) -> Leak {
        let id = self.id().map_or_else(
            || self.name.clone(),
            |id| id.as_str().map_or_else(|| id.to_string(), str::to_owned),
        );
        Leak {
            resource: self.resource.name.clone(),
            id,
            why,
        }
    }

    /// What people call it.
    pub(super) fn shown(&self) -> String {
        match self.index {
            Some(index) => format!("{}[{index}]", self.alias),
            None => self.alias.clone(),
        }
    }
}

/// The objects that fill the needs, with all that those need in turn, in a list of their own; and where in it
/// each need is filled.
pub(super) fn surroundings(
    objects: &[Object],
    needs: &[(String, usize)],
) -> (Vec<Object>, Vec<(String, usize)>) {
    let mut places: Vec<usize> = Vec::new();
    let mut open: Vec<usize> = needs.iter().map(|(_, at)| *at).collect();
    while let Some(at) = open.pop() {
        if !places.contains(&at) {
            places.push(at);
            open.extend(objects[at].needs.iter().map(|(_, of)| *of));
        }
    }
    // What is needed was there first.
    places.sort_unstable();
    let moved = |needs: &[(String, usize)]| {
        let moved = needs.iter().filter_map(|(need, at)| {
            Some((need.clone(), places.iter().position(|place| place == at)?))
        });
        moved.collect()
    };
    let copies = places.iter().map(|at| Object {
        needs: moved(&objects[*at].needs),
        ..objects[*at].clone()
    });
    (copies.collect(), moved(needs))
}

/// What came of looking for an object.
pub(super) enum Search {
    /// It has this place.
    Found(usize),
    /// There is none.
    None,
    /// That cannot be told.
    Unclear,
}

/// What is to be created.
pub(super) struct Blueprint<'a> {
    pub(super) alias: &'a str,
    pub(super) index: Option<usize>,
    pub(super) resource: &'a Arc<Resource>,
    /// Who creates it.
    pub(super) identity: &'a str,
    /// Values that replace the defaults of the resource's parameters.
    pub(super) params: &'a [(String, JsonTemplate)],
    /// The needs with the places of the objects that fill them.
    pub(super) needs: Vec<(String, usize)>,
}

impl Blueprint<'_> {
    /// The object that comes of it.
    fn object(&self, plan: Planned, value: Shared) -> Object {
        let Planned {
            params,
            name,
            entry,
        } = plan;
        Object {
            alias: self.alias.to_owned(),
            index: self.index,
            resource: Arc::clone(self.resource),
            value,
            params,
            needs: self.needs.clone(),
            identity: self.identity.to_owned(),
            name,
            named: None,
            gone: false,
            lease: None,
            entry,
            in_doubt: false,
            spoilt: false,
        }
    }
}

/// What an object is created with.
#[derive(Debug, Clone)]
pub(super) struct Planned {
    /// Its parameters.
    pub(super) params: Scope,
    /// Its unique name.
    pub(super) name: String,
    /// Its number in the ledger, once it is noted there.
    pub(super) entry: Option<u64>,
}

impl Session<'_> {
    /// The parameters of a blueprint, defaults included, and the name that the object will bear.
    pub(super) fn parameters(
        &mut self,
        blueprint: &Blueprint<'_>,
        objects: &[Object],
    ) -> Result<Planned, Stop> {
        let mut scope = self.scope.clone();
        let name = self.unique_name();
        let unique_name = Json::from(name.as_str()).into();
        scope.share("unique_name", &unique_name);
        for (need, of) in &blueprint.needs {
            scope.share(need.as_str(), &objects[*of].value);
        }
        let mut params = Scope::new();
        params.share("unique_name", &unique_name);
        for (param, default) in &blueprint.resource.params {
            let given = blueprint
                .params
                .iter()
                .find(|(name, _)| name == param)
                .map(|(_, value)| value);
            let value = given.unwrap_or(default).value(&scope)?;
            let value = value.unwrap_or(Json::Null).into();
            params.share(param.as_str(), &value);
            scope.share(param.as_str(), &value);
        }
        Ok(Planned {
            params,
            name,
            entry: None,
        })
    }

    /// Notes in the ledger that an object is about to be created; what cannot be noted is not created.
    pub(super) async fn intend(
        &mut self,
        blueprint: &Blueprint<'_>,
        plan: &mut Planned,
        objects: &[Object],
    ) -> Result<(), Stop> {
        self.note_intent(blueprint, plan, objects).await?;
        let coming = blueprint.object(plan.clone(), Shared::default());
        self.coming.push(coming);
        Ok(())
    }

    async fn note_intent(
        &self,
        blueprint: &Blueprint<'_>,
        plan: &mut Planned,
        objects: &[Object],
    ) -> Result<(), Stop> {
        let Some(ledger) = &self.ctx.ledger else {
            return self.ctx.track.stop().map_or(Ok(()), Err);
        };
        let tells_nothing = |value: &Json| {
            let text = value.to_string();
            self.ctx.target.secrets.redact(&text) == text
        };
        let needs = blueprint.needs.iter();
        let intent = Intent {
            n: 0,
            resource: blueprint.resource.name.clone(),
            name: plan.name.clone(),
            identity: blueprint.identity.to_owned(),
            case: self.case_id.clone(),
            needs: needs
                .filter_map(|(need, at)| Some((need.clone(), objects[*at].entry?)))
                .collect(),
            params: (plan.params.values().into_iter())
                .filter(|(_, value)| tells_nothing(value))
                .collect(),
        };
        match ledger.intend(intent).await {
            Ok(n) => {
                plan.entry = Some(n);
                Ok(())
            }
            Err(error) => Err(self.ctx.track.stopped(Stop::Unjudged(format!(
                "{} was not created, because the ledger cannot be written: {error}; make room, or name another directory with --ledger",
                blueprint.alias
            )))),
        }
    }

    /// Creates an object during set-up and waits until it has settled. Whatever the answer, an object that
    /// may have come to be is in `objects` afterwards, so that clean-up finds it.
    pub(super) async fn create(
        &mut self,
        blueprint: Blueprint<'_>,
        objects: &mut Vec<Object>,
    ) -> Result<usize, Stop> {
        let mut plan = self.parameters(&blueprint, objects)?;
        let mut scope = self.scope.clone();
        scope.extend(&plan.params);
        for (need, of) in &blueprint.needs {
            scope.share(need.as_str(), &objects[*of].value);
        }
        let resource = Arc::clone(blueprint.resource);
        self.intend(&blueprint, &mut plan, objects).await?;
        self.in_doubt = false;
        let exchange = self
            .perform(Phase::SetUp, &resource.create, &scope, blueprint.identity)
            .await?;
        let in_doubt = self.in_doubt;
        let place = self
            .register(&blueprint, plan, exchange, &scope, objects)
            .await;
        if let Some(place) = place {
            objects[place].in_doubt = in_doubt;
        }
        if !self.succeeded(&resource.create.answer, exchange, &scope) {
            return Err(Stop::Unjudged(format!(
                "{} could not be created: {}",
                blueprint.alias,
                self.describe(exchange)
            )));
        }
        let Some(place) = place else {
            return Err(Stop::Unjudged(format!(
                "{} was created, yet the answer shows no object: {}",
                blueprint.alias,
                self.describe(exchange)
            )));
        };
        let time = self.deadline.saturating_duration_since(Instant::now());
        if let Some(why) = self.settle(Phase::SetUp, objects, place, time).await? {
            return Err(Stop::Unjudged(format!(
                "{} did not settle: {why}",
                blueprint.alias
            )));
        }
        Ok(place)
    }

    /// Notes the object that a create has, or may have, brought into being.
    pub(super) async fn register(
        &mut self,
        blueprint: &Blueprint<'_>,
        plan: Planned,
        exchange: usize,
        scope: &Scope,
        objects: &mut Vec<Object>,
    ) -> Option<usize> {
        let name = plan.name.clone();
        let place = self
            .registered(blueprint, plan, exchange, scope, objects)
            .await;
        self.coming.retain(|coming| coming.name != name);
        place
    }

    async fn registered(
        &mut self,
        blueprint: &Blueprint<'_>,
        plan: Planned,
        exchange: usize,
        scope: &Scope,
        objects: &mut Vec<Object>,
    ) -> Option<usize> {
        let (doubtful, lost) = match self.answer(exchange) {
            Ok(response) => (response.status < 300 || response.status >= 500, false),
            Err(error) => {
                let received = error.may_have_been_received();
                (received, received)
            }
        };
        match self.object_in(&blueprint.resource.object, exchange, scope) {
            Afterwards::Object(value) => Some(self.note(blueprint, plan, value, objects)),
            _ if doubtful => {
                let entry = plan.entry;
                match self.search(blueprint, plan, scope, objects).await {
                    // What was never answered may come to be yet.
                    Search::None if !lost => self.never_was(entry),
                    Search::None | Search::Unclear => {}
                    Search::Found(place) => return Some(place),
                }
                None
            }
            _ => {
                self.never_was(plan.entry);
                None
            }
        }
    }

    pub(super) fn note(
        &self,
        blueprint: &Blueprint<'_>,
        plan: Planned,
        value: Shared,
        objects: &mut Vec<Object>,
    ) -> usize {
        let mut object = blueprint.object(plan, value);
        // A case may give a name of its own, such as the longest that there can be.
        let named = object.value.get("name").and_then(Json::as_str);
        let named = named.filter(|name| *name != object.name && self.has_given(name));
        object.named = named.map(str::to_owned);
        if let (Some(ledger), Some(n), Some(id)) = (&self.ctx.ledger, object.entry, object.id()) {
            let secrets = &self.ctx.target.secrets;
            let told = object.named.as_deref();
            ledger.created(n, id, told.filter(|name| secrets.redact(name) == **name));
        }
        objects.push(object);
        objects.len() - 1
    }

    pub(super) fn never_was(&self, entry: Option<u64>) {
        if let (Some(ledger), Some(n)) = (&self.ctx.ledger, entry) {
            ledger.gone(n);
        }
    }

    /// Takes an object for gone that was gone before its case cleaned up.
    pub(super) fn was_removed(&self, object: &Object) {
        self.never_was(object.entry);
    }

    /// Removes the objects that are not shared, the last created first, in up to three rounds. What is left
    /// is returned.
    pub(super) async fn clean_up(&mut self, objects: &mut Vec<Object>) -> Vec<Leak> {
        let doubtful = self.find_coming(objects).await;
        self.find_twins(objects).await;
        let mut left: Vec<(usize, String)> = (0..objects.len())
            .rev()
            .filter(|at| objects[*at].lease.is_none() && !objects[*at].gone)
            .map(|at| (at, String::new()))
            .collect();
        for round in 0..3 {
            let mut again = Vec::new();
            for (at, _) in left {
                // Refused, perhaps for what the case itself has set in motion: that is to end first.
                if round > 0 {
                    let time = self.deadline.saturating_duration_since(Instant::now());
                    let _ = self.settle(Phase::CleanUp, objects, at, time).await;
                }
                match self.remove(objects, at).await {
                    Ok(()) => {
                        objects[at].gone = true;
                        self.was_removed(&objects[at]);
                    }
                    Err(why) => again.push((at, why)),
                }
            }
            left = again;
            if left.is_empty() {
                break;
            }
        }
        let left = left.into_iter().map(|(at, why)| objects[at].leak(why));
        left.chain(doubtful).collect()
    }

    /// What is left when clean-up comes to no end.
    pub(super) fn abandoned(&mut self, objects: &[Object], why: Stop) -> Vec<Leak> {
        let why = match why {
            Stop::Interrupted | Stop::Judged => "the run was left at once".to_owned(),
            Stop::Unjudged(why) => why,
        };
        let own = objects
            .iter()
            .filter(|it| it.lease.is_none() && !it.gone)
            .map(|it| it.leak(why.clone()));
        let coming = (self.coming.iter())
            .map(|it| it.leak(format!("whether it was created is not known: {why}")));
        own.chain(coming).collect()
    }

    /// Removes one object and makes sure that it is gone; says why not.
    async fn remove(&mut self, objects: &mut [Object], at: usize) -> Result<(), String> {
        let resource = Arc::clone(&objects[at].resource);
        let Some(delete) = &resource.delete else {
            return Ok(());
        };
        let words = |stop: Stop| match stop {
            Stop::Interrupted | Stop::Judged => "clean-up was interrupted".to_owned(),
            Stop::Unjudged(why) => why,
        };
        if !self.may_remove(objects, at).await? {
            return Ok(());
        }
        let scope = self.object_scope(objects, at);
        let mut tries = 0;
        let exchange = loop {
            let identity = objects[at].identity.clone();
            let exchange = self
                .perform(Phase::CleanUp, delete, &scope, &identity)
                .await
                .map_err(words)?;
            // Whoever could create it may perhaps not remove it; the owner of everything else can.
            let forbidden = |response: &Response| matches!(response.status, 401 | 403);
            if identity != OWNER && self.answer(exchange).is_ok_and(forbidden) {
                objects[at].identity = OWNER.to_owned();
                continue;
            }
            tries += 1;
            let retry = match self.answer(exchange) {
                Ok(response) => response.status >= 500 || response.status == 429,
                Err(error) => !matches!(error, TransportError::Unsendable(_)),
            };
            if !retry || tries == 4 {
                break exchange;
            }
            self.pause(Duration::from_millis(50 * tries))
                .await
                .map_err(words)?;
        };
        match self.answer(exchange) {
            Ok(response) if matches!(response.status, 404 | 410) => return Ok(()),
            Ok(response) if (200..300).contains(&response.status) => {}
            _ => return Err(self.describe(exchange)),
        }
        let time = self.deadline.saturating_duration_since(Instant::now());
        if let Some(why) = self
            .settle(Phase::CleanUp, objects, at, time)
            .await
            .map_err(words)?
        {
            return Err(format!(
                "deleted, but its surroundings did not settle: {why}"
            ));
        }
        let settle = self
            .ctx
            .target
            .profile
            .as_ref()
            .map_or(Duration::ZERO, |profile| profile.settle)
            .max(Duration::from_secs(2));
        let until = (Instant::now() + settle).min(self.deadline);
        let mut backoff = Backoff::new();
        loop {
            match self
                .read(Phase::CleanUp, objects, at)
                .await
                .map_err(words)?
                .0
            {
                Afterwards::Absent => return Ok(()),
                Afterwards::Unclear(why) => {
                    return Err(format!("deleted, but whether it is gone is unclear: {why}"));
                }
                Afterwards::Object(_) => {}
            }
            let wait = backoff.next(None);
            if self.over(wait, until) {
                return Err("the delete was accepted, yet it can still be read".to_owned());
            }
            self.pause(wait).await.map_err(words)?;
        }
    }
}
