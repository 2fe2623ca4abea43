//! `docs/scenario-format.md` says what the code does: its tables are those of the keys that the reader knows,
//! and its examples are right.
#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use assize::suite::model::Boundary;
use assize::suite::shape::{
    FILES, KINDS, Key, Kind, LEVELS, MATCH_OPERATORS, SCENARIO, SCENARIOS, SCOPES, Shape,
};
use regex::Regex;

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/scenario-format.md");
    fs::read_to_string(path).unwrap().replace("\r\n", "\n")
}

/// What a key takes, in the words of the tables.
fn takes(kind: &Kind) -> String {
    match kind {
        Kind::Text => "text".to_owned(),
        Kind::Template => "template".to_owned(),
        Kind::Request => "request line".to_owned(),
        Kind::Expr => "expression".to_owned(),
        Kind::Bool => "true, false".to_owned(),
        Kind::Duration => "time".to_owned(),
        Kind::Any => "any value".to_owned(),
        Kind::Status => "status".to_owned(),
        Kind::Word(words) if *words == LEVELS => "a level".to_owned(),
        Kind::Word(words) if *words == KINDS => "a kind of value".to_owned(),
        Kind::Word(words) if *words == SCOPES => "a scope".to_owned(),
        Kind::Word(words) => format!("`{}`", words.join("` or `")),
        Kind::Shape(shape) => shape.about.to_owned(),
        Kind::List(item) => format!("list: {}", takes(item)),
        Kind::Many(Kind::Text) => "one or more names".to_owned(),
        Kind::Many(item) => format!("one or more: {}", takes(item)),
        Kind::Named(value) => format!("names → {}", takes(value)),
        Kind::Either(one, other) => format!("{}, or {}", takes(one), takes(other)),
    }
}

