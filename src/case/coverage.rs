//! What cases reach: operations with the values of their parameters and the lines of their tables, and pairs of
//! values of matrices. Told from the scenarios alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Case;
use super::rehearsal::rehearse;
use crate::suite::model::{Axis, Decision, Resource, Scenario, Suite};
use crate::target::Target;

/// What some cases reach, each once however often it gets there.
#[derive(Debug)]
pub struct Coverage<'a> {
    /// Every operation of every resource.
    pub operations: Vec<Operation<'a>>,
    /// The matrices that the cases come from.
    pub matrices: Vec<Pairs>,
}

/// How many cases reach an operation.
#[derive(Debug)]
pub struct Operation<'a> {
    /// Of what.
    pub resource: &'a Resource,
    /// Its name.
    pub name: &'a str,
    /// How many cases carry it out.
    pub cases: usize,
    /// How many with which values, by parameter; the values in the order of their first.
    pub params: Vec<(&'a str, Vec<(String, usize)>)>,
    /// The lines of its table with how many cases come to each.
    pub lines: Vec<(&'a Decision, usize)>,
}

/// The pairs of values of two axes that are in cases of a matrix.
#[derive(Debug)]
pub struct Pairs {
    /// The scenario with the matrix.
    pub scenario: Arc<Scenario>,
    /// How many cases.
    pub cases: usize,
    /// How many pairs there are that the constraints allow.
    pub allowed: usize,
    /// Those that no case has, as `members=0, monitor=absent`.
    pub missing: Vec<String>,
}

/// What cases of a suite reach.
pub fn coverage<'a>(suite: &'a Suite, target: &Target, cases: &[&Case]) -> Coverage<'a> {
    let base = target.scope();
    let mut operations: Vec<Operation<'a>> = Vec::new();
    for resource in suite.resources.values() {
        for name in resource.operation_names() {
            let Some(operation) = resource.operation(name) else {
                continue;
            };
            let params = if name == "create" {
                &resource.params
            } else {
                &operation.params
            };
            operations.push(Operation {
                resource,
                name,
                cases: 0,
                params: params
                    .iter()
                    .map(|(name, _)| (name.as_str(), Vec::new()))
                    .collect(),
                lines: operation.decides.iter().map(|line| (line, 0)).collect(),
            });
        }
    }
    for case in cases {
        let reached = rehearse(suite, &base, case);
        for operation in &mut operations {
            let own = |it: &&super::rehearsal::Reached| {
                it.resource == operation.resource.name && it.operation == operation.name
            };
            let own: Vec<_> = reached.iter().filter(own).collect();
            operation.cases += usize::from(!own.is_empty());
            for (at, (_, count)) in operation.lines.iter_mut().enumerate() {
                *count += usize::from(own.iter().any(|it| it.line == Some(at)));
            }
            for (at, (_, values)) in operation.params.iter_mut().enumerate() {
                let mut seen: Vec<&String> = Vec::new();
                for value in own
                    .iter()
                    .filter_map(|it| it.with.get(at))
                    .map(|(_, value)| value)
                {
                    if !seen.contains(&value) {
                        seen.push(value);
                        match values.iter_mut().find(|(known, _)| known == value) {
                            Some((_, count)) => *count += 1,
                            None => values.push((value.clone(), 1)),
                        }
                    }
                }
            }
        }
    }
    Coverage {
        operations,
        matrices: matrices(cases),
    }
}

fn matrices(cases: &[&Case]) -> Vec<Pairs> {
    let mut of: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
    for case in cases.iter().filter(|case| case.scenario.matrix.is_some()) {
        of.entry(case.scenario.id.as_str()).or_default().push(case);
    }
    of.into_values().filter_map(|cases| pairs(&cases)).collect()
}

