//! Regular expressions, compiled once each, be they known when a suite is loaded or only while a run goes on.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use regex::Regex;

/// Patterns that are kept; a suite that makes more of them starts again.
const KEPT: usize = 256;

static PATTERNS: LazyLock<Mutex<Patterns>> = LazyLock::new(Mutex::default);

/// The compiled pattern.
///
/// # Errors
/// No regular expression, or one that is too large.
pub fn pattern(text: &str) -> Result<Regex, regex::Error> {
    let mut patterns = PATTERNS.lock().unwrap_or_else(PoisonError::into_inner);
    patterns.compiled(text)
}

/// Compiled patterns by their texts.
#[derive(Debug, Default)]
struct Patterns {
    compiled: BTreeMap<String, Regex>,
}

impl Patterns {
    fn compiled(&mut self, text: &str) -> Result<Regex, regex::Error> {
        if let Some(regex) = self.compiled.get(text) {
            return Ok(regex.clone());
        }
        let regex = Regex::new(text)?;
        if self.compiled.len() == KEPT {
            self.compiled.clear();
        }
        self.compiled.insert(text.to_owned(), regex.clone());
        Ok(regex)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Source, Span};
    use crate::template::{Scope, Template};

    #[test]
    fn a_pattern_is_compiled_once_and_few_are_kept() {
        let mut patterns = Patterns::default();
        for _ in 0..2 {
            assert!(patterns.compiled("^a+$").unwrap().is_match("aa"));
            assert_eq!(patterns.compiled.len(), 1);
        }
        for at in 0..3 * KEPT {
            assert!(patterns.compiled(&at.to_string()).is_ok());
            assert!(patterns.compiled.len() <= KEPT);
        }
        assert!(patterns.compiled("(").is_err());
        assert!(patterns.compiled("^a+$").unwrap().is_match("a"));
    }

    #[test]
    fn the_filter_keeps_its_pattern() {
        let text = "{{ 'a17b' | matches('^a[0-9]+b$') }}";
        let span = Span::start_of(&Source::new("t.yaml", text));
        let template = Template::parse(text, &span, &mut Vec::new());
        assert_eq!(template.value(&Scope::new()).unwrap(), Some(true.into()));
        let patterns = PATTERNS.lock().unwrap();
        assert!(patterns.compiled.contains_key("^a[0-9]+b$"));
    }
}
