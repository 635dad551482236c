import logging
from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools.misc import format_date

from odoo.addons.tier_billing.const import MONEY_DIGITS

from ..invoicing import amounts, call_list, linked, period, summary, waiting
from ..invoicing.lines import LineBuilder

_logger = logging.getLogger(__name__)

# Wallets for which the cron makes invoices in one transaction.
BATCH = 20


class Due(NamedTuple):
    """What one wallet can be invoiced, in its currency.

    :param calls: events on the invoice
    :param total: without tax, rounded to the smallest coin
    :param covered: what of it the wallet's own balance has paid
    :param carry: fractions of a coin that earlier invoices left over
    :param funds: see :class:`..invoicing.waiting.Waiting`, here with what open invoices will bring
    """

    calls: int
    total: Decimal
    covered: Decimal
    carry: Decimal
    funds: Decimal


class TierWallet(models.Model):
    """Invoices of postpaid usage: drafts to be reviewed and posted in Invoicing."""

    _inherit = "tier.wallet"

    invoice_interval = fields.Selection(
        [("month", "Each month"), ("week", "Each week"), ("quarter", "Each quarter"), ("manual", "By hand")],
        "Invoice usage",
        required=True,
        default="month",
        groups="base.group_user",
        help="How often a draft invoice of a postpaid wallet's usage is made by itself.",
    )
    invoice_detail = fields.Selection(
        [("destination", "Destination"), ("country", "Country"), ("service", "Service")],
        "A line for each",
        required=True,
        default="destination",
        groups="base.group_user",
    )
    postpaid_since = fields.Datetime(
        readonly=True,
        copy=False,
        groups="base.group_user",
        help="Earlier usage was paid for in advance and is not invoiced.",
    )
    # Written by ..invoicing.linked and a trigger of the database alone.
    usage_linked_before = fields.Datetime(
        readonly=True,
        copy=False,
        groups="base.group_user",
        help="Usage before this moment stands on invoices, but for what came late.",
    )
    usage_linked_id = fields.Integer(
        readonly=True,
        copy=False,
        groups="base.group_user",
        help="Charges of earlier usage with a higher number came late.",
    )
    usage_invoice_count = fields.Integer(
        "Number of invoices", compute="_compute_usage_invoice_count", groups="tier_billing.group_tier_auditor"
    )
    usage_not_invoiced = fields.Float(
        "Not invoiced yet",
        digits=MONEY_DIGITS,
        compute="_compute_usage_not_invoiced",
        groups="tier_billing.group_tier_auditor",
        help="Cost of usage that is on no invoice.",
    )

    def _compute_usage_invoice_count(self):
        # sudo: an auditor of wallets may have no rights on invoices; the number tells nothing else.
        counts = dict(
            self.env["account.move"]
            .sudo()
            ._read_group([("tier_usage_wallet_id", "in", self.ids)], ["tier_usage_wallet_id"], ["__count"])
        )
        for wallet in self:
            wallet.usage_invoice_count = counts.get(wallet.sudo(), 0)

    def _compute_usage_not_invoiced(self):
        found = waiting.waiting(self.env, self._invoiced_by_usage().ids, fields.Datetime.now() + timedelta(days=1))
        for wallet in self:
            wallet.usage_not_invoiced = found[wallet.id].due if wallet.id in found else 0

    def write(self, vals):
        mode = vals.get("payment_mode")
        changing = self.filtered(lambda wallet: mode and wallet.payment_mode != mode)
        if mode == "prepaid" and changing:
            changing._check_all_invoiced()
        result = super().write(vals)
        if mode == "postpaid" and changing:
            changing.sudo().postpaid_since = fields.Datetime.now()
        return result

    def _check_all_invoiced(self):
        """Refuse to make a wallet prepaid while usage waits that nobody would invoice any more."""
        found = waiting.waiting(self.env, self._invoiced_by_usage().ids, fields.Datetime.now() + timedelta(days=1))
        for wallet in self:
            if wallet.id in found and found[wallet.id].due > 0:
                raise ValidationError(
                    self.env._(
                        "%s has usage that is not invoiced yet: invoice it before the wallet becomes prepaid.",
                        wallet.name,
                    )
                )

    @api.model
    def _usage_invoice_domain(self):
        """Return which wallets the provider invoices by usage.

        Whom a reseller collects from itself is the reseller's to invoice.

        :rtype: Domain
        """
        return Domain([("payment_mode", "=", "postpaid"), ("money", "=", "inside"), ("parent_id", "!=", False)])

    def _invoiced_by_usage(self):
        """Return those of these wallets that the provider invoices by usage."""
        return self.filtered(
            lambda wallet: wallet.payment_mode == "postpaid" and wallet.money == "inside" and wallet.parent_id
        )

    # ------------------------------------------------------------------
    # Invoices
    # ------------------------------------------------------------------

    def _usage_due(self, last):
        """Return what can be invoiced up to a day.

        :param date last: last day of the period, where the company is
        :return: dict of wallet to :class:`Due`, without wallets that have nothing to pay for
        """
        result = {}
        for zone, wallets in self.grouped(lambda wallet: wallet._time_zone()).items():
            found = waiting.waiting(self.env, wallets.ids, period.bounds(last, last, zone)[1])
            outstanding = self.env["account.move"]._tier_usage_outstanding(self.browse(found))
            for wallet in self.browse(found):
                due = found[wallet.id]
                step = wallet._smallest_coin()
                total = amounts.round_to(due.due + due.carry, step)
                funds = due.funds + outstanding.get(wallet.id, 0)
                if total > 0:
                    result[wallet] = Due(due.calls, total, amounts.covered(funds, total, step), due.carry, funds)
        return result

    def _smallest_coin(self):
        """Return the smallest amount of the wallet's currency, as ``Decimal``."""
        return self._to_decimal(self.currency_id.rounding)

    def _invoice_usage(self, first, last, invoice_date=None):
        """Draft an invoice for each of these wallets that used something until a day.

        Usage before the period that is on no invoice yet comes along. Refunds that are
        larger than the usage wait for the next invoice, as does what is less than a coin.

        :param date first: first day of the period, where the company is
        :param date last: last day of the period
        :param date invoice_date: of the invoices; by default the day they are posted
        :return: draft ``account.move`` records
        :raise UserError: where a wallet is not postpaid, or accounts are missing
        """
        moves = self.env["account.move"]
        self._check_invoiceable()
        for company, wallets in self.grouped("company_id").items():
            wallets = wallets.with_company(company)
            due = wallets._usage_due(last)
            if due:
                moves |= wallets.browse(wallet.id for wallet in due)._draft_invoices(due, first, last, invoice_date)
        return moves

    def _check_invoiceable(self):
        """Refuse wallets that are not invoiced by usage, and companies without the account for it."""
        for wallet in self - self._invoiced_by_usage():
            raise UserError(
                self.env._("%s is not invoiced by its usage: only postpaid wallets with inside money are.", wallet.name)
            )
        for company in self.company_id.sudo():
            if not company.tier_clearing_account_id:
                raise UserError(
                    self.env._(
                        "%s has no account for usage invoiced: set the accounts of the wallets in the settings first.",
                        company.name,
                    )
                )

    def _draft_invoices(self, due, first, last, invoice_date):
        """Make the invoices of wallets of one company.

        :param dict due: see :meth:`_usage_due`
        :return: ``account.move`` records
        """
        usage = self._waiting_usage(first, last)
        values = [
            wallet._usage_invoice_values(first, last, invoice_date, usage.get(wallet.id, []), due[wallet])
            for wallet in self
        ]
        moves = self.env["account.move"].with_context(default_move_type="out_invoice").create(values)
        number, taken = linked.decided(self.env), {}
        zones = self.grouped(lambda wallet: wallet._time_zone())
        for zone, wallets in zones.items():
            own = {wallet.id: move.id for wallet, move in zip(self, moves, strict=True) if wallet in wallets}
            taken |= waiting.link(self.env, own, period.bounds(first, last, zone)[1])
        for wallet, move in zip(self, moves, strict=True):
            counted = usage.get(wallet.id, [])
            expected = sum(line.calls for line in counted), sum((line.amount for line in counted), Decimal(0))
            if taken.get(move.id) != expected:
                # More has arrived since it was counted, or another invoice was quicker.
                wallet._bill_again(move, first, due[wallet])
        moves = moves.exists()
        totals = {}
        for move in moves:
            calls, cost = taken[move.id]
            wallet = move.tier_usage_wallet_id
            step, left = wallet._smallest_coin(), due[wallet]
            covered = amounts.covered(left.funds, amounts.round_to(cost + left.carry, step), step)
            totals[move.id] = calls, cost, amounts.round_to(self._to_decimal(move.amount_untaxed), step) + covered
        if totals:
            waiting.note_totals(self.env, totals)
        for zone, wallets in zones.items():
            invoiced = wallets & moves.tier_usage_wallet_id
            linked.note(self.env, invoiced.ids, period.bounds(first, last, zone)[1], number)
        for move in moves:
            call_list.attach_csv(move)
        return moves

    def _waiting_usage(self, first, last):
        """Return what of these wallets waits for an invoice.

        :return: dict of wallet id to list of :class:`..invoicing.summary.Line`
        """
        usage = {}
        for zone, wallets in self.grouped(lambda wallet: wallet._time_zone()).items():
            for line in summary.of_waiting(self.env, wallets.ids, *period.bounds(first, last, zone)):
                usage.setdefault(line.wallet_id, []).append(line)
        return usage

    def _usage_lines(self, first, usage, due):
        """Return the lines of an invoice, none if there is nothing to pay for.

        :param usage: list of :class:`..invoicing.summary.Line`
        :param Due due: of this wallet
        :return: list of commands
        """
        self.ensure_one()
        total = amounts.round_to(sum((line.amount for line in usage), due.carry), self._smallest_coin())
        if total <= 0:
            return []
        partner = self._invoice_partner()
        told = self.with_context(lang=partner.lang or self.env.lang)
        return LineBuilder(told, partner, first, usage).commands(total, due.funds)

    def _bill_again(self, move, first, due):
        """Write the lines of an invoice by what came onto it; without any it goes."""
        lines = self._usage_lines(first, summary.of_invoices(self.env, move.ids), due)
        move.invoice_line_ids.unlink()
        if lines:
            move.write({"invoice_line_ids": lines})
        else:
            move.unlink()

    def _invoice_partner(self):
        """Return whom the invoices of this wallet go to."""
        return self.env["res.partner"].browse(self.partner_id.address_get(["invoice"])["invoice"])

    def _usage_invoice_values(self, first, last, invoice_date, usage, due):
        """Return the values of an invoice; see :meth:`_usage_lines`."""
        self.ensure_one()
        partner = self._invoice_partner()
        told = self.with_context(lang=partner.lang or self.env.lang)
        return {
            "move_type": "out_invoice",
            "company_id": self.company_id.id,
            "partner_id": partner.id,
            "currency_id": self.currency_id.id,
            "invoice_date": invoice_date,
            "invoice_origin": self.name,
            "ref": told.env._(
                "Usage %(first)s to %(last)s",
                first=format_date(told.env, first),
                last=format_date(told.env, last),
            ),
            "tier_usage_wallet_id": self.id,
            "tier_usage_from": first,
            "tier_usage_to": last,
            "tier_usage_start": period.midnight(first, self._time_zone()),
            "invoice_line_ids": self._usage_lines(first, usage, due),
        }

    def _hidden_digits(self):
        """Return how many of the last digits of dialled numbers are hidden on this wallet's call lists."""
        return 0

    def action_usage_invoices(self):
        """Open the invoices of this wallet's usage.

        :return: a window action
        """
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id("tier_rating.tier_usage_invoice_action")
        action["domain"] = [("tier_usage_wallet_id", "=", self.id)]
        action["context"] = {}
        return action

    # ------------------------------------------------------------------
    # By itself
    # ------------------------------------------------------------------

    @api.model
    def _cron_invoice_usage(self):
        """Draft the invoices of all periods that are over; run daily.

        A few wallets a transaction, so that a kill loses little; who has an invoice of
        the period is left alone, so that it can be repeated. The delay lets switches
        deliver what they have of the last day.
        """
        delay = int(self.env["ir.config_parameter"].sudo().get_param("tier_rating.invoice_delay_days", "1"))
        todo = []
        domain = self._usage_invoice_domain() & Domain("company_id.tier_clearing_account_id", "!=", False)
        for (zone, interval), wallets in (
            self.search(domain & Domain("invoice_interval", "!=", "manual"), order="id")
            .grouped(lambda wallet: (wallet._time_zone(), wallet.invoice_interval))
            .items()
        ):
            today = period.today(zone) - timedelta(days=delay)
            first, last = period.last_complete(interval, today)
            done = self.env["account.move"].search(
                [
                    ("tier_usage_wallet_id", "in", wallets.ids),
                    ("tier_usage_to", ">=", last),
                    ("state", "!=", "cancel"),
                ]
            )
            wallets -= done.tier_usage_wallet_id
            due = list(wallets._usage_due(last))
            todo += [(self.browse(w.id for w in due[n : n + BATCH]), first, last) for n in range(0, len(due), BATCH)]
        self.env["ir.cron"]._commit_progress(remaining=sum(len(batch) for batch, _first, _last in todo))
        for batch, first, last in todo:
            for wallet in batch:
                wallet._try_to_invoice(first, last)
            if not self.env["ir.cron"]._commit_progress(len(batch)):
                break

    def _try_to_invoice(self, first, last):
        """Invoice one wallet; what goes wrong is told to staff and stops no other wallet."""
        self.ensure_one()
        try:
            with self.env.cr.savepoint():
                self._invoice_usage(first, last)
        except (UserError, ValidationError) as error:
            _logger.warning("Usage of wallet %s was not invoiced: %s", self.id, error)
            summary_text = self.env._("Usage was not invoiced")
            if summary_text not in self.activity_ids.mapped("summary"):
                self.activity_schedule(
                    "mail.mail_activity_data_todo",
                    summary=summary_text,
                    note=str(error),
                    user_id=self.env.ref("base.user_admin").id,
                )
