//! Words put on lines: labels, hanging indents, durations, and colour where it is wanted.

use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::escape::{line, terminal};

/// What a text means; its colour, where there are colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Bad,
    Unjudged,
    Doubtful,
    Quiet,
    Heading,
}

impl Tone {
    fn style(self) -> Style {
        match self {
            Self::Good => AnsiColor::Green.on_default().bold(),
            Self::Bad => AnsiColor::Red.on_default().bold(),
            Self::Unjudged => AnsiColor::Magenta.on_default().bold(),
            Self::Doubtful => AnsiColor::Yellow.on_default().bold(),
            Self::Quiet => Style::new().dimmed(),
            Self::Heading => Style::new().bold(),
        }
    }
}

/// How text is laid out: the columns there are, and whether colours are wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// Columns; `None` when lines may be as long as they like.
    pub(super) width: Option<usize>,
    /// Whether to colour.
    pub(super) styled: bool,
}

impl Layout {
    /// No colours, no line is broken.
    pub(super) const PLAIN: Self = Self {
        width: None,
        styled: false,
    };

    /// The text in its colour. The text must be harmless already.
    pub(super) fn paint(self, tone: Tone, text: &str) -> String {
        if self.styled && !text.is_empty() {
            let style = tone.style();
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    /// The same with `columns` fewer.
    pub(super) fn within(self, columns: usize) -> Self {
        Self {
            width: self.width.map(|width| width.saturating_sub(columns)),
            ..self
        }
    }

    /// A label and its text, the text's further lines below its first. The text is made harmless here; the
    /// label is the caller's own.
    pub(super) fn hang(self, label: &str, column: usize, text: &str) -> Vec<String> {
        let text = terminal(text);
        let mut lines: Vec<String> = text
            .lines()
            .flat_map(|line| self.within(column).wrap(line))
            .collect();
        if lines.is_empty() {
            lines.push(String::new());
        }
        // A label that is too long pushes its text on, but never touches it.
        let first = self.paint(Tone::Quiet, label)
            + &" ".repeat(column.saturating_sub(label.chars().count()).max(2));
        let blank = " ".repeat(column);
        lines
            .iter()
            .enumerate()
            .map(|(at, text)| {
                format!("{}{text}", if at == 0 { &first } else { &blank })
                    .trim_end()
                    .to_owned()
            })
            .collect()
    }

    /// One line broken at spaces so that it fits; a word longer than the line stays whole.
    fn wrap(self, line: &str) -> Vec<String> {
        let width = match self.width {
            Some(width) => width.max(24),
            None => return vec![line.to_owned()],
        };
        let mut lines = Vec::new();
        let mut current = String::new();
        let mut taken = 0;
        for (at, word) in line.split(' ').enumerate() {
            let length = word.chars().count();
            if taken > 0 && taken + 1 + length > width {
                lines.push(std::mem::take(&mut current));
                taken = 0;
            } else if at > 0 {
                current.push(' ');
                taken += 1;
            }
            current.push_str(word);
            taken += length;
        }
        lines.push(current);
        lines
    }
}

/// The lines with so many spaces before each that is not empty.
pub(super) fn indented(
    columns: usize,
    lines: impl IntoIterator<Item = String>,
) -> impl Iterator<Item = String> {
    let blank = " ".repeat(columns);
    lines.into_iter().map(move |line| {
        if line.is_empty() {
            line
        } else {
            format!("{blank}{line}")
        }
    })
}

/// A duration as people say it: `12 ms` below a second, `1.234 s` from there.
pub(super) fn spoken(duration: Duration) -> String {
    match duration.as_millis() {
        0 => "<1 ms".to_owned(),
        millis @ 1..1000 => format!("{millis} ms"),
        _ => format!("{:.3} s", duration.as_secs_f64()),
    }
}

/// Names on one line, comma between.
pub(super) fn listed(names: &[String]) -> String {
    line(&names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_hangs_below_its_first_line() {
        let narrow = Layout {
            width: Some(40),
            styled: false,
        };
        assert_eq!(
            narrow.hang(
                "expected",
                10,
                "a pool that is in use is refused and stays as it was\nsecond"
            ),
            [
                "expected  a pool that is in use is",
                "          refused and stays as it was",
                "          second"
            ]
        );
        assert_eq!(
            Layout::PLAIN.hang("actual", 10, "x ".repeat(60).trim()),
            [format!("actual    {}", "x ".repeat(60).trim())]
        );
        assert_eq!(Layout::PLAIN.hang("actual", 10, ""), ["actual"]);
    }

    #[test]
    fn foreign_text_cannot_reach_the_first_column_or_the_terminal() {
        assert_eq!(
            Layout::PLAIN.hang("actual", 8, "\u{1b}[2J\n57 passed\n\n"),
            ["actual  \\u{1b}[2J", "        57 passed", ""]
        );
    }

    #[test]
    fn colour_is_put_around_the_text_only_where_wanted() {
        assert_eq!(Layout::PLAIN.paint(Tone::Bad, "FAIL"), "FAIL");
        assert_eq!(
            Layout {
                width: None,
                styled: true
            }
            .paint(Tone::Bad, "FAIL"),
            "\u{1b}[1m\u{1b}[31mFAIL\u{1b}[0m"
        );
    }

    #[test]
    fn durations_are_spoken() {
        for (millis, said) in [
            (0, "<1 ms"),
            (12, "12 ms"),
            (999, "999 ms"),
            (1000, "1.000 s"),
            (61_234, "61.234 s"),
        ] {
            assert_eq!(spoken(Duration::from_millis(millis)), said);
        }
    }
}
