//! What will run and what will not, with the reason: decided once, before the first request.

mod estimate;
mod shard;

use std::collections::BTreeSet;

use globset::{Glob, GlobSet, GlobSetBuilder};

use crate::case::Case;
use crate::suite::model::{Level, Step, Suite};
use crate::target::Target;
use crate::template::Scope;

pub use estimate::{Estimate, Objects, REQUEST, SETTLING, Work};
pub use shard::{Part, Shard, ShardError, suite_digest};

/// Which cases are wanted.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Parts or globs of case ids; a case that matches one of them is wanted. None: all.
    pub ids: Vec<String>,
    /// Tags; a case that has one of them is wanted. None: all.
    pub tags: Vec<String>,
    /// Exactly these cases, of those that are wanted otherwise.
    pub only: Option<BTreeSet<String>>,
}

impl Filter {
    /// What tells by id and tags whether a case is wanted.
    ///
    /// # Errors
    /// A pattern that is no glob.
    pub fn wants(&self) -> Result<impl Fn(&str, &BTreeSet<String>) -> bool, FilterError> {
        let globs = globs(&self.ids)?;
        Ok(move |id: &str, tags: &BTreeSet<String>| {
            self.only.as_ref().is_none_or(|only| only.contains(id))
                && (self.ids.is_empty()
                    || globs.is_match(id)
                    || self.ids.iter().any(|part| id.contains(part.as_str())))
                && (self.tags.is_empty() || self.tags.iter().any(|tag| tags.contains(tag)))
        })
    }

    /// The case whose id comes nearest to one of the wanted ones: what was meant, or what an id looks like.
    pub fn nearest<'a>(&self, cases: &'a [Case]) -> Option<&'a Case> {
        let distance = |wanted: &String, id: &str| {
            let wanted = wanted.replace(['*', '?'], "");
            let parts: Vec<&str> = id.split('/').collect();
            let length = wanted.split('/').count().min(parts.len());
            parts
                .windows(length)
                .map(|part| strsim::damerau_levenshtein(&wanted, &part.join("/")))
                .min()
        };
        cases.iter().min_by_key(|case| {
            let id = case.id();
            let distances = self.ids.iter().filter_map(|wanted| distance(wanted, &id));
            distances.min().unwrap_or(usize::MAX)
        })
    }
}

/// The cases of a run in their order, each with the reason if it will be skipped.
#[derive(Debug)]
pub struct Plan {
    /// What was selected.
    pub cases: Vec<Planned>,
    /// How many cases the filter left out.
    pub left_out: usize,
    /// What they are a part of, if others run the rest.
    pub part: Option<Part>,
}

/// One case of a plan. Most of them run, so that a reason takes room only where there is one.
#[derive(Debug)]
pub enum Planned {
    /// It runs.
    Run(Case),
    /// It does not, for this reason.
    Skip(Box<(Case, String)>),
}

impl Planned {
    /// A case, and why it will not run.
    pub fn new(case: Case, skip: Option<String>) -> Self {
        match skip {
            None => Self::Run(case),
            Some(reason) => Self::Skip(Box::new((case, reason))),
        }
    }

    /// The case.
    pub fn case(&self) -> &Case {
        match self {
            Self::Run(case) => case,
            Self::Skip(skip) => &skip.0,
        }
    }

    /// Why it will not run.
    pub fn skip(&self) -> Option<&str> {
        match self {
            Self::Run(_) => None,
            Self::Skip(skip) => Some(&skip.1),
        }
    }
}

/// A filter that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    /// The pattern is no glob.
    #[error(
        "`{pattern}` is no pattern: {why}; write part of a case id, or a glob such as `pools/delete/*/clean-*`"
    )]
    Pattern {
        /// As given.
        pattern: String,
        /// What is wrong with it.
        why: String,
    },
    /// No scenario has the tag.
    #[error("no scenario has the tag `{tag}`; there are: {known}")]
    Tag {
        /// As given.
        tag: String,
        /// The tags that there are.
        known: String,
    },
}

