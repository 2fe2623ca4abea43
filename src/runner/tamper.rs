//! Falsified traffic: an endpoint that answers, or does, other than the real one did, for one act of each case.
//! Which cases notice says what a suite is worth.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value as Json};

use super::transport::Transport;
use crate::exchange::{Exchange, Phase, Request, Response, TransportError};

/// What is done to the traffic of a run.
#[derive(Debug, Clone)]
pub enum Tamper {
    /// Nothing; what each case does is noted.
    Note(Arc<Mutex<BTreeMap<String, Vec<Act>>>>),
    /// One act of each case named here is falsified.
    Falsify(Arc<BTreeMap<String, (usize, Falsehood)>>),
}

/// A request that a scenario's own step sends, as it went.
#[derive(Debug, Clone)]
pub struct Act {
    /// As it was sent.
    pub request: Request,
    /// What it was answered with.
    pub response: Response,
    /// Whether something is expected of it, rather than that it succeeds.
    pub judged: bool,
    /// Whether an object of the case could be read at the same URL before.
    pub on_object: bool,
    /// The objects of the case that can be read after it, but for the one at its own URL: places and names.
    pub others: Vec<(usize, String)>,
}

/// Another answer, or another effect, than the real one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Falsehood {
    /// Another status code.
    Status(u16),
    /// The content is left out.
    NoContent,
    /// The content ends in its middle.
    CutContent,
    /// The content is `{}`.
    EmptyObject,
    /// A field of the content is left out.
    WithoutField(String),
    /// A field of the content is null.
    NullField(String),
    /// A field of the content is of another type.
    RetypedField(String),
    /// A header field is left out.
    WithoutHeader(String),
    /// The answer comes when nobody waits for it any more.
    Late,
    /// The answer is that of another case.
    Swapped(Response),
    /// A plausible answer, and nothing is done.
    Swallowed(Response),
    /// The request is carried out twice; the second answer counts.
    Twice,
    /// Whatever the answer says, the object at its URL can be read no more.
    CarriedOut,
    /// The object at its URL reads as it did before.
    Stale,
    /// The object at its URL is still in the list, or, created, is in it although it was refused.
    Listed,
    /// Another object of the case, by its place, reads differently.
    Changed(usize),
}

/// What is done to the traffic of one case, as far as it has come.
pub(super) struct Tampering {
    mode: Mode,
    /// Acts so far.
    acts: usize,
    /// While an act is sent: whether it is judged, and where each object of the case is read.
    acting: Option<bool>,
    /// Paths of the objects of the case, by place.
    reads: Vec<Option<Request>>,
    effects: Vec<Effect>,
}

enum Mode {
    Note(Arc<Mutex<BTreeMap<String, Vec<Act>>>>, String),
    Falsify(usize, Falsehood),
}

/// What later reads are made to show.
enum Effect {
    Gone(String),
    As(String, Response),
    InList(String, Json),
    Other(String),
}

impl Tamper {
    /// What is done to a case.
    pub(super) fn of(&self, case: &str) -> Option<Tampering> {
        let mode = match self {
            Self::Note(noted) => Mode::Note(Arc::clone(noted), case.to_owned()),
            Self::Falsify(cases) => {
                let (act, falsehood) = cases.get(case)?;
                Mode::Falsify(*act, falsehood.clone())
            }
        };
        Some(Tampering {
            mode,
            acts: 0,
            acting: None,
            reads: Vec::new(),
            effects: Vec::new(),
        })
    }
}

impl Tampering {
    /// An act comes next. `reads` are the requests that read the objects of the case, by place.
    pub(super) fn begin(&mut self, judged: bool, reads: Vec<Option<Request>>) {
        self.acting = Some(judged);
        self.reads = reads;
    }

    /// The act has been answered.
    pub(super) fn end(&mut self) {
        self.acts += usize::from(self.acting.take().is_some());
    }

    /// Whether what stands after an act is noted, with the requests to look.
    pub(super) fn looks(&self) -> &[Option<Request>] {
        match self.mode {
            Mode::Note(..) => &self.reads,
            Mode::Falsify(..) => &[],
        }
    }

    /// Notes which objects could be read after the last act.
    pub(super) fn note(&mut self, there: Vec<(usize, String)>) {
        let Mode::Note(noted, case) = &self.mode else {
            return;
        };
        let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(act) = noted.get_mut(case).and_then(|acts| acts.last_mut()) {
            let own = path(&act.request);
            act.others = there;
            act.others
                .retain(|(place, _)| self.reads[*place].as_ref().map(path) != Some(own));
        }
    }

