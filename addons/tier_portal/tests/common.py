from datetime import datetime, timedelta
from decimal import Decimal

import pytz

from odoo import Command

from odoo.addons.tier_portal import period
from odoo.addons.tier_rating import charging
from odoo.addons.tier_rating.charging.usage import Usage

TZ = "Europe/Berlin"

# Whose portal users there are, from the reseller down.
OWNERS = ("reseller", "stranger", "dealer", "sibling", "user")
# The parents whose direct customers these are, as far as they have a portal user.
CUSTOMERS = {("reseller", "dealer"), ("reseller", "sibling"), ("dealer", "user")}

# What portal users may read something of; they change nothing of it.
OPEN = ("tier.wallet", "tier.transfer", "tier.charge", "tier.destination")
# What they may read of their disputes is tested with these.
DISPUTES = ("tier.dispute", "tier.dispute.line")
# And of the bills that they gave or got, with these.
BILLS = ("tier.bill", "tier.bill.line")


def closed_models(env):
    """Return the names of all other models of what the portal stands on.

    A model that somebody adds there is closed until it is named above.

    :param env: any environment
    :return: list of str
    """
    return [
        name
        for name, model in sorted(env.registry.items())
        if model._original_module in ("tier_billing", "tier_rating")
        and not model._abstract
        and name not in (*OPEN, *DISPUTES, *BILLS)
    ]


