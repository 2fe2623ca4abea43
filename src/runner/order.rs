//! What came of the cases, told in the order of the plan whichever is done first.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::executor;
use super::redact::redacted;
use crate::outcome::{CaseOutcome, Event, Verdict};
use crate::plan::Planned;
use crate::secret::Secrets;

/// So many outcomes wait as they are. Where one case takes long, those of all others may wait for it.
const WHOLE: usize = 512;

/// Outcomes by their place in the plan, and how far they have been told of.
pub(super) struct Order<'p> {
    cases: &'p [Planned],
    secrets: &'p Secrets,
    /// Those before which one is missing.
    waiting: BTreeMap<usize, Waiting>,
    next: usize,
    told: Vec<CaseOutcome>,
    /// Whether plain ones are kept, too, and how many of them were not.
    all: bool,
    plain: usize,
}

enum Waiting {
    Whole(Box<CaseOutcome>),
    /// Of a plain one, what does not follow from its case.
    Plain {
        judged: usize,
        requests: usize,
        started: Timestamp,
        duration: Duration,
    },
}

impl<'p> Order<'p> {
    /// Of these cases, of which `all` are kept, or only those of which more is to be told than that they passed.
    /// Other outcomes come without secrets.
    pub(super) fn new(cases: &'p [Planned], secrets: &'p Secrets, all: bool) -> Self {
        Self {
            cases,
            secrets,
            waiting: BTreeMap::new(),
            next: 0,
            told: Vec::new(),
            all,
            plain: 0,
        }
    }

    /// Takes what came of the case at a place, without secrets.
    pub(super) fn came(&mut self, at: usize, outcome: CaseOutcome) {
        let follows = self.waiting.len() >= WHOLE
            && outcome.is_plain()
            && outcome.evidence.is_none()
            && self.cases[at].case().requirements().is_empty();
        let waiting = if follows {
            Waiting::Plain {
                judged: outcome.judged,
                requests: outcome.requests,
                started: outcome.started,
                duration: outcome.duration,
            }
        } else {
            Waiting::Whole(Box::new(outcome))
        };
        self.waiting.insert(at, waiting);
    }

    /// Tells of all before which none is missing.
    pub(super) fn emit(&mut self, on_event: &mut impl FnMut(Event<'_>)) {
        while let Some(waiting) = self.waiting.remove(&self.next) {
            let outcome = self.outcome(waiting);
            on_event(Event::Finished(&outcome));
            self.next += 1;
            if self.all || !outcome.is_plain() {
                self.told.push(outcome);
            } else {
                self.plain += 1;
            }
        }
    }

    /// The outcome of the next case.
    fn outcome(&self, waiting: Waiting) -> CaseOutcome {
        match waiting {
            Waiting::Whole(outcome) => *outcome,
            Waiting::Plain {
                judged,
                requests,
                started,
                duration,
            } => {
                let case = self.cases[self.next].case();
                let outcome = executor::describe(case, Verdict::Pass, None, started, duration);
                CaseOutcome {
                    judged,
                    requests,
                    ..redacted(self.secrets, outcome)
                }
            }
        }
    }

    /// Those that were told of and kept, and how many were not kept.
    pub(super) fn into_told(self) -> (Vec<CaseOutcome>, usize) {
        (self.told, self.plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::planned;
    use crate::suite::MANIFEST_FILE;

    #[test]
    fn what_waits_for_a_slow_case_is_kept_small_and_told_as_it_came() {
        let text = "title: of {{ a }} to s3cret\ntags: [x]\ngenerate: { matrix: { a: [1, 2], b: [B] } }\nsteps: GET /";
        let values: Vec<String> = (0..600).map(|value| value.to_string()).collect();
        let text = text.replace('B', &values.join(","));
        let cases = planned([
            (MANIFEST_FILE, "suite: s\nscenarios: it.yaml"),
            ("it.yaml", text.leak()),
        ]);
        let secrets = Secrets::new([("s3cret".to_owned(), "token".to_owned())]);
        let outcomes: Vec<CaseOutcome> = (0..)
            .zip(&cases)
            .map(|(at, planned)| {
                let verdict = if at % 7 == 0 {
                    Verdict::Error
                } else {
                    Verdict::Pass
                };
                let (started, duration) = (Timestamp::UNIX_EPOCH, Duration::from_millis(at));
                let outcome = executor::describe(planned.case(), verdict, None, started, duration);
                CaseOutcome {
                    judged: 1 + at as usize,
                    requests: 2 + at as usize,
                    evidence: (at % 5 == 0).then(|| "kept".to_owned()),
                    ..redacted(&secrets, outcome)
                }
            })
            .collect();
        let mut order = Order::new(&cases, &secrets, false);
        for (at, outcome) in outcomes.iter().enumerate().rev() {
            order.came(at, outcome.clone());
        }
        let plain = order.waiting.values();
        let plain = plain.filter(|waiting| matches!(waiting, Waiting::Plain { .. }));
        assert_eq!(order.waiting.len(), 1200);
        assert!((400..1200 - WHOLE).contains(&plain.count()));
        let mut told = Vec::new();
        order.emit(&mut |event: Event<'_>| {
            if let Event::Finished(outcome) = event {
                told.push(format!("{outcome:?}"));
            }
        });
        let expected: Vec<String> = outcomes.iter().map(|it| format!("{it:?}")).collect();
        assert_eq!(told, expected);
        assert!(told[0].contains("${token}"), "{}", told[0]);
        let (kept, plain) = order.into_told();
        assert_eq!((kept.len(), plain), (172, 1028));
    }
}
