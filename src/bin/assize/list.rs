//! `assize list`: what there is to run, and what shows which requirement.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use assize::case::{Case, Expansion, LeftOut, coverage, expand};
use assize::plan::{Filter, Plan, Planned};
use assize::suite::model::{Level, Suite};
use assize::target::{Limits, Target};

use crate::output::{complain, say};
use crate::{USAGE, args, select, shard};

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
    let mut generate = arguments
        .generate
        .with_seed(arguments.generate.seed.unwrap_or(0));
    // Some requirements are shown by generated cases alone.
    generate.boundary |= arguments.requirements;
    let expansion = expand(&suite, &target, &generate);
    let mut plan = Plan::new(&suite, expansion.cases.clone(), &filter, &target)?;
    let empty = plan.cases.is_empty();
    if let Some(shard) = shard::asked(&arguments.shard)? {
        plan = plan.sharded(&suite, shard);
    }
    let text = if arguments.requirements {
        requirements(&suite, &plan, target.profile_name())
    } else if arguments.coverage {
        let cases: Vec<&Case> = plan.runnable().collect();
        crate::coverage::text(&coverage(&suite, &target, &cases))
    } else if arguments.omitted {
        omitted(&expansion, &filter)?
    } else {
        cases(&plan) + &left_out(&plan, &expansion.left_out)
    };
    say(&text)?;
    if empty && !arguments.omitted {
        complain(&select::nothing(&suite, &filter, expansion.cases));
        return Ok(4);
    }
    Ok(0)
}

fn cases(plan: &Plan) -> String {
    let mut text = String::new();
    for planned in &plan.cases {
        let case = planned.case();
        let _ = write!(text, "{}\t{}", case.id(), case.title());
        if let Some(reason) = planned.skip() {
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

/// How many combinations are no cases, by scenario and what left them out.
pub(crate) fn left_out(plan: &Plan, left_out: &[LeftOut]) -> String {
    let mut text = String::new();
    let is_planned = |left_out: &&LeftOut| {
        let of = |planned: &Planned| Arc::ptr_eq(&planned.case().scenario, &left_out.scenario);
        plan.cases.iter().any(of)
    };
    for LeftOut {
        scenario,
        why,
        count,
        ..
    } in left_out.iter().filter(is_planned)
    {
        let count = match count {
            None => "more combinations than can be counted are".to_owned(),
            Some(1) => "1 combination is".to_owned(),
            Some(count) => format!("{count} combinations are"),
        };
        let _ = writeln!(
            text,
            "{count} left out by {why} in {}; `assize list --omitted` names them",
            scenario.id
        );
    }
    text
}

/// What is no case and would be selected as one.
fn omitted(expansion: &Expansion, filter: &Filter) -> anyhow::Result<String> {
    let wants = filter.wants()?;
    let mut text = String::new();
    for left_out in &expansion.left_out {
        let LeftOut { scenario, why, .. } = left_out;
        for id in left_out.ids().filter(|id| wants(id, &scenario.tags)) {
            let _ = writeln!(text, "{id}\tleft out by {why}");
        }
        if left_out.count.is_none() && wants(&scenario.id, &scenario.tags) {
            let id = &scenario.id;
            let _ = writeln!(text, "{id}/…\tmore than can be counted, left out by {why}");
        }
    }
    for omitted in &expansion.omitted {
        let _ = writeln!(text, "{}\tnot generated: {}", omitted.id, omitted.why);
    }
    Ok(text)
}

/// Requirement → cases; a requirement without one that runs is marked.
fn requirements(suite: &Suite, plan: &Plan, profile: Option<&str>) -> String {
    let mut shown: BTreeMap<&str, Vec<Cow<'_, str>>> = BTreeMap::new();
    for case in plan.runnable() {
        for id in case.requirements() {
            shown.entry(id).or_default().push(case.id());
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
        let (generated, written): (Vec<&str>, Vec<&str>) = cases
            .iter()
            .map(|id| &**id)
            .partition(|id| id.starts_with("generated/"));
        for case in written {
            let _ = writeln!(text, "    {case}");
        }
        if !generated.is_empty() {
            let _ = writeln!(text, "    {} cases of --generate", generated.len());
        }
    }
    let _ = writeln!(
        text,
        "{} requirements, {uncovered} uncovered",
        suite.requirements.len()
    );
    text
}
