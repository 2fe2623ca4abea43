//! The files of a suite: found below one root, read, and never outside it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::link::{Parts, link};
use super::model::Suite;
use super::openapi::OpenApi;
use super::parse::{Document, document};
use super::yaml;
use crate::source::{Diagnostic, Source, Span, Spanned};

/// The name of a manifest.
pub const MANIFEST_FILE: &str = "suite.yaml";
/// A file of a suite may be this long, in bytes.
pub const FILE_LIMIT: u64 = 8 << 20;
/// A suite may have so many expressions; one takes some kilobytes when it is compiled.
const EXPRESSIONS: usize = 30_000;

/// Where the files of a suite come from.
#[derive(Debug, Clone)]
pub enum Files {
    /// A directory; nothing outside it is read, links included.
    Directory {
        /// The directory.
        root: PathBuf,
        /// What stands before a file's name when people are told of it.
        prefix: String,
        /// The working directory below the root, with a slash at its end, if it lies there: files below it
        /// are told of by their names from there.
        here: Option<String>,
    },
    /// Files that are part of the program, by path.
    Embedded(BTreeMap<String, &'static str>),
}

/// What to load.
#[derive(Debug, Clone)]
pub struct Selection {
    /// The suite: its manifest and what that names.
    pub suite: Option<Files>,
    /// Files and directories to take the scenarios from, instead of those that the manifest names.
    pub scenarios: Option<(Files, Vec<String>)>,
    /// Variables that a target sets, so that scenarios outside a suite may name them.
    pub variables: Vec<String>,
}

/// Loads a suite.
///
/// # Errors
/// Every problem of every file, in the order of the files.
pub fn load(selection: &Selection) -> Result<Suite, Vec<Diagnostic>> {
    let mut loader = Loader {
        found: Vec::new(),
        seen: BTreeSet::new(),
        queue: VecDeque::new(),
        lost: false,
        expressions: 0,
        parts: Parts {
            name: "scenarios".to_owned(),
            manifest: None,
            requirements: Vec::new(),
            resources: Vec::new(),
            profiles: Vec::new(),
            boundaries: Vec::new(),
            sources: Vec::new(),
            files: Vec::new(),
            openapi: None,
            variables: selection.variables.clone(),
            complete: selection.scenarios.is_none(),
        },
    };
    let mut strip: Vec<String> = Vec::new();
    if let Some(files) = &selection.suite {
        let files = &files.rooted();
        loader.file(files, MANIFEST_FILE, &[]);
        if let Some(manifest) = loader.parts.manifest.take() {
            let (uses, scenarios, openapi) = (
                manifest.uses.clone(),
                manifest.scenarios.clone(),
                manifest.openapi.clone(),
            );
            loader.parts.manifest = Some(manifest);
            if let Some(openapi) = openapi {
                loader.openapi(files, &openapi);
            }
            loader.enqueue(files, "", &uses);
            strip.extend(
                scenarios
                    .iter()
                    .map(|path| path.value.trim_matches('/').to_owned()),
            );
            if selection.scenarios.is_none() {
                loader.enqueue(files, "", &scenarios);
            }
        }
        loader.drain(&strip);
    }
    if let Some((files, paths)) = &selection.scenarios {
        let files = &files.rooted();
        if selection.suite.is_none()
            && let [only] = paths.as_slice()
        {
            loader.parts.name = Path::new(only).file_stem().map_or_else(
                || "scenarios".to_owned(),
                |stem| stem.to_string_lossy().into_owned(),
            );
        }
        let before = loader.parts.files.len();
        for path in paths {
            match files.list(path) {
                Ok(found) => loader
                    .queue
                    .extend(found.into_iter().map(|file| (Arc::clone(files), file))),
                Err(why) => loader.found.push(
                    Diagnostic::without_place(
                        "unreadable",
                        format!("`{path}` cannot be read: {why}"),
                    )
                    .help("name a file or a directory with `.yaml` files"),
                ),
            }
        }
        loader.drain(&strip);
        if loader.found.is_empty() && loader.parts.files.len() == before {
            loader.found.push(
                Diagnostic::without_place(
                    "no-scenario",
                    format!("there is no scenario in {}", paths.join(", ")),
                )
                .help("scenarios are files that end in `.yaml` or `.yml`"),
            );
        }
    }
    let Loader {
        mut found,
        mut parts,
        lost,
        ..
    } = loader;
    parts.files.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut linked = Vec::new();
    let suite = link(parts, &mut linked);
    if lost {
        // A name that is missing only because its file cannot be read at all would be noise.
        linked.retain(|diagnostic| {
            ![
                "unknown-resource",
                "unknown-requirement",
                "unknown-profile",
                "unknown-answer",
                "unknown-fragment",
                "unknown-schema",
            ]
            .contains(&diagnostic.code)
                || is_local(diagnostic)
        });
    }
    if !found.is_empty() {
        linked.retain(|diagnostic| diagnostic.code != "unused-requirement");
    }
    found.extend(linked);
    if found.is_empty() {
        return Ok(suite);
    }
    found.sort_by_key(|diagnostic| diagnostic.span.as_ref().map(Span::location));
    Err(found)
}

/// Whether a name's absence was seen with a near candidate at hand: a slip, whatever else is broken.
fn is_local(diagnostic: &Diagnostic) -> bool {
    diagnostic
        .help
        .as_deref()
        .is_some_and(|help| help.starts_with("did you mean"))
}

struct Loader {
    found: Vec<Diagnostic>,
    seen: BTreeSet<String>,
    queue: VecDeque<(Arc<Files>, String)>,
    parts: Parts,
    /// Whether a file gave nothing at all.
    lost: bool,
    /// How many expressions there are so far.
    expressions: usize,
}

impl Loader {
    fn drain(&mut self, strip: &[String]) {
        while let Some((files, path)) = self.queue.pop_front() {
            self.file(&files, &path, strip);
        }
    }

