from decimal import Decimal

from odoo import models
from odoo.tools import SQL, format_datetime

from odoo.addons.tier_billing.statements import layout

from ...invoicing.call_list import masked, plain


class TierStay(models.Model):
    """The folio: what a guest used and paid, itemised."""

    _inherit = "tier.stay"

    def _balance_now(self):
        """Return what the guest's wallet has, exactly.

        :rtype: Decimal
        """
        self.ensure_one()
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT balance::text FROM tier_account WHERE id = %s", [self.wallet_id.sudo().account_id.id]
        )
        return Decimal(self.env.cr.fetchone()[0])

    def action_folio(self):
        """Print the folio, as it is at this moment.

        :return: a report action
        """
        self.check_access("read")
        return self.env.ref("tier_rating.tier_folio_report").report_action(self, config=False)

    def action_send_folio(self):
        """Open a message to the guest with the folio attached.

        :return: a window action
        """
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Send the folio"),
            "res_model": "mail.compose.message",
            "view_mode": "form",
            "target": "new",
            "context": {
                "default_composition_mode": "comment",
                "default_model": self._name,
                "default_res_ids": self.ids,
                "default_template_id": self.env.ref("tier_rating.mail_template_folio").id,
                "force_email": True,
            },
        }

    def _folio(self):
        """Return what the folio shows, in the order of time.

        :return: dict of ``items`` and ``calls`` (dicts of text), the sums of both, ``payments``
            and the ``balance``; all amounts as text
        """
        self.ensure_one()
        tz = self.sudo().hotel_id.price_list_id.brand_id.tz or "UTC"
        used = self._used()
        paid = self._paid()
        currency = self.currency_id
        amounts = [row["cost"] for row in used] + [row[2] for row in paid]
        digits = layout.digits_for(currency, amounts)

        def money(amount):
            return layout.money(self.env, amount, currency, digits)

        def moment(value):
            return format_datetime(self.env, value, tz=tz, dt_format="short")

        for row in used:
            row.update(date=moment(row["date"]), amount=money(row["cost"]))
        items = [row for row in used if not row["is_time"]]
        calls = [row for row in used if row["is_time"]]
        return {
            "items": items,
            "calls": calls,
            "items_total": money(sum((row["cost"] for row in items), Decimal(0))),
            "calls_total": money(sum((row["cost"] for row in calls), Decimal(0))),
            "total": money(sum((row["cost"] for row in used), Decimal(0))),
            "payments": [
                {"date": moment(date), "reason": reason or "", "in": amount > 0, "amount": money(abs(amount))}
                for date, reason, amount in paid
            ],
            "tz": tz,
            "balance": sum((row[2] for row in paid), Decimal(0)) - sum((row["cost"] for row in used), Decimal(0)),
            "money": money,
            "moment": moment,
            "rooms": [
                {
                    "name": occupancy.room_id.name,
                    "from": moment(occupancy.date_from),
                    "to": occupancy.date_to and moment(occupancy.date_to),
                }
                for occupancy in self.occupancy_ids.sorted("date_from")
            ],
        }

    def _used(self):
        """Read what the guest's wallet was charged for. Leans on the charges' index on the wallet.

        :return: list of dicts; ``cost`` is exact, negative for what was refunded
        """
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                SELECT c.date, c.cost::text, c.quantity::text, c.billed_quantity::text, c.service_id,
                       c.destination_id, e.number, e.callee, c.reverses_id IS NOT NULL AND c.rerating_id IS NULL
                  FROM tier_charge c JOIN tier_usage_event e ON e.id = c.event_id
                 WHERE c.wallet_id = %s AND c.answered ORDER BY c.date, c.id""",
                self.wallet_id.id or 0,
            )
        )
        rows = self.env.cr.fetchall()
        services, destinations = self.env["tier.service"].sudo(), self.env["tier.destination"].sudo()
        hidden = self.sudo().hotel_id.hidden_digits
        used = []
        for date, cost, quantity, billed, service_id, destination_id, number, callee, refund in rows:
            service, destination = services.browse(service_id), destinations.browse(destination_id)
            shown = masked(number or "", hidden) if service.is_time else number
            used.append(
                {
                    "date": date,
                    "cost": Decimal(cost),
                    "quantity": plain(Decimal(quantity)),
                    "clock": _clock(Decimal(billed)),
                    "is_time": service.is_time,
                    "what": destination.name or (service.name if service else shown) or "",
                    "number": shown if service.is_time else "",
                    "note": "" if service.is_time else callee or "",
                    "refund": refund,
                }
            )
        return used

    def _paid(self):
        """Read what the guest paid and got back.

        :return: list of (naive UTC datetime, reason, signed Decimal amount)
        """
        account = self.wallet_id.sudo().account_id.id or 0
        self.env.cr.execute(
            SQL(
                """
                SELECT date, reason, (CASE WHEN to_account_id = %(account)s THEN amount_to ELSE -amount END)::text
                  FROM tier_transfer
                 WHERE (from_account_id = %(account)s OR to_account_id = %(account)s)
                   AND kind NOT IN ('usage', 'refund', 'rebate')
                 ORDER BY date, id""",
                account=account,
            )
        )
        return [(date, reason, Decimal(amount)) for date, reason, amount in self.env.cr.fetchall()]

    def _folio_name(self):
        """Return the name of the PDF without its extension."""
        self.ensure_one()
        return self.env._("Folio %(room)s %(guest)s", room=self.room_id.name, guest=self.partner_id.name).replace(
            "/", "-"
        )


def _clock(seconds):
    """Return seconds as people read the length of a call.

    >>> _clock(Decimal(65)), _clock(Decimal(3725))
    ('1:05', '1:02:05')
    """
    minutes, rest = divmod(abs(int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
    return f"−{text}" if seconds < 0 else text
