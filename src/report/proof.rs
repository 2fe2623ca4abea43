//! What a suite is worth, as text, Markdown and a page.

use std::fmt::Write as _;

use super::escape;
use crate::proof::{Fate, Kill, Kind, Mutant, Proof};

const KINDS: [(Kind, &str); 4] = [
    (Kind::Defect, "defects of the emulator"),
    (Kind::Null, "servers that always do the same"),
    (Kind::Effect, "effects of an act other than its answer says"),
    (Kind::Answer, "answers of an operation other than its own"),
];

/// For a terminal or a log: the counts, what got through, and on demand every mutant.
pub fn text(proof: &Proof, verbose: bool, styled: bool) -> String {
    let paint = |code: &str, text: &str| {
        if styled {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    };
    let mut out = format!(
        "{}{}: {} cases against {} mutants\n\n",
        escape::line(&proof.suite),
        proof
            .profile
            .as_ref()
            .map(|profile| format!(" as {profile}"))
            .unwrap_or_default(),
        proof.cases,
        proof.mutants.len()
    );
    if verbose {
        for mutant in &proof.mutants {
            let _ = writeln!(
                out,
                "{:<16} {:>7.3} s  {}{}",
                mutant.fate.name(),
                mutant.duration.as_secs_f64(),
                escape::line(&mutant.id),
                by(mutant)
            );
        }
        out.push('\n');
    }
    for (kind, about) in KINDS {
        let counts = proof.count(kind);
        let all: usize = counts.values().sum();
        if all == 0 {
            continue;
        }
        let rest = counts
            .iter()
            .map(|(name, count)| format!("{count} {name}"))
            .collect::<Vec<_>>();
        let _ = writeln!(out, "{all:>6} {about}: {}", rest.join(", "));
    }
    let weak: Vec<String> = proof
        .requirements
        .iter()
        .filter(|score| proof.full && score.killed < score.of)
        .map(|score| format!("{} {}/{}", score.id, score.killed, score.of))
        .collect();
    if !weak.is_empty() {
        let _ = writeln!(
            out,
            "\nRequirements by whose own cases not every defect was found\n  {}",
            weak.join(", ")
        );
    }
    let escaped: Vec<&Mutant> = proof.escaped().collect();
    if !escaped.is_empty() {
        let _ = writeln!(out, "\n{}", paint("1;31", "Mutants that got through"));
    }
    for mutant in &escaped {
        let _ = writeln!(
            out,
            "  {}  {}{}\n      {}\n      {}",
            paint("31", mutant.fate.name()),
            escape::line(&mutant.id),
            by(mutant),
            escape::line(&mutant.about),
            escape::line(&mutant.missing)
        );
    }
    for pattern in &proof.unused {
        let _ = writeln!(
            out,
            "note: `equivalent` names {}, and no mutant of that name got through here; take it off the list",
            escape::line(pattern)
        );
    }
    let _ = writeln!(
        out,
        "\n{} of {} mutants got through, in {:.1} s",
        escaped.len(),
        proof.mutants.len(),
        proof.duration.as_secs_f64()
    );
    out
}

/// The case that a mutant was found by.
fn by(mutant: &Mutant) -> String {
    match &mutant.fate {
        Fate::Killed(kill) | Fate::Elsewhere(kill) | Fate::Erred(kill) => {
            let Kill {
                case, requirements, ..
            } = kill;
            let of = if requirements.is_empty() {
                String::new()
            } else {
                format!(" ({})", requirements.join(", "))
            };
            format!("  by {}{of}", escape::line(case))
        }
        Fate::Equivalent(why) => format!("  {}", escape::line(why)),
        Fate::Survived | Fate::Untried => String::new(),
    }
}

/// The scores, without times, so that the same suite always gives the same text.
pub fn markdown(proofs: &[Proof]) -> String {
    let mut out = String::from(
        "# What the suite is worth\n\nWritten by `assize prove --full --markdown docs/proof.md`, and held to it by CI: what stands here is what the\nsuite does now.\n",
    );
    for proof in proofs {
        let _ = write!(
            out,
            "\n## {}{}\n\n{} cases. A mutant is killed when a case fails because of it; a defect, when that case is one of a\nrequirement that it breaks, and says so.\n\n| mutants | all | killed | by error | equivalent | got through |\n|---|---|---|---|---|---|\n",
            cell(&proof.suite),
            proof
                .profile
                .as_ref()
                .map(|profile| format!(" as {}", cell(profile)))
                .unwrap_or_default(),
            proof.cases
        );
        for (kind, about) in KINDS {
            let counts = proof.count(kind);
            let of = |name: &str| counts.get(name).copied().unwrap_or(0);
            let all: usize = counts.values().sum();
            let through = proof.escaped().filter(|it| it.kind == kind).count();
            let _ = writeln!(
                out,
                "| {about} | {all} | {} | {} | {} | {through} |",
                of("killed"),
                of("killed by error"),
                of("equivalent")
            );
        }
        if !proof.requirements.is_empty() {
            out.push_str("\n| requirement | defects that break it | found by a case of it |\n|---|---|---|\n");
            for score in &proof.requirements {
                let _ = writeln!(
                    out,
                    "| {} | {} | {} |",
                    cell(&score.id),
                    score.of,
                    score.killed
                );
            }
        }
        let defects = proof.mutants.iter().filter(|it| it.kind == Kind::Defect);
        let mut defects = defects.peekable();
        if defects.peek().is_some() {
            out.push_str("\n| defect | what it does | breaks | fate |\n|---|---|---|---|\n");
            for mutant in defects {
                let fate = match &mutant.fate {
                    Fate::Equivalent(why) => format!("equivalent: {why}"),
                    other => other.name().to_owned(),
                };
                let _ = writeln!(
                    out,
                    "| {} | {} | {} | {} |",
                    cell(mutant.id.trim_start_matches("defect/")),
                    cell(&mutant.about),
                    cell(&mutant.requirements.join(", ")),
                    cell(&fate)
                );
            }
        }
    }
    out
}

fn cell(text: &str) -> String {
    escape::line(text).replace('|', "\\|")
}

/// A page that needs nothing but itself.
pub fn html(proofs: &[Proof]) -> String {
    let mut out = String::from(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>What the suite is worth</title>\n<style>\n:root{color-scheme:light dark}\nbody{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}\ntable{border-collapse:collapse;width:100%;margin:1rem 0}\nth,td{text-align:left;vertical-align:top;padding:.3rem .7rem .3rem 0;border-bottom:1px solid color-mix(in srgb,currentColor 18%,transparent)}\ncode{font:13px ui-monospace,monospace;overflow-wrap:anywhere}\n.through td:first-child{color:light-dark(#b3261e,#ff8a80);font-weight:600}\nsmall{opacity:.75}\nsummary{cursor:pointer;font-weight:600}\n</style>\n<h1>What the suite is worth</h1>\n",
    );
    for proof in proofs {
        let name = proof
            .profile
            .as_ref()
            .map(|profile| format!(" as {profile}"))
            .unwrap_or_default();
        let _ = write!(
            out,
            "<h2>{}{}</h2>\n<p>{} cases against {} mutants; {} got through; {:.1} s.</p>\n",
            escape::xml(&proof.suite),
            escape::xml(&name),
            proof.cases,
            proof.mutants.len(),
            proof.escaped().count(),
            proof.duration.as_secs_f64()
        );
        for (kind, about) in KINDS {
            let of_kind: Vec<&Mutant> = proof.mutants.iter().filter(|it| it.kind == kind).collect();
            if of_kind.is_empty() {
                continue;
            }
            let through = of_kind.iter().filter(|it| it.escaped()).count();
            let open = if through > 0 { " open" } else { "" };
            let _ = write!(
                out,
                "<details{open}><summary>{}: {}, {through} got through</summary>\n<table>\n<tr><th>fate<th>mutant<th>breaks<th>found by\n",
                escape::xml(about),
                of_kind.len()
            );
            let (first, rest): (Vec<&Mutant>, Vec<&Mutant>) =
                of_kind.into_iter().partition(|it| it.escaped());
            for mutant in first.into_iter().chain(rest) {
                row(&mut out, mutant);
            }
            out.push_str("</table></details>\n");
        }
        if !proof.requirements.is_empty() {
            out.push_str("<details><summary>Requirements</summary>\n<table>\n<tr><th>requirement<th>defects that break it<th>found by a case of it\n");
            for score in &proof.requirements {
                let _ = writeln!(
                    out,
                    "<tr><td>{}<td>{}<td>{}",
                    escape::xml(&score.id),
                    score.of,
                    score.killed
                );
            }
            out.push_str("</table></details>\n");
        }
    }
    out.push_str("</html>\n");
    out
}

fn row(out: &mut String, mutant: &Mutant) {
    let class = if mutant.escaped() {
        " class=through"
    } else {
        ""
    };
    let found = match &mutant.fate {
        Fate::Killed(kill) | Fate::Elsewhere(kill) | Fate::Erred(kill) => format!(
            "<code>{}</code> <small>{}<br>{}</small>",
            escape::xml(&kill.case),
            escape::xml(&kill.requirements.join(", ")),
            escape::xml(&kill.found)
        ),
        Fate::Equivalent(why) => escape::xml(why),
        Fate::Survived | Fate::Untried => escape::xml(&mutant.missing),
    };
    let _ = writeln!(
        out,
        "<tr{class}><td>{}<td><code>{}</code><br><small>{}</small><td>{}<td>{found}",
        mutant.fate.name(),
        escape::xml(&mutant.id),
        escape::xml(&mutant.about),
        escape::xml(&mutant.requirements.join(", "))
    );
}
