//! What the decision tables of the resources say: which answer an operation gets, and what it leaves behind.
//!
//! A [`State`] holds the objects that exist as the contract knows them, apart from any endpoint. It is told
//! what an endpoint answered, and never asks it anything.

pub mod linear;
pub mod race;

use std::sync::Arc;

use serde_json::Value as Json;

use crate::suite::model::{Decision, Operation, Resource, Suite, succeeds};
use crate::template::{Data, EvalError, JsonTemplate, Scope};

/// The objects that were ever created, in the order of their creation. Cheap to copy.
#[derive(Debug, Clone, Default)]
pub struct State {
    things: Vec<Arc<Thing>>,
    /// Every kind of object that there could be.
    kinds: Arc<[String]>,
}

/// One object as the contract knows it.
#[derive(Debug, Clone)]
struct Thing {
    resource: Arc<Resource>,
    /// Its fields but for those that follow from other objects.
    own: Json,
    /// The same for expressions.
    data: Data,
    /// The needs with the places of the objects that fill them.
    needs: Vec<(String, usize)>,
    alive: bool,
}

/// An operation that is sent, or could be.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// Which.
    pub operation: &'a Operation,
    /// On what.
    pub on: On<'a>,
    /// The values of its parameters, defaults included.
    pub with: Scope,
}

/// Whether the same objects exist with the same fields.
impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.things.len() == other.things.len()
            && self.things.iter().zip(&other.things).all(|(one, other)| {
                Arc::ptr_eq(one, other) || (one.alive == other.alive && one.own == other.own)
            })
    }
}

/// What an operation is carried out on.
#[derive(Debug, Clone)]
pub enum On<'a> {
    /// The object at this place.
    Object(usize),
    /// A new object of the resource, whose needs are filled by the objects at these places.
    New(&'a Arc<Resource>, Vec<(String, usize)>),
    /// A new object at the place that was reserved for it.
    Reserved(usize),
}

impl State {
    /// No objects, of the kinds that a suite has.
    pub fn new(suite: &Suite) -> Self {
        Self {
            things: Vec::new(),
            kinds: suite.resources.keys().cloned().collect(),
        }
    }

    /// Notes an object of which nothing is decided: its place is the number of objects before it.
    pub fn add(&mut self, resource: &Arc<Resource>, own: Json, needs: Vec<(String, usize)>) {
        self.things.push(Arc::new(Thing {
            resource: Arc::clone(resource),
            data: Data::of(&own),
            own,
            needs,
            alive: true,
        }));
    }

    /// Keeps the next place for an object that may come to be.
    pub fn reserve(&mut self, resource: &Arc<Resource>, needs: Vec<(String, usize)>) {
        let own = Json::Object(serde_json::Map::new());
        self.things.push(Arc::new(Thing {
            resource: Arc::clone(resource),
            data: Data::of(&own),
            own,
            needs,
            alive: false,
        }));
    }

    /// Forgets all places but so many. Nothing that is left may need what was there.
    pub fn truncate(&mut self, len: usize) {
        self.things.truncate(len);
    }

    /// How many objects there ever were.
    pub fn len(&self) -> usize {
        self.things.len()
    }

    /// Whether there was never any.
    pub fn is_empty(&self) -> bool {
        self.things.is_empty()
    }

    /// Whether the object exists.
    pub fn is_alive(&self, at: usize) -> bool {
        self.things.get(at).is_some_and(|thing| thing.alive)
    }

    /// The kind of an object.
    pub fn resource(&self, at: usize) -> &Arc<Resource> {
        &self.things[at].resource
    }

    /// The places of the objects that exist.
    pub fn alive(&self) -> impl Iterator<Item = usize> {
        (0..self.things.len()).filter(|at| self.things[*at].alive)
    }

    /// Which line of the operation's table applies, by its number.
    ///
    /// # Errors
    /// An expression that cannot be evaluated.
    pub fn decide(&self, call: &Call<'_>, base: &Scope) -> Result<usize, EvalError> {
        let scope = self.scope(call, base)?;
        self.first(call, &scope, |_| true)
    }