    /// Sends a request, and falsifies what comes of it.
    pub(super) async fn send(
        &mut self,
        transport: &Transport,
        phase: Phase,
        request: Request,
    ) -> Exchange {
        match (phase, self.acting) {
            (Phase::SetUp, _) => transport.send(phase, request).await,
            (Phase::Act, Some(judged)) => self.act(transport, request, judged).await,
            _ => {
                let mut exchange = transport.send(phase, request).await;
                if let Ok(response) = &mut exchange.response {
                    for effect in &self.effects {
                        effect.show(&exchange.request, response);
                    }
                }
                exchange
            }
        }
    }

    async fn act(&mut self, transport: &Transport, request: Request, judged: bool) -> Exchange {
        let own = path(&request).to_owned();
        let reads = self.reads.iter().flatten();
        let read = reads.into_iter().find(|read| path(read) == own).cloned();
        match &self.mode {
            Mode::Note(noted, case) => {
                let before = match &read {
                    Some(read) => Some(transport.send(Phase::Act, read.clone()).await),
                    None => None,
                };
                let exchange = transport.send(Phase::Act, request).await;
                if let Ok(response) = &exchange.response {
                    let act = Act {
                        request: exchange.request.clone(),
                        response: response.clone(),
                        judged,
                        on_object: before.is_some_and(|before| succeeded(&before)),
                        others: Vec::new(),
                    };
                    let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
                    let acts = noted.entry(case.clone()).or_default();
                    // A read that is repeated until it fits is one act.
                    acts.truncate(self.acts);
                    acts.push(act);
                }
                exchange
            }
            Mode::Falsify(at, falsehood) if *at == self.acts => {
                let falsehood = falsehood.clone();
                self.falsify(transport, request, read, &falsehood).await
            }
            Mode::Falsify(..) => transport.send(Phase::Act, request).await,
        }
    }

    async fn falsify(
        &mut self,
        transport: &Transport,
        request: Request,
        read: Option<Request>,
        falsehood: &Falsehood,
    ) -> Exchange {
        let own = path(&request).to_owned();
        let before = match (falsehood, read) {
            (Falsehood::Swallowed(_) | Falsehood::Stale | Falsehood::Listed, Some(read)) => {
                let exchange = transport.send(Phase::Act, read).await;
                exchange.response.ok().filter(|it| it.status == 200)
            }
            _ => None,
        };
        match falsehood {
            Falsehood::Swallowed(answer) => {
                let started = jiff::Timestamp::now();
                let response = plausible(answer, before.as_ref(), &request);
                return Exchange {
                    phase: Phase::Act,
                    request,
                    response: Ok(response),
                    started,
                    waited: Duration::from_millis(1),
                    duration: Duration::from_millis(1),
                };
            }
            Falsehood::Twice => {
                let _ = transport.send(Phase::Act, request.clone()).await;
            }
            Falsehood::CarriedOut => self.effects.push(Effect::Gone(own.clone())),
            Falsehood::Stale => {
                self.effects
                    .extend(before.clone().map(|before| Effect::As(own.clone(), before)));
            }
            Falsehood::Changed(place) => {
                let other = self.reads.get(*place).and_then(Option::as_ref);
                self.effects
                    .extend(other.map(|read| Effect::Other(path(read).to_owned())));
            }
            Falsehood::Listed => {
                let list = match request.method.as_str() {
                    "POST" => own.clone(),
                    _ => own.rsplit_once('/').map_or("", |(list, _)| list).to_owned(),
                };
                let mut item = match &before {
                    Some(before) => before.body.json().and_then(inner).cloned(),
                    None => serde_json::from_slice(&request.body)
                        .ok()
                        .as_ref()
                        .and_then(inner)
                        .cloned(),
                };
                if let Some(item) = &mut item {
                    item.entry("id")
                        .or_insert_with(|| "00000000-0000-4000-8000-000000000000".into());
                }
                self.effects
                    .extend(item.map(|item| Effect::InList(list, item.into())));
            }
            _ => {}
        }
        let mut exchange = transport.send(Phase::Act, request).await;
        if *falsehood == Falsehood::Late {
            exchange.response = Err(TransportError::Timeout(transport.timeout()));
        }
        if let Ok(response) = &mut exchange.response {
            edit(response, falsehood);
        }
        exchange
    }
}

