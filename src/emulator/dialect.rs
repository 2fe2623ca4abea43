//! In what the vendors differ: one table of rules each, and one function that words their refusals.
//!
//! Whoever has to decide something asks the table; nobody compares the dialect's name. So each decision
//! is made in exactly one place, and can be bent there.

mod answer;
mod neutron;
mod octavia;
mod otc;

use std::ops::RangeInclusive;

use serde_json::{Value, json};
use uuid::Uuid;

use super::model::{
    Algorithm, CompareType, Kind, MonitorType, PersistenceType, PolicyAction, Protocol, RuleType,
};
use super::refusal::Refusal;

pub(crate) use self::answer::{Answer, Form};

/// Whose behaviour is emulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Open Telekom Cloud's enhanced (shared) load balancer, API v2.0: synchronous, every dependant blocks.
    OtcV2,
    /// OpenStack Octavia: asynchronous, a pool's members and monitor go with it.
    Octavia,
    /// OpenStack neutron-lbaas v2 with a driver that does nothing, at once.
    NeutronLbaas,
}

impl Dialect {
    /// All dialects.
    pub const ALL: [Self; 3] = [Self::OtcV2, Self::Octavia, Self::NeutronLbaas];

    /// The name of the dialect, as profiles and arguments spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OtcV2 => "otc-v2",
            Self::Octavia => "octavia",
            Self::NeutronLbaas => "neutron-lbaas",
        }
    }

    /// The dialect's table.
    pub(crate) const fn rules(self) -> &'static Rules {
        match self {
            Self::OtcV2 => &otc::RULES,
            Self::Octavia => &octavia::RULES,
            Self::NeutronLbaas => &neutron::RULES,
        }
    }
}

/// The decisions of one dialect.
#[derive(Clone)]
pub(crate) struct Rules {
    // Paths and transport.
    pub(crate) prefixes: &'static [&'static str],
    pub(crate) versions: &'static [&'static str],
    pub(crate) tree_segments: &'static [&'static str],
    pub(crate) all_members: AllMembers,
    pub(crate) quota_list: QuotaList,
    pub(crate) batch: Option<Batch>,
    pub(crate) empty_id: EmptyId,
    pub(crate) delete_body: DeleteBody,
    pub(crate) accept: Accept,
    pub(crate) request_id: RequestId,
    pub(crate) answer: fn(&Refusal, Uuid) -> Answer,

    // Who may do what, and in which order it is found out.
    pub(crate) permission: Permission,
    pub(crate) foreign: Foreign,

    // Life and death.
    pub(crate) settling: Settling,
    pub(crate) lock: Lock,
    pub(crate) load_balancer_blockers: &'static [Kind],
    pub(crate) listener_blockers: &'static [Kind],
    pub(crate) pool_blockers: &'static [Kind],
    pub(crate) cascade: Cascade,
    pub(crate) orphaned_policy: OrphanedPolicy,

    // What fits what.
    pub(crate) port_key: PortKey,
    pub(crate) pool_sharing: PoolSharing,
    pub(crate) pool_protocols_of: &'static [(Protocol, &'static [Protocol])],
    pub(crate) monitor_types_of: &'static [(Protocol, &'static [MonitorType])],
    pub(crate) policy_listeners: &'static [Protocol],
    pub(crate) redirect_fit: RedirectFit,
    pub(crate) redirect_null: RedirectNull,
    pub(crate) rule_types_per_policy: RuleTypes,
    pub(crate) persistence: Persistence,
    pub(crate) positions: Positions,

    // Words and ranges.
    pub(crate) providers: Option<&'static [&'static str]>,
    pub(crate) default_provider: &'static str,
    pub(crate) vip: Vip,
    pub(crate) listener_protocols: &'static [Protocol],
    pub(crate) reserved_ports: &'static [(Protocol, u16)],
    pub(crate) pool_protocols: &'static [Protocol],
    pub(crate) algorithms: &'static [Algorithm],
    pub(crate) persistence_types: &'static [PersistenceType],
    pub(crate) weight: RangeInclusive<i64>,
    pub(crate) member_subnet: MemberSubnet,
    pub(crate) monitor_types: &'static [MonitorType],
    pub(crate) delay: RangeInclusive<i64>,
    pub(crate) monitor_timeout: RangeInclusive<i64>,
    pub(crate) policy_actions: &'static [PolicyAction],
    pub(crate) position: RangeInclusive<i64>,
    pub(crate) inline_rules: RangeInclusive<usize>,
    pub(crate) rule_types: &'static [RuleType],
    pub(crate) compare_types: &'static [(RuleType, &'static [CompareType])],
    pub(crate) rule_value: RuleValue,
    /// The longest name of a project.
    pub(crate) project: usize,
    pub(crate) extras: &'static [Extra],
    /// Attributes that others of the family have and this vendor has not, on a kind or on any.
    pub(crate) lacks: &'static [(Option<Kind>, &'static str)],
    /// Attributes that this vendor alone lets change after creation.
    pub(crate) also_updatable: &'static [(Kind, &'static str)],
    /// Attributes that only an administrator may change.
    pub(crate) admin_updates: &'static [(Kind, &'static str)],

    // What is shown.
    pub(crate) body: Body,
    pub(crate) paging: Paging,
    pub(crate) sort_pairs: SortPairs,
    pub(crate) fields: Fields,
    pub(crate) unknown_filter: UnknownFilter,
}

