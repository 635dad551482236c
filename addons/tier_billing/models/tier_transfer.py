from odoo import api, fields, models
from odoo.exceptions import UserError

from .. import ledger
from ..const import MONEY_DIGITS, TRANSFER_KINDS
from .ledger_link import LedgerLink


class TierTransfer(models.Model):
    """One movement of money. Written by :mod:`..ledger.writer` alone."""

    _name = "tier.transfer"
    _description = "Transfer"
    _order = "date desc, id desc"
    _rec_name = "source_key"
    _log_access = False

    kind = fields.Selection(TRANSFER_KINDS, required=True, readonly=True)
    date = fields.Datetime(required=True, readonly=True, index=True)
    source_key = fields.Char(
        required=True,
        readonly=True,
        help="Names what caused the transfer; the same key never moves money twice.",
    )
    from_account_id = LedgerLink("tier.account", "From", required=True, readonly=True)
    to_account_id = LedgerLink("tier.account", "To", required=True, readonly=True)
    # Not indexed: look for the accounts of a wallet, which are, to spare each transfer two insertions.
    from_wallet_id = LedgerLink("tier.wallet", "From wallet", readonly=True)
    to_wallet_id = LedgerLink("tier.wallet", "To wallet", readonly=True)
    company_id = LedgerLink("res.company", required=True, readonly=True)
    amount = fields.Float(digits=MONEY_DIGITS, required=True, readonly=True)
    currency_id = LedgerLink("res.currency", required=True, readonly=True)
    amount_to = fields.Float("Amount received", digits=MONEY_DIGITS, required=True, readonly=True)
    currency_to_id = LedgerLink("res.currency", "Currency received", required=True, readonly=True)
    rate = fields.Float(
        digits=(16, 12),
        readonly=True,
        help="Units of the receiver's currency for one unit of the payer's.",
    )
    exchange_in_id = LedgerLink("tier.account", readonly=True, index="btree_not_null")
    exchange_out_id = LedgerLink("tier.account", readonly=True, index="btree_not_null")
    reverses_id = LedgerLink(
        "tier.transfer",
        "Undoes",
        readonly=True,
        index="btree_not_null",
        help="The transfer that this one undoes, or whose amount it corrects.",
    )
    reason = fields.Char(readonly=True)
    # Who and when, without the columns of later changes, which there are none of, and without
    # a foreign key, which would lock the user's row for every single transfer.
    create_uid = LedgerLink("res.users", "Posted by", readonly=True)
    create_date = fields.Datetime("Posted on", readonly=True)

    _source_key_unique = models.UniqueIndex("(source_key)", "A transfer with this source key exists already.")
    # Sums of an account from a day on: figures of the month, statements.
    _from_date = models.Index("(from_account_id, date)")
    _to_date = models.Index("(to_account_id, date)")
    # The ledger is written in the order of time: a few pages tell what is new to the books.
    _created = models.Index("USING brin (create_date)")
    # A top-up may be paid back in parts, as adjustments; a refund undoes the whole.
    _refunded_once = models.UniqueIndex("(reverses_id) WHERE kind = 'refund'", "A transfer is refunded once.")
    _amounts = models.Constraint(
        "CHECK (LEAST(amount, amount_to) >= 0 AND GREATEST(amount, amount_to) > 0"
        " AND GREATEST(amount, amount_to) < 1e12 AND GREATEST(scale(amount), scale(amount_to)) <= 6)",
        "An amount is positive, below one trillion and has at most six decimals.",
    )
    _two_sides = models.Constraint(
        "CHECK (from_account_id <> to_account_id)",
        "Money cannot move from an account to itself.",
    )

    @api.depends("kind", "from_account_id", "to_account_id")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for transfer in self:
            transfer.display_name = self.env._(
                "%(kind)s: %(giver)s to %(receiver)s",
                kind=kinds.get(transfer.kind, ""),
                giver=transfer.sudo().from_account_id.display_name,
                receiver=transfer.sudo().to_account_id.display_name,
            )

    @api.model_create_multi
    # pylint: disable-next=method-required-super
    def create(self, vals_list):
        raise UserError(self.env._("Transfers are posted by wallet operations, not created directly."))

    # pylint: disable-next=method-required-super
    def write(self, vals):
        raise UserError(self.env._("A transfer is never changed; post a correction instead."))

    # pylint: disable-next=method-required-super
    def unlink(self):
        raise UserError(self.env._("A transfer is never deleted; post a correction instead."))

    @api.model
    def _post(self, movements):
        """Post movements in the current transaction; see :func:`..ledger.writer.post`.

        :param movements: sequence of :class:`..ledger.writer.Movement`
        :return: the transfers, new or known by their key
        :raise UserError: when the ledger refuses a movement
        """
        # Limits and new accounts that the ORM still holds back count as well.
        self.env.flush_all()
        try:
            posted = ledger.writer.post(self.env.cr, movements, self.env.uid)
        except ledger.writer.KeyReused as error:
            raise UserError(
                self.env._("The key %s has moved another amount or between other wallets already.", error.source_key)
            ) from error
        except ledger.writer.LedgerError as error:
            raise UserError(str(error)) from error
        self.env["tier.account"].invalidate_model(["balance", "held", "open_sessions"])
        self.env["tier.wallet"].invalidate_model()
        return self.browse(posted.values())
