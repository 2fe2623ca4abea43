//! The reports of a run as files: which are wanted, and what is written into them as the run goes.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use assize::outcome::{CaseOutcome, Event, RunReport};
use assize::report::json::{CaseRecord, EventRecord, Json, Run, Summary, VERSION};
use assize::report::{Html, Junit, markdown};
use assize::secret::Secrets;

use crate::args;
use crate::artefact::{Artefact, Told, hold_back};
use crate::output::{complain, guarded};

/// What is said where a server's text has no form as XML.
const NO_XML: &str = "the JUnit report cannot be formed";

/// The reports of a run.
#[derive(Default)]
pub(crate) struct Reports {
    junit: Option<Artefact>,
    junit_pieces: Option<Junit>,
    json: Option<Artefact>,
    json_pieces: Option<Json>,
    html: Option<Artefact>,
    html_pieces: Option<Html>,
    events: Option<Events>,
    summary: Option<Artefact>,
}

/// Events go straight to their place, line by line: they are of use while the run goes on.
struct Events {
    path: PathBuf,
    file: File,
    /// The length of all whole lines.
    whole: u64,
    /// Whether no more can be written.
    full: bool,
}

impl Reports {
    /// Makes sure that all that are wanted can be written.
    pub(crate) fn open(wanted: &args::Reports) -> anyhow::Result<Self> {
        let open = |path: &Option<_>| path.as_deref().map(Artefact::open).transpose();
        Ok(Self {
            junit: open(&wanted.junit)?,
            junit_pieces: None,
            json: open(&wanted.json)?,
            json_pieces: None,
            html: open(&wanted.html)?,
            html_pieces: None,
            events: wanted.events.as_deref().map(Events::open).transpose()?,
            summary: open(&wanted.summary)?,
        })
    }

    /// Writes what can be told so far.
    pub(crate) fn tell(&mut self, event: &Event<'_>) -> anyhow::Result<()> {
        match event {
            Event::Started {
                run,
                cases,
                skipped,
            } => self.started(run, *cases, *skipped),
            Event::Progress { .. } | Event::Evidence(..) => Ok(()),
            Event::Finished(outcome) => self.finished(outcome),
        }
    }

    fn started(&mut self, run: &RunReport, cases: usize, skipped: usize) -> anyhow::Result<()> {
        self.junit_pieces = self.junit.is_some().then(|| Junit::new(run));
        if let Some(file) = &mut self.json {
            let (pieces, head) = Json::head(run)?;
            file.add(&head);
            self.json_pieces = Some(pieces);
        }
        if let Some(file) = &mut self.html {
            let (pieces, head) = Html::head(run)?;
            file.add(&head);
            self.html_pieces = Some(pieces);
        }
        self.note(|| EventRecord::Started {
            format: VERSION,
            run: Run::of(run),
            cases,
            skipped,
        })
    }

    fn finished(&mut self, outcome: &CaseOutcome) -> anyhow::Result<()> {
        // What goes wrong with one keeps none of the others.
        let json = guarded(|| {
            if let (Some(file), Some(pieces)) = (&mut self.json, &mut self.json_pieces) {
                file.add(&pieces.case(outcome)?);
            }
            Ok(())
        });
        let html = guarded(|| {
            if let (Some(file), Some(pieces)) = (&mut self.html, &mut self.html_pieces) {
                file.add(&pieces.case(outcome)?);
            }
            Ok(())
        });
        let junit = guarded(|| {
            if let (Some(file), Some(pieces)) = (&mut self.junit, &mut self.junit_pieces) {
                file.add(&pieces.case(outcome).context(NO_XML)?);
            }
            Ok(())
        });
        let event = guarded(|| {
            self.note(|| EventRecord::Case {
                case: CaseRecord::of(outcome),
            })
        });
        json.and(html).and(junit).and(event)
    }

