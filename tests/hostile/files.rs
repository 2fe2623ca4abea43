//! What a stranger's suite, or a stranger's file, names: nothing is read but what lies where its user pointed.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::run::assize;
use crate::strangers::{Case, SECRET, hold};

const CASES: &[Case] = &[
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
];

#[test]
fn no_suite_reads_a_file_outside_of_its_directory() {
    hold("strange-files", CASES);
}

/// A file of one scenario that says that it belongs to this suite; whether it is read, and what is said. It stands in
/// `project/site/in`, suites are in `project`, `project/site/suite` and `project/site/in/own`, and it is run from
/// `project/site`.
fn belongs(to: &str) -> (bool, String) {
    let directory = tempfile::tempdir().unwrap();
    let project = directory.path().canonicalize().unwrap().join("project");
    let write = |path: &Path, text: &str| {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    for at in ["other", "site/suite", "site/in/own"] {
        let manifest =
            format!("suite: s\nscenarios: all\nvariables: {{ v: {{ default: \"{SECRET}\" }} }}\n");
        write(&project.join(at).join("suite.yaml"), &manifest);
    }
    symlink(project.join("other"), project.join("site/in/linked")).unwrap();
    let to = to.replace("PROJECT", project.to_str().unwrap());
    let text = format!(
        "suite: {to}\ntitle: \"it says {{{{ v }}}}\"\nwhen: GET /{{{{ v }}}}\nthen: {{ status: 200 }}\n"
    );
    write(&project.join("site/in/it.yaml"), &text);
    let said = assize(&project.join("site"), &["check", "in/it.yaml"]);
    let all = said.stdout + &said.stderr;
    assert!(!all.contains("panicked") && !all.contains(SECRET), "{all}");
    (said.code == Some(0), all)
}

#[test]
fn a_file_belongs_to_a_suite_below_it_or_below_the_working_directory() {
    for to in [
        "own",
        "./own",
        "../suite",
        "PROJECT/site/suite",
        "../in/own",
    ] {
        let (read, said) = belongs(to);
        assert!(read, "{to}: {said}");
    }
    for to in [
        "../../other",
        "PROJECT/other",
        "linked",
        "own/../../../other",
    ] {
        let (read, said) = belongs(to);
        assert!(!read, "{to} is read");
        assert!(
            said.contains("neither below it nor below the working directory"),
            "{to}: {said}"
        );
        assert!(said.contains("--suite"), "{to}: {said}");
    }
    for to in ["../..", "/etc", "nowhere", "it.yaml"] {
        let (read, said) = belongs(to);
        assert!(!read && said.contains("has no suite.yaml"), "{to}: {said}");
    }
}
