//! Boundary cases of the boxes and things: a right API passes them all, and every fault is found by the case
//! that is there for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use assize::case::{Case, Generate, expand};
use assize::outcome::{RunReport, Verdict};
use assize::plan::{Filter, Plan};
use assize::runner::{Options, run};
use assize::suite::model::Suite;
use assize::suite::{Files, Selection, load};
use assize::target::{Limits, Target};
use tokio_util::sync::CancellationToken;

use crate::server::{Fault, Things};

const FILES: &[(&str, &str)] = &[
    (
        "suite.yaml",
        "
suite: things
use: [resources, boundaries.yaml, requirements.yaml, profiles]
scenarios: scenarios
openapi: openapi.yaml
profile: small
variables: { token: { default: secret, secret: true } }
identities: { owner: { headers: { X-Token: '{{ token }}' } } }
",
    ),
    ("scenarios/none.yaml", "steps: [{ request: GET /boxes, then: { status: 200 } }]"),
    (
        "profiles/small.yaml",
        "
profile: small
answers:
  not_found: { status: 404 }
  unauthorized: { status: 401 }
  wrong_method: { status: 405 }
  invalid: { status: 400 }
",
    ),
    (
        "requirements.yaml",
        "
requirements:
  - { id: R-1, text: What cannot be is refused., level: must, source: here }
  - { id: R-2, text: Odd texts are recorded., level: observe, source: here }
",
    ),
    (
        "boundaries.yaml",
        "
boundaries:
  - { of: [token.absent, token.invalid], answer: unauthorized, requirements: R-1 }
  - { of: path.unknown, answer: not_found, requirements: R-1 }
  - { of: method.other, answer: wrong_method, requirements: R-1 }
  - { of: [field.missing, field.range, field.word, field.type, field.null, field.length], answer: invalid, requirements: R-1 }
  - { of: field.fixed, on: update, status: 4xx, requirements: R-1 }
  - { of: field.text, status: 418, requirements: R-2 }
",
    ),
    (
        "resources/box.yaml",
        "
resource: box
scope: worker
create: { request: POST /boxes, json: { box: { name: '{{ unique_name }}' } } }
object: '{{ body.box }}'
read: GET /boxes/{{ box.id }}
list: { request: GET /boxes, items: '{{ body.all }}' }
delete: DELETE /boxes/{{ box.id }}
",
    ),
    (
        "resources/thing.yaml",
        "
resource: thing
needs: box
params: { size: 3 }
create:
  request: POST /boxes/{{ box.id }}/things
  json: { thing: { name: '{{ unique_name }}', size: '{{ size }}', colour: red } }
object: '{{ body.thing }}'
read: GET /boxes/{{ box.id }}/things/{{ thing.id }}
list: { request: 'GET /boxes/{{ box.id }}/things', items: '{{ body.all }}' }
delete: DELETE /boxes/{{ box.id }}/things/{{ thing.id }}
operations:
  paint:
    request: PUT /boxes/{{ box.id }}/things/{{ thing.id }}
    params: { colour: blue }
    json: { thing: { colour: '{{ colour }}' } }
",
    ),
    (
        "openapi.yaml",
        "
openapi: 3.1.0
info: { title: things, version: '1' }
paths:
  /boxes:
    get: { responses: &responses { '200': { description: it, content: &json { application/json: {} } }, '201': { description: it, content: *json }, '204': { description: gone }, 4XX: { description: no, content: *json } } }
    post:
      requestBody: { content: { application/json: { schema: { type: object, additionalProperties: false, required: [box], properties: { box: { type: object, additionalProperties: false, required: [name], properties: { name: { type: string, maxLength: 64 } } } } } } } }
      responses: *responses
  /boxes/{box_id}:
    parameters: [{ name: box_id, in: path, required: true, schema: { type: string, format: uuid } }]
    get: { responses: *responses }
    delete: { responses: *responses }
    put: { responses: *responses }
  /boxes/{box_id}/things:
    get: { responses: *responses }
    post:
      requestBody:
        content:
          application/json:
            schema:
              type: object
              additionalProperties: false
              required: [thing]
              properties:
                thing:
                  type: object
                  additionalProperties: false
                  required: [name]
                  properties:
                    name: { type: string, maxLength: 64 }
                    size: &size { type: integer, minimum: 1, maximum: 5, x-profiles: { small: { maximum: 10 } } }
                    colour: &colour { type: string, enum: [red, blue] }
                    weight: { type: integer, x-profiles: { small: false } }
      responses: *responses
  /boxes/{box_id}/things/{thing_id}:
    parameters: [{ name: thing_id, in: path, required: true, schema: { type: string, format: uuid } }]
    get: { responses: *responses }
    delete: { responses: *responses }
    put:
      requestBody: { content: { application/json: { schema: { type: object, additionalProperties: false, required: [thing], properties: { thing: { type: object, additionalProperties: false, properties: { size: *size, colour: *colour } } } } } } }
      responses: *responses
    patch: { x-profiles: { small: false }, responses: *responses }
",
    ),
];

