from collections import defaultdict
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from odoo.addons.tier_billing.const import MONEY_DIGITS

from ..invoicing import call_list, summary, waiting

AUDITOR = "tier_billing.group_tier_auditor"


class AccountMove(models.Model):
    """Invoices of postpaid usage. They are Odoo's own; only their usage is ours."""

    _inherit = "account.move"

    tier_usage_wallet_id = fields.Many2one(
        "tier.wallet",
        "Usage of",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="restrict",
        groups=AUDITOR,
        help="The postpaid wallet whose usage this invoice is for.",
    )
    tier_usage_from = fields.Date("Usage from", readonly=True, copy=False, groups=AUDITOR)
    tier_usage_to = fields.Date("Usage until", readonly=True, copy=False, groups=AUDITOR)
    tier_usage_start = fields.Datetime(readonly=True, copy=False, groups=AUDITOR)
    tier_usage_calls = fields.Integer("Number of calls", readonly=True, copy=False, groups=AUDITOR)
    tier_usage_cost = fields.Float(
        "Cost of usage",
        digits=MONEY_DIGITS,
        readonly=True,
        copy=False,
        groups=AUDITOR,
        help="Exact sum of the charges on this invoice.",
    )
    tier_usage_billed = fields.Float(
        "Usage billed",
        digits=MONEY_DIGITS,
        readonly=True,
        copy=False,
        groups=AUDITOR,
        help="What the lines of usage add up to. Fractions of the smallest coin go on to the next invoice.",
    )
    tier_charge_link_ids = fields.One2many("tier.charge.invoice", "move_id", groups=AUDITOR)

    tier_calls_csv_id = fields.Many2one("ir.attachment", "Call list (CSV)", readonly=True, copy=False, groups=AUDITOR)
    tier_calls_pdf_id = fields.Many2one("ir.attachment", "Call list (PDF)", readonly=True, copy=False, groups=AUDITOR)

    def write(self, vals):
        """Override of `account`: usage stays in its currency, and a cancelled invoice lets it go."""
        if "currency_id" in vals:
            for move in self._tier_usage_invoices():
                if move.currency_id.id != vals["currency_id"]:
                    raise UserError(self.env._("Usage is invoiced in the currency of the wallet."))
        result = super().write(vals)
        if vals.get("state") == "cancel":
            self._tier_usage_invoices()._tier_release_usage()
        return result

    def button_draft(self):
        """Override of `account` to keep cancelled invoices of usage cancelled: others may bill it by now."""
        for move in self._tier_usage_invoices():
            if move.state == "cancel":
                raise UserError(
                    self.env._(
                        "%s was cancelled and its usage let go: the next invoice of the wallet bills it.",
                        move.display_name,
                    )
                )
        return super().button_draft()

    def _post(self, soft=True):
        """Override of `account` to have the call list made, and to refuse invoices whose usage was let go."""
        for move in self._tier_usage_invoices():
            if not move.tier_usage_calls:
                raise UserError(self.env._("%s bills usage that was let go; delete it.", move.display_name))
        posted = super()._post(soft)
        if posted._tier_usage_invoices():
            self.env.ref("tier_rating.ir_cron_call_lists").sudo()._trigger()
        return posted

    def _tier_usage_invoices(self):
        """Return those of these moves that bill usage, with rights to read what they bill."""
        # sudo: who posts or cancels an invoice need not have rights on wallets.
        return self.sudo().filtered("tier_usage_wallet_id")

    def _tier_release_usage(self):
        """Let the charges of these invoices go."""
        if self:
            waiting.release(self.env, self.ids)

    def action_tier_release_usage(self):
        """Let the usage of an invoice that a credit note undid be invoiced anew."""
        self.check_access("write")
        if not self.env.user.has_group("tier_billing.group_tier_manager"):
            raise AccessError(self.env._("Only a billing manager has usage invoiced anew."))
        for move in self._tier_usage_invoices():
            if move.payment_state != "reversed":
                raise UserError(
                    self.env._("%s stands: give a credit note for all of it first.", move.display_name),
                )
            move._tier_release_usage()
            move.message_post(body=self.env._("Its usage was let go, to be invoiced anew."))

    # ------------------------------------------------------------------
    # Call lists
    # ------------------------------------------------------------------

    def _tier_call_list(self):
        """Return what the call list of this invoice shows.

        :return: dict with the ``lines`` of the summary, as (service, destination, line), the
            ``calls``, whether those are ``all`` of them, and how to print ``money`` and ``plain`` numbers
        """
        self.ensure_one()
        move = self._tier_usage_invoices()
        lines = [
            (
                move.env["tier.service"].browse(line.service_id),
                move.env["tier.destination"].browse(line.destination_id),
                line,
            )
            for line in summary.of_invoices(self.env, move.ids)
        ]
        complete = move.tier_usage_calls <= call_list.PDF_CALLS
        calls = list(call_list.calls(self.env, move)) if complete else []
        costs = [row[2].amount for row in lines] + [call["cost"] for call in calls]
        # As many decimals as the finest amount has, so that the columns line up.
        digits = max([move.currency_id.decimal_places, *(-cost.normalize().as_tuple().exponent for cost in costs)])
        return {
            "lines": lines,
            "calls": calls,
            "all": complete,
            "money": lambda amount: f"{amount:.{digits}f}",
            "plain": call_list.plain,
        }

    def _tier_attach_pdf(self):
        """Attach the call list as PDF to these invoices, where it is not yet."""
        report = self.env.ref("tier_rating.tier_call_list_report").sudo()
        for move in self._tier_usage_invoices().filtered(lambda move: not move.tier_calls_pdf_id):
            content, kind = report._render_qweb_pdf(report.report_name, move.ids)
            move.tier_calls_pdf_id = self.env["ir.attachment"].create(
                {
                    "name": f"{call_list.filename(move)}.{kind}",
                    "raw": content,
                    "res_model": "account.move",
                    "res_id": move.id,
                }
            )

    @api.model
    def _cron_attach_call_lists(self):
        """Make the call lists of posted invoices, one a transaction."""
        domain = [
            ("tier_usage_wallet_id", "!=", False),
            ("state", "=", "posted"),
            ("tier_calls_pdf_id", "=", False),
            ("tier_usage_calls", ">", 0),
        ]
        moves = self.search(domain, order="id")
        self.env["ir.cron"]._commit_progress(remaining=len(moves))
        for move in moves:
            move._tier_attach_pdf()
            if not self.env["ir.cron"]._commit_progress(1):
                break

    def action_tier_call_list(self):
        """Download the calls of an invoice as CSV.

        :return: a URL action
        """
        self.ensure_one()
        self.check_access("read")
        attachment = self._tier_usage_invoices().tier_calls_csv_id
        if not attachment:
            raise UserError(self.env._("This invoice has no list of calls."))
        return {"type": "ir.actions.act_url", "url": f"/web/content/{attachment.id}?download=true", "target": "self"}

    def action_tier_charges(self):
        """Open the charges on this invoice.

        :return: a window action
        """
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id("tier_rating.tier_charge_action")
        action["domain"] = [("invoice_link_ids.move_id", "=", self.id)]
        return action

    @api.model
    def _tier_usage_outstanding(self, wallets):
        """Return what invoices of usage still have to bring each wallet, without tax.

        :param wallets: ``tier.wallet`` records
        :return: dict of wallet id to ``Decimal``, in the currency of the wallet
        """
        moves = self.sudo().search(
            [
                ("tier_usage_wallet_id", "in", wallets.ids),
                ("state", "in", ("draft", "posted")),
                ("payment_state", "not in", ("paid", "reversed")),
            ]
        )
        outstanding = defaultdict(Decimal)
        for move in moves:
            untaxed, total, residual = map(
                wallets._to_decimal, (move.amount_untaxed, move.amount_total, move.amount_residual)
            )
            share = residual / total if move.state == "posted" and total else 1
            # A payment that was undone a moment ago may still be in the wallet.
            to_come = min(untaxed * share, untaxed - move.tier_paid_credit_ids._left())
            outstanding[move.tier_usage_wallet_id.id] += max(to_come, Decimal(0))
        return outstanding
