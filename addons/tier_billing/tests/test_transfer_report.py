from datetime import datetime
from decimal import Decimal

from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import SQL

from .common import TierBillingCase


@tagged("post_install", "-at_install")
class TestTransferReport(TierBillingCase):
    """Movements of wallets, to group and to sum."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_chain(user="outside")
        cls.abroad = cls.new_wallet("Abroad", cls.reseller, currency_id=cls.shell.id)
        cls.wallets = cls.provider | cls.reseller | cls.dealer | cls.user | cls.abroad
        cls.reseller._topup(100, "report:t1")
        cls.dealer._allocate("40.5", "report:a1")
        cls.abroad._allocate(8, "report:a2")
        cls.user._allocate(20, "report:a3")
        cls.dealer._reclaim("0.5", "report:r1")
        cls.usage(cls, cls.user, "0.0043", "report:u1", date=datetime(2026, 1, 31, 23, 30))
        cls.usage(cls, cls.dealer, "0.0031", "report:u2", date=datetime(2026, 1, 31, 23, 30))
        cls.env.flush_all()
        cls.Report = cls.env["tier.transfer.report"].with_user(cls.staff("auditor"))
        cls.ours = [("wallet_id", "in", cls.wallets.ids)]

    def test_the_rows_of_a_wallet_sum_to_its_balance(self):
        sums = dict(self.Report._read_group(self.ours, ["wallet_id"], ["amount:sum"]))
        self.assertEqual({wallet.id for wallet in sums}, set((self.wallets - self.provider).ids))
        self.env.cr.execute(
            SQL(
                """SELECT a.wallet_id, a.balance - sum(r.amount), sum(r.amount - r.amount_in + r.amount_out)
                     FROM (%s) r JOIN tier_account a ON a.wallet_id = r.wallet_id AND a.kind = 'wallet'
                    WHERE r.wallet_id = ANY(%s) GROUP BY a.wallet_id, a.balance""",
                self.Report._table_query,
                self.wallets.ids,
            )
        )
        rows = self.env.cr.fetchall()
        self.assertEqual(len(rows), 4)
        for _wallet, left, unsigned in rows:
            self.assertEqual((left, unsigned), (0, 0))

    def test_by_kind(self):
        groups = self.Report._read_group(
            [*self.ours, ("wallet_id", "=", self.dealer.id)], ["kind"], ["amount_in:sum", "amount_out:sum"]
        )
        self.assertEqual(
            {kind: (taken, given) for kind, taken, given in groups},
            {"allocation": (40.5, 0), "reclaim": (0, 0.5), "usage": (0, 0.0031)},
        )

    def test_both_sides_of_a_transfer_are_rows_of_their_own(self):
        [transfer] = self.env["tier.transfer"].search([("source_key", "=", "report:a2")])
        rows = self.Report.search([("transfer_id", "=", transfer.id)])
        self.assertEqual(len(rows), 2)
        given, taken = rows.sorted("amount")
        self.assertEqual((given.wallet_id, given.other_wallet_id), (self.reseller, self.abroad))
        self.assertEqual((taken.wallet_id, taken.other_wallet_id), (self.abroad, self.reseller))
        self.assertEqual((given.amount, given.currency_id, given.tier), (-10, self.coin, 1))
        self.assertEqual((taken.amount, taken.currency_id, taken.tier), (8, self.shell, 2))

    def test_a_grant_of_outside_credit_is_a_row_of_the_customer_alone(self):
        rows = self.Report.search([("transfer_id.source_key", "=", "report:a3")])
        self.assertEqual((rows.wallet_id, rows.amount, rows.other_wallet_id), (self.user, 20, self.dealer))

    def test_currencies_are_not_mixed(self):
        groups = self.Report._read_group([*self.ours, ("kind", "=", "allocation")], ["currency_id"], ["amount_in:sum"])
        self.assertEqual(dict(groups), {self.coin: 60.5, self.shell: 8})
        # Where they meet nevertheless, the web client is told of all of them, and converts.
        for name in ("amount", "amount_in", "amount_out"):
            description = self.Report.fields_get([name], ["type", "currency_field"])[name]
            self.assertEqual((description["type"], description["currency_field"]), ("monetary", "currency_id"))

    def test_months_are_the_readers(self):
        """A call in the last hour of January in UTC is one of February in Berlin."""
        for zone, month in (("UTC", 1), ("Europe/Berlin", 2)):
            with self.subTest(zone):
                [(first, total)] = self.Report.with_context(tz=zone)._read_group(
                    [*self.ours, ("kind", "=", "usage"), ("wallet_id", "=", self.dealer.id)],
                    ["date:month"],
                    ["amount_out:sum"],
                )
                self.assertEqual((first.month, Decimal(str(total))), (month, Decimal("0.0031")))

    def test_a_month_is_read_by_the_index_on_the_date(self):
        self.env.cr.execute("SET LOCAL enable_seqscan = off")
        self.env.cr.execute(
            SQL(
                """EXPLAIN SELECT kind, sum(amount) FROM (%s) r
                    WHERE date >= '2026-01-01' AND date < '2026-02-01' GROUP BY kind""",
                self.Report._table_query,
            )
        )
        plan = "\n".join(row[0] for row in self.env.cr.fetchall())
        self.assertNotIn("Seq Scan on tier_transfer", plan)
        self.assertGreaterEqual(plan.count("date >= '2026-01-01"), 2)

    def test_rights(self):
        for login in (self.staff("employee"), self.portal_user(self.user, "report_portal")):
            with self.assertRaises(AccessError):
                self.env["tier.transfer.report"].with_user(login).search([])
        for operation in ("write", "create", "unlink"):
            self.assertFalse(self.Report.has_access(operation))

    def test_staff_of_another_company_sees_none_of_it(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        self.Report.env.user.write({"company_ids": [(6, 0, other.ids)], "company_id": other.id})
        report = self.Report.with_context(allowed_company_ids=other.ids)
        self.assertFalse(report.search(self.ours))
