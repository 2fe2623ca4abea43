//! The entities as plain data; nothing here decides anything.

use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

/// An enum whose variants are words of the wire.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($variant:ident => $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum $name { $($variant),+ }

        impl $name {
            /// The word on the wire.
            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl Word for $name {
            fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
            fn word(self) -> &'static str {
                self.as_str()
            }
        }
    };
}

/// A value that is one of a few words on the wire.
pub(crate) trait Word: Copy + PartialEq + 'static {
    /// The value of a word, in its exact spelling.
    fn parse(word: &str) -> Option<Self>;
    /// The word of the value.
    fn word(self) -> &'static str;
}

words! {
    /// The kinds of object, named as in a body.
    Kind {
        LoadBalancer => "loadbalancer",
        Listener => "listener",
        Pool => "pool",
        Member => "member",
        HealthMonitor => "healthmonitor",
        L7Policy => "l7policy",
        L7Rule => "rule",
    }
}

impl Kind {
    /// The key of a list, which is the path segment too.
    pub(crate) const fn plural(self) -> &'static str {
        match self {
            Self::LoadBalancer => "loadbalancers",
            Self::Listener => "listeners",
            Self::Pool => "pools",
            Self::Member => "members",
            Self::HealthMonitor => "healthmonitors",
            Self::L7Policy => "l7policies",
            Self::L7Rule => "rules",
        }
    }
}

words! {
    /// The provisioning status.
    Provisioning {
        Active => "ACTIVE",
        PendingCreate => "PENDING_CREATE",
        PendingUpdate => "PENDING_UPDATE",
        PendingDelete => "PENDING_DELETE",
        Error => "ERROR",
    }
}

words! {
    /// Protocols of listeners and pools.
    Protocol {
        Tcp => "TCP",
        Udp => "UDP",
        Http => "HTTP",
        Https => "HTTPS",
        TerminatedHttps => "TERMINATED_HTTPS",
        Proxy => "PROXY",
        ProxyV2 => "PROXYV2",
        Sctp => "SCTP",
        Prometheus => "PROMETHEUS",
    }
}

words! {
    /// How a pool spreads its load.
    Algorithm {
        RoundRobin => "ROUND_ROBIN",
        LeastConnections => "LEAST_CONNECTIONS",
        SourceIp => "SOURCE_IP",
        SourceIpPort => "SOURCE_IP_PORT",
    }
}

words! {
    /// What ties a client to a member.
    PersistenceType {
        SourceIp => "SOURCE_IP",
        HttpCookie => "HTTP_COOKIE",
        AppCookie => "APP_COOKIE",
    }
}

words! {
    /// How a monitor looks at a member; the vendors spell the UDP one differently.
    MonitorType {
        Tcp => "TCP",
        Http => "HTTP",
        Https => "HTTPS",
        Ping => "PING",
        TlsHello => "TLS-HELLO",
        Sctp => "SCTP",
        UdpConnect => "UDP-CONNECT",
        UdpConnectUnderscore => "UDP_CONNECT",
    }
}

words! {
    /// What a policy does with a request that its rules match.
    PolicyAction {
        RedirectToPool => "REDIRECT_TO_POOL",
        RedirectToListener => "REDIRECT_TO_LISTENER",
        RedirectToUrl => "REDIRECT_TO_URL",
        RedirectPrefix => "REDIRECT_PREFIX",
        Reject => "REJECT",
    }
}

words! {
    /// What a rule looks at.
    RuleType {
        HostName => "HOST_NAME",
        Path => "PATH",
        FileType => "FILE_TYPE",
        Header => "HEADER",
        Cookie => "COOKIE",
    }
}

words! {
    /// How a rule compares.
    CompareType {
        EqualTo => "EQUAL_TO",
        StartsWith => "STARTS_WITH",
        EndsWith => "ENDS_WITH",
        Contains => "CONTAINS",
        Regex => "REGEX",
    }
}

/// What every object has.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Common {
    pub(crate) id: Uuid,
    /// Position in the order of creation; ids are random and say nothing about it.
    pub(crate) sequence: u64,
    pub(crate) project: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) admin_state_up: bool,
    pub(crate) tags: Vec<String>,
    pub(crate) created: Timestamp,
    pub(crate) updated: Option<Timestamp>,
    pub(crate) provisioning: Provisioning,
    /// Attributes that are stored and echoed but change nothing (`dialect::Extra`).
    pub(crate) extra: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LoadBalancer {
    pub(crate) common: Common,
    pub(crate) vip_subnet: Option<Uuid>,
    pub(crate) vip_address: String,
    pub(crate) vip_port: Uuid,
    pub(crate) provider: String,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Listener {
    pub(crate) common: Common,
    pub(crate) load_balancer: Uuid,
    pub(crate) protocol: Protocol,
    pub(crate) port: u16,
    pub(crate) default_pool: Option<Uuid>,
    pub(crate) connection_limit: i64,
    pub(crate) default_tls_container: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pool {
    pub(crate) common: Common,
    pub(crate) load_balancer: Uuid,
    pub(crate) protocol: Protocol,
    pub(crate) algorithm: Algorithm,
    pub(crate) persistence: Option<SessionPersistence>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SessionPersistence {
    pub(crate) kind: PersistenceType,
    pub(crate) cookie_name: Option<String>,
    /// Minutes.
    pub(crate) timeout: Option<i64>,
    pub(crate) granularity: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member {
    pub(crate) common: Common,
    pub(crate) pool: Uuid,
    pub(crate) address: String,
    pub(crate) port: u16,
    pub(crate) subnet: Option<Uuid>,
    pub(crate) weight: i64,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HealthMonitor {
    pub(crate) common: Common,
    pub(crate) pool: Uuid,
    pub(crate) probe: Probe,
}

/// What a health monitor does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Probe {
    pub(crate) kind: MonitorType,
    /// Seconds between two looks.
    pub(crate) delay: i64,
    /// Seconds that one look may take.
    pub(crate) timeout: i64,
    pub(crate) max_retries: i64,
    pub(crate) max_retries_down: i64,
    pub(crate) port: Option<i64>,
    pub(crate) domain_name: Option<String>,
    pub(crate) url_path: Option<String>,
    pub(crate) expected_codes: Option<String>,
    pub(crate) http_method: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct L7Policy {
    pub(crate) common: Common,
    pub(crate) listener: Uuid,
    pub(crate) action: PolicyAction,
    pub(crate) redirect_pool: Option<Uuid>,
    pub(crate) redirect_listener: Option<Uuid>,
    pub(crate) redirect_url: Option<String>,
    pub(crate) position: i64,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct L7Rule {
    pub(crate) common: Common,
    pub(crate) policy: Uuid,
    pub(crate) test: Match,
}

/// What a rule asks of a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Match {
    pub(crate) kind: RuleType,
    pub(crate) compare: CompareType,
    pub(crate) value: String,
    pub(crate) key: Option<String>,
    pub(crate) invert: bool,
}
