//! Which case is started next: the one that took longest when it ran last, so that none runs on alone at the
//! end. Of those that hold objects of the suite, which are dear, only so many run at once.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::case::Case;
use crate::suite::model::Action;

/// Cases that wait for their turn, each with its place in the plan.
pub(super) struct Queue {
    /// By whether they hold objects: the cases, each with its turn.
    waiting: [VecDeque<(usize, usize, Case)>; 2],
    /// How many that hold objects may run at once.
    most: usize,
    /// How many of them run.
    holding: usize,
}

impl Queue {
    /// Cases in the order of the plan, and how long they took in an earlier run. One of which that is not known
    /// may be the longest.
    pub(super) fn new(
        mut cases: Vec<(usize, Case)>,
        durations: &BTreeMap<String, Duration>,
        most: usize,
    ) -> Self {
        if !durations.is_empty() {
            let took = |case: &Case| durations.get(&*case.id()).copied().unwrap_or(Duration::MAX);
            cases.sort_by_cached_key(|(_, case)| Reverse(took(case)));
        }
        let mut waiting = [VecDeque::new(), VecDeque::new()];
        for (turn, (place, case)) in cases.into_iter().enumerate() {
            waiting[usize::from(holds_objects(&case))].push_back((turn, place, case));
        }
        Self {
            waiting,
            most: most.max(1),
            holding: 0,
        }
    }

    /// The next case that may run now, with its place in the plan.
    pub(super) fn next(&mut self) -> Option<(usize, Case)> {
        let turn = |of: &VecDeque<(usize, usize, Case)>| of.front().map(|(turn, ..)| *turn);
        let [plain, holding] = &self.waiting;
        let may_hold = self.holding < self.most;
        let holds = match (turn(plain), turn(holding).filter(|_| may_hold)) {
            (Some(plain), Some(holding)) => holding < plain,
            (plain, _) => plain.is_none() && may_hold,
        };
        let (_, place, case) = self.waiting[usize::from(holds)].pop_front()?;
        self.holding += usize::from(holds);
        Some((place, case))
    }

    /// Notes that a case is over.
    pub(super) fn ended(&mut self, case: &Case) {
        self.holding -= usize::from(holds_objects(case));
    }

    /// What was not started.
    pub(super) fn rest(self) -> impl Iterator<Item = (usize, Case)> {
        let rest = self.waiting.into_iter().flatten();
        rest.map(|(_, place, case)| (place, case))
    }
}

/// Whether a case has objects that the suite knows how to create.
fn holds_objects(case: &Case) -> bool {
    let scenario = &case.scenario;
    let mut parts = scenario.steps.iter().flat_map(|step| step.parts());
    !scenario.given.is_empty()
        || parts.any(|step| step.creates.is_some() || matches!(step.action, Action::Create(..)))
}
