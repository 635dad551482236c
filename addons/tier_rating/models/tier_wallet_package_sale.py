from dateutil.relativedelta import relativedelta

from odoo import fields, models
from odoo.exceptions import AccessError, MissingError, UserError

from odoo.addons.tier_billing import ledger


class TierWallet(models.Model):
    """Packages that the owner of a wallet sells to its direct customers by itself."""

    _inherit = "tier.wallet"

    may_sell_packages = fields.Boolean(
        "Gives packages",
        tracking=True,
        groups="base.group_user",
        help="Its owner subscribes its direct customers to packages of its own brands in the portal.",
    )

    def _packages_for_sale(self):
        """Return the packages that this wallet's owner may give its customers.

        :return: ``tier.package``, with the rights of the system
        """
        self.ensure_one()
        # sudo: of this wallet's own brands, for its owner.
        wallet = self.sudo()
        if not wallet.may_sell_packages or wallet.state != "active":
            return self.env["tier.package"].sudo()
        return wallet.env["tier.package"].search([("brand_id.wallet_id", "=", wallet.id)])

    def _sell_package(self, child, package_id, request_key):
        """Subscribe a direct customer to a package, as the owner of this wallet.

        :param child: ``tier.wallet`` of the customer
        :param int package_id: of a package of this wallet's brands
        :param str request_key: names the form; sent twice it is one subscription
        :return: ``tier.package.subscription``, with the rights of the system
        :raise AccessError: it is not the user's wallet, customer or package, or it may not sell any
        :raise UserError: the customer has the package already, or its wallet is closed
        """
        self._lock_customer(child)
        # sudo: an owner subscribes its own customers to its own packages, nothing else.
        Subscription = self.env["tier.package.subscription"].sudo()
        known = Subscription.search([("request_key", "=", request_key), ("wallet_id", "=", child.id)])
        if known:
            return known
        package = self._packages_for_sale().filtered(lambda package: package.id == package_id)
        if not package:
            raise AccessError(self.env._("This is no package that you may give."))
        if child.sudo().state == "closed":
            raise UserError(self.env._("%s is closed.", child.name))
        if Subscription.search_count(
            [("wallet_id", "=", child.id), ("package_id", "=", package.id), ("date_to", "=", False)], limit=1
        ):
            raise UserError(
                self.env._("%(customer)s has %(package)s already.", customer=child.name, package=package.name)
            )
        return Subscription.create(
            {
                "wallet_id": child.id,
                "package_id": package.id,
                "date_from": self._today_of(package),
                "request_key": request_key,
            }
        )

    def _end_package(self, child, subscription_id):
        """End a customer's subscription with its current period; repeating it changes nothing.

        :param child: ``tier.wallet`` of the customer
        :param int subscription_id: of a subscription to a package of this wallet's brands
        :raise AccessError: it is not the user's wallet or customer, or it may not sell any
        :raise MissingError: there is no such subscription
        """
        self._lock_customer(child)
        subscription = (
            self.env["tier.package.subscription"]
            .sudo()
            .search([("id", "=", subscription_id), ("wallet_id", "=", child.id)])
        )
        if not subscription or subscription.package_id.brand_id.wallet_id != self.sudo():
            raise MissingError(self.env._("There is no such subscription."))
        if not self.sudo().may_sell_packages:
            raise AccessError(self.env._("You may not change packages."))
        today = self._today_of(subscription.package_id)
        last = today if subscription.package_id.period == "once" else today + relativedelta(day=31)
        last = max(last, subscription.date_from)
        if not subscription.date_to or subscription.date_to > last:
            subscription.date_to = last

    def _lock_customer(self, child):
        """Let one request at a time change a customer's packages, if it is the user's customer."""
        self.ensure_one()
        ledger.cursor.see_commits(self.env.cr)
        self._check_is_of_user()
        child.check_access("read")
        if child.sudo().parent_id.id != self.id:
            raise AccessError(self.env._("This is no customer of yours."))
        self.env.cr.execute("SELECT id FROM tier_wallet WHERE id = %s FOR NO KEY UPDATE", [child.id])

    def _today_of(self, package):
        """Return today's date on the clock of a package's brand."""
        clock = self.with_context(tz=package.sudo().brand_id.tz)
        return fields.Datetime.context_timestamp(clock, fields.Datetime.now()).date()
