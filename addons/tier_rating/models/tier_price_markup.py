import re

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .. import charging
from ..const import RATE_DIGITS


class TierPriceMarkup(models.Model):
    """The mark-up of a derived list for some of its base's prices, in place of the list's own."""

    _name = "tier.price.markup"
    _description = "Mark-up of a Price List"
    _order = "price_list_id, kind, prefix, id"
    _rec_name = "prefix"

    price_list_id = fields.Many2one("tier.price.list", required=True, ondelete="cascade", index=True)
    company_id = fields.Many2one(related="price_list_id.company_id")
    currency_id = fields.Many2one(related="price_list_id.currency_id")
    service_id = fields.Many2one("tier.service", ondelete="cascade", index="btree_not_null", help="Empty: for all.")
    kind = fields.Selection(
        [
            ("prefix", "Prefix"),
            ("destination", "Destinations"),
            ("country", "Countries"),
            ("service", "Whole service"),
        ],
        "For",
        required=True,
        default="destination",
        help="What is nearest to the number applies: the longest prefix, then the destination, then its country, "
        "then the service, then the mark-up of the list.",
    )
    prefix = fields.Char(help="Numbers, or resource codes, that begin with it; whatever rate they have.")
    destination_ids = fields.Many2many(
        "tier.destination",
        "tier_price_markup_destination_rel",
        string="Destinations",
        help="Those of the rate that a number is priced with.",
    )
    country_ids = fields.Many2many(
        "res.country",
        "tier_price_markup_country_rel",
        string="Countries",
        help="Of the destination that a number is priced with.",
    )
    markup_percent = fields.Float("Mark-up (%)", digits=(10, 4), help="On the base's prices, instead of the list's.")
    fixed = fields.Float(
        "Fixed mark-up", digits=RATE_DIGITS, help="Added to the base's price per unit after the percentage."
    )

    _sane = models.Constraint(
        "CHECK (COALESCE(markup_percent, 0) > -100 AND COALESCE(markup_percent, 0) < 1e6"
        " AND abs(COALESCE(fixed, 0)) < 1e9)",
        "A mark-up is above -100 %, and neither it nor the fixed part is without measure.",
    )
    _one_prefix = models.UniqueIndex(
        "(price_list_id, prefix, COALESCE(service_id, 0)) WHERE kind = 'prefix'",
        "The price list has a mark-up for this prefix already.",
    )
    _one_service = models.UniqueIndex(
        "(price_list_id, service_id) WHERE kind = 'service'",
        "The price list has a mark-up for this service already.",
    )

    def init(self):
        charging.markups.install(self.env.cr)

    @api.depends("kind", "prefix", "destination_ids", "country_ids", "service_id")
    def _compute_display_name(self):
        for line in self:
            places = {
                "prefix": line.prefix,
                "destination": ", ".join(line.destination_ids.mapped("name")),
                "country": ", ".join(line.country_ids.mapped("name")),
                "service": line.service_id.name,
            }
            line.display_name = places.get(line.kind) or ""

    @api.constrains("kind", "prefix", "service_id", "price_list_id")
    def _check_what_for(self):
        for line in self:
            if line.kind == "service" and not line.service_id:
                raise ValidationError(self.env._("Name the service that the mark-up is for."))
            if line.kind == "prefix" and not line.prefix:
                raise ValidationError(self.env._("Name the prefix that the mark-up is for."))
            codes = line.service_id and not line.service_id.is_time
            if line.kind == "prefix" and not codes and not re.fullmatch(r"[0-9]{1,18}", line.prefix):
                raise ValidationError(self.env._("%s is not a prefix: digits only, country code first.", line.prefix))

    @api.constrains("kind", "destination_ids", "country_ids", "service_id", "price_list_id")
    def _check_places(self):
        """No place has two mark-ups: which of them applies would be anybody's guess."""
        for line in self:
            places = {"destination": line.destination_ids, "country": line.country_ids}.get(line.kind)
            if places is None:
                continue
            if not places:
                raise ValidationError(self.env._("Name the places that the mark-up is for."))
            name = "destination_ids" if line.kind == "destination" else "country_ids"
            others = self.search(
                [
                    ("id", "!=", line.id),
                    ("price_list_id", "=", line.price_list_id.id),
                    ("kind", "=", line.kind),
                    ("service_id", "=", line.service_id.id),
                    (name, "in", places.ids),
                ]
            )
            if others:
                twice = places & others[name]
                raise ValidationError(
                    self.env._(
                        "%(list)s has two mark-ups for %(place)s.",
                        list=line.price_list_id.display_name,
                        place=twice[0].display_name,
                    )
                )
