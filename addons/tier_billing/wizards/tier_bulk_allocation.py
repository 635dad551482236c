import base64
import uuid
from ast import literal_eval
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError

from .. import ledger
from ..const import MONEY_DIGITS
from ..ledger.grants import Grant
from . import bulk_file


class TierBulkAllocation(models.TransientModel):
    """Give many wallets funds of their parents: filled in, looked at, done."""

    _name = "tier.bulk.allocation"
    _description = "Bulk Allocation"

    state = fields.Selection(
        [("draft", "Who and how much"), ("checked", "Summary"), ("done", "Done")], default="draft", readonly=True
    )
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    scope = fields.Selection(
        [
            ("selected", "Selected wallets"),
            ("children", "All customers of a wallet"),
            ("filter", "Wallets by a filter"),
            ("file", "Wallets and amounts from a file"),
        ],
        "To",
        required=True,
        default="selected",
    )
    wallet_ids = fields.Many2many(
        "tier.wallet", string="Wallets", default=lambda self: self._default_wallet_ids(), check_company=True
    )
    wallet_count = fields.Integer("Selected", compute="_compute_wallet_count")
    parent_id = fields.Many2one(
        "tier.wallet", "Customers of", domain="[('child_ids', '!=', False)]", check_company=True
    )
    domain = fields.Char("Filter", default="[]")
    file = fields.Binary(attachment=False)
    filename = fields.Char()
    amount = fields.Float(
        "Amount for each", digits=MONEY_DIGITS, help="In the currency of each wallet; it comes from its parent."
    )
    reason = fields.Char()
    on_refusal = fields.Selection(
        [("stop", "Give nothing to anybody"), ("skip", "Skip those, give to the others")],
        "If some cannot",
        required=True,
        default="stop",
    )
    line_ids = fields.One2many("tier.bulk.allocation.line", "bulk_id", readonly=True)
    refused_ids = fields.One2many(
        "tier.bulk.allocation.line", "bulk_id", domain=[("refusal", "!=", False)], readonly=True
    )
    given_count = fields.Integer("Given to", readonly=True)
    refused_count = fields.Integer("Cannot", readonly=True)
    total = fields.Char(readonly=True)
    needs_approval = fields.Boolean(readonly=True)
    # Fixed when the dialog opens: a second click repeats the keys, not the money.
    source_key = fields.Char(required=True, readonly=True, default=lambda self: f"bulk:{uuid.uuid4()}")

    @api.model
    def _default_wallet_ids(self):
        if self.env.context.get("active_model") == "tier.wallet":
            return self.env.context.get("active_ids", [])
        return []

    @api.depends("wallet_ids")
    def _compute_wallet_count(self):
        for bulk in self:
            bulk.wallet_count = len(bulk.wallet_ids)

    # ------------------------------------------------------------------
    # Buttons
    # ------------------------------------------------------------------

    def action_check(self):
        """Show what would happen, and move nothing.

        :return: the action that shows the dialog again
        """
        self.ensure_one()
        self._check_not_done()
        self.line_ids.unlink()
        lines = self.env["tier.bulk.allocation.line"].create(self._gather())
        good = lines.filtered(lambda line: not line.refusal)
        good.wallet_id.check_access("write")
        grants = self._grants(good)
        result = self.env["tier.wallet"]._distribute(grants, self.reason, skip=True, dry_run=True)
        self._show(good, grants, result, "checked")
        return self._reopen()

    def action_back(self):
        """Go back to who and how much.

        :return: the action that shows the dialog again
        """
        self.ensure_one()
        self._check_not_done()
        self.state = "draft"
        return self._reopen()

    def action_apply(self):
        """Allocate what the summary shows, in one transaction; a second click changes nothing.

        :return: the action that shows the dialog again, or the request that waits for approval
        """
        self.ensure_one()
        ledger.cursor.see_commits(self.env.cr)
        if self.state != "checked":
            raise UserError(self.env._("Look at the summary first."))
        unusable = self.line_ids.filtered(lambda line: line.refusal and not line.in_ledger)
        if unusable and self.on_refusal == "stop":
            raise UserError("\n".join(f"{line.label}: {line.refusal}" for line in unusable[:10]))
        lines = self.line_ids - unusable
        if not lines:
            raise UserError(self.env._("There is nobody to give to."))
        lines.wallet_id.check_access("write")
        grants = self._grants(lines)
        if self._approval_needed(grants):
            return self._file_request(grants)
        skip = self.on_refusal == "skip"
        result = self.env["tier.wallet"]._distribute(grants, self.reason, skip=skip)
        self._show(lines, grants, result, "done")
        return self._reopen()

    def _check_not_done(self):
        if self.state == "done":
            raise UserError(self.env._("This was allocated already. Open the dialog anew for another allocation."))

    def _reopen(self):
        """Return the action that shows this dialog again."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Allocate to many"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }

    # ------------------------------------------------------------------
    # Who and how much
    # ------------------------------------------------------------------

    def _gather(self):
        """Return the values of the lines: who gets how much.

        :return: list of dict
        """
        if self.scope == "file":
            return self._gather_file()
        Wallet = self.env["tier.wallet"]
        if self.scope == "selected":
            wallets = self.wallet_ids
        else:
            domain = [("company_id", "=", self.company_id.id), ("state", "!=", "closed"), ("parent_id", "!=", False)]
            if self.scope == "children":
                if not self.parent_id:
                    raise UserError(self.env._("Choose whose customers get it."))
                domain += [("parent_id", "=", self.parent_id.id)]
            else:
                domain += self._filter()
            wallets = Wallet.search(domain)
        if not wallets:
            raise UserError(self.env._("There is nobody to give to."))
        if not self.amount:
            raise UserError(self.env._("The amount must be above zero."))
        return [
            {"bulk_id": self.id, "label": wallet.name, "wallet_id": wallet.id, "amount": self.amount}
            for wallet in wallets
        ]

    def _filter(self):
        """Return the filter as a domain."""
        try:
            return list(literal_eval(self.domain or "[]"))
        except (ValueError, SyntaxError) as error:
            raise UserError(self.env._("The filter cannot be read.")) from error

    def _gather_file(self):
        """Return the values of the lines of the file; what is wrong with one stands in it."""
        if not self.file:
            raise UserError(self.env._("Choose a file: a wallet and an amount on each line."))
        try:
            rows = bulk_file.parse(base64.b64decode(self.file))
        except ValueError as error:
            raise UserError(self.env._("The file is no list of wallets and amounts.")) from error
        if not rows:
            raise UserError(self.env._("The file is empty."))
        found = self._find({row.wallet for row in rows})
        lines, seen = [], {}
        for row in rows:
            wallets = found.get(row.wallet, self.env["tier.wallet"])
            refusal = self._row_refusal(row, wallets)
            wallet = wallets if len(wallets) == 1 else wallets.browse()
            if wallet and not refusal:
                if wallet in seen:
                    refusal = self.env._("the same wallet as on line %s", seen[wallet])
                seen.setdefault(wallet, row.number)
            lines.append(
                {
                    "bulk_id": self.id,
                    "label": self.env._("Line %(number)s (%(wallet)s)", number=row.number, wallet=row.wallet),
                    "wallet_id": wallet.id,
                    "amount": float(row.amount) if row.amount is not None and row.amount.is_finite() else 0,
                    "refusal": refusal,
                }
            )
        return lines

    def _row_refusal(self, row, wallets):
        """Say why a line of the file cannot be used; None if it can."""
        if not row.wallet:
            return self.env._("no wallet is named")
        if not wallets:
            return self.env._("there is no such wallet")
        if len(wallets) > 1:
            return self.env._("%s wallets are called so: give the customer's reference instead", len(wallets))
        if row.amount is None or not row.amount.is_finite():
            return self.env._("“%s” is not an amount", row.text)
        if Decimal(repr(float(row.amount))) != row.amount:
            return self.env._("%s has too many digits", row.text)
        return None

    def _find(self, names):
        """Find wallets by their name or, failing that, by their customer's reference.

        :param names: set of str
        :return: dict of name to ``tier.wallet`` records
        """
        Wallet = self.env["tier.wallet"]
        company = [("company_id", "=", self.company_id.id)]
        found = {}
        for wallet in Wallet.search([*company, ("name", "in", list(names))]):
            found[wallet.name] = found.get(wallet.name, Wallet) | wallet
        missing = [name for name in names if name and name not in found]
        for wallet in Wallet.search([*company, ("partner_id.ref", "in", missing)]):
            ref = wallet.partner_id.ref
            found[ref] = found.get(ref, Wallet) | wallet
        return found

    # ------------------------------------------------------------------
    # Doing it
    # ------------------------------------------------------------------

    def _grants(self, lines):
        """Return what the lines are to the ledger.

        :return: list of :class:`Grant`
        """
        return [
            Grant(line.wallet_id.id, line.amount, f"{self.source_key}:{line.wallet_id.id}", label=line.label)
            for line in lines
        ]

    def _show(self, lines, grants, result, state):
        """Write what became of the lines into the dialog.

        :param lines: those that were tried
        :param result: :class:`..ledger.grants.Distribution`
        """
        lines.filtered("refusal").write({"refusal": False, "in_ledger": False})
        for position, why in result.refused.items():
            lines[position].write({"refusal": why, "in_ledger": True})
        given = [grants[position] for position in sorted([*result.given, *result.known])]
        Wallet = self.env["tier.wallet"]
        self.write(
            {
                "state": state,
                "given_count": len(given),
                "refused_count": len(self.line_ids.filtered("refusal")),
                "total": Wallet._totals_text(Wallet._totals(given)),
                "needs_approval": state == "checked" and bool(given) and self._approval_needed(given),
            }
        )

    def _approval_needed(self, grants):
        """Tell whether a second person has to agree: what all get together counts."""
        Wallet = self.env["tier.wallet"]
        total = Wallet._in_company_currency(Wallet._totals(grants), self.company_id)
        return self.company_id._tier_needs_approval(total)

    def _file_request(self, grants):
        """Put it before a second person.

        :return: the action that shows the request
        """
        request = self.env["tier.allocation.request"]._file(
            "allocate", grants, self.company_id, self.source_key, self.reason, skip=self.on_refusal == "skip"
        )
        return request._get_records_action()
