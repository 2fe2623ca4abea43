//! The report as one page for people: self-contained, works from a file, asks nobody for anything.
//!
//! It is given in pieces like the JSON document, so that it can be written as the run goes. What was found is
//! data in script elements that no browser runs; the page's own script, the only one that its policy lets
//! run, makes text of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::curl::curl;
use super::escape::{is_hostile, line};
use super::json::{CaseRecord, ExchangeRecord, JsonError, Run, Summary};
use crate::exchange::Request;
use crate::outcome::{CaseOutcome, RunReport};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
const BODY: &str = include_str!("page.html");

/// So many bytes of a body are shown.
const SHOWN: usize = 32 << 10;

/// Writes the page in pieces that follow each other.
#[derive(Debug, Default)]
pub struct Html {
    cases: usize,
}

/// An exchange with the line that repeats it.
#[derive(Serialize)]
struct Wire {
    #[serde(flatten)]
    exchange: ExchangeRecord,
    curl: String,
}

impl Html {
    /// The beginning, with what is known of the run.
    ///
    /// # Errors
    /// Something has no form as JSON.
    pub fn head(run: &RunReport) -> Result<(Self, String), JsonError> {
        let name = match &run.profile {
            Some(profile) => format!("{} ({profile})", run.suite),
            None => run.suite.clone(),
        };
        // Nothing but this style and this script has an effect, whatever else might get into the page.
        let policy = format!(
            "default-src 'none'; img-src data:; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'",
            digest(STYLE),
            digest(SCRIPT)
        );
        let text = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"generator\" content=\"assize {}\">\n\
             <title>{} – assize</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>{STYLE}</style>\n</head>\n<body>\n\
             <noscript>This report needs JavaScript to be shown; the JUnit and JSON reports say the same.</noscript>\n\
             <script type=\"application/json\" id=\"run\">{}</script>\n",
            run.tool_version,
            markup(&line(&name)),
            data(&Run::of(run))?
        );
        Ok((Self::default(), text))
    }

    /// The next case.
    ///
    /// # Errors
    /// Something has no form as JSON.
    pub fn case(&mut self, outcome: &CaseOutcome) -> Result<String, JsonError> {
        let requests = outcome.exchanges.iter().map(|exchange| &exchange.request);
        self.piece(CaseRecord::within(outcome, SHOWN), requests)
    }

    /// The same of a case that was read back.
    ///
    /// # Errors
    /// Something has no form as JSON.
    pub fn record(&mut self, mut record: CaseRecord) -> Result<String, JsonError> {
        let requests: Vec<Request> = record
            .exchanges
            .iter()
            .map(ExchangeRecord::request)
            .collect();
        record.shorten(SHOWN);
        self.piece(record, requests.iter())
    }

    fn piece<'r>(
        &mut self,
        record: CaseRecord,
        requests: impl Iterator<Item = &'r Request>,
    ) -> Result<String, JsonError> {
        let CaseRecord { case, exchanges } = record;
        let at = self.cases;
        self.cases += 1;
        let mut text = format!(
            "<script type=\"application/json\" class=\"case\">{}</script>\n",
            data(&case)?
        );
        if !exchanges.is_empty() {
            let wires: Vec<Wire> = exchanges
                .into_iter()
                .zip(requests)
                .map(|(exchange, request)| Wire {
                    exchange,
                    curl: curl(request),
                })
                .collect();
            text.push_str(&format!(
                "<script type=\"application/json\" class=\"exchanges\" data-of=\"{at}\">{}</script>\n",
                data(&wires)?
            ));
        }
        Ok(text)
    }

    /// The end.
    ///
    /// # Errors
    /// Something has no form as JSON.
    pub fn tail(self, report: &RunReport) -> Result<String, JsonError> {
        Ok(format!(
            "<script type=\"application/json\" id=\"summary\">{}</script>\n{BODY}<script>{SCRIPT}</script>\n</body>\n</html>\n",
            data(&Summary::of(report))?
        ))
    }
}

