//! What becomes of shared objects that a case, or a fault of the endpoint, has changed or taken away.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use assize::case::{Generate, expand};
use assize::outcome::{RunReport, Verdict};
use assize::plan::{Filter, Plan};
use assize::runner::{Options, run};
use assize::suite::{Files, Selection, load};
use assize::target::{Limits, Target};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::server::{Fault, Things};

const RESOURCES: [(&str, &str); 2] = [
    (
        "box.yaml",
        "
resource: box
scope: worker
params: { colour: red }
create: { request: POST /boxes, headers: { X-Token: secret }, json: { box: { name: '{{ unique_name }}' } } }
object: '{{ body.box }}'
read: { request: 'GET /boxes/{{ box.id }}', headers: { X-Token: secret } }
list: { request: GET /boxes, items: '{{ body.all }}' }
delete: { request: 'DELETE /boxes/{{ box.id }}', headers: { X-Token: secret } }
",
    ),
    (
        "thing.yaml",
        "
resource: thing
scope: worker
needs: box
create:
  request: POST /boxes/{{ box.id }}/things
  headers: { X-Token: secret }
  json: { thing: { name: '{{ unique_name }}', size: 3 } }
object: '{{ body.thing }}'
read: { request: 'GET /boxes/{{ box.id }}/things/{{ thing.id }}', headers: { X-Token: secret } }
delete: { request: 'DELETE /boxes/{{ box.id }}/things/{{ thing.id }}', headers: { X-Token: secret } }
",
    ),
];

/// Runs scenarios one after the other; what they came to, and the server.
async fn judge(scenarios: &str) -> (RunReport, Things) {
    judge_with(scenarios, 1, None, Fault::None).await
}