    fn enqueue(&mut self, files: &Arc<Files>, base: &str, paths: &[Spanned<String>]) {
        for path in paths {
            let Some(resolved) = self.inside(base, path) else {
                continue;
            };
            match files.list(&resolved) {
                Ok(list) => self
                    .queue
                    .extend(list.into_iter().map(|file| (Arc::clone(files), file))),
                Err(why) => self.found.push(
                    Diagnostic::new(
                        "unreadable",
                        &path.span,
                        format!("`{}` cannot be read: {why}", path.value),
                    )
                    .label("named here")
                    .help("paths are relative to the file that names them"),
                ),
            }
        }
    }

    /// The path as the suite's root sees it; one that leads out is reported.
    fn inside(&mut self, base: &str, path: &Spanned<String>) -> Option<String> {
        let resolved = resolve(base, &path.value);
        if resolved.is_none() {
            self.found.push(
                Diagnostic::new(
                    "outside",
                    &path.span,
                    format!("`{}` leads out of the suite", path.value),
                )
                .label("outside")
                .help("a suite reads only files below its own directory"),
            );
        }
        resolved
    }

    fn file(&mut self, files: &Arc<Files>, path: &str, strip: &[String]) {
        if !self.seen.insert(files.shown(path)) {
            return;
        }
        let source = match files.read(path) {
            Ok(source) => source,
            Err(why) => {
                self.found.push(Diagnostic::without_place(
                    "unreadable",
                    format!("`{}` cannot be read: {why}", files.shown(path)),
                ));
                return;
            }
        };
        self.parts
            .sources
            .push((path.to_owned(), Arc::clone(&source)));
        let Some(node) = yaml::parse(&source, &mut self.found) else {
            self.lost = true;
            return;
        };
        self.expressions += node.expressions();
        if self.expressions > EXPRESSIONS {
            self.found.push(
                Diagnostic::new(
                    "yaml-too-large",
                    &node.span,
                    format!("the suite is too large: more than {EXPRESSIONS} expressions"),
                )
                .label("up to this file"),
            );
            self.lost = true;
            return;
        }
        if node.get("openapi").is_some() && node.get("paths").is_some() {
            return;
        }
        match document(&source, &node, &mut self.found) {
            None => self.lost = true,
            Some(Document::Manifest(manifest)) if path == MANIFEST_FILE => {
                self.parts.manifest = Some(manifest);
            }
            Some(Document::Manifest(manifest)) => self.found.push(
                Diagnostic::new(
                    "second-manifest",
                    &manifest.name.span,
                    "a manifest inside a suite",
                )
                .label("not read")
                .help(format!(
                    "a suite has one manifest, `{MANIFEST_FILE}` at its root"
                )),
            ),
            Some(Document::Requirements(requirements)) => {
                self.parts.requirements.extend(requirements);
            }
            Some(Document::Resource(resource)) => self.parts.resources.push(*resource),
            Some(Document::Boundaries(rules)) => self.parts.boundaries.extend(rules),
            Some(Document::Profile(profile)) => self.parts.profiles.push(*profile),
            Some(Document::Scenarios(file)) => {
                let base = path.rsplit_once('/').map_or("", |(base, _)| base);
                self.enqueue(files, base, &file.uses);
                self.parts.files.push((group(path, strip), file));
            }
        }
    }

