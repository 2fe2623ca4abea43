//! Objects looked up by their name, or by what they belong to: after an answer that was lost or doubtful, and
//! by a sweep.

use serde_json::Value as Json;

use super::object::{Blueprint, Object, Planned, Search};
use super::session::{Session, Stop};
use crate::check::{Afterwards, ListView, Standing};
use crate::exchange::Phase;
use crate::outcome::Leak;
use crate::template::{Scope, Template};

impl Session<'_> {
    /// Notes the object of that name if there is one, whatever its creation was answered with.
    pub(super) async fn search(
        &mut self,
        blueprint: &Blueprint<'_>,
        plan: Planned,
        scope: &Scope,
        objects: &mut Vec<Object>,
    ) -> Search {
        let found = self.look_up(blueprint, &plan.name, scope, objects).await;
        // What was there before did not come of this.
        let new = |value: &Json| {
            let id = value.get("id");
            !objects
                .iter()
                .any(|known| id.is_some() && known.value.get("id") == id)
        };
        match found.map(|found| found.into_iter().find(new)) {
            Err(_) => Search::Unclear,
            Ok(None) => Search::None,
            Ok(Some(value)) => Search::Found(self.note(blueprint, plan, value.into(), objects)),
        }
    }

    /// Looks up all objects of a unique name, or says why that cannot be done.
    pub(super) async fn look_up(
        &mut self,
        blueprint: &Blueprint<'_>,
        name: &str,
        scope: &Scope,
        objects: &[Object],
    ) -> Result<Vec<Json>, String> {
        let (resource, identity) = (blueprint.resource, blueprint.identity);
        if let Some(found) = &resource.found {
            let found = self.found_by_needs(blueprint, found, scope, objects).await;
            return match found {
                Ok(Ok(value)) => Ok(value.into_iter().collect()),
                Ok(Err(why)) | Err(Stop::Unjudged(why)) => Err(why),
                Err(Stop::Interrupted | Stop::Judged) => Err("it was interrupted".to_owned()),
            };
        }
        let Some(list) = resource.list.as_ref() else {
            return Err(format!("{} has no list to look it up in", resource.name));
        };
        let words = |stop: Stop| match stop {
            Stop::Interrupted | Stop::Judged => "it was interrupted".to_owned(),
            Stop::Unjudged(why) => why,
        };
        let request = self.build(&list.request, scope, identity).map_err(words)?;
        let exchange = self
            .send(Phase::CleanUp, request, Standing::ServerErrorsAllowed)
            .await
            .map_err(words)?;
        match self.items_in(&list.items, exchange, scope) {
            ListView::Items(items) => Ok((items.as_array().into_iter().flatten())
                .filter(|item| item.get("name").and_then(Json::as_str) == Some(name))
                .cloned()
                .collect()),
            ListView::None => Ok(Vec::new()),
            ListView::Unclear(why) => Err(why),
        }
    }

    /// Looks up an object without a name, whose id is shown by what it needs.
    async fn found_by_needs(
        &mut self,
        blueprint: &Blueprint<'_>,
        found: &Template,
        scope: &Scope,
        objects: &[Object],
    ) -> Result<Result<Option<Json>, String>, Stop> {
        let resource = blueprint.resource;
        let mut scope = scope.clone();
        for (need, at) in &blueprint.needs {
            match self.read(Phase::CleanUp, objects, *at).await?.0 {
                Afterwards::Object(value) => scope.share(need.as_str(), &value),
                Afterwards::Absent => return Ok(Ok(None)),
                Afterwards::Unclear(why) => return Ok(Err(why)),
            }
        }
        let id = match found.value(&scope)? {
            None | Some(Json::Null) => return Ok(Ok(None)),
            Some(id) => id,
        };
        scope.set(resource.name.as_str(), &serde_json::json!({ "id": id }));
        let request = self.build(&resource.read.request, &scope, blueprint.identity)?;
        let standing = Standing::ServerErrorsAllowed;
        let exchange = self.send(Phase::CleanUp, request, standing).await?;
        Ok(match self.object_in(&resource.object, exchange, &scope) {
            Afterwards::Object(value) => Ok(Some(Json::clone(&value))),
            Afterwards::Absent => Ok(None),
            Afterwards::Unclear(why) => Err(why),
        })
    }

    /// Adds the objects that came of a creation besides the one that it was answered with in the end.
    pub(super) async fn find_twins(&mut self, objects: &mut Vec<Object>) {
        let in_doubt = |it: &&Object| it.in_doubt && it.lease.is_none();
        let doubted: Vec<Object> = objects.iter().filter(in_doubt).cloned().collect();
        for object in doubted {
            for value in self.look_for(&object, objects).await.unwrap_or_default() {
                if value.get("id") != object.id() {
                    objects.push(Object {
                        value: value.into(),
                        entry: None,
                        in_doubt: false,
                        gone: false,
                        ..object.clone()
                    });
                }
            }
        }
    }

    /// Notes what has come to be of that which was being created when the case came to a halt. What cannot be
    /// looked up is returned.
    pub(super) async fn find_coming(&mut self, objects: &mut Vec<Object>) -> Vec<Leak> {
        let mut doubtful = Vec::new();
        for object in self.coming.clone() {
            match self.look_for(&object, objects).await {
                Ok(found) if found.is_empty() => self.never_was(object.entry),
                Ok(found) => {
                    for value in found {
                        objects.push(Object {
                            value: value.into(),
                            ..object.clone()
                        });
                    }
                }
                Err(why) => {
                    let why = format!("whether it was created is not known: {why}");
                    doubtful.push(object.leak(why));
                }
            }
            self.coming.retain(|coming| coming.name != object.name);
        }
        doubtful
    }

    /// Looks up all objects that bear the name of one.
    async fn look_for(&mut self, object: &Object, objects: &[Object]) -> Result<Vec<Json>, String> {
        let mut scope = self.scope.clone();
        scope.extend(&object.params);
        for (need, at) in &object.needs {
            scope.share(need.as_str(), &objects[*at].value);
        }
        let blueprint = Blueprint {
            alias: &object.alias,
            index: object.index,
            resource: &object.resource,
            identity: &object.identity,
            params: &[],
            needs: object.needs.clone(),
        };
        self.look_up(&blueprint, &object.name, &scope, objects)
            .await
    }
}
