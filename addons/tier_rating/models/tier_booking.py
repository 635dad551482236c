from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.tier_billing.models.ledger_link import LedgerLink


class TierBookingLine(models.Model):
    """Usage is booked by service."""

    _inherit = "tier.booking.line"

    service_id = LedgerLink("tier.service", readonly=True)

    @api.model
    def _dimensions(self):
        return {**super()._dimensions(), "service_id": SQL("charge.service_id")}

    @api.model
    def _joins(self):
        # A payment has one charge, which what undoes or corrects it belongs to; leans on the charges'
        # index on the transfer.
        return SQL(
            """%s LEFT JOIN tier_charge charge ON charge.transfer_id = COALESCE(t.reverses_id, t.id)
                  AND t.kind IN ('usage', 'refund', 'rebate')""",
            super()._joins(),
        )

    def action_transfers(self):
        """Override: what was used opens as charges, which tell of the service."""
        self.ensure_one()
        if not self.service_id:
            return super().action_transfers()
        self.check_access("read")
        begin, end = self.env["tier.booking"]._utc_bounds(self.company_id, self.day)
        payer = self.from_account_id if self.from_inside else self.to_account_id
        action = self.env["ir.actions.actions"]._for_xml_id("tier_rating.tier_charge_action")
        action["context"] = {}
        action["domain"] = [
            ("date", ">=", fields.Datetime.to_string(begin)),
            ("date", "<", fields.Datetime.to_string(end)),
            ("wallet_id", "=", payer.wallet_id.id),
            ("service_id", "=", self.service_id.id),
            ("transfer_id", "!=", False),
            *self._charges_of_kind(),
        ]
        return action

    def _charges_of_kind(self):
        """Return the domain of the charges whose transfers are of this kind."""
        if self.kind == "refund":
            return [("reverses_id", "!=", False), ("rerating_id", "=", False)]
        if self.kind == "rebate":
            return [("rerating_id", "!=", False), ("cost", "<", 0)]
        return ["|", ("reverses_id", "=", False), "&", ("rerating_id", "!=", False), ("cost", ">", 0)]


class TierBooking(models.Model):
    """Revenue is told apart by service; its product knows the account and the taxes."""

    _inherit = "tier.booking"

    @api.model
    def _subject(self, row):
        service_id = row.dimensions.get("service_id")
        return self.env["tier.service"].browse(service_id) if service_id else super()._subject(row)

    @api.model
    def _product(self, subject):
        if subject is None or subject._name != "tier.service":
            return super()._product(subject)
        return subject.product_id if "product_id" in subject._fields else super()._product(subject)
