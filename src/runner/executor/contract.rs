//! Holding an operation to its decision table: the answer, and everything that can be observed afterwards.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::CaseRun;
use crate::check::{self, Afterwards, ListView, Mismatch};
use crate::exchange::Phase;
use crate::oracle::{Call, On, State};
use crate::runner::session::{Backoff, Stop};
use crate::suite::model::{Decision, Expect, Operation, Scenario, Suite, succeeds};
use crate::template::{EvalError, Scope};

/// What was seen of an object.
pub(super) struct Look {
    place: usize,
    read: Afterwards,
    exchange: usize,
    list: ListView,
    /// The exchange that shows the list.
    listed: Option<usize>,
}

impl CaseRun<'_> {
    /// Notes the object at a place that has just come to be during set-up.
    pub(super) fn model_given(&mut self, place: usize) -> Result<(), Stop> {
        let object = &self.objects[place];
        let Some(model) = &mut self.model else {
            return Ok(());
        };
        if object.lease.is_some() {
            model.add(&object.resource, object.value.clone(), object.needs.clone());
            return Ok(());
        }
        let call = Call {
            operation: &object.resource.create,
            on: On::New(&object.resource, object.needs.clone()),
            with: object.params.clone(),
        };
        let line = model.decide_success(&call, &self.ctx.scope)?;
        model.apply(&call, line, &self.ctx.scope, Some(object.value.clone()))?;
        Ok(())
    }

    /// Which line of its table a call that is about to be sent comes to, if the case keeps a model and the
    /// operation has a table.
    pub(super) fn decided(&self, call: &Call<'_>) -> Result<Option<usize>, Stop> {
        let Some(model) = &self.model else {
            return Ok(None);
        };
        if call.operation.decides.is_empty() {
            return Ok(None);
        }
        Ok(Some(model.decide(call, &self.ctx.scope)?))
    }

    /// Tells the model what came of a call. `created` is the place of the object that it brought into being.
    pub(super) fn model_sent(
        &mut self,
        call: &Call<'_>,
        decided: Option<usize>,
        succeeded: bool,
        created: Option<usize>,
    ) -> Result<(), Stop> {
        let Some(model) = &mut self.model else {
            return Ok(());
        };
        let object = created.map(|place| self.objects[place].value.clone());
        if !succeeded {
            // What has come to be against the answer has its place, too.
            if let (On::New(resource, needs), Some(object)) = (&call.on, object) {
                model.add(resource, object, needs.clone());
            }
            return Ok(());
        }
        if matches!(call.on, On::New(..)) && object.is_none() {
            return Ok(());
        }
        let line = match decided {
            None => usize::MAX,
            Some(line) if succeeds(call.operation, &call.operation.decides[line]) => line,
            // It succeeded against the table.
            Some(_) => model.decide_success(call, &self.ctx.scope)?,
        };
        model.apply(call, line, &self.ctx.scope, object)?;
        Ok(())
    }

    /// Tells the model what came of a call, and holds the answer and the aftermath to the table where the
    /// step asks for it.
    pub(super) async fn hold_to_contract(
        &mut self,
        judged: &[&Expect],
        call: &Call<'_>,
        decided: Option<usize>,
        exchange: usize,
        scope: &Scope,
        place: Option<usize>,
    ) -> Result<(), Stop> {
        if self.model.is_none() {
            return Ok(());
        }
        let succeeded = self
            .session
            .succeeded(&call.operation.answer, exchange, scope);
        let created = place.filter(|_| matches!(call.on, On::New(..)));
        self.model_sent(call, decided, succeeded, created)?;
        let (Some(decided), Some(contract)) =
            (decided, judged.iter().find(|expect| expect.contract))
        else {
            return Ok(());
        };
        if self.session.is_transient(exchange, scope) {
            return Err(Stop::Unjudged(format!(
                "the endpoint was busy, which says nothing of the contract: {}",
                self.session.describe(exchange)
            )));
        }
        let line = &call.operation.decides[decided];
        let says = Expect {
            named: line.answer.clone(),
            ..for_line(contract, line)
        };
        self.held_to(&says);
        let before = self.findings.len();
        for mismatch in self.answer_mismatches(&says, exchange, scope) {
            self.found(&says, mismatch, Some(exchange));
        }
        // After a wrong answer nothing tells what the state must be.
        if self.findings.len() == before {
            let touched = place.filter(|_| succeeded);
            self.compare(&says, touched, exchange).await?;
        }
        Ok(())
    }

    /// Compares everything that can be observed with the model, until it is as it must be or its time is over.
    async fn compare(
        &mut self,
        says: &Expect,
        touched: Option<usize>,
        exchange: usize,
    ) -> Result<(), Stop> {
        if let Some(place) = touched {
            self.settled(Phase::Aftermath, place).await?;
        }
        let until = Instant::now() + self.patience();
        let mut backoff = Backoff::new();
        loop {
            let (exchanges, violations) =
                (self.session.exchanges.len(), self.session.violations.len());
            let looks = self.look_around().await?;
            let found = match &self.model {
                Some(model) => self.differences(model, &looks)?,
                None => Vec::new(),
            };
            let clean = found.is_empty() && self.session.violations.len() == violations;
            let wait = backoff.next(None);
            if clean || self.session.over(wait, until) {
                if clean {
                    // What is as it must be need not be kept as evidence.
                    self.session.forget(exchanges, violations);
                }
                if found.is_empty() {
                    self.learn(&looks);
                }
                for (mismatch, at) in found {
                    self.found(says, mismatch, at.or(Some(exchange)));
                }
                return Ok(());
            }
            self.session.forget(exchanges, violations);
            self.session.pause(wait).await?;
        }
    }

    /// How long an aftermath may take to show.
    pub(super) fn patience(&self) -> Duration {
        let profile = self.ctx.target.profile.as_ref();
        let settle = profile.map_or(Duration::ZERO, |profile| profile.settle);
        self.grace.map_or(settle, |grace| grace.min(settle))
    }

    /// Looks at every object that is not known to be gone, by itself and in the list of its kind.
    pub(super) async fn look_around(&mut self) -> Result<Vec<Look>, Stop> {
        let mut looks = Vec::new();
        let mut lists = BTreeMap::new();
        for place in 0..self.objects.len() {
            if self.objects[place].gone {
                continue;
            }
            let (read, exchange) = self
                .session
                .read(Phase::Aftermath, &self.objects, place)
                .await?;
            let (list, listed) = self
                .session
                .list_once(Phase::Aftermath, &self.objects, place, &mut lists)
                .await?;
            looks.push(Look {
                place,
                read,
                exchange,
                list,
                listed,
            });
        }
        Ok(looks)
    }

    /// What of the looks is other than a model has it, each with the exchange that shows it.
    pub(super) fn differences(
        &self,
        model: &State,
        looks: &[Look],
    ) -> Result<Vec<(Mismatch, Option<usize>)>, EvalError> {
        let view = model.view(&self.ctx.scope);
        let mut found = Vec::new();
        for look in looks {
            let object = &self.objects[look.place];
            let shown = object.shown();
            let alive = model.is_alive(look.place);
            let mismatch = if alive {
                let expected = model.value(look.place, &view)?;
                let shows = object.resource.shows.iter();
                check::reads_as(
                    &shown,
                    &expected,
                    &look.read,
                    &object.resource.volatile,
                    &shows.map(|(field, _)| field.as_str()).collect(),
                )
            } else {
                check::absent(&shown, &look.read)
            };
            found.extend(mismatch.map(|mismatch| (mismatch, Some(look.exchange))));
            let mismatch = check::listed(&shown, object.id(), &look.list, alive);
            found.extend(mismatch.map(|mismatch| (mismatch, look.listed)));
        }
        Ok(found)
    }

    /// Takes what the looks show, which is as it must be, for what there is.
    pub(super) fn learn(&mut self, looks: &[Look]) {
        for look in looks {
            let object = &mut self.objects[look.place];
            match &look.read {
                Afterwards::Object(value) => object.value = value.clone(),
                // It needs no more looking at, and no clean-up.
                Afterwards::Absent => object.gone = true,
                Afterwards::Unclear(_) => {}
            }
        }
    }

    /// The parameters of an operation with what a step says of them.
    pub(super) fn call_with(scope: &Scope, operation: &Operation) -> Scope {
        let mut with = Scope::new();
        for (name, _) in &operation.params {
            if let Some(value) = scope.get(name) {
                with.share(name.as_str(), value);
            }
        }
        with
    }
}

/// What a finding about a line of a table stands for: the line's requirements, or else those of the `then`.
pub(super) fn for_line(contract: &Expect, line: &Decision) -> Expect {
    let requirements = if line.requirements.is_empty() {
        &contract.requirements
    } else {
        &line.requirements
    };
    Expect {
        requirements: requirements.clone(),
        ..Expect::nothing(&contract.span)
    }
}

/// A model for a case that asks what the contract says.
pub(super) fn model(suite: &Suite, scenario: &Scenario) -> Option<State> {
    let asks = |expects: &[Expect]| expects.iter().any(|expect| expect.contract);
    (asks(&scenario.then) || scenario.steps.iter().any(|step| asks(&step.then)))
        .then(|| State::new(suite))
}
