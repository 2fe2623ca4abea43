//! Which names are known, and what is said of one that is not.

use std::collections::BTreeSet;

use super::Linker;
use crate::source::{Diagnostic, Spanned};
use crate::suite::read::Found;
use crate::template::Expr;

/// Names that every expression may use.
pub(super) const EVERYWHERE: &[&str] = &["unique_name", "run_id", "case_id", "profile", "omit"];

/// Functions of the expressions' language: they are known, and not worth a place in a list of names.
pub(super) const FUNCTIONS: &[&str] = &["range", "dict", "namespace"];

/// Names that what a step says of its answers may use as well.
pub(super) const ANSWERS: &[&str] = &["statuses"];

/// Names that a decision table may use as well.
pub(super) const STATE: &[&str] = &["all", "children", "gone"];

/// Names that `check` and `observe` may use as well.
pub(super) const AFTERMATH: &[&str] = &["before", "after"];

impl Linker<'_> {
    pub(super) fn known<'n>(
        &mut self,
        what: &str,
        code: &'static str,
        name: &Spanned<String>,
        known: impl Iterator<Item = &'n str> + Clone,
    ) -> bool {
        if known.clone().any(|known| known == name.value) {
            return true;
        }
        let known: Vec<&str> = known.collect();
        let mut diagnostic = Diagnostic::new(
            code,
            &name.span,
            format!("there is no {what} `{}`", name.value),
        )
        .label("not found")
        .nearest(&name.value, known.iter().copied());
        if diagnostic.help.is_none() {
            diagnostic = diagnostic.help(match (known.is_empty(), what) {
                (false, _) => format!("there are: {}", shorten(&known)),
                (true, "given object") => {
                    "the scenario is given nothing: list the object under `given`".to_owned()
                }
                (true, "answer") => {
                    "answers are named by profiles; declare it there, or name a profile's file under `use`".to_owned()
                }
                (true, _) => {
                    format!("the suite has no {what}; add one, or name its file under `use`")
                }
            });
        }
        self.found.push(diagnostic);
        false
    }

    /// Reports the names that an expression uses and that are not there.
    pub(super) fn names(&mut self, expr: &Expr, more: &[impl AsRef<str>]) {
        let known = more
            .iter()
            .map(AsRef::as_ref)
            .chain(EVERYWHERE.iter().copied())
            .chain(self.variables.iter().map(String::as_str));
        names(expr, known, self.found);
        for name in expr.names() {
            let Some(feature) = name
                .strip_prefix("profile.")
                .and_then(|rest| rest.split('.').next())
            else {
                continue;
            };
            for profile in self.profiles.values() {
                if !["name", "title"].contains(&feature) && profile.features.get(feature).is_none()
                {
                    let known = self
                        .profiles
                        .values()
                        .filter_map(|profile| profile.features.as_object())
                        .flat_map(|features| features.keys().map(String::as_str));
                    self.found.push(
                        Diagnostic::new(
                            "unknown-name",
                            &expr.span,
                            format!("the profile `{}` has no feature `{feature}`", profile.name),
                        )
                        .label("used here")
                        .help("declare it under `features` of every profile")
                        .nearest(feature, known),
                    );
                }
            }
        }
    }
}

pub(super) fn names<'n>(
    expr: &Expr,
    known: impl Iterator<Item = &'n str> + Clone,
    found: &mut Found,
) {
    let all = || known.clone().chain(FUNCTIONS.iter().copied());
    let is_unknown = |root: &&str| all().all(|name| name != *root);
    for root in expr.roots().filter(is_unknown).collect::<BTreeSet<_>>() {
        let known: Vec<&str> = known.clone().collect();
        found.push(
            Diagnostic::new(
                "unknown-name",
                &expr.span,
                format!("there is no `{root}` here"),
            )
            .label("used here")
            .help(if known.is_empty() {
                "no name is known here; declare it under `variables`".to_owned()
            } else {
                format!("known here: {}", shorten(&known))
            })
            .nearest(root, all()),
        );
    }
}

fn shorten(names: &[&str]) -> String {
    let names: Vec<&str> = names
        .iter()
        .copied()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    if names.len() > 12 {
        format!("{}, … ({} in all)", names[..12].join(", "), names.len())
    } else {
        names.join(", ")
    }
}
