//! The report as JUnit XML, the way the CI systems really read it.
//!
//! Three levels and no more; every text passes a character filter of our own first, because the writer
//! below knows markup, and not which characters there are in XML. Nothing in a name differs from run to run.

mod names;

use std::io;
use std::time::Duration;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use crate::outcome::{CaseOutcome, RequirementResult, RunReport, Verdict};

use super::escape::{clamp, line, terminal, xml};
use super::evidence::{self, Extent};
use super::layout::Layout;
use names::Names;

/// The longest `message`, in characters.
const MESSAGE: usize = 300;

/// Bytes of exchanges in the text of one case.
const EVIDENCE: usize = 4096;

/// Bytes of text in the whole file. From there on cases keep their messages only: GitLab refuses files of
/// 30 MB, and escaping adds to what is counted here.
const TEXTS: usize = 12 << 20;

/// Writes the document in pieces: a case as soon as it is done, and the head, which counts them, at the end.
#[derive(Debug)]
pub struct Junit {
    suite: String,
    profile: Option<String>,
    requirements: Vec<RequirementResult>,
    names: Names,
    /// Bytes of text that may still follow.
    texts: usize,
    tests: usize,
    skipped: usize,
    failures: usize,
    errors: usize,
}

/// The report as one JUnit XML document.
///
/// A failure is the endpoint's, an error says that a case could not be judged, a waived case is skipped and
/// says so. The file's name should be `TEST-<suite>.xml`; the gate is the exit code, never this file.
///
/// # Errors
/// None that is known; those of the writer are passed on.
pub fn junit(report: &RunReport) -> io::Result<String> {
    junit_within(report, TEXTS)
}

/// The same with a limit on the bytes of text.
fn junit_within(report: &RunReport, texts: usize) -> io::Result<String> {
    let mut pieces = Junit {
        texts,
        ..Junit::new(report)
    };
    let mut cases = String::new();
    for outcome in &report.outcomes {
        cases.push_str(&pieces.case(outcome)?);
    }
    let (head, tail) = pieces.around(report)?;
    Ok(head + &cases + &tail)
}

impl Junit {
    /// The pieces of a run, of which is known what it is about.
    pub fn new(run: &RunReport) -> Self {
        Self {
            suite: run.suite.clone(),
            profile: run.profile.clone(),
            requirements: run.requirements.clone(),
            names: Names::default(),
            texts: TEXTS,
            tests: 0,
            skipped: 0,
            failures: 0,
            errors: 0,
        }
    }

    /// The next case, on lines of its own.
    ///
    /// # Errors
    /// None that is known; those of the writer are passed on.
    pub fn case(&mut self, outcome: &CaseOutcome) -> io::Result<String> {
        self.tests += 1;
        match outcome.verdict {
            Verdict::Pass => {}
            Verdict::Fail => self.failures += 1,
            Verdict::Error => self.errors += 1,
            Verdict::Skip | Verdict::Waived => self.skipped += 1,
        }
        let (classname, name) = self.names.of(outcome, &self.suite);
        let status = status(outcome, &self.requirements, &mut self.texts);
        let mut case = BytesStart::new("testcase");
        case.extend_attributes([
            ("name", &*name),
            ("classname", &classname),
            ("time", &seconds(outcome.duration)),
            ("file", &one_line(&outcome.location.file)),
            ("line", &outcome.location.line.to_string()),
        ]);
        let mut lines = Vec::new();
        if outcome.verdict == Verdict::Pass {
            lines.extend(evidence::not_judged(outcome));
            lines.extend(leaks(outcome));
        }
        let mut lines: Vec<String> = lines.iter().map(|line| text(line)).collect();
        lines.extend(attachment(outcome));
        // The lines of the case stand inside the two elements around it, which are written once.
        let mut xml = Xml::new();
        xml.open(BytesStart::new(REPORT))?;
        xml.open(BytesStart::new(SUITE))?;
        xml.lines();
        xml.open(case)?;
        xml.properties(&case_properties(
            outcome,
            &self.requirements,
            self.profile.as_ref(),
        ))?;
        if let Some(status) = status {
            let mut element = BytesStart::new(status.element);
            element.push_attribute(("message", &*status.message));
            if let Some(kind) = &status.kind {
                element.push_attribute(("type", &**kind));
            }
            xml.text(element, &status.text)?;
        }
        if !lines.is_empty() {
            xml.text(BytesStart::new("system-out"), &lines.join("\n"))?;
        }
        xml.close("testcase")?;
        Ok(xml.lines())
    }

