//! An emulator, the program, and what it says.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use quick_xml::events::Event;
use serde_json::Value;
use tempfile::TempDir;

/// Three ways to go wrong, each shown by another case.
pub(crate) const THREE: [&str; 3] = [
    "refusal-clears-policies",
    "method-overridden",
    "disabled-monitor-ignored",
];

/// The repository.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The program, with nothing of the caller's environment that it listens to.
pub(crate) fn assize() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assize"));
    plain(&mut command);
    command
}

/// The same of another command.
pub(crate) fn plain(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("ASSIZE_") || name.starts_with("GITHUB_") {
            command.env_remove(name);
        }
    }
    command
        .current_dir(root())
        .env_remove("CLICOLOR_FORCE")
        .env("NO_COLOR", "1")
        .env("NO_PROXY", "*")
}

/// How many cases a JUnit report has, which must be well formed.
pub(crate) fn test_cases(xml: &str) -> usize {
    let mut reader = quick_xml::Reader::from_str(xml);
    let mut cases = 0;
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => return cases,
            Event::Start(element) => cases += usize::from(element.name().as_ref() == b"testcase"),
            Event::Empty(element) => cases += usize::from(element.name().as_ref() == b"testcase"),
            _ => {}
        }
    }
}

/// What a call came to.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        self
    }
}

/// Runs the program with these arguments.
pub(crate) fn call(arguments: &[&str]) -> Said {
    said(assize().args(arguments))
}

/// Runs a command.
pub(crate) fn said(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    Said {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// An emulator that ends when it is dropped.
pub(crate) struct Emulator {
    child: Child,
    pub(crate) url: String,
}

impl Emulator {
    pub(crate) fn start(dialect: &str, defects: &[&str]) -> Self {
        Self::listening(dialect, defects, "127.0.0.1:0")
    }

    pub(crate) fn listening(dialect: &str, defects: &[&str], address: &str) -> Self {
        let mut command = assize();
        command.args(["serve", "--listen", address, "--dialect", dialect]);
        for defect in defects {
            command.args(["--defect", defect]);
        }
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut url)
            .unwrap();
        let url = url.trim().to_owned();
        assert!(!url.is_empty(), "the emulator did not start");
        Self { child, url }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A directory for the files of a run.
pub(crate) struct Written(TempDir);

impl Written {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn directory(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn put(&self, name: &str, text: &str) -> String {
        std::fs::write(self.0.path().join(name), text).unwrap();
        self.path(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.path().join(name)).unwrap()
    }

    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.text(name)).unwrap()
    }
}

/// Every problem that a published schema has with an instance.
pub(crate) fn problems(schema: &str, instance: &Value) -> Vec<String> {
    let schema = std::fs::read_to_string(root().join("schema").join(schema)).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    validator
        .iter_errors(instance)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// A small suite of its own, with a case of each kind; what is not `changed` passes on an emulator or is skipped.
pub(crate) fn small(written: &Written, changed: &[(&str, &str)]) -> String {
    let root = written.directory().join("suite");
    for (name, text) in [
        (
            "suite.yaml",
            "suite: small\nversion: 1.2.0\nuse: [requirements.yaml, profiles]\nscenarios: cases\nprofile: plain\n\
             variables:\n  other: { about: A second token., default: '', secret: true }\n\
             identities:\n  owner: { headers: { X-Auth-Token: assize-owner } }\n  other: { headers: { X-Auth-Token: '{{ other }}' } }\n",
        ),
        (
            "requirements.yaml",
            "requirements:\n\
             \x20 - { id: R-1, level: must, text: pools are listed, source: here }\n\
             \x20 - { id: R-2, level: must, text: what is not there is not found, source: here }\n\
             \x20 - { id: R-3, level: should, text: listeners are listed, source: here }\n\
             \x20 - { id: R-4, level: observe, text: what more there is, source: here }\n\
             \x20 - { id: R-5, level: must, text: it holds in the dark, source: here, untested: nobody can look }\n",
        ),
        (
            "profiles/plain.yaml",
            "profile: plain\ntitle: Plain\nemulator: otc-v2\nfeatures: { lists: true }\nanswers: { found: { status: 200 } }\n",
        ),
        (
            "profiles/other.yaml",
            "profile: other\ntitle: Other\nemulator: otc-v2\nfeatures: { lists: false }\nanswers: { found: { status: 200 } }\n",
        ),
        (
            "cases/a.yaml",
            "scenarios:\n\
             \x20 - id: pools\n    requirements: [R-1]\n    steps: { request: GET /v2.0/lbaas/pools, then: { status: 200 } }\n\
             \x20 - id: members\n    requirements: [R-1]\n    only_if: profile.lists\n    steps: { request: GET /v2.0/lbaas/pools?name=a, then: { status: 200 } }\n\
             \x20 - id: nothing\n    requirements: [R-2]\n    steps: { request: GET /v2.0/lbaas/pools/none, then: { status: 404 } }\n\
             \x20 - id: listeners\n    requirements: [R-3]\n    steps: { request: GET /v2.0/lbaas/listeners, then: { status: 200 } }\n\
             \x20 - id: more\n    requirements: [R-4]\n    steps: { request: GET /v2.0/lbaas/nothing, then: { observe: { status: 200 } } }\n",
        ),
    ] {
        let path = root.join(name);
        let text = (changed.iter()).fold(text.to_owned(), |text, (before, now)| {
            text.replace(before, now)
        });
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    root.to_str().unwrap().to_owned()
}

/// Every file below a directory.
pub(crate) fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}
