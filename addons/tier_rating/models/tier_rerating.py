from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from odoo.addons.tier_billing.models.ledger_link import LedgerLink

# What is chosen, as long as nothing has been computed.
CHOICES = frozenset(
    (
        "company_id",
        "date_from",
        "date_to",
        "brand_id",
        "price_list_id",
        "wallet_id",
        "service_id",
        "destination_id",
        "prefix",
        "price_lists",
    )
)
# What the run itself keeps: with all that it begins with.
BEGINNING = {
    "state": "draft",
    "by_hand": False,
    "looked_at_count": 0,
    "unchanged_count": 0,
    "changed_count": 0,
    "left_count": 0,
    "posted_count": 0,
    "overrun_count": 0,
    "next_at": False,
    "next_ref": 0,
    "computed_at": False,
    "computed_by_id": False,
    "posted_at": False,
    "posted_by_id": False,
}


class TierRerating(models.Model):
    """Charged events priced again, to be looked at first and then corrected on every tier.

    The run is the unit that moves money once: its transfers bear its number, and each event is
    corrected by it once. See :mod:`..rerating` for what a correction is, and
    ``tier_rerating_run.py`` for how a run proceeds.
    """

    _name = "tier.rerating"
    _description = "Re-rating"
    _inherit = ["mail.thread"]
    _order = "id desc"
    _check_company_auto = True

    name = fields.Char(required=True, readonly=True, copy=False, default=lambda self: self.env._("New"))
    reason = fields.Char(tracking=True, help="Why; every tier whose price changes reads it on its movements.")
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    state = fields.Selection(
        [
            ("draft", "Draft"),
            ("computing", "Computing"),
            ("computed", "To post"),
            ("posting", "Posting"),
            ("posted", "Posted"),
            ("cancelled", "Cancelled"),
        ],
        required=True,
        readonly=True,
        copy=False,
        default="draft",
        index=True,
        tracking=True,
    )
    date_from = fields.Datetime(
        "Used from",
        required=True,
        default=lambda self: fields.Datetime.now().replace(day=1, hour=0, minute=0, second=0),
    )
    date_to = fields.Datetime("Used before", help="Not included. Empty: up to now.")
    brand_id = fields.Many2one(
        "tier.brand", check_company=True, help="Charged by a price list of this brand on any tier."
    )
    price_list_id = fields.Many2one(
        "tier.price.list",
        check_company=True,
        help="Charged by this list, or one that is derived from it, on any tier.",
    )
    wallet_id = fields.Many2one("tier.wallet", check_company=True, help="Used by this wallet or one below it.")
    service_id = fields.Many2one("tier.service")
    destination_id = fields.Many2one("tier.destination")
    prefix = fields.Char(help="What the number begins with, in international form.")
    price_lists = fields.Selection(
        [("present", "That the wallets have now"), ("charged", "By which it was charged")],
        "By price lists",
        required=True,
        default="present",
        help="Rates, terms and exchange rates are in any case those that hold today for the moment of use.",
    )
    by_hand = fields.Boolean("Chosen one by one", readonly=True, copy=False)
    looked_at_count = fields.Integer("Events", readonly=True, copy=False)
    unchanged_count = fields.Integer("Cost the same", readonly=True, copy=False)
    changed_count = fields.Integer("Cost more or less", readonly=True, copy=False)
    left_count = fields.Integer("Left as they are", readonly=True, copy=False)
    posted_count = fields.Integer("Corrected", readonly=True, copy=False)
    overrun_count = fields.Integer(
        "Overruns",
        readonly=True,
        copy=False,
        help="Shares for which a wallet had not the funds. They are posted in full.",
    )
    next_at = fields.Datetime(readonly=True, copy=False)
    next_ref = fields.Integer(readonly=True, copy=False)
    computed_at = fields.Datetime("Computed on", readonly=True, copy=False)
    computed_by_id = LedgerLink("res.users", "Computed by", readonly=True, copy=False)
    posted_at = fields.Datetime("Posted on", readonly=True, copy=False)
    posted_by_id = LedgerLink("res.users", "Posted by", readonly=True, copy=False)
    line_ids = fields.One2many("tier.rerating.line", "rerating_id", "Difference by wallet", readonly=True)
    event_ids = fields.One2many("tier.rerating.event", "rerating_id", "Looked at", readonly=True)
    needs_other = fields.Boolean(compute="_compute_needs_other")

    _period = models.Constraint("CHECK (date_to > date_from)", "The period ends before it begins.")

    @api.depends("line_ids", "computed_by_id")
    @api.depends_context("uid")
    def _compute_needs_other(self):
        for run in self:
            run.needs_other = run.computed_by_id == self.env.user and run._is_above_limit()

    # ------------------------------------------------------------------
    # Keeping it as it was
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            if BEGINNING.keys() & vals.keys():
                raise UserError(self.env._("A re-rating begins as a draft; its buttons take it further."))
            # Said in full: what is left out could come as a default in the context.
            vals.update(BEGINNING)
            vals["name"] = self.env["ir.sequence"].sudo().next_by_code("tier.rerating")
        return super().create(vals_list)

    def write(self, vals):
        if BEGINNING.keys() & vals.keys():
            raise UserError(self.env._("A re-rating is taken further by its buttons."))
        if CHOICES & vals.keys() and any(run.state != "draft" for run in self):
            raise UserError(self.env._("What a re-rating is about is set before it is computed."))
        if "reason" in vals and any(run.state in ("posting", "posted") for run in self):
            raise UserError(self.env._("The reason stands on transfers already."))
        return super().write(vals)

    def _progress(self, vals):  # pylint: disable=missing-return
        """Take a run further: the only way past :meth:`write`."""
        super().write(vals)  # pylint: disable=super-method-mismatch

    @api.model
    def _choose(self, events):
        """Begin a run about events that somebody has chosen one by one.

        :param events: ``tier.usage.event`` of one company
        :return: the run, a draft
        :raise UserError: there are none, or they belong to several companies
        """
        if len(events.company_id) != 1:
            raise UserError(self.env._("Choose usage of one company."))
        run = self.create({"company_id": events.company_id.id, "date_from": min(events.mapped("started_at"))})
        run.sudo()._progress({"by_hand": True})
        self.env["tier.rerating.event"].sudo().create(
            [{"rerating_id": run.id, "event_id": event.id, "state": "chosen"} for event in events]
        )
        return run

    @api.ondelete(at_uninstall=False)
    def _unlink_except_posted(self):
        if any(run.state in ("posting", "posted") for run in self):
            raise UserError(self.env._("What was posted is kept."))

    # ------------------------------------------------------------------
    # Buttons
    # ------------------------------------------------------------------

    def action_compute(self):
        """Price the chosen events again; nothing is posted."""
        self.ensure_one()
        self.check_access("write")
        self._begin("computing", ("draft",), computed_by_id=self.env.uid)
        self._proceed()

    def action_post(self):
        """Post the differences on every edge; pressing twice posts once.

        :raise AccessError: without the right, or where a second person has to agree
        """
        self.ensure_one()
        self.check_access("write")
        if not self.env.user.has_group("tier_billing.group_tier_manager"):
            raise AccessError(self.env._("Only a billing manager posts a re-rating."))
        self._begin("posting", ("computed",), posted_by_id=self.env.uid, posted_at=fields.Datetime.now())
        self._proceed()

    def action_draft(self):
        """Drop what was computed, to choose otherwise or to compute again."""
        self.ensure_one()
        self.check_access("write")
        self._begin("draft", ("computing", "computed", "cancelled"))

    def action_cancel(self):
        """Drop what was computed, and the run with it."""
        self.ensure_one()
        self.check_access("write")
        self._begin("cancelled", ("draft", "computing", "computed"))

    def action_proceed(self):
        """Go on at once with what the scheduled job would take up in a minute."""
        self.ensure_one()
        self.check_access("write")
        self._proceed()

    def action_events(self):
        """Open the events that cost more or less, or were left as they are.

        :return: a window action
        """
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.actions"]._for_xml_id("tier_rating.tier_rerating_event_action")
        action["domain"] = [("rerating_id", "=", self.id)]
        if self.env.context.get("left"):
            action["context"] = {"search_default_left": 1, "search_default_by_reason": 1}
        return action

    def action_transfers(self):
        """Open the corrections in the ledger.

        :return: a window action
        """
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.actions"]._for_xml_id("tier_billing.tier_transfer_action")
        # The date finds them by its index; the key tells them apart.
        action["domain"] = [
            ("date", ">=", fields.Datetime.to_string(self.posted_at)),
            ("source_key", "=like", f"rerate:{self.id}:%"),
        ]
        action["context"] = {}
        return action

    # ------------------------------------------------------------------
    # Figures
    # ------------------------------------------------------------------

    def _posting_reason(self):
        """Return what stands on every transfer of this run.

        :rtype: str
        """
        return f"{self.name}: {self.reason}" if self.reason else self.name

    def _is_above_limit(self):
        """Tell whether what this run moves, on all edges together, needs a second person.

        :rtype: bool
        """
        self.ensure_one()
        Wallet = self.env["tier.wallet"].sudo()
        totals = {}
        for line in self.sudo().line_ids:
            totals[line.currency_id] = totals.get(line.currency_id, Decimal(0)) + Wallet._to_decimal(line.moved)
        if not totals:
            return False
        return self.company_id._tier_needs_approval(Wallet._in_company_currency(totals, self.company_id))
