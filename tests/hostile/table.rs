//! What came of each case, as a table in the output of the test.

use std::time::Duration;

/// One line: the case, its verdict, why, how long it took, and the memory of the process in KiB.
pub(crate) struct Line {
    pub(crate) case: String,
    pub(crate) verdict: String,
    pub(crate) reason: String,
    pub(crate) time: Duration,
    pub(crate) memory: u64,
}

/// Prints the lines, and keeps them in a file beside the build.
#[expect(
    clippy::print_stdout,
    reason = "the table is for whoever runs the test"
)]
pub(crate) fn tell(name: &str, lines: &[Line]) {
    let mut text =
        String::from("| case | verdict | reason | time | memory |\n|---|---|---|---|---|\n");
    for line in lines {
        let Line {
            case,
            verdict,
            reason,
            time,
            memory,
        } = line;
        let reason: String = reason
            .lines()
            .next()
            .unwrap_or("")
            .chars()
            .take(140)
            .collect();
        let reason = reason.replace('|', "/");
        let (time, memory) = (time.as_millis(), memory / 1024);
        text.push_str(&format!(
            "| {case} | {verdict} | {reason} | {time} ms | {memory} MiB |\n"
        ));
    }
    println!("{text}");
    let path = format!("{}/{name}.md", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(path, text).unwrap();
}