    /// What stands before the cases and behind them.
    ///
    /// # Errors
    /// None that is known; those of the writer are passed on.
    pub fn around(self, report: &RunReport) -> io::Result<(String, String)> {
        let name = clamp(
            &one_line(&match &report.profile {
                Some(profile) => format!("{} ({profile})", report.suite),
                None => report.suite.clone(),
            }),
            names::LONGEST,
        );
        let [tests, skipped, errors, failures] =
            [self.tests, self.skipped, self.errors, self.failures].map(|count| count.to_string());
        let time = seconds(report.duration);
        let started = report.started.strftime("%Y-%m-%dT%H:%M:%S.%3f+00:00");
        let mut document = BytesStart::new(REPORT);
        document.extend_attributes([
            ("name", &*name),
            ("tests", &tests),
            ("skipped", &skipped),
            ("failures", &failures),
            ("errors", &errors),
            ("time", &time),
        ]);
        let mut suite = BytesStart::new(SUITE);
        suite.extend_attributes([
            ("name", &*name),
            ("tests", &tests),
            ("skipped", &skipped),
            ("errors", &errors),
            ("failures", &failures),
            ("time", &time),
            ("timestamp", &started.to_string()),
            ("hostname", &one_line(&hosts(&report.endpoint))),
        ]);
        let mut xml = Xml::new();
        let head = BytesDecl::new("1.0", Some("UTF-8"), None);
        xml.0.write_event(Event::Decl(head))?;
        xml.open(document)?;
        xml.open(suite)?;
        xml.properties(&suite_properties(report))?;
        let head = xml.lines();
        xml.close(SUITE)?;
        xml.close(REPORT)?;
        Ok((head, xml.lines()))
    }
}

const REPORT: &str = "testsuites";
const SUITE: &str = "testsuite";

/// Elements on lines of their own, the inner ones further in.
struct Xml(Writer<Vec<u8>>);

impl Xml {
    fn new() -> Self {
        Self(Writer::new_with_indent(Vec::new(), b' ', 4))
    }

    fn open(&mut self, element: BytesStart<'_>) -> io::Result<()> {
        self.0.write_event(Event::Start(element))
    }

    fn close(&mut self, element: &str) -> io::Result<()> {
        self.0.write_event(Event::End(BytesEnd::new(element)))
    }

    fn text(&mut self, element: BytesStart<'_>, text: &str) -> io::Result<()> {
        let end = element.to_end().into_owned();
        self.open(element)?;
        self.0.write_event(Event::Text(BytesText::new(text)))?;
        self.0.write_event(Event::End(end))
    }

    fn properties(&mut self, properties: &[(&str, String)]) -> io::Result<()> {
        self.open(BytesStart::new("properties"))?;
        for (name, value) in properties {
            let mut property = BytesStart::new("property");
            property.extend_attributes([("name", *name), ("value", &**value)]);
            self.0.write_event(Event::Empty(property))?;
        }
        self.close("properties")
    }

    /// The lines since the last time.
    fn lines(&mut self) -> String {
        let lines = std::mem::take(self.0.get_mut());
        let mut lines = String::from_utf8_lossy(&lines).into_owned();
        // The writer begins a line before each element, but for the first of all.
        if lines.starts_with('\n') {
            lines.remove(0);
        }
        lines.push('\n');
        lines
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64())
}

/// The hosts and ports of the endpoint, of which merged shards have several.
fn hosts(endpoint: &str) -> String {
    endpoint
        .split(", ")
        .map(host)
        .collect::<Vec<_>>()
        .join(", ")
}

fn host(endpoint: &str) -> &str {
    let rest = endpoint
        .split_once("://")
        .map_or(endpoint, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host)
}

