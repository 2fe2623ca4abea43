//! What the decision tables of the resources say: which answer an operation gets, and what it leaves behind.
//!
//! A [`State`] holds the objects that exist as the contract knows them, apart from any endpoint. It is told
//! what an endpoint answered, and never asks it anything.

pub mod linear;
pub mod race;

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::suite::model::{Decision, Operation, Resource, Suite, succeeds};
use crate::template::{EvalError, JsonTemplate, Scope, Shared};

/// The objects that were ever created, in the order of their creation. Cheap to copy.
#[derive(Debug, Clone, Default)]
pub struct State {
    things: Arc<Vec<Arc<Thing>>>,
    /// Every kind of object that there could be, in order.
    kinds: Arc<[Arc<str>]>,
}

/// One object as the contract knows it.
#[derive(Debug, Clone)]
struct Thing {
    resource: Arc<Resource>,
    /// Its fields but for those that follow from other objects.
    own: Shared,
    /// The needs with the places of the objects that fill them.
    needs: Vec<(String, usize)>,
    alive: bool,
}

/// Which objects count.
#[derive(Debug, Clone, Copy)]
enum Of {
    Any,
    /// Those that need the one at this place.
    Needing(usize),
    None,
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
            && self.things.iter().zip(&*other.things).all(|(one, other)| {
                Arc::ptr_eq(one, other) || (one.alive == other.alive && *one.own == *other.own)
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
            things: Arc::default(),
            kinds: (suite.resources.keys())
                .map(|kind| kind.as_str().into())
                .collect(),
        }
    }

    /// Notes an object of which nothing is decided: its place is the number of objects before it.
    pub fn add(&mut self, resource: &Arc<Resource>, own: Shared, needs: Vec<(String, usize)>) {
        Arc::make_mut(&mut self.things).push(Arc::new(Thing {
            resource: Arc::clone(resource),
            own,
            needs,
            alive: true,
        }));
    }

    /// Keeps the next place for an object that may come to be.
    pub fn reserve(&mut self, resource: &Arc<Resource>, needs: Vec<(String, usize)>) {
        self.add(resource, nothing(), needs);
        self.thing(self.things.len() - 1).alive = false;
    }

    /// One that is changed.
    fn thing(&mut self, at: usize) -> &mut Thing {
        Arc::make_mut(&mut Arc::make_mut(&mut self.things)[at])
    }

    /// Forgets all places but so many. Nothing that is left may need what was there.
    pub fn truncate(&mut self, len: usize) {
        Arc::make_mut(&mut self.things).truncate(len);
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
        self.first(call, base, |_| true)
    }

    /// Which line applies when the operation has succeeded, whatever was expected of it.
    ///
    /// # Errors
    /// An expression that cannot be evaluated.
    pub fn decide_success(&self, call: &Call<'_>, base: &Scope) -> Result<usize, EvalError> {
        self.first(call, base, |line| succeeds(call.operation, line))
    }

