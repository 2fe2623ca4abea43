//! `assize list`: what there is to run, and what shows which requirement.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use assize::case::expand;
use assize::plan::Plan;
use assize::suite::model::{Level, Suite};
use assize::target::{Limits, Target};

use crate::output::{complain, say};
use crate::{USAGE, args, select};

pub(crate) fn list(arguments: &args::List) -> anyhow::Result<u8> {
    let set = select::variables(&arguments.selection.variables)?;
    let Some(suite) = select::suite(&arguments.suite, &set)? else {
        return Ok(USAGE);
    };
    let target = Target::new(
        &suite,
        "http://localhost",
        arguments.selection.profile.as_deref(),
        &select::typed(&suite, &set),
        Limits::STANDARD,
    )?;
    let filter = select::filter(&arguments.selection);
    let generate = arguments
        .generate
        .with_seed(arguments.generate.seed.unwrap_or(0));
    let expansion = expand(&suite, &target, &generate);
    let plan = Plan::new(&suite, expansion.cases.clone(), &filter, &target)?;
    let text = if arguments.requirements {
        requirements(&suite, &plan, target.profile_name())
    } else {
        cases(&plan)
    };
    say(&text)?;
    if plan.cases.is_empty() {
        complain(&select::nothing(&suite, &filter, expansion.cases));
        return Ok(4);
    }
    Ok(0)
}

fn cases(plan: &Plan) -> String {
    let mut text = String::new();
    for planned in &plan.cases {
        let _ = write!(text, "{}\t{}", planned.case.id, planned.case.title);
        if let Some(reason) = &planned.skip {
            let _ = write!(text, "\tskipped: {reason}");
        }
        text.push('\n');
    }
    let skipped = plan.cases.len() - plan.runnable().count();
    let _ = writeln!(
        text,
        "{} cases, {skipped} of them skipped",
        plan.cases.len()
    );
    text
}

/// Requirement → cases; a requirement without one that runs is marked.
fn requirements(suite: &Suite, plan: &Plan, profile: Option<&str>) -> String {
    let mut shown: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for planned in plan.cases.iter().filter(|planned| planned.skip.is_none()) {
        for id in planned.case.requirements() {
            shown.entry(id).or_default().push(&planned.case.id);
        }
    }
    let mut text = String::new();
    let mut uncovered = 0;
    for requirement in suite.requirements.values() {
        let level = requirement.level_for(profile);
        let cases = shown
            .get(requirement.id.as_str())
            .map_or(&[][..], Vec::as_slice);
        let mark = match (cases.is_empty(), level, &requirement.untested) {
            (false, ..) => String::new(),
            (true, Level::NotApplicable, _) => "  – not applicable".to_owned(),
            (true, _, Some(why)) => format!("  – untested: {why}"),
            (true, _, None) => {
                uncovered += 1;
                "  ✗ UNCOVERED".to_owned()
            }
        };
        let origin = requirement.origin.as_deref().unwrap_or("-");
        let _ = writeln!(
            text,
            "{}  {level}  {origin}  {}{mark}",
            requirement.id,
            requirement.text_for(profile)
        );
        for case in cases {
            let _ = writeln!(text, "    {case}");
        }
    }
    let _ = writeln!(
        text,
        "{} requirements, {uncovered} uncovered",
        suite.requirements.len()
    );
    text
}
