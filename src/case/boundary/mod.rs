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

use super::{Case, Omitted};
use crate::suite::model::Suite;
use crate::target::Target;

/// All boundary cases of a suite for a target, and what could not be tried; none without an OpenAPI
/// description.
pub(super) fn cases(suite: &Suite, target: &Target) -> (Vec<Case>, Vec<Omitted>) {
    let (mut cases, mut omitted) = (Vec::new(), Vec::new());
    let Some(api) = &suite.openapi else {
        return (cases, omitted);
    };
    for resource in suite.resources.values() {
        for site in site::sites(suite, api, target.profile_name(), resource) {
            let fields = field::probes(&site, target).unwrap_or_else(|why| {
                let id = format!("generated/boundary/{}/{}/body", resource.name, site.name);
                omitted.push(Omitted { id, why });
                Vec::new()
            });
            let probes = path::probes(&site)
                .into_iter()
                .chain(token::probes(&site, suite, target))
                .chain(method::probes(&site))
                .chain(extra::probes(&site))
                .chain(body::probes(&site))
                .chain(fields);
            cases.extend(probes.map(|probe| stage::case(suite, target, &site, probe)));
        }
    }
    (cases, omitted)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use super::*;
    use crate::suite::{Files, Selection, load};
    use crate::target::Limits;

    #[test]
    fn every_operation_of_the_shipped_suite_is_tried_under_every_profile() {
        let files = Files::Directory {
            root: Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf(),
            prefix: String::new(),
            here: None,
        };
        let selection = Selection {
            suite: Some(files),
            scenarios: None,
            variables: Vec::new(),
        };
        let suite = load(&selection).unwrap_or_else(|found| panic!("{found:?}"));
        for profile in suite.profiles.keys() {
            let target = Target::new(
                &suite,
                "http://h",
                Some(profile),
                &BTreeMap::new(),
                Limits::STANDARD,
            )
            .unwrap_or_else(|error| panic!("{error}"));
            let (cases, omitted) = cases(&suite, &target);
            assert_eq!(omitted, [], "{profile}");
            assert!(cases.len() > 2000, "{profile}: {}", cases.len());
            let ids: BTreeSet<_> = cases.iter().map(Case::id).collect();
            assert_eq!(ids.len(), cases.len(), "{profile}: ids are unique");
            for resource in suite.resources.keys() {
                for operation in ["create", "list", "read", "update", "delete"] {
                    let head = format!("generated/boundary/{resource}/{operation}/");
                    let own = || ids.iter().filter_map(|id| id.strip_prefix(head.as_str()));
                    let has = |place: &str| own().any(|id| id.starts_with(place));
                    assert!(has("token/"), "{profile} {head}");
                    let fields = ["create", "update"].contains(&operation);
                    assert_eq!(has("body."), fields, "{profile} {head}");
                }
            }
        }
    }
}
