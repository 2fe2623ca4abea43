//! The page in a browser: what a person does with it, and what nothing in it can do.

use std::fmt::Write as _;

use crate::browser::Browser;
use crate::hostile::{HOSTILE, run_hostile};
use crate::support::{Emulator, THREE, Written, call};

/// A run with three defects, as a page.
fn page(to: &Written) {
    let emulator = Emulator::start("otc-v2", &THREE);
    let (html, found) = (to.path("report.html"), to.path("found"));
    call(&[
        "run",
        "--endpoint",
        &emulator.url,
        "--html",
        &html,
        "--found",
        &found,
    ])
    .exits(1);
}

#[test]
#[ignore = "needs Chromium; .ci/run runs it"]
fn a_person_finds_what_is_wrong_and_goes_through_it() {
    let to = Written::new();
    page(&to);
    let path = to.directory().join("report.html");
    let mut browser = Browser::open(&path);

    // The first screen: what it came to, what is wrong, and what to do.
    let heading = browser.value("document.querySelector('h1').textContent");
    assert!(
        heading.as_str().unwrap().contains("cases failed"),
        "{heading}"
    );
    let seen = browser.value(
        "[...document.querySelectorAll('#broken li')].filter((it) => it.getBoundingClientRect().bottom <= innerHeight).length",
    );
    assert!(
        seen.as_u64().unwrap() >= 3,
        "{seen} groups on the first screen"
    );
    // Each of the three ways to go wrong has a group of its own among those.
    for part in ["contract expected", "answer expected in_use", "DP-51 "] {
        let shown = browser.value(&format!(
            "[...document.querySelectorAll('#broken li')].filter((it) => it.getBoundingClientRect().bottom <= innerHeight && it.textContent.replace('DP-51', 'DP-51 ').includes('{part}')).length"
        ));
        assert!(shown.as_u64().unwrap() >= 1, "{part}: {shown}");
    }
    let todo = browser.value("document.querySelector('#todo').textContent");
    assert!(!todo.as_str().unwrap().contains("Warning"), "{todo}");
    assert!(
        todo.as_str().unwrap().contains("assize run --endpoint"),
        "{todo}"
    );
    let red = browser.value("document.querySelectorAll('.tile.fail').length");
    assert!(red.as_u64().unwrap() >= 3, "{red}");
    if let Some(directory) = std::env::var_os("ASSIZE_PICTURES") {
        std::fs::write(
            std::path::Path::new(&directory).join("first.png"),
            browser.picture(),
        )
        .unwrap();
    }

    // Open a failure by its link: expected against actual, the exchange that shows it, the line that repeats it.
    browser.value("document.querySelector('#broken .first a').click()");
    browser.until("document.querySelector('#detail .finding')");
    for part in [
        "#detail .pair del",
        "#detail .pair ins",
        "#detail .clauses li",
        "#detail .y-key",
    ] {
        browser.until(&format!("document.querySelector('{part}')"));
    }
    browser.until("document.querySelector('#detail .fall[open] .wire pre')");
    let curl = browser
        .value("[...document.querySelectorAll('#detail .fall[open] .wire pre')].pop().textContent");
    assert!(curl.as_str().unwrap().starts_with("curl "), "{curl}");

    // Expand another exchange; it is built only now.
    browser.until("document.querySelector('#detail .fall:not([open])').children.length === 1");
    browser.value("document.querySelector('#detail .fall:not([open]) > summary').click()");
    browser.until("document.querySelectorAll('#detail .fall[open]').length > 1");

    // Filter: by verdict, by text, by requirement; the counts agree with what is listed.
    let listed = "Number(document.querySelector('.row')?.getAttribute('aria-setsize') || 0)";
    browser.press("Escape");
    let all = browser.value(listed).as_u64().unwrap();
    browser.value("document.querySelector('[data-kind=skip]').click()");
    let skipped = browser.value(listed).as_u64().unwrap();
    let counted = browser.value("document.querySelector('[data-kind=skip] b').textContent");
    assert_eq!(counted.as_str().unwrap(), skipped.to_string());
    browser.press("Escape");
    browser.press("/");
    for key in ["o", "v", "e", "r", "r", "i", "d", "e"] {
        browser.press(key);
    }
    browser.until("location.hash.includes('q=override')");
    let found = browser.value(listed).as_u64().unwrap();
    assert!(found > 0 && found < 5, "{found} of {all}");
    browser.press("Escape");
    browser.value("document.querySelector('.tile.fail').click()");
    let of_one = browser.value(listed).as_u64().unwrap();
    assert!(of_one > 0 && of_one < all, "{of_one} of {all}");

    // By keyboard from case to case, and the address leads back.
    browser.press("Escape");
    browser.press("j");
    let first = browser.value("location.hash");
    browser.press("j");
    let second = browser.value("location.hash");
    assert_ne!(first, second);
    let title = browser.value("document.querySelector('#detail h2').textContent");
    let url = format!("file://{}{}", path.display(), second.as_str().unwrap());
    browser.go("about:blank");
    browser.go(&url);
    browser.until("document.querySelector('.row[aria-selected=true]')");
    assert_eq!(
        browser.value("document.querySelector('#detail h2').textContent"),
        title
    );

    // The other sheets.
    for (view, part) in [
        ("requirements", "#sheet-requirements tbody tr"),
        ("behaviour", "#sheet-behaviour tbody tr"),
    ] {
        browser.value(&format!(
            "document.querySelector('[data-view={view}]').click()"
        ));
        browser.until(&format!("document.querySelectorAll('{part}').length > 3"));
    }

    // Light and dark differ, and so does paper, which shows the failures in full.
    let paper = "getComputedStyle(document.body).backgroundColor";
    let light = browser.value(paper);
    browser.send(
        "Emulation.setEmulatedMedia",
        serde_json::json!({ "features": [{ "name": "prefers-color-scheme", "value": "dark" }] }),
    );
    assert_ne!(browser.value(paper), light);
    browser.value("dispatchEvent(new Event('beforeprint'))");
    browser.until("document.querySelectorAll('#paper article').length >= 3");

    assert_eq!(browser.complaints, [""; 0]);
    let outside: Vec<&String> = (browser.requests.iter())
        .filter(|url| {
            !url.starts_with("file://") && !url.starts_with("data:") && *url != "about:blank"
        })
        .collect();
    assert_eq!(outside, [""; 0]);
}

