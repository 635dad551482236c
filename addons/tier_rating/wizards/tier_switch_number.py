from odoo import api, fields, models

from ..engine.dialling import INSIDE

try:
    import phonenumbers
    from phonenumbers import geocoder
except ImportError:  # nothing is then said of the number's country
    phonenumbers = None


class TierSwitchNumber(models.TransientModel):
    """Tells what a number means that was dialled somewhere; nothing is charged."""

    _name = "tier.switch.number"
    _description = "Test of a Dialled Number"

    switch_id = fields.Many2one("tier.switch", ondelete="cascade")
    endpoint_id = fields.Many2one(
        "tier.endpoint",
        "Dialled from",
        ondelete="cascade",
        domain="[('switch_id', 'in', [switch_id, False])]",
        help="If it has a dial plan of its own, that reads the number, not the switch's.",
    )
    dial_plan_id = fields.Many2one("tier.dial.plan", ondelete="cascade")
    read_by = fields.Char("Read by", compute="_compute_number")
    dialled = fields.Char(help="As the switch writes it into its records.")
    number = fields.Char("Charged as", compute="_compute_number")
    explanation = fields.Text(compute="_compute_number")

    @api.depends("switch_id", "endpoint_id.dial_plan_id", "endpoint_id.switch_id", "dial_plan_id", "dialled")
    def _compute_number(self):
        for test in self:
            plan = test._plan()
            number, rules = plan._dialling().meaning((test.dialled or "").strip()) if plan else ("", ())
            test.read_by = plan and test._name_of(plan)
            test.number = number
            test.explanation = "\n".join(test._words(plan, number, rules)) if test.dialled else False

    def _plan(self):
        """Return what tells how it was dialled: a dial plan or a switch; an empty one where neither is known.

        :rtype: tier.dial.mixin
        """
        endpoint = self.endpoint_id
        return endpoint.dial_plan_id or self.dial_plan_id or self.switch_id or endpoint.switch_id

    @api.model
    def _name_of(self, plan):
        """Return a dial plan or a switch in words."""
        if plan._name == "tier.switch":
            return self.env._("the switch %s", plan.name)
        return self.env._("the dial plan %s", plan.name)

    @api.model
    def _action_for(self, **defaults):
        """Return the dialog's action for what is known.

        :param defaults: values of fields
        """
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Test a number"),
            "res_model": self._name,
            "view_mode": "form",
            "target": "new",
            "context": {f"default_{name}": value for name, value in defaults.items()},
        }

    def _words(self, plan, number, rules):
        """Yield what came of a number, a sentence each.

        :param plan: ``tier.dial.mixin`` record that read it
        :param str number: normalised
        :param rules: of ``Dialling.meaning``
        """
        env = self.env
        if not plan:
            yield env._("Which switch reports it? This endpoint has no dial plan of its own.")
            return
        if not number:
            yield env._("This is no number: such a call waits in suspense.")
            return
        if number.startswith(INSIDE):
            yield env._("An extension, dialled within the exchange: nobody pays for it.")
            return
        if "outside" in rules:
            yield env._("%s for the outside line is taken off.", plan.outside)
        if "local" in rules:
            yield env._("A local number: the country %(country)s and the area %(area)s come before it.",
                        country=plan.country_prefix or "-", area=plan.area_code)  # fmt: skip
        if len(number) <= 6:
            yield env._("A short number: it stays as it is.")
            return
        if phonenumbers is None:
            return
        try:
            parsed = phonenumbers.parse(f"+{number}")
        except phonenumbers.NumberParseException:
            yield env._("No country has such a number; it is charged by the longest prefix all the same.")
            return
        language = (env.lang or "en").split("_")[0]
        yield env._("Written internationally: %s", phonenumbers.format_number(
            parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL))  # fmt: skip
        if where := geocoder.description_for_number(parsed, language):
            yield env._("Where: %s", where)
        if not phonenumbers.is_possible_number(parsed):
            yield env._("Numbers of that country have another length.")
