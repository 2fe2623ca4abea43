//! Random races: a few objects, and then several operations on them at the same time, which are held to some
//! order of themselves.
//!
//! A race is drawn like a walk, from the decision tables alone; but none of its operations knows what the
//! others do.

use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::Case;
use super::sequence::Walk;
use crate::suite::model::{Action, Expect, Given, Scenario, Scope as Sharing, Step, Suite};
use crate::target::Target;
use crate::template::EvalError;

/// So many operations are drawn for one that is about what the others are about.
const TRIES: usize = 12;

/// A random race as a case.
///
/// # Errors
/// An expression of a decision table that knows a field which no line sets.
pub(super) fn case(
    suite: &Suite,
    target: &Target,
    seed: u64,
    index: usize,
) -> Result<Option<Case>, EvalError> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(index as u64);
    let base = target.scope();
    let mut walk = Walk::new(suite, &base);
    for _ in 0..rng.random_range(2..=5) {
        walk.go(&mut rng, true)?;
    }
    let begin = walk.state.clone();
    // What several of the operations are about, so that they get in each other's way.
    let own: Vec<&Given> = (walk.given.iter())
        .filter(|given| given.scope == Sharing::Case)
        .collect();
    let focus = own.choose(&mut rng).map(|given| given.alias.clone());
    for _ in 0..rng.random_range(2..=12) {
        let focus = focus.as_ref().filter(|_| rng.random_bool(0.6));
        for _ in 0..TRIES {
            walk.go(&mut rng, false)?;
            // The next one is drawn as if this one had not been.
            walk.state = begin.clone();
            walk.aliases.truncate(begin.len());
            match (focus, walk.steps.last()) {
                (Some(focus), Some(step)) if !involves(step, focus) => walk.steps.pop(),
                _ => break,
            };
        }
    }
    let parts: Vec<Step> = walk
        .steps
        .into_iter()
        .map(|step| Step {
            then: Vec::new(),
            ..step
        })
        .collect();
    if parts.len() < 2 {
        return Ok(None);
    }
    let title = format!("random race {index} of seed {seed}");
    let why = format!(
        "race {index} of seed {seed}: {} operations at the same time, held to the decision tables in some order",
        parts.len()
    );
    let step = Step {
        then: vec![Expect::contract(&walk.span)],
        ..Step::plain(Action::Together(parts), &walk.span)
    };
    let scenario = Scenario::generated(
        "generated/races",
        &format!("{seed}-{index}"),
        title,
        "race",
        &walk.span,
        walk.given,
        vec![step],
    );
    Ok(Some(Case::generated(scenario, why)))
}

/// Whether an operation is carried out on an object, or needs it, or names it.
fn involves(step: &Step, alias: &str) -> bool {
    let mut named = false;
    for (_, value) in &step.with {
        value.for_each_expr(&mut |expr| named |= expr.roots().any(|root| root == alias));
    }
    named
        || match &step.action {
            Action::Operation(_, on) => on.value == alias,
            Action::Create(_, binds) => binds.iter().any(|(_, need)| need == alias),
            Action::Request(_) | Action::Fragment(_) | Action::Together(_) => false,
        }
}
