from odoo import api, fields, models

from ..charging.usage import DialPlan
from ..engine.dialling import INSIDE

try:
    import phonenumbers
    from phonenumbers import geocoder
except ImportError:  # nothing is then said of the number's country
    phonenumbers = None


class TierSwitchNumber(models.TransientModel):
    """Tells what a number means that was dialled at a switch; nothing is charged."""

    _name = "tier.switch.number"
    _description = "Test of a Dialled Number"

    switch_id = fields.Many2one("tier.switch", required=True, ondelete="cascade")
    dialled = fields.Char(help="As the switch writes it into its records.")
    number = fields.Char("Charged as", compute="_compute_number")
    explanation = fields.Text(compute="_compute_number")

    @api.depends("switch_id", "dialled")
    def _compute_number(self):
        for test in self:
            number, rules = DialPlan.of(test.switch_id).dialling.meaning((test.dialled or "").strip())
            test.number = number
            test.explanation = "\n".join(test._words(number, rules)) if test.dialled else False

    def _words(self, number, rules):
        """Yield what came of a number, a sentence each.

        :param str number: normalised
        :param rules: of ``Dialling.meaning``
        """
        switch, env = self.switch_id, self.env
        if not number:
            yield env._("This is no number: such a call waits in suspense.")
            return
        if number.startswith(INSIDE):
            yield env._("An extension, dialled within the exchange: nobody pays for it.")
            return
        if "outside" in rules:
            yield env._("%s for the outside line is taken off.", switch.outside)
        if "local" in rules:
            yield env._("A local number: the country %(country)s and the area %(area)s come before it.",
                        country=switch.country_prefix or "-", area=switch.area_code)  # fmt: skip
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
