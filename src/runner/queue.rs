//! Which case is started next: the one that took longest when it ran last, so that none runs on alone at the
//! end. Of those that hold objects of the suite, which are dear, only so many run at once.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::case::Case;
use crate::plan::Planned;
use crate::suite::model::Action;

/// Cases that wait for their turn, by their places in the plan.
pub(super) struct Queue {
    /// By whether they hold objects: turns and places.
    waiting: [VecDeque<(u32, u32)>; 2],
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
        let mut order: Vec<u32> = (0..)
            .zip(cases)
            .filter(|(_, planned)| planned.skip.is_none())
            .map(|(place, _)| place)
            .collect();
        if !durations.is_empty() {
            let took = |place: &u32| {
                let id = cases[*place as usize].case.id();
                durations.get(&*id).copied().unwrap_or(Duration::MAX)
            };
            order.sort_by_cached_key(|place| Reverse(took(place)));
        }
        let mut waiting = [VecDeque::new(), VecDeque::new()];
        for (turn, place) in (0..).zip(order) {
            let holds = holds_objects(&cases[place as usize].case);
            waiting[usize::from(holds)].push_back((turn, place));
        }
        Self {
            waiting,
            most: most.max(1),
            holding: 0,
        }
    }

    /// The place of the next case that may run now.
    pub(super) fn next(&mut self) -> Option<usize> {
        let turn = |of: &VecDeque<(u32, u32)>| of.front().map(|(turn, _)| *turn);
        let [plain, holding] = &self.waiting;
        let may_hold = self.holding < self.most;
        let holds = match (turn(plain), turn(holding).filter(|_| may_hold)) {
            (Some(plain), Some(holding)) => holding < plain,
            (plain, _) => plain.is_none() && may_hold,
        };
        let (_, place) = self.waiting[usize::from(holds)].pop_front()?;
        self.holding += usize::from(holds);
        Some(place as usize)
    }

    /// Notes that a case is over.
    pub(super) fn ended(&mut self, case: &Case) {
        self.holding -= usize::from(holds_objects(case));
    }

    /// The places of what was not started.
    pub(super) fn rest(self) -> impl Iterator<Item = usize> {
        let rest = self.waiting.into_iter().flatten();
        rest.map(|(_, place)| place as usize)
    }
}

/// Whether a case has objects that the suite knows how to create.
fn holds_objects(case: &Case) -> bool {
    let scenario = &case.scenario;
    let mut parts = scenario.steps.iter().flat_map(|step| step.parts());
    !scenario.given.is_empty()
        || parts.any(|step| step.creates.is_some() || matches!(step.action, Action::Create(..)))
}
