//! What keeps a run off objects that are not its own: what a write may name, and what clean-up may remove.
//!
//! Nobody's objects are at risk on this machine's own address, where a suite may do as it likes; everywhere else
//! a case that would reach for an object of somebody else ends before it does.

use serde_json::Value as Json;

use super::object::Object;
use super::session::{Session, Stop};
use crate::check::Afterwards;
use crate::exchange::{Exchange, Phase};
use crate::suite::model::RequestTemplate;
use crate::template::{Part, Scope};

/// How the names of all objects of a run begin.
pub(super) fn prefix(run_id: &str) -> String {
    format!("assize-{run_id}-")
}

impl Session<'_> {
    /// Refuses a write of the act that names an object of somebody else in its path or query: one that an answer
    /// told of, or that the target was given, and that is no object of the case. An id that nobody told the case
    /// is made up, and what the suite writes down itself is its author's word.
    pub(super) fn guard(
        &self,
        request: &RequestTemplate,
        scope: &Scope,
        objects: &[Object],
    ) -> Result<(), Stop> {
        let reads = matches!(request.method.as_str(), "GET" | "HEAD" | "OPTIONS");
        if reads || self.ctx.on_loopback {
            return Ok(());
        }
        let mut named: Vec<(String, Json, bool)> = Vec::new();
        let parts = request.target.parts();
        for (at, part) in parts.iter().enumerate() {
            if let Part::Expr(expr) = part
                && let Some(value) = expr.value(scope)?
            {
                named.push((expr.text().to_owned(), value, is_last(&parts[at + 1..])));
            }
        }
        for (name, value) in &request.query {
            if let Some(value) = value.value(scope)? {
                named.push((name.clone(), value, false));
            }
        }
        for (expression, value, is_last) in named {
            let Some(id) = text_of(&value).filter(|id| !id.is_empty()) else {
                continue;
            };
            if let Some(whose) = self.somebody_elses(&id, is_last, objects) {
                return Err(Stop::Unjudged(format!(
                    "not sent: `{expression}` in {} {} names `{}`, {whose}; a run changes only what it created itself: create the object under `given`, or in a step",
                    request.method,
                    request.target.source(),
                    crate::check::bounded(&id),
                )));
            }
        }
        Ok(())
    }

    /// Whose an id is, unless it belongs to the case or to nobody. What stands last in a path is the object
    /// itself; what stands before may be a place that the target lends, such as a project.
    fn somebody_elses(&self, id: &str, is_last: bool, objects: &[Object]) -> Option<String> {
        let is_it = |object: &Object| object.id().and_then(text_of).as_deref() == Some(id);
        if objects.iter().any(is_it) {
            return None;
        }
        let mut told = None;
        for exchange in &self.exchanges {
            // Said by the case before anybody told it: made up, and told back.
            if case_says(exchange, id) {
                return None;
            }
            let Ok(response) = &exchange.response else {
                continue;
            };
            let Some(answer) = response.body.json() else {
                continue;
            };
            let made = is_write(exchange) && (200..300).contains(&response.status);
            if made && is_of(answer, id) {
                return None;
            }
            if says(answer, id, !is_last) {
                told = Some(exchange);
                break;
            }
        }
        if let Some(exchange) = told {
            let request = &exchange.request;
            return Some(format!(
                "which the answer to {} {} told of, and which is no object of this case",
                request.method,
                self.path(request)
            ));
        }
        let variables = &self.ctx.target.variables;
        let given = variables.iter().find(|(name, value)| {
            let own = self.ctx.suite.variables.get(*name);
            let default = own.and_then(|variable| variable.default.as_ref());
            text_of(value).as_deref() == Some(id) && default != Some(value)
        });
        given
            .filter(|_| is_last)
            .map(|(name, _)| format!("the variable `{name}` of the target"))
    }

    /// Makes sure that an object may be removed: it stands in the ledger if the run keeps one, and its name is one
    /// that the run gave it, or it has none and belongs to an object of the run. `Ok(false)` where there is no such
    /// object any more.
    pub(super) async fn may_remove(
        &mut self,
        objects: &mut [Object],
        at: usize,
    ) -> Result<bool, String> {
        if !self.ctx.on_loopback {
            match self.read(Phase::CleanUp, objects, at).await {
                Ok((Afterwards::Object(value), _)) => objects[at].value = value,
                Ok((Afterwards::Absent, _)) => return Ok(false),
                // Whoever may not read it may perhaps remove it; then what was last seen of it counts.
                Ok((Afterwards::Unclear(_), _)) => {}
                Err(Stop::Interrupted | Stop::Judged) => {
                    return Err("clean-up was interrupted".to_owned());
                }
                Err(Stop::Unjudged(why)) => return Err(why),
            }
        }
        match self.foreign_name(objects, at) {
            None => Ok(true),
            Some(name) => Err(format!(
                "not deleted: its name is `{}`, which this run did not give it; remove it by hand if it is yours",
                crate::check::bounded(&name)
            )),
        }
    }

    /// The name of an object that is not of this run.
    fn foreign_name(&self, objects: &[Object], at: usize) -> Option<String> {
        let object = &objects[at];
        match object.value.get("name").and_then(Json::as_str) {
            // It is known by what it belongs to, and where that is nothing, by the ledger alone.
            None | Some("") => {
                let needs = object.needs.iter();
                let foreign: Vec<_> = needs
                    .map(|(_, of)| self.foreign_name(objects, *of))
                    .collect();
                let own = foreign.iter().any(Option::is_none);
                foreign.into_iter().flatten().next().filter(|_| !own)
            }
            Some(name) if name.starts_with(&prefix(&self.ctx.run_id)) => None,
            Some(name) if object.named.as_deref() == Some(name) => None,
            Some(name) if self.has_given(name) => None,
            Some(name) => Some(name.to_owned()),
        }
    }

    /// Whether the case has sent this name itself.
    pub(super) fn has_given(&self, name: &str) -> bool {
        let mut requests = self.exchanges.iter().map(|exchange| &exchange.request.body);
        requests.any(|body| {
            serde_json::from_slice(body).is_ok_and(|body: Json| says(&body, name, false))
        })
    }
}