    /// Which line applies when the operation has succeeded, whatever was expected of it.
    ///
    /// # Errors
    /// An expression that cannot be evaluated.
    pub fn decide_success(&self, call: &Call<'_>, base: &Scope) -> Result<usize, EvalError> {
        let scope = self.scope(call, base)?;
        self.first(call, &scope, |line| succeeds(call.operation, line))
    }

    fn first(
        &self,
        call: &Call<'_>,
        scope: &Scope,
        counts: impl Fn(&Decision) -> bool,
    ) -> Result<usize, EvalError> {
        let lines = &call.operation.decides;
        for (at, line) in lines.iter().enumerate().filter(|(_, line)| counts(line)) {
            match &line.condition {
                Some(condition) if !condition.holds(scope)? => {}
                _ => return Ok(at),
            }
        }
        Ok(lines.len().saturating_sub(1))
    }

    /// Carries out what a line says of an operation that succeeded. `object` is the created object as the
    /// answer shows it; the new object's place is the number of objects before it.
    ///
    /// # Errors
    /// An expression that cannot be evaluated.
    pub fn apply(
        &mut self,
        call: &Call<'_>,
        line: usize,
        base: &Scope,
        object: Option<Json>,
    ) -> Result<(), EvalError> {
        let deletes = match &call.on {
            On::New(resource, needs) => {
                let own = object.unwrap_or_else(|| Json::Object(serde_json::Map::new()));
                self.add(resource, own, needs.clone());
                false
            }
            On::Reserved(at) => {
                let thing = Arc::make_mut(&mut self.things[*at]);
                thing.own = object.unwrap_or_else(|| Json::Object(serde_json::Map::new()));
                thing.data = Data::of(&thing.own);
                thing.alive = true;
                false
            }
            On::Object(at) => self.things[*at]
                .resource
                .delete
                .as_ref()
                .is_some_and(|delete| std::ptr::eq(delete, call.operation)),
        };
        let at = match call.on {
            On::Object(at) | On::Reserved(at) => at,
            On::New(..) => self.things.len() - 1,
        };
        let Some(line) = call.operation.decides.get(line) else {
            if deletes {
                Arc::make_mut(&mut self.things[at]).alive = false;
            }
            return Ok(());
        };
        // All expressions see the state as it was.
        let before = self.clone();
        let mut scope = before.object_scope(at, &before.view(base));
        scope.extend(&call.with);
        scope.put(
            before.things[at].resource.name.as_str(),
            before.things[at].data.clone(),
        );
        self.set(at, &line.sets, &scope)?;
        for change in &line.changes {
            for other in before.alive() {
                let thing = &before.things[other];
                if thing.resource.name != change.of.value {
                    continue;
                }
                scope.put("it", thing.data.clone());
                match &change.condition {
                    Some(condition) if !condition.holds(&scope)? => {}
                    _ => self.set(other, &change.sets, &scope)?,
                }
            }
        }
        let removed: Vec<usize> = before
            .alive()
            .filter(|other| {
                let thing = &before.things[*other];
                line.removes
                    .iter()
                    .any(|name| name.value == thing.resource.name)
                    && before.rests_on(*other, at)
            })
            .collect();
        for other in removed.into_iter().chain(deletes.then_some(at)) {
            Arc::make_mut(&mut self.things[other]).alive = false;
        }
        Ok(())
    }

    fn set(
        &mut self,
        at: usize,
        fields: &[(String, JsonTemplate)],
        scope: &Scope,
    ) -> Result<(), EvalError> {
        for (field, value) in fields {
            if let (Some(value), Json::Object(own)) = (
                value.value(scope)?,
                &mut Arc::make_mut(&mut self.things[at]).own,
            ) {
                own.insert(field.clone(), value);
            }
        }
        if !fields.is_empty() {
            let thing = Arc::make_mut(&mut self.things[at]);
            thing.data = Data::of(&thing.own);
        }
        Ok(())
    }