fn suite_properties(report: &RunReport) -> Vec<(&'static str, String)> {
    let mut properties = vec![
        property("tool", &format!("assize {}", report.tool_version)),
        property("endpoint", &report.endpoint),
        property("seed", &report.seed.to_string()),
    ];
    properties.extend(
        report
            .insecure
            .then(|| property("insecure", evidence::INSECURE)),
    );
    properties.extend(
        report
            .suite_version
            .as_ref()
            .map(|version| property("suite_version", version)),
    );
    properties.extend(
        report
            .profile
            .as_ref()
            .map(|profile| property("profile", profile)),
    );
    properties.extend(
        report
            .cut_short
            .as_ref()
            .map(|why| property("cut_short", why)),
    );
    properties.extend(
        report
            .leaked
            .iter()
            .map(|leak| property("leaked", &evidence::leak(leak))),
    );
    properties
}

fn case_properties(
    outcome: &CaseOutcome,
    requirements: &[RequirementResult],
    profile: Option<&String>,
) -> Vec<(&'static str, String)> {
    let level = |id: &String| {
        requirements
            .iter()
            .find(|requirement| requirement.id == *id)
            .map(|requirement: &RequirementResult| requirement.level)
    };
    let mut properties = vec![property("id", &outcome.id)];
    properties.extend(outcome.why.as_ref().map(|why| property("made_by", why)));
    properties.extend(
        outcome
            .requirements
            .iter()
            .map(|id| property("requirement", id)),
    );
    properties.extend(
        outcome
            .requirements
            .iter()
            .filter_map(level)
            .max()
            .map(|level| property("level", level.as_str())),
    );
    properties.extend(profile.map(|profile| property("profile", profile)));
    if outcome.verdict == Verdict::Waived {
        properties.push(property(
            "waived",
            outcome.reason.as_deref().unwrap_or("true"),
        ));
    }
    if outcome.verdict == Verdict::Pass {
        properties.extend(
            outcome
                .findings
                .iter()
                .map(|finding| property("warning", &evidence::in_short(finding, MESSAGE))),
        );
    }
    properties
}

fn property(name: &'static str, value: &str) -> (&'static str, String) {
    (name, message(value))
}

/// What a case comes to that did not pass.
struct Status {
    element: &'static str,
    message: String,
    kind: Option<String>,
    text: String,
}

fn status(
    outcome: &CaseOutcome,
    requirements: &[RequirementResult],
    texts: &mut usize,
) -> Option<Status> {
    let reason = outcome.reason.as_deref().unwrap_or("no reason given");
    let first = outcome.findings.first();
    let kind = |without: &str| first.map_or_else(|| without.to_owned(), |it| one_line(&it.check));
    let (element, told, kind) = match outcome.verdict {
        Verdict::Pass => return None,
        Verdict::Skip => {
            // GitLab shows the text and not the message.
            let shown = clamp(&terminal(reason), MESSAGE);
            let left = leaks(outcome).join("\n");
            return Some(Status {
                element: "skipped",
                message: message(reason),
                kind: None,
                text: text(&format!("{shown}\n{left}")).trim_end().to_owned(),
            });
        }
        Verdict::Fail => {
            let found = findings_in_short(outcome);
            ("failure", found, Some(kind("failure")))
        }
        Verdict::Error => ("error", reason.to_owned(), Some(kind("not_judged"))),
        Verdict::Waived => ("skipped", format!("waived: {reason}"), None),
    };
    let mut described = text(&description(outcome, requirements));
    if described.len() <= *texts {
        *texts -= described.len();
    } else {
        *texts = 0;
        described = text(&format!(
            "{}\n\nThe rest was left out to keep this file small enough to be read.",
            evidence::place(&outcome.location)
        ));
    }
    Some(Status {
        element,
        message: message(&told),
        kind,
        text: described,
    })
}

fn findings_in_short(outcome: &CaseOutcome) -> String {
    let mut findings = outcome.findings.iter();
    let more = findings.len().saturating_sub(1);
    match findings.next() {
        None => outcome
            .reason
            .clone()
            .unwrap_or_else(|| "failed".to_owned()),
        Some(first) if more == 0 => evidence::in_short(first, MESSAGE),
        Some(first) => {
            let note = format!(" (and {more} more)");
            evidence::in_short(first, MESSAGE - note.len()) + &note
        }
    }
}

/// Everything about a case: findings, exchanges, the line that repeats them, what it left behind.
fn description(outcome: &CaseOutcome, requirements: &[RequirementResult]) -> String {
    let mut lines = evidence::case(
        outcome,
        requirements,
        Layout::PLAIN,
        Extent {
            exchanges: EVIDENCE,
            every_header: false,
        },
    );
    if !outcome.leaked.is_empty() {
        lines.push(String::new());
        lines.extend(leaks(outcome));
    }
    lines.join("\n")
}