/// Runs so many scenarios at once, with so many boxes at the most.
async fn judge_with(
    scenarios: &str,
    jobs: usize,
    boxes: Option<usize>,
    fault: Fault,
) -> (RunReport, Things) {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in RESOURCES {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    std::fs::write(directory.path().join("it.yaml"), scenarios).unwrap();
    let files = Files::Directory {
        root: directory.path().to_path_buf(),
        prefix: String::new(),
        here: None,
    };
    let selection = Selection {
        suite: None,
        scenarios: Some((files, vec![String::new()])),
        variables: Vec::new(),
    };
    let suite = load(&selection).unwrap_or_else(|found| panic!("{found:?}"));
    let server = Things::start(fault).await;
    let mut target = Target::new(
        &suite,
        &server.url,
        None,
        &BTreeMap::from([("x".to_owned(), json!(1))]),
        Limits::STANDARD,
    )
    .unwrap();
    let boxes = boxes.map(|most| ("box".to_owned(), most));
    target.pace.objects.extend(boxes);
    let cases = expand(&suite, &target, &Generate::default()).cases;
    let plan = Plan::new(&suite, cases, &Filter::default(), &target).unwrap();
    let options = Options {
        jobs,
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

fn verdicts(report: &RunReport) -> Vec<Verdict> {
    report
        .outcomes
        .iter()
        .map(|outcome| outcome.verdict)
        .collect()
}

const READS: &str = "
  - id: ID
    given: [thing]
    when: { request: 'GET /boxes/{{ box.id }}/things/{{ thing.id }}', headers: { X-Token: secret } }
    then: { status: 200, unchanged: all }
";

#[tokio::test]
async fn objects_below_a_shared_object_are_shared_too() {
    let scenarios = format!(
        "scenarios:{}{}",
        READS.replace("ID", "one"),
        READS.replace("ID", "two")
    );
    let (report, server) = judge(&scenarios).await;
    assert_eq!(
        verdicts(&report),
        [Verdict::Pass, Verdict::Pass],
        "{report:?}"
    );
    assert_eq!(server.created(), 2, "a box and a thing");
    assert_eq!(server.count(), 0, "all removed: {:?}", report.leaked);
}

#[tokio::test]
async fn an_object_that_was_taken_away_or_changed_is_lent_to_nobody_else() {
    for act in [
        "{ request: 'DELETE /boxes/{{ box.id }}/things/{{ thing.id }}', headers: { X-Token: secret } }",
        "{ request: 'PUT /boxes/{{ box.id }}/things/{{ thing.id }}', headers: { X-Token: secret }, json: { thing: { size: 4 } } }",
    ] {
        let first = format!(
            "
  - id: one
    given: [thing]
    when: {act}
    then: {{ unchanged: all }}
"
        );
        let (report, server) =
            judge(&format!("scenarios:{first}{}", READS.replace("ID", "two"))).await;
        assert_eq!(verdicts(&report), [Verdict::Fail, Verdict::Pass], "{act}");
        assert_eq!(server.created(), 3, "a second thing in the same box: {act}");
        assert_eq!(server.count(), 0, "{:?}", report.leaked);
    }
}

#[tokio::test]
async fn an_object_that_was_taken_away_without_being_asked_for_is_noticed() {
    // The first case comes to a halt before it looks at anything; the act has done its work.
    let first = "
  - id: one
    given: [thing]
    steps:
      - { request: 'DELETE /boxes/{{ box.id }}/things/{{ thing.id }}', headers: { X-Token: secret }, then: { status: 404 } }
      - { request: GET /boxes, then: { status: 200 } }
";
    let (report, server) = judge(&format!("scenarios:{first}{}", READS.replace("ID", "two"))).await;
    assert_eq!(verdicts(&report), [Verdict::Fail, Verdict::Pass]);
    assert_eq!(server.count(), 0, "{:?}", report.leaked);
}

#[tokio::test]
async fn no_more_objects_than_allowed_stand_at_once_whatever_kinds_of_them_are_asked_for() {
    let colours = ["red", "blue", "green", "grey"];
    let scenarios: String = (0..24)
        .map(|at| {
            let colour = colours[at % colours.len()];
            // Some leave their box other than it was, so that it is lent to nobody else.
            let (method, then) = match at % 5 {
                0 => ("DELETE", "{ status: 204, check: after.box is none }"),
                _ => ("GET", "{ status: 200 }"),
            };
            format!(
                "
  - id: c{at}
    title: case {at}
    given: [box: {{ colour: {colour} }}]
    when: {{ request: '{method} /boxes/{{{{ box.id }}}}', headers: {{ X-Token: secret }} }}
    then: {then}
"
            )
        })
        .collect();
    let scenarios = format!("scenarios:{scenarios}");
    for most in [1, 2, 3] {
        let (report, server) = judge_with(&scenarios, 8, Some(most), Fault::None).await;
        assert!(
            verdicts(&report).iter().all(|it| *it == Verdict::Pass),
            "{report:?}"
        );
        assert!(
            server.most_boxes() <= most,
            "{} of {most}",
            server.most_boxes()
        );
        assert_eq!(server.count(), 0, "{:?}", report.leaked);
    }
    let (_, server) = judge_with(&scenarios, 8, None, Fault::None).await;
    assert!(
        server.most_boxes() >= colours.len(),
        "nothing kept them apart"
    );
}

#[tokio::test]
async fn no_case_waits_for_what_only_itself_could_give_back() {
    let two = "
  - id: two
    given: [box, box: { as: other }]
    when: { request: 'GET /boxes/{{ box.id }}', headers: { X-Token: secret } }
    then: { status: 200 }
";
    let scenarios = format!("scenarios:{two}{}", READS.replace("ID", "one"));
    for jobs in [1, 8] {
        let judged = judge_with(&scenarios, jobs, None, Fault::HasOneBox);
        // Whoever waits in vain does so for all the time of a case, which is five minutes.
        let judged = tokio::time::timeout(Duration::from_secs(100), judged);
        let (report, server) = judged.await.expect("somebody waits in vain");
        assert_eq!(verdicts(&report), [Verdict::Error, Verdict::Pass]);
        let why = report.outcomes[0].reason.as_deref().unwrap();
        assert!(why.starts_with("box could not be created: "), "{why}");
        assert_eq!(server.count(), 0, "{:?}", report.leaked);
    }
}
