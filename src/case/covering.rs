//! Few combinations that cover many: every part that fixes the values of so many axes, and that the rules allow
//! at all, is part of one of them.
//!
//! Greedy: a row begins with a part that is still open, and takes the values that cover most of the others, as
//! long as it can be completed. Of several rows that chance proposes, the best one is kept.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use crate::suite::space::{Choice, Parts, Space};

/// So many rows are proposed for one that is kept; fewer where there is much to cover.
const PROPOSALS: usize = 50;
/// So many parts are looked at for one row, more or less.
const WORK: usize = 1 << 22;
/// So many values are tried to tell whether one that would be better fits.
const TRIES: usize = 1 << 14;

/// A combination with the number of parts that no row before it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// The number of each axis's value.
    pub(super) values: Vec<usize>,
    /// How many parts it adds.
    pub(super) adds: usize,
}

/// Rows that have every allowed part; the same seed gives the same rows.
pub(super) fn cover(space: &Space, parts: &Parts, seed: u64) -> Vec<Row> {
    let choices = &parts.choices;
    let of = (0..space.sizes().len()).map(|axis| {
        let of = choices.iter().filter(|choice| choice.axes.contains(&axis));
        of.collect()
    });
    let proposals = (WORK / parts.within.len().max(1)).clamp(1, PROPOSALS);
    let mut cover = Cover {
        space,
        parts,
        of: of.collect(),
        open: parts.allowed().collect(),
        chance: ChaCha8Rng::seed_from_u64(seed),
    };
    let mut rows = Vec::new();
    while cover.open.contains(&true) {
        let mut best: Option<Row> = None;
        for _ in 0..proposals {
            let values = cover.propose();
            let open = choices
                .iter()
                .filter(|choice| cover.open[cover.part(choice, &values)]);
            let adds = open.count();
            if best.as_ref().is_none_or(|best| adds > best.adds) {
                best = Some(Row { values, adds });
            }
        }
        let Some(row) = best.filter(|row| row.adds > 0) else {
            break;
        };
        for choice in choices {
            let part = cover.part(choice, &row.values);
            cover.open[part] = false;
        }
        rows.push(row);
    }
    rows
}

struct Cover<'a> {
    space: &'a Space,
    parts: &'a Parts,
    /// By axis: the choices that it is in.
    of: Vec<Vec<&'a Choice>>,
    /// By part: whether a row must still have it.
    open: Vec<bool>,
    chance: ChaCha8Rng,
}

impl Cover<'_> {
    /// A row with at least one open part.
    fn propose(&mut self) -> Vec<usize> {
        let space = self.space;
        // `fits` is how the row can be completed, so that there is always a value to take.
        let (mut row, mut fits) = self.begin();
        let mut axes: Vec<usize> = (0..row.len()).filter(|axis| row[*axis].is_none()).collect();
        self.shuffle(&mut axes);
        for axis in axes {
            let mut values: Vec<(usize, usize)> =
                (0..space.sizes()[axis]).map(|it| (it, 0)).collect();
            self.shuffle(&mut values);
            for (value, gain) in &mut values {
                *gain = self.gain(&row, axis, *value);
            }
            // The first of those that gain most, which nearly always fits.
            let best = || {
                let best = (0..values.len()).rev().max_by_key(|at| values[*at].1)?;
                Some(values.remove(best).0)
            };
            row[axis] = std::iter::from_fn(best)
                .find(|value| fitting(space, &row, &mut fits, axis, *value));
        }
        row.into_iter().flatten().collect()
    }

    /// One of the open parts, and a combination that has it.
    fn begin(&mut self) -> (Vec<Option<usize>>, Vec<Option<usize>>) {
        let Parts {
            choices,
            within,
            found,
        } = self.parts;
        let from = self.number(self.open.len());
        let open = (from..self.open.len())
            .chain(0..from)
            .find(|part| self.open[*part])
            .unwrap_or(from);
        let mut row = vec![None; self.space.sizes().len()];
        let choice = choices.partition_point(|choice| choice.first <= open) - 1;
        for (axis, value) in choices[choice].values(self.space.sizes(), open) {
            row[axis] = Some(value);
        }
        (row, found[within[open].unwrap_or(0)].clone())
    }

    /// How many open parts the row gets with this value.
    fn gain(&self, row: &[Option<usize>], axis: usize, value: usize) -> usize {
        let known = |other: usize| {
            if other == axis {
                Some(value)
            } else {
                row[other]
            }
        };
        self.of[axis]
            .iter()
            .filter(|choice| {
                choice.axes.iter().all(|other| known(*other).is_some())
                    && self.open[choice.part(self.space.sizes(), |other| known(other).unwrap_or(0))]
            })
            .count()
    }

    fn part(&self, choice: &Choice, values: &[usize]) -> usize {
        choice.part(self.space.sizes(), |axis| values[axis])
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for at in (1..list.len()).rev() {
            let other = self.number(at + 1);
            list.swap(at, other);
        }
    }

    /// A number below the limit. Not by the distributions of `rand`, which may change with its versions: what
    /// a seed chooses is part of case ids, and waivers name those.
    fn number(&mut self, limit: usize) -> usize {
        usize::try_from(self.chance.next_u64() % limit.max(1) as u64).unwrap_or(0)
    }
}

