//! Known deviations: which case or requirement may fail, on whose word, why, and until when.
//!
//! Every waiver says all of it, and none is for ever: one that has expired fails, and so does one whose cases
//! pass, because it would hide the next failure.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use globset::{Glob, GlobMatcher};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use crate::outcome::{CaseOutcome, Finding, Tally, Verdict};
use crate::source::{Diagnostic, Source, Span, Spanned};
use crate::suite::model::Level;
use crate::suite::yaml::{self, Kind, Node};

/// A waiver that expires within so many days is told of.
const SOON: i64 = 14;

/// The keys of a waiver; one of the first two, and all of the others.
const KEYS: [&str; 6] = [
    "case",
    "requirement",
    "owner",
    "reason",
    "reference",
    "expires",
];

/// All waivers of a file.
#[derive(Debug, Clone, Default)]
pub struct Waivers(Vec<Waiver>);

#[derive(Debug, Clone)]
struct Waiver {
    covers: Covers,
    /// As written, behind `case` or `requirement`.
    pattern: Spanned<String>,
    owner: String,
    reason: String,
    reference: String,
    /// The last day on which it holds, in UTC.
    expires: Date,
}

#[derive(Debug, Clone)]
enum Covers {
    Case(GlobMatcher),
    Requirement(GlobMatcher),
}

impl Waivers {
    /// Reads a file: a list of mappings.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(source: &Arc<Source>) -> Result<Self, Vec<Diagnostic>> {
        let mut found = Vec::new();
        let node = yaml::parse(source, &mut found);
        let mut waivers = Vec::new();
        match node.as_ref().map(|node| &node.kind) {
            None => {}
            Some(Kind::List(items)) => {
                waivers.extend(items.iter().filter_map(|item| waiver(item, &mut found)));
            }
            Some(_) => found.push(
                Diagnostic::new(
                    "bad-waiver",
                    &Span::start_of(source),
                    "a file of waivers is a list",
                )
                .help("begin each waiver with `- case: …` or `- requirement: …`"),
            ),
        }
        if found.is_empty() {
            Ok(Self(waivers))
        } else {
            Err(found)
        }
    }

    /// The waivers that cover nothing of a suite. Generated cases may be missing from it.
    pub fn pointless<'a>(
        &self,
        cases: impl Iterator<Item = Cow<'a, str>> + Clone,
        requirements: impl Iterator<Item = &'a str> + Clone,
    ) -> Vec<Diagnostic> {
        let wrong = |waiver: &&Waiver| match &waiver.covers {
            Covers::Case(glob) => {
                !waiver.pattern.value.starts_with("generated/")
                    && !cases.clone().any(|id| glob.is_match(&*id))
            }
            Covers::Requirement(glob) => !requirements.clone().any(|id| glob.is_match(id)),
        };
        let told = |waiver: &Waiver| {
            let (what, list) = match waiver.covers {
                Covers::Case(_) => ("case", "`assize list` names them"),
                Covers::Requirement(_) => {
                    ("requirement", "`assize list --requirements` names them")
                }
            };
            Diagnostic::new(
                "bad-waiver",
                &waiver.pattern.span,
                format!("no {what} of the suite is `{}`", waiver.pattern.value),
            )
            .label("covers nothing")
            .help(format!("{list}; a `*` stands for any text"))
        };
        self.0.iter().filter(wrong).map(told).collect()
    }

    /// Puts them into force on a day.
    pub(crate) fn in_force(self, today: Date, strict: bool) -> InForce {
        let seen = self.0.iter().map(|_| Seen::default()).collect();
        InForce {
            waivers: self.0,
            seen,
            today,
            strict,
        }
    }
}

