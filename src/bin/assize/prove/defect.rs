//! The emulator with one defect at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use assize::case::Case;
use assize::emulator::{Defect, Dialect};
use assize::proof::{Fate, Kind, Mutant};
use assize::runner::Tamper;
use futures_util::stream::{self, StreamExt as _};

use super::Prover;
use super::fate::{broken, clearer, fate_of};

impl Prover<'_> {
    /// Every defect that the dialect has; `seen` gets the requirements that cases found each to break.
    pub(super) async fn defects(
        &self,
        dialect: Dialect,
        cases: &[Case],
        seen: &mut BTreeMap<String, Vec<String>>,
    ) -> anyhow::Result<Vec<Mutant>> {
        let mut defects = Vec::new();
        for defect in Defect::ALL {
            let id = format!("defect/{}", defect.name());
            if defect.dialects().contains(&dialect) && self.wants(&id)? {
                defects.push((id, *defect));
            }
        }
        let tried =
            stream::iter(defects).map(|(id, defect)| self.defect(dialect, id, defect, cases));
        let tried: Vec<_> = tried
            .buffered(usize::from(self.arguments.jobs))
            .collect()
            .await;
        let mut mutants = Vec::new();
        for tried in tried {
            let (mutant, found) = tried?;
            seen.insert(mutant.id.clone(), found);
            mutants.push(mutant);
        }
        Ok(mutants)
    }

    /// Holds the cases of its requirements to a defect, then the others; with the requirements that its own
    /// cases found broken.
    async fn defect(
        &self,
        dialect: Dialect,
        id: String,
        defect: Defect,
        cases: &[Case],
    ) -> anyhow::Result<(Mutant, Vec<String>)> {
        let clock = Instant::now();
        let running = self.emulator(dialect, Some(defect)).await?;
        let target = self.target(running.url(), true)?;
        let breaks = defect.breaks();
        let (own, others): (Vec<&Case>, Vec<&Case>) = cases
            .iter()
            .partition(|case| case.requirements().iter().any(|id| breaks.contains(id)));
        let mut found: BTreeSet<String> = BTreeSet::new();
        let mut fate = None;
        let full = self.arguments.full;
        for cases in [own, others] {
            // What no document speaks of, no case can be about.
            if matches!(fate, Some(Fate::Killed(_))) || cases.is_empty() || breaks.is_empty() {
                continue;
            }
            let cases: Vec<Case> = cases.into_iter().cloned().collect();
            let nothing = Tamper::Falsify(Arc::default());
            let outcomes = self
                .run(&target, cases, nothing, 16, |outcome| {
                    !full && !broken(outcome, breaks).is_empty()
                })
                .await?;
            for outcome in &outcomes {
                let next = fate_of(outcome, breaks);
                if let Some(Fate::Killed(kill)) = &next {
                    found.extend(kill.requirements.iter().cloned());
                }
                fate = clearer(fate, next);
            }
        }
        drop(running);
        let mutant = Mutant {
            id,
            kind: Kind::Defect,
            about: defect.about().to_owned(),
            requirements: breaks.iter().map(|id| (*id).to_owned()).collect(),
            missing: match breaks {
                [] => "no requirement speaks of it".to_owned(),
                _ => format!("no case of {} fails on it", breaks.join(", ")),
            },
            fate: fate.unwrap_or(Fate::Survived),
            duration: clock.elapsed(),
        };
        Ok((mutant, found.into_iter().collect()))
    }
}
