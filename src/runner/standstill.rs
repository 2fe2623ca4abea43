//! Cases that wait for shared objects which others have: whether any of them can come back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

/// The cases that wait, each with a number of its own.
#[derive(Default)]
pub(super) struct Waiting(Mutex<Cases>);

#[derive(Default)]
struct Cases {
    last: u64,
    waiting: BTreeMap<u64, Case>,
}

/// A case that waits for an object of one kind, and has others.
struct Case {
    wants: String,
    /// The kinds of what it has, one for each object.
    has: Vec<String>,
}

/// While it is kept, a case waits.
pub(super) struct Turn<'a> {
    number: u64,
    of: &'a Waiting,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.of.cases().waiting.remove(&self.number);
    }
}

impl Waiting {
    /// Lets a case wait, unless it would wait in vain: what it wants is lent to nobody but itself, and to others
    /// that wait in turn, so that none of them would ever give anything back. `lent` says how many objects of
    /// a kind are lent.
    pub(super) fn join(
        &self,
        wants: &str,
        has: Vec<String>,
        lent: impl Fn(&str) -> usize,
    ) -> Option<Turn<'_>> {
        let mut cases = self.cases();
        cases.last += 1;
        let number = cases.last;
        let wants = wants.to_owned();
        cases.waiting.insert(number, Case { wants, has });
        if cases.may_go_on(number, lent) {
            return Some(Turn { number, of: self });
        }
        cases.waiting.remove(&number);
        None
    }

    fn cases(&self) -> std::sync::MutexGuard<'_, Cases> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cases {
    /// Whether something that the case wants is lent to one that does not wait, or that may go on itself.
    fn may_go_on(&self, number: u64, lent: impl Fn(&str) -> usize) -> bool {
        let wanted: BTreeSet<&str> = self.waiting.values().map(|it| it.wants.as_str()).collect();
        // The kinds of which something comes back.
        let mut coming: BTreeSet<&str> = BTreeSet::new();
        loop {
            let held = |kind: &str| {
                let stuck = self.waiting.values();
                let stuck = stuck.filter(|it| !coming.contains(it.wants.as_str()));
                stuck
                    .flat_map(|it| &it.has)
                    .filter(|has| *has == kind)
                    .count()
            };
            let more: Vec<&str> = (wanted.iter().copied())
                .filter(|kind| !coming.contains(kind) && lent(kind) > held(kind))
                .collect();
            if more.is_empty() {
                break;
            }
            coming.extend(more);
        }
        (self.waiting.get(&number)).is_some_and(|it| coming.contains(it.wants.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets a case wait where so many of `a` and of `b` are lent.
    fn join<'w>(
        waiting: &'w Waiting,
        (a, b): (usize, usize),
        wants: &str,
        has: &[&str],
    ) -> Option<Turn<'w>> {
        let has = has.iter().map(|it| (*it).to_owned()).collect();
        waiting.join(wants, has, |kind| if kind == "a" { a } else { b })
    }

    #[test]
    fn who_has_the_only_one_does_not_wait_for_another() {
        let waiting = Waiting::default();
        assert!(join(&waiting, (0, 0), "a", &[]).is_none());
        assert!(join(&waiting, (1, 0), "a", &["a"]).is_none());
        assert!(join(&waiting, (2, 0), "a", &["a", "a"]).is_none());
        let waits = join(&waiting, (2, 0), "a", &["a"]);
        assert!(waits.is_some(), "somebody else has one and goes on");
    }

    #[test]
    fn the_last_of_those_that_wait_for_each_other_does_not_wait() {
        let waiting = Waiting::default();
        let first = join(&waiting, (2, 0), "a", &["a"]);
        assert!(first.is_some());
        assert!(join(&waiting, (2, 0), "a", &["a"]).is_none());
        assert!(
            join(&waiting, (2, 0), "a", &[]).is_some(),
            "the second ends"
        );
        drop(first);
        assert!(join(&waiting, (2, 0), "a", &["a"]).is_some());

        let crossed = join(&waiting, (1, 1), "b", &["a"]);
        assert!(crossed.is_some());
        assert!(join(&waiting, (1, 1), "a", &["b"]).is_none());
    }

    #[test]
    fn what_comes_back_at_the_end_of_a_chain_is_waited_for() {
        let waiting = Waiting::default();
        let middle = join(&waiting, (1, 1), "b", &["a"]);
        assert!(middle.is_some(), "whoever has `b` goes on");
        assert!(join(&waiting, (1, 1), "a", &[]).is_some());
    }
}
