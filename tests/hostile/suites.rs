//! Suites of strangers: they read and reach nothing but their own, and end.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::run::assize;
use crate::table::{Line, tell};

/// How long a refusal may take, on a busy machine.
const TIME: Duration = Duration::from_secs(15);

/// What the process may take, in KiB.
const MEMORY: u64 = 384 << 10;

/// What stands outside of the suite, and is to show nowhere.
const SECRET: &str = "what-is-none-of-its-business";

/// Where files of the suite are made, below its root.
struct Suite<'d>(&'d Path);

impl Suite<'_> {
    fn write(&self, file: &str, text: &str) {
        let path = self.0.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A manifest with these lines, and a scenario.
    fn with(&self, lines: &str) {
        self.write("suite.yaml", &format!("suite: s\nscenarios: all\n{lines}"));
        self.write(
            "all/it.yaml",
            "title: t\nwhen: GET /x\nthen: { status: 200 }\n",
        );
    }

    /// A plain manifest, and one scenario file of this text.
    fn scenario(&self, text: &str) {
        self.with("");
        self.write("all/it.yaml", text);
    }

    /// Steps that send the value of an expression, with these variables.
    fn value(&self, variables: &str, expression: &str) {
        self.scenario(&format!(
            "variables:\n  a: x\n{variables}steps:\n  - {{ request: GET /x, query: {{ q: \"{{{{ {expression} }}}}\" }}, then: {{ status: 200 }} }}\n"
        ));
    }
}

/// The case, what makes the suite, the exit code, and what is said.
type Case = (&'static str, fn(&Suite<'_>), i32, &'static str);

/// Variables, each of which says the one before so many times.
fn chain(of: impl Fn(&str) -> String) -> String {
    let mut lines = String::from("  v0: \"{{ 'x' * 50000 }}\"\n");
    for at in 1..=6 {
        let before = format!("v{}", at - 1);
        lines.push_str(&format!("  v{at}: {}\n", of(&before)));
    }
    lines
}