/// Whether the row can be completed with this value; if so, `fits` says how.
fn fitting(
    space: &Space,
    row: &[Option<usize>],
    fits: &mut [Option<usize>],
    axis: usize,
    value: usize,
) -> bool {
    let tied = space.tied(axis);
    if tied.is_empty() || fits[axis] == Some(value) {
        return true;
    }
    if space.is_live(axis, value, fits) {
        fits[axis] = Some(value);
        return true;
    }
    let mut other = row.to_vec();
    other[axis] = Some(value);
    let fitting = space.complete(axis, &mut other, &mut { TRIES }) == Ok(true);
    if fitting {
        tied.iter().for_each(|tied| fits[*tied] = other[*tied]);
    }
    fitting
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::suite::space::{Rule, TooMany};

    fn rule(axes: &[usize], sizes: &[usize], mut allows: impl FnMut(&[usize]) -> bool) -> Rule {
        Rule::new::<TooMany>(axes.to_vec(), sizes, |values| Ok(allows(values))).unwrap()
    }

    fn rows(space: &Space, strength: usize, seed: u64) -> Vec<Vec<usize>> {
        cover(space, &space.parts(strength).unwrap(), seed)
            .into_iter()
            .map(|row| row.values)
            .collect()
    }

    /// The parts of combinations, without any of the code above.
    fn parts(rows: &[Vec<usize>], strength: u32) -> BTreeSet<Vec<Option<usize>>> {
        let mut parts = BTreeSet::new();
        for row in rows {
            for mask in (0_u32..1 << row.len()).filter(|mask| mask.count_ones() == strength) {
                let part = row.iter().enumerate();
                parts.insert(
                    part.map(|(axis, value)| (mask >> axis & 1 == 1).then_some(*value))
                        .collect(),
                );
            }
        }
        parts
    }

    #[test]
    fn every_allowed_part_is_covered_and_nothing_else_whatever_the_shape() {
        let mut chance = ChaCha8Rng::seed_from_u64(1);
        let mut below = |limit: usize| (chance.next_u64() % limit as u64) as usize;
        let (mut empty, mut refusing) = (0, 0);
        for shape in 0..150 {
            let sizes: Vec<usize> = (0..1 + below(5)).map(|_| 1 + below(4)).collect();
            let rules: Vec<Rule> = (0..below(5))
                .map(|_| {
                    let mut axes: Vec<usize> = (0..sizes.len()).filter(|_| below(2) == 0).collect();
                    if axes.is_empty() {
                        axes.push(below(sizes.len()));
                    }
                    let odds = 1 + below(4);
                    rule(&axes, &sizes, |_| below(odds + 1) > 0)
                })
                .collect();
            let idle = rules.iter().all(Rule::is_idle);
            let space = Space::new(sizes.clone(), rules);
            let all: Vec<Vec<usize>> = space.combinations().collect();
            empty += usize::from(all.is_empty());
            refusing += usize::from(!idle);
            for strength in 1..=sizes.len().min(4) {
                let rows = rows(&space, strength, shape);
                let told = format!("shape {shape} {sizes:?}, strength {strength}");
                assert!(rows.iter().all(|row| all.contains(row)), "{told}");
                let strength = u32::try_from(strength).unwrap();
                assert_eq!(parts(&rows, strength), parts(&all, strength), "{told}");
                let unique: BTreeSet<&Vec<usize>> = rows.iter().collect();
                assert_eq!(unique.len(), rows.len(), "{told}");
            }
        }
        assert!(empty > 5 && refusing > 75, "{empty} {refusing}");
    }

    #[test]
    fn six_axes_of_three_values_take_few_rows_and_a_seed_repeats_them() {
        let space = Space::new(vec![3; 6], Vec::new());
        for seed in 0..20 {
            let first = rows(&space, 2, seed);
            assert!(first.len() <= 20, "{} rows with seed {seed}", first.len());
            assert_eq!(first, rows(&space, 2, seed));
        }
        assert_ne!(rows(&space, 2, 0), rows(&space, 2, 1));
    }

    #[test]
    fn the_rows_of_a_seed_stay_what_they_were() {
        let space = Space::new(vec![2, 2, 3], Vec::new());
        assert_eq!(
            rows(&space, 2, 7),
            [
                [1, 0, 1],
                [1, 1, 2],
                [0, 0, 0],
                [0, 1, 1],
                [0, 0, 2],
                [1, 1, 0]
            ]
        );
    }

    #[test]
    fn what_only_several_rules_together_refuse_is_known() {
        let sizes = vec![3; 4];
        let pairs = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)];
        let differ = |pairs: &[(usize, usize)]| {
            let rules = pairs
                .iter()
                .map(|(one, other)| rule(&[*one, *other], &sizes, |values| values[0] != values[1]));
            Space::new(sizes.clone(), rules.collect())
        };
        assert_eq!(rows(&differ(&pairs), 2, 0), Vec::<Vec<usize>>::new());
        // Without the last pair, its two axes can only be alike.
        let space = differ(&pairs[..5]);
        assert!(rows(&space, 2, 0).iter().all(|row| row[2] == row[3]));
    }

    #[test]
    fn large_shapes_take_no_time_and_entangled_ones_are_refused() {
        let begun = Instant::now();
        let sizes = vec![4; 20];
        let rules = (0..40).map(|number| {
            let (one, other) = (number % 20, (number * 7 + 3) % 20);
            rule(&[one, other], &sizes, |values| values != [number % 4, 1])
        });
        let space = Space::new(sizes.clone(), rules.collect());
        assert!(rows(&space, 2, 0).len() < 60);
        assert_eq!(
            Space::new(vec![10; 20], Vec::new()).parts(5).unwrap_err(),
            TooMany::Parts
        );
        // Twelve pigeons in eleven holes.
        let sizes = vec![11; 12];
        let rules = (0..12).flat_map(|one| (0..one).map(move |other| [other, one]));
        let rules = rules.map(|axes| rule(&axes, &sizes, |values| values[0] != values[1]));
        let pigeons = Space::new(sizes.clone(), rules.collect());
        assert_eq!(pigeons.parts(2).unwrap_err(), TooMany::Tries);
        assert!(begun.elapsed() < Duration::from_secs(60));
    }
}
