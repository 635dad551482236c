"""A second, simple ledger in Python, with several transactions open at once, beside the product's.

Every step foretells its outcome: done, refused and why, or waiting for a row that another open
transaction holds (nobody waits here: the lock times out and the transaction is given up).
"""

from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

import psycopg2
from arena import OTHER_RATE, now

BLOCKED, SHORT, MISFIT, REUSED, DONE = "blocked", "short", "misfit", "reused", "done"
WAIT = "30ms"
NEED_FUNDS = ("allocation", "reclaim", "payout", "expiry")
LIMIT = Decimal(10) ** 12


class Refused(Exception):
    """How a step fails, as foretold; its transaction is over."""


@dataclass
class Account:
    """What the bank knows of a ledger account."""

    id: int
    currency: str
    kind: str
    unlimited: bool
    credit: Decimal
    is_counted: bool = False
    balance: Decimal = Decimal(0)


@dataclass
class Transfer:
    """What the bank knows of a transfer."""

    id: int
    kind: str
    giver: str
    taker: str
    amount: Decimal
    amount_to: Decimal
    is_refunded: bool = False


@dataclass
class Teller:
    """One connection, with what its open transaction has done and nobody else sees yet."""

    cr: object
    deltas: dict = field(default_factory=dict)
    holds: dict = field(default_factory=dict)
    transfers: dict = field(default_factory=dict)
    refunded: set = field(default_factory=set)
    locked: set = field(default_factory=set)
    is_open: bool = False

    def forget(self):
        self.deltas, self.holds, self.transfers = {}, {}, {}
        self.refunded, self.locked, self.is_open = set(), set(), False


