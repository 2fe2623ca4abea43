//! The documents of a suite, each read into its typed form. Names are resolved later, in `link`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;

use super::model::{
    Action, Answer, AnswerExpect, BodyTemplate, Expect, IdentityRule, Level, List, Operation,
    Profile, Ready, RequestTemplate, Requirement, RequirementIn, Resource, Scope, Step, Unchanged,
    Variable,
};
use super::read::{self, Fields, Found};
use super::shape;
use super::yaml::{Kind, Node};
use crate::source::{Diagnostic, Source, Span, Spanned};
use crate::template::{Expr, JsonTemplate, Template};

/// How long to wait for an object to settle unless the resource says otherwise.
const READY_WITHIN: Duration = Duration::from_secs(300);

/// One file, read.
pub(super) enum Document {
    Manifest(Manifest),
    Requirements(Vec<Requirement>),
    Resource(Box<Resource>),
    Profile(Profile),
    Scenarios(ScenarioFile),
}

/// `suite.yaml`.
pub(super) struct Manifest {
    pub(super) name: Spanned<String>,
    pub(super) title: Option<String>,
    pub(super) version: Option<String>,
    pub(super) uses: Vec<Spanned<String>>,
    pub(super) scenarios: Vec<Spanned<String>>,
    pub(super) openapi: Option<Spanned<String>>,
    pub(super) profile: Option<Spanned<String>>,
    pub(super) identities: BTreeMap<String, IdentityRule>,
    pub(super) variables: BTreeMap<String, Variable>,
}

/// A file of scenarios.
pub(super) struct ScenarioFile {
    pub(super) feature: Option<String>,
    pub(super) tags: Vec<Spanned<String>>,
    pub(super) uses: Vec<Spanned<String>>,
    pub(super) fragments: Vec<(Spanned<String>, Step)>,
    pub(super) scenarios: Vec<RawScenario>,
}

/// A scenario before its names are resolved.
pub(super) struct RawScenario {
    pub(super) span: Span,
    /// `None` for the only scenario of a file.
    pub(super) id: Option<Spanned<String>>,
    pub(super) title: Option<Spanned<String>>,
    pub(super) requirements: Vec<Spanned<String>>,
    pub(super) tags: Vec<Spanned<String>>,
    pub(super) only_if: Option<Expr>,
    pub(super) variables: Vec<(Spanned<String>, JsonTemplate)>,
    pub(super) given: Vec<RawGiven>,
    pub(super) steps: Vec<Step>,
    pub(super) then: Vec<Expect>,
    pub(super) finally: Vec<Step>,
    pub(super) timeout: Option<Duration>,
}

/// An entry of `given` as written: a resource's name and its options.
pub(super) struct RawGiven {
    pub(super) resource: Spanned<String>,
    pub(super) options: Vec<(Spanned<String>, Node)>,
}

/// Reads a document; what kind it is shows in its keys.
pub(super) fn document(source: &Arc<Source>, node: &Node, found: &mut Found) -> Option<Document> {
    let kind = ["suite", "requirements", "resource", "profile"]
        .into_iter()
        .find(|key| node.get(key).is_some() && !is_scenario(node));
    Some(match kind {
        Some("suite") => Document::Manifest(manifest(node, found)?),
        Some("requirements") => Document::Requirements(requirements(node, found)),
        Some("resource") => Document::Resource(Box::new(resource(node, found)?)),
        Some("profile") => Document::Profile(profile(node, found)?),
        _ => Document::Scenarios(scenario_file(source, node, found)?),
    })
}

fn is_scenario(node: &Node) -> bool {
    ["scenarios", "steps", "when", "feature"]
        .iter()
        .any(|key| node.get(key).is_some())
        && node.get("suite").is_none()
}

