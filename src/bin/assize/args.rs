//! What can be asked of the program.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use assize::emulator::Defect;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

/// Where ledgers are kept unless said.
pub(crate) const LEDGER: &str = "assize-ledger";

/// Holds an HTTP endpoint to a contract: runs declared scenarios, judges each answer and what it left behind.
#[derive(Debug, Parser)]
#[command(
    name = "assize",
    version,
    propagate_version = true,
    after_help = "Without --endpoint, `assize run` starts the embedded emulator.\nExit codes: 0 all passed, 1 a failure, 2 bad usage or suite, 3 something could not be judged, 4 nothing ran, 5 objects leaked."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run scenarios against an endpoint and judge it.
    Run(Box<Run>),
    /// Judge the evidence of an earlier run again, without an endpoint.
    Replay(Replay),
    /// Work a statement out again by its evidence, and say where it differs. Exits with 0 where it does not, with 1
    /// where it does, and with 3 where it cannot be judged.
    Verify(Verify),
    /// Write a target file with everything explained.
    Init(Init),
    /// Remove what a run has left that was killed, by its ledger.
    Sweep(Sweep),
    /// Name the cases, or the requirements with the cases that show them.
    List(List),
    /// Read scenarios and report everything that is wrong with them.
    Check(Check),
    /// Say what changed between two JSON reports: two runs, two versions, or two vendors.
    Diff(Diff),
    /// Show what the suite is worth: which wrong endpoints its cases tell from the right one.
    Prove(Prove),
    /// Serve the embedded emulator.
    Serve(Serve),
    /// Print the JSON Schema of the scenario format, of JSON reports, of events, or of statements.
    Schema(Schema),
    /// Say what a requirement or a diagnostic means.
    Explain(Explain),
    /// Join the JSON reports of all shards of a run, and their evidence, and judge the whole.
    Merge(Merge),
}

/// Which suite, and which of its scenarios.
#[derive(Debug, Args)]
pub(crate) struct Suite {
    /// Scenario files and directories; all of the suite's where there is none.
    pub(crate) paths: Vec<PathBuf>,
    /// A directory with a suite.yaml, or `lbaas-v2`, the suite inside this program; else the suite.yaml
    /// at or above the paths or the working directory, else `lbaas-v2`.
    #[arg(long, value_name = "DIR|NAME", env = "ASSIZE_SUITE")]
    pub(crate) suite: Option<String>,
}

/// What requests are sent to, and by whom.
#[derive(Debug, Clone, Args)]
pub(crate) struct Target {
    /// A target file; the assize.toml of the working directory unless said. `assize init` writes one.
    #[arg(long, value_name = "FILE", env = "ASSIZE_TARGET")]
    pub(crate) target: Option<PathBuf>,
    /// Scheme, host, port and base path.
    #[arg(long, short, value_name = "URL", env = "ASSIZE_ENDPOINT")]
    pub(crate) endpoint: Option<String>,
    /// Take the owner's credentials from this entry of clouds.yaml; `envvars`: from the variables OS_….
    #[arg(long, value_name = "NAME")]
    pub(crate) os_cloud: Option<String>,
    /// Believe any certificate; reports say so.
    #[arg(long)]
    pub(crate) insecure: bool,
    /// How long one request may take; 30s unless said.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) request_timeout: Option<Duration>,
}

/// Which cases.
#[derive(Debug, Args)]
pub(crate) struct Selection {
    /// Only cases whose id contains this, or matches it as a glob; may be repeated.
    #[arg(long, short, value_name = "ID|GLOB")]
    pub(crate) filter: Vec<String>,
    /// Only cases with this tag; may be repeated.
    #[arg(long, short, value_name = "TAG")]
    pub(crate) tag: Vec<String>,
    /// The dialect to hold the endpoint to; the suite's own choice where there is none.
    #[arg(long, short, value_name = "NAME", env = "ASSIZE_PROFILE")]
    pub(crate) profile: Option<String>,
    /// Set a variable of the suite; ASSIZE_VAR_NAME does the same, and keeps secrets off the command line.
    #[arg(long = "var", value_name = "NAME=VALUE")]
    pub(crate) variables: Vec<String>,
}

