import pytz

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.tier_billing.const import MONEY_SCALE

from ..const import RATE_DIGITS


class TierBrand(models.Model):
    """What a tier sells under, and the terms it bills by."""

    _name = "tier.brand"
    _description = "Brand"
    _inherit = ["mail.thread"]
    _order = "name"
    _check_company_auto = True

    name = fields.Char(required=True, tracking=True)
    active = fields.Boolean(default=True)
    logo = fields.Image(max_width=512, max_height=512)
    wallet_id = fields.Many2one(
        "tier.wallet",
        "Owner",
        required=True,
        ondelete="restrict",
        index=True,
        check_company=True,
        help="The provider or the reseller that sells under this brand.",
    )
    company_id = fields.Many2one(related="wallet_id.company_id", store=True)
    currency_id = fields.Many2one("res.currency", required=True, default=lambda self: self.env.company.currency_id)
    tz = fields.Selection(
        lambda self: [(name, name) for name in pytz.common_timezones],
        "Time zone",
        required=True,
        default=lambda self: self.env.user.tz or "UTC",
        help="Time bands of this brand's price lists are evaluated in this zone.",
    )
    initial_increment = fields.Integer(
        "Initial increment (s)",
        required=True,
        default=1,
        tracking=True,
        help="What every answered call is billed at least.",
    )
    increment = fields.Integer(
        "Next increment (s)", required=True, default=1, tracking=True, help="Then in such steps."
    )
    billed_time_rule = fields.Selection(
        [
            ("initial_plus", "Initial block, then whole increments"),
            ("multiple", "Multiple of the increment"),
            ("completed", "Completed increments only"),
        ],
        required=True,
        default="initial_plus",
        help="30/20 bills a call of 120 s as 130 s (30 + 5 × 20) by the first rule, as 120 s by the others; "
        "one of 119 s as 100 s by the last, which counts completed increments in each time band.",
    )
    markup_percent = fields.Float(
        "Mark-up (%)",
        digits=(10, 4),
        tracking=True,
        help="On the base's prices, for all derived lists that take the brand's mark-up.",
    )
    connection_charge = fields.Float(digits=RATE_DIGITS, help="Once for every answered call.")
    connection_deductible = fields.Boolean(
        "Deductible connection charge",
        help="The connection charge is the least that a call costs, and part of the price of its time.",
    )
    minimum_charge = fields.Float(digits=RATE_DIGITS)
    maximum_charge = fields.Float(digits=RATE_DIGITS, help="The most that one event costs. Zero: no limit.")
    grace_seconds = fields.Integer("Grace (s)", help="Calls up to this long are free.")
    surcharge = fields.Float(digits=RATE_DIGITS)
    surcharge_after = fields.Integer("Surcharge after (s)")
    max_session = fields.Integer(
        "Longest session (s)", default=7200, help="Zero: no limit. Granted to a switch at most."
    )
    rounding_method = fields.Selection(
        [
            ("up", "Up"),
            ("down", "Down"),
            ("half_up", "Half up"),
            ("half_even", "Half even"),
        ],
        required=True,
        default="half_up",
        help="How the price of an event is rounded, once, at the end.",
    )
    rounding_digits = fields.Integer("Decimals", required=True, default=4)
    price_list_ids = fields.One2many("tier.price.list", "brand_id")
    price_list_count = fields.Integer(compute="_compute_price_list_count")

    _increments_positive = models.Constraint(
        "CHECK (initial_increment >= 0 AND increment > 0 AND initial_increment <= 86400 AND increment <= 86400)",
        "The next increment is at least one second; both are a day at most.",
    )
    _charges_sane = models.Constraint(
        "CHECK (COALESCE(connection_charge, 0) >= 0 AND COALESCE(connection_charge, 0) < 1e9"
        " AND COALESCE(minimum_charge, 0) >= 0 AND COALESCE(minimum_charge, 0) < 1e9"
        " AND COALESCE(maximum_charge, 0) >= 0 AND COALESCE(maximum_charge, 0) < 1e9"
        " AND COALESCE(surcharge, 0) >= 0 AND COALESCE(surcharge, 0) < 1e9"
        " AND COALESCE(grace_seconds, 0) >= 0 AND COALESCE(surcharge_after, 0) >= 0"
        " AND COALESCE(max_session, 0) >= 0)",
        "Charges and times of a brand are zero or more, and charges below one billion.",
    )

    _markup_sane = models.Constraint(
        "CHECK (COALESCE(markup_percent, 0) > -100 AND COALESCE(markup_percent, 0) < 1e6)",
        "A mark-up is above -100 %, and not without measure.",
    )

    @api.constrains("rounding_digits")
    def _check_rounding_digits(self):
        for brand in self:
            if not 0 <= brand.rounding_digits <= MONEY_SCALE:
                raise ValidationError(self.env._("Prices are rounded to between 0 and %s decimals.", MONEY_SCALE))

    def _compute_price_list_count(self):
        counts = dict(
            self.env["tier.price.list"]._read_group([("brand_id", "in", self.ids)], ["brand_id"], ["__count"])
        )
        for brand in self:
            brand.price_list_count = counts.get(brand, 0)

    def action_price_lists(self):
        """Open the brand's price lists.

        :return: a window action
        """
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id("tier_rating.tier_price_list_action")
        action["domain"] = [("brand_id", "=", self.id)]
        action["context"] = {"default_brand_id": self.id}
        return action
