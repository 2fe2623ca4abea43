//! A run that dies leaves a ledger, and the ledger is enough.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use crate::{Serving, assize, run};

/// Cases with objects of every kind, some of them created by the act.
const RUN: &[&str] = &[
    "run",
    "--suite",
    "lbaas-v2",
    "--profile",
    "octavia",
    "--jobs",
    "12",
    "--filter",
    "pools/delete/{policies,races,reuse,monitor,members,siblings}/*",
    "--endpoint",
];

fn octavia() -> Serving {
    Serving::new(&["--dialect", "octavia", "--pending", "5..40ms"])
}

fn ledgers(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory.join("assize-ledger")) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// What the lines that begin so go on with.
fn lines<'s>(said: &'s str, verb: &str) -> Vec<&'s str> {
    said.lines()
        .filter_map(|line| line.strip_prefix(verb))
        .collect()
}

/// Starts a run and kills it after a while; whether it was still at it.
fn killed_after(directory: &Path, endpoint: &str, time: Duration) -> bool {
    let mut process = assize(directory)
        .args(RUN)
        .arg(endpoint)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(time);
    let lives = process.try_wait().unwrap().is_none();
    process.kill().unwrap();
    process.wait().unwrap();
    lives
}

#[test]
fn after_kill_9_at_any_moment_a_sweep_leaves_nothing() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let serving = octavia();
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();

    let clock = Instant::now();
    let mut whole = RUN.to_vec();
    whole.push(&serving.url);
    run(directory, &whole).exits(0);
    let time = u64::try_from(clock.elapsed().as_millis()).unwrap();
    assert_eq!(serving.names(), [""; 0]);
    assert_eq!(
        ledgers(directory),
        [""; 0].map(PathBuf::from),
        "a clean run keeps no ledger"
    );

    let (mut killed, mut left) = (0, 0);
    for round in 0..20 {
        let moment = Duration::from_millis(random.next_u64() % time);
        killed += u32::from(killed_after(directory, &serving.url, moment));
        serving.calm();
        let there = serving.names().len();
        left += there;
        let looked = run(directory, &["sweep", "--dry-run"]).exits(0);
        assert_eq!(serving.names().len(), there, "{looked:?}");
        let swept = run(directory, &["sweep"]).exits(0);
        let rest = serving.names();
        assert!(
            rest.is_empty(),
            "round {round}, {moment:?}: {rest:?}\n{swept:?}"
        );
        let told = lines(&swept.stdout, "REMOVED  ");
        assert_eq!(told, lines(&looked.stdout, "WOULD REMOVE  "));

        let files = ledgers(directory);
        let before: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
        let again = run(directory, &["sweep"]).exits(0);
        assert_eq!(lines(&again.stdout, "REMOVED  "), [""; 0], "{again:?}");
        let after: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
        assert!(before == after, "sweeping twice changes nothing");
        for file in files {
            fs::remove_file(file).unwrap();
        }
    }
    assert!(killed >= 10, "only {killed} of 20 runs were killed");
    assert!(left >= 20, "only {left} objects were left by all of them");
}

const HEADER: &str = r#"{"run":{"version":1,"run":"RUN","endpoint":"URL","suite":"lbaas-v2","suite_version":null,"profile":"octavia","started":"2026-01-02T03:04:05Z"}}"#;

/// The first line of a ledger, as a person would write it.
fn header(run: &str, url: &str) -> String {
    HEADER.replace("RUN", run).replace("URL", url) + "\n"
}

fn intent(n: u64, resource: &str, name: &str, needs: &str) -> String {
    format!(
        "{{\"intent\":{{\"n\":{n},\"resource\":\"{resource}\",\"name\":\"{name}\",\"identity\":\"owner\",\"case\":\"c\",\"needs\":{{{needs}}}}}}}\n"
    )
}

fn created(n: u64, id: &str) -> String {
    format!("{{\"created\":{{\"n\":{n},\"id\":\"{id}\"}}}}\n")
}

fn with_ledger(name: &str, text: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let ledgers = directory.path().join("assize-ledger");
    fs::create_dir(&ledgers).unwrap();
    fs::write(ledgers.join(name), text).unwrap();
    directory
}