/// What is generated besides the scenarios that are written.
#[derive(Debug, Args)]
pub(crate) struct Generate {
    /// Add what can be generated: boundaries of every operation, random sequences, and races.
    #[arg(long)]
    pub(crate) generate: bool,
    /// So many random sequences of operations; 32 with --generate, else none.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..=100_000))]
    pub(crate) sequences: Option<u32>,
    /// How many operations a sequence has.
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) length: u16,
    /// So many histories of concurrent operations; 32 with --generate, else none.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..=100_000))]
    pub(crate) races: Option<u32>,
    /// The seed of every random choice; a new one, which is printed, where there is none. The rows that a
    /// matrix chooses stay the same without one.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
}

impl Generate {
    /// What the flags ask for, with this seed.
    pub(crate) fn with_seed(&self, seed: u64) -> assize::case::Generate {
        let count = |asked: Option<u32>| asked.unwrap_or(if self.generate { 32 } else { 0 });
        assize::case::Generate {
            seed,
            rows: self.seed.unwrap_or(0),
            boundary: self.generate,
            sequences: count(self.sequences) as usize,
            length: usize::from(self.length),
            races: count(self.races) as usize,
        }
    }
}

/// Which part of the cases, where others take the rest.
#[derive(Debug, Args)]
pub(crate) struct Shard {
    /// Only part K of N, by a hash of the ids; `auto` takes both numbers from the CI system. Without --seed,
    /// the seed is 0. `assize merge` joins the JSON reports.
    #[arg(long, value_name = "K/N|auto", env = "ASSIZE_SHARD")]
    pub(crate) shard: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) suite: Suite,
    #[command(flatten)]
    pub(crate) selection: Selection,
    #[command(flatten)]
    pub(crate) generate: Generate,
    #[command(flatten)]
    pub(crate) shard: Shard,
    #[command(flatten)]
    pub(crate) target: Target,
    /// Create, change and delete objects although the endpoint is not this machine.
    #[arg(long)]
    pub(crate) allow_writes: bool,
    /// So many objects of a resource at once, at the most: loadbalancer=4; may be repeated. Cases wait for room.
    #[arg(long, value_name = "RESOURCE=N", value_parser = at_most)]
    pub(crate) at_most: Vec<(String, usize)>,
    /// Requests a second, all cases together.
    #[arg(long, value_name = "N", env = "ASSIZE_RATE", value_parser = rate)]
    pub(crate) rate: Option<f64>,
    /// Cases at once; unless said, 256, and 32 of those that have objects of the suite. Waiting is what takes
    /// time, so this does not follow the number of processors; only with the embedded emulator, which lets nobody
    /// wait, it is four for each.
    #[arg(long, short, value_name = "N", env = "ASSIZE_JOBS", value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub(crate) jobs: Option<u16>,
    /// Start nothing more after the first failure or error.
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// Stop after this time, clean up, and report the rest as not run: 30s, 5m, 1h.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) deadline: Option<Duration>,
    /// Known deviations: who says why and until when a case or a requirement may fail.
    #[arg(long, value_name = "FILE")]
    pub(crate) waivers: Option<PathBuf>,
    /// Only what did not pass in an earlier run, by its JSON report; its seed, too.
    #[arg(long, value_name = "FILE")]
    pub(crate) rerun: Option<PathBuf>,
    /// Begin with what took longest in an earlier run, by its JSON report; that of --rerun unless said.
    #[arg(long, value_name = "FILE")]
    pub(crate) durations: Option<PathBuf>,
    /// Say what would run and what not, and send nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Let a violation of a `should` fail, too.
    #[arg(long)]
    pub(crate) strict: bool,
    #[command(flatten)]
    pub(crate) reports: Reports,
    /// Write all that went and came into this new directory, a HAR file for each case; `assize replay` judges
    /// it again.
    #[arg(long, value_name = "DIR", help_heading = "Reports")]
    pub(crate) evidence: Option<PathBuf>,
    /// Of which cases; `failed` unless said, and `all` with --statement.
    #[arg(long, value_enum, requires = "evidence", help_heading = "Reports")]
    pub(crate) evidence_of: Option<EvidenceOf>,
    #[command(flatten)]
    pub(crate) statement: Statement,
    /// Write the scenarios that show what was found by sequences and races into this directory.
    #[arg(long, value_name = "DIR", default_value = "assize-found")]
    pub(crate) found: PathBuf,
    /// Keep the ledger of what is created in this directory while the run goes on, and after it if anything is left.
    #[arg(long, value_name = "DIR", default_value = LEDGER, env = "ASSIZE_LEDGER")]
    pub(crate) ledger: PathBuf,
    /// One line a case, on a terminal too.
    #[arg(long, short)]
    pub(crate) verbose: bool,
}

