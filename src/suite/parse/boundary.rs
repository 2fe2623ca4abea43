//! Rules for boundaries.

use crate::suite::model::{Boundary, BoundaryRule};
use crate::suite::read::{self, Fields, Found};
use crate::suite::shape;
use crate::suite::yaml::Node;

pub(super) fn boundaries(node: &Node<'_>, found: &mut Found) -> Vec<BoundaryRule> {
    let Some(fields) = Fields::open(node, &shape::BOUNDARIES, found) else {
        return Vec::new();
    };
    fields.many("boundaries", found, |node, found| {
        let fields = Fields::open(node, &shape::BOUNDARY, found)?;
        Some(BoundaryRule {
            span: node.span.clone(),
            of: fields.many("of", found, |node, found| {
                let word = read::word(node, shape::KINDS, found)?;
                Boundary::ALL.into_iter().find(|of| of.word() == word)
            }),
            on: fields.names("on", found),
            resources: fields.names("resource", found),
            fields: fields.names("field", found),
            named: fields.names("answer", found),
            status: fields.read("status", found, read::status),
            requirements: fields.names("requirements", found),
        })
    })
}
