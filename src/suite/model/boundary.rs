//! Values at and beyond the boundaries of an operation: their kinds, and what each must come to.

use super::expect::StatusSet;
use crate::source::{Span, Spanned};

/// What a generated value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Boundary {
    /// No value where an id should be.
    PathEmpty,
    /// A well-formed id that names nothing.
    PathUnknown,
    /// What can be no id.
    PathMalformed,
    /// What can be no id, of a length that servers refuse.
    PathLong,
    /// The id, written in another way.
    PathSame,
    /// The id of an object of another kind.
    PathOther,
    /// The id, below an object that it does not belong to.
    PathElsewhere,
    /// What could lead to another path.
    PathOutside,
    /// What is no HTTP.
    PathRaw,
    /// Nothing that proves who sends.
    TokenAbsent,
    /// What proves nothing.
    TokenInvalid,
    /// What proves nothing, of a length that servers refuse.
    TokenLong,
    /// More than one.
    TokenDoubled,
    /// Of another project.
    TokenOther,
    /// Without the permission to change anything.
    TokenReadonly,
    /// A method that the path does not have.
    MethodOther,
    /// A method that a server may have on any path, or on none.
    MethodUnusual,
    /// Content with a request that has none.
    ContentUnasked,
    /// The same, of a length that servers refuse.
    ContentLong,
    /// A parameter that the operation does not have.
    QueryUnknown,
    /// A parameter with a value that it cannot have.
    QueryInvalid,
    /// A header field that asks for another method.
    HeaderOverride,
    /// No content with a request that needs some.
    BodyEmpty,
    /// What is no JSON.
    BodySyntax,
    /// JSON that does not hold what it should.
    BodyWrapper,
    /// The right content under another Content-Type.
    BodyMedia,
    /// Content that is deep, long, or says something twice.
    BodyOdd,
    /// A value at the boundary that the description admits.
    FieldValid,
    /// A mandatory field that is missing or null.
    FieldMissing,
    /// Null for a field that cannot be null.
    FieldNull,
    /// A value of another type.
    FieldType,
    /// A number out of its range.
    FieldRange,
    /// A text or list that is too long or too short.
    FieldLength,
    /// A word that is none of those admitted.
    FieldWord,
    /// A text that does not have the form asked for.
    FieldForm,
    /// A well-formed reference to nothing.
    FieldReference,
    /// A text that servers stumble over.
    FieldText,
    /// A field that there is not.
    FieldUnknown,
    /// A field that can be set on creation only, or never.
    FieldFixed,
}

/// How many kinds there are.
const COUNT: usize = Boundary::FieldFixed as usize + 1;

impl Boundary {
    /// All of them.
    pub const ALL: [Self; COUNT] = [
        Self::PathEmpty,
        Self::PathUnknown,
        Self::PathMalformed,
        Self::PathLong,
        Self::PathSame,
        Self::PathOther,
        Self::PathElsewhere,
        Self::PathOutside,
        Self::PathRaw,
        Self::TokenAbsent,
        Self::TokenInvalid,
        Self::TokenLong,
        Self::TokenDoubled,
        Self::TokenOther,
        Self::TokenReadonly,
        Self::MethodOther,
        Self::MethodUnusual,
        Self::ContentUnasked,
        Self::ContentLong,
        Self::QueryUnknown,
        Self::QueryInvalid,
        Self::HeaderOverride,
        Self::BodyEmpty,
        Self::BodySyntax,
        Self::BodyWrapper,
        Self::BodyMedia,
        Self::BodyOdd,
        Self::FieldValid,
        Self::FieldMissing,
        Self::FieldNull,
        Self::FieldType,
        Self::FieldRange,
        Self::FieldLength,
        Self::FieldWord,
        Self::FieldForm,
        Self::FieldReference,
        Self::FieldText,
        Self::FieldUnknown,
        Self::FieldFixed,
    ];

    /// The words of all, in their order.
    pub const WORDS: [&'static str; COUNT] = {
        let mut words = [""; COUNT];
        let mut at = 0;
        while at < COUNT {
            words[at] = Self::ALL[at].word();
            at += 1;
        }
        words
    };

