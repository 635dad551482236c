from odoo import models
from odoo.exceptions import UserError


class AccountMove(models.Model):
    _inherit = "account.move"

    def button_draft(self):
        """Override of `account`: what was charged back stays posted until the charge-back is cancelled."""
        # sudo: an accountant need have no rights on charge-backs.
        found = self.env["tier.chargeback"].sudo().search([("move_id", "in", self.ids), ("state", "=", "posted")])
        if found:
            raise UserError(self.env._("%s is on it: cancel the charge-back, which reverses the entry.", found[0].name))
        return super().button_draft()
