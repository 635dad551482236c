from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools.misc import clean_context

from .. import ledger
from ..const import MONEY_DIGITS
from ..ledger.grants import Grant

ACTIVITY = "tier_billing.mail_activity_allocation_request"


class TierAllocationRequest(models.Model):
    """Money that staff want to move, above the limit from which a second person has to agree.

    Nobody writes to it but its own methods: by its rights it can only be read.
    """

    _name = "tier.allocation.request"
    _description = "Allocation Request"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "id desc"
    _mail_post_access = "read"

    name = fields.Char(required=True, readonly=True)
    operation = fields.Selection(
        [("topup", "Top up"), ("allocate", "Allocate"), ("adjust", "Adjust")], required=True, readonly=True
    )
    line_ids = fields.One2many("tier.allocation.request.line", "request_id", "Wallets", readonly=True)
    wallet_id = fields.Many2one(
        "tier.wallet", readonly=True, ondelete="restrict", help="The wallet, where there is only one."
    )
    wallet_count = fields.Integer("Number of wallets", readonly=True)
    total = fields.Char(readonly=True, help="What is moved in all, by currency.")
    amount_company = fields.Float("In company currency", digits=MONEY_DIGITS, readonly=True)
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="restrict")
    currency_id = fields.Many2one(related="company_id.currency_id")
    reason = fields.Char(readonly=True)
    skip = fields.Boolean("Skip those that cannot", readonly=True)
    state = fields.Selection(
        [("waiting", "Waiting"), ("approved", "Approved"), ("refused", "Refused"), ("withdrawn", "Withdrawn")],
        required=True,
        readonly=True,
        default="waiting",
        index=True,
        tracking=True,
    )
    requested_by_id = fields.Many2one("res.users", "Requested by", required=True, readonly=True, ondelete="restrict")
    decided_by_id = fields.Many2one("res.users", "Decided by", readonly=True, ondelete="restrict")
    decided_at = fields.Datetime("Decided on", readonly=True)
    may_decide = fields.Boolean(compute="_compute_may_decide")
    is_mine = fields.Boolean(compute="_compute_may_decide")
    source_key = fields.Char(required=True, readonly=True, help="Names the act; the ledger knows it by this.")

    _source_key_unique = models.UniqueIndex("(source_key)", "This has been requested already.")

    @api.depends_context("uid")
    @api.depends("requested_by_id", "state")
    def _compute_may_decide(self):
        manager = self.env.user.has_group("tier_billing.group_tier_manager")
        for request in self:
            request.is_mine = request.requested_by_id == self.env.user
            request.may_decide = manager and request.state == "waiting" and not request.is_mine

    # ------------------------------------------------------------------
    # Asking
    # ------------------------------------------------------------------

    @api.model
    def _file(self, operation, grants, company, source_key, reason=None, skip=False):
        """Put money that was to be moved before a second person.

        :param str operation: value of ``operation``
        :param list grants: :class:`Grant`; the amounts of an adjustment have a sign
        :param company: ``res.company``
        :param str source_key: names the act; the same key is the same request
        :param str reason: free text
        :param bool skip: give to those that can be given to
        :return: ``tier.allocation.request`` record
        """
        known = self.sudo().search([("source_key", "=", source_key)])
        if known:
            return known.sudo(False)
        Wallet = self.env["tier.wallet"]
        totals = Wallet._totals(grants)
        # Nothing of a request's context may come in as a default.
        # pylint: disable-next=context-overridden
        Request = self.sudo().with_context(clean_context(self.env.context))
        request = Request.create(
            {
                "name": self.env["ir.sequence"].sudo().next_by_code("tier.allocation.request"),
                "operation": operation,
                "wallet_id": grants[0].wallet_id if len(grants) == 1 else False,
                "wallet_count": len(grants),
                "total": Wallet._totals_text(totals),
                "amount_company": float(Wallet._in_company_currency(totals, company)),
                "company_id": company.id,
                "reason": reason,
                "skip": skip,
                "requested_by_id": self.env.uid,
                "source_key": source_key,
                "state": "waiting",
                "decided_by_id": False,
                "decided_at": False,
                "line_ids": [
                    (0, 0, {"wallet_id": grant.wallet_id, "amount": grant.amount, "source_key": grant.source_key})
                    for grant in grants
                ],
            }
        )
        request._call_managers()
        return self.browse(request.id)

    def _call_managers(self):
        """Call the managers of the company who may decide."""
        managers = self.env.ref("tier_billing.group_tier_manager").sudo().all_user_ids
        for request in self.with_context(mail_activity_quick_update=True):
            for user in managers - request.requested_by_id:
                if user.active and not user.share and request.company_id in user.company_ids:
                    request.activity_schedule(ACTIVITY, user_id=user.id)

    # ------------------------------------------------------------------
    # Deciding
    # ------------------------------------------------------------------

    def action_approve(self):
        """Carry out what was requested; pressing twice, or two people at once, moves it once."""
        ledger.cursor.see_commits(self.env.cr)
        for request in self._claim("approved"):
            request._check_decides()
            request._decide("approved")
            request._execute()

    def action_refuse(self):
        """Leave the money where it is."""
        ledger.cursor.see_commits(self.env.cr)
        for request in self._claim("refused"):
            request._check_decides()
            request._decide("refused")

    def action_withdraw(self):
        """Take one's own request back."""
        ledger.cursor.see_commits(self.env.cr)
        for request in self._claim("withdrawn"):
            if request.requested_by_id != self.env.user:
                raise AccessError(self.env._("Only %s takes this request back.", request.requested_by_id.name))
            request._decide("withdrawn")

    def _claim(self, target):
        """Lock requests for a decision and return those that still wait for it.

        :param str target: state to reach; who is there already is left alone
        :raise UserError: for one that was decided otherwise
        """
        self.check_access("read")
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT id FROM tier_allocation_request WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [self.ids]
        )
        self.invalidate_recordset()
        states = dict(self._fields["state"]._description_selection(self.env))
        waiting = self.filtered(lambda request: request.state != target)
        for request in waiting:
            if request.state != "waiting":
                raise UserError(
                    self.env._(
                        "%(name)s is decided already: %(state)s.", name=request.name, state=states[request.state]
                    )
                )
        return waiting

    def _check_decides(self):
        """Refuse who may not decide: the decision is another person's than the request."""
        if not self.env.user.has_group("tier_billing.group_tier_manager"):
            raise AccessError(self.env._("Only a billing manager decides on a request."))
        if self.requested_by_id == self.env.user:
            raise AccessError(self.env._("%s is your own request: a second person decides on it.", self.name))

    def _decide(self, state):
        """Note the decision and tell who asked."""
        request = self.sudo()
        request.write({"state": state, "decided_by_id": self.env.uid, "decided_at": fields.Datetime.now()})
        request.activity_unlink([ACTIVITY])
        states = dict(self._fields["state"]._description_selection(self.env))
        request.message_post(
            body=self.env._("%(state)s by %(user)s.", state=states[state], user=self.env.user.name),
            partner_ids=(request.requested_by_id - self.env.user).partner_id.ids,
        )

    def _execute(self):
        """Move the money."""
        self.ensure_one()
        lines = self.sudo().line_ids
        lines.wallet_id.with_env(self.env).check_access("write")
        if self.operation == "allocate":
            grants = [
                Grant(line.wallet_id.id, line.amount, line.source_key, label=line.wallet_id.name) for line in lines
            ]
            result = self.env["tier.wallet"]._distribute(grants, self.reason, skip=self.skip)
            for position, why in result.refused.items():
                lines[position].refusal = why
            return
        for line in lines:
            move = line.wallet_id._topup if self.operation == "topup" else line.wallet_id._adjust
            move(line.amount, line.source_key, self.reason)
