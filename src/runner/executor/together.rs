//! Steps that are sent at the same time, and what all of them together must have come to: the answers and the
//! state of some order of them.

use std::collections::BTreeSet;
use std::ops::Range;

use tokio::time::Instant;

use super::CaseRun;
use super::contract::for_line;
use super::shot::Shot;
use crate::check::{self, Mismatch, Told};
use crate::exchange::Phase;
use crate::oracle::linear::Ending;
use crate::oracle::race::{self, Outcome, Seen, Sent, Unexplained};
use crate::oracle::{Call, On, State};
use crate::runner::session::{Backoff, Stop, polled};
use crate::source::Spanned;
use crate::suite::model::{Expect, Step};

/// The most requests that are sent at the same time.
const MOST: usize = 64;

/// Requests that were sent at the same time.
struct Volley {
    shots: Vec<Shot>,
    /// Their exchanges.
    exchanges: Range<usize>,
    /// When each was sent and answered, in nanoseconds since the first.
    times: Vec<(u64, u64)>,
    /// The objects that they brought into being.
    made: Vec<Option<usize>>,
}

impl CaseRun<'_> {
    /// Sends the parts of a step at the same time and holds what came of them to what is expected.
    pub(super) async fn together(
        &mut self,
        step: &Step,
        parts: &[Step],
        judged: &[&Expect],
        must_succeed: bool,
    ) -> Result<(), Stop> {
        let mut shots = Vec::new();
        for part in parts {
            for place in self.places(part) {
                shots.extend(self.shot(part, place)?);
            }
        }
        if shots.len() > MOST {
            let why = format!("{} requests at once are more than {MOST}", shots.len());
            return Err(Stop::Unjudged(why));
        }
        if shots.is_empty() {
            return Ok(());
        }
        let before = self.snapshot(judged).await?;
        for shot in &mut shots {
            self.intend(shot).await?;
        }
        let requests: Vec<_> = shots.iter().map(|shot| shot.request.clone()).collect();
        let (first, times) = self
            .session
            .send_together(Phase::Act, &requests, &self.objects)
            .await?;
        let exchanges = first..first + shots.len();
        let mut made = Vec::new();
        for (shot, at) in shots.iter().zip(exchanges.clone()) {
            made.push(self.came_to_be(shot, at, judged).await?);
            if let Some(new) = &shot.new {
                self.publish(&new.alias);
            }
        }
        let volley = Volley {
            shots,
            exchanges: exchanges.clone(),
            times,
            made,
        };
        let contract = judged.iter().find(|expect| expect.contract).copied();
        self.hold_to_some_order(contract, &volley).await?;
        let scope = self.session.scope.clone();
        self.count(exchanges, &scope, judged)?;
        for (shot, at) in volley.shots.iter().zip(volley.exchanges.clone()) {
            let needed = step.then.is_empty() && must_succeed;
            if needed && !self.session.succeeded(shot.success(), at, &shot.scope) {
                return Err(Stop::Unjudged(format!(
                    "a step before the last was refused: {}",
                    self.session.describe(at)
                )));
            }
        }
        self.judge(step, judged, false, &[], first, &scope, &before, None)
            .await?;
        if must_succeed {
            self.all_settled(&volley, Phase::Act).await?;
        }
        Ok(())
    }

    /// Waits for everything that the requests may have set in motion.
    async fn all_settled(&mut self, volley: &Volley, phase: Phase) -> Result<(), Stop> {
        let mut seen = BTreeSet::new();
        for (shot, made) in volley.shots.iter().zip(&volley.made) {
            if let Some(place) = shot.place.or(*made)
                && polled(&self.objects, place).is_some_and(|shows| seen.insert(shows))
            {
                self.settled(phase, place).await?;
            }
        }
        Ok(())
    }

    /// Finds an order of the requests that explains their answers and, where the contract is asked for, what
    /// they left behind. The model goes on from there.
    async fn hold_to_some_order(
        &mut self,
        contract: Option<&Expect>,
        volley: &Volley,
    ) -> Result<(), Stop> {
        let Some(mut begin) = self.model.clone() else {
            return Ok(());
        };
        let places = reserve(&mut begin, volley);
        let words: Vec<String> = volley.shots.iter().map(sent_words).collect();
        let sent = self.sent(volley, &places, &words);
        let undecided =
            || Stop::Unjudged("its steps have too many orders to try them all".to_owned());
        let base = self.ctx.scope.clone();
        if let Some(expect) = contract {
            self.held_to(expect);
        }
        let explained = match race::judge(&begin, &sent, &base, None)? {
            Outcome::Undecided => return Err(undecided()),
            Outcome::Explained(state) => state,
            Outcome::Unexplained(unexplained) => {
                let Some(contract) = contract else {
                    return Err(Stop::Unjudged(
                        "no order of its steps explains their answers".to_owned(),
                    ));
                };
                return self.no_order(contract, volley, &sent, &unexplained);
            }
        };
        if contract.is_none() {
            self.go_on_from(explained);
            return Ok(());
        }
        self.all_settled(volley, Phase::Aftermath).await?;
        let until = Instant::now() + self.patience();
        let mut backoff = Backoff::new();
        loop {
            let (exchanges, violations) =
                (self.session.exchanges.len(), self.session.violations.len());
            let looks = self.look_around().await?;
            let outcome = {
                let left = |state: &State| Ok(self.differences(state, &looks)?.is_empty());
                race::judge(&begin, &sent, &base, Some(&left))?
            };
            let clean = self.session.violations.len() == violations;
            let wait = backoff.next(None);
            let over = self.session.over(wait, until);
            match (outcome, contract) {
                (Outcome::Explained(state), _) if clean || over => {
                    if clean {
                        self.session.forget(exchanges, violations);
                    }
                    self.go_on_from(state);
                    self.learn(&looks);
                    return Ok(());
                }
                (Outcome::Unexplained(unexplained), Some(contract)) if over => {
                    let found = self.differences(&unexplained.state, &looks)?;
                    return self.no_state(contract, volley, &unexplained, found);
                }
                (Outcome::Undecided, _) => return Err(undecided()),
                _ => {}
            }
            self.session.forget(exchanges, violations);
            self.session.pause(wait).await?;
        }
    }

    /// What was sent and what came of it, as the tables see it.
    fn sent<'v>(&self, volley: &'v Volley, places: &[usize], words: &'v [String]) -> Vec<Sent<'v>> {
        let profile = self.ctx.target.profile.as_deref();
        let transient: &[Spanned<String>] = profile.map_or(&[], |profile| &profile.transient);
        let mut sent = Vec::new();
        for (at, shot) in volley.shots.iter().enumerate() {
            let Some(call) = shot
                .call()
                .filter(|call| !call.operation.decides.is_empty())
            else {
                continue;
            };
            let exchange = volley.exchanges.start + at;
            let is =
                |names: &[Spanned<String>]| self.session.succeeded(names, exchange, &shot.scope);
            let (begun, ended) = volley.times[at];
            let ending = match self.session.answer(exchange) {
                Err(error) if error.may_have_been_received() => Ending::Lost,
                Err(_) => Ending::NoEffect(ended),
                Ok(_) if !transient.is_empty() && is(transient) => Ending::NoEffect(ended),
                Ok(_) => {
                    let seen = Seen {
                        fits: call
                            .operation
                            .decides
                            .iter()
                            .map(|line| is(&line.answer))
                            .collect(),
                        success: is(&call.operation.answer),
                    };
                    Ending::Answered(ended, seen)
                }
            };
            let on = match call.on {
                On::New(..) | On::Reserved(_) => On::Reserved(places[at]),
                On::Object(place) => On::Object(place),
            };
            sent.push(Sent {
                call: Call { on, ..call },
                words: &words[at],
                sent: begun,
                ending,
                object: volley.made[at].map(|place| self.objects[place].value.clone()),
            });
        }
        sent
    }

    /// Takes the state that the requests led to for what there is.
    fn go_on_from(&mut self, mut state: State) {
        state.truncate(self.objects.len());
        self.model = Some(state);
    }

    /// Reports an answer that no order explains.
    fn no_order(
        &mut self,
        contract: &Expect,
        volley: &Volley,
        sent: &[Sent<'_>],
        unexplained: &Unexplained,
    ) -> Result<(), Stop> {
        let last = unexplained.prefix.last;
        let (shot, call) = (&volley.shots[last], &sent[last].call);
        let line = unexplained.state.decide(call, &self.ctx.scope)?;
        let line = &call.operation.decides[line];
        let wanted: Vec<&str> = line.answer.iter().map(|name| name.value.as_str()).collect();
        let actual = format!(
            "none explains {} to `{}`: {}it is to be {}\n{}",
            self.answer_in_short(volley, last),
            self.words(shot),
            self.after(volley, unexplained),
            wanted.join(" or "),
            self.history(volley, unexplained)
        );
        let mismatch = Mismatch {
            check: "contract",
            expected: wanted_order(volley),
            actual,
            location: None,
        };
        self.found(
            &for_line(contract, line),
            mismatch,
            Some(volley.exchanges.start + last),
        );
        Ok(())
    }

    /// "after A, B " for the order that explains everything but the last answer.
    fn after(&self, volley: &Volley, unexplained: &Unexplained) -> String {
        let shots = (unexplained.order.iter()).filter_map(|at| volley.shots.get(*at));
        let words: Vec<String> = shots
            .map(|shot| format!("`{}`", self.words(shot)))
            .collect();
        if words.is_empty() {
            String::new()
        } else {
            format!("after {} ", words.join(", "))
        }
    }

    /// Reports a state that no order explains.
    fn no_state(
        &mut self,
        contract: &Expect,
        volley: &Volley,
        unexplained: &Unexplained,
        found: Vec<(Mismatch, Option<usize>)>,
    ) -> Result<(), Stop> {
        let told: Vec<String> = found
            .iter()
            .map(|(mismatch, _)| format!("{}, and {}", mismatch.expected, mismatch.actual))
            .collect();
        let actual = format!(
            "none explains what is left: {}{}\n{}",
            self.after(volley, unexplained),
            told.join("; "),
            self.history(volley, unexplained)
        );
        let mismatch = Mismatch {
            check: "contract",
            expected: wanted_order(volley),
            actual,
            location: None,
        };
        let shows = found.into_iter().find_map(|(_, exchange)| exchange);
        self.found(contract, mismatch, shows.or(Some(volley.exchanges.start)));
        Ok(())
    }

    /// The requests up to the answer that is one too many, as lines of time.
    fn history(&self, volley: &Volley, unexplained: &Unexplained) -> String {
        let prefix = &unexplained.prefix;
        let mut places: Vec<usize> = prefix
            .answered
            .iter()
            .chain(&prefix.under_way)
            .copied()
            .collect();
        places.retain(|at| *at < volley.shots.len());
        places.sort_by_key(|at| volley.times[*at]);
        let told: Vec<Told> = places
            .into_iter()
            .map(|at| {
                let answered = prefix.answered.contains(&at);
                Told {
                    call: self.words(&volley.shots[at]),
                    sent: volley.times[at].0,
                    answered: answered.then_some(volley.times[at].1),
                    answer: if answered {
                        self.answer_in_short(volley, at)
                    } else {
                        "no answer yet".to_owned()
                    },
                }
            })
            .collect();
        check::history(&told)
    }

    /// The status, and what a refusal says.
    fn answer_in_short(&self, volley: &Volley, at: usize) -> String {
        match self.session.answer(volley.exchanges.start + at) {
            Err(error) => error.to_string(),
            Ok(response) if response.status < 400 => response.status.to_string(),
            Ok(response) => {
                let text: String = response.body.text().chars().take(100).collect();
                format!("{} {text}", response.status)
            }
        }
    }
}

/// Keeps a place in the model for every object that may come to be: first for those that are known, at the
/// places that they have, then for the others.
fn reserve(model: &mut State, volley: &Volley) -> Vec<usize> {
    let mut places = vec![0; volley.shots.len()];
    for known in [true, false] {
        for (at, (shot, made)) in volley.shots.iter().zip(&volley.made).enumerate() {
            if let Some(new) = shot.new.as_ref().filter(|_| made.is_some() == known) {
                places[at] = model.len();
                model.reserve(&new.resource, new.needs.clone());
            }
        }
    }
    places
}

/// The request in any words: equal for requests that are.
fn sent_words(shot: &Shot) -> String {
    let request = &shot.request;
    let body = String::from_utf8_lossy(&request.body);
    format!("{} {} {body}", request.method, request.url)
}

fn wanted_order(volley: &Volley) -> String {
    format!(
        "an order of the {} operations that explains their answers and what is left",
        volley.shots.len()
    )
}
