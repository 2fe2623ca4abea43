//! `assize sweep`: what a killed run has left, removed by its ledger.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use assize::report::escape::line as plain;
use assize::runner::{EXTENSION, LedgerError, Recorded, Sweep, sweep as sweep_recorded};
use assize::suite::model::Suite;
use assize::target::{Limits, Target};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::output::{complain, say};
use crate::{USAGE, args, select};

/// Something is left on the endpoint.
const LEFT: u8 = 5;

pub(crate) fn sweep(arguments: &args::Sweep) -> anyhow::Result<u8> {
    let set = select::variables(&arguments.variables)?;
    let suite = args::Suite {
        paths: Vec::new(),
        suite: arguments.suite.clone(),
    };
    let Some(suite) = select::suite(&suite, &set)? else {
        return Ok(USAGE);
    };
    let (ledgers, busy) = ledgers(arguments)?;
    // Everything that forbids a sweep is said before the first request.
    let mut wrong = Vec::new();
    let mut targets = Vec::new();
    for ledger in &ledgers {
        match target(arguments, &suite, ledger, &set) {
            Ok(target) => targets.push(Arc::new(target)),
            Err(why) => wrong.push(format!("{}: {why:#}", ledger.path.display())),
        }
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\nerror: "));
    }
    for path in &busy {
        complain(&format!(
            "{}: its run goes on; it is left alone\n",
            path.display()
        ));
    }
    if ledgers.is_empty() {
        say("no ledger to sweep\n")?;
        return Ok(0);
    }
    let runtime = tokio::runtime::Runtime::new().context("the runtime cannot be started")?;
    runtime.block_on(async {
        let cancel = CancellationToken::new();
        let stop = cancel.clone();
        let watcher = tokio::spawn(async move {
            crate::run::interrupted().await;
            complain("\ninterrupted: what is left stands in the ledger\n");
            stop.cancel();
        });
        let mut code = 0;
        for (ledger, target) in ledgers.iter().zip(targets) {
            let suite = Arc::clone(&suite);
            let swept =
                sweep_recorded(suite, target, ledger, arguments.dry_run, cancel.clone()).await?;
            say(&told(ledger, &swept, arguments.dry_run))?;
            if !swept.left.is_empty() || !ledger.damage.is_empty() {
                code = LEFT;
            }
        }
        watcher.abort();
        Ok(code)
    })
}

/// The ledgers that are asked for, and those whose run goes on.
fn ledgers(arguments: &args::Sweep) -> anyhow::Result<(Vec<Recorded>, Vec<PathBuf>)> {
    let mut found = Vec::new();
    let mut busy = Vec::new();
    let mut wrong = Vec::new();
    let named = arguments.ledgers.as_slice();
    let standard = [arguments.ledger.clone()];
    let paths = if named.is_empty() { &standard } else { named };
    for path in paths {
        let files = if path.is_dir() {
            inside(path)?
        } else if named.is_empty() && !path.exists() {
            Vec::new()
        } else {
            vec![path.clone()]
        };
        for file in files {
            match Recorded::open(&file, arguments.dry_run) {
                Ok(ledger) => found.push(ledger),
                Err(LedgerError::InUse { .. }) if path.is_dir() => busy.push(file),
                // Its run has just ended, and left nothing.
                Err(LedgerError::Io { error, .. })
                    if path.is_dir() && error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => wrong.push(error.to_string()),
            }
        }
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\nerror: "));
    }
    if let Some(age) = arguments.older_than {
        let now = Timestamp::now();
        found.retain(|ledger| {
            let age_of = now.duration_since(ledger.header.started());
            Duration::try_from(age_of).is_ok_and(|old| old >= age)
        });
    }
    if !arguments.run.is_empty() {
        for run in &arguments.run {
            if !found.iter().any(|ledger| ledger.header.run == *run) {
                bail!(
                    "there is no ledger of run `{run}` in {}; name its file, or a directory that has it",
                    paths
                        .iter()
                        .map(|path| path.display().to_string())
                        .collect::<Vec<_>>()
                        .join(", ")
                );
            }
        }
        found.retain(|ledger| arguments.run.contains(&ledger.header.run));
    }
    Ok((found, busy))
}

fn inside(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let unreadable = || format!("{} cannot be read", directory.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).with_context(unreadable)? {
        let path = entry.with_context(unreadable)?.path();
        if path.extension().is_some_and(|ending| ending == EXTENSION) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The endpoint of a ledger, with the identities that are configured here.
fn target(
    arguments: &args::Sweep,
    suite: &Suite,
    ledger: &Recorded,
    set: &BTreeMap<String, String>,
) -> anyhow::Result<Target> {
    let header = &ledger.header;
    if header.suite != suite.name {
        bail!(
            "its run used the suite `{}`, and this is `{}`; name the other with --suite",
            header.suite,
            suite.name
        );
    }
    let target = Target::new(
        suite,
        &header.endpoint,
        header.profile.as_deref(),
        &select::typed(suite, set),
        Limits {
            request: arguments.request_timeout,
            ..Limits::STANDARD
        },
    )?;
    match &arguments.endpoint {
        Some(endpoint) if endpoint.trim_end_matches('/') != target.endpoint => bail!(
            "its run was at {}, and not at {endpoint}; what it left is swept there or not at all",
            plain(&target.endpoint)
        ),
        // A file must not decide where credentials are sent to.
        None if !target.is_loopback() => bail!(
            "its run was at {0}; say that credentials may be sent there with --endpoint {0}",
            plain(&target.endpoint)
        ),
        Some(_) | None => Ok(target),
    }
}

fn told(ledger: &Recorded, swept: &Sweep, dry_run: bool) -> String {
    let mut text = String::new();
    let header = &ledger.header;
    for damage in &ledger.damage {
        text.push_str(&format!(
            "DAMAGED  {}:{}  {}; what it told of is not known\n",
            ledger.path.display(),
            damage.line,
            plain(&damage.why)
        ));
    }
    let left = |found: &assize::runner::Found| {
        let mut left = swept.left.iter();
        left.any(|leak| leak.resource == found.resource && leak.id == found.id)
    };
    let verb = if dry_run { "WOULD REMOVE" } else { "REMOVED" };
    let mut removed = 0;
    // As they go: what was created last goes first.
    for found in swept.found.iter().rev().filter(|found| !left(found)) {
        removed += 1;
        text.push_str(&format!(
            "{verb}  {} {}  {}\n",
            plain(&found.resource),
            plain(&found.id),
            plain(&found.name)
        ));
    }
    for leak in &swept.left {
        text.push_str(&format!(
            "LEFT  {} {}  {}\n",
            plain(&leak.resource),
            plain(&leak.id),
            plain(&leak.why)
        ));
    }
    text.push_str(&format!(
        "run {} at {}: {removed} {}, {} gone already, {} left\n",
        plain(&header.run),
        plain(&header.endpoint),
        if dry_run {
            "would be removed"
        } else {
            "removed"
        },
        swept.absent,
        swept.left.len()
    ));
    text
}
