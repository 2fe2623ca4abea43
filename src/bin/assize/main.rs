//! The command line: arguments in, exit code out. The only place that prints, exits, or reads the environment.

mod aim;
mod args;
mod artefact;
mod check;
mod coverage;
mod diff;
mod emulator;
mod evidence;
mod explain;
mod found;
mod github;
mod init;
mod lines;
mod list;
mod merge;
mod output;
mod prove;
mod replay;
mod reports;
mod rerun;
mod run;
mod schema;
mod select;
mod serve;
mod shard;
mod statement;
mod sweep;
mod verify;
mod waivers;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Arguments, Command};
use output::{Failed, complain};

/// A run makes and drops many small texts on all threads at once.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bad usage, a bad suite, or a file that cannot be used.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    tell_of_failures();
    let arguments = Arguments::parse();
    let result = output::guarded(|| match arguments.command {
        Command::Run(run) => run::run(*run),
        Command::Init(init) => init::init(&init),
        Command::Replay(replay) => replay::replay(&replay),
        Command::Verify(verify) => verify::verify(&verify),
        Command::Sweep(sweep) => sweep::sweep(&sweep),
        Command::List(list) => list::list(&list),
        Command::Check(check) => check::check(&check),
        Command::Diff(diff) => diff::diff(&diff),
        Command::Prove(prove) => prove::prove(&prove),
        Command::Serve(serve) => serve::serve(&serve),
        Command::Schema(schema) => schema::schema(&schema),
        Command::Explain(explain) => explain::explain(&explain),
        Command::Merge(merge) => merge::merge(&merge),
    });
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) if output::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("error: {error:#}\n"));
            ExitCode::from(if error.is::<Failed>() { 3 } else { USAGE })
        }
    }
}

/// Has this program tell where it failed, and nothing of what it failed at, which may be what a server sent.
fn tell_of_failures() {
    let traced = |value: std::ffi::OsString| value != "0";
    if std::env::var_os("RUST_BACKTRACE").is_some_and(traced) {
        return;
    }
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string);
        complain(&format!(
            "this program failed at {}; please report it\n",
            place.unwrap_or_default()
        ));
    }));
}
