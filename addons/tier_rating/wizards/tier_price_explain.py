from decimal import Decimal

from odoo import api, fields, models

from .. import explaining
from ..engine.prefixes import normalise
from ..ratesheet import search


class TierPriceExplain(models.TransientModel):
    """What a number costs at a moment, and why: each step, on every tier."""

    _name = "tier.price.explain"
    _description = "Explanation of a Price"

    wallet_id = fields.Many2one("tier.wallet", domain="[('parent_id', '!=', False)]", help="Who would consume it.")
    price_list_id = fields.Many2one("tier.price.list", help="By which somebody would buy it.")
    event_id = fields.Many2one("tier.usage.event", "Usage", readonly=True)
    service_id = fields.Many2one(
        "tier.service",
        required=True,
        default=lambda self: self.env.ref("tier_rating.service_voice", raise_if_not_found=False),
    )
    is_time = fields.Boolean(related="service_id.is_time")
    unit = fields.Char(related="service_id.unit")
    number = fields.Char(help="In any writing; as it is dialled at the switch if you name one. Or a resource code.")
    switch_id = fields.Many2one("tier.switch", "Dialled at", help="Its dial plan reads the number.")
    endpoint_id = fields.Many2one(
        "tier.endpoint",
        "Dialled from",
        domain="[('wallet_id', '=', wallet_id)]",
        help="Its own dial plan reads the number if it has one, else its switch's.",
    )
    at = fields.Datetime("When", required=True, default=lambda self: fields.Datetime.now())
    quantity = fields.Float(digits=(16, 3), default=60, help="Seconds of a call, or units of the service.")
    result = fields.Html(compute="_compute_result", sanitize=False)

    @api.depends(
        "wallet_id",
        "price_list_id",
        "event_id",
        "service_id",
        "number",
        "switch_id",
        "endpoint_id.dial_plan_id",
        "endpoint_id.switch_id",
        "at",
        "quantity",
    )
    @api.depends_context("lang", "tz")
    def _compute_result(self):
        for wizard in self:
            wizard.result = wizard._explanation()

    def _explanation(self):
        """Return the explanation as HTML, empty until it is clear what is asked.

        :rtype: markupsafe.Markup
        """
        if not self.service_id or not self.number or not self.at or not (self.wallet_id or self.price_list_id):
            return False
        question = self._question()
        wording = explaining.words.Wording(self.env, question)
        wallets = self.env["tier.wallet"].sudo()
        tiers = []
        for tier in question.tiers:
            wallet = wallets.browse(tier.wallet.id if tier.wallet.id > 0 else ())
            currency = self.env["res.currency"].browse(tier.wallet.currency_id)
            tiers.append(
                {
                    "payer": wallet.name or self.env._("A customer of %s", self.price_list_id.name),
                    "payee": wallet.parent_id.name,
                    "carrier": tier.carrier,
                    "amount": tier.price and wording.amount(tier.price.amount, currency),
                    "reason": tier.reason and explaining.words.refusal(self.env, tier.reason),
                    "steps": wording.steps(tier) if tier.edge else [],
                }
            )
        special = self.env["tier.number.class"].sudo().browse(question.special.class_id if question.special else ())
        return self.env["ir.qweb"]._render(
            "tier_rating.price_explanation",
            {
                "number": question.item.number,
                "special": special,
                "refusal": question.reason and explaining.words.refusal(self.env, question.reason[0]),
                "below_cost": question.is_below_cost,
                "charged": self._charged(),
                "tiers": tiers,
            },
        )

    def _question(self):
        """Return the answer of the charging code.

        :rtype: .explaining.prices.Question
        """
        quantity = max(Decimal(0), Decimal(str(self.quantity)))
        if self.wallet_id:
            self.wallet_id.check_access("read")
            return explaining.prices.of_wallet(
                self.env,
                self.wallet_id._origin,
                self.service_id._origin,
                self._number(),
                self.at,
                quantity,
                (self.switch_id or self.endpoint_id.switch_id)._origin,
                self.endpoint_id.dial_plan_id._origin,
            )
        self.price_list_id.check_access("read")
        return explaining.prices.of_list(
            self.env, self.price_list_id._origin, self.service_id._origin, self._number(), self.at, quantity
        )

    def _number(self):
        """Return the number in the form in which it is priced."""
        if not self.is_time or (self.event_id and self.number == self.event_id.number):
            return self.number.strip()
        if plan := self.endpoint_id.dial_plan_id or self.switch_id or self.endpoint_id.switch_id:
            return plan._dialling().number(self.number)
        found = search.readings(search.clean(self.number), self.env.company.country_id)
        return found[0] if found else normalise(self.number, "")

    def _charged(self):
        """Return what the wallets really paid for the event, to compare."""
        charges = self.event_id.charge_ids.filtered(lambda charge: not charge.reverses_id)
        return {charge.wallet_id.name: charge for charge in charges.sorted("tier", reverse=True)}

    @api.model
    def _action_for(self, **defaults):
        """Return the wizard's action for what is known.

        :param defaults: values of fields
        """
        action = self.env["ir.actions.actions"]._for_xml_id("tier_rating.tier_price_explain_action")
        action["context"] = {f"default_{name}": value for name, value in defaults.items()}
        return action
