//! Whether there is room for a run, asked before it creates anything.

use serde_json::Value as Json;

use super::Context;
use super::session::{OWNER, Session, Stop};
use crate::check::{ListView, Standing};
use crate::exchange::Phase;
use crate::plan::Estimate;
use crate::suite::model::Quota;

/// The endpoint has less room than the run may need.
#[derive(Debug, thiserror::Error)]
#[error("{}", told(.0))]
pub struct NoQuota(pub Vec<Shortage>);

/// A kind of which there may not be as many as the run may need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage {
    /// The resource.
    pub resource: String,
    /// The most there may be.
    pub most: u64,
    /// How many there are already.
    pub there: u64,
    /// How many the run may need at once.
    pub needed: u64,
}

fn told(shortages: &[Shortage]) -> String {
    let each = shortages.iter().map(|it| {
        let Shortage {
            resource,
            most,
            there,
            needed,
        } = it;
        let help = match most.saturating_sub(*there) {
            0 => "make room first".to_owned(),
            room => format!("hold back with --at-most {resource}={room}, or with fewer --jobs"),
        };
        format!(
            "the endpoint allows {most} of `{resource}` and has {there}, and the run may need {needed} at once; {help}"
        )
    });
    each.collect::<Vec<_>>().join("\n")
}

/// Asks for the quota, where the profile says how, and compares with what the run may need. What the endpoint does not
/// tell is no shortage.
pub(super) async fn check(
    ctx: &Context,
    estimate: impl FnOnce() -> Estimate,
) -> Result<(), NoQuota> {
    let Some(quota) = (ctx.target.profile.as_ref()).and_then(|profile| profile.quota.as_ref())
    else {
        return Ok(());
    };
    let mut session = Session::new(ctx, "quota", ctx.target.limits.case);
    let asked = async {
        let request = session.build(&quota.request, &ctx.scope, OWNER)?;
        let standing = Standing::ServerErrorsAllowed;
        let exchange = session.send(Phase::SetUp, request, standing).await?;
        Ok::<_, Stop>(session.answer_scope(&ctx.scope, exchange))
    };
    let Ok(answer) = asked.await else {
        return Ok(());
    };
    let estimate = estimate();
    let mut shortages = Vec::new();
    for (resource, most) in &quota.most {
        let Some(objects) = estimate.objects.get(&resource.value) else {
            continue;
        };
        let Some(most) = most
            .value(&answer)
            .ok()
            .flatten()
            .as_ref()
            .and_then(Json::as_u64)
        else {
            continue;
        };
        let own = ctx.target.pace.objects.get(&resource.value);
        let needed = own.map_or(objects.at_once, |own| objects.at_once.min(*own));
        let needed = u64::try_from(needed).unwrap_or(u64::MAX);
        let there = there(&mut session, quota, &resource.value).await;
        if needed > most.saturating_sub(there) {
            shortages.push(Shortage {
                resource: resource.value.clone(),
                most,
                there,
                needed,
            });
        }
    }
    match shortages.is_empty() {
        true => Ok(()),
        false => Err(NoQuota(shortages)),
    }
}

/// How many objects of a kind the owner has, where that can be told.
async fn there(session: &mut Session<'_>, quota: &Quota, resource: &str) -> u64 {
    let own = quota.there.iter().find(|(name, _)| name.value == resource);
    let Some((_, list)) = own else {
        return 0;
    };
    let scope = session.ctx.scope.clone();
    let Ok(request) = session.build(&list.request, &scope, OWNER) else {
        return 0;
    };
    let standing = Standing::ServerErrorsAllowed;
    let Ok(exchange) = session.send(Phase::SetUp, request, standing).await else {
        return 0;
    };
    match session.items_in(&list.items, exchange, &scope) {
        ListView::Items(items) => items
            .as_array()
            .map_or(0, |items| u64::try_from(items.len()).unwrap_or(u64::MAX)),
        ListView::None | ListView::Unclear(_) => 0,
    }
}
