//! The report for a terminal or a log.

use crate::outcome::{CaseOutcome, Event, RunReport, Verdict};

use super::escape::{clamp, line};
use super::evidence::{self, Extent};
use super::layout::{Layout, Tone, indented, spoken};

/// The column in which a case's id begins, after the status word.
const COLUMN: usize = 6;

/// Bytes of exchanges in one block.
const EVIDENCE: usize = 2048;

/// Findings told below the line of a case.
const IN_SHORT: usize = 3;

/// Cases named below one reason.
const SAME_REASON: usize = 10;

/// The longest one-line text, in characters, where the width is not known.
pub(super) const ONE_LINE: usize = 200;

/// How a run is told to people. Every text it gives is without a last newline and can be read without
/// colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Console {
    /// Columns to fit into; `None` for a log, where no line is broken. Ids, places, bodies and `curl` lines
    /// are never broken.
    pub width: Option<usize>,
    /// Whether to colour.
    pub styled: bool,
    /// Whether skipped cases and observations are told case by case, and every header field of an answer.
    pub verbose: bool,
}

impl Console {
    /// What an event is worth saying.
    pub fn event(&self, event: &Event<'_>) -> Option<String> {
        match event {
            Event::Started { cases, skipped, .. } => Some(format!(
                "{} to run, {skipped} skipped",
                counted(*cases, "case", "cases")
            )),
            Event::Progress { .. } | Event::Evidence(..) => None,
            Event::Finished(outcome) => self.finished(outcome),
        }
    }

    /// The line of a case that is done, with one more for each finding, reason and leak. `None` for a skipped
    /// case unless verbose: the summary counts those by their reasons.
    pub fn finished(&self, outcome: &CaseOutcome) -> Option<String> {
        let mut lines = Vec::new();
        let one_line = self
            .width
            .unwrap_or(ONE_LINE)
            .saturating_sub(COLUMN)
            .max(40);
        let reason = outcome
            .reason
            .as_deref()
            .map(|reason| clamp(&line(reason), one_line));
        if outcome.verdict == Verdict::Skip && !self.verbose && outcome.leaked.is_empty() {
            return None;
        }
        lines.push(self.status_line(outcome));
        lines.extend(indented(COLUMN, evidence::not_judged(outcome)));
        match outcome.verdict {
            Verdict::Pass | Verdict::Fail => lines.extend(indented(
                COLUMN,
                capped(
                    outcome
                        .findings
                        .iter()
                        .map(|finding| evidence::in_short(finding, one_line)),
                    IN_SHORT,
                ),
            )),
            Verdict::Error | Verdict::Skip | Verdict::Waived => {
                lines.extend(indented(COLUMN, reason));
            }
        }
        if self.verbose {
            lines.extend(indented(
                COLUMN,
                outcome.observations.iter().map(|seen| {
                    clamp(
                        &line(&format!("recorded {}: {}", seen.name, seen.value)),
                        one_line,
                    )
                }),
            ));
        }
        for leak in &outcome.leaked {
            lines.push(format!(
                "{}{}  {}",
                self.word(Word::Leak),
                line(&outcome.id),
                evidence::leak(leak)
            ));
        }
        Some(lines.join("\n"))
    }

    /// Everything worth knowing at the end: blocks for what is not well, short lists for the rest, the counts.
    pub fn summary(&self, report: &RunReport) -> String {
        let mut blocks = Vec::new();
        let of = |verdict| {
            report
                .outcomes
                .iter()
                .filter(move |outcome| outcome.verdict == verdict)
        };
        blocks.extend(of(Verdict::Fail).map(|outcome| self.block(Word::Fail, outcome, report)));
        blocks.extend(self.errors(report));
        blocks.extend(
            of(Verdict::Pass)
                .filter(|outcome| !outcome.findings.is_empty())
                .map(|outcome| self.block(Word::Warn, outcome, report)),
        );
        blocks.extend(self.leaks(report));
        blocks.extend(self.waived(report));
        blocks.extend(self.skipped(report));
        blocks.extend(self.observations(report));
        blocks.extend(self.unshown(report));
        let mut last: Vec<String> = (report.notices.iter())
            .map(|notice| clamp(&line(notice), ONE_LINE))
            .collect();
        if let Some(why) = &report.cut_short {
            last.push(format!(
                "{}{}",
                self.word(Word::Error),
                clamp(&line(&format!("the run was cut short: {why}")), ONE_LINE)
            ));
        }
        if report.insecure {
            last.push(format!("{}{}", self.word(Word::Warn), evidence::INSECURE));
        }
        last.push(self.counts(report));
        blocks.push(last);
        blocks
            .iter()
            .map(|lines| lines.join("\n"))
            .collect::<Vec<_>>()
            .join("\n\n")
    }

