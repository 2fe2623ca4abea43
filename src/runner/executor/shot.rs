//! What a step sends: requests that are filled in, with what they are about and what they may create.

use std::sync::Arc;

use serde_json::Value as Json;

use super::CaseRun;
use crate::check::{self, Mismatch};
use crate::exchange::Request;
use crate::oracle::{Call, On};
use crate::runner::object::{Blueprint, Planned, Search};
use crate::runner::session::{OWNER, Stop};
use crate::source::{Location, Spanned};
use crate::suite::model::{Action, Expect, Operation, Resource, Step};
use crate::template::Scope;

/// One request of a step.
pub(super) struct Shot {
    /// As it is sent.
    pub(super) request: Request,
    /// The names that it was filled in with.
    pub(super) scope: Scope,
    identity: String,
    /// What it is an operation of, unless it is a request as written.
    pub(super) operation: Option<(Arc<Resource>, String)>,
    /// The object that it is carried out on.
    pub(super) place: Option<usize>,
    /// What a success creates.
    pub(super) new: Option<New>,
    with: Scope,
}

/// An object that a request may create.
pub(super) struct New {
    pub(super) alias: String,
    pub(super) resource: Arc<Resource>,
    pub(super) needs: Vec<(String, usize)>,
    /// Who creates it.
    identity: String,
    plan: Planned,
}

impl New {
    fn blueprint(&self) -> Blueprint<'_> {
        Blueprint {
            alias: &self.alias,
            index: None,
            resource: &self.resource,
            identity: &self.identity,
            params: &[],
            needs: self.needs.clone(),
        }
    }
}

impl Shot {
    fn operation(&self) -> Option<&Operation> {
        let (resource, name) = self.operation.as_ref()?;
        resource.operation(name)
    }

    /// The answers that count as success; none where any 2xx does.
    pub(super) fn success(&self) -> &[Spanned<String>] {
        self.operation().map_or(&[], |operation| &operation.answer)
    }

    /// The operation as a decision table knows it, if it is one.
    pub(super) fn call(&self) -> Option<Call<'_>> {
        let on = match (&self.new, self.place) {
            (Some(new), _) => On::New(&new.resource, new.needs.clone()),
            (None, Some(place)) => On::Object(place),
            (None, None) => return None,
        };
        Some(Call {
            operation: self.operation()?,
            on,
            with: self.with.clone(),
        })
    }
}

