from datetime import datetime, timedelta

from odoo.tests import freeze_time, tagged

from ..invoicing import linked, waiting
from .invoicing_common import DECEMBER, IN_DECEMBER, NOVEMBER, InvoicingCase

END = datetime(2026, 12, 1)
LATER = END + timedelta(days=3000)


@freeze_time("2026-12-02 09:00:00")
@tagged("post_install", "-at_install")
class TestUsageInvoiceLate(InvoicingCase):
    """What came late is found without reading again what stands on invoices."""

    def setUp(self):
        super().setUp()
        self.sum_up()

    def sum_up(self):
        """Let the sums know all charges that there are, as the scheduled action does."""
        self.env.flush_all()
        self.env.cr.execute("INSERT INTO tier_usage_rollup (until_id) VALUES (0) ON CONFLICT DO NOTHING")
        self.env.cr.execute("UPDATE tier_usage_rollup SET until_id = (SELECT COALESCE(max(id), 0) FROM tier_charge)")

    def read(self, wallets=None):
        """Return the keys of the events that are looked at for an invoice."""
        self.env.flush_all()
        self.env.cr.execute(linked.may_wait(self.env, (wallets or self.user).ids))
        column = [one.name for one in self.env.cr.description].index("event_id")
        events = self.env["tier.usage.event"].browse(row[column] for row in self.env.cr.fetchall())
        return sorted(events.mapped("source_key"))

    def due(self, wallets=None):
        found = waiting.waiting(self.env, (wallets or self.user).ids, LATER)
        return {self.env["tier.wallet"].browse(key): one.calls for key, one in found.items()}

    def test_what_is_invoiced_is_not_read_again(self):
        self.use_in_november()
        self.sum_up()
        self.assertEqual(self.read(), ["k:1", "k:2", "k:3"])
        self.invoice()
        self.assertEqual(self.user.usage_linked_before, END)
        self.assertEqual(self.read(), [])
        self.use(self.call("dec", at=IN_DECEMBER))
        self.assertEqual(self.read(), ["dec"])

    def test_what_came_late_is_found(self):
        self.use_in_november()
        self.sum_up()
        self.invoice()
        self.use(self.call("late"))
        self.assertEqual((self.read(), self.due()), (["late"], {self.user: 1}))
        self.sum_up()
        self.assertEqual((self.read(), self.due()), (["late"], {self.user: 1}), "the sums do not hide it")
        self.use(self.call("dec", at=IN_DECEMBER))
        self.sum_up()
        self.assertEqual(self.linked(self.invoice(DECEMBER)), ["dec", "late"])
        self.assertEqual(self.read(), [])

    def test_what_is_not_summed_yet_is_read_again(self):
        self.use_in_november()
        self.invoice()
        self.assertEqual(self.read(), ["k:1", "k:2", "k:3"])
        self.assertEqual(self.due(), {})

    def test_what_comes_off_an_invoice_is_found(self):
        ways = (
            lambda move: move.unlink(),
            lambda move: move.button_cancel(),
            lambda move: self.env.cr.execute("DELETE FROM account_move WHERE id = %s", [move.id]),
        )
        for number, undo in enumerate(ways):
            with self.subTest(way=number), self.env.cr.savepoint() as savepoint:
                self.use_in_november()
                self.sum_up()
                move = self.invoice()
                self.env.flush_all()
                undo(move)
                self.env.flush_all()
                self.env.invalidate_all(flush=False)
                self.assertFalse(self.user.usage_linked_before)
                self.assertEqual(self.due(), {self.user: 3})
                self.assertEqual(self.linked(self.invoice(DECEMBER)), ["k:1", "k:2", "k:3"])
                savepoint.rollback()
                self.env.invalidate_all(flush=False)

    def test_an_older_period_moves_nothing_back(self):
        self.use(self.call("dec", at=IN_DECEMBER))
        self.sum_up()
        self.invoice(DECEMBER)
        before = self.user.usage_linked_before
        self.use_in_november()
        self.assertEqual(self.linked(self.invoice(NOVEMBER)), ["k:1", "k:2", "k:3"])
        self.assertEqual(self.user.usage_linked_before, before)
        self.assertEqual(self.due(), {})

    def test_what_gives_no_invoice_is_noted_nowhere(self):
        """The draft that is taken back since another was quicker leaves what it took to wait."""
        self.use_in_november()
        self.sum_up()
        due = self.user._usage_due(NOVEMBER[1])
        self.invoice()
        self.env.cr.execute("UPDATE tier_wallet SET usage_linked_before = NULL WHERE id = %s", [self.user.id])
        self.user.invalidate_recordset()
        self.assertFalse(self.user._draft_invoices(due, *NOVEMBER, None))
        self.assertFalse(self.user.usage_linked_before)

    def test_each_wallet_has_its_own(self):
        other, never = self.new_customer("Other", "other"), self.new_customer("Never", "never")
        wallets = self.user + other + never
        self.use(self.call("k"), self.call("o", account="other"), self.call("n", account="never"))
        self.sum_up()
        self.invoice()
        self.invoice(DECEMBER, other)
        self.use(self.call("late"), self.call("o:late", account="other"))
        self.use(self.call("dec", at=IN_DECEMBER), self.call("o:dec", account="other", at=IN_DECEMBER))
        self.assertEqual(self.read(wallets), ["dec", "late", "n", "o:dec", "o:late"])
        self.assertEqual(self.due(wallets), {self.user: 2, other: 2, never: 1})

    def test_nobody(self):
        self.assertEqual(waiting.waiting(self.env, [], LATER), {})

    def test_it_leans_on_the_block_ranges(self):
        """With many charges, what came late is found without the wallet's history."""
        self.env.cr.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'tier_charge_dates'")
        self.assertIn("brin (date, id)", self.env.cr.fetchone()[0])
