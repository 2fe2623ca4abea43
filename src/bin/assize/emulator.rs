//! The embedded emulator as the command line knows it.

use std::net::SocketAddr;

use assize::emulator::{Config, Dialect, Emulator, Running};
use assize::suite::model::Suite;
use assize::target::Target;

use crate::args;

impl From<args::Dialect> for Dialect {
    fn from(dialect: args::Dialect) -> Self {
        match dialect {
            args::Dialect::OtcV2 => Self::OtcV2,
            args::Dialect::Octavia => Self::Octavia,
            args::Dialect::NeutronLbaas => Self::NeutronLbaas,
        }
    }
}

/// The dialect of that name.
pub(crate) fn dialect(name: &str) -> Option<Dialect> {
    use clap::ValueEnum as _;
    args::Dialect::from_str(name, false).ok().map(Dialect::from)
}

/// The emulator's settings for a run of many cases at once: a stock neutron-lbaas allows ten pools a project,
/// fewer than the lanes of a run ask for, and otc-v2 a hundred listeners.
pub(crate) fn config(dialect: Dialect, seed: u64) -> Config {
    let mut config = Config::new(dialect);
    config.seed = seed;
    let quotas = &mut config.quotas;
    for quota in [
        &mut quotas.load_balancers,
        &mut quotas.listeners,
        &mut quotas.pools,
        &mut quotas.members,
        &mut quotas.l7_policies,
    ] {
        *quota = quota.map(|room| room.max(2000));
    }
    config
}

/// Starts an emulator on a free port of the loopback interface.
pub(crate) async fn start(dialect: Dialect, seed: u64) -> std::io::Result<Running> {
    let config = config(dialect, seed);
    Ok(
        Emulator::bind(config, SocketAddr::from(([127, 0, 0, 1], 0)))
            .await?
            .serve(),
    )
}

/// The token that the emulator gives to whoever owns everything.
const OWNER_TOKEN: &str = "assize-owner";

/// A file of plain steps says nothing of tokens; the emulator asks for one.
pub(crate) fn identify(target: &mut Target, suite: &Suite) {
    if suite.identities.is_empty() {
        let headers = vec![("X-Auth-Token".to_owned(), OWNER_TOKEN.to_owned())];
        target.identities.insert("owner".to_owned(), headers);
    }
}
