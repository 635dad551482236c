from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.tier_billing.models.ledger_link import LedgerLink

# Of sums, never of averages: factor, numerator, denominator.
RATIOS = {
    "asr": (100, "answered", "attempts"),
    "acd": (1, "seconds", "answered"),
    "margin_percent": (100, "margin", "sale"),
}
MINUTES = ("minutes", "billed_minutes", "sold_minutes")


class TierFigures(models.AbstractModel):
    """What sellers sold in a period: calls, time and money. Written by :mod:`..rollup` alone.

    A seller is a wallet with customers below it in the chain of the charge; the provider is one
    always, also of what it uses itself. Amounts are in the seller's currency.
    """

    _name = "tier.figures"
    _description = "Figures of Usage"
    _log_access = False
    _rec_name = "wallet_id"

    company_id = LedgerLink("res.company", readonly=True)
    wallet_id = LedgerLink("tier.wallet", "Seller", readonly=True)
    tier = fields.Integer(readonly=True, aggregator=None, help="Depth of the seller in the chain; 0 is the provider.")
    service_id = LedgerLink("tier.service", readonly=True)
    destination_id = LedgerLink("tier.destination", readonly=True)
    price_list_id = LedgerLink(
        "tier.price.list",
        "Bought by",
        readonly=True,
        help="What the seller itself pays by; the provider's is its carrier's.",
    )
    brand_id = LedgerLink("tier.brand", readonly=True, help="What the customer bought under.")
    currency_id = LedgerLink("res.currency", readonly=True)
    attempts = fields.Integer(readonly=True, help="Calls, answered or not.")
    answered = fields.Integer(readonly=True)
    others = fields.Integer("Other usage", readonly=True, help="What is not charged by time: messages, data, fees.")
    refunds = fields.Integer(
        "Corrections", readonly=True, help="Refunds and re-ratings in this period; the call itself stays one."
    )
    seconds = fields.Float(digits=(16, 3), readonly=True, help="From answer to end.")
    billed_seconds = fields.Float(digits=(16, 3), readonly=True, help="What the seller's own parent or carrier billed.")
    sold_seconds = fields.Float(digits=(16, 3), readonly=True, help="What the seller billed its customers.")
    units = fields.Float(digits=(16, 3), readonly=True, help="Of services that are not charged by time.")
    sale = fields.Monetary(readonly=True, help="What customers paid.")
    cost = fields.Monetary(readonly=True, help="What the seller paid its parent; the provider, its carrier.")
    margin = fields.Monetary(readonly=True)

    minutes = fields.Float(compute="_compute_ratios", digits=(16, 2), aggregator="sum")
    billed_minutes = fields.Float(
        compute="_compute_ratios", digits=(16, 2), aggregator="sum", help="What the seller itself was billed."
    )
    sold_minutes = fields.Float(
        compute="_compute_ratios", digits=(16, 2), aggregator="sum", help="What the seller billed its customers."
    )
    asr = fields.Float(
        "ASR (%)", compute="_compute_ratios", digits=(5, 1), aggregator="avg", help="Answer-seizure ratio."
    )
    acd = fields.Float(
        "ACD (s)", compute="_compute_ratios", digits=(16, 1), aggregator="avg", help="Average call duration."
    )
    margin_percent = fields.Float("Margin (%)", compute="_compute_ratios", digits=(16, 1), aggregator="avg")

    @api.depends("attempts", "answered", "seconds", "billed_seconds", "sold_seconds", "sale", "margin")
    def _compute_ratios(self):
        for row in self:
            row.asr = 100 * row.answered / row.attempts if row.attempts else 0
            row.acd = row.seconds / row.answered if row.answered else 0
            row.margin_percent = 100 * row.margin / row.sale if row.sale else 0
            row.minutes = row.seconds / 60
            row.billed_minutes = row.billed_seconds / 60
            row.sold_minutes = row.sold_seconds / 60

    def _read_group_select(self, aggregate_spec, query):
        """Override to divide sums: the average of ratios would be another figure.

        :param str aggregate_spec: ``field:aggregate``
        :param query: the query that groups
        :rtype: SQL
        """
        name, _colon, function = aggregate_spec.partition(":")
        if name in RATIOS and function == "avg":
            factor, *operands = RATIOS[name]
            above, below = (self._field_to_sql(self._table, operand, query) for operand in operands)
            return SQL("%s::numeric * sum(%s) / NULLIF(sum(%s), 0)", factor, above, below)
        if name in MINUTES and function == "sum":
            seconds = self._field_to_sql(self._table, name.replace("minutes", "seconds"), query)
            return SQL("sum(%s) / 60.0", seconds)
        return super()._read_group_select(aggregate_spec, query)
