"""The client library of OpenStack against the emulator: signing in, and every kind of object.

    python tests/peers/openstacksdk_client.py target/debug/assize

Needs openstacksdk from PyPI. The emulator is an oracle for the engine; this holds it to a client that
knows nothing of either.
"""

import subprocess
import sys
import time
import unittest
import warnings

import openstack
from keystoneauth1 import exceptions as sign_in
from openstack import exceptions

SUBNET = "5a9a3e9e-d1aa-448e-af37-a70171f2a332"
PROGRAM = "target/debug/assize"
# A token that ends while the tests go on: the client has to sign in again.
LIFE = 2


def connect(url, **auth):
    return openstack.connection.Connection(
        auth_url=f"{url}/v3",
        region_name="RegionOne",
        load_balancer_api_version="2",
        **auth,
    )


class Client(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = subprocess.Popen(
            [PROGRAM, "serve", "--dialect", "octavia", "--listen", "127.0.0.1:0",
             "--pending", "5..20ms", "--token-life", f"{LIFE}s"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        cls.url = cls.server.stdout.readline().strip()
        cls.cloud = connect(cls.url, username="owner", password="assize-owner", project_name="owner",
                            user_domain_id="default", project_domain_id="default")
        cls.api = cls.cloud.load_balancer

    @classmethod
    def tearDownClass(cls):
        cls.cloud.close()
        cls.server.stdout.close()
        cls.server.terminate()
        cls.server.wait()

    def settled(self, balancer):
        return self.api.wait_for_load_balancer(balancer.id, interval=0.05, wait=10)

    def test_every_kind_is_created_listed_updated_and_deleted(self):
        api = self.api
        balancer = api.create_load_balancer(name="sdk", vip_subnet_id=SUBNET)
        self.assertEqual(balancer.provisioning_status, "PENDING_CREATE")
        self.settled(balancer)
        self.assertEqual([it.id for it in api.load_balancers(name="sdk")], [balancer.id])

        def created(create, *parent, **attributes):
            made = create(*parent, **attributes)
            self.settled(balancer)
            return made

        listener = created(api.create_listener, name="sdk-l", loadbalancer_id=balancer.id,
                           protocol="HTTP", protocol_port=80)
        pool = created(api.create_pool, name="sdk-p", loadbalancer_id=balancer.id,
                       protocol="HTTP", lb_algorithm="ROUND_ROBIN")
        member = created(api.create_member, pool, name="sdk-m", address="192.168.44.10", protocol_port=8080)
        monitor = created(api.create_health_monitor, name="sdk-h", pool_id=pool.id,
                          type="HTTP", delay=5, timeout=3, max_retries=3)
        policy = created(api.create_l7_policy, name="sdk-y", listener_id=listener.id,
                         action="REDIRECT_TO_POOL", redirect_pool_id=pool.id)
        rule = created(api.create_l7_rule, policy, type="PATH", compare_type="STARTS_WITH", value="/a")

        self.assertEqual([it.id for it in api.listeners(name="sdk-l")], [listener.id])
        self.assertEqual([it.id for it in api.pools(name="sdk-p")], [pool.id])
        self.assertEqual([it.id for it in api.members(pool)], [member.id])
        self.assertEqual([it.id for it in api.health_monitors(name="sdk-h")], [monitor.id])
        self.assertEqual([it.id for it in api.l7_policies(name="sdk-y")], [policy.id])
        self.assertEqual([it.id for it in api.l7_rules(policy)], [rule.id])
        self.assertEqual(api.get_pool(pool.id).health_monitor_id, monitor.id)
        self.assertEqual(api.find_pool("sdk-p").id, pool.id)

        def updated(update, *what, **attributes):
            made = update(*what, **attributes)
            self.settled(balancer)
            return made

        self.assertEqual(updated(api.update_load_balancer, balancer.id, description="d").description, "d")
        self.assertEqual(updated(api.update_listener, listener.id, description="d").description, "d")
        self.assertEqual(updated(api.update_pool, pool.id, lb_algorithm="SOURCE_IP").lb_algorithm, "SOURCE_IP")
        self.assertEqual(updated(api.update_member, member.id, pool.id, weight=7).weight, 7)
        self.assertEqual(updated(api.update_health_monitor, monitor.id, delay=9).delay, 9)
        self.assertEqual(updated(api.update_l7_policy, policy.id, description="d").description, "d")
        self.assertEqual(updated(api.update_l7_rule, rule.id, policy.id, rule_value="/b").rule_value, "/b")

        with self.assertRaises(exceptions.ConflictException) as refused:
            api.delete_pool(pool.id)
        self.assertIn("in use by L7 policy", str(refused.exception))

        deletions = [
            (api.delete_l7_rule, (rule.id, policy.id)), (api.delete_l7_policy, (policy.id,)),
            (api.delete_health_monitor, (monitor.id,)), (api.delete_member, (member.id, pool.id)),
            (api.delete_pool, (pool.id,)), (api.delete_listener, (listener.id,)),
        ]
        for delete, what in deletions:
            delete(*what, ignore_missing=False)
            self.settled(balancer)
        with self.assertRaises(exceptions.NotFoundException):
            api.get_pool(pool.id)
        api.delete_load_balancer(balancer.id, ignore_missing=False)
        deadline = time.monotonic() + 10
        while list(api.load_balancers()) and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual(list(api.load_balancers()), [])

    def test_a_token_that_has_ended_is_replaced(self):
        first = self.cloud.session.get_token()
        deadline = time.monotonic() + 5 * LIFE
        while self.cloud.session.get_token() == first and time.monotonic() < deadline:
            list(self.api.pools())
            time.sleep(0.1)
        self.assertNotEqual(self.cloud.session.get_token(), first)

    def test_the_other_proofs_are_taken_and_wrong_ones_refused(self):
        credential = connect(self.url, auth_type="v3applicationcredential",
                             application_credential_id="owner", application_credential_secret="assize-owner")
        token = credential.session.get_token()
        self.assertEqual(list(credential.load_balancer.pools(name="nothing")), [])
        again = connect(self.url, auth_type="v3token", token=token, project_name="owner",
                        project_domain_id="default")
        self.assertEqual(list(again.load_balancer.pools(name="nothing")), [])
        self.assertEqual(again.current_project_id, self.cloud.current_project_id)
        for wrong in [{"password": "wrong"}, {"project_name": "other"}, {"username": "nobody"}]:
            auth = {"username": "owner", "password": "assize-owner", "project_name": "owner",
                    "user_domain_id": "default", "project_domain_id": "default", **wrong}
            with self.subTest(wrong), self.assertRaises(sign_in.Unauthorized):
                connect(self.url, **auth).session.get_token()
        reader = connect(self.url, username="readonly", password="assize-readonly", project_name="owner",
                         user_domain_id="default", project_domain_id="default")
        with self.assertRaises(exceptions.ForbiddenException):
            reader.load_balancer.create_load_balancer(name="no", vip_subnet_id=SUBNET)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        PROGRAM = sys.argv.pop(1)
    warnings.simplefilter("ignore")
    result = unittest.main(exit=False, warnings="ignore").result
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed} passed, {failed} failed")
    sys.exit(bool(failed))
