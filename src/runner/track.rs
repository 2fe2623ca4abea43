//! The tape of a case: written while the case meets an endpoint, read back when it is judged again.
//!
//! Whatever depends on anything but the suite, the target and the answers goes through here.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value as Json;

use super::object::Object;
use super::session::Stop;
use crate::exchange::{Exchange, Phase, Request};
use crate::secret::Secrets;
use crate::tape::{Entry, Lent, Note, sha256};
use crate::template::Scope;

/// What is done with what a case meets.
pub(super) enum Track {
    /// Nothing.
    Off,
    /// It is written down.
    Recording(Mutex<Recording>),
    /// It comes from a tape.
    Playing(Mutex<Playing>),
}

#[derive(Default)]
pub(super) struct Recording {
    entries: Vec<Entry>,
    /// Whether it is wanted although the case passed.
    wanted: bool,
}

pub(super) struct Playing {
    entries: VecDeque<Entry>,
    /// Why the tape is of no use any more.
    lost: Option<String>,
}

/// What comes of asking for a shared object.
pub(super) enum Loan {
    Lent(Lent),
    Made(String, usize),
    Refused(Stop),
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Track {
    pub(super) fn recording() -> Self {
        Self::Recording(Mutex::default())
    }

    /// Reads a tape, or says all along why there is none.
    pub(super) fn playing(tape: Result<Vec<Entry>, String>) -> Self {
        let (entries, lost) = match tape {
            Ok(entries) => (entries, None),
            Err(why) => (Vec::new(), Some(why)),
        };
        Self::Playing(Mutex::new(Playing {
            entries: entries.into(),
            lost,
        }))
    }

    pub(super) fn is_playing(&self) -> bool {
        matches!(self, Self::Playing(_))
    }

    /// Keeps the tape whatever the case comes to.
    pub(super) fn want(&self) {
        if let Self::Recording(recording) = self {
            lock(recording).wanted = true;
        }
    }

    pub(super) fn note(&self, note: impl FnOnce() -> Note) {
        if let Self::Recording(recording) = self {
            lock(recording).entries.push(Entry::Note(note()));
        }
    }

    pub(super) fn keep(&self, exchange: &Arc<Exchange>) {
        if let Self::Recording(recording) = self {
            let entry = Entry::Exchange(Arc::clone(exchange));
            lock(recording).entries.push(entry);
        }
    }

    /// Answers a question of which the answer depends on the moment. A tape that is lost says yes: it is over.
    pub(super) fn so(&self, now: impl FnOnce() -> bool) -> bool {
        match self {
            Self::Off => now(),
            Self::Recording(_) => {
                let so = now();
                self.note(|| Note::So(so));
                so
            }
            Self::Playing(playing) => {
                let mut playing = lock(playing);
                match playing.next() {
                    Some(Entry::Note(Note::So(so))) => so,
                    other => {
                        playing.lose("whether a time is over", other.as_ref());
                        true
                    }
                }
            }
        }
    }

    /// Notes why the case does not go on.
    pub(super) fn stopped(&self, stop: Stop) -> Stop {
        self.note(|| {
            Note::Stopped(match &stop {
                Stop::Interrupted | Stop::Judged => None,
                Stop::Unjudged(why) => Some(why.clone()),
            })
        });
        stop
    }

    /// Why the case did not go on from here when it was recorded, if it did not.
    pub(super) fn stop(&self) -> Option<Stop> {
        let Self::Playing(playing) = self else {
            return None;
        };
        let mut playing = lock(playing);
        if let Some(why) = &playing.lost {
            return Some(Stop::Unjudged(why.clone()));
        }
        match playing.entries.front() {
            Some(Entry::Note(Note::Stopped(_))) => match playing.entries.pop_front() {
                Some(Entry::Note(Note::Stopped(why))) => Some(stop_of(why)),
                _ => None,
            },
            _ => None,
        }
    }

    /// When the case began.
    pub(super) fn began(&self) -> Timestamp {
        let Self::Playing(playing) = self else {
            let now = Timestamp::now();
            self.note(|| Note::Began(now));
            return now;
        };
        let mut playing = lock(playing);
        match playing.next() {
            Some(Entry::Note(Note::Began(at))) => at,
            other => {
                playing.lose("when the case began", other.as_ref());
                Timestamp::UNIX_EPOCH
            }
        }
    }

    /// How long it took.
    pub(super) fn ended(&self, after: Duration) -> Duration {
        let Self::Playing(playing) = self else {
            self.note(|| Note::ended(after));
            return after;
        };
        let mut playing = lock(playing);
        match playing.next() {
            Some(Entry::Note(Note::Ended(after))) => Duration::from_nanos(after),
            other => {
                playing.lose("the end of the case", other.as_ref());
                Duration::ZERO
            }
        }
    }

    /// The recorded exchange of a request, which must be the same.
    pub(super) fn exchange(
        &self,
        phase: Phase,
        request: &Request,
        secrets: &Secrets,
    ) -> Option<Result<Arc<Exchange>, Stop>> {
        let Self::Playing(playing) = self else {
            return None;
        };
        let mut playing = lock(playing);
        if let Some(why) = &playing.lost {
            return Some(Err(Stop::Unjudged(why.clone())));
        }
        let found = playing.next();
        let words = format!("{} {}", request.method, secrets.redact(&request.url));
        Some(match found {
            Some(Entry::Beginning(mut exchange, digest)) if exchange.phase == phase => {
                let body = secrets.redact_bytes(&request.body);
                if sha256(&body) == digest {
                    exchange.request.body = body;
                    Ok(exchange.into())
                } else {
                    Err(playing.lose_as(&format!("the content of {words} was another")))
                }
            }
            Some(Entry::Exchange(exchange)) if exchange.phase == phase => {
                match difference(request, &exchange.request, secrets) {
                    None => Ok(exchange),
                    Some(why) => {
                        Err(playing.lose_as(&format!("{words} is sent otherwise now: {why}")))
                    }
                }
            }
            other => Err(playing.lose(&words, other.as_ref())),
        })
    }

    /// The recorded times of what was sent together.
    pub(super) fn times(&self) -> Result<Vec<(u64, u64)>, Stop> {
        let Self::Playing(playing) = self else {
            return Ok(Vec::new());
        };
        let mut playing = lock(playing);
        match playing.next() {
            Some(Entry::Note(Note::Together(times))) => Ok(times),
            other => Err(playing.lose("times of requests sent together", other.as_ref())),
        }
    }

    /// Notes what was lent.
    pub(super) fn lent(&self, object: &Object) {
        self.note(|| {
            Note::Lent(Lent {
                name: object.name.clone(),
                value: Json::clone(&object.value),
                params: object.params.values(),
            })
        });
    }

    /// What came of asking for a shared object when it was recorded.
    pub(super) fn loan(&self) -> Loan {
        let Self::Playing(playing) = self else {
            return Loan::Refused(Stop::Interrupted);
        };
        let mut playing = lock(playing);
        match playing.next() {
            Some(Entry::Note(Note::Lent(lent))) => Loan::Lent(lent),
            Some(Entry::Note(Note::Made(label, number))) => Loan::Made(label, number),
            Some(Entry::Note(Note::Stopped(why))) => Loan::Refused(stop_of(why)),
            other => Loan::Refused(playing.lose("a shared object", other.as_ref())),
        }
    }

    /// What was written, and whether it is wanted whatever the case came to.
    pub(super) fn into_tape(self) -> Option<(Vec<Entry>, bool)> {
        match self {
            Self::Recording(recording) => {
                let recording = recording.into_inner();
                let Recording { entries, wanted } =
                    recording.unwrap_or_else(PoisonError::into_inner);
                Some((entries, wanted))
            }
            Self::Off | Self::Playing(_) => None,
        }
    }

    /// Why the case could not be judged by its tape.
    pub(super) fn trouble(&self) -> Option<String> {
        let Self::Playing(playing) = self else {
            return None;
        };
        let mut playing = lock(playing);
        if playing.lost.is_none()
            && let Some(left) = playing.next()
        {
            playing.lose("nothing more", Some(&left));
        }
        playing.lost.clone()
    }
}

impl Playing {
    fn next(&mut self) -> Option<Entry> {
        self.entries.pop_front()
    }

