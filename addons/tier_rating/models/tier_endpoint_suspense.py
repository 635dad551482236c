from odoo import fields, models
from odoo.tools import SQL

#: Of so many events in suspense, the latest, it is looked up whom they belong to.
LOOKED_AT = 20_000


class TierEndpoint(models.Model):
    _inherit = "tier.endpoint"

    waiting_count = fields.Integer(
        "Waiting", compute="_compute_waiting_count", help="Events in suspense that came before this endpoint."
    )

    def _compute_waiting_count(self):
        known = [endpoint for endpoint in self if endpoint.id and endpoint.active and endpoint.identifier]
        counts = {}
        if known and self.env["tier.usage.event"].has_access("read"):
            self.env["tier.usage.event"].flush_model()
            self.env.cr.execute(self._waiting_query("count(*)", known, "GROUP BY w.endpoint_id"))
            counts = dict(self.env.cr.fetchall())
        for endpoint in self:
            endpoint.waiting_count = counts.get(endpoint.id, 0)

    def _waiting_query(self, what, endpoints, end=""):
        """Return the query of the events that wait for these endpoints.

        It leans on the partial index of suspense, and reads each event's identities once.

        :param str what: to select of an event e, besides the endpoint's id
        :param endpoints: ``tier.endpoint`` records
        :param str end: of the query
        :rtype: SQL
        """
        return SQL(
            """SELECT w.endpoint_id, %s
                 FROM (SELECT id, accounts, switch_id, company_id FROM tier_usage_event
                        WHERE state = 'suspense' AND reason = 'unknown_account' ORDER BY id DESC LIMIT %s) e
                CROSS JOIN LATERAL jsonb_array_elements(COALESCE(e.accounts, '[]')::jsonb) a
                 JOIN unnest(%s::integer[], %s::varchar[], %s::varchar[], %s::integer[], %s::integer[])
                      AS w(endpoint_id, kind, identifier, switch_id, company_id)
                   ON w.kind = a->>0 AND w.identifier = a->>1 AND COALESCE(w.switch_id, e.switch_id, 0)
                      = COALESCE(e.switch_id, 0) AND COALESCE(e.company_id, w.company_id) = w.company_id %s""",
            SQL(what),
            LOOKED_AT,
            [endpoint.id for endpoint in endpoints],
            [endpoint.kind for endpoint in endpoints],
            [endpoint.identifier for endpoint in endpoints],
            [endpoint.switch_id.id or None for endpoint in endpoints],
            [endpoint.company_id.id for endpoint in endpoints],
            SQL(end),
        )

    def action_retry_waiting(self):
        """Charge what waited for these endpoints.

        :return: a notification with the counts
        """
        self.check_access("write")
        Event = self.env["tier.usage.event"]
        self.env["tier.usage.import"].check_access("create")
        self.env.flush_all()
        self.env.cr.execute(self._waiting_query("e.id", self))
        ids = sorted({event_id for _endpoint, event_id in self.env.cr.fetchall()})
        outcome = Event._retry(ids)
        self.env.invalidate_all()
        return Event._retried(outcome)
