from odoo import api, fields, models
from odoo.exceptions import UserError

PREFIXES = {"invoice": "INV/", "statement": "STM/"}
DIGITS = 5


class TierBillSeries(models.Model):
    """The numbers of one reseller's invoices, or of its statements: one after the other, without a gap.

    No sequence of the database: those give away a number for good, even when the bill is
    rolled back.
    """

    _name = "tier.bill.series"
    _description = "Numbers of Resellers' Bills"
    _rec_name = "wallet_id"
    _order = "wallet_id, kind"

    wallet_id = fields.Many2one("tier.wallet", "Reseller", required=True, readonly=True, ondelete="restrict")
    company_id = fields.Many2one(related="wallet_id.company_id", store=True)
    kind = fields.Selection([("invoice", "Invoice"), ("statement", "Statement")], required=True, readonly=True)
    prefix = fields.Char(required=True)
    next_number = fields.Integer(required=True, readonly=True, default=1)

    _wallet_kind = models.UniqueIndex("(wallet_id, kind)", "A reseller has one series of each kind.")

    @api.model_create_multi
    def create(self, vals_list):
        if any("next_number" in vals for vals in vals_list):
            raise UserError(self.env._("A series of numbers begins with 1."))
        return super().create(vals_list)

    def write(self, vals):
        if {"next_number", "wallet_id", "kind"} & vals.keys():
            raise UserError(self.env._("Numbers follow one another: only the prefix can be changed."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("The numbers of a reseller's bills are kept."))

    @api.model
    def _take(self, wallet, kind):
        """Take the next number, under a lock that is held until the transaction ends.

        Whoever issues at the same time waits; if this transaction is rolled back, the number
        was never given.

        :param wallet: ``tier.wallet`` of the reseller
        :param str kind: invoice or statement
        :return: tuple of the number and the name that it makes
        """
        self.env.flush_all()
        self.env.cr.execute(
            """INSERT INTO tier_bill_series (wallet_id, kind, company_id, prefix, next_number, create_uid,
                                             create_date, write_uid, write_date)
               VALUES (%(wallet)s, %(kind)s, %(company)s, %(prefix)s, 2, %(uid)s,
                       now() AT TIME ZONE 'UTC', %(uid)s, now() AT TIME ZONE 'UTC')
               ON CONFLICT (wallet_id, kind)
                  DO UPDATE SET next_number = tier_bill_series.next_number + 1
               RETURNING next_number - 1, prefix""",
            {
                "wallet": wallet.id,
                "kind": kind,
                "company": wallet.company_id.id,
                "prefix": PREFIXES[kind],
                "uid": self.env.uid,
            },
        )
        number, prefix = self.env.cr.fetchone()
        self.invalidate_model()
        return number, f"{prefix}{number:0{DIGITS}d}"
