from odoo import api, fields, models

from odoo.addons.tier_billing.models.ledger_link import refuse_if_linked


class TierService(models.Model):
    """A kind of thing that is consumed and priced."""

    _name = "tier.service"
    _description = "Service"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    code = fields.Char(required=True, help="What switches and files call it.")
    sequence = fields.Integer(default=10)
    unit = fields.Char(required=True, translate=True, help="What quantities are counted in.")
    price_per = fields.Integer(
        required=True,
        default=1,
        help="How many units a rate's price is for: 60 for a price per minute of seconds.",
    )
    price_unit = fields.Char(translate=True, help="How the price's unit reads to people: minute, GB, hour.")
    is_time = fields.Boolean(
        help="Counted in seconds: time bands cut it, and a brand's increments, grace, connection charge and "
        "surcharge apply. Anything else has those of its rates alone."
    )

    product_id = fields.Many2one(
        "product.product",
        domain="[('type', '=', 'service')]",
        ondelete="restrict",
        help="What the service is on invoices: its taxes are those of usage, its income account the one that usage "
        "is booked to.",
    )

    numbers_version = fields.Integer(
        readonly=True,
        copy=False,
        help="Changes with every change of its special numbers; kept by the database (charging/numbers.sql).",
    )

    _code_unique = models.Constraint("UNIQUE (code)", "A service with this code exists already.")
    _price_per_positive = models.Constraint("CHECK (price_per > 0)", "A price is for at least one unit.")

    @api.model
    def _set_default_products(self):
        """Give the services that come with the add-on their products, where they have none."""
        for code in ("voice", "data", "hosting", "message"):
            service = self.env.ref(f"tier_rating.service_{code}", raise_if_not_found=False)
            product = self.env.ref(f"tier_rating.product_{code}", raise_if_not_found=False)
            if service and product and not service.product_id:
                service.product_id = product

    @api.ondelete(at_uninstall=False)
    def _unlink_except_in_use(self):
        refuse_if_linked(self, ("tier.usage.event", "service_id"))
