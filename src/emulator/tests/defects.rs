//! Each defect shows where it exists, and nothing of it shows where it is off.

mod probes;
mod scene;

use super::*;
use crate::emulator::Defect;

use self::probes::shows;
use self::scene::Scene;

fn desk(dialect: Dialect, defects: &[Defect]) -> Desk {
    Desk::with(Config {
        quotas: Quotas::UNLIMITED,
        defects: defects.to_vec(),
        ..Config::new(dialect)
    })
}

#[test]
fn a_defect_shows_in_its_dialects_and_not_where_it_is_off() {
    for &defect in Defect::ALL {
        for &dialect in defect.dialects() {
            assert!(
                shows(defect, dialect, &desk(dialect, &[defect])),
                "{} does not show in {dialect:?}",
                defect.name()
            );
            assert!(
                !shows(defect, dialect, &desk(dialect, &[])),
                "{} shows in {dialect:?} although it is off",
                defect.name()
            );
        }
    }
}

#[test]
fn a_defect_changes_nothing_in_another_dialect() {
    let everywhere = ALL.into_iter();
    let pairs = everywhere.flat_map(|dialect| Defect::ALL.iter().map(move |it| (dialect, *it)));
    for (dialect, defect) in pairs.filter(|(dialect, it)| !it.dialects().contains(dialect)) {
        let (faithful, bent) = (desk(dialect, &[]), desk(dialect, &[defect]));
        for desk in [&faithful, &bent] {
            let scene = Scene::new(desk);
            scene.remove_members(&scene.members(1..=3)[..2]);
            scene.recreate_monitor();
            desk.policy(&scene.listener, &scene.pool);
            scene.delete();
        }
        assert_eq!(
            faithful.everything(),
            bent.everything(),
            "{}",
            defect.name()
        );
    }
}

/// Three members and then the monitor: neither fewer members nor another order will do.
#[test]
fn a_recreated_monitor_is_ignored_after_exactly_that_past() {
    let dialect = Dialect::OtcV2;
    for (members, monitor_first, status) in [(2, false, 409), (3, true, 409), (3, false, 204)] {
        let desk = desk(dialect, &[Defect::RecreatedMonitorIgnored]);
        let scene = Scene::new(&desk);
        if monitor_first {
            let monitor = desk.monitor(&scene.pool);
            scene.remove(&format!("healthmonitors/{monitor}"));
        }
        scene.remove_members(&scene.members(1..=members));
        if monitor_first {
            desk.monitor(&scene.pool);
        } else {
            scene.recreate_monitor();
        }
        assert_eq!(scene.delete(), status, "{members} {monitor_first}");
    }
}

#[test]
fn a_pool_that_is_gone_when_the_sleeper_wakes_is_not_deleted_twice() {
    for dialect in ALL {
        let desk = desk(dialect, &[Defect::DeleteChecksThenSleeps]);
        let scene = Scene::new(&desk);
        let path = full(&scene.path());
        let turns = [(); 2].map(|()| desk.turn("DELETE", &path, Some("assize-owner"), ""));
        let answers = turns.map(|turn| match turn {
            Turn::Done(answer) | Turn::Late(_, answer) => panic!("{answer:?}"),
            Turn::Lost => panic!("no answer"),
            Turn::Nap(nap) => {
                let answer = desk.api.wake(nap, desk.now.get());
                desk.settle();
                answer.status
            }
        });
        assert_eq!(answers, [204, 404], "{dialect:?}");
    }
}

#[test]
fn every_row_of_the_table_is_fit_to_be_shown() {
    let requirements = include_str!("../../../fixtures/lbaas-v2/requirements.yaml");
    let mut names = std::collections::BTreeSet::new();
    for &defect in Defect::ALL {
        let name = defect.name();
        assert!(names.insert(name), "{name} twice");
        assert!(
            name.chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'),
            "{name}"
        );
        assert_eq!(Defect::named(name), Some(defect));
        assert!(defect.about().ends_with('.'), "{name}");
        for id in defect.breaks() {
            let row = format!("  - id: {id}\n");
            assert!(requirements.contains(&row), "{name}: {id}");
        }
    }
    assert_eq!(Defect::named("members"), None);
}