impl Rules {
    /// The kinds of object that keep one of `kind` from being deleted, in the order they are reported.
    pub(crate) const fn blockers(&self, kind: Kind) -> &'static [Kind] {
        match kind {
            Kind::LoadBalancer => self.load_balancer_blockers,
            Kind::Listener => self.listener_blockers,
            Kind::Pool => self.pool_blockers,
            Kind::Member | Kind::HealthMonitor | Kind::L7Policy | Kind::L7Rule => &[],
        }
    }

    /// Whether a listener may use a pool of that protocol.
    pub(crate) fn fits(&self, listener: Protocol, pool: Protocol) -> bool {
        self.pool_protocols_of
            .iter()
            .any(|(of, pools)| *of == listener && pools.contains(&pool))
    }

    /// Whether an attribute may change after creation although the family's others refuse it.
    pub(crate) fn lets_change(&self, kind: Kind, field: &str) -> bool {
        self.also_updatable.contains(&(kind, field))
    }

    /// Whether objects of a kind have an attribute that the family knows.
    pub(crate) fn has(&self, kind: Kind, field: &str) -> bool {
        let in_family = match field {
            "name" => kind != Kind::L7Rule,
            "description" => {
                matches!(
                    kind,
                    Kind::LoadBalancer | Kind::Listener | Kind::Pool | Kind::L7Policy
                )
            }
            _ => true,
        };
        in_family
            && !self
                .lacks
                .iter()
                .any(|(of, lacked)| *lacked == field && of.is_none_or(|of| of == kind))
    }

    /// The stored-and-echoed attributes of a kind.
    pub(crate) fn extras(&self, kind: Kind) -> impl Iterator<Item = &'static Extra> {
        self.extras.iter().filter(move |extra| extra.kind == kind)
    }
}

/// Whether `/members` lists the members of all pools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AllMembers {
    Listed,
    Absent,
}

/// Whether `/quotas` tells the quota of the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QuotaList {
    Told,
    Absent,
}

/// What `PUT .../members` means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Batch {
    /// `action` says whether the items are added, deleted, or take the place of all; so many at most.
    Actions { max: usize },
    /// The items take the place of all.
    Replace,
}

/// What a path means that ends where an id should follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EmptyId {
    /// An item without an id, which is refused.
    Item,
    /// The collection, as if the last slash were not there.
    Collection,
}

/// What a body on DELETE does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeleteBody {
    Ignored,
    Refused,
}

/// Whether the `Accept` header is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accept {
    Ignored,
    MustAdmitJson,
}

/// Whether answers carry `x-openstack-request-id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestId {
    Absent,
    Header,
}

/// When the right to write is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permission {
    /// Before the body and before the object is looked up.
    First,
    /// After the body and after the object was found.
    AfterLookup,
}

/// What an object of another project looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// As if it did not exist.
    Hidden,
    /// It exists and is forbidden.
    Forbidden,
}

/// How long a change takes to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settling {
    AtOnce,
    /// PENDING first, for the configured time.
    Later,
}

