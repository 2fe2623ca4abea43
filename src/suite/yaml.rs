//! YAML 1.2 as a tree in which every node knows where it stands.
//!
//! The core schema decides what a plain scalar is, with two exceptions that protect people: a number with
//! a leading zero is text, and an integer that JSON readers would round is refused. Duplicate keys are
//! errors; aliases are copied within a budget, so that no file can grow beyond it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle};
use serde_json::{Number, Value};

use crate::source::{Diagnostic, Source, Span, Spanned};
use crate::template::doubled;

/// How many nodes one file may hold after its aliases are copied.
const NODE_BUDGET: usize = 200_000;
/// How deep collections may nest.
const DEPTH_LIMIT: usize = 64;
/// So many keys of a mapping are looked through for one that comes again; of more, the places are kept.
const FEW: usize = 32;

/// One value of a YAML file, whose texts lie in the file where they stand there as they are.
#[derive(Debug, Clone)]
pub struct Node<'a> {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub kind: Kind<'a>,
}

/// What a node is.
#[derive(Debug, Clone)]
pub enum Kind<'a> {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number of JSON.
    Number(Number),
    /// Text, plain or quoted.
    Text(Cow<'a, str>),
    /// A sequence.
    List(Vec<Node<'a>>),
    /// A mapping, in the order written.
    Map(Vec<(Key<'a>, Node<'a>)>),
}

/// The key of a mapping.
#[derive(Debug, Clone)]
pub struct Key<'a> {
    /// Its text; a key such as `200` or `true` is taken as text.
    pub name: Cow<'a, str>,
    /// Where it stands.
    pub span: Span,
}

impl Key<'_> {
    /// Its text and its place.
    pub fn spanned(&self) -> Spanned<String> {
        Spanned::new(self.name.to_string(), self.span.clone())
    }
}

impl<'a> Node<'a> {
    /// What people call such a value.
    pub fn describe(&self) -> &'static str {
        match self.kind {
            Kind::Null => "nothing",
            Kind::Bool(_) => "a truth value",
            Kind::Number(_) => "a number",
            Kind::Text(_) => "text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
        }
    }

    /// Adds the expressions that stand in its texts, as digests.
    pub fn expressions(&self, all: &mut Vec<u64>) {
        match &self.kind {
            Kind::Text(text) => {
                let mut open = doubled(text, '{');
                let mut rest = &**text;
                while let Some(at) = open {
                    rest = &rest[at + 2..];
                    open = doubled(rest, '{');
                    // Up to the next one, so that each byte is looked at once.
                    let own = &rest[..open.unwrap_or(rest.len())];
                    let mut hasher = DefaultHasher::new();
                    own[..doubled(own, '}').unwrap_or(own.len())].hash(&mut hasher);
                    all.push(hasher.finish());
                }
            }
            Kind::List(items) => items.iter().for_each(|item| item.expressions(all)),
            Kind::Map(entries) => entries.iter().for_each(|(_, value)| value.expressions(all)),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) => {}
        }
    }

    /// The text, if it is text.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a key, if it is a mapping that has it.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match &self.kind {
            Kind::Map(entries) => entries
                .iter()
                .find(|(key, _)| key.name == name)
                .map(|(_, node)| node),
            _ => None,
        }
    }

    /// The same value, with texts of its own.
    pub fn into_owned(self) -> Node<'static> {
        let own = |text: Cow<'a, str>| Cow::Owned(text.into_owned());
        let kind = match self.kind {
            Kind::Null => Kind::Null,
            Kind::Bool(truth) => Kind::Bool(truth),
            Kind::Number(number) => Kind::Number(number),
            Kind::Text(text) => Kind::Text(own(text)),
            Kind::List(items) => Kind::List(items.into_iter().map(Node::into_owned).collect()),
            Kind::Map(entries) => {
                let owned = entries.into_iter().map(|(Key { name, span }, node)| {
                    let name = own(name);
                    (Key { name, span }, node.into_owned())
                });
                Kind::Map(owned.collect())
            }
        };
        let span = self.span;
        Node { span, kind }
    }

    /// The same value without its places.
    pub fn to_json(&self) -> Value {
        self.clone().into_json()
    }

    /// The value without its places.
    pub fn into_json(self) -> Value {
        match self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(truth) => Value::Bool(truth),
            Kind::Number(number) => Value::Number(number),
            Kind::Text(text) => Value::String(text.into_owned()),
            Kind::List(items) => items.into_iter().map(Node::into_json).collect(),
            Kind::Map(entries) => {
                let entries = entries.into_iter();
                Value::Object(
                    entries
                        .map(|(key, node)| (key.name.into_owned(), node.into_json()))
                        .collect(),
                )
            }
        }
    }
}

