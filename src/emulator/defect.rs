//! What an emulator can be told to do wrong: named deviations, each of which a suite ought to find.
//!
//! A defect is one row of the table here and one hook in the place where the behaviour is decided, which asks
//! [`Defects`]. What the hooks of the store do is in `store/wrong.rs`, and what those of HTTP do in
//! `api/wrong.rs`. What a hook needs to know of the past, and nothing else does, is in `store/past.rs`.

use std::collections::BTreeSet;

use super::config::Config;
use super::dialect::Dialect;

/// Rows of the table: name, dialects, requirements, and a sentence.
macro_rules! defects {
    ($($variant:ident $name:literal [$($dialect:ident),+] [$($id:literal),*] $about:literal;)+) => {
        /// One named deviation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Defect { $(#[doc = $about] $variant),+ }

        impl Defect {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its name, as arguments spell it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// What it does, in a sentence.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$variant => $about),+ }
            }

            /// The ids of the requirements that it breaks in one of its dialects; none if no document
            /// speaks against it.
            pub const fn breaks(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($id),*]),+ }
            }

            /// The dialects in which it is a deviation; elsewhere it changes nothing.
            pub const fn dialects(self) -> &'static [Dialect] {
                match self { $(Self::$variant => &[$(Dialect::$dialect),+]),+ }
            }
        }
    };
}

