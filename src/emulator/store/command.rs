//! What can be asked of the store, in typed values: syntax and ranges are already settled.

use std::time::Duration;

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::emulator::config::Access;
use crate::emulator::model::{
    Algorithm, CompareType, Kind, Match, MonitorType, PolicyAction, Probe, Protocol, RuleType,
    SessionPersistence,
};
use crate::emulator::refusal::Refusal;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) project: String,
    pub(crate) access: Access,
}

impl Caller {
    /// Whether objects of that project are the caller's to see.
    pub(crate) fn sees(&self, project: &str) -> bool {
        self.access == Access::Admin || self.project == project
    }

    /// Refuses whoever may only read.
    pub(crate) fn may_write(&self) -> Result<(), Refusal> {
        match self.access {
            Access::Write | Access::Admin => Ok(()),
            Access::Read => Err(Refusal::Forbidden),
        }
    }
}

/// An object as a path names it; ids are text until they are looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) kind: Kind,
    /// The pool of a member, the policy of a rule.
    pub(crate) parent: Option<String>,
    pub(crate) id: String,
}

/// What is asked.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    Create(Draft),
    Show(Target),
    List {
        kind: Kind,
        parent: Option<String>,
    },
    /// The status tree of a load balancer.
    Tree {
        id: String,
    },
    Update(Target, Change),
    Delete(Target, Depth),
    Batch {
        pool: String,
        batch: MemberBatch,
    },
}

/// How much a deletion takes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    Object,
    Cascade,
    /// The object, of which all has been checked before (`Reply::Napping`).
    Checked,
}

/// What a command led to; the caller reads the objects from the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    Created(Kind, Uuid),
    Found(Kind, Uuid),
    Listed(Kind, Vec<Uuid>),
    Tree(Uuid),
    Deleted,
    Accepted,
    /// Nothing yet: after this time the deletion is to be asked for as `Depth::Checked`.
    Napping(Duration, Target),
}

/// What every new object may say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Basics {
    /// The project that the body names, if it does.
    pub(crate) project: Option<String>,
    pub(crate) name: String,
    pub(crate) description: String,
    /// Absent is up.
    pub(crate) admin_state_up: Option<bool>,
    pub(crate) tags: Vec<String>,
    pub(crate) extra: Map<String, Value>,
}

/// What every update may say; `None` leaves the attribute as it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct BasicsChange {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) admin_state_up: Option<bool>,
    pub(crate) tags: Option<Vec<String>>,
    pub(crate) extra: Map<String, Value>,
    /// The update names an attribute that only an administrator may change.
    pub(crate) for_admins: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum Draft {
    LoadBalancer(LoadBalancerDraft),
    Listener(ListenerDraft),
    Pool(PoolDraft),
    Member { pool: String, draft: MemberDraft },
    HealthMonitor(HealthMonitorDraft),
    L7Policy(L7PolicyDraft),
    L7Rule { policy: String, draft: L7RuleDraft },
}

#[derive(Debug, Clone)]
pub(crate) struct LoadBalancerDraft {
    pub(crate) basics: Basics,
    pub(crate) vip_subnet: Option<Uuid>,
    pub(crate) vip_address: Option<String>,
    pub(crate) vip_port: Option<Uuid>,
    pub(crate) provider: String,
}

#[derive(Debug, Clone)]
pub(crate) struct ListenerDraft {
    pub(crate) basics: Basics,
    pub(crate) load_balancer: Uuid,
    pub(crate) protocol: Protocol,
    pub(crate) port: u16,
    pub(crate) default_pool: Option<Uuid>,
    pub(crate) connection_limit: i64,
    pub(crate) default_tls_container: Option<String>,
}

/// A new pool; the store refuses one that names neither parent.
#[derive(Debug, Clone)]
pub(crate) struct PoolDraft {
    pub(crate) basics: Basics,
    pub(crate) load_balancer: Option<Uuid>,
    pub(crate) listener: Option<Uuid>,
    pub(crate) protocol: Protocol,
    pub(crate) algorithm: Algorithm,
    pub(crate) persistence: Option<SessionPersistence>,
}

