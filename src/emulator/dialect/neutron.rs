//! OpenStack neutron-lbaas v2 (Rocky and later) with the driver that does nothing, at once.

use serde_json::json;
use uuid::Uuid;

use super::{
    Accept, AllMembers, Answer, Body, Cascade, DeleteBody, EmptyId, Extra, Fields, Foreign,
    LineBreaks, Lock, MemberSubnet, OrphanedPolicy, Paging, Permission, Persistence, PoolSharing,
    PortKey, Positions, QuotaList, RedirectFit, RedirectNull, RequestId, RuleTypes, RuleValue,
    Rules, Settling, Shape, SortPairs, UnknownFilter, Vip, extra,
};
use crate::emulator::model::{
    Algorithm, CompareType, Kind, MonitorType, PersistenceType, PolicyAction, Protocol, RuleType,
};
use crate::emulator::refusal::{Clash, Refusal};

pub(super) const RULES: Rules = Rules {
    prefixes: &["v2.0"],
    versions: &["v2.0"],
    tree_segments: &["statuses"],
    all_members: AllMembers::Absent,
    quota_list: QuotaList::Absent,
    batch: None,
    empty_id: EmptyId::Collection,
    delete_body: DeleteBody::Refused,
    accept: Accept::Ignored,
    request_id: RequestId::Header,
    answer,

    permission: Permission::AfterLookup,
    foreign: Foreign::Hidden,

    settling: Settling::AtOnce,
    lock: Lock::Pending,
    load_balancer_blockers: &[Kind::Listener, Kind::Pool],
    listener_blockers: &[Kind::L7Policy],
    pool_blockers: &[Kind::HealthMonitor],
    cascade: Cascade::Unknown,
    orphaned_policy: OrphanedPolicy::Rejects,

    port_key: PortKey::Port,
    pool_sharing: PoolSharing::Free,
    pool_protocols_of: &[
        (Protocol::Tcp, &[Protocol::Tcp]),
        (Protocol::Http, &[Protocol::Http]),
        (Protocol::Https, &[Protocol::Https, Protocol::Tcp]),
        (Protocol::TerminatedHttps, &[Protocol::Http]),
    ],
    monitor_types_of: &[
        (Protocol::Tcp, MONITORS),
        (Protocol::Http, MONITORS),
        (Protocol::Https, MONITORS),
    ],
    policy_listeners: &[Protocol::Http, Protocol::TerminatedHttps],
    redirect_fit: RedirectFit::Free,
    redirect_null: RedirectNull::ClearsWithoutAction,
    rule_types_per_policy: RuleTypes::Free,
    persistence: Persistence::Plain,
    positions: Positions::Ordered,

    providers: None,
    default_provider: "noop",
    vip: Vip::Subnet,
    listener_protocols: &[
        Protocol::Tcp,
        Protocol::Http,
        Protocol::Https,
        Protocol::TerminatedHttps,
    ],
    reserved_ports: &[],
    pool_protocols: &[Protocol::Tcp, Protocol::Http, Protocol::Https],
    algorithms: &[
        Algorithm::RoundRobin,
        Algorithm::LeastConnections,
        Algorithm::SourceIp,
    ],
    persistence_types: &[
        PersistenceType::SourceIp,
        PersistenceType::HttpCookie,
        PersistenceType::AppCookie,
    ],
    weight: 0..=256,
    member_subnet: MemberSubnet::Mandatory,
    monitor_types: MONITORS,
    delay: 0..=i32::MAX as i64,
    monitor_timeout: 0..=i32::MAX as i64,
    policy_actions: &[
        PolicyAction::Reject,
        PolicyAction::RedirectToPool,
        PolicyAction::RedirectToUrl,
    ],
    position: 1..=i32::MAX as i64,
    inline_rules: 0..=0,
    rule_types: &[
        RuleType::HostName,
        RuleType::Path,
        RuleType::FileType,
        RuleType::Header,
        RuleType::Cookie,
    ],
    compare_types: &[
        (RuleType::HostName, COMPARE_TYPES),
        (RuleType::Path, COMPARE_TYPES),
        (
            RuleType::FileType,
            &[CompareType::EqualTo, CompareType::Regex],
        ),
        (RuleType::Header, COMPARE_TYPES),
        (RuleType::Cookie, COMPARE_TYPES),
    ],
    rule_value: RuleValue::Keyed(LineBreaks::Kept),
    project: 255,
    extras: EXTRAS,
    lacks: &[
        (Some(Kind::L7Policy), "redirect_listener_id"),
        (Some(Kind::HealthMonitor), "monitor_port"),
        (Some(Kind::HealthMonitor), "domain_name"),
        (None, "tags"),
    ],
    also_updatable: &[
        (Kind::L7Policy, "action"),
        (Kind::L7Policy, "position"),
        (Kind::L7Policy, "redirect_url"),
        (Kind::L7Rule, "type"),
    ],
    admin_updates: &[],

    body: Body::Neutron,
    paging: Paging::OnLimitFull,
    sort_pairs: SortPairs::Equal,
    fields: Fields::Select,
    unknown_filter: UnknownFilter::Ignored,
};

