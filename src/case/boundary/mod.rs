//! Boundary cases: every operation of every resource, tried at and beyond the boundaries of its description.
//!
//! Nothing here knows what the objects are. Where a value can stand is read from the operations and from the
//! OpenAPI description; which values are worth trying follows from the specifications of URIs (RFC 3986), of
//! HTTP (RFC 9110, RFC 9112) and of JSON Schema; what must come of them is what always holds, and what the
//! suite's own rules say. A case is an ordinary scenario of one step.

mod body;
mod extra;
mod field;
mod method;
mod path;
mod probe;
mod site;
mod stage;
mod token;
mod value;

use super::Case;
use crate::suite::model::Suite;
use crate::target::Target;

/// All boundary cases of a suite for a target; none without an OpenAPI description.
pub(super) fn cases(suite: &Suite, target: &Target) -> Vec<Case> {
    let Some(api) = &suite.openapi else {
        return Vec::new();
    };
    let mut cases = Vec::new();
    for resource in suite.resources.values() {
        for site in site::sites(suite, api, target.profile_name(), resource) {
            let probes = path::probes(&site)
                .into_iter()
                .chain(token::probes(&site, suite, target))
                .chain(method::probes(&site))
                .chain(extra::probes(&site))
                .chain(body::probes(&site))
                .chain(field::probes(&site, target));
            cases.extend(probes.map(|probe| stage::case(suite, target, &site, probe)));
        }
    }
    cases
}
