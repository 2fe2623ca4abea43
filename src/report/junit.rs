//! The report as JUnit XML, the way the CI systems really read it.
//!
//! Three levels and no more; every text passes a character filter of our own first, because the writer
//! below drops what it does not like and lets U+FFFE through. Nothing in a name differs from run to run.

use std::collections::{HashMap, HashSet};

use quick_junit::{NonSuccessKind, Property, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use crate::outcome::{CaseOutcome, RequirementResult, RunReport, Verdict};

use super::escape::{clamp, line, terminal, xml};
use super::evidence::{self, Extent};
use super::layout::Layout;

/// The longest name and classname, in characters; Azure DevOps cuts there.
const NAME: usize = 512;

/// The longest `message`, in characters.
const MESSAGE: usize = 300;

/// Bytes of exchanges in the text of one case.
const EVIDENCE: usize = 4096;

/// Bytes of text in the whole file. From there on cases keep their messages only: GitLab refuses files of
/// 30 MB, and escaping adds to what is counted here.
const TEXTS: usize = 12 << 20;

/// The report as one JUnit XML document.
///
/// A failure is the endpoint's, an error says that a case could not be judged, a waived case is skipped and
/// says so. The file's name should be `TEST-<suite>.xml`; the gate is the exit code, never this file.
pub fn junit(report: &RunReport) -> Result<String, SerializeError> {
    junit_within(report, TEXTS)
}

/// The same with a limit on the bytes of text.
fn junit_within(report: &RunReport, mut texts: usize) -> Result<String, SerializeError> {
    let name = clamp(&one_line(&match &report.profile {
        Some(profile) => format!("{} ({profile})", report.suite),
        None => report.suite.clone(),
    }), NAME);
    let mut suite = TestSuite::new(name.as_str());
    suite.set_time(report.duration);
    suite.extra.insert("timestamp".into(), report.started.strftime("%Y-%m-%dT%H:%M:%S.%3f+00:00").to_string().into());
    suite.extra.insert("hostname".into(), one_line(host(&report.endpoint)).into());
    suite.add_properties(suite_properties(report));
    for ((classname, name), outcome) in names(report).into_iter().zip(&report.outcomes) {
        let mut case = TestCase::new(name, status(outcome, report, &mut texts));
        case.set_classname(classname);
        case.set_time(outcome.duration);
        case.extra.insert("file".into(), one_line(&outcome.location.file).into());
        case.extra.insert("line".into(), outcome.location.line.to_string().into());
        case.properties = case_properties(outcome, report);
        if outcome.verdict == Verdict::Pass && !outcome.leaked.is_empty() {
            case.set_system_out(text(&leaks(outcome)));
        }
        suite.add_test_case(case);
    }
    let mut document = Report::new(name);
    document.set_time(report.duration);
    document.add_test_suite(suite);
    document.to_string()
}

/// The endpoint's host and port.
fn host(endpoint: &str) -> &str {
    let rest = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

fn suite_properties(report: &RunReport) -> Vec<Property> {
    let mut properties = vec![property("tool", &format!("assize {}", report.tool_version)), property("endpoint", &report.endpoint), property("seed", &report.seed.to_string())];
    properties.extend(report.suite_version.as_ref().map(|version| property("suite_version", version)));
    properties.extend(report.profile.as_ref().map(|profile| property("profile", profile)));
    properties.extend(report.cut_short.as_ref().map(|why| property("cut_short", why)));
    properties.extend(report.leaked.iter().map(|leak| property("leaked", &evidence::leak(leak))));
    properties
}

fn case_properties(outcome: &CaseOutcome, report: &RunReport) -> Vec<Property> {
    let level = |id: &String| report.requirements.iter().find(|requirement| requirement.id == *id).map(|requirement: &RequirementResult| requirement.level);
    let mut properties = vec![property("id", &outcome.id)];
    properties.extend(outcome.requirements.iter().map(|id| property("requirement", id)));
    properties.extend(outcome.requirements.iter().filter_map(level).max().map(|level| property("level", level.as_str())));
    properties.extend(report.profile.as_ref().map(|profile| property("profile", profile)));
    if outcome.verdict == Verdict::Waived {
        properties.push(property("waived", outcome.reason.as_deref().unwrap_or("true")));
    }
    if outcome.verdict == Verdict::Pass {
        properties.extend(outcome.findings.iter().map(|finding| property("warning", &evidence::in_short(finding, MESSAGE))));
    }
    properties
}

fn property(name: &str, value: &str) -> Property {
    Property::new(name, clamp(&one_line(value), MESSAGE))
}

fn status(outcome: &CaseOutcome, report: &RunReport, texts: &mut usize) -> TestCaseStatus {
    let reason = || outcome.reason.as_deref().unwrap_or("no reason given");
    let mut status = match outcome.verdict {
        Verdict::Pass => return TestCaseStatus::success(),
        Verdict::Skip => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(message(reason()));
            // GitLab shows the text and not the message.
            status.set_description(text(&format!("{}\n{}", clamp(&terminal(reason()), MESSAGE), leaks(outcome))).trim_end());
            return status;
        }
        Verdict::Fail => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(message(&findings_in_short(outcome)));
            status.set_type(outcome.findings.first().map_or("failure", |finding| finding.check));
            status
        }
        Verdict::Error => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(message(reason()));
            status.set_type(outcome.findings.first().map_or("not_judged", |finding| finding.check));
            status
        }
        Verdict::Waived => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(message(&format!("waived: {}", reason())));
            status
        }
    };
    let described = text(&description(outcome, report));
    if described.len() <= *texts {
        *texts -= described.len();
        status.set_description(described);
    } else {
        *texts = 0;
        status.set_description(text(&format!("{}\n\nThe rest was left out to keep this file small enough to be read.", evidence::place(&outcome.location))));
    }
    status
}

