//! The runner against answers that the emulator would never give.

#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use assize::case::{Generate, expand};
use assize::outcome::{RunReport, Verdict};
use assize::plan::{Filter, Plan};
use assize::report::Console;
use assize::runner::{Options, run};
use assize::suite::{Files, Selection, load};
use assize::target::{Limits, Target};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use wiremock::matchers::{method, path, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

const RESOURCE: &str = "
resource: thing
create: { request: POST /things, json: { name: '{{ unique_name }}' } }
object: '{{ body }}'
read: GET /things/{{ thing.id }}
list: { request: GET /things, items: '{{ body.things }}' }
delete: DELETE /things/{{ thing.id }}
";

const MANIFEST: &str = "
suite: things
use: [thing.yaml, r.yaml]
scenarios: it.yaml
identities:
  owner: { headers: { X-Who: owner } }
  other: { headers: { X-Who: other } }
";

const REQUIREMENTS: &str = "
requirements:
  - { id: R-1, text: 'It is not there', level: observe, source: 'the manual' }
  - { id: R-2, text: 'It is not there', level: must, source: 'the manual' }
  - { id: R-3, text: 'It is there', level: should, source: 'the manual' }
";

/// Runs scenarios with the resource `thing` against the server.
async fn judge(server: &MockServer, resource: &str, scenarios: &str, jobs: usize) -> RunReport {
    judge_at(&server.uri(), resource, scenarios, jobs).await
}

async fn judge_at(endpoint: &str, resource: &str, scenarios: &str, jobs: usize) -> RunReport {
    let directory = tempfile::tempdir().unwrap();
    let requirements = scenarios.contains("R-1").then_some(REQUIREMENTS);
    let manifest = if resource.contains("decides") {
        format!("{MANIFEST}profile: plain\n").replace("[thing.yaml", "[profile.yaml, thing.yaml")
    } else {
        MANIFEST.to_owned()
    };
    for (name, text) in [
        ("suite.yaml", manifest.as_str()),
        ("thing.yaml", resource),
        ("it.yaml", scenarios),
        ("r.yaml", requirements.unwrap_or("requirements: []")),
        ("profile.yaml", ANSWERS),
    ] {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    let files = Files::Directory {
        root: directory.path().to_path_buf(),
        prefix: String::new(),
        here: None,
    };
    let selection = Selection {
        suite: Some(files),
        scenarios: None,
        variables: Vec::new(),
    };
    let suite = match load(&selection) {
        Ok(suite) => suite,
        Err(found) => panic!(
            "{}",
            found.iter().map(|d| d.render(false)).collect::<String>()
        ),
    };
    let limits = Limits {
        request: Duration::from_millis(500),
        ..Limits::STANDARD
    };
    let target = Target::new(&suite, endpoint, None, &BTreeMap::new(), limits).unwrap();
    let cases = expand(&suite, &target, &Generate::default()).cases;
    let plan = Plan::new(&suite, cases, &Filter::default(), &target).unwrap();
    let options = Options {
        jobs,
        holders: jobs,
        ..Options::standard()
    };
    run(
        Arc::new(suite),
        Arc::new(target),
        plan,
        options,
        CancellationToken::new(),
        |_| {},
    )
    .await
    .unwrap()
}

async fn answer(server: &MockServer, verb: &str, at: &str, status: u16, body: serde_json::Value) {
    Mock::given(method(verb))
        .and(path(at))
        .respond_with(ResponseTemplate::new(status).set_body_json(body))
        .mount(server)
        .await;
}

const DELETE_IT: &str = "
scenarios:
  - id: one
    given: [thing]
    when: delete thing
    then: { status: 204, gone: [thing] }
";

#[tokio::test]
async fn a_refused_set_up_is_an_error_and_no_failure() {
    let server = MockServer::start().await;
    answer(&server, "POST", "/things", 403, json!({"message": "no"})).await;
    let report = judge(&server, RESOURCE, DELETE_IT, 1).await;
    assert_eq!(report.outcomes[0].verdict, Verdict::Error);
    let reason = report.outcomes[0].reason.as_deref().unwrap();
    assert!(
        reason.contains("POST /things was answered with 403"),
        "{reason}"
    );
    assert_eq!(report.exit_code(), 3);
}

#[tokio::test]
async fn a_shared_object_that_is_refused_is_asked_for_once() {
    for jobs in [1, 8] {
        let server = MockServer::start().await;
        answer(&server, "POST", "/things", 403, json!({"message": "no"})).await;
        let scenarios: String = (0..8).fold("scenarios:\n".to_owned(), |text, at| text + &format!("  - {{ id: c{at}, given: [thing], when: 'GET /things/{{{{ thing.id }}}}', then: {{ status: 200 }} }}\n"));
        let report = judge(
            &server,
            &format!("{RESOURCE}scope: worker\n"),
            &scenarios,
            jobs,
        )
        .await;
        assert_eq!(
            server.received_requests().await.unwrap().len(),
            1,
            "{jobs} jobs"
        );
        assert!(
            report
                .outcomes
                .iter()
                .all(|outcome| outcome.verdict == Verdict::Error)
        );
        assert_eq!(
            report.outcomes.len(),
            9,
            "eight cases and the shared object itself"
        );
        let console = Console {
            width: None,
            styled: false,
            verbose: false,
        };
        let summary = console.summary(&report);
        let told = |text| summary.matches(text).count();
        assert_eq!((told("ERROR"), told("403 {")), (1, 1), "{summary}");
        assert_eq!(told("curl"), 1, "the request that was refused: {summary}");
    }
}

#[tokio::test]
async fn what_cannot_be_removed_is_leaked_and_the_verdict_stays() {
    let server = MockServer::start().await;
    answer(&server, "POST", "/things", 201, json!({"id": "t1"})).await;
    answer(&server, "GET", "/things/t1", 200, json!({"id": "t1"})).await;
    answer(
        &server,
        "DELETE",
        "/things/t1",
        409,
        json!({"message": "in use"}),
    )
    .await;
    let report = judge(
        &server,
        RESOURCE,
        "
scenarios:
  - id: one
    given: [thing]
    when: GET /things/{{ thing.id }}
    then: { status: 200, unchanged: all }
",
        1,
    )
    .await;
    let outcome = &report.outcomes[0];
    assert_eq!(outcome.verdict, Verdict::Pass);
    assert_eq!(outcome.leaked.len(), 1);
    assert_eq!(outcome.leaked[0].id, "t1");
    assert!(
        outcome.leaked[0].why.contains("409"),
        "{}",
        outcome.leaked[0].why
    );
    assert_eq!(report.exit_code(), 5);
}

#[tokio::test]
async fn an_object_whose_creation_was_answered_with_500_is_looked_up_and_removed() {
    let server = MockServer::start().await;
    answer(&server, "POST", "/things", 500, json!({})).await;
    let listed = |request: &wiremock::Request| {
        let _ = request;
        ResponseTemplate::new(200).set_body_json(json!({"things": [{"id": "other", "name": "x"}]}))
    };
    Mock::given(method("GET"))
        .and(path("/things"))
        .respond_with(listed)
        .mount(&server)
        .await;
    let report = judge(&server, RESOURCE, DELETE_IT, 1).await;
    assert_eq!(report.outcomes[0].verdict, Verdict::Error);
    let sent: Vec<String> = server
        .received_requests()
        .await
        .unwrap()
        .iter()
        .map(|r| format!("{} {}", r.method, r.url.path()))
        .collect();
    assert_eq!(
        sent,
        ["POST /things", "GET /things"],
        "an object with another name is not ours to delete"
    );
}

#[tokio::test]
async fn a_204_that_leaves_the_object_is_a_failure_of_gone_and_a_leak() {
    let server = MockServer::start().await;
    answer(&server, "POST", "/things", 201, json!({"id": "t1"})).await;
    answer(&server, "GET", "/things/t1", 200, json!({"id": "t1"})).await;
    answer(
        &server,
        "GET",
        "/things",
        200,
        json!({"things": [{"id": "t1"}]}),
    )
    .await;
    Mock::given(method("DELETE"))
        .and(path_regex("^/things/"))
        .respond_with(ResponseTemplate::new(204))
        .mount(&server)
        .await;
    let report = judge(&server, RESOURCE, DELETE_IT, 1).await;
    let outcome = &report.outcomes[0];
    assert_eq!(outcome.verdict, Verdict::Fail);
    let checks: Vec<&str> = outcome
        .findings
        .iter()
        .map(|finding| &*finding.check)
        .collect();
    assert_eq!(checks, ["gone", "gone"], "it reads, and it is listed");
    assert_eq!(outcome.leaked.len(), 1);
    assert_eq!(report.exit_code(), 1);
}

#[tokio::test]
async fn one_case_without_an_answer_does_not_stop_the_others() {
    let server = MockServer::start().await;
    Mock::given(path("/slow"))
        .respond_with(ResponseTemplate::new(200).set_delay(Duration::from_secs(5)))
        .mount(&server)
        .await;
    Mock::given(path("/fast"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    Mock::given(path("/broken"))
        .respond_with(ResponseTemplate::new(200).set_body_raw("{\"a\": ", "application/json"))
        .mount(&server)
        .await;
    for jobs in [1, 4] {
        let report = judge(
            &server,
            RESOURCE,
            "
scenarios:
  - { id: slow, steps: [{ request: GET /slow, then: { status: 200 } }] }
  - { id: fast, steps: [{ request: GET /fast, then: { status: 200, within: 400ms } }] }
  - { id: broken, steps: [{ request: GET /broken, then: { status: 200 } }] }
  - { id: five, steps: [{ request: GET /fast, then: { status: 5xx } }] }
",
            jobs,
        )
        .await;
        let verdicts: Vec<Verdict> = report
            .outcomes
            .iter()
            .map(|outcome| outcome.verdict)
            .collect();
        assert_eq!(
            verdicts,
            [Verdict::Error, Verdict::Pass, Verdict::Fail, Verdict::Fail],
            "{jobs} jobs"
        );
        assert_eq!(report.outcomes[2].findings[0].check, "json");
    }
}

#[tokio::test]
async fn the_statuses_of_all_concurrent_answers_are_known() {
    let server = MockServer::start().await;
    Mock::given(path("/it"))
        .respond_with(ResponseTemplate::new(201))
        .up_to_n_times(2)
        .mount(&server)
        .await;
    answer(&server, "POST", "/it", 409, json!({})).await;
    let scenarios = "
scenarios:
  - id: one
    steps:
      - request: POST /it
        concurrently: 5
        capture: { refused: 409 in statuses }
        then: { check: 'statuses | sort == [201, 201, 409, 409, 409]', observe: { all: statuses | length } }
      - { request: POST /it, then: { check: 'statuses == [409] and refused' } }
";
    let report = judge(&server, RESOURCE, scenarios, 1).await;
    let outcome = &report.outcomes[0];
    assert_eq!(outcome.verdict, Verdict::Pass, "{:?}", outcome.findings);
    assert_eq!(outcome.observations[0].value, "5");
}

/// What was judged before is not judged again, and nothing is lost by it.
#[tokio::test]
async fn the_same_content_is_judged_for_what_it_comes_with() {
    let server = MockServer::start().await;
    let json = "application/json";
    let fields = [
        ("a", "text/plain", None),
        ("b", json, None),
        ("c", json, None),
    ];
    // The same content each time: well, wrongly twice, and wrongly in another way.
    let answers = fields
        .into_iter()
        .chain([("d", "text/plain", Some("http://elsewhere/"))]);
    for (at, (id, kind, location)) in answers.enumerate() {
        let answer = ResponseTemplate::new(if location.is_some() { 302 } else { 200 })
            .set_body_raw("{", kind)
            .insert_header("x-request-id", id);
        let answer = match location {
            Some(location) => answer.insert_header("location", location),
            None => answer,
        };
        Mock::given(path("/it"))
            .respond_with(answer)
            .up_to_n_times(if at == 0 { 2 } else { 1 })
            .mount(&server)
            .await;
    }
    let scenarios = "
scenarios:
  - id: one
    steps: [GET /it, GET /it, GET /it, GET /it, { request: GET /it, then: { status: 302, body: '{' } }]
";
    let report = judge(&server, RESOURCE, scenarios, 1).await;
    let found = report.outcomes[0].findings.iter();
    let found: Vec<_> = found.map(|it| (&*it.check, it.exchange)).collect();
    assert_eq!(
        found,
        [("json", Some(2)), ("json", Some(3)), ("redirect", Some(4))]
    );
}

#[tokio::test]
async fn a_case_counts_what_it_was_held_to() {
    let server = MockServer::start().await;
    answer(&server, "GET", "/it", 200, json!({"a": 1})).await;
    let scenarios = "
scenarios:
  - { id: nothing, steps: [GET /it] }
  - { id: recorded, steps: [{ request: GET /it, then: { observe: { a: body.a } } }] }
  - { id: elsewhere, requirements: R-2, steps: [{ request: GET /it, then: { only_if: run_id == '', status: 404 } }] }
  - { id: level, requirements: R-1, steps: [{ request: GET /it, then: { status: 404 } }] }
  - { id: one, steps: [GET /it, { request: GET /it, then: { status: 200, observe: { a: body.a } } }] }
  - id: two
    steps:
      - { request: GET /it, then: { check: body.a == 1 } }
      - { request: GET /it, then: [{ only_if: 'false', status: 404 }] }
    finally: [{ request: GET /it, then: { body: { a: 1 } } }]
  - { id: in-part, requirements: [R-2, R-1, R-3], steps: [{ request: GET /it, then: [{ requirements: R-3, status: 200 }, { requirements: R-2, only_if: false, status: 404 }] }] }
";
    let report = judge(&server, RESOURCE, scenarios, 2).await;
    let judged: Vec<usize> = report.outcomes.iter().map(|it| it.judged).collect();
    assert_eq!(judged, [0, 0, 0, 0, 1, 2, 1]);
    let counts = report.counts();
    assert_eq!((counts.passed, counts.observed, counts.partly), (7, 4, 1));
    let unjudged: Vec<_> = report
        .outcomes
        .iter()
        .map(|it| it.not_judged.concat())
        .collect();
    assert_eq!(unjudged, ["", "", "R-2", "", "", "", "R-2"]);
    let shown: Vec<_> = report.requirements.iter().map(|it| it.verdict).collect();
    assert_eq!(
        shown,
        [
            Some(Verdict::Pass),
            Some(Verdict::Error),
            Some(Verdict::Pass)
        ]
    );
    assert_eq!(report.exit_code(), 0);
}

#[tokio::test]
async fn what_another_identity_created_is_read_and_removed_by_it() {
    let server = MockServer::start().await;
    let who = |name: &'static str| wiremock::matchers::header("x-who", name);
    answer(&server, "POST", "/things", 201, json!({"id": "t1"})).await;
    for (status, times) in [(200, 2), (404, 9)] {
        Mock::given(method("GET"))
            .and(path("/things/t1"))
            .and(who("other"))
            .respond_with(ResponseTemplate::new(status).set_body_json(json!({"id": "t1"})))
            .up_to_n_times(times)
            .mount(&server)
            .await;
    }
    for (name, status) in [("other", 403), ("owner", 204)] {
        Mock::given(method("DELETE"))
            .and(path("/things/t1"))
            .and(who(name))
            .respond_with(ResponseTemplate::new(status))
            .mount(&server)
            .await;
    }
    let scenarios = "
scenarios:
  - id: one
    when:
      - { do: create thing, as: other }
      - { request: GET /things, as: other }
    then: { status: 404, unchanged: all }
";
    let report = judge(&server, RESOURCE, scenarios, 1).await;
    let outcome = &report.outcomes[0];
    assert_eq!(outcome.verdict, Verdict::Pass, "{:?}", outcome.findings);
    let sent: Vec<String> = server
        .received_requests()
        .await
        .unwrap()
        .iter()
        .map(|it| {
            let who = it.headers["x-who"].to_str().unwrap();
            format!("{who} {} {}", it.method, it.url.path())
        })
        .collect();
    // Whoever may create a thing may perhaps not remove it; then its owner can.
    assert_eq!(
        sent,
        [
            "other POST /things",
            "other GET /things/t1",
            "other GET /things",
            "other GET /things/t1",
            "other DELETE /things/t1",
            "owner DELETE /things/t1",
            "owner GET /things/t1",
        ]
    );
}

/// Answers a GET with the object so many times, then with 404.
async fn there_for(server: &MockServer, id: &str, times: u64) {
    let at = format!("/things/{id}");
    Mock::given(method("GET"))
        .and(path(at.as_str()))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"id": id})))
        .up_to_n_times(times)
        .mount(server)
        .await;
    answer(server, "GET", &at, 404, json!({"message": "no"})).await;
}

