//! assize holds an HTTP endpoint to a contract.

pub mod case;
pub mod check;
pub mod exchange;
pub mod outcome;
pub mod plan;
pub mod report;
pub mod runner;
pub mod source;
pub mod suite;
pub mod target;
pub mod template;

#[cfg(feature = "emulator")]
pub mod emulator;
