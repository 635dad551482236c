import io
from datetime import datetime, timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models

from .. import smdr

# What is dialled again and again: hour of the day (UTC), extension, number, seconds.
CALLS = [
    (15, "401", "14155550111", 640),
    (16, "402", "011442079460011", 1265),
    (14, "403", "17035550100", 75),
    (18, "401", "01149301234567", 842),
    (19, "404", "12025550142", 301),
    (17, "403", "01133142278186", 233),
    (20, "404", "01152555550173", 460),
    # In London, by the branch's own dial plan: a local number, a mobile, New York, an extension.
    (11, "451", "979460018", 184),
    (13, "451", "907700900123", 96),
    (14, "451", "90012125550188", 410),
    (15, "451", "401", 65),
]
# Days of last month on which each of them is.
DAYS = range(2, 27)


class TierDemo(models.AbstractModel):
    """Last month at an office, and its charge-back as a draft."""

    _inherit = "tier.demo"

    @api.model
    def _load(self, progress=None):
        loaded = super()._load(progress)
        self._load_once("switch_office", "Charging an office's calls back to departments", progress, self._load_office)
        return loaded

    @api.model
    def _load_office(self, switch):
        """Charge the calls of last month and make the draft of their charge-back.

        :param switch: ``tier.switch`` of the office
        """
        month = fields.Date.today().replace(day=1) - relativedelta(months=1)
        start = datetime(month.year, month.month, 1)
        calls = [
            (start + timedelta(days=day - 1, hours=hour), *call, "")
            for day in DAYS
            for position, (hour, *call) in enumerate(CALLS)
            if (day + position) % 3
        ]
        data = smdr.panasonic(calls, switch.tz)
        self.env["tier.usage.import"]._import_open_file(switch, io.BytesIO(data), "smdr-office.txt")
        self.env.cr.commit()  # pylint: disable=invalid-commit
        company = switch.company_id
        accounts = self.env["account.account"].search(
            [("account_type", "=", "expense"), ("company_ids", "in", company.ids)]
        )
        account = accounts.filtered(lambda found: found.name == "Expenses")[:1] or accounts[:1]
        journal = self.env["account.journal"].search(
            [("type", "=", "general"), ("company_id", "=", company.id)], limit=1
        )
        if account and journal:
            self.env["tier.chargeback"].create(
                {
                    "company_id": company.id,
                    "date_from": month,
                    "journal_id": journal.id,
                    "expense_account_id": account.id,
                    "recovery_account_id": account.id,
                }
            )
            self.env.cr.commit()  # pylint: disable=invalid-commit
