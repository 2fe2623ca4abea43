//! Which case is started when: the longest first, those with objects not too many at once, and none after the
//! deadline.

#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use assize::case::{Generate, expand};
use assize::outcome::{RunReport, Verdict};
use assize::plan::{Filter, Plan};
use assize::runner::{Options, run};
use assize::suite::{Files, Selection, load};
use assize::target::{Limits, Target};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use wiremock::matchers::{method, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

const MANIFEST: &str = "
suite: things
use: thing.yaml
scenarios: it.yaml
";

const THING: &str = "
resource: thing
create: { request: POST /things, json: { name: '{{ unique_name }}' } }
object: '{{ body }}'
read: GET /things/{{ thing.id }}
delete: DELETE /things/{{ thing.id }}
";

/// Runs scenarios that are files of a suite with the resource `thing`.
async fn judge(
    server: &MockServer,
    scenarios: &str,
    at_most: Option<usize>,
    options: Options,
) -> RunReport {
    let files = [("suite.yaml", MANIFEST), ("thing.yaml", THING)];
    let mut files: BTreeMap<String, &'static str> =
        files.map(|(name, text)| (name.to_owned(), text)).into();
    files.insert(
        "it.yaml".to_owned(),
        Box::leak(scenarios.to_owned().into_boxed_str()),
    );
    let suite = load(&Selection {
        suite: Some(Files::Embedded(files)),
        scenarios: None,
        variables: Vec::new(),
    });
    let suite = suite.unwrap_or_else(|found| panic!("{found:#?}"));
    let variables = BTreeMap::new();
    // What is under way at the deadline is waited for, since it may have done something.
    let limits = Limits {
        request: Duration::from_secs(2),
        ..Limits::STANDARD
    };
    let mut target = Target::new(&suite, &server.uri(), None, &variables, limits).unwrap();
    target
        .pace
        .objects
        .extend(at_most.map(|most| ("thing".to_owned(), most)));
    let cases = expand(&suite, &target, &Generate::default()).cases;
    let plan = Plan::new(&suite, cases, &Filter::default(), &target).unwrap();
    let cancel = CancellationToken::new();
    run(
        Arc::new(suite),
        Arc::new(target),
        plan,
        options,
        cancel,
        |_| {},
    )
    .await
    .unwrap()
}

/// A server that has every thing, and answers what a case acts on after a time.
async fn server(act: Duration) -> MockServer {
    let server = MockServer::start().await;
    for (verb, path, answer) in [
        (
            "POST",
            "^/things$",
            ResponseTemplate::new(201).set_body_json(json!({"id": "t"})),
        ),
        ("DELETE", "^/things/", ResponseTemplate::new(204)),
        ("GET", "^/things/", ResponseTemplate::new(404)),
        ("GET", "^/act/", ResponseTemplate::new(200).set_delay(act)),
    ] {
        let mock = Mock::given(method(verb)).and(path_regex(path));
        mock.respond_with(answer).mount(&server).await;
    }
    server
}

/// Cases that are asked for by their numbers, each with an object of its own if so wanted.
fn cases(count: usize, given: &str) -> String {
    let mut text = String::from("scenarios:\n");
    for at in 0..count {
        let _ = writeln!(
            text,
            "  - {{ id: case-{at}, {given} steps: GET /act/{at} }}"
        );
    }
    text
}

/// What was acted on, in the order in which it arrived.
async fn acts(server: &MockServer) -> Vec<String> {
    let requests = server.received_requests().await.unwrap();
    let paths = requests.iter().map(|request| request.url.path());
    paths
        .filter_map(|path| path.strip_prefix("/act/"))
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn what_took_longest_is_started_first_and_told_in_the_order_of_the_plan() {
    let server = server(Duration::ZERO).await;
    let took = [(0, 30), (1, 10), (2, 50), (4, 30)];
    let options = Options {
        jobs: 1,
        durations: (took.iter())
            .map(|(at, millis)| (format!("it/case-{at}"), Duration::from_millis(*millis)))
            .collect(),
        ..Options::standard()
    };
    let report = judge(&server, &cases(5, ""), None, options).await;
    // One of which nothing is known may be the longest.
    assert_eq!(acts(&server).await, ["3", "2", "0", "4", "1"]);
    let ids: Vec<&str> = report
        .outcomes
        .iter()
        .map(|outcome| outcome.id.as_str())
        .collect();
    assert_eq!(
        ids,
        [
            "it/case-0",
            "it/case-1",
            "it/case-2",
            "it/case-3",
            "it/case-4"
        ]
    );
}

#[tokio::test]
async fn cases_with_objects_are_fewer_at_once_than_those_without() {
    let act = Duration::from_millis(200);
    let server = server(act).await;
    for (given, least) in [("", 1), ("given: [thing],", 4)] {
        let options = Options {
            jobs: 64,
            holders: 4,
            ..Options::standard()
        };
        let begin = Instant::now();
        let report = judge(&server, &cases(16, given), None, options).await;
        assert_eq!(report.counts().passed, 16, "{:?}", report.outcomes);
        let took = begin.elapsed();
        assert!(took >= act * least, "{given}: {took:?}");
        assert!(least > 1 || took < act * 4, "{given}: {took:?}");
    }
}

#[tokio::test]
async fn who_waits_for_room_gets_it_in_the_order_of_coming() {
    let server = server(Duration::from_millis(5)).await;
    let options = Options {
        jobs: 8,
        holders: 8,
        ..Options::standard()
    };
    let report = judge(&server, &cases(24, "given: [thing],"), Some(1), options).await;
    assert_eq!(report.counts().passed, 24, "{:?}", report.outcomes);
    let came = acts(&server).await;
    // Eight come at once in whatever order; none of them waits for more than the others.
    for (at, name) in came.iter().enumerate() {
        let turn: usize = name.parse().unwrap();
        assert!(turn.abs_diff(at) <= 8, "{turn} came as {at}: {came:?}");
    }
}

#[tokio::test]
async fn after_the_deadline_nothing_is_started_and_what_runs_is_cleaned_up() {
    let server = server(Duration::from_secs(60)).await;
    let options = Options {
        jobs: 2,
        deadline: Some(Duration::from_millis(500)),
        ..Options::standard()
    };
    let begin = Instant::now();
    let report = judge(&server, &cases(6, "given: [thing],"), None, options).await;
    assert!(
        begin.elapsed() < Duration::from_secs(10),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(
        report.cut_short.as_deref(),
        Some("the deadline of 500ms was reached")
    );
    assert_eq!(report.exit_code(), 3);
    let verdicts: Vec<Verdict> = report
        .outcomes
        .iter()
        .map(|outcome| outcome.verdict)
        .collect();
    assert_eq!(verdicts.len(), 6);
    for outcome in &report.outcomes[2..] {
        assert_eq!(outcome.verdict, Verdict::Skip, "{outcome:?}");
        let reason = outcome.reason.as_deref().unwrap();
        assert!(reason.starts_with("not run: the deadline"), "{reason}");
    }
    let requests = server.received_requests().await.unwrap();
    let count = |verb: &str| {
        let of_things = requests
            .iter()
            .filter(|it| it.url.path().starts_with("/things"));
        of_things.filter(|it| it.method.as_str() == verb).count()
    };
    assert_eq!((count("POST"), count("DELETE")), (2, 2));
    assert!(report.leaked.is_empty());
}
