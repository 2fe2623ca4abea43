//! Bringing the given objects into being.

use std::sync::Arc;

use serde_json::Value as Json;
use tokio::time::Instant;

use super::CaseRun;
use crate::check::Afterwards;
use crate::exchange::Phase;
use crate::oracle::{Call, On};
use crate::runner::object::{Blueprint, Object};
use crate::runner::session::{OWNER, Stop};
use crate::suite::model::{Given, Operation, Scope as Sharing};
use crate::template::{Scope, Shared};

impl CaseRun<'_> {
    /// Brings a given object, or several alike, into being.
    pub(super) async fn give(&mut self, given: &Given) -> Result<(), Stop> {
        let count = match &given.count {
            None => None,
            Some(count) => {
                let value = count.value(&self.session.scope)?.unwrap_or(Json::Null);
                let number = value
                    .as_u64()
                    .filter(|number| *number <= 1000)
                    .ok_or_else(|| {
                        Stop::Unjudged(format!(
                            "`count` of {} is {value}, not a number from 0 to 1000",
                            given.alias
                        ))
                    })?;
                Some(usize::try_from(number).unwrap_or(0))
            }
        };
        for index in 0..count.unwrap_or(1) {
            let needs = self.needs(&given.binds);
            let place = if given.scope == Sharing::Case {
                let blueprint = Blueprint {
                    alias: &given.alias,
                    index: count.map(|_| index),
                    resource: &given.resource,
                    identity: OWNER,
                    params: &given.params,
                    needs,
                };
                self.session.create(blueprint, &mut self.objects).await?
            } else {
                let time = self
                    .session
                    .deadline
                    .saturating_duration_since(Instant::now());
                let mut object = self
                    .ctx
                    .leases
                    .acquire(self.ctx, given, &needs, &self.objects, time)
                    .await?;
                object.alias.clone_from(&given.alias);
                object.needs = needs;
                if given.scope == Sharing::Run {
                    self.session.look_away(&object.value);
                }
                self.objects.push(object);
                self.objects.len() - 1
            };
            self.model_given(place)?;
            for name in &given.operations {
                self.prepare(place, &name.value).await?;
            }
            self.publish(&given.alias);
        }
        self.publish(&given.alias);
        if count == Some(0) {
            self.session
                .scope
                .set(given.alias.as_str(), &Json::Array(Vec::new()));
        }
        Ok(())
    }

    pub(super) fn needs(&self, binds: &[(String, String)]) -> Vec<(String, usize)> {
        binds
            .iter()
            .filter_map(|(need, alias)| {
                Some((
                    need.clone(),
                    self.objects
                        .iter()
                        .position(|object| object.alias == *alias)?,
                ))
            })
            .collect()
    }

    /// Carries out an operation of set-up, `do` of a given object.
    async fn prepare(&mut self, place: usize, name: &str) -> Result<(), Stop> {
        let resource = Arc::clone(&self.objects[place].resource);
        let Some(operation) = resource.operation(name) else {
            return Ok(());
        };
        let scope =
            self.with_defaults(operation, self.session.object_scope(&self.objects, place))?;
        let call = Call {
            operation,
            on: On::Object(place),
            with: Self::call_with(&scope, operation),
        };
        let decided = self.decided(&call)?;
        let exchange = self
            .session
            .perform(Phase::SetUp, operation, &scope, OWNER)
            .await?;
        if !self.session.succeeded(&operation.answer, exchange, &scope) {
            return Err(Stop::Unjudged(format!(
                "`{name}` of {} was refused: {}",
                self.objects[place].shown(),
                self.session.describe(exchange)
            )));
        }
        self.model_sent(&call, decided, true, None)?;
        self.settled(Phase::SetUp, place).await?;
        if name == "delete" {
            self.objects[place].gone = true;
        } else if let Afterwards::Object(value) =
            self.session.object_in(&resource.object, exchange, &scope)
        {
            self.objects[place].value = value;
        }
        Ok(())
    }

    pub(super) async fn settled(&mut self, phase: Phase, place: usize) -> Result<(), Stop> {
        let time = self
            .session
            .deadline
            .saturating_duration_since(Instant::now());
        match self
            .session
            .settle(phase, &mut self.objects, place, time)
            .await?
        {
            None => Ok(()),
            Some(why) => Err(Stop::Unjudged(format!(
                "{} did not settle: {why}",
                self.objects[place].shown()
            ))),
        }
    }

    pub(super) fn with_defaults(
        &self,
        operation: &Operation,
        mut scope: Scope,
    ) -> Result<Scope, Stop> {
        for (name, default) in &operation.params {
            let value = default.value(&scope)?.unwrap_or(Json::Null);
            scope.set(name.as_str(), &value);
        }
        Ok(scope)
    }

    /// Gives expressions the objects of an alias: the object itself, or the list of those that are there.
    pub(super) fn publish(&mut self, alias: &str) {
        let own: Vec<&Object> = self
            .objects
            .iter()
            .filter(|object| object.alias == alias)
            .collect();
        let value = match own.as_slice() {
            [] => return,
            [one] if one.index.is_none() => one.value.clone(),
            many => Shared::list(many.iter().map(|object| object.value.clone())),
        };
        self.session.scope.share(alias, &value);
    }
}
