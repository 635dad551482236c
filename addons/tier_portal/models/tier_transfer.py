from odoo import api, models
from odoo.fields import Domain

from .. import formatting


class TierTransfer(models.Model):
    """What the portal lists of payments."""

    _inherit = "tier.transfer"

    # Payments are few among the usage of a busy wallet. Usage is not in these
    # indexes, so charging calls does not pay for them.
    _portal_given = models.Index("(from_account_id, date) WHERE kind <> 'usage'")
    _portal_received = models.Index("(to_account_id, date) WHERE kind <> 'usage'")

    @api.model
    def _portal_domain(self, wallet, direction="all"):
        """Return what finds the movements of a wallet's money, usage apart.

        By account, not by wallet: a reseller's outside account is a memo of
        what it collected itself, no money of this wallet.

        :param wallet: ``tier.wallet``
        :param str direction: in, out or all
        :rtype: Domain
        """
        account_id = wallet.sudo().account_id.id
        received = Domain("to_account_id", "=", account_id)
        given = Domain("from_account_id", "=", account_id)
        sides = {"in": received, "out": given}.get(direction, received | given)
        # A rebate lowers a call's price: it stands with the calls, as usage does.
        return sides & Domain("kind", "!=", "usage") & Domain("kind", "!=", "rebate")

    def _portal_rows(self, wallet):
        """Return these movements as a wallet's owner reads them.

        :param wallet: ``tier.wallet`` on one side of each
        :return: list of dicts of texts: day, time, label, reason, amount; and the
            boolean received
        """
        account_id = wallet.sudo().account_id.id
        sides = [transfer.to_account_id.id == account_id for transfer in self]
        amounts = [
            transfer.amount_to if received else transfer.amount for transfer, received in zip(self, sides, strict=True)
        ]
        digits = formatting.digits_for(wallet.currency_id, amounts)
        rows = []
        for transfer, received, amount in zip(self, sides, amounts, strict=True):
            day, time = formatting.moment(transfer, transfer.date)
            sign = "+" if received else "−"
            rows.append(
                {
                    "day": day,
                    "time": time,
                    "label": transfer._portal_label(received),
                    "reason": transfer.reason or "",
                    "received": received,
                    "amount": sign + wallet._portal_money(amount, digits),
                }
            )
        return rows

    def _portal_label(self, received):
        """Return in a few words what a movement is, for one of its sides.

        :param bool received: whether the reader is the receiver
        :rtype: str
        """
        self.ensure_one()
        # The other side is the reader's parent or direct customer: no secret.
        other = (self.from_wallet_id if received else self.to_wallet_id).sudo().name or ""
        if self.kind == "allocation":
            if received:
                return self.env._("Credit from %s", other)
            return self.env._("Credit to %s", other)
        if self.kind == "reclaim":
            if received:
                return self.env._("Returned by %s", other)
            return self.env._("Returned to %s", other)
        if self.kind == "refund":
            return self.env._("Refund of usage")
        if self.kind == "payout" and received:
            return self.env._("Payout returned")
        return dict(self._fields["kind"]._description_selection(self.env))[self.kind]
