//! Why a request is refused, before any vendor's words are put on it.

use super::model::{Kind, Provisioning};

/// One reason; `dialect::answer` turns it into a status and a body.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("authentication is required")]
    Unauthenticated,
    #[error("no resource is published at {path}")]
    NoRoute { path: String },
    #[error("the API has no version {version}")]
    NoVersion { version: String },
    #[error("the method is not allowed here, only {allow}")]
    WrongMethod { allow: &'static str },
    #[error("only application/json can be produced")]
    NotAcceptable,
    #[error("the body is larger than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("the body did not come within {seconds} s")]
    TooSlow { seconds: f64 },
    #[error("{reason}")]
    BadBody { reason: String },
    #[error("a body is not allowed on DELETE")]
    BodyOnDelete,
    #[error("the id in the path is empty")]
    EmptyId,
    #[error("{field} is mandatory")]
    Missing { field: String },
    #[error("{field} is longer than {max} characters")]
    TooLong { field: String, max: usize },
    #[error("{field} is invalid: {reason}")]
    Invalid { field: String, reason: String },
    #[error("{field} is no attribute of this request")]
    UnknownField { field: String },
    #[error("{field} can only be set on creation")]
    CreateOnly { field: String },
    #[error("{reason}")]
    BadQuery { reason: String },
    #[error("the project of the body is not the project of the token")]
    OtherProject,
    #[error("the action is not allowed")]
    Forbidden,
    #[error("{kind} {id} does not exist", kind = kind.as_str())]
    NotFound { kind: Kind, id: String },
    #[error("{by_kind} {by} is using {kind} {id}", kind = kind.as_str(), by_kind = by_kind.as_str())]
    InUse {
        kind: Kind,
        id: String,
        by_kind: Kind,
        by: String,
    },
    #[error("load balancer {load_balancer} is {state}", state = state.as_str())]
    Immutable {
        load_balancer: String,
        state: Provisioning,
    },
    #[error("the quota of {kind} is exhausted", kind = kind.plural())]
    Quota { kind: Kind },
    /// Only defects make the emulator fail.
    #[error("an internal error occurred")]
    Fault,
    #[error("{reason}")]
    Clash { clash: Clash, reason: String },
}

/// What does not go together with what is stored; the vendors answer with different statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clash {
    /// The load balancer already listens on the port.
    PortTaken,
    /// The protocols of the listener and the pool do not fit.
    ProtocolMismatch,
    /// The listener already has a default pool.
    DefaultPoolTaken,
    /// The pool already serves another listener.
    PoolTaken,
    /// The objects belong to different load balancers.
    OtherLoadBalancer,
    /// The pool already has a member at that address and port.
    DuplicateMember,
    /// The pool already has a health monitor.
    DuplicateMonitor,
    /// The policy already has a rule of that type.
    DuplicateRule,
    /// The monitor's type does not fit the pool's protocol.
    MonitorType,
    /// The listener's protocol has no L7 policies.
    PolicyListener,
    /// The action asks for a target that is not named.
    RedirectMissing,
    /// The target does not fit the action or the listener.
    RedirectTarget,
}

impl Refusal {
    /// A value that is out of its range, or of the wrong type or syntax.
    pub(crate) fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid {
            field: field.into(),
            reason: reason.into(),
        }
    }

    /// Something that does not go together with what is stored.
    pub(crate) fn clash(clash: Clash, reason: impl Into<String>) -> Self {
        Self::Clash {
            clash,
            reason: reason.into(),
        }
    }
}