fn is_write(exchange: &Exchange) -> bool {
    !matches!(exchange.request.method.as_str(), "GET" | "HEAD" | "OPTIONS")
}

/// Whether what follows an expression leaves it in the last segment of the path.
fn is_last(rest: &[Part]) -> bool {
    let mut path = String::new();
    for part in rest {
        match part {
            Part::Text(text) => path.push_str(text),
            Part::Expr(_) => path.push('x'),
        }
    }
    let path = path.split('?').next().unwrap_or("");
    path.trim_end_matches('/').find('/').is_none()
}

fn text_of(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Whether a value stands somewhere in an answer; with `as_id` only under the key `id`.
fn says(json: &Json, id: &str, as_id: bool) -> bool {
    match json {
        Json::Array(items) => items.iter().any(|item| says(item, id, as_id)),
        Json::Object(fields) => fields.iter().any(|(key, value)| {
            let counts = !as_id || key == "id";
            counts && text_of(value).as_deref() == Some(id) || says(value, id, as_id)
        }),
        value => !as_id && text_of(value).as_deref() == Some(id),
    }
}

/// Whether an id is that of the object in an answer, not of one in a list.
fn is_of(json: &Json, id: &str) -> bool {
    let Json::Object(fields) = json else {
        return false;
    };
    fields.iter().any(|(key, value)| {
        key == "id" && text_of(value).as_deref() == Some(id) || is_of(value, id)
    })
}

/// Whether a request names a value in its path or content.
fn case_says(exchange: &Exchange, id: &str) -> bool {
    let request = &exchange.request;
    let path = request.target().split('?').next().unwrap_or("");
    let encoded = crate::template::percent_encode(id);
    path.split('/')
        .any(|segment| segment == id || segment == encoded)
        || serde_json::from_slice(&request.body).is_ok_and(|body: Json| says(&body, id, false))
}
