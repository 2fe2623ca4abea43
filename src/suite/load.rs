//! The files of a suite, read and linked.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::path::{Component, Path};
use std::sync::{Arc, Mutex, PoisonError};

use super::files::{Files, Listed, MANIFEST_FILE};
use super::link::{Parts, link};
use super::model::Suite;
use super::openapi::OpenApi;
use super::parse::{Document, document};
use super::spread::spread;
use super::yaml::{self, Node};
use crate::source::{Diagnostic, Source, Span, Spanned};

/// A suite may have so many different expressions; one takes some kilobytes when it is compiled.
const EXPRESSIONS: usize = 30_000;

/// And so many in all.
const ALL: usize = 500_000;

/// So many files are read at once.
const BATCH: usize = 4096;

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
        described: None,
        expressions: Expressions::default(),
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
        loader.file(files, Listed::at(MANIFEST_FILE), &[]);
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
    queue: VecDeque<(Arc<Files>, Listed)>,
    parts: Parts,
    /// Whether a file gave nothing at all.
    lost: bool,
    /// The OpenAPI description, which may be one of the files that are used.
    described: Option<Described>,
    expressions: Expressions,
}

impl Loader {
    fn drain(&mut self, strip: &[String]) {
        while !self.queue.is_empty() {
            let mut batch: Vec<_> = self.queue.drain(..self.queue.len().min(BATCH)).collect();
            batch.retain(|(files, file)| self.seen.insert(files.shown(&file.path)));
            let known = Mutex::new(std::mem::take(&mut self.expressions));
            let before = known.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let read = spread(batch.iter().collect(), |(files, file)| {
                read(files, file, self.described.as_ref(), &known)
            });
            self.expressions = known.into_inner().unwrap_or_else(PoisonError::into_inner);
            // Where there are too many, it is to be told of which file on.
            let recount = self.expressions.are_too_many();
            if recount {
                self.expressions = before;
            }
            for ((files, file), read) in batch.iter().zip(read) {
                self.take(files, &file.path, read, strip, recount);
            }
        }
    }

    fn file(&mut self, files: &Arc<Files>, file: Listed, strip: &[String]) {
        self.queue.push_back((Arc::clone(files), file));
        self.drain(strip);
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

    /// Takes in what was read of a file, in the order of the files.
    fn take(
        &mut self,
        files: &Arc<Files>,
        path: &str,
        read: FileRead,
        strip: &[String],
        recount: bool,
    ) {
        let source = match read.source {
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
        self.found.extend(read.found);
        let Some(tree) = read.tree else {
            self.lost = true;
            return;
        };
        if self.expressions.are_too_many() {
            return;
        }
        if recount {
            self.expressions.take(&tree.expressions);
        }
        if self.expressions.are_too_many() {
            self.found.push(
                Diagnostic::new(
                    "yaml-too-large",
                    &tree.span,
                    format!(
                        "the suite is too large: more than {EXPRESSIONS} different expressions, or {ALL} in all"
                    ),
                )
                .label("up to this file"),
            );
            self.lost = true;
            return;
        }
        let document = match tree.meaning {
            Meaning::Api => return,
            Meaning::Document(document, found) => {
                self.found.extend(found);
                *document
            }
            Meaning::Open(node) => document(&source, &node, &mut self.found),
        };
        match document {
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
        let source = match files.read(&Listed::at(resolved.as_str())) {
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
        let before = self.found.len();
        if let Some(node) = yaml::parse(&source, &mut self.found) {
            self.described = (self.found.len() == before && is_api(&node)).then(|| Described {
                span: node.span.clone(),
                expressions: expressions(&node),
            });
            self.parts.openapi = OpenApi::read(node, &mut self.found);
        }
    }
}

/// A description that was read, with nothing wrong in it as a file.
struct Described {
    span: Span,
    expressions: (Vec<u64>, usize),
}

/// A file as it can be read without the others.
struct FileRead {
    source: Result<Arc<Source>, String>,
    found: Vec<Diagnostic>,
    tree: Option<Tree>,
}

/// Expressions of files.
#[derive(Debug, Default, Clone)]
struct Expressions {
    /// Those that differ, as digests.
    different: HashSet<u64>,
    all: usize,
}

impl Expressions {
    fn take(&mut self, (different, all): &(Vec<u64>, usize)) {
        self.different.extend(different);
        self.all += all;
    }

    fn are_too_many(&self) -> bool {
        self.different.len() > EXPRESSIONS || self.all > ALL
    }
}

struct Tree {
    span: Span,
    /// Those that differ, as digests, and how many there are in all.
    expressions: (Vec<u64>, usize),
    meaning: Meaning,
}

/// What a tree stands for.
enum Meaning {
    /// An OpenAPI description.
    Api,
    /// A document, with what is wrong with it.
    Document(Box<Option<Document>>, Vec<Diagnostic>),
    /// That is still open: files that may come later had too many expressions already.
    Open(Node<'static>),
}

/// Reads a file. Once there are more expressions than there may be, no more are compiled.
fn read(
    files: &Files,
    file: &Listed,
    described: Option<&Described>,
    known: &Mutex<Expressions>,
) -> FileRead {
    let take = |expressions: &(Vec<u64>, usize)| {
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        known.take(expressions);
        known.are_too_many()
    };
    let mut found = Vec::new();
    if let Some(Described { span, expressions }) = described
        && span.source.name == files.shown(&file.path)
    {
        take(expressions);
        return FileRead {
            source: Ok(Arc::clone(&span.source)),
            found,
            tree: Some(Tree {
                span: span.clone(),
                expressions: expressions.clone(),
                meaning: Meaning::Api,
            }),
        };
    }
    let source = files.read(file);
    let tree = (source.as_ref().ok()).and_then(|source| {
        let node = yaml::parse(source, &mut found)?;
        let expressions = expressions(&node);
        let too_many = take(&expressions);
        let span = node.span.clone();
        let meaning = if is_api(&node) {
            Meaning::Api
        } else if !too_many {
            let mut found = Vec::new();
            Meaning::Document(Box::new(document(source, &node, &mut found)), found)
        } else {
            Meaning::Open(node.into_owned())
        };
        Some(Tree {
            span,
            expressions,
            meaning,
        })
    });
    FileRead {
        source,
        found,
        tree,
    }
}

fn is_api(node: &Node<'_>) -> bool {
    node.get("openapi").is_some() && node.get("paths").is_some()
}

/// The expressions of a file that differ, as digests, and how many there are in all.
fn expressions(node: &Node<'_>) -> (Vec<u64>, usize) {
    let mut expressions = Vec::new();
    node.expressions(&mut expressions);
    let all = expressions.len();
    expressions.sort_unstable();
    expressions.dedup();
    (expressions, all)
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
