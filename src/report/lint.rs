//! Reads JUnit XML back and holds it to what its consumers need.

use std::collections::{HashMap, HashSet};

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// One element with what is in it.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: HashMap<String, String>,
    pub(super) text: String,
    pub(super) children: Vec<Self>,
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    pub(super) fn all(&self, name: &str) -> Vec<&Self> {
        self.children
            .iter()
            .filter(|child| child.name == name)
            .collect()
    }

    /// The values of the properties of that name.
    pub(super) fn properties(&self, name: &str) -> Vec<&str> {
        let properties = self
            .all("properties")
            .into_iter()
            .flat_map(|properties| &properties.children);
        properties
            .filter(|property| property.attribute("name") == name)
            .map(|property| property.attribute("value"))
            .collect()
    }

    fn count(&self, name: &str) -> usize {
        self.children
            .iter()
            .map(|child| usize::from(child.name == name) + child.count(name))
            .sum()
    }
}

/// The document, or what is wrong with it as XML.
fn parse(text: &str) -> Result<Element, String> {
    if let Some(illegal) = text.chars().find(|character| !is_char(*character)) {
        return Err(format!("{illegal:?} is no character of XML 1.0"));
    }
    let mut reader = Reader::from_str(text);
    let mut open = vec![Element::default()];
    loop {
        let event = reader.read_event().map_err(|error| error.to_string())?;
        let deepest = open.last_mut().ok_or("an end without a start")?;
        match event {
            Event::Start(tag) => open.push(element(&tag)?),
            Event::Empty(tag) => deepest.children.push(element(&tag)?),
            Event::End(_) => {
                let closed = open.pop().ok_or("an end without a start")?;
                open.last_mut()
                    .ok_or("an end without a start")?
                    .children
                    .push(closed);
            }
            Event::Text(piece) => deepest
                .text
                .push_str(&piece.xml10_content().map_err(|error| error.to_string())?),
            Event::CData(piece) => deepest
                .text
                .push_str(&piece.xml10_content().map_err(|error| error.to_string())?),
            Event::GeneralRef(reference) => {
                let name = reference.decode().map_err(|error| error.to_string())?;
                let character = match reference
                    .resolve_char_ref()
                    .map_err(|error| error.to_string())?
                {
                    Some(character) => character,
                    None => match name.as_ref() {
                        "lt" => '<',
                        "gt" => '>',
                        "amp" => '&',
                        "quot" => '"',
                        "apos" => '\'',
                        other => return Err(format!("unknown entity {other}")),
                    },
                };
                if !is_char(character) {
                    return Err(format!("a reference to {character:?}"));
                }
                deepest.text.push(character);
            }
            Event::Decl(_) => {}
            Event::Eof => break,
            other => return Err(format!("unexpected {other:?}")),
        }
    }
    match (
        open.pop().and_then(|mut root| root.children.pop()),
        open.is_empty(),
    ) {
        (Some(root), true) => Ok(root),
        _ => Err("not one closed root".to_owned()),
    }
}

fn element(tag: &BytesStart<'_>) -> Result<Element, String> {
    let mut element = Element {
        name: String::from_utf8_lossy(tag.name().as_ref()).into_owned(),
        ..Element::default()
    };
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|error| error.to_string())?;
        if !value.chars().all(is_char) {
            return Err(format!("an illegal character in {value:?}"));
        }
        element.attributes.insert(
            String::from_utf8_lossy(attribute.key.as_ref()).into_owned(),
            value.into_owned(),
        );
    }
    Ok(element)
}

/// XML 1.0, section 2.2.
fn is_char(character: char) -> bool {
    matches!(u32::from(character), 0x9 | 0xa | 0xd | 0x20..=0xd7ff | 0xe000..=0xfffd | 0x1_0000..=0x10_ffff)
}

