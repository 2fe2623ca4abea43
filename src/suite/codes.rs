//! The diagnostics of a suite by their stable names, for `assize explain`.

/// What a diagnostic means and what to do about it.
#[derive(Debug)]
pub struct Code {
    /// As it stands in brackets.
    pub name: &'static str,
    /// What is wrong.
    pub meaning: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

const fn code(name: &'static str, meaning: &'static str, remedy: &'static str) -> Code {
    Code {
        name,
        meaning,
        remedy,
    }
}

/// Every code, by name.
pub const CODES: &[Code] = &[
    code(
        "ambiguous-need",
        "A given object needs another one, and several of that kind are given, or it is given as a list.",
        "Say which one it needs: an option with the name of the kind, such as `member: { pool: sibling }`.",
    ),
    code(
        "asks-nothing",
        "A `then` asks for nothing, so it cannot fail.",
        "Ask for a `status`, an `answer`, a `body`, `gone`, `unchanged` or a `check`, or take it out.",
    ),
    code(
        "bad-axis",
        "An axis of a matrix is a name that expressions can use, with a list of values: texts, numbers, truth values or null, each once.",
        "Write it like `members: [0, 1, 3]`.",
    ),
    code(
        "bad-count",
        "A number of requests, answers, cases or axes is expected.",
        "`concurrently` takes 2 to 64, `answers` takes numbers or `rest`, `limit` takes 1 or more, and `t-way` 1 to the number of axes.",
    ),
    code(
        "bad-decision",
        "A decision table says what comes of an operation in any state: its lines are tried in order, and the last one always applies.",
        "Give every line but the last an `if`, and let at least one line have an answer that counts as success.",
    ),
    code(
        "bad-duration",
        "A time is expected and this is none.",
        "Write seconds as a number, or a number with ms, s, m or h.",
    ),
    code(
        "bad-endpoint",
        "An endpoint is an absolute HTTP URL.",
        "Write scheme, host, port and base path, such as https://elb.example.com; no credentials and no query.",
    ),
    code(
        "bad-expression",
        "An expression does not parse, or has braces where none belong.",
        "`only_if`, `check`, `until`, `fail_if`, `capture` and `observe` take an expression as it is; everywhere else it stands between `{{` and `}}`.",
    ),
    code(
        "bad-id",
        "An id has characters that file names, reports and filters would stumble over.",
        "Use letters, digits, `-`, `_` and `.`; names of objects only letters, digits and `_`.",
    ),
    code(
        "bad-openapi",
        "The OpenAPI description cannot be used.",
        "It must be OpenAPI 3.1, with references only inside the document.",
    ),
    code(
        "bad-regex",
        "`$matches` takes a regular expression and this is none.",
        "The syntax is that of the Rust crate `regex`: no look-around and no back-references.",
    ),
    code(
        "bad-request-line",
        "A request line is a method in capitals and a path that begins with `/`.",
        "The host comes from the target: write `GET /pools`, not a URL. An operation of a given object is written `delete pool`.",
    ),
    code(
        "bad-schema",
        "A JSON Schema does not compile.",
        "Schemas are of draft 2020-12 and refer to nothing outside themselves.",
    ),
    code(
        "bad-statement",
        "A statement does not have the form that `assize run --statement` writes.",
        "`assize schema statement` describes it; a statement is best left as it was written.",
    ),
    code(
        "bad-status",
        "A status is a code from 100 to 599 or a class such as `4xx`.",
        "Write one, or a list of them.",
    ),
    code(
        "bad-waiver",
        "A waiver lacks something, covers nothing of the suite, or is not written as one. Each has a case or a requirement, an owner, a reason, a reference and the last day on which it holds.",
        "Write it like `- { case: pools/delete/*, owner: elb, reason: known, reference: V-1, expires: 2027-01-31 }`.",
    ),
    code(
        "concurrent-answers",
        "With `concurrently` there are several answers, and `answers` says what may come of them; without it there is one.",
        "Use `answers` or `contract` with `concurrently`, and `status`, `answer`, `body` and the like without.",
    ),
    code(
        "concurrent-step",
        "Steps that are sent at the same time have no order, and what comes of them is judged together.",
        "Leave `then`, `capture` and `concurrently` out of them; the step around them has a `then`.",
    ),
    code(
        "duplicate-alias",
        "Two objects of a scenario have the same name, or an axis has the name of something else.",
        "Give one of them a name of its own, objects with `as`, or ask for several objects with `count`.",
    ),
    code(
        "duplicate-id",
        "Two things of the same kind have the same name.",
        "Rename one of them; ids are unique in their file, resources, profiles and requirements in the suite.",
    ),
    code(
        "duplicate-key",
        "A mapping has the same key twice; the second one would silently win elsewhere.",
        "Keep one of them.",
    ),
    code(
        "duplicate-title",
        "Two scenarios of a file have the same title, and reports could not tell them apart.",
        "Say in the title what is different.",
    ),
    code(
        "fragment-cycle",
        "A fragment uses itself in the end.",
        "Break the circle.",
    ),
    code(
        "idle-constraint",
        "A constraint of a matrix refuses no combination, or names no axis: most likely a value or a name in it is misspelt.",
        "Correct it, or take it out.",
    ),
    code(
        "missing-key",
        "A mapping lacks a key that it must have.",
        "Add it; the help of the diagnostic says what it means.",
    ),
    code(
        "need-cycle",
        "Objects need each other in a circle, so none can be created first.",
        "Break the circle; a parameter may name only objects that exist before.",
    ),
    code(
        "no-contract",
        "`then: contract` holds an operation to its decision table, and there is none here.",
        "Send the operation with `do`, and give it `decides` in its resource's file.",
    ),
    code(
        "no-credentials",
        "What is there does not suffice to ask a Keystone for a token.",
        "Give `auth_url` and a project with `username` and `password`, or an application credential, or a token.",
    ),
    code(
        "no-scenario",
        "The paths hold no scenario.",
        "Name a `.yaml` file with scenarios or steps, or a directory of them.",
    ),
    code(
        "nothing-given",
        "`unchanged` compares given objects, and the scenario has none.",
        "List them under `given`.",
    ),
    code(
        "nothing-here",
        "A file holds nothing that belongs to a suite.",
        "Begin with `steps:` and a list of requests, or take the file out.",
    ),
    code(
        "nothing-left",
        "The constraints of a matrix leave no combination, or none with one of the values.",
        "Take the value out, or loosen `exclude` and `only`.",
    ),
    code(
        "nothing-to-repeat",
        "`eventually` gives time to an aftermath or to a repeated GET, and there is neither. The act itself is sent once.",
        "Ask for `gone`, `unchanged` or `after.…`, or add a GET step with `eventually`.",
    ),
    code(
        "number-too-large",
        "An integer is larger than JSON readers keep exactly.",
        "Quote it to make it text.",
    ),
    code(
        "one-action",
        "A step sends exactly one thing.",
        "Keep one of `request`, `do` and `fragment`.",
    ),
    code(
        "one-document",
        "A file holds one YAML document.",
        "Put the second one into a file of its own.",
    ),
    code(
        "open-template",
        "`{{` is never closed.",
        "Close it with `}}`.",
    ),
    code(
        "outside",
        "A path leads out of the suite's directory. A suite reads nothing else, so that a stranger's suite is safe to run.",
        "Move the file below the suite's directory.",
    ),
    code(
        "second-manifest",
        "There is a manifest below the suite's root.",
        "A suite has one `suite.yaml`; run the other one as a suite of its own.",
    ),
    code(
        "secret-in-file",
        "Secrets do not belong into a target file, which is shared and kept.",
        "Say where the secret is: an environment variable, or a file of its own.",
    ),
    code(
        "shared-object",
        "A scenario changes an object that other cases use at the same time.",
        "Ask for one of its own with `scope: case`.",
    ),
    code(
        "tested-after-all",
        "A requirement says `untested`, and a scenario shows it.",
        "Take `untested` out.",
    ),
    code(
        "then-without-when",
        "`then` judges the last request of `when`, and there is none.",
        "Add `when`, or put `then` below a step.",
    ),
    code(
        "toml-syntax",
        "The file is not TOML.",
        "The message says what was expected there.",
    ),
    code(
        "too-many-combinations",
        "A matrix has more combinations than can be looked at one by one, or its constraints tie too many axes together.",
        "Take fewer values, fewer axes at a time, or `strategy: pairwise`; write constraints about few axes each.",
    ),
    code(
        "two-bodies",
        "A request has both `json` and `text`.",
        "Keep one of them.",
    ),
    code(
        "two-forms",
        "The same thing is said in two forms that exclude each other.",
        "Keep one of them.",
    ),
    code(
        "unknown-answer",
        "No profile declares an answer of this name.",
        "Declare it under `answers` of the profiles, or name another one.",
    ),
    code(
        "unknown-fragment",
        "There is no fragment of this name.",
        "Declare it under `fragments`, or name its file under `use`.",
    ),
    code(
        "unknown-identity",
        "There is no identity of this name.",
        "Declare it in the manifest; owner, other, readonly, invalid and anonymous are always known.",
    ),
    code(
        "unknown-key",
        "A mapping has a key that means nothing there; it would silently be ignored elsewhere.",
        "Correct it; `assize schema` gives editors the known ones.",
    ),
    code(
        "unknown-name",
        "An expression uses a name that has no value there.",
        "Expressions know variables, given objects, captures, `profile`, `unique_name`, `run_id` and `case_id`; those about an answer also `status`, `headers` and `body`; `check` and `observe` also `before` and `after`.",
    ),
    code(
        "unknown-object",
        "No object of this name is given.",
        "List it under `given`; `as` gives it a name.",
    ),
    code(
        "unknown-operation",
        "The resource has no operation of this name.",
        "Declare it under `operations` of the resource.",
    ),
    code(
        "unknown-parameter",
        "The resource or the operation has no parameter of this name.",
        "Declare it under `params`, with its default.",
    ),
    code(
        "unknown-profile",
        "There is no profile of this name.",
        "Add its file, or correct the name.",
    ),
    code(
        "unknown-requirement",
        "There is no requirement of this id.",
        "Add it to the requirements file, or correct the id.",
    ),
    code(
        "unknown-resource",
        "There is no resource of this name.",
        "Add its file, name the file under `use`, or use plain `steps`.",
    ),
    code(
        "unknown-schema",
        "The OpenAPI description has no component schema of this name.",
        "Add it under `components/schemas`, or write the schema in place.",
    ),
    code(
        "unknown-word",
        "A key takes one of a few words, and this is none of them.",
        "The diagnostic lists them.",
    ),
    code(
        "unreadable",
        "A file or directory cannot be read.",
        "Check its name, its rights, and that it is UTF-8.",
    ),
    code(
        "unused-requirement",
        "No scenario shows this requirement, so nobody would notice its violation.",
        "Name it under `requirements` of a scenario, or say why not with `untested`.",
    ),
    code(
        "wrong-type",
        "A value is of another type than the key takes.",
        "The diagnostic says which one it takes.",
    ),
    code(
        "yaml-alias",
        "An alias stands inside the value that it names.",
        "An alias repeats what is complete before it.",
    ),
    code(
        "yaml-key",
        "A key is a list, a mapping or an alias.",
        "Keys are plain text.",
    ),
    code(
        "yaml-syntax",
        "The text is not YAML.",
        "Look at the marked place and the lines before it: a missing quote, a tab, a wrong indent.",
    ),
    code(
        "yaml-tag",
        "Tags such as `!!str` mean nothing in a suite.",
        "Leave it out; quote a value to make it text.",
    ),
    code(
        "yaml-too-large",
        "The file is too large or too deep once its aliases are counted as often as they are used.",
        "Split it, or write the repeated part once.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// Every source file below a path, itself among them.
    fn sources(path: &Path) -> Vec<String> {
        if !path.is_dir() {
            return vec![std::fs::read_to_string(path).unwrap()];
        }
        std::fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| !path.ends_with("suite/codes.rs"))
            .flat_map(|path| sources(&path))
            .collect()
    }

    /// The codes that the sources of this crate use, by the places where diagnostics are made.
    fn used() -> BTreeSet<String> {
        let mut used = BTreeSet::new();
        let makes =
            regex::Regex::new(r#"Diagnostic::(?:new|without_place)\(\s*"([a-z]+(?:-[a-z]+)*)""#)
                .unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        for source in [
            "suite",
            "template",
            "template.rs",
            "target",
            "waiver.rs",
            "report/statement",
        ]
        .iter()
        .flat_map(|path| sources(&root.join(path)))
        {
            let code = source.split("#[cfg(test)]").next().unwrap_or("");
            used.extend(makes.captures_iter(code).map(|found| found[1].to_owned()));
            // Some codes are handed to the one place that looks names up.
            let handed = CODES
                .iter()
                .filter(|known| code.contains(&format!("\"{}\",", known.name)));
            used.extend(handed.map(|known| known.name.to_owned()));
        }
        used
    }

    #[test]
    fn every_code_that_is_used_is_explained_and_every_code_that_is_explained_is_used() {
        let known: BTreeSet<String> = CODES.iter().map(|code| code.name.to_owned()).collect();
        assert_eq!(known.len(), CODES.len(), "a code is there twice");
        assert_eq!(used(), known);
        assert!(CODES.is_sorted_by_key(|code| code.name));
    }
}
