//! The objects before and after the act.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value as Json;
use tokio::time::Instant;

use super::{CaseRun, Reads};
use crate::check::{self, Afterwards, ListView, Mismatch};
use crate::exchange::Phase;
use crate::runner::object::Object;
use crate::runner::session::{Backoff, Stop, polled};
use crate::source::Spanned;
use crate::suite::model::{Expect, Unchanged};
use crate::template::Scope;

/// What is not as expected: the exchange that shows it, and the place of an object that is not as it was.
type Trace = (Mismatch, Option<usize>, Option<usize>);

/// The names of the objects that the expectations speak of; `None` for all.
fn watched<'e>(judged: &[&'e Expect], objects: &[Object]) -> Option<BTreeSet<&'e str>> {
    let mut names = BTreeSet::new();
    for expect in judged {
        // Whether anything refers to what is gone shows in all the others.
        let is_there = |alias: &Spanned<String>| objects.iter().any(|it| it.alias == alias.value);
        if expect.gone.iter().any(is_there) || expect.contract {
            return None;
        }
        match expect.unchanged.as_ref().map(|unchanged| &unchanged.value) {
            Some(Unchanged::All | Unchanged::Others) => return None,
            Some(Unchanged::These(these)) => {
                names.extend(these.iter().map(|alias| alias.value.as_str()));
            }
            None => {}
        }
        for name in expect.exprs().flat_map(|expr| expr.names()) {
            match name.split('.').collect::<Vec<_>>().as_slice() {
                ["before" | "after", alias, ..] => names.extend([*alias]),
                ["before" | "after"] => return None,
                _ => {}
            }
        }
    }
    Some(names)
}