#[tokio::test]
async fn what_an_earlier_step_removed_is_not_compared_any_more() {
    let server = MockServer::start().await;
    for (id, times) in [("t1", 1), ("t2", u64::MAX)] {
        Mock::given(method("POST"))
            .and(path("/things"))
            .respond_with(ResponseTemplate::new(201).set_body_json(json!({"id": id})))
            .up_to_n_times(times)
            .mount(&server)
            .await;
    }
    answer(&server, "GET", "/things/t1", 404, json!({"message": "no"})).await;
    there_for(&server, "t2", 3).await;
    Mock::given(method("DELETE"))
        .and(path_regex("^/things/"))
        .respond_with(ResponseTemplate::new(204))
        .mount(&server)
        .await;
    let report = judge(
        &server,
        RESOURCE,
        "
scenarios:
  - id: one
    given: [thing, thing: { as: second }]
    when: [delete thing, 'GET /things/{{ second.id }}']
    then: { status: 200, unchanged: all }
",
        1,
    )
    .await;
    let outcome = &report.outcomes[0];
    assert_eq!(outcome.verdict, Verdict::Pass, "{:?}", outcome.reason);
    assert_eq!(report.exit_code(), 0);
}

#[tokio::test]
async fn what_a_raw_request_created_is_listed_by_its_name() {
    let server = MockServer::start().await;
    answer(&server, "POST", "/things", 201, json!({"id": "t1"})).await;
    there_for(&server, "t1", 1).await;
    answer(&server, "GET", "/things", 200, json!({"things": []})).await;
    Mock::given(method("DELETE"))
        .and(path("/things/t1"))
        .respond_with(ResponseTemplate::new(204))
        .mount(&server)
        .await;
    let by_name = RESOURCE.replace("GET /things,", "'GET /things?name={{ unique_name }}',");
    let report = judge(
        &server,
        &by_name,
        "
scenarios:
  - id: one
    when:
      - { request: POST /things, json: { name: '{{ unique_name }}' }, creates: { made: thing }, capture: { id: body.id } }
      - DELETE /things/{{ id }}
    then: { status: 204, gone: [made] }
",
        1,
    )
    .await;
    let outcome = &report.outcomes[0];
    assert_eq!(outcome.verdict, Verdict::Pass, "{:?}", outcome.reason);
}

