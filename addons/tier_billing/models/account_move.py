from collections import defaultdict
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError

from .tier_paid_change import LOCK_MOVE

SALE_TYPES = ("out_invoice", "out_receipt", "out_refund")
RECEIVABLE_TYPES = ("asset_receivable", "liability_payable")


class AccountMove(models.Model):
    """Invoices that credit wallets, as far as they are really paid.

    A credit note that cancels an unpaid invoice is paper: neither moves money.
    One whose amount was given back (by a payment, or by settling something
    else) takes the credit back. The invoice and the credit notes that reverse
    it are settled together, under the invoice's lock.
    """

    _inherit = "account.move"

    tier_paid_credit_ids = fields.One2many(
        "tier.paid.credit", "move_id", "Credited to wallets", groups="tier_billing.group_tier_auditor"
    )
    tier_paid_credit_count = fields.Integer(
        compute="_compute_tier_paid_credit_count", groups="tier_billing.group_tier_auditor"
    )

    tier_sells_credit = fields.Boolean(compute="_compute_tier_sells_credit")
    tier_lacks_wallet = fields.Boolean(compute="_compute_tier_sells_credit")

    def _compute_tier_paid_credit_count(self):
        counts = dict(self.env["tier.paid.credit"]._read_group([("move_id", "in", self.ids)], ["move_id"], ["__count"]))
        for move in self:
            move.tier_paid_credit_count = counts.get(move, 0)

    def action_tier_paid_credits(self):
        """Open what this invoice has credited to wallets.

        :return: a window action
        """
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id("tier_billing.tier_paid_credit_action")
        action["domain"] = [("move_id", "=", self._tier_root().id)]
        return action

    @api.depends("invoice_line_ids.product_id", "invoice_line_ids.tier_wallet_id", "state")
    def _compute_tier_sells_credit(self):
        for move in self:
            move.tier_sells_credit = move.move_type in SALE_TYPES and any(
                line.tier_wallet_id or line.product_id.is_tier_credit for line in move.invoice_line_ids
            )
            move.tier_lacks_wallet = move.state == "posted" and bool(move._tier_lines_without_wallet())

    def _tier_lines_without_wallet(self):
        """Return the lines of credit that name no wallet."""
        return self._tier_credit_lines().filtered(
            lambda line: line.product_id.is_tier_credit and not line.tier_wallet_id
        )

    def action_tier_choose_wallet(self):
        """Open the lines of credit that name no wallet: a posted invoice does not let them be edited.

        :return: a window action
        """
        self.ensure_one()
        self.check_access("write")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Choose the wallet"),
            "res_model": "account.move.line",
            "views": [(self.env.ref("tier_billing.account_move_line_wallet_list").id, "list")],
            "domain": [("id", "in", self._tier_lines_without_wallet().ids)],
            "context": {"create": False, "delete": False},
        }

    # ------------------------------------------------------------------
    # What changes payments
    # ------------------------------------------------------------------

    def write(self, vals):
        """Override of `account`: posting, resetting and cancelling change what is paid."""
        result = super().write(vals)
        if "state" in vals:
            self._tier_mark()
        return result

    def _post(self, soft=True):
        """Override of `account`: the invoice's partner may have changed since its lines were written."""
        self.invoice_line_ids.filtered("tier_wallet_id")._check_tier_wallet()
        return super()._post(soft)

    def _tier_mark(self):
        """Have these moves, and what they are reconciled with, settled after the commit."""
        # sudo: who posts entries need not have rights on wallets.
        moves = self.sudo()
        lines = moves.line_ids.filtered(lambda line: line.account_type in RECEIVABLE_TYPES)
        moves |= (lines.matched_debit_ids.debit_move_id | lines.matched_credit_ids.credit_move_id).move_id
        for documents in moves._tier_documents():
            self.env["tier.paid.change"]._mark(documents)

    def _tier_documents(self):
        """Return what is to be settled when the payments of these moves change.

        :return: list of recordsets, each of another model
        """
        return [self._tier_concerned()._tier_root(), self.origin_payment_id._tier_concerned()]

    def _tier_concerned(self):
        """Return the moves that credit wallets, or have.

        :return: invoices and credit notes among these moves
        """
        moves = self.filtered(lambda move: move.move_type in SALE_TYPES)
        if not moves:
            return moves
        bundles = moves | moves.reversed_entry_id
        lines = self.env["account.move.line"].search(
            [
                ("move_id", "in", bundles.ids),
                "|",
                ("tier_wallet_id", "!=", False),
                ("product_id.is_tier_credit", "=", True),
            ]
        )
        concerned = lines.move_id | self.env["tier.paid.credit"].search([("move_id", "in", bundles.ids)]).move_id
        return moves.filtered(lambda move: move in concerned or move.reversed_entry_id in concerned)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_credited(self):
        for move in self.sudo():
            if move.tier_paid_credit_ids:
                raise UserError(
                    self.env._(
                        "%s has credited a wallet and stays in its history: cancel it instead.", move.display_name
                    )
                )

    # ------------------------------------------------------------------
    # What is paid
    # ------------------------------------------------------------------

    def _tier_root(self):
        """Return the document that settles these moves: a credit note goes with its invoice."""
        return self.browse().union(*(move.reversed_entry_id if move._tier_reverses() else move for move in self))

    def _tier_lock(self):
        """Let one transaction at a time settle these documents, until it ends."""
        self.env["tier.paid.change"]._lock(LOCK_MOVE, self.ids)

    def _tier_reverses(self):
        """Tell whether this is a credit note for an invoice of the same currency."""
        self.ensure_one()
        invoice = self.reversed_entry_id
        return (
            self.move_type == "out_refund"
            and invoice.move_type in ("out_invoice", "out_receipt")
            and invoice.currency_id == self.currency_id
            and invoice.company_id == self.company_id
        )

    def _tier_settle(self):
        """Bring the ledger to what this document's payments are."""
        self.ensure_one()
        self._tier_ask_for_wallet()
        self.env["tier.paid.credit"]._bring_to(
            f"account.move:{self.id}",
            {(wallet, self.currency_id): amount for wallet, amount in self._tier_targets().items()},
            self._tier_reason(),
            move_id=self.id,
        )

    def _tier_ask_for_wallet(self):
        """Have somebody choose the wallet of credit that is paid and has none."""
        lines = self._tier_lines_without_wallet()
        summary = self.env._("Choose the wallet of paid credit")
        asked = self.activity_ids.filtered(lambda activity: activity.summary == summary)
        if not lines:
            asked.unlink()
        elif not asked and self.state == "posted" and self._tier_money() > 0:
            self.activity_schedule(
                "mail.mail_activity_data_warning",
                summary=summary,
                note=self.env._(
                    "The invoice is paid, but it names no wallet. Choose one by its button; it is credited at once."
                ),
                user_id=(self.invoice_user_id or self.env.ref("base.user_admin")).id,
            )

    def _tier_reason(self):
        """Return what the ledger says of this document's transfers."""
        name = self.name or self.display_name
        if self.move_type == "out_refund":
            return self.env._("Credit note %s", name)
        return self.env._("Invoice %s", name)

    def _tier_targets(self):
        """Return what this document shall have credited, its credit notes included.

        :return: signed Decimal in the document's currency, by ``tier.wallet``
        :rtype: dict
        """
        self.ensure_one()
        targets = defaultdict(Decimal)
        if self.move_type == "out_refund":
            self._tier_add_refund(targets)
            return targets
        if self.state == "posted":
            parts, net = self._tier_net()
            share = Decimal(0)
            if not self.amount_total:
                share = Decimal(1)  # nothing to pay
            elif net > 0:
                share = min(max(self._tier_money() / net, Decimal(0)), Decimal(1))
            for wallet, amount in parts.items():
                targets[wallet] += wallet._quantize(amount * share, self.currency_id)
        for refund in self.reversal_move_ids.filtered(lambda move: move._tier_reverses()):
            refund._tier_add_refund(targets)
        return targets

    def _tier_add_refund(self, targets):
        """Subtract what this credit note has given back.

        :param targets: as of :meth:`_tier_targets`; changed
        """
        total = self._tier_total()
        if self.state != "posted" or not total:
            return
        share = min(max(self._tier_money() / total, Decimal(0)), Decimal(1))
        for wallet, amount in self._tier_parts().items():
            targets[wallet] -= wallet._quantize(amount * share, self.currency_id)

    def _tier_total(self):
        """Return the total with tax, in the document's currency.

        :rtype: Decimal
        """
        return self.env["tier.wallet"]._to_decimal(self.amount_total)

    def _tier_credit_lines(self):
        """Return the lines that may credit a wallet by themselves.

        :return: ``account.move.line`` records
        """
        return self.invoice_line_ids.filtered(lambda line: line.display_type == "product")

    def _tier_parts(self):
        """Return what the wallets would get of this document if it were paid.

        :return: Decimal without tax, by ``tier.wallet``
        :rtype: dict
        """
        parts = defaultdict(Decimal)
        for line in self._tier_credit_lines().filtered("tier_wallet_id"):
            parts[line.tier_wallet_id] += line.tier_wallet_id._to_decimal(line.price_subtotal)
        return parts

    def _tier_net(self):
        """Return this invoice less the credit notes that cancel parts of it unpaid.

        :return: parts as of :meth:`_tier_parts`, and the total with tax
        :rtype: tuple
        """
        parts, net = self._tier_parts(), self._tier_total()
        for line, amount in self._tier_matches():
            refund = line.move_id
            if line.parent_state == "posted" and self._tier_is_paper(refund) and refund.amount_total:
                net -= amount
                share = amount / refund._tier_total()
                for wallet, part in refund._tier_parts().items():
                    parts[wallet] -= part * share
        return parts, net

    def _tier_money(self):
        """Sum the money that paid this invoice, or that a credit note gave back.

        :return: in the document's currency
        :rtype: Decimal
        """
        return sum(
            (
                amount * line._tier_money_share()
                for line, amount in self._tier_matches()
                if not self._tier_is_paper(line.move_id) and not line.move_id._tier_is_paper(self)
            ),
            Decimal(0),
        )

    def _tier_is_paper(self, refund):
        """Tell whether a credit note cancels (part of) this invoice, rather than pays it.

        :param refund: ``account.move`` that is reconciled with this one
        :rtype: bool
        """
        if self.move_type not in ("out_invoice", "out_receipt") or refund.move_type != "out_refund":
            return False
        if refund._tier_reverses():
            return refund.reversed_entry_id == self
        parts = refund._tier_parts()
        return bool(parts) and parts.keys() <= self._tier_parts().keys()

    def _tier_matches(self):
        """Return what this document's receivables are reconciled with.

        :return: list of (counterpart ``account.move.line``, Decimal in the document's
            currency, positive if it settles the document)
        """
        to_decimal = self.env["tier.wallet"]._to_decimal
        sign = 1 if self.move_type in ("out_invoice", "out_receipt") else -1
        matches = []
        for line in self.line_ids.filtered(lambda line: line.account_type in RECEIVABLE_TYPES):
            matches += [(part.credit_move_id, sign * part.debit_amount_currency) for part in line.matched_credit_ids]
            matches += [(part.debit_move_id, -sign * part.credit_amount_currency) for part in line.matched_debit_ids]
        return [(line, to_decimal(amount)) for line, amount in matches]
