//! One scenario as many cases: one for each combination of its axes that is chosen.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::covering::cover;
use super::{Case, Instance};
use crate::suite::model::{Axis, Matrix, Scenario};
use crate::suite::space::Space;
use crate::template::{Scope, percent_encode};

/// The longest part of an id that names values, so that an id can be a file's name.
const LONGEST: usize = 120;

/// The combinations of a matrix that are cases. Ids, titles and values follow from them when they are asked for:
/// there may be many.
#[derive(Debug)]
pub(super) struct Rows {
    /// The numbers of the values, axis by axis, row after row. None where every combination is a case: then a
    /// row's number tells them.
    values: Option<Vec<u32>>,
    /// Why they were chosen, if not all are cases.
    strategy: Option<Strategy>,
}

/// How rows were chosen.
#[derive(Debug)]
struct Strategy {
    /// Such as `pairwise`.
    name: String,
    /// What is covered: `pairs`.
    parts: String,
    /// By row: how many parts it adds.
    adds: Vec<usize>,
}

/// What a strategy or a limit left out of a matrix.
#[derive(Debug, Clone)]
pub struct LeftOut {
    /// The scenario with the matrix.
    pub scenario: Arc<Scenario>,
    /// What left them out: `pairwise`, or `the limit of 20`.
    pub why: String,
    /// How many combinations there are besides the cases; `None` if there are too many to look at each.
    pub count: Option<usize>,
    rows: Arc<Rows>,
    cases: u32,
}

impl LeftOut {
    /// The ids that the combinations would have as cases; none if there are too many to count.
    pub fn ids(&self) -> impl Iterator<Item = String> {
        let matrix = self.scenario.matrix.as_ref();
        let listed = matrix.filter(|matrix| matrix.space.is_listed());
        listed.into_iter().flat_map(|matrix| {
            let cases: BTreeSet<Vec<usize>> = (0..self.cases)
                .map(|at| self.rows.row(matrix, at).collect())
                .collect();
            let rows = matrix.space.combinations();
            rows.filter(move |row| !cases.contains(row))
                .map(|row| id(&self.scenario, matrix, row))
        })
    }
}

fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// Whether every combination is allowed, and there are few enough to count them.
fn is_free(space: &Space) -> bool {
    let mut axes = 0..space.sizes().len();
    space.is_listed()
        && axes.all(|axis| space.tied(axis).is_empty())
        && space.combinations().next().is_some()
}

/// Adds the cases of a scenario with a matrix; what was left out of it, if anything was.
pub(super) fn cases(
    scenario: &Arc<Scenario>,
    matrix: &Matrix,
    seed: u64,
    into: &mut Vec<Case>,
) -> Option<LeftOut> {
    let limit = matrix.limit.unwrap_or(usize::MAX);
    let mut values = Some(Vec::new());
    let mut keep = |row: Vec<usize>| {
        let values = values.get_or_insert_default();
        values.extend(row.into_iter().map(number));
    };
    let (chosen, strategy) = match matrix.strength {
        Some(strength) => {
            // That the parts can be told was found when the suite was read.
            let parts = matrix.space.parts(strength).unwrap_or_default();
            let rows = cover(&matrix.space, &parts, seed);
            let adds = rows.iter().map(|row| row.adds).collect();
            let chosen = rows.len();
            rows.into_iter()
                .take(limit)
                .for_each(|row| keep(row.values));
            let (name, parts) = match strength {
                1 => ("1-way".to_owned(), "values".to_owned()),
                2 => ("pairwise".to_owned(), "pairs".to_owned()),
                _ => (
                    format!("{strength}-way"),
                    format!("choices of {strength} values"),
                ),
            };
            (chosen, Some(Strategy { name, parts, adds }))
        }
        None if is_free(&matrix.space) => {
            values = None;
            (matrix.space.sizes().iter().product(), None)
        }
        None => {
            let mut chosen = 0;
            for row in matrix.space.combinations() {
                if chosen < limit {
                    keep(row);
                }
                chosen += 1;
            }
            (chosen, None)
        }
    };
    let limited = (chosen > limit).then(|| format!("the limit of {limit}"));
    let cases = chosen.min(limit);
    let count = match strategy {
        None => Some(chosen - cases),
        Some(_) => (matrix.space.is_listed()).then(|| matrix.space.combinations().count() - cases),
    };
    let whys = strategy.iter().map(|strategy| strategy.name.clone());
    let why = whys.chain(limited).collect::<Vec<_>>().join(" and ");
    if let Some(values) = &mut values {
        values.shrink_to_fit();
    }
    let rows = Arc::new(Rows { values, strategy });
    into.reserve_exact(cases);
    into.extend((0..).take(cases).map(|at| Case {
        scenario: Arc::clone(scenario),
        instance: Instance::Row(Arc::clone(&rows), at),
    }));
    let left_out = LeftOut {
        scenario: Arc::clone(scenario),
        why,
        count,
        rows,
        cases: number(cases),
    };
    Some(left_out).filter(|left_out| left_out.count != Some(0))
}

