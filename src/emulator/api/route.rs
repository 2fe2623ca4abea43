//! Paths: which resource a request names, and which methods that has.

use http::Method;

use super::query::percent_decoded;
use crate::emulator::dialect::{AllMembers, EmptyId, QuotaList, Rules};
use crate::emulator::model::Kind;
use crate::emulator::refusal::Refusal;

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    Versions,
    /// All objects of a kind; members and rules below their parent.
    Collection {
        kind: Kind,
        parent: Option<String>,
    },
    /// One object.
    Item {
        kind: Kind,
        parent: Option<String>,
        id: String,
    },
    /// The members of all pools.
    AllMembers,
    /// What the project may have.
    Quotas,
    /// The status tree of a load balancer.
    Tree {
        id: String,
    },
}

impl Route {
    /// Reads a path as it stands in the request line.
    pub(super) fn parse(rules: &Rules, path: &str) -> Result<Self, Refusal> {
        let unknown = || Refusal::NoRoute {
            path: path.to_owned(),
        };
        let path = path.strip_prefix('/').unwrap_or(path);
        let decoded: Vec<String>;
        let mut segments = Vec::with_capacity(8);
        if path.bytes().any(|byte| matches!(byte, b'%' | b'\0')) {
            let decode = |segment| {
                let text = String::from_utf8(percent_decoded(segment)).map_err(|_| unknown())?;
                // A slash in disguise would name something else after one more decoding.
                if text.contains(['/', '\0']) {
                    Err(unknown())
                } else {
                    Ok(text)
                }
            };
            decoded = path.split('/').map(decode).collect::<Result<_, _>>()?;
            segments.extend(decoded.iter().map(String::as_str));
        } else {
            let mut start = 0;
            // Segments are short: this is faster than a search for each.
            for (end, _) in path.bytes().enumerate().filter(|(_, byte)| *byte == b'/') {
                segments.push(&path[start..end]);
                start = end + 1;
            }
            segments.push(&path[start..]);
        }
        if rules.empty_id == EmptyId::Collection
            && segments.len() > 3
            && segments.last() == Some(&"")
        {
            segments.pop();
        }
        let rest = match segments.as_slice() {
            [""] => return Ok(Self::Versions),
            [prefix, "lbaas", rest @ ..] if rules.prefixes.contains(prefix) => rest,
            [version, ..] if is_version(version) && !rules.prefixes.contains(version) => {
                return Err(Refusal::NoVersion {
                    version: (*version).to_owned(),
                });
            }
            _ => return Err(unknown()),
        };
        let own = |text: &str| Some(text.to_owned());
        match rest {
            ["members"] if rules.all_members == AllMembers::Listed => Ok(Self::AllMembers),
            ["quotas"] if rules.quota_list == QuotaList::Told => Ok(Self::Quotas),
            ["loadbalancers", id, tail] if rules.tree_segments.contains(tail) => Ok(Self::Tree {
                id: (*id).to_owned(),
            }),
            ["pools", pool, "members"] => Ok(Self::Collection {
                kind: Kind::Member,
                parent: own(pool),
            }),
            ["pools", pool, "members", id] => Ok(Self::Item {
                kind: Kind::Member,
                parent: own(pool),
                id: (*id).to_owned(),
            }),
            ["l7policies", policy, "rules"] => Ok(Self::Collection {
                kind: Kind::L7Rule,
                parent: own(policy),
            }),
            ["l7policies", policy, "rules", id] => Ok(Self::Item {
                kind: Kind::L7Rule,
                parent: own(policy),
                id: (*id).to_owned(),
            }),
            [plural] => Ok(Self::Collection {
                kind: kind(plural).ok_or_else(unknown)?,
                parent: None,
            }),
            [plural, id] => Ok(Self::Item {
                kind: kind(plural).ok_or_else(unknown)?,
                parent: None,
                id: (*id).to_owned(),
            }),
            _ => Err(unknown()),
        }
    }

    /// The kind of the one object that it names.
    pub(super) fn item(&self) -> Option<Kind> {
        match self {
            Self::Item { kind, .. } => Some(*kind),
            _ => None,
        }
    }

    /// The methods that the resource has.
    pub(super) fn allow(&self, rules: &Rules) -> &'static str {
        match self {
            Self::Versions | Self::AllMembers | Self::Quotas | Self::Tree { .. } => "GET",
            Self::Collection {
                kind: Kind::Member, ..
            } if rules.batch.is_some() => "GET, POST, PUT",
            Self::Collection { .. } => "GET, POST",
            Self::Item { .. } => "DELETE, GET, PUT",
        }
    }

    /// Refuses a path in which an id is empty, where such a path names an item.
    pub(super) fn check_ids(&self, rules: &Rules) -> Result<(), Refusal> {
        let (parent, id) = match self {
            Self::Versions | Self::AllMembers | Self::Quotas => return Ok(()),
            Self::Collection { parent, .. } => (parent.as_deref(), None),
            Self::Item { parent, id, .. } => (parent.as_deref(), Some(id.as_str())),
            Self::Tree { id } => (None, Some(id.as_str())),
        };
        let empty = parent.into_iter().chain(id).any(str::is_empty);
        match rules.empty_id {
            EmptyId::Item if empty => Err(Refusal::EmptyId),
            EmptyId::Item | EmptyId::Collection => Ok(()),
        }
    }

    /// Refuses a method that the resource does not have.
    pub(super) fn check_method(&self, rules: &Rules, method: &Method) -> Result<(), Refusal> {
        let allow = self.allow(rules);
        let method = method.as_str().as_bytes();
        let mut allowed = allow.as_bytes().split(|byte| *byte == b',');
        if allowed.any(|allowed| allowed.trim_ascii_start() == method) {
            Ok(())
        } else {
            Err(Refusal::WrongMethod { allow })
        }
    }
}

/// The kinds that have a path of their own.
fn kind(plural: &str) -> Option<Kind> {
    [
        Kind::LoadBalancer,
        Kind::Listener,
        Kind::Pool,
        Kind::HealthMonitor,
        Kind::L7Policy,
    ]
    .into_iter()
    .find(|kind| kind.plural() == plural)
}

/// `v` and a number, like `v2` or `v2.0`.
fn is_version(segment: &str) -> bool {
    segment.strip_prefix('v').is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_digit())
            && rest.chars().all(|c| c.is_ascii_digit() || c == '.')
    })
}
