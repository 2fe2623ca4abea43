//! The table of rows in `docs/architecture.md` against the imports in `src/`.

#![expect(
    clippy::unwrap_used,
    reason = "a file that cannot be read fails the test"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// What belongs to the binary alone.
const FORBIDDEN: &str = r"\b(?:e?println!|env::var|process::exit)";

/// What the table says.
struct Table {
    /// The row of every module; `None` for one that stands apart.
    rows: BTreeMap<String, Option<u8>>,
    /// Modules of one row that may import each other.
    friends: Vec<(String, String)>,
}

fn table() -> Table {
    let text = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let row = Regex::new(r"(?m)^\| (\d+|–) \| `([a-z_]+)` \| (.+) \|$").unwrap();
    let friend = Regex::new(r"It and `([a-z_]+)` may import each other").unwrap();
    let (mut rows, mut friends) = (BTreeMap::new(), Vec::new());
    for found in row.captures_iter(&text) {
        let name = found[2].to_owned();
        if let Some(other) = friend.captures(&found[3]) {
            friends.push((name.clone(), other[1].to_owned()));
            friends.push((other[1].to_owned(), name.clone()));
        }
        let twice = rows.insert(name.clone(), found[1].parse().ok());
        assert!(twice.is_none(), "docs/architecture.md has `{name}` twice");
    }
    assert!(rows.len() > 2, "docs/architecture.md has no table of rows");
    Table { rows, friends }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The modules that `src/lib.rs` declares.
fn modules() -> Vec<String> {
    let text = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    Regex::new(r"(?m)^(?:pub(?:\([a-z]+\))? )?mod ([a-z_]+);")
        .unwrap()
        .captures_iter(&text)
        .map(|found| found[1].to_owned())
        .collect()
}

/// The Rust files below a path, the binary's aside.
fn sources(directory: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path != root().join("src/bin") {
                sources(&path, into);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// The text without comments and modules for tests, line by line, and the test modules in files of their own.
///
/// A module for tests ends at the first `}` that begins a line. Should a text in it have one, too much is
/// looked at and never too little.
fn code(text: &str) -> (Vec<String>, Vec<String>) {
    let inline = Regex::new(r"^(?:pub(?:\([a-z]+\))? )?mod [a-z_]+ \{$").unwrap();
    let apart = Regex::new(r"^(?:pub(?:\([a-z]+\))? )?mod ([a-z_]+);$").unwrap();
    let (mut lines, mut files) = (Vec::new(), Vec::new());
    let (mut marked, mut inside) = (false, false);
    for line in text.lines() {
        let starts = marked && inline.is_match(line);
        if let Some(found) = apart.captures(line).filter(|_| marked) {
            files.push(found[1].to_owned());
        }
        inside = (inside || starts) && line != "}";
        let comment = line.trim_start().starts_with("//");
        lines.push(if inside || comment {
            String::new()
        } else {
            line.to_owned()
        });
        marked = line == "#[cfg(test)]";
    }
    (lines, files)
}

/// Every file of the library with its module and its lines.
fn library() -> Vec<(String, String, Vec<String>)> {
    let source = root().join("src");
    let mut paths = Vec::new();
    sources(&source, &mut paths);
    paths.sort();
    let mut read = Vec::new();
    let mut tests: Vec<PathBuf> = Vec::new();
    for path in paths {
        let (lines, apart) = code(&fs::read_to_string(&path).unwrap());
        let below = match path.file_stem().and_then(|stem| stem.to_str()) {
            Some("mod" | "lib") => path.with_file_name(""),
            _ => path.with_extension(""),
        };
        for name in apart {
            tests.push(below.join(&name));
            tests.push(below.join(format!("{name}.rs")));
        }
        read.push((path, lines));
    }
    read.into_iter()
        .filter(|(path, _)| !tests.iter().any(|test| path.starts_with(test)))
        .map(|(path, lines)| {
            let below = path
                .strip_prefix(&source)
                .unwrap()
                .to_str()
                .unwrap()
                .replace('\\', "/");
            let module = below
                .split('/')
                .next()
                .unwrap()
                .trim_end_matches(".rs")
                .to_owned();
            (module, format!("src/{below}"), lines)
        })
        .collect()
}

/// The modules that a file names after `crate::`, with the lines.
fn imports(lines: &[String]) -> Vec<(usize, String)> {
    let text = lines.join("\n");
    let path = Regex::new(r"\bcrate::(?:([a-z_]\w*)|\{)").unwrap();
    let tokens = Regex::new(r"\w+|[{},]").unwrap();
    let mut named = Vec::new();
    for found in path.captures_iter(&text) {
        let whole = found.get(0).unwrap();
        let line = |at: usize| text[..at].matches('\n').count() + 1;
        match found.get(1) {
            Some(name) => named.push((line(whole.start()), name.as_str().to_owned())),
            // `crate::{a::B, c::{D, E}}`: the first name of each branch.
            None => {
                let (mut depth, mut first) = (1, true);
                let rest = &text[whole.end()..];
                for token in tokens.find_iter(rest) {
                    match token.as_str() {
                        "{" => depth += 1,
                        "}" => depth -= 1,
                        "," => first = depth == 1 || first,
                        name if depth == 1 && first => {
                            named.push((line(whole.end() + token.start()), name.to_owned()));
                            first = false;
                        }
                        _ => {}
                    }
                    if depth == 0 {
                        break;
                    }
                }
            }
        }
    }
    named
}

/// What is wrong with one module importing another.
fn wrong(table: &Table, from: &str, to: &str) -> Option<String> {
    if from == to {
        return None;
    }
    if from == "emulator" {
        return Some(format!(
            "the emulator imports `{to}`; it must import nothing of the crate"
        ));
    }
    if to == "emulator" {
        return Some(format!(
            "`{from}` imports the emulator; only the binary may"
        ));
    }
    let row = |name: &str| table.rows.get(name).copied().flatten();
    let (Some(own), Some(other)) = (row(from), row(to)) else {
        return Some(format!(
            "`{from}` imports `{to}`, and one of them has no row"
        ));
    };
    if other > own {
        return Some(format!(
            "`{from}` (row {own}) imports `{to}` of the higher row {other}"
        ));
    }
    if other == own
        && !table
            .friends
            .iter()
            .any(|(one, other)| one == from && other == to)
    {
        return Some(format!("`{from}` imports its sibling `{to}` of row {own}"));
    }
    None
}

fn hold(problems: &[String]) {
    assert!(
        problems.is_empty(),
        "docs/architecture.md does not allow:\n{}",
        problems.join("\n")
    );
}

#[test]
fn every_module_of_the_library_has_a_row() {
    let rows = table().rows;
    let modules = modules();
    assert!(!modules.is_empty(), "src/lib.rs declares no module");
    let missing: Vec<String> = modules
        .iter()
        .filter(|name| !rows.contains_key(*name))
        .map(|name| format!("src/lib.rs: `{name}` is missing in the table"))
        .collect();
    hold(&missing);
    for name in rows.keys().filter(|name| *name != "bin") {
        assert!(
            modules.contains(name),
            "docs/architecture.md names `{name}`, which src/lib.rs has not"
        );
    }
}

#[test]
fn modules_import_lower_rows_only() {
    let table = table();
    let mut problems = Vec::new();
    let mut seen = 0;
    for (module, file, lines) in library() {
        for (line, other) in imports(&lines) {
            seen += 1;
            problems
                .extend(wrong(&table, &module, &other).map(|why| format!("{file}:{line}: {why}")));
        }
    }
    assert!(seen > 20, "only {seen} imports were found");
    hold(&problems);
}

#[test]
fn report_does_not_mention_the_runner() {
    let runner = Regex::new(r"\brunner\b").unwrap();
    let mut problems = Vec::new();
    for (_, file, lines) in library().iter().filter(|(module, ..)| module == "report") {
        for (at, line) in lines
            .iter()
            .enumerate()
            .filter(|(_, line)| runner.is_match(line))
        {
            problems.push(format!(
                "{file}:{}: mentions the runner: {}",
                at + 1,
                line.trim()
            ));
        }
    }
    hold(&problems);
}

#[test]
fn the_library_neither_prints_nor_exits_nor_reads_the_environment() {
    let forbidden = Regex::new(FORBIDDEN).unwrap();
    let mut problems = Vec::new();
    for (_, file, lines) in library() {
        for (at, line) in lines.iter().enumerate() {
            if let Some(found) = forbidden.find(line) {
                problems.push(format!(
                    "{file}:{}: `{}` in the library",
                    at + 1,
                    found.as_str()
                ));
            }
        }
    }
    hold(&problems);
}

#[test]
fn the_reader_of_imports_sees_what_it_must() {
    let lines: Vec<String> = [
        "use crate::{case::Case, plan::{Plan, Skip}, outcome};",
        "let x = crate::runner::run();",
    ]
    .map(str::to_owned)
    .into();
    let names: Vec<String> = imports(&lines).into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["case", "plan", "outcome", "runner"]);
    let text = "// crate::report\n#[cfg(test)]\nmod tests {\n    use crate::report;\n}\nuse crate::exchange;";
    assert_eq!(imports(&code(text).0), [(6, "exchange".to_owned())]);
    let table = table();
    for (from, to) in [
        ("suite", "runner"),
        ("case", "check"),
        ("runner", "report"),
        ("emulator", "source"),
        ("report", "emulator"),
    ] {
        assert!(wrong(&table, from, to).is_some(), "{from} may import {to}");
    }
    assert_eq!(wrong(&table, "suite", "template"), None);
}
