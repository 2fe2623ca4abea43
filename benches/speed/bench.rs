//! The measurements, each beside what it is held to.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use tempfile::TempDir;

use crate::measure::{Taken, run};
use crate::{say, work};

const ASSIZE: &str = env!("CARGO_BIN_EXE_assize");

/// How often what takes some seconds is measured.
const TIMES: usize = 5;

/// How often what takes longer is measured.
const FEW_TIMES: usize = 3;

/// How often what takes less than a second is measured.
const MORE_TIMES: usize = 15;

/// W of so much is done one request after the other, to see what the endpoint's latency comes to.
const ALONE: usize = 20;

/// A program with its arguments.
type Call = Vec<String>;

/// An endpoint, until it is dropped.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn new(latency: Duration) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["serve", &latency.as_millis().to_string()])
            .stdout(Stdio::piped())
            .spawn()?;
        let mut url = String::new();
        let out = child.stdout.take().context("the endpoint has no output")?;
        BufReader::new(out).read_line(&mut url)?;
        Ok(Self {
            child,
            url: url.trim().to_owned(),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The directory of all files, and what was found.
struct Bench {
    directory: TempDir,
    met: bool,
}

/// Measures everything; whether all of it is as it should be.
pub(crate) fn all() -> anyhow::Result<bool> {
    let directory = tempfile::tempdir()?;
    let mut bench = Bench {
        directory,
        met: true,
    };
    say("| what | measured | held to | |\n|---|--:|--:|---|\n")?;
    bench.start()?;
    bench.at_once()?;
    bench.with_latency()?;
    bench.memory()?;
    Ok(bench.met)
}

impl Bench {
    /// 5: how long it takes to begin.
    fn start(&mut self) -> anyhow::Result<()> {
        let server = Server::new(Duration::ZERO)?;
        let version = [ASSIZE, "--version"].map(str::to_owned).into();
        let taken = self.in_turn(&[
            (MORE_TIMES, version),
            (MORE_TIMES, self.assize(&server, 1, &[])?),
        ])?;
        let [version, one] = [0, 1].map(|at| least(&taken[at]).wall);
        self.under("`--version`", version, Duration::from_millis(4))?;
        self.under("W(1)", one, Duration::from_millis(10))
    }

    /// 1: what a request costs where nothing else takes time.
    fn at_once(&mut self) -> anyhow::Result<()> {
        let server = Server::new(Duration::ZERO)?;
        let lanes = ["--jobs", "64"];
        let mut calls = vec![
            (MORE_TIMES, yardstick(&server, 1000, 64)?),
            (MORE_TIMES, self.assize(&server, 1000, &lanes)?),
            (TIMES, self.assize(&server, 10_000, &lanes)?),
        ];
        if hurl_is_there() {
            calls.push((TIMES, self.hurl(&server, 1000)?));
        }
        let taken = self.in_turn(&calls)?;
        let [by_hand, own, more] = [0, 1, 2].map(|at| least(&taken[at]));
        let requests = 1000 * work::REQUESTS;
        self.tell("yardstick, W(1000)", &in_words(&by_hand, requests), "", "")?;
        self.tell("assize, W(1000)", &in_words(&own, requests), "", "")?;
        if let Some(hurl) = taken.get(3) {
            self.tell("Hurl, W(1000)", &in_words(&least(hurl), requests), "", "")?;
        }
        let ratio = compared(&taken[1], &taken[0], |it| it.wall);
        self.at_most("wall, to the yardstick", ratio, 1.5)?;
        let ratio = compared(&taken[1], &taken[0], |it| it.cpu);
        self.at_most("processor, to the yardstick", ratio, 1.7)?;
        self.tell("assize, W(10000)", &in_words(&more, 10 * requests), "", "")?;
        let ratio = compared(&taken[2], &taken[1], |it| it.wall) / 10.0;
        self.at_most("wall of W(10000), to 10 × W(1000)", ratio, 1.1)
    }

    /// 2: what waiting costs.
    fn with_latency(&mut self) -> anyhow::Result<()> {
        let latency = Duration::from_millis(20);
        let server = Server::new(latency)?;
        let of = |jobs: &[&str]| self.assize(&server, 1000, jobs);
        let taken = self.in_turn(&[
            (FEW_TIMES, yardstick(&server, ALONE, 1)?),
            // Four times as long as the next at least, so it is the best by no luck.
            (1, of(&["--jobs", "16"])?),
            (TIMES, of(&["--jobs", "64"])?),
            (TIMES, of(&["--jobs", "256"])?),
            (TIMES, of(&[])?),
        ])?;
        let [alone, few, some, many, unsaid] =
            [0, 1, 2, 3, 4].map(|at| least(&taken[at]).wall.as_secs_f64());
        let alone = alone / (ALONE * work::REQUESTS) as f64;
        let shown = millis(Duration::from_secs_f64(alone));
        self.tell("yardstick, 20 ms latency, a request alone", &shown, "", "")?;
        let bound = alone * (1000 * work::REQUESTS) as f64 / 64.0;
        self.at_most("20 ms latency, 64 lanes, to the bound", some / bound, 1.08)?;
        self.at_most(
            "20 ms latency, lanes unsaid, to the best of 16/64/256",
            unsaid / few.min(some).min(many),
            1.05,
        )
    }

    /// 4: what is kept of cases that pass.
    fn memory(&mut self) -> anyhow::Result<()> {
        let server = Server::new(Duration::ZERO)?;
        let (few, many) = (self.matrix(&server, 1000)?, self.matrix(&server, 100_000)?);
        let taken = self.in_turn(&[(FEW_TIMES, few), (FEW_TIMES, many)])?;
        let [few, many] = [0, 1].map(|at| least(&taken[at]));
        self.tell("memory, 1,000 cases", &mib(few.memory), "", "")?;
        self.tell("memory, 100,000 cases", &mib(many.memory), "", "")?;
        self.at_most(
            "memory, to that of 1,000",
            many.memory as f64 / few.memory as f64,
            1.3,
        )
    }

    /// Runs the programs by turns, each as often as is said, and tells what each took each time. Each finds no report
    /// of an earlier one: Hurl would read it and add to it.
    fn in_turn(&self, calls: &[(usize, Call)]) -> anyhow::Result<Vec<Vec<Taken>>> {
        let mut all = vec![Vec::new(); calls.len()];
        let rounds = calls.iter().map(|(times, _)| *times).max().unwrap_or(0);
        let reports = self.path("reports");
        for round in 0..rounds {
            for ((times, call), taken) in calls.iter().zip(&mut all) {
                if round < *times {
                    fs::create_dir(&reports)?;
                    taken.push(run(call)?);
                    fs::remove_dir_all(&reports)?;
                }
            }
        }
        Ok(all)
    }

    /// The call that carries out W(n), with JUnit.
    fn assize(&self, server: &Server, n: usize, more: &[&str]) -> anyhow::Result<Call> {
        let files = self.path(&format!("work-{n}"));
        if !files.exists() {
            work::write(&files, n)?;
        }
        let mut call = self.call(server, &files);
        call.extend(["--junit".to_owned(), self.report("junit.xml")]);
        call.extend(more.iter().map(|word| (*word).to_owned()));
        Ok(call)
    }

    /// The call that carries out so many cases of one scenario, with all reports.
    fn matrix(&self, server: &Server, cases: usize) -> anyhow::Result<Call> {
        let files = self.path(&format!("matrix-{cases}"));
        work::write_matrix(&files, cases)?;
        let mut call = self.call(server, &files);
        for (flag, name) in [
            ("--junit", "m.xml"),
            ("--json", "m.json"),
            ("--html", "m.html"),
        ] {
            call.extend([flag.to_owned(), self.report(name)]);
        }
        Ok(call)
    }

    fn call(&self, server: &Server, files: &Path) -> Call {
        let (files, ledger) = (text(files), self.report("ledger"));
        [
            ASSIZE,
            "run",
            &files,
            "--endpoint",
            &server.url,
            "--seed",
            "1",
            "--ledger",
            &ledger,
        ]
        .map(str::to_owned)
        .into()
    }

    /// The call by which Hurl does W(n), with JUnit, and past any proxy, as the others do.
    fn hurl(&self, server: &Server, n: usize) -> anyhow::Result<Call> {
        let files = self.path(&format!("hurl-{n}"));
        work::write_hurl(&files, n)?;
        let (host, files) = (format!("host={}", server.url), text(&files));
        let junit = self.report("hurl.xml");
        Ok([
            "hurl",
            "--test",
            "--jobs",
            "64",
            "--no-proxy",
            "*",
            "--variable",
            &host,
            "--report-junit",
            &junit,
            &files,
        ]
        .map(str::to_owned)
        .into())
    }

    fn report(&self, name: &str) -> String {
        text(&self.path("reports").join(name))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn under(&mut self, what: &str, took: Duration, most: Duration) -> anyhow::Result<()> {
        let met = took < most;
        self.met &= met;
        self.tell(
            what,
            &millis(took),
            &format!("< {}", millis(most)),
            verdict(met),
        )
    }

    fn at_most(&mut self, what: &str, ratio: f64, most: f64) -> anyhow::Result<()> {
        let met = ratio <= most;
        self.met &= met;
        self.tell(
            what,
            &format!("{ratio:.3} ×"),
            &format!("≤ {most} ×"),
            verdict(met),
        )
    }

    fn tell(&self, what: &str, measured: &str, most: &str, verdict: &str) -> anyhow::Result<()> {
        say(&format!("| {what} | {measured} | {most} | {verdict} |\n"))
    }
}

/// The least of each figure: other programs disturbed that least.
fn least(taken: &[Taken]) -> Taken {
    taken[1..].iter().fold(taken[0], |least, it| least.min(*it))
}

/// How much more one program took than another in the same turn, which both are disturbed in alike: the middle of all
/// turns in which both ran.
fn compared(one: &[Taken], other: &[Taken], of: impl Fn(&Taken) -> Duration) -> f64 {
    let turns = one.iter().zip(other);
    let mut all: Vec<f64> = turns
        .map(|(one, other)| of(one).as_secs_f64() / of(other).as_secs_f64())
        .collect();
    all.sort_by(f64::total_cmp);
    let (half, last) = (all.len() / 2, all.len() - 1);
    (all[half] + all[last - half]) / 2.0
}

fn yardstick(server: &Server, n: usize, lanes: usize) -> anyhow::Result<Call> {
    let own = text(&std::env::current_exe()?);
    Ok(vec![
        own,
        "yardstick".to_owned(),
        server.url.clone(),
        n.to_string(),
        lanes.to_string(),
    ])
}

fn hurl_is_there() -> bool {
    let asked = Command::new("hurl")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    asked.is_ok_and(|status| status.success())
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "**not met**" }
}

fn in_words(taken: &Taken, requests: usize) -> String {
    format!(
        "{}, {:.1} µs of processor a request, {}",
        millis(taken.wall),
        taken.cpu.as_secs_f64() * 1e6 / requests as f64,
        mib(taken.memory)
    )
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