class Bank:
    """A tree of wallets and three tellers.

    :param arena: whose database it works on
    """

    def __init__(self, arena, tellers=3):
        from odoo.addons.tier_billing import ledger

        self.ledger, self.arena = ledger, arena
        self.accounts, self.transfers, self.holds = {}, {}, {}
        self._plant()
        self._open = ExitStack()
        self.tellers = []
        for _ in range(tellers):
            cr = self._open.enter_context(ledger.cursor.short_transaction(arena.registry))
            self.tellers.append(Teller(cr))

        self.restart()

    def close(self):
        for teller in self.tellers:
            self.rollback(teller)
        self._open.close()

    def _plant(self):
        with self.arena.planting() as plant:
            provider = plant()
            reseller = plant(provider, "0.10")
            wallets = {
                "provider": provider,
                "reseller": reseller,
                "abroad": plant(provider, "0.10", currency="XTS"),
                "inside": plant(reseller, "0.20"),
                "counted": plant(reseller, "0.20", daily_limit=5),
                "credit": plant(provider, "0.20", payment_mode="postpaid", credit_limit=50),
                "outside": plant(reseller, "0.20", money="outside"),
            }
        self.wallets = list(wallets.values())
        ids = {name: wallet.account_id for name, wallet in wallets.items()}
        ids["memo"] = wallets["outside"].payee_id
        ids["earnings"] = wallets["reseller"].payee_id
        for name, account_id in ids.items():
            kind, unlimited, credit, currency = self.arena.rows(
                """SELECT a.kind, a.unlimited, a.credit_limit, c.name
                     FROM tier_account a JOIN res_currency c ON c.id = a.currency_id WHERE a.id = %s""",
                account_id,
            )[0]
            self.accounts[name] = Account(account_id, currency, kind, bool(unlimited), credit, name == "counted")
        with self.arena.env() as env:
            for currency in ("USD", "XTS"):
                record = env["res.currency"].search([("name", "=", currency)])
                for kind in ("world", "exchange"):
                    account = env["tier.account"]._get(kind, env.company, record)
                    env.cr.commit()
                    name = f"{kind} {currency}"
                    balance = self.arena.value(
                        "SELECT COALESCE(max(balance), 0) FROM tier_account WHERE id = %s", account.id
                    )
                    self.accounts[name] = Account(account.id, currency, kind, True, Decimal(0), balance=balance)

    def restart(self):
        """Begin with what the database has now, and nothing held: an example must not hang on those before."""
        for teller in self.tellers:
            self.rollback(teller)
        ids = {account.id: account for account in self.accounts.values()}
        self.arena.rows(
            "UPDATE tier_hold SET state = 'released' WHERE state = 'open' AND account_id = ANY(%s)", list(ids)
        )
        for account_id, balance in self.arena.rows(
            "SELECT id, balance FROM tier_account WHERE id = ANY(%s)", list(ids)
        ):
            ids[account_id].balance = balance
        self.transfers, self.holds, self.spent_before = {}, {}, Decimal(0)
        self.spent_before = self._spent()

    def _spent(self):
        """What the counter says that the wallet with a limit has spent since the beginning."""
        counted = self.accounts["counted"].id
        statement = "SELECT COALESCE(sum(amount), 0) FROM tier_spending WHERE account_id = %s"
        return self.arena.value(statement, counted) - self.spent_before

    # --- what is foretold -----------------------------------------------------

    def balance(self, name, teller=None):
        mine = teller.deltas.get(name, 0) if teller else 0
        return self.accounts[name].balance + mine

    def seen_holds(self, teller=None):
        """Dict of (session, account) to (amount, state, expires_at), as a teller sees it."""
        return {**self.holds, **(teller.holds if teller else {})}

    def held(self, name, teller=None):
        return sum(
            (
                amount
                for (_key, account), (amount, state, _at) in self.seen_holds(teller).items()
                if account == name and state == "open"
            ),
            start=Decimal(0),
        )

    def available(self, name, teller=None):
        return self.balance(name, teller) + self.accounts[name].credit - self.held(name, teller)

    def is_limited(self, name):
        return self.accounts[name].kind == "wallet" and not self.accounts[name].unlimited

    def _locks(self, teller, rows):
        """Take the locks of a step, or be refused because somebody else has one."""
        for other in self.tellers:
            if other is not teller and other.locked & set(rows):
                raise Refused(BLOCKED)
        teller.locked |= set(rows)

    # --- steps ------------------------------------------------------------------

    def begin(self, teller):
        if not teller.is_open:
            teller.cr.execute(f"SET LOCAL lock_timeout = '{WAIT}'")
            teller.is_open = True

    def commit(self, teller):
        teller.cr.commit()
        for name, delta in teller.deltas.items():
            self.accounts[name].balance += delta
        self.holds.update(teller.holds)
        self.transfers.update(teller.transfers)
        for key in teller.refunded:
            self.transfers[key].is_refunded = True
        teller.forget()

    def rollback(self, teller):
        teller.cr.rollback()
        teller.forget()

    def attempt(self, teller, foretell, act):
        """Do a step in both ledgers; how it ends must be as foretold.

        :param foretell: changes the bank's own ledger, or raises :class:`Refused`
        :param act: does it in the database
        :return: how it ended
        """
        self.begin(teller)
        try:
            foretell()
            foretold = DONE
        except Refused as refused:
            foretold = refused.args[0]
        try:
            act()
            ended = DONE
        except psycopg2.errors.LockNotAvailable:
            ended = BLOCKED
        except psycopg2.errors.CheckViolation as error:
            ended = SHORT if "insufficient" in str(error) or "beyond" in str(error) else MISFIT
        except psycopg2.IntegrityError:
            ended = MISFIT
        except self.ledger.writer.KeyReused:
            ended = REUSED
        except self.ledger.writer.LedgerError:
            ended = MISFIT
        assert ended == foretold, f"{ended}, foretold was {foretold}"
        if ended != DONE:
            self.rollback(teller)
        return ended

    def post(self, teller, wanted):
        """Post transfers.

        :param wanted: list of (key, kind, giver, taker, amount), an amount in the giver's currency
        """
        movements, news = [], []
        for key, kind, giver, taker, amount in wanted:
            amount_to = self.converted(amount, giver, taker)
            movements.append(self._movement(key, kind, giver, taker, amount, amount_to))
            news.append((key, kind, giver, taker, amount, amount_to))
        return self._post(teller, movements, news)

    def refund(self, teller, key, new_key, share=1):
        """Undo a transfer.

        :param share: of the amount; anything but 1 is refused
        """
        undone = {**self.transfers, **teller.transfers}[key]
        amount, amount_to = undone.amount_to * share, undone.amount * share
        movement = self._movement(new_key, "refund", undone.taker, undone.giver, amount, amount_to, undone.id)
        news = [(new_key, "refund", undone.taker, undone.giver, amount, amount_to)]
        return self._post(teller, [movement], news, undoes=key, is_fit=share == 1 and undone.kind == "usage")

    def converted(self, amount, giver, taker):
        source, target = self.accounts[giver].currency, self.accounts[taker].currency
        if source == target:
            return amount
        return amount * OTHER_RATE if source == "USD" else amount / OTHER_RATE

    def _movement(self, key, kind, giver, taker, amount, amount_to, reverses=None):
        return self.ledger.writer.Movement(
            key, kind, self.accounts[giver].id, self.accounts[taker].id, amount, amount_to,
            Decimal(1), now(), "why", reverses,
        )  # fmt: skip

    def _post(self, teller, movements, news, undoes=None, is_fit=True):
        ids = {}

        def act():
            ids.update(self.ledger.writer.post(teller.cr, movements, 1))

        ended = self.attempt(teller, lambda: self._foretell_post(teller, news, undoes, is_fit), act)
        if ended == DONE:
            for key, transfer_id in ids.items():
                mine = teller.transfers.get(key) or self.transfers[key]
                assert mine.id in (0, transfer_id), "a repeat is another transfer"
                mine.id = transfer_id
        return ended

    def _foretell_post(self, teller, news, undoes, is_fit):
        known = {**self.transfers, **teller.transfers}
        fresh = [new for new in news if new[0] not in known]
        # Row by row in the order of the keys: the amounts, and then the key.
        for new in sorted(news):
            if not self._is_amount(new):
                raise Refused(MISFIT)
            if new in fresh:
                self._locks(teller, {("key", new[0])})
        if fresh and undoes:
            # The index that keeps a second refund out comes before the accounts.
            self._foretell_refund(teller, known[undoes], undoes, is_fit)
        self._locks(teller, {("account", account) for new in fresh for account, _delta in self._moved(new)})
        for new in fresh:
            for account, delta in self._moved(new):
                teller.deltas[account] = teller.deltas.get(account, 0) + delta
        for _key, kind, giver, *_amounts in fresh:
            if kind in NEED_FUNDS and self.is_limited(giver) and self.available(giver, teller) < 0:
                raise Refused(SHORT)
        for key, *values in fresh:
            teller.transfers[key] = Transfer(0, *values)
        for key, *values, _amount_to in news:
            old = known.get(key)
            if old and [old.kind, old.giver, old.taker, old.amount] != values:
                raise Refused(REUSED)

    def _foretell_refund(self, teller, undone, key, is_fit):
        if any(key in other.refunded for other in self.tellers if other is not teller):
            raise Refused(BLOCKED)
        if not is_fit or undone.is_refunded or key in teller.refunded:
            raise Refused(MISFIT)
        teller.refunded.add(key)

    @staticmethod
    def _is_amount(new):
        return all(amount.is_finite() and 0 < amount < LIMIT and amount == round(amount, 6) for amount in new[4:6])

    def _moved(self, new):
        _key, _kind, giver, taker, amount, amount_to = new
        moved = [(giver, -amount), (taker, amount_to)]
        source, target = self.accounts[giver].currency, self.accounts[taker].currency
        if source != target:
            moved += [(f"exchange {source}", amount), (f"exchange {target}", -amount_to)]
        return moved

    def hold(self, teller, session, name, amount, minutes):
        """Reserve funds, or change what is reserved."""
        expires = now() + timedelta(minutes=minutes)

        def foretell():
            old = self.seen_holds(teller).get((session, name))
            self._locks(teller, {("hold", session, name)})
            if not amount.is_finite() or not 0 <= amount < LIMIT:
                raise Refused(MISFIT)
            self._locks(teller, {("account", name)})
            teller.holds[session, name] = (amount, "open", expires)
            is_more = old is None or old[1] != "open" or amount > old[0]
            if amount and is_more and self.is_limited(name) and self.available(name, teller) < 0:
                raise Refused(SHORT)

        def act():
            holds = [(self.arena.prefix + session, self.accounts[name].id, amount)]
            self.ledger.writer.lock_accounts(teller.cr, [self.accounts[name].id])
            self.ledger.reserve.place_holds(teller.cr, holds, [expires])

        return self.attempt(teller, foretell, act)

    def release(self, teller, session):
        """Give back what a session holds, everywhere."""

        def foretell():
            held = [
                account for (key, account), hold in self.seen_holds(teller).items()
                if key == session and hold[1] == "open"
            ]  # fmt: skip
            self._locks(teller, {("account", account) for account in held})
            self._locks(teller, {("hold", session, account) for account in held})
            for account in held:
                amount, _state, expires = self.seen_holds(teller)[session, account]
                teller.holds[session, account] = (amount, "released", expires)

        return self.attempt(
            teller, foretell, lambda: self.ledger.reserve.release_sessions(teller.cr, [self.arena.prefix + session])
        )

    def expire(self, teller):
        """Close the holds whose time is over."""

        def foretell():
            over = [
                key for key, (_amount, state, expires) in self.seen_holds(teller).items()
                if state == "open" and expires < now()
            ]  # fmt: skip
            self._locks(teller, {("account", account) for _session, account in over})
            self._locks(teller, {("hold", *key) for key in over})
            for key in over:
                amount, _state, expires = self.seen_holds(teller)[key]
                teller.holds[key] = (amount, "expired", expires)

        return self.attempt(teller, foretell, lambda: self.ledger.reserve.expire_holds(teller.cr, 1000))

    # --- what must be true --------------------------------------------------------

    def check(self):
        """Compare what is committed with the second ledger, and the product's sums with each other."""
        found = {
            row[0]: row[1:]
            for row in self.arena.rows(
                "SELECT id, balance, held, open_sessions FROM tier_account WHERE id = ANY(%s)",
                [account.id for account in self.accounts.values()],
            )
        }
        for name, account in self.accounts.items():
            sessions = sum(
                owner == name and state == "open" for (_key, owner), (_amount, state, _at) in self.holds.items()
            )
            figures = (account.balance, self.held(name), sessions)
            assert found[account.id] == figures, f"{name}: {found[account.id]}, foretold was {figures}"
        assert self._spent() == sum(
            (transfer.amount if transfer.kind == "usage" else -transfer.amount_to)
            for transfer in self.transfers.values()
            if (transfer.kind, transfer.giver) == ("usage", "counted")
            or (transfer.kind, transfer.taker) == ("refund", "counted")
        )
        self.arena.check_accounts(self.wallets)
