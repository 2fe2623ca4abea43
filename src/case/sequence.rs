//! Random walks: sequences of operations over a few objects, each step held to its decision table.
//!
//! A walk is drawn from the tables alone, before anything is sent: the model plays the endpoint. So it is
//! the same for the same seed, whatever an endpoint answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::Value as Json;

use super::Case;
use super::rehearsal::invented;
use crate::oracle::{Call, On, State};
use crate::source::{Span, Spanned};
use crate::suite::model::{
    Action, Expect, Given, Operation, Resource, Scenario, Scope as Sharing, Step, Suite,
};
use crate::target::Target;
use crate::template::{EvalError, JsonTemplate, Scope, Template};

/// So many objects of a kind exist at a time at the most.
const CROWD: usize = 4;

/// Draws for one step before it is given up.
const TRIES: usize = 64;

/// A random walk as a case.
///
/// # Errors
/// An expression of a decision table that knows a field which no line sets.
pub(super) fn case(
    suite: &Suite,
    target: &Target,
    seed: u64,
    index: usize,
    length: usize,
) -> Result<Option<Case>, EvalError> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(index as u64);
    let base = target.scope();
    let mut walk = Walk::new(suite, &base);
    if walk.kinds.is_empty() {
        return Ok(None);
    }
    for _ in 0..rng.random_range(3..=9) {
        walk.go(&mut rng, true)?;
    }
    for _ in 0..length {
        walk.go(&mut rng, false)?;
    }
    let names: Vec<&str> = walk.kinds.iter().map(|kind| kind.name.as_str()).collect();
    let why = format!(
        "walk {index} of seed {seed}: {length} operations on {}, each held to its decision table",
        names.join(", ")
    );
    let title = format!("random walk {index} of seed {seed}");
    let scenario = Scenario::generated(
        "generated/sequences",
        &format!("{seed}-{index}"),
        title,
        "sequence",
        &walk.span,
        walk.given,
        walk.steps,
    );
    Ok(Some(Case::generated(scenario, why)))
}

/// What is known while a walk is drawn.
pub(super) struct Walk<'a> {
    base: &'a Scope,
    /// The kinds that come and go in it.
    kinds: Vec<&'a Arc<Resource>>,
    pub(super) state: State,
    /// The names of the objects, by place.
    pub(super) aliases: Vec<String>,
    /// How many objects of a kind were asked for, refused ones among them.
    made: BTreeMap<String, usize>,
    pub(super) given: Vec<Given>,
    pub(super) steps: Vec<Step>,
    /// Whether it is a time of building.
    building: bool,
    /// The object around which most of it happens.
    focus: Option<usize>,
    pub(super) span: Span,
}

impl<'a> Walk<'a> {
    pub(super) fn new(suite: &'a Suite, base: &'a Scope) -> Self {
        let shared = |name: &str| {
            suite
                .resources
                .get(name)
                .is_some_and(|resource| resource.scope != Sharing::Case)
        };
        let mut kinds: Vec<&Arc<Resource>> = Vec::new();
        loop {
            let more: Vec<&Arc<Resource>> = suite
                .resources
                .values()
                .filter(|kind| {
                    kind.scope == Sharing::Case
                        && !kind.create.decides.is_empty()
                        && kinds.iter().all(|known| known.name != kind.name)
                        && kind.needs.iter().all(|need| {
                            shared(&need.value) || kinds.iter().any(|kind| kind.name == need.value)
                        })
                })
                .collect();
            if more.is_empty() {
                break;
            }
            kinds.extend(more);
        }
        let mut walk = Self {
            base,
            span: kinds.first().map_or_else(
                || Span::start_of(&crate::source::Source::new("", "")),
                |kind| kind.span.clone(),
            ),
            state: State::new(suite),
            aliases: Vec::new(),
            made: BTreeMap::new(),
            given: Vec::new(),
            steps: Vec::new(),
            building: true,
            focus: None,
            kinds,
        };
        let needed: BTreeSet<&str> = (walk.kinds.iter())
            .flat_map(|kind| &kind.needs)
            .map(|need| need.value.as_str())
            .filter(|need| shared(need))
            .collect();
        for resource in needed
            .into_iter()
            .filter_map(|need| suite.resources.get(need))
        {
            walk.state
                .add(resource, invented(resource, &resource.name), Vec::new());
            walk.aliases.push(resource.name.clone());
            walk.given.push(Given::plain(
                resource.name.as_str(),
                resource,
                &resource.span,
            ));
        }
        walk
    }

