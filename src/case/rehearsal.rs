//! A case gone through without an endpoint: which operations it carries out, with which values, and which lines
//! of their tables apply.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::Case;
use crate::oracle::{Call, On, State};
use crate::suite::model::{
    Action, Given, Operation, RequestTemplate, Resource, Scope as Sharing, Step, Suite, succeeds,
};
use crate::template::{EvalError, JsonTemplate, Scope, Shared, Template};

/// An operation that a case carries out.
pub(super) struct Reached {
    pub(super) resource: String,
    pub(super) operation: String,
    /// The parameters with their values, as people write them.
    pub(super) with: Vec<(String, String)>,
    /// The line of the table, from 0, if it can be told.
    pub(super) line: Option<usize>,
}

/// What a case reaches. After a request that nobody can tell the outcome of, no more lines are told.
pub(super) fn rehearse(suite: &Suite, base: &Scope, case: &Case) -> Vec<Reached> {
    let mut rehearsal = Rehearsal {
        suite,
        base,
        scope: base.clone(),
        state: State::new(suite),
        names: Vec::new(),
        known: true,
        reached: Vec::new(),
    };
    case.name_values(&mut rehearsal.scope);
    for (name, value) in &case.scenario.variables {
        if let Ok(Some(value)) = value.value(&rehearsal.scope) {
            rehearsal.scope.set(name.as_str(), &value);
        }
    }
    for given in &case.scenario.given {
        rehearsal.give(given);
    }
    for step in case.scenario.steps.iter().chain(&case.scenario.finally) {
        rehearsal.step(step);
    }
    rehearsal.reached
}

/// An object as the model plays the endpoint: its id is the expression that will stand for the real one.
pub(super) fn invented(resource: &Resource, alias: &str) -> Shared {
    let mut fields = Map::new();
    fields.insert("id".to_owned(), format!("{{{{ {alias}.id }}}}").into());
    for (field, _) in &resource.shows {
        fields.insert(field.clone(), Json::Null);
    }
    Json::Object(fields).into()
}

struct Rehearsal<'a> {
    suite: &'a Suite,
    base: &'a Scope,
    scope: Scope,
    state: State,
    /// By place: the alias, and the index in a list.
    names: Vec<(String, Option<usize>)>,
    /// Whether the state is what it would be.
    known: bool,
    reached: Vec<Reached>,
}

