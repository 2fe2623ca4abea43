//! Objects and lists inside answers: read, listed, and waited for until they have settled.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;
use tokio::time::Instant;

use super::{Backoff, Session, Stop};
use crate::check::{self, Afterwards, ListView, Standing};
use crate::exchange::{Phase, Response, TransportError};
use crate::runner::object::Object;
use crate::template::{EvalError, Scope, Shared, Template};

/// Lists that were looked at, with their exchanges: by who asked, and by the URL.
pub(in crate::runner) type Lists = BTreeMap<(String, String), (ListView, usize)>;

impl Session<'_> {
    /// The scope of an answer: what the case knows, and `status`, `headers`, `body`; null without an answer.
    pub(in crate::runner) fn answer_scope(&self, scope: &Scope, exchange: usize) -> Scope {
        let mut scope = scope.clone();
        match self.answer(exchange) {
            Ok(response) => check::into_scope(response, &mut scope, |_| true),
            Err(_) => {
                for name in ["status", "headers", "body"] {
                    scope.set(name, &Json::Null);
                }
            }
        }
        scope
    }

    /// Reads an object.
    pub(in crate::runner) async fn read(
        &mut self,
        phase: Phase,
        objects: &[Object],
        at: usize,
    ) -> Result<(Afterwards, usize), Stop> {
        let scope = self.object_scope(objects, at);
        let resource = Arc::clone(&objects[at].resource);
        let request = self.build(&resource.read.request, &scope, &objects[at].identity)?;
        let exchange = self.send(phase, request, Standing::Full).await?;
        Ok((self.object_in(&resource.object, exchange, &scope), exchange))
    }

    /// The object inside an answer.
    pub(in crate::runner) fn object_in(
        &self,
        object: &Template,
        exchange: usize,
        scope: &Scope,
    ) -> Afterwards {
        match self.answer(exchange) {
            Ok(response) if matches!(response.status, 404 | 410) => Afterwards::Absent,
            Ok(response) if (200..300).contains(&response.status) => {
                match part(response, object, scope) {
                    Ok(Some(value)) if value.is_object() => Afterwards::Object(value),
                    _ => Afterwards::Unclear(format!(
                        "no object in the answer: {}",
                        self.describe(exchange)
                    )),
                }
            }
            _ => Afterwards::Unclear(self.describe(exchange)),
        }
    }

    /// Lists an object's kind; `None` for the exchange where the resource has no list.
    pub(in crate::runner) async fn list(
        &mut self,
        phase: Phase,
        objects: &[Object],
        at: usize,
    ) -> Result<(ListView, Option<usize>), Stop> {
        self.list_once(phase, objects, at, &mut BTreeMap::new())
            .await
    }

    /// The same, but for a list that has been looked at before: `seen` keeps what was.
    pub(in crate::runner) async fn list_once(
        &mut self,
        phase: Phase,
        objects: &[Object],
        at: usize,
        seen: &mut Lists,
    ) -> Result<(ListView, Option<usize>), Stop> {
        let resource = Arc::clone(&objects[at].resource);
        let Some(list) = &resource.list else {
            return Ok((ListView::None, None));
        };
        let scope = self.object_scope(objects, at);
        let identity = &objects[at].identity;
        let request = self.build(&list.request, &scope, identity)?;
        let key = (identity.clone(), request.url.clone());
        if let Some((list, exchange)) = seen.get(&key) {
            return Ok((list.clone(), Some(*exchange)));
        }
        let exchange = self.send(phase, request, Standing::Full).await?;
        let list = self.items_in(&list.items, exchange, &scope);
        seen.insert(key, (list.clone(), exchange));
        Ok((list, Some(exchange)))
    }

    /// The items inside an answer; a list below something that is gone (404) has none.
    pub(in crate::runner) fn items_in(
        &self,
        items: &Template,
        exchange: usize,
        scope: &Scope,
    ) -> ListView {
        match self.answer(exchange) {
            Ok(response) if matches!(response.status, 404 | 410) => {
                ListView::Items(Json::Array(Vec::new()).into())
            }
            Ok(response) if (200..300).contains(&response.status) => {
                match part(response, items, scope) {
                    Ok(Some(items)) if items.is_array() => ListView::Items(items),
                    _ => ListView::Unclear(format!(
                        "no list in the answer: {}",
                        self.describe(exchange)
                    )),
                }
            }
            _ => ListView::Unclear(self.describe(exchange)),
        }
    }

    /// The names that the operations of an object know: itself, what it needs, its parameters.
    pub(in crate::runner) fn object_scope(&self, objects: &[Object], at: usize) -> Scope {
        let object = &objects[at];
        let mut scope = self.scope.clone();
        scope.extend(&object.params);
        for (need, of) in reach(objects, at) {
            scope.share(need, &objects[of].value);
        }
        scope.share(object.resource.name.as_str(), &object.value);
        scope
    }

    /// Waits until an object and its surroundings can be changed again. `Ok(Some(…))` says what it waited
    /// for in vain; an object that is no more has settled.
    pub(in crate::runner) async fn settle(
        &mut self,
        phase: Phase,
        objects: &mut [Object],
        at: usize,
        within: Duration,
    ) -> Result<Option<String>, Stop> {
        let resource = Arc::clone(&objects[at].resource);
        let Some(ready) = &resource.ready else {
            return Ok(None);
        };
        let Some(polled) = polled(objects, at) else {
            return Ok(None);
        };
        let deadline = (Instant::now() + ready.within.min(within)).min(self.deadline);
        let mut backoff = Backoff::new();
        loop {
            let violations = self.violations.len();
            let (read, exchange) = self.read(phase, objects, polled).await?;
            let last = match read {
                Afterwards::Absent => return Ok(None),
                Afterwards::Object(value) => {
                    objects[polled].value = value;
                    let scope = self.object_scope(objects, at);
                    if ready.until.holds(&scope)? {
                        return Ok(None);
                    }
                    if let Some(fail_if) = &ready.fail_if
                        && fail_if.holds(&scope)?
                    {
                        return Ok(Some(format!(
                            "`{}` holds, so `{}` never will: {}",
                            fail_if.text(),
                            ready.until.text(),
                            self.describe(exchange)
                        )));
                    }
                    format!(
                        "`{}` does not hold yet: {}",
                        ready.until.text(),
                        self.describe(exchange)
                    )
                }
                Afterwards::Unclear(why) => {
                    if self
                        .answer(exchange)
                        .is_err_and(|error| matches!(error, TransportError::Connect(_)))
                    {
                        return Ok(Some(why));
                    }
                    why
                }
            };
            let wait = backoff.next(self.answer(exchange).ok());
            if self.over(wait, deadline) {
                return Ok(Some(last));
            }
            self.forget(exchange, violations);
            self.pause(wait).await?;
        }
    }
}