fn manifest(node: &Node, found: &mut Found) -> Option<Manifest> {
    let fields = Fields::open(node, &shape::MANIFEST, found)?;
    let identities = fields.named("identities", found, |node, found| {
        let fields = Fields::open(node, &shape::IDENTITY, found)?;
        let headers = fields
            .named("headers", found, read::template)
            .into_iter()
            .map(|(key, value)| (key.value, value))
            .collect();
        Some(IdentityRule {
            span: node.span.clone(),
            headers,
        })
    });
    let variables = fields.named("variables", found, |node, found| {
        let fields = Fields::open(node, &shape::VARIABLE, found)?;
        Some(Variable {
            about: fields
                .read("about", found, read::text)
                .map(|text| text.value),
            default: fields.get("default").map(Node::to_json),
            secret: fields.read("secret", found, read::truth).unwrap_or(false),
        })
    });
    Some(Manifest {
        name: fields.read("suite", found, read::text)?,
        title: fields
            .read("title", found, read::text)
            .map(|text| text.value),
        version: fields
            .read("version", found, read::text)
            .map(|text| text.value),
        uses: fields.names("use", found),
        scenarios: fields.names("scenarios", found),
        openapi: fields.read("openapi", found, read::text),
        profile: fields.read("profile", found, read::text),
        identities: identities
            .into_iter()
            .map(|(key, value)| (key.value, value))
            .collect(),
        variables: variables
            .into_iter()
            .map(|(key, value)| (key.value, value))
            .collect(),
    })
}

fn requirements(node: &Node, found: &mut Found) -> Vec<Requirement> {
    let Some(fields) = Fields::open(node, &shape::REQUIREMENTS, found) else {
        return Vec::new();
    };
    fields.many("requirements", found, |node, found| {
        let fields = Fields::open(node, &shape::REQUIREMENT, found)?;
        let profiles = fields.named("profiles", found, |node, found| {
            let fields = Fields::open(node, &shape::REQUIREMENT_IN, found)?;
            Some(RequirementIn {
                level: fields.read("level", found, level),
                text: fields
                    .read("text", found, read::text)
                    .map(|text| text.value),
                source: fields
                    .read("source", found, read::text)
                    .map(|text| text.value),
            })
        });
        let id = fields.read("id", found, read::text);
        Some(Requirement {
            text: fields.read("text", found, read::text)?.value,
            level: fields.read("level", found, level)?,
            origin: fields
                .read("origin", found, read::text)
                .map(|text| text.value),
            source: fields
                .read("source", found, read::text)
                .map_or_else(String::new, |text| text.value),
            profiles: profiles
                .into_iter()
                .map(|(key, value)| (key.value, value))
                .collect(),
            untested: fields
                .read("untested", found, read::text)
                .map(|text| text.value),
            span: id.as_ref()?.span.clone(),
            id: id?.value,
        })
    })
}

fn level(node: &Node, found: &mut Found) -> Option<Level> {
    let word = read::word(node, shape::LEVELS, found)?;
    [
        Level::Must,
        Level::Should,
        Level::Observe,
        Level::NotApplicable,
    ]
    .into_iter()
    .find(|level| level.as_str() == word)
}

fn resource(node: &Node, found: &mut Found) -> Option<Resource> {
    let fields = Fields::open(node, &shape::RESOURCE, found)?;
    let name = fields.read("resource", found, read::text)?;
    let ready = fields.read("ready", found, |node, found| {
        let fields = Fields::open(node, &shape::READY, found)?;
        Some(Ready {
            poll: fields.read("poll", found, read::text)?,
            until: fields.read("until", found, read::expr)?,
            fail_if: fields.read("fail_if", found, read::expr),
            within: fields
                .read("within", found, read::duration)
                .map_or(READY_WITHIN, |within| within.value),
        })
    });
    let list = fields.read("list", found, |node, found| {
        let fields = Fields::open(node, &shape::LIST, found)?;
        let request = fields.read("request", found, |node, found| {
            read::request(node, None, found)
        })?;
        Some(List {
            request,
            items: fields.read("items", found, read::template)?,
        })
    });
    Some(Resource {
        span: name.span.clone(),
        name: name.value,
        scope: fields.read("scope", found, scope).unwrap_or(Scope::Case),
        needs: fields.names("needs", found),
        params: plain(fields.named("params", found, read::json_template)),
        create: fields.read("create", found, operation)?,
        object: fields.read("object", found, read::template)?,
        ready,
        read: fields.read("read", found, operation)?,
        list,
        delete: fields.read("delete", found, operation),
        operations: fields
            .named("operations", found, operation)
            .into_iter()
            .map(|(key, value)| (key.value, value))
            .collect(),
        volatile: read::set(fields.names("volatile", found)),
    })
}

