//! `assize prove`: the suite against endpoints that are wrong on purpose.

mod defect;
mod excuse;
mod fate;
mod null;
mod traffic;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use assize::case::{Case, Generate, expand};
use assize::emulator::{Defect, Dialect, Emulator, Running};
use assize::outcome::{CaseOutcome, Event, Verdict};
use assize::plan::{Filter, Plan, Planned};
use assize::proof::Proof;
use assize::report::{Console, proof};
use assize::runner::{Act, Options, Tamper, mutations, run as run_plan};
use assize::suite::model::Suite;
use assize::target::{Limits, Target};
use serde_json::Value as Json;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::artefact::Artefact;
use crate::output::{complain, say, stdout_is_terminal, styled};
use crate::{USAGE, args, emulator, select};

/// The most that is waited for an aftermath: a mutant is not given the minutes of a real cloud.
const GRACE: Duration = Duration::from_millis(400);
/// How long the pending states of an emulator with defects last: longer than it takes to try something meanwhile.
const PENDING: Duration = Duration::from_millis(60);

pub(crate) fn prove(arguments: &args::Prove) -> anyhow::Result<u8> {
    let set = select::variables(&arguments.selection.variables)?;
    let Some(suite) = select::suite(&arguments.suite, &set)? else {
        return Ok(USAGE);
    };
    let open = |path: &Option<std::path::PathBuf>| path.as_deref().map(Artefact::open).transpose();
    let (json, html, markdown) = (
        open(&arguments.json)?,
        open(&arguments.html)?,
        open(&arguments.markdown)?,
    );
    let runtime = tokio::runtime::Runtime::new().context("the runtime cannot be started")?;
    let variables = select::typed(&suite, &set);
    let mut secrets = assize::secret::Secrets::default();
    let mut proofs = Vec::new();
    for profile in profiles(arguments, &suite) {
        let prover = Prover {
            suite: Arc::clone(&suite),
            profile,
            variables: &variables,
            arguments,
            wanted: Filter {
                ids: arguments.only.clone(),
                tags: Vec::new(),
                ..Filter::default()
            },
        };
        let (proved, of_target) = match runtime.block_on(prover.prove())? {
            Ok(proof) => proof,
            Err(code) => return Ok(code),
        };
        secrets = of_target;
        say(&proof::text(
            &proved,
            arguments.verbose,
            styled(stdout_is_terminal()),
        ))?;
        proofs.push(proved);
    }
    if let Some(file) = json {
        let text = serde_json::to_string_pretty(&proofs).context("the proof is no JSON")?;
        file.close(&(text + "\n"), &secrets)?;
    }
    if let Some(file) = html {
        file.close(&proof::html(&proofs), &secrets)?;
    }
    if let Some(file) = markdown {
        file.close(&proof::markdown(&proofs), &secrets)?;
    }
    if proofs.iter().all(|proof| proof.mutants.is_empty()) {
        complain("error: no mutant was tried; `--only` names none, or nothing was sent\n");
        return Ok(4);
    }
    let escaped = proofs.iter().any(|proof| proof.escaped().next().is_some());
    Ok(u8::from(escaped))
}

/// The profiles to prove: the one that is named; else, on the embedded emulator, all that there is one for.
fn profiles(arguments: &args::Prove, suite: &Suite) -> Vec<Option<String>> {
    let named = arguments.selection.profile.clone();
    if named.is_some() || arguments.endpoint.is_some() {
        return vec![named];
    }
    let emulated = suite
        .profiles
        .values()
        .filter(|profile| profile.emulator.is_some());
    let mut names: Vec<Option<String>> = emulated.map(|it| Some(it.name.clone())).collect();
    if names.is_empty() {
        names.push(None);
    }
    names
}

/// A suite under one profile, and the endpoints that it is held against.
struct Prover<'a> {
    suite: Arc<Suite>,
    profile: Option<String>,
    variables: &'a BTreeMap<String, Json>,
    arguments: &'a args::Prove,
    wanted: Filter,
}

