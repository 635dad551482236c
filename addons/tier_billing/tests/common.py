"""Chains of wallets with partners and currencies of their own, for the tests of all our add-ons.

Nothing here needs demo data. Mix :class:`ChainBuilder` into any ``TransactionCase`` or
``HttpCase``, or derive from :class:`TierBillingCase`.
"""

from contextlib import contextmanager
from decimal import Decimal

import psycopg2

from odoo import Command
from odoo.tests import TransactionCase, new_test_user, tagged
from odoo.tools import mute_logger

from ..ledger.writer import Movement

RATE_DAY = "2020-01-01"


class ChainBuilder:
    """Builds wallets, and reads money as exact numbers.

    Two currencies exist for the tests alone: one ``coin`` is 0.8 ``shell``.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context=dict(cls.env.context, tracking_disable=True, no_reset_password=True))
        cls.company = cls.env.company
        cls.coin = cls.new_currency("QCO", 1)
        cls.shell = cls.new_currency("QSH", 0.8)

    @classmethod
    def new_currency(cls, name, rate, rounding=0.01):
        """Create a currency with one exchange rate.

        :param float rate: units for one of the company's currency
        """
        currency = cls.env["res.currency"].create({"name": name, "symbol": name, "rounding": rounding})
        cls.set_rate(currency, rate)
        return currency

    @classmethod
    def set_rate(cls, currency, rate, day=RATE_DAY):
        """Set the exchange rate of a currency from a day on."""
        cls.env["res.currency.rate"].create(
            {"currency_id": currency.id, "rate": rate, "name": day, "company_id": cls.company.root_id.id}
        )

    @classmethod
    def new_wallet(cls, name, parent=None, **values):
        """Create a wallet and its partner; the provider's if there is no parent.

        :param values: fields of ``tier.wallet``; the currency is the parent's, or the coin
        """
        if not parent:
            values.setdefault("currency_id", cls.coin.id)
        partner = values.pop("partner_id", None) or cls.env["res.partner"].create({"name": name}).id
        return cls.env["tier.wallet"].create(
            {"name": name, "partner_id": partner, "parent_id": parent and parent.id, **values}
        )

    @classmethod
    def new_chain(cls, dealer="inside", user="inside"):
        """Create a provider, a reseller, a dealer and an end user.

        :param str dealer, user: whether their money is inside or outside
        :return: the four wallets from the top
        """
        provider = cls.new_wallet("Provider")
        reseller = cls.new_wallet("Reseller", provider)
        dealer = cls.new_wallet("Dealer", reseller, money=dealer)
        return provider, reseller, dealer, cls.new_wallet("User", dealer, money=user)

    @classmethod
    def portal_user(cls, wallet, login):
        """Create a portal login for a wallet's partner; its password is the login."""
        return cls.env["res.users"].create(
            {
                "login": login,
                "password": login,
                "partner_id": wallet.partner_id.id,
                "group_ids": [Command.set([cls.env.ref("base.group_portal").id])],
            }
        )

    @classmethod
    def staff(cls, role):
        """Create a member of staff.

        :param str role: ``auditor``, ``user``, ``manager``; else an employee without rights here
        """
        groups = "base.group_user"
        if role in ("auditor", "user", "manager"):
            groups = f"tier_billing.group_tier_{role}"
        return new_test_user(cls.env, f"tier_{role}", groups, password=f"tier_{role}")

    # ------------------------------------------------------------------
    # Exact figures, from the database itself
    # ------------------------------------------------------------------

    def account(self, kind, currency=None, wallet=None):
        """Return a contra account."""
        return self.env["tier.account"]._get(kind, self.company, currency or self.coin, wallet)

    def figure(self, account, name="balance"):
        """Return ``balance`` or ``held`` of a ledger account as the database has it."""
        self.env.flush_all()
        self.env.cr.execute(f"SELECT {name}::text FROM tier_account WHERE id = %s", [account.id])
        return Decimal(self.env.cr.fetchone()[0])

    def balance(self, wallet):
        return self.figure(wallet.account_id)

    def held(self, wallet):
        return self.figure(wallet.account_id, "held")

    def collected(self, wallet, currency=None):
        """Return the balance of a wallet's outside account."""
        return self.figure(self.account("outside", currency or wallet.currency_id, wallet))

    def earned(self, provider):
        """Return the balance of a provider's earnings."""
        return self.figure(self.account("earnings", provider.currency_id, provider))

    def usage(self, wallet, amount, key, **values):
        """Post what a wallet pays its parent for usage, past every price."""
        values = {"kind": "usage", "amount": Decimal(amount), "amount_to": Decimal(amount), **values}
        return self.env["tier.transfer"]._post(
            [
                Movement(
                    source_key=key,
                    from_account=wallet.account_id.id,
                    to_account=wallet.payee_account_id.id,
                    **values,
                )
            ]
        )

    # ------------------------------------------------------------------
    # Assertions
    # ------------------------------------------------------------------

    def assertBalances(self, *pairs):
        """Compare wallets with amounts, given in turn: ``assertBalances(u, "1.00", d, "0.20")``."""
        found = [str(self.balance(wallet).normalize()) for wallet in pairs[::2]]
        self.assertEqual(found, [str(Decimal(amount).normalize()) for amount in pairs[1::2]])

    def assertConserved(self):
        self.assertTrue(self.env["tier.account"]._is_conserved(), "money came from nowhere, or is lost")

    @contextmanager
    def assertDatabaseRefuses(self, words=""):
        """The block's SQL is refused by a constraint or trigger; the transaction goes on."""
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaisesRegex(psycopg2.IntegrityError, words),
            self.env.cr.savepoint(),
        ):
            yield

    @contextmanager
    def assertNothingMoves(self):
        """No transfer is posted in the block."""
        count = self.env["tier.transfer"].search_count([])
        yield
        self.assertEqual(self.env["tier.transfer"].search_count([]), count)


@tagged("post_install", "-at_install")
class TierBillingCase(ChainBuilder, TransactionCase):
    """A test of money on a chain of wallets."""
