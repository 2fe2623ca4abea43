//! From paths and flags to a loaded suite, a target, and the cases that are wanted.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use assize::case::Case;
use assize::plan::Filter;
use assize::suite::model::Suite;
use assize::suite::{FILE_LIMIT, Files, MANIFEST_FILE, Selection, load};
use include_dir::{Dir, include_dir};
use serde_json::Value as Json;

use crate::args;
use crate::output::diagnostics;

static FIXTURES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/fixtures");
static SCENARIOS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/scenarios");
const MANIFEST: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/suite.yaml"));
/// The name of the suite inside this program.
pub(crate) const SHIPPED: &str = "lbaas-v2";

/// The suite inside this program.
fn shipped() -> Files {
    let mut files = BTreeMap::from([(MANIFEST_FILE.to_owned(), MANIFEST)]);
    let mut open: Vec<(&str, &Dir<'_>)> = vec![("fixtures", &FIXTURES), ("scenarios", &SCENARIOS)];
    while let Some((root, directory)) = open.pop() {
        open.extend(directory.dirs().map(|below| (root, below)));
        for file in directory.files() {
            if let Some(text) = file.contents_utf8() {
                files.insert(
                    format!(
                        "{root}/{}",
                        file.path().to_string_lossy().replace('\\', "/")
                    ),
                    text,
                );
            }
        }
    }
    Files::Embedded(files)
}

/// What `--suite` and the paths stand for.
pub(crate) fn selection(
    suite: Option<&str>,
    paths: &[PathBuf],
    variables: &BTreeMap<String, String>,
) -> anyhow::Result<Selection> {
    let here = std::env::current_dir().context("the working directory cannot be read")?;
    let mut real = Vec::new();
    for path in paths {
        real.push(path.canonicalize().with_context(|| {
            format!(
                "{} cannot be read; name a scenario file or a directory of them",
                path.display()
            )
        })?);
    }
    let root = match suite {
        Some(SHIPPED) if !Path::new(SHIPPED).join(MANIFEST_FILE).is_file() => None,
        Some(directory) => {
            let root = Path::new(directory).canonicalize().with_context(|| format!("there is no suite `{directory}`; name a directory with a {MANIFEST_FILE}, or {SHIPPED}"))?;
            if !root.join(MANIFEST_FILE).is_file() {
                bail!(
                    "{directory} has no {MANIFEST_FILE}; name a directory that has one, or {SHIPPED}"
                );
            }
            Some(root)
        }
        None => match real.first() {
            Some(first) => Files::suite_root(first),
            None => Files::suite_root(&here),
        },
    };
    let named = match (&root, suite, real.as_slice()) {
        (None, None, [file]) => named(file),
        _ => None,
    };
    let embedded = suite.is_some() || real.is_empty() || named.as_deref() == Some(SHIPPED);
    let root = match named {
        Some(name) if name != SHIPPED => {
            let file = paths[0].display();
            let beside = real[0].parent().unwrap_or(&here);
            let root = beside.join(&name).canonicalize();
            let root = root.ok().filter(|root| root.join(MANIFEST_FILE).is_file());
            let Some(root) = root else {
                bail!(
                    "{file} belongs to the suite `{name}`, which has no {MANIFEST_FILE}; name a directory that has one, or {SHIPPED}"
                );
            };
            if !may_name(&root, beside, &here) {
                bail!(
                    "{file} belongs to the suite `{name}`, which lies neither below it nor below the working directory; if the file may have it read, say so with --suite {}",
                    root.display()
                );
            }
            Some(root)
        }
        _ => root,
    };
    let base = match &root {
        Some(root) => Some(directory(root, &here)),
        None if embedded => Some(shipped()),
        None => None,
    };
    let inside = root
        .as_ref()
        .is_some_and(|root| real.iter().all(|path| path.starts_with(root)));
    let whole = root
        .as_ref()
        .is_some_and(|root| real.iter().all(|path| path == root));
    let scenarios = if real.is_empty() || whole {
        None
    } else {
        let own = match &root {
            Some(root) if inside => root.clone(),
            _ => common(&real),
        };
        let below = real
            .iter()
            .map(|path| slashes(path.strip_prefix(&own).unwrap_or(path)))
            .collect();
        Some((directory(&own, &here), below))
    };
    Ok(Selection {
        suite: base,
        scenarios,
        variables: variables.keys().cloned().collect(),
    })
}

/// Whether a file may say that it belongs to the suite at `root`: it names only what lies below its own directory, or
/// below the working directory, where the suites of its user are.
pub(crate) fn may_name(root: &Path, beside: &Path, here: &Path) -> bool {
    let here = here.canonicalize();
    root.starts_with(beside) || here.is_ok_and(|here| root.starts_with(here))
}

/// The suite that a scenario file says it belongs to.
fn named(file: &Path) -> Option<String> {
    let metadata = file.metadata().ok()?;
    if !metadata.is_file() || metadata.len() > FILE_LIMIT {
        return None;
    }
    let text = std::fs::read_to_string(file).ok()?;
    if !text
        .lines()
        .any(|line| line.starts_with("steps:") || line.starts_with("when:"))
    {
        return None;
    }
    let name = text.lines().find_map(|line| line.strip_prefix("suite:"))?;
    Some(name.trim().trim_matches(['"', '\'']).to_owned())
}

fn directory(root: &Path, here: &Path) -> Files {
    let (prefix, below) = match (root.strip_prefix(here), here.strip_prefix(root)) {
        (Ok(below), _) if below.as_os_str().is_empty() => (String::new(), None),
        (Ok(below), _) => (format!("{}/", slashes(below)), None),
        (_, Ok(below)) => (
            "../".repeat(below.components().count()),
            Some(format!("{}/", slashes(below))),
        ),
        _ => (format!("{}/", root.display()), None),
    };
    Files::Directory {
        root: root.to_path_buf(),
        prefix,
        here: below,
    }
}

fn slashes(path: &Path) -> String {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(part) => Some(part.to_string_lossy().into_owned()),
            _ => None,
        })
        .collect::<Vec<_>>()
        .join("/")
}

