//! Concurrent calls as text: who sent what when, what came of it, and what overlapped.

/// One call, as people are told of it. Instants are nanoseconds since the first call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Who sent what, such as `owner: delete pool`.
    pub call: String,
    /// When it was sent.
    pub sent: u64,
    /// When it was answered; `None` for one that was under way until the end.
    pub answered: Option<u64>,
    /// What came of it, such as `204 without content`.
    pub answer: String,
}

/// How many columns the whole time takes.
const WIDTH: usize = 24;

/// A line a call: a bar for its time, the time in milliseconds, the call and its answer.
pub fn history(calls: &[Told]) -> String {
    let instants = calls
        .iter()
        .flat_map(|call| [Some(call.sent), call.answered]);
    let end = instants.flatten().max().unwrap_or(0).max(1);
    let column = |at: u64| {
        let share = u128::from(at) * (WIDTH as u128 - 1) / u128::from(end);
        usize::try_from(share).unwrap_or(WIDTH - 1).min(WIDTH - 1)
    };
    let times: Vec<String> = calls
        .iter()
        .map(|call| match call.answered {
            Some(answered) => format!("{}–{} ms", millis(call.sent), millis(answered)),
            None => format!("{} ms–", millis(call.sent)),
        })
        .collect();
    let wide = times
        .iter()
        .map(|time| time.chars().count())
        .max()
        .unwrap_or(0);
    let lines = calls.iter().zip(&times).map(|(call, time)| {
        let (from, to) = (column(call.sent), call.answered.map(column));
        let bar: String = (0..WIDTH)
            .map(|at| match to {
                _ if at < from => ' ',
                Some(to) if at > to => ' ',
                _ if at == from => '├',
                Some(to) if at == to => '┤',
                Some(_) => '─',
                None => '┄',
            })
            .collect();
        let blank = " ".repeat(wide - time.chars().count());
        format!("{bar}  {blank}{time}  {} → {}", call.call, call.answer)
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn millis(nanos: u64) -> String {
    let tenths = nanos / 100_000;
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(call: &str, sent: u64, answered: Option<u64>, answer: &str) -> Told {
        Told {
            call: call.to_owned(),
            sent,
            answered,
            answer: answer.to_owned(),
        }
    }

    #[test]
    fn what_overlaps_stands_above_each_other() {
        let text = history(&[
            told(
                "owner: delete pool",
                0,
                Some(5_100_000),
                "204 without content",
            ),
            told("owner: create member", 120_000, Some(1_200_000), "201"),
            told("other: delete pool", 900_000, None, "no answer yet"),
            told("owner: read pool", 10_000_000, Some(10_600_000), "404"),
        ]);
        let lines = [
            "├──────────┤                0.0–5.1 ms  owner: delete pool → 204 without content",
            "├─┤                         0.1–1.2 ms  owner: create member → 201",
            " ├┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄       0.9 ms–  other: delete pool → no answer yet",
            "                     ├─┤  10.0–10.6 ms  owner: read pool → 404",
        ];
        assert_eq!(text, lines.join("\n"));
    }

    #[test]
    fn no_time_and_no_call_are_no_trouble() {
        assert_eq!(history(&[]), "");
        let text = history(&[told("owner: read pool", 0, Some(0), "200")]);
        assert!(text.starts_with('├') && text.ends_with("0.0–0.0 ms  owner: read pool → 200"));
    }
}
