//! Two reports side by side: two runs, two versions, or two vendors.

use std::collections::BTreeMap;

use super::escape::{clamp, line};
use super::json::{CaseRecord, Document};
use crate::outcome::{RequirementResult, Verdict};

/// The longest text of a finding or an observation, in characters.
const TEXT: usize = 160;

/// What two reports have in common and what not.
#[derive(Debug, Clone)]
pub struct Compared {
    /// For people.
    pub text: String,
    /// Whether they say different things of the endpoint.
    pub differs: bool,
}

/// Compares two reports. `files` name them where nothing else does.
pub fn compare(one: &Document, other: &Document, files: [&str; 2]) -> Compared {
    let names = names(one, other, files);
    let mut out = Out {
        width: names
            .iter()
            .map(|name| name.chars().count())
            .max()
            .unwrap_or(0),
        names,
        text: String::new(),
        differences: 0,
    };
    out.heading(one, other);
    out.requirements(one, other);
    out.cases(one, other);
    out.observations(one, other);
    if out.differences == 0 {
        out.text.push_str("\nNo differences.\n");
    }
    Compared {
        text: out.text,
        differs: out.differences > 0,
    }
}

/// What tells the two apart: the profile, else the version of the suite or of this program, else the file.
fn names(one: &Document, other: &Document, files: [&str; 2]) -> [String; 2] {
    let of = |document: &Document| {
        let run = &document.run;
        [
            run.profile.clone().unwrap_or_default(),
            format!(
                "{} {}",
                run.suite,
                run.suite_version.as_deref().unwrap_or("")
            ),
            format!("assize {}", run.tool_version),
        ]
    };
    let (ones, others) = (of(one), of(other));
    let apart = (ones.into_iter().zip(others))
        .find(|(one, other)| one != other && !one.is_empty() && !other.is_empty());
    let (one, other) = apart.unwrap_or_else(|| (files[0].to_owned(), files[1].to_owned()));
    [line(one.trim()), line(other.trim())]
}

struct Out {
    names: [String; 2],
    width: usize,
    text: String,
    differences: usize,
}

impl Out {
    fn heading(&mut self, one: &Document, other: &Document) {
        for (name, document) in self.names.clone().iter().zip([one, other]) {
            let counts = &document.summary.counts;
            let profile = (document.run.profile.as_ref())
                .map_or_else(String::new, |profile| format!(" as {profile}"));
            self.text.push_str(&format!(
                "{name:width$}  {}{profile}, {} {}: {} passed, {} failed, {} errors, {} skipped, {} waived\n",
                line(&document.run.endpoint),
                line(&document.run.suite),
                line(document.run.suite_version.as_deref().unwrap_or("")),
                counts.passed,
                counts.failed,
                counts.errors,
                counts.skipped,
                counts.waived,
                width = self.width
            ));
        }
    }

    /// A heading and blocks of two lines each, one for each report.
    fn section(&mut self, title: &str, rows: Vec<(String, [String; 2])>) {
        if rows.is_empty() {
            return;
        }
        self.differences += rows.len();
        self.text.push_str(&format!("\n{title} ({})\n", rows.len()));
        for (what, sides) in rows {
            self.text.push_str(&format!("  {}\n", line(&what)));
            for (name, side) in self.names.iter().zip(sides) {
                let told = format!(
                    "    {name:width$}  {}",
                    clamp(&line(&side), TEXT),
                    width = self.width
                );
                self.text.push_str(told.trim_end());
                self.text.push('\n');
            }
        }
    }

    fn requirements(&mut self, one: &Document, other: &Document) {
        let told = |it: Option<&&RequirementResult>| match it {
            None => "not in this suite".to_owned(),
            Some(it) => format!(
                "{:14} {:10} {}",
                it.level.as_str(),
                it.verdict.map_or("not shown", Verdict::as_str),
                it.text
            ),
        };
        let by_id = |document| -> BTreeMap<&str, &RequirementResult> {
            let list: &Document = document;
            let all = list.summary.requirements.iter();
            all.map(|it| (it.id.as_str(), it)).collect()
        };
        let (ones, others) = (by_id(one), by_id(other));
        // What one contract demands and the other does not comes first; what came of it is another matter.
        let (mut contract, mut results) = (Vec::new(), Vec::new());
        for id in order(ones.keys(), others.keys()) {
            let (a, b) = (ones.get(id.as_str()), others.get(id.as_str()));
            let sides = [told(a), told(b)];
            let says = |it: Option<&&RequirementResult>| it.map(|it| (it.level, it.text.clone()));
            let came = |it: Option<&&RequirementResult>| it.map(|it| it.verdict);
            if says(a) != says(b) {
                contract.push((id.to_owned(), sides));
            } else if came(a) != came(b) {
                results.push((id.to_owned(), sides));
            }
        }
        self.section("What is demanded", contract);
        self.section("What requirements came to", results);
    }

