//! Each defect shows where it exists, and nothing of it shows where it is off.

use super::*;
use crate::emulator::Defect;

fn desk(dialect: Dialect, defects: &[Defect]) -> Desk {
    Desk::with(Config {
        quotas: Quotas::UNLIMITED,
        defects: defects.to_vec(),
        ..Config::new(dialect)
    })
}

/// A load balancer with an HTTP listener and a pool.
struct Scene<'a> {
    desk: &'a Desk,
    listener: String,
    pool: String,
}

impl<'a> Scene<'a> {
    fn new(desk: &'a Desk) -> Self {
        let load_balancer = desk.load_balancer();
        Self {
            desk,
            listener: desk.listener(&load_balancer, 80),
            pool: desk.pool(&load_balancer),
        }
    }

    fn path(&self) -> String {
        format!("pools/{}", self.pool)
    }

    fn delete(&self) -> u16 {
        self.desk.delete(&self.path()).status
    }

    fn remove(&self, path: &str) {
        assert_eq!(self.desk.delete(path).status, 204, "{path}");
        self.desk.settle();
    }

    fn members(&self, ports: std::ops::RangeInclusive<u16>) -> Vec<String> {
        ports
            .map(|port| self.desk.member(&self.pool, port))
            .collect()
    }

    fn remove_members(&self, members: &[String]) {
        for member in members {
            self.remove(&format!("{}/members/{member}", self.path()));
        }
    }

    fn recreate_monitor(&self) {
        let first = self.desk.monitor(&self.pool);
        self.remove(&format!("healthmonitors/{first}"));
        self.desk.monitor(&self.pool);
    }

    /// What stands in the way of a deletion in every dialect.
    fn block(&self, dialect: Dialect) {
        match dialect {
            Dialect::Octavia => self.desk.policy(&self.listener, &self.pool),
            Dialect::OtcV2 | Dialect::NeutronLbaas => self.desk.monitor(&self.pool),
        };
    }
}

/// Whether the emulator does what the defect says.
fn shows(defect: Defect, dialect: Dialect, desk: &Desk) -> bool {
    let scene = Scene::new(desk);
    match defect {
        Defect::MembersIgnored => {
            scene.members(1..=2);
            scene.delete() == 204
        }
        Defect::FirstMemberOnly => {
            let members = scene.members(1..=2);
            let while_first_is_there = scene.delete();
            scene.remove_members(&members[..1]);
            (while_first_is_there, scene.delete()) == (409, 204)
        }
        Defect::MonitorIgnored => {
            desk.monitor(&scene.pool);
            scene.delete() == 204
        }
        Defect::PolicyIgnored => {
            desk.policy(&scene.listener, &scene.pool);
            scene.delete() == 204
        }
        Defect::RecreatedMonitorIgnored => {
            scene.remove_members(&scene.members(1..=3));
            scene.recreate_monitor();
            scene.delete() == 204
        }
        Defect::RecreatedMonitorBlocks => {
            scene.remove_members(&scene.members(1..=3));
            scene.recreate_monitor();
            scene.delete() == 409
        }
        Defect::RefusalTakesMembers => {
            scene.members(1..=2);
            scene.block(dialect);
            assert_eq!(scene.delete(), 409);
            desk.get(&format!("{}/members", scene.path()))
                .at("/members")
                == json!([])
        }
        Defect::DeletedPoolStays => {
            assert_eq!(scene.delete(), 204);
            desk.settle();
            desk.get(&scene.path()).status == 200
        }
        Defect::SecondDeleteAccepted => {
            assert_eq!(desk.delete(&format!("pools/{NOBODY}")).status, 404);
            assert_eq!(scene.delete(), 204);
            desk.settle();
            scene.delete() == 204
        }
        Defect::StaleRead => {
            assert_eq!(scene.delete(), 204);
            let read = desk.get(&scene.path()).status == 200;
            let listed = desk.get("pools").text().contains(&scene.pool);
            assert_eq!(read, listed);
            assert_eq!(scene.delete(), 404);
            desk.settle();
            assert_eq!(desk.get(&scene.path()).status, 404);
            read
        }
        Defect::DeleteChecksThenSleeps => {
            let path = full(&scene.path());
            match desk.turn("DELETE", &path, Some("assize-owner"), "") {
                Turn::Done(_) => false,
                Turn::Nap(nap) => {
                    assert!(nap.time <= Duration::from_millis(6), "{:?}", nap.time);
                    assert_eq!(desk.get(&scene.path()).status, 200);
                    scene.block(dialect);
                    let answer = desk.api.wake(nap, desk.now.get());
                    desk.settle();
                    answer.status == 204 && desk.get(&scene.path()).status == 404
                }
            }
        }
    }
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
    for (dialect, defect) in [
        (Dialect::Octavia, Defect::MonitorIgnored),
        (Dialect::Octavia, Defect::StaleRead),
        (Dialect::NeutronLbaas, Defect::FirstMemberOnly),
        (Dialect::OtcV2, Defect::RecreatedMonitorBlocks),
    ] {
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
            Turn::Done(answer) => panic!("{answer:?}"),
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
            name.chars().all(|c| c.is_ascii_lowercase() || c == '-'),
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
