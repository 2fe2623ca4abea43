//! Where the files of a suite are: below one root, and never outside it.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::source::Source;

/// The name of a manifest.
pub const MANIFEST_FILE: &str = "suite.yaml";
/// A file of a suite may be this long, in bytes.
pub const FILE_LIMIT: u64 = 8 << 20;
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

/// A file to read.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    /// Below the root.
    pub(super) path: String,
    /// Where it really is, if that was found on the way.
    real: Option<PathBuf>,
}

impl Listed {
    pub(super) fn at(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            real: None,
        }
    }
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
    pub(super) fn rooted(&self) -> Arc<Self> {
        let mut files = self.clone();
        if let Self::Directory { root, .. } = &mut files
            && let Ok(real) = root.canonicalize()
        {
            *root = real;
        }
        Arc::new(files)
    }

    pub(super) fn shown(&self, path: &str) -> String {
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
    pub(super) fn list(&self, path: &str) -> Result<Vec<Listed>, String> {
        match self {
            Self::Embedded(files) => {
                let below: Vec<Listed> = files
                    .keys()
                    .filter(|file| {
                        *file == path
                            || (is_yaml(file)
                                && (path.is_empty()
                                    || file
                                        .strip_prefix(path)
                                        .is_some_and(|rest| rest.starts_with('/'))))
                    })
                    .map(Listed::at)
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
                    return Ok(vec![Listed {
                        path: path.to_owned(),
                        real: Some(start),
                    }]);
                }
                let mut list = Vec::new();
                for entry in ignore::WalkBuilder::new(&start)
                    .standard_filters(false)
                    .hidden(true)
                    .follow_links(false)
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
                        // No link leads here, so that it lies below the root.
                        list.push(Listed {
                            path: if path.is_empty() {
                                below
                            } else {
                                format!("{path}/{below}")
                            },
                            real: Some(entry.into_path()),
                        });
                    }
                }
                // A directory's files stand together, by its name among those of its neighbours.
                list.sort_by_cached_key(|file| file.path.replace('/', "\0"));
                Ok(list)
            }
        }
    }

    pub(super) fn read(&self, Listed { path, real }: &Listed) -> Result<Arc<Source>, String> {
        let name = self.shown(path);
        match self {
            Self::Embedded(files) => files
                .get(path)
                .map(|text| Source::new(name, *text))
                .ok_or_else(|| "it is not there".to_owned()),
            Self::Directory { .. } => {
                let told = |error: std::io::Error| error.to_string();
                let no_file = || Err("it is no file".to_owned());
                let found;
                let path = match real {
                    Some(real) => real,
                    None => {
                        found = self.inside(path)?;
                        // Before it is opened: to open a pipe is to wait for whoever writes into it.
                        if !std::fs::metadata(&found).map_err(told)?.is_file() {
                            return no_file();
                        }
                        &found
                    }
                };
                let file = std::fs::File::open(path).map_err(told)?;
                let about = file.metadata().map_err(told)?;
                if !about.is_file() {
                    return no_file();
                }
                // With room for all of it, and for the system to say that it ends, it is read at once.
                let room = usize::try_from(about.len().min(FILE_LIMIT)).unwrap_or(0) + 1;
                let mut bytes = Vec::with_capacity(room);
                (file.take(FILE_LIMIT + 1).read_to_end(&mut bytes)).map_err(told)?;
                if bytes.len() as u64 > FILE_LIMIT {
                    return Err(format!("it has more than {FILE_LIMIT} bytes"));
                }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_listed_by_directory_and_name_whatever_the_system_says_first() {
        let directory = tempfile::tempdir().expect("a directory");
        let expected = ["a/b/y.yaml", "a/b.yaml", "a/x.yml", "a-b/z.yaml", "a.yaml"];
        for path in expected.iter().rev().chain(&["a/x.txt", ".a/x.yaml"]) {
            let path = directory.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("room");
            std::fs::write(path, "").expect("room");
        }
        let files = Files::Directory {
            root: directory.path().to_owned(),
            prefix: String::new(),
            here: None,
        };
        let listed = files.rooted().list("").expect("a list");
        let paths: Vec<&str> = listed.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, expected);
    }
}
