//! A stateful stand-in for the OpenStack-LBaaS-v2 family, in three dialects.
//!
//! It is an independent oracle: it imports nothing of the rest of the crate, nothing in the library
//! imports it, and the engine reaches it by URL only, like any other endpoint.
//!
//! A request flows one way:
//!
//! ```text
//! bytes ─weather, keystone→ bytes
//! bytes ─api→ Action ─store::apply(now)→ Reply | Refusal ─api, dialect→ bytes
//! ```
//!
//! `store` is pure: no clock, no IO, no HTTP. Everything in which the vendors differ is a row of
//! `dialect::Rules` or an answer of `dialect::answer`, and nothing else looks at the dialect's name.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
//! use assize::emulator::{Config, Dialect, Emulator};
//!
//! let emulator = Emulator::bind(Config::new(Dialect::OtcV2), ([127, 0, 0, 1], 0).into()).await?;
//! let running = emulator.serve();
//! assert!(running.url().starts_with("http://127.0.0.1:"));
//! assert_eq!(running.objects(), 0);
//! running.shutdown().await
//! # }
//! ```

mod api;
mod config;
mod connection;
mod defect;
mod dialect;
mod keystone;
mod model;
mod refusal;
mod server;
mod store;
#[cfg(test)]
mod tests;
mod weather;

pub use config::{Access, Config, Identity, PROJECT_A, PROJECT_B, PROJECT_LIMITED, Quotas};
pub use defect::Defect;
pub use dialect::Dialect;
pub use server::{Emulator, Running};
