//! The names of cases in the XML: unique, and the same in every run.

use std::collections::{HashMap, HashSet};

use super::one_line;
use crate::outcome::{CaseOutcome, RunReport};
use crate::report::escape::clamp;

/// The longest name and classname, in characters; Azure DevOps cuts there.
pub(super) const LONGEST: usize = 512;

/// Classname and name of each case, unique together: GitLab keeps only the first of two that are the same.
pub(super) fn names(report: &RunReport) -> Vec<(String, String)> {
    let plain: Vec<(String, String)> = report
        .outcomes
        .iter()
        .map(|outcome| (classname(outcome, report), name(outcome)))
        .collect();
    let mut count: HashMap<&(String, String), usize> = HashMap::new();
    for pair in &plain {
        *count.entry(pair).or_default() += 1;
    }
    // The names that need no change come first, so that no changed one takes theirs.
    let mut taken: HashSet<(String, String)> = plain
        .iter()
        .filter(|pair| count[pair] == 1)
        .cloned()
        .collect();
    plain
        .iter()
        .zip(&report.outcomes)
        .map(|(pair, outcome)| {
            if count[pair] == 1 {
                return pair.clone();
            }
            let mut suffix = format!(" [{}]", one_line(&outcome.id));
            let mut again = 1;
            loop {
                let unique = (pair.0.clone(), with_suffix(&pair.1, &suffix));
                if taken.insert(unique.clone()) {
                    return unique;
                }
                again += 1;
                suffix = format!(" [{}] ({again})", one_line(&outcome.id));
            }
        })
        .collect()
}

fn classname(outcome: &CaseOutcome, report: &RunReport) -> String {
    let group = if outcome.group.is_empty() {
        &report.suite
    } else {
        &outcome.group
    };
    clamp(&one_line(group).replace('/', "."), LONGEST)
}

fn name(outcome: &CaseOutcome) -> String {
    let title = one_line(&outcome.title);
    let last = one_line(outcome.id.rsplit('/').next().unwrap_or(&outcome.id));
    if title.is_empty() {
        clamp(&last, LONGEST)
    } else if title.chars().nth(LONGEST).is_some() {
        with_suffix(&title, &format!(" [{last}]"))
    } else {
        title
    }
}

/// A name with a suffix in at most 512 characters; of a suffix that takes more than three quarters of
/// them the end is kept, where ids differ.
fn with_suffix(name: &str, suffix: &str) -> String {
    let length = suffix.chars().count();
    let suffix: String = suffix
        .chars()
        .skip(length.saturating_sub(LONGEST * 3 / 4))
        .collect();
    let room = LONGEST - suffix.chars().count();
    format!("{}{suffix}", clamp(name, room))
}

#[cfg(test)]
mod tests {
    use crate::outcome::{CaseOutcome, RunReport, Verdict};
    use crate::report::junit::junit;
    use crate::report::lint::lint;
    use crate::report::sample;

    #[test]
    fn names_are_unique_short_and_the_same_in_every_run() {
        let long = "x".repeat(2000);
        let mut outcomes: Vec<CaseOutcome> = [
            "same",
            "same",
            "same [pools/delete/in_use/0]",
            &long,
            &long,
            " \n ",
            "a\u{1}",
            "a\\u{1}",
            "trimmed ",
            "trimmed",
            "",
            "",
            "other",
            "other",
        ]
        .iter()
        .enumerate()
        .map(|(at, title)| sample::case(&at.to_string(), title, Verdict::Pass))
        .collect();
        // A title under another group is no collision, unless the dots make the groups the same.
        outcomes[12].group = "elsewhere".to_owned();
        outcomes[8].group = "a/b".to_owned();
        outcomes[9].group = "a.b".to_owned();
        // An id that is longer than a name, with its difference at the end.
        outcomes[10].id = format!("{}/a", "i".repeat(900));
        outcomes[11].id = format!("{}b/a", "i".repeat(900));
        let mut report = sample::report(outcomes);
        let names = |report: &RunReport| {
            lint(&junit(report).unwrap()).unwrap().children[0]
                .all("testcase")
                .iter()
                .map(|case| case.attribute("name").to_owned())
                .collect::<Vec<_>>()
        };
        let first = names(&report);
        assert_eq!(
            first[..3],
            [
                "same [pools/delete/in_use/0] (2)",
                "same [pools/delete/in_use/1]",
                "same [pools/delete/in_use/0]"
            ]
        );
        assert!(
            first[3].ends_with("x… [3]") && first[4].ends_with("x… [4]"),
            "{:?}",
            &first[3..5]
        );
        assert_eq!(
            (first[8].as_str(), first[12].as_str()),
            ("trimmed [pools/delete/in_use/8]", "other")
        );
        report.run_id = "an0ther".to_owned();
        report.seed = 77;
        assert_eq!(names(&report), first);
        assert!(!junit(&report).unwrap().contains("an0ther"));
    }
}
