from odoo import api, models


class IrActionsReport(models.Model):
    _inherit = "ir.actions.report"

    @api.model
    def _tier_plain_reports(self):
        return super()._tier_plain_reports() | {"tier_rating.rate_sheet_document", "tier_rating.report_call_list"}