/// A table of keys: its lines, and whether text may stand instead of the mapping.
#[derive(Debug, PartialEq, Eq)]
struct Table {
    short: bool,
    lines: Vec<String>,
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.short {
            f.write_str("May be text instead: …\n\n")?;
        }
        for line in &self.lines {
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}

/// The tables of keys as the reader's own table gives them, by their headings.
fn of_the_code() -> BTreeMap<String, Table> {
    let mut tables = BTreeMap::new();
    let mut open: Vec<&Shape> = FILES.to_vec();
    while let Some(shape) = open.pop() {
        let mut heading = shape.about.to_owned();
        heading[..1].make_ascii_uppercase();
        // A file of one scenario has its keys; they are not told twice.
        let own = |key: &&Key| shape.name != SCENARIOS.name || !scenario().contains(&line(key));
        let lines = shape.keys.iter().filter(own).map(line).collect();
        let short = shape.short.is_some();
        if tables.insert(heading, Table { short, lines }).is_none() {
            shape
                .keys
                .iter()
                .for_each(|key| below(&key.kind, &mut open));
        }
    }
    tables
}

/// The shapes inside what a key takes.
fn below(kind: &Kind, open: &mut Vec<&'static Shape>) {
    match kind {
        Kind::Shape(shape) => open.push(shape),
        Kind::List(inner) | Kind::Many(inner) | Kind::Named(inner) => below(inner, open),
        Kind::Either(one, other) => {
            below(one, open);
            below(other, open);
        }
        Kind::Text
        | Kind::Template
        | Kind::Request
        | Kind::Expr
        | Kind::Bool
        | Kind::Duration
        | Kind::Any
        | Kind::Word(_)
        | Kind::Status => {}
    }
}

fn scenario() -> Vec<String> {
    SCENARIO.keys.iter().map(line).collect()
}

fn line(key: &Key) -> String {
    let required = if key.required { " (required)" } else { "" };
    let about = key.about.replace('|', r"\|");
    format!(
        "| `{}`{required} | {} | {about} |",
        key.name,
        takes(&key.kind)
    )
}

/// The tables under "Every key", by their headings.
fn of_the_document() -> BTreeMap<String, Table> {
    let document = document();
    let (_, keys) = document.split_once("\n## Every key\n").unwrap();
    assert!(!keys.contains("\n## "), "something comes after the keys");
    keys.split("\n### ")
        .skip(1)
        .map(|section| {
            let (heading, text) = section.split_once('\n').unwrap();
            let lines = text.lines().filter(|line| line.starts_with("| `"));
            let table = Table {
                short: text.contains("May be text instead: "),
                lines: lines.map(str::to_owned).collect(),
            };
            (heading.to_owned(), table)
        })
        .collect()
}

#[test]
fn the_tables_of_keys_are_those_of_the_reader() {
    let mut document = of_the_document();
    let operators: Vec<String> = MATCH_OPERATORS
        .iter()
        .map(|(name, about)| format!("| `{name}` | {about} |"))
        .collect();
    let matchers = document.remove("Matchers").expect("a table of operators");
    assert_eq!(matchers.lines, operators);
    let code = of_the_code();
    let wrong: Vec<String> = code
        .iter()
        .filter(|(heading, table)| document.get(*heading) != Some(*table))
        .map(|(heading, table)| format!("{heading}\n\n{table}"))
        .collect();
    assert!(
        wrong.is_empty(),
        "docs/scenario-format.md is to say:\n\n{}",
        wrong.join("\n")
    );
    document.retain(|heading, _| !code.contains_key(heading));
    assert!(document.is_empty(), "not of the format: {document:?}");
}

/// The examples with what they are an example of: `own`, `lbaas-v2`, or `file PATH`.
fn examples() -> Vec<(String, String)> {
    let document = document();
    let marked = Regex::new(r"(?s)<!-- example: ([^>]+) -->\n```yaml\n(.*?)```\n").unwrap();
    let examples: Vec<(String, String)> = marked
        .captures_iter(&document)
        .map(|found| (found[1].to_owned(), found[2].to_owned()))
        .collect();
    assert_eq!(
        examples.len(),
        document.matches("```yaml\n").count(),
        "an example is not marked"
    );
    examples
}

/// Writes the files where nothing else is, and holds `assize check` to finding nothing.
fn is_right(files: &[(&str, &str)], arguments: &[&str]) {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let output = Command::new(env!("CARGO_BIN_EXE_assize"))
        .arg("check")
        .args(arguments)
        .current_dir(directory.path())
        .env_remove("ASSIZE_SUITE")
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}\n{files:#?}\n{said}");
}

#[test]
fn every_example_is_right() {
    let examples = examples();
    let mut suite = Vec::new();
    for (of, text) in &examples {
        match of.split_once(' ') {
            None if of == "own" => is_right(&[("example.yaml", text)], &["example.yaml"]),
            None if of == "lbaas-v2" => is_right(
                &[("example.yaml", text)],
                &["--suite", "lbaas-v2", "example.yaml"],
            ),
            Some(("file", path)) => suite.push((path, text.as_str())),
            _ => panic!("what is an example of `{of}`?"),
        }
    }
    is_right(&suite, &[]);
}

#[test]
fn the_kinds_of_value_are_those_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/generated-cases.md");
    let text = fs::read_to_string(path).unwrap();
    let row = Regex::new(r"(?m)^\| `([a-z]+\.[a-z]+)` \| (.+?) \|").unwrap();
    let told: Vec<(String, String)> = row
        .captures_iter(&text)
        .map(|found| (found[1].to_owned(), found[2].to_owned()))
        .collect();
    let known: Vec<(String, String)> = Boundary::ALL
        .into_iter()
        .map(|kind| (kind.word().to_owned(), kind.about().to_owned()))
        .collect();
    assert_eq!(told, known);
}

#[test]
fn a_run_ends_as_the_readme_shows_it() {
    let directory = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_assize"))
        .args(["run", "--suite", "lbaas-v2"])
        .current_dir(directory.path())
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = fs::read_to_string(path).unwrap();
    let shown = text.split("```text\n").nth(1).unwrap();
    let shown = shown.split("```").next().unwrap();
    let (last, lines) = {
        let mut lines: Vec<&str> = shown.lines().collect();
        (lines.pop().unwrap(), lines)
    };
    for line in lines.iter().filter(|line| line.trim() != "…") {
        assert!(said.contains(line), "{line:?} is not in\n{said}");
    }
    let (counts, _) = last.rsplit_once(" in ").unwrap();
    assert!(said.contains(&format!("\n{counts} in ")), "{said}");
}
