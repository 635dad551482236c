from odoo import api, models


class IrActionsReport(models.Model):
    _inherit = "ir.actions.report"

    @api.model
    def _tier_plain_reports(self):
        """Return the reports that are printed on a plain page.

        A wkhtmltopdf without patched Qt, as distributions build it, draws the letters of web
        fonts one by one: a list of some hundred calls would take megabytes. Plain pages
        use a font of the system and load nothing.

        :return: names of reports
        :rtype: frozenset
        """
        return frozenset()

    def _get_layout(self):
        """Override of `base` to print some reports on a plain page."""
        if self.report_name in self._tier_plain_reports():
            return self.env.ref("tier_billing.plain_layout")
        return super()._get_layout()
