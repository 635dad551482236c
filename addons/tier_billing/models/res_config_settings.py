from odoo import fields, models
from odoo.exceptions import UserError


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    tier_credit_account_id = fields.Many2one(
        related="company_id.tier_credit_account_id", readonly=False, check_company=True
    )
    tier_clearing_account_id = fields.Many2one(
        related="company_id.tier_clearing_account_id", readonly=False, check_company=True
    )
    tier_grant_account_id = fields.Many2one(
        related="company_id.tier_grant_account_id", readonly=False, check_company=True
    )
    tier_adjustment_account_id = fields.Many2one(
        related="company_id.tier_adjustment_account_id", readonly=False, check_company=True
    )
    tier_expiry_account_id = fields.Many2one(
        related="company_id.tier_expiry_account_id", readonly=False, check_company=True
    )
    tier_revenue_account_id = fields.Many2one(
        related="company_id.tier_revenue_account_id", readonly=False, check_company=True
    )
    tier_journal_id = fields.Many2one(related="company_id.tier_journal_id", readonly=False, check_company=True)
    tier_books_tz = fields.Char(related="company_id.tier_books_tz")
    tier_tax_policy = fields.Selection(related="company_id.tier_tax_policy", readonly=False, required=True)

    def action_tier_setup_accounting(self):
        """Create the accounts and the journal that the company lacks.

        :return: a client action that shows them
        """
        self.ensure_one()
        # Only who may change settings can have written this record.
        self.check_access("write")
        if not self.company_id._tier_setup_accounting():
            raise UserError(
                self.env._(
                    "%s has no chart of accounts yet: install one under Invoicing first.", self.company_id.display_name
                )
            )
        return {"type": "ir.actions.client", "tag": "soft_reload"}
