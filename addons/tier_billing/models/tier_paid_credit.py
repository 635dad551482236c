from decimal import Decimal

from odoo import Command, fields, models

from ..const import MONEY_DIGITS


class TierPaidCredit(models.Model):
    """What one document has credited to a wallet when it was paid, or taken out.

    The ledger tells what moved in the wallet's currency; this tells for what
    part of the document that was, in its own. An amount never changes: what is
    taken back of it later is counted beside.
    """

    _name = "tier.paid.credit"
    _description = "Credit from a Paid Document"
    _rec_name = "origin"
    _order = "id desc"

    origin = fields.Char(required=True, readonly=True, help="Names the document.")
    number = fields.Integer(required=True, readonly=True)
    move_id = fields.Many2one("account.move", "Invoice", readonly=True, ondelete="restrict", index="btree_not_null")
    payment_id = fields.Many2one("account.payment", readonly=True, ondelete="restrict", index="btree_not_null")
    wallet_id = fields.Many2one("tier.wallet", required=True, readonly=True, ondelete="restrict", index=True)
    company_id = fields.Many2one(related="wallet_id.company_id", store=True)
    currency_id = fields.Many2one("res.currency", required=True, readonly=True, ondelete="restrict")
    amount = fields.Float(
        digits=MONEY_DIGITS,
        required=True,
        readonly=True,
        help="Part of the document that was credited, without tax; negative if it was taken out.",
    )
    undone = fields.Float(
        "Taken back", digits=MONEY_DIGITS, readonly=True, help="How much of the amount was undone since."
    )
    transfer_ids = fields.Many2many("tier.transfer", readonly=True, copy=False)

    _origin_number = models.UniqueIndex(
        "(origin, wallet_id, currency_id, number)", "Each step of crediting a document happens once."
    )

    def _left(self):
        """Sum what these still stand for.

        :return: signed, in the currency of the documents
        :rtype: Decimal
        """
        to_decimal = self.env["tier.wallet"]._to_decimal
        total = Decimal(0)
        for credit in self:
            amount, undone = to_decimal(credit.amount), to_decimal(credit.undone)
            total += amount - undone if amount > 0 else amount + undone
        return total

    def _bring_to(self, origin, targets, reason, **links):
        """Bring what a document has credited to what it shall have credited in all.

        States the end, so that a repeat changes nothing. Lower targets take
        back the latest credit first, at its own rate; higher ones credit anew
        at today's. All transfers are posted at once. The caller holds the lock
        of the document.

        :param str origin: names the document
        :param dict targets: signed Decimal of (``tier.wallet``, ``res.currency`` of the
            document); pairs that are absent are brought to zero
        :param str reason: free text
        :param links: ids of the document, to find it again
        """
        credits_ = self.search([("origin", "=", origin)], order="number")
        # Ids sorted, for one order of the locks.
        keys = {*targets, *((credit.wallet_id, credit.currency_id) for credit in credits_)}
        moved, made = {}, {}
        for wallet, currency in sorted(keys, key=lambda key: (key[0].id, key[1].id)):
            own = credits_.filtered(lambda c, key=(wallet, currency): (c.wallet_id, c.currency_id) == key)
            due = targets.get((wallet, currency), Decimal(0)) - own._left()
            if not due:
                continue
            due, back = own._undo(due, reason)
            credit, further = self._new_credit(origin, own, wallet, currency, due, reason, links)
            made[credit] = further
            moved[wallet] = [*moved.get(wallet, ()), *back, *further]
        for wallet, movements in moved.items():
            self._tell(wallet, movements, reason)
        # Late: from here to the commit the accounts are locked.
        transfers = self.env["tier.transfer"]._post([movement for own in moved.values() for movement in own])
        ids = {transfer.source_key: transfer.id for transfer in transfers}
        for credit, movements in made.items():
            credit.transfer_ids = [Command.set([ids[movement.source_key] for movement in movements])]
            if credit.amount > 0:
                credit.wallet_id._prolong_validity(credit.transfer_ids)
        self.env["tier.wallet"].union(*moved)._ask_about_debt()

    def _undo(self, due, reason):
        """Undo parts of these credits that go the other way, the latest first.

        :param Decimal due: signed change that is wanted
        :return: what is still due, and the movements
        :rtype: tuple
        """
        to_decimal = self.env["tier.wallet"]._to_decimal
        movements = []
        for credit in self.sorted("number", reverse=True):
            left = credit._left()
            if not due or not left or (left > 0) == (due > 0):
                continue
            part = min(abs(left), abs(due))
            undone = to_decimal(credit.undone) + part
            credit.undone = float(undone)
            movements += credit.transfer_ids._movements_back(undone / abs(to_decimal(credit.amount)), reason)
            due += part if due < 0 else -part
        return due, movements

    def _new_credit(self, origin, known, wallet, currency, due, reason, links):
        """Record a further amount, and build what moves it.

        :param known: what this document has credited to this wallet before
        :param Decimal due: signed, in the currency of the document
        :return: the new record, or none, and the movements
        :rtype: tuple
        """
        rate = wallet._rate(currency, wallet.currency_id, fields.Date.context_today(wallet))
        amount = wallet._quantize(due * rate, wallet.currency_id)
        if not amount:
            return self.browse(), []
        number = len(known) + 1
        credit = self.create(
            {
                "origin": origin,
                "number": number,
                "wallet_id": wallet.id,
                "currency_id": currency.id,
                "amount": float(due),
                **links,
            }
        )
        key = f"paid:{origin}:{wallet.id}:{currency.name}:{number}"
        build = wallet._topup_movements if amount > 0 else wallet._take_out_movements
        return credit, build(abs(amount), key, reason)

    def _tell(self, wallet, movements, reason):
        """Note on a wallet what comes or goes.

        :param movements: those that concern it
        """
        account = wallet.account_id.id
        amount = sum((m.amount_to for m in movements if m.to_account == account), Decimal(0))
        amount -= sum((m.amount for m in movements if m.from_account == account), Decimal(0))
        figure = wallet.currency_id.format(float(abs(amount)))
        if amount > 0:
            wallet._note_by_system(self.env._("%(amount)s credited. %(reason)s", amount=figure, reason=reason))
        elif amount < 0:
            wallet._note_by_system(self.env._("%(amount)s taken back. %(reason)s", amount=figure, reason=reason))