    fn first(
        &self,
        call: &Call<'_>,
        base: &Scope,
        counts: impl Fn(&Decision) -> bool,
    ) -> Result<usize, EvalError> {
        let lines = &call.operation.decides;
        let conditions = || lines.iter().filter_map(|line| line.condition.as_ref());
        let scope = self.known(call, base, |name, resource| {
            conditions().any(|it| it.names().any(|read| shows(resource, name, read)))
        })?;
        for (at, line) in lines.iter().enumerate().filter(|(_, line)| counts(line)) {
            match &line.condition {
                Some(condition) if !condition.holds(&scope)? => {}
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
        object: Option<Shared>,
    ) -> Result<(), EvalError> {
        let deletes = match &call.on {
            On::New(resource, needs) => {
                self.add(resource, object.unwrap_or_else(nothing), needs.clone());
                false
            }
            On::Reserved(at) => {
                let thing = self.thing(*at);
                thing.own = object.unwrap_or_else(nothing);
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
                self.thing(at).alive = false;
            }
            return Ok(());
        };
        // All expressions see the state as it was.
        let before = self.clone();
        let mut scope = before.object_scope(at, &before.view(base));
        scope.extend(&call.with);
        let thing = &before.things[at];
        scope.share(thing.resource.name.as_str(), &thing.own);
        self.set(at, &line.sets, &scope)?;
        for change in &line.changes {
            for other in before.alive() {
                let thing = &before.things[other];
                if thing.resource.name != change.of.value {
                    continue;
                }
                scope.share("it", &thing.own);
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
            self.thing(other).alive = false;
        }
        Ok(())
    }

    fn set(
        &mut self,
        at: usize,
        fields: &[(String, JsonTemplate)],
        scope: &Scope,
    ) -> Result<(), EvalError> {
        let mut changed: Cow<'_, Json> = Cow::Borrowed(&self.things[at].own);
        for (field, value) in fields {
            if let Some(value) = value.value(scope)?
                && changed.get(field) != Some(&value)
                && let Json::Object(own) = changed.to_mut()
            {
                own.insert(field.clone(), value);
            }
        }
        if let Cow::Owned(changed) = changed {
            self.thing(at).own = changed.into();
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
        scope.share("all", &self.by_kind(Of::Any));
        scope
    }

    /// An object as it must read now. A field that follows from other objects replaces what the object was
    /// created with; one that it never had is not added.
    ///
    /// # Errors
    /// An expression that cannot be evaluated.
    pub fn value(&self, at: usize, view: &Scope) -> Result<Shared, EvalError> {
        let thing = &self.things[at];
        if thing.resource.shows.is_empty() {
            return Ok(thing.own.clone());
        }
        let mut value: Cow<'_, Json> = Cow::Borrowed(&thing.own);
        let scope = self.object_scope(at, view);
        for (field, shown) in &thing.resource.shows {
            if let (Some(was), Some(shown)) = (value.get(field), shown.value(&scope)?)
                && *was != shown
                && let Some(slot) = value.to_mut().get_mut(field)
            {
                *slot = shown;
            }
        }
        Ok(match value {
            Cow::Borrowed(_) => thing.own.clone(),
            Cow::Owned(value) => value.into(),
        })
    }

    /// What the lines of a call know: the object or what the new one needs, whether any of that is gone, all
    /// objects by kind, and the parameters.
    ///
    /// # Errors
    /// An expression that cannot be evaluated.
    pub fn scope(&self, call: &Call<'_>, base: &Scope) -> Result<Scope, EvalError> {
        self.known(call, base, |_, _| true)
    }

    /// The same. What objects show of others is worked out for those of which it is asked, by their name and kind.
    fn known(
        &self,
        call: &Call<'_>,
        base: &Scope,
        asked: impl Fn(&str, &Resource) -> bool,
    ) -> Result<Scope, EvalError> {
        let view = self.view(base);
        let value = |name: &str, at: usize| match asked(name, self.resource(at)) {
            true => self.value(at, &view),
            false => Ok(self.things[at].own.clone()),
        };
        let (mut scope, gone) = match &call.on {
            On::Object(at) => {
                let name = self.resource(*at).name.as_str();
                let mut scope = self.object_scope(*at, &view);
                scope.share(name, &value(name, *at)?);
                (scope, !self.is_alive(*at))
            }
            On::New(_, needs) => self.about_new(needs, &view, value)?,
            On::Reserved(at) => self.about_new(&self.things[*at].needs, &view, value)?,
        };
        scope.set("gone", &gone.into());
        scope.extend(&call.with);
        Ok(scope)
    }

    /// What is known of a new object by what it needs, and whether any of that is gone.
    fn about_new(
        &self,
        needs: &[(String, usize)],
        view: &Scope,
        value: impl Fn(&str, usize) -> Result<Shared, EvalError>,
    ) -> Result<(Scope, bool), EvalError> {
        let mut scope = view.clone();
        scope.share("children", &self.by_kind(Of::None));
        for (need, at) in self.reach(needs) {
            scope.share(need, &value(need, at)?);
        }
        let gone = needs.iter().any(|(_, at)| !self.is_alive(*at));
        Ok((scope, gone))
    }

    /// What is known of an object: itself and what it needs by name, all objects by kind, and its children.
    fn object_scope(&self, at: usize, view: &Scope) -> Scope {
        let mut scope = view.clone();
        let thing = &self.things[at];
        scope.share("children", &self.by_kind(Of::Needing(at)));
        for (need, at) in self.reach(&thing.needs) {
            scope.share(need, &self.things[at].own);
        }
        scope.share(thing.resource.name.as_str(), &thing.own);
        scope
    }

    /// The objects that exist and count, by kind; every kind is there.
    fn by_kind(&self, which: Of) -> Shared {
        let state = self.clone();
        Shared::later(move || {
            let counts = |thing: &Thing| match which {
                Of::Any => true,
                Of::Needing(at) => thing.needs.iter().any(|(_, need)| *need == at),
                Of::None => false,
            };
            Shared::map(state.kinds.iter().map(|kind| {
                let of_kind = (state.things.iter())
                    .filter(|thing| thing.alive && *thing.resource.name == **kind && counts(thing))
                    .map(|thing| thing.own.clone());
                (Arc::clone(kind), Shared::list(of_kind))
            }))
        })
    }

    /// The objects behind needs, directly first, then what those need; each kind once.
    fn reach<'s>(&'s self, needs: &'s [(String, usize)]) -> Vec<(&'s str, usize)> {
        let mut found: Vec<(&str, usize)> = Vec::new();
        let (mut open, mut looked_at) = (needs, 0);
        loop {
            for (need, at) in open {
                if found.iter().all(|(known, _)| known != need) {
                    found.push((need, *at));
                }
            }
            let Some((_, next)) = found.get(looked_at) else {
                return found;
            };
            open = &self.things[*next].needs;
            looked_at += 1;
        }
    }
}

/// The own fields of what has none.
fn nothing() -> Shared {
    Json::Object(serde_json::Map::new()).into()
}

/// Whether an expression that reads a name, such as `pool.members`, can see what objects of a kind show of others,
/// where `pool` is the name of one.
fn shows(resource: &Resource, name: &str, read: &str) -> bool {
    match read.strip_prefix(name) {
        Some("") => true,
        Some(rest) => rest.strip_prefix('.').is_some_and(|rest| {
            let field = rest.split('.').next();
            resource
                .shows
                .iter()
                .any(|(own, _)| Some(own.as_str()) == field)
        }),
        None => false,
    }
}
