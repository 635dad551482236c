import re

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.tier_billing.models.ledger_link import LedgerLink

from ..const import RATE_DIGITS


class TierRate(models.Model):
    """The price for one prefix or service code, from a date, in a time band."""

    _name = "tier.rate"
    _description = "Rate"
    _order = "price_list_id, prefix, band_id, date_from desc"
    _rec_name = "prefix"

    # The database checks links once per statement (loading/links.sql).
    create_uid = LedgerLink("res.users", "Created by", readonly=True)
    write_uid = LedgerLink("res.users", "Last Updated by", readonly=True)
    price_list_id = LedgerLink("tier.price.list", required=True, ondelete="cascade")
    company_id = fields.Many2one(related="price_list_id.company_id")
    currency_id = fields.Many2one(related="price_list_id.currency_id")
    service_id = LedgerLink(
        "tier.service",
        required=True,
        ondelete="restrict",
        default=lambda self: self.env.ref("tier_rating.service_voice", raise_if_not_found=False),
    )
    prefix = fields.Char(
        required=True,
        help="Digits that the number starts with, country code first, or a resource code.",
    )
    destination_id = LedgerLink("tier.destination", ondelete="restrict", index=True)
    price = fields.Float(digits=RATE_DIGITS, required=True, help="Per unit of the service.")
    band_id = LedgerLink("tier.time.band", "Time band", ondelete="restrict", help="Empty: at all times.")
    # A flag, because empty (take the brand's) and zero (none) differ.
    connection_charge_own = fields.Boolean("Own connection charge")
    connection_charge = fields.Float(digits=RATE_DIGITS)
    initial_increment = fields.Integer(
        help="Seconds of a call; zero takes the brand's. Of anything else the units that are billed at least."
    )
    increment = fields.Integer(
        help="Seconds of a call; zero takes the brand's. Anything else is billed in such steps of its unit, rounded "
        "up; zero bills exactly what was used, 1.5 MB as 1.5."
    )
    date_from = fields.Date("Valid from")
    date_to = fields.Date("Valid to", help="The last day.")
    blocked = fields.Boolean(help="Calls to this prefix are refused.")
    step_ids = fields.One2many(
        "tier.rate.step", "rate_id", "Steps", copy=True, help="Other prices as a call lasts longer."
    )

    # Serves the longest-prefix look-up: one index probe per candidate prefix.
    _look_up = models.UniqueIndex(
        "(price_list_id, prefix, service_id, COALESCE(band_id, 0), COALESCE(date_from, '0001-01-01'::date))",
        "The price list has a rate for this prefix, band and date already.",
    )
    _price_positive = models.Constraint(
        "CHECK (price >= 0 AND price < 1e9 AND COALESCE(connection_charge, 0) >= 0"
        " AND COALESCE(connection_charge, 0) < 1e9)",
        "A price is zero or more.",
    )
    _increments_positive = models.Constraint(
        "CHECK (COALESCE(initial_increment, 0) BETWEEN 0 AND 86400 AND COALESCE(increment, 0) BETWEEN 0 AND 86400)",
        "An increment is a day at most.",
    )
    _dates = models.Constraint(
        "CHECK (date_to IS NULL OR date_from IS NULL OR date_to >= date_from)",
        "A rate ends after it begins.",
    )

    @api.constrains("prefix", "service_id")
    def _check_prefix(self):
        for rate in self:
            if rate.service_id.is_time and not re.fullmatch(r"[0-9]{1,18}", rate.prefix or ""):
                raise ValidationError(self.env._("%s is not a prefix: digits only, country code first.", rate.prefix))