    /// The case asks for something else than what was recorded.
    fn lose(&mut self, wanted: &str, found: Option<&Entry>) -> Stop {
        let found = found.map_or_else(|| "no more".to_owned(), told);
        self.lose_as(&format!(
            "it asks for {wanted}, where the evidence has {found}"
        ))
    }

    fn lose_as(&mut self, why: &str) -> Stop {
        self.entries.clear();
        let why = self.lost.get_or_insert_with(|| {
            format!(
                "the evidence cannot be judged again, as the case goes another way in this version of the suite: {why}"
            )
        });
        Stop::Unjudged(why.clone())
    }
}

fn stop_of(why: Option<String>) -> Stop {
    why.map_or(Stop::Interrupted, Stop::Unjudged)
}

fn told(entry: &Entry) -> String {
    let sent = |request: &Request| format!("{} {}", request.method, request.url);
    match entry {
        Entry::Exchange(exchange) => sent(&exchange.request),
        Entry::Beginning(exchange, _) => sent(&exchange.request),
        Entry::Note(note) => match note {
            Note::Began(_) => "the beginning of the case".to_owned(),
            Note::Ended(_) => "the end of the case".to_owned(),
            Note::So(_) => "whether a time is over".to_owned(),
            Note::Stopped(_) => "that the case was stopped".to_owned(),
            Note::Together(_) => "times of requests sent together".to_owned(),
            Note::Lent(_) | Note::Made(..) => "a shared object".to_owned(),
        },
    }
}

/// What is other than recorded about a request, if anything is. Both may name secrets instead of telling them,
/// and what proves who sends is not compared.
fn difference(asked: &Request, recorded: &Request, secrets: &Secrets) -> Option<String> {
    let same = |asked: &str, recorded: &str| {
        let asked = secrets.redact(asked);
        // In base64, a name and the secret that it stands for end at different places.
        asked == recorded || (asked.contains("${") && recorded.contains("${"))
    };
    if asked.method != recorded.method || !same(&asked.url, &recorded.url) {
        return Some(format!("it was {} {}", recorded.method, recorded.url));
    }
    for (name, value) in &asked.headers {
        let there = recorded.headers.iter().any(|(other, was)| {
            other.eq_ignore_ascii_case(name) && (value.starts_with('\u{1}') || same(value, was))
        });
        if !there {
            return Some(format!("the field {name} was another"));
        }
    }
    let bodies = [&asked.body, &recorded.body].map(|body| String::from_utf8_lossy(body));
    let [asked_text, recorded_text] = &bodies;
    if secrets.redact_bytes(&asked.body) != recorded.body && !same(asked_text, recorded_text) {
        return Some("its content was another".to_owned());
    }
    None
}

/// The parameters of a lent object.
pub(super) fn params(lent: &Lent) -> Scope {
    let mut scope = Scope::new();
    let set = |(name, value): (&String, &Json)| scope.set(name.as_str(), value);
    lent.params.iter().for_each(set);
    scope
}