    /// As written in a rule.
    pub const fn word(self) -> &'static str {
        match self {
            Self::PathEmpty => "path.empty",
            Self::PathUnknown => "path.unknown",
            Self::PathMalformed => "path.malformed",
            Self::PathLong => "path.long",
            Self::PathSame => "path.same",
            Self::PathOther => "path.other",
            Self::PathElsewhere => "path.elsewhere",
            Self::PathOutside => "path.outside",
            Self::PathRaw => "path.raw",
            Self::TokenAbsent => "token.absent",
            Self::TokenInvalid => "token.invalid",
            Self::TokenLong => "token.long",
            Self::TokenDoubled => "token.doubled",
            Self::TokenOther => "token.other",
            Self::TokenReadonly => "token.readonly",
            Self::MethodOther => "method.other",
            Self::MethodUnusual => "method.unusual",
            Self::ContentUnasked => "content.unasked",
            Self::ContentLong => "content.long",
            Self::QueryUnknown => "query.unknown",
            Self::QueryInvalid => "query.invalid",
            Self::HeaderOverride => "header.override",
            Self::BodyEmpty => "body.empty",
            Self::BodySyntax => "body.syntax",
            Self::BodyWrapper => "body.wrapper",
            Self::BodyMedia => "body.media",
            Self::BodyOdd => "body.odd",
            Self::FieldValid => "field.valid",
            Self::FieldMissing => "field.missing",
            Self::FieldNull => "field.null",
            Self::FieldType => "field.type",
            Self::FieldRange => "field.range",
            Self::FieldLength => "field.length",
            Self::FieldWord => "field.word",
            Self::FieldForm => "field.form",
            Self::FieldReference => "field.reference",
            Self::FieldText => "field.text",
            Self::FieldUnknown => "field.unknown",
            Self::FieldFixed => "field.fixed",
        }
    }

    /// What it is, in a few words.
    pub const fn about(self) -> &'static str {
        match self {
            Self::PathEmpty => "nothing where an id should be",
            Self::PathUnknown => "an id that names nothing",
            Self::PathMalformed => "what can be no id",
            Self::PathLong => "what can be no id, and is longer than many servers read",
            Self::PathSame => "the id, written in another way",
            Self::PathOther => "the id of an object of another kind",
            Self::PathElsewhere => "the id, below an object that it does not belong to",
            Self::PathOutside => "what could lead to another path",
            Self::PathRaw => "what is no HTTP, and may be refused before the API sees it",
            Self::TokenAbsent => "nothing that proves who sends",
            Self::TokenInvalid => "what proves nothing",
            Self::TokenLong => "what proves nothing, and is longer than many servers read",
            Self::TokenDoubled => "two proofs of who sends, of which servers may heed either",
            Self::TokenOther => "the proof of another project",
            Self::TokenReadonly => "the proof of somebody who may change nothing",
            Self::MethodOther => "a method that the path does not have",
            Self::MethodUnusual => "a method that servers have on any path, or on none",
            Self::ContentUnasked => "content with a request that has none",
            Self::ContentLong => "much content with a request that has none",
            Self::QueryUnknown => "a parameter that the operation does not have",
            Self::QueryInvalid => "a value that the parameter cannot have",
            Self::HeaderOverride => "a header field that asks for another method",
            Self::BodyEmpty => "no content with a request that needs some",
            Self::BodySyntax => "content that is no JSON",
            Self::BodyWrapper => "JSON that does not hold what it should",
            Self::BodyMedia => "the right content under another Content-Type",
            Self::BodyOdd => "content that is deep, long, or says something twice",
            Self::FieldValid => "a value that is just within the bounds",
            Self::FieldMissing => "a mandatory field that is missing or null",
            Self::FieldNull => "null for a field that cannot be null",
            Self::FieldType => "a value of another type",
            Self::FieldRange => "a number just out of its range",
            Self::FieldLength => "a text or list that is too long or too short",
            Self::FieldWord => "a word that is none of those admitted",
            Self::FieldForm => "a text that does not have the form asked for",
            Self::FieldReference => "a well-formed reference to nothing",
            Self::FieldText => "a text that servers stumble over",
            Self::FieldUnknown => "a field that there is not",
            Self::FieldFixed => "a field that is set on creation only, or never",
        }
    }
}

/// What a kind of value must come to. The first rule that fits decides.
#[derive(Debug)]
pub struct BoundaryRule {
    /// Where it is written.
    pub span: Span,
    /// The kinds of value.
    pub of: Vec<Boundary>,
    /// The operations; all where there is none.
    pub on: Vec<Spanned<String>>,
    /// The resources; all where there is none.
    pub resources: Vec<Spanned<String>>,
    /// The parameters or fields; all where there is none.
    pub fields: Vec<Spanned<String>>,
    /// One of these named answers comes.
    pub named: Vec<Spanned<String>>,
    /// An answer with one of these statuses comes.
    pub status: Option<Spanned<StatusSet>>,
    /// The requirements that say so.
    pub requirements: Vec<Spanned<String>>,
}

impl BoundaryRule {
    /// Whether it speaks of such a value of an operation's parameter or field.
    pub fn fits(&self, of: Boundary, resource: &str, on: &str, field: &str) -> bool {
        let named = |names: &[Spanned<String>], name: &str| {
            names.is_empty() || names.iter().any(|own| own.value == name)
        };
        self.of.contains(&of)
            && named(&self.resources, resource)
            && named(&self.on, on)
            && named(&self.fields, field)
    }
}