impl Plan {
    /// Selects the cases and decides which of them will be skipped.
    ///
    /// # Errors
    /// A pattern that is no glob, or a tag that no scenario has.
    pub fn new(
        suite: &Suite,
        cases: Vec<Case>,
        filter: &Filter,
        target: &Target,
    ) -> Result<Self, FilterError> {
        let wants = filter.wants()?;
        let tags: BTreeSet<&String> = cases.iter().flat_map(|case| &case.scenario.tags).collect();
        if let Some(tag) = filter.tags.iter().find(|tag| !tags.contains(tag)) {
            return Err(FilterError::Tag {
                tag: tag.clone(),
                known: tags.into_iter().cloned().collect::<Vec<_>>().join(", "),
            });
        }
        let before = cases.len();
        let scope = target.scope();
        // There may be many. What is planned is no larger than a case, and takes the place of the cases.
        let planned: Vec<Planned> = (cases.into_iter())
            .filter(|case| wants(&case.id(), &case.scenario.tags))
            .map(|case| {
                let skip = skip(suite, &case, target, &scope);
                Planned::new(case, skip.map(|skip| skip.reason))
            })
            .collect();
        let left_out = before - planned.len();
        Ok(Self {
            cases: planned,
            left_out,
            part: None,
        })
    }

    /// The cases that will run.
    pub fn runnable(&self) -> impl Iterator<Item = &Case> {
        self.cases.iter().filter_map(|planned| match planned {
            Planned::Run(case) => Some(case),
            Planned::Skip(_) => None,
        })
    }
}

fn globs(patterns: &[String]) -> Result<GlobSet, FilterError> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns
        .iter()
        .filter(|pattern| pattern.contains(['*', '?', '[', '{']))
    {
        set.add(Glob::new(pattern).map_err(|error| FilterError::Pattern {
            pattern: pattern.clone(),
            why: error.kind().to_string(),
        })?);
    }
    set.build().map_err(|error| FilterError::Pattern {
        pattern: patterns.join(" "),
        why: error.to_string(),
    })
}

/// Whether a profile has what a case is about. One that it has may be skipped all the same: for an identity that
/// is not configured, or a variable.
pub fn applies(suite: &Suite, case: &Case, target: &Target, scope: &Scope) -> bool {
    skip(suite, case, target, scope).is_none_or(|skip| !skip.by_profile)
}

/// Why a case will not run.
struct Skip {
    reason: String,
    /// Whether the profile alone decides it.
    by_profile: bool,
}

impl Skip {
    fn by_profile(reason: String) -> Self {
        Self {
            reason,
            by_profile: true,
        }
    }

    fn here(reason: String) -> Self {
        Self {
            reason,
            by_profile: false,
        }
    }
}

