//! Reading expressions of the commonest forms.

use std::iter::Peekable;

use serde_json::Value as Json;

use super::{Filter, Node, Order, Test};

impl Node {
    /// Reads an expression that `minijinja` has compiled.
    pub(in crate::template) fn read(text: &str) -> Option<Self> {
        let mut reader = Reader {
            tokens: tokens(text)?.into_iter().peekable(),
        };
        let node = reader.conditional()?;
        reader.tokens.next().is_none().then_some(node)
    }
}

#[derive(Debug, PartialEq)]
enum Token<'a> {
    Word(&'a str),
    Text(&'a str),
    Number(u64),
    Sign(&'static str),
}

/// The longer ones come first.
const SIGNS: &[&str] = &[
    "==", "!=", "<=", ">=", "<", ">", "(", ")", "[", "]", ",", ".", "|", "=",
];

fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_ascii_start();
    while let Some(first) = rest.bytes().next() {
        let until = |counts: fn(u8) -> bool| rest.bytes().position(|byte| !counts(byte));
        let (token, length) = match first {
            b'\'' | b'"' => {
                let own = &rest[1..];
                let length = own.find(char::from(first))?;
                if own[..length].contains('\\') {
                    return None;
                }
                (Token::Text(&own[..length]), length + 2)
            }
            b'0'..=b'9' => {
                let length = until(|byte| byte.is_ascii_digit()).unwrap_or(rest.len());
                // What else may belong to a number.
                let after = rest.as_bytes().get(length);
                if after.is_some_and(|byte| byte.is_ascii_alphabetic() || b"._".contains(byte)) {
                    return None;
                }
                (Token::Number(rest[..length].parse().ok()?), length)
            }
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => {
                let counts = |byte: u8| byte == b'_' || byte.is_ascii_alphanumeric();
                let length = until(counts).unwrap_or(rest.len());
                if !rest[length..].chars().next().is_none_or(|it| it.is_ascii()) {
                    return None;
                }
                (Token::Word(&rest[..length]), length)
            }
            _ => {
                let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign))?;
                (Token::Sign(sign), sign.len())
            }
        };
        tokens.push(token);
        rest = rest[length..].trim_ascii_start();
    }
    Some(tokens)
}

/// Words that are no names.
const RESERVED: &[&str] = &["and", "or", "not", "in", "is", "if", "else", "loop", "self"];

/// Reads tokens as `minijinja` does: each function what binds closer than what calls it.
struct Reader<'a> {
    tokens: Peekable<std::vec::IntoIter<Token<'a>>>,
}

impl<'a> Reader<'a> {
    fn skips(&mut self, token: &Token<'_>) -> bool {
        self.tokens.next_if(|next| next == token).is_some()
    }

    fn word(&mut self, word: &str) -> bool {
        self.skips(&Token::Word(word))
    }

    fn sign(&mut self, sign: &'static str) -> bool {
        self.skips(&Token::Sign(sign))
    }

    /// Nothing but the sign may follow.
    fn ends(&mut self, sign: &'static str) -> Option<()> {
        self.sign(sign).then_some(())
    }

