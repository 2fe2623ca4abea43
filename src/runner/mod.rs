//! Running a plan against a target.
//!
//! The dispatcher starts cases and puts what comes of them in order; the executor runs one case; the session
//! is its conversation with the endpoint. Nothing here prints.

mod dispatcher;
mod executor;
mod failure;
mod guard;
mod identity;
mod lease;
mod ledger;
mod look_up;
mod mutants;
mod object;
mod options;
mod order;
mod pace;
mod pulse;
mod queue;
mod quota;
mod redact;
mod room;
mod session;
mod shrink;
mod standstill;
mod sweep;
mod tamper;
mod track;
mod transport;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

pub use dispatcher::{RunError, run};
pub use failure::caught;
pub use identity::catalogued;
pub use ledger::{Damage, EXTENSION, Header, Intent, LedgerError, Recorded, Standing};
pub use mutants::{Mutation, mutations};
pub use options::{Evidence, Options, Playback};
pub use quota::{NoQuota, Shortage};
pub use room::NoRoom;
pub use sweep::{Found, Sweep, sweep};
pub use tamper::{Act, Falsehood, Tamper};
pub use transport::SetupError;

use crate::suite::model::Suite;
use crate::target::Target;
use crate::template::Scope;
use failure::caught_in;
use identity::Identities;
use lease::Leases;
use ledger::Ledger;
use pace::Pace;
use room::Rooms;
use session::Stop;
use tokio_util::sync::CancellationToken;
use track::Track;
use transport::Transport;

/// What a case knows of its run.
struct Context {
    shared: Arc<Shared>,
    track: Track,
}

impl Deref for Context {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

impl Context {
    /// What becomes of work, unless this program fails in it, or everything is left at once.
    fn kept<T>(&self, work: impl Future<Output = T>) -> impl Future<Output = Result<T, Stop>> {
        // On the heap: where one of these is within another, they are large together.
        let work = (!self.at_once.is_cancelled()).then(|| Box::pin(caught_in(work)));
        async move {
            let Some(work) = work else {
                return Err(Stop::Interrupted);
            };
            tokio::select! {
                biased;
                // Whatever has something to put in order within it does so first.
                done = work => done.map_err(Stop::Unjudged),
                () = self.at_once.cancelled() => Err(Stop::Interrupted),
            }
        }
    }

    /// The same for what belongs to no case.
    fn aside(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            track: Track::Off,
        }
    }
}

/// What all cases of a run share.
struct Shared {
    suite: Arc<Suite>,
    target: Arc<Target>,
    /// Whether the endpoint is this machine's own address.
    on_loopback: bool,
    transport: Transport,
    identities: Identities,
    pace: Pace,
    rooms: Rooms,
    /// The names that do not depend on the case.
    scope: Scope,
    run_id: String,
    leases: Leases,
    /// Where it is noted what is created, before it is.
    ledger: Option<Ledger>,
    cancel: CancellationToken,
    /// Whether even clean-up is stopped.
    at_once: CancellationToken,
    strict: bool,
    tamper: Option<Tamper>,
    grace: Option<Duration>,
}
