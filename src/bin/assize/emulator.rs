//! The embedded emulator as the command line knows it.

use std::net::SocketAddr;

use assize::emulator::{Config, Dialect, Emulator, Running};

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
pub(crate) const OWNER_TOKEN: &str = "assize-owner";
