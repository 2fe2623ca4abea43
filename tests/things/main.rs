//! The runner against a small API with state, and with faults.

#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

mod boundary;
mod leases;
mod server;