/// What is submitted to others.
#[derive(Debug, Args)]
#[command(next_help_heading = "Statement")]
pub(crate) struct Statement {
    /// Write what the product conforms to as YAML to this file; `assize verify` works it out again by the
    /// evidence, which is kept of all cases for that. Who makes what is said by [statement] in the target file,
    /// or by these flags.
    #[arg(long, value_name = "FILE")]
    pub(crate) statement: Option<PathBuf>,
    /// Who makes the product.
    #[arg(long, value_name = "TEXT", requires = "statement")]
    pub(crate) organisation: Option<String>,
    /// What it is called.
    #[arg(long, value_name = "TEXT", requires = "statement")]
    pub(crate) product: Option<String>,
    /// Its version.
    #[arg(long, value_name = "TEXT", requires = "statement")]
    pub(crate) product_version: Option<String>,
    /// Whom to ask.
    #[arg(long, value_name = "TEXT", requires = "statement")]
    pub(crate) contact: Option<String>,
}

/// A target file that is read for its section `[statement]` only.
#[derive(Debug, Args)]
pub(crate) struct OfWhom {
    #[command(flatten)]
    pub(crate) statement: Statement,
    /// The target file with [statement]; the assize.toml of the working directory unless said.
    #[arg(long, value_name = "FILE", env = "ASSIZE_TARGET")]
    pub(crate) target: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// What `--statement` wrote.
    #[arg(value_name = "STATEMENT")]
    pub(crate) statement: PathBuf,
    /// The directory of its evidence.
    #[arg(value_name = "EVIDENCE")]
    pub(crate) evidence: PathBuf,
    /// The suite of the statement, as for `run`; that of the run unless said.
    #[arg(long, value_name = "DIR|NAME", env = "ASSIZE_SUITE")]
    pub(crate) suite: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EvidenceOf {
    /// Those that failed or could not be judged, waived ones included.
    Failed,
    /// All that ran; only these can be judged again as a whole.
    All,
}

#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The directory that `run --evidence` or `merge --evidence` wrote.
    #[arg(value_name = "DIR")]
    pub(crate) evidence: PathBuf,
    /// The suite to judge by, as for `run`; that of the run unless said.
    #[arg(long, value_name = "DIR|NAME", env = "ASSIZE_SUITE")]
    pub(crate) suite: Option<String>,
    #[command(flatten)]
    pub(crate) reports: Reports,
    #[command(flatten)]
    pub(crate) of_whom: OfWhom,
    /// One line a case, on a terminal too.
    #[arg(long, short)]
    pub(crate) verbose: bool,
}

