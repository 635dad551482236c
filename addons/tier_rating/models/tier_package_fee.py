import re
import unicodedata

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..const import RATE_DIGITS


class TierPackage(models.Model):
    """What a package costs in each period; see :mod:`..charging.fees`."""

    _inherit = "tier.package"

    fee = fields.Float(
        digits=RATE_DIGITS,
        help="For each period, in the brand's currency, charged when it begins. Until it is paid the period "
        "includes nothing.",
    )
    currency_id = fields.Many2one(related="brand_id.currency_id", string="Fee's currency")
    code = fields.Char(
        compute="_compute_code",
        store=True,
        readonly=False,
        precompute=True,
        help="What price lists call the package: a rate of the service of fees for this code, in the price list of "
        "a tier above, is what that tier pays for each one sold. Without a rate it pays nothing for it.",
    )

    _fee_sane = models.Constraint("CHECK (fee IS NULL OR fee BETWEEN 0 AND 1e9)", "A fee is zero or more.")

    @api.depends("name")
    def _compute_code(self):
        for package in self:
            if not package.code and package.name:
                plain = unicodedata.normalize("NFKD", package.name).encode("ascii", "ignore").decode().lower()
                package.code = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:64]

    @api.constrains("code")
    def _check_code(self):
        for package in self:
            if package.code and not re.fullmatch(r"[!-~]{1,64}", package.code):
                raise ValidationError(self.env._("A code is of letters, digits and signs, without spaces."))