#[test]
#[ignore = "needs Chromium; .ci/run runs it"]
fn hostile_answers_are_text_and_run_nothing() {
    let to = run_hostile(&["--insecure"]);
    let mut browser = Browser::open(&to.directory().join("report.html"));
    let todo = browser.value("document.querySelector('#todo').textContent");
    let warning =
        "Warning: the endpoint's certificate was not looked at: anybody may have answered.";
    assert!(todo.as_str().unwrap().starts_with(warning), "{todo}");
    let cases = browser.value("document.querySelectorAll('script.case').length");
    assert_eq!(cases, 7);
    for id in [
        "echo", "encoded", "hostile", "large", "object", "binary", "lost",
    ] {
        browser.value(&format!("location.hash = 'case=all/{id}'"));
        browser.until(&format!(
            "document.querySelector('.row[aria-selected=true]')?.dataset.id === 'all/{id}'"
        ));
        browser.value(
            "document.querySelectorAll('#detail details').forEach((it) => { it.open = true; })",
        );
        browser.until("[...document.querySelectorAll('#detail .fall')].every((it) => it.children.length === 2)");
    }
    browser.value("location.hash = 'case=all/hostile'");
    browser
        .until("document.querySelector('#detail').textContent.includes('<script>document.title')");
    let shown = browser.value("document.querySelector('#detail').textContent");
    let shown = shown.as_str().unwrap();
    assert!(
        shown.contains("\\u{1b}[31mred") && shown.contains("\\u{202e}"),
        "{shown}"
    );
    assert!(HOSTILE.contains('\u{1b}') && !shown.contains(['\u{1b}', '\u{202e}', '\u{fffe}']));
    let title = browser.value("document.title");
    assert!(!title.as_str().unwrap().contains("owned"), "{title}");
    assert_eq!(browser.value("document.querySelectorAll('img').length"), 0);
    // Even where a script did get into the page, its policy would not let it run.
    browser.value("{ const it = document.createElement('script'); it.textContent = 'document.title = \"owned\"'; document.body.append(it); }");
    assert_eq!(browser.value("document.title"), title);
    let complaints = std::mem::take(&mut browser.complaints);
    assert!(
        complaints
            .iter()
            .all(|it| it.contains("Content Security Policy")),
        "{complaints:?}"
    );
}

#[test]
#[ignore = "needs Chromium; .ci/run runs it"]
fn ten_thousand_cases_stay_usable() {
    let (suite, to) = (Written::new(), Written::new());
    let mut text = "scenarios:\n".to_owned();
    for at in 0..10_000 {
        let _ = writeln!(
            text,
            "  - {{ id: case-{at}, title: number {at}, tags: [t{}], steps: [GET /] }}",
            at % 7
        );
    }
    std::fs::write(
        suite.path("suite.yaml"),
        "suite: many\nscenarios: all.yaml\n",
    )
    .unwrap();
    std::fs::write(suite.path("all.yaml"), text).unwrap();
    // Nobody listens there: every case is an error, which is more to show than a pass.
    call(&[
        "run",
        "--endpoint",
        "http://127.0.0.1:9",
        "--suite",
        &suite.path(""),
        "--html",
        &to.path("report.html"),
    ])
    .exits(3);
    let mut browser = Browser::open(&to.directory().join("report.html"));
    browser.until("document.querySelector('.row')");
    assert_eq!(
        browser.value("document.querySelector('.row').getAttribute('aria-setsize')"),
        "10000"
    );
    let rows = browser.value("document.querySelectorAll('.row').length");
    assert!(rows.as_u64().unwrap() < 80, "{rows} rows are built");
    let took = browser.value(
        "(() => { const input = document.querySelector('#search'); const begin = performance.now(); for (const q of ['n', 'nu', 'number 99', '']) { input.value = q; input.dispatchEvent(new Event('input')); document.body.offsetHeight; } return (performance.now() - begin) / 4; })()",
    );
    assert!(took.as_f64().unwrap() < 250.0, "{took} ms a search");
    browser.value("document.querySelector('#list').scrollTop = 1e9");
    browser.until("[...document.querySelectorAll('.row .title')].some((it) => it.textContent === 'number 9999')");
    assert_eq!(browser.complaints, [""; 0]);
}
