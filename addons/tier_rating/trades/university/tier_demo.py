import io
from datetime import timedelta
from decimal import Decimal

from odoo import api, fields, models

from .. import smdr

# Minutes before now, telephone on the campus, dialled, seconds, the student's PIN.
CALLS = [
    (300, "7001", "01123320123456", 650, "48151"),
    (190, "7002", "12125550164", 620, "48151"),
    (170, "7001", "01146701234567", 1260, "62342"),
    (95, "7003", "13125550118", 410, "62342"),
    (60, "7003", "01146701234567", 2750, "48151"),
]


class TierDemo(models.AbstractModel):
    """A month on a campus: an allowance for each student, and a top-up of one's own beyond it."""

    _inherit = "tier.demo"

    @api.model
    def _load(self, progress=None):
        loaded = super()._load(progress)
        self._load_once("switch_campus", "Giving students their allowance", progress, self._load_university)
        return loaded

    @api.model
    def _load_university(self, switch):
        """Fund the university, give the month's allowance by its schedule, charge the calls.

        :param switch: ``tier.switch`` of the campus
        """
        self.env.ref("tier_rating.wallet_lakeside")._topup(
            Decimal(400), "demo:wallet_lakeside", self.env._("Purchase order 2026-117")
        )
        schedule = self.env.ref("tier_rating.schedule_allowance")
        if schedule.state == "stopped":
            schedule.action_start()
        self.env.cr.commit()  # pylint: disable=invalid-commit
        schedule._run_next()
        self.env.cr.commit()  # pylint: disable=invalid-commit
        self.env.ref("tier_rating.wallet_nora")._topup(Decimal(5), "demo:wallet_nora", self.env._("Bought in the shop"))
        self.env.cr.commit()  # pylint: disable=invalid-commit
        now = fields.Datetime.now().replace(second=0)
        calls = [(now - timedelta(minutes=minutes), *call) for minutes, *call in CALLS]
        data = smdr.panasonic(calls, switch.tz)
        self.env["tier.usage.import"]._import_open_file(switch, io.BytesIO(data), "smdr-campus.txt")
        self.env.cr.commit()  # pylint: disable=invalid-commit

    @api.model
    def _logins(self):
        return [*super()._logins(), {"role": "Student (Nora Lind)", "login": "nora", "password": "nora", "url": "/my"}]
