//! assize holds an HTTP endpoint to a contract.

pub mod source;
pub mod exchange;
pub mod suite;
pub mod template;
pub mod target;
pub mod case;
pub mod check;
pub mod plan;
pub mod outcome;
pub mod runner;
pub mod report;

#[cfg(feature = "emulator")]
pub mod emulator;
