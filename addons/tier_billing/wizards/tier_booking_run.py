from datetime import timedelta

from odoo import fields, models
from odoo.exceptions import AccessError, UserError


class TierBookingRun(models.TransientModel):
    """Books by hand what the nightly run would book."""

    _name = "tier.booking.run"
    _description = "Book the Wallets Now"

    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    until = fields.Date(
        required=True,
        default=lambda self: self.env["tier.booking"]._today(self.env.company) - timedelta(days=1),
        help="The last day to book. The present day may be booked as well: what follows on it gets another entry.",
    )
    everything = fields.Boolean(
        "Look at every day",
        help="Compare all days since the first transfer, not only those with news: after a restored backup or work in "
        "the database. Takes longer.",
    )

    def action_book(self):
        """Book what is missing.

        :return: a notification
        """
        self.ensure_one()
        self.check_access("write")
        if not self.env.user.has_group("tier_billing.group_tier_manager"):
            raise AccessError(self.env._("Only a billing manager books by hand; it is done every night."))
        if self.company_id not in self.env.companies:
            raise AccessError(self.env._("Switch on the company %s first.", self.sudo().company_id.name))
        Booking = self.env["tier.booking"]
        if self.until > Booking._today(self.company_id):
            raise UserError(self.env._("Nothing has been used on days to come."))
        moves = Booking._book(self.company_id, self.until, self.everything)
        if len(moves) == 1:
            message = self.env._("One journal entry posted.")
        elif moves:
            message = self.env._("%s journal entries posted.", len(moves))
        else:
            message = self.env._("The books are up to date: there was nothing to post.")
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": message,
                "next": {"type": "ir.actions.act_window_close"},
            },
        }
