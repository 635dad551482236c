from odoo import api, fields, models

from ..engine.part import WHOLE, included, part_of_month

UNITS = (18, 0)
PARTS = [("full", "In full"), ("days", "By its days")]


class TierPackage(models.Model):
    """Included minutes, data or messages of a period, used before money."""

    _name = "tier.package"
    _description = "Package"
    _order = "name"

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    brand_id = fields.Many2one(
        "tier.brand",
        required=True,
        ondelete="restrict",
        index=True,
        help="Its owner sells the package to its customers.",
    )
    company_id = fields.Many2one(related="brand_id.company_id", store=True)
    service_id = fields.Many2one(
        "tier.service",
        required=True,
        ondelete="restrict",
        default=lambda self: self.env.ref("tier_rating.service_voice", raise_if_not_found=False),
    )
    destination_ids = fields.Many2many(
        "tier.destination",
        "tier_package_destination_rel",
        "package_id",
        "destination_id",
        help="What it may be used for, by the destination of the customer's rate. Empty: for everything.",
    )
    included = fields.Float(digits=(16, 3), required=True, help="In each period.")
    price_unit = fields.Char(related="service_id.price_unit")
    quantity = fields.Float(
        "Included units", digits=UNITS, compute="_compute_quantity", store=True, help="Seconds of calls, for instance."
    )
    increment = fields.Integer(
        "Used in steps of", required=True, default=1, help="Seconds, or units, that are taken from it at once."
    )
    connection_free = fields.Boolean(
        "No connection charge",
        default=True,
        help="A call that begins within the package has no connection charge. Otherwise it has the usual one.",
    )
    shared = fields.Boolean(
        help="Whoever is below the wallet uses it too, unless it has one of its own. Otherwise only what the wallet "
        "itself pays for is covered."
    )
    period = fields.Selection(
        [("month", "Month"), ("once", "Once")],
        required=True,
        default="month",
        help="A month begins on its first day, on the brand's clock; what is left at its end is gone. Once: until the "
        "subscription ends.",
    )
    first_period = fields.Selection(
        PARTS,
        "First month",
        required=True,
        default="full",
        help="Of a subscription that begins within a month: the whole fee for all that is included, or both by the "
        "days that are left of the month, its first one counted. Units are rounded up to the steps of the package.",
    )
    last_period = fields.Selection(
        PARTS,
        "Last month",
        required=True,
        default="full",
        help="Of a subscription whose last day was known when the month began. What is paid already stays paid: "
        "refund the fee, then what was not used of it goes back.",
    )
    subscription_ids = fields.One2many("tier.package.subscription", "package_id")

    _sane = models.Constraint(
        "CHECK (included > 0 AND included < 1e12 AND increment BETWEEN 1 AND 1000000000)",
        "A package includes something, and is used in steps of one or more.",
    )

    def _part(self, month, date_from, date_to):
        """Return which part of a month is charged, and included.

        :param date month: any day of it, on the brand's calendar
        :param date date_from, date_to: first and last day of the subscription; no last one = open
        :rtype: .engine.part.Part
        """
        self.ensure_one()
        if self.period != "month":
            return WHOLE
        return part_of_month(
            month,
            date_from if self.first_period == "days" else None,
            date_to if self.last_period == "days" else None,
        )

    def _units_of(self, part):
        """Return how many units a part of a month includes.

        :param part: of :meth:`_part`
        """
        self.ensure_one()
        return included(part, int(self.quantity), self.increment)

    @api.depends("included", "service_id")
    def _compute_quantity(self):
        for package in self:
            package.quantity = int(round(package.included * 1000) * package.service_id.price_per // 1000)
