//! One case from its first request to its last: set-up, act, aftermath, clean-up.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value as Json;
use tokio::time::Instant;

use super::Context;
use super::object::{Blueprint, Object};
use super::session::{Backoff, OWNER, Session, Stop, polled};
use crate::case::Case;
use crate::check::{self, Afterwards, ListView, Mismatch, Observed, Standing};
use crate::exchange::Phase;
use crate::outcome::{CaseOutcome, Finding, Leak, Observation, Verdict};
use crate::source::Location;
use crate::suite::model::{
    Action, Expect, Given, Level, Operation, RequestTemplate, Scope as Sharing, Step, Unchanged,
};
use crate::template::Scope;

/// Runs one case. Whatever happens, what it created is removed or listed as leaked.
pub(super) async fn execute(ctx: &Context, case: &Case) -> CaseOutcome {
    let started = Timestamp::now();
    let clock = std::time::Instant::now();
    let limits = &ctx.target.limits;
    let session = Session::new(ctx, &case.id, case.scenario.timeout.unwrap_or(limits.case));
    let mut run = CaseRun {
        ctx,
        case,
        session,
        objects: Vec::new(),
        findings: Vec::new(),
        observations: Vec::new(),
    };
    let mut stop = run.go().await.err();
    run.session.deadline = Instant::now() + limits.clean_up;
    run.session.interruptible = false;
    if let Err(trouble) = run.finally().await
        && stop.is_none()
    {
        stop = Some(trouble);
    }
    let leaked = run.clean_up().await;
    run.outcome(stop, leaked, started, clock.elapsed())
}

struct CaseRun<'a> {
    ctx: &'a Context,
    case: &'a Case,
    session: Session<'a>,
    objects: Vec<Object>,
    findings: Vec<Finding>,
    observations: Vec<Observation>,
}

/// What the objects of an expectation look like at one moment: by place, with the exchange that showed it.
type Reads = Vec<(usize, Afterwards, usize)>;