    /// Draws one operation, and carries it out in the model: an object to begin with, or a step.
    ///
    /// Walks that choose evenly stay where they began. So there are times of building and of clearing away,
    /// and most of what happens, happens around one object.
    pub(super) fn go(&mut self, rng: &mut ChaCha8Rng, given: bool) -> Result<(), EvalError> {
        if rng.random_range(0..8) == 0 {
            self.building = !self.building;
        }
        if self.focus.is_none_or(|at| !self.state.is_alive(at)) || rng.random_range(0..24) == 0 {
            self.focus = self.some_parent(rng);
        }
        for _ in 0..TRIES {
            let focus = self.focus.filter(|_| rng.random_range(0..4) > 0);
            let (creates, operates) = if given {
                (10, 0)
            } else if self.building {
                (6, 2)
            } else {
                (1, 2)
            };
            let roll = rng.random_range(0..10);
            let done = if roll < creates {
                self.create(rng, focus, given)?
            } else {
                self.operate(rng, focus, roll >= creates + operates)?
            };
            if done {
                break;
            }
        }
        Ok(())
    }

    /// An object of a kind that others need.
    fn some_parent(&self, rng: &mut ChaCha8Rng) -> Option<usize> {
        let parents: Vec<usize> = self
            .state
            .alive()
            .filter(|at| {
                let own = self.state.resource(*at);
                own.scope == Sharing::Case && self.kinds.iter().any(|kind| needs(kind, &own.name))
            })
            .collect();
        parents.choose(rng).copied()
    }

    /// One of the objects of a kind; now and then one that is no more, where the table speaks of that.
    fn pick(&self, rng: &mut ChaCha8Rng, kind: &str, operation: &Operation) -> Option<usize> {
        let of = |alive: bool| -> Vec<usize> {
            (0..self.state.len())
                .filter(|at| {
                    self.state.resource(*at).name == kind && self.state.is_alive(*at) == alive
                })
                .collect()
        };
        let speaks_of_gone = operation
            .decides
            .iter()
            .filter_map(|line| line.condition.as_ref())
            .any(|condition| condition.roots().any(|root| root == "gone"));
        let gone = if speaks_of_gone && rng.random_range(0..16) == 0 {
            of(false)
        } else {
            Vec::new()
        };
        gone.choose(rng).or(of(true).choose(rng)).copied()
    }

    fn create(
        &mut self,
        rng: &mut ChaCha8Rng,
        focus: Option<usize>,
        given: bool,
    ) -> Result<bool, EvalError> {
        let around = focus.map(|at| (self.state.resource(at).name.clone(), at));
        let kinds: Vec<&'a Arc<Resource>> = self
            .kinds
            .iter()
            .copied()
            .filter(|kind| around.as_ref().is_none_or(|(name, _)| needs(kind, name)))
            .collect();
        let Some(kind) = kinds.choose(rng).copied() else {
            return Ok(false);
        };
        let crowd = self
            .state
            .alive()
            .filter(|at| self.state.resource(*at).name == kind.name)
            .count();
        if crowd >= CROWD {
            return Ok(false);
        }
        let mut filled = Vec::new();
        for need in &kind.needs {
            let at = match &around {
                Some((name, at)) if *name == need.value => Some(*at),
                _ => self.pick(rng, &need.value, &kind.create),
            };
            match at {
                Some(at) => filled.push((need.value.clone(), at)),
                None => return Ok(false),
            }
        }
        let on = On::New(kind, filled.clone());
        let Some((with, scope)) = self.with(rng, &kind.create, &kind.params, &on)? else {
            return Ok(false);
        };
        let call = Call {
            operation: &kind.create,
            on,
            with: scope,
        };
        let line = self.state.decide(&call, self.base)?;
        let success = is_likely(&kind.create, line);
        if given && !success {
            return Ok(false);
        }
        let number = self.made.entry(kind.name.clone()).or_default();
        *number += 1;
        let alias = match *number {
            1 => kind.name.clone(),
            number => format!("{}_{number}", kind.name),
        };
        let binds: Vec<(String, String)> = filled
            .iter()
            .map(|(need, at)| (need.clone(), self.aliases[*at].clone()))
            .collect();
        if success {
            self.state
                .apply(&call, line, self.base, Some(invented(kind, &alias)))?;
            self.aliases.push(alias.clone());
        }
        let params = self.templates(with);
        if given {
            self.given.push(Given {
                params,
                binds,
                ..Given::plain(alias, kind, &self.span)
            });
        } else {
            let name = Spanned::new(kind.name.clone(), self.span.clone());
            let mut step = self.step(Action::Create(Arc::clone(kind), binds), params);
            step.creates = Some((Spanned::new(alias, self.span.clone()), name));
            self.steps.push(step);
        }
        Ok(true)
    }