/// Reads the one document of a file. `None` when it cannot be read at all; what is wrong is in `found`.
pub fn parse<'a>(source: &'a Arc<Source>, found: &mut Vec<Diagnostic>) -> Option<Node<'a>> {
    let mut reader = Reader {
        source,
        parser: Parser::new_from_str(&source.text),
        anchors: HashMap::new(),
        nodes: 0,
        found,
    };
    reader.document()
}

struct Reader<'a, 'f> {
    source: &'a Arc<Source>,
    parser: Parser<'a, granit_parser::StrInput<'a>>,
    anchors: HashMap<usize, Node<'a>>,
    nodes: usize,
    found: &'f mut Vec<Diagnostic>,
}

impl<'a> Reader<'a, '_> {
    fn document(&mut self) -> Option<Node<'a>> {
        let mut root = None;
        while let Some((event, span)) = self.next()? {
            match event {
                Event::DocumentStart(..) if root.is_some() => {
                    self.report(
                        Diagnostic::new("one-document", &span, "a second YAML document")
                            .label("starts here")
                            .help("put it into a file of its own"),
                    );
                    return root;
                }
                Event::StreamStart
                | Event::StreamEnd
                | Event::DocumentStart(..)
                | Event::DocumentEnd => {}
                event => root = Some(self.node(event, span, 0)?),
            }
        }
        Some(root.unwrap_or_else(|| Node {
            span: Span::start_of(self.source),
            kind: Kind::Null,
        }))
    }

    /// The next event; the outer `None` means that the text is broken.
    fn next(&mut self) -> Option<Option<(Event<'a>, Span)>> {
        match self.parser.next_event() {
            None => Some(None),
            Some(Ok((event, at))) => {
                let range = at.byte_range().unwrap_or(0..0);
                Some(Some((event, Span::new(self.source, range))))
            }
            Some(Err(error)) => {
                let at = error.marker().byte_offset().unwrap_or(0);
                let span = Span::new(self.source, at..at + 1);
                let line = self.source.text.lines().nth(span.location().line - 1);
                let help = if line.is_some_and(|line| line.contains("{{")) {
                    "put a text with `{{ }}` in quotes where it stands inside `{ }` or `[ ]`"
                } else {
                    "look here and at the lines before: a missing quote or bracket, a tab, a wrong indent"
                };
                self.report(
                    Diagnostic::new(
                        "yaml-syntax",
                        &span,
                        format!("this is not YAML: {}", error.info()),
                    )
                    .label("here")
                    .help(help),
                );
                None
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Option<Node<'a>> {
        self.nodes += 1;
        if self.nodes > NODE_BUDGET || depth > DEPTH_LIMIT {
            let limit = if depth > DEPTH_LIMIT {
                format!("nested deeper than {DEPTH_LIMIT} levels")
            } else {
                format!("more than {NODE_BUDGET} values, aliases counted as often as used")
            };
            self.report(
                Diagnostic::new(
                    "yaml-too-large",
                    &span,
                    format!("the file is too large: {limit}"),
                )
                .help("split it, or write the repeated part once"),
            );
            return None;
        }
        let (kind, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                if let Some(tag) = tag {
                    self.tagged(tag.original_handle(), tag.suffix(), &span);
                }
                (self.scalar(text, style, &span), anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                if let Some(tag) = tag {
                    self.tagged(tag.original_handle(), tag.suffix(), &span);
                }
                let mut items = Vec::new();
                loop {
                    match self.next()?? {
                        (Event::SequenceEnd, end) => {
                            let span =
                                span.at(span.range().start..end.range().end.max(span.range().end));
                            let node = Node {
                                span,
                                kind: Kind::List(items),
                            };
                            self.remember(anchor, &node);
                            return Some(node);
                        }
                        (event, span) => items.push(self.node(event, span, depth + 1)?),
                    }
                }
            }
            Event::MappingStart(_, anchor, tag) => {
                if let Some(tag) = tag {
                    self.tagged(tag.original_handle(), tag.suffix(), &span);
                }
                return self.mapping(anchor, span, depth);
            }
            Event::Alias(anchor) => {
                let Some(copy) = self.anchors.get(&anchor).cloned() else {
                    self.report(
                        Diagnostic::new(
                            "yaml-alias",
                            &span,
                            "this alias stands inside the value that it names",
                        )
                        .help("an alias can only repeat what is complete before it"),
                    );
                    return Some(Node {
                        span,
                        kind: Kind::Null,
                    });
                };
                self.nodes += count(&copy);
                return Some(copy);
            }
            _ => (Kind::Null, 0),
        };
        let node = Node { span, kind };
        self.remember(anchor, &node);
        Some(node)
    }

    fn tagged(&mut self, handle: &str, suffix: &str, span: &Span) {
        let tag = format!("the tag `{handle}{suffix}` means nothing here");
        let help = "leave it out; quote the value to make it text";
        self.report(Diagnostic::new("yaml-tag", span, tag).help(help));
    }

    fn mapping(&mut self, anchor: usize, span: Span, depth: usize) -> Option<Node<'a>> {
        let mut entries: Vec<(Key<'a>, Node<'a>)> = Vec::new();
        let mut places = HashMap::new();
        let mut last = span.range().end;
        loop {
            let (event, key_span) = self.next()??;
            if matches!(event, Event::MappingEnd) {
                let span = span.at(span.range().start..key_span.range().end.max(last));
                let node = Node {
                    span,
                    kind: Kind::Map(entries),
                };
                self.remember(anchor, &node);
                return Some(node);
            }
            let name = match event {
                Event::Scalar(text, ..) => text,
                event => {
                    self.report(
                        Diagnostic::new("yaml-key", &key_span, "a key must be plain text")
                            .label("this key is a list, a mapping or an alias"),
                    );
                    self.node(event, key_span.clone(), depth + 1)?;
                    Cow::Borrowed("")
                }
            };
            let (event, value_span) = self.next()??;
            let value = self.node(event, value_span, depth + 1)?;
            last = last.max(value.span.range().end);
            let first = match places.is_empty() {
                true => entries.iter().position(|(key, _)| key.name == name),
                false => places.get(&name).copied(),
            };
            if let Some((first, _)) = first.map(|at| &entries[at]) {
                let line = first.span.location().line;
                self.report(
                    Diagnostic::new(
                        "duplicate-key",
                        &key_span,
                        format!("the key `{name}` stands here twice"),
                    )
                    .label("again")
                    .help(format!("the first one is in line {line}; keep one")),
                );
                continue;
            }
            if entries.len() == FEW {
                let names = entries.iter().enumerate();
                places.extend(names.map(|(at, (key, _))| (key.name.clone(), at)));
            }
            if entries.len() >= FEW {
                places.insert(name.clone(), entries.len());
            }
            entries.push((
                Key {
                    name,
                    span: key_span,
                },
                value,
            ));
        }
    }

    fn scalar(&mut self, text: Cow<'a, str>, style: ScalarStyle, span: &Span) -> Kind<'a> {
        if !matches!(style, ScalarStyle::Plain) {
            return Kind::Text(text);
        }
        match &*text {
            "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
            "true" | "True" | "TRUE" => return Kind::Bool(true),
            "false" | "False" | "FALSE" => return Kind::Bool(false),
            _ => {}
        }
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(&text);
        let digits = unsigned.bytes().all(|byte| byte.is_ascii_digit());
        if digits && !unsigned.is_empty() && (unsigned == "0" || !unsigned.starts_with('0')) {
            let signed = text.strip_prefix('+').unwrap_or(&text);
            let number = signed
                .parse::<i64>()
                .map(Number::from)
                .or_else(|_| signed.parse::<u64>().map(Number::from));
            return number.map_or_else(
                |_| {
                    self.report(
                        Diagnostic::new(
                            "number-too-large",
                            span,
                            "this integer is larger than JSON readers keep exactly",
                        )
                        .help("quote it to make it text"),
                    );
                    Kind::Null
                },
                Kind::Number,
            );
        }
        let fraction = unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.')
            && unsigned
                .bytes()
                .all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte))
            && unsigned.bytes().any(|byte| byte.is_ascii_digit())
            && !(unsigned.len() > 1
                && unsigned.starts_with('0')
                && unsigned.as_bytes()[1].is_ascii_digit());
        if fraction
            && unsigned.contains(['.', 'e', 'E'])
            && let Some(number) = text.parse::<f64>().ok().and_then(Number::from_f64)
        {
            return Kind::Number(number);
        }
        Kind::Text(text)
    }

    fn remember(&mut self, anchor: usize, node: &Node<'a>) {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.found.push(diagnostic);
    }
}

