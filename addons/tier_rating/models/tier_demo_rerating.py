from odoo import api, models

REASON = "German mobiles were promised at 0.02 from November on"


class TierDemo(models.AbstractModel):
    """A promised price that nobody entered: the difference is computed, and waits to be posted."""

    _inherit = "tier.demo"

    @api.model
    def _load(self, progress=None):
        result = super()._load(progress)
        if progress:
            progress("Pricing calls to German mobiles again")
        self._load_rerating()
        return result

    @api.model
    def _load_rerating(self):
        Rerating = self.env["tier.rerating"]
        if Rerating.search_count([("reason", "=", REASON)], limit=1):
            return
        retail = self.env.ref("tier_rating.list_cobalt")
        mobile = self.env["tier.destination"].search([("name", "=", "Germany Mobile")], limit=1)
        self.env["tier.rate"].create(
            {
                "price_list_id": retail.id,
                "service_id": self.env.ref("tier_rating.service_voice").id,
                "prefix": "4917",
                "destination_id": mobile.id,
                "price": 0.02,
            }
        )
        run = Rerating.create(
            {
                "reason": REASON,
                "date_from": "2026-11-01",
                "price_list_id": retail.id,
                "prefix": "4917",
                "company_id": retail.brand_id.company_id.id,
            }
        )
        # It is computed in transactions of its own, which see what is committed.
        self.env.cr.commit()  # pylint: disable=invalid-commit
        run.action_compute()