#[tokio::test]
async fn a_refused_removal_waits_for_its_surroundings_and_is_tried_again() {
    let server = MockServer::start().await;
    answer(&server, "POST", "/things", 201, json!({"id": "t1"})).await;
    let reads = [("busy", 3), ("calm", 1)];
    for (state, times) in reads {
        Mock::given(method("GET"))
            .and(path("/things/t1"))
            .respond_with(
                ResponseTemplate::new(200).set_body_json(json!({"id": "t1", "state": state})),
            )
            .up_to_n_times(times)
            .mount(&server)
            .await;
    }
    answer(&server, "GET", "/things/t1", 404, json!({"message": "no"})).await;
    Mock::given(method("DELETE"))
        .and(path("/things/t1"))
        .respond_with(ResponseTemplate::new(409).set_body_json(json!({"message": "busy"})))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(method("DELETE"))
        .and(path("/things/t1"))
        .respond_with(ResponseTemplate::new(204))
        .mount(&server)
        .await;
    let resource = format!("{RESOURCE}ready: {{ poll: thing, until: thing.state != 'busy' }}\n");
    let report = judge(
        &server,
        &resource,
        "
scenarios:
  - id: one
    when: { request: POST /things, json: { name: '{{ unique_name }}' }, creates: thing }
    then: { status: 201 }
",
        1,
    )
    .await;
    assert_eq!(report.outcomes[0].verdict, Verdict::Pass);
    assert!(report.outcomes[0].leaked.is_empty());
    let sent = server.received_requests().await.unwrap();
    let sent: Vec<&str> = sent.iter().map(|it| it.method.as_str()).collect();
    assert_eq!(
        sent,
        [
            "POST", "DELETE", "GET", "GET", "GET", "GET", "DELETE", "GET", "GET"
        ]
    );
}