/// What is written besides the terminal. Files are written as the run goes and take their place at its end.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reports")]
pub(crate) struct Reports {
    /// Write JUnit XML to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Write a page for people to this file: self-contained, to be opened in a browser.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Write everything as JSON to this file; `assize schema report` describes it.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write what happens to this file while it happens, one line of JSON each; `assize schema events`
    /// describes them.
    #[arg(long, value_name = "FILE")]
    pub(crate) events: Option<PathBuf>,
    /// Write the run in short as Markdown to this file. On GitHub it is added to the job summary, too.
    #[arg(long, value_name = "FILE")]
    pub(crate) summary: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Sweep {
    /// Ledgers, or directories of them; the directory of --ledger where there is none.
    pub(crate) ledgers: Vec<PathBuf>,
    /// The directory that `run` keeps ledgers in.
    #[arg(long, value_name = "DIR", default_value = LEDGER, env = "ASSIZE_LEDGER")]
    pub(crate) ledger: PathBuf,
    /// Only of this run; may be repeated.
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Vec<String>,
    /// Only of runs that started at least so long ago: 30m, 24h.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) older_than: Option<Duration>,
    /// Ask the endpoint what is left, say what would be removed, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The suite of the run, as for `run`.
    #[arg(long, value_name = "DIR|NAME", env = "ASSIZE_SUITE")]
    pub(crate) suite: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
    /// Set a variable of the suite; ASSIZE_VAR_NAME does the same, and keeps secrets off the command line.
    #[arg(long = "var", value_name = "NAME=VALUE")]
    pub(crate) variables: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The file to write.
    #[arg(default_value = crate::aim::FILE)]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) suite: Suite,
    #[command(flatten)]
    pub(crate) selection: Selection,
    #[command(flatten)]
    pub(crate) generate: Generate,
    #[command(flatten)]
    pub(crate) shard: Shard,
    /// Print requirement → cases, and mark those that no case shows.
    #[arg(long)]
    pub(crate) requirements: bool,
    /// Print the combinations of matrices that are no cases, because a strategy or a limit left them out.
    #[arg(long, conflicts_with = "requirements")]
    pub(crate) omitted: bool,
    /// Print which operations, values of their parameters, lines of their tables, and pairs of values of matrices
    /// the cases reach.
    #[arg(long, conflicts_with_all = ["requirements", "omitted"])]
    pub(crate) coverage: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) suite: Suite,
}

#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// A JSON report.
    #[arg(value_name = "A.json")]
    pub(crate) one: PathBuf,
    /// The one to hold it against.
    #[arg(value_name = "B.json")]
    pub(crate) other: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Merge {
    /// The JSON reports of all shards, in any order; with --evidence the directories of their evidence, and with
    /// --statement their statements.
    #[arg(required = true, value_name = "REPORT.json|DIR|STATEMENT.yaml")]
    pub(crate) shards: Vec<PathBuf>,
    /// Copy the evidence of all shards into this new directory; `assize replay` judges it again.
    #[arg(long, value_name = "DIR")]
    pub(crate) evidence: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) of_whom: OfWhom,
    /// The suite of a statement, as for `run`; that of the shards unless said.
    #[arg(long, value_name = "DIR|NAME", env = "ASSIZE_SUITE")]
    pub(crate) suite: Option<String>,
    /// Write JUnit XML to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Write a page for people to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Write everything as JSON to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write the run in short as Markdown to this file. On GitHub it is added to the job summary, too.
    #[arg(long, value_name = "FILE")]
    pub(crate) summary: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// What to describe.
    #[arg(value_enum, default_value_t = Described::Scenarios)]
    pub(crate) of: Described,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Described {
    /// Files of a suite.
    Scenarios,
    /// What --json writes.
    Report,
    /// A line of what --events writes.
    Events,
    /// What --statement writes.
    Statement,
}

