//! Suites of strangers.
