//! The axes of a scenario: their names are their own, and their constraints are decided here, once for all.

use super::Linker;
use super::names::{AFTERMATH, EVERYWHERE, FUNCTIONS, names};
use crate::source::{Diagnostic, Span, Spanned};
use crate::suite::model::{Axis, Matrix};
use crate::suite::parse::RawMatrix;
use crate::suite::read::Found;
use crate::suite::space::{COMBINATIONS, Rule, Space, TooMany};
use crate::template::{ANSWER, Expr, Scope, Template};

impl Linker<'_> {
    /// The matrix of a scenario, with its constraints decided; `None` if there is anything wrong with it.
    pub(super) fn matrix(&mut self, raw: RawMatrix, title: &Spanned<String>) -> Option<Matrix> {
        let RawMatrix {
            span,
            axes,
            exclude,
            only,
            strength,
            limit,
        } = raw;
        let before = self.found.len();
        let known: Vec<&str> = axes.iter().map(|axis| axis.name.value.as_str()).collect();
        let title = Template::parse(&title.value, &title.span, self.found);
        for expr in exclude.iter().chain(&only).chain(title.exprs()) {
            names(expr, known.iter().copied(), self.found);
        }
        if let Some(strength) = strength.as_ref().filter(|it| it.value > axes.len()) {
            self.found.push(
                Diagnostic::new(
                    "bad-count",
                    &strength.span,
                    format!("the matrix has fewer than {} axes", strength.value),
                )
                .label("more than there are")
                .help("`pairwise` is about 2 axes at a time, `t-way` about as many as there are at the most; `all` takes every combination"),
            );
        }
        if self.found.len() > before || axes.iter().any(|axis| axis.values.is_empty()) {
            return None;
        }
        let sizes: Vec<usize> = axes.iter().map(|axis| axis.values.len()).collect();
        let constraints = exclude.iter().map(|expr| (expr, false));
        let rules = constraints
            .chain(only.iter().map(|expr| (expr, true)))
            .filter_map(|(expr, wanted)| rule(expr, wanted, &axes, &sizes, self.found))
            .collect();
        let space = Space::new(sizes, rules);
        let strength = strength.map(|strength| strength.value);
        if self.found.len() == before {
            leaves(&space, strength, &axes, &span, self.found);
        }
        (self.found.len() == before).then_some(Matrix {
            axes,
            space,
            strength,
            limit,
            title,
        })
    }

    /// Reports axes whose name means something else already: to every expression, or as one of `taken`.
    pub(super) fn own_names(&mut self, axes: &[Spanned<String>], taken: &[&str]) {
        let variables: Vec<&str> = self.variables.iter().map(String::as_str).collect();
        let all = [
            EVERYWHERE,
            FUNCTIONS,
            ANSWER,
            AFTERMATH,
            &["value"],
            taken,
            &variables,
        ];
        for name in axes {
            if all.iter().any(|names| names.contains(&name.value.as_str())) {
                self.found.push(
                    Diagnostic::new(
                        "duplicate-alias",
                        &name.span,
                        format!("`{}` is something else already", name.value),
                    )
                    .label("this axis")
                    .help("rename it: objects, variables, captures and axes of a scenario have names of their own"),
                );
            }
        }
    }
}

/// What stopped the making of a rule.
enum Stopped {
    TooMany(TooMany),
    /// With the values for which it cannot be evaluated.
    Wrong(String),
}

impl From<TooMany> for Stopped {
    fn from(why: TooMany) -> Self {
        Self::TooMany(why)
    }
}

fn rule(
    expr: &Expr,
    wanted: bool,
    axes: &[Axis],
    sizes: &[usize],
    found: &mut Found,
) -> Option<Rule> {
    let own: Vec<usize> = (0..axes.len())
        .filter(|axis| expr.roots().any(|root| root == axes[*axis].name.value))
        .collect();
    if own.is_empty() {
        found.push(
            Diagnostic::new(
                "idle-constraint",
                &expr.span,
                "this says nothing of the axes",
            )
            .label("here")
            .help("name an axis in it, or take it out"),
        );
        return None;
    }
    let decided = Rule::new(own.clone(), sizes, |values| {
        let mut scope = Scope::new();
        let named = own.iter().zip(values).map(|(axis, value)| {
            let Axis { name, values } = &axes[*axis];
            (&name.value, &values[*value])
        });
        let named: Vec<_> = named.collect();
        for (name, value) in &named {
            scope.set(name.as_str(), value);
        }
        expr.holds(&scope)
            .map(|holds| holds == wanted)
            .map_err(|error| {
                let values = named
                    .iter()
                    .map(|(name, value)| format!("{name}={}", Axis::word(value)));
                let values = values.collect::<Vec<_>>().join(", ");
                Stopped::Wrong(format!("{error}, with {values}"))
            })
    });
    let (code, message, help) = match decided {
        Ok(rule) if !rule.is_idle() => return Some(rule),
        Ok(_) => (
            "idle-constraint",
            "this leaves every combination".to_owned(),
            "take it out, or look for a misspelt value",
        ),
        Err(Stopped::TooMany(why)) => (
            "too-many-combinations",
            why.to_string(),
            "say it in several expressions, each about fewer axes",
        ),
        Err(Stopped::Wrong(why)) => (
            "bad-expression",
            why,
            "it is decided for every combination of the axes that it names",
        ),
    };
    found.push(
        Diagnostic::new(code, &expr.span, message)
            .label("here")
            .help(help),
    );
    None
}

/// Reports a matrix of which nothing is left, values that no combination has, and a matrix that is too large.
fn leaves(space: &Space, strength: Option<usize>, axes: &[Axis], span: &Span, found: &mut Found) {
    let mut too_many = |why: String, help: &str| {
        found.push(
            Diagnostic::new("too-many-combinations", span, why)
                .label("this matrix")
                .help(help),
        );
    };
    if strength.is_none() && !space.is_listed() {
        let why = format!("there are more than {COMBINATIONS} combinations");
        return too_many(why, "take fewer values, or say `strategy: pairwise`");
    }
    let parts = space.parts(1).and_then(|single| match strength {
        Some(strength) => space.parts(strength).map(|_| single),
        None => Ok(single),
    });
    let single = match parts {
        Ok(single) => single,
        Err(why) => {
            let help = "take fewer values, fewer axes at a time, or constraints about fewer axes";
            return too_many(why.to_string(), help);
        }
    };
    if single.allowed().next().is_none() {
        found.push(
            Diagnostic::new("nothing-left", span, "the constraints leave no combination")
                .label("this matrix")
                .help("one of `exclude` and `only` refuses what the others leave"),
        );
        return;
    }
    let values = axes
        .iter()
        .flat_map(|axis| axis.values.iter().map(move |value| (axis, value)));
    for ((axis, value), allowed) in values.zip(single.allowed()) {
        if !allowed {
            found.push(
                Diagnostic::new(
                    "nothing-left",
                    &axis.name.span,
                    format!(
                        "the constraints leave no combination with `{}`",
                        Axis::word(value)
                    ),
                )
                .label("this axis")
                .help("take the value out, or loosen a constraint"),
            );
        }
    }
}