    pub(super) fn layout(&self) -> Layout {
        Layout {
            width: self.width,
            styled: self.styled,
        }
    }

    fn extent(&self) -> Extent {
        Extent {
            exchanges: EVIDENCE,
            every_header: self.verbose,
        }
    }

    /// A status word, filled up to the column.
    fn word(&self, word: Word) -> String {
        let (text, tone) = word.text();
        self.layout().paint(tone, text) + &" ".repeat(COLUMN - text.len())
    }

    fn status_line(&self, outcome: &CaseOutcome) -> String {
        let id = line(&outcome.id);
        let time = if outcome.verdict == Verdict::Skip {
            String::new()
        } else {
            format!("  ({})", spoken(outcome.duration))
        };
        let mut title = line(&outcome.title);
        if let Some(width) = self.width {
            let room = width.saturating_sub(COLUMN + id.chars().count() + 2 + time.chars().count());
            title = if room < 12 {
                String::new()
            } else {
                clamp(&title, room)
            };
        }
        let gap = if title.is_empty() { "" } else { "  " };
        format!(
            "{}{id}{gap}{title}{}",
            self.word(Word::of(outcome)),
            self.layout().paint(Tone::Quiet, &time)
        )
    }

    fn title(&self, word: Word, title: &str) -> String {
        format!(
            "{}{}",
            self.word(word),
            self.layout().paint(Tone::Heading, &line(title))
        )
    }

    fn block(&self, word: Word, outcome: &CaseOutcome, report: &RunReport) -> Vec<String> {
        let lines = evidence::case(
            outcome,
            &report.requirements,
            self.layout().within(COLUMN),
            self.extent(),
        );
        std::iter::once(self.title(word, &outcome.title))
            .chain(indented(COLUMN, lines))
            .collect()
    }

    /// What could not be judged; a reason that hits many cases is told once. A case with findings of its own
    /// keeps its block.
    fn errors(&self, report: &RunReport) -> Vec<Vec<String>> {
        let mut groups: Vec<Vec<&CaseOutcome>> = Vec::new();
        let plain = |outcome: &CaseOutcome| outcome.findings.is_empty() && outcome.reason.is_some();
        for outcome in &report.outcomes {
            if outcome.verdict != Verdict::Error {
                continue;
            }
            let same = groups.iter_mut().find(|group| {
                plain(outcome) && plain(group[0]) && group[0].reason == outcome.reason
            });
            match same {
                Some(group) => group.push(outcome),
                None => groups.push(vec![outcome]),
            }
        }
        let told = |group: Vec<&CaseOutcome>| match group.as_slice() {
            [outcome] => self.block(Word::Error, outcome, report),
            cases => self.same_reason(cases),
        };
        groups.into_iter().map(told).collect()
    }

    /// One block for cases that came to nothing for one reason, with the first exchange that shows it.
    fn same_reason(&self, cases: &[&CaseOutcome]) -> Vec<String> {
        let layout = self.layout().within(COLUMN);
        let title = format!("{} cases for the same reason", cases.len());
        let mut lines = evidence::reason(cases[0], layout);
        lines.push("cases".to_owned());
        let ids = cases.iter().map(|outcome| line(&outcome.id));
        lines.extend(indented(2, capped(ids, SAME_REASON)));
        if let Some(outcome) = cases.iter().find(|outcome| !outcome.exchanges.is_empty()) {
            let places = evidence::shown(outcome);
            lines.extend(evidence::exchanges(outcome, &places, layout, self.extent()));
        }
        std::iter::once(self.title(Word::Error, &title))
            .chain(indented(COLUMN, lines))
            .collect()
    }

