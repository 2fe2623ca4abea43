//! Which case is started next: the one that took longest when it ran last, so that none runs on alone at the
//! end. Of those that hold objects of the suite, which are dear, only so many run at once.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::case::Case;
use crate::plan::Planned;
use crate::suite::model::Action;

/// Cases that wait for their turn.
pub(super) struct Queue {
    /// In the order of their turns.
    turns: Vec<Turn>,
    /// By whether they hold objects: the turn before which all were started.
    next: [usize; 2],
    /// How many that hold objects may run at once.
    most: usize,
    /// How many of them run.
    holding: usize,
}

impl Queue {
    /// The cases of a plan that run, in its order, and how long they took in an earlier run. One of which that is
    /// not known may be the longest.
    pub(super) fn new(
        cases: &[Planned],
        durations: &BTreeMap<String, Duration>,
        most: usize,
    ) -> Self {
        let mut turns = Vec::with_capacity(cases.len());
        turns.extend(
            (0..)
                .zip(cases)
                .filter(|(_, planned)| planned.skip().is_none())
                .map(|(place, planned)| Turn::new(place, holds_objects(planned.case()))),
        );
        if !durations.is_empty() {
            let took = |turn: &Turn| {
                let id = cases[turn.place()].case().id();
                durations.get(&*id).copied().unwrap_or(Duration::MAX)
            };
            turns.sort_by_cached_key(|turn| Reverse(took(turn)));
        }
        Self {
            turns,
            next: [0; 2],
            most: most.max(1),
            holding: 0,
        }
    }

    /// The place of the next case that may run now.
    pub(super) fn next(&mut self) -> Option<usize> {
        let plain = self.turn(false);
        let holding = (self.holding < self.most)
            .then(|| self.turn(true))
            .flatten();
        let turn = plain.into_iter().chain(holding).min()?;
        let holds = self.turns[turn].holds();
        self.next[usize::from(holds)] = turn + 1;
        self.holding += usize::from(holds);
        Some(self.turns[turn].place())
    }

    /// The first turn of a case that does or does not hold objects and was not started.
    fn turn(&mut self, holds: bool) -> Option<usize> {
        let next = &mut self.next[usize::from(holds)];
        let behind = self.turns[*next..]
            .iter()
            .position(|turn| turn.holds() == holds);
        *next = behind.map_or(self.turns.len(), |behind| *next + behind);
        behind.map(|_| *next)
    }

    /// Notes that a case is over.
    pub(super) fn ended(&mut self, case: &Case) {
        self.holding -= usize::from(holds_objects(case));
    }

    /// The places of what was not started.
    pub(super) fn rest(self) -> impl Iterator<Item = usize> {
        let turns = self.turns.into_iter().enumerate();
        turns
            .filter(move |(at, turn)| *at >= self.next[usize::from(turn.holds())])
            .map(|(_, turn)| turn.place())
    }
}

/// The place of a case in the plan, and whether it holds objects, in the last bit: there may be many.
struct Turn(u32);

impl Turn {
    fn new(place: u32, holds: bool) -> Self {
        Self(place << 1 | u32::from(holds))
    }

    fn place(&self) -> usize {
        (self.0 >> 1) as usize
    }

    fn holds(&self) -> bool {
        self.0 & 1 == 1
    }
}

/// Whether a case has objects that the suite knows how to create.
fn holds_objects(case: &Case) -> bool {
    let scenario = &case.scenario;
    let mut parts = scenario.steps.iter().flat_map(|step| step.parts());
    !scenario.given.is_empty()
        || parts.any(|step| step.creates.is_some() || matches!(step.action, Action::Create(..)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::planned;
    use crate::suite::MANIFEST_FILE;

    #[test]
    fn each_case_has_its_turn_and_those_with_objects_wait_for_each_other() {
        let thing = "resource: thing\ncreate: POST /things\nobject: '{{ body }}'\nread: GET /things/{{ thing.id }}\ndelete: DELETE /things/{{ thing.id }}";
        // By their places: 0, 1 and 4 hold an object, and 3 is skipped.
        let scenarios = "scenarios:
- { id: a, given: [thing], steps: GET /a }
- { id: b, given: [thing], steps: GET /b }
- { id: c, steps: GET /c }
- { id: d, steps: GET /d, only_if: 'false' }
- { id: e, given: [thing], steps: GET /e }
- { id: f, steps: GET /f }";
        let cases = planned([
            (
                MANIFEST_FILE,
                "suite: s\nuse: thing.yaml\nscenarios: it.yaml",
            ),
            ("thing.yaml", thing),
            ("it.yaml", scenarios),
        ]);
        let queue = |durations| Queue::new(&cases, &durations, 1);
        let started =
            |queue: &mut Queue| -> Vec<usize> { std::iter::from_fn(|| queue.next()).collect() };

        let mut plain = queue(BTreeMap::new());
        assert_eq!(started(&mut plain), [0, 2, 5]);
        plain.ended(cases[2].case());
        assert_eq!(plain.next(), None);
        plain.ended(cases[0].case());
        assert_eq!(started(&mut plain), [1]);
        assert_eq!(plain.rest().collect::<Vec<_>>(), [4]);

        let took = [
            ("it/a", 1),
            ("it/b", 3),
            ("it/c", 2),
            ("it/d", 9),
            ("it/e", 4),
        ];
        let took = took.map(|(id, time)| (id.to_owned(), Duration::from_secs(time)));
        let mut timed = queue(took.into());
        assert_eq!((timed.next(), timed.next()), (Some(5), Some(4)));
        assert_eq!(timed.next(), Some(2));
        assert_eq!(timed.rest().collect::<Vec<_>>(), [1, 0]);
    }
}
