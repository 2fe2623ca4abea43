//! Concurrent operations held to the decision tables: whatever won, the answers and what is left must be
//! those of some order of the operations.

use std::cell::RefCell;
use std::collections::HashMap;

use serde_json::json;

use super::linear::{self, Ending, Judgement, Prefix};
use super::{Call, On, State};
use crate::suite::model::succeeds;
use crate::template::{EvalError, Scope, Shared};

/// One of the operations, with what came of it.
#[derive(Debug, Clone)]
pub struct Sent<'a> {
    /// The operation; one that creates has a reserved place.
    pub call: Call<'a>,
    /// What was sent, in any words: operations with equal ones can stand for each other.
    pub words: &'a str,
    /// When it was sent, in any unit.
    pub sent: u64,
    /// How it ended, in the same unit.
    pub ending: Ending<Seen>,
    /// The object that it brought into being, if that is known.
    pub object: Option<Shared>,
}

/// An answer as the table of its operation sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// For each line, whether it is one of the line's answers.
    pub fits: Vec<bool>,
    /// Whether it says that the operation was carried out.
    pub success: bool,
}

/// What a race comes to.
#[derive(Debug)]
pub enum Outcome {
    /// An order explains it, and this is the state that it ends in.
    Explained(State),
    /// No order explains it.
    Unexplained(Box<Unexplained>),
    /// There are too many orders to try them all.
    Undecided,
}

/// What no order explains, up to the first answer that is one too many.
#[derive(Debug)]
pub struct Unexplained {
    /// The operations by their places; the place after the last one stands for what is left in the end.
    pub prefix: Prefix,
    /// An order that explains everything before the last answer.
    pub order: Vec<usize>,
    /// The state that it ends in.
    pub state: State,
}

/// Whether a state is what is left in the end.
pub type Left<'a> = &'a dyn Fn(&State) -> Result<bool, EvalError>;

/// Judges operations that began in a state. `left` says of a state whether it is what is left in the end.
///
/// # Errors
/// An expression of a table that cannot be evaluated.
pub fn judge(
    begin: &State,
    sent: &[Sent<'_>],
    base: &Scope,
    left: Option<Left<'_>>,
) -> Result<Outcome, EvalError> {
    let race = Race {
        sent,
        base,
        left,
        states: RefCell::new(vec![begin.clone()]),
        steps: RefCell::default(),
        error: RefCell::new(None),
    };
    let mut calls: Vec<linear::Call<Act<'_>, Seen>> = sent
        .iter()
        .enumerate()
        .map(|(at, sent)| linear::Call {
            operation: Act(at, sent.words),
            sent: sent.sent,
            ending: sent.ending.clone(),
        })
        .collect();
    if left.is_some() {
        // Looked at after everything that was answered. What was not may still take effect.
        let seen = Seen {
            fits: Vec::new(),
            success: true,
        };
        calls.push(linear::Call {
            operation: Act(calls.len(), ""),
            sent: u64::MAX - 1,
            ending: Ending::Answered(u64::MAX - 1, seen),
        });
    }
    let judge = |calls: &[_]| {
        linear::judge(&[0], calls, |state, act: &Act<'_>, answer| {
            race.step(*state, act.0, answer)
        })
    };
    let judgement = judge(&calls);
    let outcome = match judgement {
        Judgement::Undecided => Outcome::Undecided,
        Judgement::Explained(order) => Outcome::Explained(race.replay(&calls, &order)),
        Judgement::Unexplained(prefix) => {
            let mut before: Vec<linear::Call<Act<'_>, Seen>> = Vec::new();
            for at in prefix.answered.iter().filter(|at| **at != prefix.last) {
                before.push(calls[*at].clone());
            }
            for at in &prefix.under_way {
                before.push(linear::Call {
                    ending: Ending::Lost,
                    ..calls[*at].clone()
                });
            }
            let order = match judge(&before) {
                Judgement::Explained(order) => order,
                Judgement::Unexplained(_) | Judgement::Undecided => Vec::new(),
            };
            let state = race.replay(&before, &order);
            let order = order.iter().map(|at| before[*at].operation.0).collect();
            Outcome::Unexplained(Box::new(Unexplained {
                prefix,
                order,
                state,
            }))
        }
    };
    match race.error.into_inner() {
        Some(error) => Err(error),
        None => Ok(outcome),
    }
}

/// An operation by its place, equal to those with the same words.
#[derive(Debug, Clone)]
struct Act<'a>(usize, &'a str);

impl PartialEq for Act<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.1 == other.1
    }
}

/// The sequential model of the race: states by number, and the steps that are known.
struct Race<'a> {
    sent: &'a [Sent<'a>],
    base: &'a Scope,
    left: Option<Left<'a>>,
    states: RefCell<Vec<State>>,
    steps: RefCell<HashMap<(usize, usize, bool), Vec<usize>>>,
    /// The first expression that could not be evaluated.
    error: RefCell<Option<EvalError>>,
}

