import io
from datetime import timedelta
from decimal import Decimal

from odoo import api, fields, models

from .. import smdr

# What the exchange wrote: hours before now, extension, dialled, seconds.
CALLS = [
    (46, "203", "12065550142", 312),
    (45, "203", "011442079460958", 95),
    (30, "203", "12065550142", 41),
    (28, "301", "01120222614", 260),
    (20, "301", "01120222614", 1210),
    (9, "301", "12125550199", 33),
    (5, "203", "01134915550123", 184),
]


class TierDemo(models.AbstractModel):
    """Two days at a hotel; the times are before now, whenever the demo is loaded."""

    _inherit = "tier.demo"

    @api.model
    def _load(self, progress=None):
        loaded = super()._load(progress)
        # What was charged meanwhile, in transactions of its own, is seen from here on.
        self.env.cr.commit()  # pylint: disable=invalid-commit
        # Who follows another guest in a room is the last step of the story.
        if not self.env["tier.stay"].search_count([("partner_id", "=", self.env.ref("tier_rating.partner_lucia").id)]):
            if progress:
                progress("Letting the rooms of a hotel")
            self._load_hotel()
        return loaded

    @api.model
    def _load_hotel(self):
        """Let guests in, charge their calls and the minibar, check one out; each step once."""
        now = fields.Datetime.now().replace(second=0)
        self.env.ref("tier_rating.wallet_seaside")._allocate(
            Decimal(60), "demo:wallet_seaside", self.env._("Front desk")
        )
        grace = self._demo_stay("grace", "203", now - timedelta(hours=48), payment="deposit", deposit=60)
        self._demo_stay("ibrahim", "301", now - timedelta(hours=29), payment="account")
        self.env.cr.commit()  # pylint: disable=invalid-commit
        switch = self.env.ref("tier_rating.switch_seaside")
        lines = smdr.panasonic([(now - timedelta(hours=hours), *call, "") for hours, *call in CALLS], switch.tz)
        self.env["tier.usage.import"]._import_open_file(switch, io.BytesIO(lines), "smdr.txt")
        self.env.cr.commit()  # pylint: disable=invalid-commit
        if grace.state == "in":
            for item, quantity, text in (("water", 2, ""), ("laundry", 1, "by Thursday"), ("other", 18.5, "Breakfast")):
                extra = {
                    "stay_id": grace.id,
                    "rate_id": self.env.ref(f"tier_rating.rate_hotel_{item}").id,
                    "quantity": quantity,
                    "text": text,
                    "source_key": f"demo:{grace.id}:{item}",
                }
                self.env["tier.stay.extra"].create(extra).action_apply()
            self.env.cr.commit()  # pylint: disable=invalid-commit
            grace._check_out(grace._balance_now())
        self._demo_stay("lucia", "203", fields.Datetime.now(), payment="deposit", deposit=20)
        self.env.cr.commit()  # pylint: disable=invalid-commit

    @api.model
    def _demo_stay(self, guest, room, moment, **values):
        """Return the stay of a guest of the story, checked in now or by an earlier run."""
        values["partner_id"] = self.env.ref(f"tier_rating.partner_{guest}").id
        stay = self.env["tier.stay"].search([("partner_id", "=", values["partner_id"])], limit=1)
        if not stay:
            values["room_id"] = self.env.ref(f"tier_rating.room_{room}").id
            stay = self.env["tier.stay"].create({**values, "check_in": moment})
        stay.action_check_in()
        return stay