/// The word of a scope.
pub(super) fn scope(node: &Node, found: &mut Found) -> Option<Scope> {
    read::word(node, shape::SCOPES, found).map(|word| match word.as_str() {
        "worker" => Scope::Worker,
        "run" => Scope::Run,
        _ => Scope::Case,
    })
}

fn plain<T>(named: Vec<(Spanned<String>, T)>) -> Vec<(String, T)> {
    named
        .into_iter()
        .map(|(key, value)| (key.value, value))
        .collect()
}

fn operation(node: &Node, found: &mut Found) -> Option<Operation> {
    if let Kind::Text(_) = node.kind {
        return Some(Operation {
            request: read::request(node, None, found)?,
            answer: Vec::new(),
            params: Vec::new(),
        });
    }
    let fields = Fields::open(node, &shape::OPERATION, found)?;
    Some(Operation {
        request: fields.read("request", found, |node, found| {
            read::request(node, Some(&fields), found)
        })?,
        answer: fields.names("answer", found),
        params: plain(fields.named("params", found, read::json_template)),
    })
}

fn profile(node: &Node, found: &mut Found) -> Option<Profile> {
    let fields = Fields::open(node, &shape::PROFILE, found)?;
    let name = fields.read("profile", found, read::text)?;
    let answers = fields.named("answers", found, |node, found| {
        let fields = Fields::open(node, &shape::ANSWER, found)?;
        Some(Answer {
            expect: answer_expect(&fields, found),
            about: fields
                .read("about", found, read::text)
                .map(|text| text.value),
        })
    });
    Some(Profile {
        title: fields
            .read("title", found, read::text)
            .map_or_else(|| name.value.clone(), |text| text.value),
        span: name.span.clone(),
        name: name.value,
        emulator: fields
            .read("emulator", found, read::text)
            .map(|text| text.value),
        settle: fields
            .read("settle", found, read::duration)
            .map_or(Duration::ZERO, |settle| settle.value),
        transient: fields.names("transient", found),
        answers: answers
            .into_iter()
            .map(|(key, value)| (key.value, value))
            .collect(),
        features: fields
            .get("features")
            .map_or_else(|| Json::Object(serde_json::Map::new()), Node::to_json),
    })
}

/// `status`, `headers`, `body` and `schema` of a mapping.
fn answer_expect(fields: &Fields<'_>, found: &mut Found) -> AnswerExpect {
    AnswerExpect {
        status: fields.read("status", found, read::status),
        headers: fields.named("headers", found, |node, found| match node.kind {
            Kind::Null => Some(super::model::Matcher::Ops(vec![
                super::model::MatchOp::Absent,
            ])),
            _ => read::matcher(node, found),
        }),
        body: fields.read("body", found, read::body),
        schema: fields.read("schema", found, read::schema),
    }
}