impl Rows {
    /// The numbers of a row's values, axis by axis.
    fn row(&self, matrix: &Matrix, at: u32) -> impl Iterator<Item = usize> {
        let sizes = matrix.space.sizes();
        let at = at as usize;
        // Combinations that differ in the axes behind only; the last axis changes fastest.
        let mut alike: usize = match self.values {
            None => sizes.iter().product(),
            Some(_) => 0,
        };
        sizes
            .iter()
            .enumerate()
            .map(move |(axis, size)| match &self.values {
                None => {
                    alike /= size;
                    at / alike % size
                }
                Some(values) => {
                    let value = values.get(at * sizes.len() + axis);
                    value.map_or(0, |value| *value as usize)
                }
            })
    }

    /// The values of a row, by the names of their axes.
    pub(super) fn values<'m>(
        &self,
        matrix: &'m Matrix,
        at: u32,
    ) -> impl Iterator<Item = (&'m str, &'m Json)> {
        let axes = matrix.axes.iter().zip(self.row(matrix, at));
        axes.map(|(axis, value)| {
            let value = &axis.values[value];
            (axis.name.value.as_str(), value)
        })
    }

    /// Why a row is a case.
    pub(super) fn why(&self, matrix: &Matrix, at: u32) -> String {
        let axes = matrix.axes.iter().map(|axis| axis.name.value.as_str());
        let axes = axes.collect::<Vec<_>>().join(", ");
        match &self.strategy {
            None => format!("every combination of {axes}"),
            Some(Strategy { name, parts, adds }) => {
                let (count, at) = (adds.len(), at as usize);
                let adds = adds.get(at).copied().unwrap_or_default();
                format!(
                    "{name} over {axes}: row {} of {count}, with {adds} new {parts}",
                    at + 1
                )
            }
        }
    }

    /// What people read of a row.
    pub(super) fn title(&self, scenario: &Scenario, matrix: &Matrix, at: u32) -> String {
        let mut scope = Scope::new();
        for (name, value) in self.values(matrix, at) {
            scope.set(name, value);
        }
        // An expression that has no value for this combination stands as it is written.
        let title = matrix
            .title
            .text(&scope)
            .unwrap_or_else(|_| scenario.title.clone());
        let named: BTreeSet<&str> = matrix.title.exprs().flat_map(|expr| expr.roots()).collect();
        let rest: Vec<String> = self
            .values(matrix, at)
            .filter(|(name, _)| !named.contains(name))
            .map(|(name, value)| format!("{name} {}", Axis::word(value)))
            .collect();
        if rest.is_empty() {
            title
        } else {
            format!("{title} ({})", rest.join(", "))
        }
    }

    pub(super) fn id(&self, scenario: &Scenario, matrix: &Matrix, at: u32) -> String {
        id(scenario, matrix, self.row(matrix, at))
    }
}

