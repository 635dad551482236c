from odoo import api, fields, models
from odoo.exceptions import UserError

from ..invoicing import period


class TierUsageInvoice(models.TransientModel):
    """Draft invoices of what postpaid wallets used."""

    _name = "tier.usage.invoice"
    _description = "Invoice Usage"

    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    date_from = fields.Date(
        "From", required=True, compute="_compute_dates", store=True, precompute=True, readonly=False
    )
    date_to = fields.Date("Until", required=True, compute="_compute_dates", store=True, precompute=True, readonly=False)
    invoice_date = fields.Date(help="Of the invoices. Empty: the day on which they are posted.")
    wallet_ids = fields.Many2many(
        "tier.wallet",
        string="Wallets",
        domain="[('payment_mode', '=', 'postpaid'), ('money', '=', 'inside'), ('parent_id', '!=', False),"
        " ('company_id', '=', company_id)]",
        default=lambda self: self._default_wallets(),
        help="Empty: all postpaid wallets of the company.",
    )
    line_ids = fields.One2many("tier.usage.invoice.line", "wizard_id", compute="_compute_line_ids", store=True)

    @api.model
    def _default_wallets(self):
        if self.env.context.get("active_model") != "tier.wallet":
            return False
        return self.env["tier.wallet"].browse(self.env.context.get("active_ids", ()))._invoiced_by_usage()

    @api.depends("company_id")
    def _compute_dates(self):
        for wizard in self:
            today = period.today(wizard.company_id.sudo().partner_id.tz)
            wizard.date_from, wizard.date_to = period.last_complete("month", today)

    @api.depends("company_id", "date_to", "wallet_ids")
    def _compute_line_ids(self):
        for wizard in self:
            commands = [fields.Command.clear()]
            if wizard.date_to and wizard.company_id:
                for wallet, due in wizard._wallets()._usage_due(wizard.date_to).items():
                    commands.append(
                        fields.Command.create(
                            {
                                "wallet_id": wallet.id,
                                "calls": due.calls,
                                "usage": float(due.total),
                                "covered": float(due.covered),
                                "amount": float(due.total - due.covered),
                            }
                        )
                    )
            wizard.line_ids = commands

    def _wallets(self):
        """Return the wallets that are to be invoiced."""
        if self.wallet_ids:
            return self.env["tier.wallet"].browse(self.wallet_ids.ids)
        domain = self.env["tier.wallet"]._usage_invoice_domain() & fields.Domain("company_id", "=", self.company_id.id)
        return self.env["tier.wallet"].search(domain)

    def action_apply(self):
        """Draft the invoices; what is on an invoice already is not invoiced again.

        :return: a window action with the drafts
        """
        self.ensure_one()
        self.env["account.move"].check_access("create")
        if self.date_from > self.date_to:
            raise UserError(self.env._("The period ends before it begins."))
        if self.date_to > period.today(self.company_id.sudo().partner_id.tz):
            raise UserError(self.env._("The period ends after today."))
        wallets = self._wallets()
        wallets.check_access("write")
        moves = wallets._invoice_usage(self.date_from, self.date_to, self.invoice_date)
        if not moves:
            raise UserError(self.env._("Nothing is to be invoiced: all usage until that day is on invoices."))
        action = self.env["ir.actions.actions"]._for_xml_id("tier_rating.tier_usage_invoice_action")
        action["domain"] = [("id", "in", moves.ids)]
        action["context"] = {}
        return action
