//! Reading a mapping by its [`Shape`]: every key that is unknown or missing is reported, and what is left
//! is still read, so that one look shows everything that is wrong.

mod answer;
mod matcher;
mod request;
mod value;

use super::shape::{self, Shape};
use super::yaml::{Key, Kind, Node};
use crate::source::{Diagnostic, Span, Spanned};

pub(super) use answer::{body, schema, status};
pub(super) use matcher::matcher;
pub(super) use request::{means_request, request, request_line, unreadable};
pub use value::parse_duration;
pub(super) use value::{duration, expr, json_template, set, template, text, truth, word};

/// The problems found so far.
pub(super) type Found = Vec<Diagnostic>;

/// A mapping whose keys have been held to their shape.
pub(super) struct Fields<'a> {
    /// Where the mapping stands.
    pub(super) span: &'a Span,
    shape: &'static Shape,
    entries: &'a [(Key<'a>, Node<'a>)],
}

impl<'a> Fields<'a> {
    /// Opens a mapping; `None` when it is none.
    pub(super) fn open(
        node: &'a Node<'a>,
        shape: &'static Shape,
        found: &mut Found,
    ) -> Option<Self> {
        let Kind::Map(entries) = &node.kind else {
            found.push(no_mapping(node, shape));
            return None;
        };
        for (key, _) in entries {
            if !shape.keys.iter().any(|known| known.name == key.name) {
                let known = shape.keys.iter().map(|known| known.name);
                let mut diagnostic = Diagnostic::new(
                    "unknown-key",
                    &key.span,
                    format!("unknown key `{}` in {}", key.name, shape.about),
                )
                .label("not known here")
                .nearest(&key.name, known.clone());
                if diagnostic.help.is_none() {
                    diagnostic = diagnostic.help(format!(
                        "known keys: {}",
                        known.collect::<Vec<_>>().join(", ")
                    ));
                }
                found.push(diagnostic);
            }
        }
        for key in shape.keys.iter().filter(|key| key.required) {
            if !entries.iter().any(|(present, _)| present.name == key.name) {
                found.push(
                    Diagnostic::new(
                        "missing-key",
                        &node.span,
                        format!("{} needs the key `{}`", shape.about, key.name),
                    )
                    .label("it is missing here")
                    .help(key.about),
                );
            }
        }
        Some(Self {
            span: &node.span,
            shape,
            entries,
        })
    }

    /// The value of a key, if it is there.
    pub(super) fn get(&self, name: &str) -> Option<&'a Node<'a>> {
        debug_assert!(
            self.shape.keys.iter().any(|key| key.name == name),
            "`{name}` is not in the shape of {}",
            self.shape.about
        );
        self.entries
            .iter()
            .find(|(key, _)| key.name == name)
            .map(|(_, node)| node)
    }

    /// The value of a key through a reader.
    pub(super) fn read<T>(
        &self,
        name: &str,
        found: &mut Found,
        reader: impl FnOnce(&'a Node<'a>, &mut Found) -> Option<T>,
    ) -> Option<T> {
        self.get(name).and_then(|node| reader(node, found))
    }

    /// A list of values through a reader; one value stands for a list of one.
    pub(super) fn many<T>(
        &self,
        name: &str,
        found: &mut Found,
        mut reader: impl FnMut(&'a Node<'a>, &mut Found) -> Option<T>,
    ) -> Vec<T> {
        self.get(name)
            .map_or_else(Vec::new, |node| many(node, found, &mut reader))
    }

    /// A list of texts; one text stands for a list of one.
    pub(super) fn names(&self, name: &str, found: &mut Found) -> Vec<Spanned<String>> {
        self.many(name, found, text)
    }

    /// A mapping from names of the author's choice, through a reader.
    pub(super) fn named<T>(
        &self,
        name: &str,
        found: &mut Found,
        mut reader: impl FnMut(&'a Node<'a>, &mut Found) -> Option<T>,
    ) -> Vec<(Spanned<String>, T)> {
        let Some(node) = self.get(name) else {
            return Vec::new();
        };
        let entries = entries(node, found);
        let mut all = Vec::with_capacity(entries.len());
        all.extend(
            entries
                .iter()
                .filter_map(|(key, value)| Some((key.spanned(), reader(value, found)?))),
        );
        all.shrink_to_fit();
        all
    }
}

/// A list of values through a reader; one value stands for a list of one.
pub(super) fn many<'a, T>(
    node: &'a Node<'a>,
    found: &mut Found,
    mut reader: impl FnMut(&'a Node<'a>, &mut Found) -> Option<T>,
) -> Vec<T> {
    let items = match &node.kind {
        Kind::List(items) => items,
        _ => std::slice::from_ref(node),
    };
    let mut all = Vec::with_capacity(items.len());
    all.extend(items.iter().filter_map(|item| reader(item, found)));
    // What is read is kept as long as the suite is.
    all.shrink_to_fit();
    all
}

/// The entries of a mapping; anything else is reported.
pub(super) fn entries<'a>(node: &'a Node<'a>, found: &mut Found) -> &'a [(Key<'a>, Node<'a>)] {
    match &node.kind {
        Kind::Map(entries) => entries,
        Kind::Null => &[],
        _ => {
            let help = format!("write `key: value` lines{}", dashed(node));
            wrong(node, "a mapping", &help, found);
            &[]
        }
    }
}

/// What to say of something else where a mapping of this shape belongs.
fn no_mapping(node: &Node<'_>, shape: &Shape) -> Diagnostic {
    let keys: Vec<&str> = shape.keys.iter().map(|key| key.name).collect();
    let (words, also, short) = match &shape.short {
        None => (&[][..], String::new(), String::new()),
        Some(shape::Kind::Word(words)) => {
            let words_or = words.join("` or `");
            (
                *words,
                format!(" or `{words_or}`"),
                format!("`{words_or}`, or "),
            )
        }
        Some(_) => (
            &[][..],
            " or text".to_owned(),
            "a line such as `GET /pools`, or ".to_owned(),
        ),
    };
    Diagnostic::new(
        "wrong-type",
        &node.span,
        format!(
            "{} is a mapping{also}, not {}",
            shape.about,
            node.describe()
        ),
    )
    .label("here")
    .help(format!(
        "write {short}`key: value` lines{}; known keys: {}",
        dashed(node),
        keys.join(", ")
    ))
    .nearest(node.text().unwrap_or(""), words.iter().copied())
}

/// What to say besides where a list stands in the place of a mapping.
fn dashed(node: &Node<'_>) -> &'static str {
    let text = node.span.source.text.get(node.span.range());
    if text.is_some_and(|text| text.starts_with('-')) {
        " without `-` before them"
    } else {
        ""
    }
}

fn wrong(node: &Node<'_>, wanted: &str, help: &str, found: &mut Found) {
    found.push(
        Diagnostic::new(
            "wrong-type",
            &node.span,
            format!("this should be {wanted}, not {}", node.describe()),
        )
        .label("here")
        .help(help),
    );
}
