//! What a program takes: time, processor, and memory.

use std::ffi::OsStr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

/// What one run of a program took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    /// From its start to its end.
    pub(crate) wall: Duration,
    /// Of all its threads together, in the kernel and out of it.
    pub(crate) cpu: Duration,
    /// The most that it had at once, in bytes.
    pub(crate) memory: u64,
}

impl Taken {
    /// The less of each.
    pub(crate) fn min(self, other: Self) -> Self {
        Self {
            wall: self.wall.min(other.wall),
            cpu: self.cpu.min(other.cpu),
            memory: self.memory.min(other.memory),
        }
    }
}

/// Runs a program and measures it. A process of its own does so, as the kernel tells a parent of the largest of
/// its children only.
pub(crate) fn run<S: AsRef<OsStr>>(program: &[S]) -> anyhow::Result<Taken> {
    let output = Command::new(std::env::current_exe()?)
        .arg("measure")
        .args(program)
        .stderr(Stdio::inherit())
        .output()?;
    let said = String::from_utf8(output.stdout)?;
    ensure!(output.status.success(), "the program failed: {said}");
    let mut numbers = said.split_whitespace().map(str::parse::<u64>);
    let mut number = || {
        numbers
            .next()
            .context("it says nothing")
            .and_then(|it| Ok(it?))
    };
    Ok(Taken {
        wall: Duration::from_micros(number()?),
        cpu: Duration::from_micros(number()?),
        memory: number()? * 1024,
    })
}

/// The process that measures: runs the program, and says what it took.
pub(crate) fn measure(program: &[String]) -> anyhow::Result<()> {
    let (name, arguments) = program.split_first().context("no program")?;
    let begin = Instant::now();
    let output = Command::new(name)
        .args(arguments)
        .stderr(Stdio::piped())
        .output()?;
    let wall = begin.elapsed();
    ensure!(
        output.status.success(),
        "{name} ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    crate::say(&format!("{} {cpu} {}\n", wall.as_micros(), usage.max_rss()))
}
