"""A database with wallets, calls and a clock of its own, and what must be true of it.

>>> with arena.planting() as plant:                       # doctest: +SKIP
...     provider = plant()
...     reseller = plant(provider, "0.30")
...     user = plant(reseller, "0.60", money="outside")
>>> arena.fund(reseller, "10")                            # doctest: +SKIP
>>> arena.ask(arena.request(user, 60)).granted            # doctest: +SKIP
60
"""

import itertools
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import psycopg2.extensions
from odoo_process import committed, connect

NUMBER = "4930123456"
# ISO 4217's code for tests. Units for one dollar: exact in both directions.
OTHER_CURRENCY, OTHER_RATE = "XTS", Decimal("1.25")
RATES = {"USD": Decimal(1), OTHER_CURRENCY: OTHER_RATE}


@dataclass(frozen=True)
class Wallet:
    """A wallet as the tests know it: what it pays is computed here, not by the product.

    :param price: per minute, in its own currency, billed by the second
    """

    id: int
    account_id: int
    payee_id: int
    parent: "Wallet | None"
    price: Decimal
    currency: str
    inside: bool

    def pays(self, seconds):
        """What it pays its parent for a call, in its own currency."""
        return self.price * seconds / 60

    @property
    def chain(self):
        """Itself and those above it, the provider last."""
        return [self, *(self.parent.chain if self.parent else ())]


