//! What defects make of requests and answers. Each function stands for one decision of `Api`, which asks it
//! there; without defects all of them answer that nothing is to be done otherwise.

use std::time::Duration;

use http::Method;
use http::request::Parts;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::query::Query;
use super::route::Route;
use super::{Api, Turn, lock};
use crate::emulator::config::{Access, Identity};
use crate::emulator::defect::Defect;
use crate::emulator::dialect::{Answer, Form};
use crate::emulator::model::Kind;
use crate::emulator::refusal::Refusal;
use crate::emulator::store::{self, Action, Caller, Depth, Target};

/// How long the answer of `slow` takes.
const SLOWNESS: Duration = Duration::from_secs(3);

/// The keys that a message stands under in one vendor's envelope or another's.
const MESSAGES: [&str; 4] = ["message", "error_msg", "faultstring", "detail"];

/// The pool that a request deletes.
fn deleted_pool<'a>(route: &'a Route, method: &Method) -> Option<&'a str> {
    match route {
        Route::Item {
            kind: Kind::Pool,
            id,
            ..
        } if *method == Method::DELETE => Some(id),
        _ => None,
    }
}

// Requests.
impl Api {
    /// Whose request it is although its token is not known.
    pub(super) fn stranger(&self, token: Option<&str>) -> Option<&Identity> {
        let lets_in = self.defects.has(Defect::TokenIgnored)
            || self.defects.has(Defect::WrongTokenAccepted) && token.is_some();
        self.identities.first().filter(|_| lets_in)
    }

    /// The method that a request is taken to have.
    pub(super) fn method(&self, parts: &Parts, route: &Route) -> Method {
        let overridden = parts.method == Method::POST
            && self.defects.has(Defect::MethodOverridden)
            && parts
                .headers
                .get("x-http-method-override")
                .is_some_and(|method| method.as_bytes().eq_ignore_ascii_case(b"DELETE"));
        let patched = parts.method == Method::PATCH && self.defects.has(Defect::PatchDeletes);
        if deleted_pool(route, &Method::DELETE).is_some() && (overridden || patched) {
            Method::DELETE
        } else {
            parts.method.clone()
        }
    }

    /// The caller with the rights that it is taken to have.
    pub(super) fn promoted(&self, caller: Caller, route: &Route, method: &Method) -> Caller {
        let access = match caller.access {
            _ if deleted_pool(route, method).is_none() => caller.access,
            Access::Read if self.defects.has(Defect::ReaderDeletes) => Access::Write,
            Access::Write if self.defects.has(Defect::ForeignProjectDeletes) => Access::Admin,
            access => access,
        };
        Caller { access, ..caller }
    }

    /// Whether a request deletes all pools.
    pub(super) fn clears(&self, route: &Route, method: &Method) -> bool {
        let pools = Route::Collection {
            kind: Kind::Pool,
            parent: None,
        };
        self.defects.has(Defect::CollectionDeleted) && *method == Method::DELETE && *route == pools
    }

    /// Deletes all pools of the caller's project.
    pub(super) fn clear(&self, caller: &Caller, now: Timestamp) -> Result<Turn, Refusal> {
        caller.may_write()?;
        let mut state = lock(&self.state);
        let kind = Kind::Pool;
        for id in state.ids(kind) {
            let project = state.common((kind, id)).map(|it| it.project.as_str());
            if project == Some(&caller.project) {
                let target = Target {
                    kind,
                    parent: None,
                    id: id.to_string(),
                };
                store::apply(&mut state, caller, checked(target), now)?;
            }
        }
        Ok(Turn::Done(Answer::empty(204)))
    }

    /// The id that a deletion goes by instead of the one in its path.
    pub(super) fn other_id(&self, kind: Kind, query: &Query, body: &[u8]) -> Option<String> {
        let in_query = query
            .first("id")
            .filter(|_| self.defects.has(Defect::QueryIdDeletes));
        let in_body = || {
            let body: Value = serde_json::from_slice(body).ok()?;
            let id = body.get("id").or_else(|| body.pointer("/pool/id"))?;
            id.as_str().map(str::to_owned)
        };
        if kind != Kind::Pool {
            None
        } else if self.defects.has(Defect::BodyIdDeletes) {
            in_body()
        } else {
            in_query.map(str::to_owned)
        }
    }

    /// How much a deletion takes with it, if that is not what it should be.
    pub(super) fn depth(&self, kind: Kind, query: &Query) -> Option<Depth> {
        let all =
            kind == Kind::Pool && query.flag("cascade") && self.defects.has(Defect::QueryCascades);
        all.then_some(Depth::Checked)
    }
}

/// A deletion that looks at nothing.
fn checked(target: Target) -> Action {
    Action::Delete(target, Depth::Checked)
}