impl Prover<'_> {
    /// The proof, with the secrets of the target; or the exit code if the real endpoint does not pass.
    async fn prove(&self) -> anyhow::Result<Result<(Proof, assize::secret::Secrets), u8>> {
        let clock = Instant::now();
        let dialect = match &self.arguments.endpoint {
            Some(_) => None,
            None => Some(crate::run::dialect(&self.suite, self.profile.as_deref())?),
        };
        let (endpoint, running) = match (&self.arguments.endpoint, dialect) {
            (Some(endpoint), _) => (endpoint.clone(), None),
            (None, dialect) => {
                let running = self
                    .emulator(dialect.unwrap_or(Dialect::OtcV2), None)
                    .await?;
                (running.url().to_owned(), Some(running))
            }
        };
        let target = self.target(&endpoint, false)?;
        let filter = select::filter(&self.arguments.selection);
        let cases = expand(&self.suite, &target, &Generate::default()).cases;
        let plan = Plan::new(&self.suite, cases.clone(), &filter, &target)?;
        if plan.cases.is_empty() {
            complain(&select::nothing(&self.suite, &filter, cases));
            return Ok(Err(4));
        }
        let noted = Arc::new(Mutex::new(BTreeMap::new()));
        let cases: Vec<Case> = plan.runnable().cloned().collect();
        let tamper = Tamper::Note(Arc::clone(&noted));
        let real = self
            .run(&target, cases.clone(), tamper, 32, |_| false)
            .await?;
        let worst = real
            .iter()
            .map(|outcome| outcome.verdict)
            .max_by_key(|it| match it {
                Verdict::Error => 2,
                Verdict::Fail => 1,
                _ => 0,
            });
        if matches!(worst, Some(Verdict::Fail | Verdict::Error)) {
            let console = Console {
                width: None,
                styled: styled(stdout_is_terminal()),
                verbose: false,
            };
            for outcome in &real {
                if matches!(outcome.verdict, Verdict::Fail | Verdict::Error) {
                    say(&format!(
                        "{}\n",
                        console.finished(outcome).unwrap_or_default()
                    ))?;
                }
            }
            complain(&format!(
                "error: {endpoint} does not pass, so that nothing can be said of what fails on a mutant of it; make it pass first, or select what does with --filter\n"
            ));
            return Ok(Err(if worst == Some(Verdict::Fail) { 1 } else { 3 }));
        }
        let passed: BTreeSet<&str> = real
            .iter()
            .filter(|outcome| outcome.verdict == Verdict::Pass)
            .map(|outcome| outcome.id.as_str())
            .collect();
        let cases: Vec<Case> = cases
            .into_iter()
            .filter(|case| passed.contains(&*case.id()))
            .collect();
        let noted: BTreeMap<String, Vec<Act>> =
            std::mem::take(&mut *noted.lock().unwrap_or_else(PoisonError::into_inner));

        let mut seen = BTreeMap::new();
        let mut mutants = Vec::new();
        if let Some(dialect) = dialect {
            mutants.extend(self.defects(dialect, &cases, &mut seen).await?);
        }
        mutants.extend(self.nulls(&cases).await?);
        mutants.extend(traffic::prove(self, &target, &cases, mutations(&noted)).await?);
        if let Some(running) = running {
            running.shutdown().await?;
        }
        let unused = self.excuse(&mut mutants);
        let requirements = Proof::scores(&mutants, &seen);
        Ok(Ok((
            Proof {
                tool_version: env!("CARGO_PKG_VERSION"),
                suite: self.suite.name.clone(),
                suite_version: self.suite.version.clone(),
                profile: target.profile_name().map(str::to_owned),
                cases: cases.len(),
                full: self.arguments.full,
                mutants,
                requirements,
                unused,
                duration: clock.elapsed(),
            },
            target.secrets,
        )))
    }

    /// An endpoint to be held to the suite. A mutant has little time to do what it never will.
    fn target(&self, endpoint: &str, mutant: bool) -> anyhow::Result<Target> {
        let limits = if mutant {
            Limits {
                request: Duration::from_secs(2),
                case: Duration::from_secs(5),
                clean_up: Duration::from_millis(500),
                ..Limits::STANDARD
            }
        } else {
            Limits::STANDARD
        };
        let mut target = Target::new(
            &self.suite,
            endpoint,
            self.profile.as_deref(),
            self.variables,
            limits,
        )?;
        if self.arguments.endpoint.is_some()
            && !self.arguments.allow_writes
            && !target.is_loopback()
        {
            anyhow::bail!(
                "{endpoint} is not this machine, and a proof creates, changes and deletes objects there, many times over; allow it with --allow-writes"
            );
        }
        if self.arguments.endpoint.is_none() {
            emulator::identify(&mut target, &self.suite);
        }
        Ok(target)
    }

    /// Whether a target is the endpoint that was named, not a server of our own.
    fn is_named(&self, target: &Target) -> bool {
        let named = self.arguments.endpoint.as_deref();
        named.is_some_and(|named| named.trim_end_matches('/') == target.endpoint)
    }

    async fn emulator(&self, dialect: Dialect, defect: Option<Defect>) -> anyhow::Result<Running> {
        let mut config = emulator::config(dialect, self.arguments.seed);
        if let Some(defect) = defect {
            config.defects.push(defect);
            config.pending = PENDING..=PENDING;
        }
        let address = ([127, 0, 0, 1], 0).into();
        let emulator = Emulator::bind(config, address)
            .await
            .context("the embedded emulator cannot be started")?;
        Ok(emulator.serve())
    }

    /// Runs cases and gives what came of them; `enough` ends the run at an outcome, with what it has then.
    async fn run(
        &self,
        target: &Target,
        cases: Vec<Case>,
        tamper: Tamper,
        jobs: usize,
        enough: impl Fn(&CaseOutcome) -> bool,
    ) -> anyhow::Result<Vec<CaseOutcome>> {
        let real = matches!(tamper, Tamper::Note(_));
        let options = Options {
            jobs,
            holders: jobs,
            seed: self.arguments.seed,
            // What only ought to be is judged, too: a mutant breaks it all the same.
            strict: true,
            grace: (!real).then_some(GRACE),
            tamper: Some(tamper),
            // What a server of our own holds ends with it.
            ledger: self.is_named(target).then(|| args::LEDGER.into()),
            ..Options::standard()
        };
        let plan = Plan {
            cases: cases.into_iter().map(Planned::Run).collect(),
            left_out: 0,
            part: None,
        };
        let mut outcomes = Vec::new();
        let (stop, mut stopped) = oneshot::channel();
        let mut stop = Some(stop);
        let running = run_plan(
            Arc::clone(&self.suite),
            Arc::new(target.clone()),
            plan,
            options,
            CancellationToken::new(),
            |event| {
                if let Event::Finished(outcome) = event {
                    outcomes.push(outcome.clone());
                    if enough(outcome)
                        && let Some(stop) = stop.take()
                    {
                        // Nobody listens once the run is over.
                        let _ = stop.send(());
                    }
                }
            },
        );
        // What is left on an endpoint of our own goes with it, so that nobody waits for the clean-up.
        tokio::select! {
            biased;
            _ = &mut stopped => {}
            report = running => { report?; }
        }
        Ok(outcomes)
    }

    /// Whether a mutant is asked for.
    fn wants(&self, id: &str) -> anyhow::Result<bool> {
        Ok(self.wanted.wants()?(id, &BTreeSet::new()))
    }
}
