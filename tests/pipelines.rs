//! The pipelines in `examples/ci` do what they say: their own command lines are run, as each system would run
//! them, and the Kubernetes manifests fit the API.
#![cfg(all(feature = "cli", unix))]
#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use assize::source::Source;
use assize::suite::yaml;
use serde_json::Value;
use tempfile::TempDir;

fn example(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples/ci")
        .join(name);
    read(&fs::read_to_string(path).unwrap())
}

fn read(text: &str) -> Value {
    let mut problems = Vec::new();
    let source = Source::new("example.yaml", text);
    let node = yaml::parse(&source, &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    node.unwrap().to_json()
}

fn texts(value: &Value) -> Vec<String> {
    let items = value
        .as_array()
        .unwrap_or_else(|| panic!("no list: {value}"));
    items
        .iter()
        .map(|item| item.as_str().unwrap().to_owned())
        .collect()
}

/// The `run` lines of the steps of a job on GitHub.
fn lines(job: &Value) -> Vec<String> {
    let steps = job["steps"].as_array().unwrap().iter();
    steps
        .filter_map(|step| step["run"].as_str())
        .map(str::to_owned)
        .collect()
}

/// Runs a line of a shell in which `assize` is the program, on few cases of the embedded emulator.
fn shell(at: &Path, line: &str, variables: &[(&str, String)]) -> String {
    let line = line.replace("--generate", "--filter pools/delete/clean");
    let program = PathBuf::from(env!("CARGO_BIN_EXE_assize"));
    let mut paths = vec![program.parent().unwrap().to_path_buf()];
    paths.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
    let mut command = Command::new("sh");
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if ["ASSIZE_", "CI", "GITHUB_", "JOB_"]
            .iter()
            .any(|start| name.starts_with(start))
        {
            command.env_remove(&*name);
        }
    }
    let output = (command.args(["-c", &line]).current_dir(at))
        .env("PATH", std::env::join_paths(paths).unwrap())
        .env("NO_PROXY", "*")
        .envs(
            variables
                .iter()
                .map(|(name, value)| (*name, value.as_str())),
        )
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{line}\n{said}");
    said
}

/// Holds the reports that a pipeline has left to what it should have run: all cases, in so many shards.
fn check(at: &TempDir, shards: usize) {
    let report = |name: &str| -> Value {
        serde_json::from_str(&fs::read_to_string(at.path().join(name)).unwrap()).unwrap()
    };
    let merged = report("assize.json");
    let cases = merged["cases"].as_array().unwrap().len();
    assert!(cases > shards, "{cases} cases");
    let mut parts = 0;
    for entry in fs::read_dir(at.path()).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        if name.starts_with("shard-") {
            let shard = report(&name);
            assert_eq!(shard["run"]["shard"]["of"], shards);
            assert!(
                shard["cases"].as_array().unwrap().len() < cases,
                "{name} has all"
            );
            parts += 1;
        }
    }
    assert_eq!(parts, shards);
    for name in ["TEST-assize.xml", "assize.html"] {
        assert!(at.path().join(name).is_file(), "{name}");
    }
}

/// The line of a job that begins so.
fn line<'l>(lines: &'l [String], start: &str) -> &'l str {
    let mut found = lines.iter().filter(|line| line.starts_with(start));
    let line = found
        .next()
        .unwrap_or_else(|| panic!("nothing begins with {start}: {lines:?}"));
    assert!(found.next().is_none(), "{lines:?}");
    line
}

#[test]
fn the_matrix_on_github_runs_every_case_once() {
    let workflow = example("github-actions.yml");
    let (shard, merge) = (&workflow["jobs"]["shard"], &workflow["jobs"]["merge"]);
    assert_eq!(shard["strategy"]["fail-fast"], false);
    assert_eq!(merge["needs"], "shard");
    let numbers = shard["strategy"]["matrix"]["shard"].as_array().unwrap();
    let at = tempfile::tempdir().unwrap();
    let of_shard = lines(shard);
    line(&of_shard, "assize sweep");
    for number in numbers {
        let run = line(&of_shard, "assize run")
            .replace("${{ matrix.shard }}", &number.to_string())
            .replace("${{ strategy.job-total }}", &numbers.len().to_string());
        assert!(!run.contains("${{"), "{run}");
        shell(at.path(), &run, &[]);
    }
    shell(at.path(), line(&lines(merge), "assize merge"), &[]);
    check(&at, numbers.len());
    // What one job leaves is what the other takes.
    let kept = shard["steps"].as_array().unwrap().last().unwrap()["with"]["path"].as_str();
    assert!(kept.unwrap().lines().any(|path| path == "shard-*.json"));
}

