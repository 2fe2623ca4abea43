//! Suites that strangers made, and what is done with them.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use crate::run::assize;
use crate::table::{Line, tell};

/// How long a refusal may take, on a busy machine.
const TIME: Duration = Duration::from_secs(15);

/// What the process may take, in KiB.
const MEMORY: u64 = 384 << 10;

/// What stands outside of the suite, and is to show nowhere.
pub(crate) const SECRET: &str = "what-is-none-of-its-business";

/// Where files of the suite are made, below its root.
pub(crate) struct Suite<'d>(pub(crate) &'d Path);

impl Suite<'_> {
    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.0.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A manifest with these lines, and a scenario.
    pub(crate) fn with(&self, lines: &str) {
        self.write("suite.yaml", &format!("suite: s\nscenarios: all\n{lines}"));
        self.write(
            "all/it.yaml",
            "title: t\nwhen: GET /x\nthen: { status: 200 }\n",
        );
    }

    /// A plain manifest, and one scenario file of this text.
    pub(crate) fn scenario(&self, text: &str) {
        self.with("");
        self.write("all/it.yaml", text);
    }

    /// Steps that send the value of an expression, with these variables.
    pub(crate) fn value(&self, variables: &str, expression: &str) {
        self.scenario(&format!(
            "variables:\n  a: x\n{variables}steps:\n  - {{ request: GET /x, query: {{ q: \"{{{{ {expression} }}}}\" }}, then: {{ status: 200 }} }}\n"
        ));
    }
}

/// The case, what makes the suite, the exit code, and what is said.
pub(crate) type Case = (&'static str, fn(&Suite<'_>), i32, &'static str);

/// Runs each of them, and keeps a table of that name.
pub(crate) fn hold(table: &str, cases: &[Case]) {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let there = elsewhere.local_addr().unwrap().to_string();
    let mut lines = Vec::new();
    let mut wrong = Vec::new();
    for (name, make, code, part) in cases {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("suite");
        let outside = Suite(&directory.path().join("secret")).0.to_path_buf();
        Suite(&outside).write(
            "it.yaml",
            &format!("title: {SECRET}\nwhen: GET /{SECRET}\n"),
        );
        make(&Suite(&root));
        for file in ["api.yaml", "all/it.yaml"] {
            let path = root.join(file);
            if path.symlink_metadata().is_ok_and(|it| it.is_file())
                && let Ok(text) = fs::read_to_string(&path)
                && text.contains("ELSEWHERE")
            {
                fs::write(&path, text.replace("ELSEWHERE", &there)).unwrap();
            }
        }
        let said = assize(&root, &["run", "--endpoint", "http://127.0.0.1:1"]);
        let all = said.stdout.clone() + &said.stderr;
        let mut check = |holds: bool, what: String| {
            if !holds {
                wrong.push(format!("{name}: {what}"));
            }
        };
        let shown: String = all.chars().take(1500).collect();
        check(
            said.code == Some(*code),
            format!("exit {:?}: {shown}", said.code),
        );
        check(all.contains(part), format!("{part:?} is not in {shown}"));
        check(
            !all.contains(SECRET),
            format!("it tells what is outside: {shown}"),
        );
        check(
            !all.contains("root:x:"),
            format!("it tells what is outside: {shown}"),
        );
        check(!all.contains("panicked"), format!("it panicked: {shown}"));
        check(said.time < TIME, format!("it took {:?}", said.time));
        check(said.memory < MEMORY, format!("it took {} KiB", said.memory));
        check(all.len() < 200_000, format!("it says {} bytes", all.len()));
        let line = all.lines().find(|line| line.contains(part));
        lines.push(Line {
            case: (*name).to_owned(),
            verdict: match said.code {
                Some(2) => "refused",
                Some(3) => "error",
                _ => "?",
            }
            .to_owned(),
            reason: line.unwrap_or_default().trim().to_owned(),
            time: said.time,
            memory: said.memory,
        });
    }
    tell(table, &lines);
    let asked = elsewhere.accept().map(|(_, from)| from);
    assert_eq!(
        asked.map_err(|error| error.kind()),
        Err(std::io::ErrorKind::WouldBlock),
        "another host was asked"
    );
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}
