//! Methods that a path does not have.

use super::probe::{Hits, Probe};
use super::site::{Effect, Site};
use crate::suite::model::{BodyTemplate, Boundary, RequestTemplate};

const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE"];

/// A server may have these on any path, or on none (RFC 9110, sections 9.1 and 9.3).
const UNUSUAL: &[&str] = &["HEAD", "OPTIONS", "TRACE", "PURGE"];

/// The methods that the path does not have, with the content that creates or changes an object where they
/// could carry some. A path is tried once: by the operation that reads what is there.
pub(super) fn probes(site: &Site<'_>) -> Vec<Probe> {
    if site.effect != Effect::Reads {
        return Vec::new();
    }
    let others = METHODS
        .iter()
        .map(|method| (*method, Boundary::MethodOther));
    let unusual = UNUSUAL
        .iter()
        .map(|method| (*method, Boundary::MethodUnusual));
    others
        .chain(unusual)
        .filter(|(method, _)| !site.described.methods.iter().any(|own| own == method))
        .map(|(method, of)| {
            let body = match method {
                "POST" | "PUT" | "PATCH" => site.resource.create.request.body.clone(),
                _ => BodyTemplate::Empty,
            };
            Probe {
                place: "method".to_owned(),
                field: String::new(),
                name: method.to_owned(),
                about: method.to_owned(),
                of,
                hits: Hits::Nothing,
                request: RequestTemplate {
                    method: method.to_owned(),
                    body,
                    ..site.request.clone()
                },
                identity: None,
            }
        })
        .collect()
}