    fn operate(
        &mut self,
        rng: &mut ChaCha8Rng,
        focus: Option<usize>,
        delete: bool,
    ) -> Result<bool, EvalError> {
        let around: Vec<usize> = focus.map_or_else(Vec::new, |focus| {
            self.state
                .alive()
                .filter(|at| *at == focus || self.state.rests_on(*at, focus))
                .collect()
        });
        let kind = match around.choose(rng) {
            Some(at) => self
                .kinds
                .iter()
                .find(|kind| kind.name == self.state.resource(*at).name),
            None => self.kinds.choose(rng),
        };
        let Some(kind) = kind.copied() else {
            return Ok(false);
        };
        // An operation without a table is nothing to walk with, and changes no walk.
        let decided = kind.operations.iter();
        let decided = decided.filter(|(_, operation)| !operation.decides.is_empty());
        let names: Vec<&String> = decided.map(|(name, _)| name).collect();
        let name = match names.choose(rng) {
            _ if delete => "delete",
            Some(name) => name.as_str(),
            None => return Ok(false),
        };
        let Some(operation) = kind
            .operation(name)
            .filter(|operation| !operation.decides.is_empty())
        else {
            return Ok(false);
        };
        let own: Vec<usize> = around
            .into_iter()
            .filter(|at| self.state.resource(*at).name == kind.name)
            .collect();
        let at = own
            .choose(rng)
            .copied()
            .or_else(|| self.pick(rng, &kind.name, operation));
        let Some(at) = at else {
            return Ok(false);
        };
        let Some((with, scope)) = self.with(rng, operation, &operation.params, &On::Object(at))?
        else {
            return Ok(false);
        };
        let call = Call {
            operation,
            on: On::Object(at),
            with: scope,
        };
        let line = self.state.decide(&call, self.base)?;
        if is_likely(operation, line) {
            self.state.apply(&call, line, self.base, None)?;
        }
        let action = Action::Operation(
            Spanned::new(name.to_owned(), self.span.clone()),
            Spanned::new(self.aliases[at].clone(), self.span.clone()),
        );
        let params = self.templates(with);
        let step = self.step(action, params);
        self.steps.push(step);
        Ok(true)
    }

    /// Values for the parameters: drawn from the choices, which go with the step, and the defaults of the rest.
    /// `None` where a choice is of nothing.
    #[expect(
        clippy::type_complexity,
        reason = "what was drawn, and all parameters as the tables see them"
    )]
    fn with(
        &self,
        rng: &mut ChaCha8Rng,
        operation: &Operation,
        params: &[(String, JsonTemplate)],
        on: &On<'_>,
    ) -> Result<Option<(Vec<(String, Json)>, Scope)>, EvalError> {
        let call = Call {
            operation,
            on: on.clone(),
            with: Scope::new(),
        };
        let known = self.state.scope(&call, self.base)?;
        let (mut drawn, mut with) = (Vec::new(), Scope::new());
        let mut scope = known.clone();
        scope.set("unique_name", &"a name".into());
        for (name, default) in params {
            let choices = operation.choices.iter().find(|(choice, _)| choice == name);
            let value = match choices {
                None => default.value(&scope)?.unwrap_or(Json::Null),
                Some((_, choices)) => {
                    let choices = choices.value(&known)?.unwrap_or(Json::Null);
                    let Some(value) = choices.as_array().and_then(|list| list.choose(rng)) else {
                        return Ok(None);
                    };
                    drawn.push((name.clone(), value.clone()));
                    value.clone()
                }
            };
            with.set(name.as_str(), &value);
            scope.set(name.as_str(), &value);
        }
        Ok(Some((drawn, with)))
    }

    /// Drawn values as they are written: an invented id is the expression that stands for the real one.
    fn templates(&self, values: Vec<(String, Json)>) -> Vec<(String, JsonTemplate)> {
        values
            .into_iter()
            .map(|(name, value)| {
                let template = match &value {
                    Json::String(text) if text.starts_with("{{") => {
                        JsonTemplate::Text(Template::parse(text, &self.span, &mut Vec::new()))
                    }
                    _ => JsonTemplate::Plain(value.into()),
                };
                (name, template)
            })
            .collect()
    }

    fn step(&self, action: Action, with: Vec<(String, JsonTemplate)>) -> Step {
        Step {
            with,
            then: vec![Expect::contract(&self.span)],
            ..Step::plain(action, &self.span)
        }
    }
}

/// Whether objects of a kind need one of another.
fn needs(kind: &Resource, other: &str) -> bool {
    kind.needs.iter().any(|need| need.value == other)
}

/// Whether the model lets the operation succeed: of several answers it gives the first.
fn is_likely(operation: &Operation, line: usize) -> bool {
    operation.decides[line]
        .answer
        .first()
        .is_some_and(|name| operation.answer.iter().any(|own| own.value == name.value))
}
