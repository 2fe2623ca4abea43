//! What a case shows, in words: its place, its requirements, its findings, and the exchanges behind them.
//! The renderers differ in what they put around it.

use crate::exchange::{Exchange, Phase, Response};
use crate::outcome::{CaseOutcome, Finding, Leak, RequirementResult, Verdict};
use crate::source::Location;

use super::curl::curl;
use super::escape::{clamp, excerpt, line};
use super::layout::{Layout, Tone, indented, listed, spoken};

/// The column in which the text of a labelled line begins.
const COLUMN: usize = 10;

/// The longest text of a finding, in characters.
const TEXT: usize = 2000;

/// Findings told of one case.
const FINDINGS: usize = 20;

/// Exchanges shown of one case.
const EXCHANGES: usize = 3;

/// The longest URL or header value that is shown, in characters.
const FIELD: usize = 300;

/// Header fields shown where the reader did not ask for all.
const FIELDS: [&str; 7] = [
    "allow",
    "content-length",
    "content-type",
    "location",
    "retry-after",
    "transfer-encoding",
    "www-authenticate",
];

/// How much evidence is wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    /// Bytes for all exchanges of a case together, `curl` lines not counted.
    pub(super) exchanges: usize,
    /// Whether every header field of an answer is shown.
    pub(super) every_header: bool,
}

/// File and line, as an editor or a browser opens them.
pub(super) fn place(location: &Location) -> String {
    line(&format!("{}:{}", location.file, location.line))
}

/// Everything about a case that was judged or could not be.
pub(super) fn case(
    outcome: &CaseOutcome,
    requirements: &[RequirementResult],
    layout: Layout,
    extent: Extent,
) -> Vec<String> {
    let mut lines = heading(outcome, layout);
    lines.extend(clauses(&broken_or_shown(outcome), requirements, layout));
    lines.extend(reason(outcome, layout));
    for finding in outcome.findings.iter().take(FINDINGS) {
        lines.push(String::new());
        lines.extend(told(finding, outcome, layout));
    }
    if outcome.findings.len() > FINDINGS {
        lines.push(String::new());
        lines.push(format!(
            "… and {} more findings",
            outcome.findings.len() - FINDINGS
        ));
    }
    lines.extend(reproducer(outcome, layout));
    lines.extend(exchanges(outcome, &shown(outcome), layout, extent));
    lines
}

/// The scenario that shows what a generated case found.
fn reproducer(outcome: &CaseOutcome, layout: Layout) -> Vec<String> {
    let Some(text) = &outcome.reproducer else {
        return Vec::new();
    };
    let title = layout.paint(Tone::Heading, "a scenario that shows it");
    [String::new(), title]
        .into_iter()
        .chain(indented(2, text.lines().map(line).collect::<Vec<_>>()))
        .collect()
}

/// Why the case was not judged, if there is a reason.
pub(super) fn reason(outcome: &CaseOutcome, layout: Layout) -> Vec<String> {
    let told = |reason: &String| layout.hang("reason", COLUMN, &clamp(reason, TEXT));
    outcome.reason.as_ref().map(told).unwrap_or_default()
}

/// The case's id and place, and why there is such a case.
pub(super) fn heading(outcome: &CaseOutcome, layout: Layout) -> Vec<String> {
    let mut lines = Layout {
        width: None,
        ..layout
    }
    .hang("case", COLUMN, &line(&outcome.id));
    lines.extend(
        Layout {
            width: None,
            ..layout
        }
        .hang("scenario", COLUMN, &place(&outcome.location)),
    );
    lines.extend(
        outcome
            .why
            .iter()
            .flat_map(|why| layout.hang("made by", COLUMN, &clamp(why, TEXT))),
    );
    lines
}

