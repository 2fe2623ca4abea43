//! Open Telekom Cloud, enhanced load balancer, v2.0.
//!
//! Its front end checks tokens, mandatory fields and quotas and answers with `ELB.xxxx` codes; what the
//! engine behind it refuses keeps the engine's NeutronError.
//!
//! Where its documents are silent, this is chosen: every blocked deletion is 409 EntityInUse, reported in
//! the order member, monitor, policy; a listener's default pool can be deleted; a policy blocks its
//! listener, and listeners and pools their load balancer; an id that is malformed or another project's is
//! not found; the right to write is judged before the body and the object; a body on DELETE is ignored;
//! an attribute that the documents do not name is refused, a filter that they do not name is ignored.

use std::fmt::{Arguments, Display};

use serde::Serialize;
use uuid::Uuid;

use super::{
    Accept, AllMembers, Answer, Batch, Body, Cascade, DeleteBody, EmptyId, Extra, Fields, Foreign,
    Lock, MemberSubnet, OrphanedPolicy, Paging, Permission, Persistence, PoolSharing, PortKey,
    Positions, QuotaList, RedirectFit, RedirectNull, RequestId, RuleTypes, RuleValue, Rules,
    Settling, Shape, SortPairs, UnknownFilter, Vip, extra,
};
use crate::emulator::model::{
    Algorithm, CompareType, Kind, MonitorType, PersistenceType, PolicyAction, Protocol, RuleType,
};
use crate::emulator::refusal::{Clash, Refusal};

pub(super) const RULES: Rules = Rules {
    prefixes: &["v2.0"],
    versions: &["v2.0"],
    tree_segments: &["statuses"],
    all_members: AllMembers::Listed,
    quota_list: QuotaList::Absent,
    batch: Some(Batch::Actions { max: 200 }),
    empty_id: EmptyId::Item,
    delete_body: DeleteBody::Ignored,
    accept: Accept::Ignored,
    request_id: RequestId::Absent,
    answer,

    permission: Permission::First,
    foreign: Foreign::Hidden,

    settling: Settling::AtOnce,
    lock: Lock::Open,
    load_balancer_blockers: &[Kind::Listener, Kind::Pool],
    listener_blockers: &[Kind::Pool, Kind::L7Policy],
    pool_blockers: &[Kind::Member, Kind::HealthMonitor, Kind::L7Policy],
    cascade: Cascade::Unknown,
    orphaned_policy: OrphanedPolicy::Cleared,

    port_key: PortKey::Port,
    pool_sharing: PoolSharing::OneListener,
    pool_protocols_of: &[
        (Protocol::Tcp, &[Protocol::Tcp]),
        (Protocol::Udp, &[Protocol::Udp]),
        (Protocol::Http, &[Protocol::Http]),
        (Protocol::TerminatedHttps, &[Protocol::Http]),
    ],
    monitor_types_of: &[
        (Protocol::Udp, &[MonitorType::UdpConnectUnderscore]),
        (Protocol::Tcp, &[MonitorType::Tcp, MonitorType::Http]),
        (Protocol::Http, &[MonitorType::Tcp, MonitorType::Http]),
    ],
    policy_listeners: &[Protocol::Http, Protocol::TerminatedHttps],
    redirect_fit: RedirectFit::Checked,
    redirect_null: RedirectNull::Clears,
    rule_types_per_policy: RuleTypes::Once,
    persistence: Persistence::Timeout {
        layer4: 60,
        layer7: 1440,
        default_cookie: 1440,
    },
    positions: Positions::Reserved(100),

    providers: Some(&["vlb"]),
    default_provider: "vlb",
    vip: Vip::Subnet,
    listener_protocols: &[
        Protocol::Tcp,
        Protocol::Http,
        Protocol::Udp,
        Protocol::TerminatedHttps,
    ],
    reserved_ports: &[(Protocol::Udp, 4789)],
    pool_protocols: &[Protocol::Tcp, Protocol::Udp, Protocol::Http],
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
    weight: 0..=100,
    member_subnet: MemberSubnet::Mandatory,
    monitor_types: &[
        MonitorType::Tcp,
        MonitorType::UdpConnectUnderscore,
        MonitorType::Http,
    ],
    delay: 1..=50,
    monitor_timeout: 1..=50,
    policy_actions: &[
        PolicyAction::RedirectToPool,
        PolicyAction::RedirectToListener,
    ],
    position: 1..=100,
    inline_rules: 0..=2,
    rule_types: &[RuleType::HostName, RuleType::Path],
    compare_types: &[
        (RuleType::HostName, &[CompareType::EqualTo]),
        (
            RuleType::Path,
            &[
                CompareType::Regex,
                CompareType::StartsWith,
                CompareType::EqualTo,
            ],
        ),
    ],
    rule_value: RuleValue::Strict {
        host: 100,
        path: 128,
    },
    project: 255,
    extras: EXTRAS,
    lacks: &[(None, "project_id")],
    also_updatable: &[(Kind::HealthMonitor, "type")],
    admin_updates: &[(Kind::Listener, "connection_limit")],

    body: Body::Otc,
    paging: Paging::OnLimit,
    sort_pairs: SortPairs::Equal,
    fields: Fields::Ignored,
    unknown_filter: UnknownFilter::Ignored,
};