fn pairs(cases: &[&Case]) -> Option<Pairs> {
    let scenario = &cases.first()?.scenario;
    let matrix = scenario.matrix.as_ref()?;
    let parts = matrix.space.parts(2).ok()?;
    let word = |axis: &Axis, value: &str| format!("{}={value}", axis.name.value);
    let have: BTreeSet<String> = cases
        .iter()
        .flat_map(|case| {
            let words: Vec<String> = (matrix.axes.iter().zip(case.values()))
                .map(|(axis, (_, value))| word(axis, &Axis::word(value)))
                .collect();
            let pair = |at: usize, other: usize| format!("{}, {}", words[at], words[other]);
            let pairs =
                (0..words.len()).flat_map(|at| (at + 1..words.len()).map(move |other| (at, other)));
            pairs.map(|(at, other)| pair(at, other)).collect::<Vec<_>>()
        })
        .collect();
    let allowed: Vec<String> = parts
        .list(&matrix.space)
        .map(|part| {
            let words = part.into_iter().map(|(axis, value)| {
                let axis = &matrix.axes[axis];
                word(axis, &Axis::word(&axis.values[value]))
            });
            words.collect::<Vec<_>>().join(", ")
        })
        .collect();
    Some(Pairs {
        scenario: Arc::clone(scenario),
        cases: cases.len(),
        allowed: allowed.len(),
        missing: allowed
            .into_iter()
            .filter(|pair| !have.contains(pair))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Generate, expand};
    use crate::suite::{Files, MANIFEST_FILE, Selection, load};
    use crate::target::Limits;

    const BASKET: &str = "\
resource: basket
params: { size: 1 }
create:
  request: POST /baskets
  answer: made
  decides: { answer: made, sets: { size: '{{ size }}' } }
object: '{{ body }}'
read: GET /baskets/{{ basket.id }}
delete:
  request: DELETE /baskets/{{ basket.id }}
  answer: deleted
  decides:
    - { if: gone, answer: missing }
    - { if: basket.size > 5, answer: refused }
    - { answer: deleted }
operations:
  shrink:
    request: PUT /baskets/{{ basket.id }}
    params: { to: 1 }
    answer: made
    decides: { answer: made, sets: { size: '{{ to }}' } }
";
    const PROFILE: &str = "\
profile: p
answers: { made: { status: 201 }, deleted: { status: 204 }, missing: { status: 404 }, refused: { status: 409 } }
";

    /// What the scenarios reach, a line for each operation, table line and matrix.
    fn reached(scenarios: &'static str) -> Vec<String> {
        let files = [
            (
                MANIFEST_FILE,
                "suite: s\nuse: [basket.yaml, p.yaml]\nscenarios: it.yaml\nprofile: p",
            ),
            ("basket.yaml", BASKET),
            ("p.yaml", PROFILE),
            ("it.yaml", scenarios),
        ];
        let suite = load(&Selection {
            suite: Some(Files::Embedded(
                files.map(|(name, text)| (name.to_owned(), text)).into(),
            )),
            scenarios: None,
            variables: Vec::new(),
        })
        .unwrap();
        let target = Target::new(&suite, "http://a", None, &[].into(), Limits::STANDARD).unwrap();
        let cases = expand(&suite, &target, &Generate::default()).cases;
        let coverage = coverage(&suite, &target, &cases.iter().collect::<Vec<_>>());
        let operations = coverage.operations.iter().map(|it| {
            let lines: Vec<usize> = it.lines.iter().map(|(_, cases)| *cases).collect();
            let with: Vec<String> = (it.params.iter())
                .flat_map(|(name, values)| {
                    values
                        .iter()
                        .map(move |it| format!(" {name}={}×{}", it.0, it.1))
                })
                .collect();
            format!("{} {} {lines:?}{}", it.name, it.cases, with.concat())
        });
        let matrices = coverage.matrices.iter().map(|it| {
            format!(
                "{} {} {} {:?}",
                it.scenario.id, it.cases, it.allowed, it.missing
            )
        });
        operations.chain(matrices).collect()
    }

    #[test]
    fn operations_values_lines_and_pairs_are_counted_by_cases() {
        let text = "\
scenarios:
  - id: sizes
    generate: { matrix: { size: [1, 9], twice: [true, false] }, strategy: { t-way: 1 } }
    given: [{ basket: { size: '{{ size }}' } }]
    when: [{ do: delete basket, then: contract }, { do: delete basket, then: contract }]
  - id: shrunk
    given: [{ basket: { size: 8, count: 2, do: shrink } }]
    steps: ['DELETE /baskets/{{ basket[1].id }}']
";
        assert_eq!(
            reached(text),
            [
                "create 3 [3] size=1×1 size=9×1 size=8×1",
                "read 0 []",
                "delete 3 [1, 1, 2]",
                "shrink 1 [1] to=1×1",
                "it/sizes 2 4 [\"size=1, twice=false\", \"size=9, twice=true\"]",
            ]
        );
    }

    #[test]
    fn after_a_request_of_unknown_outcome_no_line_is_told() {
        let text = "\
given: [basket]
steps:
  - { request: POST /elsewhere, then: { status: 200 } }
  - delete basket
  - { request: 'PUT /baskets/{{ basket.id }}', as: other }
";
        assert_eq!(
            reached(text),
            [
                "create 1 [1] size=1×1",
                "read 0 []",
                "delete 1 [0, 0, 0]",
                "shrink 0 [0]",
            ]
        );
    }
}
