//! Clouds that are slow, busy, and have little to give.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use assize::emulator::{Config, Dialect, Emulator, Running};

use crate::{Said, Serving, assize, run};

const SUITE: &[&str] = &["run", "--suite", "lbaas-v2", "--profile", "octavia"];

fn ledgers(directory: &Path) -> bool {
    directory.join("assize-ledger").exists()
}

#[test]
fn a_cloud_that_is_slow_and_unstable_and_whose_tokens_end_passes_and_nothing_is_left() {
    let serving = Serving::new(&[
        "--dialect",
        "octavia",
        "--pending",
        "50..400ms",
        "--unstable",
        "5",
        "--token-life",
        "2s",
        "--seed",
        "7",
    ]);
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("password"), "assize-owner").unwrap();
    let target = format!(
        "endpoint = \"{0}\"\n[identities.owner.keystone]\nauth_url = \"{0}/v3\"\nusername = \"owner\"\npassword = {{ file = \"password\" }}\nproject_name = \"owner\"\n",
        serving.url
    );
    fs::write(directory.path().join("assize.toml"), target).unwrap();
    let filter = "pools/delete/{aftermath,members,monitor,policies,races,repeat,reuse,siblings}/*";
    let all = [SUITE, &["--jobs", "64", "--filter", filter]].concat();
    let said = run(directory.path(), &all).exits(0);
    assert!(said.stdout.contains(" 0 failed, 0 errors"), "{said:?}");
    assert!(!ledgers(directory.path()), "something is left");
    serving.calm();
    assert_eq!(serving.names(), [""; 0]);
}

/// An emulator in this process that counts, for runs in another.
async fn counting(change: impl FnOnce(&mut Config)) -> Running {
    let mut config = Config::new(Dialect::Octavia);
    config.count = true;
    change(&mut config);
    let emulator = Emulator::bind(config, ([127, 0, 0, 1], 0).into()).await;
    emulator.unwrap().serve()
}

async fn run_beside(directory: PathBuf, arguments: Vec<String>) -> Said {
    let run = move || Said::from(assize(&directory).args(arguments).output().unwrap());
    tokio::task::spawn_blocking(run).await.unwrap()
}

