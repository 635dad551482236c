import io
from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models

# What runs all the time: machine, resource code.
RUNNING = [("delta-web-1", "VM-M"), ("delta-web-2", "VM-S"), ("delta-db-1", "VM-L")]
HEADINGS = "id,machine,service,resource,from,quantity"


class TierDemo(models.AbstractModel):
    """Last month in a data centre, as its meter wrote it: hours and traffic of each day."""

    _inherit = "tier.demo"

    @api.model
    def _load(self, progress=None):
        loaded = super()._load(progress)
        self._load_once("switch_cloud", "Metering a data centre", progress, self._load_hosting)
        return loaded

    @api.model
    def _load_hosting(self, switch):
        """Charge what the meter wrote.

        :param switch: ``tier.switch`` of the data centre
        """
        self.env["tier.usage.import"]._import_open_file(switch, io.BytesIO(self._demo_meter()), "meter.csv")
        self.env.cr.commit()  # pylint: disable=invalid-commit

    @api.model
    def _demo_meter(self):
        """Return the meter's file of last month; traffic in MB.

        :rtype: bytes
        """
        first = fields.Date.today().replace(day=1) - relativedelta(months=1)
        lines = [HEADINGS]
        for number in range((first + relativedelta(months=1) - first).days):
            day = first + timedelta(days=number)
            for machine, resource in RUNNING:
                lines.append(f"{machine}-{day},{machine},hosting,{resource},{day} 00:00:00,24")
            traffic = 1800 + number * 137 % 1100
            lines.append(f"delta-web-1-out-{day},delta-web-1,data,TRAFFIC-OUT,{day} 00:00:00,{traffic}.5")
        return "\n".join([*lines, ""]).encode()
