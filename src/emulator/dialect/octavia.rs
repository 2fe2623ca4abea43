//! OpenStack Octavia, v2.

use std::fmt::{Arguments, Display};

use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::{
    Accept, AllMembers, Answer, Batch, Body, Cascade, DeleteBody, EmptyId, Extra, Fields, Foreign,
    LineBreaks, Lock, MemberSubnet, OrphanedPolicy, Paging, Permission, Persistence, PoolSharing,
    PortKey, Positions, QuotaList, RedirectFit, RedirectNull, RequestId, RuleTypes, RuleValue,
    Rules, Settling, Shape, SortPairs, UnknownFilter, Vip, extra,
};
use crate::emulator::model::{
    Algorithm, CompareType, Kind, MonitorType, PersistenceType, PolicyAction, Protocol, RuleType,
};
use crate::emulator::refusal::{Clash, Refusal};

pub(super) const RULES: Rules = Rules {
    prefixes: &["v2.0", "v2"],
    versions: &["v2.0", "v2.1", "v2.2", "v2.3", "v2.4", "v2.5"],
    tree_segments: &["status", "statuses"],
    all_members: AllMembers::Absent,
    quota_list: QuotaList::Told,
    batch: Some(Batch::Replace),
    empty_id: EmptyId::Collection,
    delete_body: DeleteBody::Ignored,
    accept: Accept::MustAdmitJson,
    request_id: RequestId::Header,
    answer,

    permission: Permission::AfterLookup,
    foreign: Foreign::Forbidden,

    settling: Settling::Later,
    lock: Lock::NotActive,
    load_balancer_blockers: &[Kind::Listener, Kind::Pool],
    listener_blockers: &[],
    pool_blockers: &[Kind::L7Policy],
    cascade: Cascade::OnRequest,
    orphaned_policy: OrphanedPolicy::Cleared,

    port_key: PortKey::PortAndProtocol,
    pool_sharing: PoolSharing::Free,
    pool_protocols_of: &[
        (
            Protocol::Tcp,
            &[
                Protocol::Tcp,
                Protocol::Http,
                Protocol::Https,
                Protocol::Proxy,
                Protocol::ProxyV2,
            ],
        ),
        (
            Protocol::Http,
            &[Protocol::Http, Protocol::Proxy, Protocol::ProxyV2],
        ),
        (
            Protocol::Https,
            &[
                Protocol::Https,
                Protocol::Tcp,
                Protocol::Proxy,
                Protocol::ProxyV2,
            ],
        ),
        (
            Protocol::TerminatedHttps,
            &[
                Protocol::Http,
                Protocol::Https,
                Protocol::Proxy,
                Protocol::ProxyV2,
            ],
        ),
        (Protocol::Udp, &[Protocol::Udp]),
        (Protocol::Sctp, &[Protocol::Sctp]),
    ],
    monitor_types_of: &[
        (Protocol::Udp, DATAGRAM_MONITORS),
        (Protocol::Sctp, DATAGRAM_MONITORS),
        (Protocol::Tcp, STREAM_MONITORS),
        (Protocol::Http, STREAM_MONITORS),
        (Protocol::Https, STREAM_MONITORS),
        (Protocol::Proxy, STREAM_MONITORS),
        (Protocol::ProxyV2, STREAM_MONITORS),
    ],
    policy_listeners: &[Protocol::Http, Protocol::TerminatedHttps],
    redirect_fit: RedirectFit::Checked,
    redirect_null: RedirectNull::Clears,
    rule_types_per_policy: RuleTypes::Free,
    persistence: Persistence::Granular,
    positions: Positions::Ordered,

    providers: None,
    default_provider: "octavia",
    vip: Vip::SubnetNetworkOrPort,
    listener_protocols: &[
        Protocol::Http,
        Protocol::Https,
        Protocol::Tcp,
        Protocol::TerminatedHttps,
        Protocol::Udp,
        Protocol::Sctp,
        Protocol::Prometheus,
    ],
    reserved_ports: &[],
    pool_protocols: &[
        Protocol::Http,
        Protocol::Https,
        Protocol::Tcp,
        Protocol::Proxy,
        Protocol::ProxyV2,
        Protocol::Udp,
        Protocol::Sctp,
    ],
    algorithms: &[
        Algorithm::RoundRobin,
        Algorithm::LeastConnections,
        Algorithm::SourceIp,
        Algorithm::SourceIpPort,
    ],
    persistence_types: &[
        PersistenceType::SourceIp,
        PersistenceType::HttpCookie,
        PersistenceType::AppCookie,
    ],
    weight: 0..=256,
    member_subnet: MemberSubnet::Optional,
    monitor_types: &[
        MonitorType::Http,
        MonitorType::Https,
        MonitorType::Ping,
        MonitorType::Sctp,
        MonitorType::Tcp,
        MonitorType::TlsHello,
        MonitorType::UdpConnect,
    ],
    delay: 0..=i32::MAX as i64,
    monitor_timeout: 0..=i32::MAX as i64,
    policy_actions: &[
        PolicyAction::RedirectToPool,
        PolicyAction::RedirectToUrl,
        PolicyAction::RedirectPrefix,
        PolicyAction::Reject,
    ],
    position: 1..=i32::MAX as i64,
    inline_rules: 0..=50,
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
    rule_value: RuleValue::Keyed(LineBreaks::Refused),
    project: 36,
    extras: EXTRAS,
    lacks: &[
        (Some(Kind::L7Policy), "redirect_listener_id"),
        (Some(Kind::HealthMonitor), "monitor_port"),
    ],
    also_updatable: &[
        (Kind::L7Policy, "action"),
        (Kind::L7Policy, "position"),
        (Kind::L7Policy, "redirect_url"),
        (Kind::L7Rule, "type"),
    ],
    admin_updates: &[],

    body: Body::Octavia,
    paging: Paging::Always { max: 1000 },
    sort_pairs: SortPairs::Padded,
    fields: Fields::Select,
    unknown_filter: UnknownFilter::Refused,
};

