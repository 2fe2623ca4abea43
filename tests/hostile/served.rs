//! The emulator in a process of its own, and a client that means well.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a good client may wait for an answer, on a busy machine.
const GOOD: Duration = Duration::from_secs(5);

/// A running `assize serve`; it is ended with this.
pub(crate) struct Served {
    process: Child,
    pub(crate) address: SocketAddr,
}

impl Served {
    /// Starts it with these arguments, and this patience.
    pub(crate) fn start(patience: Duration, arguments: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_assize"))
            .args(["serve", "--listen", "127.0.0.1:0", "--patience"])
            .arg(format!("{}s", patience.as_secs()))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = process.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("http://").unwrap();
        let address = address.parse().unwrap();
        Self { process, address }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// How long a good client waits for its answer, which has to be right.
    pub(crate) fn good(&self) -> Result<Duration, String> {
        let clock = Instant::now();
        let mut stream = self.connect();
        stream.set_read_timeout(Some(GOOD)).unwrap();
        stream
            .write_all(b"GET /v2.0/lbaas/pools HTTP/1.1\r\nhost: x\r\nx-auth-token: assize-owner\r\nconnection: close\r\n\r\n")
            .map_err(|error| format!("a good client cannot ask: {error}"))?;
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .map_err(|error| format!("a good client gets no answer: {error}"))?;
        if !answer.starts_with("HTTP/1.1 200 OK\r\n") || !answer.ends_with('}') {
            return Err(format!("a good client is answered {answer:?}"));
        }
        Ok(clock.elapsed())
    }

    /// The memory that it has now, and the most that it had, in KiB, where the system tells.
    pub(crate) fn memory(&self) -> (u64, u64) {
        let status = format!("/proc/{}/status", self.process.id());
        let told = std::fs::read_to_string(status).unwrap_or_default();
        let of = |name: &str| {
            let line = told.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next()?.parse().ok())
                .unwrap_or(0)
        };
        (of("VmRSS:"), of("VmHWM:"))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
