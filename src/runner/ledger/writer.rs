//! Lines to disk, many at a time: one `fsync` makes all durable that wait for it.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

type Answer = oneshot::Sender<io::Result<()>>;

/// A line, and who waits until it is on disk.
type Line = (String, Option<Answer>);

/// The end of a file, written by a thread of its own.
pub(super) struct Writer {
    lines: Option<Sender<Line>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Writes on from `end`, where a whole line ends. A new file's directory has to be on disk, too: a name that is not
    /// finds nothing after the power was cut.
    pub(super) fn new(file: File, end: u64, directory: Option<PathBuf>) -> Self {
        let (lines, received) = channel();
        let thread = std::thread::spawn(move || write(&file, end, directory, &received));
        Self {
            lines: Some(lines),
            thread: Some(thread),
        }
    }

    /// Writes a line sooner or later.
    pub(super) fn write(&self, line: String) {
        self.send((line, None));
    }

    /// Writes a line; it is on disk, with all before it, when this returns.
    pub(super) async fn write_durably(&self, line: String) -> io::Result<()> {
        let (answer, answered) = oneshot::channel();
        self.send((line, Some(answer)));
        answered.await.unwrap_or_else(|_| Err(ended()))
    }

    /// Writes what is left to be written.
    pub(super) async fn end(&self) {
        // What cannot be written is looked up by name.
        let _ = self.write_durably(String::new()).await;
    }

    fn send(&self, line: Line) {
        if let Some(lines) = &self.lines {
            // Whoever waits for a line that is not received learns it.
            let _ = lines.send(line);
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.lines = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn ended() -> io::Error {
    io::Error::other("its writer has ended")
}

fn write(mut file: &File, mut end: u64, mut new: Option<PathBuf>, lines: &Receiver<Line>) {
    // What nobody waited for and was not written is tried again with the next line.
    let mut left = String::new();
    while let Ok(first) = lines.recv() {
        let mut waiting = Vec::new();
        let mut durable = String::new();
        let mut batch = std::mem::take(&mut left);
        for (line, answer) in std::iter::once(first).chain(lines.try_iter()) {
            match answer {
                Some(answer) => {
                    durable.push_str(&line);
                    waiting.push(answer);
                }
                None => batch.push_str(&line),
            }
        }
        // Of one object, no line overtakes another: its id is known after its intent was answered.
        let text = format!("{batch}{durable}");
        let written = file.write_all(text.as_bytes()).and_then(|()| {
            if waiting.is_empty() {
                return Ok(());
            }
            file.sync_data()?;
            if let Some(directory) = &new {
                sync_directory(directory)?;
                new = None;
            }
            Ok(())
        });
        match &written {
            Ok(()) => end += text.len() as u64,
            Err(_) => {
                // Half a line would spoil the next one.
                let _ = file.set_len(end);
                let _ = file.seek(SeekFrom::Start(end));
                left = batch;
            }
        }
        for answer in waiting {
            let answered = match &written {
                Ok(()) => Ok(()),
                Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
            };
            let _ = answer.send(answered);
        }
    }
}

#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    let directory = match directory.as_os_str().is_empty() {
        true => Path::new("."),
        false => directory,
    };
    File::open(directory)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}
