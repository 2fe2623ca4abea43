//! What strangers' bytes are put through. Whatever they are, nothing here may panic, and what is written of them is
//! well-formed and says what they said. `tests/corpus.rs` puts the kept corpus through the same functions.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use assize::case::{Generate, expand};
use assize::exchange::{Exchange, Phase, Request, Response};
use assize::outcome::{
    CaseOutcome, Finding, Leak, Observation, RunReport, Verdict, Written, written_later,
};
use assize::report::{Console, annotations, curl, har, html, json, junit, manifest, markdown};
use assize::runner::Recorded;
use assize::secret::Secrets;
use assize::source::{Diagnostic, Location, Source, Span};
use assize::suite::model::{Level, Suite};
use assize::suite::openapi::Described;
use assize::suite::{Files, Selection, load};
use assize::target::{Limits, Target};
use assize::template::{Scope, Template};
use jiff::Timestamp;
use quick_xml::events::Event;

/// What parts the files of a suite in one input.
const NEXT: &str = "\n#---\n";

/// Loads a suite of these files, by path.
fn loaded(files: &[(String, &str)]) -> Result<Suite, Vec<Diagnostic>> {
    // The suite inside a program lives as long as that. What leaks here is little, and `run` allows for it.
    let files: BTreeMap<String, &'static str> = files
        .iter()
        .map(|(path, text)| (path.clone(), &*Box::leak((*text).into())))
        .collect();
    load(&Selection {
        suite: Some(Files::Embedded(files)),
        scenarios: None,
        variables: Vec::new(),
    })
}

/// Diagnostics, as people see them.
fn shown(found: &[Diagnostic]) {
    for diagnostic in found {
        let text = diagnostic.render(false);
        assert!(!text.is_empty());
        assert!(steers_nothing(&text), "{text:?}");
        diagnostic.render(true);
    }
}

/// Whether a terminal shows the text and obeys nothing in it.
fn steers_nothing(text: &str) -> bool {
    !text
        .chars()
        .any(|character| character.is_control() && !matches!(character, '\n' | '\t'))
}

/// A suite: its manifest and other files, or files of scenarios alone; cases are made of what can be read.
pub fn suite(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let mut files = Vec::new();
    for (at, part) in text.split(NEXT).enumerate() {
        let path = match at {
            0 if part.starts_with("suite:") => "suite.yaml".to_owned(),
            _ => format!("all/{at}.yaml"),
        };
        files.push((path, part));
    }
    if !files.iter().any(|(path, _)| path == "suite.yaml") {
        let manifest = "suite: s\nscenarios: all\nvariables: { v: x }\n";
        files.push(("suite.yaml".to_owned(), manifest));
    }
    match loaded(&files) {
        Err(found) => {
            assert!(!found.is_empty());
            shown(&found);
        }
        Ok(suite) => {
            let none = BTreeMap::new();
            let endpoint = "http://127.0.0.1:1";
            let Ok(target) = Target::new(&suite, endpoint, None, &none, Limits::STANDARD) else {
                return;
            };
            let expansion = expand(&suite, &target, &Generate::default());
            for case in &expansion.cases {
                assert!(!case.id().is_empty());
                case.requirements();
                case.name_values(&mut Scope::new());
            }
        }
    }
}

/// A text with expressions, which is read and filled in.
pub fn template(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let source = Source::new("it.yaml", text);
    let span = Span::start_of(&source).at(0..text.len());
    let mut found = Vec::new();
    let template = Template::parse(text, &span, &mut found);
    shown(&found);
    let mut scope = Scope::new();
    let body = r#"{"a": [1, -2.5, "x", null, true], "b": {"c": {}}, "n": 9223372036854775807, "é": "ü\u0000"}"#;
    let body = serde_json::from_str(body).expect("JSON");
    scope.set("body", &body);
    scope.set("a", &"text".into());
    scope.set("n", &7.into());
    let _ = template.value(&scope).map_err(|error| error.to_string());
    let _ = template.text(&scope);
    if let Ok(target) = template.target(&scope) {
        // What an expression gives is no other part of the URL than the one it stands in.
        assert!(
            template.literal().is_some()
                || !target.contains(['\r', '\n'])
                || text.contains(['\r', '\n']),
            "{target:?}"
        );
    }
    template.source();
}

/// A description in OpenAPI, which answers are held to.
pub fn openapi(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let files = [
        (
            "suite.yaml".to_owned(),
            "suite: s\nscenarios: all\nopenapi: api.yaml\n",
        ),
        (
            "all/it.yaml".to_owned(),
            "title: t\nwhen: GET /x\nthen: { status: 200 }\n",
        ),
        ("api.yaml".to_owned(), text),
    ];
    let suite = match loaded(&files) {
        Ok(suite) => suite,
        Err(found) => return shown(&found),
    };
    let Some(api) = &suite.openapi else {
        return;
    };
    let body = serde_json::json!({"pool": {"id": "x", "n": 1.5, "list": [null, {}]}});
    for method in ["GET", "POST", "DELETE"] {
        for path in ["/", "/x", "/pools", "/pools/1", "/v2.0/lbaas/pools/1"] {
            for (status, json) in [(200, true), (201, true), (404, true), (503, false)] {
                if let Described::Fits(schema) = api.describes(method, path, status, json) {
                    let _ = schema.is_valid(&body);
                }
            }
        }
    }
    let components: Vec<String> = api.components().map(str::to_owned).collect();
    for name in components {
        if let Some(schema) = api.component(&name) {
            let _ = schema.is_valid(&body);
        }
    }
}