/// The deepest directory that holds all of the paths.
fn common(paths: &[PathBuf]) -> PathBuf {
    let directory = |path: &PathBuf| {
        if path.is_dir() {
            path.clone()
        } else {
            path.parent()
                .map_or_else(|| path.clone(), Path::to_path_buf)
        }
    };
    let mut common = paths.first().map(directory).unwrap_or_default();
    for path in paths {
        while !path.starts_with(&common) && common.pop() {}
    }
    common
}

/// Loads the suite, or says everything that is wrong with it; `None` is exit code 2.
pub(crate) fn suite(
    arguments: &args::Suite,
    variables: &BTreeMap<String, String>,
) -> anyhow::Result<Option<Arc<Suite>>> {
    let selection = selection(arguments.suite.as_deref(), &arguments.paths, variables)?;
    match load(&selection) {
        Ok(suite) => Ok(Some(Arc::new(suite))),
        Err(found) => {
            diagnostics(&found);
            Ok(None)
        }
    }
}

/// The cases that the arguments ask for.
pub(crate) fn filter(arguments: &args::Selection) -> Filter {
    Filter {
        ids: arguments.filter.clone(),
        tags: arguments.tag.clone(),
        only: None,
    }
}

/// What to say when no case is selected.
pub(crate) fn nothing(suite: &Suite, filter: &Filter, mut cases: Vec<Case>) -> String {
    if cases.is_empty() {
        return format!("error: the suite {} has no scenario\n", suite.name);
    }
    if filter.only.is_some() && filter.ids.is_empty() && filter.tags.is_empty() {
        return "error: no case of this suite failed or could not be judged in the earlier report\n".to_owned();
    }
    let any = |flag: &str, values: &[String]| {
        let flags: Vec<String> = values
            .iter()
            .map(|value| format!("{flag} {value}"))
            .collect();
        flags.join(" or ")
    };
    let mut wanted = format!("matches {}", any("--filter", &filter.ids));
    if !filter.tags.is_empty() {
        wanted.push_str(&format!(" and has {}", any("--tag", &filter.tags)));
        cases.retain(|case| {
            filter
                .tags
                .iter()
                .any(|tag| case.scenario.tags.contains(tag))
        });
    }
    let near = filter
        .nearest(&cases)
        .map(|near| format!("the nearest is `{}`, and ", near.id()));
    format!(
        "error: no case {wanted}; {}`assize list` names all\n",
        near.unwrap_or_default()
    )
}

/// The variables set by the environment and, over it, by `--var`.
pub(crate) fn variables(flags: &[String]) -> anyhow::Result<BTreeMap<String, String>> {
    let mut values: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in std::env::vars_os() {
        if let (Some(name), Some(value)) = (
            name.to_str()
                .and_then(|name| name.strip_prefix("ASSIZE_VAR_")),
            value.to_str(),
        ) {
            values.insert(name.to_ascii_lowercase(), value.to_owned());
        }
    }
    for flag in flags {
        let Some((name, value)) = flag.split_once('=') else {
            bail!("`--var {flag}` has no value; write --var NAME=VALUE")
        };
        values.insert(name.to_owned(), value.to_owned());
    }
    Ok(values)
}

/// The variables as the suite means them: text where its default is text, else JSON where it is JSON.
pub(crate) fn typed(suite: &Suite, values: &BTreeMap<String, String>) -> BTreeMap<String, Json> {
    values
        .iter()
        .map(|(name, value)| {
            let text = suite.variables.get(name).is_some_and(|variable| {
                variable.secret || variable.default.as_ref().is_none_or(Json::is_string)
            });
            let value = if text {
                Json::String(value.clone())
            } else {
                serde_json::from_str(value).unwrap_or_else(|_| Json::String(value.clone()))
            };
            (name.clone(), value)
        })
        .collect()
}
