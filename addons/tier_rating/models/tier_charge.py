from odoo import api, fields, models

from odoo.addons.tier_billing.const import MONEY_DIGITS
from odoo.addons.tier_billing.models.ledger_link import LedgerLink


class TierCharge(models.Model):
    """One tier's share of a usage event. Written by :mod:`..charging` alone."""

    _name = "tier.charge"
    _description = "Charge"
    _order = "date desc, id desc"
    _rec_name = "event_id"
    _log_access = False

    event_id = LedgerLink("tier.usage.event", required=True, readonly=True)
    company_id = LedgerLink("res.company", readonly=True)
    wallet_id = LedgerLink("tier.wallet", required=True, readonly=True)
    child_id = LedgerLink(
        "tier.wallet",
        "Customer",
        readonly=True,
        help="The direct customer whose usage, or whose customers' usage, this is.",
    )
    tier = fields.Integer(readonly=True)
    service_id = LedgerLink("tier.service", readonly=True)
    destination_id = LedgerLink("tier.destination", readonly=True)
    date = fields.Datetime("Start", readonly=True)
    answered = fields.Boolean(readonly=True)
    currency_id = LedgerLink("res.currency", required=True, readonly=True)
    quantity = fields.Float(digits=(16, 3), readonly=True)
    billed_quantity = fields.Float(
        "Billed", digits=(16, 3), readonly=True, help="Seconds or units that the cost is for."
    )
    sale = fields.Float(digits=MONEY_DIGITS, readonly=True, help="What the customer pays.")
    cost = fields.Float(digits=MONEY_DIGITS, readonly=True, help="What this wallet pays its own parent.")
    margin = fields.Float(digits=MONEY_DIGITS, readonly=True)
    rate = fields.Float(
        "Conversion rate",
        digits=(16, 12),
        readonly=True,
        help="From the price list's currency to the wallet's, on the day of the event.",
    )
    price_list_id = LedgerLink("tier.price.list", readonly=True, groups="base.group_user")
    prefix = fields.Char(readonly=True, groups="base.group_user", help="Prefix of the rate that applied.")
    rate_ref = fields.Integer(
        "Rate number",
        readonly=True,
        groups="base.group_user",
        help="Of the rate that applied; a later deck may have replaced it.",
    )
    transfer_id = LedgerLink("tier.transfer", readonly=True, index="btree_not_null")
    reverses_id = LedgerLink(
        "tier.charge",
        "Corrects",
        readonly=True,
        help="The charge before this one: a re-rating adds the difference, a refund takes all back, on its own day.",
    )
    event_state = fields.Selection(related="event_id.state", string="State of the event")
    overrun = fields.Boolean(readonly=True, help="The wallet had not the funds: the switch reported it afterwards.")
    invoice_link_ids = fields.One2many("tier.charge.invoice", "charge_id", groups="base.group_user")
    invoice_id = fields.Many2one(
        "account.move",
        compute="_compute_invoice_id",
        groups="tier_billing.group_tier_auditor",
        help="The invoice of a postpaid wallet that this stands on.",
    )
    number = fields.Char(related="event_id.number")
    callee = fields.Char(related="event_id.callee")
    caller = fields.Char(related="event_id.caller")
    disposition = fields.Selection(related="event_id.disposition")

    _once = models.UniqueIndex(
        "(event_id, wallet_id, COALESCE(reverses_id, 0))", "An event is charged once on every tier."
    )
    # Refunds only, so that charging does not pay for it.
    _refunded_once = models.UniqueIndex(
        "(reverses_id) WHERE reverses_id IS NOT NULL", "A charge is corrected or refunded once."
    )
    # Lists and sums of one wallet, newest first.
    _wallet_date = models.Index("(wallet_id, date)")
    # A period, over all wallets: charges come by and large in the order of their dates, and this costs
    # an insertion next to nothing. With the number, it finds what came late.
    _dates = models.Index("USING brin (date, id)")
    # What a reseller sold to one customer, newest first.
    _child_date = models.Index("(child_id, date) WHERE child_id IS NOT NULL")

    @api.depends("invoice_link_ids")
    def _compute_invoice_id(self):
        for charge in self:
            charge.invoice_id = charge.invoice_link_ids.move_id