const DATAGRAM_MONITORS: &[MonitorType] = &[
    MonitorType::UdpConnect,
    MonitorType::Sctp,
    MonitorType::Tcp,
    MonitorType::Http,
];

const STREAM_MONITORS: &[MonitorType] = &[
    MonitorType::Http,
    MonitorType::Https,
    MonitorType::Ping,
    MonitorType::Tcp,
    MonitorType::TlsHello,
];

const COMPARE_TYPES: &[CompareType] = &[
    CompareType::EqualTo,
    CompareType::StartsWith,
    CompareType::EndsWith,
    CompareType::Contains,
    CompareType::Regex,
];

const EXTRAS: &[Extra] = &[
    extra(Kind::LoadBalancer, "vip_network_id", Shape::Text(36)),
    extra(Kind::LoadBalancer, "vip_qos_policy_id", Shape::Text(36)),
    extra(Kind::LoadBalancer, "flavor_id", Shape::Text(36)),
    extra(Kind::LoadBalancer, "availability_zone", Shape::Text(255)),
    extra(Kind::Listener, "insert_headers", Shape::Object),
    extra(Kind::Listener, "sni_container_refs", Shape::List),
    extra(
        Kind::Listener,
        "client_ca_tls_container_ref",
        Shape::Text(255),
    ),
    extra(Kind::Listener, "client_crl_container_ref", Shape::Text(255)),
    extra(
        Kind::Listener,
        "client_authentication",
        Shape::Word(&["NONE", "OPTIONAL", "MANDATORY"]),
    ),
    extra(
        Kind::Listener,
        "timeout_client_data",
        Shape::Integer(0, 86_400_000, Some(50_000)),
    ),
    extra(
        Kind::Listener,
        "timeout_member_connect",
        Shape::Integer(0, 86_400_000, Some(5_000)),
    ),
    extra(
        Kind::Listener,
        "timeout_member_data",
        Shape::Integer(0, 86_400_000, Some(50_000)),
    ),
    extra(
        Kind::Listener,
        "timeout_tcp_inspect",
        Shape::Integer(0, 86_400_000, Some(0)),
    ),
    extra(Kind::Listener, "allowed_cidrs", Shape::ListOrNull),
    extra(Kind::Listener, "tls_ciphers", Shape::Text(2048)),
    extra(Kind::Listener, "tls_versions", Shape::ListOrNull),
    extra(Kind::Listener, "alpn_protocols", Shape::ListOrNull),
    extra(Kind::Pool, "tls_enabled", Shape::Flag(false)),
    extra(Kind::Pool, "tls_container_ref", Shape::Text(255)),
    extra(Kind::Pool, "ca_tls_container_ref", Shape::Text(255)),
    extra(Kind::Pool, "crl_container_ref", Shape::Text(255)),
    extra(Kind::Pool, "tls_ciphers", Shape::Text(2048)),
    extra(Kind::Pool, "tls_versions", Shape::ListOrNull),
    extra(Kind::Pool, "alpn_protocols", Shape::ListOrNull),
    extra(Kind::Member, "backup", Shape::Flag(false)),
    extra(Kind::Member, "monitor_address", Shape::Text(64)),
    extra(
        Kind::Member,
        "monitor_port",
        Shape::Integer(1, 65_535, None),
    ),
    extra(Kind::L7Policy, "redirect_prefix", Shape::Text(255)),
    extra(
        Kind::L7Policy,
        "redirect_http_code",
        Shape::Integer(301, 308, None),
    ),
];

