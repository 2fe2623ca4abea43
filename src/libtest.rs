//! A suite as trials of `cargo test`, so that a Rust project holds its own server to a contract.
//!
//! In `tests/contract.rs`, with `harness = false` for it in `Cargo.toml`:
//!
//! ```no_run
//! use assize::libtest::{Suite, test};
//!
//! fn main() -> std::process::ExitCode {
//!     // Start the server under test here, and name its address.
//!     test(Suite::new("http://127.0.0.1:9696").directory("contract"))
//! }
//! ```
//!
//! Each case is a trial with the case's id as its name; `cargo test -- --list`, filters, `--exact` and
//! cargo-nextest work as with any other test.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use libtest_mimic::{Arguments, Failed, Trial};
use tokio_util::sync::CancellationToken;

use crate::case::{Case, Generate, expand};
use crate::outcome::{CaseOutcome, RunReport, Verdict};
use crate::plan::{Filter, Plan};
use crate::report::Console;
use crate::runner::{Options, run};
use crate::suite::{Files, Selection, load};
use crate::target::{Limits, Target};

/// Which suite, and what it is pointed at.
#[derive(Debug, Clone)]
pub struct Suite {
    endpoint: String,
    directory: PathBuf,
    profile: Option<String>,
    variables: BTreeMap<String, serde_json::Value>,
    allow_writes: bool,
}

impl Suite {
    /// The suite in the current directory (for `cargo test`, that of the package), against an endpoint:
    /// scheme, host, port and base path.
    pub fn new(endpoint: impl Into<String>) -> Self {
        Self {
            endpoint: endpoint.into(),
            directory: PathBuf::from("."),
            profile: None,
            variables: BTreeMap::new(),
            allow_writes: false,
        }
    }

    /// Lets it create, change and delete objects although the endpoint is not this machine.
    pub fn allow_writes(mut self) -> Self {
        self.allow_writes = true;
        self
    }

    /// The directory that holds `suite.yaml`, or a directory of plain scenario files.
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = directory.into();
        self
    }

    /// The profile; the suite's own choice unless said.
    pub fn profile(mut self, profile: impl Into<String>) -> Self {
        self.profile = Some(profile.into());
        self
    }

    /// Sets a variable of the suite.
    pub fn variable(
        mut self,
        name: impl Into<String>,
        value: impl Into<serde_json::Value>,
    ) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Everything that is needed to run a case, or what is wrong, in words.
    fn prepare(&self) -> Result<Ready, String> {
        let files = Files::Directory {
            root: self.directory.clone(),
            prefix: String::new(),
            here: None,
        };
        let whole = self.directory.join(crate::suite::MANIFEST_FILE).is_file();
        let selection = Selection {
            suite: whole.then(|| files.clone()),
            scenarios: (!whole).then(|| (files, vec![String::new()])),
            variables: self.variables.keys().cloned().collect(),
        };
        let suite = load(&selection).map_err(|found| {
            found
                .iter()
                .map(|diagnostic| diagnostic.render(false))
                .collect::<Vec<_>>()
                .join("\n\n")
        })?;
        let target = Target::new(
            &suite,
            &self.endpoint,
            self.profile.as_deref(),
            &self.variables,
            Limits::STANDARD,
        )
        .map_err(|error| error.to_string())?;
        if !self.allow_writes && !target.is_loopback() {
            return Err(format!(
                "{} is not this machine, and a suite creates, changes and deletes objects there; allow it with `allow_writes()`",
                target.endpoint
            ));
        }
        Ok(Ready {
            suite: Arc::new(suite),
            target: Arc::new(target),
        })
    }
}

struct Ready {
    suite: Arc<crate::suite::model::Suite>,
    target: Arc<Target>,
}

impl Ready {
    fn plan(&self, cases: Vec<Case>) -> Result<Plan, String> {
        Plan::new(&self.suite, cases, &Filter::default(), &self.target)
            .map_err(|error| error.to_string())
    }

