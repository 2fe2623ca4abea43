//! The conversation of one case with the endpoint: requests built and sent, every exchange kept, waits that
//! end. Judges nothing but what always holds.

mod look;
mod request;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::Context;
use super::identity::{Filled, Identities};
use super::object::Object;
use super::tamper::Tampering;
use crate::check::{self, Mismatch, Standing};
use crate::exchange::{Exchange, Phase, Request, Response, TransportError};
use crate::source::Spanned;
use crate::suite::model::Operation;
use crate::tape::Note;
use crate::template::{EvalError, Scope};

pub(super) use look::polled;

/// The identity that sends where none is named.
pub(super) const OWNER: &str = "owner";

/// The most content, in bytes, that is kept of a case.
const KEPT: usize = 64 << 20;

/// Why a case ends before its time.
#[derive(Debug, Clone)]
pub(super) enum Stop {
    /// The run is being stopped.
    Interrupted,
    /// It could not be judged, for this reason.
    Unjudged(String),
    /// What was found so far says enough.
    Judged,
}

impl From<EvalError> for Stop {
    fn from(error: EvalError) -> Self {
        Self::Unjudged(format!("{error} ({})", error.span.location()))
    }
}

/// Waiting times that grow: 10 ms at first, half as much again each time, 2 s at the most.
pub(super) struct Backoff(Duration);

impl Backoff {
    pub(super) fn new() -> Self {
        Self(Duration::from_millis(10))
    }

    /// The next waiting time, at least as long as the answer's Retry-After asks for.
    pub(super) fn next(&mut self, response: Option<&Response>) -> Duration {
        let own = self.0;
        self.0 = (self.0 * 3 / 2).min(Duration::from_secs(2));
        let asked = response
            .and_then(|response| response.header("retry-after"))
            .and_then(|after| after.trim().parse().ok())
            .map_or(Duration::ZERO, Duration::from_secs);
        own.max(asked.min(Duration::from_secs(60)))
    }
}

/// The bytes of content of an exchange.
fn size(exchange: &Exchange) -> usize {
    let answer = exchange.response.as_ref();
    exchange.request.body.len() + answer.map_or(0, |answer| answer.body.len())
}

fn is_unauthorized(exchange: &Exchange) -> bool {
    matches!(&exchange.response, Ok(response) if response.status == 401)
}

/// One case's conversation.
pub(super) struct Session<'a> {
    pub(super) ctx: &'a Context,
    /// The names that the case's expressions know.
    pub(super) scope: Scope,
    pub(super) exchanges: Vec<Arc<Exchange>>,
    /// What always holds and did not, with the exchange.
    pub(super) violations: Vec<(Mismatch, usize)>,
    /// Until when requests may be started.
    pub(super) deadline: Instant,
    /// Whether stopping the run stops the conversation.
    pub(super) interruptible: bool,
    /// The case.
    pub(super) case_id: String,
    /// What is done to the traffic.
    pub(super) tampering: Option<Tampering>,
    /// Whether an act was turned away for now: with 429 or 503 and Retry-After, or as its token had ended.
    pub(super) turned_away: bool,
    /// What is being created: whether it came to be is not known yet.
    pub(super) coming: Vec<Object>,
    /// Whether something was sent again that may have been done before.
    pub(super) in_doubt: bool,
    watch: watch::Watch,
    /// The bytes of content of the exchanges.
    kept: usize,
    label: String,
    names: usize,
}

