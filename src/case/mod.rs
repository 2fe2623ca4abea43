//! Scenarios expanded to cases: concrete instances with ids that come from names, never from positions.

use std::sync::Arc;

use crate::suite::model::{Scenario, Suite};

/// One concrete instance of a scenario.
#[derive(Debug, Clone)]
pub struct Case {
    /// Such as `pools/delete/in_use/pool-with-members`: the same on every machine and in every run.
    pub id: String,
    /// What people read.
    pub title: String,
    /// What it is an instance of.
    pub scenario: Arc<Scenario>,
}

/// The cases of a suite, in the order of its scenarios.
pub fn expand(suite: &Suite) -> Vec<Case> {
    suite.scenarios.iter().map(|scenario| Case { id: scenario.id.clone(), title: scenario.title.clone(), scenario: Arc::clone(scenario) }).collect()
}
