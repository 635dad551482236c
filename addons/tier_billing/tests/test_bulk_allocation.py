import base64
import doctest
from decimal import Decimal

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user, tagged

from ..wizards import bulk_file
from .common import TierBillingCase


@tagged("post_install", "-at_install")
class TestBulkAllocation(TierBillingCase):
    """Many wallets, one dialog."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_chain()
        cls.dealer._topup(100, "bulk:funds")
        cls.ada, cls.bo, cls.cleo = (cls.new_wallet(name, cls.dealer) for name in ("Ada", "Bo", "Cleo"))
        cls.clerk = cls.staff("user")

    def tearDown(self):
        self.assertConserved()
        super().tearDown()

    def bulk(self, role=None, **values):
        return self.env["tier.bulk.allocation"].with_user(role or self.clerk).create({"reason": "June", **values})

    def upload(self, text, **values):
        return self.bulk(scope="file", file=base64.b64encode(text.encode()), filename="list.csv", **values)

    def test_selected_wallets(self):
        wallets = self.ada | self.bo
        Bulk = self.env["tier.bulk.allocation"].with_user(self.clerk)
        with Form(Bulk.with_context(active_model="tier.wallet", active_ids=wallets.ids)) as form:
            form.amount = 10
        bulk = form.record
        with self.assertNothingMoves():
            bulk.action_check()
        self.assertEqual((bulk.given_count, bulk.refused_count, bulk.total), (2, 0, "20 QCO"))
        bulk.action_apply()
        self.assertEqual((bulk.state, bulk.given_count), ("done", 2))
        self.assertBalances(self.ada, 10, self.bo, 10, self.cleo, 0, self.dealer, 80)

    def test_a_second_click_changes_nothing(self):
        bulk = self.bulk(wallet_ids=self.ada.ids, amount=10)
        bulk.action_check()
        bulk.action_apply()
        with self.assertRaises(UserError), self.assertNothingMoves():
            bulk.action_apply()
        bulk.state = "checked"  # as a second window still shows it
        with self.assertNothingMoves():
            bulk.action_apply()
        self.assertBalances(self.ada, 10)

    def test_without_a_look_nothing_happens(self):
        with self.assertRaisesRegex(UserError, "summary"), self.assertNothingMoves():
            self.bulk(wallet_ids=self.ada.ids, amount=10).action_apply()

    def test_all_customers(self):
        self.bo.state = "closed"
        bulk = self.bulk(scope="children", parent_id=self.dealer.id, amount=5)
        bulk.action_check()
        self.assertEqual(bulk.line_ids.wallet_id, self.user | self.ada | self.cleo)
        bulk.action_apply()
        self.assertBalances(self.user, 5, self.ada, 5, self.cleo, 5, self.bo, 0, self.dealer, 85)

    def test_a_filter(self):
        bulk = self.bulk(scope="filter", domain="[('name', 'in', ['Ada', 'Cleo'])]", amount=5)
        bulk.action_check()
        bulk.action_apply()
        self.assertBalances(self.ada, 5, self.bo, 0, self.cleo, 5)
        with self.assertRaisesRegex(UserError, "filter"):
            self.bulk(scope="filter", domain="__import__('os')", amount=5).action_check()

    def test_all_or_nothing(self):
        bulk = self.bulk(wallet_ids=(self.ada | self.bo).ids, amount=60)
        bulk.action_check()
        self.assertEqual((bulk.given_count, bulk.refused_count), (1, 1))
        self.assertIn("Dealer has 40 QCO", bulk.refused_ids.refusal)
        with self.assertRaisesRegex(UserError, "Bo: Dealer has 40 QCO available"), self.assertNothingMoves():
            bulk.action_apply()

    def test_skipping(self):
        bulk = self.bulk(wallet_ids=(self.ada | self.bo).ids, amount=60, on_refusal="skip")
        bulk.action_check()
        bulk.action_apply()
        self.assertEqual((bulk.state, bulk.given_count, bulk.refused_count), ("done", 1, 1))
        self.assertBalances(self.ada, 60, self.bo, 0)

    def test_what_was_refused_at_the_look_is_tried_again(self):
        bulk = self.bulk(wallet_ids=(self.ada | self.bo).ids, amount=60)
        bulk.action_check()
        self.dealer._topup(20, "bulk:more")
        bulk.action_apply()
        self.assertEqual((bulk.given_count, bulk.refused_count), (2, 0))
        self.assertBalances(self.ada, 60, self.bo, 60)

    def test_a_file(self):
        self.bo.partner_id.ref = "C-17"
        bulk = self.upload("Wallet;Amount\nAda;10,50\nC-17;0,0043\n")
        bulk.action_check()
        self.assertFalse(bulk.refused_count)
        bulk.action_apply()
        self.assertBalances(self.ada, "10.5", self.bo, "0.0043")

    def test_what_is_wrong_with_a_file_is_named_by_line(self):
        self.new_wallet("Twin", self.dealer)
        self.new_wallet("Twin", self.dealer)
        bulk = self.upload(
            "wallet,amount\nAda,10\nNobody,1\nTwin,1\nBo,much\nAda,2\nCleo,-1\n,3\nCleo,NaN\nBo,0.12345678901234567890\n"
        )
        bulk.action_check()
        found = {line.label: line.refusal for line in bulk.refused_ids}
        for label, words in (
            ("Line 3 (Nobody)", "no such wallet"),
            ("Line 4 (Twin)", "2 wallets"),
            ("Line 5 (Bo)", "much"),
            ("Line 6 (Ada)", "same wallet as on line 2"),
            ("Line 7 (Cleo)", "above zero"),
            ("Line 8 ()", "no wallet"),
            ("Line 9 (Cleo)", "not an amount"),
            ("Line 10 (Bo)", "too many digits"),
        ):
            self.assertIn(words, found.pop(label))
        self.assertFalse(found)
        with self.assertRaisesRegex(UserError, "Line 3 .Nobody.: there is no such wallet"), self.assertNothingMoves():
            bulk.action_apply()
        bulk.on_refusal = "skip"
        bulk.action_apply()
        self.assertBalances(self.ada, 10, self.bo, 0)

    def test_files_that_are_none(self):
        for content in (b"", b"\n\n", b"wallet,amount\n", b"\x00\xff\x89PNG\r\n\x1a\n"):
            with self.subTest(content[:10]), self.assertRaises(UserError):
                self.bulk(scope="file", file=base64.b64encode(content)).action_check()

    def test_the_reader_of_files(self):
        self.assertFalse(doctest.testmod(bulk_file).failed)
        rows = bulk_file.parse(b"Ada\t1\nBo\t2,5")
        self.assertEqual([row.amount for row in rows], [Decimal(1), Decimal("2.5")])
        with self.assertRaises(ValueError):
            bulk_file.parse(b"a,1\n" * 50_001)

    def test_wallets_of_another_company(self):
        other = self.env["res.company"].create({"name": "Other company"})
        elsewhere = self.new_wallet("Elsewhere", self.new_wallet("Their provider", company_id=other.id))
        bulk = self.upload("Elsewhere,1\nAda,1\n")
        bulk.action_check()
        self.assertIn("no such wallet", bulk.refused_ids.refusal)
        with self.assertRaises(UserError):
            self.bulk(wallet_ids=elsewhere.ids, amount=1).action_check()

    def test_an_auditor_gives_nothing(self):
        with self.assertRaises(AccessError):
            self.bulk(role=self.staff("auditor"), wallet_ids=self.ada.ids, amount=1)

    def test_all_of_it_counts_for_the_limit(self):
        """A thousand small ones are as much money as a big one."""
        self.company.tier_approval_limit = 25
        manager = new_test_user(self.env, "bulk_manager", "tier_billing.group_tier_manager")
        bulk = self.bulk(wallet_ids=(self.ada | self.bo | self.cleo).ids, amount=10)
        bulk.action_check()
        self.assertTrue(bulk.needs_approval)
        with self.assertNothingMoves():
            action = bulk.action_apply()
        request = self.env["tier.allocation.request"].browse(action["res_id"])
        self.assertEqual((request.wallet_count, request.total), (3, "30 QCO"))
        request.with_user(manager).action_approve()
        self.assertBalances(self.ada, 10, self.bo, 10, self.cleo, 10)
        with self.assertNothingMoves():
            bulk.action_apply()

    def test_many(self):
        """A thousand wallets: few statements, and each is right."""
        partner = self.env["res.partner"].create({"name": "Campus"})
        wallets = self.env["tier.wallet"].create(
            [{"name": f"S{n}", "partner_id": partner.id, "parent_id": self.dealer.id} for n in range(300)]
        )
        self.env.flush_all()
        bulk = self.bulk(wallet_ids=wallets.ids, amount="0.10")
        bulk.action_check()
        self.env.invalidate_all()
        with self.assertQueryCount(60):
            bulk.action_apply()
        self.assertEqual((bulk.given_count, bulk.total), (300, "30 QCO"))
        self.assertBalances(self.dealer, 70)
