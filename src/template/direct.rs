//! Expressions of the commonest forms, evaluated on JSON as it is.
//!
//! What is not sure to come to the same as with `minijinja` comes to `None` here, be it when the text is read or when
//! it is evaluated, and is left to `minijinja`. So is all that is an error: an expression changes nothing, and can be
//! evaluated again.

mod read;

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::scope::{Parts, Scope, Shared};

/// So many items are looked at, and so many bytes of a text. More may be more than an evaluation has fuel for.
const ITEMS: usize = 100;
const BYTES: usize = 10_000;

/// An expression.
#[derive(Debug)]
pub(super) enum Node {
    Literal(Json),
    /// A name, and the attributes that are read of it.
    Path(Arc<[Box<str>]>),
    Item(Box<Node>, usize),
    Attribute(Box<Node>, Box<str>),
    List(Vec<Node>),
    Not(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    /// What is compared with what follows, each with the next.
    Compare(Box<Node>, Vec<(Order, Node)>),
    /// The condition stands between the two values.
    If(Box<[Node; 3]>),
    IsNone(Box<Node>),
    IsDefined(Box<Node>),
    Filter(Box<Node>, Filter),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Order {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
    In,
    NotIn,
}

#[derive(Debug)]
pub(super) enum Filter {
    List,
    Length,
    Default,
    Ids,
    Refs,
    Attribute(Box<str>),
    /// Keeps the items of which an attribute passes a test, or the others.
    Select {
        attribute: Box<str>,
        test: Test,
        passes: bool,
    },
}

#[derive(Debug)]
pub(super) enum Test {
    True,
    None,
    Equal(Box<Node>),
}

/// What an expression comes to.
#[derive(Debug, Clone)]
pub(super) enum Found<'a> {
    Json(Cow<'a, Json>),
    List(&'a [Shared]),
    Map(&'a [(Arc<str>, Shared)]),
    Picked(Vec<Found<'a>>),
    Omit,
}

impl<'a> From<&'a Shared> for Found<'a> {
    fn from(value: &'a Shared) -> Self {
        match value.parts() {
            Parts::Json(json) => Self::Json(Cow::Borrowed(json)),
            Parts::List(items) => Self::List(items),
            Parts::Map(fields) => Self::Map(fields),
        }
    }
}

impl<'a> Found<'a> {
    fn own(json: impl Into<Json>) -> Self {
        Self::Json(Cow::Owned(json.into()))
    }

    /// As JSON; the inner `None` is `omit`.
    pub(super) fn json(self) -> Option<Option<Json>> {
        Some(Some(match self {
            Self::Json(json) => json.into_owned(),
            Self::List(items) => items.iter().map(|item| Json::clone(item)).collect(),
            Self::Map(fields) => fields
                .iter()
                .map(|(name, field)| (name.to_string(), Json::clone(field)))
                .collect(),
            Self::Picked(items) => items
                .into_iter()
                .map(|item| item.json()?)
                .collect::<Option<_>>()?,
            Self::Omit => return Some(None),
        }))
    }

    /// Whether it counts as true.
    pub(super) fn is_true(&self) -> Option<bool> {
        Some(match self {
            Self::Json(json) => match &**json {
                Json::Null => false,
                Json::Bool(truth) => *truth,
                Json::Number(number) => number.as_f64() != Some(0.0),
                Json::String(text) => !text.is_empty(),
                Json::Array(items) => !items.is_empty(),
                Json::Object(fields) => !fields.is_empty(),
            },
            Self::List(items) => !items.is_empty(),
            Self::Map(fields) => !fields.is_empty(),
            Self::Picked(items) => !items.is_empty(),
            Self::Omit => return None,
        })
    }

    fn attribute(self, name: &str) -> Option<Self> {
        match self {
            Self::Json(Cow::Borrowed(json)) => {
                Some(Self::Json(Cow::Borrowed(json.as_object()?.get(name)?)))
            }
            Self::Map(fields) => {
                let field = fields.iter().find(|(own, _)| **own == *name);
                field.map(|(_, field)| field.into())
            }
            _ => None,
        }
    }

    /// Its items, if it is a list of few.
    fn items(self) -> Option<Vec<Self>> {
        let items: Vec<Self> = match self {
            Self::Json(Cow::Borrowed(json)) => {
                let items = json.as_array().filter(|items| items.len() <= ITEMS)?;
                let items = items.iter();
                items.map(|item| Self::Json(Cow::Borrowed(item))).collect()
            }
            Self::List(items) if items.len() <= ITEMS => items.iter().map(Self::from).collect(),
            Self::Picked(items) => items,
            _ => return None,
        };
        (items.len() <= ITEMS).then_some(items)
    }

    fn as_json(&self) -> Option<&Json> {
        match self {
            Self::Json(json) => Some(json),
            _ => None,
        }
    }
}

impl Node {
    pub(super) fn found<'a>(&'a self, scope: &'a Scope) -> Option<Found<'a>> {
        let truth = |truth: bool| Some(Found::own(truth));
        match self {
            Self::Literal(json) => Some(Found::Json(Cow::Borrowed(json))),
            Self::Path(names) => {
                let (root, rest) = names.split_first()?;
                let Some(value) = scope.get(root) else {
                    return (&**root == "omit" && rest.is_empty()).then_some(Found::Omit);
                };
                rest.iter()
                    .try_fold(value.into(), |found: Found<'_>, name| found.attribute(name))
            }
            Self::Item(list, at) => list.found(scope)?.items()?.into_iter().nth(*at),
            Self::Attribute(node, name) => node.found(scope)?.attribute(name),
            Self::List(items) => {
                let items = items.iter().map(|item| item.found(scope));
                let items: Option<Vec<_>> = items.collect();
                items.map(Found::Picked)
            }
            Self::Not(node) => truth(!node.found(scope)?.is_true()?),
            Self::And(one, other) => match one.found(scope)? {
                found if found.is_true()? => other.found(scope),
                found => Some(found),
            },
            Self::Or(one, other) => match one.found(scope)? {
                found if found.is_true()? => Some(found),
                _ => other.found(scope),
            },
            Self::Compare(first, rest) => {
                let mut left = first.found(scope)?;
                let mut holds = true;
                for (order, right) in rest {
                    let right = right.found(scope)?;
                    holds &= order.holds(&left, right.clone())?;
                    left = right;
                }
                truth(holds)
            }
            Self::If(parts) => {
                let [value, condition, other] = &**parts;
                match condition.found(scope)?.is_true()? {
                    true => value.found(scope),
                    false => other.found(scope),
                }
            }
            Self::IsNone(node) => match node.found(scope)? {
                Found::Omit => None,
                found => truth(found.as_json().is_some_and(Json::is_null)),
            },
            Self::IsDefined(node) => node.found(scope).and_then(|_| truth(true)),
            Self::Filter(node, filter) => filter.of(node.found(scope)?, scope),
        }
    }
}

impl Order {
    fn holds(self, left: &Found<'_>, right: Found<'_>) -> Option<bool> {
        if matches!(self, Self::In | Self::NotIn) {
            return Some(is_in(left, right)? == (self == Self::In));
        }
        if matches!(self, Self::Equal | Self::Unequal) {
            return Some(equal(left, &right)? == (self == Self::Equal));
        }
        let whole = |found: &Found<'_>| match found.as_json()? {
            Json::Number(number) => whole(number),
            _ => None,
        };
        let (left, right) = (whole(left)?, whole(&right)?);
        Some(match self {
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::More => left > right,
            _ => left >= right,
        })
    }
}

fn whole(number: &serde_json::Number) -> Option<i128> {
    let signed = number.as_i64().map(i128::from);
    signed.or_else(|| number.as_u64().map(i128::from))
}

fn is_in(value: &Found<'_>, container: Found<'_>) -> Option<bool> {
    if let Some(Json::String(text)) = container.as_json() {
        let part = value.as_json()?.as_str()?;
        return (text.len() <= BYTES).then(|| text.contains(part));
    }
    for item in container.items()? {
        if equal(value, &item)? {
            return Some(true);
        }
    }
    Some(false)
}

fn equal(left: &Found<'_>, right: &Found<'_>) -> Option<bool> {
    if let (Some(left), Some(right)) = (left.as_json(), right.as_json())
        && let Some(equal) = same(left, right)
    {
        return Some(equal);
    }
    let (left, right) = (left.clone().items()?, right.clone().items()?);
    let mut same = left.len() == right.len();
    for (left, right) in left.iter().zip(&right) {
        // Items that are lists are left alone: there is no end to them.
        same &= self::same(left.as_json()?, right.as_json()?)?;
    }
    Some(same)
}

/// Whether two values are the same, one of which is at the least neither a list nor a map.
fn same(left: &Json, right: &Json) -> Option<bool> {
    match (left, right) {
        (Json::Null, Json::Null) => Some(true),
        (Json::Bool(left), Json::Bool(right)) => Some(left == right),
        (Json::String(left), Json::String(right)) => Some(left == right),
        (Json::Number(left), Json::Number(right)) => Some(whole(left)? == whole(right)?),
        // The one counts as the other.
        (Json::Bool(_), Json::Number(_)) | (Json::Number(_), Json::Bool(_)) => None,
        (Json::Array(_) | Json::Object(_), Json::Array(_) | Json::Object(_)) => None,
        _ => Some(false),
    }
}

impl Filter {
    fn of<'a>(&'a self, found: Found<'a>, scope: &'a Scope) -> Option<Found<'a>> {
        if let Self::Default = self {
            return Some(found);
        }
        let items = found.items()?;
        let field = |item: &Found<'a>, name: &str| item.clone().attribute(name);
        match self {
            Self::Default | Self::List => Some(Found::Picked(items)),
            Self::Length => Some(Found::own(items.len())),
            Self::Ids => {
                let ids: Option<Vec<_>> = items.iter().map(|item| field(item, "id")).collect();
                ids.map(Found::Picked)
            }
            Self::Attribute(name) => {
                let fields: Option<Vec<_>> = items.iter().map(|item| field(item, name)).collect();
                fields.map(Found::Picked)
            }
            Self::Refs => {
                let refs = items.iter().map(|item| {
                    let id = field(item, "id")?.json()??;
                    Some(json!({ "id": id }))
                });
                refs.collect::<Option<Json>>().map(Found::own)
            }
            Self::Select {
                attribute,
                test,
                passes,
            } => {
                let wanted = match test {
                    Test::Equal(node) => Some(node.found(scope)?),
                    Test::True | Test::None => None,
                };
                let mut kept = Vec::new();
                for item in items {
                    let field = field(&item, attribute)?;
                    let passed = match (test, &wanted) {
                        (Test::Equal(_), Some(wanted)) => equal(&field, wanted)?,
                        (Test::None, _) => field.as_json().is_some_and(Json::is_null),
                        _ => field.is_true()?,
                    };
                    if passed == *passes {
                        kept.push(item);
                    }
                }
                Some(Found::Picked(kept))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Source, Span};
    use crate::template::{Expr, to_json};

    /// Values of every kind, and what is like another but is not.
    const VALUES: &str = r#"{
        "null": null, "true": true, "false": false, "zero": 0, "nought": 0.0, "one": 1, "whole": 1.0, "half": 0.5,
        "most": 18446744073709551615, "least": -9223372036854775808, "empty": "", "text": "x", "digit": "1",
        "name": "one", "no": [], "numbers": [0, 1], "names": ["x", "one", null], "mixed": ["x", 1.0, true, [], {}],
        "items": {}, "keys": {"b": 1, "a": null, "id": "x"},
        "things": [{"id": "x", "of": null}, {"id": "y", "of": "x"}, {"id": "x", "of": ""}],
        "odd": [{"id": "x"}, {"of": "x"}], "refs": [{"id": "x"}]
    }"#;

    /// Forms of expressions, with `A` and `B` for values.
    const FORMS: &str = r#"
        A == B ; A != B ; A < B ; A <= B ; A > B ; A >= B ; A in B ; A not in B ; not A in B ; A and B ;
        A or B ; not A and B ; A or not B ; A if B else 'else' ; A if B ; 'none' if A is none else B ; [A, B] ;
        [A, B] == [B, A] ; A == B == A ; 0 <= A < B ; A | selectattr('of', 'eq', B) ; A | default(B)
    "#;

    /// The same with `A` alone.
    const FORMS_OF_ONE: &str = r#"
        A ; (A) ; not A ; A is none ; A is not none ; A is defined ; A is not defined ; A is none and true ;
        A == [] ; A == '' ; A == 'x' ; A == "x" ; A == none ; A == None ; A == true ; A == False ; A == 1 ;
        A == ['x', 'one', none] ; A in ['x', 0, none] ; A in 'xyz' ; 'x' in A ; 1 in A ; none in A ;
        A if A else omit ; omit if A is none else A ; A or omit ; [A, omit] ; A | list ; A | list | length ;
        A | length ; A | length > 1 ; A | ids ; A | refs ; A | map(attribute='id') | list ;
        A | map(attribute='id.x') | list ; A | selectattr('of') | list ; A | selectattr('of') | list and 'yes' ;
        A | rejectattr('of') | ids ; A | selectattr('of', 'none') | list ;
        A | rejectattr('of', 'none') | length == 2 ; A | selectattr('id', 'eq', 'x') | refs ;
        A | rejectattr('id', 'eq', 'x') | selectattr('of', 'eq', 'x') | list ;
        A | selectattr('id', 'eq') | list ; A | selectattr('0') | list ; A | default ; A | default('other') ;
        A | default(nobody.knows) ; (A | default(none)) is none ; A[0] ; A[2].of ; A[0].id if A else none ;
        A.id ; A.id == 'x' ; A.id.of ; A.0 ; A.keys() ; A['id'] ; A[-1] ; A ~ 'x' ; A + 1 ; -A ; A | string ;
        A is none == false ; (A is none) == (A == 0) ; A is string ; A is none in [true] ; A | list[0]
    "#;

    const WHOLE: &str = r#"
        1 ; 007 ; 1.5 ; 1e3 ; 1_000 ; 0x10 ; 'a' 'b' ; 'a\'b' ; "it's" ; true ; [] ; [1, [2, 'x']] ; [1,] ;
        (1,) ; () ; {'a': 1} ; omit ; omit is none ; omit is defined ; omit == omit ; not omit ; nobody ;
        nobody is defined ; nobody | default('x') ; nobody == 1 ; 1 if true ; 1 if false ; loop ;
        1 if false else 2 if false else 3 ; 1 if true else nobody ; true or nobody ; false and nobody.knows ;
        range(3) ; range ; 'x'.id ; 'x' is none ; 1 < 2 < 3 ; 1 < 2 > 3 == 4 ; 1 == 1 in [true] ;
        18446744073709551616 ; 'x' in 'xyz' and not ('a' in 'xyz') ; none | length ; 'x' | upper ; 'ä' == 'ä' ;
        ä ; [1, 2] | length is none
    "#;

    fn forms(text: &'static str) -> impl Iterator<Item = &'static str> {
        text.split(" ;").map(str::trim)
    }

    /// What it comes to, or why it comes to nothing, in any words.
    fn told(value: Result<Option<Json>, crate::template::EvalError>) -> Result<Json, String> {
        let value = value.map_err(|error| error.why)?;
        Ok(value.unwrap_or("<omit>".into()))
    }

    /// Evaluates an expression both ways; whether it was evaluated directly.
    fn check(text: &str, scope: &Scope) -> bool {
        let span = Span::start_of(&Source::new("t.yaml", ""));
        let Some(expr) = Expr::compile(text, &span, &mut Vec::new()) else {
            return false;
        };
        let evaluated = expr.evaluate(scope);
        let by_minijinja =
            (evaluated.clone()).and_then(|value| to_json(&value).map_err(|why| expr.error(why)));
        assert_eq!(told(expr.value(scope)), told(by_minijinja), "{text}");
        let truth = evaluated
            .map(|value| value.is_true())
            .map_err(|error| error.why);
        assert_eq!(
            expr.holds(scope).map_err(|error| error.why),
            truth,
            "{text}"
        );
        expr.found(scope).is_some()
    }

    /// The values, each by itself, as JSON, in a list, and by name.
    fn scope() -> (Scope, Vec<String>) {
        let values: Json = serde_json::from_str(VALUES).expect("JSON");
        let mut scope = Scope::new();
        let mut names = Vec::new();
        let shared: Shared = values.clone().into();
        scope.share("json", &shared);
        for (name, value) in values.as_object().expect("an object") {
            scope.set(name.as_str(), value);
            names.push(name.clone());
        }
        let things = || shared["things"].as_array().expect("a list").iter();
        let kept = || Shared::list(things().map(|thing| thing.clone().into()));
        scope.share("kept", &kept());
        let group = Shared::map(
            [("empty", Shared::list([])), ("things", kept())].map(|(name, of)| (name.into(), of)),
        );
        scope.share("group", &Shared::later(move || group));
        let more = [
            "json.keys",
            "json.missing",
            "kept",
            "group",
            "group.things",
            "group.empty",
            "group.missing",
        ];
        names.extend(more.map(str::to_owned));
        (scope, names)
    }

    #[test]
    fn what_is_evaluated_directly_comes_to_the_same_as_with_minijinja() {
        let (scope, names) = scope();
        let mut direct = 0;
        for text in forms(WHOLE) {
            direct += usize::from(check(text, &scope));
        }
        for one in &names {
            for form in forms(FORMS_OF_ONE) {
                direct += usize::from(check(&form.replace('A', one), &scope));
            }
            for other in &names {
                for form in forms(FORMS) {
                    let text = form
                        .replace('A', "\0")
                        .replace('B', other)
                        .replace('\0', one);
                    direct += usize::from(check(&text, &scope));
                }
            }
        }
        assert!(direct > 5000, "{direct}");
    }

    #[test]
    fn what_a_run_asks_most_is_evaluated_directly() {
        let (mut scope, _) = scope();
        let pool = json!({"id": "x", "status": "ACTIVE", "pools": []});
        scope.set("pool", &pool);
        scope.set(
            "profile",
            &json!({"blocked_by": ["member"], "policy": "REJECT"}),
        );
        for text in [
            "pool.status == 'ACTIVE'",
            "kept | refs",
            "kept[0].id if kept else none",
            "group.things | selectattr('of', 'eq', pool.id) | refs",
            "omit if null is none else null",
            "group.things and 'member' in profile.blocked_by",
            "group.things | selectattr('of', 'eq', pool.id) | list and 'l7policy' in profile.blocked_by",
            "not (profile.policy and pool.status == 'default_pool' and text != 'absent')",
            "2 if text in ['here', 'both'] else 0",
            "pool.id not in (kept | ids)",
            "400 <= one < 500",
            "profile.blocked_by | length == 3",
            "profile.blocked_by == ['member']",
            "pool.pools == []",
        ] {
            assert!(check(text, &scope), "{text}");
        }
    }

    #[test]
    fn what_might_take_long_is_left_to_minijinja() {
        let mut scope = Scope::new();
        scope.set("many", &(0..=ITEMS).collect());
        scope.set("long", &"x".repeat(BYTES + 1).into());
        for text in ["1 in many", "many | length", "many == [1]", "'x' in long"] {
            assert!(!check(text, &scope), "{text}");
        }
    }
}
