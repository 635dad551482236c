from odoo import api, models


class AccountMoveSend(models.AbstractModel):
    _inherit = "account.move.send"

    @api.model
    def _get_invoice_extra_attachments(self, move):
        """Override of `account` to send the list of calls along with an invoice of usage."""
        usage = move._tier_usage_invoices()
        # The customer gets them; who sends the invoice need not have rights on wallets.
        return super()._get_invoice_extra_attachments(move) | usage.tier_calls_csv_id | usage.tier_calls_pdf_id

    def _generate_invoice_documents(self, invoices_data, allow_fallback_pdf=False):
        """Override of `account` to have the list of calls ready before it is sent."""
        for move in invoices_data:
            move._tier_attach_pdf()
        return super()._generate_invoice_documents(invoices_data, allow_fallback_pdf=allow_fallback_pdf)
