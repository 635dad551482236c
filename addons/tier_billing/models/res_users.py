from odoo import api, models

from .ledger_link import refuse_if_linked


class ResUsers(models.Model):
    """Who posted a transfer stays known."""

    _inherit = "res.users"

    @api.ondelete(at_uninstall=False)
    def _unlink_except_posted(self):
        refuse_if_linked(self, ("tier.transfer", "create_uid"))
