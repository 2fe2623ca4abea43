//! The names of cases in the XML: unique, and the same in every run.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use sha2::{Digest as _, Sha256};

use super::one_line;
use crate::outcome::CaseOutcome;
use crate::report::escape::clamp;

/// The longest name and classname, in characters; Azure DevOps cuts there.
pub(super) const LONGEST: usize = 512;

/// The longest id in a name, in characters; of a longer one the end is kept.
const LONGEST_ID: usize = 384;

/// The names that were given, of which only digests are kept.
#[derive(Debug, Default)]
pub(super) struct Names(HashSet<u64>);

impl Names {
    /// Classname and name of a case, unique together: GitLab keeps only the first of two that are the same.
    ///
    /// Each depends on its own case alone, so that a test keeps its history whatever else was selected. Only
    /// what a suite does not allow, the same title twice in one file, is numbered.
    pub(super) fn of(&mut self, outcome: &CaseOutcome, suite: &str) -> (String, String) {
        let (class, name) = (classname(outcome, suite), name(outcome));
        let mut unique = name.clone();
        let mut again = 1_usize;
        while !self.0.insert(digest(&class, &unique)) {
            again += 1;
            unique = with_suffix(&name, &format!(" ({again})"));
        }
        (class, unique)
    }
}

fn digest(class: &str, name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (class, name).hash(&mut hasher);
    hasher.finish()
}

fn classname(outcome: &CaseOutcome, suite: &str) -> String {
    let group = if outcome.group.is_empty() {
        suite
    } else {
        &outcome.group
    };
    clamp(&one_line(group).replace('/', "."), LONGEST)
}

/// The title, which is unique in its file; with the id behind it where the XML could make it the same as
/// another, or as another with an id behind it.
fn name(outcome: &CaseOutcome) -> String {
    let kept =
        |text: &str| !text.is_empty() && one_line(text) == text && text.chars().count() <= LONGEST;
    let (title, group) = (&outcome.title, &outcome.group);
    if kept(title) && !title.ends_with(']') && kept(group) && !group.contains('.') {
        return title.clone();
    }
    let mut id = one_line(&outcome.id);
    let length = id.chars().count();
    if id != outcome.id || length > LONGEST_ID {
        let digest = Sha256::digest(outcome.id.as_bytes());
        let end: String = id.chars().skip(length.saturating_sub(LONGEST_ID)).collect();
        id = format!(
            "{end} {:02x}{:02x}{:02x}{:02x}",
            digest[0], digest[1], digest[2], digest[3]
        );
    }
    with_suffix(&one_line(title), &format!(" [{id}]"))
        .trim_start()
        .to_owned()
}

/// A name with a suffix in at most 512 characters.
fn with_suffix(name: &str, suffix: &str) -> String {
    let room = LONGEST.saturating_sub(suffix.chars().count());
    format!("{}{suffix}", clamp(name, room))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{RunReport, Verdict};
    use crate::report::junit::junit;
    use crate::report::sample;

    fn names(report: &RunReport) -> Vec<(String, String)> {
        let mut names = Names::default();
        let outcomes = report.outcomes.iter();
        outcomes
            .map(|outcome| names.of(outcome, &report.suite))
            .collect()
    }

    #[test]
    fn a_name_does_not_depend_on_what_else_was_selected() {
        let long = "x".repeat(2000);
        let hostile = [
            "same",
            "same ",
            "same [1]",
            "same [pools/delete/in_use/1]",
            &long,
            " \n ",
            "a\u{1}",
            "a\\u{1}",
            "",
        ];
        let mut outcomes: Vec<CaseOutcome> = hostile
            .iter()
            .enumerate()
            .map(|(at, title)| sample::case(&at.to_string(), title, Verdict::Pass))
            .collect();
        for group in ["a/b", "a.b", "a\u{1}", "a\\u{1}", ""] {
            let mut case = sample::case("other", "same", Verdict::Pass);
            case.group = group.to_owned();
            case.id = format!("{group}/other");
            outcomes.push(case);
        }
        // Ids that are longer than a name, with their difference at the end and at the beginning.
        for id in [
            "i".repeat(900),
            format!("{}b", "i".repeat(899)),
            format!("b{}", "i".repeat(899)),
        ] {
            let mut case = sample::case("long", " same", Verdict::Pass);
            case.id = id;
            outcomes.push(case);
        }
        let report = sample::report(outcomes);
        let all = names(&report);
        let mut unique: Vec<_> = all.iter().collect();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), all.len(), "{all:#?}");
        for (at, outcome) in report.outcomes.iter().enumerate() {
            let alone = names(&sample::report(vec![outcome.clone()]));
            assert_eq!(alone, all[at..=at]);
            assert!(all[at].1.chars().count() <= LONGEST);
        }
        for (at, name) in [
            (0, "same"),
            (1, "same [pools/delete/in_use/1]"),
            (2, "same [1] [pools/delete/in_use/2]"),
            (3, "same [pools/delete/in_use/1] [pools/delete/in_use/3]"),
            (5, "\\u{a} [pools/delete/in_use/5]"),
            (8, "[pools/delete/in_use/8]"),
            (9, "same"),
            (10, "same [a.b/other]"),
        ] {
            assert_eq!(all[at].1, name);
        }
    }

    #[test]
    fn two_cases_with_one_name_are_numbered() {
        let titles = ["twice", "twice", "twice (2)", "twice"];
        let outcomes = titles.map(|title| sample::case("one", title, Verdict::Pass));
        let names = names(&sample::report(outcomes.to_vec()));
        let names: Vec<&str> = names.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(names, ["twice", "twice (2)", "twice (2) (2)", "twice (3)"]);
    }

    #[test]
    fn names_are_the_same_in_every_run() {
        let mut report = sample::everything();
        let first = names(&report);
        report.run_id = "an0ther".to_owned();
        report.seed = 77;
        assert_eq!(names(&report), first);
        assert!(!junit(&report).unwrap().contains("an0ther"));
    }
}
