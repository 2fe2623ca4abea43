//! Scenarios that stand for many cases: what is sent, selected, listed and reported of them.
#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use assert_cmd::cargo::cargo_bin_cmd;
use assize::case::{Generate, expand};
use assize::outcome::{RunReport, Verdict};
use assize::plan::{Filter, Plan};
use assize::report::junit;
use assize::runner::{Options, run};
use assize::suite::{Files, Selection, load};
use assize::target::{Limits, Target};
use tokio_util::sync::CancellationToken;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

const SCENARIOS: &str = "\
resource: thing
params: { size: 0 }
create: { request: POST /things, json: { name: '{{ unique_name }}', size: '{{ size }}' } }
object: '{{ body }}'
read: GET /things/{{ thing.id }}
---
feature: things are painted
scenarios:
  - id: painted
    title: a thing in {{ colour }}
    generate: { matrix: { size: [1, 2], colour: [red, 'dark blue'], gloss: [true, false] } }
    variables: { twice: '{{ size * 2 }}' }
    only_if: size < 2 or not gloss
    given: [{ thing: { size: '{{ size }}' } }]
    when: { request: 'PUT /things/{{ thing.id }}', json: { colour: '{{ colour }}', twice: '{{ twice }}', by: '{{ case_id }}' } }
    then: { status: 200 }
";

fn files(directory: &tempfile::TempDir) -> Files {
    let (resource, scenarios) = SCENARIOS.split_once("---\n").unwrap();
    std::fs::write(directory.path().join("thing.yaml"), resource).unwrap();
    std::fs::write(directory.path().join("it.yaml"), scenarios).unwrap();
    Files::Directory {
        root: directory.path().to_path_buf(),
        prefix: String::new(),
        here: None,
    }
}

/// Runs the cases that the filter selects; what was sent, without what differs from run to run.
async fn sent(filter: &str) -> (RunReport, Vec<String>) {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(
            ResponseTemplate::new(200).set_body_json(serde_json::json!({ "id": "t", "size": 1 })),
        )
        .mount(&server)
        .await;
    let directory = tempfile::tempdir().unwrap();
    let suite = load(&Selection {
        suite: None,
        scenarios: Some((files(&directory), vec![String::new()])),
        variables: Vec::new(),
    })
    .unwrap();
    let target = Target::new(
        &suite,
        &server.uri(),
        None,
        &BTreeMap::new(),
        Limits::STANDARD,
    )
    .unwrap();
    let cases = expand(&suite, &target, &Generate::default()).cases;
    let filter = Filter {
        ids: vec![filter.to_owned()],
        tags: Vec::new(),
        ..Filter::default()
    };
    let plan = Plan::new(&suite, cases, &filter, &target).unwrap();
    let report = run(
        Arc::new(suite),
        Arc::new(target),
        plan,
        Options::standard(),
        CancellationToken::new(),
        |_| {},
    )
    .await
    .unwrap();
    let requests = server.received_requests().await.unwrap();
    let text = |request: &wiremock::Request| {
        let body = String::from_utf8(request.body.clone()).unwrap();
        format!("{} {} {body}", request.method, request.url.path()).replace(&report.run_id, "RUN")
    };
    let sent = requests.iter().map(text).collect();
    (report, sent)
}

#[tokio::test]
async fn one_case_alone_sends_what_it_sends_among_the_others() {
    let id = "it/painted/size=1,colour=dark%20blue,gloss=false";
    let (all, among) = sent("it/").await;
    assert_eq!(all.outcomes.len(), 8);
    let (report, alone) = sent(id).await;
    assert_eq!(report.outcomes.len(), 1);
    assert_eq!(report.outcomes[0].id, id);
    let put = r#"PUT /things/t {"colour":"dark blue","twice":2,"by":"it/painted/size=1,colour=dark%20blue,gloss=false"}"#;
    assert!(alone.iter().any(|sent| sent == put), "{alone:#?}");
    let own: Vec<&String> = alone.iter().filter(|sent| sent.contains('{')).collect();
    assert_eq!(own.len(), 2, "{alone:#?}");
    assert!(own.iter().all(|sent| among.contains(sent)), "{among:#?}");
}

#[tokio::test]
async fn a_part_of_an_id_and_a_glob_select_cases_and_only_if_knows_the_axes() {
    let (report, _) = sent("size=2,colour=red").await;
    let verdicts: Vec<Verdict> = report.outcomes.iter().map(|case| case.verdict).collect();
    assert_eq!(verdicts, [Verdict::Skip, Verdict::Pass]);
    let (report, _) = sent("it/*/size=*,colour=red,gloss=true").await;
    let ids: Vec<&str> = report
        .outcomes
        .iter()
        .map(|case| case.id.as_str())
        .collect();
    assert_eq!(
        ids,
        [
            "it/painted/size=1,colour=red,gloss=true",
            "it/painted/size=2,colour=red,gloss=true"
        ]
    );
}

#[tokio::test]
async fn the_xml_tells_cases_apart_and_where_they_come_from() {
    let (report, _) = sent("it/").await;
    let xml = junit(&report).unwrap();
    let names: BTreeSet<&str> = xml
        .split("<testcase name=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    assert_eq!(names.len(), 8, "{xml}");
    assert!(
        names.contains("a thing in dark blue (size 1, gloss false)"),
        "{names:?}"
    );
    for told in [
        "classname=\"it\"",
        "file=\"it.yaml\" line=\"3\"",
        "name=\"made_by\" value=\"every combination of size, colour, gloss\"",
    ] {
        assert_eq!(xml.matches(told).count(), 8, "{told} in\n{xml}");
    }
}

#[test]
fn what_is_left_out_is_told_and_listed() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("pairs.yaml");
    std::fs::write(
        &file,
        "generate: { matrix: { a: [1, 2], b: [1, 2], c: [1, 2] }, strategy: pairwise }\nsteps: GET /\n",
    )
    .unwrap();
    let said = |arguments: &[&str]| {
        let output = cargo_bin_cmd!("assize")
            .args(arguments)
            .arg("pairs.yaml")
            .current_dir(directory.path())
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let told =
        "4 combinations are left out by pairwise in pairs; `assize list --omitted` names them\n";
    let list = said(&["list"]);
    assert!(
        list.ends_with(&format!("4 cases, 0 of them skipped\n{told}")),
        "{list}"
    );
    assert!(said(&["run", "--dry-run"]).ends_with(told));
    let omitted = said(&["list", "--omitted"]);
    assert_eq!(omitted.lines().count(), 4, "{omitted}");
    assert!(
        omitted
            .lines()
            .all(|line| line.ends_with("\tleft out by pairwise"))
    );
    let id = |line: &str| line.split('\t').next().unwrap().to_owned();
    let all: BTreeSet<String> = list
        .lines()
        .take(4)
        .chain(omitted.lines())
        .map(id)
        .collect();
    assert_eq!(all.len(), 8, "{list}{omitted}");
    let one = id(omitted.lines().next().unwrap());
    assert_eq!(
        said(&["list", "--omitted", "--filter", &one])
            .lines()
            .count(),
        1
    );
    // Another seed may choose other rows; the same one never does.
    assert_eq!(
        said(&["list", "--seed", "3"]),
        said(&["list", "--seed", "3"])
    );
}
