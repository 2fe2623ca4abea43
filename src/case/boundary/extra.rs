//! What an operation does not ask for: parameters, header fields and content.

use serde_json::Value as Json;

use super::probe::{Hits, Probe, repeated, template, text};
use super::site::{Effect, Site};
use super::stage::second;
use crate::suite::model::{BodyTemplate, Boundary, RequestTemplate};
use crate::template::{Part, Template};

/// Fields by which some servers let a request ask for another method; the first is the best known.
const OVERRIDES: &[&str] = &[
    "X-HTTP-Method-Override",
    "X-HTTP-Method",
    "X-Method-Override",
];

pub(super) fn probes(site: &Site<'_>) -> Vec<Probe> {
    let mut probes = query(site);
    probes.extend(values(site));
    probes.extend(fields(site));
    if site.described.body.is_none() {
        probes.extend(content(site));
    }
    probes
}

/// What may come of a request that is right but for what is too much.
fn hits(site: &Site<'_>) -> Hits {
    match site.effect {
        Effect::Reads => Hits::Nothing,
        Effect::Creates | Effect::Updates | Effect::Deletes => Hits::Perhaps,
    }
}

fn probe(
    place: &str,
    name: &str,
    about: String,
    of: Boundary,
    hits: Hits,
    request: RequestTemplate,
) -> Probe {
    Probe {
        place: place.to_owned(),
        field: String::new(),
        name: name.to_owned(),
        about,
        of,
        hits,
        request,
        identity: None,
    }
}

/// Parameters that the operation does not have.
fn query(site: &Site<'_>) -> Vec<Probe> {
    let other = second(&site.resource.name);
    let other = site
        .has_second(&site.resource.name)
        .then(|| format!("{{{{ {other}.id }}}}"));
    let mut lines = vec![
        ("unknown", "no_such_parameter=1".to_owned()),
        ("cascade", "cascade=true".to_owned()),
        ("force", "force=true".to_owned()),
        ("method", "_method=DELETE".to_owned()),
    ];
    // How a query is taken apart shows in a read as well as anywhere.
    if site.effect == Effect::Reads {
        lines.extend([
            ("twice", "no_such=1&no_such=2".to_owned()),
            ("brackets", "no_such%5B%5D=1&no_such%5Ba%5D=2".to_owned()),
            ("nul", "no_such=%00".to_owned()),
            ("separators", "&&=&;".to_owned()),
        ]);
    }
    if let Some(other) = &other {
        lines.push(("other-id", format!("id={other}")));
        if let Some((parameter, _, _)) = site.described.parameters.last() {
            lines.push(("other-parameter", format!("{parameter}={other}")));
        }
    }
    lines
        .into_iter()
        .filter(|(_, line)| {
            let name = line.split(['=', '&']).next().unwrap_or_default();
            !site.described.query.contains_key(name)
        })
        .map(|(name, line)| {
            let about = format!("?{}", line.replace(['{', '}'], "").trim());
            let more = template(&line, site.span()).parts().to_vec();
            let request = site.aimed(site.with_query(more));
            probe(
                "query",
                name,
                about,
                Boundary::QueryUnknown,
                hits(site),
                request,
            )
        })
        .collect()
}

/// Values that a parameter of the query cannot have.
fn values(site: &Site<'_>) -> Vec<Probe> {
    if site.effect != Effect::Reads {
        return Vec::new();
    }
    let mut probes = Vec::new();
    for (parameter, schema) in &site.described.query {
        let item = schema.get("items").unwrap_or(schema);
        let wrong: &[(&str, &str)] = match item.get("type").and_then(Json::as_str) {
            _ if item.get("enum").is_some() => &[("word", "sideways")],
            Some("integer") => &[
                ("word", "x"),
                ("fraction", "1.5"),
                ("negative", "-1"),
                ("huge", "99999999999999999999"),
                ("empty", ""),
            ],
            Some("boolean") => &[("word", "perhaps")],
            _ => &[],
        };
        for (name, value) in wrong {
            let line = vec![text(format!("{parameter}={value}"))];
            let name = format!("{parameter}-{name}");
            let about = format!("?{parameter}={value}");
            let request = site.aimed(site.with_query(line));
            probes.push(probe(
                "query",
                &name,
                about,
                Boundary::QueryInvalid,
                Hits::Nothing,
                request,
            ));
        }
    }
    probes
}

/// Header fields that ask for another method.
fn fields(site: &Site<'_>) -> Vec<Probe> {
    let (method, names) = match site.effect {
        Effect::Reads => ("DELETE", OVERRIDES),
        Effect::Deletes => ("GET", &OVERRIDES[..1]),
        Effect::Creates | Effect::Updates => ("DELETE", &OVERRIDES[..1]),
    };
    let probes = names.iter().map(|field| {
        let mut request = site.request.clone();
        let value = Template::of(vec![text(method)], site.span());
        request.headers.push(((*field).to_owned(), value));
        let about = format!("{field}: {method}");
        let name = field.to_lowercase();
        probe(
            "header",
            &name,
            about,
            Boundary::HeaderOverride,
            hits(site),
            request,
        )
    });
    probes.collect()
}

/// Content with an operation that takes none.
fn content(site: &Site<'_>) -> Vec<Probe> {
    let json = Some("application/json");
    let mut lines: Vec<(&str, &str, Vec<Part>, Option<&str>)> = vec![
        ("object", "an empty object", vec![text("{}")], json),
        ("list", "an empty list", vec![text("[]")], json),
        (
            "cascade",
            "an object that asks for more",
            vec![text("{\"cascade\": true, \"force\": true}")],
            json,
        ),
        ("broken", "broken JSON", vec![text("{")], json),
        (
            "form",
            "a form",
            vec![text("a=b&c=d")],
            Some("application/x-www-form-urlencoded"),
        ),
        ("text", "text", vec![text("hello")], Some("text/plain")),
        (
            "no-type",
            "JSON without a Content-Type",
            vec![text("{}")],
            None,
        ),
    ];
    if site.has_second(&site.resource.name) {
        let id = format!(
            "{{\"id\": \"{{{{ {}.id }}}}\"}}",
            second(&site.resource.name)
        );
        let parts = template(&id, site.span()).parts().to_vec();
        lines.push(("other-id", "the id of another object", parts.clone(), json));
        if let Some(wrapper) = super::field::wrapper_of(&site.resource.create.request.body) {
            let mut wrapped = vec![text(format!("{{\"{wrapper}\": "))];
            wrapped.extend(parts);
            wrapped.push(text("}"));
            lines.push(("other-object", "another object", wrapped, json));
        }
    }
    let mut probes: Vec<Probe> = lines
        .into_iter()
        .map(|(name, about, parts, media)| {
            let body = BodyTemplate::Text(Template::of(parts, site.span()));
            let request = site.carrying(body, media);
            let about = about.to_owned();
            probe(
                "content",
                name,
                about,
                Boundary::ContentUnasked,
                hits(site),
                request,
            )
        })
        .collect();
    let long = BodyTemplate::Text(repeated('x', 1 << 20, site.span()));
    let request = site.carrying(long, Some("text/plain"));
    let about = "of a mebibyte".to_owned();
    probes.push(probe(
        "content",
        "long",
        about,
        Boundary::ContentLong,
        hits(site),
        request,
    ));
    probes
}
