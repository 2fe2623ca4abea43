//! The shipped suite as trials of `cargo test`.
fn main() {}
