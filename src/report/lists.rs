//! The short lists and the counts with which a run ends on the console.

use crate::outcome::{RequirementResult, RunReport, Verdict};
use crate::suite::model::Level;

use super::console::{Console, ONE_LINE, capped};
use super::escape::{clamp, line};
use super::layout::{Tone, indented};

/// Lines in a list of observations or reasons.
const LISTED: usize = 20;

/// The column after the causes for which requirements are not shown.
const CAUSE: usize = 21;

impl Console {
    /// Failures that a waiver allows.
    pub(super) fn waived(&self, report: &RunReport) -> Option<Vec<String>> {
        let waived = report
            .outcomes
            .iter()
            .filter(|outcome| outcome.verdict == Verdict::Waived);
        let lines = waived.map(|outcome| {
            format!(
                "{}  {}",
                line(&outcome.id),
                self.short(outcome.reason.as_deref().unwrap_or("no reason given"))
            )
        });
        self.section("Waived, known to deviate", lines.collect(), usize::MAX)
    }

    /// How many cases were skipped for which reason.
    pub(super) fn skipped(&self, report: &RunReport) -> Option<Vec<String>> {
        let skipped = report
            .outcomes
            .iter()
            .filter(|outcome| outcome.verdict == Verdict::Skip);
        let reasons = tally(
            skipped
                .map(|outcome| self.short(outcome.reason.as_deref().unwrap_or("no reason given"))),
        );
        self.section(
            "Skipped",
            reasons
                .into_iter()
                .map(|(reason, count)| format!("{count:>4} × {reason}"))
                .collect(),
            LISTED,
        )
    }

    /// What was recorded and not judged.
    pub(super) fn observations(&self, report: &RunReport) -> Option<Vec<String>> {
        let seen = report
            .outcomes
            .iter()
            .flat_map(|outcome| &outcome.observations);
        let seen = tally(seen.map(|seen| {
            let ids = if seen.requirements.is_empty() {
                String::new()
            } else {
                format!("{}  ", seen.requirements.join(", "))
            };
            self.short(&format!("{ids}{}: {}", seen.name, seen.value))
        }));
        let lines = seen.into_iter().map(|(seen, count)| {
            if count > 1 {
                format!("{seen}  (in {count} cases)")
            } else {
                seen
            }
        });
        self.section("Recorded, not judged", lines.collect(), LISTED)
    }

    /// Requirements that bind and that no passing case shows, by what stands in the way. Ids only, so that a
    /// run of few cases does not end in a wall of text.
    pub(super) fn unshown(&self, report: &RunReport) -> Option<Vec<String>> {
        let passed = |requirement: &RequirementResult| {
            report.outcomes.iter().any(|outcome| {
                outcome.verdict == Verdict::Pass
                    && !outcome.not_judged.contains(&requirement.id)
                    && requirement.cases.contains(&outcome.id)
            })
        };
        let mut causes: Vec<(&str, Vec<&str>)> = [
            "failed",
            "could not be judged",
            "waived",
            "skipped",
            "no case selected",
            "none generated",
        ]
        .map(|cause| (cause, Vec::new()))
        .to_vec();
        let mut untested = Vec::new();
        for requirement in &report.requirements {
            if requirement.level != Level::Must || passed(requirement) {
                continue;
            }
            let cause = match (requirement.verdict, &requirement.untested) {
                (None, Some(why)) => {
                    untested.push(format!("{}: {}", requirement.id, clamp(why, ONE_LINE)));
                    continue;
                }
                (Some(Verdict::Fail), _) => 0,
                (Some(Verdict::Error | Verdict::Pass), _) => 1,
                (Some(Verdict::Waived), _) => 2,
                (Some(Verdict::Skip), _) => 3,
                (None, None) if requirement.generated => 5,
                (None, None) => 4,
            };
            causes[cause].1.push(&requirement.id);
        }
        let layout = self.layout().within(2);
        let named = |cause: &str, ids: &str| layout.hang(cause, CAUSE, &line(ids));
        let mut lines: Vec<String> = causes
            .iter()
            .filter(|(_, ids)| !ids.is_empty())
            .flat_map(|(cause, ids)| named(cause, &ids.join(", ")))
            .collect();
        lines.extend(
            untested
                .iter()
                .flat_map(|untested| named("not tested", untested)),
        );
        self.section(
            "Requirements at level must without a passing case",
            lines,
            usize::MAX,
        )
    }

    /// A heading and its list, shortened to so many lines; nothing without a list.
    fn section(&self, heading: &str, lines: Vec<String>, limit: usize) -> Option<Vec<String>> {
        if lines.is_empty() {
            return None;
        }
        Some(
            std::iter::once(self.layout().paint(Tone::Heading, heading))
                .chain(indented(2, capped(lines.into_iter(), limit)))
                .collect(),
        )
    }

    /// A foreign text on one line of a list.
    fn short(&self, text: &str) -> String {
        clamp(
            &line(text),
            self.width.unwrap_or(ONE_LINE).saturating_sub(2).max(40),
        )
    }

    /// How many cases came to what, and how long the run took.
    pub(super) fn counts(&self, report: &RunReport) -> String {
        let counts = report.counts();
        let layout = self.layout();
        let toned = |count: usize, text: String, tone| {
            if count > 0 {
                layout.paint(tone, &text)
            } else {
                text
            }
        };
        let mut line = toned(
            counts.passed,
            format!("{} passed", counts.passed),
            Tone::Good,
        );
        let parts: Vec<String> = [
            (counts.warned, "with warnings"),
            (counts.partly, "judged in part"),
            (counts.observed, "only observed"),
        ]
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
        if !parts.is_empty() {
            line.push_str(&format!(" ({})", parts.join(", ")));
        }
        line.push_str(", ");
        line.push_str(&toned(
            counts.failed,
            format!("{} failed", counts.failed),
            Tone::Bad,
        ));
        line.push_str(", ");
        line.push_str(&toned(
            counts.errors,
            format!("{} errors", counts.errors),
            Tone::Unjudged,
        ));
        line.push_str(&format!(", {} skipped", counts.skipped));
        if counts.waived > 0 {
            line.push_str(&format!(", {} waived", counts.waived));
        }
        if counts.leaked > 0 {
            line.push_str(", ");
            line.push_str(&toned(
                counts.leaked,
                format!("{} leaked", counts.leaked),
                Tone::Doubtful,
            ));
        }
        line.push_str(&format!(" in {:.3} s", report.duration.as_secs_f64()));
        line
    }
}

/// Equal texts with how often they came, in the order of their first.
fn tally(texts: impl Iterator<Item = String>) -> Vec<(String, usize)> {
    let mut places = std::collections::HashMap::new();
    let mut counted: Vec<(String, usize)> = Vec::new();
    for text in texts {
        let at = *places.entry(text).or_insert_with_key(|text| {
            counted.push((text.clone(), 0));
            counted.len() - 1
        });
        counted[at].1 += 1;
    }
    counted
}
