//! The state that a scenario names, turned into objects in the order of their creation.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::source::{Diagnostic, Span, Spanned, nearest};
use crate::suite::model::{Given, Resource, Scope};
use crate::suite::parse::{RawGiven, scope};
use crate::suite::read::{self, Found};
use crate::suite::yaml::Kind;

/// Options of a `given` entry that are not parameters of the resource.
const OPTIONS: &[&str] = &["as", "count", "scope", "do"];

/// What a scenario names as its state.
pub(super) struct State {
    /// The objects in the order of their creation.
    pub(super) given: Vec<Given>,
    /// Names of objects of an unknown kind. That is reported where they are given, and not once more wherever
    /// they are used.
    pub(super) unknown: Vec<String>,
}

/// Resolves the entries: adds what they need and what `creates` will need, and orders all of it.
pub(super) fn resolve(
    raw: Vec<RawGiven>,
    creates: &[&str],
    resources: &BTreeMap<String, Arc<Resource>>,
    found: &mut Found,
) -> State {
    let mut entries: Vec<Given> = Vec::new();
    let mut explicit: Vec<Vec<(String, Spanned<String>)>> = Vec::new();
    let mut unknown: Vec<String> = Vec::new();
    let mut slips: Vec<(RawGiven, &Arc<Resource>)> = Vec::new();
    for raw in raw {
        let Some(resource) = resources.get(&raw.resource.value) else {
            let known: Vec<&str> = resources.keys().map(String::as_str).collect();
            let diagnostic = Diagnostic::new(
                "unknown-resource",
                &raw.resource.span,
                format!("there is no resource `{}`", raw.resource.value),
            )
            .label("not found");
            let help = if known.is_empty() {
                "the suite has no resource; add one, or use plain `steps`".to_owned()
            } else {
                format!("there are: {}", known.join(", "))
            };
            let near = nearest(&raw.resource.value, known.iter().copied());
            found.push(diagnostic.help(help).nearest(&raw.resource.value, known));
            unknown.push(raw.alias().to_owned());
            slips.extend(near.and_then(|near| Some((raw, resources.get(near)?))));
            continue;
        };
        let (entry, binds) = entry(raw, resource, found);
        if let Some(first) = entries.iter().find(|first| first.alias == entry.alias) {
            found.push(Diagnostic::new("duplicate-alias", &entry.span, format!("`{}` is given twice", entry.alias)).label("again").help(format!("give this one a name with `as`, or ask for more of them with `count`; the first is in line {}", first.span.location().line)));
            continue;
        }
        entries.push(entry);
        explicit.push(binds);
    }
    // A name that is almost right stands for the one that is meant.
    for (raw, resource) in slips {
        let (entry, binds) = entry(raw, resource, found);
        if entries.iter().all(|known| known.alias != entry.alias) {
            entries.push(entry);
            explicit.push(binds);
        }
    }
    for name in creates {
        if let Some(resource) = resources.get(*name) {
            for need in &resource.needs {
                imply(
                    &need.value,
                    &need.span,
                    resources,
                    &mut entries,
                    &mut explicit,
                );
            }
        }
    }
    let mut at = 0;
    while at < entries.len() {
        let resource = Arc::clone(&entries[at].resource);
        let span = entries[at].span.clone();
        for need in &resource.needs {
            if explicit[at].iter().all(|(name, _)| *name != need.value) {
                imply(&need.value, &span, resources, &mut entries, &mut explicit);
            }
        }
        at += 1;
    }
    let binds: Vec<_> = entries
        .iter()
        .zip(&explicit)
        .map(|(entry, explicit)| {
            let known: Vec<_> = explicit
                .iter()
                .filter(|(_, alias)| !unknown.contains(&alias.value))
                .cloned()
                .collect();
            bind(&entry.resource, &entry.span, &known, &entries, found)
        })
        .collect();
    for (entry, binds) in entries.iter_mut().zip(binds) {
        entry.binds = binds;
    }
    State {
        given: order(entries, found),
        unknown,
    }
}

/// For each need of the resource, the alias of the given object that fills it.
pub(super) fn bind(
    resource: &Resource,
    span: &Span,
    explicit: &[(String, Spanned<String>)],
    given: &[Given],
    found: &mut Found,
) -> Vec<(String, String)> {
    let mut binds = Vec::new();
    for need in &resource.needs {
        let candidates: Vec<&Given> = given
            .iter()
            .filter(|entry| entry.resource.name == need.value)
            .collect();
        let asked = explicit
            .iter()
            .find(|(name, _)| *name == need.value)
            .map(|(_, alias)| alias);
        let chosen = match asked {
            Some(alias) => {
                let chosen = candidates.iter().find(|entry| entry.alias == alias.value);
                if chosen.is_none() {
                    let known: Vec<&str> = candidates
                        .iter()
                        .map(|entry| entry.alias.as_str())
                        .collect();
                    found.push(
                        Diagnostic::new(
                            "unknown-object",
                            &alias.span,
                            format!("no {} is given as `{}`", need.value, alias.value),
                        )
                        .label("not found")
                        .nearest(&alias.value, known),
                    );
                }
                chosen
            }
            None => candidates
                .iter()
                .find(|entry| entry.alias == need.value)
                .or_else(|| candidates.first()),
        };
        let Some(chosen) = chosen else { continue };
        if asked.is_none() && chosen.alias != need.value && candidates.len() > 1 {
            found.push(
                Diagnostic::new(
                    "ambiguous-need",
                    span,
                    format!("it is not clear which {} this needs", need.value),
                )
                .label("needs one of several")
                .help(format!("say which one: `{}: {}`", need.value, chosen.alias)),
            );
        }
        if chosen.count.is_some() {
            found.push(
                Diagnostic::new(
                    "ambiguous-need",
                    span,
                    format!(
                        "`{}` is a list, and one {} is needed",
                        chosen.alias, need.value
                    ),
                )
                .label("needs one of several")
                .help("give one without `count`"),
            );
        }
        binds.push((need.value.clone(), chosen.alias.clone()));
    }
    binds
}