    /// Whether an object needs another in the end.
    pub fn rests_on(&self, at: usize, other: usize) -> bool {
        self.things[at]
            .needs
            .iter()
            .any(|(_, need)| *need == other || self.rests_on(*need, other))
    }

    /// What every expression about the objects knows: them by kind, beside the names of `base`.
    pub fn view(&self, base: &Scope) -> Scope {
        let mut scope = base.clone();
        scope.put("all", self.by_kind(|_| true));
        scope
    }

    /// An object as it must read now. A field that follows from other objects replaces what the object was
    /// created with; one that it never had is not added.
    ///
    /// # Errors
    /// An expression that cannot be evaluated.
    pub fn value(&self, at: usize, view: &Scope) -> Result<Json, EvalError> {
        let thing = &self.things[at];
        let mut value = thing.own.clone();
        if thing.resource.shows.is_empty() {
            return Ok(value);
        }
        let scope = self.object_scope(at, view);
        if let Json::Object(fields) = &mut value {
            for (field, shown) in &thing.resource.shows {
                if let (Some(slot), Some(shown)) = (fields.get_mut(field), shown.value(&scope)?) {
                    *slot = shown;
                }
            }
        }
        Ok(value)
    }

    /// What the lines of a call know: the object or what the new one needs, whether any of that is gone, all
    /// objects by kind, and the parameters.
    ///
    /// # Errors
    /// An expression that cannot be evaluated.
    pub fn scope(&self, call: &Call<'_>, base: &Scope) -> Result<Scope, EvalError> {
        let view = self.view(base);
        let needs = match &call.on {
            On::Object(_) => &[][..],
            On::New(_, needs) => needs,
            On::Reserved(at) => &self.things[*at].needs,
        };
        let (mut scope, gone) = match &call.on {
            On::Object(at) => {
                let mut scope = self.object_scope(*at, &view);
                let thing = &self.things[*at];
                scope.set(thing.resource.name.as_str(), &self.value(*at, &view)?);
                (scope, !thing.alive)
            }
            On::New(..) | On::Reserved(_) => {
                let mut scope = view.clone();
                scope.put("children", self.by_kind(|_| false));
                for (need, at) in self.reach(needs) {
                    scope.set(need, &self.value(at, &view)?);
                }
                (scope, needs.iter().any(|(_, at)| !self.things[*at].alive))
            }
        };
        scope.set("gone", &gone.into());
        scope.extend(&call.with);
        Ok(scope)
    }

    /// What is known of an object: itself and what it needs by name, all objects by kind, and its children.
    fn object_scope(&self, at: usize, view: &Scope) -> Scope {
        let mut scope = view.clone();
        let thing = &self.things[at];
        let needs_it = |other: &Thing| other.needs.iter().any(|(_, need)| *need == at);
        scope.put("children", self.by_kind(needs_it));
        for (need, at) in self.reach(&thing.needs) {
            scope.put(need, self.things[at].data.clone());
        }
        scope.put(thing.resource.name.as_str(), thing.data.clone());
        scope
    }

    /// The objects that exist and count, by kind; every kind is there.
    fn by_kind(&self, counts: impl Fn(&Thing) -> bool) -> Data {
        Data::map(self.kinds.iter().map(|kind| {
            let of_kind = self
                .things
                .iter()
                .filter(|thing| thing.alive && thing.resource.name == *kind && counts(thing))
                .map(|thing| thing.data.clone());
            (kind.clone(), Data::list(of_kind))
        }))
    }

    /// The objects behind needs, directly first, then what those need; each kind once.
    fn reach<'s>(&'s self, needs: &'s [(String, usize)]) -> Vec<(&'s str, usize)> {
        let mut found: Vec<(&str, usize)> = Vec::new();
        let mut open: Vec<&[(String, usize)]> = vec![needs];
        while let Some(needs) = (!open.is_empty()).then(|| open.remove(0)) {
            for (need, at) in needs {
                if found.iter().all(|(known, _)| known != need) {
                    found.push((need, *at));
                    open.push(&self.things[*at].needs);
                }
            }
        }
        found
    }
}
