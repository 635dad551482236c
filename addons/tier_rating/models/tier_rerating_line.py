from odoo import fields, models

from odoo.addons.tier_billing.const import MONEY_DIGITS
from odoo.addons.tier_billing.models.ledger_link import LedgerLink


class TierReratingLine(models.Model):
    """What a run changes for one wallet, in its currency. Written by :mod:`..rerating`."""

    _name = "tier.rerating.line"
    _description = "Re-rating of a Wallet"
    _order = "id"
    _rec_name = "wallet_id"
    _log_access = False

    rerating_id = fields.Many2one(
        "tier.rerating", "Re-rating", required=True, readonly=True, ondelete="cascade", index=True
    )
    company_id = LedgerLink("res.company", readonly=True)
    wallet_id = LedgerLink("tier.wallet", required=True, readonly=True)
    tier = fields.Integer(readonly=True, aggregator=None)
    currency_id = LedgerLink("res.currency", readonly=True)
    event_count = fields.Integer("Events", readonly=True)
    posted_count = fields.Integer("Corrected", readonly=True)
    old_sale = fields.Float("Sale charged", digits=MONEY_DIGITS, readonly=True, aggregator=None)
    new_sale = fields.Float("Sale now", digits=MONEY_DIGITS, readonly=True, aggregator=None)
    sale_difference = fields.Float(digits=MONEY_DIGITS, readonly=True, aggregator=None)
    old_cost = fields.Float("Cost charged", digits=MONEY_DIGITS, readonly=True, aggregator=None)
    new_cost = fields.Float("Cost now", digits=MONEY_DIGITS, readonly=True, aggregator=None)
    cost_difference = fields.Float(digits=MONEY_DIGITS, readonly=True, aggregator=None)
    margin_difference = fields.Float(digits=MONEY_DIGITS, readonly=True, aggregator=None)
    balance_change = fields.Float(
        "Change of the balance",
        digits=MONEY_DIGITS,
        readonly=True,
        aggregator=None,
        help="Of the wallet's own money. What its customers pay into its outside account is not counted.",
    )
    moved = fields.Float(
        digits=MONEY_DIGITS, readonly=True, aggregator=None, help="Ups and downs of the cost, without their sign."
    )
    overruns = fields.Boolean(
        readonly=True, help="It has not the funds. The higher price is posted in full nevertheless."
    )

    def action_events(self):
        """Open the events of this wallet that cost more or less.

        :return: a window action
        """
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.actions"]._for_xml_id("tier_rating.tier_rerating_share_action")
        action["domain"] = [("rerating_id", "=", self.rerating_id.id), ("wallet_id", "=", self.wallet_id.id)]
        return action
