//! The shipped suite as trials of `cargo test`, each dialect of the emulator held to its own profile:
//! `ASSIZE_PROFILE` chooses one other than otc-v2.

#![expect(clippy::print_stderr, reason = "a test says why it cannot begin")]

use std::process::ExitCode;

use assize::emulator::{Config, Dialect, Emulator};
use assize::libtest::{Suite, test};

fn main() -> ExitCode {
    let profile = std::env::var("ASSIZE_PROFILE").unwrap_or_else(|_| "otc-v2".to_owned());
    let Some(dialect) = Dialect::ALL
        .into_iter()
        .find(|dialect| dialect.name() == profile)
    else {
        eprintln!("there is no dialect {profile}");
        return ExitCode::from(2);
    };
    let Ok(runtime) = tokio::runtime::Runtime::new() else {
        return ExitCode::from(2);
    };
    // A stock neutron-lbaas allows ten pools a project, fewer than the lanes of a run ask for.
    let mut config = Config::new(dialect);
    config.quotas.pools = config.quotas.pools.map(|pools| pools.max(500));
    config.quotas.load_balancers = config
        .quotas
        .load_balancers
        .map(|balancers| balancers.max(500));
    let bound = runtime.block_on(async {
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        Emulator::bind(config, address).await.map(Emulator::serve)
    });
    match bound {
        Ok(emulator) => test(
            Suite::new(emulator.url())
                .directory(env!("CARGO_MANIFEST_DIR"))
                .profile(profile),
        ),
        Err(error) => {
            eprintln!("the emulator cannot be started: {error}");
            ExitCode::from(2)
        }
    }
}
