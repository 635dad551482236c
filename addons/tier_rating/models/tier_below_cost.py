from itertools import islice

from odoo import api, fields, models
from odoo.tools import SQL

from .. import margins
from ..const import RATE_DIGITS

# Rows that are written by one statement.
CHUNK = 5000


class TierBelowCost(models.Model):
    """A destination that a price list sells for less than its seller pays for it, as of the last check."""

    _name = "tier.below.cost"
    _description = "Sold Below Cost"
    _order = "margin_percent, price_list_id, prefix"
    _rec_name = "prefix"
    _log_access = False

    price_list_id = fields.Many2one("tier.price.list", required=True, readonly=True, ondelete="cascade", index=True)
    cost_list_id = fields.Many2one(
        "tier.price.list", "Bought by", readonly=True, ondelete="cascade", index=True, help="What the seller pays by."
    )
    wallet_id = fields.Many2one("tier.wallet", "Seller", readonly=True, ondelete="cascade", index=True)
    company_id = fields.Many2one("res.company", readonly=True, ondelete="cascade")
    currency_id = fields.Many2one("res.currency", readonly=True, ondelete="cascade")
    service_id = fields.Many2one("tier.service", readonly=True, ondelete="cascade")
    prefix = fields.Char(readonly=True)
    destination_id = fields.Many2one("tier.destination", readonly=True, ondelete="set null", index="btree_not_null")
    country_id = fields.Many2one(related="destination_id.country_id", store=False)
    band_id = fields.Many2one("tier.time.band", "Time band", readonly=True, ondelete="cascade")
    price = fields.Float(digits=RATE_DIGITS, readonly=True, help="Per unit of the service, as customers pay.")
    cost = fields.Float(digits=RATE_DIGITS, readonly=True, help="Per unit of the service, in the list's currency.")
    quantity = fields.Integer("Sample", readonly=True, help="Seconds or units that the margin is reckoned for.")
    margin = fields.Float(digits=RATE_DIGITS, readonly=True, help="Of the sample, with connection charges.")
    margin_percent = fields.Float("Margin (%)", digits=(16, 2), readonly=True, help="Of what the sample is sold for.")
    is_loss = fields.Boolean("Below cost", readonly=True)
    day = fields.Date("Prices of", readonly=True)
    checked_at = fields.Datetime("Checked", readonly=True)

    @api.model
    def _check(self, price_lists, service, day, quantity, least_percent=0):
        """Find what lists sell for less than it costs; what was found before is forgotten.

        :param price_lists: ``tier.price.list``; those whose seller buys by no list are left out
        :param service: ``tier.service``
        :param date day: whose prices
        :param int quantity: seconds or units of the sample
        :param Decimal least_percent: margin that is enough; 0: all that is no loss
        :return: the number of warnings
        :rtype: int
        """
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "DELETE FROM tier_below_cost WHERE price_list_id = ANY(%s) AND service_id = %s",
                price_lists.ids,
                service.id,
            )
        )
        count = 0
        for price_list in price_lists:
            cost_list = price_list._cost_list()
            if cost_list and cost_list != price_list:
                found = margins.compare.lines(self.env, price_list, cost_list, service, day, quantity)
                short = (line for line in found if _falls_short(line, least_percent))
                while rows := list(islice(short, CHUNK)):
                    self._insert(rows, price_list, cost_list, service, day, quantity)
                    count += len(rows)
        self.invalidate_model()
        return count

    def _insert(self, rows, price_list, cost_list, service, day, quantity):
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO tier_below_cost (price_list_id, cost_list_id, wallet_id, company_id, currency_id,
                       service_id, prefix, destination_id, band_id, price, cost, quantity, margin,
                       margin_percent, is_loss, day, checked_at)
                SELECT %(list)s, %(cost_list)s, %(wallet)s, %(company)s, %(currency)s, %(service)s, v.prefix,
                       v.destination_id, v.band_id, v.price, v.cost, %(quantity)s, v.margin, v.percent,
                       v.margin < 0, %(day)s, now() AT TIME ZONE 'UTC'
                  FROM unnest(%(prefixes)s::varchar[], %(destinations)s::integer[], %(bands)s::integer[],
                              %(prices)s::numeric[], %(costs)s::numeric[], %(margins)s::numeric[],
                              %(percents)s::numeric[])
                       AS v(prefix, destination_id, band_id, price, cost, margin, percent)""",
                list=price_list.id,
                cost_list=cost_list.id,
                wallet=price_list.brand_id.wallet_id.id,
                company=price_list.company_id.id,
                currency=price_list.currency_id.id,
                service=service.id,
                quantity=quantity,
                day=day,
                prefixes=[line.prefix for line in rows],
                destinations=[line.destination_id for line in rows],
                bands=[line.band_id for line in rows],
                prices=[line.price for line in rows],
                costs=[line.cost for line in rows],
                margins=[line.sale - line.expense for line in rows],
                percents=[max(-999999, line.margin * 100) for line in rows],
            )
        )

    @api.model
    def _cron_check(self):
        """Check every list that customers buy by, each in a transaction of its own."""
        service = self.env.ref("tier_rating.service_voice")
        lists = self.env["tier.price.list"].search([])._sold()  # pylint: disable=no-search-all
        Cron = self.env["ir.cron"]
        Cron._commit_progress(remaining=len(lists))
        for price_list in lists:
            self._check(price_list, service, fields.Date.today(), 180)
            if not Cron._commit_progress(1):
                break


def _falls_short(line, least_percent):
    return line.sale < line.expense or line.margin * 100 < least_percent
