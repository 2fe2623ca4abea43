//! The reports of real runs: what the program writes, read back by those who read it.
#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

mod again;
mod browser;
mod evidence;
mod hostile;
mod joined;
mod json;
mod page;
mod statement;
mod support;
mod waivers;
