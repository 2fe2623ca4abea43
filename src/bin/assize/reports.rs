//! The reports of a run as files: which are wanted, and what is written into them as the run goes.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use assize::outcome::{CaseOutcome, Event, RunReport};
use assize::report::json::{CaseRecord, EventRecord, Json, Run, Summary, VERSION};
use assize::report::junit;

use crate::args;
use crate::artefact::Artefact;
use crate::output::complain;

/// The reports of a run.
#[derive(Default)]
pub(crate) struct Reports {
    junit: Option<Artefact>,
    json: Option<Artefact>,
    pieces: Option<Json>,
    events: Option<Events>,
}

/// Events go straight to their place, line by line: they are of use while the run goes on.
struct Events {
    shown: String,
    file: File,
}

impl Reports {
    /// Makes sure that all that are wanted can be written.
    pub(crate) fn open(wanted: &args::Reports) -> anyhow::Result<Self> {
        let open = |path: &Option<_>| path.as_deref().map(Artefact::open).transpose();
        Ok(Self {
            junit: open(&wanted.junit)?,
            json: open(&wanted.json)?,
            pieces: None,
            events: wanted.events.as_deref().map(Events::open).transpose()?,
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
            Event::Progress { .. } => Ok(()),
            Event::Finished(outcome) => self.finished(outcome),
        }
    }

    fn started(&mut self, run: &RunReport, cases: usize, skipped: usize) -> anyhow::Result<()> {
        if let Some(file) = &mut self.json {
            let (pieces, head) = Json::head(run)?;
            file.add(&head);
            self.pieces = Some(pieces);
        }
        self.note(|| EventRecord::Started {
            format: VERSION,
            run: Run::of(run),
            cases,
            skipped,
        })
    }

    fn finished(&mut self, outcome: &CaseOutcome) -> anyhow::Result<()> {
        if let (Some(file), Some(pieces)) = (&mut self.json, &mut self.pieces) {
            file.add(&pieces.case(outcome)?);
        }
        self.note(|| EventRecord::Case {
            case: CaseRecord::of(outcome),
        })
    }

    fn note(&mut self, event: impl FnOnce() -> EventRecord) -> anyhow::Result<()> {
        let Some(events) = &mut self.events else {
            return Ok(());
        };
        let line = event().line()?;
        let written = events.file.write_all(line.as_bytes());
        if let Err(error) = written {
            // The run is worth more than its events.
            complain(&format!(
                "{}: no more events are written: {error}\n",
                events.shown
            ));
            self.events = None;
        }
        Ok(())
    }

    /// Writes the rest and puts every file in its place. What goes wrong with one keeps none of the others.
    pub(crate) fn close(mut self, report: &RunReport) -> anyhow::Result<()> {
        let mut problems: Vec<anyhow::Error> = Vec::new();
        problems.extend(
            self.note(|| EventRecord::Finished {
                summary: Summary::of(report),
            })
            .err(),
        );
        if let (Some(file), Some(pieces)) = (self.json, self.pieces) {
            problems.extend(
                pieces
                    .tail(report)
                    .map_err(Into::into)
                    .and_then(|tail| file.close(&tail))
                    .err(),
            );
        }
        if let Some(file) = self.junit {
            let text = junit(report).context("the JUnit report cannot be formed");
            problems.extend(text.and_then(|text| file.close(&text)).err());
        }
        let Some(last) = problems.pop() else {
            return Ok(());
        };
        for problem in problems {
            complain(&format!("error: {problem:#}\n"));
        }
        Err(last)
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
        Ok(Self { shown, file })
    }
}