fn create_lb(serving: &Serving, name: &str) -> String {
    let content = format!(
        r#"{{"loadbalancer": {{"name": "{name}", "vip_subnet_id": "5a9a3e9e-d1aa-448e-af37-a70171f2a332"}}}}"#
    );
    let (status, answer) = serving.send(
        "POST",
        "/v2.0/lbaas/loadbalancers",
        "assize-owner",
        &content,
    );
    assert_eq!(status, 201, "{answer}");
    answer["loadbalancer"]["id"].as_str().unwrap().to_owned()
}

#[test]
fn an_intent_without_an_id_is_looked_up_by_its_name_and_found_as_often_as_it_is_there() {
    let serving = octavia();
    // Its creation was answered with 503, and tried again.
    for _ in 0..2 {
        create_lb(&serving, "assize-aaaa-lb-1");
    }
    create_lb(&serving, "assize-aaaa-lb-10");
    let known = create_lb(&serving, "assize-aaaa-lb-2");
    create_lb(&serving, "assize-aaaa-lb-2");
    let text = header("aaaa", &serving.url)
        + &intent(1, "loadbalancer", "assize-aaaa-lb-1", "")
        + &intent(2, "loadbalancer", "assize-aaaa-lb-2", "")
        + &created(2, &known)
        + &intent(3, "pool", "assize-aaaa-p-1", "\"loadbalancer\":1")
        + &intent(4, "member", "assize-aaaa-m-1", "\"pool\":3");
    let directory = with_ledger("aaaa.jsonl", &text);
    let said = run(directory.path(), &["sweep"]).exits(0);
    assert_eq!(lines(&said.stdout, "REMOVED  ").len(), 4, "{said:?}");
    assert!(
        said.stdout.ends_with(", 2 gone already, 0 left\n"),
        "{said:?}"
    );
    assert_eq!(serving.names(), ["loadbalancers assize-aaaa-lb-10"]);
}

#[test]
fn what_does_not_bear_the_name_of_the_run_is_left_alone_and_told_of() {
    let serving = octavia();
    let foreign = create_lb(&serving, "production");
    let own = create_lb(&serving, "assize-aaaa-lb-1");
    let text = header("aaaa", &serving.url)
        + &intent(1, "loadbalancer", "assize-aaaa-lb-0", "")
        + &created(1, &foreign)
        + &intent(2, "loadbalancer", "assize-aaaa-lb-1", "")
        + &created(2, &own)
        + &intent(3, "gadget", "assize-aaaa-g-1", "");
    let directory = with_ledger("aaaa.jsonl", &text);
    for _ in 0..2 {
        let said = run(directory.path(), &["sweep"]).exits(5);
        let left = lines(&said.stdout, "LEFT  ");
        assert_eq!(left.len(), 2, "{said:?}");
        let why = format!(
            "loadbalancer {foreign}  its name is `production` now, which does not begin with `assize-aaaa-`"
        );
        assert!(left[0].starts_with(&why), "{said:?}");
        assert!(left[1].contains("has no resource `gadget`"), "{said:?}");
        assert_eq!(serving.names(), ["loadbalancers production"]);
    }
}

#[test]
fn a_damaged_line_does_not_keep_the_rest_and_is_told_of() {
    let serving = octavia();
    create_lb(&serving, "assize-aaaa-lb-1");
    let text = header("aaaa", &serving.url)
        + "{\"intent\":{\"n\":7,\n"
        + &intent(1, "loadbalancer", "assize-aaaa-lb-1", "")
        + "{\"created\":{\"n\":1,\"id";
    let directory = with_ledger("aaaa.jsonl", &text);
    let said = run(directory.path(), &["sweep"]).exits(5);
    assert_eq!(lines(&said.stdout, "REMOVED  ").len(), 1, "{said:?}");
    let damaged = lines(&said.stdout, "DAMAGED  ");
    assert_eq!(damaged.len(), 1, "{said:?}");
    assert!(
        damaged[0].starts_with("assize-ledger/aaaa.jsonl:2  "),
        "{said:?}"
    );
    assert_eq!(serving.names(), [""; 0]);
}

