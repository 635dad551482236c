from odoo import api, models
from odoo.fields import Domain

from .. import charging

#: Events that no retry can charge.
HOPELESS = ("bad_record",)


class TierUsageEvent(models.Model):
    _inherit = "tier.usage.event"

    @api.model
    def _waiting_domain(self):
        """Return the domain of what a retry may charge.

        :rtype: Domain
        """
        return Domain("state", "=", "suspense") & Domain("reason", "not in", HOPELESS)

    @api.model
    def _retry_all(self, domain):
        """Price all events in suspense that fit again, however many they are.

        They are read in pieces by id, and each piece is charged in a transaction of its own: what was
        charged stays so if this is broken off.

        :param domain: which of them
        :return: :class:`..charging.settle.Outcome`
        """
        total, last = charging.settle.Outcome(), 0
        domain = self._waiting_domain() & Domain(domain)
        while batch := self.search(domain & Domain("id", ">", last), order="id", limit=charging.BATCH):
            last = batch.ids[-1]
            total += self._retry(batch.ids)
        self.env.invalidate_all()
        return total

    @api.model
    def _retried(self, outcome):
        """Return what tells a person what became of a retry.

        :param outcome: :class:`..charging.settle.Outcome`
        :return: a notification that reloads the view
        """
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success" if outcome.charged else "warning",
                "message": self.env._(
                    "%(charged)s charged, %(suspense)s still in suspense.",
                    charged=outcome.charged,
                    suspense=outcome.suspense,
                ),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
