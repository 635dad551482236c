import base64
import json
from unittest.mock import patch

import psycopg2

from odoo.exceptions import AccessError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .. import charging
from .common import RatingBuilder
from .test_usage_import import asterisk, freeswitch

CSV = "text/csv"
FORM = "application/x-www-form-urlencoded"


@tagged("post_install", "-at_install")
class TestIngest(RatingBuilder, HttpCase):
    """Records that a switch posts: charged once, by whoever has the token, and nobody else."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_selling_chain()
        cls.user._topup(100, "ingest:funds")
        cls.switch = cls.new_switch("test_post")
        cls.new_endpoint(cls.user, "1001")
        cls.new_endpoint(cls.user, "2001")
        cls.token = cls.switch.action_new_ingest_token()["context"]["default_token"]

    def post(self, body, token=None, **headers):
        """Post a body.

        :return: the answer
        """
        self.env.flush_all()
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is None:
            token = self.token
        if token:
            headers.setdefault("Authorization", f"Bearer {token}")
        data = body.encode() if isinstance(body, str) else body
        answer = self.url_open("/credit/v1/cdr", data=data, headers={"Content-Type": CSV, **headers}, method="POST")
        self.env.invalidate_all()
        return answer

    def assertAnswer(self, answer, **figures):
        self.assertEqual(answer.status_code, 200, answer.text)
        figures = {"result": "ok", "suspense": 0, "duplicates": 0, "reasons": {}, "problem": None, **figures}
        self.assertEqual(answer.json(), figures)

    def test_records_are_charged_once(self):
        body = asterisk(1) + asterisk(2, minute=5)
        answer = self.post(body)
        self.assertAnswer(answer, records=2, charged=2)
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        self.assertBalances(self.user, 98)
        self.assertAnswer(self.post(body), records=2, charged=0, duplicates=2)
        self.assertAnswer(self.post(body + asterisk(3, minute=9)), records=3, charged=1, duplicates=2)
        self.assertBalances(self.user, 97)
        event = self.env["tier.usage.event"].search([("switch_id", "=", self.switch.id)], limit=1)
        self.assertFalse(event.import_id)

    def test_no_session_and_no_cookie(self):
        answer = self.post(asterisk(1))
        self.assertNotIn("Set-Cookie", answer.headers)

    def test_what_cannot_be_charged_waits(self):
        answer = self.post(asterisk(1) + "not a record\n" + asterisk(2, account="9999").replace("1001", "9999"))
        self.assertAnswer(
            answer,
            records=3,
            charged=1,
            suspense=2,
            reasons={"bad_record": 1, "unknown_account": 1},
            problem=answer.json()["problem"],
        )
        self.assertIn("Line 2: ", answer.json()["problem"])

    def test_the_body_is_the_file_whatever_its_type_says(self):
        """curl sends --data-binary as a form, and so do switches."""
        self.assertAnswer(self.post(asterisk(1), Content_Type=FORM), records=1, charged=1)
        self.assertAnswer(self.post(asterisk(2, minute=5), Content_Type=""), records=1, charged=1)
        self.switch.adapter = "freeswitch_json"
        encoded = "cdr=" + "".join(f"%{byte:02X}" for byte in freeswitch(1).encode())
        self.assertAnswer(self.post(encoded, Content_Type=FORM), records=1, charged=1)
        body = json.dumps([json.loads(freeswitch(2)), json.loads(freeswitch(3))])
        self.assertAnswer(self.post(body, Content_Type="application/json"), records=2, charged=2)
        self.switch.adapter = "freeswitch_xml"
        self.assertEqual(self.post("<cdr></cdr>", Content_Type="text/xml").json()["reasons"], {"bad_record": 1})

    def test_by_the_dial_plan_of_the_endpoint(self):
        plan = self.env["tier.dial.plan"].create({"name": "Behind a nine", "country_prefix": "49", "outside": "9"})
        self.user.endpoint_ids.dial_plan_id = plan
        self.assertAnswer(self.post(asterisk(1, callee="9030123456")), records=1, charged=1)
        event = self.env["tier.usage.event"].search([("switch_id", "=", self.switch.id)])
        self.assertEqual((event.callee, event.number), ("9030123456", "4930123456"))

    def test_basic_credentials(self):
        basic = base64.b64encode(f"test_post:{self.token}".encode()).decode()
        answer = self.post(asterisk(1), token="", Authorization=f"Basic {basic}")
        self.assertAnswer(answer, records=1, charged=1)

    def test_wrong_credentials(self):
        number, secret = self.token.split(".")
        other = self.new_switch("test_post_other")
        wrong = [
            "",
            "x",
            number,
            f"{number}.",
            f"{number}.{secret[:-1]}",
            f"{number}.{secret}x",
            f"{other.id}.{secret}",
            f"999999999.{secret}",
            f"-1.{secret}",
            f"{number}.{'é' * 30}".encode().decode("latin-1"),
            "false",
        ]
        for token in wrong:
            with self.subTest(token=token):
                answer = self.post(asterisk(1), token=token)
                self.assertEqual((answer.status_code, answer.json()), (401, {"error": "bad_credential"}))
        with self.subTest("no token was ever made"):
            self.assertFalse(other.has_ingest_token)
            self.assertFalse(self.env["tier.switch"]._by_ingest_token(f"{other.id}.{'a' * 43}"))
            self.assertFalse(self.env["tier.switch"]._by_ingest_token(""))
        self.assertBalances(self.user, 100)

    def test_a_new_token_ends_the_old_one_and_none_ends_all(self):
        old = self.token
        self.token = self.switch.action_new_ingest_token()["context"]["default_token"]
        self.assertEqual(self.post(asterisk(1), token=old).status_code, 401)
        self.assertEqual(self.post(asterisk(1)).status_code, 200)
        self.switch.active = False
        self.assertEqual(self.post(asterisk(1)).status_code, 401)
        self.switch.active = True
        self.switch.action_drop_ingest_token()
        self.assertEqual(self.post(asterisk(1)).status_code, 401)

    def test_the_token_is_not_kept(self):
        self.assertNotIn(self.token, self.switch.ingest_token_hash)
        self.assertFalse(self.switch.copy({"code": "test_post_copy"}).ingest_token_hash)
        action = self.switch.action_new_ingest_token()
        shown = self.env["tier.switch.token"].with_context(**action["context"]).new({})
        self.assertEqual(shown.token, action["context"]["default_token"])
        self.env.cr.execute("SELECT * FROM tier_switch_token")
        self.assertNotIn("token", [column.name for column in self.env.cr.description])

    def test_who_may_make_a_token(self):
        clerk = self.new_staff("user") if hasattr(self, "new_staff") else None
        users = [
            self.env["res.users"].create(
                {
                    "name": group,
                    "login": f"ingest_{group}",
                    "group_ids": [(6, 0, self.env.ref(f"tier_billing.{group}").ids)],
                }
            )
            for group in ("group_tier_user", "group_tier_auditor")
        ]
        for user in [*users, clerk] if clerk else users:
            with self.assertRaises(AccessError):
                self.switch.with_user(user).action_new_ingest_token()
            with self.assertRaises(AccessError):
                self.switch.with_user(user).action_drop_ingest_token()
            with self.assertRaises(AccessError):
                self.switch.with_user(user).read(["ingest_token_hash"])

    def test_odd_requests(self):
        self.assertEqual(self.post("").json()["error"], "empty_body")
        self.assertEqual(self.post(asterisk(1), Content_Encoding="gzip").status_code, 415)
        self.assertEqual(self.post(asterisk(1), Content_Type="multipart/form-data; boundary=x").status_code, 415)
        answer = self.url_open("/credit/v1/cdr", headers={"Authorization": f"Bearer {self.token}"})
        self.assertEqual(answer.status_code, 405)
        answer = self.post(bytes(range(256)) * 100)
        self.assertEqual((answer.status_code, answer.json()["charged"]), (200, 0))

    def test_a_database_that_fails_in_the_middle(self):
        """What is committed stays, the switch is told to come again, and then nothing is charged twice."""
        body = "".join(asterisk(n, minute=n) for n in range(6))
        charge = type(self.env["tier.usage.event"])._charge
        batches = []

        def fails(events, usages, _turn=None):
            batches.append(len(usages))
            if len(batches) == 2:
                raise psycopg2.errors.SerializationFailure
            return charge(events, usages)

        with (
            patch.object(charging, "BATCH", 4),
            patch.object(type(self.env["tier.usage.event"]), "_charge", fails),
            mute_logger("odoo.addons.tier_rating.controllers.ingest"),
        ):
            answer = self.post(body)
        self.assertEqual((answer.status_code, answer.json()["error"]), (503, "temporarily_unavailable"))
        self.assertEqual((answer.json()["records"], answer.json()["charged"]), (4, 4))
        self.assertTrue(answer.headers["Retry-After"])
        self.assertAnswer(self.post(body), records=6, charged=2, duplicates=4)
        self.assertBalances(self.user, 94)

    def test_few_statements(self):
        """One call costs as many trips to the database as one batch, and hardly more."""
        self.post(asterisk(1))
        before = self.env.cr.sql_log_count
        self.post(asterisk(2, minute=5))
        one = self.env.cr.sql_log_count - before
        before = self.env.cr.sql_log_count
        self.post("".join(asterisk(n, minute=n) for n in range(10, 30)))
        many = self.env.cr.sql_log_count - before
        self.assertLess(one, 60)
        self.assertLessEqual(many, one + 5)
