//! Whether the answers to concurrent calls are those of some order of the calls, carried out one at a time:
//! linearizability (Herlihy and Wing), by the search of Wing and Gong with a memory of (done calls, state).
//!
//! Generic in what a call is and in what it does; pure, and bounded in its steps.

use std::collections::HashMap;

/// How many steps of the model one question may cost.
const BUDGET: usize = 200_000;

/// The most calls that a history can have.
pub const MOST: usize = 128;

/// One call of a history. Instants are numbers of any unit that is the same for all calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call<O, A> {
    /// What was asked for.
    pub operation: O,
    /// When it was sent, or a little before.
    pub sent: u64,
    /// How it ended.
    pub ending: Ending<A>,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending<A> {
    /// With this answer, which was there at this instant or a little before.
    Answered(u64, A),
    /// With an answer that says that nothing was done.
    NoEffect(u64),
    /// Without an answer: it may have been carried out at any time after it was sent, or never.
    Lost,
}

/// What a history comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// This order explains it: places of the calls. Those without effect are left out, and those without an
    /// answer too where the answers do not ask for them.
    Explained(Vec<usize>),
    /// No order explains it.
    Unexplained(Prefix),
    /// Too many calls, or too many orders to try them all.
    Undecided,
}

/// The shortest beginning of a history that no order explains: all that was sent before one answer came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix {
    /// The call whose answer comes last in it.
    pub last: usize,
    /// The calls whose answers are known by then, in the order of the answers, `last` at the end.
    pub answered: Vec<usize>,
    /// The calls that are under way then, in the order in which they were sent.
    pub under_way: Vec<usize>,
}

/// Judges a history that began in one of these states.
///
/// `step` gives the states that an operation can lead to from a state with this answer, none where it cannot
/// be answered so; without an answer, those that it can lead to at all.
///
/// ```
/// use assize::oracle::linear::{Call, Ending::Answered, Judgement, judge};
/// // A counter that gives out the number it had: of two calls at once, both got 0.
/// let calls = [
///     Call { operation: (), sent: 0, ending: Answered(5, 0) },
///     Call { operation: (), sent: 1, ending: Answered(6, 0) },
/// ];
/// let step = |state: &u32, (): &(), answer: Option<&u32>| match answer {
///     Some(answer) if answer != state => vec![],
///     _ => vec![state + 1],
/// };
/// let Judgement::Unexplained(prefix) = judge(&[0], &calls, step) else { panic!() };
/// assert_eq!(prefix.answered, [0, 1]);
/// ```
pub fn judge<S, O, A>(
    initial: &[S],
    calls: &[Call<O, A>],
    step: impl Fn(&S, &O, Option<&A>) -> Vec<S>,
) -> Judgement
where
    S: Clone + PartialEq,
    O: PartialEq,
    A: PartialEq,
{
    if calls.len() > MOST {
        return Judgement::Undecided;
    }
    let search = |until: u64| {
        Search {
            calls,
            until,
            step: &step,
            failed: HashMap::new(),
            budget: BUDGET,
        }
        .explain(initial)
    };
    match search(u64::MAX) {
        Found::Order(order) => return Judgement::Explained(order),
        Found::Undecided => return Judgement::Undecided,
        Found::Nothing => {}
    }
    let mut answers: Vec<(u64, usize)> = calls
        .iter()
        .enumerate()
        .filter_map(|(at, call)| Some((call.answered()?, at)))
        .collect();
    answers.sort_unstable();
    let shortest = answers
        .iter()
        .position(|(until, _)| search(*until) == Found::Nothing)
        // Answers at one instant count as one.
        .map(|first| answers.partition_point(|(until, _)| *until <= answers[first].0));
    let Some(&(until, last)) = shortest.and_then(|length| answers.get(length - 1)) else {
        return Judgement::Undecided;
    };
    let known = answers
        .iter()
        .take_while(|(answered, _)| *answered <= until);
    let mut under_way: Vec<usize> = (0..calls.len())
        .filter(|at| calls[*at].sent < until && calls[*at].pending_at(until))
        .collect();
    under_way.sort_by_key(|at| calls[*at].sent);
    Judgement::Unexplained(Prefix {
        last,
        answered: known.map(|(_, at)| *at).collect(),
        under_way,
    })
}