    fn name(&mut self) -> Option<&'a str> {
        match self.tokens.next()? {
            Token::Word(word) if !RESERVED.contains(&word) => Some(word),
            _ => None,
        }
    }

    fn text(&mut self) -> Option<&'a str> {
        match self.tokens.next()? {
            Token::Text(text) => Some(text),
            _ => None,
        }
    }

    fn conditional(&mut self) -> Option<Node> {
        let value = self.either()?;
        if !self.word("if") {
            return Some(value);
        }
        let condition = self.either()?;
        if !self.word("else") {
            return None;
        }
        let other = self.conditional()?;
        Some(Node::If(Box::new([value, condition, other])))
    }

    fn either(&mut self) -> Option<Node> {
        let mut node = self.both()?;
        while self.word("or") {
            node = Node::Or(Box::new(node), Box::new(self.both()?));
        }
        Some(node)
    }

    fn both(&mut self) -> Option<Node> {
        let mut node = self.not()?;
        while self.word("and") {
            node = Node::And(Box::new(node), Box::new(self.not()?));
        }
        Some(node)
    }

    fn not(&mut self) -> Option<Node> {
        if self.word("not") {
            return Some(Node::Not(Box::new(self.not()?)));
        }
        let first = self.filtered()?;
        let mut rest = Vec::new();
        while let Some(order) = self.order()? {
            rest.push((order, self.filtered()?));
        }
        Some(match rest.is_empty() {
            true => first,
            false => Node::Compare(Box::new(first), rest),
        })
    }

    /// The inner `None` is no comparison.
    fn order(&mut self) -> Option<Option<Order>> {
        let order = match self.tokens.peek() {
            Some(Token::Sign("==")) => Order::Equal,
            Some(Token::Sign("!=")) => Order::Unequal,
            Some(Token::Sign("<")) => Order::Less,
            Some(Token::Sign("<=")) => Order::AtMost,
            Some(Token::Sign(">")) => Order::More,
            Some(Token::Sign(">=")) => Order::AtLeast,
            Some(Token::Word("in")) => Order::In,
            Some(Token::Word("not")) => Order::NotIn,
            _ => return Some(None),
        };
        self.tokens.next();
        (order != Order::NotIn || self.word("in")).then_some(Some(order))
    }

    fn filtered(&mut self) -> Option<Node> {
        let mut node = self.primary()?;
        loop {
            if self.sign(".") {
                node = Node::Attribute(Box::new(node), self.name()?.into());
            } else if self.sign("[") {
                let Token::Number(at) = self.tokens.next()? else {
                    return None;
                };
                node = Node::Item(Box::new(node), usize::try_from(at).ok()?);
                self.ends("]")?;
            } else {
                break;
            }
        }
        loop {
            if self.sign("|") {
                node = Node::Filter(Box::new(node), self.filter()?);
            } else if self.word("is") {
                node = self.test(node)?;
            } else {
                return Some(node);
            }
        }
    }

    fn filter(&mut self) -> Option<Filter> {
        let name = self.name()?;
        let bare = match name {
            "list" => Some(Filter::List),
            "length" => Some(Filter::Length),
            "ids" => Some(Filter::Ids),
            "refs" => Some(Filter::Refs),
            _ => None,
        };
        if bare.is_some() {
            let goes_on = matches!(self.tokens.peek(), Some(Token::Sign("(" | ".")));
            return bare.filter(|_| !goes_on);
        }
        self.ends("(")?;
        let filter = match name {
            // Anything else could be an error.
            "default" => match self.conditional()? {
                Node::Literal(_) => Filter::Default,
                _ => return None,
            },
            "map" => {
                (self.word("attribute") && self.sign("=")).then_some(())?;
                Filter::Attribute(self.attribute()?)
            }
            "selectattr" | "rejectattr" => Filter::Select {
                attribute: self.attribute()?,
                test: match self.sign(",").then(|| self.text()) {
                    None => Test::True,
                    Some(Some("none")) => Test::None,
                    Some(Some("eq")) => {
                        self.ends(",")?;
                        Test::Equal(Box::new(self.conditional()?))
                    }
                    Some(_) => return None,
                },
                passes: name == "selectattr",
            },
            _ => return None,
        };
        self.ends(")")?;
        Some(filter)
    }

    /// A text that is one name.
    fn attribute(&mut self) -> Option<Box<str>> {
        let text = self.text()?;
        let is_name = matches!(*tokens(text)?, [Token::Word(word)] if word == text);
        is_name.then(|| text.into())
    }

    fn test(&mut self, node: Node) -> Option<Node> {
        let negated = self.word("not");
        let node = match self.tokens.next()? {
            Token::Word("none") => Node::IsNone(Box::new(node)),
            Token::Word("defined") => Node::IsDefined(Box::new(node)),
            _ => return None,
        };
        // Anything else might be an argument of the test.
        let ends = match self.tokens.peek() {
            None => true,
            Some(Token::Word(word)) => ["and", "or", "else", "is"].contains(word),
            Some(Token::Sign(sign)) => !["(", "[", "."].contains(sign),
            Some(Token::Text(_) | Token::Number(_)) => false,
        };
        ends.then(|| match negated {
            true => Node::Not(Box::new(node)),
            false => node,
        })
    }

    fn primary(&mut self) -> Option<Node> {
        Some(match self.tokens.next()? {
            Token::Text(text) => match self.tokens.peek() {
                // Two texts are one.
                Some(Token::Text(_)) => return None,
                _ => Node::Literal(text.into()),
            },
            Token::Number(number) => Node::Literal(number.into()),
            Token::Sign("(") => {
                let node = self.conditional()?;
                self.ends(")")?;
                node
            }
            Token::Sign("[") => {
                let mut items = Vec::new();
                while !self.sign("]") {
                    if !items.is_empty() && !self.sign(",") {
                        return None;
                    }
                    items.push(self.conditional()?);
                }
                Node::List(items)
            }
            Token::Word("true" | "True") => Node::Literal(true.into()),
            Token::Word("false" | "False") => Node::Literal(false.into()),
            Token::Word("none" | "None") => Node::Literal(Json::Null),
            Token::Word(root) if !RESERVED.contains(&root) => {
                let mut names: Vec<Box<str>> = vec![root.into()];
                while self.sign(".") {
                    names.push(self.name()?.into());
                }
                Node::Path(names.into())
            }
            Token::Word(_) | Token::Sign(_) => return None,
        })
    }
}
