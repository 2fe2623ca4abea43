//! assize holds an HTTP endpoint to a contract.

#[cfg(feature = "emulator")]
pub mod emulator;
