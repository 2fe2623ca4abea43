//! A probe as a scenario: what is given, and what must come of it.
//!
//! Beside the object that a request is about, the subject, stands a second one with all that it needs, which
//! no request is about. What nothing may happen to is lent from a set of shared objects; what may be changed
//! or deleted is the case's own, and what it needs is lent from another set.

use std::sync::Arc;

use serde_json::json;

use super::probe::{Hits, Probe};
use super::site::{Effect, Site};
use crate::case::Case;
use crate::source::{Span, Spanned};
use crate::suite::model::{
    Action, Boundary, BoundaryRule, Expect, Given, Level, Resource, Scenario, Scope, Set,
    StatusRange, StatusSet, Step, Suite, Unchanged,
};
use crate::target::Target;
use crate::template::{Expr, JsonTemplate};

/// What the object is called that a request may create.
const PROBE: &str = "probe";

/// What the objects of a case are for: to be what requests are about, to stand by, and to be above what is
/// the case's own.
const PARTS: &[&str] = &["subject", "second", "parents"];

/// What the second object of a kind is called.
pub(super) fn second(kind: &str) -> String {
    format!("second_{kind}")
}

/// The case of a probe.
pub(super) fn case(suite: &Suite, target: &Target, site: &Site<'_>, probe: Probe) -> Case {
    let kind = &site.resource.name;
    let group = format!("generated/boundary/{kind}/{}/{}", site.name, probe.place);
    let rule = rule(suite, target, site, &probe);
    let why = format!("{} {}: {}", probe.place, probe.about, probe.of.about());
    let title = format!("{} {kind} with {} {}", site.name, probe.place, probe.about);
    let hits = match (probe.hits, site.effect) {
        // What a rule forbids changes nothing. What is created all the same is told by the answer.
        (Hits::Refused, Effect::Updates) if rule.is_some() => Hits::Nothing,
        (Hits::Refused, _) => Hits::Perhaps,
        (hits, _) => hits,
    };
    let given = given(suite, site, hits);
    let then = Then { span: site.span() };
    let asks = |rule: &&BoundaryRule| !rule.named.is_empty() || rule.status.is_some();
    let said = rule.filter(asks);
    let mut expects = vec![then.always(target, site, &probe, said)];
    expects.extend(said.map(|rule| then.rule(rule)));
    if hits == Hits::Surely {
        expects.push(then.success(site, rule));
    }
    let may_create = site.effect == Effect::Creates || probe.of == Boundary::MethodOther;
    expects.extend(then.aftermath(site, probe.of, hits, may_create));
    let spanned = |text: &str| Spanned::new(text.to_owned(), site.span().clone());
    let step = Step {
        identity: probe.identity.map(spanned),
        creates: may_create.then(|| (spanned(PROBE), spanned(kind))),
        with: site.with.clone(),
        ..Step::plain(Action::Request(probe.request), site.span())
    };
    let scenario = Scenario {
        feature: Some(format!("{} {}", site.request.method, site.described.path)),
        variables: vec![("number".to_owned(), JsonTemplate::Plain(json!(0).into()))],
        then: expects,
        ..Scenario::generated(
            group,
            &probe.name,
            title,
            "boundary",
            site.span(),
            given,
            vec![step],
        )
    };
    Case::generated(scenario, why)
}

/// The rule that judges a probe under the target's profile.
fn rule<'a>(
    suite: &'a Suite,
    target: &Target,
    site: &Site<'_>,
    probe: &Probe,
) -> Option<&'a BoundaryRule> {
    let rule = suite
        .boundaries
        .iter()
        .find(|rule| rule.fits(probe.of, &site.resource.name, site.name, &probe.field))?;
    let profile = target.profile.as_deref();
    let declared = rule.named.is_empty()
        || rule
            .named
            .iter()
            .any(|name| profile.is_some_and(|profile| profile.answers.contains_key(&name.value)));
    let levels = rule
        .requirements
        .iter()
        .filter_map(|id| suite.requirements.get(&id.value))
        .map(|requirement| requirement.level_for(target.profile_name()));
    let binds = levels.max().is_none_or(|level| level > Level::Observe);
    (declared && binds).then_some(rule)
}