/// A ledger, as a sweep reads it.
pub fn ledger(data: &[u8]) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), data).expect("a file that can be written");
    for look_only in [true, false] {
        match Recorded::open(file.path(), look_only) {
            Ok(ledger) => {
                let lines = data.split(|byte| *byte == b'\n').count();
                assert!(ledger.standing().count() + ledger.damage.len() <= lines);
            }
            Err(why) => assert!(!why.to_string().is_empty()),
        }
    }
}

/// Evidence and reports, as they are read back: what was read is written, and is read again as the same.
pub fn evidence(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    if let Ok(tape) = har::tape(text) {
        let outcome = outcome("it", "it");
        if let Ok(written) = har::har(&outcome, &tape) {
            let again = har::tape(&written).expect("what was written is read");
            let twice = har::har(&outcome, &again).expect("what was read is written");
            assert_eq!(written, twice);
        }
    }
    match manifest::read(text) {
        Ok(manifest::Read::Run(manifest)) => {
            let written = manifest.text(&Secrets::default()).expect("a text");
            let Ok(manifest::Read::Run(again)) = manifest::read(&written) else {
                panic!("what was written is not read: {written}");
            };
            assert_eq!(written, again.text(&Secrets::default()).expect("a text"));
            manifest.started();
            manifest.duration();
        }
        Ok(manifest::Read::Joined(joined)) => {
            joined.text().expect("a text");
        }
        Err(_) => {}
    }
    if let Ok(document) = json::parse(text) {
        let copy = || json::parse(text).expect("as before");
        assize::report::compare::compare(&document, &copy(), ["one", "other"]);
        let _ = assize::report::merge::merge(vec![("one".to_owned(), copy())]);
    }
}

/// Texts of an endpoint in every report: well-formed, in their place, and not to be taken for anything else.
pub fn escape(data: &[u8]) {
    let text = String::from_utf8_lossy(data).into_owned();
    let other: String = text.chars().rev().collect();
    let mut failed = outcome(&text, &other);
    failed.verdict = Verdict::Fail;
    failed.reason = Some(text.clone());
    failed.findings = vec![Finding {
        check: text.clone().into(),
        requirements: vec![other.clone()],
        level: Level::Must,
        expected: text.clone(),
        actual: other.clone(),
        location: place(&text),
        exchange: Some(0),
    }];
    failed.exchanges = vec![exchange(&text, data)];
    failed.observations = vec![Observation {
        requirements: Vec::new(),
        name: text.clone(),
        value: other.clone(),
    }];
    failed.leaked = vec![Leak {
        resource: text.clone(),
        id: other.clone(),
        why: text.clone(),
    }];
    let report = report(&text, vec![failed, outcome("next", "next")]);
    in_xml(&report);
    in_html(&report);
    in_json(&report);
    let console = Console {
        width: Some(80),
        styled: false,
        verbose: true,
    };
    for outcome in &report.outcomes {
        if let Some(line) = console.finished(outcome) {
            assert!(steers_nothing(&line), "{line:?}");
        }
    }
    let summary = console.summary(&report);
    assert!(steers_nothing(&summary), "{summary:?}");
    let text = markdown(&report);
    assert!(steers_nothing(&text), "{text:?}");
    for line in annotations(&report).lines() {
        assert!(line.starts_with("::"), "{line:?}");
    }
    let request = &report.outcomes[0].exchanges[0].request;
    let method = "PUT".to_owned();
    for request in [
        request,
        &Request {
            method,
            ..request.clone()
        },
    ] {
        in_shell(&curl(request));
    }
}

