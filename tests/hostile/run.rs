//! The program in a process of its own, whose time and memory are looked at.

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than anything here may take.
const LIMIT: Duration = Duration::from_secs(60);

/// What a call came to.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) time: Duration,
    /// The most memory that it had, in KiB, where the system tells; looked at every few milliseconds.
    pub(crate) memory: u64,
}

/// Runs it in a directory, and ends it if it does not end by itself.
pub(crate) fn assize(directory: &Path, arguments: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assize"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("ASSIZE_") || name.starts_with("OS_") {
            command.env_remove(&*name);
        }
    }
    let clock = Instant::now();
    let mut process = command
        .current_dir(directory)
        .args(arguments)
        .env_remove("CLICOLOR_FORCE")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let read = |mut from: Box<dyn std::io::Read + Send>| {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            from.read_to_end(&mut bytes).unwrap();
            String::from_utf8_lossy(&bytes).into_owned()
        })
    };
    let stdout = read(Box::new(process.stdout.take().unwrap()));
    let stderr = read(Box::new(process.stderr.take().unwrap()));
    let status = format!("/proc/{}/status", process.id());
    let mut memory = 0;
    let code = loop {
        let told = std::fs::read_to_string(&status).unwrap_or_default();
        let most = told.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let most = most.and_then(|line| line.split_whitespace().next()?.parse().ok());
        memory = memory.max(most.unwrap_or(0));
        if let Some(status) = process.try_wait().unwrap() {
            break status.code();
        }
        if clock.elapsed() > LIMIT {
            process.kill().unwrap();
            process.wait().unwrap();
            break None;
        }
        thread::sleep(Duration::from_millis(5));
    };
    Said {
        code,
        stdout: stdout.join().unwrap(),
        stderr: stderr.join().unwrap(),
        time: clock.elapsed(),
        memory,
    }
}