#[derive(Debug, Args)]
pub(crate) struct Prove {
    #[command(flatten)]
    pub(crate) suite: Suite,
    /// Without --profile and --endpoint, all profiles that name an emulator are proved.
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// An endpoint that passes; the embedded emulator where there is none. Defects are those of the emulator.
    #[arg(long, short, value_name = "URL", env = "ASSIZE_ENDPOINT")]
    pub(crate) endpoint: Option<String>,
    /// Create, change and delete objects although the endpoint is not this machine.
    #[arg(long)]
    pub(crate) allow_writes: bool,
    /// Only mutants whose id contains this, or matches it as a glob; may be repeated.
    #[arg(long, value_name = "ID|GLOB")]
    pub(crate) only: Vec<String>,
    /// Run every case of a defect's requirements rather than those up to the first that finds it.
    #[arg(long)]
    pub(crate) full: bool,
    /// Mutants at once.
    #[arg(long, short, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) jobs: u16,
    /// The seed of every random choice.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Write the proofs as JSON to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write them as a page to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Write the scores as Markdown, without times, to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,
    /// Name every mutant, not only those that got through.
    #[arg(long, short)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Whose answers to give.
    #[arg(long, value_enum, default_value_t = Dialect::OtcV2)]
    pub(crate) dialect: Dialect,
    /// Address and port; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9696")]
    pub(crate) listen: SocketAddr,
    /// How long the pending states of octavia last: one time, or MIN..MAX.
    #[arg(long, value_name = "TIME|MIN..MAX")]
    pub(crate) pending: Option<String>,
    /// How many objects of a kind a project may own: loadbalancers=4; may be repeated. Kinds: loadbalancers,
    /// listeners, pools, members, healthmonitors, l7policies, rules.
    #[arg(long = "quota", value_name = "KIND=N", value_parser = quota)]
    pub(crate) quotas: Vec<(String, usize)>,
    /// Requests a second that are let in; more are answered with 429 and Retry-After.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rate: Option<u32>,
    /// Answer so many of a hundred requests with 503 or 429 for no reason, and carry nothing of them out.
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u8).range(..=100))]
    pub(crate) unstable: u8,
    /// How long a token lives that is issued at /v3/auth/tokens.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "1h")]
    pub(crate) token_life: Duration,
    /// How many connections may be open at once; the next one takes the place of those that have waited the longest
    /// for a request.
    #[arg(long, value_name = "N", default_value_t = 12_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) connections: u32,
    /// How long a client may take for the head of a request, for its body, and for reading the answer.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "30s")]
    pub(crate) patience: Duration,
    /// The seed of ids and of everything else that is random.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Do this wrong; may be repeated. `--help` says what each of them does.
    #[arg(long = "defect", value_name = "NAME", value_parser = defect())]
    pub(crate) defects: Vec<Defect>,
}

fn at_most(text: &str) -> Result<(String, usize), String> {
    let parts = text.split_once('=');
    let parsed = parts.and_then(|(resource, most)| Some((resource, most.parse().ok()?)));
    match parsed {
        Some((resource, most)) if most > 0 && !resource.is_empty() => {
            Ok((resource.to_owned(), most))
        }
        _ => Err("write a resource and a number above 0, such as loadbalancer=4".to_owned()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok();
    rate.filter(|rate: &f64| rate.is_finite() && *rate > 0.0)
        .ok_or_else(|| "write a number above 0, such as 10 or 0.5".to_owned())
}

fn quota(text: &str) -> Result<(String, usize), String> {
    let wrong = || {
        format!(
            "write a kind and a number, such as loadbalancers=4; the kinds are {}",
            crate::serve::KINDS.join(", ")
        )
    };
    let (kind, number) = text.split_once('=').ok_or_else(wrong)?;
    let number = number.parse().map_err(|_| wrong())?;
    if crate::serve::KINDS.contains(&kind) {
        Ok((kind.to_owned(), number))
    } else {
        Err(wrong())
    }
}

/// Reads a defect's name; a wrong one is answered with the nearest and with all that there are.
fn defect() -> impl TypedValueParser<Value = Defect> {
    let values = Defect::ALL
        .iter()
        .map(|defect| PossibleValue::new(defect.name()).help(defect.about()));
    PossibleValuesParser::new(values)
        .try_map(|name| Defect::named(&name).ok_or("there is no such defect"))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Dialect {
    OtcV2,
    Octavia,
    NeutronLbaas,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// A requirement such as DP-10, or a diagnostic such as unknown-key.
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) suite: ExplainSuite,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainSuite {
    /// As for `run`.
    #[arg(long, value_name = "DIR|NAME", env = "ASSIZE_SUITE")]
    pub(crate) suite: Option<String>,
}

fn duration(text: &str) -> Result<Duration, String> {
    assize::suite::parse_duration(text)
        .ok_or_else(|| "write seconds, or a number with a unit: 250ms, 5s, 2m, 1h".to_owned())
}