    fn openapi(&mut self, files: &Files, path: &Spanned<String>) {
        let Some(resolved) = self.inside("", path) else {
            return;
        };
        let source = match files.read(&resolved) {
            Ok(source) => source,
            Err(why) => {
                self.found.push(
                    Diagnostic::new(
                        "unreadable",
                        &path.span,
                        format!("`{}` cannot be read: {why}", path.value),
                    )
                    .label("named here"),
                );
                return;
            }
        };
        self.parts.sources.push((resolved, Arc::clone(&source)));
        if let Some(node) = yaml::parse(&source, &mut self.found) {
            self.parts.openapi = OpenApi::read(&node, &mut self.found);
        }
    }
}

/// The path part of a case id: below the scenarios' directory, without the suffix.
fn group(path: &str, strip: &[String]) -> String {
    let below = strip
        .iter()
        .find_map(|root| path.strip_prefix(root.as_str())?.strip_prefix('/'))
        .unwrap_or(path);
    below
        .trim_end_matches(".yaml")
        .trim_end_matches(".yml")
        .to_owned()
}

/// A path below the root, or `None` when it leads out.
fn resolve(base: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = if base.is_empty() {
        Vec::new()
    } else {
        base.split('/').collect()
    };
    for component in Path::new(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                parts.pop()?;
            }
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts.join("/"))
}

fn is_yaml(path: &str) -> bool {
    path.ends_with(".yaml") || path.ends_with(".yml")
}

impl Files {
    /// The nearest directory at or above `path` that holds a manifest.
    pub fn suite_root(path: &Path) -> Option<PathBuf> {
        path.ancestors()
            .find(|directory| directory.join(MANIFEST_FILE).is_file())
            .map(Path::to_path_buf)
    }

    /// The same with the real path of its root, which every file is held against.
    fn rooted(&self) -> Arc<Self> {
        let mut files = self.clone();
        if let Self::Directory { root, .. } = &mut files
            && let Ok(real) = root.canonicalize()
        {
            *root = real;
        }
        Arc::new(files)
    }

    fn shown(&self, path: &str) -> String {
        match self {
            Self::Directory { prefix, here, .. } => {
                match here.as_deref().and_then(|here| path.strip_prefix(here)) {
                    Some(below) => below.to_owned(),
                    None => format!("{prefix}{path}"),
                }
            }
            Self::Embedded(_) => path.to_owned(),
        }
    }

    /// The YAML files at a path, sorted: the file itself, or all below the directory but hidden ones.
    fn list(&self, path: &str) -> Result<Vec<String>, String> {
        match self {
            Self::Embedded(files) => {
                let below: Vec<String> = files
                    .keys()
                    .filter(|file| {
                        *file == path
                            || (is_yaml(file)
                                && (path.is_empty()
                                    || file
                                        .strip_prefix(path)
                                        .is_some_and(|rest| rest.starts_with('/'))))
                    })
                    .cloned()
                    .collect();
                if below.is_empty() {
                    Err("it is not there".to_owned())
                } else {
                    Ok(below)
                }
            }
            Self::Directory { .. } => {
                let start = self.inside(path)?;
                if start.is_file() {
                    return Ok(vec![path.to_owned()]);
                }
                let mut list = Vec::new();
                for entry in ignore::WalkBuilder::new(&start)
                    .standard_filters(false)
                    .hidden(true)
                    .follow_links(false)
                    .sort_by_file_path(Ord::cmp)
                    .build()
                {
                    let entry = entry.map_err(|error| error.to_string())?;
                    let Ok(below) = entry.path().strip_prefix(&start) else {
                        continue;
                    };
                    let below = below.to_string_lossy().replace('\\', "/");
                    if entry.file_type().is_some_and(|kind| kind.is_file())
                        && is_yaml(&below)
                        && below != MANIFEST_FILE
                    {
                        list.push(if path.is_empty() {
                            below
                        } else {
                            format!("{path}/{below}")
                        });
                    }
                }
                Ok(list)
            }
        }
    }

    fn read(&self, path: &str) -> Result<Arc<Source>, String> {
        let name = self.shown(path);
        match self {
            Self::Embedded(files) => files
                .get(path)
                .map(|text| Source::new(name, *text))
                .ok_or_else(|| "it is not there".to_owned()),
            Self::Directory { .. } => {
                let file = self.inside(path)?;
                let metadata = file.metadata().map_err(|error| error.to_string())?;
                if !metadata.is_file() {
                    return Err("it is no file".to_owned());
                }
                let length = metadata.len();
                if length > FILE_LIMIT {
                    return Err(format!("it has {length} bytes, more than {FILE_LIMIT}"));
                }
                let bytes = std::fs::read(&file).map_err(|error| error.to_string())?;
                let text = String::from_utf8(bytes).map_err(|error| {
                    format!(
                        "it is not UTF-8 at byte {}",
                        error.utf8_error().valid_up_to()
                    )
                })?;
                Ok(Source::new(name, text))
            }
        }
    }

    /// The real path of a file, if that lies below the root.
    fn inside(&self, path: &str) -> Result<PathBuf, String> {
        let Self::Directory { root, .. } = self else {
            return Err("it is not there".to_owned());
        };
        let real = root
            .join(path)
            .canonicalize()
            .map_err(|error| error.to_string())?;
        if real.starts_with(root) {
            Ok(real)
        } else {
            Err("it leads out of the suite".to_owned())
        }
    }
}
