//! What the runner costs, beside a hand-written loop on the same client that does the same work.
//!
//! `cargo bench` runs all of it and prints the ratios; `cargo bench -- --must` fails where one is not met, for a
//! machine that does nothing else. The endpoint, the yardstick and the runner are processes of their own, so
//! that each is charged with its own processor time and memory. `docs/performance.md` has the table.

#[cfg(unix)]
mod bench;
#[cfg(unix)]
mod measure;
#[cfg(unix)]
mod server;
#[cfg(unix)]
mod work;
#[cfg(unix)]
mod yardstick;

#[cfg(unix)]
fn main() -> anyhow::Result<std::process::ExitCode> {
    use std::process::ExitCode;
    use std::time::Duration;

    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve", millis] => server::serve(Duration::from_millis(millis.parse()?))?,
        ["yardstick", url, n, lanes] => yardstick::run(url, n.parse()?, lanes.parse()?)?,
        ["measure", ..] => measure::measure(&arguments[1..])?,
        flags => {
            // Cargo adds --bench.
            let must = flags.contains(&"--must");
            let met = bench::all()?;
            return Ok(ExitCode::from(u8::from(must && !met)));
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(not(unix))]
fn main() {
    say("processor time and memory of a process are measured on Unix only\n");
}

/// Writes to stdout.
#[cfg(unix)]
fn say(text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}
