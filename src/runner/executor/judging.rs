//! Holding a step to what is expected of it, and what a mismatch means.

use serde_json::Value as Json;

use super::{CaseRun, Reads};
use crate::check::{self, Afterwards, Mismatch};
use crate::exchange::{Phase, TransportError};
use crate::outcome::{Finding, Observation};
use crate::runner::object::Object;
use crate::runner::session::Stop;
use crate::source::Spanned;
use crate::suite::model::{Expect, Level, Step};
use crate::template::{Expr, Scope, Shared};

impl CaseRun<'_> {
    /// Holds the answer and the aftermath of a step to what is expected.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is one fact of the step that has just been sent; a struct would only rename them"
    )]
    pub(super) async fn judge(
        &mut self,
        step: &Step,
        judged: &[&Expect],
        must_succeed: bool,
        success: &[Spanned<String>],
        exchange: usize,
        scope: &Scope,
        before: &Reads,
        place: Option<usize>,
    ) -> Result<(), Stop> {
        self.answered(exchange, judged)?;
        let judged = &self.applicable(judged, exchange, scope)?;
        let (known, missed) = self.known(step, exchange, scope);
        for expect in judged.iter().filter(|expect| expect.judges()) {
            self.held_to(expect);
        }
        for expect in judged {
            for mismatch in self.answer_mismatches(expect, exchange, &known) {
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
        self.capture(step, exchange, &known, missed)?;
        let aftermath: Vec<&Expect> = judged
            .iter()
            .copied()
            .filter(|expect| expect.has_aftermath())
            .collect();
        let after = if aftermath.is_empty() {
            Vec::new()
        } else {
            self.aftermath(&aftermath, exchange, &known, before).await?
        };
        let asks = |expect: &&Expect| !expect.check.is_empty() || !expect.observe.is_empty();
        if judged.iter().any(asks) {
            self.ask(judged, self.judging_scope(known, before, &after), exchange);
        }
        // Between the steps of a scenario its objects settle, so that the next one meets a state that can change.
        if must_succeed && let Some(place) = place {
            self.settled(Phase::Act, place).await?;
        }
        Ok(())
    }

    /// Holds a step to its `check`, and records what is to be observed.
    fn ask(&mut self, judged: &[&Expect], known: Scope, exchange: usize) {
        for expect in judged {
            if !expect.has_aftermath() {
                for mismatch in self.checks(expect, &known) {
                    self.found(expect, mismatch, Some(exchange));
                }
            }
            for (name, expr) in &expect.observe {
                let value = expr.value(&known).map_or_else(
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

    /// Ends the case if there is no answer to judge.
    pub(super) fn answered(&mut self, exchange: usize, judged: &[&Expect]) -> Result<(), Stop> {
        let Err(error) = self.session.answer(exchange) else {
            return Ok(());
        };
        let lost = match error {
            // A server may close the connection on what is no HTTP.
            TransportError::Broken(_)
                if !self.session.exchanges[exchange].request.is_well_formed() =>
            {
                return Ok(());
            }
            TransportError::Broken(_) | TransportError::Timeout(_) => true,
            TransportError::Connect(_)
            | TransportError::TooLarge(_)
            | TransportError::Unsendable(_) => false,
        };
        let why = self.session.describe(exchange);
        let asked = judged
            .iter()
            .find_map(|expect| Some((*expect, expect.within.as_ref()?)));
        match asked {
            Some((expect, within)) if lost => {
                let mismatch = Mismatch {
                    check: "within",
                    expected: format!("an answer within {:?}", within.value),
                    actual: why,
                    location: Some(within.span.location()),
                };
                self.found(expect, mismatch, Some(exchange));
                Err(Stop::Judged)
            }
            _ => Err(Stop::Unjudged(why)),
        }
    }

    /// The expectations whose condition holds for the answer.
    pub(super) fn applicable<'e>(
        &self,
        judged: &[&'e Expect],
        exchange: usize,
        scope: &Scope,
    ) -> Result<Vec<&'e Expect>, Stop> {
        let mut applicable = Vec::new();
        for expect in judged {
            match &expect.only_if {
                Some(expr)
                    if expr.is_of_answer()
                        && !expr.holds(&self.session.answer_scope(scope, exchange))? => {}
                _ => applicable.push(*expect),
            }
        }
        Ok(applicable)
    }

    /// What the step's own `then` knows: the answer, the statuses of those that came at the same time, and what
    /// is captured of it; and what could not be captured.
    pub(super) fn known(
        &self,
        step: &Step,
        exchange: usize,
        scope: &Scope,
    ) -> (Scope, Vec<Mismatch>) {
        let mut answer = self.session.answer_scope(scope, exchange);
        let statuses: Json = self.session.exchanges[exchange..]
            .iter()
            .take_while(|exchange| exchange.phase == Phase::Act)
            .filter_map(|exchange| Some(exchange.response.as_ref().ok()?.status))
            .collect();
        answer.share("statuses", &statuses.into());
        let mut known = answer.clone();
        let mut missed = Vec::new();
        for (name, expr) in &step.capture {
            match expr.value(&answer) {
                Ok(value) => known.set(name.value.as_str(), &value.unwrap_or(Json::Null)),
                Err(error) => missed.push(Mismatch {
                    check: "capture",
                    expected: format!(
                        "a value for `{}` to capture as `{}`",
                        expr.text(),
                        name.value
                    ),
                    actual: format!("{}: {}", error.why, self.session.describe(exchange)),
                    location: Some(expr.span.location()),
                }),
            }
        }
        (known, missed)
    }

    /// Gives what was captured to the steps that follow.
    fn capture(
        &mut self,
        step: &Step,
        exchange: usize,
        known: &Scope,
        missed: Vec<Mismatch>,
    ) -> Result<(), Stop> {
        if missed.is_empty() {
            for (name, _) in &step.capture {
                self.session.scope.take(&name.value, known);
            }
            return Ok(());
        }
        let scenario = &self.case.scenario;
        for mismatch in missed {
            let requirements = scenario.requirements.iter().map(|id| id.value.clone());
            self.findings.push(Finding::new(
                mismatch,
                requirements.collect(),
                Level::Must,
                step.span.location(),
                Some(exchange),
            ));
        }
        Err(Stop::Judged)
    }

    pub(super) fn answer_mismatches(
        &self,
        expect: &Expect,
        exchange: usize,
        scope: &Scope,
    ) -> Vec<Mismatch> {
        let Ok(response) = self.session.answer(exchange) else {
            return Vec::new();
        };
        let mut found = check::answer(
            expect,
            response,
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
    pub(super) fn checks(&self, expect: &Expect, scope: &Scope) -> Vec<Mismatch> {
        expect
            .check
            .iter()
            .filter_map(|expr| {
                let actual = match expr.holds(scope) {
                    Ok(true) => return None,
                    Ok(false) => self.values(expr, scope),
                    Err(error) => error.why,
                };
                Some(Mismatch {
                    check: "check",
                    expected: format!("`{}`", expr.text()),
                    actual,
                    location: Some(expr.span.location()),
                })
            })
            .collect()
    }

    /// The values of the names that an expression uses.
    fn values(&self, expr: &Expr, scope: &Scope) -> String {
        let values: Vec<String> = expr
            .names()
            .filter(|name| !name.starts_with("profile"))
            .filter_map(|name| {
                let mut value: &Json = scope.get(name.split('.').next()?)?;
                for segment in name.split('.').skip(1) {
                    value = value.get(segment).unwrap_or(&Json::Null);
                }
                Some(format!("{name} is {}", check::quote(value)))
            })
            .collect();
        if values.is_empty() {
            "it does not hold".to_owned()
        } else {
            values.join(", ")
        }
    }

    /// What an answer's scope knows, and the objects as `before` and `after`.
    pub(super) fn judging_scope(&self, mut scope: Scope, before: &Reads, after: &Reads) -> Scope {
        for (name, reads) in [("before", before), ("after", after)] {
            let read = reads.iter().map(|(place, read, _)| {
                let Object { alias, index, .. } = &self.objects[*place];
                let value = match read {
                    Afterwards::Object(value) => value.clone(),
                    Afterwards::Absent | Afterwards::Unclear(_) => Shared::default(),
                };
                (alias.clone(), index.is_some(), value)
            });
            let read: Vec<(String, bool, Shared)> = read.collect();
            let views = Shared::later(move || {
                let mut views = serde_json::Map::new();
                for (alias, is_one_of_many, value) in read {
                    let value = Json::clone(&value);
                    if !is_one_of_many {
                        views.insert(alias, value);
                    } else if let Some(list) = (views.entry(alias))
                        .or_insert_with(|| Json::Array(Vec::new()))
                        .as_array_mut()
                    {
                        list.push(value);
                    }
                }
                Json::Object(views).into()
            });
            scope.share(name, &views);
        }
        scope
    }

    /// Counts an expectation, and what it shows, unless it is only recorded.
    pub(super) fn held_to(&mut self, expect: &Expect) {
        let (requirements, level) = self.level(expect);
        if level != Level::Observe {
            self.judged += 1;
            self.shown.extend(requirements);
        }
    }

    /// The requirements that an expectation shows, and the most binding level among them.
    pub(super) fn level(&self, expect: &Expect) -> (Vec<String>, Level) {
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

    pub(super) fn found(&mut self, expect: &Expect, mismatch: Mismatch, exchange: Option<usize>) {
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
}
