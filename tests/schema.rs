//! The published JSON Schema is the one that the reader's table gives, and it fits what is shipped.

#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use assize::source::Source;
use assize::suite::shape::json_schema;
use assize::suite::yaml;

fn published() -> serde_json::Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/assize.schema.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn yaml_files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            yaml_files(&path, found);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
            && !path.ends_with("openapi.yaml")
        {
            found.push(path);
        }
    }
}

fn value(text: &str) -> serde_json::Value {
    let source: Arc<Source> = Source::new("f.yaml", text);
    let mut problems = Vec::new();
    let node = yaml::parse(&source, &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    node.unwrap().to_json()
}

#[test]
fn the_published_schema_is_that_of_the_code() {
    assert_eq!(
        published(),
        json_schema(),
        "run `assize schema > schema/assize.schema.json`"
    );
}

#[test]
fn every_shipped_file_fits_the_schema() {
    let validator = jsonschema::validator_for(&published()).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![root.join("suite.yaml")];
    yaml_files(&root.join("fixtures"), &mut files);
    yaml_files(&root.join("scenarios"), &mut files);
    assert!(files.len() > 15, "{files:?}");
    for file in files {
        let value = value(&std::fs::read_to_string(&file).unwrap());
        assert!(validator.is_valid(&value), "{}", file.display());
    }
}

#[test]
fn the_schema_refuses_what_the_reader_refuses() {
    let validator = jsonschema::validator_for(&published()).unwrap();
    for text in [
        "steps: [{ request: GET /, then: { status: 700 } }]",
        "steps: [{ reqest: GET / }]",
        "scenarios: [{ title: no id, steps: [GET /] }]",
        "resource: pool",
        "colour: red",
    ] {
        assert!(!validator.is_valid(&value(text)), "{text}");
    }
    assert!(validator.is_valid(&value(
        "steps: [{ request: GET /, then: { status: [200, 4xx] } }]"
    )));
}