    /// Runs the cases in one run, so that they share what can be shared.
    fn run(&self, cases: Vec<Case>) -> Result<RunReport, String> {
        let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
        let plan = self.plan(cases)?;
        runtime
            .block_on(run(
                Arc::clone(&self.suite),
                Arc::clone(&self.target),
                plan,
                Options::standard(),
                CancellationToken::new(),
                |_| {},
            ))
            .map_err(|error| error.to_string())
    }
}

/// Runs a suite as the `main` of a test without harness: one trial a case. All cases that the arguments
/// select run together, at the first trial; the others wait for it. A case that does not apply to the
/// profile is an ignored trial.
pub fn test(suite: Suite) -> ExitCode {
    let arguments = Arguments::from_args();
    let ready = match suite.prepare() {
        Ok(ready) => Arc::new(ready),
        Err(why) => return trials(&arguments, vec![broken(why)]),
    };
    let plan = match ready.plan(expand(&ready.suite, &ready.target, &Generate::default()).cases) {
        Ok(plan) => plan,
        Err(why) => return trials(&arguments, vec![broken(why)]),
    };
    let selected = plan
        .runnable()
        .filter(|case| wanted(&arguments, &case.id()))
        .cloned()
        .collect::<Vec<_>>();
    let outcomes: Arc<OnceLock<Result<RunReport, String>>> = Arc::new(OnceLock::new());
    let selected = Arc::new(selected);
    let list = plan
        .cases
        .iter()
        .map(|planned| {
            let id = planned.case().id().into_owned();
            let (ready, selected, outcomes) = (
                Arc::clone(&ready),
                Arc::clone(&selected),
                Arc::clone(&outcomes),
            );
            Trial::test(id.clone(), move || {
                let report = outcomes.get_or_init(|| ready.run(selected.to_vec()));
                judge(report, &id)
            })
            .with_ignored_flag(planned.skip().is_some())
        })
        .collect();
    trials(&arguments, list)
}

fn trials(arguments: &Arguments, trials: Vec<Trial>) -> ExitCode {
    libtest_mimic::run(arguments, trials).exit_code()
}

fn broken(why: String) -> Trial {
    Trial::test("the suite can be loaded", move || Err(Failed::from(why)))
}

fn wanted(arguments: &Arguments, id: &str) -> bool {
    let hit = |part: &String| {
        if arguments.exact {
            id == part
        } else {
            id.contains(part.as_str())
        }
    };
    arguments.filter.as_ref().is_none_or(hit) && !arguments.skip.iter().any(hit)
}

/// Passes for a pass without leak; else tells what the console would tell.
fn judge(report: &Result<RunReport, String>, id: &str) -> Result<(), Failed> {
    let report = report.as_ref().map_err(|why| Failed::from(why.clone()))?;
    let Some(outcome) = report.outcomes.iter().find(|outcome| outcome.id == id) else {
        return Err(Failed::from(format!(
            "{id} does not apply to this profile, or was not selected"
        )));
    };
    let fine =
        matches!(outcome.verdict, Verdict::Pass | Verdict::Waived) && outcome.leaked.is_empty();
    if fine {
        Ok(())
    } else {
        Err(Failed::from(tell(report, outcome)))
    }
}

fn tell(report: &RunReport, outcome: &CaseOutcome) -> String {
    let only = RunReport {
        outcomes: vec![outcome.clone()],
        ..report.clone()
    };
    let console = Console {
        width: None,
        styled: false,
        verbose: false,
    };
    format!("\n{}", console.summary(&only))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_elsewhere_is_refused_unless_it_is_allowed() {
        let suite = Suite::new("http://192.0.2.1").directory(env!("CARGO_MANIFEST_DIR"));
        let refused = suite.prepare().err().unwrap_or_default();
        assert!(refused.contains("`allow_writes()`"), "{refused}");
        assert!(suite.allow_writes().prepare().is_ok());
    }
}
