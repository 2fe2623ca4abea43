//! A pulse for the runtime, so that no endpoint can hold up the clock of all cases.
//!
//! Whoever sends without end keeps a thread of the runtime busy. If that was the one that looked at the clock, and the
//! others sleep, time limits are kept by nobody. So one of the others is woken now and then, which then looks.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use tokio::runtime::Handle;

/// How often. A time limit is kept to about this.
const PERIOD: Duration = Duration::from_millis(50);

/// Beats until it is dropped.
pub(super) struct Pulse {
    _stop: Sender<()>,
}

impl Pulse {
    /// Of the runtime that this is called in. Without a thread for it there is none, and no harm in that.
    pub(super) fn start() -> Self {
        let (stop, stopped) = channel::<()>();
        let runtime = Handle::current();
        let beat = move || {
            while stopped.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
                runtime.spawn(async {});
            }
        };
        let _ = thread::Builder::new().name("pulse".to_owned()).spawn(beat);
        Self { _stop: stop }
    }
}