    fn note(&mut self, event: impl FnOnce() -> EventRecord) -> anyhow::Result<()> {
        let Some(events) = self.events.as_mut().filter(|events| !events.full) else {
            return Ok(());
        };
        let line = event().line()?;
        match events.file.write_all(line.as_bytes()) {
            Ok(()) => events.whole += line.len() as u64,
            Err(error) => {
                // The run is worth more than its events. Half a line would be no event.
                let _ = events.file.set_len(events.whole);
                events.full = true;
                complain(&format!(
                    "{}: no more events are written: {error}\n",
                    events.path.display()
                ));
            }
        }
        Ok(())
    }

    /// Writes all of a run that was read rather than watched.
    pub(crate) fn write(
        mut self,
        report: &RunReport,
        records: Vec<CaseRecord>,
    ) -> anyhow::Result<Files> {
        let counts = report.counts();
        let cases = report.outcomes.len() - counts.skipped;
        self.started(report, cases, counts.skipped)?;
        for (outcome, record) in report.outcomes.iter().zip(records) {
            if let (Some(file), Some(pieces)) = (&mut self.json, &mut self.json_pieces) {
                file.add(&pieces.record(&record)?);
            }
            if let (Some(file), Some(pieces)) = (&mut self.junit, &mut self.junit_pieces) {
                file.add(&pieces.case(outcome).context(NO_XML)?);
            }
            self.note(|| EventRecord::Case {
                case: record.clone(),
            })?;
            if let (Some(file), Some(pieces)) = (&mut self.html, &mut self.html_pieces) {
                file.add(&pieces.record(record)?);
            }
        }
        // What is read is clean: a report that tells a secret is not written.
        self.close(report, &Secrets::default(), [])
    }

    /// Writes the rest and puts every file in its place. What goes wrong with one keeps none of the others.
    /// `before` is what came of the files that were written already.
    pub(crate) fn close(
        mut self,
        report: &RunReport,
        secrets: &Secrets,
        before: impl IntoIterator<Item = anyhow::Result<()>>,
    ) -> anyhow::Result<Files> {
        let mut problems = Problems::default();
        before.into_iter().for_each(|before| problems.hear(before));
        problems.hear(guarded(|| {
            self.note(|| EventRecord::Finished {
                summary: Summary::of(report),
            })
        }));
        if let (Some(file), Some(pieces)) = (self.json, self.json_pieces) {
            problems.hear(guarded(|| file.close(&pieces.tail(report)?, secrets)));
        }
        if let (Some(file), Some(pieces)) = (self.html, self.html_pieces) {
            problems.hear(guarded(|| file.close(&pieces.tail(report)?, secrets)));
        }
        if let (Some(file), Some(pieces)) = (self.junit, self.junit_pieces) {
            problems.hear(guarded(|| {
                let (head, tail) = pieces.around(report).context(NO_XML)?;
                file.precede(&head)?.close(&tail, secrets)
            }));
        }
        if let Some(file) = self.summary {
            problems.hear(guarded(|| file.close(&markdown(report), secrets)));
        }
        if let Some(events) = self.events {
            problems.hear(guarded(|| hold_back(&events.path, secrets)));
        }
        problems.end()
    }
}

/// Whether what was written may be read by others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Files {
    /// All is well.
    Clean,
    /// One told a secret and was deleted.
    Told,
}

/// What went wrong with the files, one after the other.
#[derive(Default)]
struct Problems {
    told: bool,
    last: Option<anyhow::Error>,
}

impl Problems {
    fn hear(&mut self, result: anyhow::Result<()>) {
        let Err(error) = result else { return };
        if error.is::<Told>() {
            complain(&format!("error: {error}\n"));
            self.told = true;
        } else if let Some(before) = self.last.replace(error) {
            complain(&format!("error: {before:#}\n"));
        }
    }

    fn end(self) -> anyhow::Result<Files> {
        match self.last {
            Some(error) => Err(error),
            None if self.told => Ok(Files::Told),
            None => Ok(Files::Clean),
        }
    }
}

impl Events {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display().to_string();
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)
                .with_context(|| format!("{} cannot be created", directory.display()))?;
        }
        let file = File::create(path).with_context(|| format!("{shown} cannot be written"))?;
        Ok(Self {
            path: path.to_path_buf(),
            file,
            whole: 0,
            full: false,
        })
    }
}
