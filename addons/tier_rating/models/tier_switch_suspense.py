from odoo import api, fields, models

from ..const import REASONS

ACTIVITY = "tier_rating.mail_activity_suspense"


class TierSwitch(models.Model):
    _name = "tier.switch"
    _inherit = ["tier.switch", "mail.thread", "mail.activity.mixin"]

    user_id = fields.Many2one(
        "res.users",
        "Responsible",
        default=lambda self: not self.env.user._is_superuser() and self.env.user,
        domain="[('share', '=', False)]",
        help="Is called when records of this switch wait in suspense. Empty: all billing users of the company.",
    )
    suspense_from = fields.Integer(
        "Warn of suspense from",
        default=100,
        help="So many records of this switch that wait call the responsible person, and again when twice as many "
        "wait. Zero: never.",
    )
    suspense_warned = fields.Integer("Records waiting at the last warning", readonly=True, copy=False)
    suspense_count = fields.Integer("In suspense", compute="_compute_suspense_count")

    def _compute_suspense_count(self):
        waiting = dict(
            self.env["tier.usage.event"]._read_group(
                [("state", "=", "suspense"), ("switch_id", "in", self.ids)], ["switch_id"], ["__count"]
            )
        )
        for switch in self:
            switch.suspense_count = waiting.get(switch, 0)

    def action_suspense(self):
        """Open what waits of this switch, by reason.

        :return: a window action
        """
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.actions"]._for_xml_id("tier_rating.tier_suspense_action")
        action["domain"] = [("state", "=", "suspense"), ("switch_id", "=", self.id)]
        return action

    @api.model
    def _cron_warn_of_suspense(self):
        """Call the people responsible for switches of which more and more records wait."""
        Event = self.env["tier.usage.event"]
        # One pass over what waits, which is little beside all there is.
        reasons = {}
        domain = [("state", "=", "suspense"), ("switch_id", "!=", False)]
        for switch, reason, count in Event._read_group(domain, ["switch_id", "reason"], ["__count"]):
            reasons.setdefault(switch.id, {})[reason] = count
        for switch in self.search(["|", ("id", "in", list(reasons)), ("suspense_warned", ">", 0)]):
            switch._warn_of_suspense(reasons.get(switch.id, {}))

    def _warn_of_suspense(self, reasons):
        """Call the responsible person if much waits that did not at the last warning.

        :param dict reasons: of the events that wait to their number
        """
        count = sum(reasons.values())
        if not self.suspense_from or count < self.suspense_from:
            if self.suspense_warned:
                self.suspense_warned = 0
                self.activity_unlink([ACTIVITY])
            return
        if count < 2 * self.suspense_warned:
            return
        words = dict(REASONS)
        note = ", ".join(
            f"{words.get(reason, reason)}: {number}"
            for reason, number in sorted(reasons.items(), key=lambda item: -item[1])
        )
        summary = self.env._("%(count)s records of %(switch)s wait in suspense", count=count, switch=self.name)
        self.activity_unlink([ACTIVITY])
        # The clock in the top bar calls them; mails would not help.
        for user in self.user_id or self._billing_users():
            self.with_context(mail_activity_quick_update=True).activity_schedule(
                ACTIVITY, summary=summary, note=note, user_id=user.id
            )
        self.suspense_warned = count

    def _billing_users(self):
        """Return who works on suspense where nobody is named.

        :return: ``res.users`` records
        """
        users = self.env.ref("tier_billing.group_tier_user").sudo().all_user_ids
        return users.filtered(lambda user: user.active and not user.share and self.company_id in user.company_ids)
