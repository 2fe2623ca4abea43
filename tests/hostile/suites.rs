//! Suites of strangers: they reach nothing but the endpoint, start nothing, and end.

use std::fs;

use crate::strangers::{Case, hold};

/// Variables, each of which says the one before so many times.
fn chain(of: impl Fn(&str) -> String) -> String {
    let mut lines = String::from("  v0: \"{{ 'x' * 50000 }}\"\n");
    for at in 1..=6 {
        let before = format!("v{}", at - 1);
        lines.push_str(&format!("  v{at}: {}\n", of(&before)));
    }
    lines
}

const CASES: &[Case] = &[
    // Hosts and programs.
    (
        "another host in the request",
        |it| it.scenario("title: t\nwhen: GET http://ELSEWHERE/x\nthen: { status: 200 }\n"),
        2,
        "no request line",
    ),
    (
        "another host by an expression",
        |it| {
            it.scenario(
                "title: t\nwhen: \"GET {{ 'http:' }}//ELSEWHERE/x\"\nthen: { status: 200 }\n",
            );
        },
        3,
        "does not begin with `/`",
    ),
    (
        "the endpoint as a user of another host",
        |it| it.scenario("title: t\nwhen: \"GET {{ '' }}@ELSEWHERE/x\"\nthen: { status: 200 }\n"),
        3,
        "does not begin with `/`",
    ),
    (
        "the endpoint as a part of another name",
        |it| it.scenario("title: t\nwhen: \"GET {{ '' }}.example.com/x\"\nthen: { status: 200 }\n"),
        3,
        "does not begin with `/`",
    ),
    (
        "another host behind two slashes",
        |it| it.scenario("title: t\nwhen: GET //ELSEWHERE/x\nthen: { status: 200 }\n"),
        3,
        "could not connect",
    ),
    (
        "the environment",
        |it| it.value("", "env('HOME')"),
        2,
        "there is no `env` here",
    ),
    (
        "a program",
        |it| it.value("", "a | system('id')"),
        3,
        "unknown filter",
    ),
    (
        "a tag that makes objects",
        |it| {
            it.scenario(
                "title: t\nwhen: !!python/object/apply:os.system [id]\nthen: { status: 200 }\n",
            );
        },
        2,
        "tag",
    ),
    // Work without end.
    (
        "a long range",
        |it| it.value("", "range(100000000) | list | length"),
        3,
        "too many elements",
    ),
    (
        "text a million times",
        |it| it.value("", "a * 1000000000"),
        3,
        "ran out of fuel",
    ),
    (
        "a power of a power",
        |it| it.value("", "9 ** 9 ** 9"),
        3,
        "unable to calculate",
    ),
    (
        "texts of texts",
        |it| {
            it.value(
                &chain(|v| format!("\"{}\"", format!("{{{{ {v} }}}}").repeat(100))),
                "v6 | length",
            );
        },
        3,
        "more than 4194304 bytes",
    ),
    (
        "sums of texts",
        |it| {
            it.value(
                &chain(|v| format!("\"{{{{ {} }}}}\"", [v; 20].join(" ~ "))),
                "v6 | length",
            );
        },
        3,
        "ran out of fuel",
    ),
    (
        "lists of lists",
        |it| {
            it.value(
                &chain(|v| format!("[{}]", vec![format!("'{{{{ {v} }}}}'"); 20].join(", "))),
                "v6 | length",
            );
        },
        3,
        "more than 4194304 bytes",
    ),
    (
        "100,000 times not",
        |it| it.value("", &("not ".repeat(100_000) + "a")),
        2,
        "this expression has",
    ),
    (
        "100,000 parentheses",
        |it| it.value("", &("(".repeat(100_000) + "a" + &")".repeat(100_000))),
        2,
        "this expression has",
    ),
    (
        "as many signs as an expression may have",
        |it| it.value("", &("-".repeat(990) + "1")),
        3,
        "1 errors",
    ),
    (
        "as many sums as an expression may have",
        |it| it.value("", &("1+".repeat(490) + "1")),
        3,
        "1 errors",
    ),
    (
        "as many filters as an expression may have",
        |it| it.value("", &("1".to_owned() + &"|int".repeat(240))),
        3,
        "1 errors",
    ),
    (
        "100,000 expressions",
        |it| {
            let all: String = (0..100_000).map(|at| format!("{{{{ {at} }}}}")).collect();
            it.scenario(&format!(
                "steps:\n  - {{ request: GET /x, query: {{ q: \"{all}\" }}, then: {{ status: 200 }} }}\n"
            ));
        },
        2,
        "more than 30000 different expressions",
    ),
    (
        "600,000 times an expression",
        |it| {
            it.scenario(&format!(
                "steps:\n  - {{ request: GET /x, query: {{ q: \"{}\" }}, then: {{ status: 200 }} }}\n",
                "{{ 1 }}".repeat(600_000)
            ));
        },
        2,
        "or 500000 in all",
    ),
    (
        "300,000 open braces",
        |it| {
            it.scenario(&format!(
                "steps:\n  - {{ request: GET /x, query: {{ q: \"{}\" }}, then: {{ status: 200 }} }}\n",
                "{{ ".repeat(300_000)
            ));
        },
        2,
        "is never closed",
    ),
    (
        "an expression of great depth that runs",
        |it| it.value("", "a | matches('(a*)*b')"),
        3,
        "could not connect",
    ),
    (
        "a regular expression of great size",
        |it| {
            it.scenario(
        "title: t\nwhen: GET /x\nthen: { status: 200, body: { a: { $matches: '((a{1000}){1000}){1000}' } } }\n",
    );
        },
        2,
        "no regular expression",
    ),
    (
        "a regular expression of great size, while it runs",
        |it| it.value("", "a | matches('((a{1000}){1000}){1000}')"),
        3,
        "size limit",
    ),
    (
        "50,000 groups in each other",
        |it| {
            it.scenario(&format!(
        "title: t\nwhen: GET /x\nthen: {{ status: 200, body: {{ a: {{ $matches: '{}a{}' }} }} }}\n", "(".repeat(50_000), ")".repeat(50_000),
    ));
        },
        2,
        "no regular expression",
    ),
    // Too much.
    (
        "aliases of aliases",
        |it| {
            let mut text = String::from(
                "title: t\nwhen: GET /x\nthen: { status: 200 }\nvariables:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n",
            );
            for at in 1..=9 {
                let before = format!("*a{}", at - 1);
                text.push_str(&format!(
                    "  a{at}: &a{at} [{}]\n",
                    vec![before; 10].join(", ")
                ));
            }
            it.scenario(&text);
        },
        2,
        "too large",
    ),
    (
        "100,000 keys of one mapping, and one again",
        |it| {
            let keys = (0..100_000).map(|at| format!("  k{at}: 1\n"));
            it.scenario(&format!(
                "title: t\nwhen: GET /x\nthen: {{ status: 200 }}\nvariables:\n{}  k7: 1\n",
                keys.collect::<String>()
            ));
        },
        2,
        "`k7` stands here twice",
    ),
    (
        "100,000 lists in each other",
        |it| {
            it.scenario(&format!(
                "steps: {}{}\n",
                "[".repeat(100_000),
                "]".repeat(100_000)
            ));
        },
        2,
        "not YAML",
    ),
    (
        "3,000 mappings in each other",
        |it| {
            let lines: Vec<String> = (0..3000)
                .map(|at| format!("{}a:", " ".repeat(at)))
                .collect();
            it.scenario(&lines.join("\n"));
        },
        2,
        "nested deeper than 64 levels",
    ),
    (
        "a file of 9 MiB",
        |it| it.scenario(&"# nothing\n".repeat(900_000)),
        2,
        "more than 8388608",
    ),
    (
        "a list of a million",
        |it| {
            it.scenario(&format!("variables: {{ a: [{}1] }}\nsteps:\n  - {{ request: GET /x, then: {{ status: 200 }} }}\n", "1, ".repeat(1_000_000)));
        },
        2,
        "more than 200000 values",
    ),
    (
        "a file that is no text",
        |it| {
            it.with("");
            fs::write(it.0.join("all/it.yaml"), b"title: \xff\xfe\n").unwrap();
        },
        2,
        "not UTF-8",
    ),
    (
        "20,000 mistakes",
        |it| {
            it.scenario(&format!(
                "scenarios:\n{}",
                "  - { idd: x }\n".repeat(20_000)
            ));
        },
        2,
        "and 99898 more",
    ),
    (
        "a matrix of 10^50 rows",
        |it| {
            let axes: String = (0..30)
                .map(|at| format!("      a{at}: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n"))
                .collect();
            it.scenario(&format!("scenarios:\n  - id: x\n    title: t\n    generate:\n     matrix:\n{axes}    when: GET /x\n    then: {{ status: 200 }}\n"));
        },
        2,
        "combinations",
    ),
    (
        "a thousand million requests at once",
        |it| it.scenario("steps:\n  - { request: GET /x, concurrently: 1000000000 }\n"),
        2,
        "not a number from 2 to 64",
    ),
    (
        "a wait of a thousand years",
        |it| it.scenario("title: t\nwhen: GET /x\nthen: { status: 200, eventually: 10000000h }\n"),
        2,
        "more than an hour",
    ),
];

#[test]
fn every_suite_of_a_stranger_is_refused_or_held_back_in_time() {
    hold("strange-suites", CASES);
}
