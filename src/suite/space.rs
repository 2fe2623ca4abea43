//! The combinations of a matrix, as numbers: which there are, which are refused, and which parts of one can be
//! completed. Nothing here hangs: what would take too long is an error.

/// So many combinations are looked at one by one.
pub const COMBINATIONS: usize = 1 << 18;
/// So many combinations of its axes does one rule know.
const DECIDED: usize = 1 << 16;
/// So many parts of combinations are covered.
const PARTS: usize = 1 << 20;
/// So many values are tried to tell which parts can be completed.
const TRIES: usize = 1 << 22;
/// So many of the combinations found last are asked whether they have a part, before a new one is looked for.
const FOUND: usize = 256;

/// Axes with their numbers of values, and the rules that refuse some of the combinations.
#[derive(Debug, Clone)]
pub struct Space {
    sizes: Vec<usize>,
    rules: Vec<Rule>,
    /// By axis: the rules that look at it.
    looks: Vec<Vec<usize>>,
    /// By axis: the axes that rules tie it to, itself among them; none for an axis without rules.
    tied: Vec<Vec<usize>>,
}

/// A rule, decided beforehand for every combination of the axes that it looks at.
#[derive(Debug, Clone)]
pub struct Rule {
    axes: Vec<usize>,
    allows: Vec<bool>,
}

/// What would take too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooMany {
    /// One rule looks at too many combinations.
    #[error("this looks at more than {DECIDED} combinations")]
    Decided,
    /// There are too many parts to cover.
    #[error("more than {PARTS} parts of combinations would have to be covered")]
    Parts,
    /// The rules are too entangled.
    #[error("after {TRIES} tries it is still open what the rules leave")]
    Tries,
}

/// All parts of combinations that fix the values of so many axes, and which of them can be completed.
#[derive(Debug, Clone, Default)]
pub struct Parts {
    /// Each choice of axes.
    pub(crate) choices: Vec<Choice>,
    /// By choice and values: a combination of [`Parts::found`] that has them; `None` where the rules allow none.
    pub(crate) within: Vec<Option<usize>>,
    /// Combinations that the rules allow; axes that no rule looks at may have any value.
    pub(crate) found: Vec<Vec<Option<usize>>>,
}

/// A choice of axes.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    /// The axes, in their order.
    pub(crate) axes: Vec<usize>,
    /// Where its parts begin among all parts.
    pub(crate) first: usize,
}

impl Rule {
    /// A rule about some of the axes, asked once for each combination of their values.
    ///
    /// # Errors
    /// What `allows` says, or that there are too many combinations.
    pub fn new<E: From<TooMany>>(
        axes: Vec<usize>,
        sizes: &[usize],
        mut allows: impl FnMut(&[usize]) -> Result<bool, E>,
    ) -> Result<Self, E> {
        let own: Vec<usize> = axes.iter().map(|axis| sizes[*axis]).collect();
        if product(&own).is_none_or(|size| size > DECIDED) {
            return Err(TooMany::Decided.into());
        }
        let allows = odometer(own)
            .map(|values| allows(&values))
            .collect::<Result<_, E>>()?;
        Ok(Self { axes, allows })
    }

    /// Whether it refuses nothing.
    pub fn is_idle(&self) -> bool {
        self.allows.iter().all(|allows| *allows)
    }
}

impl Space {
    /// The combinations of axes with so many values, at least one each, that every rule allows.
    pub fn new(sizes: Vec<usize>, rules: Vec<Rule>) -> Self {
        let mut group: Vec<usize> = (0..sizes.len()).collect();
        for rule in &rules {
            let groups: Vec<usize> = rule.axes.iter().map(|axis| group[*axis]).collect();
            for own in &mut group {
                if groups.contains(own) {
                    *own = groups[0];
                }
            }
        }
        let looks: Vec<Vec<usize>> = (0..sizes.len())
            .map(|axis| {
                (0..rules.len())
                    .filter(|rule| rules[*rule].axes.contains(&axis))
                    .collect()
            })
            .collect();
        let tied = (0..sizes.len())
            .map(|axis| {
                (0..sizes.len())
                    .filter(|other| !looks[axis].is_empty() && group[*other] == group[axis])
                    .collect()
            })
            .collect();
        Self {
            sizes,
            rules,
            looks,
            tied,
        }
    }