fn findings_in_short(outcome: &CaseOutcome) -> String {
    let mut findings = outcome.findings.iter();
    let more = findings.len().saturating_sub(1);
    match findings.next() {
        None => outcome.reason.clone().unwrap_or_else(|| "failed".to_owned()),
        Some(first) if more == 0 => evidence::in_short(first, MESSAGE),
        Some(first) => {
            let note = format!(" (and {more} more)");
            evidence::in_short(first, MESSAGE - note.len()) + &note
        }
    }
}

/// Everything about a case: findings, exchanges, the line that repeats them, what it left behind.
fn description(outcome: &CaseOutcome, report: &RunReport) -> String {
    let mut lines = evidence::case(outcome, &report.requirements, Layout::PLAIN, Extent { exchanges: EVIDENCE, every_header: false });
    if !outcome.leaked.is_empty() {
        lines.push(String::new());
        lines.push(leaks(outcome));
    }
    lines.join("\n")
}

fn leaks(outcome: &CaseOutcome) -> String {
    outcome.leaked.iter().map(|leak| format!("left on the endpoint: {}", evidence::leak(leak))).collect::<Vec<_>>().join("\n")
}

fn message(message: &str) -> String {
    clamp(&one_line(message), MESSAGE)
}

/// A text that the XML writer changes nothing about: it would drop tabs and control characters. GitLab and
/// Azure take `[[ATTACHMENT|path]]` for a file to upload, which an answer must not be able to ask for.
fn text(text: &str) -> String {
    xml(&terminal(text)).replace('\t', "    ").replace("[[ATTACHMENT", "[ [ATTACHMENT")
}

/// The same on one line, for an attribute.
fn one_line(text: &str) -> String {
    xml(&line(text)).replace("[[ATTACHMENT", "[ [ATTACHMENT").trim().to_owned()
}

/// Classname and name of each case, unique together: GitLab keeps only the first of two that are the same.
fn names(report: &RunReport) -> Vec<(String, String)> {
    let plain: Vec<(String, String)> = report.outcomes.iter().map(|outcome| (classname(outcome, report), name(outcome))).collect();
    let mut count: HashMap<&(String, String), usize> = HashMap::new();
    for pair in &plain {
        *count.entry(pair).or_default() += 1;
    }
    // The names that need no change come first, so that no changed one takes theirs.
    let mut taken: HashSet<(String, String)> = plain.iter().filter(|pair| count[pair] == 1).cloned().collect();
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
    let group = if outcome.group.is_empty() { &report.suite } else { &outcome.group };
    clamp(&one_line(group).replace('/', "."), NAME)
}

fn name(outcome: &CaseOutcome) -> String {
    let title = one_line(&outcome.title);
    let last = one_line(outcome.id.rsplit('/').next().unwrap_or(&outcome.id));
    if title.is_empty() {
        clamp(&last, NAME)
    } else if title.chars().nth(NAME).is_some() {
        with_suffix(&title, &format!(" [{last}]"))
    } else {
        title
    }
}

/// A name with a suffix in at most 512 characters; of a suffix that takes more than three quarters of
/// them the end is kept, where ids differ.
fn with_suffix(name: &str, suffix: &str) -> String {
    let length = suffix.chars().count();
    let suffix: String = suffix.chars().skip(length.saturating_sub(NAME * 3 / 4)).collect();
    let room = NAME - suffix.chars().count();
    format!("{}{suffix}", clamp(name, room))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn show() {
        println!("{}", junit(&sample::everything()).unwrap());
    }
}
