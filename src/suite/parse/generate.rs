//! The axes from which many cases of one scenario are made.

use serde_json::Value as Json;

use crate::source::{Diagnostic, Span, Spanned};
use crate::suite::model::Axis;
use crate::suite::read::{self, Fields, Found};
use crate::suite::shape;
use crate::suite::yaml::{Kind, Node};
use crate::template::Expr;

/// A matrix before its names are resolved.
pub(in crate::suite) struct RawMatrix {
    pub(in crate::suite) span: Span,
    pub(in crate::suite) axes: Vec<Axis>,
    pub(in crate::suite) exclude: Vec<Expr>,
    pub(in crate::suite) only: Vec<Expr>,
    pub(in crate::suite) strength: Option<Spanned<usize>>,
    pub(in crate::suite) limit: Option<usize>,
}

pub(super) fn generate(node: &Node<'_>, found: &mut Found) -> Option<RawMatrix> {
    let fields = Fields::open(node, &shape::GENERATE, found)?;
    let axes: Vec<Axis> = fields
        .named("matrix", found, |node, found| Some(values(node, found)))
        .into_iter()
        .map(|(name, values)| Axis { name, values })
        .collect();
    let matrix = fields.get("matrix")?;
    if axes.is_empty() {
        found.push(
            Diagnostic::new("bad-axis", &matrix.span, "a matrix without axes")
                .label("nothing to combine")
                .help("name axes with their values: `members: [0, 1, 3]`"),
        );
        return None;
    }
    for Axis { name, .. } in &axes {
        let mut letters = name.value.chars();
        if !letters
            .next()
            .is_some_and(|c| c.is_alphabetic() || c == '_')
            || !letters.all(|c| c.is_alphanumeric() || c == '_')
        {
            found.push(
                Diagnostic::new(
                    "bad-axis",
                    &name.span,
                    format!("`{}` is no name for an axis", name.value),
                )
                .label("here")
                .help("use letters, digits and `_`, so that expressions can name it"),
            );
        }
    }
    let strength = fields.read("strategy", found, |node, found| match node.kind {
        Kind::Text(_) => {
            let word = read::word(node, shape::STRATEGIES, found)?;
            (word == "pairwise").then(|| Spanned::new(2, node.span.clone()))
        }
        _ => Fields::open(node, &shape::STRATEGY, found)?.read("t-way", found, number),
    });
    Some(RawMatrix {
        span: matrix.span.clone(),
        axes,
        exclude: fields.many("exclude", found, read::expr),
        only: fields.many("only", found, read::expr),
        strength,
        limit: fields.read("limit", found, number).map(|limit| limit.value),
    })
}

fn number(node: &Node<'_>, found: &mut Found) -> Option<Spanned<usize>> {
    let number = match &node.kind {
        Kind::Number(number) => number.as_u64().and_then(|n| usize::try_from(n).ok()),
        _ => None,
    };
    let number = number.filter(|number| *number > 0);
    if number.is_none() {
        found.push(
            Diagnostic::new("bad-count", &node.span, "this is no number of 1 or more")
                .label("here")
                .help("write a whole number"),
        );
    }
    Some(Spanned::new(number?, node.span.clone()))
}

/// The values of an axis; what is wrong with them is reported, and what is right is read.
fn values(node: &Node<'_>, found: &mut Found) -> Vec<Json> {
    let mut wrong = |node: &Node<'_>, message: String, help: &str| {
        found.push(
            Diagnostic::new("bad-axis", &node.span, message)
                .label("here")
                .help(help),
        );
    };
    let items = match &node.kind {
        Kind::List(items) if !items.is_empty() => items.as_slice(),
        _ => {
            let message = "an axis needs a list of values".to_owned();
            wrong(node, message, "write them like `[absent, present]`");
            &[]
        }
    };
    let mut values: Vec<Json> = Vec::new();
    for item in items {
        let value = item.to_json();
        let word = Axis::word(&value);
        if matches!(item.kind, Kind::List(_) | Kind::Map(_)) {
            let help = "use a word, and let expressions say what it stands for";
            wrong(
                item,
                format!("{} is no value of an axis", item.describe()),
                help,
            );
        } else if word.contains("{{") {
            let help = "write the values themselves; no case is known yet when they are read";
            wrong(
                item,
                "an expression is no value of an axis".to_owned(),
                help,
            );
        } else if values.iter().any(|first| Axis::word(first) == word) {
            let help = "take one out; ids of cases could not tell them apart";
            wrong(item, format!("the value `{word}` is there twice"), help);
        } else {
            values.push(value);
        }
    }
    values
}
