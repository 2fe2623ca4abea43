//! Values in the place of what proves who sends: the header fields of the owner.

use super::probe::{Hits, Probe, repeated, template, text};
use super::site::{Effect, Site};
use crate::suite::model::{Boundary, RequestTemplate, Suite};
use crate::target::Target;
use crate::template::Template;

/// Those who are refused because of who they are, and what their proof is.
const OTHERS: &[(&str, &str, Boundary)] = &[
    ("other", "of another project", Boundary::TokenOther),
    ("expired", "that has expired", Boundary::TokenInvalid),
    (
        "readonly",
        "that may change nothing",
        Boundary::TokenReadonly,
    ),
];

pub(super) fn probes(site: &Site<'_>, suite: &Suite, target: &Target) -> Vec<Probe> {
    let Some(owner) = suite.identities.get("owner") else {
        return Vec::new();
    };
    let mut probes = Vec::new();
    for (field, proof) in &owner.headers {
        let mut push = |name: &str, about: &str, of, hits, values: Vec<Template>| {
            let mut request = site.request.clone();
            request
                .headers
                .extend(values.into_iter().map(|value| (field.clone(), value)));
            probes.push(probe(name, about, of, hits, request, None));
        };
        let span = site.span();
        let plain = |value: &str| Template::of(vec![text(value)], span);
        let longer = |before: &str, behind: &str| {
            let mut parts = vec![text(before)];
            parts.extend(proof.parts().iter().cloned());
            parts.push(text(behind));
            Template::of(parts, span)
        };
        use Boundary::{TokenAbsent, TokenDoubled, TokenInvalid, TokenLong};
        use Hits::{Nothing, Perhaps};
        let omit = vec![template("{{ omit }}", span)];
        push("absent", "left out", TokenAbsent, Nothing, omit);
        push("empty", "left empty", TokenAbsent, Nothing, vec![plain("")]);
        push(
            "word",
            "a word",
            TokenInvalid,
            Nothing,
            vec![plain("not-a-token")],
        );
        push(
            "one-more",
            "one character too long",
            TokenInvalid,
            Nothing,
            vec![longer("", "x")],
        );
        push(
            "quoted",
            "in quotes",
            TokenInvalid,
            Nothing,
            vec![longer("\"", "\"")],
        );
        push(
            "sql",
            "a quote and a condition",
            TokenInvalid,
            Nothing,
            vec![plain("' OR '1'='1")],
        );
        let long = vec![repeated('x', 8192, span)];
        push("long", "of 8192 characters", TokenLong, Nothing, long);
        let doubled = vec![proof.clone(), plain("not-a-token")];
        push(
            "doubled",
            "there twice, the right one first",
            TokenDoubled,
            Perhaps,
            doubled,
        );
        let doubled = vec![plain("not-a-token"), proof.clone()];
        push(
            "doubled-wrong-first",
            "there twice, the wrong one first",
            TokenDoubled,
            Perhaps,
            doubled,
        );
    }
    for (who, about, of) in OTHERS {
        let configured = target.identities.contains_key(*who);
        // What anybody may do with objects of their own shows nothing.
        let shows = match of {
            Boundary::TokenReadonly => site.effect != Effect::Reads,
            Boundary::TokenOther => {
                site.effect != Effect::Creates || !site.resource.needs.is_empty()
            }
            _ => true,
        };
        if configured && shows {
            let request = site.request.clone();
            probes.push(probe(who, about, *of, Hits::Nothing, request, Some(who)));
        }
    }
    probes
}

fn probe(
    name: &str,
    about: &str,
    of: Boundary,
    hits: Hits,
    request: RequestTemplate,
    identity: Option<&'static str>,
) -> Probe {
    Probe {
        place: "token".to_owned(),
        field: String::new(),
        name: name.to_owned(),
        about: about.to_owned(),
        of,
        hits,
        request,
        identity,
    }
}
