from odoo import fields, models
from odoo.tools import SQL

from ..const import TRANSFER_KINDS


class TierTransferReport(models.Model):
    """Movements of wallets' own money, to group and to sum.

    A row is one side of a transfer, with the sign that it has for this wallet: an
    allocation is one row of the parent, below zero, and one of its child. So the
    sum of a wallet's rows is its balance. Contra accounts and what resellers
    collected themselves are no wallet's money and have no rows.

    ``Monetary``, unlike the ledger itself: these are only shown, and the pivot
    then never adds up two currencies without saying so.
    """

    _name = "tier.transfer.report"
    _description = "Movement Analysis"
    _auto = False
    _order = "date desc, id desc"
    _rec_name = "transfer_id"
    _depends = {"tier.wallet": ["parent_id", "tier"]}

    transfer_id = fields.Many2one("tier.transfer", readonly=True)
    date = fields.Datetime(readonly=True)
    kind = fields.Selection(TRANSFER_KINDS, readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    wallet_id = fields.Many2one("tier.wallet", readonly=True)
    parent_id = fields.Many2one("tier.wallet", readonly=True)
    tier = fields.Integer(readonly=True, aggregator=None, help="Depth of the wallet in the chain.")
    other_wallet_id = fields.Many2one(
        "tier.wallet", "Counterpart", readonly=True, help="Empty: the world, or the provider's corrections."
    )
    currency_id = fields.Many2one("res.currency", readonly=True)
    amount = fields.Monetary("Net", readonly=True, help="Received less given.")
    amount_in = fields.Monetary("Received", readonly=True)
    amount_out = fields.Monetary("Given", readonly=True)

    @property
    def _table_query(self):
        return SQL("%s UNION ALL %s", self._side_query(SQL("from")), self._side_query(SQL("to")))

    def _side_query(self, side):
        """Return the rows of those who give, or of those who receive.

        A condition on the date is pushed down to the index of tier.transfer.

        :param SQL side: ``from`` or ``to``
        :rtype: SQL
        """
        gives = side.code == "from"
        return SQL(
            "SELECT %s FROM %s",
            SQL(", ").join(SQL("%s AS %s", column, SQL.identifier(name)) for name, column in self._columns(gives)),
            self._tables(side, SQL("to") if gives else SQL("from")),
        )

    def _columns(self, gives):
        """Return the columns of one side; extended by whoever adds a field.

        :param bool gives: whether the wallet is the one that gives
        :return: list of pairs (name, SQL)
        """
        amount = SQL("t.amount") if gives else SQL("t.amount_to")
        return [
            # Two rows for a transfer: neither may have the number of another's.
            ("id", SQL("2 * t.id") if gives else SQL("2 * t.id + 1")),
            ("transfer_id", SQL("t.id")),
            ("date", SQL("t.date")),
            ("kind", SQL("t.kind")),
            ("company_id", SQL("t.company_id")),
            ("wallet_id", SQL("w.id")),
            ("parent_id", SQL("w.parent_id")),
            ("tier", SQL("w.tier")),
            ("other_wallet_id", SQL("o.id")),
            ("currency_id", SQL("a.currency_id")),
            ("amount", SQL("-%s", amount) if gives else amount),
            ("amount_in", SQL("0::numeric") if gives else amount),
            ("amount_out", amount if gives else SQL("0::numeric")),
        ]

    def _tables(self, side, other):
        """Return where the columns of one side come from; extended by whoever adds a field.

        :param SQL side: ``from`` or ``to``
        :param SQL other: the reverse
        :rtype: SQL
        """
        return SQL(
            """tier_transfer t
               JOIN tier_account a ON a.id = t.%(side)s_account_id AND a.kind = 'wallet'
               JOIN tier_wallet w ON w.id = a.wallet_id
               LEFT JOIN tier_wallet o ON o.id = t.%(other)s_wallet_id""",
            side=side,
            other=other,
        )
