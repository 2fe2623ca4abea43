//! The names in a `then`, and whether it can fail at all.

use super::names::{AFTERMATH, ANSWERS};
use super::{Linker, Objects};
use crate::source::{Diagnostic, Spanned};
use crate::suite::model::{AnswerExpect, BodyExpect, Expect, Matcher, SchemaRef, Unchanged};
use crate::template::ANSWER;

impl Linker<'_> {
    pub(super) fn expect(
        &mut self,
        expect: &Expect,
        names: &[String],
        objects: &Objects,
        reads: bool,
    ) {
        for requirement in &expect.requirements {
            self.requirement(requirement);
        }
        let plain: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut known = plain.clone();
        known.extend(ANSWER.iter().chain(ANSWERS));
        if let Some(expr) = &expect.only_if {
            self.names(expr, &known);
        }
        self.answer(&expect.answer, &known);
        self.named(&expect.named);
        known.extend(AFTERMATH);
        for expr in expect.exprs() {
            self.names(expr, &known);
            for name in expr.names() {
                let mut segments = name.split('.');
                if let (Some(root), Some(alias)) = (segments.next(), segments.next())
                    && AFTERMATH.contains(&root)
                {
                    self.known(
                        "given object",
                        "unknown-object",
                        &Spanned::new(alias.to_owned(), expr.span.clone()),
                        objects.keys().map(String::as_str),
                    );
                }
            }
        }
        let these = match expect.unchanged.as_ref().map(|unchanged| &unchanged.value) {
            Some(Unchanged::These(these)) => these.as_slice(),
            _ => &[],
        };
        for alias in expect.gone.iter().chain(these) {
            self.known(
                "given object",
                "unknown-object",
                alias,
                objects.keys().map(String::as_str),
            );
        }
        if let Some(unchanged) = &expect.unchanged
            && objects.is_empty()
        {
            self.found.push(
                Diagnostic::new(
                    "nothing-given",
                    &unchanged.span,
                    "`unchanged` compares given objects, and there are none",
                )
                .label("nothing to compare")
                .help("list the objects under `given`"),
            );
        }
        let asks = expect.has_aftermath();
        if let (Some(eventually), false, false) = (&expect.eventually, asks, reads) {
            self.found.push(
                Diagnostic::new(
                    "nothing-to-repeat",
                    &eventually.span,
                    "`eventually` waits for an aftermath or repeats a GET; there is neither",
                )
                .label("nothing to wait for")
                .help(
                    "ask for `gone`, `unchanged` or `after.…`, or add a GET step with `eventually`",
                ),
            );
        }
        if !expect.asks() {
            self.found.push(
                Diagnostic::new("asks-nothing", &expect.span, "this `then` asks for nothing")
                    .label("nothing to judge")
                    .help("ask for a `status`, an `answer`, a `body`, …"),
            );
        }
    }

    /// The names of answers, each of which some profile must declare.
    pub(super) fn named<'n>(&mut self, names: impl IntoIterator<Item = &'n Spanned<String>>) {
        let profiles = self.profiles;
        for name in names {
            self.known(
                "answer",
                "unknown-answer",
                name,
                profiles
                    .values()
                    .flat_map(|profile| profile.answers.keys().map(String::as_str)),
            );
        }
    }

    pub(super) fn answer(&mut self, answer: &AnswerExpect, names: &[&str]) {
        let mut matchers: Vec<&Matcher> =
            answer.headers.iter().map(|(_, matcher)| matcher).collect();
        if let Some(Spanned {
            value: BodyExpect::Matches(matcher),
            ..
        }) = answer.body.as_deref()
        {
            matchers.push(matcher);
        }
        let known: Vec<&str> = names.iter().copied().chain(["value"]).collect();
        for matcher in matchers {
            matcher.for_each_expr(&mut |expr| self.names(expr, &known));
        }
        if let Some(Spanned {
            value: SchemaRef::Component(name),
            span,
        }) = answer.schema.as_deref()
        {
            let components: Vec<String> = self
                .openapi
                .map(|api| api.components().map(str::to_owned).collect())
                .unwrap_or_default();
            self.known(
                "component schema",
                "unknown-schema",
                &Spanned::new(name.clone(), span.clone()),
                components.iter().map(String::as_str),
            );
        }
    }
}
