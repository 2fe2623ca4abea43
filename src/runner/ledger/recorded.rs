//! A ledger as it was left.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::entry::{Entry, Header, Intent, VERSION};
use super::{LedgerError, lock};

/// A ledger that was read, and is locked as long as this lives.
#[derive(Debug)]
pub struct Recorded {
    /// Its file.
    pub path: PathBuf,
    /// Whose it is.
    pub header: Header,
    /// Lines that cannot be read: what they tell of is not known.
    pub damage: Vec<Damage>,
    objects: BTreeMap<u64, (Standing, bool)>,
    file: File,
    /// Where the last whole line ends.
    end: u64,
}

/// An object that may be there.
#[derive(Debug, Clone)]
pub struct Standing {
    /// As it was to be created.
    pub intent: Intent,
    /// Its id, if that is known.
    pub id: Option<Json>,
}

/// A line that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// From 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: String,
}

impl Recorded {
    /// Reads a ledger. To look only is possible while its run goes on, and where it cannot be written.
    ///
    /// A last line without an end was torn by whatever ended the run; what it announced was never sent.
    ///
    /// # Errors
    /// It cannot be read or, unless to look only, written; it is in use; it is no ledger.
    pub fn open(path: &Path, look_only: bool) -> Result<Self, LedgerError> {
        let mut file = OpenOptions::new()
            .read(true)
            .append(!look_only)
            .open(path)
            .map_err(LedgerError::io(
                path,
                if look_only { "read" } else { "written" },
            ))?;
        if !look_only {
            lock(&file, path)?;
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)
            .map_err(LedgerError::io(path, "read"))?;
        let end = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let no_ledger = |why: String| LedgerError::NoLedger {
            path: path.display().to_string(),
            why,
        };
        let mut lines = bytes[..end]
            .split(|byte| *byte == b'\n')
            .enumerate()
            .map(|(at, line)| (at + 1, str::from_utf8(line)))
            .filter(|(_, line)| line.is_ok_and(|line| !line.trim().is_empty()) || line.is_err());
        let header = match lines.next() {
            None => return Err(no_ledger("it has no line".to_owned())),
            Some((_, Err(_))) => return Err(no_ledger("its first line is no text".to_owned())),
            Some((_, Ok(line))) => match Entry::parse(line) {
                Ok(Entry::Run(header)) if header.version == VERSION => header,
                Ok(Entry::Run(header)) => {
                    return Err(no_ledger(format!(
                        "it has version {}, and this program knows {VERSION}",
                        header.version
                    )));
                }
                Ok(_) => return Err(no_ledger("its first line says nothing of a run".to_owned())),
                Err(why) => return Err(no_ledger(format!("its first line cannot be read: {why}"))),
            },
        };
        let mut damage = Vec::new();
        let mut objects: BTreeMap<u64, (Standing, bool)> = BTreeMap::new();
        for (line, text) in lines {
            let entry = match text {
                Ok(text) => Entry::parse(text),
                Err(_) => Err("it is no text".to_owned()),
            };
            let wrong = match entry {
                Ok(Entry::Run(other)) if other == header => None,
                Ok(Entry::Run(_)) => Some("it belongs to another run".to_owned()),
                Ok(Entry::Intent(intent)) => {
                    // The same line twice says nothing new.
                    objects
                        .entry(intent.n)
                        .or_insert((Standing { intent, id: None }, true));
                    None
                }
                Ok(Entry::Created { n, id }) => match objects.get_mut(&n) {
                    Some((standing, there)) => {
                        standing.id = Some(id);
                        *there = true;
                        None
                    }
                    None => Some(format!("nothing announces the object {n}")),
                },
                Ok(Entry::Gone { n }) => match objects.get_mut(&n) {
                    Some((_, there)) => {
                        *there = false;
                        None
                    }
                    None => Some(format!("nothing announces the object {n}")),
                },
                Err(why) => Some(why),
            };
            damage.extend(wrong.map(|why| Damage { line, why }));
        }
        Ok(Self {
            path: path.to_path_buf(),
            header,
            damage,
            objects,
            file,
            end: end as u64,
        })
    }

    /// The objects that may still be there, in the order in which they were to be created.
    pub fn standing(&self) -> impl Iterator<Item = &Standing> {
        self.all().filter(|(_, there)| *there).map(|(it, _)| it)
    }