impl Rehearsal<'_> {
    fn give(&mut self, given: &Given) {
        let count = given.count.as_ref().map(|count| {
            let count = count.value(&self.scope).ok().flatten();
            count.and_then(|count| count.as_u64()).unwrap_or_else(|| {
                self.known = false;
                0
            })
        });
        for index in 0..count.unwrap_or(1) {
            let index = count.and_then(|_| usize::try_from(index).ok());
            let name = match index {
                Some(index) => format!("{}[{index}]", given.alias),
                None => given.alias.clone(),
            };
            let needs = self.needs(&given.binds);
            if given.scope == Sharing::Case {
                self.create(&given.resource, needs, &given.params, &name, true);
            } else {
                let (with, _) = values(&given.resource.params, &given.params, &self.scope);
                self.reached.push(Reached {
                    resource: given.resource.name.clone(),
                    operation: "create".to_owned(),
                    with,
                    line: None,
                });
                let own = invented(&given.resource, &name);
                self.state.add(&given.resource, own, needs);
            }
            self.names
                .resize(self.state.len(), (given.alias.clone(), index));
            for operation in &given.operations {
                self.operate(self.state.len() - 1, &operation.value, &[], true);
            }
            self.publish();
        }
        if count == Some(0) {
            self.scope
                .set(given.alias.as_str(), &Json::Array(Vec::new()));
        }
    }

    fn step(&mut self, step: &Step) {
        if step
            .identity
            .as_ref()
            .is_some_and(|identity| identity.value != "owner")
        {
            return;
        }
        match &step.action {
            Action::Operation(operation, alias) => {
                for at in self.places(&alias.value) {
                    self.operate(at, &operation.value, &step.with, false);
                }
            }
            Action::Create(resource, binds) => {
                let name = step
                    .creates
                    .as_ref()
                    .map_or(&resource.name, |(alias, _)| &alias.value);
                let needs = self.needs(binds);
                self.create(resource, needs, &step.with, name, false);
                self.names.resize(self.state.len(), (name.clone(), None));
            }
            Action::Request(request) => match self.meant(request) {
                Some((at, operation)) => self.operate(at, &operation, &[], false),
                None => self.known &= ["GET", "HEAD", "OPTIONS"].contains(&request.method.as_str()),
            },
            Action::Fragment(_) => {}
            // Which of them comes first, nobody can tell.
            Action::Together(parts) => {
                self.known = false;
                parts.iter().for_each(|part| self.step(part));
            }
        }
        self.known &= step.concurrently.is_none();
        self.publish();
    }

    /// The object and the operation that a plain request amounts to, if its path is that of one operation only.
    fn meant(&self, request: &RequestTemplate) -> Option<(usize, String)> {
        let shape = shape(&request.target);
        let mut meant = None;
        for resource in self.suite.resources.values() {
            for name in resource.operation_names().filter(|name| *name != "create") {
                let own = &resource.operation(name)?.request;
                if own.method != request.method || self::shape(&own.target) != shape {
                    continue;
                }
                if meant.is_some() {
                    return None;
                }
                let id = format!("{}.id", resource.name);
                let at = own.target.exprs().position(|expr| expr.text() == id)?;
                let text = &request.target.exprs().nth(at)?.text();
                let alias = text.strip_suffix(".id")?;
                let is_named = |(name, index): &(String, Option<usize>)| match index {
                    Some(index) => format!("{name}[{index}]") == alias,
                    None => name == alias,
                };
                let at = self.names.iter().position(is_named)?;
                meant =
                    (self.state.resource(at).name == resource.name).then(|| (at, name.to_owned()));
            }
        }
        meant
    }

    fn create(
        &mut self,
        resource: &Arc<Resource>,
        needs: Vec<(String, usize)>,
        params: &[(String, JsonTemplate)],
        name: &str,
        given: bool,
    ) {
        let mut scope = self.scope.clone();
        scope.set("unique_name", &"a name".into());
        let view = self.state.view(self.base);
        for (need, at) in &needs {
            if let Ok(value) = self.state.value(*at, &view) {
                scope.share(need.as_str(), &value);
            }
        }
        let (told, with) = values(&resource.params, params, &scope);
        let call = Call {
            operation: &resource.create,
            on: On::New(resource, needs),
            with,
        };
        self.carry_out(
            &call,
            ("create", told),
            Some(invented(resource, name)),
            given,
        );
    }

    fn operate(&mut self, at: usize, name: &str, with: &[(String, JsonTemplate)], given: bool) {
        let resource = Arc::clone(self.state.resource(at));
        let Some(operation) = resource.operation(name) else {
            return;
        };
        let (told, with) = values(&operation.params, with, &self.scope);
        let call = Call {
            operation,
            on: On::Object(at),
            with,
        };
        self.carry_out(&call, (name, told), None, given);
    }

    /// Notes the call and carries it out. What is given is created, whatever the table says.
    fn carry_out(
        &mut self,
        call: &Call<'_>,
        (name, with): (&str, Vec<(String, String)>),
        object: Option<Shared>,
        given: bool,
    ) {
        let resource = match &call.on {
            On::Object(at) | On::Reserved(at) => self.state.resource(*at).name.clone(),
            On::New(resource, _) => resource.name.clone(),
        };
        let line = self.decided(call, object, given);
        self.known &= line.is_ok();
        self.reached.push(Reached {
            resource,
            operation: name.to_owned(),
            with,
            line: line
                .ok()
                .filter(|_| self.known && !call.operation.decides.is_empty()),
        });
    }

    fn decided(
        &mut self,
        call: &Call<'_>,
        object: Option<Shared>,
        given: bool,
    ) -> Result<usize, EvalError> {
        let Operation { decides, .. } = call.operation;
        let line = if given {
            self.state.decide_success(call, self.base)?
        } else {
            self.state.decide(call, self.base)?
        };
        if decides
            .get(line)
            .is_none_or(|line| succeeds(call.operation, line))
        {
            self.state.apply(call, line, self.base, object)?;
        }
        Ok(line)
    }

    fn needs(&self, binds: &[(String, String)]) -> Vec<(String, usize)> {
        let place = |alias: &str| self.names.iter().position(|(name, _)| name == alias);
        binds
            .iter()
            .filter_map(|(need, alias)| Some((need.clone(), place(alias)?)))
            .collect()
    }

    fn places(&self, alias: &str) -> Vec<usize> {
        (0..self.names.len())
            .filter(|at| self.names[*at].0 == alias)
            .collect()
    }

    /// Lets expressions know the objects as they are now.
    fn publish(&mut self) {
        let view = self.state.view(self.base);
        for at in 0..self.names.len() {
            let (alias, index) = self.names[at].clone();
            let value = |at: usize| self.state.value(at, &view).unwrap_or_default();
            let value = match index {
                None => value(at),
                Some(0) => Shared::list(self.places(&alias).into_iter().map(value)),
                Some(_) => continue,
            };
            self.scope.share(alias, &value);
        }
    }
}

/// The values of parameters, defaults included, in words and for the tables. One that cannot be told before a
/// run is told as it is written.
fn values(
    params: &[(String, JsonTemplate)],
    given: &[(String, JsonTemplate)],
    scope: &Scope,
) -> (Vec<(String, String)>, Scope) {
    let (mut told, mut with, mut scope) = (Vec::new(), Scope::new(), scope.clone());
    for (name, default) in params {
        let given = given.iter().find(|(own, _)| own == name);
        let template = given.map_or(default, |(_, value)| value);
        let value = match template.value(&scope) {
            Ok(value) => value.unwrap_or(Json::Null),
            Err(_) => template.source(),
        };
        with.set(name.as_str(), &value);
        scope.set(name.as_str(), &value);
        told.push((name.clone(), crate::suite::model::Axis::word(&value)));
    }
    (told, with)
}

/// A path without the expressions in it.
fn shape(target: &Template) -> String {
    target.exprs().fold(target.source(), |text, expr| {
        text.replacen(&format!("{{{{ {} }}}}", expr.text()), "{}", 1)
    })
}
