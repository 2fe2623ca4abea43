//! Text, the places in it, and what is said about them.
//!
//! Every file of a suite is a [`Source`]; every value read from it keeps a [`Span`]; everything that is
//! wrong with it is a [`Diagnostic`]. Nothing here reads a file.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One file of text, by the name that people know it by.
#[derive(Debug)]
pub struct Source {
    /// The path shown to people: relative to the suite's root, with `/`.
    pub name: String,
    /// The whole text.
    pub text: Box<str>,
    line_starts: Box<[u32]>,
}

impl Source {
    /// Takes the text and notes where its lines begin. Places beyond 4 GiB cannot be told.
    pub fn new(name: impl Into<String>, text: impl Into<Box<str>>) -> Arc<Self> {
        let text = text.into();
        let behind = text.match_indices('\n').map(|(at, _)| at + 1);
        let line_starts = std::iter::once(0).chain(behind).map(place).collect();
        Arc::new(Self {
            name: name.into(),
            text,
            line_starts,
        })
    }

    /// Line and column of a byte, both from 1; the column counts characters.
    pub fn line_column(&self, byte: usize) -> (usize, usize) {
        let byte = byte.min(self.text.len());
        let line = self
            .line_starts
            .partition_point(|start| *start as usize <= byte)
            - 1;
        let column = self
            .text
            .get(self.line_starts[line] as usize..byte)
            .map_or(1, |text| text.chars().count() + 1);
        (line + 1, column)
    }
}

/// A stretch of one source, in bytes.
#[derive(Clone)]
pub struct Span {
    /// The file it lies in.
    pub source: Arc<Source>,
    start: u32,
    end: u32,
}

/// A place in a text as a span keeps it: there are many spans.
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl Span {
    /// A stretch of a file, in bytes.
    pub fn new(source: &Arc<Source>, range: Range<usize>) -> Self {
        Self {
            source: Arc::clone(source),
            start: place(range.start),
            end: place(range.end),
        }
    }

    /// The file's first byte: for what concerns the whole file.
    pub fn start_of(source: &Arc<Source>) -> Self {
        Self::new(source, 0..0)
    }

    /// The same file, another stretch.
    pub fn at(&self, range: Range<usize>) -> Self {
        Self::new(&self.source, range)
    }

    /// First byte, and the byte after the last.
    pub fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// File and line, as a verdict names them.
    pub fn location(&self) -> Location {
        let (line, column) = self.source.line_column(self.start as usize);
        Location {
            file: self.source.name.clone(),
            line,
            column,
        }
    }
}

impl Span {
    /// The lines of the list item that it stands in, without their common indentation; of a file that is no
    /// list, all.
    pub fn block(&self) -> String {
        let source = &self.source;
        let line = |at: usize| {
            let start = *source.line_starts.get(at)? as usize;
            let end =
                (source.line_starts.get(at + 1)).map_or(source.text.len(), |end| *end as usize);
            let text = source.text.get(start..end)?;
            Some(text.trim_end_matches(['\n', '\r']))
        };
        let indentation = |line: &str| line.len() - line.trim_start().len();
        let is_item = |line: &str| line.trim_start().starts_with("- ");
        let at = self.location().line - 1;
        let own = line(at).map_or(0, indentation);
        let first = (0..=at).rev().find(|other| {
            line(*other)
                .is_some_and(|text| is_item(text) && (*other == at || indentation(text) < own))
        });
        let Some((first, head)) = first.and_then(|first| Some((first, line(first)?))) else {
            return source.text.trim_end().to_owned();
        };
        let margin = indentation(head);
        let rest = (first + 1..)
            .map_while(line)
            .take_while(|line| line.trim().is_empty() || indentation(line) > margin);
        let block: Vec<&str> = std::iter::once(head)
            .chain(rest)
            .map(|line| line.get(margin..).unwrap_or(""))
            .collect();
        block.join("\n").trim_end().to_owned()
    }
}

impl std::fmt::Debug for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.location())
    }
}