    /// How many values each axis has.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// The axes that rules tie to this one, itself among them; none if no rule looks at it.
    pub(crate) fn tied(&self, axis: usize) -> &[usize] {
        &self.tied[axis]
    }

    /// Whether there are few enough combinations, refused ones included, to look at each.
    pub fn is_listed(&self) -> bool {
        product(&self.sizes).is_some_and(|size| size <= COMBINATIONS)
    }

    /// The combinations that the rules allow, the last axis changing fastest.
    pub fn combinations(&self) -> impl Iterator<Item = Vec<usize>> {
        odometer(self.sizes.clone()).filter(|row| {
            self.rules
                .iter()
                .all(|rule| rule.allows[index(&rule.axes, &self.sizes, |axis| row[axis])])
        })
    }

    /// All parts that fix the values of `strength` axes.
    ///
    /// # Errors
    /// That there are too many, or that too many values must be tried to tell which of them can be completed.
    pub fn parts(&self, strength: usize) -> Result<Parts, TooMany> {
        let mut parts = Parts::default();
        let mut tries = TRIES;
        let mut any = vec![None; self.sizes.len()];
        for axis in 0..self.sizes.len() {
            if !self.complete(axis, &mut any, &mut tries)? {
                return Ok(parts);
            }
        }
        parts.found.push(any);
        for axes in choices(self.sizes.len(), strength) {
            let own: Vec<usize> = axes.iter().map(|axis| self.sizes[*axis]).collect();
            let first = parts.within.len();
            if product(&own).is_none_or(|size| first + size > PARTS) {
                return Err(TooMany::Parts);
            }
            for values in odometer(own) {
                let fixed: Vec<(usize, usize)> = axes
                    .iter()
                    .copied()
                    .zip(values)
                    .filter(|(axis, _)| !self.tied[*axis].is_empty())
                    .collect();
                let within = self.within(&fixed, &mut parts.found, &mut tries)?;
                parts.within.push(within);
            }
            parts.choices.push(Choice { axes, first });
        }
        Ok(parts)
    }

    /// A combination that has these values, one of those found or a new one.
    fn within(
        &self,
        fixed: &[(usize, usize)],
        found: &mut Vec<Vec<Option<usize>>>,
        tries: &mut usize,
    ) -> Result<Option<usize>, TooMany> {
        let has =
            |row: &Vec<Option<usize>>| fixed.iter().all(|(axis, value)| row[*axis] == Some(*value));
        let last = found.len().saturating_sub(FOUND);
        if let Some(at) = found[last..].iter().rposition(has) {
            return Ok(Some(last + at));
        }
        let mut row = found[0].clone();
        for (axis, _) in fixed {
            self.tied[*axis].iter().for_each(|tied| row[*tied] = None);
        }
        for (axis, value) in fixed {
            row[*axis] = Some(*value);
        }
        for (axis, _) in fixed {
            if !self.complete(*axis, &mut row, tries)? {
                return Ok(None);
            }
        }
        found.push(row);
        Ok(Some(found.len() - 1))
    }

    /// Gives a value to every axis that is tied to this one and has none yet, so that the rules about them
    /// hold; `false`, and nothing is given, if there are no such values.
    pub(crate) fn complete(
        &self,
        axis: usize,
        part: &mut [Option<usize>],
        tries: &mut usize,
    ) -> Result<bool, TooMany> {
        let tied = &self.tied[axis];
        let holds = tied.iter().all(|axis| match part[*axis] {
            Some(value) => self.is_live(*axis, value, part),
            None => true,
        });
        Ok(holds && self.search(tied, part, tries)?)
    }

