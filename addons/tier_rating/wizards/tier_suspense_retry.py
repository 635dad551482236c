from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ..const import REASONS
from ..models.tier_usage_event_suspense import HOPELESS

MOST_COUNTED = 10_000


class TierSuspenseRetry(models.TransientModel):
    """Charge all that waits for one reason again, however many pages it fills."""

    _name = "tier.suspense.retry"
    _description = "Retry of Suspense"

    reason = fields.Selection(
        [(code, words) for code, words in REASONS if code not in HOPELESS],
        default=lambda self: self._default_reason(),
        help="Empty: whatever the reason.",
    )
    switch_id = fields.Many2one("tier.switch", help="Empty: of all switches.")
    number_prefix = fields.Char("Numbers that begin with", help="Empty: all.")
    event_count = fields.Integer("Events", compute="_compute_event_count")
    is_more = fields.Boolean(compute="_compute_event_count")

    @api.model
    def _default_reason(self):
        """Take the reason of what is selected, if it is one."""
        if self.env.context.get("active_model") != "tier.usage.event":
            return False
        events = self.env["tier.usage.event"].browse(self.env.context.get("active_ids", ()))
        reasons = set(events.mapped("reason")) - {False, *HOPELESS}
        return reasons.pop() if len(reasons) == 1 else False

    def _domain(self):
        domain = Domain.TRUE
        if self.reason:
            domain &= Domain("reason", "=", self.reason)
        if self.switch_id:
            domain &= Domain("switch_id", "=", self.switch_id.id)
        if self.number_prefix:
            domain &= Domain("number", "=like", self._escaped(self.number_prefix.strip()) + "%")
        return domain

    @staticmethod
    def _escaped(text):
        return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")

    @api.depends("reason", "switch_id", "number_prefix")
    def _compute_event_count(self):
        Event = self.env["tier.usage.event"]
        for retry in self:
            count = Event.search_count(Event._waiting_domain() & retry._domain(), limit=MOST_COUNTED + 1)
            retry.event_count = min(count, MOST_COUNTED)
            retry.is_more = count > MOST_COUNTED

    def action_apply(self):
        """Charge them again.

        :return: a notification with the counts
        """
        self.ensure_one()
        self.check_access("write")
        self.env["tier.usage.import"].check_access("create")
        if not self.event_count:
            raise UserError(self.env._("Nothing waits for that reason."))
        Event = self.env["tier.usage.event"]
        return Event._retried(Event._retry_all(self._domain()))
