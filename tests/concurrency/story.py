"""Random business on a random tree, with a second, simple ledger in Python beside the product's.

>>> story = Story(arena, random.Random(1))   # doctest: +SKIP
>>> story.step(random.Random(2))             # doctest: +SKIP
'allocate'
"""

import threading
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from arena import RATES

LONG_AGO = timedelta(hours=1)
STEPS = {
    "topup": 10,
    "allocate": 20,
    "reclaim": 10,
    "adjust": 5,
    "authorize": 30,
    "settle": 30,
    "charge": 5,
    "replay": 15,
    "expire": 5,
}


@dataclass
class Session:
    """A call that was granted.

    :param holds: wallet to what it must hold for it
    """

    request: object
    payer: object
    granted: int
    holds: dict
    is_old: bool
    is_open: bool = True
    is_settled: bool = False


class Story:
    """A tree of wallets and what happens in it.

    :param alone: nothing else happens: every answer can be foretold and is compared
    """

    def __init__(self, arena, chance, alone=True):
        self.arena = arena
        self.alone = alone
        self.balances = {}
        self.sessions, self.done = [], []
        self.counts = Counter()
        self._lock = threading.Lock()
        self._plant(chance)

    def _plant(self, chance):
        """Plant three tiers below a provider: prices rise to the outside, by exact steps."""
        with self.arena.planting() as plant:
            root = plant()
            above, usd = [root], {root: Decimal(0)}
            for tier, number in enumerate((2, 3, 5), 1):
                grown = []
                for _ in range(number):
                    parent = chance.choice(above)
                    price = usd[parent] + Decimal("0.06") * chance.randint(1, 3)
                    currency = chance.choice(["USD", "USD", "XTS"])
                    outside = not parent.inside or (tier > 1 and chance.random() < 0.4)
                    values = {"money": "outside" if outside else "inside"}
                    if chance.random() < 0.2:
                        values |= {"payment_mode": "postpaid", "credit_limit": 50}
                    wallet = plant(parent, str(price * RATES[currency]), currency=currency, **values)
                    usd[wallet] = price
                    grown.append(wallet)
                above = grown if tier > 1 else above + grown
                above = [wallet for wallet in above if wallet is not root] or above
        self.wallets = [wallet for wallet in usd if wallet is not root]
        self.balances = dict.fromkeys(usd, Decimal(0))
        self.credit = {
            wallet: self.arena.value("SELECT credit_limit FROM tier_account WHERE id = %s", wallet.account_id)
            for wallet in self.wallets
        }
        self.root = root

    # --- the second ledger --------------------------------------------------

    def held(self, wallet):
        return sum((session.holds.get(wallet, 0) for session in self.sessions if session.is_open), start=Decimal(0))

    def available(self, wallet):
        return self.balances[wallet] + self.credit[wallet] - self.held(wallet)

    def _add(self, changes):
        with self._lock:
            for wallet, amount in changes:
                self.balances[wallet] += amount

    def check(self):
        """Compare balances, holds and sessions of all wallets with the product's."""
        found = {
            row[0]: row[1:] for row in self.arena.rows("SELECT id, balance, held, open_sessions FROM tier_account")
        }
        for wallet, balance in self.balances.items():
            sessions = sum(session.is_open and wallet in session.holds for session in self.sessions)
            assert found[wallet.account_id] == (balance, self.held(wallet), sessions), wallet

    # --- steps --------------------------------------------------------------

    def step(self, chance):
        """Do something; return its name."""
        [name] = chance.choices(list(STEPS), STEPS.values())
        getattr(self, f"_{name}")(chance)
        self.counts[name] += 1
        return name

    def _dialog(self, wallet, operation, amount, changes, allowed):
        dialog = self.arena.dialog(wallet, operation, float(amount))
        told = self.arena.press(dialog)
        assert told == "done" or "are needed" in told, told
        if self.alone:
            assert (told == "done") == allowed, (operation, told)
        if told == "done":
            self._add(changes)
            self.done.append(lambda: self.arena.press(dialog))

    def _topup(self, chance):
        wallet, amount = chance.choice(self.wallets), Decimal(25) * chance.randint(1, 4)
        chain = [wallet]
        while not chain[-1].inside:
            chain.append(chain[-1].parent)
        changes = [(each, amount * RATES[each.currency] / RATES[wallet.currency]) for each in chain]
        self._dialog(wallet, "topup", amount, changes, True)

    def _allocate(self, chance):
        wallet, amount = chance.choice(self.wallets), Decimal(25) * chance.randint(1, 2)
        leaves = amount * RATES[wallet.parent.currency] / RATES[wallet.currency]
        changes, allowed = [(wallet, amount)], True
        if wallet.inside:
            changes.append((wallet.parent, -leaves))
            allowed = wallet.parent is self.root or self.available(wallet.parent) >= leaves
        self._dialog(wallet, "allocate", amount, changes, allowed)

    def _reclaim(self, chance):
        wallet, amount = chance.choice(self.wallets), Decimal(25)
        changes = [(wallet, -amount)]
        if wallet.inside:
            changes.append((wallet.parent, amount * RATES[wallet.parent.currency] / RATES[wallet.currency]))
        allowed = self.balances[wallet] - self.held(wallet) >= amount
        self._dialog(wallet, "reclaim", amount, changes, allowed)

    def _adjust(self, chance):
        wallet, amount = chance.choice(self.wallets), Decimal(chance.randint(1, 300)) / 100
        # A correction may overdraw a wallet; here it does not, so that nothing else may either.
        if self.alone and self.available(wallet) > amount and chance.random() < 0.5:
            amount = -amount
        self._dialog(wallet, "adjust", amount, [(wallet, amount)], True)

    def _holds(self, payer, seconds):
        """What each payer of a chain has to hold: what its customer's payment does not bring it."""
        return {
            wallet: Decimal(0) if below and below.inside else wallet.pays(seconds)
            for wallet, below in zip(payer.chain[:-1], [None, *payer.chain], strict=False)
        }

    def _authorize(self, chance):
        payer, asked, is_old = chance.choice(self.wallets), chance.randint(1, 300), chance.random() < 0.4
        request = self.arena.request(payer, asked, ago=LONG_AGO if is_old else timedelta(0))
        granted = self.arena.ask(request).granted
        if self.alone:
            most = [
                max(Decimal(0), self.available(wallet)) // wallet.pays(1)
                for wallet, hold in self._holds(payer, 1).items()
                if hold
            ]
            assert granted == min([asked, *most])
        if granted:
            self.sessions.append(Session(request, payer, granted, self._holds(payer, granted), is_old))
        self.done.append(lambda: self.arena.ask(request))

    def _settle(self, chance):
        """A call ends. If its hold has expired its cost must still be covered, lest it be an overrun."""
        with self._lock:
            waiting = [session for session in self.sessions if not session.is_settled and self._is_covered(session)]
            if not waiting:
                return
            session = chance.choice(waiting)
            session.is_settled = True
        session.is_open = False
        self._charged(session.payer, chance.randint(0, session.granted), session.request.session_key)

    def _is_covered(self, session):
        if not self.alone:
            return not session.is_old
        return session.is_open or all(self.available(wallet) >= hold for wallet, hold in session.holds.items())

    def _charge(self, chance):
        """A call that nobody authorized: a postpaid one, or one that is covered."""
        payer, seconds = chance.choice(self.wallets), chance.randint(1, 60)
        needed = self._holds(payer, seconds)
        if self.alone and all(self.available(wallet) >= hold for wallet, hold in needed.items()):
            self._charged(payer, seconds)

    def _charged(self, payer, seconds, session_key=None):
        usage = self.arena.usage(payer, seconds, session_key=session_key)
        assert self.arena.charge([usage]).charged == 1
        changes = []
        for wallet in payer.chain[:-1]:
            cost = wallet.pays(seconds)
            changes.append((wallet, -cost))
            if wallet.inside and wallet.parent is not self.root:
                changes.append((wallet.parent, cost * RATES[wallet.parent.currency] / RATES[wallet.currency]))
        self._add(changes)
        self.done.append(lambda: self.arena.charge([usage]))

    def _replay(self, chance):
        """Something that happened comes again: a second click, a resent record, a repeated request."""
        if self.done:
            chance.choice(self.done)()

    def _expire(self, _chance):
        with self.arena.env() as env:
            env["tier.hold"]._expire()
        for session in self.sessions:
            if session.is_old:
                session.is_open = False