fn scenario_file(source: &Arc<Source>, node: &Node, found: &mut Found) -> Option<ScenarioFile> {
    let fields = Fields::open(node, &shape::SCENARIOS, found)?;
    let mut scenarios = fields.many("scenarios", found, |node, found| {
        let fields = Fields::open(node, &shape::SCENARIO, found)?;
        let id = fields.read("id", found, read::text);
        Some(scenario(&fields, id, found))
    });
    let alone = ["steps", "when", "given", "then"]
        .iter()
        .any(|key| node.get(key).is_some());
    match (alone, node.get("scenarios")) {
        (true, Some(list)) => found.push(
            Diagnostic::new(
                "two-forms",
                &list.span,
                "a file has either `scenarios` or one scenario at its top",
            )
            .label("a scenario stands at the top as well")
            .help("move it into the list and give it an `id`"),
        ),
        (true, None) => scenarios.push(scenario(&fields, None, found)),
        (false, _) => {
            for key in [
                "title",
                "requirements",
                "only_if",
                "variables",
                "finally",
                "timeout",
            ] {
                if let Some(node) = fields.get(key) {
                    found.push(
                        Diagnostic::new(
                            "unknown-key",
                            &node.span,
                            format!("`{key}` belongs to one scenario, not to a file of several"),
                        )
                        .label("not known here")
                        .help("move it into the scenario"),
                    );
                }
            }
            if node.get("scenarios").is_none() && node.get("fragments").is_none() {
                found.push(Diagnostic::new("nothing-here", &Span::start_of(source), "this file holds no scenario, resource, profile or requirement").help("begin with `steps:` and a list of requests; `assize schema` knows every key"));
            }
        }
    }
    Some(ScenarioFile {
        feature: fields
            .read("feature", found, read::text)
            .map(|text| text.value),
        tags: if alone {
            Vec::new()
        } else {
            fields.names("tags", found)
        },
        uses: fields.names("use", found),
        fragments: fields.named("fragments", found, step),
        scenarios,
    })
}

fn scenario(fields: &Fields<'_>, id: Option<Spanned<String>>, found: &mut Found) -> RawScenario {
    let when = fields.many("when", found, step);
    let mut steps = fields.many("steps", found, step);
    if let (Some(node), false) = (fields.get("steps"), when.is_empty()) {
        found.push(
            Diagnostic::new(
                "two-forms",
                &node.span,
                "a scenario has either `steps` or `when`",
            )
            .label("`when` is there as well")
            .help("put the requests into one of them"),
        );
    }
    let then = fields.many("then", found, expect);
    if let (Some(node), true) = (fields.get("then"), when.is_empty()) {
        found.push(
            Diagnostic::new(
                "then-without-when",
                &node.span,
                "`then` judges the last request of `when`, and there is none",
            )
            .label("nothing to judge")
            .help("add `when`, or put `then` below a step"),
        );
    }
    if when.is_empty()
        && steps.is_empty()
        && fields.get("when").is_none()
        && fields.get("steps").is_none()
    {
        found.push(
            Diagnostic::new(
                "missing-key",
                fields.span,
                "a scenario sends something: it needs `when` or `steps`",
            )
            .label("nothing is sent")
            .help("add `steps:` and a list of requests such as `GET /path`"),
        );
    }
    steps.extend(when);
    RawScenario {
        span: id
            .as_ref()
            .map_or_else(|| fields.span.clone(), |id| id.span.clone()),
        id,
        title: fields.read("title", found, read::text),
        requirements: fields.names("requirements", found),
        tags: fields.names("tags", found),
        only_if: fields.read("only_if", found, read::expr),
        variables: fields.named("variables", found, read::json_template),
        given: fields
            .many("given", found, given)
            .into_iter()
            .flatten()
            .collect(),
        steps,
        then,
        finally: fields.many("finally", found, step),
        timeout: fields
            .read("timeout", found, read::duration)
            .map(|timeout| timeout.value),
    }
}

fn given(node: &Node, found: &mut Found) -> Option<Vec<RawGiven>> {
    match &node.kind {
        Kind::Map(entries) => Some(
            entries
                .iter()
                .map(|(key, value)| RawGiven {
                    resource: Spanned::new(key.name.clone(), key.span.clone()),
                    options: read::entries(value, found)
                        .iter()
                        .map(|(key, value)| {
                            (
                                Spanned::new(key.name.clone(), key.span.clone()),
                                value.clone(),
                            )
                        })
                        .collect(),
                })
                .collect(),
        ),
        _ => Some(vec![RawGiven {
            resource: read::text(node, found)?,
            options: Vec::new(),
        }]),
    }
}