    fn leaks(&self, report: &RunReport) -> Vec<Vec<String>> {
        let layout = self.layout().within(COLUMN);
        let mut blocks = Vec::new();
        for outcome in report
            .outcomes
            .iter()
            .filter(|outcome| !outcome.leaked.is_empty())
        {
            let mut lines = evidence::heading(outcome, layout);
            lines.extend(
                outcome
                    .leaked
                    .iter()
                    .flat_map(|leak| layout.hang("left", 10, &evidence::leak(leak))),
            );
            lines.extend(evidence::exchanges(
                outcome,
                &evidence::of_leaks(outcome),
                layout,
                self.extent(),
            ));
            blocks.push(
                std::iter::once(self.title(Word::Leak, &outcome.title))
                    .chain(indented(COLUMN, lines))
                    .collect(),
            );
        }
        if !report.leaked.is_empty() {
            let lines = report
                .leaked
                .iter()
                .flat_map(|leak| layout.hang("left", 10, &evidence::leak(leak)));
            blocks.push(
                std::iter::once(self.title(Word::Leak, "objects that cases shared"))
                    .chain(indented(COLUMN, lines))
                    .collect(),
            );
        }
        blocks
    }
}

/// What stands in the first column.
#[derive(Debug, Clone, Copy)]
enum Word {
    Pass,
    Warn,
    Fail,
    Error,
    Skip,
    Waived,
    Leak,
}

impl Word {
    fn of(outcome: &CaseOutcome) -> Self {
        match outcome.verdict {
            Verdict::Pass if outcome.findings.is_empty() => Self::Pass,
            Verdict::Pass => Self::Warn,
            Verdict::Fail => Self::Fail,
            Verdict::Error => Self::Error,
            Verdict::Skip => Self::Skip,
            Verdict::Waived => Self::Waived,
        }
    }

    /// Five letters at most.
    fn text(self) -> (&'static str, Tone) {
        match self {
            Self::Pass => ("PASS", Tone::Good),
            Self::Warn => ("WARN", Tone::Doubtful),
            Self::Fail => ("FAIL", Tone::Bad),
            Self::Error => ("ERROR", Tone::Unjudged),
            Self::Skip => ("SKIP", Tone::Quiet),
            Self::Waived => ("KNOWN", Tone::Quiet),
            Self::Leak => ("LEAK", Tone::Doubtful),
        }
    }
}

