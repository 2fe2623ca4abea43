//! Endpoints, clients and suites that mean harm. Whatever they do, the program says what is wrong within its time, stays small,
//! and goes on with what is left.
#![cfg(all(feature = "cli", unix))]
#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

mod clients;
mod files;
mod run;
mod served;
mod server;
mod servers;
mod strangers;
mod suites;
mod table;
