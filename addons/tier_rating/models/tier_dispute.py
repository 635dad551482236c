from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import plaintext2html

from odoo.addons.tier_billing import ledger
from odoo.addons.tier_billing.const import MONEY_DIGITS, MONEY_SCALE

from .. import charging
from ..charging.refund import refund

ACTIVITY = "tier_rating.mail_activity_dispute"
OPEN_STATES = ("new", "review")
# Set by the buttons, never by a form.
DECISION_FIELDS = frozenset(("name", "state", "decided_by_id", "decided_at"))
# What was contested, and what was answered, once it is decided.
FACT_FIELDS = frozenset(("reason", "answer", "line_ids"))


class TierDispute(models.Model):
    """Charges that a customer or a reseller contests, until they are refunded or it is told why not."""

    _name = "tier.dispute"
    _description = "Dispute"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "id desc"
    # A customer answers on its own dispute without a right to change it.
    _mail_post_access = "read"

    name = fields.Char(required=True, readonly=True, copy=False, default=lambda self: self.env._("New"))
    wallet_id = fields.Many2one("tier.wallet", required=True, index=True, ondelete="restrict")
    partner_id = fields.Many2one(related="wallet_id.partner_id")
    company_id = fields.Many2one(related="wallet_id.company_id", store=True)
    currency_id = fields.Many2one(related="wallet_id.currency_id")
    state = fields.Selection(
        [("new", "New"), ("review", "Under review"), ("accepted", "Accepted"), ("rejected", "Rejected")],
        required=True,
        readonly=True,
        copy=False,
        default="new",
        index=True,
        tracking=True,
        group_expand=True,
    )
    reason = fields.Text(required=True, help="What is wrong with the charge, in the customer's words.")
    answer = fields.Text(copy=False, help="What the customer is told with the decision.")
    line_ids = fields.One2many("tier.dispute.line", "dispute_id", "Charges")
    charge_count = fields.Integer("Number of charges", compute="_compute_amount", store=True)
    amount = fields.Float(
        digits=MONEY_DIGITS,
        compute="_compute_amount",
        store=True,
        help="What the wallet paid for all of it, in its currency.",
    )
    user_id = fields.Many2one("res.users", "Reviewed by", copy=False, tracking=True)
    decided_by_id = fields.Many2one("res.users", "Decided by", readonly=True, copy=False)
    decided_at = fields.Datetime("Decided on", readonly=True, copy=False)

    @api.depends("line_ids.amount")
    def _compute_amount(self):
        for dispute in self:
            dispute.charge_count = len(dispute.line_ids)
            dispute.amount = sum(dispute.line_ids.mapped("amount"))

    # ------------------------------------------------------------------
    # Keeping it as it was
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            if DECISION_FIELDS & vals.keys():
                raise UserError(self.env._("A dispute begins as new; its buttons decide it."))
            # Said in full: what is left out could come as a default in the context.
            vals.update(
                name=self.env["ir.sequence"].next_by_code("tier.dispute"),
                state="new",
                decided_by_id=False,
                decided_at=False,
            )
        disputes = super().create(vals_list)
        for dispute in disputes:
            dispute._check_lines()
            dispute.message_subscribe(partner_ids=dispute.wallet_id.partner_id.ids)
        disputes._plan_activities()
        return disputes

    def write(self, vals):
        if DECISION_FIELDS & vals.keys():
            raise UserError(self.env._("A dispute is decided by its buttons."))
        if "wallet_id" in vals:
            raise UserError(self.env._("A dispute stays with its wallet."))
        if FACT_FIELDS & vals.keys() and any(dispute.state not in OPEN_STATES for dispute in self):
            raise UserError(self.env._("The dispute is decided: what it says stays as it is."))
        result = super().write(vals)
        if "line_ids" in vals:
            self._check_lines()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("A dispute is kept; reject it instead."))

    def _check_lines(self):
        for dispute in self:
            if not dispute.line_ids:
                raise UserError(self.env._("Name at least one charge that is contested."))

    def _mail_get_operation_for_mail_message_operation(self, message_operation):
        """Let customers answer, but no auditor: staff who write must have the right to change it."""
        if message_operation == "create" and self.env.user._is_internal():
            return dict.fromkeys(self, "write")
        return super()._mail_get_operation_for_mail_message_operation(message_operation)

    # ------------------------------------------------------------------
    # Deciding
    # ------------------------------------------------------------------

    def action_review(self):
        """Take new disputes under review; whoever does is responsible for them."""
        for dispute in self._claim("review", ("new",)):
            dispute._move({"state": "review", "user_id": (dispute.user_id or self.env.user).id})
            dispute.activity_unlink([ACTIVITY])
            dispute._plan_activities(dispute.user_id)

    def action_accept(self):
        """Refund every contested event on every tier, exactly; pressing twice refunds once."""
        ledger.cursor.see_commits(self.env.cr)
        disputes = self._claim("accepted", OPEN_STATES)
        disputes._check_fees()
        for dispute in disputes:
            dispute._decide("accepted")
        # Last, so that the balances of busy wallets are locked for as short as can be.
        self.env.flush_all()
        for dispute in disputes:
            reason = self.env._("Dispute %s", dispute.name)
            refund(self.env, dispute.sudo().line_ids.mapped("event_id").ids, reason)
        self.env.invalidate_all()

    def _check_fees(self):
        """Refuse to accept what would give nothing back: of a package's fee what was used stays paid.

        :raise UserError: naming the package
        """
        events = self.sudo().line_ids.event_id
        for event in events.browse(charging.fee_refund.used_up(self.env.cr, events.ids)):
            raise UserError(
                self.env._(
                    "All of the package %s is used, so nothing of its fee goes back: reject the dispute, or refund "
                    "the calls that used it first.",
                    event.callee,
                )
            )

    def action_reject(self):
        """Leave the charges as they are; the customer is told why."""
        for dispute in self._claim("rejected", OPEN_STATES):
            if not (dispute.answer or "").strip():
                raise UserError(self.env._("Write an answer first: the customer reads it with the rejection."))
            dispute._decide("rejected")

    def action_reopen(self):
        """Look at a rejected dispute again. An accepted one is refunded, and stays so."""
        for dispute in self._claim("review", ("rejected",)):
            dispute.line_ids._check_contestable()
            dispute.line_ids._check_not_open(dispute.sudo().line_ids.charge_id)
            dispute._move({"state": "review", "decided_by_id": False, "decided_at": False})
            dispute._plan_activities(dispute.user_id)

    def _claim(self, target, sources):
        """Lock disputes for a decision and return those that are still to be taken.

        :param str target: state to reach; who is there already is left alone
        :param sources: states from which it may be reached
        :raise UserError: for one in any other state
        """
        self.check_access("write")
        self.env.flush_all()
        self.env.cr.execute("SELECT id FROM tier_dispute WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [self.ids])
        self.invalidate_recordset()
        waiting = self.filtered(lambda dispute: dispute.state != target)
        for dispute in waiting:
            if dispute.state not in sources:
                states = dict(self._fields["state"]._description_selection(self.env))
                raise UserError(
                    self.env._(
                        "%(name)s is in state “%(state)s” and stays there.",
                        name=dispute.name,
                        state=states[dispute.state],
                    )
                )
        return waiting

    def _move(self, vals):  # pylint: disable=missing-return
        """Change the state: the only way past :meth:`write`."""
        super().write(vals)  # pylint: disable=super-method-mismatch
        self.sudo().line_ids._set_open(vals["state"] in OPEN_STATES)

    def _decide(self, state):
        """Note the decision and tell the customer, in its language."""
        self.ensure_one()
        self._move({"state": state, "decided_by_id": self.env.uid, "decided_at": fields.Datetime.now()})
        self.activity_unlink([ACTIVITY])
        told = self.with_context(lang=self.partner_id.lang or self.env.lang)
        if state == "accepted":
            body = told.env._("Accepted: %s is refunded.", told._amount_text())
        else:
            body = told.env._("Rejected: the charge stays.")
        # A comment: the portal shows the customer no other kind of message.
        self.message_post(
            body=plaintext2html("\n".join(filter(None, (body, self.answer)))),
            message_type="comment",
            subtype_xmlid="mail.mt_comment",
        )

    def _amount_text(self):
        """Return the amount with all its decimals, and the currency's code."""
        whole, _point, fraction = f"{self.amount:.{MONEY_SCALE}f}".partition(".")
        fraction = fraction.rstrip("0").ljust(self.currency_id.decimal_places, "0")
        return f"{whole}.{fraction} {self.currency_id.name}" if fraction else f"{whole} {self.currency_id.name}"

    def _plan_activities(self, users=None):
        """Call who is to decide.

        :param users: ``res.users``; by default all billing users of the company
        """
        if not users:
            users = self.env.ref("tier_billing.group_tier_user").sudo().all_user_ids
            users = users.filtered(lambda user: user.active and not user.share)
        # The clock in the top bar calls them; a mail to each of them for each dispute would not help.
        for dispute in self.with_context(mail_activity_quick_update=True):
            for user in users:
                if dispute.company_id in user.company_ids:
                    dispute.activity_schedule(ACTIVITY, user_id=user.id)