#[test]
fn the_parallel_job_on_gitlab_runs_every_case_once() {
    let pipeline = example("gitlab-ci.yml");
    let (shards, merge) = (&pipeline["shards"], &pipeline["merge"]);
    let stages = texts(&pipeline["stages"]);
    for job in [shards, merge] {
        assert!(stages.iter().any(|stage| job["stage"] == **stage), "{job}");
    }
    let of = shards["parallel"].as_u64().unwrap();
    let at = tempfile::tempdir().unwrap();
    line(&texts(&shards["after_script"]), "assize sweep");
    for number in 1..=of {
        let variables = [
            ("CI_NODE_INDEX", number.to_string()),
            ("CI_NODE_TOTAL", of.to_string()),
        ];
        let run = texts(&shards["script"]);
        let said = shell(at.path(), line(&run, "assize run"), &variables);
        assert!(said.contains(&format!("shard {number}/{of}: ")), "{said}");
    }
    shell(
        at.path(),
        line(&texts(&merge["script"]), "assize merge"),
        &[],
    );
    check(&at, usize::try_from(of).unwrap());
    assert_eq!(merge["artifacts"]["reports"]["junit"], "TEST-assize.xml");
    assert!(texts(&shards["artifacts"]["paths"]).contains(&"shard-*.json".to_owned()));
}

/// The only container of a job, and its command line with the directory for the reports.
fn container(job: &Value, reports: &Path) -> (Value, String) {
    let only = job["spec"]["template"]["spec"]["containers"][0].clone();
    let mut words = texts(&only["command"]);
    words.extend(texts(&only["args"]));
    let line = words
        .join(" ")
        .replace("/reports", &reports.to_string_lossy());
    (only, line)
}

#[test]
fn the_indexed_job_on_kubernetes_runs_every_case_once() {
    let (shards, merge) = (
        example("kubernetes-shards.yaml"),
        example("kubernetes-merge.yaml"),
    );
    let of = shards["spec"]["completions"].as_u64().unwrap();
    let at = tempfile::tempdir().unwrap();
    let (described, run) = container(&shards, at.path());
    let variables = described["env"].as_array().unwrap();
    let told = variables
        .iter()
        .find(|it| it["name"] == "ASSIZE_SHARDS")
        .unwrap();
    assert_eq!(told["value"], of.to_string());
    for index in 0..of {
        // The kubelet puts variables in where the command line has them in parentheses.
        let run = run.replace("$(JOB_COMPLETION_INDEX)", &index.to_string());
        let variables = [
            ("JOB_COMPLETION_INDEX", index.to_string()),
            ("ASSIZE_SHARDS", of.to_string()),
        ];
        let said = shell(at.path(), &run, &variables);
        assert!(
            said.contains(&format!("shard {}/{of}: ", index + 1)),
            "{said}"
        );
    }
    shell(at.path(), &container(&merge, at.path()).1, &[]);
    check(&at, usize::try_from(of).unwrap());
}

#[test]
fn the_manifests_for_kubernetes_fit_the_api() {
    let schema: Value = serde_json::from_str(include_str!("ci/job.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let good = example("kubernetes-shards.yaml");
    for manifest in [&good, &example("kubernetes-merge.yaml")] {
        let wrong: Vec<String> = (validator.iter_errors(manifest))
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
    for (at, wrong) in [
        ("/apiVersion", "batch/v2".into()),
        ("/metadata/name", "Assize_Shards".into()),
        ("/spec/completionMode", "indexed".into()),
        ("/spec/completionMode", "NonIndexed".into()),
        ("/spec/completions", "4".into()),
        ("/spec/template/spec/restartPolicy", "Always".into()),
        ("/spec/template/spec/containers/0/args", "run".into()),
        ("/spec/template/spec/containers/0/env/0/value", 4.into()),
        ("/spec/template/spec/volumes/0/name", Value::Null),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(at).unwrap_or_else(|| panic!("{at}")) = wrong;
        assert!(!validator.is_valid(&bad), "{at}");
    }
    let mut bad = good.clone();
    bad["spec"]["complitions"] = bad["spec"]["completions"].take();
    assert!(!validator.is_valid(&bad));
}
