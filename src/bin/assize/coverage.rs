//! `assize list --coverage`: what the selected cases reach, and what none of them does.

use std::fmt::Write as _;

use assize::case::{Coverage, Operation, Pairs};

/// So many values of a parameter, or missing pairs, are told.
const TOLD: usize = 12;

/// The coverage as text.
pub(crate) fn text(coverage: &Coverage<'_>) -> String {
    let mut text = String::new();
    let mut last = "";
    for operation in &coverage.operations {
        if operation.resource.name != last {
            last = &operation.resource.name;
            let _ = writeln!(text, "{last}");
        }
        reached(operation, &mut text);
    }
    for pairs in &coverage.matrices {
        matrix(pairs, &mut text);
    }
    let reached = coverage.operations.iter().filter(|it| it.cases > 0).count();
    let lines = || coverage.operations.iter().flat_map(|it| &it.lines);
    let _ = writeln!(
        text,
        "{reached} of {} operations, {} of {} lines of their tables",
        coverage.operations.len(),
        lines().filter(|(_, cases)| *cases > 0).count(),
        lines().count()
    );
    text
}

fn reached(operation: &Operation<'_>, text: &mut String) {
    let Operation {
        resource: _,
        name,
        cases,
        params,
        lines,
    } = operation;
    let _ = writeln!(text, "  {name}: {}", count(*cases));
    for (name, values) in params.iter().filter(|(_, values)| !values.is_empty()) {
        let told = values
            .iter()
            .map(|(value, cases)| format!("{value} ({cases})"));
        let _ = writeln!(text, "    {name}: {}", shortened(told, values.len()));
    }
    for (line, cases) in lines {
        let condition = match &line.condition {
            Some(condition) => format!(
                "if {}",
                condition
                    .text()
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" ")
            ),
            None => "else".to_owned(),
        };
        let answers: Vec<&str> = line.answer.iter().map(|name| name.value.as_str()).collect();
        let _ = writeln!(
            text,
            "    {condition} → {}: {}",
            answers.join(" or "),
            count(*cases)
        );
    }
}

fn matrix(pairs: &Pairs, text: &mut String) {
    let Pairs {
        scenario,
        cases,
        allowed,
        missing,
    } = pairs;
    let _ = writeln!(
        text,
        "{}: {}, {} of {allowed} pairs of values",
        scenario.id,
        count(*cases),
        allowed - missing.len()
    );
    if !missing.is_empty() {
        let told = shortened(
            missing.iter().map(|pair| format!("({pair})")),
            missing.len(),
        );
        let _ = writeln!(text, "  missing: {told}");
    }
}

fn count(cases: usize) -> String {
    match cases {
        0 => "✗ NO CASE".to_owned(),
        1 => "1 case".to_owned(),
        cases => format!("{cases} cases"),
    }
}

fn shortened(told: impl Iterator<Item = String>, count: usize) -> String {
    let mut told: Vec<String> = told.take(TOLD).collect();
    if count > TOLD {
        told.push(format!("… {} more", count - TOLD));
    }
    told.join(", ")
}