fn skip(suite: &Suite, case: &Case, target: &Target, scope: &Scope) -> Option<Skip> {
    let scenario = &case.scenario;
    let profile = target.profile_name();
    if !scenario.requirements.is_empty() {
        let levels = scenario
            .requirements
            .iter()
            .filter_map(|id| suite.requirements.get(&id.value))
            .map(|requirement| requirement.level_for(profile));
        if levels.max() == Some(Level::NotApplicable) {
            let ids: Vec<&str> = scenario
                .requirements
                .iter()
                .map(|id| id.value.as_str())
                .collect();
            return Some(Skip::by_profile(format!(
                "not applicable to profile {}: {}",
                profile.unwrap_or("none"),
                ids.join(", ")
            )));
        }
    }
    if let Some(expr) = &scenario.only_if {
        let mut scope = scope.clone();
        case.name_values(&mut scope);
        match expr.holds(&scope) {
            Ok(true) => {}
            Ok(false) => {
                let reason = match profile {
                    Some(profile) => {
                        format!("does not hold for profile {profile}: {}", expr.text())
                    }
                    None => format!("does not hold: {}", expr.text()),
                };
                let variable = |name: &str| target.variables.contains_key(name);
                return Some(if expr.roots().any(variable) {
                    Skip::here(reason)
                } else {
                    Skip::by_profile(reason)
                });
            }
            Err(error) => {
                return Some(Skip::here(format!("only_if cannot be decided: {error}")));
            }
        }
    }
    let steps: Vec<&Step> = scenario.steps.iter().chain(&scenario.finally).collect();
    let parts = steps.iter().flat_map(|step| step.parts());
    for identity in parts.filter_map(|step| step.identity.as_ref()) {
        // A suite without identities sends what the target says, and nothing for nobody.
        let plain = suite.identities.is_empty()
            && ["owner", "anonymous"].contains(&identity.value.as_str());
        if !plain && !target.identities.contains_key(&identity.value) {
            let why = target.unconfigured.get(&identity.value);
            return Some(Skip::here(format!(
                "identity `{}` is not configured{}",
                identity.value,
                why.map(|why| format!(": {why}")).unwrap_or_default()
            )));
        }
    }
    let expects = steps
        .iter()
        .flat_map(|step| &step.then)
        .chain(&scenario.then);
    for expect in expects.filter(|expect| expect.only_if.is_none() && !expect.named.is_empty()) {
        let known = |name: &str| {
            target
                .profile
                .as_ref()
                .is_some_and(|profile| profile.answers.contains_key(name))
        };
        if !expect.named.iter().any(|name| known(&name.value)) {
            let names: Vec<&str> = expect
                .named
                .iter()
                .map(|name| name.value.as_str())
                .collect();
            return Some(Skip::by_profile(format!(
                "profile {} declares no answer {}",
                profile.unwrap_or("none"),
                names.join(" or ")
            )));
        }
    }
    None
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::case::{Generate, expand};
    use crate::suite::{Files, MANIFEST_FILE, Selection, load};
    use crate::target::Limits;

    /// A suite of these files, and a target of which nothing is asked.
    pub(super) fn suite<const N: usize>(files: [(&str, &'static str); N]) -> (Suite, Target) {
        let files = files.map(|(name, text)| (name.to_owned(), text));
        let suite = load(&Selection {
            suite: Some(Files::Embedded(files.into())),
            scenarios: None,
            variables: Vec::new(),
        });
        let suite = suite.unwrap_or_else(|wrong| panic!("{wrong:?}"));
        let endpoint = "http://127.0.0.1";
        let target = Target::new(&suite, endpoint, None, &BTreeMap::new(), Limits::STANDARD);
        let target = target.unwrap_or_else(|wrong| panic!("{wrong}"));
        (suite, target)
    }

    /// All cases of such a suite.
    pub(crate) fn planned<const N: usize>(files: [(&str, &'static str); N]) -> Vec<Planned> {
        let (suite, target) = suite(files);
        let cases = expand(&suite, &target, &Generate::default()).cases;
        let plan = Plan::new(&suite, cases, &Filter::default(), &target);
        plan.unwrap_or_else(|wrong| panic!("{wrong}")).cases
    }

    /// There may be a hundred thousand, and a run keeps them all.
    #[test]
    fn a_plan_is_no_larger_than_its_cases_and_takes_their_place() {
        assert!(size_of::<Case>() <= 3 * size_of::<usize>());
        let text = "generate: { matrix: { a: [1, 2, 3, 4] } }\nonly_if: a != 2\nsteps: GET /a";
        let (suite, target) = suite([
            (MANIFEST_FILE, "suite: s\nscenarios: a.yaml"),
            ("a.yaml", text),
        ]);
        let cases = expand(&suite, &target, &Generate::default()).cases;
        let place = cases.as_ptr().addr();
        let plan = Plan::new(&suite, cases, &Filter::default(), &target).expect("no filter");
        assert_eq!(plan.cases.as_ptr().addr(), place);
        let skips: Vec<bool> = (plan.cases.iter())
            .map(|planned| planned.skip().is_some())
            .collect();
        assert_eq!(skips, [false, true, false, false]);
    }

    #[test]
    fn the_nearest_case_is_found_by_a_part_of_its_id() {
        let (suite, target) = suite([
            (MANIFEST_FILE, "suite: s\nscenarios: all"),
            (
                "all/pools/delete.yaml",
                "scenarios: [{ id: clean-pool, steps: GET /a }, { id: twice, steps: GET /b }]",
            ),
            ("all/members.yaml", "steps: GET /c"),
        ]);
        let cases = expand(&suite, &target, &Generate::default()).cases;
        for (wanted, near) in [
            (&["clena-pool"][..], "pools/delete/clean-pool"),
            (&["pool/delete/twice"], "pools/delete/twice"),
            (&["*/delet/twise"], "pools/delete/twice"),
            (&["a/very/long/path", "mebmers"], "members"),
        ] {
            let filter = Filter {
                ids: wanted.iter().map(|id| (*id).to_owned()).collect(),
                tags: Vec::new(),
                ..Filter::default()
            };
            let nearest = filter.nearest(&cases).map(Case::id);
            assert_eq!(nearest.as_deref(), Some(near), "{wanted:?}");
        }
        assert!(Filter::default().nearest(&[]).is_none());
    }
}