/// The JUnit XML has as many cases as there are, and nothing that XML does not know.
fn in_xml(report: &RunReport) {
    let xml = junit(report).expect("XML");
    let mut reader = quick_xml::Reader::from_str(&xml);
    reader.config_mut().check_comments = true;
    let mut cases = 0;
    loop {
        match reader.read_event().expect("well-formed XML") {
            Event::Start(start) | Event::Empty(start) => {
                cases += usize::from(start.name().as_ref() == b"testcase");
                for attribute in start.attributes() {
                    let attribute = attribute.expect("a well-formed attribute");
                    #[expect(
                        deprecated,
                        reason = "its successor wants a version and says no more"
                    )]
                    attribute.unescape_value().expect("known entities");
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    let known = |character| matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}');
    assert!(xml.chars().all(known), "{xml:?}");
    assert_eq!(
        cases,
        report.outcomes.len() + report.requirements.len(),
        "{xml}"
    );
}

/// What stands in the page is what was told, and ends where it should.
fn in_html(report: &RunReport) {
    let page = html(report).expect("a page");
    let empty = html(&RunReport {
        outcomes: Vec::new(),
        ..report.clone()
    })
    .expect("a page");
    assert!(steers_nothing(&page), "{page:?}");
    let scripts: Vec<&str> = page.split("<script").collect();
    // A case is one element, and one more where it has exchanges.
    let added: usize = report
        .outcomes
        .iter()
        .map(|it| 1 + usize::from(!it.exchanges.is_empty()))
        .sum();
    assert_eq!(scripts.len(), empty.split("<script").count() + added);
    let mut cases = scripts
        .iter()
        .filter(|script| script.starts_with(" type=\"application/json\" class=\"case\">"));
    for outcome in &report.outcomes {
        let script = cases.next().expect("its element");
        let content = script.split_once('>').expect("a start").1;
        let content = content.split('<').next().expect("a content");
        let read: CaseOutcome = serde_json::from_str(content).expect("JSON");
        assert_eq!(
            (&read.id, &read.title, &read.reason),
            (&outcome.id, &outcome.title, &outcome.reason)
        );
    }
}

/// What is written is read back.
fn in_json(report: &RunReport) {
    let written = json::json(report).expect("JSON");
    let read = json::parse(&written).expect("a report");
    for (record, outcome) in read.cases.iter().zip(&report.outcomes) {
        assert_eq!(
            (&record.case.id, &record.case.reason),
            (&outcome.id, &outcome.reason)
        );
    }
    assert_eq!(read.cases.len(), report.outcomes.len());
}

/// A shell sees one command and its arguments: outside of quotes nothing means anything to it.
fn in_shell(line: &str) {
    if line.starts_with("# ") {
        assert!(steers_nothing(line) && !line.contains('\n'), "{line:?}");
        return;
    }
    let mut rest = line.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\'' => assert!(rest.by_ref().any(|it| it == '\''), "{line:?}"),
            '\\' => assert!(rest.next().is_some(), "{line:?}"),
            '$' => {
                // $'…', in which a backslash takes the next character with it.
                assert_eq!(rest.next(), Some('\''), "{line:?}");
                loop {
                    match rest.next() {
                        Some('\\') => assert!(rest.next().is_some(), "{line:?}"),
                        Some('\'') => break,
                        Some(_) => {}
                        None => panic!("{line:?}"),
                    }
                }
            }
            _ => assert!(
                !"`\"|&;<>(){}*?#!\n\r".contains(character),
                "{character:?} in {line:?}"
            ),
        }
    }
}

fn place(file: &str) -> Location {
    Location {
        file: file.to_owned(),
        line: 1,
        column: 1,
    }
}

fn outcome(id: &str, title: &str) -> CaseOutcome {
    CaseOutcome {
        id: id.to_owned(),
        title: title.to_owned(),
        group: id.to_owned(),
        feature: Some(title.to_owned()),
        location: place(id),
        why: None,
        tags: vec![title.to_owned()],
        requirements: Vec::new(),
        verdict: Verdict::Pass,
        reason: None,
        findings: Vec::new(),
        judged: 1,
        not_judged: Vec::new(),
        observations: Vec::new(),
        leaked: Vec::new(),
        exchanges: Vec::new(),
        requests: 1,
        reproducer: None,
        evidence: None,
        started: Timestamp::UNIX_EPOCH,
        duration: Duration::from_millis(1),
    }
}

fn exchange(text: &str, body: &[u8]) -> Exchange {
    Exchange {
        phase: Phase::Act,
        request: Request {
            method: text.to_owned(),
            url: format!("http://127.0.0.1:1/{text}"),
            headers: vec![(text.to_owned(), text.to_owned())],
            body: body.to_vec(),
        },
        response: Ok(Response {
            status: 200,
            headers: vec![(text.to_owned(), text.to_owned())],
            body: body.to_vec().into(),
        }),
        started: Timestamp::UNIX_EPOCH,
        waited: Duration::ZERO,
        duration: Duration::from_millis(1),
    }
}

fn report(text: &str, outcomes: Vec<CaseOutcome>) -> RunReport {
    RunReport {
        tool_version: "0",
        suite: text.to_owned(),
        suite_title: text.to_owned(),
        suite_version: Some(text.to_owned()),
        profile: Some(text.to_owned()),
        endpoint: text.to_owned(),
        run_id: text.to_owned(),
        seed: 1,
        strict: false,
        insecure: false,
        started: Timestamp::UNIX_EPOCH,
        duration: Duration::from_millis(1),
        cut_short: Some(text.to_owned()),
        outcomes,
        plain: 0,
        leaked: Vec::new(),
        requirements: Vec::new(),
        scenarios: {
            let written = Written {
                location: place(text),
                text: text.to_owned(),
            };
            written_later(|| vec![written])
        },
        notices: vec![text.to_owned()],
        part: None,
        whole: true,
        waivers: Vec::new(),
    }
}
