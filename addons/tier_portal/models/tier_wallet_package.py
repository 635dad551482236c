from decimal import Decimal

from odoo import fields, models

from odoo.addons.tier_rating.ratesheet import layout

from .. import formatting


class TierWallet(models.Model):
    """The packages of a wallet, for its owner and for who sells to it."""

    _inherit = "tier.wallet"

    def _portal_packages(self):
        """Return the packages of this wallet that run, or are to begin.

        Only those of its present parent, as only they count.

        :return: list of dicts of texts; see :meth:`_portal_package_row`
        """
        self.ensure_one()
        self.check_access("read")
        now = fields.Datetime.now()
        # sudo: the periods of this wallet, which was checked; their packages are its parent's.
        wallet = self.sudo()
        periods = wallet.env["tier.package.balance"].search(
            [
                ("wallet_id", "=", wallet.id),
                ("date_to", ">", now),
                ("package_id.brand_id.wallet_id", "=", wallet.parent_id.id),
            ],
            order="date_from, id",
        )
        running = periods.filtered(lambda period: period.date_from <= now)
        rows = [self._portal_package_row(period, "running") for period in running]
        coming = periods - running
        for subscription in coming.subscription_id - running.subscription_id:
            first = coming.filtered(lambda period, of=subscription: period.subscription_id == of)[:1]
            rows.append(self._portal_package_row(first, "coming"))
        return rows

    def _portal_package_row(self, period, state):
        """Return what the page shows of a package in a period.

        :param period: ``tier.package.balance`` with the rights of the system
        :param str state: running or coming
        :return: dict of texts, and of the numbers ``percent`` and ``subscription_id``
        """
        package, service = period.package_id, period.package_id.service_id
        brand_clock = self.with_context(tz=package.brand_id.tz)
        # A running period whose fee is due includes nothing yet, but would.
        whole = period.quantity or package.quantity
        waiting = period.fee_state == "due" and state == "running"
        left = 0 if waiting else max(whole - period.used, 0)

        def units(quantity):
            number = layout.price(self.env, Decimal(str(quantity)) / service.price_per, 0)
            if service.is_time and service.price_per == 60:
                return self.env._("%s minutes", number)
            # Units are named in the plural, what a price is for in the singular.
            return f"{number} {service.unit if service.price_per == 1 else layout.unit(service)}"

        # The last day, not the moment after it.
        last = fields.Datetime.subtract(period.date_to, seconds=1)
        endless = period.date_to.year >= 2900
        return {
            "subscription_id": period.subscription_id.id,
            "name": package.name,
            "service": service.name,
            "destinations": ", ".join(package.destination_ids.mapped("name")),
            "shared": package.shared,
            "state": state,
            "waiting": waiting,
            "reason": dict(period._fields["fee_reason"]._description_selection(self.env)).get(period.fee_reason, ""),
            "included": units(whole),
            "used": units(period.used),
            "left": units(left),
            "percent": 100 * left / whole if whole else 0,
            "from": formatting.moment(brand_clock, period.date_from)[0],
            "until": "" if endless else formatting.moment(brand_clock, last)[0],
            "ends": bool(period.subscription_id.date_to),
            "fee": self._portal_fee(package),
            "monthly": package.period == "month",
        }

    def _portal_fee(self, package):
        """Return what a package costs in a period as text, empty if nothing.

        :param package: ``tier.package`` with the rights of the system
        """
        if not package.fee:
            return ""
        digits = formatting.digits_for(package.currency_id, [package.fee])
        return formatting.money(self.env, package.fee, package.currency_id, digits)

    def _portal_packages_for_sale(self):
        """Return what a reseller may give its customers.

        :return: list of dicts with id, name, fee and included
        """
        self.ensure_one()
        return [
            {
                "id": package.id,
                "name": package.name,
                "fee": self._portal_fee(package),
            }
            for package in self._packages_for_sale()
        ]
