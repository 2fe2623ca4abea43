//! Sending one step: its request, once, several times, or until its answer fits.

use tokio::time::Instant;

use super::CaseRun;
use super::shot::Shot;
use crate::check::{self, Standing};
use crate::exchange::{Phase, Response};
use crate::runner::session::{Backoff, Stop};
use crate::suite::model::{Action, Expect, Level, StatusSet, Step};
use crate::template::Scope;
use serde_json::Value as Json;

impl CaseRun<'_> {
    /// Sends a step and holds what came of it to what is expected.
    pub(super) async fn step(
        &mut self,
        step: &Step,
        judged: &[&Expect],
        must_succeed: bool,
    ) -> Result<(), Stop> {
        if self.case.is_generated() && !self.can_be_sent(step) {
            return Ok(());
        }
        let judged = self.asked(judged, &self.with(step)?)?;
        let contract = judged.iter().any(|expect| expect.contract);
        let times = step.concurrently.as_ref().map_or(1, |times| times.value);
        match &step.action {
            Action::Together(parts) => {
                return Box::pin(self.together(step, parts, &judged, must_succeed)).await;
            }
            _ if contract && times > 1 => {
                let parts = vec![step.clone(); times];
                return Box::pin(self.together(step, &parts, &judged, must_succeed)).await;
            }
            _ => {}
        }
        for place in self.places(step) {
            let Some(mut shot) = self.shot(step, place)? else {
                continue;
            };
            let decided = match shot.call() {
                Some(call) => self.decided(&call)?,
                None => None,
            };
            let before = self.snapshot(&judged).await?;
            self.intend(&mut shot).await?;
            let binds = |expect: &&Expect| expect.judges() || expect.contract;
            self.begin_act(judged.iter().any(binds))?;
            let exchange = self.act(&shot, &judged, step).await?;
            if let Some(tampering) = &mut self.session.tampering {
                tampering.end();
            }
            let made = self.came_to_be(&shot, exchange, &judged).await?;
            if let Some(new) = &shot.new {
                self.publish(&new.alias);
                shot.scope.take(&new.alias, &self.session.scope);
            }
            self.answered(exchange, &judged)?;
            match (shot.call(), &shot.new) {
                (Some(call), _) => {
                    let place = place.or(made);
                    self.hold_to_contract(&judged, &call, decided, exchange, &shot.scope, place)
                        .await?;
                }
                (None, Some(new)) => {
                    if let (Some(made), Some(model)) = (made, &mut self.model) {
                        let object = self.objects[made].value.clone();
                        model.add(&new.resource, object, new.needs.clone());
                    }
                }
                (None, None) => {}
            }
            // What a plain request has set in motion is not known, so nothing is waited for.
            let settles = shot.operation.is_some().then_some(place.or(made)).flatten();
            self.judge(
                step,
                &judged,
                must_succeed,
                shot.success(),
                exchange,
                &shot.scope,
                &before,
                settles,
            )
            .await?;
            self.look_after_act().await;
        }
        if let Action::Operation(_, alias) = &step.action {
            self.publish(&alias.value);
        }
        Ok(())
    }

    /// Tells whoever falsifies traffic that an act comes next, and where the objects are read.
    fn begin_act(&mut self, judged: bool) -> Result<(), Stop> {
        if self.session.tampering.is_none() {
            return Ok(());
        }
        let mut reads = Vec::new();
        for (at, object) in self.objects.iter().enumerate() {
            let scope = self.session.object_scope(&self.objects, at);
            let read = &object.resource.read.request;
            let there = !object.gone;
            reads.push(if there {
                Some(self.session.build(read, &scope, &object.identity)?)
            } else {
                None
            });
        }
        if let Some(tampering) = &mut self.session.tampering {
            tampering.begin(judged, reads);
        }
        Ok(())
    }

    /// Notes which objects there are after an act, if that is to be noted.
    async fn look_after_act(&mut self) {
        let Some(tampering) = &mut self.session.tampering else {
            return;
        };
        let reads = tampering.looks().to_vec();
        let mut there = Vec::new();
        for (at, read) in reads.into_iter().enumerate() {
            if let Some(read) = read {
                let exchange = self.ctx.transport.send(Phase::Aftermath, read).await;
                if exchange.response.is_ok_and(|it| it.status == 200) {
                    there.push((at, self.objects[at].shown()));
                }
            }
        }
        tampering.note(there);
    }

    /// Whether the objects of a generated step are there: where an endpoint may decide either way, an object
    /// that the model created may never have been.
    fn can_be_sent(&self, step: &Step) -> bool {
        let is_there = |alias: &str| self.objects.iter().any(|object| object.alias == alias);
        if !matches!(step.action, Action::Create(..) | Action::Operation(..)) {
            return true;
        }
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
                Action::Request(_) | Action::Fragment(_) | Action::Together(_) => true,
            }
    }

    /// The expectations that are asked for here: those of the profile, whose condition holds or waits for the
    /// answer.
    fn asked<'e>(
        &self,
        judged: &[&'e Expect],
        with: &[(String, Json)],
    ) -> Result<Vec<&'e Expect>, Stop> {
        let mut scope = self.session.scope.clone();
        for (name, value) in with {
            scope.set(name.as_str(), value);
        }
        let mut asked = Vec::with_capacity(judged.len());
        for expect in judged {
            if self.level(expect).1 == Level::NotApplicable {
                continue;
            }
            match &expect.only_if {
                Some(expr) if !expr.is_of_answer() && !expr.holds(&scope)? => {}
                _ => asked.push(*expect),
            }
        }
        Ok(asked)
    }

    /// Sends the request of a step, once; a read that is given time is repeated until its answer fits.
    async fn act(&mut self, shot: &Shot, judged: &[&Expect], step: &Step) -> Result<usize, Stop> {
        let (request, scope) = (&shot.request, &shot.scope);
        if let Some(times) = &step.concurrently {
            let requests = vec![request.clone(); times.value];
            let (first, _) = self
                .session
                .send_together(Phase::Act, &requests, &self.objects)
                .await?;
            self.count(first..first + times.value, scope, judged)?;
            return Ok(first);
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
        let until = patience
            .map(|patience| self.grace.map_or(patience, |grace| grace.min(patience)))
            .map(|patience| Instant::now() + patience);
        let mut backoff = Backoff::new();
        loop {
            let violations = self.session.violations.len();
            let request = request.clone();
            let exchange = self.session.send(Phase::Act, request, standing).await?;
            let Some(until) = until else {
                return Ok(exchange);
            };
            let (known, _) = self.known(step, exchange, scope);
            let known = self.judging_scope(known, &Vec::new(), &Vec::new());
            let fits = self.session.answer(exchange).is_ok()
                && self
                    .applicable(judged, exchange, scope)?
                    .iter()
                    .all(|expect| {
                        self.answer_mismatches(expect, exchange, &known).is_empty()
                            && self.checks(expect, &known).is_empty()
                    });
            let wait = backoff.next(self.session.answer(exchange).ok());
            if fits || self.session.over(wait, until) {
                return Ok(exchange);
            }
            self.session.forget(exchange, violations);
            self.session.pause(wait).await?;
        }
    }

    /// Counts the answers to requests that were sent at the same time.
    pub(super) fn count(
        &mut self,
        exchanges: std::ops::Range<usize>,
        scope: &Scope,
        judged: &[&Expect],
    ) -> Result<(), Stop> {
        for at in exchanges.clone() {
            self.answered(at, judged)?;
        }
        for expect in judged {
            let found = {
                let responses: Vec<&Response> = exchanges
                    .clone()
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
                self.found(expect, mismatch, Some(exchanges.start));
            }
        }
        Ok(())
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
            .any(StatusSet::has_server_error)
    }
}
