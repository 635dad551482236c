from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL


class AccountMove(models.Model):
    """Keeps the daily entries of the wallets in step with what they booked."""

    _inherit = "account.move"

    tier_booking_ids = fields.One2many(
        "tier.booking", "move_id", "Booked from wallets", copy=False, groups="tier_billing.group_tier_auditor"
    )
    tier_booking_count = fields.Integer(compute="_compute_tier_booking_count", compute_sudo=True)

    @api.depends("tier_booking_ids")
    def _compute_tier_booking_count(self):
        for move in self:
            move.tier_booking_count = len(move.tier_booking_ids)

    def _compute_show_reset_to_draft_button(self):
        """Override of `account`: see :meth:`button_draft`."""
        result = super()._compute_show_reset_to_draft_button()
        for move in self:
            if move.tier_booking_count and move.state == "posted":
                move.show_reset_to_draft_button = False
        return result

    def button_draft(self):
        """Override of `account`: what was booked is corrected by an entry, not in the old one."""
        for move in self.filtered(lambda move: move.state == "posted"):
            if move.sudo().tier_booking_ids:
                raise UserError(
                    self.env._(
                        "%s was booked from the wallets and stays as it is. To book its days again, for instance on "
                        "other accounts, reverse it: the next run books what is missing then.",
                        move.display_name,
                    )
                )
        return super().button_draft()

    def button_cancel(self):
        """Override of `account`: a cancelled entry has booked nothing."""
        result = super().button_cancel()
        self.sudo()._tier_unbook()
        return result

    def unlink(self):
        """Override of `account`: a deleted entry has booked nothing; its days are looked at again."""
        self.sudo()._tier_unbook()
        return super().unlink()

    def _tier_unbook(self):
        """Let go of what these entries booked: the next run books it again."""
        if not self.ids or not self.tier_booking_ids:
            return
        self.tier_booking_ids.unlink()
        self.env.flush_all()
        self.env.cr.execute(SQL("UPDATE tier_booking_line SET move_id = NULL WHERE move_id = ANY(%s)", self.ids))
        self.env["tier.booking.line"].invalidate_model()

    def _reverse_moves(self, default_values_list=None, cancel=False):
        """Override of `account`: a reversed daily entry is taken out of what is booked."""
        reversals = super()._reverse_moves(default_values_list, cancel)
        for move, reversal in zip(self, reversals, strict=True):
            if move.sudo().tier_booking_ids:
                move.sudo()._tier_book_reversal(reversal.sudo())
        return reversals

    def _tier_book_reversal(self, reversal):
        """Note that what this entry booked was taken back by another.

        :param reversal: ``account.move``
        """
        self.ensure_one()
        for booking in self.tier_booking_ids:
            booking.create(
                {
                    "company_id": booking.company_id.id,
                    "move_id": reversal.id,
                    "day_from": booking.day_from,
                    "day_to": booking.day_to,
                    "currency_id": booking.currency_id.id,
                    "amount": -booking.amount,
                    "posted": -booking.posted,
                    "transfer_count": -booking.transfer_count,
                }
            )
        dimensions = self.env["tier.booking.line"]._dimensions()
        names = SQL("").join(SQL(", %s", SQL.identifier(name)) for name in dimensions)
        self.env.flush_all()
        # The highest ordinal of the key plus one: a run at the same time fails and is repeated.
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO tier_booking_line (
                    company_id, move_id, key, ordinal, day, kind, from_account_id, to_account_id, from_inside,
                    to_inside, currency_id, currency_to_id, amount, amount_to, transfer_count %(names)s,
                    create_uid, create_date, write_uid, write_date)
                SELECT company_id, %(reversal)s, key,
                       (SELECT max(o.ordinal) + 1 FROM tier_booking_line o
                         WHERE o.company_id = l.company_id AND o.key = l.key),
                       day, kind, from_account_id, to_account_id, from_inside, to_inside, currency_id,
                       currency_to_id, -amount, -amount_to, -transfer_count %(names)s, %(uid)s,
                       now() AT TIME ZONE 'UTC', %(uid)s, now() AT TIME ZONE 'UTC'
                  FROM tier_booking_line l WHERE l.move_id = %(move)s""",
                names=names,
                reversal=reversal.id,
                move=self.id,
                uid=self.env.uid,
            )
        )
        self.env["tier.booking.line"].invalidate_model()

    def action_tier_bookings(self):
        """Open what this entry booked, by day and wallet.

        :return: a window action
        """
        self.ensure_one()
        self.env["tier.booking.line"].check_access("read")
        action = self.env["ir.actions.actions"]._for_xml_id("tier_billing.tier_booking_line_action")
        action["domain"] = [("move_id", "=", self.id)]
        return action
