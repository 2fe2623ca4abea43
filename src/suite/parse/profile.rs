//! A profile and its named answers.

use std::time::Duration;

use serde_json::Value as Json;

use super::expect::answer_expect;
use crate::suite::model::{Answer, AnswerExpect, Moves, Profile, Quota};
use crate::suite::read::{self, Fields, Found};
use crate::suite::shape;
use crate::suite::yaml::Node;

pub(super) fn profile(node: &Node<'_>, found: &mut Found) -> Option<Profile> {
    let fields = Fields::open(node, &shape::PROFILE, found)?;
    let name = fields.read("profile", found, read::text)?;
    let answers = fields.named("answers", found, |node, found| {
        // An answer that is declared wrongly has a name all the same.
        let Some(fields) = Fields::open(node, &shape::ANSWER, found) else {
            return Some(Answer {
                expect: AnswerExpect::default(),
                about: None,
            });
        };
        Some(Answer {
            expect: answer_expect(&fields, found),
            about: fields
                .read("about", found, read::text)
                .map(|text| text.value),
        })
    });
    Some(Profile {
        title: fields
            .read("title", found, read::text)
            .map_or_else(|| name.value.clone(), |text| text.value),
        span: name.span.clone(),
        name: name.value,
        emulator: fields
            .read("emulator", found, read::text)
            .map(|text| text.value),
        settle: fields
            .read("settle", found, read::duration)
            .map_or(Duration::ZERO, |settle| settle.value),
        transient: fields.names("transient", found),
        moves: fields.read("moves", found, moves),
        quota: fields.read("quota", found, quota),
        answers: answers
            .into_iter()
            .map(|(key, value)| (key.value, value))
            .collect(),
        features: fields
            .get("features")
            .map_or_else(|| Json::Object(serde_json::Map::new()), Node::to_json),
    })
}

fn moves(node: &Node<'_>, found: &mut Found) -> Option<Moves> {
    let fields = Fields::open(node, &shape::MOVES, found)?;
    let ways = |key: &str, found: &mut Found| {
        let ways = fields.named(key, found, |node, found| {
            Some(read::many(node, found, read::text))
        });
        let plain = ways.into_iter().map(|(from, to)| {
            let to = to.into_iter().map(|status| status.value);
            (from.value, to.collect())
        });
        plain.collect()
    };
    Some(Moves {
        by_itself: ways("by_itself", found),
        when_asked: ways("when_asked", found),
        field: fields.read("field", found, read::text)?.value,
    })
}

fn quota(node: &Node<'_>, found: &mut Found) -> Option<Quota> {
    let fields = Fields::open(node, &shape::QUOTA, found)?;
    Some(Quota {
        most: fields.named("most", found, read::template),
        there: fields.named("there", found, super::resource::list),
        request: fields.read("request", found, |node, found| {
            Some(read::request(node, None, found))
        })?,
    })
}
