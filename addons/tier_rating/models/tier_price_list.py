from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.tier_billing.models.ledger_link import refuse_if_linked

from ..const import RATE_DIGITS


class TierPriceList(models.Model):
    """The rates of one brand in one currency."""

    _name = "tier.price.list"
    _description = "Price List"
    _inherit = ["mail.thread"]
    _order = "brand_id, name"
    _check_company_auto = True

    name = fields.Char(required=True, tracking=True)
    active = fields.Boolean(default=True)
    brand_id = fields.Many2one("tier.brand", required=True, ondelete="restrict", index=True, tracking=True)
    company_id = fields.Many2one(related="brand_id.company_id", store=True)
    currency_id = fields.Many2one(
        "res.currency",
        required=True,
        compute="_compute_currency_id",
        store=True,
        readonly=False,
        precompute=True,
    )
    base_id = fields.Many2one(
        "tier.price.list",
        "Derived from",
        ondelete="restrict",
        check_company=True,
        index="btree_not_null",
        tracking=True,
        help="Where this list has no rate of its own, the base's applies with the mark-up. "
        "A change of the base shows here at once.",
    )
    derived_ids = fields.One2many("tier.price.list", "base_id", "Derived lists")
    markup_percent = fields.Float("Mark-up (%)", digits=(10, 4), tracking=True, help="On the base's prices.")
    markup_of_brand = fields.Boolean(
        "The brand's mark-up", tracking=True, help="The mark-up of the brand applies, and follows it."
    )
    brand_markup_percent = fields.Float("Brand's mark-up (%)", related="brand_id.markup_percent")
    markup_ids = fields.One2many(
        "tier.price.markup",
        "price_list_id",
        "Mark-ups by destination",
        copy=True,
        help="For these prices of the base, in place of the mark-up of the list.",
    )
    markups_version = fields.Integer(
        readonly=True,
        copy=False,
        help="Changes with every change of a mark-up by destination; kept by the database (charging/markups.sql).",
    )
    fixed = fields.Float(
        "Fixed mark-up",
        digits=RATE_DIGITS,
        tracking=True,
        help="Added to the base's price per unit after the percentage.",
    )
    rate_ids = fields.One2many("tier.rate", "price_list_id", copy=True)
    rate_count = fields.Integer("Own rates", compute="_compute_rate_count")
    rates_version = fields.Integer(
        readonly=True,
        copy=False,
        help="Changes with every change of a rate; kept by the database (charging/books.sql).",
    )
    wallet_ids = fields.One2many("tier.wallet", "price_list_id", "Customers")

    _derivation_sane = models.Constraint(
        "CHECK (COALESCE(markup_percent, 0) > -100 AND COALESCE(markup_percent, 0) < 1e6"
        " AND abs(COALESCE(fixed, 0)) < 1e9)",
        "A mark-up is above -100 %, and neither it nor the fixed part is without measure.",
    )

    @api.depends("brand_id")
    def _compute_currency_id(self):
        for price_list in self:
            if not price_list.currency_id:
                price_list.currency_id = price_list.brand_id.currency_id

    def _compute_rate_count(self):
        counts = dict(
            self.env["tier.rate"]._read_group([("price_list_id", "in", self.ids)], ["price_list_id"], ["__count"])
        )
        for price_list in self:
            price_list.rate_count = counts.get(price_list, 0)

    @api.constrains("base_id")
    def _check_base(self):
        if self._has_cycle("base_id"):
            raise ValidationError(self.env._("A price list cannot be derived from itself."))

    def action_rates(self):
        """Open the list's own rates.

        :return: a window action
        """
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id("tier_rating.tier_rate_action")
        action["domain"] = [("price_list_id", "=", self.id)]
        action["context"] = {"default_price_list_id": self.id}
        return action

    @api.ondelete(at_uninstall=False)
    def _unlink_except_in_use(self):
        refuse_if_linked(self, ("tier.charge", "price_list_id"))