fn count(node: &Node<'_>) -> usize {
    match &node.kind {
        Kind::List(items) => 1 + items.iter().map(count).sum::<usize>(),
        Kind::Map(entries) => 1 + entries.iter().map(|(_, value)| count(value)).sum::<usize>(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(text: &str, expected: &Value, codes: &[&str]) {
        let source = Source::new("t.yaml", text);
        let mut found = Vec::new();
        let node = parse(&source, &mut found);
        assert_eq!(
            found.iter().map(|d| d.code).collect::<Vec<_>>(),
            codes,
            "{text}"
        );
        assert_eq!(
            &node.map_or(Value::Null, |node| node.to_json()),
            expected,
            "{text}"
        );
    }

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        check(
            "[1, -2, +3, 1.5, 1e3, true, ~, yes, 007, 1_000, 0, 1.2.3, 10.0.0.8, a-b, '1', .5]",
            &json!([
                1, -2, 3, 1.5, 1000.0, true, null, "yes", "007", "1_000", 0, "1.2.3", "10.0.0.8",
                "a-b", "1", 0.5
            ]),
            &[],
        );
    }

    #[test]
    fn duplicate_keys_and_rounded_integers_are_errors_and_the_rest_is_still_read() {
        check(
            "a: 1\na: 2\nb: 99999999999999999999\nc: 3",
            &json!({"a": 1, "b": null, "c": 3}),
            &["duplicate-key", "number-too-large"],
        );
        let keys = (0..=FEW + 1).map(|at| format!("k{at}: {at}\n"));
        let again = [
            "k3: x\n".to_owned(),
            format!("k{FEW}: x\n"),
            format!("k{}: x\n", FEW + 1),
        ];
        let kept = (0..=FEW + 1).map(|at| (format!("k{at}"), json!(at)));
        check(
            &keys.chain(again).collect::<String>(),
            &Value::Object(kept.collect()),
            &["duplicate-key"; 3],
        );
    }

    #[test]
    fn aliases_are_copied_within_a_budget() {
        check(
            "a: &x {k: 1}\nb: *x",
            &json!({"a": {"k": 1}, "b": {"k": 1}}),
            &[],
        );
        let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for level in 1..10 {
            let one = format!("*a{}", level - 1);
            bomb += &format!("a{level}: &a{level} [{}]\n", vec![one; 10].join(","));
        }
        check(&bomb, &Value::Null, &["yaml-too-large"]);
    }

    #[test]
    fn broken_text_is_reported_where_it_breaks() {
        let source = Source::new("t.yaml", "a: [1, 2\nb: 3");
        let mut found = Vec::new();
        assert!(parse(&source, &mut found).is_none());
        assert_eq!(found[0].code, "yaml-syntax");
        check("", &Value::Null, &[]);
        check(
            "# only words\na: 1 # and more\n# end\n",
            &json!({"a": 1}),
            &[],
        );
        check("a: 1\n---\nb: 2", &json!({"a": 1}), &["one-document"]);
    }

    #[test]
    fn every_value_knows_its_place() {
        let source = Source::new("t.yaml", "a:\n  - b: 'c d'\n");
        let mut found = Vec::new();
        let node = parse(&source, &mut found);
        let text = node
            .as_ref()
            .and_then(|n| n.get("a"))
            .and_then(|n| match &n.kind {
                Kind::List(l) => l[0].get("b"),
                _ => None,
            });
        let location = text.map(|n| n.span.location());
        assert_eq!(location.map(|l| (l.line, l.column)), Some((2, 8)));
    }
}
