//! What no request can bring about yet: states that only a driver or a fault would set.

use std::time::Duration;

use super::*;
use crate::emulator::config::{Access, Config, Quotas};
use crate::emulator::dialect::Dialect;
use crate::emulator::model::{Algorithm, Protocol, Provisioning};

struct Cloud {
    state: State,
    now: Timestamp,
}

impl Cloud {
    fn new(dialect: Dialect) -> Self {
        let config = Config {
            quotas: Quotas::UNLIMITED,
            ..Config::new(dialect)
        };
        Self {
            state: State::new(&config),
            now: Timestamp::UNIX_EPOCH,
        }
    }

    fn apply(&mut self, action: Action) -> Result<Reply, Refusal> {
        let caller = Caller {
            project: "p".into(),
            access: Access::Write,
        };
        apply(&mut self.state, &caller, action, self.now)
    }

    fn settle(&mut self) {
        self.now = self
            .now
            .checked_add(Duration::from_secs(1))
            .expect("a time");
        self.state.settle(self.now);
    }

    fn load_balancer(&mut self) -> Uuid {
        let draft = LoadBalancerDraft {
            basics: Basics::default(),
            vip_subnet: None,
            vip_address: None,
            vip_port: None,
            provider: "any".into(),
        };
        let reply = self.apply(Action::Create(Draft::LoadBalancer(draft)));
        let Ok(Reply::Created(_, id)) = reply else {
            panic!("{reply:?}")
        };
        id
    }

    fn pool(&mut self, load_balancer: Uuid) -> Result<Reply, Refusal> {
        self.apply(Action::Create(Draft::Pool(PoolDraft {
            basics: Basics::default(),
            load_balancer: Some(load_balancer),
            listener: None,
            protocol: Protocol::Http,
            algorithm: Algorithm::RoundRobin,
            persistence: None,
        })))
    }

    fn delete(&mut self, kind: Kind, id: Uuid) -> Result<Reply, Refusal> {
        self.apply(Action::Delete(
            Target {
                kind,
                parent: None,
                id: id.to_string(),
            },
            Depth::Object,
        ))
    }

    fn set(&mut self, load_balancer: Uuid, state: Provisioning) {
        self.state
            .load_balancers
            .get_mut(&load_balancer)
            .expect("it exists")
            .common
            .provisioning = state;
    }
}

#[test]
fn a_state_locks_what_the_dialect_says() {
    use Provisioning::{Active, Error, PendingCreate, PendingDelete, PendingUpdate};
    let states = [Active, Error, PendingCreate, PendingUpdate, PendingDelete];
    for (dialect, open, deletable) in [
        (Dialect::OtcV2, states.as_slice(), states.as_slice()),
        (
            Dialect::Octavia,
            [Active].as_slice(),
            [Active, Error].as_slice(),
        ),
        (
            Dialect::NeutronLbaas,
            [Active, Error].as_slice(),
            [Active, Error].as_slice(),
        ),
    ] {
        for state in states {
            let mut cloud = Cloud::new(dialect);
            let load_balancer = cloud.load_balancer();
            cloud.settle();
            let Ok(Reply::Created(_, pool)) = cloud.pool(load_balancer) else {
                panic!("no pool")
            };
            cloud.settle();
            cloud.set(load_balancer, state);
            let refusal = Refusal::Immutable {
                load_balancer: load_balancer.to_string(),
                state,
            };
            let expect = |open: bool| {
                if open {
                    Ok(Reply::Deleted)
                } else {
                    Err(refusal.clone())
                }
            };
            assert_eq!(
                cloud.delete(Kind::Pool, pool),
                expect(open.contains(&state)),
                "{dialect:?} {state:?}"
            );
            cloud.settle();

            let bare = cloud.load_balancer();
            cloud.settle();
            cloud.set(bare, state);
            let refusal = Refusal::Immutable {
                load_balancer: bare.to_string(),
                state,
            };
            let expect = |open: bool| {
                if open {
                    Ok(Reply::Deleted)
                } else {
                    Err(refusal.clone())
                }
            };
            let deleted = cloud.delete(Kind::LoadBalancer, bare);
            assert_eq!(
                deleted,
                expect(deletable.contains(&state)),
                "{dialect:?} {state:?}"
            );
        }
    }
}

#[test]
fn what_is_due_is_done_before_the_command_is_judged() {
    let mut cloud = Cloud::new(Dialect::Octavia);
    let load_balancer = cloud.load_balancer();
    assert!(matches!(
        cloud.pool(load_balancer),
        Err(Refusal::Immutable { .. })
    ));
    cloud.now = cloud
        .now
        .checked_add(Duration::from_secs(1))
        .expect("a time");
    assert!(matches!(cloud.pool(load_balancer), Ok(Reply::Created(..))));
}

#[test]
fn load_balancers_are_pending_independently() {
    let mut cloud = Cloud::new(Dialect::Octavia);
    let [first, second] = [cloud.load_balancer(), cloud.load_balancer()];
    cloud.settle();
    assert!(cloud.pool(first).is_ok());
    assert!(cloud.pool(second).is_ok());
    assert!(cloud.pool(first).is_err());
    assert_eq!(cloud.state.transitions.len(), 2);
    cloud.settle();
    assert!(cloud.state.transitions.is_empty());
}
