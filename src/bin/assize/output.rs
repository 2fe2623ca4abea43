//! Writing to the terminal: data to stdout, progress and complaints to stderr, and no panic on a closed pipe.

use std::io::{IsTerminal as _, Write as _};
use std::sync::OnceLock;

use assize::runner::caught;
use assize::source::Diagnostic;

/// Writes data to stdout.
pub(crate) fn say(text: &str) -> anyhow::Result<()> {
    // Whether colours are wanted does not change, and asking takes a call of the system.
    static COLOURS: OnceLock<anstream::ColorChoice> = OnceLock::new();
    let stdout = std::io::stdout();
    let colours = *COLOURS.get_or_init(|| anstream::AutoStream::choice(&stdout));
    let mut out = anstream::AutoStream::new(stdout.lock(), colours);
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Writes to stderr; there is nothing to be done when even that fails.
pub(crate) fn complain(text: &str) {
    let mut err = anstream::stderr().lock();
    let _ = err.write_all(text.as_bytes());
    let _ = err.flush();
}

/// Whether stdout is looked at by a person.
pub(crate) fn stdout_is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Whether text for this stream may carry colours; `anstream` strips them where they are not wanted.
pub(crate) fn styled(terminal: bool) -> bool {
    terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Problems that are shown with their lines; nobody reads more at once.
const SHOWN: usize = 100;

/// Writes the diagnostics of a suite to stderr, with their number at the end.
pub(crate) fn diagnostics(found: &[Diagnostic]) {
    let styled = styled(std::io::stderr().is_terminal());
    for diagnostic in found.iter().take(SHOWN) {
        complain(&format!("{}\n\n", diagnostic.render(styled)));
    }
    if found.len() > SHOWN {
        complain(&format!("and {} more\n\n", found.len() - SHOWN));
    }
    let problems = if found.len() == 1 {
        "problem"
    } else {
        "problems"
    };
    complain(&format!(
        "{} {problems} found; `assize explain CODE` says more of a code in brackets\n",
        found.len()
    ));
}

/// This program failed, as its text says.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Failed(String);

/// What comes of work in which this program may fail; others go on then.
pub(crate) fn guarded<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let shown = |why: String| why.replace(char::is_control, " ");
    caught(work).unwrap_or_else(|why| Err(Failed(shown(why)).into()))
}

/// Whether an error is only that nobody reads any more.
pub(crate) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_that_tells_its_place_and_obeys_nothing() {
        let wrong = guarded::<()>(|| panic!("it is {}", "red\u{1b}[31m")).unwrap_err();
        assert!(wrong.is::<Failed>(), "{wrong:?}");
        let told = wrong.to_string();
        let place = "this program failed at src/bin/assize/output.rs:";
        assert!(told.starts_with(place), "{told}");
        assert!(
            told.ends_with(": it is red [31m; please report it"),
            "{told}"
        );
        let other = guarded(|| anyhow::bail!("a file is missing")).map(|()| 1);
        assert!(!other.unwrap_err().is::<Failed>());
    }
}
