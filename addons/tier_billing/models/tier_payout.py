import uuid
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import plaintext2html

from .. import ledger
from ..const import MONEY_DIGITS
from .ledger_link import LedgerLink

ACTIVITY = "tier_billing.mail_activity_payout"
PAID_STATES = ("paid", "in_payment")
# Set by the buttons and by the bill, never by a form.
DECISION_FIELDS = frozenset(
    (
        *("name", "decision", "state", "decided_by_id", "decided_at", "requested_by_id"),
        *("move_id", "transfer_id", "return_id"),
    )
)
# What was asked for, once it is decided.
FACT_FIELDS = frozenset(("wallet_id", "amount", "note", "answer", "request_key"))


class TierPayout(models.Model):
    """Money that leaves a reseller's wallet: requested, approved, billed, paid.

    The approval takes the money out of the wallet and makes the vendor bill, in one
    transaction; the bill then lives in Invoicing. Whatever ends the bill before it is
    paid (a cancellation, a deletion, a credit note) brings the money back, once.
    """

    _name = "tier.payout"
    _description = "Payout"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "id desc"
    _mail_post_access = "read"
    _check_company_auto = True

    name = fields.Char(required=True, readonly=True, copy=False, default=lambda self: self.env._("New"))
    wallet_id = fields.Many2one(
        "tier.wallet",
        required=True,
        index=True,
        ondelete="restrict",
        check_company=True,
        domain="[('money', '=', 'inside'), ('parent_id', '!=', False), ('state', '!=', 'closed')]",
    )
    partner_id = fields.Many2one(related="wallet_id.partner_id")
    company_id = fields.Many2one(related="wallet_id.company_id", store=True)
    currency_id = fields.Many2one(related="wallet_id.currency_id")
    amount = fields.Float(digits=MONEY_DIGITS, required=True, tracking=True)
    note = fields.Text(help="What whoever asks for it wants to say.")
    answer = fields.Text(copy=False, help="What whoever asked is told with the decision.")
    decision = fields.Selection(
        [("requested", "Requested"), ("approved", "Approved"), ("refused", "Refused"), ("cancelled", "Cancelled")],
        required=True,
        readonly=True,
        copy=False,
        default="requested",
    )
    state = fields.Selection(
        [
            ("requested", "Requested"),
            ("approved", "Approved"),
            ("billed", "Bill posted"),
            ("paid", "Paid"),
            ("refused", "Refused"),
            ("cancelled", "Cancelled"),
        ],
        compute="_compute_state",
        store=True,
        index=True,
        tracking=True,
    )
    requested_by_id = fields.Many2one(
        "res.users", "Requested by", required=True, readonly=True, copy=False, default=lambda self: self.env.user
    )
    decided_by_id = fields.Many2one("res.users", "Decided by", readonly=True, copy=False)
    decided_at = fields.Datetime("Decided on", readonly=True, copy=False)
    move_id = fields.Many2one(
        "account.move", "Vendor bill", readonly=True, copy=False, ondelete="set null", index="btree_not_null"
    )
    transfer_id = LedgerLink("tier.transfer", "Transfer out", readonly=True, copy=False)
    return_id = LedgerLink("tier.transfer", "Transfer back", readonly=True, copy=False)
    own_funds = fields.Float(
        digits=MONEY_DIGITS,
        compute="_compute_limits",
        help="Balance of the wallet less what sessions in progress reserve; a credit limit is not paid out.",
    )
    margin_left = fields.Float(
        "Margin not paid out",
        digits=MONEY_DIGITS,
        compute="_compute_limits",
        help="What the wallet earned on customers with inside money, less what was paid out of it. More than that "
        "is credit that was bought: only staff can pay it back.",
    )
    # A form sent twice is one request.
    request_key = fields.Char(required=True, readonly=True, copy=False, default=lambda self: str(uuid.uuid4()))

    _request_key_unique = models.UniqueIndex("(request_key)", "This payout is requested already.")

    @api.depends("decision", "move_id.state", "move_id.payment_state")
    def _compute_state(self):
        for payout in self:
            state = payout.decision
            # sudo: a billing user need not have rights on bills.
            bill = payout.sudo().move_id
            if state == "approved" and bill.state == "posted":
                state = "paid" if bill.payment_state in PAID_STATES else "billed"
            payout.state = state

    @api.depends("wallet_id")
    def _compute_limits(self):
        for payout in self:
            wallet = payout.wallet_id
            payout.own_funds = wallet and wallet._own_funds()
            payout.margin_left = (wallet and wallet._payout_margin_left()) or 0

    # ------------------------------------------------------------------
    # Keeping it as it was
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            if DECISION_FIELDS & vals.keys():
                raise UserError(self.env._("A payout begins as a request; its buttons decide it."))
            self._check_is_amount(vals)
            # Said in full: what is left out could come as a default in the context.
            vals.update(
                name=self.env["ir.sequence"].sudo().next_by_code("tier.payout"),
                decision="requested",
                requested_by_id=self.env.uid,
                decided_by_id=False,
                decided_at=False,
                move_id=False,
                transfer_id=False,
                return_id=False,
            )
        payouts = super().create(vals_list)
        for payout in payouts:
            payout._check_request()
        payouts._call_managers()
        return payouts

    def write(self, vals):
        if DECISION_FIELDS & vals.keys():
            raise UserError(self.env._("A payout is decided by its buttons."))
        if FACT_FIELDS & vals.keys() and any(payout.decision != "requested" for payout in self):
            raise UserError(self.env._("The payout is decided: what it says stays as it is."))
        self._check_is_amount(vals)
        result = super().write(vals)
        if {"amount", "wallet_id"} & vals.keys():
            for payout in self:
                payout._check_request()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("A payout is kept; cancel it instead."))

    def _check_is_amount(self, vals):
        """Refuse what the column cannot even hold."""
        self.env["tier.wallet"]._check_amount(vals.get("amount", 1))

    def _check_request(self):
        """Refuse what can never be paid out.

        :raise UserError: saying why
        """
        wallet = self.wallet_id
        if wallet.money == "outside" or not wallet.parent_id:
            raise UserError(
                self.env._("%s has no money of the provider's customers: there is nothing to pay out.", wallet.name)
            )
        amount = wallet._check_amount(self.amount)
        if amount != wallet._quantize(amount, wallet.currency_id):
            raise UserError(
                self.env._(
                    "%(amount)s cannot be paid in %(currency)s.", amount=self.amount, currency=wallet.currency_id.name
                )
            )
        left = wallet._own_funds() - wallet._payouts_requested(self)
        if amount > left:
            raise UserError(
                self.env._(
                    "%(wallet)s has %(left)s %(currency)s of its own that nobody has asked for yet.",
                    wallet=wallet.name,
                    left=f"{max(left, Decimal(0)):f}",
                    currency=wallet.currency_id.name,
                )
            )

    def _call_managers(self):
        """Call the managers of the company, who may decide."""
        managers = self.env.ref("tier_billing.group_tier_manager").sudo().all_user_ids
        for payout in self.with_context(mail_activity_quick_update=True):
            for user in managers:
                if user.active and not user.share and payout.company_id in user.company_ids:
                    payout.activity_schedule(ACTIVITY, user_id=user.id)

    # ------------------------------------------------------------------
    # Deciding
    # ------------------------------------------------------------------

    def action_approve(self):
        """Take the money out of the wallets and make the bills; pressing twice pays once."""
        self._check_manager()
        ledger.cursor.see_commits(self.env.cr)
        payouts = self._claim("approved", ("requested",))
        for payout in payouts:
            payout._decide("approved", {"move_id": payout._create_bill().id})
        # Last, so that a busy wallet is locked for as short as can be.
        self.env.flush_all()
        for payout in payouts.sudo():
            transfer = payout.wallet_id._withdraw(payout.amount, payout._source_key(), payout._reason())
            payout._move({"transfer_id": transfer.id})

    def action_refuse(self):
        """Leave the money where it is; whoever asked is told why."""
        self._check_manager()
        ledger.cursor.see_commits(self.env.cr)
        for payout in self._claim("refused", ("requested",)):
            if not (payout.answer or "").strip():
                raise UserError(self.env._("Write an answer first: whoever asked for the payout reads it."))
            payout._decide("refused")

    def action_cancel(self):
        """Withdraw a request, or call an approved payout off: its money returns to the wallet."""
        ledger.cursor.see_commits(self.env.cr)
        payouts = self._claim("cancelled", ("requested", "approved"))
        if any(payout.decision == "approved" for payout in payouts):
            self._check_manager()
        bills = payouts.sudo().move_id
        # A payment that is being registered comes before this, or finds no bill to pay.
        self.env.cr.execute("SELECT id FROM account_move WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [bills.ids])
        bills.invalidate_recordset()
        for payout in payouts:
            bill = payout.sudo().move_id
            if bill.state == "posted" and bill.payment_state not in ("not_paid", "reversed"):
                raise UserError(
                    self.env._(
                        "%(name)s is paid, at least in part: take back the payment of %(bill)s first.",
                        name=payout.name,
                        bill=bill.display_name,
                    )
                )
            payout._decide("cancelled")
            if bill.state == "posted" and bill.payment_state == "not_paid":
                bill.button_draft()
            if bill.state == "draft":
                bill.button_cancel()
        self.env.flush_all()
        for payout in payouts:
            payout._give_back()

    def _check_manager(self):
        if not self.env.user.has_group("tier_billing.group_tier_manager"):
            raise AccessError(self.env._("Only a billing manager decides on payouts."))

    def _claim(self, target, sources):
        """Lock payouts for a decision and return those that are still to be taken.

        :param str target: decision to reach; what has it already is left alone
        :param sources: decisions from which it may be reached
        :raise UserError: for one with any other decision
        """
        self.check_access("write")
        self._lock_rows()
        waiting = self.filtered(lambda payout: payout.decision != target)
        decisions = dict(self._fields["decision"]._description_selection(self.env))
        for payout in waiting:
            if payout.decision not in sources:
                raise UserError(
                    self.env._(
                        "%(name)s is decided already: %(decision)s.",
                        name=payout.name,
                        decision=decisions[payout.decision],
                    )
                )
        return waiting

    def _lock_rows(self):
        """Let one transaction at a time decide on these payouts, and see what others decided."""
        self.env.flush_all()
        self.env.cr.execute("SELECT id FROM tier_payout WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [self.ids])
        self.invalidate_recordset()

    def _move(self, vals):  # pylint: disable=missing-return
        """Change what was decided: the only way past :meth:`write`."""
        super().write(vals)  # pylint: disable=super-method-mismatch

    def _decide(self, decision, vals=None):
        """Note a decision and tell whoever asked, in its language."""
        self.ensure_one()
        self._move(
            {"decision": decision, "decided_by_id": self.env.uid, "decided_at": fields.Datetime.now(), **(vals or {})}
        )
        self.activity_unlink([ACTIVITY])
        asked = self.requested_by_id.sudo().partner_id
        told = self.with_context(lang=asked.lang or self.env.lang)
        decisions = dict(self._fields["decision"]._description_selection(told.env))
        body = told.env._(
            "Payout of %(amount)s %(currency)s: %(decision)s",
            amount=f"{self.amount:.{self.currency_id.decimal_places}f}",
            currency=self.currency_id.name,
            decision=decisions[decision],
        )
        self.message_post(
            body=plaintext2html("\n".join(filter(None, (body, self.answer)))),
            message_type="comment",
            subtype_xmlid="mail.mt_comment",
            partner_ids=(asked - self.env.user.partner_id).ids,
        )
