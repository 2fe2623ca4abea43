//! A generated scenario as the file that a person would have written.

use std::fmt::Write as _;

use serde_json::Value as Json;

use crate::suite::model::{Action, Given, Scenario, Scope as Sharing, Step};
use crate::template::JsonTemplate;

/// The scenario as YAML. Its steps are operations and creations, each held to its contract; `about` says
/// where it comes from.
pub fn text(scenario: &Scenario, about: &str) -> String {
    let mut out = String::new();
    for line in about.lines() {
        let _ = writeln!(out, "# {line}");
    }
    let _ = writeln!(out, "title: {}", quoted(&scenario.title));
    let given: Vec<String> = scenario
        .given
        .iter()
        .filter(|given| given.scope == Sharing::Case)
        .map(entry)
        .collect();
    list(&mut out, "given", &given);
    list(
        &mut out,
        "steps",
        &scenario.steps.iter().map(step).collect::<Vec<_>>(),
    );
    out
}

fn list(out: &mut String, key: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    let _ = writeln!(out, "{key}:");
    for item in items {
        let _ = writeln!(out, "  - {item}");
    }
}

fn entry(given: &Given) -> String {
    let mut options = Vec::new();
    if given.alias != given.resource.name {
        options.push(format!("as: {}", given.alias));
    }
    options.extend(binds(&given.binds));
    options.extend(params(&given.params));
    if options.is_empty() {
        given.alias.clone()
    } else {
        format!("{}: {{ {} }}", given.resource.name, options.join(", "))
    }
}

fn step(step: &Step) -> String {
    if let Action::Together(parts) = &step.action {
        let mut out = "concurrently:".to_owned();
        for part in parts {
            let _ = write!(out, "\n      - {}", self::step(part));
        }
        if step.then.iter().any(|expect| expect.contract) {
            out.push_str("\n    then: contract");
        }
        return out;
    }
    let mut with = Vec::new();
    let mut keys = Vec::new();
    match &step.action {
        Action::Operation(name, alias) => keys.push(format!("do: {} {}", name.value, alias.value)),
        Action::Create(resource, bound) => {
            keys.push(format!("do: create {}", resource.name));
            if let Some((alias, _)) = &step.creates
                && alias.value != resource.name
            {
                keys.push(format!("creates: {{ {}: {} }}", alias.value, resource.name));
            }
            with.extend(binds(bound));
        }
        Action::Request(request) => keys.push(format!(
            "request: {}",
            quoted(&format!("{} {}", request.method, request.target.source()))
        )),
        Action::Fragment(name) => keys.push(format!("fragment: {}", name.value)),
        Action::Together(_) => {}
    }
    with.extend(params(&step.with));
    if !with.is_empty() {
        keys.push(format!("with: {{ {} }}", with.join(", ")));
    }
    if step.then.iter().any(|expect| expect.contract) {
        keys.push("then: contract".to_owned());
    }
    format!("{{ {} }}", keys.join(", "))
}

/// The needs that would not be filled by themselves.
fn binds(binds: &[(String, String)]) -> impl Iterator<Item = String> {
    binds
        .iter()
        .filter(|(need, alias)| need != alias)
        .map(|(need, alias)| format!("{need}: {alias}"))
}

fn params(params: &[(String, JsonTemplate)]) -> impl Iterator<Item = String> {
    params
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.source()))
}

/// Text as a double-quoted scalar, which YAML shares with JSON.
fn quoted(text: &str) -> String {
    Json::from(text).to_string()
}
