//! A generated case that runs alone sends what it sends among all the others.
#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

use assize::case::{Case, Generate, expand};
use assize::plan::{Filter, Plan};
use assize::runner::{Options, run};
use assize::suite::{Files, Selection, load};
use assize::target::{Limits, Target};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// Creates whatever it is asked to, with an id that follows from the request, and forgets it on DELETE.
struct Agreeable {
    run_id: String,
    objects: Mutex<BTreeMap<String, Value>>,
}

impl Respond for Agreeable {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let path = request.url.path().trim_end_matches('/').to_owned();
        let mut objects = self.objects.lock().unwrap();
        match request.method.as_str() {
            "POST" => {
                let text = String::from_utf8_lossy(&request.body).replace(&self.run_id, "RUN");
                let digest = Sha256::digest(format!("{path} {text}").as_bytes());
                let bytes: [u8; 16] = digest[..16].try_into().unwrap();
                let id = uuid::Uuid::from_bytes(bytes).to_string();
                let mut body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
                for object in body
                    .as_object_mut()
                    .into_iter()
                    .flat_map(|it| it.values_mut())
                {
                    if let Some(object) = object.as_object_mut() {
                        object.insert("id".to_owned(), id.clone().into());
                        object.insert("provisioning_status".to_owned(), "ACTIVE".into());
                    }
                }
                objects.insert(format!("{path}/{id}"), body.clone());
                ResponseTemplate::new(201).set_body_json(body)
            }
            "DELETE" => match objects.remove(&path) {
                Some(_) => ResponseTemplate::new(204),
                None => ResponseTemplate::new(404).set_body_json(json!({})),
            },
            _ => match objects.get(&path) {
                Some(object) => ResponseTemplate::new(200).set_body_json(object),
                None => ResponseTemplate::new(404).set_body_json(json!({})),
            },
        }
    }
}

/// What the cases send, without the id of the run; how often a request is repeated depends on time.
async fn sent(wanted: &dyn Fn(&[Case]) -> Vec<String>) -> (Vec<String>, BTreeSet<String>) {
    let files = Files::Directory {
        root: Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf(),
        prefix: String::new(),
        here: None,
    };
    let suite = load(&Selection {
        suite: Some(files),
        scenarios: None,
        variables: Vec::new(),
    })
    .unwrap();
    let options = Options {
        jobs: 1,
        ..Options::standard()
    };
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(Agreeable {
            run_id: options.run_id.clone(),
            objects: Mutex::default(),
        })
        .mount(&server)
        .await;
    let target = Target::new(
        &suite,
        &server.uri(),
        None,
        &BTreeMap::new(),
        Limits::STANDARD,
    )
    .unwrap();
    let generate = Generate {
        seed: 11,
        rows: 0,
        boundary: true,
        sequences: 3,
        length: 3,
        races: 3,
    };
    let mut cases = expand(&suite, &target, &generate).cases;
    let ids = wanted(&cases);
    cases.retain(|case| ids.iter().any(|id| *id == case.id()));
    let plan = Plan::new(&suite, cases, &Filter::default(), &target).unwrap();
    let run_id = options.run_id.clone();
    run(
        Arc::new(suite),
        Arc::new(target),
        plan,
        options,
        CancellationToken::new(),
        |_| {},
    )
    .await
    .unwrap();
    let text = |request: &Request| {
        let mut headers: Vec<String> = request
            .headers
            .iter()
            .filter(|(name, _)| *name != "host")
            .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
            .collect();
        headers.sort();
        format!(
            "{} {}\n{}\n\n{}",
            request.method,
            request.url.as_str()[url_path(request.url.as_str())..].to_owned(),
            headers.join("\n"),
            String::from_utf8_lossy(&request.body)
        )
        .replace(&run_id, "RUN")
    };
    let requests = server.received_requests().await.unwrap();
    (ids, requests.iter().map(text).collect())
}

/// Where the path of a URL begins.
fn url_path(text: &str) -> usize {
    text.find("//")
        .and_then(|at| text[at + 2..].find('/').map(|slash| at + 2 + slash))
        .unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_case_sends_the_same_alone_as_among_the_others() {
    // A few of each kind, and of the boundaries a few in all places.
    let some = |cases: &[Case]| -> Vec<String> {
        let generated = cases
            .iter()
            .filter(|case| case.id().starts_with("generated/"));
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        generated
            .filter(|case| {
                let id = case.id();
                let kind: Vec<&str> = id.split('/').take(5).collect();
                let number = seen.entry(kind.join("/")).or_default();
                *number += 1;
                case.id().starts_with("generated/boundary/")
                    && case.id().contains("/pool/delete/")
                    && *number == 2
                    || !case.id().starts_with("generated/boundary/")
            })
            .map(|case| case.id().into_owned())
            .collect()
    };
    let (ids, among) = sent(&some).await;
    assert!(
        ids.iter().any(|id| id.starts_with("generated/boundary/")),
        "{ids:?}"
    );
    assert!(
        ids.iter().any(|id| id.starts_with("generated/sequences/")),
        "{ids:?}"
    );
    for id in &ids {
        let (_, alone) = sent(&|_| vec![id.clone()]).await;
        let label = alone.iter().any(|sent| sent.contains("RUN"));
        assert!(label, "{id} sends nothing of its own: {alone:#?}");
        let others: Vec<&String> = alone.difference(&among).collect();
        assert!(others.is_empty(), "{id} sends alone: {others:#?}");
    }
}
