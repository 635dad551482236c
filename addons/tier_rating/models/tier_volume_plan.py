from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.tier_billing.models.ledger_link import refuse_if_linked


class TierVolumePlan(models.Model):
    """A price by how much is used over a period, instead of the unit price of the rates."""

    _name = "tier.volume.plan"
    _description = "Volume Price"
    _order = "price_list_id, service_id, prefix, id"

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    price_list_id = fields.Many2one(
        "tier.price.list",
        required=True,
        ondelete="cascade",
        index=True,
        help="Who has this list, or one that derives from it, pays by the plan what the list has a rate for.",
    )
    company_id = fields.Many2one(related="price_list_id.company_id")
    currency_id = fields.Many2one(related="price_list_id.currency_id")
    service_id = fields.Many2one(
        "tier.service",
        required=True,
        ondelete="restrict",
        default=lambda self: self.env.ref("tier_rating.service_voice", raise_if_not_found=False),
    )
    price_unit = fields.Char(related="service_id.price_unit")
    destination_ids = fields.Many2many(
        "tier.destination",
        "tier_volume_plan_destination_rel",
        "plan_id",
        "destination_id",
        help="What it is for, by the destination of the rate. Empty: for everything.",
    )
    prefix = fields.Char(help="What it is for, by what the number starts with, or the resource code. Empty: for all.")
    kind = fields.Selection(
        [("graduated", "Each part at the price of its tier"), ("volume", "All at the price of the tier reached")],
        "How tiers apply",
        required=True,
        default="graduated",
        help="With 100 at 2 and then 1, the 101st costs 1 by the first way. By the second all 101 cost 1 each: with "
        "the event that reaches the tier, what was paid too much before comes back.",
    )
    period = fields.Selection(
        [("day", "Day"), ("week", "Week"), ("month", "Month")],
        required=True,
        default="month",
        help="On the brand's calendar. A week begins on Monday.",
    )
    counts = fields.Selection(
        [
            ("wallet", "Each wallet for itself"),
            ("customer", "A customer with all below it"),
            ("all", "All customers together"),
        ],
        "Counted for",
        required=True,
        default="wallet",
        help="Whose use makes the volume: that of the wallet that pays; of the brand's direct customer with "
        "everybody below it who pays by the plan; or of all who pay by it.",
    )
    block = fields.Float(
        "Price is for", digits=(16, 3), required=True, default=1, help="Units: 1000 for a price of 1000 messages."
    )
    begun = fields.Boolean(
        "Whole blocks", help="A block that was begun is paid whole. Otherwise only what was used of it."
    )
    date_from = fields.Date("Valid from")
    date_to = fields.Date("Valid to", help="The last day.")
    tier_ids = fields.One2many("tier.volume.plan.tier", "plan_id", "Tiers", copy=True)
    counter_ids = fields.One2many("tier.volume.counter", "plan_id", "Periods", readonly=True)
    counter_count = fields.Integer(compute="_compute_counter_count")

    _sane = models.Constraint("CHECK (block > 0 AND block < 1e9)", "A price is for more than nothing.")
    _dates = models.Constraint(
        "CHECK (date_to IS NULL OR date_from IS NULL OR date_to >= date_from)", "A plan ends after it begins."
    )

    def _compute_counter_count(self):
        counts = dict(
            self.env["tier.volume.counter"]._read_group([("plan_id", "in", self.ids)], ["plan_id"], ["__count"])
        )
        for plan in self:
            plan.counter_count = counts.get(plan, 0)

    @api.constrains("tier_ids")
    def _check_tiers(self):
        for plan in self:
            ends = [tier.upto for tier in plan.tier_ids if tier.upto]
            if len(plan.tier_ids) - len(ends) != 1:
                raise ValidationError(
                    self.env._("%s needs one last tier without an end, which holds all that is beyond.", plan.name)
                )
            if len(set(ends)) < len(ends):
                raise ValidationError(self.env._("Two tiers of %s end at the same quantity.", plan.name))

    def action_counters(self):
        """Open what the periods of the plan have counted.

        :return: a window action
        """
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id("tier_rating.tier_volume_counter_action")
        action["domain"] = [("plan_id", "=", self.id)]
        action["context"] = {}
        return action

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        """A plan that counted something is archived: refunds need its periods."""
        refuse_if_linked(self, ("tier.volume.counter", "plan_id"))
