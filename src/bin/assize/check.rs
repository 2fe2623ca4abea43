//! `assize check`: everything that is wrong with a suite, at once.

use crate::output::say;
use crate::{USAGE, args, select};

pub(crate) fn check(arguments: &args::Check) -> anyhow::Result<u8> {
    let variables = select::variables(&[])?;
    match select::suite(&arguments.suite, &variables)? {
        None => Ok(USAGE),
        Some(suite) => {
            say(&format!(
                "{}: {} scenarios, {} requirements, {} resources, {} profiles: nothing to object to\n",
                suite.name,
                suite.scenarios.len(),
                suite.requirements.len(),
                suite.resources.len(),
                suite.profiles.len()
            ))?;
            Ok(0)
        }
    }
}
