//! What must hold, as a `then` says it.

use crate::source::{Diagnostic, Spanned};
use crate::suite::model::{AnswerExpect, Expect, MatchOp, Matcher, Unchanged};
use crate::suite::read::{self, Fields, Found};
use crate::suite::shape;
use crate::suite::yaml::{Kind, Node};

pub(super) fn expect(node: &Node<'_>, found: &mut Found) -> Option<Expect> {
    if node.text() == Some("contract") {
        return Some(Expect::contract(&node.span));
    }
    let before = found.len();
    let mut expect = read_expect(node, found)?;
    if found.len() == before {
        return Some(expect);
    }
    // What was said wrongly may be what `eventually` waits for, or all that was asked for: that must not be
    // told as a second mistake.
    expect.eventually = None;
    expect.asks().then_some(expect)
}

fn read_expect(node: &Node<'_>, found: &mut Found) -> Option<Expect> {
    let fields = Fields::open(node, &shape::EXPECT, found)?;
    let unchanged = fields.read("unchanged", found, |node, found| {
        let value = match node.text() {
            Some("all") => Unchanged::All,
            Some("others") => Unchanged::Others,
            _ => {
                let before = found.len();
                let names = fields.names("unchanged", found);
                if found.len() > before {
                    return None;
                }
                Unchanged::These(names)
            }
        };
        Some(Box::new(Spanned::new(value, node.span.clone())))
    });
    Some(Expect {
        span: node.span.clone(),
        requirements: fields.names("requirements", found),
        only_if: fields.read("only_if", found, read::expr),
        contract: false,
        answer: answer_expect(&fields, found),
        named: fields.names("answer", found),
        answers: fields
            .named("answers", found, count)
            .into_iter()
            .map(|(names, count)| {
                (
                    names
                        .value
                        .split(" or ")
                        .map(|name| Spanned::new(name.trim().to_owned(), names.span.clone()))
                        .collect(),
                    count,
                )
            })
            .collect(),
        within: fields.read("within", found, read::duration),
        eventually: fields.read("eventually", found, read::duration),
        unchanged,
        gone: fields.names("gone", found),
        check: fields.many("check", found, read::expr),
        observe: fields.named("observe", found, read::expr),
    })
}

/// `status`, `headers`, `body` and `schema` of a mapping.
pub(super) fn answer_expect(fields: &Fields<'_>, found: &mut Found) -> AnswerExpect {
    AnswerExpect {
        status: fields.read("status", found, read::status),
        headers: fields.named("headers", found, |node, found| match node.kind {
            Kind::Null => Some(Matcher::Ops(vec![MatchOp::Absent])),
            _ => read::matcher(node, found),
        }),
        body: fields.read("body", found, read::body).map(Box::new),
        schema: fields.read("schema", found, read::schema).map(Box::new),
    }
}

/// A number of answers, or `rest`.
fn count(node: &Node<'_>, found: &mut Found) -> Option<Option<usize>> {
    match &node.kind {
        Kind::Text(text) if text == "rest" => Some(None),
        Kind::Number(number) if number.is_u64() => Some(
            number
                .as_u64()
                .and_then(|count| usize::try_from(count).ok()),
        ),
        _ => {
            found.push(
                Diagnostic::new(
                    "bad-count",
                    &node.span,
                    "this is neither a number nor `rest`",
                )
                .label("here")
                .help("write how many answers are of this name, or `rest` for all the others"),
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;
    use crate::suite::yaml;

    #[test]
    fn an_expectation_that_is_said_wrongly_is_dropped_and_one_that_is_empty_is_kept() {
        let source = Source::new("file.yaml", "a: { status: 2000 }\nb: {}\n");
        let mut found = Found::new();
        let node = yaml::parse(&source, &mut found).expect("it is YAML");
        let read =
            |key: &str, found: &mut Found| expect(node.get(key).expect("it is there"), found);
        assert!(read("a", &mut found).is_none());
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(read("b", &mut found).is_some_and(|expect| !expect.asks()));
    }
}
