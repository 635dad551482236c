from odoo import fields, models

from odoo.addons.tier_billing.models.ledger_link import LedgerLink

KINDS = [("raw", "Text of records"), ("details", "Who called whom")]


class TierUsageKept(models.Model):
    """An event that is old enough to be emptied and is needed still. Written by :mod:`..retention` alone."""

    _name = "tier.usage.kept"
    _description = "Usage Kept beyond its Time"
    _log_access = False
    _rec_name = "event_id"
    _order = "event_id"

    kind = fields.Selection(KINDS, "What is kept", required=True, readonly=True)
    event_id = LedgerLink("tier.usage.event", required=True, readonly=True)
    company_id = LedgerLink("res.company", required=True, readonly=True)

    _once = models.UniqueIndex("(event_id, kind)", "An event is kept once.")
    _next = models.Index("(company_id, kind, event_id)")
