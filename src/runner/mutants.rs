//! The mutants that follow from what each case did on the real endpoint.

use std::collections::BTreeMap;

use super::tamper::{Act, Falsehood};
use crate::exchange::Response;
use crate::proof::Kind;

/// A mutant of the traffic, and the acts with which it can be tried: any that notices will do.
#[derive(Debug, Clone)]
pub struct Mutation {
    /// Its id.
    pub id: String,
    /// Whether it is another effect of one act, or another answer of an operation.
    pub kind: Kind,
    /// What it does, in a sentence.
    pub about: String,
    /// What assertion would notice.
    pub missing: String,
    /// Cases, the place of the act among those of the case, and what is done to it.
    pub trials: Vec<(String, usize, Falsehood)>,
}

/// The mutants of what cases did: effects that differ, then answers that differ. What its last write leaves behind
/// is for each case to notice; all else for any case that sends the same operation and gets the same status.
pub fn mutations(noted: &BTreeMap<String, Vec<Act>>) -> Vec<Mutation> {
    let (mut own, mut common) = (Vec::new(), BTreeMap::new());
    for (case, acts) in noted {
        let writes =
            |act: &Act| act.judged && !matches!(act.request.method.as_str(), "GET" | "HEAD");
        let last = acts.iter().rposition(writes);
        for (at, act) in acts.iter().enumerate().filter(|(_, act)| writes(act)) {
            let label = format!(
                "{} {} {}",
                act.request.method,
                operation(act),
                act.response.status
            );
            effects(act, |name, falsehood, about, missing| {
                let trial = (case.clone(), at, falsehood);
                let mutation = |name: &str, whose: &str| Mutation {
                    id: format!("effect/{name}/{whose}"),
                    kind: Kind::Effect,
                    about,
                    missing: format!("{whose}: {missing}"),
                    trials: Vec::new(),
                };
                if Some(at) == last {
                    let mut mutation = mutation(name, case);
                    mutation.trials.push(trial);
                    own.push(mutation);
                } else {
                    // Any other object will do.
                    let name = if name.starts_with("changed-") {
                        "changed"
                    } else {
                        name
                    };
                    let group = common.entry((label.clone(), name.to_owned()));
                    group
                        .or_insert_with(|| mutation(name, &label))
                        .trials
                        .push(trial);
                }
            });
        }
    }
    own.extend(common.into_values());
    own.extend(answers(noted));
    own
}

fn effects(act: &Act, mut add: impl FnMut(&str, Falsehood, String, &str)) {
    let method = act.request.method.as_str();
    let ok = (200..300).contains(&act.response.status);
    let refused = (400..500).contains(&act.response.status);
    let line = format!("{method} {}", operation(act));
    let status = act.response.status;
    let deletes = method == "DELETE";
    if ok && matches!(method, "DELETE" | "PUT" | "PATCH" | "POST") {
        add(
            "swallowed",
            Falsehood::Swallowed(act.response.clone()),
            format!("{line} is answered with {status}, and nothing is done."),
            if deletes {
                "nothing looks whether the object is gone; add `gone`"
            } else {
                "nothing looks whether the request had its effect; add a `check` of `after`, or a step that reads"
            },
        );
    }
    if ok && deletes && act.on_object {
        add(
            "stale",
            Falsehood::Stale,
            format!("{line} is answered with {status}, and the object can be read as before."),
            "nothing reads the object after its deletion; add `gone`",
        );
        add(
            "listed",
            Falsehood::Listed,
            format!("{line} is answered with {status}, and the object is still listed."),
            "nothing looks into the list after the deletion; add `gone`",
        );
    }
    if refused && act.on_object && matches!(method, "DELETE" | "PUT" | "PATCH") {
        add(
            "carried-out",
            Falsehood::CarriedOut,
            format!("{line} is refused with {status} and carried out."),
            "nothing looks whether the refusal left the object as it was; add `unchanged`",
        );
    }
    if refused && method == "POST" && !line.ends_with("{}") {
        add(
            "listed",
            Falsehood::Listed,
            format!("{line} is refused with {status}, and there is a new object all the same."),
            "nothing looks whether the refusal created something; add `gone` with what `creates` names",
        );
    }
    if (ok && deletes) || refused {
        for (place, name) in &act.others {
            add(
                &format!("changed-{name}"),
                Falsehood::Changed(*place),
                format!("{line} is answered with {status} and changes {name}."),
                &format!("nothing compares {name} with what it was before; add `unchanged`"),
            );
        }
    }
}

/// A case, the place of an act in it, and the act.
type Place<'a> = (&'a str, usize, &'a Act);