#[tokio::test]
async fn a_step_s_own_then_knows_its_captures_and_what_it_created() {
    let server = MockServer::start().await;
    let thing = json!({"id": "t1", "size": 3, "twice": 3});
    answer(&server, "POST", "/things", 201, thing.clone()).await;
    answer(&server, "GET", "/things", 200, thing).await;
    let report = judge(
        &server,
        RESOURCE,
        "
scenarios:
  - id: captured
    when: { request: POST /things, capture: { size: body.size } }
    then:
      check: size == 3
      body: { twice: '{{ size }}', id: { $check: value == body.id and status == 201 } }
  - id: created
    when: { request: POST /things, creates: { made: thing } }
    then: { check: made.id == body.id, body: { id: '{{ made.id }}' } }
  - id: repeated
    when: { request: GET /things, capture: { size: body.size } }
    then: { check: size == 3, body: { twice: '{{ size }}' }, eventually: 5s }
",
        1,
    )
    .await;
    for outcome in &report.outcomes {
        assert_eq!(outcome.verdict, Verdict::Pass, "{:?}", outcome.findings);
    }
}

/// `thing` with tables for its creation and deletion, and the answers that they name.
const TABLES: &str = "
resource: thing
create: { request: POST /things, json: { name: '{{ unique_name }}' }, answer: made, decides: [{ answer: made }] }
object: '{{ body }}'
read: GET /things/{{ thing.id }}
delete:
  request: DELETE /things/{{ thing.id }}
  answer: gone
  decides:
    - { if: gone, answer: missing }
    - { answer: gone }
