//! What an emulator can be told to do wrong: named deviations, each of which a suite ought to find.
//!
//! A defect is one row of the table here and one hook in the place where the behaviour is decided, which asks
//! `State::wrong`. What a hook needs to know of the past, and nothing else does, is in `store/past.rs`.

use super::dialect::Dialect;

/// Rows of the table: name, dialects, requirements, and a sentence.
macro_rules! defects {
    ($($variant:ident $name:literal [$($dialect:ident),+] [$($id:literal),+] $about:literal;)+) => {
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

            /// The ids of the requirements that it breaks in one of its dialects.
            pub const fn breaks(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($id),+]),+ }
            }

            /// The dialects in which it is a deviation; elsewhere it changes nothing.
            pub const fn dialects(self) -> &'static [Dialect] {
                match self { $(Self::$variant => &[$(Dialect::$dialect),+]),+ }
            }
        }
    };
}

defects! {
    MembersIgnored "members-ignored" [OtcV2] ["DP-10", "DP-11", "DP-15", "DP-17", "DP-31"]
        "A pool is deleted although it has members.";
    FirstMemberOnly "first-member-only" [OtcV2] ["DP-15"]
        "Only the member that was created first keeps its pool from being deleted.";
    MonitorIgnored "monitor-ignored" [OtcV2, NeutronLbaas] ["DP-18", "DP-19", "DP-21", "DP-31"]
        "A pool is deleted although it has a health monitor.";
    PolicyIgnored "policy-ignored" [OtcV2, Octavia] ["DP-22", "DP-26", "DP-29", "DP-31"]
        "A pool is deleted although a policy redirects to it.";
    RecreatedMonitorIgnored "recreated-monitor-ignored" [OtcV2, NeutronLbaas] ["DP-18"]
        "A pool that lost three members, and its health monitor after them, is deleted although it has a new one.";
    RecreatedMonitorBlocks "recreated-monitor-blocks" [Octavia] ["DP-18"]
        "A pool that lost three members, and its health monitor after them, is kept by a new one.";
    RefusalTakesMembers "refusal-takes-members" [OtcV2, Octavia, NeutronLbaas] ["DP-13"]
        "The refusal to delete a pool that is in use removes its members.";
    DeletedPoolStays "deleted-pool-stays" [OtcV2, Octavia, NeutronLbaas] ["DP-07", "DP-08"]
        "The deletion of a pool is answered with 204 and not carried out.";
    SecondDeleteAccepted "second-delete-accepted" [OtcV2, Octavia, NeutronLbaas] ["DP-39"]
        "The deletion of a pool that was deleted before is answered with 204.";
    StaleRead "stale-read" [OtcV2] ["DP-07", "DP-08"]
        "A deleted pool can still be read and listed for 300 ms.";
    DeleteChecksThenSleeps "delete-checks-then-sleeps" [OtcV2, Octavia, NeutronLbaas] ["DP-10", "DP-18", "DP-22"]
        "The deletion of a pool looks for what uses it, lets others go on for some ms, and deletes without looking again.";
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
