//! The mutants that a suite calls equivalent.

use assize::proof::{Fate, Mutant};
use globset::{Glob, GlobMatcher};

use super::Prover;

/// Mutants that no case can notice, and why.
pub(super) struct Excuse<'a> {
    /// A glob over their ids.
    pub(super) pattern: &'a str,
    /// The reason that the suite gives.
    pub(super) because: &'a str,
    glob: GlobMatcher,
}

impl Excuse<'_> {
    pub(super) fn covers(&self, mutant: &str) -> bool {
        self.glob.is_match(mutant)
    }
}

impl Prover<'_> {
    /// What the suite excuses under this profile.
    pub(super) fn excuses(&self) -> Vec<Excuse<'_>> {
        let profile = self
            .profile
            .as_ref()
            .or(self.suite.default_profile.as_ref());
        let lines = self.suite.equivalents.iter().filter(|line| {
            let mut names = line.profiles.iter();
            line.profiles.is_empty() || names.any(|name| Some(&name.value) == profile)
        });
        let each = lines.flat_map(|line| line.mutants.iter().map(move |it| (line, it)));
        // The suite was read, so that every pattern is one.
        let excuses = each.filter_map(|(line, pattern)| {
            Some(Excuse {
                pattern: &pattern.value,
                because: &line.because,
                glob: Glob::new(&pattern.value).ok()?.compile_matcher(),
            })
        });
        excuses.collect()
    }

    /// Marks what the suite calls equivalent, and names the lines that are of no use here.
    pub(super) fn excuse(&self, mutants: &mut [Mutant]) -> Vec<String> {
        let everything = self.wanted.ids.is_empty()
            && self.arguments.selection.filter.is_empty()
            && self.arguments.selection.tag.is_empty()
            && self.arguments.suite.paths.is_empty();
        let mut unused = Vec::new();
        for excuse in self.excuses() {
            let mut used = false;
            for mutant in mutants.iter_mut().filter(|it| excuse.covers(&it.id)) {
                let escaped = mutant.escaped();
                used |= escaped || matches!(mutant.fate, Fate::Equivalent(_));
                if escaped {
                    mutant.fate = Fate::Equivalent(excuse.because.to_owned());
                }
            }
            if !used && everything {
                unused.push(excuse.pattern.to_owned());
            }
        }
        unused
    }
}