/// Reads one waiver, or says everything that is wrong with it.
fn waiver(node: &Node<'_>, found: &mut Vec<Diagnostic>) -> Option<Waiver> {
    let wrong = |span: &Span, message: String| Diagnostic::new("bad-waiver", span, message);
    let before = found.len();
    let Kind::Map(entries) = &node.kind else {
        found.push(
            wrong(
                &node.span,
                format!("a waiver is a mapping, not {}", node.describe()),
            )
            .help(format!("give it the keys {}", KEYS.join(", "))),
        );
        return None;
    };
    for (key, _) in entries {
        if !KEYS.contains(&&*key.name) {
            found.push(
                wrong(&key.span, format!("`{}` is no key of a waiver", key.name))
                    .help(format!("it has {}", KEYS.join(", "))),
            );
        }
    }
    let mut text = |name: &str| {
        let value = node.get(name)?;
        match value.text().map(str::trim) {
            Some(text) if !text.is_empty() => {
                Some(Spanned::new(text.to_owned(), value.span.clone()))
            }
            _ => {
                found.push(wrong(
                    &value.span,
                    format!("`{name}` is text, and says something"),
                ));
                None
            }
        }
    };
    let (case, requirement) = (text("case"), text("requirement"));
    let (owner, reason, reference, expires) = (
        text("owner"),
        text("reason"),
        text("reference"),
        text("expires"),
    );
    match (node.get("case"), node.get("requirement")) {
        (None, None) => found.push(
            wrong(&node.span, "a waiver says what it covers".to_owned()).help(
                "give it a `case` or a `requirement`: an id, or a glob such as `pools/delete/*`",
            ),
        ),
        (Some(_), Some(second)) => found.push(
            wrong(
                &second.span,
                "a waiver covers cases or requirements, not both".to_owned(),
            )
            .help("write two waivers"),
        ),
        _ => {}
    }
    let missing: Vec<&str> = (KEYS[2..].iter().copied())
        .filter(|key| node.get(key).is_none())
        .collect();
    if !missing.is_empty() {
        found.push(
            wrong(&node.span, format!("the waiver lacks {}", missing.join(", "))).help(
                "every waiver has an owner, a reason, a reference to where it was agreed, and the last day on which it holds",
            ),
        );
    }
    let expires = expires.and_then(|text| match text.value.parse::<Date>() {
        Ok(date) => Some(date),
        Err(_) => {
            found.push(
                wrong(&text.span, format!("`{}` is no date", text.value))
                    .help("write the last day on which it holds, in UTC, like 2027-01-31"),
            );
            None
        }
    });
    let pattern = case.or(requirement)?;
    let glob = match Glob::new(&pattern.value) {
        Ok(glob) => glob.compile_matcher(),
        Err(error) => {
            found.push(wrong(
                &pattern.span,
                format!("`{}` is no glob: {}", pattern.value, error.kind()),
            ));
            return None;
        }
    };
    if found.len() > before {
        return None;
    }
    Some(Waiver {
        covers: if node.get("case").is_some() {
            Covers::Case(glob)
        } else {
            Covers::Requirement(glob)
        },
        pattern,
        owner: owner?.value,
        reason: reason?.value,
        reference: reference?.value,
        expires: expires?,
    })
}

impl Waiver {
    fn covers(&self, outcome: &CaseOutcome, finding: &Finding) -> bool {
        match &self.covers {
            Covers::Case(glob) => glob.is_match(&outcome.id),
            // Of a finding that breaks several requirements none may be left.
            Covers::Requirement(glob) => {
                !finding.requirements.is_empty()
                    && finding.requirements.iter().all(|id| glob.is_match(id))
            }
        }
    }

    /// Whether a case could show that the waiver is needed no more.
    fn concerns(&self, outcome: &CaseOutcome) -> bool {
        match &self.covers {
            Covers::Case(glob) => glob.is_match(&outcome.id),
            Covers::Requirement(glob) => (outcome.requirements.iter())
                .any(|id| glob.is_match(id) && !outcome.not_judged.contains(id)),
        }
    }

    fn in_words(&self) -> String {
        format!(
            "until {}: {} ({}, {})",
            self.expires, self.reason, self.owner, self.reference
        )
    }