/// By path, how often a method was asked for.
fn asked(running: &Running, method: &str) -> BTreeMap<String, usize> {
    let all = running.asked().into_iter();
    let own = all.filter(|((verb, _), _)| verb == method);
    own.map(|((_, path), count)| (path, count)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_that_is_turned_away_is_never_sent_again() {
    let running = counting(|config| {
        config.unstable = 10.0;
        config.pending = Duration::from_millis(1)..=Duration::from_millis(5);
    })
    .await;
    let directory = tempfile::tempdir().unwrap();
    // One of ten requests is turned away: that no act is among them is not to be expected in a lifetime.
    let cases = 100;
    let scenarios: String = (0..cases)
        .map(|case| {
            format!(
                "  - id: c{case}\n    title: case {case}\n    given: pool\n    when: {{ request: \"PUT /v2.0/lbaas/pools/{{{{ pool.id }}}}\", json: {{ pool: {{ description: acted }} }} }}\n    then: {{ status: 200 }}\n"
            )
        })
        .collect();
    fs::write(
        directory.path().join("it.yaml"),
        format!("scenarios:\n{scenarios}"),
    )
    .unwrap();
    let mut arguments: Vec<String> = SUITE.iter().map(|it| (*it).to_owned()).collect();
    arguments.extend(["it.yaml", "--endpoint", running.url()].map(str::to_owned));
    let said = run_beside(directory.path().to_path_buf(), arguments)
        .await
        .exits(0);
    assert!(said.stdout.contains(&format!("{cases} passed")), "{said:?}");
    let acts = asked(&running, "PUT");
    assert!(acts.values().all(|count| *count == 1), "{acts:?}");
    assert!(acts.len() > cases, "no act was turned away");
    assert_eq!(running.objects(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_up_that_is_not_permitted_is_asked_for_once_and_nothing_is_judged() {
    let running = counting(|_| {}).await;
    let directory = tempfile::tempdir().unwrap();
    let mut arguments: Vec<String> = SUITE.iter().map(|it| (*it).to_owned()).collect();
    let reader = [
        "--var",
        "owner_token=assize-readonly",
        "--filter",
        "pools/delete/members*/*",
    ];
    arguments.extend(reader.map(str::to_owned));
    arguments.extend(["--endpoint".to_owned(), running.url().to_owned()]);
    let said = run_beside(directory.path().to_path_buf(), arguments)
        .await
        .exits(3);
    let posts = asked(&running, "POST");
    assert_eq!(
        posts.into_iter().collect::<Vec<_>>(),
        [("/v2.0/lbaas/loadbalancers".to_owned(), 1)]
    );
    assert!(said.stdout.contains("0 passed"), "{said:?}");
    assert!(
        said.stdout
            .contains("the shared loadbalancer could not be set up"),
        "{said:?}"
    );
    assert!(said.stdout.contains("403"), "{said:?}");
    assert_eq!(running.objects(), 0);
    assert!(!ledgers(directory.path()));
}

#[test]
fn a_rate_is_kept_and_one_that_the_endpoint_sets_is_obeyed() {
    let serving = Serving::new(&["--dialect", "octavia", "--rate", "40"]);
    let directory = tempfile::tempdir().unwrap();
    let some = [
        SUITE,
        &[
            "--filter",
            "pools/delete/clean/*",
            "--endpoint",
            &serving.url,
        ],
    ]
    .concat();
    run(directory.path(), &some).exits(0);
    // Slower than the endpoint allows, it is never turned away, and takes its time.
    let target = "[pace]\nrate = 30\n";
    fs::write(directory.path().join("assize.toml"), target).unwrap();
    let json = [&some[..], &["--json", "report.json"]].concat();
    run(directory.path(), &json).exits(0);
    let report = fs::read_to_string(directory.path().join("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let requests: f64 = (report["cases"].as_array().unwrap().iter())
        .map(|case| case["requests"].as_f64().unwrap())
        .sum();
    let seconds = report["summary"]["duration_ms"].as_f64().unwrap() / 1000.0;
    assert!(
        requests / seconds <= 31.0,
        "{requests} requests in {seconds} s"
    );
}

#[test]
fn the_second_interrupt_leaves_at_once_and_the_ledger_with_it() {
    let serving = Serving::new(&["--dialect", "octavia", "--pending", "1s..2s"]);
    let directory = tempfile::tempdir().unwrap();
    let mut process = assize(directory.path())
        .args(SUITE)
        .args(["--filter", "clean/clean-pool", "--endpoint", &serving.url])
        .args(["--json", "report.json", "--junit", "report.xml"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while serving.names().is_empty() {}
    let pid = process.id().to_string();
    let interrupt = || {
        assert!(
            Command::new("kill")
                .args(["-INT", &pid])
                .status()
                .unwrap()
                .success()
        );
    };
    let mut said = BufReader::new(process.stderr.take().unwrap()).lines();
    let mut until = |part: &str| {
        let found = said.any(|line| line.unwrap().contains(part));
        assert!(found, "{part:?} was not said");
    };
    interrupt();
    until("interrupted: no more cases are started");
    interrupt();
    until("`assize sweep` removes them");
    assert_eq!(process.wait().unwrap().code(), Some(3));
    assert!(ledgers(directory.path()));
    assert!(!serving.names().is_empty());
    // What was left is in the reports, and they are whole.
    let read = |file: &str| fs::read_to_string(directory.path().join(file)).unwrap();
    let report: serde_json::Value = serde_json::from_str(&read("report.json")).unwrap();
    let summary = &report["summary"];
    assert_eq!(summary["exit_code"], 3);
    let left = summary["counts"]["leaked"].as_u64().unwrap();
    assert!(left >= 1, "{summary}");
    let xml = read("report.xml");
    assert!(xml.ends_with("</testsuites>\n"), "{xml}");
    assert!(xml.contains("the run was left at once"), "{xml}");
    run(directory.path(), &["sweep"]).exits(0);
    serving.calm();
    assert_eq!(serving.names(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_load_balancers_than_allowed_stand_at_once() {
    let most = 3;
    // One more would be refused.
    let running = counting(|config| {
        config.quotas.load_balancers = Some(most);
        config.pending = Duration::from_millis(1)..=Duration::from_millis(5);
    })
    .await;
    let directory = tempfile::tempdir().unwrap();
    let with = |at_most: &str| {
        let filter = "pools/delete/{siblings,clean,policies,unknown_ids,aftermath}/*";
        let own = [
            "--filter",
            filter,
            "--at-most",
            at_most,
            "--endpoint",
            running.url(),
        ];
        let all = SUITE
            .iter()
            .copied()
            .chain(own)
            .map(str::to_owned)
            .collect();
        run_beside(directory.path().to_path_buf(), all)
    };
    with(&format!("loadbalancer={most}")).await.exits(0);
    let balancers = "/v2.0/lbaas/loadbalancers";
    let created = asked(&running, "POST")[balancers];
    let removed = asked(&running, "DELETE").into_keys();
    let removed = removed.filter(|path| path.starts_with(balancers)).count();
    assert_eq!(created, removed, "one more was asked for and refused");
    assert!(created >= most, "{created} were created");
    assert_eq!(running.objects(), 0);

    let said = with("loadbalancer=1").await.exits(2);
    assert!(
        said.stderr
            .contains("there may be 1 of `loadbalancer` at once"),
        "{said:?}"
    );
    let said = with("gadget=1").await.exits(2);
    assert!(said.stderr.contains("has no resource `gadget`"), "{said:?}");
    assert_eq!(
        asked(&running, "POST")[balancers],
        created,
        "nothing was sent"
    );
}
