//! The statuses that a case has seen, each held to the one before.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::Session;
use crate::check::{self, Mismatch};
use crate::exchange::Exchange;
use crate::suite::model::Moves;

/// What was last seen of each object, by its id.
#[derive(Debug, Default)]
pub(super) struct Watch {
    seen: BTreeMap<String, Seen>,
    /// How many requests were sent that may change something.
    writes: usize,
    /// Objects that other cases change at the same time.
    others: Vec<String>,
}

#[derive(Debug)]
struct Seen {
    status: String,
    /// How many such requests had been sent when it was first seen with it.
    since: usize,
}

impl Watch {
    /// Takes in an exchange. What stands in lists is left alone: it belongs to anybody.
    pub(super) fn see(&mut self, moves: &Moves, exchange: &Exchange) -> Vec<Mismatch> {
        let request = &exchange.request;
        self.writes += usize::from(!matches!(request.method.as_str(), "GET" | "HEAD"));
        let Ok(response) = &exchange.response else {
            return Vec::new();
        };
        let Some(Json::Object(fields)) = response
            .body
            .json()
            .filter(|_| (200..300).contains(&response.status))
        else {
            return Vec::new();
        };
        let bare = std::iter::once(("the object", fields));
        let named = fields.iter().filter_map(|(name, value)| {
            let fields = value.as_object()?;
            Some((name.as_str(), fields))
        });
        let mut found = Vec::new();
        for (kind, fields) in bare.chain(named) {
            let text = |key: &str| fields.get(key).and_then(Json::as_str);
            if let (Some(id), Some(status)) = (text("id"), text(&moves.field)) {
                found.extend(self.seen(moves, kind, id, status));
            }
        }
        found
    }

    fn seen(&mut self, moves: &Moves, kind: &str, id: &str, status: &str) -> Option<Mismatch> {
        if self.others.iter().any(|other| other == id) {
            return None;
        }
        let since = self.writes;
        let now = Seen {
            status: status.to_owned(),
            since,
        };
        let Some(before) = self.seen.get_mut(id) else {
            self.seen.insert(id.to_owned(), now);
            return None;
        };
        if before.status == status {
            return None;
        }
        let before = std::mem::replace(before, now);
        let asked = since > before.since;
        let of = format!("{} {}", check::bounded(kind), check::bounded(id));
        check::moved(moves, &of, &before.status, status, asked)
    }

    /// Forgets what was seen, as the order of what comes next is not known.
    pub(super) fn lose_sight(&mut self) {
        self.seen.clear();
    }
}

impl<'a> Session<'a> {
    pub(super) fn moves(&self) -> Option<&'a Moves> {
        self.ctx.target.profile.as_deref()?.moves.as_ref()
    }

    /// Looks no longer at the status of an object that others change, too.
    pub(in crate::runner) fn look_away(&mut self, object: &Json) {
        let id = object.get("id").and_then(Json::as_str);
        self.watch.others.extend(id.map(str::to_owned));
    }
}