    fn cases(&mut self, one: &Document, other: &Document) {
        let by_id = |document| -> BTreeMap<&str, &CaseRecord> {
            let document: &Document = document;
            let all = document.cases.iter();
            all.map(|it| (it.case.id.as_str(), it)).collect()
        };
        let (ones, others) = (by_id(one), by_id(other));
        let (mut changed, mut only) = (Vec::new(), [Vec::new(), Vec::new()]);
        let ran = |it: Option<&&CaseRecord>| it.is_some_and(|it| it.case.verdict != Verdict::Skip);
        for id in order(
            one.cases.iter().map(|it| &it.case.id),
            other.cases.iter().map(|it| &it.case.id),
        ) {
            let (a, b) = (ones.get(id.as_str()), others.get(id.as_str()));
            match (ran(a), ran(b)) {
                (true, false) => only[0].push(id.to_owned()),
                (false, true) => only[1].push(id.to_owned()),
                (false, false) => {}
                (true, true) => {
                    if let (Some(a), Some(b)) = (a, b)
                        && (a.case.verdict != b.case.verdict || findings(a) != findings(b))
                    {
                        changed.push((id.to_owned(), [in_short(a), in_short(b)]));
                    }
                }
            }
        }
        self.section("What cases came to", changed);
        for (name, ids) in self.names.clone().iter().zip(only) {
            if ids.is_empty() {
                continue;
            }
            self.differences += ids.len();
            self.text
                .push_str(&format!("\nRan for {name} only ({})\n", ids.len()));
            for id in ids {
                self.text.push_str(&format!("  {}\n", line(&id)));
            }
        }
    }

    fn observations(&mut self, one: &Document, other: &Document) {
        let seen = |document: &Document| -> BTreeMap<(String, String), Vec<String>> {
            let mut seen: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
            for CaseRecord { case, .. } in &document.cases {
                for it in &case.observations {
                    let values = seen.entry((case.id.clone(), it.name.clone())).or_default();
                    values.push(it.value.clone());
                }
            }
            seen
        };
        let (ones, others) = (seen(one), seen(other));
        let mut rows = Vec::new();
        for (key, values) in &ones {
            if let Some(theirs) = others.get(key)
                && theirs != values
            {
                let sides = [values.join(", "), theirs.join(", ")];
                rows.push((format!("{}: {}", key.0, key.1), sides));
            }
        }
        self.section("What was observed where the contract is silent", rows);
    }
}

/// What is in either, in the order of the first, then of the second.
fn order<T: AsRef<str>>(
    ones: impl Iterator<Item = T>,
    others: impl Iterator<Item = T>,
) -> Vec<String> {
    let mut known = std::collections::HashSet::new();
    ones.chain(others)
        .map(|id| id.as_ref().to_owned())
        .filter(|id| known.insert(id.clone()))
        .collect()
}

/// What the findings are about. Ids of objects differ from run to run, so their texts are not compared.
fn findings(record: &CaseRecord) -> Vec<(&str, &[String], &str)> {
    let told = record.case.findings.iter();
    told.map(|it| {
        (
            &*it.check,
            it.requirements.as_slice(),
            it.location.file.as_str(),
        )
    })
    .collect()
}

fn in_short(CaseRecord { case, .. }: &CaseRecord) -> String {
    let first = case.findings.first().map(|finding| {
        format!(
            "{}: expected {}, came {}",
            finding.check, finding.expected, finding.actual
        )
    });
    let why = first.or_else(|| case.reason.clone()).unwrap_or_default();
    format!("{:7}{why}", case.verdict.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Observation;
    use crate::report::json::{json, parse};
    use crate::report::sample;
    use crate::suite::model::Level;

    #[test]
    fn a_report_does_not_differ_from_itself_whatever_its_times_and_run_id() {
        let report = sample::everything();
        let one = parse(&json(&report).unwrap()).unwrap();
        let mut later = report.clone();
        later.run_id = "an0ther".to_owned();
        later.duration *= 2;
        later.outcomes[1].duration *= 3;
        let other = parse(&json(&later).unwrap()).unwrap();
        let compared = compare(&one, &other, ["a.json", "b.json"]);
        assert!(!compared.differs, "{}", compared.text);
        assert!(
            compared.text.starts_with("a.json  http://"),
            "{}",
            compared.text
        );
    }

    #[test]
    fn what_differs_stands_side_by_side() {
        let report = sample::everything();
        let one = parse(&json(&report).unwrap()).unwrap();
        let mut vendor = report.clone();
        vendor.profile = Some("octavia".to_owned());
        vendor.requirements[0].level = Level::NotApplicable;
        vendor.requirements[0].text = "A pool goes with its members".to_owned();
        vendor.requirements[1].verdict = Some(Verdict::Pass);
        vendor.outcomes[0].verdict = Verdict::Fail;
        vendor.outcomes[0].findings = vec![sample::finding("status", "409\u{1b}", "204", None)];
        vendor.outcomes[4].verdict = Verdict::Skip;
        vendor.outcomes[7].observations = vec![Observation {
            value: "409".to_owned(),
            ..vendor.outcomes[7].observations[0].clone()
        }];
        let other = parse(&json(&vendor).unwrap()).unwrap();
        let compared = compare(&one, &other, ["a", "b"]);
        assert!(compared.differs);
        for part in [
            "\nWhat is demanded (1)\n  DP-10\n    otc-v2   must           not shown  A pool that has members is not deleted\n    octavia  not_applicable not shown  A pool goes with its members\n",
            "\nWhat requirements came to (1)\n  DP-31\n",
            "\nWhat cases came to (1)\n  pools/delete/in_use/plain\n    otc-v2   pass\n    octavia  fail   status: expected 409\\u{1b}, came 204\n",
            "\nRan for otc-v2 only (1)\n  pools/delete/in_use/quota-b\n",
            "\n  pools/delete/in_use/left: second delete\n    otc-v2   404\n    octavia  409\n",
        ] {
            assert!(
                compared.text.contains(part),
                "{part}\n---\n{}",
                compared.text
            );
        }
    }
}
