from odoo import api, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import format_date

BADGES = {
    "draft": "text-bg-secondary",
    "issued": "text-bg-success",
    "cancelled": "text-bg-danger",
}
# What a reseller may say on a bill; all else follows from its charges.
SETTABLE = frozenset(
    ("kind", "child_id", "date_from", "date_to", "brand_id", "note", "tax_name", "tax_percent", "tax_included")
)


class TierBill(models.Model):
    """What the portal shows of bills, and what a reseller does with its own.

    Portal users have no right to write: a reseller acts through the methods here, which look
    whose bill it is first. Staff that looks at a portal page acts with its own rights.
    """

    _inherit = "tier.bill"

    @api.model
    def _portal_domain(self, wallet, side):
        """Return what finds the bills of a wallet.

        :param wallet: ``tier.wallet`` of the user
        :param str side: given or received
        :rtype: Domain
        """
        if side == "given":
            return Domain("wallet_id", "=", wallet.id)
        return Domain("child_id", "=", wallet.id) & Domain("state", "!=", "draft")

    def _portal_rows(self):
        """Return these bills as the portal's table shows them.

        :return: list of dicts of texts: number, kind, customer, seller, first, last, issued,
            amount, label and badge (of the state); and id and state
        """
        states = dict(self._fields["state"]._description_selection(self.env))
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        return [
            {
                "id": bill.id,
                "number": bill.name or self.env._("Draft"),
                "kind": kinds[bill.kind],
                "customer": bill.customer_name,
                "seller": bill.seller_name,
                "first": format_date(self.env, bill.date_from),
                "last": format_date(self.env, bill.date_to),
                "issued": format_date(self.env, bill.issued_on) if bill.issued_on else "",
                "amount": bill._amount_text(bill.amount_total),
                "state": bill.state,
                "label": states[bill.state],
                "badge": BADGES[bill.state],
            }
            for bill in self
        ]

    @api.model
    def _portal_acting(self, wallet):
        """Return this model with what the user needs to act for a reseller.

        :param wallet: ``tier.wallet`` whose bills are meant
        :return: empty recordset of staff with its own rights, of the reseller itself with all
        :raise AccessError: the wallet is somebody else's
        """
        if not wallet.with_env(self.env)._portal_is_own():
            raise AccessError(self.env._("This is somebody else's wallet."))
        return self if self.env.user._is_internal() else self.sudo()

    @api.model
    def _portal_create(self, wallet, vals):
        """Make a draft.

        :param wallet: ``tier.wallet`` of the reseller
        :param dict vals: of :data:`SETTABLE`
        :return: ``tier.bill``
        """
        acting = self._portal_acting(wallet)
        vals = {name: value for name, value in vals.items() if name in SETTABLE}
        return acting.create({**vals, "wallet_id": wallet.id}).with_env(self.env)

    def _portal_do(self, step, *args):
        """Let the reseller act on its own bill.

        :param str step: issue, refresh, cancel (with a reason), send, delete or change (with values)
        :raise AccessError: it is a bill of somebody else
        """
        self.ensure_one()
        self.check_access("read")
        # Whoever got the bill reads it as well.
        bill = self._portal_acting(self.wallet_id).browse(self.id)
        if step == "cancel":
            bill._cancel(*args)
        elif step == "delete":
            bill.unlink()
        elif step == "change":
            bill.write({name: value for name, value in args[0].items() if name in SETTABLE - {"child_id"}})
        else:
            {"issue": bill.action_issue, "refresh": bill.action_refresh, "send": bill.action_send}[step]()

    @api.model
    def _portal_defaults(self, wallet):
        """Return what a reseller wrote on its latest bill, for the next one.

        :param wallet: ``tier.wallet`` of the reseller
        :rtype: dict
        """
        latest = self.search([("wallet_id", "=", wallet.id)], limit=1)
        return {
            "kind": "invoice",
            "note": latest.note or "",
            "tax_name": latest.tax_name or "",
            "tax_percent": latest.tax_percent,
            "tax_included": latest.tax_included,
        }