class Arena:
    """One database; every tree, session and event in it has a name of its own."""

    def __init__(self, database, prefix=""):
        """Reach a database.

        :param prefix: begins every name, for one of several processes on one database
        """
        self.database = database
        self.prefix = prefix
        self.numbers = itertools.count(1)
        self._kept = None
        with self.env() as env:
            self.registry = env.registry
        # Charging and authorizing take nothing of it but the registry and the user, so that
        # fifty threads can share it.
        self._shared_cursor = self.registry.cursor()
        self._shared = self.env_of(self._shared_cursor)

    def prepare(self, durable=False):
        """Make a copy of the template ready for these tests, once.

        :param durable: commits wait for the disk, which most tests have no use for
        """
        with self.connect() as connection, connection.cursor() as cursor:
            # A test that hangs shall fail, and waiting for the disk proves nothing here.
            for setting in ("statement_timeout = '40s'", f"synchronous_commit = {'on' if durable else 'off'}"):
                cursor.execute(f'ALTER DATABASE "{self.database}" SET {setting}')
        with self.env() as env:
            env.company.currency_id = env.ref("base.USD")
            currency = env["res.currency"].create({"name": OTHER_CURRENCY, "symbol": "¤", "rounding": 0.01})
            currency.rate_ids = [(0, 0, {"name": "2000-01-01", "rate": float(OTHER_RATE)})]

    def close(self):
        self._shared_cursor.close()

    def env(self, user=1):
        """The environment of a real transaction, committed at the block's end."""
        return committed(self.database, user)

    @staticmethod
    def env_of(cr, user=1):
        """The environment of a cursor that somebody else closes."""
        from odoo import api

        return api.Environment(cr, user, {})

    def connect(self):
        """A plain connection that commits every statement; the caller closes it."""
        connection = connect(self.database)
        connection.autocommit = True
        # Odoo has numbers read as floats in the whole process; money is compared exactly here.
        psycopg2.extensions.register_type(psycopg2.extensions.DECIMAL, connection)
        return connection

    def rows(self, statement, *parameters):
        """What a statement by hand returns."""
        if self._kept:
            return self._rows(self._kept, statement, parameters)
        connection = self.connect()
        try:
            return self._rows(connection, statement, parameters)
        finally:
            connection.close()

    @staticmethod
    def _rows(connection, statement, parameters):
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def kept_connection(self):
        """Have statements by hand share a connection: for thousands of them, by one thread."""
        self._kept = self.connect()
        try:
            yield
        finally:
            self._kept.close()
            self._kept = None

    def value(self, statement, *parameters):
        """The one value that a statement by hand returns."""
        return self.rows(statement, *parameters)[0][0]

    # --- wallets ------------------------------------------------------------

    @contextmanager
    def planting(self):
        """Yield a function that makes wallets, committed together at the block's end."""
        with self.env() as env:
            yield lambda *args, **values: self._plant(env(context={"tracking_disable": True}), *args, **values)

    def _plant(self, env, parent=None, price="0", currency=None, **values):
        """Make a wallet with a price list of its own.

        :param Wallet parent: whom it buys from; None makes a provider
        :param price: per minute
        :param values: more fields of ``tier.wallet``
        """
        name = f"Wallet {next(self.numbers)}"
        currency = currency or (parent.currency if parent else "USD")
        wallet = env["tier.wallet"].create(
            {
                "name": name,
                "partner_id": env["res.partner"].create({"name": name}).id,
                "parent_id": parent and parent.id,
                "currency_id": env["res.currency"].search([("name", "=", currency)]).id,
                **values,
            }
        )
        if parent:
            brand = env["tier.brand"].create(
                {
                    "name": name,
                    "wallet_id": parent.id,
                    "currency_id": wallet.currency_id.id,
                    "tz": "UTC",
                    "rounding_digits": 6,
                }
            )
            wallet.price_list_id = env["tier.price.list"].create({"name": name, "brand_id": brand.id})
            env["tier.rate"].create(
                {
                    "price_list_id": wallet.price_list_id.id,
                    "prefix": NUMBER[:2],
                    "price": float(price),
                    "service_id": env.ref("tier_rating.service_voice").id,
                }
            )
        env.flush_all()
        return Wallet(
            wallet.id,
            wallet.account_id.id,
            wallet.payee_account_id.id,
            parent,
            Decimal(price),
            currency,
            wallet.money == "inside",
        )

    def fund(self, wallet, amount):
        """Give a wallet funds: the provider's money if inside, its parent's credit if outside."""
        with self.env() as env:
            record = env["tier.wallet"].browse(wallet.id)
            move = record._topup if wallet.inside else record._allocate
            move(Decimal(amount), self.key("fund"))

    def dialog(self, wallet, operation, amount):
        """Open the dialog of wallet operations and fill it in; return its id."""
        with self.env() as env:
            values = {"wallet_id": wallet.id, "operation": operation, "amount": amount, "reason": "why"}
            return env["tier.wallet.operation"].create(values).id

    def press(self, dialog):
        """Press the dialog's button, in a request: "done", or what the person is told."""
        from odoo.exceptions import UserError
        from odoo.service.model import retrying

        with self.registry.cursor() as cr:
            record = self.env_of(cr)["tier.wallet.operation"].browse(dialog)
            record.wallet_id.mapped("name")  # a request has read something before it gets there
            try:
                retrying(record.action_apply, record.env)
            except UserError as error:
                return str(error)
        return "done"

    # --- calls --------------------------------------------------------------

    def key(self, what):
        """A name that nothing else has."""
        return f"{self.prefix}{what}-{next(self.numbers)}"

    def request(self, wallet, seconds=None, key=None, ago=timedelta(0)):
        """A session that asks to begin.

        :param seconds: asked for; None for as many as possible
        :param ago: how long ago it asked; its hold's end lies as much earlier
        """
        from odoo.addons.tier_rating.charging.authorize import Request

        return Request(
            session_key=key or self.key("session"),
            number=NUMBER,
            at=now() - ago,
            wallet_id=wallet.id,
            requested=seconds,
        )

    def usage(self, wallet, seconds, key=None, session_key=None):
        """A call that ended."""
        from odoo.addons.tier_rating.charging.usage import Usage

        return Usage(
            source_key=key or self.key("event"),
            session_key=session_key,
            quantity=Decimal(seconds),
            number=NUMBER,
            wallet_id=wallet.id,
            started_at=now() - timedelta(seconds=seconds),
            ended_at=now(),
        )

    def authorize(self, requests):
        """The answers to a batch of requests, in their order."""
        answers = self._shared["tier.session"]._authorize(requests)
        return [answers[request.session_key] for request in requests]

    def ask(self, request):
        """The answer to one request."""
        return self.authorize([request])[0]

    def charge(self, usages):
        """What became of a batch of calls."""
        return self._shared["tier.usage.event"]._charge(usages)

    def retry(self, event_ids):
        """What became of events that waited in suspense."""
        return self._shared["tier.usage.event"]._retry(event_ids)

    def call(self, wallet, asked, lasts):
        """Authorize a call and, if it may begin, settle it.

        :param asked: seconds to ask for
        :param lasts: seconds that it lasts, unless less is granted
        :return: the seconds that it lasted, 0 when refused
        """
        request = self.request(wallet, asked)
        seconds = min(lasts, self.ask(request).granted)
        if seconds:
            outcome = self.charge([self.usage(wallet, seconds, session_key=request.session_key)])
            assert (outcome.charged, outcome.suspense, outcome.duplicate) == (1, 0, 0)
        return seconds

    def is_waited_for(self, connection, going_on=lambda: True):
        """Wait until somebody waits for a lock of this connection.

        :param going_on: tells whether somebody still may
        """
        deadline = time.monotonic() + 20
        watch = self.connect()
        try:
            with watch.cursor() as cursor:
                while going_on() and time.monotonic() < deadline:
                    cursor.execute(
                        "SELECT FROM pg_locks WHERE NOT granted AND %s = ANY(pg_blocking_pids(pid))",
                        [connection.info.backend_pid],
                    )
                    if cursor.rowcount:
                        return True
                    time.sleep(0.002)
        finally:
            watch.close()
        return False

    # --- what must be true --------------------------------------------------

    def account(self, account_id):
        """(balance, held, open sessions) of a ledger account."""
        return self.rows("SELECT balance, held, open_sessions FROM tier_account WHERE id = %s", account_id)[0]

    def balance(self, wallet):
        return self.account(wallet.account_id)[0]

    def balances_after(self, calls):
        """What the balances of all wallets concerned must be once each call is charged once, by hand.

        :param calls: pairs (wallet, seconds)
        :return: dict of :class:`Wallet` to balance
        """
        calls = list(calls)
        wallets = {above for wallet in {wallet for wallet, _seconds in calls} for above in wallet.chain}
        balances = {wallet: self.balance(wallet) for wallet in wallets}
        for payer, seconds in calls:
            for wallet in payer.chain[:-1]:
                cost = wallet.pays(seconds)
                balances[wallet] -= cost
                # What a customer of the provider pays is earned, what an outside one pays is a memo.
                if wallet.inside and wallet.parent.parent:
                    balances[wallet.parent] += cost * RATES[wallet.parent.currency] / RATES[wallet.currency]
        return balances

    def check_ledger(self):
        """Invariants 1 and 2 and the sums of holds, as the product audits itself and by hand."""
        with self.env() as env:
            assert env["tier.account"]._is_conserved()
        self.check_accounts()

    def check_accounts(self, wallets=None):
        """The same by statements of our own, with indexes, for accounts of some wallets or all.

        Balances from the transfers one account at a time; held from the open holds; zero in all.
        """
        accounts = None if wallets is None else [w.account_id for w in wallets] + [w.payee_id for w in wallets]
        wrong = self.rows(
            """
            SELECT a.id, a.kind, a.balance, s.balance, a.held, h.amount, a.open_sessions, h.number
              FROM tier_account a,
                   LATERAL (SELECT
                       (SELECT COALESCE(sum(amount_to), 0) FROM tier_transfer WHERE to_account_id = a.id)
                       - (SELECT COALESCE(sum(amount), 0) FROM tier_transfer WHERE from_account_id = a.id)
                       + (SELECT COALESCE(sum(amount), 0) FROM tier_transfer WHERE exchange_in_id = a.id)
                       - (SELECT COALESCE(sum(amount_to), 0) FROM tier_transfer WHERE exchange_out_id = a.id)
                       AS balance) s,
                   LATERAL (SELECT COALESCE(sum(amount), 0) AS amount, count(*) AS number
                              FROM tier_hold WHERE account_id = a.id AND state = 'open') h
             WHERE (%s::integer[] IS NULL OR a.id = ANY(%s))
               AND (a.balance, a.held, a.open_sessions) IS DISTINCT FROM (s.balance, h.amount, h.number::integer)
            """,
            accounts,
            accounts,
        )
        assert not wrong
        assert not self.rows("SELECT currency_id FROM tier_account GROUP BY currency_id HAVING sum(balance) <> 0")

    def check_events(self, keys_like):
        """Invariants 4 and 6: every charged event has one charge a tier and one transfer an edge.

        :param keys_like: LIKE pattern of the events' source keys
        :return: number of charged events
        """
        wrong = self.rows(
            """
            SELECT e.source_key, e.state, w.tier, c.charges, c.wallets, c.paid, t.transfers
              FROM tier_usage_event e
              LEFT JOIN tier_wallet w ON w.id = e.wallet_id,
                   LATERAL (SELECT count(*) AS charges, count(DISTINCT c.wallet_id) AS wallets,
                                   count(*) FILTER (WHERE c.cost > 0 AND c.tier > 0) AS paid
                              FROM tier_charge c WHERE c.event_id = e.id) c,
                   LATERAL (SELECT count(*) AS transfers
                              FROM tier_charge c
                              JOIN tier_transfer t ON t.id = c.transfer_id AND t.amount = c.cost
                                   AND t.from_wallet_id = c.wallet_id AND t.kind = 'usage'
                             WHERE c.event_id = e.id) t
             WHERE e.source_key LIKE %s
               AND (c.charges, c.wallets, t.transfers) IS DISTINCT FROM
                   (CASE WHEN e.state = 'charged' THEN w.tier + 1 ELSE 0 END,
                    CASE WHEN e.state = 'charged' THEN w.tier + 1 ELSE 0 END, c.paid)
            """,
            keys_like,
        )
        assert not wrong
        # None of their wallets paid for usage that no charge tells of.
        assert not self.rows(
            """
            SELECT t.source_key FROM tier_transfer t LEFT JOIN tier_charge c ON c.transfer_id = t.id
             WHERE t.kind = 'usage' AND c.id IS NULL AND t.from_wallet_id IN (
                   SELECT c.wallet_id FROM tier_charge c JOIN tier_usage_event e ON e.id = c.event_id
                    WHERE e.source_key LIKE %s)
            """,
            keys_like,
        )
        return self.value(
            "SELECT count(*) FROM tier_usage_event WHERE state = 'charged' AND source_key LIKE %s", keys_like
        )


def now():
    """The present as the database keeps it: naive UTC, whole seconds."""
    return datetime.now(timezone.utc).replace(tzinfo=None, microsecond=0)
