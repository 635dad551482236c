import re

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..charging.usage import DIALLED_BY, dialling


class TierDialMixin(models.AbstractModel):
    """How people dial: said of a switch, and of endpoints where they dial otherwise."""

    _name = "tier.dial.mixin"
    _description = "How Numbers Are Dialled"

    country_prefix = fields.Char(help="Own country code, for numbers dialled in national form.")
    international_prefix = fields.Char(default="00")
    national_prefix = fields.Char(default="0")
    national_length = fields.Integer(
        "Length of national numbers",
        help="Digits of a national number where it is dialled without a prefix: 10 in North America, 9 in Spain. "
        "Zero: it is not.",
    )
    area_code = fields.Char(help="Of where it is dialled: comes before local numbers. Empty: none are dialled.")
    local_length = fields.Integer(
        "Local numbers from",
        default=7,
        help="Digits that a local number has at least. Fewer are a short number, such as 116117.",
    )
    outside = fields.Char(
        "Outside line",
        help="What is dialled for the outside line, if the records have it in front of every number: 0 or 9. "
        "It is taken off once.",
    )
    extension_length = fields.Integer(
        "Extensions up to",
        help="Digits that an extension has at most: such a number was dialled within the exchange, and nobody pays "
        "for it. 112 and 911 are never extensions. Zero: there are none.",
    )

    @api.constrains(*DIALLED_BY)
    def _check_dialling(self):
        for plan in self:
            for name in DIALLED_BY:
                value = plan[name]
                if isinstance(value, str) and not re.fullmatch(r"[0-9]{0,8}", value):
                    raise ValidationError(self.env._("%s is not dialled: a prefix is a few digits.", value))
                if isinstance(value, int) and not 0 <= value <= 15:
                    raise ValidationError(self.env._("No number has %s digits.", value))

    def _dialling(self):
        """Return what reads numbers that are dialled so.

        :rtype: engine.dialling.Dialling
        """
        self.ensure_one()
        return dialling({name: self[name] for name in DIALLED_BY})
