from contextlib import contextmanager
from decimal import Decimal

from odoo.tests import freeze_time, tagged
from odoo.tools import mute_logger

from odoo.addons.tier_billing.ledger.writer import Movement

from ..charging.refund import refund
from .common import NOON, TierRatingCase

LATER = "2026-12-03 09:00:00"


@freeze_time("2026-11-25")
@tagged("post_install", "-at_install")
class TestRefund(TierRatingCase):
    """What events charged, undone on every tier."""

    def build(self, dealer="inside", user="inside", **values):
        self.chain = _provider, reseller, dealer, user = self.new_selling_chain(dealer, user, **values)
        reseller._topup(10, "funds:reseller")
        dealer._allocate(5, "funds:dealer")
        user._allocate(2, "funds:user")

    def figures(self):
        provider, reseller, dealer, user = self.chain
        return [
            self.balance(user),
            self.balance(dealer),
            self.balance(reseller),
            self.collected(dealer),
            self.collected(reseller),
            self.earned(provider),
            self.balance(provider),
        ]

    def refund(self, *events, reason="The line was dead"):
        """Refund events, given as records or by their keys."""
        ids = [event if isinstance(event, int) else self.event(event).id for event in events]
        self.env.flush_all()
        outcome = refund(self.env, ids, reason)
        self.env.invalidate_all()
        return outcome.refunded, outcome.skipped

    def sums(self, wallet):
        """Return what a wallet sold, paid and earned over all its charges, exactly."""
        self.env.cr.execute(
            "SELECT sum(sale)::text, sum(cost)::text, sum(margin)::text FROM tier_charge WHERE wallet_id = %s",
            [wallet.id],
        )
        return [Decimal(amount) for amount in self.env.cr.fetchone()]

    def audited(self):
        """Return whether the audit finds all refunds undone on every tier, and nothing else undone."""
        self.env.invalidate_all()
        with mute_logger("odoo.addons.tier_billing.models.tier_audit"):
            codes = self.env["tier.audit"]._run().finding_ids.mapped("check_code")
        return "refunded" not in codes

    def test_the_audit_finds_what_is_undone_by_half(self):
        self.build()
        self.charge(self.call("k:1"), self.call("k:2"))
        self.refund("k:1")
        self.assertTrue(self.audited())
        undone = "event_id = %s AND reverses_id IS NOT NULL AND wallet_id = %s"
        other = "state = 'charged' AND wallet_id = (SELECT wallet_id FROM tier_usage_event WHERE id = %s)"
        values = [self.event("k:1").id, self.chain[1].id]
        for harm in (
            f"UPDATE tier_charge SET sale = sale + 0.01 WHERE {undone}",
            f"UPDATE tier_charge SET cost = cost + 0.01 WHERE {undone}",
            f"DELETE FROM tier_charge WHERE {undone}",
            "UPDATE tier_usage_event SET state = 'charged' WHERE id = %s",
            f"UPDATE tier_usage_event SET state = 'refunded' WHERE {other}",
        ):
            with self.subTest(harm), self.env.cr.savepoint() as savepoint:
                self.env.cr.execute(harm, values[: harm.count("%s")])
                self.assertTrue(self.env.cr.rowcount)
                self.assertFalse(self.audited())
                savepoint.rollback()

    # ------------------------------------------------------------------
    # To the last cent
    # ------------------------------------------------------------------

    def _undo(self, dealer, user):
        self.build(dealer, user)
        before = self.figures()
        self.charge(self.call("k:1"))
        self.assertNotEqual(self.figures(), before)
        self.assertEqual(self.refund("k:1"), (1, 0))
        self.assertEqual(self.figures(), before)
        self.assertConserved()
        event = self.event("k:1")
        self.assertEqual(event.state, "refunded")
        paid = event.charge_ids.filtered(lambda charge: not charge.reverses_id).transfer_id
        back = self.env["tier.transfer"].search([("reverses_id", "in", paid.ids)])
        self.assertEqual(len(back), 3)
        for transfer in back:
            undone = transfer.reverses_id
            self.assertEqual((transfer.kind, transfer.source_key), ("refund", f"refund:{undone.id}"))
            self.assertEqual(
                (transfer.from_account_id, transfer.to_account_id, transfer.amount, transfer.amount_to),
                (undone.to_account_id, undone.from_account_id, undone.amount_to, undone.amount),
            )
            self.assertEqual(transfer.reason, "The line was dead")

    def test_all_inside(self):
        self._undo("inside", "inside")

    def test_outside(self):
        self._undo("outside", "outside")

    def test_mixed(self):
        self._undo("inside", "outside")

    def test_shares_are_negated_and_the_carrier_stays_a_cost(self):
        self.build()
        provider, reseller, dealer, user = self.chain
        self.charge(self.call("k:1"))
        self.refund("k:1")
        for wallet in (reseller, dealer, user):
            self.assertEqual(self.sums(wallet), [0, 0, 0])
        self.assertEqual(self.sums(provider), [0, Decimal("0.50"), Decimal("-0.50")])
        back = self.event("k:1").charge_ids.filtered("reverses_id").sorted("tier")
        self.assertEqual(back.mapped("tier"), [0, 1, 2, 3])
        self.assertEqual(back.mapped("quantity"), [0] * 4)
        self.assertEqual(back.mapped("billed_quantity"), [0, -60, -60, -60])
        self.assertEqual(back.transfer_id.mapped("kind"), ["refund"] * 3)
        self.assertEqual(set(back.mapped("event_state")), {"refunded"})

    def test_two_currencies(self):
        """What was converted goes back at the rate of then, though today's is another."""
        provider = self.new_wallet("Provider")
        reseller = self.new_wallet("Reseller", provider)
        dealer = self.new_wallet("Dealer", reseller, currency_id=self.shell.id)
        user = self.new_wallet("User", dealer, currency_id=self.coin.id)
        for wallet, price in ((reseller, "0.70"), (dealer, "0.80"), (user, "0.97")):
            self.sell(wallet, {"49": price})
        self.new_endpoint(user, "user")
        user._topup(2, "funds")
        accounts = self.env["tier.account"].search([("company_id", "=", self.company.id)])
        before = {account: self.figure(account) for account in accounts}
        self.charge(self.call("k:1"))
        self.set_rate(self.shell, 0.5, "2026-11-24")
        self.assertEqual(self.refund("k:1"), (1, 0))
        after = {account: self.figure(account) for account in accounts}
        self.assertEqual(after, before)
        paid = self.event("k:1").charge_ids.filtered(lambda c: c.wallet_id == user and not c.reverses_id).transfer_id
        back = self.env["tier.transfer"].search([("reverses_id", "=", paid.id)])
        self.assertEqual((paid.amount, paid.amount_to, paid.rate), (1.21, 0.97, 0.8))
        self.assertEqual((back.amount, back.amount_to, back.rate), (0.97, 1.21, 1.25))
        self.assertEqual((back.currency_id, back.currency_to_id), (self.shell, self.coin))
        self.assertEqual((back.exchange_in_id, back.exchange_out_id), (paid.exchange_out_id, paid.exchange_in_id))
        self.assertConserved()

    # ------------------------------------------------------------------
    # Once, and all or none
    # ------------------------------------------------------------------

    def test_again_changes_nothing(self):
        self.build()
        self.charge(self.call("k:1"), self.call("k:2"))
        self.assertEqual(self.refund("k:1"), (1, 0))
        with self.assertNothingMoves():
            self.assertEqual(self.refund("k:1", "k:1"), (0, 1))
        self.assertEqual(self.refund("k:1", "k:2"), (1, 1))
        self.assertEqual(len(self.event("k:1").charge_ids), 8)

    def test_its_record_again_charges_nothing(self):
        self.build()
        before = self.figures()
        self.charge(self.call("k:1"))
        self.refund("k:1")
        self.assertEqual(self.charge(self.call("k:1")).duplicate, 1)
        self.assertEqual(self.retry(self.event("k:1")).charged, 0)
        self.assertEqual((self.event("k:1").state, self.figures()), ("refunded", before))

    def test_nothing_to_undo(self):
        self.build()
        self.charge(self.call("k:free", 0), self.call("k:unknown", account="nobody"))
        with self.assertNothingMoves():
            self.assertEqual(self.refund("k:free", "k:unknown", 2**31 - 1), (0, 3))
        self.assertEqual((self.event("k:free").state, self.event("k:unknown").state), ("charged", "suspense"))
        self.assertEqual(refund(self.env, [], "none").skipped, 0)

    def test_all_edges_or_none(self):
        """One edge that was undone by hand stops the event: the database refuses to undo it twice."""
        self.build()
        _provider, reseller, dealer, _user = self.chain
        self.charge(self.call("k:1"))
        row = self.event("k:1").charge_ids.filtered(lambda charge: charge.wallet_id == dealer)
        before = self._by_hand(row.transfer_id)
        with self.assertDatabaseRefuses("refunded_once"):
            refund(self.env, self.event("k:1").ids, "again")
        self.env.invalidate_all()
        self.assertEqual(self.figures(), before)
        self.assertEqual(self.event("k:1").state, "charged")
        self.assertEqual(self.balance(reseller), Decimal("4.30"))

    def _by_hand(self, paid, **values):
        values = {
            "source_key": "by hand",
            "kind": "refund",
            "from_account": paid.to_account_id.id,
            "to_account": paid.from_account_id.id,
            "amount": Decimal(str(paid.amount_to)),
            "amount_to": Decimal(str(paid.amount)),
            "reverses": paid.id,
            **values,
        }
        self.env["tier.transfer"]._post([Movement(**values)])
        return self.figures()

    def test_the_database_takes_exact_refunds_only(self):
        self.build()
        self.charge(self.call("k:1"))
        paid = self.event("k:1").charge_ids.filtered(lambda charge: charge.tier == 3).transfer_id
        topup = self.env["tier.transfer"].search([("source_key", "=", "funds:reseller")])
        for values in (
            {"amount": Decimal("0.99"), "amount_to": Decimal("0.99")},
            {"from_account": paid.from_account_id.id, "to_account": paid.to_account_id.id},
            {"to_account": self.chain[1].account_id.id},
            {"reverses": 2**31 - 1},
            {"reverses": topup.id},
        ):
            with self.subTest(values=values), self.assertDatabaseRefuses("backwards"):
                self._by_hand(paid, **values)
        self._by_hand(paid)
        with self.assertDatabaseRefuses("refunded_once"):
            self._by_hand(paid, source_key="by another hand")

    def test_a_charge_is_undone_once(self):
        self.build()
        self.charge(self.call("k:1"))
        self.refund("k:1")
        with self.assertDatabaseRefuses("tier_charge_(refunded_)?once"):
            self.env.cr.execute(
                """INSERT INTO tier_charge (event_id, wallet_id, currency_id, reverses_id)
                   SELECT event_id, wallet_id, currency_id, reverses_id FROM tier_charge
                    WHERE reverses_id IS NOT NULL LIMIT 1"""
            )

    # ------------------------------------------------------------------
    # Funds and figures
    # ------------------------------------------------------------------

    def test_a_reseller_that_spent_its_margin_owes_it(self):
        """Recorded in full, and flagged."""
        self.build()
        _provider, reseller, dealer, user = self.chain
        self.charge(self.call("k:1"))
        dealer._reclaim(self.balance(dealer), "all back")
        self.assertEqual(self.refund("k:1"), (1, 0))
        self.assertBalances(dealer, "-0.20", user, 2)
        back = self.event("k:1").charge_ids.filtered("reverses_id")
        self.assertEqual(back.filtered("overrun").wallet_id, dealer)
        self.assertGreater(self.balance(reseller), 0)
        self.assertConserved()

    def test_the_month_of_the_refund(self):
        """A month that is over stays as it was booked; what comes back counts in the month it comes back."""
        self.build()
        _provider, _reseller, dealer, user = self.chain
        self.charge(self.call("k:1"), self.call("k:2"))
        self.assertEqual((user.call_count, user.cost_month, user.spent_month), (2, 2, 2))
        self.refund("k:2")
        self.assertEqual((user.call_count, user.cost_month, user.spent_month), (2, 1, 1))
        self.assertEqual((dealer.sale_month, dealer.cost_month, dealer.margin_month), (1, 0.8, 0.2))
        with freeze_time(LATER):
            self.refund("k:1")
            self.assertEqual((user.call_count, user.cost_month, user.spent_month), (0, -1, -1))
            self.assertEqual((dealer.call_count, dealer.sale_month, dealer.margin_month), (0, -1, -0.2))

    def test_the_summary_tells_refunds_apart(self):
        before = self.env["tier.demo"]._summary()
        self.build()
        self.charge(self.call("k:1"), self.call("k:2"))
        self.refund("k:1")
        summary = self.env["tier.demo"]._summary()
        grown = {key: summary[key] - before[key] for key in ("events", "charged", "suspense", "refunded")}
        self.assertEqual(grown, {"events": 2, "charged": 1, "suspense": 0, "refunded": 1})
        [row] = [row for row in summary["wallets"] if row["name"] == "User"]
        self.assertEqual((row["calls"], Decimal(row["cost"]), Decimal(row["balance"])), (2, 1, 1))
        self.assertTrue(summary["conserved"])

    # ------------------------------------------------------------------
    # Cost and audit
    # ------------------------------------------------------------------

    def test_statements_do_not_grow_with_the_batch(self):
        self.build()
        self.charge(*(self.call(f"k:{number}", at=NOON) for number in range(41)))
        events = self.env["tier.usage.event"].search([("source_key", "=like", "k:%")]).ids
        for batch in (events[:1], events[1:]):
            self.env.flush_all()
            with self.assertQueryCount(6):
                refund(self.env, batch, "outage")
        self.env.invalidate_all()
        self.assertEqual(self.sums(self.chain[3])[1], 0)
        self.assertConserved()

    def test_the_audit_finds_half_a_refund(self):
        self.build()
        self.charge(self.call("k:1"), self.call("k:2"))
        self.refund("k:1")
        self.assertConserved()
        for statement in (
            "DELETE FROM tier_charge WHERE id IN (SELECT max(id) FROM tier_charge WHERE reverses_id IS NOT NULL)",
            "UPDATE tier_charge SET cost = cost - 0.01 WHERE reverses_id IS NOT NULL AND tier = 3",
            "UPDATE tier_charge SET sale = sale - 0.01 WHERE reverses_id IS NOT NULL AND tier = 0",
            "UPDATE tier_usage_event SET state = 'charged' WHERE source_key = 'k:1'",
            "UPDATE tier_usage_event SET state = 'refunded' WHERE source_key = 'k:2'",
        ):
            with self.subTest(statement), self.rolled_back():
                self.env.cr.execute(statement)
                self.assertFalse(self.env["tier.audit"]._is_clean())

    @contextmanager
    def rolled_back(self):
        """What the block does is undone at its end."""
        savepoint = self.env.cr.savepoint(flush=False)
        try:
            yield
        finally:
            savepoint.close(rollback=True)

    def test_in_a_transaction_of_its_own(self):
        self.build()
        self.charge(self.call("k:1"))
        self.env.flush_all()
        self.registry_enter_test_mode()
        outcome = self.env["tier.usage.event"]._refund(self.event("k:1").ids, "dead line")
        self.assertEqual((outcome.refunded, outcome.skipped), (1, 0))
        self.env.invalidate_all()
        self.assertEqual(self.event("k:1").state, "refunded")
