//! assize holds an HTTP endpoint to a contract: it loads declarative scenarios, puts the endpoint into the
//! state that each one names, sends the request, judges the answer and what it left behind, cleans up, and
//! turns the verdicts into reports.
//!
//! The modules stand in the order in which a run passes through them; each imports only from those above it.

pub mod source;

pub mod secret;

pub mod exchange;

pub mod suite;
pub mod template;

pub mod tape;

pub mod target;

pub mod oracle;

pub mod case;
pub mod check;

pub mod plan;

pub mod outcome;
pub mod proof;

pub mod waiver;

pub mod runner;

pub mod report;

#[cfg(feature = "libtest")]
pub mod libtest;

#[cfg(feature = "emulator")]
pub mod emulator;
