//! assize holds an HTTP endpoint to a contract.

pub mod source;
pub mod exchange;
pub mod suite;
pub mod check;
pub mod template;

#[cfg(feature = "emulator")]
pub mod emulator;