const MONITORS: &[MonitorType] = &[
    MonitorType::Ping,
    MonitorType::Tcp,
    MonitorType::Http,
    MonitorType::Https,
];

const COMPARE_TYPES: &[CompareType] = &[
    CompareType::EqualTo,
    CompareType::StartsWith,
    CompareType::EndsWith,
    CompareType::Contains,
    CompareType::Regex,
];

const EXTRAS: &[Extra] = &[extra(Kind::Listener, "sni_container_refs", Shape::List)];

fn answer(refusal: &Refusal, _request: Uuid) -> Answer {
    let message = refusal;
    match refusal {
        Refusal::Unauthenticated => Answer::keystone(),
        // An unknown URI never reaches the part that speaks NeutronError.
        Refusal::NoRoute { .. } | Refusal::NoVersion { .. } => Answer::json(
            404,
            json!({"code": "404 Not Found", "message": message.to_string(), "title": "Not Found"}),
        ),
        Refusal::WrongMethod { allow } => {
            Answer::neutron(405, "HTTPMethodNotAllowed", message).with("allow", *allow)
        }
        Refusal::NotAcceptable => Answer::neutron(406, "HTTPNotAcceptable", message),
        Refusal::TooLarge { .. } => Answer::neutron(413, "HTTPRequestEntityTooLarge", message),
        Refusal::TooSlow { .. } => Answer::neutron(408, "HTTPRequestTimeout", message),
        Refusal::BadBody { .. }
        | Refusal::BodyOnDelete
        | Refusal::EmptyId
        | Refusal::Missing { .. }
        | Refusal::TooLong { .. }
        | Refusal::Invalid { .. }
        | Refusal::UnknownField { .. }
        | Refusal::CreateOnly { .. }
        | Refusal::BadQuery { .. } => Answer::neutron(400, "HTTPBadRequest", message),
        Refusal::OtherProject | Refusal::Forbidden => {
            Answer::neutron(403, "PolicyNotAuthorized", message)
        }
        Refusal::NotFound { kind, id } => Answer::neutron(
            404,
            "EntityNotFound",
            format_args!("{} {id} could not be found", kind.as_str()),
        ),
        Refusal::InUse {
            kind, by_kind, by, ..
        } => {
            let message = format!("{} is using {} {by}", kind.as_str(), by_kind.as_str());
            Answer::neutron(409, "EntityInUse", message)
        }
        Refusal::Immutable {
            load_balancer,
            state,
        } => {
            let message = format!(
                "Invalid state {} of loadbalancer resource {load_balancer}",
                state.as_str()
            );
            Answer::neutron(409, "StateInvalid", message)
        }
        Refusal::Quota { .. } => Answer::neutron(409, "OverQuota", message),
        Refusal::Fault => Answer::neutron(500, "HTTPInternalServerError", message),
        Refusal::Clash { clash, .. } => {
            let class = match clash {
                Clash::PortTaken => "LoadBalancerListenerProtocolPortExists",
                Clash::ProtocolMismatch => "ListenerPoolProtocolMismatch",
                Clash::DefaultPoolTaken => "ListenerDefaultPoolAlreadySet",
                Clash::PoolTaken => "EntityInUse",
                Clash::OtherLoadBalancer => "ListenerAndPoolMustBeOnSameLoadbalancer",
                Clash::DuplicateMember => "MemberExists",
                Clash::DuplicateMonitor => "OneHealthMonitorPerPool",
                Clash::DuplicateRule => "RuleTypeExists",
                Clash::MonitorType => "HealthMonitorTypeMismatch",
                Clash::PolicyListener => "L7PolicyListenerProtocolMismatch",
                Clash::RedirectMissing => "L7PolicyRedirectPoolIdMissing",
                Clash::RedirectTarget => "L7PolicyRedirectTargetInvalid",
            };
            Answer::neutron(409, class, message)
        }
    }
}
