from odoo import fields, models
from odoo.tools import SQL

#: What a rate may mend.
MENDED = ("no_rate", "destination_barred", "below_cost")
MOST_SHOWN = 1000


class TierPriceList(models.Model):
    _inherit = "tier.price.list"

    waiting_count = fields.Integer(
        "Waiting", compute="_compute_waiting_count", help="Events in suspense for want of a rate of this list."
    )

    def _compute_waiting_count(self):
        may = self.env["tier.usage.event"].has_access("read")
        for price_list in self:
            price_list.waiting_count = len(price_list._waiting_ids(MOST_SHOWN)) if may and price_list.id else 0

    def _waiting_ids(self, limit=None):
        """Return the events that this list, or one derived from it, could not price.

        The detail of an event names the list; it leans on the partial index of suspense.

        :param limit: the most to return
        :return: list of ids
        """
        self.ensure_one()
        derived = lists = self
        while derived := self.sudo().search([("base_id", "in", derived.ids), ("id", "not in", lists.ids)]):
            lists |= derived
        self.env["tier.usage.event"].flush_model()
        self.env.cr.execute(
            SQL(
                """SELECT id FROM tier_usage_event
                    WHERE state = 'suspense' AND reason = ANY(%s)
                      AND substring(detail FROM 'in price list ([0-9]{1,9}) of wallet')::integer = ANY(%s)
                    ORDER BY id LIMIT %s""",
                list(MENDED),
                lists.ids,
                limit,
            )
        )
        return [row[0] for row in self.env.cr.fetchall()]

    def action_retry_waiting(self):
        """Charge what waited for a rate of this list.

        :return: a notification with the counts
        """
        self.ensure_one()
        self.check_access("read")
        Event = self.env["tier.usage.event"]
        self.env["tier.usage.import"].check_access("create")
        self.env.flush_all()
        outcome = Event._retry(self._waiting_ids())
        self.env.invalidate_all()
        return Event._retried(outcome)