// Answers.
impl Api {
    /// What the deletion of an object comes to once it is done.
    pub(super) fn deleted(&self, kind: Option<Kind>) -> Turn {
        if kind != Some(Kind::Pool) {
            return Turn::Done(Answer::empty(204));
        }
        if self.defects.has(Defect::ConnectionLost) {
            return Turn::Lost;
        }
        let status = self.defects.first(&[
            (Defect::DeletionAnswers200, 200),
            (Defect::DeletionAnswers201, 201),
            (Defect::DeletionAnswers202, 202),
            (Defect::DeletionAnswersPool, 200),
        ]);
        let bodies = [Defect::DeletionAnswersBody, Defect::DeletionAnswersPool];
        let body = bodies.iter().any(|defect| self.defects.has(*defect));
        let status = status.unwrap_or(204);
        Turn::Done(if body {
            Answer::json(status, json!({"pool": {}}))
        } else {
            Answer::empty(status)
        })
    }

    /// When an answer is given, if not at once.
    pub(super) fn late(&self, parts: &Parts, answer: Answer) -> Turn {
        if parts.method == Method::DELETE && self.defects.has(Defect::Slow) {
            Turn::Late(SLOWNESS, answer)
        } else {
            Turn::Done(answer)
        }
    }

    /// The refusal that is told instead of this one, after what is done in spite of it.
    pub(super) fn refused(&self, parts: &Parts, refusal: Refusal, now: Timestamp) -> Refusal {
        if self.defects.is_empty() {
            return refusal;
        }
        let Ok(route) = Route::parse(self.rules, parts.uri.path()) else {
            return refusal;
        };
        let Some(id) = deleted_pool(&route, &parts.method) else {
            return refusal;
        };
        let mut state = lock(&self.state);
        let target = Target {
            kind: Kind::Pool,
            parent: None,
            id: id.to_owned(),
        };
        let anyone = Caller {
            project: String::new(),
            access: Access::Admin,
        };
        let done = match refusal {
            Refusal::Unauthenticated => self.defects.has(Defect::UnauthenticatedDeletes),
            Refusal::Forbidden => self.defects.has(Defect::ForbiddenDeletes),
            _ => false,
        };
        if done {
            // It is refused either way.
            let _ = store::apply(&mut state, &anyone, checked(target), now);
            return refusal;
        }
        let known = store::parse_id(id).is_some_and(|id| state.pools.contains_key(&id));
        match refusal {
            Refusal::Unauthenticated if self.defects.has(Defect::TokenCheckedLast) && !known => {
                Refusal::NotFound {
                    kind: Kind::Pool,
                    id: id.to_owned(),
                }
            }
            Refusal::InUse {
                kind: kind @ Kind::Pool,
                id,
                ..
            } if self.defects.has(Defect::RefusalNamesPool) => Refusal::InUse {
                kind,
                by_kind: kind,
                by: id.clone(),
                id,
            },
            refusal => refusal,
        }
    }

    /// The words for a refusal that are used instead of the right ones.
    pub(super) fn misworded(&self, refusal: &Refusal, mut answer: Answer) -> Answer {
        let status = self.defects.first(&[
            (Defect::RefusalAnswers400, 400),
            (Defect::RefusalAnswers403, 403),
            (Defect::RefusalAnswers404, 404),
            (Defect::RefusalAnswers500, 500),
        ]);
        let in_use = matches!(refusal, Refusal::InUse { kind, .. } if *kind == Kind::Pool);
        answer.status = status.filter(|_| in_use).unwrap_or(answer.status);
        if self.defects.has(Defect::WrongEnvelope) {
            let reasons = json!({"reasons": [{"text": refusal.to_string()}]});
            answer.body = Answer::json(answer.status, reasons).body;
        }
        if self.defects.has(Defect::ErrorWithoutBody) {
            answer.body = None;
        }
        if self.defects.has(Defect::ErrorWithoutMessage) {
            let body = answer.body.as_deref();
            if let Some(mut body) = body.and_then(|it| serde_json::from_slice(it).ok()) {
                silence(&mut body);
                answer.body = Answer::json(answer.status, body).body;
            }
        }
        let form = self.defects.first(&[
            (Defect::ErrorAsHtml, Form::Html),
            (Defect::TruncatedError, Form::Half),
        ]);
        answer.form = form.unwrap_or(answer.form);
        answer
    }
}

/// Empties the messages of an error.
fn silence(value: &mut Value) {
    let members = value.as_object_mut();
    for (key, value) in members.into_iter().flatten() {
        if MESSAGES.contains(&key.as_str()) {
            *value = "".into();
        } else {
            silence(value);
        }
    }
}
