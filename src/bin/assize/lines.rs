//! What a run says on stdout: each line at once where a person looks, and else several together, since every write
//! wakes whoever reads.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::output::{say, stdout_is_terminal};

/// So long a line waits for others at the most.
const WAIT: Duration = Duration::from_millis(50);

/// So many bytes wait at the most.
const MOST: usize = 8 << 10;

/// Lines for stdout, until it ends.
pub(crate) struct Lines {
    /// Whether a person looks.
    pub(crate) terminal: bool,
    waiting: Arc<Mutex<Waiting>>,
    writer: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Waiting {
    text: String,
    /// What went wrong first.
    trouble: Option<anyhow::Error>,
}

impl Waiting {
    fn write(&mut self) {
        if !self.text.is_empty() {
            self.trouble = self.trouble.take().or(say(&self.text).err());
            self.text.clear();
        }
    }
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lines {
    /// Within a runtime.
    pub(crate) fn begin() -> Self {
        let terminal = stdout_is_terminal();
        let waiting = Arc::<Mutex<Waiting>>::default();
        let shared = Arc::clone(&waiting);
        let write_on = async move {
            loop {
                tokio::time::sleep(WAIT).await;
                lock(&shared).write();
            }
        };
        Self {
            terminal,
            waiting,
            writer: (!terminal).then(|| tokio::spawn(write_on)),
        }
    }

    /// Says one more line.
    pub(crate) fn add(&self, line: &str) {
        let mut waiting = lock(&self.waiting);
        waiting.text.push_str(line);
        waiting.text.push('\n');
        if self.terminal || waiting.text.len() >= MOST {
            waiting.write();
        }
    }

    /// Says what is left; an error if not all could be said.
    pub(crate) fn end(self) -> anyhow::Result<()> {
        if let Some(writer) = self.writer {
            writer.abort();
        }
        let mut waiting = lock(&self.waiting);
        waiting.write();
        waiting.trouble.take().map_or(Ok(()), Err)
    }
}
