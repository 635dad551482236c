from odoo import api, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL, format_date

from odoo.addons.tier_billing.statements import layout

BADGES = {
    "draft": "text-bg-secondary",
    "issued": "text-bg-success",
    "cancelled": "text-bg-danger",
}
# Bills that one click makes, issues or mails.
MANY = 100
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

    @api.model
    def _portal_create_all(self, wallet, vals):
        """Make a draft for every direct customer with usage that stands on no bill of that kind yet.

        So many at most that a page does not wait long; the next call makes the rest.

        :param wallet: ``tier.wallet`` of the reseller
        :param dict vals: of :data:`SETTABLE`, without a customer
        :return: ``tier.bill``
        """
        acting = self._portal_acting(wallet)
        vals = {name: value for name, value in vals.items() if name in SETTABLE - {"child_id", "brand_id"}}
        start, stop = layout.span(vals["date_from"], vals["date_to"], wallet._statement_tz())
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                SELECT w.id FROM tier_wallet w
                 WHERE w.parent_id = %(wallet)s AND EXISTS (
                       SELECT FROM tier_charge c
                        WHERE c.child_id = w.id AND c.wallet_id = %(wallet)s AND c.answered
                          AND c.date >= %(start)s AND c.date < %(stop)s AND %(free)s)
                 ORDER BY w.name, w.id LIMIT %(limit)s
                """,
                wallet=wallet.id,
                start=start,
                stop=stop,
                free=SQL(
                    "NOT EXISTS (SELECT FROM tier_bill_charge l WHERE l.charge_id = c.id)"
                    if vals["kind"] == "invoice"
                    else """NOT EXISTS (SELECT FROM tier_bill b
                             WHERE b.wallet_id = c.wallet_id AND b.child_id = c.child_id
                               AND b.kind = 'statement' AND b.state != 'cancelled'
                               AND b.start_at = %s AND b.stop_at = %s)""",
                    *(() if vals["kind"] == "invoice" else (start, stop)),
                ),
                limit=MANY,
            )
        )
        return acting.create(
            [{**vals, "wallet_id": wallet.id, "child_id": child} for (child,) in self.env.cr.fetchall()]
        ).with_env(self.env)

    @api.model
    def _portal_do_all(self, wallet, step):
        """Issue all drafts of a reseller that bill something, or mail all that was not mailed.

        :param wallet: ``tier.wallet`` of the reseller
        :param str step: issue or send
        :return: how many were done; at most as many as a page may wait for
        :rtype: int
        """
        acting = self._portal_acting(wallet)
        domain = Domain("wallet_id", "=", wallet.id)
        if step == "issue":
            bills = acting.search(
                domain & Domain("state", "=", "draft") & Domain("line_ids", "!=", False), order="id", limit=MANY
            )
            bills.action_issue()
        else:
            bills = acting.search(
                domain
                & Domain("state", "=", "issued")
                & Domain("sent_on", "=", False)
                & Domain("child_id.partner_id.email", "!=", False),
                order="id",
                limit=MANY,
            )
            bills.action_send()
        return len(bills)

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
