//! What the fuzzers keep, through the same functions: inputs that reach far, and each that once did harm.
#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

#[path = "../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "it is a crate of its own elsewhere")]
mod doors;

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

/// The files of a directory and of those below it, sorted.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(self::files(&path)),
            false => files.push(path),
        }
    }
    files.sort();
    files
}

/// Puts the corpus of a target, and other files, through its function.
fn pass(target: &str, others: &[&str], door: fn(&[u8])) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let kept = files(&root.join("fuzz/corpus").join(target));
    assert!(!kept.is_empty(), "nothing is kept for {target}");
    let others = others.iter().flat_map(|other| files(&root.join(other)));
    let harmful: Vec<PathBuf> = kept
        .into_iter()
        .chain(others)
        .filter(|file| {
            let bytes = fs::read(file).unwrap();
            catch_unwind(|| door(&bytes)).is_err()
        })
        .collect();
    assert!(harmful.is_empty(), "{harmful:#?}");
}

#[test]
fn suites() {
    pass(
        "suite",
        &["scenarios", "fixtures", "tests/invalid"],
        doors::suite,
    );
}

#[test]
fn templates() {
    pass("template", &[], doors::template);
}

#[test]
fn descriptions() {
    pass("openapi", &["fixtures"], doors::openapi);
}

#[test]
fn ledgers() {
    pass("ledger", &[], doors::ledger);
}

#[test]
fn evidence() {
    pass("evidence", &[], doors::evidence);
}

#[test]
fn texts_in_reports() {
    pass("escape", &[], doors::escape);
}