#[derive(Debug, Clone)]
pub(crate) struct MemberDraft {
    pub(crate) basics: Basics,
    pub(crate) address: String,
    pub(crate) port: u16,
    pub(crate) subnet: Option<Uuid>,
    /// Absent is 1.
    pub(crate) weight: Option<i64>,
}

#[derive(Debug, Clone)]
pub(crate) struct HealthMonitorDraft {
    pub(crate) basics: Basics,
    pub(crate) pool: Uuid,
    pub(crate) probe: Probe,
}

#[derive(Debug, Clone)]
pub(crate) struct L7PolicyDraft {
    pub(crate) basics: Basics,
    pub(crate) listener: Uuid,
    pub(crate) action: PolicyAction,
    pub(crate) redirect_pool: Option<Uuid>,
    pub(crate) redirect_listener: Option<Uuid>,
    pub(crate) redirect_url: Option<String>,
    pub(crate) position: Option<i64>,
    pub(crate) rules: Vec<L7RuleDraft>,
}

#[derive(Debug, Clone)]
pub(crate) struct L7RuleDraft {
    pub(crate) basics: Basics,
    pub(crate) test: Match,
}

#[derive(Debug, Clone)]
pub(crate) enum Change {
    LoadBalancer(BasicsChange),
    Listener(ListenerChange),
    Pool(PoolChange),
    Member(MemberChange),
    HealthMonitor(HealthMonitorChange),
    L7Policy(L7PolicyChange),
    L7Rule(L7RuleChange),
}

#[derive(Debug, Clone)]
pub(crate) struct ListenerChange {
    pub(crate) basics: BasicsChange,
    pub(crate) default_pool: Option<Option<Uuid>>,
    pub(crate) connection_limit: Option<i64>,
    pub(crate) default_tls_container: Option<Option<String>>,
}

#[derive(Debug, Clone)]
pub(crate) struct PoolChange {
    pub(crate) basics: BasicsChange,
    pub(crate) algorithm: Option<Algorithm>,
    pub(crate) persistence: Option<Option<SessionPersistence>>,
}

#[derive(Debug, Clone)]
pub(crate) struct MemberChange {
    pub(crate) basics: BasicsChange,
    pub(crate) weight: Option<i64>,
}

#[derive(Debug, Clone)]
pub(crate) struct HealthMonitorChange {
    pub(crate) basics: BasicsChange,
    pub(crate) kind: Option<MonitorType>,
    pub(crate) delay: Option<i64>,
    pub(crate) timeout: Option<i64>,
    pub(crate) max_retries: Option<i64>,
    pub(crate) max_retries_down: Option<i64>,
    pub(crate) port: Option<Option<i64>>,
    pub(crate) domain_name: Option<Option<String>>,
    pub(crate) url_path: Option<Option<String>>,
    pub(crate) expected_codes: Option<Option<String>>,
    pub(crate) http_method: Option<Option<String>>,
}

#[derive(Debug, Clone)]
pub(crate) struct L7PolicyChange {
    pub(crate) basics: BasicsChange,
    pub(crate) action: Option<PolicyAction>,
    pub(crate) redirect_pool: Option<Option<Uuid>>,
    pub(crate) redirect_listener: Option<Option<Uuid>>,
    pub(crate) redirect_url: Option<Option<String>>,
    pub(crate) position: Option<i64>,
}

#[derive(Debug, Clone)]
pub(crate) struct L7RuleChange {
    pub(crate) basics: BasicsChange,
    pub(crate) kind: Option<RuleType>,
    pub(crate) compare: Option<CompareType>,
    pub(crate) value: Option<String>,
    pub(crate) key: Option<Option<String>>,
    pub(crate) invert: Option<bool>,
}

/// A batch update of a pool's members: all of it, or nothing.
#[derive(Debug, Clone)]
pub(crate) enum MemberBatch {
    Add(Vec<MemberDraft>),
    Delete(Vec<String>),
    /// The items take the place of all members; one that stays at its address and port keeps its id.
    Replace(Vec<MemberDraft>),
}