const CASES: &[Case] = &[
    // Files.
    (
        "scenarios above it",
        |it| it.with("use: ../secret\n"),
        2,
        "leads out of the suite",
    ),
    (
        "scenarios at the root of the system",
        |it| it.with("use: /etc\n"),
        2,
        "leads out of the suite",
    ),
    (
        "a way down and up again",
        |it| it.with("use: all/../../secret\n"),
        2,
        "leads out of the suite",
    ),
    (
        "a link to a directory",
        |it| {
            it.with("use: linked\n");
            symlink("../secret", it.0.join("linked")).unwrap();
        },
        2,
        "leads out of the suite",
    ),
    (
        "a link to a file",
        |it| {
            it.with("use: linked.yaml\n");
            symlink("../secret/it.yaml", it.0.join("linked.yaml")).unwrap();
        },
        2,
        "leads out of the suite",
    ),
    (
        "a link among the scenarios",
        |it| {
            it.with("");
            symlink("../../secret/it.yaml", it.0.join("all/it2.yaml")).unwrap();
        },
        3,
        "1 errors",
    ),
    (
        "a link to itself",
        |it| {
            it.with("use: linked.yaml\n");
            symlink("linked.yaml", it.0.join("linked.yaml")).unwrap();
        },
        2,
        "cannot be read",
    ),
    (
        "a description above it",
        |it| it.with("openapi: ../secret/it.yaml\n"),
        2,
        "leads out of the suite",
    ),
    (
        "a description that is a link",
        |it| {
            it.with("openapi: api.yaml\n");
            symlink("/etc/passwd", it.0.join("api.yaml")).unwrap();
        },
        2,
        "leads out of the suite",
    ),
    (
        "a description that is a device",
        |it| {
            it.with("openapi: api.yaml\n");
            symlink("/dev/zero", it.0.join("api.yaml")).unwrap();
        },
        2,
        "leads out of the suite",
    ),
    (
        "a description that is a pipe",
        |it| {
            it.with("openapi: api.yaml\n");
            assert!(
                Command::new("mkfifo")
                    .arg(it.0.join("api.yaml"))
                    .status()
                    .unwrap()
                    .success()
            );
        },
        2,
        "it is no file",
    ),
    (
        "a pipe among the scenarios",
        |it| {
            it.with("");
            assert!(
                Command::new("mkfifo")
                    .arg(it.0.join("all/pipe.yaml"))
                    .status()
                    .unwrap()
                    .success()
            );
        },
        3,
        "1 errors",
    ),
    (
        "a directory that is called like a file",
        |it| {
            it.with("");
            fs::create_dir_all(it.0.join("all/it2.yaml")).unwrap();
        },
        3,
        "1 errors",
    ),
    (
        "references out of a description",
        |it| {
            it.with("openapi: api.yaml\n");
            it.write("api.yaml", "openapi: 3.1.0\ninfo: { title: t, version: '1' }\npaths:\n  /x: { get: { responses: { '200': { description: d, content: { application/json: { schema: { $ref: '../secret/it.yaml' } } } } } } }\n");
        },
        2,
        "cannot be compiled",
    ),
    (
        "a reference to a file of the system",
        |it| {
            it.with("openapi: api.yaml\n");
            it.write("api.yaml", "openapi: 3.1.0\ninfo: { title: t, version: '1' }\npaths:\n  /x: { get: { responses: { '200': { description: d, content: { application/json: { schema: { $ref: 'file:///etc/passwd' } } } } } } }\n");
        },
        2,
        "cannot be compiled",
    ),
    (
        "a reference to another host",
        |it| {
            it.with("openapi: api.yaml\n");
            it.write("api.yaml", "openapi: 3.1.0\ninfo: { title: t, version: '1' }\npaths:\n  /x: { get: { responses: { '200': { description: d, content: { application/json: { schema: { $ref: 'http://ELSEWHERE/x.json' } } } } } } }\n");
        },
        2,
        "cannot be compiled",
    ),
    (
        "references in a circle",
        |it| {
            it.with("openapi: api.yaml\n");
            it.write("api.yaml", "openapi: 3.1.0\ninfo: { title: t, version: '1' }\ncomponents:\n  schemas:\n    A: { $ref: '#/components/schemas/B' }\n    B: { $ref: '#/components/schemas/A' }\npaths:\n  /x: { get: { responses: { '200': { description: d, content: { application/json: { schema: { $ref: '#/components/schemas/A' } } } } } } }\n");
        },
        3,
        "1 errors",
    ),
    (
        "a schema from another host",
        |it| {
            it.scenario(
        "title: t\nwhen: GET /x\nthen: { status: 200, schema: { $ref: 'http://ELSEWHERE/x.json' } }\n",
    );
        },
        2,
        "schema",
    ),
    // Hosts and programs.
    (
        "another host in the request",
        |it| it.scenario("title: t\nwhen: GET http://ELSEWHERE/x\nthen: { status: 200 }\n"),
        2,
        "no request line",
    ),
    (
        "another host by an expression",
        |it| {
            it.scenario(
                "title: t\nwhen: \"GET {{ 'http:' }}//ELSEWHERE/x\"\nthen: { status: 200 }\n",
            );
        },
        3,
        "does not begin with `/`",
    ),
    (
        "the endpoint as a user of another host",
        |it| it.scenario("title: t\nwhen: \"GET {{ '' }}@ELSEWHERE/x\"\nthen: { status: 200 }\n"),
        3,
        "does not begin with `/`",
    ),
    (
        "the endpoint as a part of another name",
        |it| it.scenario("title: t\nwhen: \"GET {{ '' }}.example.com/x\"\nthen: { status: 200 }\n"),
        3,
        "does not begin with `/`",
    ),
    (
        "another host behind two slashes",
        |it| it.scenario("title: t\nwhen: GET //ELSEWHERE/x\nthen: { status: 200 }\n"),
        3,
        "could not connect",
    ),
    (
        "the environment",
        |it| it.value("", "env('HOME')"),
        2,
        "there is no `env` here",
    ),
    (
        "a program",
        |it| it.value("", "a | system('id')"),
        3,
        "unknown filter",
    ),
    (
        "a tag that makes objects",
        |it| {
            it.scenario(
                "title: t\nwhen: !!python/object/apply:os.system [id]\nthen: { status: 200 }\n",
            );
        },
        2,
        "tag",
    ),
    // Work without end.
    (
        "a long range",
        |it| it.value("", "range(100000000) | list | length"),
        3,
        "too many elements",
    ),
    (
        "text a million times",
        |it| it.value("", "a * 1000000000"),
        3,
        "ran out of fuel",
    ),
    (
        "a power of a power",
        |it| it.value("", "9 ** 9 ** 9"),
        3,
        "unable to calculate",
    ),
    (
        "texts of texts",
        |it| {
            it.value(
                &chain(|v| format!("\"{}\"", format!("{{{{ {v} }}}}").repeat(100))),
                "v6 | length",
            );
        },
        3,
        "more than 4194304 bytes",
    ),
    (
        "sums of texts",
        |it| {
            it.value(
                &chain(|v| format!("\"{{{{ {} }}}}\"", [v; 20].join(" ~ "))),
                "v6 | length",
            );
        },
        3,
        "ran out of fuel",
    ),
    (
        "lists of lists",
        |it| {
            it.value(
                &chain(|v| format!("[{}]", vec![format!("'{{{{ {v} }}}}'"); 20].join(", "))),
                "v6 | length",
            );
        },
        3,
        "more than 4194304 bytes",
    ),
    (
        "100,000 times not",
        |it| it.value("", &("not ".repeat(100_000) + "a")),
        2,
        "this expression has",
    ),
    (
        "100,000 parentheses",
        |it| it.value("", &("(".repeat(100_000) + "a" + &")".repeat(100_000))),
        2,
        "this expression has",
    ),
    (
        "as many signs as an expression may have",
        |it| it.value("", &("-".repeat(990) + "1")),
        3,
        "1 errors",
    ),
    (
        "as many sums as an expression may have",
        |it| it.value("", &("1+".repeat(490) + "1")),
        3,
        "1 errors",
    ),
    (
        "as many filters as an expression may have",
        |it| it.value("", &("1".to_owned() + &"|int".repeat(240))),
        3,
        "1 errors",
    ),
    (
        "300,000 expressions",
        |it| {
            it.scenario(&format!(
        "steps:\n  - {{ request: GET /x, query: {{ q: \"{}\" }}, then: {{ status: 200 }} }}\n", "{{ 1 }}".repeat(300_000),
    ));
        },
        2,
        "more than 30000 expressions",
    ),
    (
        "300,000 open braces",
        |it| {
            it.scenario(&format!(
        "steps:\n  - {{ request: GET /x, query: {{ q: \"{}\" }}, then: {{ status: 200 }} }}\n", "{{ ".repeat(300_000),
    ));
        },
        2,
        "more than 30000 expressions",
    ),
    (
        "an expression of great depth that runs",
        |it| it.value("", "a | matches('(a*)*b')"),
        3,
        "could not connect",
    ),
    (
        "a regular expression of great size",
        |it| {
            it.scenario(
        "title: t\nwhen: GET /x\nthen: { status: 200, body: { a: { $matches: '((a{1000}){1000}){1000}' } } }\n",
    );
        },
        2,
        "no regular expression",
    ),
    (
        "a regular expression of great size, while it runs",
        |it| it.value("", "a | matches('((a{1000}){1000}){1000}')"),
        3,
        "size limit",
    ),
    (
        "50,000 groups in each other",
        |it| {
            it.scenario(&format!(
        "title: t\nwhen: GET /x\nthen: {{ status: 200, body: {{ a: {{ $matches: '{}a{}' }} }} }}\n", "(".repeat(50_000), ")".repeat(50_000),
    ));
        },
        2,
        "no regular expression",
    ),
    // Too much.
    (
        "aliases of aliases",
        |it| {
            let mut text = String::from(
                "title: t\nwhen: GET /x\nthen: { status: 200 }\nvariables:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n",
            );
            for at in 1..=9 {
                let before = format!("*a{}", at - 1);
                text.push_str(&format!(
                    "  a{at}: &a{at} [{}]\n",
                    vec![before; 10].join(", ")
                ));
            }
            it.scenario(&text);
        },
        2,
        "too large",
    ),
    (
        "100,000 lists in each other",
        |it| {
            it.scenario(&format!(
                "steps: {}{}\n",
                "[".repeat(100_000),
                "]".repeat(100_000)
            ));
        },
        2,
        "not YAML",
    ),
    (
        "3,000 mappings in each other",
        |it| {
            let lines: Vec<String> = (0..3000)
                .map(|at| format!("{}a:", " ".repeat(at)))
                .collect();
            it.scenario(&lines.join("\n"));
        },
        2,
        "nested deeper than 64 levels",
    ),
    (
        "a file of 9 MiB",
        |it| it.scenario(&"# nothing\n".repeat(900_000)),
        2,
        "more than 8388608",
    ),
    (
        "a list of a million",
        |it| {
            it.scenario(&format!("variables: {{ a: [{}1] }}\nsteps:\n  - {{ request: GET /x, then: {{ status: 200 }} }}\n", "1, ".repeat(1_000_000)));
        },
        2,
        "more than 200000 values",
    ),
    (
        "a file that is no text",
        |it| {
            it.with("");
            fs::write(it.0.join("all/it.yaml"), b"title: \xff\xfe\n").unwrap();
        },
        2,
        "not UTF-8",
    ),
    (
        "20,000 mistakes",
        |it| {
            it.scenario(&format!(
                "scenarios:\n{}",
                "  - { idd: x }\n".repeat(20_000)
            ));
        },
        2,
        "and 99898 more",
    ),
    (
        "a matrix of 10^50 rows",
        |it| {
            let axes: String = (0..30)
                .map(|at| format!("      a{at}: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n"))
                .collect();
            it.scenario(&format!("scenarios:\n  - id: x\n    title: t\n    generate:\n     matrix:\n{axes}    when: GET /x\n    then: {{ status: 200 }}\n"));
        },
        2,
        "combinations",
    ),
    (
        "a thousand million requests at once",
        |it| it.scenario("steps:\n  - { request: GET /x, concurrently: 1000000000 }\n"),
        2,
        "not a number from 2 to 64",
    ),
    (
        "a wait of a thousand years",
        |it| it.scenario("title: t\nwhen: GET /x\nthen: { status: 200, eventually: 10000000h }\n"),
        2,
        "more than an hour",
    ),
];

#[test]
fn every_suite_of_a_stranger_is_refused_or_held_back_in_time() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let there = elsewhere.local_addr().unwrap().to_string();
    let mut lines = Vec::new();
    let mut wrong = Vec::new();
    for (name, make, code, part) in CASES {
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
    tell("strange-suites", &lines);
    let asked = elsewhere.accept().map(|(_, from)| from);
    assert_eq!(
        asked.map_err(|error| error.kind()),
        Err(std::io::ErrorKind::WouldBlock),
        "another host was asked"
    );
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}
