//! HTTP: from the bytes of a request to an action, and from its reply to the bytes of an answer.
//!
//! Nothing is decided here that a vendor could decide otherwise: the order of the checks is
//! `Api::respond`, and what differs in it is asked of `dialect::Rules`.

mod body;
mod change;
mod draft;
mod filter;
mod json;
mod list;
mod object;
mod query;
mod render;
mod route;
mod tree;
mod wrong;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::header::{ACCEPT, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Bytes, Incoming};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use self::object::Object;
use self::query::Query;
use self::render::View;
use self::route::Route;
use super::config::{Config, Identity};
use super::defect::Defects;
use super::dialect::{Accept, Answer, Cascade, DeleteBody, Permission, RequestId, Rules};
use super::keystone::Keystone;
use super::model::Kind;
use super::refusal::Refusal;
use super::store::{self, Action, Caller, Depth, Reply, State, Target};
use super::weather::Weather;

static TOKEN: HeaderName = HeaderName::from_static("x-auth-token");

/// The largest body that is read.
const BODY_LIMIT: usize = 2 * 1024 * 1024;

/// So many values a body may have: one of two bytes takes a hundred in memory.
const VALUES: usize = 50_000;

/// A body up to this size is read whoever else sends one.
const SMALL_BODY: usize = 16 * 1024;

/// So many larger bodies are read at once; the others wait for their turn.
const LARGE_BODIES: usize = 32;

/// One emulated API with its state.
pub(super) struct Api {
    rules: &'static Rules,
    defects: Defects,
    identities: Vec<Identity>,
    base: String,
    state: Mutex<State>,
    /// The wall clock at the start; from there time only goes forward.
    epoch: (Timestamp, Instant),
    requests: Mutex<store::Random>,
    /// If there is any.
    weather: Option<Mutex<Weather>>,
    keystone: Mutex<Keystone>,
    /// How long a body may take.
    patience: Duration,
    large_bodies: Semaphore,
    /// Changes that were asked for, if they are counted.
    asked: Option<Mutex<BTreeMap<(String, String), usize>>>,
}

/// What comes of a request.
pub(super) enum Turn {
    Done(Answer),
    Nap(Nap),
    /// An answer that a defect holds back for so long.
    Late(Duration, Answer),
    /// No answer: a defect ends the connection.
    Lost,
}

/// A deletion that sleeps between its checks and its effect.
pub(super) struct Nap {
    pub(super) time: Duration,
    caller: Caller,
    target: Target,
}

impl Api {
    /// An empty cloud that is reached at `base`, an origin without a trailing slash.
    pub(super) fn new(config: &Config, base: String) -> Self {
        Self {
            rules: config.dialect.rules(),
            defects: Defects::new(config),
            identities: config.identities.clone(),
            weather: Weather::new(config).map(Mutex::new),
            keystone: Mutex::new(Keystone::new(config.token_life, base.clone(), config.seed)),
            patience: config.patience,
            large_bodies: Semaphore::new(LARGE_BODIES),
            asked: config.count.then(Mutex::default),
            base,
            state: Mutex::new(State::new(config)),
            epoch: (Timestamp::now(), Instant::now()),
            requests: Mutex::new(store::Random::new(config.seed ^ u64::MAX)),
        }
    }

    /// How often each change was asked for.
    pub(super) fn asked(&self) -> BTreeMap<(String, String), usize> {
        self.asked
            .as_ref()
            .map(|asked| lock(asked).clone())
            .unwrap_or_default()
    }

    /// How many objects exist now.
    pub(super) fn objects(&self) -> usize {
        self.objects_at(self.now())
    }

    /// How many objects exist once everything due by `now` is done.
    pub(super) fn objects_at(&self, now: Timestamp) -> usize {
        let mut state = lock(&self.state);
        state.settle(now);
        state.objects()
    }

    fn now(&self) -> Timestamp {
        let (wall, start) = self.epoch;
        wall.checked_add(start.elapsed()).unwrap_or(Timestamp::MAX)
    }

