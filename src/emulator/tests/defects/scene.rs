//! What the probes of defects begin with, and what they do with it.

use super::*;

/// A load balancer with an HTTP listener and a pool.
pub(super) struct Scene<'a> {
    pub(super) desk: &'a Desk,
    pub(super) load_balancer: String,
    pub(super) listener: String,
    pub(super) pool: String,
}

impl<'a> Scene<'a> {
    pub(super) fn new(desk: &'a Desk) -> Self {
        let load_balancer = desk.load_balancer();
        Self {
            desk,
            listener: desk.listener(&load_balancer, 80),
            pool: desk.pool(&load_balancer),
            load_balancer,
        }
    }

    /// As [`Scene::new`], but the pool is the listener's default pool.
    pub(super) fn with_default_pool(desk: &'a Desk) -> Self {
        let scene = Self::new(desk);
        let pool = desk.default_pool(&scene.listener);
        Self { pool, ..scene }
    }

    pub(super) fn path(&self) -> String {
        format!("pools/{}", self.pool)
    }

    pub(super) fn delete(&self) -> u16 {
        self.desk.delete(&self.path()).status
    }

    /// Deletes with that token, and tells whether the pool is gone then.
    pub(super) fn delete_as(&self, token: Option<&str>) -> (u16, bool) {
        let answer = self.desk.send("DELETE", &full(&self.path()), token, "");
        (answer.status, self.gone(&self.path()))
    }

    /// Whether an object is gone once all is done.
    pub(super) fn gone(&self, path: &str) -> bool {
        self.desk.settle();
        self.desk.get(path).status == 404
    }

    pub(super) fn remove(&self, path: &str) {
        assert_eq!(self.desk.delete(path).status, 204, "{path}");
        self.desk.settle();
    }

    pub(super) fn change(&self, path: &str, body: &Value) {
        assert_eq!(self.desk.put(path, body).status, 200, "{path} {body}");
        self.desk.settle();
    }

    pub(super) fn members(&self, ports: std::ops::RangeInclusive<u16>) -> Vec<String> {
        ports
            .map(|port| self.desk.member(&self.pool, port))
            .collect()
    }

    pub(super) fn remove_members(&self, members: &[String]) {
        for member in members {
            self.remove(&format!("{}/members/{member}", self.path()));
        }
    }

    /// What a deletion comes to beside a member of which nothing is special, and then without that.
    pub(super) fn with_and_without_another_member(&self, special: &Value) -> (u16, u16) {
        let members = self.members(1..=2);
        let path = format!("{}/members/{}", self.path(), members[0]);
        self.change(&path, &json!({"member": special}));
        let with = self.delete();
        self.remove_members(&members[1..]);
        (with, self.delete())
    }

    /// What a deletion comes to before and after something that uses the pool changes.
    pub(super) fn before_and_after(&self, path: &str, body: &Value) -> (u16, u16) {
        let before = self.delete();
        self.change(path, body);
        (before, self.delete())
    }

    pub(super) fn recreate_monitor(&self) {
        let first = self.desk.monitor(&self.pool);
        self.remove(&format!("healthmonitors/{first}"));
        self.desk.monitor(&self.pool);
    }

    /// What stands in the way of a deletion in every dialect.
    pub(super) fn block(&self, dialect: Dialect) {
        match dialect {
            Dialect::Octavia => self.desk.policy(&self.listener, &self.pool),
            Dialect::OtcV2 | Dialect::NeutronLbaas => self.desk.monitor(&self.pool),
        };
    }

    /// The status of the refusal to delete a pool that is in use.
    pub(super) fn refusal(&self, dialect: Dialect) -> u16 {
        self.block(dialect);
        self.delete()
    }

    /// The answer to the deletion of a pool that does not exist.
    pub(super) fn error(&self) -> Answer {
        self.desk.delete(&format!("pools/{NOBODY}"))
    }

    /// Deletes a pool by another id than its own.
    pub(super) fn delete_by(&self, id: &str) -> u16 {
        self.desk.delete(&format!("pools/{id}")).status
    }
}
