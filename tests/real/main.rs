//! The program against an endpoint in another process, as it stands on a real cloud: what is lost when either of
//! them dies, and what is found again.
#![cfg(all(feature = "cli", unix))]
#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

mod guard;
mod http2;
mod identity;
mod network;
mod signature;
mod sweep;
mod target;
mod unstable;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value as Json;

/// Sees the objects of all projects.
const ADMIN: &str = "assize-admin";

/// `assize` in a directory, with nothing of the caller's environment that it listens to.
fn assize(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assize"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("ASSIZE_") || name.starts_with("OS_") {
            command.env_remove(&*name);
        }
    }
    command
        .current_dir(directory)
        .env_remove("CLICOLOR_FORCE")
        .env("NO_COLOR", "1")
        .env("NO_PROXY", "*");
    command
}

/// What a call came to.
#[derive(Debug)]
struct Said {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Said {
    #[track_caller]
    fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "\n{}\n--- stderr\n{}",
            self.stdout,
            self.stderr
        );
        self
    }
}

/// Runs it in a directory.
fn run(directory: &Path, arguments: &[&str]) -> Said {
    assize(directory).args(arguments).output().unwrap().into()
}

/// `assize serve` in a process of its own, which ends with this.
struct Serving {
    process: Child,
    url: String,
}

impl Serving {
    fn new(arguments: &[&str]) -> Self {
        let mut process = assize(Path::new("."))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut url)
            .unwrap();
        let url = url.trim_end().to_owned();
        assert!(url.starts_with("http://127.0.0.1:"), "{url:?}");
        Self { process, url }
    }

    /// Sends a request with a token and returns the status and the content.
    fn send(&self, method: &str, path: &str, token: &str, content: &str) -> (u16, Json) {
        let authority = self.url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(authority).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {authority}\r\nX-Auth-Token: {token}\r\nAccept: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{content}",
            content.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let (_, content) = answer.split_once("\r\n\r\n").unwrap();
        (status, serde_json::from_str(content).unwrap_or(Json::Null))
    }

    /// Reads something, however often that is turned away.
    fn get(&self, path: &str) -> (u16, Json) {
        loop {
            let (status, content) = self.send("GET", path, ADMIN, "");
            if !matches!(status, 429 | 503) {
                return (status, content);
            }
        }
    }

    /// Waits until nothing is under way any more that was asked for.
    fn calm(&self) {
        loop {
            let (_, content) = self.get("/v2.0/lbaas/loadbalancers");
            let all = content["loadbalancers"].as_array().unwrap();
            if all.iter().all(|it| it["provisioning_status"] == "ACTIVE") {
                return;
            }
        }
    }

    /// The names of all objects, those below others included, sorted.
    fn names(&self) -> Vec<String> {
        let list = |path: &str, key: &str| {
            let (status, content) = self.get(path);
            // What it is below may go in between.
            if status == 404 {
                return Vec::new();
            }
            assert_eq!(status, 200, "{path}: {content}");
            content[key].as_array().unwrap().clone()
        };
        let mut names = Vec::new();
        for kind in [
            "loadbalancers",
            "listeners",
            "pools",
            "healthmonitors",
            "l7policies",
        ] {
            for object in list(&format!("/v2.0/lbaas/{kind}"), kind) {
                names.push(format!("{kind} {}", object["name"].as_str().unwrap()));
                let below = match kind {
                    "pools" => ("members", "members"),
                    "l7policies" => ("rules", "rules"),
                    _ => continue,
                };
                let id = object["id"].as_str().unwrap();
                for object in list(&format!("/v2.0/lbaas/{kind}/{id}/{}", below.0), below.1) {
                    names.push(format!("{} {}", below.0, object["id"].as_str().unwrap()));
                }
            }
        }
        names.sort();
        names
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
