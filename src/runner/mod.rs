//! Running a plan against a target.
//!
//! The dispatcher starts cases and puts what comes of them in order; the executor runs one case; the session
//! is its conversation with the endpoint. Nothing here prints.

mod dispatcher;
mod executor;
mod lease;
mod object;
mod session;
mod transport;

use std::sync::Arc;

pub use dispatcher::{Options, run};
pub use transport::SetupError;

use crate::exchange::{Exchange, Response};
use crate::suite::model::Suite;
use crate::target::Target;
use crate::template::Scope;
use lease::Leases;
use tokio_util::sync::CancellationToken;
use transport::Transport;

/// What all cases of a run share.
struct Context {
    suite: Arc<Suite>,
    target: Arc<Target>,
    transport: Transport,
    /// The names that do not depend on the case.
    scope: Scope,
    run_id: String,
    leases: Leases,
    cancel: CancellationToken,
    strict: bool,
}

/// The exchange with every secret replaced by its name.
fn redacted(target: &Target, mut exchange: Exchange) -> Exchange {
    let bytes = |bytes: Vec<u8>| match String::from_utf8(bytes) {
        Ok(text) => target.redact(&text).into_bytes(),
        Err(error) => error.into_bytes(),
    };
    let headers = |headers: Vec<(String, String)>| {
        headers
            .into_iter()
            .map(|(name, value)| (name, target.redact(&value)))
            .collect()
    };
    exchange.request.url = target.redact(&exchange.request.url);
    exchange.request.headers = headers(exchange.request.headers);
    exchange.request.body = bytes(exchange.request.body);
    exchange.response = exchange.response.map(|response| Response {
        status: response.status,
        headers: headers(response.headers),
        body: bytes(response.body),
    });
    exchange
}
