//! What an emulator is told before it starts.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::defect::Defect;
use super::dialect::Dialect;

/// The project of `assize-owner` and `assize-readonly`.
pub const PROJECT_A: &str = "a0c0ffee5e55a11ad0bea75e1ec70a00";

/// The project of `assize-other`.
pub const PROJECT_B: &str = "b0c0ffee5e55a11ad0bea75e1ec70b00";

/// The project of `assize-limited`, which has room for one pool.
pub const PROJECT_LIMITED: &str = "d0c0ffee5e55a11ad0bea75e1ec70d00";

/// The project that `assize-admin` is scoped to.
const PROJECT_ADMIN: &str = "c0c0ffee5e55a11ad0bea75e1ec70c00";

/// Everything that shapes one emulator.
#[derive(Debug, Clone)]
pub struct Config {
    /// Whose behaviour is emulated.
    pub dialect: Dialect,
    /// How long a `PENDING_*` state lasts where the dialect has lasting ones; drawn evenly from the range.
    pub pending: RangeInclusive<Duration>,
    /// The tokens that are accepted, and what each may do.
    pub identities: Vec<Identity>,
    /// How many objects of each kind a project may own.
    pub quotas: Quotas,
    /// The quotas of projects that have quotas of their own.
    pub project_quotas: BTreeMap<String, Quotas>,
    /// What is done wrong on purpose; a defect that the dialect does not have changes nothing.
    pub defects: Vec<Defect>,
    /// How long a token lives that the identity service issues; those of `identities` live for ever.
    pub token_life: Duration,
    /// Requests a second that are let in; what is more is answered with 429.
    pub rate: Option<f64>,
    /// Of a hundred requests, how many are answered with 503 or 429 for no reason, and not carried out.
    pub unstable: f64,
    /// Whether it is counted which requests ask for a change, by method and path.
    pub count: bool,
    /// How many connections are open at once; whoever comes then takes the place of those that have waited the
    /// longest for a request.
    pub connections: usize,
    /// How long a client may take for the head of a request, for its body, and for reading the answer.
    pub patience: Duration,
    /// Seed of everything random, ids included: equal seeds and requests give equal answers.
    pub seed: u64,
}

impl Config {
    /// The documented defaults of a dialect: its quotas, PENDING states of about 20 ms, and the tokens
    /// `assize-owner`, `assize-other`, `assize-readonly`, `assize-admin`, and `assize-limited` of a project that
    /// has room for one pool.
    pub fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            pending: Duration::from_millis(15)..=Duration::from_millis(25),
            identities: vec![
                Identity::new("assize-owner", PROJECT_A, Access::Write),
                Identity::new("assize-other", PROJECT_B, Access::Write),
                Identity::new("assize-readonly", PROJECT_A, Access::Read),
                Identity::new("assize-admin", PROJECT_ADMIN, Access::Admin),
                Identity::new("assize-limited", PROJECT_LIMITED, Access::Write),
            ],
            quotas: Quotas::of(dialect),
            project_quotas: BTreeMap::from([(
                PROJECT_LIMITED.to_owned(),
                Quotas {
                    pools: Some(1),
                    ..Quotas::of(dialect)
                },
            )]),
            defects: Vec::new(),
            token_life: Duration::from_secs(3600),
            rate: None,
            unstable: 0.0,
            count: false,
            connections: 4096,
            patience: Duration::from_secs(30),
            seed: 0,
        }
    }
}

/// One accepted token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The value of `X-Auth-Token`.
    pub token: String,
    /// The project that the token is scoped to.
    pub project: String,
    /// What the token may do.
    pub access: Access,
}

impl Identity {
    /// A token with its project and its access.
    pub fn new(token: impl Into<String>, project: impl Into<String>, access: Access) -> Self {
        Self {
            token: token.into(),
            project: project.into(),
            access,
        }
    }
}

/// What a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read the objects of its project.
    Read,
    /// Read and change the objects of its project.
    Write,
    /// Read and change the objects of every project.
    Admin,
}

/// How many objects of each kind one project may own; `None` is no bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotas {
    /// Load balancers.
    pub load_balancers: Option<usize>,
    /// Listeners.
    pub listeners: Option<usize>,
    /// Listeners of one load balancer.
    pub listeners_per_load_balancer: Option<usize>,
    /// Pools.
    pub pools: Option<usize>,
    /// Members, over all pools.
    pub members: Option<usize>,
    /// Health monitors.
    pub health_monitors: Option<usize>,
    /// L7 policies.
    pub l7_policies: Option<usize>,
    /// L7 rules, over all policies.
    pub l7_rules: Option<usize>,
}

impl Quotas {
    /// No bound on anything.
    pub const UNLIMITED: Self = Self {
        load_balancers: None,
        listeners: None,
        listeners_per_load_balancer: None,
        pools: None,
        members: None,
        health_monitors: None,
        l7_policies: None,
        l7_rules: None,
    };

    /// The documented defaults of a dialect.
    pub fn of(dialect: Dialect) -> Self {
        match dialect {
            Dialect::OtcV2 => Self {
                load_balancers: Some(50),
                listeners: Some(100),
                listeners_per_load_balancer: Some(50),
                pools: Some(500),
                members: Some(500),
                l7_policies: Some(500),
                ..Self::UNLIMITED
            },
            Dialect::Octavia => Self::UNLIMITED,
            Dialect::NeutronLbaas => Self {
                load_balancers: Some(10),
                pools: Some(10),
                ..Self::UNLIMITED
            },
        }
    }
}