";
const ANSWERS: &str = "
profile: plain
transient: busy
answers:
  made: { status: 201 }
  gone: { status: 204 }
  missing: { status: 404 }
  busy: { status: 429 }
";

/// What comes of two deletions of a thing at the same time with these answers, where the thing can be read or
/// not after them.
async fn two_deletions(answers: [u16; 2], left: u16) -> RunReport {
    let server = MockServer::start().await;
    answer(&server, "POST", "/things", 201, json!({"id": "t1"})).await;
    for (verb, status, times) in [
        // Two reads open the connections.
        ("GET", 200, 2),
        ("GET", left, 100),
        ("DELETE", answers[0], 1),
        ("DELETE", answers[1], 1),
        ("DELETE", 404, 100),
    ] {
        Mock::given(method(verb))
            .and(path("/things/t1"))
            .respond_with(ResponseTemplate::new(status).set_body_json(json!({"id": "t1"})))
            .up_to_n_times(times)
            .mount(&server)
            .await;
    }
    let scenarios = "
given: [thing]
when: { concurrently: [delete thing, delete thing] }
then: contract
";
    judge(&server, TABLES, scenarios, 1).await
}

#[tokio::test]
async fn of_two_deletions_at_once_some_order_must_hold() {
    for (answers, left, verdict, says) in [
        ([204, 404], 404, Verdict::Pass, ""),
        ([404, 204], 404, Verdict::Pass, ""),
        // Nothing was done for the one that was turned away.
        ([429, 204], 404, Verdict::Pass, ""),
        ([429, 429], 200, Verdict::Pass, ""),
        (
            [204, 204],
            404,
            Verdict::Fail,
            "none explains 204 to `owner: delete thing`: after `owner: delete thing` it is to be missing\n",
        ),
        ([404, 404], 404, Verdict::Fail, "it is to be gone\n"),
        (
            [204, 404],
            200,
            Verdict::Fail,
            "none explains what is left: after `owner: delete thing`, `owner: delete thing` thing cannot be read any more (404), and it reads",
        ),
        ([429, 404], 200, Verdict::Fail, "it is to be gone\n"),
    ] {
        let report = two_deletions(answers, left).await;
        let outcome = &report.outcomes[0];
        assert_eq!(
            outcome.verdict, verdict,
            "{answers:?} {:?} {:?}",
            outcome.reason, outcome.findings
        );
        match outcome.findings.first() {
            None => assert_eq!(says, ""),
            Some(finding) => assert!(finding.actual.contains(says), "{}", finding.actual),
        }
    }
}

