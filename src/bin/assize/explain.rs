//! `assize explain`: what a requirement or a diagnostic means.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::bail;
use assize::case::{Case, Generate, expand};
use assize::source::nearest;
use assize::suite::codes::CODES;
use assize::suite::model::Requirement;
use assize::target::{Limits, Target};

use crate::output::say;
use crate::{USAGE, args, select};

pub(crate) fn explain(arguments: &args::Explain) -> anyhow::Result<u8> {
    if let Some(code) = CODES.iter().find(|code| code.name == arguments.id) {
        say(&format!(
            "{}\n\n{}\n\nWhat to do: {}\n",
            code.name, code.meaning, code.remedy
        ))?;
        return Ok(0);
    }
    let variables = select::variables(&[])?;
    let suite = args::Suite {
        paths: Vec::new(),
        suite: arguments.suite.suite.clone(),
    };
    let Some(suite) = select::suite(&suite, &variables)? else {
        return Ok(USAGE);
    };
    match suite
        .requirements
        .get(&arguments.id.to_uppercase())
        .or_else(|| suite.requirements.get(&arguments.id))
    {
        Some(found) => {
            let target = Target::new(
                &suite,
                "http://localhost",
                None,
                &BTreeMap::new(),
                Limits::STANDARD,
            )?;
            let cases = expand(&suite, &target, &Generate::default()).cases;
            let generated = suite.for_generated_cases().contains(found.id.as_str());
            say(&requirement(found, &cases, generated))?;
            Ok(0)
        }
        None => {
            let known = suite
                .requirements
                .keys()
                .map(String::as_str)
                .chain(CODES.iter().map(|code| code.name));
            match nearest(&arguments.id, known) {
                Some(near) => bail!(
                    "nothing is called `{}`; did you mean `{near}`?",
                    arguments.id
                ),
                None => bail!(
                    "nothing is called `{}`; name a requirement (`assize list --requirements`) or the code of a diagnostic",
                    arguments.id
                ),
            }
        }
    }
}

fn requirement(requirement: &Requirement, cases: &[Case], generated: bool) -> String {
    let mut text = format!("{}  {}\n\n", requirement.id, requirement.text);
    let _ = writeln!(text, "Level: {}", requirement.level);
    let _ = writeln!(text, "Source: {}", requirement.source);
    if let Some(origin) = &requirement.origin {
        let _ = writeln!(text, "Origin: {origin}");
    }
    let _ = writeln!(text, "Written in: {}", requirement.span.location());
    for name in requirement.profiles.keys() {
        let profile = Some(name.as_str());
        let _ = writeln!(
            text,
            "\nProfile {name}: {}\n  {}\n  Source: {}",
            requirement.level_for(profile),
            requirement.text_for(profile),
            requirement.source_for(profile)
        );
    }
    match &requirement.untested {
        Some(why) => {
            let _ = writeln!(text, "\nNo case shows it: {why}");
        }
        None if generated => {
            text.push_str("\nGenerated cases show it; `assize list --requirements` counts them.\n");
        }
        None => {
            text.push_str("\nCases that show it:\n");
            for case in cases
                .iter()
                .filter(|case| case.requirements().contains(&requirement.id.as_str()))
            {
                let _ = writeln!(text, "  {}  {}", case.id(), case.title());
            }
        }
    }
    text.push_str("\nTo leave its cases out of a run, select others with --filter or --tag; a profile that does not know it says `not_applicable` in the requirements file.\n");
    text
}