impl<O, A> Call<O, A> {
    /// When the answer came that says what the call came to.
    fn answered(&self) -> Option<u64> {
        match self.ending {
            Ending::Answered(at, _) => Some(at),
            Ending::NoEffect(_) | Ending::Lost => None,
        }
    }

    /// Whether it may still take effect after this instant for all that is known by then.
    fn pending_at(&self, until: u64) -> bool {
        match self.ending {
            Ending::Answered(at, _) => at > until,
            Ending::NoEffect(_) => false,
            Ending::Lost => true,
        }
    }
}

#[derive(PartialEq)]
enum Found {
    Order(Vec<usize>),
    Nothing,
    Undecided,
}

/// The search for an order of what was sent and answered until an instant.
struct Search<'a, S, O, A, F> {
    calls: &'a [Call<O, A>],
    until: u64,
    step: &'a F,
    /// From where no order leads to the end: the calls done, as bits, with the states.
    failed: HashMap<u128, Vec<S>>,
    budget: usize,
}

impl<S, O, A, F> Search<'_, S, O, A, F>
where
    S: Clone + PartialEq,
    O: PartialEq,
    A: PartialEq,
    F: Fn(&S, &O, Option<&A>) -> Vec<S>,
{
    fn explain(&mut self, initial: &[S]) -> Found {
        for state in initial {
            let mut order = Vec::new();
            if self.go_on(state, 0, &mut order) {
                return Found::Order(order);
            }
        }
        if self.budget == 0 {
            Found::Undecided
        } else {
            Found::Nothing
        }
    }

    /// Whether the calls that are left have an order from this state on, which is then added.
    fn go_on(&mut self, state: &S, done: u128, order: &mut Vec<usize>) -> bool {
        let calls = self.calls;
        let mut left: Vec<usize> = (0..calls.len())
            .filter(|at| (done >> at) & 1 == 0 && self.takes_part(*at))
            .collect();
        // What was answered before another call was sent comes before it.
        let first = left
            .iter()
            .filter_map(|at| self.answer(*at))
            .map(|(at, _)| at)
            .min();
        let Some(first) = first else { return true };
        if self
            .failed
            .get(&done)
            .is_some_and(|states| states.contains(state))
        {
            return false;
        }
        let open = |at: &usize| calls[*at].sent <= first;
        // Most likely they were carried out as they were answered.
        left.sort_by_key(|at| self.deadline(*at));
        for at in left.iter().copied().filter(open) {
            // Of calls that are alike, the one that was answered first goes first: they could change places.
            let alike = left
                .iter()
                .copied()
                .filter(open)
                .filter(|other| self.alike(at, *other));
            if alike.min_by_key(|other| (self.deadline(*other), *other)) != Some(at) {
                continue;
            }
            if self.budget == 0 {
                return false;
            }
            self.budget -= 1;
            let answer = self.answer(at).map(|(_, answer)| answer);
            for next in (self.step)(state, &calls[at].operation, answer) {
                order.push(at);
                if self.go_on(&next, done | (1 << at), order) {
                    return true;
                }
                order.pop();
            }
        }
        self.failed.entry(done).or_default().push(state.clone());
        false
    }

    fn takes_part(&self, at: usize) -> bool {
        let call = &self.calls[at];
        self.answer(at).is_some() || (call.sent < self.until && call.pending_at(self.until))
    }

    /// The answer as far as it is known.
    fn answer(&self, at: usize) -> Option<(u64, &A)> {
        match &self.calls[at].ending {
            Ending::Answered(when, answer) if *when <= self.until => Some((*when, answer)),
            _ => None,
        }
    }

    fn deadline(&self, at: usize) -> u64 {
        self.answer(at).map_or(u64::MAX, |(when, _)| when)
    }

    fn alike(&self, one: usize, other: usize) -> bool {
        self.calls[one].operation == self.calls[other].operation
            && self.answer(one).map(|(_, answer)| answer)
                == self.answer(other).map(|(_, answer)| answer)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use rand::{RngExt as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Operations of a register with a counter's increment.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Op {
        Read,
        Write(u8),
        /// Answers with the value before it.
        Increment,
        /// May or may not write, and says nothing of it.
        Maybe(u8),
    }

    type History = Vec<Call<Op, u8>>;

    fn step(state: &u8, operation: &Op, answer: Option<&u8>) -> Vec<u8> {
        let (shown, states) = match *operation {
            Op::Read => (*state, vec![*state]),
            Op::Write(value) => (0, vec![value]),
            Op::Increment => (*state, vec![state + 1]),
            Op::Maybe(value) => (0, vec![*state, value]),
        };
        match answer {
            Some(answer) if *answer != shown => Vec::new(),
            _ => states,
        }
    }

    /// A history in lines: `12..30 read 1`, `12..30 no effect write 1`, `12.. write 1`.
    fn history(text: &str) -> History {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines
            .map(|line| {
                let (times, rest) = line.split_once(' ').expect("times");
                let (sent, ended) = times.split_once("..").expect("a range");
                let (no_effect, rest) = match rest.strip_prefix("no effect ") {
                    Some(rest) => (true, rest),
                    None => (false, rest),
                };
                let words: Vec<&str> = rest.split(' ').collect();
                let number = |at: usize| words.get(at).map(|it| it.parse().expect("a number"));
                let (operation, answer) = match words[0] {
                    "read" => (Op::Read, number(1)),
                    "write" => (Op::Write(number(1).expect("a value")), Some(0)),
                    "increment" => (Op::Increment, number(1)),
                    "maybe" => (Op::Maybe(number(1).expect("a value")), Some(0)),
                    other => panic!("{other}"),
                };
                let ending = match ended.parse() {
                    Ok(at) if no_effect => Ending::NoEffect(at),
                    Ok(at) => Ending::Answered(at, answer.expect("an answer")),
                    Err(_) => Ending::Lost,
                };
                Call {
                    operation,
                    sent: sent.parse().expect("an instant"),
                    ending,
                }
            })
            .collect()
    }

    fn judged(history: &History) -> Judgement {
        judge(&[0], history, step)
    }

    #[track_caller]
    fn explained(text: &str) {
        let judgement = judged(&history(text));
        assert!(
            matches!(judgement, Judgement::Explained(_)),
            "{judgement:?}"
        );
    }

    #[track_caller]
    fn unexplained(text: &str, answered: &[usize], under_way: &[usize]) {
        let prefix = Prefix {
            last: *answered.last().expect("an answer"),
            answered: answered.to_vec(),
            under_way: under_way.to_vec(),
        };
        assert_eq!(judged(&history(text)), Judgement::Unexplained(prefix));
    }

    #[test]
    fn what_overlaps_may_have_been_carried_out_in_either_order() {
        explained("0..10 write 1\n 5..15 read 0");
        explained("0..10 write 1\n 5..15 read 1");
        explained("0..10 write 1\n 0..10 write 2\n 11..12 read 1");
        explained("0..10 write 1\n 0..10 write 2\n 11..12 read 2");
        explained("0..10 increment 1\n 0..10 increment 0\n 0..10 increment 2");
    }

    #[test]
    fn a_write_that_was_answered_is_seen_by_what_is_sent_later() {
        unexplained("0..10 write 1\n 11..15 read 0", &[0, 1], &[]);
        // One instant is no order.
        explained("0..10 write 1\n 10..15 read 0");
    }

    #[test]
    fn a_value_that_was_seen_is_not_unseen() {
        unexplained(
            "0..100 write 1\n 10..20 read 1\n 30..40 read 0",
            &[1, 2],
            &[0],
        );
        explained("0..100 write 1\n 10..20 read 0\n 30..40 read 1");
    }

    #[test]
    fn two_that_got_the_same_number_have_lost_an_update() {
        unexplained("0..10 increment 0\n 1..11 increment 0", &[0, 1], &[]);
    }

    #[test]
    fn two_writes_are_seen_in_one_order_by_all() {
        unexplained(
            "0..90 write 1\n 0..90 write 2\n 1..10 read 1\n 11..20 read 2\n 1..10 read 2\n 11..20 read 1",
            &[2, 4, 3, 5],
            &[0, 1],
        );
    }

    #[test]
    fn a_lost_answer_leaves_open_whether_and_when() {
        explained("0.. write 1\n 10..20 read 0\n 30..40 read 1");
        explained("0.. write 1\n 10..20 read 0");
        explained("0.. write 1\n 10..20 read 1");
        unexplained("0.. write 1\n 10..20 read 1\n 30..40 read 0", &[1, 2], &[0]);
        // It cannot have been carried out before it was sent.
        unexplained("0..5 read 1\n 7.. write 1", &[0], &[]);
    }

    #[test]
    fn an_answer_without_effect_changes_nothing() {
        explained("0..10 no effect write 1\n 11..20 read 0");
        unexplained("0..10 no effect write 1\n 11..20 read 1", &[1], &[]);
    }

    #[test]
    fn an_operation_may_lead_to_several_states() {
        explained("0..10 maybe 1\n 11..20 read 0");
        explained("0..10 maybe 1\n 11..20 read 1");
        unexplained("0..10 maybe 1\n 11..20 read 2", &[0, 1], &[]);
    }

    #[test]
    fn it_may_begin_in_one_of_several_states() {
        let history = history("0..10 read 3");
        assert!(matches!(
            judge(&[1, 3], &history, step),
            Judgement::Explained(_)
        ));
        assert!(matches!(
            judge(&[1, 2], &history, step),
            Judgement::Unexplained(_)
        ));
        assert!(matches!(
            judge(&[], &history, step),
            Judgement::Unexplained(_)
        ));
    }

    #[test]
    fn an_empty_history_is_explained_by_no_order() {
        assert_eq!(judged(&Vec::new()), Judgement::Explained(Vec::new()));
    }

    /// Whether the places are an order that explains the history as far as it is known at an instant.
    fn is_order(history: &History, order: &[usize], until: u64) -> bool {
        let answered = |at: usize| match history[at].ending {
            Ending::Answered(when, answer) if when <= until => Some((when, answer)),
            _ => None,
        };
        let in_time = order.iter().enumerate().all(|(place, at)| {
            order[place + 1..]
                .iter()
                .all(|later| answered(*later).is_none_or(|(when, _)| when >= history[*at].sent))
        });
        let mut states = vec![0];
        for at in order {
            let answer = answered(*at).map(|(_, answer)| answer);
            states = states
                .iter()
                .flat_map(|state| step(state, &history[*at].operation, answer.as_ref()))
                .collect();
        }
        let all = (0..history.len()).all(|at| answered(at).is_none() || order.contains(&at));
        in_time && all && !states.is_empty()
    }

    /// Whether one of all orders of all parts explains the history as far as it is known at an instant.
    fn by_force(history: &History, until: u64) -> bool {
        fn extend(history: &History, until: u64, order: &mut Vec<usize>) -> bool {
            is_order(history, order, until)
                || (0..history.len()).any(|at| {
                    let pending = match history[at].ending {
                        Ending::NoEffect(_) => return false,
                        Ending::Answered(when, _) => when > until,
                        Ending::Lost => true,
                    };
                    if order.contains(&at) || (pending && history[at].sent >= until) {
                        return false;
                    }
                    order.push(at);
                    let found = extend(history, until, order);
                    order.pop();
                    found
                })
        }
        extend(history, until, &mut Vec::new())
    }

    #[test]
    fn it_agrees_with_all_orders_tried_one_by_one() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let (mut yes, mut no) = (0, 0);
        for round in 0..3000 {
            let calls = rng.random_range(1..=5);
            let history: History = (0..calls)
                .map(|_| {
                    let sent = rng.random_range(0..12);
                    let ended = sent + rng.random_range(0..12);
                    let value = rng.random_range(0..3);
                    let operation = match rng.random_range(0..7) {
                        0..=2 => Op::Read,
                        3 | 4 => Op::Write(value),
                        5 => Op::Increment,
                        _ => Op::Maybe(value),
                    };
                    let answer = match operation {
                        Op::Read | Op::Increment => rng.random_range(0..3),
                        Op::Write(_) | Op::Maybe(_) => 0,
                    };
                    let ending = match rng.random_range(0..8) {
                        0 => Ending::Lost,
                        1 => Ending::NoEffect(ended),
                        _ => Ending::Answered(ended, answer),
                    };
                    Call {
                        operation,
                        sent,
                        ending,
                    }
                })
                .collect();
            match judged(&history) {
                Judgement::Explained(order) => {
                    yes += 1;
                    assert!(is_order(&history, &order, u64::MAX), "{round} {history:?}");
                }
                Judgement::Unexplained(prefix) => {
                    no += 1;
                    assert!(!by_force(&history, u64::MAX), "{round} {history:?}");
                    let Ending::Answered(until, _) = history[prefix.last].ending else {
                        panic!("{round} {prefix:?}")
                    };
                    assert!(!by_force(&history, until), "{round} {prefix:?} {history:?}");
                    let before = until.checked_sub(1);
                    assert!(
                        before.is_none_or(|before| by_force(&history, before)),
                        "{round} {prefix:?} {history:?}"
                    );
                }
                Judgement::Undecided => panic!("{round} {history:?}"),
            }
        }
        // Neither answer is common for want of the other.
        assert!(yes > 500 && no > 500, "{yes} {no}");
    }

    /// Twelve calls at once, none alike, and no order of them: the worst that a history can be.
    #[test]
    fn twelve_calls_at_once_take_few_steps() {
        let mut history: History = (0..11)
            .map(|value| Call {
                operation: Op::Write(value),
                sent: 0,
                ending: Ending::Answered(100, 0),
            })
            .collect();
        history.push(Call {
            operation: Op::Read,
            sent: 0,
            ending: Ending::Answered(100, 99),
        });
        let steps = Cell::new(0);
        let judgement = judge(&[0], &history, |state, operation, answer| {
            steps.set(steps.get() + 1);
            step(state, operation, answer)
        });
        assert!(
            matches!(judgement, Judgement::Unexplained(_)),
            "{judgement:?}"
        );
        assert!(steps.get() < 2 * BUDGET, "{}", steps.get());
    }

    #[test]
    fn calls_that_are_alike_are_not_tried_in_every_order() {
        let mut history: History = vec![
            Call {
                operation: Op::Increment,
                sent: 0,
                ending: Ending::Answered(100, 0),
            };
            MOST - 1
        ];
        history.push(Call {
            operation: Op::Read,
            sent: 0,
            ending: Ending::Answered(100, 0),
        });
        let judgement = judged(&history);
        assert!(
            matches!(judgement, Judgement::Unexplained(_)),
            "{judgement:?}"
        );
        history.push(history[0].clone());
        assert_eq!(judged(&history), Judgement::Undecided);
    }

    #[test]
    fn too_many_orders_are_not_tried() {
        let writes = |value| Call {
            operation: Op::Write(value),
            sent: 0,
            ending: Ending::Answered(100, 0),
        };
        let mut history: History = (0..40).map(writes).collect();
        history.push(Call {
            operation: Op::Read,
            sent: 0,
            ending: Ending::Answered(100, 99),
        });
        assert_eq!(judged(&history), Judgement::Undecided);
    }
}
