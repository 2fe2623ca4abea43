//! Whether a status went only where it may.

use std::collections::{BTreeMap, BTreeSet};

use super::{Mismatch, bounded};
use crate::suite::model::Moves;

/// Holds a status to the one that was seen before. What was between two looks is not known, so any number of
/// moves may have been; those that need a request only where one was sent meanwhile.
pub fn moved(moves: &Moves, of: &str, from: &str, to: &str, asked: bool) -> Option<Mismatch> {
    let mut reached = BTreeSet::from([from]);
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        for next in follows(moves, at, asked) {
            if reached.insert(next) {
                open.push(next);
            }
        }
    }
    if reached.contains(to) {
        return None;
    }
    reached.remove(from);
    let after = if asked {
        ""
    } else {
        ", as nothing was asked for meanwhile"
    };
    let ways: Vec<&str> = reached.into_iter().collect();
    let ways = match ways.as_slice() {
        [] => "nothing else".to_owned(),
        [way] => (*way).to_owned(),
        [ways @ .., last] => format!("{} or {last}", ways.join(", ")),
    };
    Some(Mismatch {
        check: "moves",
        expected: format!(
            "`{}` of {of} stays {from} or becomes {ways}{after}",
            moves.field
        ),
        actual: bounded(to),
        location: None,
    })
}

fn follows<'m>(moves: &'m Moves, at: &str, asked: bool) -> impl Iterator<Item = &'m str> {
    let of = |ways: &'m BTreeMap<String, Vec<String>>| ways.get(at).into_iter().flatten();
    let when_asked = of(&moves.when_asked).filter(move |_| asked);
    of(&moves.by_itself).chain(when_asked).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ways(text: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
        let ways = text.iter();
        ways.map(|(from, to)| {
            let to = to.iter().map(|to| (*to).to_owned());
            ((*from).to_owned(), to.collect())
        })
        .collect()
    }

    #[test]
    fn a_status_goes_where_it_may_by_itself_and_further_when_it_is_asked() {
        let moves = Moves {
            field: "status".to_owned(),
            by_itself: ways(&[
                ("NEW", &["UP", "ERROR"]),
                ("BUSY", &["UP"]),
                ("GOING", &["ERROR"]),
            ]),
            when_asked: ways(&[("UP", &["BUSY", "GOING"]), ("ERROR", &["GOING"])]),
        };
        for (from, to, alone, asked) in [
            ("NEW", "NEW", true, true),
            ("NEW", "UP", true, true),
            ("NEW", "GOING", false, true),
            ("UP", "BUSY", false, true),
            ("UP", "UP", true, true),
            ("BUSY", "UP", true, true),
            ("BUSY", "NEW", false, false),
            ("GOING", "UP", false, false),
            ("GOING", "ERROR", true, true),
            ("UP", "PURPLE", false, false),
            ("PURPLE", "UP", false, false),
        ] {
            let legal = |asked| moved(&moves, "pool 1", from, to, asked).is_none();
            assert_eq!(
                (legal(false), legal(true)),
                (alone, asked),
                "{from} to {to}"
            );
        }
        let told = moved(&moves, "pool 1", "NEW", "GOING", false).expect("a mismatch");
        assert_eq!(
            told.expected,
            "`status` of pool 1 stays NEW or becomes ERROR or UP, as nothing was asked for meanwhile"
        );
    }
}