/// The requirements that the findings name, or else those that the case is there to show.
fn broken_or_shown(outcome: &CaseOutcome) -> Vec<&str> {
    let mut ids: Vec<&str> = Vec::new();
    for id in outcome
        .findings
        .iter()
        .flat_map(|finding| &finding.requirements)
    {
        if !ids.contains(&id.as_str()) {
            ids.push(id);
        }
    }
    if ids.is_empty() {
        outcome.requirements.iter().map(String::as_str).collect()
    } else {
        ids
    }
}

/// Requirements with their levels and texts.
fn clauses(ids: &[&str], requirements: &[RequirementResult], layout: Layout) -> Vec<String> {
    let column = ids
        .iter()
        .map(|id| id.chars().count() + 2)
        .max()
        .unwrap_or(0)
        .clamp(COLUMN, 24);
    let clause = |id: &&str| match requirements
        .iter()
        .find(|requirement| requirement.id == **id)
    {
        Some(requirement) => layout.hang(
            &line(id),
            column,
            &format!("{}: {}", requirement.level, clamp(&requirement.text, TEXT)),
        ),
        None => vec![line(id)],
    };
    ids.iter().flat_map(clause).collect()
}

fn told(finding: &Finding, outcome: &CaseOutcome, layout: Layout) -> Vec<String> {
    let mut title = layout.paint(Tone::Heading, &line(&finding.check));
    if !finding.requirements.is_empty() {
        title.push_str(&format!(
            " ({} {})",
            listed(&finding.requirements),
            finding.level
        ));
    }
    let inner = layout.within(2);
    let mut lines = inner.hang("expected", COLUMN, &clamp(&finding.expected, TEXT));
    lines.extend(inner.hang("actual", COLUMN, &clamp(&finding.actual, TEXT)));
    if finding.location.file != outcome.location.file
        || finding.location.line != outcome.location.line
    {
        lines.extend(
            Layout {
                width: None,
                ..layout
            }
            .hang("asked at", COLUMN, &place(&finding.location)),
        );
    }
    std::iter::once(title).chain(indented(2, lines)).collect()
}

/// A finding on one line of at most `limit` characters.
pub(super) fn in_short(finding: &Finding, limit: usize) -> String {
    let half = limit / 2;
    clamp(
        &line(&format!(
            "{}: expected {}, actual {}",
            finding.check,
            clamp(&finding.expected, half),
            clamp(&finding.actual, half)
        )),
        limit,
    )
}

/// What a case that passed was not held to, in lines.
pub(super) fn not_judged(outcome: &CaseOutcome) -> Vec<String> {
    let mut lines = Vec::new();
    if outcome.only_observed() {
        lines.push("nothing was judged, only observed".to_owned());
    }
    if outcome.verdict == Verdict::Pass && !outcome.not_judged.is_empty() {
        lines.push(line(&format!(
            "not judged: {}",
            listed(&outcome.not_judged)
        )));
    }
    lines
}

/// What is to be known of a run for which any certificate would do.
pub(super) const INSECURE: &str =
    "the endpoint's certificate was not looked at: anybody may have answered";

/// A leak on one line.
pub(super) fn leak(leak: &Leak) -> String {
    line(&format!(
        "{} {}: {}",
        leak.resource,
        clamp(&leak.id, FIELD),
        clamp(&leak.why, FIELD)
    ))
}

/// The exchanges that show what the case came to, by their places.
pub(super) fn shown(outcome: &CaseOutcome) -> Vec<usize> {
    let mut places: Vec<usize> = Vec::new();
    for at in outcome
        .findings
        .iter()
        .filter_map(|finding| finding.exchange)
    {
        if !places.contains(&at) && at < outcome.exchanges.len() {
            places.push(at);
        }
    }
    if places.is_empty() {
        // Set-up that was refused ends with the refusal; an act speaks for itself.
        let wanted = |exchange: &Exchange| match outcome.verdict {
            Verdict::Error => exchange.phase != Phase::CleanUp,
            Verdict::Pass | Verdict::Fail | Verdict::Skip | Verdict::Waived => {
                exchange.phase == Phase::Act
            }
        };
        places.extend(outcome.exchanges.iter().rposition(wanted));
    }
    places
}