    fn name(&self) -> String {
        let what = match self.covers {
            Covers::Case(_) => "case",
            Covers::Requirement(_) => "requirement",
        };
        format!("{what} {}", self.pattern.value)
    }
}

/// What the cases that a waiver concerns came to.
#[derive(Debug, Default)]
struct Seen {
    passed: usize,
    needed: usize,
}

/// Waivers on the day of a run, with what they met.
#[derive(Debug)]
pub(crate) struct InForce {
    waivers: Vec<Waiver>,
    seen: Vec<Seen>,
    today: Date,
    strict: bool,
}

impl InForce {
    /// The outcome, waived where every finding that fails it is covered.
    pub(crate) fn judge(&mut self, mut outcome: CaseOutcome) -> CaseOutcome {
        let today = self.today;
        if outcome.verdict == Verdict::Pass {
            for (waiver, seen) in self.waivers.iter().zip(&mut self.seen) {
                seen.passed += usize::from(waiver.concerns(&outcome));
            }
        }
        if outcome.verdict != Verdict::Fail {
            return outcome;
        }
        let strict = self.strict;
        let failing = |finding: &&Finding| strict || finding.level == Level::Must;
        let mut used = BTreeSet::new();
        let mut covered = true;
        for finding in outcome.findings.iter().filter(failing) {
            let mut by = (0..self.waivers.len())
                .filter(|at| self.waivers[*at].covers(&outcome, finding))
                .peekable();
            covered &= by.clone().any(|at| self.waivers[at].expires >= today);
            used.extend(by.by_ref());
        }
        for at in &used {
            self.seen[*at].needed += 1;
        }
        let holds = |at: &&usize| self.waivers[**at].expires >= today;
        if covered && !used.is_empty() {
            outcome.verdict = Verdict::Waived;
            let words: Vec<String> = (used.iter().filter(holds))
                .map(|at| self.waivers[*at].in_words())
                .collect();
            outcome.reason = Some(words.join("; "));
        } else if let Some(at) = used.iter().find(|at| !holds(at)) {
            outcome.reason = Some(format!(
                "a waiver is over: {}",
                self.waivers[*at].in_words()
            ));
        }
        outcome
    }

    /// What each of them met.
    pub(crate) fn end(&self) -> Vec<Tally> {
        let tally = |(waiver, seen): (&Waiver, &Seen)| Tally {
            waiver: waiver.name(),
            owner: waiver.owner.clone(),
            reason: waiver.reason.clone(),
            reference: waiver.reference.clone(),
            expires: waiver.expires,
            location: waiver.pattern.span.location(),
            passed: seen.passed,
            needed: seen.needed,
        };
        self.waivers.iter().zip(&self.seen).map(tally).collect()
    }
}

/// What is wrong with the waivers themselves, as cases of their own, and what should be known of them.
/// Only where all cases of the suite ran does one that was not needed show that it is out of date.
pub(crate) fn conclude(
    tallies: &[Tally],
    whole: bool,
    started: Timestamp,
) -> (Vec<CaseOutcome>, Vec<String>) {
    let today = today(started);
    let (mut outcomes, mut notices) = (Vec::new(), Vec::new());
    for tally in tallies {
        let Tally {
            waiver,
            owner,
            reason: _,
            reference,
            expires,
            location: _,
            passed,
            needed,
        } = tally;
        let left = today.until(*expires).map_or(0, |left| left.get_days());
        if *expires < today {
            let actual = format!(
                "it expired on {expires}; {owner} is to renew it or to take it out, see {reference}"
            );
            outcomes.push(own(tally, started, "a waiver that is in force", actual));
        } else if *passed > 0 && *needed == 0 {
            let cases = if *passed == 1 { "case" } else { "cases" };
            let actual = format!(
                "{passed} {cases} that it covers passed and none failed; {owner} is to take it out"
            );
            if whole {
                outcomes.push(own(tally, started, "a case that fails", actual));
            } else {
                notices.push(format!(
                    "the waiver of {waiver} may be out of date: {actual}"
                ));
            }
        } else if today
            .checked_add(SOON.days())
            .is_ok_and(|soon| *expires <= soon)
        {
            notices.push(format!("the waiver of {waiver} expires in {left} days, on {expires}; {owner} is to renew it or to take it out, see {reference}"));
        }
    }
    (outcomes, notices)
}