/// The objects of a case, what is needed first.
fn given(suite: &Suite, site: &Site<'_>, hits: Hits) -> Vec<Given> {
    let resource = site.resource;
    let own = hits != Hits::Nothing && matches!(site.effect, Effect::Updates | Effect::Deletes);
    let mut world = World {
        suite,
        of: &resource.name,
        given: Vec::new(),
    };
    if site.effect == Effect::Creates {
        world.needs(resource, "parents", "");
        return world.given;
    }
    if own {
        world.needs(resource, "parents", "");
        world.give(resource, "parents", "", Scope::Case);
    } else {
        world.needs(resource, "subject", "");
        world.give(resource, "subject", "", shared(resource.scope));
    }
    let prefix = second("");
    world.needs(resource, "second", &prefix);
    world.give(resource, "second", &prefix, shared(resource.scope));
    world.given
}

/// How an object is lent.
fn shared(scope: Scope) -> Scope {
    match scope {
        Scope::Case => Scope::Worker,
        scope => scope,
    }
}

struct World<'a> {
    suite: &'a Suite,
    /// The kind that the case is about.
    of: &'a str,
    given: Vec<Given>,
}

impl World<'_> {
    /// Gives all that a resource needs.
    fn needs(&mut self, resource: &Resource, set: &str, prefix: &str) {
        for need in &resource.needs {
            let Some(needed) = self.suite.resources.get(&need.value) else {
                continue;
            };
            if !self
                .given
                .iter()
                .any(|given| given.alias == alias(needed, prefix))
            {
                self.needs(needed, set, prefix);
                let own = if needed.scope == Scope::Case {
                    prefix
                } else {
                    ""
                };
                self.give(needed, set, own, shared(needed.scope));
            }
        }
    }

    fn give(&mut self, resource: &Arc<Resource>, set: &str, prefix: &str, scope: Scope) {
        let binds = resource.needs.iter().filter_map(|need| {
            let needed = self.suite.resources.get(&need.value)?;
            Some((need.value.clone(), alias(needed, prefix)))
        });
        // What is dear is shared by all; what costs little is not mixed, so that none stands in another's way.
        let kinds: Vec<&String> = self.suite.resources.keys().collect();
        let kind = kinds.iter().position(|kind| *kind == self.of).unwrap_or(0);
        let part = PARTS.iter().position(|part| *part == set).unwrap_or(0);
        let set = Set {
            name: match resource.scope {
                Scope::Case => format!("boundary {} {set}", self.of),
                Scope::Worker | Scope::Run => "boundary".to_owned(),
            },
            place: kind * PARTS.len() + part,
            sets: kinds.len() * PARTS.len(),
        };
        self.given.push(Given {
            params: resource.beside.clone(),
            binds: binds.collect(),
            scope,
            set: (scope == Scope::Worker).then_some(set),
            ..Given::plain(
                format!("{prefix}{}", resource.name),
                resource,
                &resource.span,
            )
        });
    }
}

/// What a needed object is called: there is one of those that are shared anyway.
fn alias(needed: &Resource, prefix: &str) -> String {
    match needed.scope {
        Scope::Case => format!("{prefix}{}", needed.name),
        Scope::Worker | Scope::Run => needed.name.clone(),
    }
}

/// What must come of a probe.
struct Then<'a> {
    span: &'a Span,
}

