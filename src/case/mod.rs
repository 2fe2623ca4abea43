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
    suite
        .scenarios
        .iter()
        .map(|scenario| Case {
            id: scenario.id.clone(),
            title: scenario.title.clone(),
            scenario: Arc::clone(scenario),
        })
        .collect()
}

impl Case {
    /// The requirements that it shows, the scenario's own first, each once.
    pub fn requirements(&self) -> Vec<&str> {
        let scenario = &self.scenario;
        let further = scenario
            .steps
            .iter()
            .flat_map(|step| &step.then)
            .chain(&scenario.then)
            .flat_map(|expect| &expect.requirements);
        let mut ids: Vec<&str> = Vec::new();
        for id in scenario.requirements.iter().chain(further) {
            if !ids.contains(&id.value.as_str()) {
                ids.push(&id.value);
            }
        }
        ids
    }
}
