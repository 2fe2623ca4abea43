//! The shipped suite as trials of `cargo test`, each dialect of the emulator held to its own profile:
//! `ASSIZE_PROFILE` chooses one other than otc-v2. The emulator is the one that `assize serve` starts.

#![expect(clippy::print_stderr, reason = "a test says why it cannot begin")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitCode, Stdio};

use assize::libtest::{Suite, test};

fn main() -> ExitCode {
    let profile = std::env::var("ASSIZE_PROFILE").unwrap_or_else(|_| "otc-v2".to_owned());
    match Server::start(&profile) {
        Some((_server, url)) => test(
            Suite::new(url)
                .directory(env!("CARGO_MANIFEST_DIR"))
                .profile(profile),
        ),
        None => {
            eprintln!("no emulator was started; `assize serve --dialect {profile}` says why");
            ExitCode::from(2)
        }
    }
}

/// An emulator that ends when it is dropped.
struct Server(Child);

impl Server {
    /// Starts the emulator of a dialect on a free port; with its URL, if it came up.
    fn start(dialect: &str) -> Option<(Self, String)> {
        let child = Command::new(env!("CARGO_BIN_EXE_assize"))
            .args(["serve", "--listen", "127.0.0.1:0", "--dialect", dialect])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut server = Self(child.ok()?);
        let mut url = String::new();
        BufReader::new(server.0.stdout.take()?)
            .read_line(&mut url)
            .ok()?;
        let url = url.trim().to_owned();
        (!url.is_empty()).then_some((server, url))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has nothing to save, and a failure to end it would tell nothing of the suite.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