/// Where something stands: what a person clicks on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Location {
    /// Path as in [`Source::name`].
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A value and where it was written.
#[derive(Debug, Clone)]
pub struct Spanned<T> {
    /// What was written.
    pub value: T,
    /// Where.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// Puts the two together.
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

/// One thing that is wrong with a suite, and what to do about it.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// Its stable name, such as `unknown-key`; `assize explain` knows it.
    pub code: &'static str,
    /// What is wrong, without a full stop.
    pub message: String,
    /// Where, if it lies in a file.
    pub span: Option<Span>,
    /// A few words for the marked stretch itself.
    pub label: String,
    /// What to do next.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A diagnostic at a place.
    pub fn new(code: &'static str, span: &Span, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            span: Some(span.clone()),
            label: String::new(),
            help: None,
        }
    }

    /// A diagnostic that lies in no file, such as an unreadable directory.
    pub fn without_place(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            span: None,
            label: String::new(),
            help: None,
        }
    }

    /// The same with words for the marked stretch.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// The same with advice.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same with a "did you mean" where one of the candidates is near enough.
    pub fn nearest<'a>(self, written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Self {
        match nearest(written, candidates) {
            Some(near) => self.help(format!("did you mean `{near}`?")),
            None => self,
        }
    }

    /// The diagnostic as people read it, with the source line; `styled` adds terminal colours.
    pub fn render(&self, styled: bool) -> String {
        let renderer = if styled {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let (message, label) = (tame(&self.message), tame(&self.label));
        let mut group = Group::with_title(Level::ERROR.primary_title(&*message).id(self.code));
        if let Some(span) = &self.span {
            let mut mark = AnnotationKind::Primary.span(visible(span));
            if !label.is_empty() {
                mark = mark.label(label);
            }
            group = group.element(
                Snippet::source(tame(&span.source.text))
                    .path(tame(&span.source.name))
                    .annotation(mark),
            );
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(tame(help)));
        }
        renderer.render(&[group])
    }
}

/// The text without control characters of Latin-1, some of which terminals obey; those of ASCII are shown by the
/// renderer. Each gives way to one that takes as many bytes, so that places stay where they are.
fn tame(text: &str) -> Cow<'_, str> {
    let obeyed = |character| matches!(character, '\u{80}'..='\u{9f}');
    if text.contains(obeyed) {
        Cow::Owned(text.replace(obeyed, "\u{b7}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The nearest of the candidates, if it is near enough to be a slip of the pen.
pub fn nearest<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(written, candidate), candidate))
        .filter(|(distance, candidate)| {
            *distance <= 1 + candidate.chars().count().max(written.chars().count()) / 4
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A stretch that shows at least one column and stays on its first line when it is long. It has whole characters,
/// which the places that parsers tell of do not always have.
fn visible(span: &Span) -> Range<usize> {
    let text = &span.source.text;
    let start = text.floor_char_boundary(span.range().start);
    let mut end = text.ceil_char_boundary(span.range().end.max(start));
    if let Some(line_end) = text.get(start..end).and_then(|marked| marked.find('\n')) {
        end = start + line_end;
    }
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_of_a_span_is_its_list_item_or_the_whole_file() {
        let list = "scenarios:\n  - id: one\n    given: [pool]\n\n    then: 1\n\n  - title: x\n    id: two\nfinally: []\n";
        let block = |text: &str, at: &str| {
            let source = Source::new("f", text);
            let start = text.find(at).unwrap();
            Span::start_of(&source).at(start..start + 1).block()
        };
        assert_eq!(
            block(list, "one"),
            "- id: one\n  given: [pool]\n\n  then: 1"
        );
        assert_eq!(block(list, "two"), "- title: x\n  id: two");
        assert_eq!(block("steps:\n  - GET /\n", "steps"), "steps:\n  - GET /");
        assert_eq!(Span::start_of(&Source::new("f", "")).block(), "");
    }

    #[test]
    fn a_stretch_that_ends_within_a_character_is_shown_with_all_of_it() {
        let source = Source::new("f", "aé€b");
        for start in 0..9 {
            for end in start..9 {
                let span = Span::start_of(&source).at(start..end);
                let shown = Diagnostic::new("x", &span, "m").label("here").render(false);
                assert!(shown.contains("aé€b"), "{start}..{end}: {shown}");
            }
        }
    }

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        let source = Source::new("a.yaml", "één: 1\ntwo: 2\n");
        assert_eq!(source.line_column(0), (1, 1));
        assert_eq!(
            source.line_column(source.text.find(':').unwrap_or(0)),
            (1, 4)
        );
        assert_eq!(
            source.line_column(source.text.find("two").unwrap_or(0)),
            (2, 1)
        );
        assert_eq!(source.line_column(9999), (3, 1));
    }

    #[test]
    fn a_slip_of_the_pen_is_recognised_and_a_different_word_is_not() {
        assert_eq!(
            nearest("unchnaged", ["status", "unchanged", "gone"]),
            Some("unchanged")
        );
        assert_eq!(nearest("colour", ["status", "unchanged", "gone"]), None);
    }

    #[test]
    fn a_diagnostic_shows_code_place_line_label_and_help() {
        let source = Source::new("a.yaml", "given: [pool]\nwehn: DELETE /\n");
        let at = source.text.find("wehn").unwrap_or(0);
        let span = Span::start_of(&source).at(at..at + 4);
        let text = Diagnostic::new("unknown-key", &span, "unknown key `wehn`")
            .label("not a key of a scenario")
            .nearest("wehn", ["given", "when"])
            .render(false);
        for part in [
            "error[unknown-key]: unknown key `wehn`",
            "a.yaml:2:1",
            "wehn: DELETE /",
            "not a key of a scenario",
            "did you mean `when`?",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }
}