impl CaseRun<'_> {
    /// The values that a step gives to parameters and open names.
    pub(super) fn with(&self, step: &Step) -> Result<Vec<(String, Json)>, Stop> {
        if step.with.is_empty() {
            return Ok(Vec::new());
        }
        let mut scope = self.session.scope.clone();
        scope.set("unique_name", &self.session.next_name().into());
        let values = step.with.iter().map(|(name, value)| {
            let value = value.value(&scope)?.unwrap_or(Json::Null);
            Ok((name.clone(), value))
        });
        values.collect()
    }

    /// What a step is carried out on, one after the other: `None` where that is no object.
    pub(super) fn places(&self, step: &Step) -> Vec<Option<usize>> {
        match &step.action {
            Action::Operation(_, alias) => (0..self.objects.len())
                .filter(|at| self.objects[*at].alias == alias.value)
                .map(Some)
                .collect(),
            _ => vec![None],
        }
    }

    /// Fills in the request of a step for an object; `None` where the object has no such operation.
    pub(super) fn shot(&mut self, step: &Step, place: Option<usize>) -> Result<Option<Shot>, Stop> {
        let with = self.with(step)?;
        let identity = step
            .identity
            .as_ref()
            .map_or(OWNER, |identity| &identity.value);
        let mut scope = self.session.scope.clone();
        let (operation, new) = match &step.action {
            Action::Request(_) => {
                let name = self.session.unique_name();
                scope.set("unique_name", &name.clone().into());
                with.iter()
                    .for_each(|(name, value)| scope.set(name.as_str(), value));
                (None, self.new_by_request(step, identity, name, &scope))
            }
            Action::Create(resource, binds) => {
                let needs = self.needs(binds);
                let blueprint = Blueprint {
                    alias: &resource.name,
                    index: None,
                    resource,
                    identity,
                    params: &step.with,
                    needs,
                };
                let plan = self.session.parameters(&blueprint, &self.objects)?;
                for (need, at) in &blueprint.needs {
                    scope.share(need.as_str(), &self.objects[*at].value);
                }
                scope.extend(&plan.params);
                let new = New {
                    alias: step
                        .creates
                        .as_ref()
                        .map_or_else(|| resource.name.clone(), |(alias, _)| alias.value.clone()),
                    resource: Arc::clone(resource),
                    needs: blueprint.needs,
                    identity: identity.to_owned(),
                    plan,
                };
                (Some((Arc::clone(resource), "create".to_owned())), Some(new))
            }
            Action::Operation(name, _) => {
                let Some(at) = place else { return Ok(None) };
                let resource = Arc::clone(&self.objects[at].resource);
                let Some(operation) = resource.operation(&name.value) else {
                    return Ok(None);
                };
                scope =
                    self.with_defaults(operation, self.session.object_scope(&self.objects, at))?;
                with.iter()
                    .for_each(|(name, value)| scope.set(name.as_str(), value));
                (Some((Arc::clone(&resource), name.value.clone())), None)
            }
            Action::Fragment(name) => {
                return Err(Stop::Unjudged(format!(
                    "the fragment `{}` was not resolved",
                    name.value
                )));
            }
            Action::Together(_) => {
                return Err(Stop::Unjudged(
                    "steps at the same time stand in each other".to_owned(),
                ));
            }
        };
        let known = operation
            .as_ref()
            .and_then(|(resource, name)| resource.operation(name));
        let template = match (&step.action, known) {
            (Action::Request(request), _) => request,
            (_, Some(operation)) => &operation.request,
            (_, None) => return Ok(None),
        };
        self.session.guard(template, &scope, &self.objects)?;
        let request = self.session.build(template, &scope, identity)?;
        let with = match (known, &new) {
            (Some(_), Some(new)) => new.plan.params.clone(),
            (Some(operation), None) => Self::call_with(&scope, operation),
            (None, _) => Scope::new(),
        };
        Ok(Some(Shot {
            identity: identity.to_owned(),
            request,
            scope,
            operation,
            place,
            new,
            with,
        }))
    }

    /// What people call a request, such as `owner: delete pool`.
    pub(super) fn words(&self, shot: &Shot) -> String {
        let what = match (&shot.operation, shot.place, &shot.new) {
            (Some((_, name)), Some(at), _) => format!("{name} {}", self.objects[at].shown()),
            (Some((_, name)), None, Some(new)) => format!("{name} {}", new.alias),
            _ => {
                let request = &shot.request;
                format!("{} {}", request.method, self.session.path(request))
            }
        };
        format!("{}: {what}", shot.identity)
    }

    /// What a request as written creates, as its `creates` says.
    fn new_by_request(
        &self,
        step: &Step,
        identity: &str,
        name: String,
        scope: &Scope,
    ) -> Option<New> {
        let (alias, kind) = step.creates.as_ref()?;
        let resource = Arc::clone(self.ctx.suite.resources.get(&kind.value)?);
        let place = |need: &str| {
            self.objects
                .iter()
                .position(|object| object.resource.name == need)
        };
        let needs = resource
            .needs
            .iter()
            .filter_map(|need| Some((need.value.clone(), place(&need.value)?)))
            .collect();
        let mut params = Scope::new();
        params.set("unique_name", &name.clone().into());
        for (param, default) in &resource.params {
            let value = default.value(scope).ok().flatten().unwrap_or(Json::Null);
            params.set(param.as_str(), &value);
        }
        Some(New {
            alias: alias.value.clone(),
            resource,
            needs,
            identity: identity.to_owned(),
            plan: Planned {
                params,
                name,
                entry: None,
            },
        })
    }

    /// Notes in the ledger what a request may create.
    pub(super) async fn intend(&mut self, shot: &mut Shot) -> Result<(), Stop> {
        let Some(new) = &mut shot.new else {
            return Ok(());
        };
        let mut plan = new.plan.clone();
        self.session
            .intend(&new.blueprint(), &mut plan, &self.objects)
            .await?;
        new.plan = plan;
        Ok(())
    }

    /// Notes what a request has created, or may have: the place of the object. One that is to be `gone` is
    /// looked for whatever the answer, and is a finding.
    pub(super) async fn came_to_be(
        &mut self,
        shot: &Shot,
        exchange: usize,
        judged: &[&Expect],
    ) -> Result<Option<usize>, Stop> {
        let Some(new) = &shot.new else {
            return Ok(None);
        };
        let blueprint = new.blueprint();
        let made = self
            .session
            .register(
                &blueprint,
                new.plan.clone(),
                exchange,
                &shot.scope,
                &mut self.objects,
            )
            .await;
        let unwanted: Vec<(&Expect, Location)> = self
            .applicable(judged, exchange, &shot.scope)?
            .into_iter()
            .filter_map(|expect| {
                let gone = expect.gone.iter().find(|gone| gone.value == new.alias)?;
                Some((expect, gone.span.location()))
            })
            .collect();
        if unwanted.is_empty() {
            return Ok(made);
        }
        let made = match made {
            Some(made) => Some(made),
            None => {
                // Whoever sent the request may not be able to see what came of it.
                let blueprint = Blueprint {
                    identity: OWNER,
                    ..blueprint
                };
                let plan = new.plan.clone();
                let search = self
                    .session
                    .search(&blueprint, plan, &shot.scope, &mut self.objects)
                    .await;
                match search {
                    Search::Found(place) => Some(place),
                    Search::None | Search::Unclear => None,
                }
            }
        };
        let there = made.map(|made| check::quote(&self.objects[made].value));
        for (expect, location) in unwanted {
            if let Some(there) = &there {
                let mismatch = Mismatch {
                    check: "gone",
                    expected: format!("no {} comes to be", new.alias),
                    actual: format!("there is {there}"),
                    location: Some(location),
                };
                self.found(expect, mismatch, Some(exchange));
            }
        }
        Ok(made)
    }
}
