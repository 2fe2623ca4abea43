//! Every file in `tests/invalid` is wrong, and `assize check` says of it exactly what stands beside it.
//!
//! `ASSIZE_BLESS=1` writes down what it says now; read the difference before you commit it.
#![cfg(feature = "cli")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use assert_cmd::cargo::cargo_bin;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/invalid")
}

fn files(extension: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(directory())
        .expect("the directory is there")
        .map(|entry| entry.expect("its entries can be read").path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    files.sort();
    files
}

/// What `assize check` prints about a file.
///
/// It stands in a directory of its own, below no suite.
fn check(file: &Path) -> (Option<i32>, String, String) {
    let alone = tempfile::tempdir().expect("a directory for the file");
    let name = file.file_name().expect("a file has a name");
    fs::copy(file, alone.path().join(name)).expect("the file can be copied");
    let output = Command::new(cargo_bin("assize"))
        .arg("check")
        .arg(name)
        .current_dir(alone.path())
        .env_remove("CLICOLOR_FORCE")
        .env("NO_COLOR", "1")
        .output()
        .expect("assize starts");
    (
        output.status.code(),
        String::from_utf8(output.stdout).expect("stdout is UTF-8"),
        String::from_utf8(output.stderr).expect("stderr is UTF-8"),
    )
}

#[test]
fn every_invalid_file_is_refused_in_exactly_the_words_beside_it() {
    let bless = std::env::var_os("ASSIZE_BLESS").is_some_and(|bless| bless == "1");
    let files = files("yaml");
    assert!(files.len() >= 16, "only {} files are left", files.len());
    let mut failures = Vec::new();
    for file in files {
        let (code, stdout, stderr) = check(&file);
        let beside = file.with_extension("stderr");
        let name = file.file_name().expect("a name").to_string_lossy();
        if bless {
            fs::write(&beside, &stderr).expect("the words can be written");
        }
        let expected = fs::read_to_string(&beside)
            .unwrap_or_default()
            .replace("\r\n", "\n");
        if code != Some(2) || !stdout.is_empty() {
            failures.push(format!("{name}: exit code {code:?}, stdout {stdout:?}"));
        }
        if stderr != expected {
            failures.push(format!(
                "{name}: expected\n{expected}\nbut `assize check` says\n{stderr}"
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn no_words_are_left_over_from_a_file_that_is_gone() {
    for beside in files("stderr") {
        let file = beside.with_extension("yaml");
        assert!(file.is_file(), "{} is missing", file.display());
    }
}

#[test]
fn five_mistakes_in_one_file_are_all_named_with_line_and_column() {
    let (_, _, stderr) = check(&directory().join("five_mistakes.yaml"));
    for place in ["6:9", "7:25", "8:46", "9:15", "10:5"] {
        let place = format!("five_mistakes.yaml:{place}");
        assert!(stderr.contains(&place), "{place} is missing in\n{stderr}");
    }
}
