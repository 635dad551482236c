"""Chains that sell: brands, price lists, endpoints and calls, for the tests of all our add-ons.

Nothing here needs demo data. Mix :class:`RatingBuilder` into any ``TransactionCase`` or
``HttpCase``, or derive from :class:`TierRatingCase`.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from odoo.tests import TransactionCase, tagged

from odoo.addons.tier_billing.tests.common import ChainBuilder

from ..charging.authorize import Request, authorize
from ..charging.settle import charge, retry
from ..charging.usage import Usage

# A Friday, ten in the morning in UTC.
NOON = datetime(2026, 11, 20, 10, 0, 0)
NUMBER = "4930123456"


class RatingBuilder(ChainBuilder):
    """Builds what prices calls, and charges them in the test's own transaction."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.voice = cls.env.ref("tier_rating.service_voice")

    @classmethod
    def new_brand(cls, owner, **values):
        """Create a brand that bills whole minutes, in the owner's currency and to the cent."""
        return cls.env["tier.brand"].create(
            {
                "name": f"Brand of {owner.name}",
                "wallet_id": owner.id,
                "currency_id": owner.currency_id.id,
                "tz": "UTC",
                "initial_increment": 60,
                "increment": 60,
                "rounding_digits": 2,
                **values,
            }
        )

    @classmethod
    def new_list(cls, brand, rates=None, **values):
        """Create a price list.

        :param dict rates: price of a minute by prefix
        """
        price_list = cls.env["tier.price.list"].create(
            {"name": f"List of {brand.name}", "brand_id": brand.id, **values}
        )
        for prefix, price in (rates or {}).items():
            cls.new_rate(price_list, prefix, price)
        return price_list

    @classmethod
    def new_rate(cls, price_list, prefix, price, **values):
        return cls.env["tier.rate"].create(
            {"price_list_id": price_list.id, "prefix": prefix, "price": float(price), **values}
        )

    @classmethod
    def sell(cls, wallet, rates, **brand_values):
        """Give a wallet a price list of its parent's: what it pays.

        :param dict rates: price of a minute by prefix
        :param brand_values: fields of the parent's brand
        """
        brand = cls.new_brand(wallet.parent_id or wallet, **brand_values)
        wallet.price_list_id = cls.new_list(brand, rates)
        return wallet.price_list_id

    @classmethod
    def new_endpoint(cls, wallet, identifier, **values):
        return cls.env["tier.endpoint"].create({"wallet_id": wallet.id, "identifier": identifier, **values})

    @classmethod
    def new_switch(cls, code, adapter="asterisk_csv", **values):
        return cls.env["tier.switch"].create(
            {"name": code, "code": code, "adapter": adapter, "country_prefix": "49", **values}
        )

    @classmethod
    def new_selling_chain(cls, dealer="inside", user="inside", carrier="0.50"):
        """Create the chain of the worked examples: a minute costs 1.00, 0.80 and 0.70.

        The end user's endpoint is the SIP user ``user``.

        :return: the four wallets from the top
        """
        chain = provider, reseller, dealer, user = cls.new_chain(dealer, user)
        for wallet, price in ((reseller, "0.70"), (dealer, "0.80"), (user, "1.00")):
            cls.sell(wallet, {"49": price})
        if carrier:
            cls.sell(provider, {"49": carrier})
        cls.new_endpoint(user, "user")
        return chain

    # ------------------------------------------------------------------
    # Calls
    # ------------------------------------------------------------------

    @staticmethod
    def call(key, seconds=60, number=NUMBER, account="user", at=NOON, **values):
        """Return the usage of one call.

        :param seconds: from answer to end; 0 = not answered
        :param str account: SIP user that calls
        :param datetime at: answer, in UTC
        """
        values = {
            "accounts": (("sip_user", account),),
            "started_at": at - timedelta(seconds=5),
            "answered_at": at if seconds else None,
            "ended_at": at + timedelta(seconds=int(seconds)),
            "disposition": "answered" if seconds else "no_answer",
            "caller": account,
            "callee": number,
            **values,
        }
        return Usage(source_key=key, quantity=Decimal(seconds), number=number, **values)

    def charge(self, *usages):
        """Charge calls, and return what became of them."""
        self.env.flush_all()
        outcome = charge(self.env, usages)
        self.env.invalidate_all()
        return outcome

    def retry(self, events):
        """Price events in suspense again."""
        self.env.flush_all()
        outcome = retry(self.env, events.ids)
        self.env.invalidate_all()
        return outcome

    @staticmethod
    def request(key, number=NUMBER, account="user", at=NOON, **values):
        """Return a request for a session."""
        values.setdefault("accounts", (("sip_user", account),))
        return Request(session_key=key, number=number, at=at, **values)

    def authorize(self, *requests):
        """Ask for sessions.

        :return: the answer, or a list of them if several were asked for
        """
        self.env.flush_all()
        answers = authorize(self.env, requests)
        self.env.invalidate_all()
        answers = [answers[request.session_key] for request in requests]
        return answers[0] if len(answers) == 1 else answers

    # ------------------------------------------------------------------
    # What came of them
    # ------------------------------------------------------------------

    def event(self, key):
        return self.env["tier.usage.event"].search([("source_key", "=", key)])

    def shares(self, key):
        """Return each tier's (wallet, sale, cost, margin) of an event, the payer's first, exactly."""
        self.env.cr.execute(
            """SELECT c.wallet_id, c.sale::text, c.cost::text, c.margin::text
                 FROM tier_charge c JOIN tier_usage_event e ON e.id = c.event_id
                WHERE e.source_key = %s ORDER BY c.tier DESC""",
            [key],
        )
        return [
            (self.env["tier.wallet"].browse(row[0]), *(str(Decimal(amount).normalize() + 0) for amount in row[1:]))
            for row in self.env.cr.fetchall()
        ]

    def assertShares(self, key, *expected):
        """Compare the shares of an event with (wallet, sale, cost, margin)."""
        self.assertEqual(
            self.shares(key),
            [(wallet, *(str(Decimal(amount).normalize() + 0) for amount in amounts)) for wallet, *amounts in expected],
        )

    def assertSuspense(self, key, reason, words=""):
        """An event waits with this reason; nobody was charged."""
        event = self.event(key)
        self.assertEqual((event.state, event.reason), ("suspense", reason))
        self.assertIn(words, event.detail)
        self.assertFalse(event.charge_ids)

    def cost(self, seconds=60, **values):
        """Charge one call and return what the caller paid for it."""
        self._calls = getattr(self, "_calls", 0) + 1
        key = f"cost:{self._calls}"
        self.charge(self.call(key, seconds, **values))
        event = self.event(key)
        self.assertEqual((event.state, event.reason), ("charged", False), event.detail)
        return Decimal(self.shares(key)[0][2])


@tagged("post_install", "-at_install")
class TierRatingCase(RatingBuilder, TransactionCase):
    """A test of prices and charges on a chain of wallets."""