/// The exchanges of clean-up that show why objects of the case are still there.
pub(super) fn of_leaks(outcome: &CaseOutcome) -> Vec<usize> {
    let refused = |leak: &Leak| {
        outcome.exchanges.iter().rposition(|exchange| {
            exchange.phase == Phase::CleanUp
                && exchange.request.method == "DELETE"
                && exchange.request.url.contains(&leak.id)
        })
    };
    let mut places: Vec<usize> = outcome.leaked.iter().filter_map(refused).collect();
    places.dedup();
    places
}

/// Exchanges of a case, each with the line that repeats it; of many the first, and a note.
pub(super) fn exchanges(
    outcome: &CaseOutcome,
    places: &[usize],
    layout: Layout,
    extent: Extent,
) -> Vec<String> {
    let mut lines = Vec::new();
    let share = extent.exchanges / places.len().clamp(1, EXCHANGES);
    for (at, exchange) in places
        .iter()
        .take(EXCHANGES)
        .filter_map(|at| outcome.exchanges.get(*at).map(|exchange| (at, exchange)))
    {
        lines.push(String::new());
        lines.push(layout.paint(
            Tone::Heading,
            &format!(
                "exchange {} of {}, {}, {}",
                at + 1,
                outcome.exchanges.len(),
                exchange.phase,
                spoken(exchange.duration)
            ),
        ));
        lines.extend(indented(2, one(exchange, share, extent.every_header)));
        lines.push(layout.paint(Tone::Heading, "to repeat it"));
        lines.push(format!("  {}", curl(&exchange.request)));
    }
    if places.len() > EXCHANGES {
        lines.push(String::new());
        lines.push(format!("… and {} more exchanges", places.len() - EXCHANGES));
    }
    lines
}

/// One exchange in at most `limit` bytes.
fn one(exchange: &Exchange, limit: usize, every_header: bool) -> Vec<String> {
    let mut lines = vec![line(&format!(
        "{} {}",
        exchange.request.method,
        clamp(&exchange.request.url, FIELD)
    ))];
    let response = match &exchange.response {
        Err(error) => {
            lines.push(format!("→ {}", clamp(&line(&error.to_string()), FIELD)));
            return lines;
        }
        Ok(response) => response,
    };
    lines.push(format!("→ {}", status(response)));
    // Indentation and line ends count, so that a body of many short lines stays within the limit too.
    let spent = |lines: &[String]| lines.iter().map(|line| line.len() + 3).sum::<usize>();
    for (name, value) in &response.headers {
        let field = clamp(&line(&format!("{name}: {value}")), FIELD);
        let wanted = every_header
            || FIELDS.iter().any(|field| name.eq_ignore_ascii_case(field))
            || name.to_ascii_lowercase().ends_with("request-id");
        if wanted && spent(&lines) + field.len() < limit / 2 {
            lines.push(field);
        }
    }
    if response.body.is_empty() {
        lines.push("(no body)".to_owned());
    } else {
        let mut room = limit.saturating_sub(spent(&lines));
        let mut body: Vec<String> = Vec::new();
        // Each line of a body costs its indentation; ask again for less until it fits.
        while room > 64 {
            body = excerpt(&response.body, room)
                .lines()
                .map(str::to_owned)
                .collect();
            let over = (spent(&lines) + spent(&body)).saturating_sub(limit);
            if over == 0 {
                break;
            }
            room -= over.min(room);
        }
        lines.extend(body);
    }
    lines
}

fn status(response: &Response) -> String {
    match http::StatusCode::from_u16(response.status)
        .ok()
        .and_then(|status| status.canonical_reason())
    {
        Some(reason) => format!("{} {reason}", response.status),
        None => response.status.to_string(),
    }
}
