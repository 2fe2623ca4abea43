//! The same run twice: what may differ, field by field, and nothing else.

use regex::Regex;

use crate::support::{Emulator, THREE, Written, call, files};

/// What differs from run to run, and what is put in its place.
const DIFFERS: [(&str, &str); 8] = [
    // When it was, in each form in which that is told.
    (
        r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?",
        "WHEN",
    ),
    (r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", "WHEN"),
    // How long it took: members of JSON, an attribute of JUnit, words for people.
    (
        r#""(duration_ms|time|send|wait|receive|ended|nanoseconds|_nanoseconds)": ?[\d.]+"#,
        "\"$1\":0",
    ),
    (r#" time="[\d.]+""#, " time=\"0\""),
    (r"(<|&lt;)?\d+(\.\d+)? (ms|s)\b", "LONG"),
    // The id of the run, which the names of its objects begin with.
    (r#""run(_id)?": ?"[0-9a-f]{8}"|assize-[0-9a-f]{8}"#, "RUN"),
    // The digest of what has one of these in it.
    (r#"((_sha256|\.har)": )"[0-9a-f]{64}""#, "$1SHA"),
    // The directory of this test.
    (r"/[\w./]*/\.tmp\w{6}", "DIR"),
];

/// What differs beside these where several cases run at once: which of the shared objects a case was lent, and so
/// what went and came.
const DIFFERS_AT_ONCE: [(&str, &str); 3] = [
    (r#","exchanges":\[.*\]"#, ""),
    (
        r#"<script type="application/json" class="exchanges".*</script>"#,
        "",
    ),
    (r"(?s)\n *exchange \d+ of .*?</(failure|error)>", "</$1>"),
];

/// Runs twice against an emulator that begins anew, and says what the files of both come to.
fn twice(more: &[&str], besides: &[(&str, &str)]) -> [Vec<(String, String)>; 2] {
    let differs: Vec<(Regex, &str)> = (DIFFERS.iter().chain(besides))
        .map(|(pattern, with)| (Regex::new(pattern).unwrap(), *with))
        .collect();
    let mut address = "127.0.0.1:0".to_owned();
    [(); 2].map(|()| {
        let emulator = Emulator::listening("otc-v2", &THREE, &address);
        emulator
            .url
            .trim_start_matches("http://")
            .clone_into(&mut address);
        let to = Written::new();
        let paths = [
            "TEST-run.xml",
            "report.json",
            "report.html",
            "events.ndjson",
            "summary.md",
        ]
        .map(|name| to.path(name));
        let [junit, json, html, events, summary] = paths.each_ref().map(String::as_str);
        let mut arguments = vec!["run", "--seed", "7", "--endpoint", &emulator.url];
        arguments.extend(["--junit", junit, "--json", json, "--html", html]);
        let found = to.path("found");
        arguments.extend(["--events", events, "--summary", summary, "--found", &found]);
        arguments.extend(more);
        let evidence = to.path("evidence");
        if besides.is_empty() {
            arguments.extend(["--evidence", &evidence]);
        }
        let said = call(&arguments).exits(1);
        to.put("stdout", &said.stdout);
        let mut texts = Vec::new();
        for path in files(to.directory()) {
            let mut text = std::fs::read_to_string(&path).unwrap();
            for (pattern, with) in &differs {
                text = pattern.replace_all(&text, *with).into_owned();
            }
            let name = path.strip_prefix(to.directory()).unwrap();
            texts.push((name.display().to_string(), text));
        }
        texts
    })
}

#[track_caller]
fn alike([one, other]: [Vec<(String, String)>; 2]) {
    assert_eq!(one.len(), other.len());
    for ((name, one), (same, other)) in one.iter().zip(&other) {
        assert_eq!(name, same);
        assert_eq!(one.lines().count(), other.lines().count(), "{name}");
        for (one, other) in one.lines().zip(other.lines()) {
            if one != other {
                let at = one.bytes().zip(other.bytes()).position(|(a, b)| a != b);
                let near = at.unwrap_or(0).saturating_sub(100);
                let part = |text: &str| text.chars().skip(near).take(200).collect::<String>();
                panic!("{name} differs:\n{}\n{}", part(one), part(other));
            }
        }
    }
}

#[test]
fn one_case_after_the_other_two_runs_differ_in_times_and_the_id_of_the_run_alone() {
    let filter = "pools/delete/{clean,policies}/*p*";
    let both = twice(&["--jobs", "1", "--filter", filter], &[]);
    assert!(both[0].len() >= 8, "reports, and evidence");
    alike(both);
}

#[test]
fn many_cases_at_once_are_told_alike_but_for_what_went_and_came() {
    let filter = "pools/delete/{default_pool,members,method,monitor,policies}/*";
    let both = twice(&["--filter", filter], &DIFFERS_AT_ONCE);
    let json = both[0].iter().find(|(name, _)| name == "report.json");
    assert!(json.unwrap().1.contains("{{ pool.id }}"), "no id is named");
    // The terminal shows exchanges as well.
    alike(both.map(|files| {
        files
            .into_iter()
            .filter(|(name, _)| name != "stdout")
            .collect()
    }));
}
