//! What GitHub shows beside the lines of a change: workflow commands, as many as it takes.

use super::escape::{clamp, line};
use super::evidence::in_short;
use crate::outcome::{CaseOutcome, RunReport, Verdict};
use crate::source::Location;

/// So many of each kind are shown of one step.
const SHOWN: usize = 10;

/// The longest message, in characters.
const MESSAGE: usize = 1000;

/// One line a case that failed or could not be judged, and a warning for those that broke a `should`.
pub fn annotations(report: &RunReport) -> String {
    let wrong = |outcome: &&CaseOutcome| matches!(outcome.verdict, Verdict::Fail | Verdict::Error);
    let doubtful =
        |outcome: &&CaseOutcome| outcome.verdict == Verdict::Pass && !outcome.findings.is_empty();
    let mut out = String::new();
    for outcome in report.outcomes.iter().filter(wrong).take(SHOWN) {
        out.push_str(&command("error", outcome));
    }
    for outcome in report.outcomes.iter().filter(doubtful).take(SHOWN) {
        out.push_str(&command("warning", outcome));
    }
    for notice in report.notices.iter().take(SHOWN) {
        out.push_str(&format!("::notice::{}\n", message(notice)));
    }
    out
}

fn command(kind: &str, outcome: &CaseOutcome) -> String {
    let first = outcome.findings.first();
    let told = first.map_or_else(
        || {
            outcome
                .reason
                .clone()
                .unwrap_or_else(|| outcome.verdict.as_str().to_owned())
        },
        |finding| in_short(finding, MESSAGE),
    );
    let Location { file, line: at, .. } =
        first.map_or(&outcome.location, |finding| &finding.location);
    format!(
        "::{kind} file={},line={at},title={}::{}\n",
        property(file),
        property(&outcome.title),
        message(&format!("{told} ({})", outcome.id))
    )
}

/// Text that cannot end a command or begin another.
fn message(text: &str) -> String {
    clamp(&line(text), MESSAGE).replace('%', "%25")
}

fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn each_is_one_command_and_there_are_ten_of_a_kind_at_the_most() {
        let text = annotations(&sample::everything());
        assert_eq!(
            text.lines().next().unwrap(),
            "::error file=scenarios/pools/delete/in_use.yaml,line=17,title=pool with members → 409::status: expected 409, actual 204 (pools/delete/in_use/pool-with-members)"
        );
        assert_eq!(text.matches("::error ").count(), 3);
        assert_eq!(text.matches("::warning ").count(), 1);
        let hostile = "a\n::error::x\r::stop-commands::y%0A,b:c\u{1b}";
        let outcomes = (0..30)
            .map(|_| {
                let mut case = sample::case("hostile", hostile, Verdict::Fail);
                case.findings = vec![sample::finding("body", hostile, hostile, None)];
                case
            })
            .collect();
        let text = annotations(&sample::report(outcomes));
        assert_eq!(text.lines().count(), 10);
        for line in text.lines() {
            assert!(line.starts_with("::error file="), "{line}");
            assert!(
                line.contains("title=a\\u{a}%3A%3Aerror%3A%3Ax\\u{d}"),
                "{line}"
            );
            assert!(line.contains("%250A") && !line.contains('\u{1b}'), "{line}");
        }
    }
}