impl CaseRun<'_> {
    /// Reads every object that an aftermath will be compared with.
    pub(super) async fn snapshot(&mut self, judged: &[&Expect]) -> Result<Reads, Stop> {
        if !judged.iter().any(|expect| expect.has_aftermath()) {
            return Ok(Vec::new());
        }
        let watched = watched(judged, &self.objects);
        let mut reads = Vec::new();
        for place in 0..self.objects.len() {
            let object = &self.objects[place];
            let looked_at = watched
                .as_ref()
                .is_none_or(|watched| watched.contains(object.alias.as_str()));
            if object.gone || !looked_at {
                continue;
            }
            let (read, exchange) = self
                .session
                .read(Phase::Before, &self.objects, place)
                .await?;
            match &read {
                Afterwards::Object(value) => self.objects[place].value = value.clone(),
                // What an earlier step took away, by itself or with something else, is no more.
                Afterwards::Absent if self.session.has_deleted() => {
                    self.objects[place].gone = true;
                    continue;
                }
                Afterwards::Absent | Afterwards::Unclear(_) => {
                    self.objects[place].spoilt = true;
                    return Err(Stop::Unjudged(format!(
                        "{} cannot be read before the act: {}",
                        self.objects[place].shown(),
                        self.session.describe(exchange)
                    )));
                }
            }
            reads.push((place, read, exchange));
        }
        Ok(reads)
    }

    /// Reads what the act left behind until it is as expected or its time is over; records what is not.
    pub(super) async fn aftermath(
        &mut self,
        judged: &[&Expect],
        exchange: usize,
        scope: &Scope,
        before: &Reads,
    ) -> Result<Reads, Stop> {
        let settle = self
            .ctx
            .target
            .profile
            .as_ref()
            .map_or(Duration::ZERO, |profile| profile.settle);
        let patience = judged
            .iter()
            .filter_map(|expect| expect.eventually.as_ref())
            .map(|eventually| eventually.value)
            .max()
            .unwrap_or(settle);
        let patience = self.grace.map_or(patience, |grace| grace.min(patience));
        let until = Instant::now() + patience;
        let mut unsettled = None;
        if !patience.is_zero() {
            let mut seen = BTreeSet::new();
            for place in 0..self.objects.len() {
                if polled(&self.objects, place).is_some_and(|shows| seen.insert(shows)) {
                    let left = until.saturating_duration_since(Instant::now());
                    if let Some(why) = self
                        .session
                        .settle(Phase::Aftermath, &mut self.objects, place, left)
                        .await?
                    {
                        unsettled.get_or_insert(why);
                    }
                }
            }
        }
        let mut backoff = Backoff::new();
        loop {
            let (exchanges, violations) =
                (self.session.exchanges.len(), self.session.violations.len());
            let after = self.look(judged, before).await?;
            let lists = self.lists(judged).await?;
            let known = self.judging_scope(scope.clone(), before, &after);
            let mut found = Vec::new();
            for expect in judged {
                found.extend(
                    self.left_behind(expect, judged, before, &after, &lists)
                        .into_iter()
                        .map(|trace| (*expect, trace)),
                );
                found.extend(
                    self.checks(expect, &known)
                        .into_iter()
                        .map(|mismatch| (*expect, (mismatch, Some(exchange), None))),
                );
            }
            let wait = backoff.next(None);
            if found.is_empty() && unsettled.is_none() || self.session.over(wait, until) {
                if let (Some(why), Some(expect)) = (unsettled, judged.first()) {
                    let mismatch = Mismatch {
                        check: "settled",
                        expected: format!("a settled state within {patience:?}"),
                        actual: why,
                        location: None,
                    };
                    self.found(expect, mismatch, None);
                }
                let looks = after.iter().map(|(_, _, at)| Some(*at));
                let unread = looks
                    .chain(lists.iter().map(|(_, _, at)| *at))
                    .flatten()
                    .find(|at| self.session.answer(*at).is_err());
                for (expect, (mismatch, at, spoilt)) in found {
                    // What was not answered shows nothing, and what rests on it may be so or not.
                    let rests_on_it = unread.is_some()
                        && at.is_none_or(|at| at == exchange || self.session.answer(at).is_err());
                    if !rests_on_it {
                        self.found(expect, mismatch, at);
                    }
                    if let Some(place) = spoilt {
                        self.objects[place].spoilt = true;
                    }
                }
                for (place, read, _) in &after {
                    self.objects[*place].spoilt |= !matches!(read, Afterwards::Object(_));
                }
                if let Some(at) = unread {
                    return Err(Stop::Unjudged(format!(
                        "what the act left behind cannot be read: {}",
                        self.session.describe(at)
                    )));
                }
                return Ok(after);
            }
            unsettled = None;
            self.session.forget(exchanges, violations);
            self.session.pause(wait).await?;
        }
    }

    /// Reads what was there before; then what is to be gone and was so already, for it may have come back, and
    /// whatever else an expression speaks of, such as what the step has created.
    async fn look(&mut self, judged: &[&Expect], before: &Reads) -> Result<Reads, Stop> {
        let mut places: Vec<usize> = before.iter().map(|(place, _, _)| *place).collect();
        let gone = judged.iter().flat_map(|expect| &expect.gone);
        let gone: BTreeSet<&str> = gone.map(|alias| alias.value.as_str()).collect();
        let exprs = judged.iter().flat_map(|expect| expect.exprs());
        let shown: BTreeSet<&str> = exprs
            .flat_map(|expr| expr.names())
            .filter_map(|name| name.strip_prefix("after.")?.split('.').next())
            .collect();
        for (place, object) in self.objects.iter().enumerate() {
            let alias = object.alias.as_str();
            let asked = shown.contains(alias) || object.gone && gone.contains(alias);
            if asked && !places.contains(&place) {
                places.push(place);
            }
        }
        let mut reads = Vec::new();
        for place in places {
            let (read, exchange) = self
                .session
                .read(Phase::Aftermath, &self.objects, place)
                .await?;
            reads.push((place, read, exchange));
        }
        Ok(reads)
    }

    async fn lists(
        &mut self,
        judged: &[&Expect],
    ) -> Result<Vec<(usize, ListView, Option<usize>)>, Stop> {
        let mut lists = Vec::new();
        for place in 0..self.objects.len() {
            if judged.iter().any(|expect| {
                expect
                    .gone
                    .iter()
                    .any(|alias| alias.value == self.objects[place].alias)
            }) {
                let (list, exchange) = self
                    .session
                    .list(Phase::Aftermath, &self.objects, place)
                    .await?;
                lists.push((place, list, exchange));
            }
        }
        Ok(lists)
    }

    /// What an expectation says of the objects and what is not so.
    fn left_behind(
        &self,
        expect: &Expect,
        judged: &[&Expect],
        before: &Reads,
        after: &Reads,
        lists: &[(usize, ListView, Option<usize>)],
    ) -> Vec<Trace> {
        let is_gone = |object: &Object| {
            judged
                .iter()
                .any(|expect| expect.gone.iter().any(|alias| alias.value == object.alias))
        };
        let mut found = Vec::new();
        let went = self.objects.iter().filter(|object| is_gone(object));
        let ids: Vec<Json> = went.filter_map(|object| object.id().cloned()).collect();
        let others: Vec<(String, &Json)> = after
            .iter()
            .filter(|(place, _, _)| !is_gone(&self.objects[*place]))
            .filter_map(|(place, read, _)| match read {
                Afterwards::Object(value) => Some((self.objects[*place].shown(), &**value)),
                Afterwards::Absent | Afterwards::Unclear(_) => None,
            })
            .collect();
        for alias in &expect.gone {
            let at = alias.span.location();
            for (place, read, exchange) in after
                .iter()
                .filter(|(place, _, _)| self.objects[*place].alias == alias.value)
            {
                let object = &self.objects[*place];
                let (list, listed) = lists
                    .iter()
                    .find(|(of, _, _)| of == place)
                    .map_or((&ListView::None, None), |(_, list, at)| (list, *at));
                for mismatch in check::gone(&object.shown(), object.id(), read, list, &others, &at)
                {
                    let shows = if mismatch.expected.contains("listed") {
                        listed
                    } else {
                        Some(*exchange)
                    };
                    found.push((mismatch, shows, None));
                }
            }
        }
        let Some(unchanged) = &expect.unchanged else {
            return found;
        };
        let at = unchanged.span.location();
        for ((place, was, _), (_, read, exchange)) in before.iter().zip(after) {
            let object = &self.objects[*place];
            let compared = match &unchanged.value {
                Unchanged::All => true,
                Unchanged::Others => !is_gone(object),
                Unchanged::These(these) => these.iter().any(|alias| alias.value == object.alias),
            };
            if let (true, Afterwards::Object(was)) = (compared, was) {
                let mismatch = check::unchanged(
                    &object.shown(),
                    was,
                    read,
                    &object.resource.volatile,
                    &ids,
                    &at,
                );
                found.extend(mismatch.map(|mismatch| (mismatch, Some(*exchange), Some(*place))));
            }
        }
        found
    }
}