#[test]
fn an_endpoint_other_than_the_ledgers_is_refused_before_a_request() {
    let serving = octavia();
    create_lb(&serving, "assize-aaaa-lb-1");
    let text = header("aaaa", &serving.url) + &intent(1, "loadbalancer", "assize-aaaa-lb-1", "");
    let directory = with_ledger("aaaa.jsonl", &text);
    let other = octavia();
    let said = run(directory.path(), &["sweep", "--endpoint", &other.url]).exits(2);
    assert!(
        said.stderr
            .contains("what it left is swept there or not at all"),
        "{said:?}"
    );
    let slash = format!("{}/", serving.url);
    run(
        directory.path(),
        &["sweep", "--dry-run", "--endpoint", &slash],
    )
    .exits(0);

    // A file that says where to send tokens is not believed; a reserved address would take them.
    let text = header("bbbb", "http://192.0.2.1:9696") + &intent(1, "loadbalancer", "x", "");
    fs::write(directory.path().join("assize-ledger/bbbb.jsonl"), text).unwrap();
    let said = run(directory.path(), &["sweep"]).exits(2);
    assert!(
        said.stderr
            .contains("with --endpoint http://192.0.2.1:9696"),
        "{said:?}"
    );
    assert_eq!(serving.names(), ["loadbalancers assize-aaaa-lb-1"]);
    let said = run(
        directory.path(),
        &["sweep", "--suite", "health", "--run", "aaaa"],
    )
    .exits(2);
    assert!(
        said.stderr.contains("there is no suite `health`"),
        "{said:?}"
    );
}

#[test]
fn ledgers_are_chosen_by_run_and_age_and_one_in_use_is_left_alone() {
    let serving = octavia();
    create_lb(&serving, "assize-aaaa-lb-1");
    create_lb(&serving, "assize-bbbb-lb-1");
    let text = |run: &str| {
        header(run, &serving.url) + &intent(1, "loadbalancer", &format!("assize-{run}-lb-1"), "")
    };
    let directory = with_ledger("aaaa.jsonl", &text("aaaa"));
    let young = jiff::Timestamp::now().to_string();
    let path = directory.path().join("assize-ledger/bbbb.jsonl");
    fs::write(&path, text("bbbb").replace("2026-01-02T03:04:05Z", &young)).unwrap();

    let locked = fs::File::open(&path).unwrap();
    locked.lock().unwrap();
    let said = run(directory.path(), &["sweep", "assize-ledger/bbbb.jsonl"]).exits(2);
    assert!(said.stderr.contains("bbbb.jsonl is in use"), "{said:?}");
    let said = run(directory.path(), &["sweep", "--older-than", "1h"]).exits(0);
    assert!(
        said.stderr.contains("bbbb.jsonl: its run goes on"),
        "{said:?}"
    );
    assert_eq!(serving.names(), ["loadbalancers assize-bbbb-lb-1"]);
    drop(locked);
    run(directory.path(), &["sweep", "--older-than", "1h"]).exits(0);
    assert_eq!(serving.names(), ["loadbalancers assize-bbbb-lb-1"]);
    let said = run(directory.path(), &["sweep", "--run", "cccc"]).exits(2);
    assert!(said.stderr.contains("no ledger of run `cccc`"), "{said:?}");
    run(directory.path(), &["sweep", "--run", "bbbb"]).exits(0);
    assert_eq!(serving.names(), [""; 0]);
    let empty = tempfile::tempdir().unwrap();
    run(empty.path(), &["sweep"]).exits(0);
    run(empty.path(), &["sweep", "nowhere"]).exits(2);
}

#[test]
fn what_cannot_be_noted_is_not_created() {
    let serving = octavia();
    let directory = tempfile::tempdir().unwrap();
    // No file grows beyond 2 KiB: room for a few objects.
    let mut whole: Vec<&str> = RUN.to_vec();
    whole.push(&serving.url);
    let output = Command::new("bash")
        .arg("-c")
        .arg("trap '' XFSZ; ulimit -f 2; exec \"$0\" \"$@\"")
        .arg(env!("CARGO_BIN_EXE_assize"))
        .args(&whole)
        .current_dir(directory.path())
        .output()
        .unwrap();
    let said = crate::Said::from(output).exits(3);
    assert!(
        said.stdout.contains("because the ledger cannot be written"),
        "{said:?}"
    );
    assert_eq!(serving.names(), [""; 0], "{said:?}");
}