/// The longest answer that is kept for the sake of a value in it, in bytes.
const KEPT: usize = 1 << 16;

/// What a template that names a part of an answer comes to.
fn part(
    answer: &Response,
    template: &Template,
    scope: &Scope,
) -> Result<Option<Shared>, EvalError> {
    let mut scope = scope.clone();
    check::into_scope(answer, &mut scope, |name| {
        template
            .exprs()
            .any(|expr| expr.roots().any(|root| root == name))
    });
    let value = template.shared(&scope)?;
    Ok(match answer.body.len() > KEPT {
        true => value.map(|value| Json::clone(&value).into()),
        false => value,
    })
}

/// The objects that an object needs, directly first, then what those need.
fn reach(objects: &[Object], at: usize) -> Vec<(&str, usize)> {
    let mut found: Vec<(&str, usize)> = Vec::new();
    let (mut open, mut looked_at) = (at, 0);
    loop {
        for (need, of) in &objects[open].needs {
            if found.iter().all(|(known, _)| known != need) {
                found.push((need, *of));
            }
        }
        let Some((_, next)) = found.get(looked_at) else {
            return found;
        };
        open = *next;
        looked_at += 1;
    }
}

/// The object that shows whether this one has settled.
pub(in crate::runner) fn polled(objects: &[Object], at: usize) -> Option<usize> {
    let ready = objects[at].resource.ready.as_ref()?;
    if ready.poll.value == objects[at].resource.name {
        return Some(at);
    }
    reach(objects, at)
        .into_iter()
        .find(|(need, _)| *need == ready.poll.value)
        .map(|(_, of)| of)
}
