from odoo import fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from odoo.addons.tier_billing import ledger


class TierCharge(models.Model):
    _inherit = "tier.charge"

    dispute_line_ids = fields.One2many("tier.dispute.line", "charge_id", "Disputes")

    def action_contest(self):
        """Open a new dispute for the selected charges, to be filled in by staff.

        :return: a window action
        """
        self.env["tier.dispute"].check_access("create")
        if len(self.wallet_id) != 1:
            raise UserError(self.env._("Choose charges of one wallet."))
        return {
            "type": "ir.actions.act_window",
            "res_model": "tier.dispute",
            "view_mode": "form",
            "context": {
                "default_wallet_id": self.wallet_id.id,
                "default_line_ids": [fields.Command.create({"charge_id": charge.id}) for charge in self],
            },
        }

    def _contest(self, reason):
        """Contest charges of the user's own wallet; once more gives the same dispute.

        To be the first step of a transaction: it waits for whoever contests or refunds
        the same events, then looks what came of it.

        :param str reason: what is wrong, in the user's words
        :return: ``tier.dispute``, without the user's limits
        :raise AccessError: the charge is not for this user to contest
        :raise UserError: there is nothing to contest any more
        """
        ledger.cursor.see_commits(self.env.cr)
        self._check_may_contest()
        if not (reason or "").strip():
            raise UserError(self.env._("Tell what is wrong with the charge."))
        charges = self.sudo()
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "SELECT id FROM tier_usage_event WHERE id = ANY(%s) ORDER BY source_key FOR NO KEY UPDATE",
                charges.event_id.ids,
            )
        )
        self.env.invalidate_all()
        Line = self.env["tier.dispute.line"].sudo()
        known = Line.search([("charge_id", "in", self.ids), ("is_open", "=", True)])
        if known and known.charge_id == charges and len(known.dispute_id) == 1:
            return known.dispute_id
        if not self.env.user._is_internal():
            before = Line.search([("charge_id", "in", self.ids)], limit=1)
            if before:
                raise UserError(
                    self.env._(
                        "This charge was decided on in dispute %s: write there if you do not agree.",
                        before.dispute_id.name,
                    )
                )
        values = {
            "wallet_id": charges.wallet_id.id,
            "reason": reason.strip(),
            "line_ids": [fields.Command.create({"charge_id": charge.id}) for charge in charges],
        }
        # A page shows what is refused; nothing of it may stay.
        with self.env.cr.savepoint():
            return self.env["tier.dispute"].sudo().create(values)

    def _check_may_contest(self):
        """Refuse charges that the user may read but not contest.

        :raise AccessError: not the owner's, or staff without the right to open disputes
        """
        self.check_access("read")
        user = self.env.user
        if user._is_internal():
            self.env["tier.dispute"].check_access("create")
        elif self.sudo().wallet_id.partner_id.commercial_partner_id != user.commercial_partner_id:
            raise AccessError(self.env._("This is somebody else's charge."))
