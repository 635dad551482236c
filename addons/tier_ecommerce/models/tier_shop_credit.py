from odoo import fields, models

from odoo.addons.tier_billing.const import MONEY_DIGITS


class TierShopCredit(models.Model):
    """What one payment has credited for one order line.

    The ledger tells what arrived in the wallet; this tells how much of the
    line's price that was, before any conversion. Rows are never changed, not
    by refunds either: those are in the ledger.
    """

    _name = "tier.shop.credit"
    _description = "Credit Bought in the Shop"
    _rec_name = "origin"
    _order = "id"

    line_id = fields.Many2one(
        "sale.order.line", "Order line", required=True, readonly=True, ondelete="restrict", index=True
    )
    origin = fields.Char(
        required=True,
        readonly=True,
        help="Id of the payment transaction, or order if there was nothing to pay.",
    )
    amount = fields.Float(
        digits=MONEY_DIGITS,
        required=True,
        readonly=True,
        help="Part of the line's price, in the currency of the order.",
    )

    _line_origin = models.UniqueIndex("(line_id, origin)", "A payment credits an order line once.")
