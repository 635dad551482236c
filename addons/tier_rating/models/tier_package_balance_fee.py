from odoo import fields, models

from odoo.addons.tier_billing.models.ledger_link import LedgerLink

from ..const import REASONS


class TierPackageBalance(models.Model):
    """Whether the fee of a period is paid. Only :mod:`..charging.fees` changes it."""

    _inherit = "tier.package.balance"

    fee_state = fields.Selection(
        [
            ("free", "No fee"),
            ("due", "Due"),
            ("paid", "Paid"),
            ("lapsed", "Never paid"),
            ("refunded", "Refunded"),
        ],
        "Fee",
        required=True,
        readonly=True,
        default="free",
        help="A period whose fee is due includes nothing yet, one whose fee was refunded nothing any more.",
    )
    fee_reason = fields.Selection(REASONS, "Why not charged", readonly=True)
    fee_event_id = LedgerLink("tier.usage.event", string="Charged as", readonly=True, index="btree_not_null")

    # What is to be charged, or to lapse, is a handful among all periods there ever were.
    _fee_due = models.Index("(date_from, id) WHERE fee_state = 'due'")