impl Race<'_> {
    fn step(&self, state: usize, at: usize, answer: Option<&Seen>) -> Vec<usize> {
        let key = (state, at, answer.is_some());
        if let Some(known) = self.steps.borrow().get(&key) {
            return known.clone();
        }
        let begin = self.states.borrow()[state].clone();
        let next = self.take(&begin, at, answer).unwrap_or_else(|error| {
            self.error.borrow_mut().get_or_insert(error);
            None
        });
        let next: Vec<usize> = next.map(|state| self.number(state)).into_iter().collect();
        self.steps.borrow_mut().insert(key, next.clone());
        next
    }

    /// The state after an operation; `None` if it cannot be answered so.
    fn take(
        &self,
        state: &State,
        at: usize,
        answer: Option<&Seen>,
    ) -> Result<Option<State>, EvalError> {
        let Some(sent) = self.sent.get(at) else {
            let fits = self.left.map_or(Ok(true), |left| left(state))?;
            return Ok(fits.then(|| state.clone()));
        };
        let line = state.decide(&sent.call, self.base)?;
        let table = &sent.call.operation.decides;
        let success = match answer {
            Some(seen) if !seen.fits.get(line).copied().unwrap_or(false) => return Ok(None),
            Some(seen) => seen.success,
            None => true,
        };
        let mut state = state.clone();
        if success
            && table
                .get(line)
                .is_some_and(|line| succeeds(sent.call.operation, line))
        {
            // Of one whose answer is not known, something must tell it from all others.
            let object = || {
                sent.object
                    .clone()
                    .unwrap_or_else(|| json!({"id": format!("#{at}")}).into())
            };
            let object = matches!(sent.call.on, On::Reserved(_)).then(object);
            state.apply(&sent.call, line, self.base, object)?;
        }
        Ok(Some(state))
    }

    fn number(&self, state: State) -> usize {
        let mut states = self.states.borrow_mut();
        states
            .iter()
            .position(|known| *known == state)
            .unwrap_or_else(|| {
                states.push(state);
                states.len() - 1
            })
    }

    /// The state after an order of the operations.
    fn replay(&self, calls: &[linear::Call<Act<'_>, Seen>], order: &[usize]) -> State {
        let last = order.iter().fold(0, |state, at| {
            let answer = match &calls[*at].ending {
                Ending::Answered(_, seen) => Some(seen),
                Ending::NoEffect(_) | Ending::Lost => None,
            };
            self.step(state, calls[*at].operation.0, answer)
                .first()
                .copied()
                .unwrap_or(state)
        });
        self.states.borrow()[last].clone()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::suite::model::Suite;
    use crate::suite::{Files, Selection, load};

    const SUITE: &str =
        "suite: boxes\nuse: [profile.yaml, box.yaml, thing.yaml]\nscenarios: one.yaml\n";
    const PROFILE: &str = "
profile: plain
answers:
  made: { status: 201 }
  gone: { status: 204 }
  refused: { status: 409 }
  missing: { status: 404 }
";
    const BOX: &str = "
resource: box
create: { request: POST /boxes, answer: made }
object: '{{ body }}'
read: GET /boxes/{{ box.id }}
delete:
  request: DELETE /boxes/{{ box.id }}
  answer: gone
  decides:
    - { if: gone, answer: missing }
    - { if: children.thing, answer: refused }
    - { answer: gone }
";
    const THING: &str = "
resource: thing
needs: box
create:
  request: POST /boxes/{{ box.id }}/things
  answer: made
  decides:
    - { if: gone, answer: missing }
    - { answer: made }
object: '{{ body }}'
read: GET /things/{{ thing.id }}
delete:
  request: DELETE /things/{{ thing.id }}
  answer: gone
  decides:
    - { if: gone, answer: missing }
    - { answer: gone }
";

    fn suite(of_box: &'static str) -> Suite {
        let files = [
            ("suite.yaml", SUITE),
            ("profile.yaml", PROFILE),
            ("box.yaml", of_box),
            ("thing.yaml", THING),
            (
                "one.yaml",
                "given: [box]\nwhen: delete box\nthen: contract\n",
            ),
        ];
        let files: BTreeMap<String, &'static str> = files
            .into_iter()
            .map(|(name, text)| (name.to_owned(), text))
            .collect();
        load(&Selection {
            suite: Some(Files::Embedded(files)),
            scenarios: None,
            variables: Vec::new(),
        })
        .expect("the suite has no mistakes")
    }

    /// A race about one box with one thing, in lines: `0..9 delete box missing`, `0..9 create thing made`,
    /// `0..9 delete thing gone`, `0..9 create thing nothing` for an answer without effect, and `0..` for one
    /// that was lost. `left` holds the kinds of what is left.
    fn judged_by(
        table: &'static str,
        things: usize,
        text: &str,
        left: Option<&[&str]>,
    ) -> Result<Outcome, EvalError> {
        let suite = suite(table);
        let (of_box, of_thing) = (&suite.resources["box"], &suite.resources["thing"]);
        let needs = || vec![("box".to_owned(), 0)];
        let mut state = State::new(&suite);
        state.add(of_box, json!({"id": "b"}).into(), vec![]);
        (0..things).for_each(|at| state.add(of_thing, json!({"id": at}).into(), needs()));
        let base = Scope::new();
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let mut sent = Vec::new();
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            let (from, to) = words[0].split_once("..").expect("a time");
            let (operation, on) = match (words[1], words[2]) {
                ("create", _) => {
                    state.reserve(of_thing, needs());
                    (&of_thing.create, On::Reserved(state.len() - 1))
                }
                (_, "box") => (of_box.delete.as_ref().expect("it has one"), On::Object(0)),
                _ => (of_thing.delete.as_ref().expect("it has one"), On::Object(1)),
            };
            let answer = |name: &str| Seen {
                fits: operation
                    .decides
                    .iter()
                    .map(|line| line.answer.iter().any(|it| it.value == name))
                    .collect(),
                success: operation.answer.iter().any(|it| it.value == name),
            };
            let ending = match (to.parse(), words.get(3)) {
                (Ok(at), Some(&"nothing")) => Ending::NoEffect(at),
                (Ok(at), Some(name)) => Ending::Answered(at, answer(name)),
                _ => Ending::Lost,
            };
            sent.push(Sent {
                call: Call {
                    operation,
                    on,
                    with: Scope::new(),
                },
                words: line.split_once(' ').expect("words").1,
                sent: from.parse().expect("an instant"),
                ending,
                object: None,
            });
        }
        let kinds = |state: &State| -> Vec<String> {
            state
                .alive()
                .map(|at| state.resource(at).name.clone())
                .collect()
        };
        let check = |state: &State| Ok(left.is_some_and(|left| kinds(state) == left));
        judge(&state, &sent, &base, left.map(|_| &check as _))
    }

    fn judged(things: usize, text: &str, left: Option<&[&str]>) -> Outcome {
        judged_by(BOX, things, text, left).expect("its expressions hold")
    }

    #[track_caller]
    fn explained(things: usize, text: &str, left: &[&str]) {
        let outcome = judged(things, text, Some(left));
        assert!(matches!(outcome, Outcome::Explained(_)), "{outcome:?}");
    }

    #[track_caller]
    fn unexplained(things: usize, text: &str, left: Option<&[&str]>) -> Unexplained {
        match judged(things, text, left) {
            Outcome::Unexplained(unexplained) => *unexplained,
            outcome => panic!("{outcome:?}"),
        }
    }

    #[test]
    fn whoever_comes_first_wins() {
        explained(0, "0..9 delete box gone\n0..9 create thing missing", &[]);
        explained(
            0,
            "0..9 delete box refused\n0..9 create thing made",
            &["box", "thing"],
        );
    }

    #[test]
    fn a_box_is_not_deleted_while_a_thing_is_put_into_it() {
        let found = unexplained(0, "0..9 delete box gone\n0..3 create thing made", None);
        assert_eq!(
            (found.prefix.last, found.order.as_slice()),
            (0, [1].as_slice())
        );
        assert_eq!(found.state.alive().count(), 2);
    }

    #[test]
    fn both_cannot_have_lost() {
        unexplained(
            0,
            "0..9 delete box refused\n0..9 create thing missing",
            None,
        );
    }

    #[test]
    fn what_is_left_must_be_what_an_order_leaves() {
        let text = "0..9 delete box gone\n0..9 create thing missing";
        let found = unexplained(0, text, Some(&["box"]));
        assert_eq!((found.prefix.last, found.state.alive().count()), (2, 0));
    }

    #[test]
    fn one_of_many_deletions_is_carried_out() {
        let others = "0..9 delete box missing\n".repeat(60);
        explained(0, &format!("{others}0..9 delete box gone"), &[]);
        let found = unexplained(
            0,
            &format!("{others}0..9 delete box gone\n").repeat(2),
            None,
        );
        assert_eq!(found.prefix.answered.len(), 122);
        unexplained(0, &others, None);
    }

    #[test]
    fn an_answer_that_changes_nothing_may_come_at_any_time() {
        explained(0, "0..9 delete box gone\n0..9 create thing nothing", &[]);
        explained(
            1,
            "0..9 delete box refused\n0..9 delete thing nothing",
            &["box", "thing"],
        );
        unexplained(1, "0..9 delete box gone\n0..9 delete thing nothing", None);
    }

    #[test]
    fn a_lost_answer_leaves_both_open() {
        explained(1, "0..9 delete box gone\n0.. delete thing", &[]);
        explained(1, "0..9 delete box refused\n0.. delete thing", &["box"]);
        explained(
            1,
            "0..9 delete box refused\n0.. delete thing",
            &["box", "thing"],
        );
        explained(
            0,
            "0..9 delete box refused\n0.. create thing",
            &["box", "thing"],
        );
    }

    #[test]
    fn an_error_in_a_table_is_told() {
        let table = BOX.replace("children.thing,", "'all.thing[7].id',");
        let error = judged_by(table.leak(), 0, "0..9 delete box gone", None).unwrap_err();
        assert_eq!(error.expression, "all.thing[7].id");
    }
}