fn step(node: &Node, found: &mut Found) -> Option<Step> {
    let bare = |action| Step {
        span: node.span.clone(),
        action,
        identity: None,
        concurrently: None,
        capture: Vec::new(),
        creates: None,
        with: Vec::new(),
        then: Vec::new(),
    };
    if let Kind::Text(text) = &node.kind {
        let action = if read::request_line(text).is_some() {
            Action::Request(read::request(node, None, found)?)
        } else {
            operation_name(node, text, found)?
        };
        return Some(bare(action));
    }
    let fields = Fields::open(node, &shape::STEP, found)?;
    let ways: Vec<&str> = ["request", "do", "fragment"]
        .into_iter()
        .filter(|key| fields.get(key).is_some())
        .collect();
    if ways.len() != 1 {
        let message = if ways.is_empty() {
            "a step sends something: it needs `request`, `do` or `fragment`".to_owned()
        } else {
            format!("a step sends one thing, not {}", ways.join(" and "))
        };
        found.push(
            Diagnostic::new("one-action", &node.span, message)
                .label("this step")
                .help("write `request: METHOD /path`, `do: OPERATION ALIAS`, or `fragment: NAME`"),
        );
    }
    let action = match *ways.first()? {
        "request" => Action::Request(fields.read("request", found, |node, found| {
            read::request(node, Some(&fields), found)
        })?),
        "do" => {
            let name = fields.read("do", found, read::text)?;
            operation_name(fields.get("do")?, &name.value, found)?
        }
        _ => Action::Fragment(fields.read("fragment", found, read::text)?),
    };
    if !matches!(action, Action::Request(_)) {
        for key in ["query", "headers", "json", "text"] {
            if let Some(extra) = fields.get(key) {
                found.push(
                    Diagnostic::new(
                        "unknown-key",
                        &extra.span,
                        format!("`{key}` goes with `request`, not with an operation or a fragment"),
                    )
                    .label("not known here")
                    .help("set parameters with `with`"),
                );
            }
        }
    }
    let creates = fields.read("creates", found, |node, found| match &node.kind {
        Kind::Map(entries) if entries.len() == 1 => {
            let (key, value) = &entries[0];
            Some((
                Spanned::new(key.name.clone(), key.span.clone()),
                read::text(value, found)?,
            ))
        }
        _ => read::text(node, found).map(|resource| (resource.clone(), resource)),
    });
    Some(Step {
        identity: fields.read("as", found, read::text),
        concurrently: fields.read("concurrently", found, |node, found| {
            match &node.kind {
                Kind::Number(number) => number
                    .as_u64()
                    .filter(|times| (2..=64).contains(times))
                    .and_then(|times| usize::try_from(times).ok())
                    .map(|times| Spanned::new(times, node.span.clone())),
                _ => None,
            }
            .or_else(|| {
                found.push(
                    Diagnostic::new("bad-count", &node.span, "this is not a number from 2 to 64")
                        .label("here")
                        .help("write how many requests are sent at once, or leave `concurrently` out to send one"),
                );
                None
            })
        }),
        capture: fields.named("capture", found, read::expr),
        creates,
        with: plain(fields.named("with", found, read::json_template)),
        then: fields.many("then", found, expect),
        ..bare(action)
    })
}

fn operation_name(node: &Node, text: &str, found: &mut Found) -> Option<Action> {
    let mut words = text.split_whitespace();
    // A method in capitals means a request, so its path must be what is wrong.
    let method = |word: &str| word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_uppercase());
    if let (Some(operation), Some(alias), None) = (words.next(), words.next(), words.next())
        && !method(operation)
    {
        let spanned = |word: &str| Spanned::new(word.to_owned(), node.span.clone());
        return Some(Action::Operation(spanned(operation), spanned(alias)));
    }
    found.push(
        Diagnostic::new(
            "bad-request-line",
            &node.span,
            "this is neither a request nor an operation",
        )
        .label("here")
        .help("write `METHOD /path` without scheme and host, or an operation and an object such as `delete pool`"),
    );
    None
}

