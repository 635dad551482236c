from decimal import Decimal

from odoo import models

from ..ledger.writer import Movement


class TierTransfer(models.Model):
    """How what a payment credited is taken back, in parts and at its own rate."""

    _inherit = "tier.transfer"

    def _take_back(self, share, reason):
        """Undo a share of these transfers; see :meth:`_movements_back`.

        :return: the new transfers
        """
        movements = self._movements_back(share, reason)
        return self._post(movements) if movements else self.browse()

    def _movements_back(self, share, reason):
        """Build what undoes a share of these transfers, counting what was undone before.

        States what shall be undone in all, not what is to be added: a repeat
        changes nothing, and a smaller share gives back what was too much.
        The way back is the transfers' own, at their own rate, and like any
        adjustment it may overdraw a wallet whose credit is spent.

        :param Decimal share: 0 (nothing) to 1 (all) of each amount
        :param str reason: free text
        :return: list of :class:`..ledger.writer.Movement`
        """
        movements = []
        for transfer in self:
            undone = self.search([("reverses_id", "=", transfer.id)])
            # What leaves the receiver again, and what arrives at the giver.
            leaves, arrives = (
                transfer._share_of(amount, currency, share) - undone._sum_back(transfer, out)
                for amount, currency, out in (
                    (transfer.amount_to, transfer.currency_to_id, True),
                    (transfer.amount, transfer.currency_id, False),
                )
            )
            if not leaves and not arrives:
                continue
            rate = transfer.env["tier.wallet"]._to_decimal(transfer.rate)
            key = f"{transfer.source_key}:back:{len(undone)}"
            receiver, giver = transfer.to_account_id.id, transfer.from_account_id.id
            if leaves > 0 or arrives > 0:
                rate = (1 / rate).quantize(Decimal(1).scaleb(-12))
                amounts = (receiver, giver, leaves, arrives)
            else:
                amounts = (giver, receiver, -arrives, -leaves)
            movements.append(Movement(key, "adjustment", *amounts, rate=rate, reason=reason, reverses=transfer.id))
        return movements

    def _share_of(self, amount, currency, share):
        """Return a share of an amount, rounded to what the currency can pay.

        :param float amount: as read from a transfer
        :param currency: ``res.currency`` of the amount
        :param Decimal share: 0 to 1
        :rtype: Decimal
        """
        Wallet = self.env["tier.wallet"]
        amount = Wallet._to_decimal(amount)
        return amount if share == 1 else Wallet._quantize(amount * share, currency)

    def _sum_back(self, transfer, out):
        """Sum what these transfers have undone of another one.

        :param transfer: the one they point at
        :param bool out: in the currency of its receiver, else of its giver
        :rtype: Decimal
        """
        Wallet = self.env["tier.wallet"]
        total = Decimal(0)
        for back in self:
            if back.from_account_id == transfer.to_account_id:
                total += Wallet._to_decimal(back.amount if out else back.amount_to)
            else:
                total -= Wallet._to_decimal(back.amount_to if out else back.amount)
        return total