    /// All objects, and whether each may still be there.
    pub(in crate::runner) fn all(&self) -> impl Iterator<Item = (&Standing, bool)> {
        self.objects
            .values()
            .map(|(standing, there)| (standing, *there))
    }

    pub(super) fn last(&self) -> u64 {
        self.objects.keys().next_back().copied().unwrap_or(0)
    }

    /// The file, to be written on from where its last whole line ends.
    pub(super) fn append(&self) -> Result<(File, u64), LedgerError> {
        let file = self.file.try_clone();
        let file = file.map_err(LedgerError::io(&self.path, "written"))?;
        file.set_len(self.end)
            .map_err(LedgerError::io(&self.path, "written"))?;
        Ok((file, self.end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(lines: &[Entry]) -> String {
        lines.iter().map(Entry::line).collect()
    }

    fn intent(n: u64) -> Entry {
        Entry::Intent(Intent {
            n,
            resource: "pool".to_owned(),
            name: format!("assize-r-{n}"),
            identity: "owner".to_owned(),
            case: "c".to_owned(),
            needs: BTreeMap::new(),
            params: BTreeMap::new(),
        })
    }

    fn check(text: &[u8], expected: Result<(&[u64], &[usize]), &str>) {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("room");
        let shown = String::from_utf8_lossy(text);
        match (Recorded::open(file.path(), false), expected) {
            (Ok(recorded), Ok((standing, damage))) => {
                let found: Vec<u64> = recorded.standing().map(|it| it.intent.n).collect();
                assert_eq!(found, standing, "{shown}");
                let lines: Vec<usize> = recorded.damage.iter().map(|it| it.line).collect();
                assert_eq!(lines, damage, "{:?} of {shown}", recorded.damage);
            }
            (Err(error), Err(part)) => {
                assert!(error.to_string().contains(part), "{error}");
            }
            (found, expected) => panic!("{found:?} and not {expected:?} for {shown}"),
        }
    }

    #[test]
    fn a_ledger_tells_of_what_may_be_left_whatever_happened_to_it() {
        let run = || Entry::Run(Header::new("r", "http://h", "s", None, None));
        let created = |n| Entry::Created { n, id: n.into() };
        let whole = text(&[
            run(),
            intent(1),
            created(1),
            intent(2),
            intent(3),
            Entry::Gone { n: 3 },
        ]);
        check(whole.as_bytes(), Ok((&[1, 2], &[])));
        // Torn anywhere in its last line, it lacks that line and no more.
        let last = whole.trim_end().rfind('\n').expect("lines") + 1;
        for end in last..whole.len() {
            check(&whole.as_bytes()[..end], Ok((&[1, 2, 3], &[])));
        }
        // The same lines twice say nothing new.
        check(
            (whole.clone() + &whole).as_bytes(),
            Err("").or(Ok((&[1, 2], &[]))),
        );
        let twice: String = whole
            .lines()
            .map(|line| format!("{line}\n{line}\n"))
            .collect();
        check(twice.as_bytes(), Ok((&[1, 2], &[])));
        // What is damaged inside does not hide the rest, nor itself.
        let damaged = whole.replacen("\"n\":1", "\"n\":9", 1);
        check(damaged.as_bytes(), Ok((&[2], &[2, 3])));
        check(
            &[whole.as_bytes(), b"\xff\xfe\n\n{}\n"].concat(),
            Ok((&[1, 2], &[7, 9])),
        );
        let other = text(&[Entry::Run(Header::new("q", "http://h", "s", None, None))]);
        check((whole + &other).as_bytes(), Ok((&[1, 2], &[7])));
        for (text, part) in [
            (&b""[..], "no line"),
            (b"\n\n", "no line"),
            (b"{\"run\":", "no line"),
            (b"name,id\n", "cannot be read"),
            (b"\xff\n", "no text"),
            (b"{\"gone\":{\"n\":1}}\n", "says nothing of a run"),
            (
                b"{\"run\":{\"version\":2,\"run\":\"r\",\"endpoint\":\"e\",\"suite\":\"s\",\"started\":\"\"}}\n",
                "version 2",
            ),
        ] {
            check(text, Err(part));
        }
    }
}
