//! `assize diff`: what changed between two reports.

use assize::report::compare::compare;

use crate::output::say;
use crate::{args, rerun};

pub(crate) fn diff(arguments: &args::Diff) -> anyhow::Result<u8> {
    let one = rerun::report(&arguments.one)?;
    let other = rerun::report(&arguments.other)?;
    let names = [&arguments.one, &arguments.other].map(|path| path.display().to_string());
    let compared = compare(&one, &other, [&names[0], &names[1]]);
    say(&compared.text)?;
    Ok(u8::from(compared.differs))
}