/// A number of answers, or `rest`.
fn count(node: &Node, found: &mut Found) -> Option<Option<usize>> {
    match &node.kind {
        Kind::Text(text) if text == "rest" => Some(None),
        Kind::Number(number) if number.is_u64() => Some(
            number
                .as_u64()
                .and_then(|count| usize::try_from(count).ok()),
        ),
        _ => {
            found.push(
                Diagnostic::new(
                    "bad-count",
                    &node.span,
                    "this is neither a number nor `rest`",
                )
                .label("here")
                .help("write how many answers are of this name, or `rest` for all the others"),
            );
            None
        }
    }
}

fn expect(node: &Node, found: &mut Found) -> Option<Expect> {
    let before = found.len();
    let expect = read_expect(node, found)?;
    // What asks for something and says it wrongly must not be told that it asks for nothing.
    (found.len() == before || expect.asks()).then_some(expect)
}

fn read_expect(node: &Node, found: &mut Found) -> Option<Expect> {
    let fields = Fields::open(node, &shape::EXPECT, found)?;
    let unchanged = fields.read("unchanged", found, |node, found| {
        let value = match node.text() {
            Some("all") => Unchanged::All,
            Some("others") => Unchanged::Others,
            _ => Unchanged::These(fields.names("unchanged", found)),
        };
        Some(Spanned::new(value, node.span.clone()))
    });
    Some(Expect {
        span: node.span.clone(),
        requirements: fields.names("requirements", found),
        only_if: fields.read("only_if", found, read::expr),
        answer: answer_expect(&fields, found),
        named: fields.names("answer", found),
        answers: fields
            .named("answers", found, count)
            .into_iter()
            .map(|(names, count)| {
                (
                    names
                        .value
                        .split(" or ")
                        .map(|name| Spanned::new(name.trim().to_owned(), names.span.clone()))
                        .collect(),
                    count,
                )
            })
            .collect(),
        within: fields.read("within", found, read::duration),
        eventually: fields.read("eventually", found, read::duration),
        unchanged,
        gone: fields.names("gone", found),
        check: fields.many("check", found, read::expr),
        observe: fields.named("observe", found, read::expr),
    })
}

/// Every expression of a request.
pub(super) fn request_exprs<'a>(request: &'a RequestTemplate, visit: &mut dyn FnMut(&'a Expr)) {
    request.target.exprs().for_each(&mut *visit);
    request
        .query
        .iter()
        .for_each(|(_, value)| value.for_each_expr(visit));
    request
        .headers
        .iter()
        .flat_map(|(_, value)| value.exprs())
        .for_each(&mut *visit);
    match &request.body {
        BodyTemplate::Empty => {}
        BodyTemplate::Json(json) => json.for_each_expr(visit),
        BodyTemplate::Text(text) => Template::exprs(text).for_each(visit),
    }
}

#[cfg(test)]
mod tests {
    use super::super::yaml;
    use super::*;

    /// The diagnostics of a scenario file, as code and message.
    fn said(text: &str) -> Vec<(&'static str, String)> {
        let source = Source::new("file.yaml", text);
        let mut found = Found::new();
        if let Some(node) = yaml::parse(&source, &mut found) {
            document(&source, &node, &mut found);
        }
        found
            .into_iter()
            .map(|diagnostic| (diagnostic.code, diagnostic.message))
            .collect()
    }

    #[test]
    fn a_method_with_a_url_is_a_bad_request_line_and_no_operation() {
        let said = said("steps:\n  - GET https://lb.example/pools\n  - delete pool\n");
        assert_eq!(
            said,
            [(
                "bad-request-line",
                "this is neither a request nor an operation".to_owned()
            )]
        );
    }

    #[test]
    fn an_expectation_that_is_said_wrongly_is_dropped_and_one_that_is_empty_is_kept() {
        let source = Source::new("file.yaml", "a: { status: 2000 }\nb: {}\n");
        let mut found = Found::new();
        let node = yaml::parse(&source, &mut found).expect("it is YAML");
        let read =
            |key: &str, found: &mut Found| expect(node.get(key).expect("it is there"), found);
        assert!(read("a", &mut found).is_none());
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(read("b", &mut found).is_some_and(|expect| !expect.asks()));
    }
}