/// Which load balancer refuses changes below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lock {
    /// None does.
    Open,
    /// One that is PENDING.
    Pending,
    /// One that is not exactly ACTIVE (an ERROR one may still be deleted).
    NotActive,
}

/// Whether a load balancer can be deleted with all that it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cascade {
    Unknown,
    OnRequest,
}

/// What becomes of a policy whose target pool is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OrphanedPolicy {
    /// Its target becomes null.
    Cleared,
    /// Its target becomes null and its action REJECT.
    Rejects,
}

/// What makes two listeners of a load balancer clash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PortKey {
    Port,
    PortAndProtocol,
}

/// Whether several listeners may use one pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PoolSharing {
    OneListener,
    Free,
}

/// Whether the protocol of a policy's target pool is compared with the listener's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RedirectFit {
    Checked,
    Free,
}

/// What `redirect_pool_id: null` in an update does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RedirectNull {
    Clears,
    /// It clears, unless the same body also names an action that needs a pool.
    ClearsWithoutAction,
}

/// How often a type of rule may occur in a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RuleTypes {
    Once,
    Free,
}

/// What a session persistence may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Persistence {
    /// Type and cookie name.
    Plain,
    /// A timeout of 1 minute up to the bound too.
    Timeout {
        layer4: i64,
        layer7: i64,
        default_cookie: i64,
    },
    /// A timeout of any length and a netmask too.
    Granular,
}

/// What a policy's position means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Positions {
    /// Nothing; it is echoed, and is this when absent.
    Reserved(i64),
    /// Its place among the listener's policies; absent is the end.
    Ordered,
}

/// What places the virtual address of a load balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Vip {
    /// A subnet, always.
    Subnet,
    /// A subnet, a network or a port.
    SubnetNetworkOrPort,
}

/// Whether a member must name its subnet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MemberSubnet {
    Mandatory,
    Optional,
}

/// What the value of a rule may look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RuleValue {
    /// No spaces; a path starts with `/` unless it is a pattern; so long at most.
    Strict { host: usize, path: usize },
    /// Up to 255 characters; HEADER and COOKIE need a key.
    Keyed(LineBreaks),
}

/// Whether the value and the key of a rule may have several lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineBreaks {
    Kept,
    Refused,
}

/// Which attributes the bodies carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    Otc,
    Octavia,
    Neutron,
}

/// How lists are cut into pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paging {
    /// Only with `limit`; a link exists only if there is more.
    OnLimit,
    /// Always, with this page size; the next link exists whenever the page is full.
    Always { max: usize },
    /// Only with `limit`; the next link exists whenever the page is full.
    OnLimitFull,
}

/// How many `sort_dir` go with the `sort_key`s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SortPairs {
    /// As many.
    Equal,
    /// Those that are missing are ascending.
    Padded,
}

/// Whether `fields` selects attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fields {
    Ignored,
    Select,
}

/// What a filter by an attribute that does not exist does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnknownFilter {
    Ignored,
    Refused,
}

/// An attribute that is stored and echoed but changes nothing.
pub(crate) struct Extra {
    pub(crate) kind: Kind,
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
}

/// What the value of an [`Extra`] looks like.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// A string up to this length, or null; null when absent.
    Text(usize),
    /// A boolean with its default.
    Flag(bool),
    /// An integer in a range with its default.
    Integer(i64, i64, Option<i64>),
    /// One of a few words; the first is the default.
    Word(&'static [&'static str]),
    /// A list of strings; empty when absent.
    List,
    /// A list of strings, or null; null when absent.
    ListOrNull,
    /// An object; empty when absent.
    Object,
}

impl Shape {
    /// The value when the request has none.
    pub(crate) fn default(self) -> Value {
        match self {
            Self::Text(_) | Self::ListOrNull => Value::Null,
            Self::Flag(value) => json!(value),
            Self::Integer(_, _, value) => json!(value),
            Self::Word(words) => json!(words.first()),
            Self::List => json!([]),
            Self::Object => json!({}),
        }
    }
}

const fn extra(kind: Kind, name: &'static str, shape: Shape) -> Extra {
    Extra { kind, name, shape }
}