impl<'a> Session<'a> {
    pub(super) fn new(ctx: &'a Context, case_id: &str, time: Duration) -> Self {
        let mut scope = ctx.scope.clone();
        scope.set("case_id", &case_id.into());
        let digest = Sha256::digest(case_id.as_bytes());
        let short: String = case_id
            .rsplit('/')
            .next()
            .unwrap_or("")
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c))
            .take(60)
            .collect();
        let label = format!(
            "assize-{}-{short}-{:02x}{:02x}{:02x}",
            ctx.run_id, digest[0], digest[1], digest[2]
        );
        Self {
            ctx,
            scope,
            exchanges: Vec::new(),
            violations: Vec::new(),
            deadline: Instant::now() + time,
            interruptible: true,
            case_id: case_id.to_owned(),
            tampering: ctx.tamper.as_ref().and_then(|tamper| tamper.of(case_id)),
            turned_away: false,
            coming: Vec::new(),
            in_doubt: false,
            watch: watch::Watch::default(),
            kept: 0,
            label,
            names: 0,
        }
    }

    /// The name that comes next.
    pub(super) fn next_name(&self) -> String {
        format!("{}-{}", self.label, self.names + 1)
    }

    /// A name that no other object has: run, case and a number.
    pub(super) fn unique_name(&mut self) -> String {
        self.names += 1;
        format!("{}-{}", self.label, self.names)
    }

    /// Sends a request, keeps the exchange and holds it to what always holds. The act is sent once, whatever
    /// comes of it; anything else is sent again when its answer turns it away until later, or its token is
    /// taken no more.
    pub(super) async fn send(
        &mut self,
        phase: Phase,
        mut request: Request,
        standing: Standing,
    ) -> Result<usize, Stop> {
        let mut backoff = Backoff::new();
        loop {
            self.paced().await?;
            // What is filled in, changed on the way or read from a tape is kept as it was, to be sent again.
            let own = self.tampering.is_some() || self.ctx.track.is_playing();
            let own = (own || Identities::fills(&request)).then(|| request.clone());
            let (filled, by) = self.filled(request).await?;
            let mut exchange = self.sent(phase, filled).await?;
            if is_unauthorized(&exchange) && self.ctx.track.so(|| by.is_some()) {
                if phase == Phase::Act {
                    // Its token may have ended on the way.
                    self.turned_away = true;
                } else {
                    let mut filled = exchange.request.clone();
                    self.add(exchange);
                    self.refilled(&mut filled, by).await?;
                    exchange = self.sent(phase, filled).await?;
                }
            }
            let away = match &exchange.response {
                Ok(response) => self.ctx.pace.learn(response),
                Err(_) => None,
            };
            if away.is_none() {
                return Ok(self.keep(exchange, standing));
            }
            let wait = backoff.next(exchange.response.as_ref().ok());
            if phase == Phase::Act || self.over(wait, self.deadline) {
                self.turned_away |= phase == Phase::Act;
                return Ok(self.keep(exchange, standing));
            }
            // An answer of 503 may come from somebody in between, when all was done already.
            self.in_doubt |= matches!(&exchange.response, Ok(response) if response.status >= 500);
            request = own.unwrap_or_else(|| exchange.request.clone());
            self.pause(wait).await?;
        }
    }

    async fn sent(&mut self, phase: Phase, request: Request) -> Result<Arc<Exchange>, Stop> {
        let Context { shared, track } = self.ctx;
        if let Some(recorded) = track.exchange(phase, &request, &shared.target.secrets) {
            return recorded;
        }
        let transport = &shared.transport;
        let exchange = match &mut self.tampering {
            Some(tampering) => Box::pin(tampering.send(transport, phase, request)).await,
            None => transport.send(phase, request).await,
        };
        Ok(self.taped(exchange))
    }

    /// The exchange, on the tape. Content that the case has seen as the answer to the same request is that of the
    /// exchange before: it has been read, and judged, already.
    fn taped(&self, mut exchange: Exchange) -> Arc<Exchange> {
        if let Ok(response) = &mut exchange.response
            && !response.body.is_empty()
        {
            let before = self.asked_before(&exchange.request).next();
            let before = before.and_then(|(_, before)| before.response.as_ref().ok());
            if let Some(before) = before.filter(|before| before.body == response.body) {
                response.body = before.body.clone();
            }
        }
        let exchange = Arc::new(exchange);
        self.ctx.track.keep(&exchange);
        exchange
    }

    /// Whether a time is over before so long a wait is.
    pub(super) fn over(&self, wait: Duration, until: Instant) -> bool {
        self.ctx.track.so(|| Instant::now() + wait >= until)
    }

    /// Waits until one more request may go out.
    async fn paced(&self) -> Result<(), Stop> {
        self.may_go_on()?;
        if self.ctx.track.is_playing() {
            return Ok(());
        }
        let wait = self
            .ctx
            .pace
            .slot()
            .saturating_duration_since(Instant::now());
        if wait.is_zero() {
            return Ok(());
        }
        self.pause(wait).await?;
        self.may_go_on()
    }

    /// The request with the proof of who sends it.
    async fn filled(&self, mut request: Request) -> Result<(Request, Option<Filled>), Stop> {
        if self.ctx.track.is_playing() {
            // Who sent it can be seen by the names of secrets in what was recorded.
            return self.ctx.track.stop().map_or(Ok((request, None)), Err);
        }
        let identities = &self.ctx.identities;
        let filled = identities.fill(&mut request, &self.ctx.transport).await;
        filled
            .map(|by| (request, by))
            .map_err(|why| self.ctx.track.stopped(Stop::Unjudged(why)))
    }

    /// Fills a request in anew whose token was taken no more.
    async fn refilled(&self, request: &mut Request, by: Option<Filled>) -> Result<(), Stop> {
        let Some(by) = by else {
            return self.ctx.track.stop().map_or(Ok(()), Err);
        };
        let filled = self.ctx.identities.refill(request, by, &self.ctx.transport);
        (filled.await).map_err(|why| self.ctx.track.stopped(Stop::Unjudged(why)))
    }

    fn may_go_on(&self) -> Result<(), Stop> {
        if self.ctx.track.is_playing() {
            return self.ctx.track.stop().map_or(Ok(()), Err);
        }
        if self.interruptible && self.kept > KEPT {
            return Err(Stop::Unjudged(format!(
                "requests and answers of the case have more than {KEPT} bytes together; make several cases of it"
            )));
        }
        if self.interruptible && self.ctx.cancel.is_cancelled() {
            return Err(self.ctx.track.stopped(Stop::Interrupted));
        }
        if Instant::now() >= self.deadline {
            let why = "the time of the case is over".to_owned();
            return Err(self.ctx.track.stopped(Stop::Unjudged(why)));
        }
        Ok(())
    }

    /// Waits, unless the run is stopped or the deadline comes first.
    pub(super) async fn pause(&self, time: Duration) -> Result<(), Stop> {
        self.may_go_on()?;
        if self.ctx.track.is_playing() {
            return self.ctx.track.stop().map_or(Ok(()), Err);
        }
        let until = (Instant::now() + time).min(self.deadline);
        if self.interruptible {
            tokio::select! {
                () = self.ctx.cancel.cancelled() => {
                    return Err(self.ctx.track.stopped(Stop::Interrupted));
                }
                () = tokio::time::sleep_until(until) => {}
            }
        } else {
            tokio::time::sleep_until(until).await;
        }
        Ok(())
    }

    /// Sends requests at the same time and keeps the exchanges in the order of the requests. The place of the
    /// first is returned, and when each was sent and answered, in nanoseconds since the first.
    ///
    /// So that none waits for a connection, as many reads of an object are sent at once before.
    pub(super) async fn send_together(
        &mut self,
        phase: Phase,
        requests: &[Request],
        objects: &[Object],
    ) -> Result<(usize, Vec<(u64, u64)>), Stop> {
        self.may_go_on()?;
        let there = (0..objects.len()).find(|at| !objects[*at].gone);
        if let Some(at) = there {
            let scope = self.object_scope(objects, at);
            let read = self.build(
                &objects[at].resource.read.request,
                &scope,
                &objects[at].identity,
            )?;
            let (read, _) = self.filled(read).await?;
            if !self.ctx.track.is_playing() {
                let warm = requests
                    .iter()
                    .map(|_| self.ctx.transport.send(phase, read.clone()));
                join_all(warm).await;
            }
        }
        let (requests, by): (Vec<_>, Vec<_>) = {
            let mut filled = Vec::new();
            for request in requests {
                filled.push(self.filled(request.clone()).await?);
            }
            filled.into_iter().unzip()
        };
        self.paced().await?;
        if self.ctx.track.is_playing() {
            let first = self.exchanges.len();
            for request in requests {
                let exchange = self.sent(phase, request).await?;
                if let Ok(response) = &exchange.response {
                    self.turned_away |= self.ctx.pace.learn(response).is_some();
                }
                self.keep(exchange, Standing::Full);
            }
            self.turned_away |= self.exchanges[first..].iter().any(|it| is_unauthorized(it))
                && self.ctx.track.so(|| false);
            return Ok((first, self.ctx.track.times()?));
        }
        let clock = std::time::Instant::now();
        let now = move || u64::try_from(clock.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let sent = requests.iter().map(async |request| {
            let sent = now();
            let exchange = self.ctx.transport.send(phase, request.clone()).await;
            ((sent, now()), exchange)
        });
        let (times, exchanges): (Vec<_>, Vec<_>) = join_all(sent).await.into_iter().unzip();
        let first = self.exchanges.len();
        // Which of them came first cannot be told.
        for exchange in exchanges {
            let exchange = self.taped(exchange);
            if let Ok(response) = &exchange.response {
                self.turned_away |= self.ctx.pace.learn(response).is_some();
            }
            self.watch.lose_sight();
            self.keep(exchange, Standing::Full);
        }
        self.watch.lose_sight();
        let refused = self.exchanges[first..]
            .iter()
            .position(|it| is_unauthorized(it));
        self.turned_away |= refused.is_some_and(|at| self.ctx.track.so(|| by[at].is_some()));
        self.ctx.track.note(|| Note::Together(times.clone()));
        Ok((first, times))
    }

    /// Keeps an exchange and holds it to what always holds.
    fn keep(&mut self, exchange: Arc<Exchange>, standing: Standing) -> usize {
        let at = self.exchanges.len();
        #[cfg(test)]
        super::failure::tests::strike(&exchange);
        if let Ok(response) = &exchange.response
            && !self.stood(&exchange.request, response)
        {
            let found = check::standing(
                &exchange.request,
                response,
                self.ctx.suite.openapi.as_deref(),
                standing,
            );
            self.violations
                .extend(found.into_iter().map(|mismatch| (mismatch, at)));
        }
        if let Some(moves) = self.moves() {
            let found = self.watch.see(moves, &exchange);
            self.violations
                .extend(found.into_iter().map(|mismatch| (mismatch, at)));
        }
        self.add(exchange);
        at
    }

    fn add(&mut self, exchange: Arc<Exchange>) {
        self.kept += size(&exchange);
        self.exchanges.push(exchange);
    }

    /// Whether the same request was given the same answer, with which nothing was wrong.
    fn stood(&self, request: &Request, response: &Response) -> bool {
        self.asked_before(request).any(|(at, before)| {
            let same = |answer: &Response| {
                answer.body.is(&response.body) && check::stands_alike(answer, response)
            };
            before.response.as_ref().is_ok_and(same)
                && before.request == *request
                && self.violations.iter().all(|(_, of)| *of != at)
        })
    }

    /// The exchanges in which the same was asked for, the last one first, with their places.
    fn asked_before(&self, request: &Request) -> impl Iterator<Item = (usize, &Exchange)> {
        let exchanges = self.exchanges.iter().map(|exchange| &**exchange);
        exchanges.enumerate().rev().filter(|(_, before)| {
            before.request.url == request.url && before.request.method == request.method
        })
    }

    /// Forgets the last exchange of a poll that goes on, so that evidence does not depend on timing; unless it
    /// showed what no later one will.
    pub(super) fn forget(&mut self, exchange: usize, violations: usize) {
        let moved = |(mismatch, _): &(Mismatch, usize)| mismatch.check == "moves";
        if self.violations[violations..].iter().any(moved) {
            return;
        }
        let forgotten = self.exchanges.drain(exchange..);
        self.kept -= forgotten.map(|it| size(&it)).sum::<usize>();
        self.violations.truncate(violations);
    }

    /// Whether a step of the case has taken something away: a DELETE or PUT of its own that was accepted.
    pub(super) fn has_deleted(&self) -> bool {
        self.exchanges.iter().any(|exchange| {
            exchange.phase == Phase::Act
                && matches!(exchange.request.method.as_str(), "DELETE" | "PUT")
                && matches!(&exchange.response, Ok(response) if (200..300).contains(&response.status))
        })
    }

    /// The answer of an exchange.
    pub(super) fn answer(&self, at: usize) -> Result<&Response, &TransportError> {
        self.exchanges[at].response.as_ref()
    }

    /// Whether an answer counts as success of an operation.
    pub(super) fn succeeded(&self, names: &[Spanned<String>], at: usize, scope: &Scope) -> bool {
        self.answer(at).is_ok_and(|response| {
            check::satisfies(
                names,
                response,
                scope,
                self.ctx.target.profile.as_deref(),
                self.ctx.suite.openapi.as_deref(),
            )
        })
    }

    /// Whether an answer is one that the profile names as transient.
    pub(super) fn is_transient(&self, at: usize, scope: &Scope) -> bool {
        let (Ok(response), Some(profile)) = (self.answer(at), self.ctx.target.profile.as_deref())
        else {
            return false;
        };
        !profile.transient.is_empty()
            && check::satisfies(
                &profile.transient,
                response,
                scope,
                Some(profile),
                self.ctx.suite.openapi.as_deref(),
            )
    }

    /// Carries out an operation of set-up or clean-up. The answers that the profile names as transient are
    /// tried again until the deadline; whatever else comes back is for the caller to judge.
    pub(super) async fn perform(
        &mut self,
        phase: Phase,
        operation: &Operation,
        scope: &Scope,
        identity: &str,
    ) -> Result<usize, Stop> {
        let mut backoff = Backoff::new();
        loop {
            let request = self.build(&operation.request, scope, identity)?;
            let at = self
                .send(phase, request, Standing::ServerErrorsAllowed)
                .await?;
            let Ok(response) = self.answer(at) else {
                return Ok(at);
            };
            if !self.is_transient(at, scope) {
                return Ok(at);
            }
            let wait = backoff.next(Some(response));
            if self.over(wait, self.deadline) {
                return Ok(at);
            }
            self.pause(wait).await?;
        }
    }

    /// The URL of a request without the endpoint.
    pub(super) fn path<'r>(&self, request: &'r Request) -> &'r str {
        let endpoint = &self.ctx.target.endpoint;
        request.url.strip_prefix(endpoint).unwrap_or(&request.url)
    }

    /// An exchange in words, for a reason.
    pub(super) fn describe(&self, at: usize) -> String {
        let exchange = &self.exchanges[at];
        let request = format!(
            "{} {}",
            exchange.request.method,
            self.path(&exchange.request)
        );
        match &exchange.response {
            Ok(response) if response.body.is_empty() => format!(
                "{request} was answered with {} without content",
                response.status
            ),
            Ok(response) => format!(
                "{request} was answered with {} {}",
                response.status,
                check::bounded(&response.body.text())
            ),
            Err(error) => format!("{request}: {error}"),
        }
    }
}