fn answers(noted: &BTreeMap<String, Vec<Act>>) -> Vec<Mutation> {
    let mut groups: BTreeMap<(String, u16), Vec<Place<'_>>> = BTreeMap::new();
    for (case, acts) in noted {
        for (at, act) in acts.iter().enumerate().filter(|(_, act)| act.judged) {
            let label = format!("{} {}", act.request.method, operation(act));
            let group = groups.entry((label, act.response.status)).or_default();
            group.push((case, at, act));
        }
    }
    let mut mutations = Vec::new();
    for ((label, status), acts) in &groups {
        let other = groups
            .iter()
            .find(|((other, answer), _)| other == label && answer != status)
            .and_then(|(_, acts)| acts.first())
            .map(|(_, _, act)| act.response.clone());
        let mut named: BTreeMap<String, Mutation> = BTreeMap::new();
        for (case, at, act) in acts {
            for (name, falsehood, about, missing) in edits(act, other.as_ref()) {
                let id = format!("answer/{name}/{label} {status}");
                let mutation = named.entry(name).or_insert_with(|| Mutation {
                    id,
                    kind: Kind::Answer,
                    about: format!("{label}: instead of {status}, {about}."),
                    missing: format!(
                        "no case that sends {label} and gets {status} asks for {missing}"
                    ),
                    trials: Vec::new(),
                });
                let trial = ((*case).to_owned(), *at, falsehood);
                mutation.trials.push(trial);
            }
        }
        mutations.extend(named.into_values());
    }
    mutations
}

fn edits(act: &Act, other: Option<&Response>) -> Vec<(String, Falsehood, String, &'static str)> {
    let status = act.response.status;
    let (within, across) = match status {
        200..300 => (if status == 202 { 200 } else { 202 }, 403),
        400..500 => (if status == 409 { 400 } else { 409 }, 200),
        _ => (status, 200),
    };
    let mut edits: Vec<(String, Falsehood, String, &'static str)> = Vec::new();
    let mut add = |name: String, falsehood, about: String, missing| {
        edits.push((name, falsehood, about, missing));
    };
    for (name, other) in [
        ("status-within", within),
        ("status-across", across),
        ("status-500", 500),
    ] {
        let about = format!("the status is {other}");
        if other != status {
            add(
                name.to_owned(),
                Falsehood::Status(other),
                about,
                "its `status` or `answer`",
            );
        }
    }
    if let Some(other) = other {
        let about = format!(
            "the answer is one to another request, with {}",
            other.status
        );
        add(
            "swapped".to_owned(),
            Falsehood::Swapped(other.clone()),
            about,
            "its `status` or `answer`",
        );
    }
    if matches!(act.request.method.as_str(), "DELETE" | "POST") && (200..300).contains(&status) {
        let about = "the request is carried out twice, and the second answer is given".to_owned();
        add("twice".to_owned(), Falsehood::Twice, about, "its `status`");
    }
    add(
        "late".to_owned(),
        Falsehood::Late,
        "the answer comes too late".to_owned(),
        "an answer in time; add `within`",
    );
    for (name, _) in &act.response.headers {
        let name = name.to_ascii_lowercase();
        if matches!(
            name.as_str(),
            "content-type" | "location" | "retry-after" | "allow" | "www-authenticate" | "etag"
        ) {
            add(
                format!("without-header-{name}"),
                Falsehood::WithoutHeader(name.clone()),
                format!("there is no header field {name}"),
                "that header field; add `headers`",
            );
        }
    }
    if !act.response.body.is_empty() {
        let body = "the content; add `body` or `schema`";
        add(
            "no-content".to_owned(),
            Falsehood::NoContent,
            "there is no content".to_owned(),
            body,
        );
        add(
            "cut-content".to_owned(),
            Falsehood::CutContent,
            "the content ends in its middle".to_owned(),
            body,
        );
        add(
            "empty-object".to_owned(),
            Falsehood::EmptyObject,
            "the content is `{}`".to_owned(),
            body,
        );
        let fields = act.response.body.json().and_then(|body| body.as_object());
        for (name, value) in fields.into_iter().flatten() {
            let field = "that field; add `body` or `schema`";
            add(
                format!("without-{name}"),
                Falsehood::WithoutField(name.clone()),
                format!("the content has no field {name}"),
                field,
            );
            if !value.is_null() {
                add(
                    format!("null-{name}"),
                    Falsehood::NullField(name.clone()),
                    format!("the field {name} is null"),
                    field,
                );
            }
            add(
                format!("retyped-{name}"),
                Falsehood::RetypedField(name.clone()),
                format!("the field {name} is of another type"),
                field,
            );
        }
    }
    edits
}

/// The path of an act with `{}` for what looks like an id.
fn operation(act: &Act) -> String {
    let target = act.request.target();
    let path = target.split('?').next().unwrap_or(target);
    let segments = path.split('/').map(|segment| {
        let digits = segment.bytes().filter(u8::is_ascii_digit).count();
        let id = segment.contains('%')
            || digits > 0 && (digits == segment.len() || segment.len() > 16)
            || segment.len() > 64;
        if id { "{}" } else { segment }
    });
    segments.collect::<Vec<_>>().join("/")
}