impl Effect {
    fn show(&self, request: &Request, response: &mut Response) {
        if request.method != "GET" {
            return;
        }
        let at = path(request);
        match self {
            Self::Gone(own) if at == own => {
                response.status = 404;
                response.body = b"{}".to_vec().into();
            }
            Self::As(own, before) if at == own => response.clone_from(before),
            Self::InList(list, item) if at == list && response.status == 200 => {
                if let Some(mut body) = response.body.json().cloned()
                    && let Some(items) = first_list(&mut body)
                    && !items.iter().any(|known| known.get("id") == item.get("id"))
                {
                    items.push(item.clone());
                    response.body = body.to_string().into_bytes().into();
                }
            }
            Self::Other(own) if at == own && response.status == 200 => {
                if let Some(mut body) = response.body.json().cloned() {
                    if let Some(object) = inner_mut(&mut body) {
                        alter(object);
                    }
                    response.body = body.to_string().into_bytes().into();
                }
            }
            _ => {}
        }
    }
}

/// The URL without query.
fn path(request: &Request) -> &str {
    request.url.split('?').next().unwrap_or(&request.url)
}

fn succeeded(exchange: &Exchange) -> bool {
    exchange
        .response
        .as_ref()
        .is_ok_and(|response| (200..300).contains(&response.status))
}

fn edit(response: &mut Response, falsehood: &Falsehood) {
    let field = |response: &mut Response, change: &dyn Fn(&mut Map<String, Json>)| {
        if let Some(Json::Object(mut body)) = response.body.json().cloned() {
            change(&mut body);
            response.body = Json::Object(body).to_string().into_bytes().into();
        }
    };
    match falsehood {
        Falsehood::Status(status) => response.status = *status,
        Falsehood::NoContent => response.body = Vec::new().into(),
        Falsehood::CutContent => {
            let half = response.body[..response.body.len() / 2].to_vec();
            response.body = half.into();
        }
        Falsehood::EmptyObject => response.body = b"{}".to_vec().into(),
        Falsehood::WithoutField(name) => field(response, &|body| {
            body.remove(name);
        }),
        Falsehood::NullField(name) => field(response, &|body| {
            body.insert(name.clone(), Json::Null);
        }),
        Falsehood::RetypedField(name) => field(response, &|body| {
            let other = match body.get(name) {
                Some(Json::String(_) | Json::Null) => Json::from(7),
                _ => Json::from("seven"),
            };
            body.insert(name.clone(), other);
        }),
        Falsehood::WithoutHeader(name) => response
            .headers
            .retain(|(field, _)| !field.eq_ignore_ascii_case(name)),
        Falsehood::Swapped(other) => response.clone_from(other),
        Falsehood::Late
        | Falsehood::Swallowed(_)
        | Falsehood::Twice
        | Falsehood::CarriedOut
        | Falsehood::Stale
        | Falsehood::Listed
        | Falsehood::Changed(_) => {}
    }
}

/// The answer that the request would have had: the object as it is, with what the request asks for.
fn plausible(answer: &Response, before: Option<&Response>, request: &Request) -> Response {
    let mut response = answer.clone();
    let wanted: Option<Json> = serde_json::from_slice(&request.body).ok();
    let base = before
        .and_then(|before| before.body.json())
        .or_else(|| answer.body.json());
    if !answer.body.is_empty()
        && let (Some(wanted), Some(mut body)) = (wanted, base.cloned())
    {
        if let (Some(object), Some(wanted)) = (inner_mut(&mut body), inner(&wanted)) {
            for (name, value) in wanted {
                object.insert(name.clone(), value.clone());
            }
        }
        response.body = body.to_string().into_bytes().into();
    }
    response
}

/// The object that a body is about: what stands in its only field, or itself.
fn inner(body: &Json) -> Option<&Map<String, Json>> {
    let whole = body.as_object()?;
    match whole.values().next() {
        Some(Json::Object(object)) if whole.len() == 1 => Some(object),
        _ => Some(whole),
    }
}

fn inner_mut(body: &mut Json) -> Option<&mut Map<String, Json>> {
    let whole = body.as_object_mut()?;
    if whole.len() == 1 && whole.values().next().is_some_and(Json::is_object) {
        return whole.values_mut().next()?.as_object_mut();
    }
    Some(whole)
}

fn first_list(body: &mut Json) -> Option<&mut Vec<Json>> {
    match body {
        Json::Array(items) => Some(items),
        Json::Object(fields) => fields.values_mut().find_map(Json::as_array_mut),
        _ => None,
    }
}

/// Changes an object so that whoever compares it notices: what is true is false, or, where nothing is either,
/// texts and numbers are others.
fn alter(object: &mut Map<String, Json>) {
    let mut altered = false;
    for value in object.values_mut() {
        if let Json::Bool(flag) = value {
            *flag = !*flag;
            altered = true;
        }
    }
    if altered {
        return;
    }
    for (name, value) in object {
        match value {
            Json::String(text) if name != "id" => text.push_str(" (changed)"),
            Json::Number(number) => *value = (number.as_f64().unwrap_or(0.0) + 1.0).into(),
            _ => {}
        }
    }
}