impl Then<'_> {
    fn spanned<T>(&self, value: T) -> Spanned<T> {
        Spanned::new(value, self.span.clone())
    }

    fn expr(&self, text: &str) -> Option<Expr> {
        let mut found = Vec::new();
        let expr = Expr::compile(text, self.span, &mut found);
        debug_assert!(found.is_empty(), "{text}: {found:?}");
        expr
    }

    /// There is an answer, and it is recorded where nobody says what it must be.
    fn always(
        &self,
        target: &Target,
        site: &Site<'_>,
        probe: &Probe,
        rule: Option<&BoundaryRule>,
    ) -> Expect {
        let mut expect = Expect::nothing(self.span);
        expect.within = Some(self.spanned(target.limits.request));
        if probe.of == Boundary::MethodUnusual {
            // A method that a server does not know at all is answered with 501 (RFC 9110, section 9.1).
            let mut known = vec![StatusRange::Code(501)];
            known.extend([2, 3, 4].map(StatusRange::Class));
            expect.answer.status = Some(self.spanned(StatusSet(known)));
        }
        if rule.is_none() && probe.hits != Hits::Surely {
            let name = format!("{} {} on {}", probe.of.word(), probe.name, site.name);
            expect.observe.extend(
                self.expr("status")
                    .map(|status| (self.spanned(name), status)),
            );
        }
        expect
    }

    fn rule(&self, rule: &BoundaryRule) -> Expect {
        let mut expect = Expect::nothing(self.span);
        expect.span = rule.span.clone();
        expect.requirements.clone_from(&rule.requirements);
        expect.named.clone_from(&rule.named);
        expect.answer.status.clone_from(&rule.status);
        expect
    }

    fn success(&self, site: &Site<'_>, rule: Option<&BoundaryRule>) -> Expect {
        let mut expect = Expect::nothing(self.span);
        if let Some(rule) = rule {
            expect.requirements.clone_from(&rule.requirements);
        }
        if site.answer.is_empty() {
            expect.answer.status = Some(self.spanned(StatusSet(vec![StatusRange::Class(2)])));
        } else {
            expect.named = site.answer.to_vec();
        }
        expect
    }

    /// The objects that a request which is refused might change: the subject, what it belongs to, which shows
    /// what comes and goes below it, and the second one.
    fn watched(&self, site: &Site<'_>, of: Boundary, may_create: bool) -> Vec<Spanned<String>> {
        let own = site.resource.name.as_str();
        let needs = site.resource.needs.iter().map(|need| need.value.clone());
        let names: Vec<String> = match site.effect {
            Effect::Creates => needs.collect(),
            // What is wrong with the id or the token of a read shows in the answer. Whether the subject is
            // still there is all that is asked then.
            Effect::Reads if !may_create && !may_be_obeyed(of) => vec![own.to_owned()],
            _ => needs.chain([own.to_owned(), second(own)]).collect(),
        };
        names.into_iter().map(|name| self.spanned(name)).collect()
    }

    /// What the request left behind.
    fn aftermath(
        &self,
        site: &Site<'_>,
        of: Boundary,
        hits: Hits,
        may_create: bool,
    ) -> Vec<Expect> {
        let mut refused = Expect::nothing(self.span);
        let watched = self.watched(site, of, may_create);
        if !watched.is_empty() {
            refused.unchanged = Some(self.spanned(Unchanged::These(watched)).into());
        }
        if may_create {
            refused.gone.push(self.spanned(PROBE.to_owned()));
        }
        if hits == Hits::Nothing || site.effect == Effect::Reads {
            return vec![refused];
        }
        refused.only_if = self.expr("not (status is number and status < 300)");
        let mut accepted = Expect::nothing(self.span);
        accepted.only_if = self.expr("status is number and status < 300");
        match site.effect {
            Effect::Deletes => {
                accepted.gone.push(self.spanned(site.resource.name.clone()));
                accepted.unchanged = Some(self.spanned(Unchanged::Others).into());
            }
            Effect::Updates => {
                let second = vec![self.spanned(second(&site.resource.name))];
                accepted.unchanged = Some(self.spanned(Unchanged::These(second)).into());
                let there = format!("after.{} is not none", site.resource.name);
                accepted.check.extend(self.expr(&there));
            }
            Effect::Creates | Effect::Reads => return vec![refused],
        }
        vec![refused, accepted]
    }
}

/// Whether a value may make a server do something else than what the method says.
fn may_be_obeyed(of: Boundary) -> bool {
    matches!(
        of,
        Boundary::QueryUnknown
            | Boundary::HeaderOverride
            | Boundary::ContentUnasked
            | Boundary::ContentLong
            | Boundary::MethodOther
            | Boundary::MethodUnusual
    )
}