/// The document if every rule holds; otherwise everything that is wrong with it.
pub(super) fn lint(text: &str) -> Result<Element, Vec<String>> {
    let root = parse(text).map_err(|wrong| vec![wrong])?;
    let mut wrong = Vec::new();
    let mut hold = |holds: bool, rule: String| {
        if !holds {
            wrong.push(rule);
        }
    };
    hold(text.len() < 30_000_000, "GitLab refuses 30 MB".to_owned());
    hold(
        root.name == "testsuites" && root.children.iter().all(|suite| suite.name == "testsuite"),
        "testsuites, testsuite".to_owned(),
    );
    let suites = root.all("testsuite");
    let cases: Vec<&Element> = suites
        .iter()
        .flat_map(|suite| suite.all("testcase"))
        .collect();
    hold(
        root.count("testcase") == cases.len() && root.count("testsuite") == suites.len(),
        "exactly three levels".to_owned(),
    );
    for counting in std::iter::once(&root).chain(suites) {
        let expected = |kind: &str| match kind {
            "tests" => counting.count("testcase"),
            "failures" => counting.count("failure"),
            "errors" => counting.count("error"),
            _ => counting.count("skipped"),
        };
        for kind in ["tests", "failures", "errors", "skipped"] {
            hold(
                counting.attribute(kind) == expected(kind).to_string(),
                format!("{} counts {kind} wrongly", counting.name),
            );
        }
        hold(
            counting.attribute("time").parse::<f64>().is_ok(),
            format!("{} has no time", counting.name),
        );
        hold(
            !counting.attribute("name").trim().is_empty(),
            format!("{} has no name", counting.name),
        );
        if counting.name == "testsuite" {
            hold(
                counting
                    .attribute("timestamp")
                    .parse::<jiff::Timestamp>()
                    .is_ok(),
                "no timestamp".to_owned(),
            );
            hold(
                !counting.attribute("hostname").is_empty(),
                "no hostname".to_owned(),
            );
        }
    }
    let mut names = HashSet::new();
    for case in cases {
        let name = case.attribute("name");
        hold(
            names.insert((case.attribute("classname"), name)),
            format!("{name:?} is there twice"),
        );
        for attribute in ["name", "classname", "file"] {
            let value = case.attribute(attribute);
            hold(
                !value.is_empty() && value.trim() == value,
                format!("{attribute} {value:?} is empty or has spaces around it"),
            );
            hold(
                attribute == "file" || value.chars().count() <= 512,
                format!("{attribute} has more than 512 characters"),
            );
        }
        hold(
            case.attribute("time").parse::<f64>().is_ok(),
            format!("{name:?} has no time"),
        );
        let results: Vec<&Element> = case
            .children
            .iter()
            .filter(|child| matches!(child.name.as_str(), "failure" | "error" | "skipped"))
            .collect();
        hold(
            results.len() <= 1,
            format!("{name:?} has more than one result"),
        );
        for result in results {
            let message = result.attribute("message");
            hold(
                !message.is_empty() && message.chars().count() <= 300 && !message.contains('\n'),
                format!("{name:?}: the message is not one short line"),
            );
            hold(
                !result.text.trim().is_empty() && result.text.len() < 64 * 1024,
                format!("{name:?}: {} bytes of text", result.text.len()),
            );
            hold(
                result.name == "skipped" || !result.attribute("type").is_empty(),
                format!("{name:?}: no type"),
            );
            hold(
                !result.text.contains("[[ATTACHMENT"),
                format!("{name:?}: asks for a file"),
            );
        }
    }
    if wrong.is_empty() {
        Ok(root)
    } else {
        Err(wrong)
    }
}

#[test]
fn the_lint_sees_what_consumers_trip_over() {
    let good = r#"<testsuites name="s" tests="1" failures="1" errors="0" skipped="0" time="1.0"><testsuite name="s" tests="1" failures="1" errors="0" skipped="0" time="1.0" timestamp="2026-01-01T00:00:00Z" hostname="h"><testcase name="n" classname="c" time="0.1" file="f"><failure message="m" type="t">text &lt;&#9;</failure></testcase></testsuite></testsuites>"#;
    lint(good).expect("nothing is wrong with it");
    let twice = good
        .find("<testcase")
        .map(|start| (start, good.find("</testsuite>").unwrap_or(start)))
        .map_or("", |(start, end)| &good[start..end]);
    for (from, to, why) in [
        ("text", "te\u{1}xt", "is no character"),
        ("text", "te\u{ffff}xt", "is no character"),
        ("&#9;", "&#1;", "a reference to"),
        ("&#9;", "&nope;", "unknown entity"),
        ("</testsuites>", "", "not one closed root"),
        (
            "<testsuite ",
            "<testsuite><testsuite ",
            "expected `</testsuite>`",
        ),
        (
            "tests=\"1\"",
            "tests=\"2\"",
            "testsuites counts tests wrongly",
        ),
        (
            "skipped=\"0\" time=\"1.0\" timestamp",
            "skipped=\"1\" time=\"1.0\" timestamp",
            "testsuite counts skipped wrongly",
        ),
        (" time=\"1.0\">", ">", "testsuites has no time"),
        ("2026-01-01", "2026", "no timestamp"),
        (" hostname=\"h\"", "", "no hostname"),
        ("name=\"n\" ", "", "name \"\" is empty"),
        ("name=\"n\"", "name=\" n\"", "has spaces around it"),
        (" file=\"f\"", "", "file \"\" is empty"),
        ("</testcase>", "<error/></testcase>", "more than one result"),
        ("message=\"m\" ", "", "the message is not"),
        (" type=\"t\"", "", "no type"),
        ("text", "[[ATTACHMENT|/etc/passwd]]", "asks for a file"),
        (
            "</testsuite>",
            &format!("{twice}</testsuite>"),
            "is there twice",
        ),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{why}");
        let wrong = lint(&bad).err().unwrap_or_default();
        assert!(
            wrong.iter().any(|wrong| wrong.contains(why)),
            "{why} is not in {wrong:?}"
        );
    }
}