#[tokio::test]
async fn steps_at_once_are_judged_together_and_what_they_create_is_removed() {
    let server = MockServer::start().await;
    for (id, times) in [("t1", 1), ("t2", 1)] {
        Mock::given(method("POST"))
            .and(path("/things"))
            .respond_with(ResponseTemplate::new(201).set_body_json(json!({"id": id})))
            .up_to_n_times(times)
            .mount(&server)
            .await;
    }
    answer(&server, "GET", "/nothing", 404, json!({})).await;
    Mock::given(method("DELETE"))
        .and(path_regex("/things/t[12]"))
        .respond_with(ResponseTemplate::new(204))
        .mount(&server)
        .await;
    let scenarios = "
when:
  concurrently:
    - do: create thing
    - { request: GET /nothing, as: other }
    - { request: POST /things, json: { name: '{{ unique_name }}' }, creates: { second: thing } }
then: { check: \"statuses == [201, 404, 201] and thing.id != second.id\" }
";
    let report = judge(&server, RESOURCE, scenarios, 1).await;
    let outcome = &report.outcomes[0];
    assert_eq!(
        outcome.verdict,
        Verdict::Pass,
        "{:?} {:?}",
        outcome.reason,
        outcome.findings
    );
    let requests = server.received_requests().await.unwrap();
    let deleted = requests
        .iter()
        .filter(|it| it.method.as_str() == "DELETE")
        .count();
    assert_eq!(deleted, 2);
}

#[tokio::test]
async fn without_an_answer_in_time_a_case_fails_if_it_asks_for_one() {
    let server = MockServer::start().await;
    Mock::given(path("/slow"))
        .respond_with(ResponseTemplate::new(200).set_delay(Duration::from_secs(5)))
        .mount(&server)
        .await;
    let scenarios = "
scenarios:
  - { id: asked, steps: [{ request: GET /slow, then: { within: 400ms } }] }
  - { id: not-asked, steps: [{ request: GET /slow, then: { status: 200 } }] }
";
    let report = judge(&server, RESOURCE, scenarios, 2).await;
    let asked = &report.outcomes[0];
    assert_eq!(asked.verdict, Verdict::Fail);
    assert_eq!(asked.findings[0].check, "within");
    assert_eq!(report.outcomes[1].verdict, Verdict::Error);
}

#[tokio::test]
async fn what_an_act_left_behind_and_nobody_could_read_is_no_failure() {
    for (list, verdict) in [
        (json!([]), Verdict::Error),
        (json!([{"id": "t1"}]), Verdict::Fail),
    ] {
        let server = MockServer::start().await;
        answer(&server, "POST", "/things", 201, json!({"id": "t1"})).await;
        answer(&server, "GET", "/things", 200, json!({"things": list})).await;
        let read = || Mock::given(method("GET")).and(path("/things/t1"));
        read()
            .respond_with(ResponseTemplate::new(200).set_body_json(json!({"id": "t1"})))
            .up_to_n_times(1)
            .mount(&server)
            .await;
        read()
            .respond_with(ResponseTemplate::new(404).set_delay(Duration::from_secs(1)))
            .mount(&server)
            .await;
        Mock::given(method("DELETE"))
            .respond_with(ResponseTemplate::new(204))
            .mount(&server)
            .await;
        let report = judge(&server, RESOURCE, DELETE_IT, 1).await;
        let outcome = &report.outcomes[0];
        assert_eq!(outcome.verdict, verdict, "{outcome:?}");
        let why = outcome.reason.as_deref().unwrap_or_default();
        assert!(why.contains("left behind cannot be read"), "{why}");
        let listed = usize::from(verdict == Verdict::Fail);
        assert_eq!(outcome.findings.len(), listed, "{outcome:?}");
    }
}

#[tokio::test]
async fn a_condition_can_look_at_the_answer() {
    let server = MockServer::start().await;
    answer(&server, "GET", "/there", 200, json!({"a": 1})).await;
    answer(&server, "GET", "/gone", 404, json!({"message": "no"})).await;
    let scenarios = |at: &str| {
        format!(
            "
scenarios:
  - id: one
    steps:
      - request: GET {at}
        then:
          - {{ only_if: status == 200, body: {{ a: 2 }} }}
          - {{ only_if: status == 404 and body.message == 'no', headers: {{ x-reason: no }} }}
          - {{ only_if: status == 500, check: false }}
"
        )
    };
    for (at, check) in [("/there", "body"), ("/gone", "headers")] {
        let report = judge(&server, RESOURCE, &scenarios(at), 1).await;
        let checks: Vec<&str> = report.outcomes[0]
            .findings
            .iter()
            .map(|it| &*it.check)
            .collect();
        assert_eq!(checks, [check], "{at}");
    }
}

#[tokio::test]
async fn what_a_refused_creation_leaves_behind_is_found_and_removed() {
    let server = MockServer::start().await;
    answer(&server, "POST", "/things", 400, json!({"message": "no"})).await;
    Mock::given(method("GET"))
        .and(path("/things"))
        .respond_with(|request: &wiremock::Request| {
            let name = request.url.query_pairs().find(|(key, _)| key == "name");
            let name = name.map(|(_, name)| name.into_owned());
            ResponseTemplate::new(200)
                .set_body_json(json!({"things": [{"id": "t1", "name": name}]}))
        })
        .mount(&server)
        .await;
    answer(&server, "GET", "/things/t1", 404, json!({"message": "no"})).await;
    Mock::given(method("DELETE"))
        .and(path("/things/t1"))
        .respond_with(ResponseTemplate::new(204))
        .expect(1)
        .mount(&server)
        .await;
    let by_name = RESOURCE.replace("GET /things,", "'GET /things?name={{ unique_name }}',");
    let scenarios = "
scenarios:
  - id: one
    when: { request: POST /things, json: { name: '{{ unique_name }}' }, creates: { made: thing } }
    then: { status: 4xx, gone: [made] }
";
    let report = judge(&server, &by_name, scenarios, 1).await;
    let outcome = &report.outcomes[0];
    assert_eq!(outcome.verdict, Verdict::Fail);
    assert_eq!(outcome.findings.len(), 1, "{:?}", outcome.findings);
    assert_eq!(outcome.findings[0].check, "gone");
    assert!(outcome.leaked.is_empty());
}

#[tokio::test]
async fn what_is_no_http_may_be_refused_by_closing_the_connection() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = std::io::Read::read(&mut stream.unwrap(), &mut [0; 4096]);
        }
    });
    let report = judge_at(
        &endpoint,
        RESOURCE,
        "
scenarios:
  - { id: no-http, steps: [{ request: 'GET /a b', then: { status: 400, within: 1s } }] }
  - { id: http, steps: [{ request: GET /a, then: { status: 400, within: 1s } }] }
",
        1,
    )
    .await;
    let verdicts: Vec<Verdict> = report.outcomes.iter().map(|it| it.verdict).collect();
    assert_eq!(verdicts, [Verdict::Pass, Verdict::Fail]);
}
