//! The report in short as Markdown, for the pages of a CI system and for comments on a change.

use super::escape::{clamp, line};
use super::evidence::{INSECURE, leak};
use super::layout::spoken;
use crate::outcome::{CaseOutcome, RunReport, Verdict};

/// Cases listed of each kind.
const LISTED: usize = 50;

/// The longest text in a cell, in characters.
const CELL: usize = 200;

/// Bytes of the whole; the places where it is shown take no more than 65,535.
const LIMIT: usize = 60_000;

/// The report in short, in at most 60,000 bytes.
pub fn markdown(report: &RunReport) -> String {
    let counts = report.counts();
    let mut out = Bounded(String::new());
    out.push(&format!("## {}\n\n", heading(report)));
    let profile = (report.profile.as_ref())
        .map_or_else(String::new, |profile| format!(" as {}", code(profile)));
    out.push(&format!(
        "{} {} asked of {}{profile} by assize {} in {}.\n\n",
        text(&report.suite),
        text(report.suite_version.as_deref().unwrap_or("")),
        code(&report.endpoint),
        report.tool_version,
        spoken(report.duration)
    ));
    out.push("| passed | with warnings | failed | not judged | skipped | waived | left objects |\n|--:|--:|--:|--:|--:|--:|--:|\n");
    out.push(&format!(
        "| {} | {} | {} | {} | {} | {} | {} |\n",
        counts.passed,
        counts.warned,
        counts.failed,
        counts.errors,
        counts.skipped,
        counts.waived,
        counts.leaked
    ));
    if let Some(why) = &report.cut_short {
        out.push(&format!("\n**The run was cut short:** {}\n", text(why)));
    }
    if report.insecure {
        out.push(&format!("\n**Warning:** {}\n", text(INSECURE)));
    }
    for notice in &report.notices {
        out.push(&format!("\n- {}\n", text(notice)));
    }
    let of = |verdict| -> Vec<&CaseOutcome> {
        let all = report.outcomes.iter();
        all.filter(|outcome| outcome.verdict == verdict).collect()
    };
    out.table(
        "What failed",
        "| case | requirement | check | expected | came |\n|---|---|---|---|---|",
        &of(Verdict::Fail),
        |outcome| match outcome.findings.first() {
            None => format!(
                "| {} | | | | {} |",
                named(outcome),
                cell(outcome.reason.as_deref())
            ),
            Some(first) => format!(
                "| {} | {} | {} | {} | {} |",
                named(outcome),
                text(&first.requirements.join(", ")),
                text(&first.check),
                cell(Some(&first.expected)),
                cell(Some(&first.actual))
            ),
        },
    );
    let reason = |outcome: &CaseOutcome| {
        format!(
            "| {} | {} |",
            named(outcome),
            cell(outcome.reason.as_deref())
        )
    };
    let head = "| case | reason |\n|---|---|";
    out.table(
        "What could not be judged",
        head,
        &of(Verdict::Error),
        reason,
    );
    out.table("Known to deviate", head, &of(Verdict::Waived), reason);
    let left: Vec<String> = (report.outcomes.iter().flat_map(|outcome| &outcome.leaked))
        .chain(&report.leaked)
        .map(leak)
        .collect();
    if !left.is_empty() {
        out.push("\n### Left on the endpoint\n\n");
        for leak in left.iter().take(LISTED) {
            out.push(&format!("- {}\n", text(leak)));
        }
    }
    if counts.failed + counts.errors > 0 {
        out.push("\n`assize explain REQUIREMENT` says what a requirement demands; the HTML and JUnit reports have the exchanges and a `curl` line for each case.\n");
    }
    out.0
}

/// What the run came to, in a few words.
fn heading(report: &RunReport) -> String {
    let counts = report.counts();
    let ran = counts.passed + counts.failed + counts.errors + counts.waived;
    let mut parts = Vec::new();
    if counts.failed > 0 {
        parts.push(format!("❌ {} of {ran} cases failed", counts.failed));
    }
    if counts.errors > 0 {
        parts.push(format!("⚠️ {} could not be judged", counts.errors));
    }
    if counts.leaked > 0 {
        parts.push(format!("⚠️ {} objects were left behind", counts.leaked));
    }
    match (parts.is_empty(), ran) {
        (true, 0) => "Nothing ran".to_owned(),
        (true, ran) => format!("✅ All {ran} cases passed"),
        _ => parts.join(", "),
    }
}

