from odoo import api, models


class TierTransfer(models.Model):
    """Money that comes for a guest who has left, by whatever document: its stay is asked about it."""

    _inherit = "tier.transfer"

    @api.model
    def _post(self, movements):
        """Override: the wallet of a stay that is paid now closes; one whose payment was undone is open again.

        One statement more for any number of movements. Usage, which files bring by the million, does
        not come this way.
        """
        transfers = super()._post(movements)
        self.env["tier.stay"]._follow_payments(
            {account for movement in movements for account in (movement.from_account, movement.to_account)}
        )
        return transfers