defects! {
    // What keeps a pool, and does not.
    MembersIgnored "members-ignored" [OtcV2] ["DP-10", "DP-11", "DP-15", "DP-17", "DP-31"]
        "A pool is deleted although it has members.";
    FirstMemberOnly "first-member-only" [OtcV2] ["DP-15"]
        "Only the member that was created first keeps its pool from being deleted.";
    WeightlessMembersIgnored "weightless-members-ignored" [OtcV2] ["DP-17"]
        "A pool is deleted although it has members, if the weight of each is 0.";
    DisabledMembersIgnored "disabled-members-ignored" [OtcV2] ["DP-17"]
        "A pool is deleted although it has members, if the admin_state_up of each is false.";
    MonitorIgnored "monitor-ignored" [OtcV2, NeutronLbaas] ["DP-18", "DP-19", "DP-21", "DP-31"]
        "A pool is deleted although it has a health monitor.";
    DisabledMonitorIgnored "disabled-monitor-ignored" [OtcV2, NeutronLbaas] ["DP-21"]
        "A pool is deleted although it has a health monitor, if its admin_state_up is false.";
    PolicyIgnored "policy-ignored" [OtcV2, Octavia] ["DP-22", "DP-26", "DP-29", "DP-31"]
        "A pool is deleted although a policy redirects to it.";
    DisabledPolicyIgnored "disabled-policy-ignored" [OtcV2, Octavia] ["DP-29"]
        "A pool is deleted although policies redirect to it, if the admin_state_up of each is false.";
    RulelessPolicyIgnored "ruleless-policy-ignored" [OtcV2, Octavia] ["DP-29"]
        "A pool is deleted although policies redirect to it, if none of them has a rule.";
    FirstPolicyOnly "first-policy-only" [OtcV2, Octavia] ["DP-26"]
        "Only the policy that was created first keeps the pool it redirects to from being deleted.";
    RecreatedMonitorIgnored "recreated-monitor-ignored" [OtcV2, NeutronLbaas] ["DP-18"]
        "A pool that lost three members, and its health monitor after them, is deleted although it has a new one.";

    // What does not keep a pool, and does.
    RecreatedMonitorBlocks "recreated-monitor-blocks" [Octavia] ["DP-18"]
        "A pool that lost three members, and its health monitor after them, is kept by a new one.";
    MembersBlock "members-block" [Octavia, NeutronLbaas] ["DP-10"]
        "A pool that has members is not deleted.";
    MonitorBlocks "monitor-blocks" [Octavia] ["DP-18"]
        "A pool that has a health monitor is not deleted.";
    PolicyBlocks "policy-blocks" [NeutronLbaas] ["DP-22"]
        "A pool that a policy redirects to is not deleted.";
    CleanPoolRefused "clean-pool-refused" [OtcV2, Octavia, NeutronLbaas] ["DP-03", "DP-05", "DP-37"]
        "A pool that nothing uses is not deleted.";
    EmptiedPoolRefused "emptied-pool-refused" [OtcV2, Octavia, NeutronLbaas] ["DP-14", "DP-16"]
        "A pool that ever had a member is not deleted.";
    PersistenceBlocks "persistence-blocks" [OtcV2, Octavia, NeutronLbaas] ["DP-36"]
        "A pool with session persistence is not deleted.";
    DefaultPoolRefused "default-pool-refused" [OtcV2, Octavia, NeutronLbaas] ["DP-33"]
        "The default pool of a listener is not deleted.";
    ListenerRedirectBlocks "listener-redirect-blocks" [OtcV2] ["DP-30"]
        "The default pool of a listener with a policy that redirects to another listener is not deleted.";

    // What a refusal does.
    RefusalTakesMembers "refusal-takes-members" [OtcV2, Octavia, NeutronLbaas] ["DP-13"]
        "The refusal to delete a pool that is in use removes its members.";
    RefusalTakesMonitor "refusal-takes-monitor" [OtcV2, Octavia, NeutronLbaas] ["DP-13"]
        "The refusal to delete a pool that is in use removes its health monitor.";
    RefusalClearsPolicies "refusal-clears-policies" [OtcV2, Octavia, NeutronLbaas] ["DP-13"]
        "The refusal to delete a pool that is in use sets redirect_pool_id of its policies to null.";
    RefusalDeletes "refusal-deletes" [OtcV2, Octavia, NeutronLbaas] ["DP-13"]
        "The deletion of a pool that is in use is refused and carried out.";

    // What a deletion leaves and takes.
    DeletedPoolStays "deleted-pool-stays" [OtcV2, Octavia, NeutronLbaas] ["DP-07", "DP-08"]
        "The deletion of a pool is answered with 204 and not carried out.";
    DeletedPoolListed "deleted-pool-listed" [OtcV2, Octavia, NeutronLbaas] ["DP-08"]
        "A deleted pool cannot be read, but is still in the lists.";
    DeletedPoolFiltered "deleted-pool-filtered" [OtcV2, Octavia, NeutronLbaas] ["DP-08"]
        "A deleted pool cannot be read, but is still in the lists that have a filter.";
    LoadBalancerKeepsReference "load-balancer-keeps-reference" [OtcV2, Octavia, NeutronLbaas] ["DP-34"]
        "A deleted pool is still among the pools of its load balancer.";
    ListenerKeepsReference "listener-keeps-reference" [OtcV2, Octavia, NeutronLbaas] ["DP-34", "DP-56"]
        "A deleted pool is still the default pool of its listener.";
    PolicyKeepsReference "policy-keeps-reference" [NeutronLbaas] ["DP-22"]
        "A policy still redirects to a pool that was deleted.";
    OrphanKeepsAction "orphan-keeps-action" [NeutronLbaas] ["DP-22"]
        "A policy whose pool was deleted keeps the action REDIRECT_TO_POOL.";
    MonitorSurvives "monitor-survives" [Octavia] ["DP-18"]
        "The health monitor of a deleted pool is not deleted with it.";
    ListenerDeletedToo "listener-deleted-too" [OtcV2, Octavia, NeutronLbaas] ["DP-09", "DP-34"]
        "The listeners whose default pool is deleted are deleted with it.";
    SiblingDeletedToo "sibling-deleted-too" [OtcV2, Octavia, NeutronLbaas] ["DP-09"]
        "Another pool of the load balancer is deleted with a pool.";
    QuotaNotReleased "quota-not-released" [OtcV2, Octavia, NeutronLbaas] ["DP-53"]
        "Deleted pools count for the quota.";
    IdReused "id-reused" [OtcV2, Octavia, NeutronLbaas] ["DP-57"]
        "A new pool gets the id of one that was deleted.";

    // How the answer to a deletion looks.
    DeletionAnswers200 "deletion-answers-200" [OtcV2, Octavia, NeutronLbaas] ["DP-05", "DP-06"]
        "The deletion of a pool is answered with 200.";
    DeletionAnswers201 "deletion-answers-201" [OtcV2, Octavia, NeutronLbaas] ["DP-05", "DP-06"]
        "The deletion of a pool is answered with 201.";
    DeletionAnswers202 "deletion-answers-202" [OtcV2, Octavia, NeutronLbaas] ["DP-05", "DP-06"]
        "The deletion of a pool is answered with 202.";
    DeletionAnswersBody "deletion-answers-body" [OtcV2, Octavia, NeutronLbaas] ["DP-58"]
        "The deletion of a pool is answered with 204 and a Content-Type, as if there were a body.";
    DeletionAnswersPool "deletion-answers-pool" [OtcV2, Octavia, NeutronLbaas] ["DP-04", "DP-05", "DP-06", "DP-58"]
        "The deletion of a pool is answered with 200 and a body.";

    // How refusals look.
    RefusalAnswers400 "refusal-answers-400" [OtcV2, Octavia, NeutronLbaas] ["DP-11", "DP-19", "DP-23"]
        "The refusal to delete a pool that is in use has status 400.";
    RefusalAnswers403 "refusal-answers-403" [OtcV2, Octavia, NeutronLbaas] ["DP-11", "DP-19", "DP-23"]
        "The refusal to delete a pool that is in use has status 403.";
    RefusalAnswers404 "refusal-answers-404" [OtcV2, Octavia, NeutronLbaas] ["DP-11", "DP-19", "DP-23"]
        "The refusal to delete a pool that is in use has status 404.";
    RefusalAnswers500 "refusal-answers-500" [OtcV2, Octavia, NeutronLbaas] ["DP-11", "DP-19", "DP-23"]
        "The refusal to delete a pool that is in use has status 500.";
    RefusalNamesPool "refusal-names-pool" [OtcV2] ["DP-12"]
        "The refusal to delete a pool that is in use names the pool and not what uses it.";
    WrongEnvelope "wrong-envelope" [OtcV2, Octavia, NeutronLbaas] ["DP-52"]
        "The body of an error is of a shape that no vendor of the family has.";
    ErrorWithoutBody "error-without-body" [OtcV2, Octavia, NeutronLbaas] ["DP-52"]
        "An error has no body.";
    ErrorWithoutMessage "error-without-message" [OtcV2, Octavia, NeutronLbaas] ["DP-52"]
        "The message in the body of an error is empty.";
    ErrorAsHtml "error-as-html" [OtcV2, Octavia, NeutronLbaas] ["DP-52"]
        "The Content-Type of an error is text/html.";
    TruncatedError "truncated-error" [OtcV2, Octavia, NeutronLbaas] ["DP-52"]
        "The body of an error ends in its middle.";

    // Which pool is meant.
    SecondDeleteAccepted "second-delete-accepted" [OtcV2, Octavia, NeutronLbaas] ["DP-39"]
        "The deletion of a pool that was deleted before is answered with 204.";
    UnknownPoolAccepted "unknown-pool-accepted" [OtcV2, Octavia, NeutronLbaas] ["DP-38"]
        "The deletion of a pool that never existed is answered with 204.";
    MalformedIdCrashes "malformed-id-crashes" [OtcV2, Octavia, NeutronLbaas] ["DP-40"]
        "The deletion of a malformed id is answered with 500.";
    MalformedIdAccepted "malformed-id-accepted" [OtcV2, Octavia, NeutronLbaas] ["DP-40"]
        "The deletion of a malformed id is answered with 204.";
    IdPrefixDeletes "id-prefix-deletes" [OtcV2, Octavia, NeutronLbaas] ["DP-40"]
        "The start of an id deletes the pool.";
    IdCaseIgnored "id-case-ignored" [OtcV2, Octavia, NeutronLbaas] ["DP-40"]
        "An id in capital letters deletes the pool.";
    OtherKindDeleted "other-kind-deleted" [OtcV2, Octavia, NeutronLbaas] ["DP-41"]
        "The deletion of a pool by the id of a listener or member deletes that.";
    BodyIdDeletes "body-id-deletes" [OtcV2, Octavia, NeutronLbaas] ["DP-49"]
        "The deletion of a pool with another id in the body deletes the other.";
    QueryIdDeletes "query-id-deletes" [OtcV2, Octavia, NeutronLbaas] ["DP-50"]
        "The deletion of a pool with another id in the query deletes the other.";
    QueryCascades "query-cascades" [OtcV2, Octavia, NeutronLbaas] ["DP-50"]
        "With cascade=true in the query a pool is deleted whatever uses it.";
    CollectionDeleted "collection-deleted" [OtcV2, Octavia, NeutronLbaas] ["DP-02"]
        "DELETE on the list of pools deletes all of the project.";
    MethodOverridden "method-overridden" [OtcV2, Octavia, NeutronLbaas] ["DP-01", "DP-51"]
        "A POST with the header X-HTTP-Method-Override: DELETE deletes the pool.";
    PatchDeletes "patch-deletes" [OtcV2, Octavia, NeutronLbaas] ["DP-51"]
        "PATCH deletes the pool.";

    // Who may delete.
    TokenIgnored "token-ignored" [OtcV2, Octavia, NeutronLbaas] ["DP-42", "DP-43"]
        "Without a token, or with a wrong one, everything is allowed as with the owner's.";
    WrongTokenAccepted "wrong-token-accepted" [OtcV2, Octavia, NeutronLbaas] ["DP-43"]
        "With a token that is expired or wrong everything is allowed as with the owner's.";
    ForeignProjectDeletes "foreign-project-deletes" [OtcV2, Octavia, NeutronLbaas] ["DP-45"]
        "The pools of another project can be deleted.";
    ReaderDeletes "reader-deletes" [OtcV2, Octavia, NeutronLbaas] ["DP-44"]
        "Whoever may only read can delete pools.";
    ForbiddenDeletes "forbidden-deletes" [OtcV2, Octavia, NeutronLbaas] ["DP-44"]
        "The deletion of a pool by one who may only read is refused and carried out.";
    UnauthenticatedDeletes "unauthenticated-deletes" [OtcV2, Octavia, NeutronLbaas] ["DP-42", "DP-43"]
        "The deletion of a pool without a valid token is refused and carried out.";
    TokenCheckedLast "token-checked-last" [Octavia, NeutronLbaas] ["DP-46"]
        "The deletion of an unknown pool without a valid token is answered with 404.";

    // What time and load bring to light.
    StaleRead "stale-read" [OtcV2] ["DP-07", "DP-08"]
        "A deleted pool can still be read and listed for 300 ms.";
    DeleteChecksThenSleeps "delete-checks-then-sleeps" [OtcV2, Octavia, NeutronLbaas] ["DP-10", "DP-18", "DP-22"]
        "The deletion of a pool looks for what uses it, lets others go on for some ms, and deletes without looking again.";
    PendingForEver "pending-for-ever" [Octavia] ["DP-07", "DP-08"]
        "A pool that is being deleted stays PENDING_DELETE.";
    ActiveBeforeReady "active-before-ready" [Octavia] ["DP-48"]
        "A load balancer is shown as ACTIVE while it still refuses changes.";
    StatusDetour "status-detour" [Octavia] ["DP-59"]
        "Halfway from PENDING_UPDATE to ACTIVE a load balancer becomes PENDING_CREATE.";
    LockIgnored "lock-ignored" [Octavia] ["DP-47"]
        "A pool is deleted although its load balancer is not ACTIVE.";
    Slow "slow" [OtcV2, Octavia, NeutronLbaas] []
        "The deletion of a pool is answered after three seconds.";
    SomeFail "some-fail" [OtcV2, Octavia, NeutronLbaas] ["DP-05"]
        "Every seventh deletion of a pool is answered with 500 and not carried out.";
    ConnectionLost "connection-lost" [OtcV2, Octavia, NeutronLbaas] ["DP-05"]
        "The connection ends after the deletion of a pool, without an answer.";
    FaultDeletes "fault-deletes" [OtcV2, Octavia, NeutronLbaas] ["DP-05", "DP-55"]
        "The deletion of a pool is answered with 500 and carried out.";
    DeletionBreaksOff "deletion-breaks-off" [OtcV2, Octavia, NeutronLbaas] ["DP-05", "DP-55"]
        "The deletion of a pool is answered with 500 after it has taken the pool's members and listeners from it.";

    // How a pool is set free.
    DisassociationLost "disassociation-lost" [OtcV2, Octavia, NeutronLbaas] ["DP-24", "DP-25"]
        "A null for redirect_pool_id is answered with 200 and not carried out.";
    DisassociationRefused "disassociation-refused" [OtcV2, Octavia, NeutronLbaas] ["DP-24"]
        "A null for redirect_pool_id is refused.";
    DisassociationDeletes "disassociation-deletes" [OtcV2, Octavia, NeutronLbaas] ["DP-25"]
        "A null for redirect_pool_id deletes the policy.";
    RedirectionLost "redirection-lost" [OtcV2, Octavia, NeutronLbaas] ["DP-27"]
        "Another pool for redirect_pool_id is answered with 200 and not carried out.";
    BatchLeavesOne "batch-leaves-one" [OtcV2, Octavia] ["DP-16"]
        "One of the members that a batch removes stays.";
}

impl Defect {
    /// The defect of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|defect| defect.name() == name)
    }
}

/// The defects that one emulator has.
#[derive(Debug, Clone)]
pub(crate) struct Defects(BTreeSet<Defect>);

impl Defects {
    /// The defects of a configuration that its dialect has.
    pub(crate) fn new(config: &Config) -> Self {
        let exists = |defect: &Defect| defect.dialects().contains(&config.dialect);
        Self(config.defects.iter().copied().filter(exists).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this is done wrong.
    pub(crate) fn has(&self, defect: Defect) -> bool {
        self.0.contains(&defect)
    }

    /// What stands beside the first of these defects that there is.
    pub(crate) fn first<T: Copy>(&self, table: &[(Defect, T)]) -> Option<T> {
        let row = table.iter().find(|(defect, _)| self.has(*defect));
        row.map(|(_, value)| *value)
    }
}