class ChainMixin:
    """A chain with calls in it, on top of a TransactionCase or HttpCase.

    ::

        provider ─┬─ reseller ─┬─ dealer ─── user
                  │            └─ sibling       (beside the dealer)
                  └─ stranger                   (beside the reseller)

    A minute to Germany costs the user 1.00, the dealer 0.80, the sibling 0.90,
    the reseller 0.70 and the stranger 0.60. Each has a portal user whose login
    and password are the name with ``portal_`` in front.

    =====================  =====  ========  ======  ========
    this month             user   dealer    resel.  provider
    =====================  =====  ========  ======  ========
    user: 3 min, 1 min     4.00   3.20      2.80
    user: nobody answered  0.00   0.00      0.00
    dealer: 2 min                 1.60      1.40
    sibling: 1 min         (pays 0.90)      0.70
    =====================  =====  ========  ======  ========
    """

    @classmethod
    def _set_up_chain(cls):
        cls.usd = cls.env.ref("base.USD")
        cls.provider = cls._wallet("provider")
        cls.reseller = cls._wallet("reseller", cls.provider, "0.70")
        cls.stranger = cls._wallet("stranger", cls.provider, "0.60")
        cls.dealer = cls._wallet("dealer", cls.reseller, "0.80")
        cls.sibling = cls._wallet("sibling", cls.reseller, "0.90")
        cls.user = cls._wallet("user", cls.dealer, "1.00")
        cls.users = {name: cls._portal_user(getattr(cls, name)) for name in OWNERS}
        cls.provider._topup(1000, "chain:provider", "Working funds")
        cls.reseller._topup(100, "chain:reseller", "Wire 4711")
        cls.dealer._allocate(50, "chain:dealer", "Opening credit")
        cls.sibling._allocate(20, "chain:sibling")
        cls.user._allocate(10, "chain:user", "Starter credit")
        # In the current month, as the portal users' calendar has it and as UTC has it.
        today = datetime.now(pytz.timezone(TZ)).date()
        cls.month = period.midnight(today.replace(day=1), pytz.timezone(TZ))
        cls.start = cls.month + timedelta(hours=30)
        cls._call(cls.user, 180, "4930111111", minutes=0)
        cls._call(cls.user, 60, "49301234567", minutes=10)
        cls._call(cls.user, 0, "49301239999", minutes=20, disposition="no_answer")
        cls._call(cls.dealer, 120, "4930222222", minutes=30)
        cls._call(cls.sibling, 60, "4930333333", minutes=40)
        cls._call(cls.stranger, 60, "4930444444", minutes=50)
        cls.env.flush_all()
        cls.env.invalidate_all()

    def _login(self, role):
        self.authenticate(f"portal_{role}", f"portal_{role}")

    def _own_page(self, wallet, page):
        return f"/my/wallets/{wallet.id}/{page}"

    def _customer_page(self, parent, child, page):
        return f"/my/wallets/{parent.id}/customers/{child.id}/{page}"

    def _who_gets_which(self, page):
        """Log each portal user in and yield a page of each wallet, its own and as everybody's customer.

        :param str page: the end of its address
        :return: iterator of (role, address, whether it is as a customer, whether the user may read it)
        """
        for role in OWNERS:
            self._login(role)
            for owner in (*OWNERS, "provider"):
                wallet = getattr(self, owner)
                yield role, self._own_page(wallet, page), False, role == owner
                for parent in OWNERS:
                    allowed = role == parent and (parent, owner) in CUSTOMERS
                    yield role, self._customer_page(getattr(self, parent), wallet, page), True, allowed

    @classmethod
    def _wallet(cls, name, parent=None, price=None, **values):
        """Open a wallet for a partner of its own; with a price also an endpoint and a price list.

        :param str name: of the wallet; its partner and endpoint are called so too
        :param str price: dollars a minute to Germany
        """
        wallet = cls.env["tier.wallet"].create(
            {
                "name": f"Chain {name}",
                "partner_id": cls.env["res.partner"].create({"name": f"Partner {name}"}).id,
                "parent_id": parent and parent.id,
                "currency_id": cls.usd.id,
                **values,
            }
        )
        if price:
            wallet.price_list_id = cls._price_list(parent, name, price)
            cls.env["tier.endpoint"].create({"wallet_id": wallet.id, "kind": "sip_user", "identifier": f"chain-{name}"})
        return wallet

    @classmethod
    def _price_list(cls, seller, name, price):
        brand = cls.env["tier.brand"].create(
            {
                "name": f"Brand for {name}",
                "wallet_id": seller.id,
                "currency_id": cls.usd.id,
                "tz": "UTC",
                "initial_increment": 60,
                "increment": 60,
            }
        )
        germany = cls.env["tier.destination"].search([("name", "=", "Chain Germany")])
        germany = germany or germany.create({"name": "Chain Germany"})
        price_list = cls.env["tier.price.list"].create({"name": name, "brand_id": brand.id})
        cls.env["tier.rate"].create(
            {
                "price_list_id": price_list.id,
                "prefix": "49",
                "price": float(price),
                "destination_id": germany.id,
            }
        )
        return price_list

    @classmethod
    def _portal_user(cls, wallet):
        login = f"portal_{wallet.name.split()[-1]}"
        return (
            cls.env["res.users"]
            .with_context(no_reset_password=True)
            .create(
                {
                    "partner_id": wallet.partner_id.id,
                    "login": login,
                    "password": login,
                    "tz": TZ,
                    "lang": "en_US",
                    "group_ids": [Command.set([cls.env.ref("base.group_portal").id])],
                }
            )
        )

    @classmethod
    def _call(cls, wallet, seconds, number, minutes=0, disposition="answered", start=None):
        """Charge a call through the charging path, in the test's own transaction.

        :param int minutes: after the beginning of the story
        :param start: naive UTC moment instead of ``minutes``
        """
        cls._use(
            wallet,
            "voice",
            seconds,
            number,
            start=start or cls.start + timedelta(minutes=minutes),
            disposition=disposition,
        )

    @classmethod
    def _use(cls, wallet, service, quantity, number, start=None, disposition="answered"):
        """Charge usage of any service; see :meth:`_call`."""
        start = start or cls.start
        name = wallet.name.split()[-1]
        cls.env.flush_all()  # the charging path reads the database itself
        outcome = charging.settle.charge(
            cls.env,
            [
                Usage(
                    source_key=f"chain:{name}:{number}:{start}",
                    service=service,
                    quantity=Decimal(quantity),
                    number=number,
                    callee=f"+{number}",
                    caller=f"chain-{name}",
                    accounts=(("sip_user", f"chain-{name}"),),
                    started_at=start,
                    answered_at=start if Decimal(quantity) else None,
                    disposition=disposition,
                )
            ],
        )
        assert outcome.charged == 1, outcome
        cls.env.invalidate_all()
