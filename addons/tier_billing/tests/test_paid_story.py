"""Accountants who do things in any order: the wallet has what was really paid, after each of them."""

import random
from decimal import Decimal

from odoo.exceptions import UserError
from odoo.tests import tagged

from .paid_common import PaidCase

STEPS = 30


@tagged("post_install", "-at_install")
class TestPaidStory(PaidCase):
    """Invoices and credit notes of nothing but credit for one wallet.

    What it must have can then be told from Odoo's reconciliations: what invoices have been
    settled with, less what credit notes have. A credit note that settles an invoice
    counts on both sides, and so not at all.
    """

    def setUp(self):
        super().setUp()
        self.invoices = self.env["account.move"]
        self.payments = self.env["account.payment"]

    def paid(self):
        """Return what was paid according to the reconciliations of posted entries."""
        self.env.flush_all()
        self.env.cr.execute(
            """
            SELECT COALESCE(sum(CASE WHEN dm.id = ANY(%(ids)s) THEN p.debit_amount_currency ELSE 0 END), 0)::text,
                   COALESCE(sum(CASE WHEN cm.id = ANY(%(ids)s) THEN p.credit_amount_currency ELSE 0 END), 0)::text
              FROM account_partial_reconcile p
              JOIN account_move_line d ON d.id = p.debit_move_id
              JOIN account_move_line c ON c.id = p.credit_move_id
              JOIN account_move dm ON dm.id = d.move_id AND dm.state = 'posted'
              JOIN account_move cm ON cm.id = c.move_id AND cm.state = 'posted'""",
            {"ids": self.invoices.ids},
        )
        # Invoices are debited, credit notes credited.
        settled, given_back = map(Decimal, self.env.cr.fetchone())
        return settled - given_back

    def open(self, *types):
        return self.invoices.filtered(
            lambda move: move.state == "posted" and move.move_type in types and move.amount_residual
        )

    def some(self, records):
        return records.browse(self.dice.choice(records.ids)) if records else records

    def step_invoice(self):
        self.invoices |= self.invoice(self.dice.randint(1, 4000) / 100)

    def step_pay(self):
        if move := self.some(self.open("out_invoice", "out_refund")):
            amount = self.dice.choice([move.amount_residual, round(move.amount_residual * self.dice.random(), 2)])
            self.payments |= self.pay(move, max(amount, 0.01))

    def step_credit_note(self):
        if move := self.some(self.invoices.filtered(lambda m: m.move_type == "out_invoice" and m.state == "posted")):
            self.invoices |= self.reverse(move, self.dice.choice([None, self.dice.randint(1, 2000) / 100]))

    def step_reconcile(self):
        """Settle whatever is open with whatever else is, credit notes and loose payments alike."""
        loose = self.payments.filtered(lambda p: p.state in ("in_process", "paid")).move_id
        moves = self.open("out_invoice", "out_refund") | loose
        lines = self.receivables(moves).filtered(lambda line: line.parent_state == "posted" and not line.reconciled)
        debit = self.some(lines.filtered(lambda line: line.balance > 0))
        credit = self.some(lines.filtered(lambda line: line.balance < 0))
        # Two loose payments, in and out, settle nothing of a wallet.
        if debit and credit and (debit | credit).move_id & self.invoices:
            (debit | credit).reconcile()

    def step_unreconcile(self):
        if move := self.some(self.invoices):
            self.receivables(move).remove_move_reconcile()

    def step_charge_back(self):
        if payment := self.some(self.payments.filtered(lambda p: p.state in ("in_process", "paid"))):
            payment.action_cancel()

    def step_draft(self):
        if move := self.some(self.invoices.filtered(lambda m: m.state == "posted")):
            move.button_draft()

    def step_post(self):
        if move := self.some(self.invoices.filtered(lambda m: m.state == "draft")):
            move.action_post()

    def step_settle_again(self):
        self.env["tier.paid.change"]._mark(self.invoices._tier_root())

    def test_any_order(self):
        steps = [getattr(self, name) for name in sorted(dir(self)) if name.startswith("step_")]
        weights = [4 if step.__name__ in ("step_pay", "step_invoice", "step_reconcile") else 2 for step in steps]
        for seed in range(2):
            self.dice = random.Random(seed)
            told = []
            for _step in range(STEPS):
                step = self.dice.choices(steps, weights)[0]
                told.append(step.__name__)
                try:
                    step()
                except UserError as error:  # Odoo itself refuses some of it
                    told[-1] += f" refused: {error}"
                self.settle()
                self.assertEqual(self.balance(self.wallet), self.paid(), f"seed {seed}: {told[-6:]}")
        self.assertConserved()
        self.assertGreater(len(self.topups()), 5)