/// The day of a run, by which waivers are in force or over.
pub(crate) fn today(started: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(started).date()
}

/// The group of the cases that are wrong waivers.
pub(crate) const GROUP: &str = "waivers";

/// A waiver that is wrong, as a case of its own.
fn own(tally: &Tally, started: Timestamp, expected: &str, actual: String) -> CaseOutcome {
    let location = tally.location.clone();
    CaseOutcome {
        id: format!("{GROUP}/{}", tally.waiver),
        title: format!("waiver of {}", tally.waiver),
        group: GROUP.to_owned(),
        feature: Some("Known deviations are known, and still there".to_owned()),
        location: location.clone(),
        why: None,
        tags: Vec::new(),
        requirements: Vec::new(),
        verdict: Verdict::Fail,
        reason: None,
        findings: vec![Finding {
            check: "waiver".into(),
            requirements: Vec::new(),
            level: Level::Must,
            expected: expected.to_owned(),
            actual,
            location,
            exchange: None,
        }],
        judged: 1,
        not_judged: Vec::new(),
        observations: Vec::new(),
        leaked: Vec::new(),
        exchanges: Vec::new(),
        requests: 0,
        reproducer: None,
        evidence: None,
        started,
        duration: Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Location;
    use jiff::civil::date;

    const FILE: &str = "\
- case: pools/*
  owner: elb
  reason: known
  reference: V-1
  expires: 2026-11-24
- requirement: DP-1?
  owner: elb
  reason: agreed
  reference: V-2
  expires: 2027-11-24
";

    fn waivers(text: &str) -> Waivers {
        Waivers::read(&Source::new("waivers.yaml", text)).unwrap()
    }

    fn outcome(id: &str, verdict: Verdict, broken: &[&[&str]]) -> CaseOutcome {
        let location = Location {
            file: "f".to_owned(),
            line: 1,
            column: 1,
        };
        let finding = |ids: &&[&str]| Finding {
            check: "status".into(),
            requirements: ids.iter().map(|id| (*id).to_owned()).collect(),
            level: Level::Must,
            expected: "409".to_owned(),
            actual: "204".to_owned(),
            location: location.clone(),
            exchange: None,
        };
        let tally = waivers(FILE)
            .in_force(date(2026, 1, 1), false)
            .end()
            .remove(0);
        CaseOutcome {
            id: id.to_owned(),
            requirements: vec!["DP-10".to_owned()],
            verdict,
            findings: broken.iter().map(finding).collect(),
            ..own(&tally, Timestamp::UNIX_EPOCH, "", String::new())
        }
    }

    #[test]
    fn a_waiver_holds_to_the_end_of_its_last_day_and_covers_all_or_nothing() {
        for (day, id, broken, verdict) in [
            (
                date(2026, 11, 24),
                "pools/a",
                vec![&["DP-99"][..]],
                Verdict::Waived,
            ),
            (
                date(2026, 11, 25),
                "pools/a",
                vec![&["DP-99"][..]],
                Verdict::Fail,
            ),
            (
                date(2026, 11, 25),
                "pools/a",
                vec![&["DP-10"][..]],
                Verdict::Waived,
            ),
            (
                date(2026, 11, 24),
                "other",
                vec![&["DP-10"][..], &["DP-11"]],
                Verdict::Waived,
            ),
            (
                date(2026, 11, 24),
                "other",
                vec![&["DP-10"][..], &["DP-99"]],
                Verdict::Fail,
            ),
            (
                date(2026, 11, 24),
                "other",
                vec![&["DP-10", "DP-99"][..]],
                Verdict::Fail,
            ),
            (date(2026, 11, 24), "other", vec![&[][..]], Verdict::Fail),
        ] {
            let mut force = waivers(FILE).in_force(day, false);
            let judged = force.judge(outcome(id, Verdict::Fail, &broken));
            assert_eq!(judged.verdict, verdict, "{day} {id} {broken:?}");
        }
        let mut force = waivers(FILE).in_force(date(2026, 11, 24), false);
        let judged = force.judge(outcome("pools/a", Verdict::Fail, &[&["DP-99"]]));
        assert_eq!(judged.reason.unwrap(), "until 2026-11-24: known (elb, V-1)");
        let error = force.judge(outcome("pools/a", Verdict::Error, &[]));
        assert_eq!(
            error.verdict,
            Verdict::Error,
            "what could not be judged is not known"
        );
    }

    #[test]
    fn one_that_is_over_or_not_needed_fails_and_one_that_ends_soon_is_told_of() {
        let end = |day, passed: bool, whole| {
            let mut force = waivers(FILE).in_force(day, false);
            let verdict = if passed { Verdict::Pass } else { Verdict::Fail };
            force.judge(outcome(
                "pools/a",
                verdict,
                if passed { &[] } else { &[&["DP-10"]] },
            ));
            let noon = TimeZone::UTC.to_timestamp(day.at(12, 0, 0, 0)).unwrap();
            let (outcomes, notices) = conclude(&force.end(), whole, noon);
            let ids: Vec<String> = outcomes.into_iter().map(|outcome| outcome.id).collect();
            (ids, notices.join("\n"))
        };
        let (ids, notices) = end(date(2026, 11, 20), false, true);
        assert_eq!(ids, [""; 0]);
        assert!(
            notices.starts_with("the waiver of case pools/* expires in 4 days"),
            "{notices}"
        );
        let (ids, notices) = end(date(2026, 11, 25), false, true);
        assert_eq!(ids, ["waivers/case pools/*"]);
        assert_eq!(notices, "");
        let (ids, _) = end(date(2026, 1, 1), true, true);
        assert_eq!(ids, ["waivers/case pools/*", "waivers/requirement DP-1?"]);
        let (ids, notices) = end(date(2026, 1, 1), true, false);
        assert_eq!(ids, [""; 0]);
        assert_eq!(
            notices.matches("may be out of date").count(),
            2,
            "{notices}"
        );
    }

    #[test]
    fn everything_that_is_wrong_with_a_file_is_told_at_once() {
        let text = "\
- case: a
- case: a
  requirement: b
  owner: 1
  reason: ''
  reference: r
  expires: next week
  until: 2027-01-01
- requirement: '['
  owner: o
  reason: r
  reference: r
  expires: 2027-01-01
- text
";
        let found = Waivers::read(&Source::new("waivers.yaml", text)).unwrap_err();
        let told: Vec<String> = found.iter().map(|it| it.message.clone()).collect();
        assert_eq!(
            told,
            [
                "the waiver lacks owner, reason, reference, expires",
                "`until` is no key of a waiver",
                "`owner` is text, and says something",
                "`reason` is text, and says something",
                "a waiver covers cases or requirements, not both",
                "`next week` is no date",
                "`[` is no glob: unclosed character class; missing ']'",
                "a waiver is a mapping, not text",
            ]
        );
        assert_eq!(
            Waivers::read(&Source::new("w", "a: 1")).unwrap_err().len(),
            1
        );
    }

    #[test]
    fn what_covers_nothing_is_told_with_its_place() {
        let found = waivers(FILE).pointless(["other/a".into()].into_iter(), ["DP-1"].into_iter());
        let told: Vec<&str> = found.iter().map(|it| it.message.as_str()).collect();
        assert_eq!(
            told,
            [
                "no case of the suite is `pools/*`",
                "no requirement of the suite is `DP-1?`"
            ]
        );
        let found = waivers(FILE).pointless(["pools/a".into()].into_iter(), ["DP-10"].into_iter());
        assert!(found.is_empty());
    }
}