impl CaseRun<'_> {
    async fn go(&mut self) -> Result<(), Stop> {
        let scenario = Arc::clone(&self.case.scenario);
        for (name, value) in &scenario.variables {
            let value = value.value(&self.session.scope)?.unwrap_or(Json::Null);
            self.session.scope.set(name.as_str(), &value);
        }
        self.case.name_values(&mut self.session.scope);
        for given in &scenario.given {
            self.give(given).await?;
        }
        let last = scenario.steps.len().saturating_sub(1);
        for (at, step) in scenario.steps.iter().enumerate() {
            let judged: Vec<&Expect> = if at == last {
                step.then.iter().chain(&scenario.then).collect()
            } else {
                step.then.iter().collect()
            };
            let before = self.findings.len();
            self.step(step, &judged, at < last).await?;
            if at < last && self.findings.len() > before {
                return Err(Stop::Judged);
            }
        }
        Ok(())
    }

    /// Brings a given object, or several alike, into being.
    async fn give(&mut self, given: &Given) -> Result<(), Stop> {
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
                    params: &given.params,
                    needs,
                };
                self.session.create(blueprint, &mut self.objects).await?
            } else {
                let shared = needs
                    .iter()
                    .map(|(need, at)| (need.clone(), self.objects[*at].clone()))
                    .collect();
                let time = self
                    .session
                    .deadline
                    .saturating_duration_since(Instant::now());
                let mut object = self
                    .ctx
                    .leases
                    .acquire(
                        self.ctx,
                        &given.resource,
                        given.scope,
                        &given.params,
                        shared,
                        time,
                    )
                    .await?;
                object.alias.clone_from(&given.alias);
                object.needs = needs;
                self.objects.push(object);
                self.objects.len() - 1
            };
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

    fn needs(&self, binds: &[(String, String)]) -> Vec<(String, usize)> {
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

    async fn settled(&mut self, phase: Phase, place: usize) -> Result<(), Stop> {
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

    fn with_defaults(&self, operation: &Operation, mut scope: Scope) -> Result<Scope, Stop> {
        for (name, default) in &operation.params {
            let value = default.value(&scope)?.unwrap_or(Json::Null);
            scope.set(name.as_str(), &value);
        }
        Ok(scope)
    }

    /// Gives expressions the objects of an alias: the object itself, or the list of those that are there.
    fn publish(&mut self, alias: &str) {
        let own: Vec<&Object> = self
            .objects
            .iter()
            .filter(|object| object.alias == alias)
            .collect();
        let value = match own.as_slice() {
            [] => return,
            [one] if one.index.is_none() => one.value.clone(),
            many => many.iter().map(|object| object.value.clone()).collect(),
        };
        self.session.scope.set(alias, &value);
    }

    /// Sends a step and holds what came of it to what is expected.
    async fn step(
        &mut self,
        step: &Step,
        judged: &[&Expect],
        must_succeed: bool,
    ) -> Result<(), Stop> {
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
                    self.session
                        .register(
                            &blueprint,
                            params,
                            name,
                            exchange,
                            &scope,
                            &mut self.objects,
                        )
                        .await?;
                    self.publish(&alias.value);
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
                    params: &params,
                    needs,
                };
                let (params, name) = self.session.parameters(&blueprint, &self.objects)?;
                let mut scope = self.session.scope.clone();
                for (need, at) in &blueprint.needs {
                    scope.set(need.as_str(), &self.objects[*at].value);
                }
                scope.extend(&params);
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
                    let before = self.snapshot(&judged).await?;
                    let exchange = self
                        .act(&operation.request, &scope, identity, &judged, step)
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
            let fits = self.session.answer(exchange).is_ok()
                && judged.iter().all(|expect| {
                    self.answer_mismatches(expect, exchange, scope).is_empty()
                        && self
                            .checks(expect, exchange, scope, &Vec::new(), &Vec::new())
                            .is_empty()
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
        request: crate::exchange::Request,
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
                let observed: Vec<Observed<'_>> = (first..first + times)
                    .filter_map(|at| self.session.answer(at).ok())
                    .map(Observed::new)
                    .collect();
                check::answers(
                    expect,
                    &observed,
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

    fn answer_mismatches(&self, expect: &Expect, exchange: usize, scope: &Scope) -> Vec<Mismatch> {
        let Ok(response) = self.session.answer(exchange) else {
            return Vec::new();
        };
        let mut found = check::answer(
            expect,
            &Observed::new(response),
            scope,
            self.ctx.target.profile.as_deref(),
            self.ctx.suite.openapi.as_deref(),
        );
        let took = self.session.exchanges[exchange].duration;
        if let Some(within) = &expect.within
            && took > within.value
        {
            found.push(Mismatch {
                check: "within",
                expected: format!("an answer within {:?}", within.value),
                actual: format!("it took {took:.0?}"),
                location: Some(within.span.location()),
            });
        }
        found
    }

    /// The `check` expressions that do not hold.
    fn checks(
        &self,
        expect: &Expect,
        exchange: usize,
        scope: &Scope,
        before: &Reads,
        after: &Reads,
    ) -> Vec<Mismatch> {
        if expect.check.is_empty() {
            return Vec::new();
        }
        let scope = self.judging_scope(exchange, scope, before, after);
        expect
            .check
            .iter()
            .filter_map(|expr| {
                let actual = match expr.holds(&scope) {
                    Ok(true) => return None,
                    Ok(false) => self.values(expr, &scope),
                    Err(error) => error.why,
                };
                Some(Mismatch {
                    check: "check",
                    expected: format!("`{}`", expr.text),
                    actual,
                    location: Some(expr.span.location()),
                })
            })
            .collect()
    }

    /// The values of the names that an expression uses.
    fn values(&self, expr: &crate::template::Expr, scope: &Scope) -> String {
        let values: Vec<String> = expr
            .names
            .iter()
            .filter(|name| !name.starts_with("profile"))
            .filter_map(|name| {
                let mut value = scope.get(name.split('.').next()?)?;
                for segment in name.split('.').skip(1) {
                    value = value.get(segment).cloned().unwrap_or(Json::Null);
                }
                Some(format!("{name} is {}", check::quote(&value)))
            })
            .collect();
        if values.is_empty() {
            "it does not hold".to_owned()
        } else {
            values.join(", ")
        }
    }

    fn judging_scope(
        &self,
        exchange: usize,
        scope: &Scope,
        before: &Reads,
        after: &Reads,
    ) -> Scope {
        let mut scope = self.session.answer_scope(scope, exchange);
        for (name, reads) in [("before", before), ("after", after)] {
            let mut views = serde_json::Map::new();
            for (place, read, _) in reads {
                let object = &self.objects[*place];
                let value = match read {
                    Afterwards::Object(value) => value.clone(),
                    Afterwards::Absent | Afterwards::Unclear(_) => Json::Null,
                };
                match object.index {
                    None => {
                        views.insert(object.alias.clone(), value);
                    }
                    Some(_) => {
                        if let Some(list) = views
                            .entry(object.alias.clone())
                            .or_insert_with(|| Json::Array(Vec::new()))
                            .as_array_mut()
                        {
                            list.push(value);
                        }
                    }
                }
            }
            scope.set(name, &Json::Object(views));
        }
        scope
    }

    /// Reads every object that an aftermath will be compared with.
    async fn snapshot(&mut self, judged: &[&Expect]) -> Result<Reads, Stop> {
        if !judged.iter().any(|expect| expect.has_aftermath()) {
            return Ok(Vec::new());
        }
        let mut reads = Vec::new();
        for place in 0..self.objects.len() {
            if self.objects[place].gone {
                continue;
            }
            let (read, exchange) = self
                .session
                .read(Phase::Before, &self.objects, place)
                .await?;
            match &read {
                Afterwards::Object(value) => self.objects[place].value = value.clone(),
                // What an earlier step took away, by itself or with something else, is no more.
                Afterwards::Absent if self.session.has_deleted() => {
                    self.objects[place].gone = true;
                    continue;
                }
                Afterwards::Absent | Afterwards::Unclear(_) => {
                    return Err(Stop::Unjudged(format!(
                        "{} cannot be read before the act: {}",
                        self.objects[place].shown(),
                        self.session.describe(exchange)
                    )));
                }
            }
            reads.push((place, read, exchange));
        }
        Ok(reads)
    }

    /// Holds the answer and the aftermath of a step to what is expected.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is one fact of the step that has just been sent; a struct would only rename them"
    )]
    async fn judge(
        &mut self,
        step: &Step,
        judged: &[&Expect],
        must_succeed: bool,
        success: &[crate::source::Spanned<String>],
        exchange: usize,
        scope: &Scope,
        before: &Reads,
        place: Option<usize>,
    ) -> Result<(), Stop> {
        for expect in judged {
            for mismatch in self.answer_mismatches(expect, exchange, scope) {
                self.found(expect, mismatch, Some(exchange));
            }
        }
        if step.then.is_empty() && must_succeed && !self.session.succeeded(success, exchange, scope)
        {
            return Err(Stop::Unjudged(format!(
                "a step before the last was refused: {}",
                self.session.describe(exchange)
            )));
        }
        if !step.capture.is_empty() {
            self.capture(step, exchange, scope)?;
        }
        let aftermath: Vec<&Expect> = judged
            .iter()
            .copied()
            .filter(|expect| expect.has_aftermath())
            .collect();
        let after = if aftermath.is_empty() {
            Vec::new()
        } else {
            self.aftermath(&aftermath, exchange, scope, before).await?
        };
        for expect in judged {
            if !expect.has_aftermath() {
                for mismatch in self.checks(expect, exchange, scope, before, &after) {
                    self.found(expect, mismatch, Some(exchange));
                }
            }
            if !expect.observe.is_empty() {
                let scope = self.judging_scope(exchange, scope, before, &after);
                for (name, expr) in &expect.observe {
                    let value = expr.value(&scope).map_or_else(
                        |error| error.why,
                        |value| check::quote(&value.unwrap_or(Json::Null)),
                    );
                    self.observations.push(Observation {
                        requirements: self.level(expect).0,
                        name: name.value.clone(),
                        value,
                    });
                }
            }
        }
        // Between the steps of a scenario its objects settle, so that the next one meets a state that can change.
        if must_succeed && let Some(place) = place {
            self.settled(Phase::Act, place).await?;
        }
        Ok(())
    }

    fn capture(&mut self, step: &Step, exchange: usize, scope: &Scope) -> Result<(), Stop> {
        let scope = self.session.answer_scope(scope, exchange);
        let mut failed = false;
        for (name, expr) in &step.capture {
            match expr.value(&scope) {
                Ok(value) => self
                    .session
                    .scope
                    .set(name.value.as_str(), &value.unwrap_or(Json::Null)),
                Err(error) => {
                    failed = true;
                    let mismatch = Mismatch {
                        check: "capture",
                        expected: format!(
                            "a value for `{}` to capture as `{}`",
                            expr.text, name.value
                        ),
                        actual: format!("{}: {}", error.why, self.session.describe(exchange)),
                        location: Some(expr.span.location()),
                    };
                    let requirements = self
                        .case
                        .scenario
                        .requirements
                        .iter()
                        .map(|id| id.value.clone())
                        .collect();
                    self.findings.push(Finding::new(
                        mismatch,
                        requirements,
                        Level::Must,
                        step.span.location(),
                        Some(exchange),
                    ));
                }
            }
        }
        if failed { Err(Stop::Judged) } else { Ok(()) }
    }

    /// Reads what the act left behind until it is as expected or its time is over; records what is not.
    async fn aftermath(
        &mut self,
        judged: &[&Expect],
        exchange: usize,
        scope: &Scope,
        before: &Reads,
    ) -> Result<Reads, Stop> {
        let settle = self
            .ctx
            .target
            .profile
            .as_ref()
            .map_or(Duration::ZERO, |profile| profile.settle);
        let patience = judged
            .iter()
            .filter_map(|expect| expect.eventually.as_ref())
            .map(|eventually| eventually.value)
            .max()
            .unwrap_or(settle);
        let until = Instant::now() + patience;
        let mut unsettled = None;
        if !patience.is_zero() {
            let mut seen = BTreeSet::new();
            for place in 0..self.objects.len() {
                if polled(&self.objects, place).is_some_and(|shows| seen.insert(shows)) {
                    let left = until.saturating_duration_since(Instant::now());
                    if let Some(why) = self
                        .session
                        .settle(Phase::Aftermath, &mut self.objects, place, left)
                        .await?
                    {
                        unsettled.get_or_insert(why);
                    }
                }
            }
        }
        let mut backoff = Backoff::new();
        loop {
            let (exchanges, violations) =
                (self.session.exchanges.len(), self.session.violations.len());
            let after = self.look(before).await?;
            let lists = self.lists(judged).await?;
            let mut found = Vec::new();
            for expect in judged {
                found.extend(
                    self.left_behind(expect, judged, before, &after, &lists)
                        .into_iter()
                        .map(|(mismatch, at)| (*expect, mismatch, at)),
                );
                found.extend(
                    self.checks(expect, exchange, scope, before, &after)
                        .into_iter()
                        .map(|mismatch| (*expect, mismatch, Some(exchange))),
                );
            }
            let wait = backoff.next(None);
            if found.is_empty() && unsettled.is_none() || Instant::now() + wait >= until {
                if let (Some(why), Some(expect)) = (unsettled, judged.first()) {
                    let mismatch = Mismatch {
                        check: "settled",
                        expected: format!("a settled state within {patience:?}"),
                        actual: why,
                        location: None,
                    };
                    self.found(expect, mismatch, None);
                }
                for (expect, mismatch, at) in found {
                    self.found(expect, mismatch, at);
                }
                return Ok(after);
            }
            unsettled = None;
            self.session.forget(exchanges, violations);
            self.session.pause(wait).await?;
        }
    }

    async fn look(&mut self, before: &Reads) -> Result<Reads, Stop> {
        let mut reads = Vec::new();
        for (place, _, _) in before {
            let (read, exchange) = self
                .session
                .read(Phase::Aftermath, &self.objects, *place)
                .await?;
            reads.push((*place, read, exchange));
        }
        Ok(reads)
    }

    async fn lists(
        &mut self,
        judged: &[&Expect],
    ) -> Result<Vec<(usize, ListView, Option<usize>)>, Stop> {
        let mut lists = Vec::new();
        for place in 0..self.objects.len() {
            if judged.iter().any(|expect| {
                expect
                    .gone
                    .iter()
                    .any(|alias| alias.value == self.objects[place].alias)
            }) {
                let (list, exchange) = self
                    .session
                    .list(Phase::Aftermath, &self.objects, place)
                    .await?;
                lists.push((place, list, exchange));
            }
        }
        Ok(lists)
    }

    /// What an expectation says of the objects and what is not so, each with the exchange that shows it.
    fn left_behind(
        &self,
        expect: &Expect,
        judged: &[&Expect],
        before: &Reads,
        after: &Reads,
        lists: &[(usize, ListView, Option<usize>)],
    ) -> Vec<(Mismatch, Option<usize>)> {
        let is_gone = |object: &Object| {
            judged
                .iter()
                .any(|expect| expect.gone.iter().any(|alias| alias.value == object.alias))
        };
        let mut found = Vec::new();
        let ids: Vec<Json> = before
            .iter()
            .filter(|(place, _, _)| is_gone(&self.objects[*place]))
            .filter_map(|(place, _, _)| self.objects[*place].id().cloned())
            .collect();
        let others: Vec<(String, &Json)> = after
            .iter()
            .filter(|(place, _, _)| !is_gone(&self.objects[*place]))
            .filter_map(|(place, read, _)| match read {
                Afterwards::Object(value) => Some((self.objects[*place].shown(), value)),
                Afterwards::Absent | Afterwards::Unclear(_) => None,
            })
            .collect();
        for alias in &expect.gone {
            let at = alias.span.location();
            for (place, read, exchange) in after
                .iter()
                .filter(|(place, _, _)| self.objects[*place].alias == alias.value)
            {
                let object = &self.objects[*place];
                let (list, listed) = lists
                    .iter()
                    .find(|(of, _, _)| of == place)
                    .map_or((&ListView::None, None), |(_, list, at)| (list, *at));
                for mismatch in check::gone(&object.shown(), object.id(), read, list, &others, &at)
                {
                    let shows = if mismatch.expected.contains("listed") {
                        listed
                    } else {
                        Some(*exchange)
                    };
                    found.push((mismatch, shows));
                }
            }
        }
        let Some(unchanged) = &expect.unchanged else {
            return found;
        };
        let at = unchanged.span.location();
        for ((place, was, _), (_, read, exchange)) in before.iter().zip(after) {
            let object = &self.objects[*place];
            let compared = match &unchanged.value {
                Unchanged::All => true,
                Unchanged::Others => !is_gone(object),
                Unchanged::These(these) => these.iter().any(|alias| alias.value == object.alias),
            };
            if let (true, Afterwards::Object(was)) = (compared, was) {
                let mismatch = check::unchanged(
                    &object.shown(),
                    was,
                    read,
                    &object.resource.volatile,
                    &ids,
                    &at,
                );
                found.extend(mismatch.map(|mismatch| (mismatch, Some(*exchange))));
            }
        }
        found
    }

    /// The requirements that an expectation shows, and the most binding level among them.
    fn level(&self, expect: &Expect) -> (Vec<String>, Level) {
        let scenario = &self.case.scenario;
        let named = if expect.requirements.is_empty() {
            &scenario.requirements
        } else {
            &expect.requirements
        };
        if named.is_empty() {
            return (Vec::new(), Level::Must);
        }
        let profile = self.ctx.target.profile_name();
        let levels: Vec<(&str, Level)> = named
            .iter()
            .filter_map(|id| {
                Some((
                    id.value.as_str(),
                    self.ctx
                        .suite
                        .requirements
                        .get(&id.value)?
                        .level_for(profile),
                ))
            })
            .collect();
        let level = levels
            .iter()
            .map(|(_, level)| *level)
            .max()
            .unwrap_or(Level::Must);
        let ids = levels
            .into_iter()
            .filter(|(_, own)| *own != Level::NotApplicable)
            .map(|(id, _)| id.to_owned())
            .collect();
        (ids, level)
    }

    fn found(&mut self, expect: &Expect, mismatch: Mismatch, exchange: Option<usize>) {
        let (requirements, level) = self.level(expect);
        if level == Level::Observe {
            self.observations.push(Observation {
                requirements,
                name: format!("instead of {}", mismatch.expected),
                value: mismatch.actual,
            });
        } else {
            self.findings.push(Finding::new(
                mismatch,
                requirements,
                level,
                expect.span.location(),
                exchange,
            ));
        }
    }

    /// Sends every step of `finally`, whatever the others came to.
    async fn finally(&mut self) -> Result<(), Stop> {
        let scenario = Arc::clone(&self.case.scenario);
        let mut trouble = Ok(());
        for step in &scenario.finally {
            let judged: Vec<&Expect> = step.then.iter().collect();
            if let Err(stop) = self.step(step, &judged, false).await
                && trouble.is_ok()
            {
                trouble = Err(stop);
            }
        }
        trouble
    }

    async fn clean_up(&mut self) -> Vec<Leak> {
        let leaked = self.session.clean_up(&mut self.objects).await;
        for object in &self.objects {
            if let Some(lease) = &object.lease {
                self.ctx.leases.release(lease, leaked.is_empty());
            }
        }
        leaked
    }

    fn outcome(
        self,
        stop: Option<Stop>,
        leaked: Vec<Leak>,
        started: Timestamp,
        duration: Duration,
    ) -> CaseOutcome {
        let Self {
            ctx,
            case,
            session,
            objects: _,
            mut findings,
            observations,
        } = self;
        let scenario = &case.scenario;
        let location = scenario.span.location();
        let requests = session.exchanges.len();
        for (mismatch, at) in session.violations {
            // A refused clean-up never changes a verdict.
            if session.exchanges[at].phase != Phase::CleanUp {
                findings.push(Finding::new(
                    mismatch,
                    Vec::new(),
                    Level::Must,
                    location.clone(),
                    Some(at),
                ));
            }
        }
        let broken = findings
            .iter()
            .any(|finding| finding.level == Level::Must || ctx.strict);
        let (verdict, reason) = match stop {
            Some(Stop::Interrupted) => (
                Verdict::Error,
                Some("interrupted before it could be judged".to_owned()),
            ),
            // What was found before the case came to a halt stands.
            Some(Stop::Unjudged(why)) if broken => (Verdict::Fail, Some(why)),
            Some(Stop::Unjudged(why)) => (Verdict::Error, Some(why)),
            Some(Stop::Judged) | None => (if broken { Verdict::Fail } else { Verdict::Pass }, None),
        };
        let plain = verdict == Verdict::Pass && findings.is_empty() && leaked.is_empty();
        let mut outcome = describe(case, location, verdict, reason, started, duration);
        outcome.requests = requests;
        if !plain {
            outcome.exchanges = session.exchanges;
        }
        outcome.findings = findings;
        outcome.observations = observations;
        outcome.leaked = leaked;
        outcome
    }
}

/// The outcome of a case that has nothing to tell but its verdict.
pub(super) fn describe(
    case: &Case,
    location: Location,
    verdict: Verdict,
    reason: Option<String>,
    started: Timestamp,
    duration: Duration,
) -> CaseOutcome {
    let scenario = &case.scenario;
    CaseOutcome {
        id: case.id.clone(),
        title: case.title.clone(),
        group: scenario.group.clone(),
        feature: scenario.feature.clone(),
        location,
        tags: scenario.tags.iter().cloned().collect(),
        requirements: case.requirements().into_iter().map(str::to_owned).collect(),
        verdict,
        reason,
        findings: Vec::new(),
        observations: Vec::new(),
        leaked: Vec::new(),
        exchanges: Vec::new(),
        requests: 0,
        started,
        duration,
    }
}