/// The name of a kind in a sentence.
const fn noun(kind: Kind) -> &'static str {
    match kind {
        Kind::LoadBalancer => "Load Balancer",
        Kind::Listener => "Listener",
        Kind::Pool => "Pool",
        Kind::Member => "Member",
        Kind::HealthMonitor => "Health Monitor",
        Kind::L7Policy => "L7 policy",
        Kind::L7Rule => "L7 rule",
    }
}

#[derive(Serialize)]
struct Fault<'a> {
    faultcode: &'static str,
    faultstring: Arguments<'a>,
    debuginfo: (),
}

fn fault(status: u16, text: impl Display) -> Answer {
    let fault = Fault {
        faultcode: if status < 500 { "Client" } else { "Server" },
        faultstring: format_args!("{text}"),
        debuginfo: (),
    };
    Answer::json(status, fault)
}

fn answer(refusal: &Refusal, request: Uuid) -> Answer {
    let message = refusal;
    match refusal {
        Refusal::Unauthenticated => Answer::keystone(),
        Refusal::NoRoute { .. } | Refusal::NoVersion { .. } => fault(404, message),
        Refusal::WrongMethod { allow } => fault(405, message).with("allow", *allow),
        Refusal::NotAcceptable => {
            let error = json!({
                "status": 406, "title": "Not Acceptable", "detail": message.to_string(),
                "request_id": request.simple().to_string(),
            });
            Answer::json(406, json!({"errors": [error]}))
        }
        Refusal::TooLarge { .. } => fault(413, message),
        Refusal::TooSlow { .. } => fault(408, message),
        Refusal::BadBody { .. }
        | Refusal::BodyOnDelete
        | Refusal::EmptyId
        | Refusal::Missing { .. }
        | Refusal::TooLong { .. }
        | Refusal::Invalid { .. }
        | Refusal::UnknownField { .. }
        | Refusal::CreateOnly { .. }
        | Refusal::BadQuery { .. } => fault(400, message),
        Refusal::OtherProject | Refusal::Forbidden => {
            fault(403, "Policy does not allow this request to be performed.")
        }
        Refusal::NotFound { kind, id } => {
            fault(404, format_args!("{} {id} not found.", noun(*kind)))
        }
        Refusal::InUse {
            kind: kind @ Kind::LoadBalancer,
            id,
            by_kind,
            by,
        } => {
            let text = format!(
                "{} {id} has children, among them {} {by}",
                noun(*kind),
                noun(*by_kind)
            );
            fault(400, text)
        }
        Refusal::InUse {
            kind,
            id,
            by_kind,
            by,
        } => fault(
            409,
            format_args!("{} {id} is in use by {} {by}", noun(*kind), noun(*by_kind)),
        ),
        Refusal::Immutable { load_balancer, .. } => fault(
            409,
            format_args!("Load Balancer {load_balancer} is immutable and cannot be updated."),
        ),
        Refusal::Quota { .. } => fault(403, message),
        Refusal::Fault => fault(500, message),
        Refusal::Clash { clash, .. } => match clash {
            Clash::PortTaken
            | Clash::DefaultPoolTaken
            | Clash::PoolTaken
            | Clash::DuplicateMember
            | Clash::DuplicateMonitor
            | Clash::DuplicateRule => fault(409, message),
            Clash::ProtocolMismatch
            | Clash::OtherLoadBalancer
            | Clash::MonitorType
            | Clash::PolicyListener
            | Clash::RedirectMissing
            | Clash::RedirectTarget => fault(400, message),
        },
    }
}