const TLS_POLICIES: &[&str] = &[
    "tls-1-0",
    "tls-1-0-inherit",
    "tls-1-1",
    "tls-1-2",
    "tls-1-2-strict",
];

const EXTRAS: &[Extra] = &[
    extra(Kind::Listener, "http2_enable", Shape::Flag(false)),
    extra(
        Kind::Listener,
        "client_ca_tls_container_ref",
        Shape::Text(128),
    ),
    extra(Kind::Listener, "sni_container_refs", Shape::List),
    extra(
        Kind::Listener,
        "tls_ciphers_policy",
        Shape::Word(TLS_POLICIES),
    ),
];

/// The front end's envelope; the documents name its codes but not its shape.
#[derive(Serialize)]
struct Front<'a> {
    error_code: &'a str,
    error_msg: Arguments<'a>,
    request_id: Arguments<'a>,
}

fn front(status: u16, code: &str, message: impl Display, request: Uuid) -> Answer {
    let error = Front {
        error_code: code,
        error_msg: format_args!("{message}"),
        request_id: format_args!("{}", request.simple()),
    };
    Answer::json(status, error)
}

fn answer(refusal: &Refusal, request: Uuid) -> Answer {
    let message = refusal;
    match refusal {
        Refusal::Unauthenticated => front(401, "ELB.1102", message, request),
        Refusal::NoRoute { .. } => front(404, "APIGW.0101", message, request),
        Refusal::NoVersion { .. } => front(404, "ELB.1110", message, request),
        Refusal::WrongMethod { allow } => {
            front(405, "APIGW.0101", message, request).with("allow", *allow)
        }
        Refusal::NotAcceptable => front(406, "ELB.0002", message, request),
        Refusal::TooLarge { .. } => front(413, "ELB.0002", message, request),
        Refusal::TooSlow { .. } => front(408, "ELB.0002", message, request),
        Refusal::BadBody { .. } | Refusal::BodyOnDelete => front(400, "ELB.0002", message, request),
        Refusal::EmptyId => front(400, "ELB.9806", message, request),
        Refusal::Missing { .. } | Refusal::TooLong { .. } => {
            front(400, "ELB.9805", message, request)
        }
        Refusal::Invalid { .. }
        | Refusal::UnknownField { .. }
        | Refusal::CreateOnly { .. }
        | Refusal::BadQuery { .. } => front(400, "ELB.9899", message, request),
        Refusal::OtherProject => front(400, "ELB.9808", message, request),
        Refusal::Forbidden => front(403, "ELB.9802", message, request),
        Refusal::Quota { .. } => front(400, "ELB.9807", message, request),
        Refusal::NotFound { kind, id } => Answer::neutron(
            404,
            "EntityNotFound",
            format_args!("{} {id} could not be found", kind.as_str()),
        ),
        Refusal::InUse {
            kind, by_kind, by, ..
        } => {
            let message = format!("{} {by} is using this {}", by_kind.as_str(), kind.as_str());
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
        Refusal::Fault => Answer::neutron(500, "HTTPInternalServerError", message),
        Refusal::Clash { clash, .. } => match clash {
            Clash::PortTaken => front(400, "ELB.6200", message, request),
            Clash::MonitorType
            | Clash::PolicyListener
            | Clash::RedirectMissing
            | Clash::OtherLoadBalancer => front(400, "ELB.9899", message, request),
            Clash::ProtocolMismatch => {
                Answer::neutron(409, "ListenerPoolProtocolMismatch", message)
            }
            Clash::DefaultPoolTaken => {
                Answer::neutron(409, "ListenerDefaultPoolAlreadySet", message)
            }
            Clash::PoolTaken | Clash::RedirectTarget => {
                Answer::neutron(409, "EntityInUse", message)
            }
            Clash::DuplicateMember => Answer::neutron(409, "MemberExists", message),
            Clash::DuplicateMonitor => Answer::neutron(409, "OneHealthMonitorPerPool", message),
            Clash::DuplicateRule => Answer::neutron(409, "RuleTypeExists", message),
        },
    }
}
