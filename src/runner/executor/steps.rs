//! Sending one step: its request, once, several times, or until its answer fits.

use std::sync::Arc;

use serde_json::Value as Json;
use tokio::time::Instant;

use super::CaseRun;
use crate::check::{self, Standing};
use crate::exchange::{Phase, Request, Response};
use crate::oracle::{Call, On};
use crate::runner::object::Blueprint;
use crate::runner::session::{Backoff, OWNER, Stop};
use crate::suite::model::{Action, Expect, Level, RequestTemplate, Step};
use crate::template::Scope;

impl CaseRun<'_> {
    /// Sends a step and holds what came of it to what is expected.
    pub(super) async fn step(
        &mut self,
        step: &Step,
        judged: &[&Expect],
        must_succeed: bool,
    ) -> Result<(), Stop> {
        if self.case.why.is_some() && !self.can_be_sent(step) {
            return Ok(());
        }
        let mut with = Vec::new();
        for (name, value) in &step.with {
            with.push((
                name.clone(),
                value.value(&self.session.scope)?.unwrap_or(Json::Null),
            ));
        }
        let judged = self.asked(judged, &with)?;
        let identity = step
            .identity
            .as_ref()
            .map_or(OWNER, |identity| identity.value.as_str());
        match &step.action {
            Action::Request(request) => {
                let mut scope = self.session.scope.clone();
                let name = self.session.unique_name();
                scope.set("unique_name", &name.clone().into());
                with.iter()
                    .for_each(|(name, value)| scope.set(name.as_str(), value));
                let before = self.snapshot(&judged).await?;
                let exchange = self.act(request, &scope, identity, &judged, step).await?;
                if let Some((alias, resource)) = &step.creates
                    && let Some(resource) = self.ctx.suite.resources.get(&resource.value)
                {
                    let needs = resource
                        .needs
                        .iter()
                        .filter_map(|need| {
                            Some((
                                need.value.clone(),
                                self.objects
                                    .iter()
                                    .position(|object| object.resource.name == need.value)?,
                            ))
                        })
                        .collect();
                    let blueprint = Blueprint {
                        alias: &alias.value,
                        index: None,
                        resource,
                        identity,
                        params: &[],
                        needs,
                    };
                    let mut params = Scope::new();
                    params.set("unique_name", &name.clone().into());
                    for (param, default) in &resource.params {
                        params.set(
                            param.as_str(),
                            &default.value(&scope).ok().flatten().unwrap_or(Json::Null),
                        );
                    }
                    let place = self
                        .session
                        .register(
                            &blueprint,
                            params,
                            name,
                            exchange,
                            &scope,
                            &mut self.objects,
                        )
                        .await?;
                    if let (Some(place), Some(model)) = (place, &mut self.model) {
                        let object = &self.objects[place];
                        model.add(resource, object.value.clone(), object.needs.clone());
                    }
                    self.publish(&alias.value);
                    scope.take(&alias.value, &self.session.scope);
                }
                self.judge(
                    step,
                    &judged,
                    must_succeed,
                    &[],
                    exchange,
                    &scope,
                    &before,
                    None,
                )
                .await
            }
            Action::Create(resource, binds) => {
                let needs = self.needs(binds);
                let params: Vec<_> = step.with.clone();
                let alias = step
                    .creates
                    .as_ref()
                    .map_or(resource.name.as_str(), |(alias, _)| alias.value.as_str());
                let blueprint = Blueprint {
                    alias,
                    index: None,
                    resource,
                    identity,
                    params: &params,
                    needs,
                };
                let (params, name) = self.session.parameters(&blueprint, &self.objects)?;
                let mut scope = self.session.scope.clone();
                for (need, at) in &blueprint.needs {
                    scope.set(need.as_str(), &self.objects[*at].value);
                }
                scope.extend(&params);
                let call = Call {
                    operation: &resource.create,
                    on: On::New(resource, blueprint.needs.clone()),
                    with: params.clone(),
                };
                let decided = self.decided(&call)?;
                let before = self.snapshot(&judged).await?;
                let exchange = self
                    .act(&resource.create.request, &scope, identity, &judged, step)
                    .await?;
                let place = self
                    .session
                    .register(
                        &blueprint,
                        params,
                        name,
                        exchange,
                        &scope,
                        &mut self.objects,
                    )
                    .await?;
                self.publish(alias);
                scope.take(alias, &self.session.scope);
                self.hold_to_contract(&judged, &call, decided, exchange, &scope, place)
                    .await?;
                self.judge(
                    step,
                    &judged,
                    must_succeed,
                    &resource.create.answer,
                    exchange,
                    &scope,
                    &before,
                    place,
                )
                .await
            }
            Action::Operation(name, alias) => {
                let places: Vec<usize> = (0..self.objects.len())
                    .filter(|at| self.objects[*at].alias == alias.value)
                    .collect();
                for place in places {
                    let resource = Arc::clone(&self.objects[place].resource);
                    let Some(operation) = resource.operation(&name.value) else {
                        continue;
                    };
                    let mut scope = self.with_defaults(
                        operation,
                        self.session.object_scope(&self.objects, place),
                    )?;
                    with.iter()
                        .for_each(|(name, value)| scope.set(name.as_str(), value));
                    let call = Call {
                        operation,
                        on: On::Object(place),
                        with: Self::call_with(&scope, operation),
                    };
                    let decided = self.decided(&call)?;
                    let before = self.snapshot(&judged).await?;
                    let exchange = self
                        .act(&operation.request, &scope, identity, &judged, step)
                        .await?;
                    self.hold_to_contract(&judged, &call, decided, exchange, &scope, Some(place))
                        .await?;
                    self.judge(
                        step,
                        &judged,
                        must_succeed,
                        &operation.answer,
                        exchange,
                        &scope,
                        &before,
                        Some(place),
                    )
                    .await?;
                }
                self.publish(&alias.value);
                Ok(())
            }
            Action::Fragment(name) => Err(Stop::Unjudged(format!(
                "the fragment `{}` was not resolved",
                name.value
            ))),
        }
    }

    /// Whether the objects of a generated step are there: where an endpoint may decide either way, an object
    /// that the model created may never have been.
    fn can_be_sent(&self, step: &Step) -> bool {
        let is_there = |alias: &str| self.objects.iter().any(|object| object.alias == alias);
        let mut named = true;
        for (_, value) in &step.with {
            value.for_each_expr(&mut |expr| {
                named &= expr.roots().all(|root| self.session.scope.contains(root));
            });
        }
        named
            && match &step.action {
                Action::Create(_, binds) => binds.iter().all(|(_, alias)| is_there(alias)),
                Action::Operation(_, alias) => is_there(&alias.value),
                Action::Request(_) | Action::Fragment(_) => true,
            }
    }

    /// The expectations that are asked for here: those of the profile, whose condition holds.
    fn asked<'e>(
        &self,
        judged: &[&'e Expect],
        with: &[(String, Json)],
    ) -> Result<Vec<&'e Expect>, Stop> {
        let mut scope = self.session.scope.clone();
        with.iter()
            .for_each(|(name, value)| scope.set(name.as_str(), value));
        let mut asked = Vec::new();
        for expect in judged {
            if self.level(expect).1 == Level::NotApplicable {
                continue;
            }
            match &expect.only_if {
                Some(expr) if !expr.holds(&scope)? => {}
                _ => asked.push(*expect),
            }
        }
        Ok(asked)
    }

    /// Sends the request of a step, once; a read that is given time is repeated until its answer fits.
    async fn act(
        &mut self,
        request: &RequestTemplate,
        scope: &Scope,
        identity: &str,
        judged: &[&Expect],
        step: &Step,
    ) -> Result<usize, Stop> {
        let request = self.session.build(request, scope, identity)?;
        if let Some(times) = &step.concurrently {
            return self.race(request, times.value, scope, judged).await;
        }
        let standing = if judged
            .iter()
            .any(|expect| self.asks_for_server_error(expect))
        {
            Standing::ServerErrorsAllowed
        } else {
            Standing::Full
        };
        let patience = if matches!(request.method.as_str(), "GET" | "HEAD") {
            judged
                .iter()
                .filter_map(|expect| expect.eventually.as_ref())
                .map(|eventually| eventually.value)
                .max()
        } else {
            None
        };
        let until = patience.map(|patience| Instant::now() + patience);
        let mut backoff = Backoff::new();
        loop {
            let violations = self.session.violations.len();
            let exchange = self
                .session
                .send(Phase::Act, request.clone(), standing)
                .await?;
            let Some(until) = until else {
                return self.answered(exchange);
            };
            let (known, _) = self.known(step, exchange, scope);
            let known = self.judging_scope(known, &Vec::new(), &Vec::new());
            let fits = self.session.answer(exchange).is_ok()
                && judged.iter().all(|expect| {
                    self.answer_mismatches(expect, exchange, &known).is_empty()
                        && self.checks(expect, &known).is_empty()
                });
            let wait = backoff.next(self.session.answer(exchange).ok());
            if fits || Instant::now() + wait >= until {
                return self.answered(exchange);
            }
            self.session.forget(exchange, violations);
            self.session.pause(wait).await?;
        }
    }

    /// Sends a request several times at once and counts the answers; the first exchange stands for them.
    async fn race(
        &mut self,
        request: Request,
        times: usize,
        scope: &Scope,
        judged: &[&Expect],
    ) -> Result<usize, Stop> {
        let first = self
            .session
            .send_together(Phase::Act, &vec![request; times])
            .await?;
        for at in first..first + times {
            self.answered(at)?;
        }
        for expect in judged {
            let found = {
                let responses: Vec<&Response> = (first..first + times)
                    .filter_map(|at| self.session.answer(at).ok())
                    .collect();
                check::answers(
                    expect,
                    &responses,
                    scope,
                    self.ctx.target.profile.as_deref(),
                    self.ctx.suite.openapi.as_deref(),
                )
            };
            for mismatch in found {
                self.found(expect, mismatch, Some(first));
            }
        }
        Ok(first)
    }

    fn answered(&self, exchange: usize) -> Result<usize, Stop> {
        match self.session.answer(exchange) {
            Ok(_) => Ok(exchange),
            Err(_) => Err(Stop::Unjudged(self.session.describe(exchange))),
        }
    }

    fn asks_for_server_error(&self, expect: &Expect) -> bool {
        let own = expect.answer.status.as_ref().map(|status| &status.value);
        let named = expect
            .named
            .iter()
            .filter_map(|name| {
                self.ctx
                    .target
                    .profile
                    .as_ref()?
                    .answers
                    .get(&name.value)?
                    .expect
                    .status
                    .as_ref()
            })
            .map(|status| &status.value);
        own.into_iter()
            .chain(named)
            .any(|set| (500..600).any(|status| set.contains(status)))
    }
}