fn leaks(outcome: &CaseOutcome) -> Vec<String> {
    let told = |leak| format!("left on the endpoint: {}", evidence::leak(leak));
    outcome.leaked.iter().map(told).collect()
}

/// The file with the evidence, as the pages of CI systems look for it. One with a name that they cannot read
/// is not named.
fn attachment(outcome: &CaseOutcome) -> Option<String> {
    let path = outcome.evidence.as_deref()?;
    let readable = !path.contains(['[', ']', '|']) && one_line(path) == path;
    readable.then(|| format!("[[ATTACHMENT|{path}]]"))
}

fn message(message: &str) -> String {
    clamp(&one_line(message), MESSAGE)
}

/// A text that the XML writer changes nothing about: it would drop tabs and control characters. GitLab and
/// Azure take `[[ATTACHMENT|path]]` for a file to upload, which an answer must not be able to ask for.
fn text(text: &str) -> String {
    xml(&terminal(text))
        .replace('\t', "    ")
        .replace("[[ATTACHMENT", "[ [ATTACHMENT")
}

/// The same on one line, for an attribute.
fn one_line(text: &str) -> String {
    xml(&line(text))
        .replace("[[ATTACHMENT", "[ [ATTACHMENT")
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{Phase, TransportError};
    use crate::outcome::Leak;
    use crate::report::lint::{Element, lint};
    use crate::report::sample;

    /// The suite of a report, once the whole document has passed the lint.
    fn suite(report: &RunReport) -> Element {
        let text = junit(report).unwrap();
        let mut root =
            lint(&text).unwrap_or_else(|wrong| panic!("{wrong:#?}\n{}", clamp(&text, 20_000)));
        root.children.remove(0)
    }

    fn named<'a>(suite: &'a Element, name: &str) -> &'a Element {
        suite
            .all("testcase")
            .into_iter()
            .find(|case| case.attribute("name") == name)
            .unwrap()
    }

    #[test]
    fn the_suite_says_what_ran_against_what_and_what_came_of_it() {
        let mut report = sample::everything();
        report.cut_short = Some("interrupted".to_owned());
        let suite = suite(&report);
        for (attribute, value) in [
            ("name", "lbaas-v2 (otc-v2)"),
            ("tests", "8"),
            ("failures", "1"),
            ("errors", "2"),
            ("skipped", "2"),
            ("time", "1.234"),
            ("timestamp", "1970-01-01T00:00:00.000+00:00"),
            ("hostname", "127.0.0.1:9876"),
        ] {
            assert_eq!(suite.attribute(attribute), value);
        }
        assert_eq!(
            suite.properties("leaked"),
            ["loadbalancer 11aa: still PENDING_DELETE"]
        );
        assert_eq!(suite.properties("cut_short"), ["interrupted"]);
        report.profile = None;
        assert!(
            junit(&report)
                .unwrap()
                .contains("<testsuite name=\"lbaas-v2\" ")
        );
    }

    #[test]
    fn the_host_is_the_endpoint_s_and_never_a_credential() {
        for (endpoint, expected) in [
            ("https://lb.example:8443/v2?x", "lb.example:8443"),
            ("http://user:pw@[::1]:80", "[::1]:80"),
            ("http://h", "h"),
            ("h:1", "h:1"),
        ] {
            assert_eq!(host(endpoint), expected);
        }
    }

    #[test]
    fn a_failure_has_its_first_finding_as_message_and_all_of_it_as_text() {
        let suite = suite(&sample::everything());
        let case = named(&suite, "pool with members → 409");
        assert_eq!(
            (
                case.attribute("classname"),
                case.attribute("file"),
                case.attribute("line"),
                case.attribute("time")
            ),
            (
                "pools.delete.in_use",
                "scenarios/pools/delete/in_use.yaml",
                "12",
                "0.012"
            )
        );
        let failure = case.all("failure")[0];
        assert_eq!(
            (failure.attribute("message"), failure.attribute("type")),
            ("status: expected 409, actual 204 (and 1 more)", "status")
        );
        for part in [
            "DP-10     must: A pool that has members",
            "\nunchanged (DP-10 must)\n  expected  the pool reads as before\n",
            "asked at  scenarios/pools/delete/in_use.yaml:17",
            "\n  → 204 No Content\n",
            "curl -i -X DELETE 'http://127.0.0.1:9876/v2.0/lbaas/pools/7f3e'",
        ] {
            assert!(failure.text.contains(part), "{part}\n{}", failure.text);
        }
        assert_eq!(case.properties("requirement"), ["DP-10"]);
        assert_eq!(
            (case.properties("level"), case.properties("profile")),
            (vec!["must"], vec!["otc-v2"])
        );
        assert!(case.all("system-out").is_empty());
    }

    #[test]
    fn an_error_says_why_the_case_could_not_be_judged() {
        let suite = suite(&sample::everything());
        let error = named(&suite, "quota").all("error")[0];
        assert_eq!(
            (error.attribute("message"), error.attribute("type")),
            (
                "set-up was refused: POST /v2.0/lbaas/pools gave 413",
                "not_judged"
            )
        );
        assert!(error.text.contains("quota\\u{7}"), "{}", error.text);
    }

    #[test]
    fn skipped_and_waived_cases_give_their_reasons() {
        let suite = suite(&sample::everything());
        let skipped = named(&suite, "no members here").all("skipped")[0];
        assert_eq!(
            (skipped.attribute("message"), skipped.text.as_str()),
            (
                "the profile blocks by nothing",
                "the profile blocks by nothing"
            )
        );
        let waived = named(&suite, "known to deviate");
        assert_eq!(
            waived.all("skipped")[0].attribute("message"),
            "waived: until 2027-01-31: VENDOR-12"
        );
        assert!(waived.all("skipped")[0].text.contains("expected  409"));
        assert_eq!(waived.properties("waived"), ["until 2027-01-31: VENDOR-12"]);
    }

    #[test]
    fn passing_cases_are_silent_but_for_what_they_left_behind_or_did_not_judge() {
        let mut report = sample::everything();
        report.outcomes[1].leaked = vec![Leak {
            resource: "member".to_owned(),
            id: "m1".to_owned(),
            why: "timed out".to_owned(),
        }];
        report.outcomes[0].judged = 0;
        report.outcomes[0].not_judged = vec!["DP-47".to_owned()];
        let suite = suite(&report);
        let children = |name: &str| {
            named(&suite, name)
                .children
                .iter()
                .map(|child| child.name.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            named(&suite, "pool with a monitor → 409").all("system-out")[0].text,
            "nothing was judged, only observed\nnot judged: DP-47"
        );
        assert_eq!(children("says which member → message"), ["properties"]);
        assert_eq!(
            named(&suite, "says which member → message").properties("warning"),
            ["body: expected a message, actual \\u{1b}[2Jnone"]
        );
        assert_eq!(
            named(&suite, "clean pool → 204").all("system-out")[0].text,
            "left on the endpoint: pool 7f3e: DELETE gave 500"
        );
        assert_eq!(
            children("pool with members → 409"),
            ["properties", "failure"]
        );
        assert!(
            named(&suite, "pool with members → 409").all("failure")[0]
                .text
                .ends_with("left on the endpoint: member m1: timed out")
        );
    }

    #[test]
    fn a_run_without_cases_is_a_suite_without_cases() {
        assert_eq!(suite(&sample::report(Vec::new())).attribute("tests"), "0");
    }

    #[test]
    fn hostile_answers_leave_the_document_whole_and_nothing_is_dropped() {
        let hostile = "a\u{0}b\u{1b}[31mc\u{1}d\u{fffe}e\u{ffff}f\tg\rh]]>i&#0;j<script>k\u{9b}l\u{202e}m[[ATTACHMENT|/etc/passwd]]\"'\n<!--]]]]><![CDATA[";
        let shown = "a\\u{0}b\\u{1b}[31mc\\u{1}d\\u{fffe}e\\u{ffff}f    g\\u{d}h]]>i&#0;j<script>k\\u{9b}l\\u{202e}m[ [ATTACHMENT|/etc/passwd]]\"'\n";
        let mut outcomes = Vec::new();
        for (at, verdict) in [
            Verdict::Pass,
            Verdict::Fail,
            Verdict::Error,
            Verdict::Skip,
            Verdict::Waived,
        ]
        .into_iter()
        .enumerate()
        {
            let mut case = sample::case(hostile, hostile, verdict);
            case.id.push_str(&at.to_string());
            case.group = hostile.to_owned();
            case.location.file = hostile.to_owned();
            case.reason = Some(hostile.to_owned());
            case.requirements.push(hostile.to_owned());
            case.findings = vec![
                sample::finding("body", hostile, hostile, Some(0)),
                sample::finding("body", hostile, hostile, Some(1)),
            ];
            case.leaked = vec![Leak {
                resource: hostile.to_owned(),
                id: hostile.to_owned(),
                why: hostile.to_owned(),
            }];
            let body = [hostile.as_bytes(), b"\xed\xa0\x80\xff"].concat();
            let mut answered = sample::exchange(Phase::Act, "POST", 200, &body);
            answered
                .response
                .as_mut()
                .unwrap()
                .headers
                .push(("x-request-id".to_owned(), hostile.to_owned()));
            answered.request.body = hostile.as_bytes().to_vec();
            let mut broken = sample::exchange(Phase::Aftermath, "GET", 200, b"");
            broken.response = Err(TransportError::Broken(hostile.to_owned()));
            case.exchanges = vec![answered, broken];
            outcomes.push(case);
        }
        let mut report = sample::report(outcomes);
        report.suite = hostile.to_owned();
        report.profile = Some(hostile.to_owned());
        report.endpoint = format!("http://{hostile}");
        report.cut_short = Some(hostile.to_owned());
        report.requirements[0].text = hostile.to_owned();
        let suite = suite(&report);
        let text = &suite.all("testcase")[1].all("failure")[0].text;
        let first_line = shown.lines().next().unwrap();
        assert!(
            text.matches(&format!("expected  {first_line}\n")).count() == 2,
            "{text}"
        );
        assert!(text.contains("\\xed\\xa0\\x80\\xff"), "{text}");
        assert!(text.contains("x-request-id: a\\u{0}b"), "{text}");
    }

    #[test]
    fn large_answers_and_titles_are_bounded() {
        let mut outcomes = Vec::new();
        for (at, body) in [
            vec![b'x'; 5 << 20],
            vec![0; 5 << 20],
            vec![0xff; 5 << 20],
            format!("[{}1]", "1,".repeat(2 << 20)).into_bytes(),
            b"[".repeat(1 << 20),
        ]
        .into_iter()
        .enumerate()
        {
            let mut case = sample::case(&at.to_string(), &"t".repeat(2000), Verdict::Fail);
            case.exchanges = (0..3)
                .map(|_| sample::exchange(Phase::Act, "GET", 200, &body))
                .collect();
            case.exchanges[0].request.url.push_str(&"u".repeat(100_000));
            case.exchanges[1].request.body = body;
            case.findings = (0..60)
                .map(|at| sample::finding("body", &"e".repeat(100), "no", Some(at % 3)))
                .collect();
            outcomes.push(case);
        }
        let suite = suite(&sample::report(outcomes));
        for case in suite.all("testcase") {
            let text = &case.all("failure")[0].text;
            assert!(text.len() < 16_000, "{}", text.len());
            assert!(
                text.contains("bytes in all") && text.contains("… and 40 more findings"),
                "{text}"
            );
            let bodies: usize = text
                .split("\nexchange ")
                .skip(1)
                .filter_map(|part| part.split("\nto repeat it").next())
                .map(str::len)
                .sum();
            assert!(bodies <= EVIDENCE + 3 * 40, "{bodies}");
        }
    }

    #[test]
    fn a_file_that_would_grow_too_large_keeps_the_messages() {
        let report = sample::everything();
        let text = junit_within(&report, 1000).unwrap();
        let root = lint(&text).unwrap();
        let cases = root.children[0].all("testcase");
        assert!(cases[1].all("failure")[0].text.contains("curl"));
        let error = cases[3].all("error")[0];
        assert_eq!(
            error.attribute("message"),
            "set-up was refused: POST /v2.0/lbaas/pools gave 413"
        );
        assert_eq!(
            error.text,
            "scenarios/pools/delete/in_use.yaml:12\n\nThe rest was left out to keep this file small enough to be read."
        );
    }
}