    /// Answers a request; an error is no answer, and the end of the connection.
    pub(super) async fn handle(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Lost> {
        let (parts, body) = request.into_parts();
        // The body is read before anything is judged, so that no answer overtakes it on the wire.
        let body = self.read(body).await;
        let whole = body.is_ok();
        let answer = match self.turn(&parts, body, self.now()) {
            Turn::Done(answer) => answer,
            Turn::Nap(nap) => {
                tokio::time::sleep(nap.time).await;
                self.wake(nap, self.now())
            }
            Turn::Late(time, answer) => {
                tokio::time::sleep(time).await;
                answer
            }
            Turn::Lost => return Err(Lost),
        };
        let mut response = answer.into_response();
        if !whole {
            // What is left of the body would be taken for the next request.
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
        }
        Ok(response)
    }

    /// The whole body, if it is small enough and comes in time.
    async fn read(&self, body: Incoming) -> Result<Bytes, Refusal> {
        if body.is_end_stream() {
            return Ok(Bytes::new());
        }
        // One that says that it is too large is not waited for.
        if body.size_hint().lower() > BODY_LIMIT as u64 {
            return Err(Refusal::TooLarge { limit: BODY_LIMIT });
        }
        let read = tokio::time::timeout(self.patience, self.collect(body)).await;
        read.unwrap_or_else(|_| {
            let seconds = self.patience.as_secs_f64();
            Err(Refusal::TooSlow { seconds })
        })
    }

    async fn collect(&self, mut body: Incoming) -> Result<Bytes, Refusal> {
        let mut bytes = Bytes::new();
        let mut more = Vec::new();
        let mut turn = None;
        while let Some(frame) = body.frame().await {
            let broken = |_| Refusal::BadBody {
                reason: "the body is cut short or wrongly coded".to_owned(),
            };
            let Ok(data) = frame.map_err(broken)?.into_data() else {
                continue;
            };
            let length = bytes.len() + more.len() + data.len();
            if length > BODY_LIMIT {
                return Err(Refusal::TooLarge { limit: BODY_LIMIT });
            }
            if length > SMALL_BODY && turn.is_none() {
                // It is never closed.
                turn = self.large_bodies.acquire().await.ok();
                let announced = usize::try_from(body.size_hint().lower()).unwrap_or(BODY_LIMIT);
                more.reserve_exact(length + announced.min(BODY_LIMIT));
            }
            if length == data.len() {
                bytes = data;
            } else {
                more.extend_from_slice(&std::mem::take(&mut bytes));
                more.extend_from_slice(&data);
            }
        }
        let bytes = if more.is_empty() { bytes } else { more.into() };
        let values = bytes.iter().filter(|byte| b"[{,".contains(byte)).count();
        if values > VALUES {
            let reason = format!("the body has more than {VALUES} values");
            return Err(Refusal::BadBody { reason });
        }
        Ok(bytes)
    }

    /// What comes of a request that was read, or could not be: its answer, unless a defect makes it sleep.
    pub(super) fn turn(&self, parts: &Parts, body: Result<Bytes, Refusal>, now: Timestamp) -> Turn {
        if let Some(asked) = self.asked.as_ref().filter(|_| parts.method != Method::GET) {
            let what = (parts.method.to_string(), parts.uri.path().to_owned());
            *lock(asked).entry(what).or_default() += 1;
        }
        let weather = self.weather.as_ref().map(lock);
        if let Some(answer) = weather.and_then(|mut weather| weather.turn_away(now)) {
            return Turn::Done(answer);
        }
        if let Some(path) = Keystone::path(parts)
            && let Ok(body) = &body
        {
            let mut keystone = lock(&self.keystone);
            return Turn::Done(keystone.answer(path, parts, body, &self.identities, now));
        }
        match self.respond(parts, body, now) {
            Ok(Turn::Done(answer)) => self.late(parts, self.signed(Ok(answer))),
            Ok(turn) => turn,
            Err(refusal) => {
                let refusal = self.refused(parts, refusal, now);
                self.late(parts, self.signed(Err(refusal)))
            }
        }
    }

    /// Goes on with a request that has slept.
    pub(super) fn wake(&self, nap: Nap, now: Timestamp) -> Answer {
        let Nap {
            time: _,
            caller,
            target,
        } = nap;
        let action = Action::Delete(target, Depth::Checked);
        let reply = store::apply(&mut lock(&self.state), &caller, action, now);
        self.signed(reply.map(|_| Answer::empty(204)))
    }

    /// The words for a refusal, and the id of the request where answers carry one.
    fn signed(&self, answer: Result<Answer, Refusal>) -> Answer {
        let request_id = lock(&self.requests).id();
        let mut answer = answer.unwrap_or_else(|refusal| {
            let answer = (self.rules.answer)(&refusal, request_id);
            self.misworded(&refusal, answer)
        });
        match self.rules.request_id {
            RequestId::Header => answer
                .headers
                .push(("x-openstack-request-id", format!("req-{request_id}"))),
            RequestId::Absent => {}
        }
        answer
    }

    /// The checks in their order: token, path, method, body, and then the store's own.
    fn respond(
        &self,
        parts: &Parts,
        body: Result<Bytes, Refusal>,
        now: Timestamp,
    ) -> Result<Turn, Refusal> {
        let path = parts.uri.path();
        let route = Route::parse(self.rules, path);
        if let Ok(Route::Versions) = route {
            Route::Versions.check_method(self.rules, &parts.method)?;
            return Ok(Turn::Done(Answer::json(200, self.versions())));
        }
        let caller = self.authenticate(parts, now)?;
        self.admits_json(parts)?;
        let body = body?;
        let route = route?;
        let method = self.method(parts, &route);
        if self.clears(&route, &method) {
            return self.clear(&caller, now);
        }
        route.check_method(self.rules, &method)?;
        route.check_ids(self.rules)?;
        let caller = self.promoted(caller, &route, &method);
        if route == Route::Quotas {
            let quotas = lock(&self.state).quotas_of(&caller.project);
            let quotas = render::quotas(&caller.project, quotas);
            return Ok(Turn::Done(Answer::json(200, quotas)));
        }
        let query = Query::parse(parts.uri.query().unwrap_or_default())?;
        let all_members = route == Route::AllMembers;
        let item = route.item();
        let writes = method != Method::GET;
        if writes && self.rules.permission == Permission::First {
            caller.may_write()?;
        }
        let action = self.action(route, &method, &query, &body)?;

        let mut text = Vec::new();
        let mut state = lock(&self.state);
        let reply = store::apply(&mut state, &caller, action, now)?;
        let mut show = |kind: Kind, id, wanted: &[&str]| {
            text.reserve(1024);
            Object::write(&mut text, &[], |body| {
                body.object(kind.as_str(), wanted, |object| {
                    render::object(&state, (kind, id), View::Plain, object);
                });
            });
        };
        let status = match reply {
            Reply::Created(kind, id) => {
                show(kind, id, &[]);
                201
            }
            Reply::Found(kind, id) => {
                show(kind, id, &list::wanted(&state, &query));
                200
            }
            Reply::Listed(kind, ids) => {
                let url = format!("{}{path}", self.base);
                text = list::list(&state, kind, &ids, all_members, &query, &url)?;
                200
            }
            Reply::Tree(id) => {
                Object::write(&mut text, &[], |body| tree::tree(&state, id, body));
                200
            }
            Reply::Deleted => return Ok(self.deleted(item)),
            Reply::Accepted => return Ok(Turn::Done(Answer::empty(202))),
            Reply::Napping(time, target) => {
                return Ok(Turn::Nap(Nap {
                    time,
                    caller,
                    target,
                }));
            }
        };
        drop(state);
        Ok(Turn::Done(Answer::written(status, text)))
    }

    /// Who asks, by the token.
    fn authenticate(&self, parts: &Parts, now: Timestamp) -> Result<Caller, Refusal> {
        let token = parts
            .headers
            .get(&TOKEN)
            .and_then(|token| token.to_str().ok());
        let known = self
            .identities
            .iter()
            .find(|identity| Some(identity.token.as_str()) == token);
        let caller = |identity: &Identity| Caller {
            project: identity.project.clone(),
            access: identity.access,
        };
        let issued = |token| lock(&self.keystone).identity(token, now).map(caller);
        known
            .map(caller)
            .or_else(|| issued(token?))
            .or_else(|| self.stranger(token).map(caller))
            .ok_or(Refusal::Unauthenticated)
    }

    fn admits_json(&self, parts: &Parts) -> Result<(), Refusal> {
        let Some(accept) = parts.headers.get(ACCEPT) else {
            return Ok(());
        };
        let admits = |text: &str| {
            let mut ranges = text
                .split(',')
                .map(|range| range.split(';').next().unwrap_or_default().trim());
            ranges.any(|range| matches!(range, "" | "*/*" | "application/*" | "application/json"))
        };
        match self.rules.accept {
            Accept::MustAdmitJson if !accept.to_str().is_ok_and(admits) => {
                Err(Refusal::NotAcceptable)
            }
            Accept::MustAdmitJson | Accept::Ignored => Ok(()),
        }
    }

    /// What a method on a path asks of the store.
    fn action(
        &self,
        route: Route,
        method: &Method,
        query: &Query,
        body: &[u8],
    ) -> Result<Action, Refusal> {
        let rules = self.rules;
        match route {
            Route::Versions | Route::Quotas => Err(Refusal::NoRoute { path: "/".into() }),
            Route::AllMembers => Ok(Action::List {
                kind: Kind::Member,
                parent: None,
            }),
            Route::Tree { id } => Ok(Action::Tree { id }),
            Route::Collection { kind, parent } => match (method, rules.batch, parent) {
                (&Method::POST, _, parent) => Ok(Action::Create(draft::draft(
                    rules,
                    kind,
                    parent.as_deref(),
                    body,
                )?)),
                (&Method::PUT, Some(batch), Some(pool)) => Ok(Action::Batch {
                    pool,
                    batch: change::batch(rules, batch, body)?,
                }),
                (_, _, parent) => Ok(Action::List { kind, parent }),
            },
            Route::Item { kind, parent, id } => {
                let target = Target { kind, parent, id };
                match *method {
                    Method::PUT => Ok(Action::Update(target, change::change(rules, kind, body)?)),
                    Method::DELETE => {
                        if let Some(id) = self.other_id(kind, query, body) {
                            let target = Target { id, ..target };
                            return Ok(Action::Delete(target, Depth::Object));
                        }
                        if rules.delete_body == DeleteBody::Refused && !body.is_empty() {
                            return Err(Refusal::BodyOnDelete);
                        }
                        let cascade = kind == Kind::LoadBalancer && query.flag("cascade");
                        let depth = match rules.cascade {
                            Cascade::OnRequest if cascade => Depth::Cascade,
                            Cascade::OnRequest | Cascade::Unknown => Depth::Object,
                        };
                        let depth = self.depth(kind, query).unwrap_or(depth);
                        Ok(Action::Delete(target, depth))
                    }
                    _ => Ok(Action::Show(target)),
                }
            }
        }
    }

    /// The document at the root: the newest version is the current one.
    fn versions(&self) -> Value {
        let newest = self.rules.versions.last();
        let versions = self.rules.versions.iter().map(|id| {
            let status = if Some(id) == newest {
                "CURRENT"
            } else {
                "SUPPORTED"
            };
            let prefix = self.rules.prefixes.last().copied().unwrap_or_default();
            let href = format!("{}/{prefix}", self.base);
            json!({"id": id, "status": status, "links": [{"rel": "self", "href": href}]})
        });
        json!({"versions": versions.collect::<Vec<_>>()})
    }
}

/// A poisoned lock still guards whole values: every command checks before it changes.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// There is no answer: the connection ends before it.
#[derive(Debug, thiserror::Error)]
#[error("the connection is lost on purpose")]
pub(super) struct Lost;

impl Answer {
    fn into_response(self) -> Response<Full<Bytes>> {
        let Self {
            status,
            headers,
            body,
            form,
        } = self;
        let mut response = Response::new(Full::default());
        *response.status_mut() =
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response
                    .headers_mut()
                    .insert(HeaderName::from_static(name), value);
            }
        }
        if let Some(body) = body {
            response
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static(form.content_type()));
            *response.body_mut() = Full::new(form.written(body));
        }
        response
    }
}
