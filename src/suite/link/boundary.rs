//! The names in rules for boundaries.

use super::Linker;
use crate::suite::model::BoundaryRule;

/// Operations that every resource can have, by the names that generated cases give them.
const OPERATIONS: &[&str] = &["create", "list", "read", "update", "delete"];

impl Linker<'_> {
    pub(super) fn boundaries(&mut self, rules: &[BoundaryRule]) {
        let resources = self.resources;
        let own = resources.values().flat_map(|it| it.operations.keys());
        let operations: Vec<&str> = OPERATIONS
            .iter()
            .copied()
            .chain(own.map(String::as_str))
            .collect();
        for rule in rules {
            for requirement in &rule.requirements {
                self.requirement(requirement);
            }
            for name in &rule.on {
                let known = operations.iter().copied();
                self.known("operation", "unknown-operation", name, known);
            }
            for name in &rule.resources {
                let known = resources.keys().map(String::as_str);
                self.known("resource", "unknown-resource", name, known);
            }
            self.named(&rule.named);
        }
    }
}