/// The whole page.
///
/// # Errors
/// Something has no form as JSON.
pub fn html(report: &RunReport) -> Result<String, JsonError> {
    let (mut pieces, mut text) = Html::head(report)?;
    for outcome in &report.outcomes {
        text.push_str(&pieces.case(outcome)?);
    }
    text.push_str(&pieces.tail(report)?);
    Ok(text)
}

/// JSON in which no character means anything to a reader of HTML, or to a terminal that shows the source.
fn data(value: &impl Serialize) -> Result<String, JsonError> {
    let json = serde_json::to_string(value)?;
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        // Outside of its strings JSON has none of these.
        if matches!(character, '<' | '>' | '&') || is_hostile(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(character);
        }
    }
    Ok(out)
}

fn markup(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// What a policy calls an inline style or script.
fn digest(text: &str) -> String {
    format!(
        "sha256-{}",
        STANDARD.encode(Sha256::digest(text.as_bytes()))
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Verdict;
    use crate::report::sample;

    /// What the script elements of a kind hold, in their order.
    fn scripts(page: &str, attributes: &str) -> Vec<serde_json::Value> {
        let open = format!("<script type=\"application/json\" {attributes}");
        page.split(open.as_str())
            .skip(1)
            .map(|rest| {
                let (_, rest) = rest.split_once('>').unwrap();
                let (json, _) = rest.split_once("</script>").unwrap();
                serde_json::from_str(json).unwrap()
            })
            .collect()
    }

    #[test]
    fn the_page_has_every_case_and_asks_nobody_for_anything() {
        let report = sample::everything();
        let page = html(&report).unwrap();
        assert_eq!(
            scripts(&page, "class=\"case\"").len(),
            report.outcomes.len()
        );
        let wires = scripts(&page, "class=\"exchanges\" data-of=\"1\"");
        assert_eq!(wires[0][1]["response"]["status"], 204);
        assert!(
            wires[0][1]["curl"]
                .as_str()
                .unwrap()
                .starts_with("curl -i -X DELETE")
        );
        assert_eq!(scripts(&page, "id=\"summary\"")[0]["exit_code"], 3);
        let own = [STYLE, SCRIPT, BODY].concat();
        for asking in [
            "http://",
            "https://",
            "url(",
            "@import",
            "src=",
            "fetch(",
            "XMLHttp",
            "innerHTML",
            "insertAdjacent",
            "document.write",
            "eval(",
        ] {
            assert!(!own.contains(asking), "{asking}");
        }
    }

    #[test]
    fn nothing_from_outside_is_markup() {
        let hostile = "</script><script>alert(1)</script><!--<script>&amp;\u{2028}\u{0}\u{fffe}]]>";
        let mut case = sample::case("hostile", hostile, Verdict::Fail);
        case.findings = vec![sample::finding("body", hostile, hostile, Some(0))];
        case.exchanges = vec![sample::exchange(
            crate::exchange::Phase::Act,
            "GET",
            200,
            hostile.as_bytes(),
        )];
        let mut report = sample::report(vec![case]);
        report.suite = hostile.to_owned();
        report.requirements[0].text = hostile.to_owned();
        let page = html(&report).unwrap();
        assert_eq!(page.matches("<script").count(), 5);
        assert_eq!(page.matches("</script>").count(), 5);
        assert!(!page.contains(['\u{2028}', '\u{0}', '\u{fffe}']));
        assert_eq!(scripts(&page, "class=\"case\"")[0]["title"], hostile);
        assert_eq!(
            scripts(&page, "class=\"exchanges\"")[0][0]["response"]["body"]["text"],
            hostile
        );
    }

    #[test]
    fn large_bodies_do_not_make_the_page_large() {
        let mut case = sample::case("large", "large", Verdict::Fail);
        case.exchanges = vec![sample::exchange(
            crate::exchange::Phase::Act,
            "GET",
            200,
            &vec![b'x'; 5 << 20],
        )];
        let page = html(&sample::report(vec![case])).unwrap();
        assert!(page.len() < 200 << 10, "{}", page.len());
    }
}