    fn search(
        &self,
        tied: &[usize],
        part: &mut [Option<usize>],
        tries: &mut usize,
    ) -> Result<bool, TooMany> {
        // The axis with the fewest values left is the one to fail at first.
        let mut next: Option<(usize, Vec<usize>)> = None;
        for axis in tied.iter().filter(|axis| part[**axis].is_none()) {
            *tries = tries.checked_sub(self.sizes[*axis]).ok_or(TooMany::Tries)?;
            let live = (0..self.sizes[*axis]).filter(|value| self.is_live(*axis, *value, part));
            let live: Vec<usize> = live.collect();
            if next
                .as_ref()
                .is_none_or(|(_, least)| live.len() < least.len())
            {
                next = Some((*axis, live));
            }
        }
        let Some((axis, live)) = next else {
            return Ok(true);
        };
        for value in live {
            part[axis] = Some(value);
            if self.search(tied, part, tries)? {
                return Ok(true);
            }
        }
        part[axis] = None;
        Ok(false)
    }

    /// Whether no rule about the axis whose other axes have their values refuses this one.
    pub(crate) fn is_live(&self, axis: usize, value: usize, part: &[Option<usize>]) -> bool {
        self.looks[axis].iter().all(|rule| {
            let Rule { axes, allows } = &self.rules[*rule];
            let known = |other: usize| {
                if other == axis {
                    Some(value)
                } else {
                    part[other]
                }
            };
            axes.iter().any(|other| known(*other).is_none())
                || allows[index(axes, &self.sizes, |other| known(other).unwrap_or(0))]
        })
    }
}

impl Parts {
    /// Whether a combination that the rules allow has a part, choice by choice; nothing if there is none at all.
    pub fn allowed(&self) -> impl Iterator<Item = bool> {
        self.within.iter().map(Option::is_some)
    }

    /// The parts that a combination has that the rules allow: axes with values, by number.
    pub fn list(&self, space: &Space) -> impl Iterator<Item = Vec<(usize, usize)>> {
        let ends = self.choices.iter().skip(1).map(|choice| choice.first);
        let ends = ends.chain([self.within.len()]);
        self.choices
            .iter()
            .zip(ends)
            .flat_map(move |(choice, end)| {
                (choice.first..end)
                    .filter(|part| self.within[*part].is_some())
                    .map(|part| choice.values(&space.sizes, part))
            })
    }
}

impl Choice {
    /// The place among all parts of the one that has these values.
    pub(crate) fn part(&self, sizes: &[usize], value: impl Fn(usize) -> usize) -> usize {
        self.first + index(&self.axes, sizes, value)
    }

    /// The axes of one of its parts with their values.
    pub(crate) fn values(&self, sizes: &[usize], part: usize) -> Vec<(usize, usize)> {
        let mut rest = part - self.first;
        let mut values = Vec::new();
        for axis in self.axes.iter().rev() {
            values.push((*axis, rest % sizes[*axis]));
            rest /= sizes[*axis];
        }
        values.reverse();
        values
    }
}

/// The number of a combination of the values of some axes, the last axis counting least.
fn index(axes: &[usize], sizes: &[usize], value: impl Fn(usize) -> usize) -> usize {
    axes.iter()
        .fold(0, |index, axis| index * sizes[*axis] + value(*axis))
}

fn product(sizes: &[usize]) -> Option<usize> {
    sizes
        .iter()
        .try_fold(1_usize, |product, size| product.checked_mul(*size))
}

/// Every combination of values, the last one changing fastest.
fn odometer(sizes: Vec<usize>) -> impl Iterator<Item = Vec<usize>> {
    let first = (!sizes.contains(&0)).then(|| vec![0; sizes.len()]);
    std::iter::successors(first, move |row| {
        let turn = (0..sizes.len()).rfind(|axis| row[*axis] + 1 < sizes[*axis])?;
        let mut next = row.clone();
        next[turn] += 1;
        next[turn + 1..].fill(0);
        Some(next)
    })
}

/// Every choice of `count` of the first `all` numbers.
fn choices(all: usize, count: usize) -> impl Iterator<Item = Vec<usize>> {
    let first = (count <= all).then(|| (0..count).collect::<Vec<_>>());
    std::iter::successors(first, move |choice| {
        let turn = (0..count).rfind(|at| choice[*at] + count < all + at)?;
        let mut next = choice.clone();
        next[turn] += 1;
        for at in turn + 1..count {
            next[at] = next[at - 1] + 1;
        }
        Some(next)
    })
}