fn suite() -> Suite {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in FILES {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
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
    load(&selection).unwrap_or_else(|found| {
        panic!(
            "{}",
            found.iter().map(|it| it.render(false)).collect::<String>()
        )
    })
}

fn generated(suite: &Suite, target: &Target) -> Vec<Case> {
    let generate = Generate {
        boundary: true,
        ..Generate::default()
    };
    let mut cases = expand(suite, target, &generate).cases;
    cases.retain(|case| case.is_generated());
    cases
}

/// Runs the boundary cases whose id has this part against the API with a fault.
async fn judge(fault: Fault, part: &str) -> (RunReport, Things) {
    let suite = suite();
    let server = Things::start(fault).await;
    let limits = Limits {
        request: Duration::from_secs(2),
        ..Limits::STANDARD
    };
    let target = Target::new(&suite, &server.url, None, &BTreeMap::new(), limits).unwrap();
    let filter = Filter {
        ids: vec![part.to_owned()],
        tags: Vec::new(),
        ..Filter::default()
    };
    let plan = Plan::new(&suite, generated(&suite, &target), &filter, &target).unwrap();
    let options = Options {
        jobs: 8,
        ..Options::standard()
    };
    let report = run(
        Arc::new(suite),
        Arc::new(target),
        plan,
        options,
        CancellationToken::new(),
        |_| {},
    )
    .await
    .unwrap();
    (report, server)
}

/// The cases that did not pass, with their verdict and the checks that found something.
fn found(report: &RunReport) -> Vec<(String, Verdict, Vec<String>)> {
    report
        .outcomes
        .iter()
        .filter(|outcome| outcome.verdict != Verdict::Pass)
        .map(|outcome| {
            let checks = outcome
                .findings
                .iter()
                .map(|finding| finding.check.to_string());
            let id = outcome.id.trim_start_matches("generated/boundary/");
            (id.to_owned(), outcome.verdict, checks.collect())
        })
        .collect()
}

#[tokio::test]
async fn a_right_api_passes_every_case_and_nothing_is_left() {
    let (report, server) = judge(Fault::None, "").await;
    assert_eq!(found(&report), []);
    assert_eq!(report.exit_code(), 0, "{:?}", report.leaked);
    assert_eq!(server.count(), 0);
    assert!(report.outcomes.len() > 300, "{}", report.outcomes.len());
    let recorded = |name: &str| {
        let mut seen = report.outcomes.iter().flat_map(|it| &it.observations);
        seen.any(|it| it.name.contains(name))
    };
    assert!(
        recorded("path.malformed") && recorded("field.text"),
        "what nobody judges is recorded"
    );
}

#[tokio::test]
async fn the_descriptions_of_other_profiles_do_not_judge_this_one() {
    let suite = suite();
    let target = |profile| {
        Target::new(
            &suite,
            "http://h",
            profile,
            &BTreeMap::new(),
            Limits::STANDARD,
        )
        .unwrap()
    };
    let ids = |target: &Target| -> Vec<String> {
        generated(&suite, target)
            .into_iter()
            .map(|case| case.id().into_owned())
            .collect()
    };
    let ids = ids(&target(Some("small")));
    let has = |id: &str| {
        ids.iter()
            .any(|own| own == &format!("generated/boundary/thing/{id}"))
    };
    assert!(has("create/body.size/most") && has("update/body.size/more"));
    assert!(
        !has("create/body.weight/null"),
        "the profile has no such field"
    );
    assert!(
        has("read/method/PATCH"),
        "the profile has no such operation"
    );
}

#[tokio::test]
async fn every_fault_is_found() {
    use Verdict::Fail;
    for (fault, part, wanted) in [
        (
            Fault::FailsOnNul,
            "thing/delete/thing_id",
            vec![
                ("thing/delete/thing_id/nul", "server-error"),
                ("thing/delete/thing_id/id-nul", "server-error"),
            ],
        ),
        (
            Fault::HeedsIdInQuery,
            "thing/delete/query/other-id",
            vec![("thing/delete/query/other-id", "unchanged")],
        ),
        (
            Fault::AcceptsAnySize,
            "thing/create/body.size",
            vec![
                ("thing/create/body.size/null", "answer"),
                ("thing/create/body.size/text", "answer"),
                ("thing/create/body.size/text-number", "answer"),
                ("thing/create/body.size/fraction", "answer"),
                ("thing/create/body.size/truth", "answer"),
                ("thing/create/body.size/list", "answer"),
                ("thing/create/body.size/object", "answer"),
                ("thing/create/body.size/less", "answer"),
                ("thing/create/body.size/far-less", "answer"),
                ("thing/create/body.size/more", "answer"),
                ("thing/create/body.size/wider", "answer"),
                ("thing/create/body.size/widest", "answer"),
            ],
        ),
        (
            Fault::HangsOnBadEscape,
            "box/delete/box_id/bad-escape",
            vec![("box/delete/box_id/bad-escape", "within")],
        ),
        (
            Fault::KeepsWhatItRefuses,
            "thing/create/body.size/more",
            vec![("thing/create/body.size/more", "gone")],
        ),
        (
            Fault::ReadsWithoutToken,
            "box/read/token",
            vec![
                ("box/read/token/absent", "answer"),
                ("box/read/token/empty", "answer"),
                ("box/read/token/word", "answer"),
                ("box/read/token/one-more", "answer"),
                ("box/read/token/quoted", "answer"),
                ("box/read/token/sql", "answer"),
            ],
        ),
        (
            Fault::RefusesLargestSize,
            "thing/create/body.size/most",
            vec![("thing/create/body.size/most", "status")],
        ),
        (
            Fault::LooksUpByPrefix,
            "thing/delete/thing_id/one-",
            vec![
                ("thing/delete/thing_id/one-less", "unchanged"),
                ("thing/delete/thing_id/one-more", "unchanged"),
                ("thing/delete/thing_id/one-other", "answer"),
            ],
        ),
        (
            Fault::DeletesAll,
            "thing/list/method/DELETE",
            vec![("thing/list/method/DELETE", "answer")],
        ),
        (
            Fault::ChangesWhatItRefuses,
            "thing/update/body.size/more",
            vec![("thing/update/body.size/more", "unchanged")],
        ),
        (
            Fault::ObeysOverride,
            "thing/read/header/x-http-method-override",
            vec![("thing/read/header/x-http-method-override", "unchanged")],
        ),
        (
            Fault::ReadsBodyOfGet,
            "box/read/content/list",
            vec![("box/read/content/list", "server-error")],
        ),
    ] {
        let (report, server) = judge(fault, part).await;
        let found = found(&report);
        let ids: Vec<(&str, Verdict)> = found
            .iter()
            .map(|(id, verdict, _)| (id.as_str(), *verdict))
            .collect();
        let ids_wanted: Vec<(&str, Verdict)> = wanted.iter().map(|(id, _)| (*id, Fail)).collect();
        assert_eq!(ids, ids_wanted, "{fault:?}");
        for ((id, _, checks), (_, check)) in found.iter().zip(&wanted) {
            assert!(
                checks.iter().any(|it| it == check),
                "{fault:?}: {id} by {checks:?}"
            );
        }
        assert_eq!(server.count(), 0, "{fault:?} leaves {:?}", report.leaked);
    }
}

#[tokio::test]
async fn a_fault_in_one_case_fails_no_other() {
    let (report, server) = judge(Fault::LooksUpByPrefix, "thing/delete").await;
    let errors: Vec<_> = found(&report)
        .into_iter()
        .filter(|(_, verdict, _)| *verdict != Verdict::Fail)
        .collect();
    assert_eq!(errors, [], "what was deleted is lent to nobody else");
    let (known, total) = (found(&report).len(), report.outcomes.len());
    assert!(known < total / 4, "{known} of {total}");
    assert_eq!(server.count(), 0, "{:?}", report.leaked);
}

#[tokio::test]
async fn a_case_alone_sends_what_it_sends_among_all() {
    let (all, _) = judge(Fault::FailsOnNul, "thing/create/box_id").await;
    let (alone, _) = judge(Fault::FailsOnNul, "thing/create/box_id/nul").await;
    let id = "generated/boundary/thing/create/box_id/nul";
    let sent = |report: &RunReport| {
        let outcome = report.outcomes.iter().find(|it| it.id == id).unwrap();
        let act = outcome
            .exchanges
            .iter()
            .find(|it| it.phase == assize::exchange::Phase::Act)
            .unwrap();
        let body = String::from_utf8_lossy(&act.request.body).replace(&report.run_id, "RUN");
        (
            act.request.target().to_owned(),
            act.request.headers.clone(),
            body,
        )
    };
    assert_eq!(sent(&all), sent(&alone));
}

#[test]
fn every_case_says_why_it_is_there_and_where_to_find_it() {
    let suite = suite();
    let target = Target::new(&suite, "http://h", None, &BTreeMap::new(), Limits::STANDARD).unwrap();
    let cases = generated(&suite, &target);
    let mut ids: Vec<_> = cases.iter().map(Case::id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), cases.len(), "ids are unique");
    for case in &cases {
        assert!(
            case.id().starts_with("generated/boundary/"),
            "{}",
            case.id()
        );
        assert!(
            case.why().is_some_and(|why| why.contains(": ")),
            "{}",
            case.id()
        );
        assert!(
            ["generated", "boundary"]
                .iter()
                .all(|tag| case.scenario.tags.contains(*tag))
        );
        assert!(
            case.id()
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "/-_.".contains(c)),
            "{}",
            case.id()
        );
    }
    let one = cases
        .iter()
        .find(|case| case.id() == "generated/boundary/thing/delete/thing_id/one-less")
        .unwrap();
    assert_eq!(
        one.title(),
        "delete thing with thing_id one character short"
    );
    assert_eq!(
        one.why().as_deref(),
        Some("thing_id one character short: what can be no id")
    );
}