/// The scenario's id with the values by the names of their axes. What an id, a filter or a file's name would
/// stumble over is percent-encoded; the end of what is too long gives way to a digest of the whole.
fn id(scenario: &Scenario, matrix: &Matrix, row: impl IntoIterator<Item = usize>) -> String {
    let values = matrix.axes.iter().zip(row).map(|(axis, value)| {
        let word = Axis::word(&axis.values[value]);
        format!(
            "{}={}",
            percent_encode(&axis.name.value),
            percent_encode(&word)
        )
    });
    let mut values = values.collect::<Vec<_>>().join(",");
    if values.len() > LONGEST {
        let digest = Sha256::digest(values.as_bytes());
        values.truncate(LONGEST - 13);
        values.push('~');
        digest[..6]
            .iter()
            .for_each(|byte| values.push_str(&format!("{byte:02x}")));
    }
    format!("{}/{values}", scenario.id)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::case::{Expansion, Generate, expand};
    use crate::suite::{Files, Selection, load};
    use crate::target::{Limits, Target};

    /// The cases of a file `many.yaml` whose only scenario, or whose scenarios, are these.
    fn expansion(text: &'static str, rows: u64) -> Expansion {
        let files = Files::Embedded([("many.yaml".to_owned(), text)].into());
        let suite = load(&Selection {
            suite: None,
            scenarios: Some((files, vec!["many.yaml".to_owned()])),
            variables: Vec::new(),
        })
        .unwrap();
        let target = Target::new(&suite, "http://a", None, &[].into(), Limits::STANDARD).unwrap();
        let generate = Generate {
            rows,
            ..Generate::default()
        };
        expand(&suite, &target, &generate)
    }

    fn ids(expansion: &Expansion) -> Vec<Cow<'_, str>> {
        expansion.cases.iter().map(Case::id).collect()
    }

    #[test]
    fn every_combination_is_a_case_with_an_id_and_a_title_of_its_own() {
        let all = expansion(
            "title: 'of {{ size }}'\ngenerate: { matrix: { size: [0, 3], state: [on, off] }, exclude: \"size == 0 and state == 'off'\" }\nsteps: GET /",
            0,
        );
        let told: Vec<_> = (all.cases.iter())
            .map(|case| (case.id(), case.title()))
            .collect();
        assert_eq!(
            told,
            [
                ("many/size=0,state=on", "of 0 (state on)"),
                ("many/size=3,state=on", "of 3 (state on)"),
                ("many/size=3,state=off", "of 3 (state off)"),
            ]
            .map(|(id, title)| (id.into(), title.into()))
        );
        assert_eq!(all.cases[2].values().next(), Some(("size", &3.into())));
        assert_eq!(
            all.cases[0].why().as_deref(),
            Some("every combination of size, state")
        );
        assert!(all.left_out.is_empty());
    }

    #[test]
    fn a_value_or_an_axis_that_comes_later_changes_no_id() {
        let one = expansion("generate: { matrix: { a: [1, 2] } }\nsteps: GET /", 0);
        let more = expansion("generate: { matrix: { a: [0, 1, 2] } }\nsteps: GET /", 0);
        assert_eq!(ids(&one), ids(&more)[1..]);
    }

    #[test]
    fn awkward_values_are_encoded_and_long_ids_end_in_a_digest() {
        let text = "generate:\n  matrix:\n    x: [a/b, 'c d', '*', ü, null, true, 1.5, '']\n    y: [xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx1, xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx2]\nsteps: GET /";
        let many = expansion(text, 0);
        let ids = ids(&many);
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 16);
        for (id, starts) in ids.iter().step_by(2).zip([
            "a%2Fb", "c%20d", "%2A", "%C3%BC", "null", "true", "1.5", ",",
        ]) {
            assert!(id.starts_with(&format!("many/x={starts}")), "{id}");
            assert_eq!(id.len(), "many/".len() + LONGEST);
        }
        assert!(ids[0].ends_with("~6c76b9e4eefc"), "{}", ids[0]);
    }

    #[test]
    fn what_is_left_out_is_counted_and_named() {
        let text = "generate: { matrix: { a: [1, 2, 3], b: [1, 2, 3], c: [1, 2, 3] }, exclude: 'a == b', strategy: pairwise }\nsteps: GET /";
        let pairs = expansion(text, 0);
        let left_out = &pairs.left_out[0];
        assert_eq!(left_out.why, "pairwise");
        let left: Vec<String> = left_out.ids().collect();
        assert_eq!(left_out.count, Some(left.len()));
        let cases: BTreeSet<_> = ids(&pairs).into_iter().collect();
        assert!(left.iter().all(|id| !cases.contains(id.as_str())));
        assert_eq!(left.len() + cases.len(), 18);
        assert!(cases.len() < 12, "{cases:?}");
        let why = pairs.cases[0].why().unwrap();
        assert!(why.starts_with("pairwise over a, b, c: row 1 of "), "{why}");
        assert!(why.ends_with(", with 3 new pairs"), "{why}");
    }

    #[test]
    fn a_limit_leaves_out_the_rest() {
        let few = expansion(
            "generate: { matrix: { a: [1, 2, 3] }, limit: 2 }\nsteps: GET /",
            0,
        );
        assert_eq!(ids(&few), ["many/a=1", "many/a=2"]);
        assert_eq!(few.left_out[0].why, "the limit of 2");
        assert_eq!(few.left_out[0].ids().collect::<Vec<_>>(), ["many/a=3"]);
        let both = expansion(
            "generate: { matrix: { a: [1, 2, 3], b: [1, 2, 3] }, strategy: { t-way: 1 }, limit: 2 }\nsteps: GET /",
            0,
        );
        assert_eq!(both.cases.len(), 2);
        assert_eq!(both.left_out[0].why, "1-way and the limit of 2");
        assert_eq!(both.left_out[0].count, Some(7));
        let enough = expansion(
            "generate: { matrix: { a: [1, 2] }, limit: 2 }\nsteps: GET /",
            0,
        );
        assert!(enough.left_out.is_empty());
    }

    #[test]
    fn rows_depend_on_the_seed_and_on_no_other_scenario() {
        let one = "scenarios:\n- id: one\n  generate: &g { matrix: { a: [1, 2, 3], b: [1, 2, 3], c: [1, 2, 3] }, strategy: pairwise }\n  steps: GET /";
        let two = "scenarios:\n- id: none\n  steps: GET /\n- id: zero\n  generate: { matrix: { a: [1, 2], b: [1, 2] }, strategy: pairwise }\n  steps: GET /\n- id: one\n  generate: { matrix: { a: [1, 2, 3], b: [1, 2, 3], c: [1, 2, 3] }, strategy: pairwise }\n  steps: GET /";
        let (first, second, other) = (expansion(one, 7), expansion(two, 7), expansion(one, 8));
        let of_one = |expansion: &Expansion| {
            let ids = ids(expansion).into_iter();
            let own = ids.filter(|id| id.starts_with("many/one/"));
            own.map(Cow::into_owned).collect::<Vec<_>>()
        };
        assert_eq!(of_one(&first), of_one(&second));
        assert_ne!(of_one(&first), of_one(&other));
        assert_eq!(ids(&second)[0], "many/none");
    }

    #[test]
    fn what_is_too_much_to_count_is_not_counted() {
        let text = "generate: { matrix: { a: &v [1, 2, 3, 4, 5, 6, 7, 8], b: *v, c: *v, d: *v, e: *v, f: *v, g: *v }, strategy: pairwise }\nsteps: GET /";
        let many = expansion(text, 0);
        assert!(many.cases.len() < 130, "{}", many.cases.len());
        assert_eq!(many.left_out[0].count, None);
        assert_eq!(many.left_out[0].ids().count(), 0);
    }
}