/// Text that stops growing, with a note, before it is too long.
struct Bounded(String);

impl Bounded {
    fn push(&mut self, piece: &str) {
        const NOTE: &str = "\n\n_The rest was left out to keep this short._\n";
        if self.0.ends_with(NOTE) {
            return;
        }
        if self.0.len() + piece.len() + NOTE.len() > LIMIT {
            self.0.push_str(NOTE);
        } else {
            self.0.push_str(piece);
        }
    }

    fn table(
        &mut self,
        title: &str,
        head: &str,
        outcomes: &[&CaseOutcome],
        row: impl Fn(&CaseOutcome) -> String,
    ) {
        if outcomes.is_empty() {
            return;
        }
        self.push(&format!("\n### {title}\n\n{head}\n"));
        for outcome in outcomes.iter().take(LISTED) {
            self.push(&format!("{}\n", row(outcome)));
        }
        if outcomes.len() > LISTED {
            self.push(&format!("\nand {} more\n", outcomes.len() - LISTED));
        }
    }
}

fn named(outcome: &CaseOutcome) -> String {
    format!(
        "{}<br>{}",
        text(&clamp(&outcome.title, CELL)),
        code(&outcome.id)
    )
}

fn cell(content: Option<&str>) -> String {
    text(&clamp(content.unwrap_or(""), CELL))
}

/// Text that is nothing but text: no markup of Markdown or HTML, no mention, no link, no end of a row.
fn text(text: &str) -> String {
    let mut out = String::new();
    for character in line(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '~' | '!' | '$' => {
                out.push('\\');
                out.push(character);
            }
            // A mention or a link would reach somebody.
            '@' | ':' => out.push_str(&format!("&#{};", u32::from(character))),
            plain => out.push(plain),
        }
    }
    out
}

/// The same in the letters of code.
fn code(text: &str) -> String {
    format!("<code>{}</code>", self::text(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn it_says_what_came_of_the_run_and_of_each_case_that_is_not_well() {
        let text = markdown(&sample::everything());
        for part in [
            "## ❌ 1 of 7 cases failed, ⚠️ 2 could not be judged, ⚠️ 2 objects were left behind\n",
            "| 3 | 1 | 1 | 2 | 1 | 1 | 2 |\n",
            "### What failed\n\n| case | requirement |",
            "| pool with members → 409<br><code>pools/delete/in\\_use/pool-with-members</code> | DP-10 | status | 409 | 204 |\n",
            "### Known to deviate\n\n| case | reason |\n|---|---|\n| known to deviate<br>",
            "- loadbalancer 11aa&#58; still PENDING\\_DELETE\n",
        ] {
            assert!(text.contains(part), "{part}\n---\n{text}");
        }
        assert!(!text.contains("certificate"), "{text}");
        let mut insecure = sample::everything();
        insecure.insecure = true;
        let text = markdown(&insecure);
        assert!(
            text.contains("\n**Warning:** the endpoint's certificate was not looked at&#58; "),
            "{text}"
        );
        let nothing = markdown(&sample::report(Vec::new()));
        assert!(nothing.starts_with("## Nothing ran\n"), "{nothing}");
    }

    #[test]
    fn hostile_text_stays_text_and_the_whole_is_bounded() {
        let hostile = "</code><script>|`x`\n# h\n@everyone ![i](https://evil)\u{1b}[31m\\| **b**";
        let outcomes: Vec<_> = (0..200)
            .map(|at| {
                let id = format!("{at}{}", "é".repeat(900));
                let mut case = sample::case(&id, &hostile.repeat(9), Verdict::Fail);
                case.findings = vec![sample::finding("body", &hostile.repeat(9), hostile, None)];
                case
            })
            .collect();
        let text = markdown(&sample::report(outcomes));
        assert!(text.len() <= LIMIT, "{}", text.len());
        assert!(text.contains("left out to keep this short"));
        assert!(
            !text.contains("<script") && !text.contains("@everyone") && !text.contains("https:")
        );
        assert!(!text.contains('\u{1b}'));
        for row in text.lines().filter(|line| line.starts_with("| &lt;")) {
            let bars = row.replace("\\|", "").matches('|').count();
            assert_eq!(bars, 6, "{row}");
        }
    }
}