/// The first of the lines, and how many more there are.
pub(super) fn capped(lines: impl ExactSizeIterator<Item = String>, limit: usize) -> Vec<String> {
    let more = lines.len().saturating_sub(limit);
    let mut shown: Vec<String> = lines.take(limit).collect();
    if more > 0 {
        shown.push(format!("… and {more} more"));
    }
    shown
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::exchange::{Phase, TransportError};
    use crate::outcome::{Leak, Observation};
    use crate::report::sample;
    use crate::suite::model::Level;

    const PLAIN: Console = Console {
        width: None,
        styled: false,
        verbose: false,
    };

    #[test]
    fn each_case_has_its_line_and_what_is_not_well_below_it() {
        let report = sample::everything();
        let lines: Vec<String> = report
            .outcomes
            .iter()
            .filter_map(|outcome| PLAIN.finished(outcome))
            .collect();
        assert_eq!(
            lines.join("\n"),
            "\
PASS  pools/delete/in_use/plain  pool with a monitor → 409  (12 ms)
FAIL  pools/delete/in_use/pool-with-members  pool with members → 409  (12 ms)
      status: expected 409, actual 204
      unchanged: expected the pool reads as before, actual it is gone\\u{a}57 passed, 0 failed
WARN  pools/delete/in_use/slow  says which member → message  (12 ms)
      body: expected a message, actual \\u{1b}[2Jnone
ERROR pools/delete/in_use/quota-a  quota  (12 ms)
      set-up was refused: POST /v2.0/lbaas/pools gave 413
ERROR pools/delete/in_use/quota-b  quota  (12 ms)
      set-up was refused: POST /v2.0/lbaas/pools gave 413
KNOWN pools/delete/in_use/known  known to deviate  (12 ms)
      until 2027-01-31: VENDOR-12
PASS  pools/delete/in_use/left  clean pool → 204  (12 ms)
LEAK  pools/delete/in_use/left  pool 7f3e: DELETE gave 500"
        );
    }

    #[test]
    fn skipped_cases_are_told_with_their_reason_when_asked_for() {
        let report = sample::everything();
        let verbose = Console {
            verbose: true,
            ..PLAIN
        };
        let skipped = report
            .outcomes
            .iter()
            .find(|outcome| outcome.verdict == Verdict::Skip)
            .unwrap();
        assert_eq!(PLAIN.finished(skipped), None);
        assert_eq!(
            verbose.finished(skipped).unwrap(),
            "SKIP  pools/delete/in_use/no-members  no members here\n      the profile blocks by nothing"
        );
        assert!(
            PLAIN
                .summary(&report)
                .contains("Skipped\n     1 × the profile blocks by nothing\n")
        );
    }

    #[test]
    fn events_are_told() {
        let case = sample::case("plain", "plain", Verdict::Pass);
        assert_eq!(
            PLAIN
                .event(&Event::Started {
                    run: &sample::report(Vec::new()),
                    cases: 1,
                    skipped: 2
                })
                .unwrap(),
            "1 case to run, 2 skipped"
        );
        assert_eq!(PLAIN.event(&Event::Progress { done: 1 }), None);
        assert_eq!(PLAIN.event(&Event::Finished(&case)), PLAIN.finished(&case));
    }

    #[test]
    fn a_narrow_line_gives_up_its_title_and_never_its_id() {
        let case = sample::case(
            "pool-with-members",
            "a pool with members is refused",
            Verdict::Pass,
        );
        for (width, line) in [
            (
                90,
                "PASS  pools/delete/in_use/pool-with-members  a pool with members is refused  (12 ms)",
            ),
            (
                70,
                "PASS  pools/delete/in_use/pool-with-members  a pool with mem…  (12 ms)",
            ),
            (20, "PASS  pools/delete/in_use/pool-with-members  (12 ms)"),
        ] {
            assert_eq!(
                Console {
                    width: Some(width),
                    ..PLAIN
                }
                .finished(&case)
                .unwrap(),
                line
            );
        }
    }

    #[test]
    fn a_failure_and_a_refused_set_up_are_told_with_everything_that_shows_them() {
        let report = sample::everything();
        let summary = PLAIN.summary(&report);
        let block = "\
FAIL  pool with members → 409
      case      pools/delete/in_use/pool-with-members
      scenario  scenarios/pools/delete/in_use.yaml:12
      DP-10     must: A pool that has members is not deleted

      status (DP-10 must)
        expected  409
        actual    204
        asked at  scenarios/pools/delete/in_use.yaml:17

      unchanged (DP-10 must)
        expected  the pool reads as before
        actual    it is gone
                  57 passed, 0 failed
        asked at  scenarios/pools/delete/in_use.yaml:17

      exchange 2 of 2, act, 3 ms
        DELETE http://127.0.0.1:9876/v2.0/lbaas/pools/7f3e
        → 204 No Content
        content-type: application/json
        (no body)
      to repeat it
        curl -i -X DELETE 'http://127.0.0.1:9876/v2.0/lbaas/pools/7f3e' -H 'X-Auth-Token: '\"${token:?}\"

ERROR 2 cases for the same reason
      reason    set-up was refused: POST /v2.0/lbaas/pools gave 413
      cases
        pools/delete/in_use/quota-a
        pools/delete/in_use/quota-b

      exchange 1 of 1, set-up, 3 ms
        POST http://127.0.0.1:9876/v2.0/lbaas/pools/7f3e
        → 413 Payload Too Large
        content-type: application/json
        quota\\u{7}
      to repeat it
";
        assert!(summary.starts_with(block), "{summary}");
    }

    #[test]
    fn the_same_reason_is_told_once_with_the_cases_that_it_hit() {
        let mut outcomes = Vec::new();
        for at in 0..14 {
            let mut outcome = sample::case(&format!("case-{at}"), "some title", Verdict::Error);
            outcome.reason = Some(
                if at == 7 {
                    "another"
                } else {
                    "could not connect"
                }
                .to_owned(),
            );
            outcomes.push(outcome);
        }
        let summary = PLAIN.summary(&sample::report(outcomes));
        assert_eq!(summary.matches("\nERROR").count() + 1, 2);
        assert_eq!(summary.matches("reason    could not connect").count(), 1);
        assert!(
            summary.contains("ERROR 13 cases for the same reason\n      reason    could not connect\n      cases\n        pools/delete/in_use/case-0\n"),
            "{summary}"
        );
        assert!(
            summary.contains("case-10\n        … and 3 more\n") && !summary.contains("case-11"),
            "{summary}"
        );
    }

    #[test]
    fn a_case_with_findings_of_its_own_is_not_lost_in_a_shared_reason() {
        let outcomes = ["a", "b", "c"].map(|name| {
            let mut outcome = sample::case(name, "some title", Verdict::Error);
            outcome.reason = Some("timed out".to_owned());
            outcome
        });
        let mut report = sample::report(outcomes.to_vec());
        report.outcomes[1].findings = vec![sample::finding("status", "409", "204", None)];
        let summary = PLAIN.summary(&report);
        assert!(
            summary.starts_with("ERROR 2 cases for the same reason\n"),
            "{summary}"
        );
        assert!(
            summary.contains("\nERROR some title\n      case      pools/delete/in_use/b\n"),
            "{summary}"
        );
    }

    #[test]
    fn a_leak_is_told_with_the_refusal() {
        let summary = PLAIN.summary(&sample::everything());
        for part in [
            "LEAK  clean pool → 204\n",
            "left      pool 7f3e: DELETE gave 500\n\n      exchange 1 of 1, clean-up",
            "LEAK  objects that cases shared\n      left      loadbalancer 11aa: still PENDING_DELETE\n",
        ] {
            assert!(summary.contains(part), "{part}\n{summary}");
        }
    }

    #[test]
    fn what_was_recorded_is_listed_with_a_limit() {
        let mut outcome = sample::case("a", "a", Verdict::Pass);
        outcome.observations = (0..25)
            .map(|at| Observation {
                requirements: Vec::new(),
                name: format!("seen-{at}"),
                value: "\u{1b}x".to_owned(),
            })
            .collect();
        outcome.observations.push(Observation {
            requirements: Vec::new(),
            name: "seen-0".to_owned(),
            value: "\u{1b}x".to_owned(),
        });
        let summary = PLAIN.summary(&sample::report(vec![outcome]));
        assert!(
            summary.contains("Recorded, not judged\n  seen-0: \\u{1b}x  (in 2 cases)\n"),
            "{summary}"
        );
        assert!(
            summary.contains("seen-19: \\u{1b}x\n  … and 5 more\n") && !summary.contains("seen-20"),
            "{summary}"
        );
    }

    #[test]
    fn binding_requirements_without_a_passing_case_are_named_with_the_cause() {
        let summary = |verdict, recorded, untested: Option<&str>| {
            let mut report = sample::report(vec![sample::case("a", "a", verdict)]);
            report.requirements[0].verdict = recorded;
            report.requirements[0].untested = untested.map(str::to_owned);
            PLAIN.summary(&report)
        };
        assert!(!summary(Verdict::Pass, Some(Verdict::Pass), None).contains("DP-10"));
        for (verdict, recorded, untested, said) in [
            (
                Verdict::Fail,
                Some(Verdict::Fail),
                None,
                "  failed               DP-10\n  no case selected     DP-31\n",
            ),
            (
                Verdict::Error,
                Some(Verdict::Error),
                None,
                "  could not be judged  DP-10\n",
            ),
            (
                Verdict::Skip,
                Some(Verdict::Skip),
                None,
                "  skipped              DP-10\n",
            ),
            (
                Verdict::Skip,
                None,
                Some("needs hardware"),
                "  not tested           DP-10: needs hardware\n",
            ),
            (
                Verdict::Skip,
                None,
                None,
                "  no case selected     DP-10, DP-31\n",
            ),
        ] {
            let summary = summary(verdict, recorded, untested);
            assert!(
                summary.contains("Requirements at level must without a passing case\n")
                    && summary.contains(said),
                "{said}\n{summary}"
            );
        }
        let mut report = sample::report(Vec::new());
        report
            .requirements
            .iter_mut()
            .for_each(|requirement| requirement.level = Level::Should);
        assert_eq!(
            PLAIN.summary(&report),
            "0 passed, 0 failed, 0 errors, 0 skipped in 1.234 s"
        );
    }

    #[test]
    fn a_pass_that_was_held_to_nothing_says_so() {
        let mut seen = sample::case("seen", "a second deletion", Verdict::Pass);
        seen.judged = 0;
        assert_eq!(
            PLAIN.finished(&seen).unwrap(),
            "PASS  pools/delete/in_use/seen  a second deletion  (12 ms)\n      nothing was judged, only observed"
        );
        let mut partly = sample::case("partly", "a lock", Verdict::Pass);
        partly.not_judged = vec!["DP-47".to_owned(), "DP-48\n".to_owned()];
        assert_eq!(
            PLAIN.finished(&partly).unwrap(),
            "PASS  pools/delete/in_use/partly  a lock  (12 ms)\n      not judged: DP-47, DP-48\\u{a}"
        );
        let mut report = sample::everything();
        report.outcomes.extend([seen, partly]);
        let summary = PLAIN.summary(&report);
        assert!(
            summary.contains(
                "\n5 passed (1 with warnings, 1 judged in part, 1 only observed), 1 failed"
            ),
            "{summary}"
        );
        report.outcomes.retain(CaseOutcome::only_observed);
        report.outcomes[0].not_judged = vec!["DP-10".to_owned()];
        report.requirements[0].verdict = Some(Verdict::Error);
        let summary = PLAIN.summary(&report);
        assert!(
            summary.contains("could not be judged  DP-10\n")
                && summary.contains("\n1 passed (1 only observed), 0 failed"),
            "{summary}"
        );
    }

    #[test]
    fn the_last_line_counts_and_the_one_before_says_what_cut_the_run_short() {
        let mut report = sample::everything();
        let last = |report: &RunReport| {
            PLAIN
                .summary(report)
                .lines()
                .last()
                .map(str::to_owned)
                .unwrap()
        };
        assert_eq!(
            last(&report),
            "3 passed (1 with warnings), 1 failed, 2 errors, 1 skipped, 1 waived, 2 leaked in 1.234 s"
        );
        report.cut_short = Some("interrupted\nby hand".to_owned());
        assert!(
            PLAIN
                .summary(&report)
                .contains("\n\nERROR the run was cut short: interrupted\\u{a}by hand\n3 passed")
        );
        let mut report = sample::report(
            (0..57)
                .map(|at| sample::case(&format!("{at}"), "a", Verdict::Pass))
                .collect(),
        );
        report.duration = Duration::from_secs(61);
        assert_eq!(
            last(&report),
            "57 passed, 0 failed, 0 errors, 0 skipped in 61.000 s"
        );
    }

    #[test]
    fn without_colour_there_is_no_control_character_whatever_was_sent() {
        let hostile = "\u{0}\u{1b}[2J\u{1b}]0;x\u{7}\r\u{85}\u{9b}1m\u{202e}\u{2066}\u{2028}\u{ffff}\n57 passed, 0 failed, 0 errors, 0 skipped in 0.001 s";
        let mut outcomes = Vec::new();
        for verdict in [
            Verdict::Pass,
            Verdict::Fail,
            Verdict::Error,
            Verdict::Skip,
            Verdict::Waived,
        ] {
            let mut case = sample::case(hostile, hostile, verdict);
            case.location.file = hostile.to_owned();
            case.requirements = vec![hostile.to_owned()];
            case.reason = Some(hostile.to_owned());
            case.findings = vec![
                sample::finding("body", hostile, hostile, Some(0)),
                sample::finding("body", hostile, hostile, Some(1)),
            ];
            case.findings[0].requirements = vec![hostile.to_owned()];
            case.findings[0].location.file = hostile.to_owned();
            case.leaked = vec![Leak {
                resource: hostile.to_owned(),
                id: hostile.to_owned(),
                why: hostile.to_owned(),
            }];
            case.observations = vec![Observation {
                requirements: vec![hostile.to_owned()],
                name: hostile.to_owned(),
                value: hostile.to_owned(),
            }];
            let mut answered = sample::exchange(Phase::Act, "GET", 200, hostile.as_bytes());
            answered
                .response
                .as_mut()
                .unwrap()
                .headers
                .push((hostile.to_owned(), hostile.to_owned()));
            answered.request.url.push_str(hostile);
            let mut broken = sample::exchange(Phase::CleanUp, "DELETE", 200, b"");
            broken.request.url.push_str(hostile);
            broken.response = Err(TransportError::Broken(hostile.to_owned()));
            case.exchanges = vec![answered, broken];
            outcomes.push(case);
        }
        let mut report = sample::report(outcomes);
        report.cut_short = Some(hostile.to_owned());
        report.requirements[1].id = hostile.to_owned();
        report.requirements[1].text = hostile.to_owned();
        for width in [None, Some(1), Some(80)] {
            let console = Console {
                width,
                styled: false,
                verbose: true,
            };
            let mut text = console.summary(&report);
            report
                .outcomes
                .iter()
                .filter_map(|outcome| console.finished(outcome))
                .for_each(|lines| text = format!("{lines}\n{text}"));
            assert!(!text.contains(super::super::escape::is_hostile));
            assert_eq!(
                text.lines()
                    .filter(|line| line.starts_with("57 passed"))
                    .count(),
                0,
                "no forged line in the first column"
            );
        }
    }

    #[test]
    fn of_many_exchanges_the_first_are_shown_and_the_rest_counted() {
        let mut case = sample::case("many", "many", Verdict::Fail);
        case.exchanges = (0..9)
            .map(|_| sample::exchange(Phase::Act, "GET", 200, b""))
            .collect();
        case.findings = [7, 2, 2, 5, 6, 8, 99]
            .map(|at| sample::finding("status", "404", "200", Some(at)))
            .to_vec();
        let block = PLAIN.summary(&sample::report(vec![case]));
        let shown: Vec<&str> = block
            .lines()
            .map(str::trim)
            .filter(|line| line.starts_with("exchange ") || line.ends_with("more exchanges"))
            .collect();
        assert_eq!(
            shown,
            [
                "exchange 8 of 9, act, 3 ms",
                "exchange 3 of 9, act, 3 ms",
                "exchange 6 of 9, act, 3 ms",
                "… and 2 more exchanges"
            ]
        );
    }

    #[test]
    fn a_large_answer_is_bounded() {
        let mut case = sample::case("large", "large", Verdict::Fail);
        case.exchanges = vec![
            sample::exchange(Phase::Act, "GET", 200, &vec![b'x'; 5 << 20]),
            sample::exchange(Phase::Act, "GET", 200, &vec![0x1b; 5 << 20]),
            sample::exchange(
                Phase::Act,
                "GET",
                200,
                format!("[{}1]", "1,".repeat(100_000)).as_bytes(),
            ),
        ];
        case.findings = (0..3)
            .map(|at| sample::finding("body", &"e".repeat(5000), "no", Some(at)))
            .collect();
        let block = PLAIN.summary(&sample::report(vec![case]));
        assert!(block.contains("5,242,880 bytes in all") && block.contains("200,003 bytes in all"));
        assert!(block.len() < 12_000, "{}", block.len());
    }
}
