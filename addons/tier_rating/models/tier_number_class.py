import csv

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import file_open

# What phonenumbers knows of short and premium numbers, see tools/special_numbers.py.
NUMBERS_FILE = "tier_rating/data/special_numbers.csv"


class TierNumberClass(models.Model):
    """Numbers that are not like others: emergency calls, free ones, premium ones that are closed."""

    _name = "tier.number.class"
    _description = "Class of Numbers"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    kind = fields.Selection(
        [
            ("emergency", "Emergency: free, always allowed"),
            ("free", "Free of charge"),
            ("closed", "Closed unless opened"),
            ("open", "As any other"),
        ],
        required=True,
        default="closed",
        help="Emergency: nobody pays, and no empty, suspended or limited wallet stands in the way. Closed: refused, "
        "unless opened for the wallet or one above it. As any other: an exception within another class.",
    )
    service_id = fields.Many2one(
        "tier.service",
        required=True,
        ondelete="cascade",
        index=True,
        default=lambda self: self.env.ref("tier_rating.service_voice", raise_if_not_found=False),
    )
    company_id = fields.Many2one("res.company", help="Empty: for all companies.", index="btree_not_null")
    line_ids = fields.One2many("tier.number.class.line", "class_id", "Numbers", copy=True)
    line_count = fields.Integer("Count", compute="_compute_line_count")
    wallet_ids = fields.Many2many(
        "tier.wallet",
        "tier_wallet_number_class_rel",
        "tier_number_class_id",
        "tier_wallet_id",
        "Opened for",
        copy=False,
        help="These wallets, and all below them, may call the numbers.",
    )

    @api.depends("line_ids")
    def _compute_line_count(self):
        counts = dict(
            self.env["tier.number.class.line"]._read_group([("class_id", "in", self.ids)], ["class_id"], ["__count"])
        )
        for number_class in self:
            number_class.line_count = counts.get(number_class, 0)

    @api.model
    def _load_numbers(self):
        """Give the classes that come with the add-on the numbers that are known of each country.

        A class that has numbers already is left alone.
        """
        classes = {
            kind: self.env.ref(f"tier_rating.number_class_{kind}", raise_if_not_found=False)
            for kind in ("emergency", "premium")
        }
        classes = {kind: found for kind, found in classes.items() if found and not found.line_ids}
        if not classes:
            return
        countries = {country.code: country.id for country in self.env["res.country"].search([])}
        values = []
        with file_open(NUMBERS_FILE) as stream:
            for row in csv.DictReader(stream):
                if row["class"] not in classes or (row["country"] and row["country"] not in countries):
                    continue
                values.append(
                    {
                        "class_id": classes[row["class"]].id,
                        "prefix": row["number"],
                        "exact": row["class"] == "emergency",
                        "country_id": countries.get(row["country"]),
                    }
                )
        self.env["tier.number.class.line"].create(values)

    @api.constrains("kind", "line_ids")
    def _check_emergency(self):
        """A free and unlimited prefix would be found before long by those who look for such."""
        for number_class in self:
            for line in number_class.line_ids if number_class.kind == "emergency" else ():
                if not line.exact:
                    raise ValidationError(
                        self.env._("%s: an emergency number is a whole number, not a prefix.", line.prefix)
                    )
