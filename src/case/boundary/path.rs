//! Values in the place of a path's parameters.

use serde_json::Value as Json;
use uuid::Uuid;

use super::probe::{Hits, Probe, expr, text};
use super::site::Site;
use super::stage::second;
use crate::suite::model::Boundary::{
    self, PathElsewhere, PathEmpty, PathLong, PathMalformed, PathOther, PathOutside, PathRaw,
    PathSame, PathUnknown,
};
use crate::template::{Expr, Part};
use Hits::{Nothing, Perhaps};

/// A value: its name, the value in words, what it is, what may come of it, and how it stands in the path.
type Line = (&'static str, &'static str, Boundary, Hits, &'static str);

/// What shows of any parameter. `<id>` is the object's id, `<other>` that of another object, `<before>` the
/// segment before.
const FEW: &[Line] = &[
    ("empty", "left empty", PathEmpty, Nothing, ""),
    ("nul", "a NUL", PathMalformed, Nothing, "%00"),
    ("word", "a word", PathMalformed, Nothing, "not-an-id"),
    ("dots", "two dots", PathOutside, Nothing, ".."),
    (
        "id-nul",
        "with a NUL behind it",
        PathMalformed,
        Nothing,
        "<id>%00",
    ),
];

/// What more is tried of the last parameter: what is wrong with an id shows there.
const MANY: &[Line] = &[
    ("blank", "a space", PathMalformed, Nothing, "%20"),
    ("number", "a number", PathMalformed, Nothing, "1"),
    (
        "negative",
        "a negative number",
        PathMalformed,
        Nothing,
        "-1",
    ),
    ("star", "a star", PathMalformed, Nothing, "*"),
    ("percent", "a percent sign", PathMalformed, Nothing, "%25"),
    ("null", "the word null", PathMalformed, Nothing, "null"),
    (
        "control",
        "a control character",
        PathMalformed,
        Nothing,
        "%07",
    ),
    (
        "non-ascii",
        "letters beyond ASCII",
        PathMalformed,
        Nothing,
        "%C3%A9%F0%9F%94%92",
    ),
    (
        "no-utf-8",
        "a byte that is no UTF-8",
        PathMalformed,
        Nothing,
        "%FF",
    ),
    (
        "overlong",
        "an overlong form of a slash",
        PathMalformed,
        Nothing,
        "%C0%AF",
    ),
    (
        "nul-twice",
        "a NUL that is encoded twice",
        PathMalformed,
        Nothing,
        "%2500",
    ),
    (
        "line-break",
        "with a line break behind it",
        PathMalformed,
        Nothing,
        "<id>%0A",
    ),
    (
        "comma",
        "of two objects, with a comma between",
        PathMalformed,
        Nothing,
        "<id>,<other>",
    ),
    (
        "quote",
        "with a condition behind it",
        PathMalformed,
        Nothing,
        "<id>%27%20OR%20%271%27%3D%271",
    ),
    (
        "sql",
        "a quote and a condition",
        PathMalformed,
        Nothing,
        "%27%20OR%20%271%27%3D%271",
    ),
    (
        "sql-statement",
        "a second statement",
        PathMalformed,
        Nothing,
        "1%3B%20DROP%20TABLE%20x%3B--",
    ),
    (
        "shell",
        "a command in a dollar sign",
        PathMalformed,
        Nothing,
        "%24%28id%29",
    ),
    (
        "shell-pipe",
        "a command behind a bar",
        PathMalformed,
        Nothing,
        "%7Cid",
    ),
    (
        "template",
        "an expression",
        PathMalformed,
        Nothing,
        "%7B%7B7%2A7%7D%7D",
    ),
    (
        "markup",
        "a piece of markup",
        PathMalformed,
        Nothing,
        "%3Cscript%3E",
    ),
    (
        "filter",
        "a condition of a directory",
        PathMalformed,
        Nothing,
        "%2A%29%28id%3D%2A",
    ),
    (
        "file",
        "a way to a file",
        PathOutside,
        Nothing,
        "..%2F..%2F..%2Fetc%2Fpasswd",
    ),
    ("dot", "a dot", PathOutside, Nothing, "."),
    (
        "dots-encoded",
        "two dots, encoded",
        PathOutside,
        Nothing,
        "%2e%2e",
    ),
    (
        "dots-slash",
        "two dots and an encoded slash",
        PathOutside,
        Nothing,
        "..%2F",
    ),
    ("slash", "an encoded slash", PathOutside, Nothing, "%2F"),
    (
        "id-dots",
        "with two dots behind it",
        PathOutside,
        Nothing,
        "<id>/..",
    ),
    (
        "way-round",
        "a way round to another object",
        PathOutside,
        Nothing,
        "..%2F<before>%2F<other>",
    ),
    (
        "id-slash",
        "with a slash behind it",
        PathOutside,
        Perhaps,
        "<id>/",
    ),
    (
        "id-dot",
        "with a dot behind it",
        PathOutside,
        Perhaps,
        "<id>/.",
    ),
    (
        "id-suffix",
        "with the suffix of a file",
        PathOutside,
        Perhaps,
        "<id>.json",
    ),
    (
        "id-parameter",
        "with a parameter of its own",
        PathOutside,
        Perhaps,
        "<id>;a=b",
    ),
    (
        "space-before",
        "with a space before it",
        PathSame,
        Perhaps,
        "%20<id>",
    ),
    (
        "space-behind",
        "with a space behind it",
        PathSame,
        Perhaps,
        "<id>%20",
    ),
    ("braces", "in braces", PathSame, Perhaps, "%7B<id>%7D"),
    ("urn", "as a URN", PathSame, Perhaps, "urn:uuid:<id>"),
    (
        "bad-escape",
        "an escape that is none",
        PathRaw,
        Nothing,
        "%zz",
    ),
    ("half-escape", "half an escape", PathRaw, Nothing, "%"),
    ("raw-nul", "a NUL as it is", PathRaw, Nothing, "\0"),
    (
        "raw-control",
        "a control character as it is",
        PathRaw,
        Nothing,
        "\u{1}",
    ),
    (
        "raw-non-ascii",
        "a letter beyond ASCII as it is",
        PathRaw,
        Nothing,
        "\u{e9}",
    ),
    (
        "raw-space",
        "words with a space as it is",
        PathRaw,
        Nothing,
        "a b",
    ),
    (
        "raw-brackets",
        "brackets as they are",
        PathRaw,
        Nothing,
        "{x}",
    ),
    (
        "raw-fragment",
        "with a fragment behind it",
        PathRaw,
        Perhaps,
        "<id>#x",
    ),
    (
        "raw-backslash",
        "with a backslash behind it",
        PathRaw,
        Perhaps,
        "<id>\\",
    ),
];

/// What is near to an id that is a UUID, by an expression.
const NEAR: &[Line] = &[
    (
        "one-less",
        "one character short",
        PathMalformed,
        Nothing,
        "<id>[:-1]",
    ),
    (
        "one-more",
        "one character too long",
        PathMalformed,
        Nothing,
        "<id> ~ '0'",
    ),
    (
        "one-other",
        "with its last digit changed",
        PathUnknown,
        Nothing,
        "<id>[:-1] ~ ('0' if <id>[-1:] != '0' else '1')",
    ),
    (
        "no-digit",
        "with a letter that is no digit",
        PathMalformed,
        Nothing,
        "<id>[:-1] ~ 'g'",
    ),
    (
        "first-half",
        "cut in half",
        PathMalformed,
        Nothing,
        "<id>[:18]",
    ),
    (
        "zeros",
        "of nothing but zeros",
        PathUnknown,
        Nothing,
        "'00000000-0000-0000-0000-000000000000'",
    ),
    (
        "upper-case",
        "in upper case",
        PathSame,
        Perhaps,
        "<id> | upper",
    ),
    (
        "no-dashes",
        "without its dashes",
        PathSame,
        Perhaps,
        "<id> | replace('-', '')",
    ),
];

pub(super) fn probes(site: &Site<'_>) -> Vec<Probe> {
    let parameters = &site.described.parameters;
    let mut probes = Vec::new();
    for (number, (name, at, schema)) in parameters.iter().enumerate() {
        let own = site.segment(*at).iter().find_map(|part| match part {
            Part::Expr(expr) => Some(expr),
            Part::Text(_) => None,
        });
        let Some(own) = own else { continue };
        let kind = own.roots().next().unwrap_or_default().to_owned();
        let other = site.has_second(&kind).then(|| id_of(site, &second(&kind)));
        let before = match at.checked_sub(1).map(|before| site.segment(before)) {
            Some([Part::Text(before)]) => before.as_str(),
            _ => "",
        };
        let last = number + 1 == parameters.len();
        let mut push = |name_of: &str, about: &str, of, hits, parts| {
            probes.push(Probe {
                place: name.clone(),
                field: name.clone(),
                name: name_of.to_owned(),
                about: about.to_owned(),
                of,
                hits,
                request: site.aimed(site.with_segment(*at, parts)),
                identity: None,
            });
        };
        for (value, about, of, hits, line) in FEW.iter().chain(if last { MANY } else { &[] }) {
            if let Some(parts) = parts(line, own, other.as_ref(), before) {
                push(value, about, *of, *hits, parts);
            }
        }
        let nobody = format!("{}/{}/{name}", site.resource.name, site.name);
        let nobody = Uuid::new_v5(&Uuid::NAMESPACE_URL, nobody.as_bytes());
        push(
            "unknown",
            "of nothing",
            PathUnknown,
            Nothing,
            vec![text(nobody.to_string())],
        );
        for length in [256, 8192].into_iter().filter(|_| last) {
            let of = if length > 2048 {
                PathLong
            } else {
                PathMalformed
            };
            let about = format!("of {length} characters");
            push(
                &format!("long-{length}"),
                &about,
                of,
                Nothing,
                vec![text("a".repeat(length))],
            );
        }
        if schema.get("format").and_then(Json::as_str) == Some("uuid") {
            for (value, about, of, hits, line) in &NEAR[..if last { NEAR.len() } else { 1 }] {
                let line = line.replace("<id>", &format!("({})", own.text()));
                push(value, about, *of, *hits, vec![expr(&line, site.span())]);
            }
        }
        if let Some(need) = site
            .resource
            .needs
            .iter()
            .find(|need| need.value != kind && last)
        {
            let about = format!("of a {}", need.value);
            push(
                "other-kind",
                &about,
                PathOther,
                Nothing,
                vec![id_of(site, &need.value)],
            );
        }
        if let Some(other) = other.filter(|_| !last) {
            push(
                "elsewhere",
                &format!("of another {kind}"),
                PathElsewhere,
                Nothing,
                vec![other],
            );
        }
    }
    probes
}

fn id_of(site: &Site<'_>, object: &str) -> Part {
    expr(&format!("{object}.id"), site.span())
}

/// The parts of a line; `None` if it speaks of another object and there is none.
fn parts(line: &str, own: &Expr, other: Option<&Part>, before: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    for (at, piece) in line.split(['<', '>']).enumerate() {
        parts.push(match (at % 2, piece) {
            (0, piece) => text(piece),
            (_, "id") => Part::Expr(own.clone()),
            (_, "other") => other?.clone(),
            (_, _) => text(before),
        });
    }
    Some(parts)
}
