from odoo import fields, models

from odoo.addons.tier_rating.engine.part import Part

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
        package = period.package_id
        brand_clock = self.with_context(tz=package.brand_id.tz)
        # A running period whose fee is due includes nothing yet, but would.
        part = Part(period.days, period.month_days)
        refunded = period.fee_state == "refunded"
        whole = period.quantity if refunded else period.quantity or package._units_of(part)
        waiting = period.fee_state == "due" and state == "running"
        left = 0 if waiting else max(whole - period.used, 0)

        # The last day, not the moment after it.
        last = fields.Datetime.subtract(period.date_to, seconds=1)
        endless = period.date_to.year >= 2900
        return {
            "subscription_id": period.subscription_id.id,
            "name": package.name,
            "service": package.service_id.name,
            "destinations": ", ".join(package.destination_ids.mapped("name")),
            "shared": package.shared,
            "state": state,
            "waiting": waiting,
            "refunded": refunded,
            "part": "" if part.is_whole else period.part,
            "reason": dict(period._fields["fee_reason"]._description_selection(self.env)).get(period.fee_reason, ""),
            "included": package._units_text(whole),
            "used": package._units_text(period.used),
            "left": package._units_text(left),
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

    def _portal_packages_for_sale(self, child):
        """Return what a reseller may give a customer, and what that would cost it.

        :param child: ``tier.wallet`` of the customer, which was checked
        :return: list of dicts with id, name, service, destinations and quote: what is charged, in words
        """
        self.ensure_one()
        packages = self._packages_for_sale()
        # sudo: what the customer pays its parent, who asks.
        child = child.sudo()
        quotes = packages._quotes(child)
        return [
            {
                "id": package.id,
                "name": package.name,
                "service": package.service_id.name,
                "destinations": ", ".join(package.destination_ids.mapped("name")),
                "quote": package._quote_text(child, quotes[package]),
                "refused": bool(quotes[package].reason),
            }
            for package in packages
        ]
