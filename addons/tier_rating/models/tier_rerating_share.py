from odoo import fields, models

from odoo.addons.tier_billing.const import MONEY_DIGITS
from odoo.addons.tier_billing.models.ledger_link import LedgerLink


class TierReratingShare(models.Model):
    """One tier's figures of one event, as charged and as they would be. Written by :mod:`..rerating`.

    What is posted is what stands here: rates that change after somebody has looked at the
    difference change nothing of it.
    """

    _name = "tier.rerating.share"
    _description = "Re-rated Share"
    _order = "event_id, tier desc, id"
    _rec_name = "wallet_id"
    _log_access = False

    rerating_id = fields.Many2one("tier.rerating", "Re-rating", required=True, readonly=True, ondelete="cascade")
    event_id = LedgerLink("tier.usage.event", required=True, readonly=True)
    wallet_id = LedgerLink("tier.wallet", required=True, readonly=True)
    child_id = LedgerLink("tier.wallet", "Customer", readonly=True)
    tier = fields.Integer(readonly=True)
    currency_id = LedgerLink("res.currency", readonly=True)
    old_sale = fields.Float("Sale charged", digits=MONEY_DIGITS, readonly=True)
    new_sale = fields.Float("Sale now", digits=MONEY_DIGITS, readonly=True)
    old_cost = fields.Float("Cost charged", digits=MONEY_DIGITS, readonly=True)
    new_cost = fields.Float("Cost now", digits=MONEY_DIGITS, readonly=True)
    old_received = fields.Float(
        digits=MONEY_DIGITS, readonly=True, help="What arrived of the cost, in the currency of the account paid into."
    )
    new_received = fields.Float(digits=MONEY_DIGITS, readonly=True)
    old_billed = fields.Float("Billed before", digits=(16, 3), readonly=True)
    new_billed = fields.Float("Billed now", digits=(16, 3), readonly=True)
    transfer_rate = fields.Float(digits=(16, 12), readonly=True)
    rate = fields.Float("Conversion rate", digits=(16, 12), readonly=True)
    price_list_id = LedgerLink("tier.price.list", readonly=True)
    prefix = fields.Char(readonly=True)
    rate_ref = fields.Integer("Rate number", readonly=True)
    account_id = LedgerLink("tier.account", readonly=True)
    payee_id = LedgerLink(
        "tier.account", readonly=True, help="Empty: the provider, whose carrier is not in the ledger."
    )
    first_charge_id = LedgerLink("tier.charge", readonly=True)
    last_charge_id = LedgerLink("tier.charge", readonly=True)
    transfer_id = LedgerLink("tier.transfer", "Payment", readonly=True)

    _once = models.UniqueIndex("(rerating_id, event_id, wallet_id)", "A run prices an event once for a tier.")