fn entry(
    raw: RawGiven,
    resource: &Arc<Resource>,
    found: &mut Found,
) -> (Given, Vec<(String, Spanned<String>)>) {
    let mut entry = Given::plain(resource.name.as_str(), resource, &raw.resource.span);
    let mut binds = Vec::new();
    for (option, node) in &raw.options {
        let name = option.value.as_str();
        match name {
            "as" => {
                if let Some(alias) = read::text(node, found) {
                    if alias.value.is_empty()
                        || !alias.value.chars().all(|c| c.is_alphanumeric() || c == '_')
                    {
                        found.push(
                            Diagnostic::new(
                                "bad-id",
                                &alias.span,
                                format!("`{}` is no name for an object", alias.value),
                            )
                            .label("here")
                            .help("use letters, digits and `_`, so that expressions can name it"),
                        );
                    }
                    entry.alias = alias.value;
                }
            }
            "count" => entry.count = read::json_template(node, found),
            "scope" => entry.scope = scope(node, found).unwrap_or(resource.scope),
            "do" => {
                let names = match &node.kind {
                    Kind::List(items) => items
                        .iter()
                        .filter_map(|item| read::text(item, found))
                        .collect(),
                    _ => read::text(node, found).into_iter().collect::<Vec<_>>(),
                };
                for name in names {
                    if resource.operation(&name.value).is_none() || name.value == "create" {
                        let known: Vec<&str> = resource
                            .operation_names()
                            .filter(|name| *name != "create")
                            .collect();
                        found.push(
                            Diagnostic::new(
                                "unknown-operation",
                                &name.span,
                                format!("`{}` has no operation `{}`", resource.name, name.value),
                            )
                            .label("not found")
                            .help(format!("it has: {}", known.join(", ")))
                            .nearest(&name.value, known),
                        );
                    } else {
                        entry.operations.push(name);
                    }
                }
            }
            _ if resource.needs.iter().any(|need| need.value == name) => {
                binds.extend(read::text(node, found).map(|alias| (name.to_owned(), alias)));
            }
            _ if resource.params.iter().any(|(param, _)| param == name) => entry
                .params
                .extend(read::json_template(node, found).map(|value| (name.to_owned(), value))),
            _ => {
                let known: Vec<&str> = resource
                    .params
                    .iter()
                    .map(|(param, _)| param.as_str())
                    .chain(resource.needs.iter().map(|need| need.value.as_str()))
                    .chain(OPTIONS.iter().copied())
                    .collect();
                found.push(
                    Diagnostic::new(
                        "unknown-parameter",
                        &option.span,
                        format!("`{}` has no parameter `{name}`", resource.name),
                    )
                    .label("not known here")
                    .help(format!("it takes: {}", known.join(", ")))
                    .nearest(name, known),
                );
            }
        }
    }
    if entry.scope != Scope::Case && !entry.operations.is_empty() {
        found.push(
            Diagnostic::new(
                "shared-object",
                &entry.span,
                format!(
                    "`{}` is shared between cases and must not be changed by one",
                    entry.alias
                ),
            )
            .label("changed by `do`")
            .help("add `scope: case`"),
        );
    }
    (entry, binds)
}

fn imply(
    need: &str,
    span: &Span,
    resources: &BTreeMap<String, Arc<Resource>>,
    entries: &mut Vec<Given>,
    explicit: &mut Vec<Vec<(String, Spanned<String>)>>,
) {
    if entries.iter().any(|entry| entry.resource.name == need) {
        return;
    }
    if let Some(resource) = resources.get(need) {
        entries.push(Given::plain(need, resource, span));
        explicit.push(Vec::new());
    }
}

/// Orders the objects so that each comes after what it needs or mentions, otherwise as written.
fn order(entries: Vec<Given>, found: &mut Found) -> Vec<Given> {
    let after: Vec<Vec<usize>> = entries
        .iter()
        .map(|entry| {
            let mut names: Vec<&str> = entry
                .binds
                .iter()
                .map(|(_, alias)| alias.as_str())
                .collect();
            entry
                .params
                .iter()
                .map(|(_, value)| value)
                .chain(&entry.count)
                .for_each(|value| value.for_each_expr(&mut |expr| names.extend(expr.roots())));
            entries
                .iter()
                .enumerate()
                .filter(|(_, other)| names.contains(&other.alias.as_str()))
                .map(|(at, _)| at)
                .collect()
        })
        .collect();
    let mut order: Vec<usize> = Vec::new();
    while order.len() < entries.len() {
        let next = (0..entries.len()).find(|at| {
            !order.contains(at) && after[*at].iter().all(|before| order.contains(before))
        });
        match next {
            Some(at) => order.push(at),
            None => {
                for (at, entry) in entries
                    .iter()
                    .enumerate()
                    .filter(|(at, _)| !order.contains(at))
                {
                    found.push(
                        Diagnostic::new(
                            "need-cycle",
                            &entry.span,
                            format!(
                                "`{}` cannot be created: it waits for itself in the end",
                                entries[at].alias
                            ),
                        )
                        .label("in a circle"),
                    );
                }
                break;
            }
        }
    }
    let mut entries: Vec<Option<Given>> = entries.into_iter().map(Some).collect();
    order
        .into_iter()
        .filter_map(|at| entries[at].take())
        .collect()
}
