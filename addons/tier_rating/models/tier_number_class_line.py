import re

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .. import charging


class TierNumberClassLine(models.Model):
    """One number, or all that begin alike."""

    _name = "tier.number.class.line"
    _description = "Number of a Class"
    _order = "class_id, prefix, country_id"
    _rec_name = "prefix"

    class_id = fields.Many2one("tier.number.class", required=True, ondelete="cascade", index=True)
    company_id = fields.Many2one(related="class_id.company_id")
    prefix = fields.Char(
        "Number",
        required=True,
        help="A short number as it is dialled, any other with the country code first; digits only.",
    )
    exact = fields.Boolean("Whole number", help="Otherwise all numbers that begin with it.")
    country_id = fields.Many2one(
        "res.country",
        "Dialled in",
        ondelete="cascade",
        help="The country of the switch, or of the company where no switch is known. Empty: anywhere.",
    )

    _once = models.UniqueIndex("(class_id, prefix, COALESCE(country_id, 0))", "The class has this number already.")

    def init(self):
        # Here, where the tables of classes and lines both exist.
        charging.numbers.install(self.env.cr)

    @api.constrains("prefix", "exact")
    def _check_prefix(self):
        for line in self:
            if not re.fullmatch(r"[0-9]{1,18}", line.prefix or ""):
                raise ValidationError(self.env._("%s is not a number: digits only.", line.prefix))
        self.class_id._check_emergency()
