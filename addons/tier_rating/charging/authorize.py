"""Grant sessions: how long may each last, and hold what it may cost."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from odoo.tools import SQL

from odoo.addons.tier_billing.ledger import reserve, writer
from odoo.addons.tier_billing.ledger.spending import Spending, local_day

from ..engine.chain import Link, Tier, grant_chain
from ..engine.errors import Refused
from ..engine.grant import USUAL_SECONDS
from ..engine.offer import Receipt
from ..engine.price import price
from . import catalogue, numbers, packages, volumes
from .priced import Item
from .pricing import REASON_OF, Pricer
from .resolve import find_payers
from .usage import Usage

# How long a hold outlives what was granted: a phone may ring for so long.
RINGING = timedelta(seconds=180)
# A hold for units that are no seconds says nothing of how long they last.
LONGEST_HOLD = timedelta(days=1)
# How long an emergency call may last that asks for no length of its own.
EMERGENCY_SECONDS = 7200
# What nobody limits may still not be asked for in full by the search.
UNLIMITED = Decimal(10) ** 11
# What an integer column keeps.
LARGEST_GRANT = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Request:
    """A session that asks to begin.

    :param session_key: unique name of the session, its switch's code first
    :param number: normalised number or resource code
    :param accounts: identities of the caller, best first, as (kind, value)
    :param wallet_id: when the payer is known without an endpoint
    :param at: naive UTC moment of the request
    :param requested: seconds or units asked for; None for as many as possible
    :param callee: as dialled, by which an endpoint with a dial plan of its own reads the number; empty for a code
    """

    session_key: str
    number: str
    at: datetime
    accounts: tuple = ()
    wallet_id: int | None = None
    service: str = "voice"
    switch_id: int | None = None
    requested: int | None = None
    callee: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered, and is answered again to a repeated request.

    :param granted: seconds or units; 0 when refused
    :param reason: None, or a code of ``const.REASONS``
    :param wallet_id: the payer, if known
    """

    session_key: str
    granted: int
    reason: str | None
    wallet_id: int | None = None


@dataclass(slots=True)
class Decision:
    """An answer on its way to the database."""

    request: Request
    service_id: int | None = None
    endpoint_id: int | None = None
    wallet_id: int | None = None
    granted: int = 0
    reason: str | None = None
    expires_at: datetime | None = None
    plan_id: int | None = None

    def deny(self, reason):
        self.granted, self.reason = 0, reason

    def allow(self, requested):
        """Grant an emergency: as long as was asked for, and nothing is held."""
        self.granted, self.reason = requested or EMERGENCY_SECONDS, None
        self.expires_at = self.request.at + timedelta(seconds=self.granted) + RINGING


def authorize(env, requests):
    """Grant or refuse a batch of sessions.

    A request that was answered before gets that answer and holds nothing more.
    The whole chain of each is checked and held under one lock order.

    :param env: environment of a short transaction
    :param requests: sequence of :class:`Request`
    :return: dict of session key to :class:`Answer`
    """
    unique = {}
    for request in requests:
        unique.setdefault(request.session_key, request)
    fresh = _open_sessions(env, sorted(unique))
    answers = _stored_answers(env, set(unique) - fresh)
    services = catalogue.load_services(env.cr)
    decisions = [
        _decision(unique[row.usage.source_key], row)
        for row in find_payers(env, [_as_usage(unique[key]) for key in sorted(fresh)], services)
    ]
    _allow_strangers(env, decisions, services)
    _decide(env, decisions, services)
    _store(env, decisions)
    for decision in decisions:
        key = decision.request.session_key
        answers[key] = Answer(key, decision.granted, decision.reason, decision.wallet_id)
    return answers


def _as_usage(request):
    """Return a request as usage of nothing yet, to find its payer and chain."""
    return Usage(
        source_key=request.session_key,
        service=request.service,
        number=request.number,
        accounts=request.accounts,
        wallet_id=request.wallet_id,
        switch_id=request.switch_id,
        callee=request.callee,
        started_at=request.at,
    )


def _decision(request, row):
    if row.plan_id:
        request = replace(request, number=row.usage.number)
    decision = Decision(request, row.service_id, row.endpoint_id, row.wallet_id, plan_id=row.plan_id)
    if row.priced.reason:
        decision.deny(row.priced.reason)
    return decision


def _allow_strangers(env, decisions, services):
    """Grant emergency calls of callers that nobody knows: nothing is read where there are none."""
    strangers = [decision for decision in decisions if decision.reason == "unknown_account" and decision.service_id]
    special = strangers and numbers.shelf(env.cr.dbname).of(
        env.cr, services, {decision.service_id for decision in strangers}
    )
    if not special:
        return
    countries = numbers.load_countries(env.cr)
    for decision in strangers:
        request, found = decision.request, special.get(decision.service_id)
        country = countries.of(env.company.id, request.switch_id)
        number = found and found.find(request.number, None, lambda country=country: country)
        if number and number.kind == numbers.EMERGENCY:
            decision.allow(request.requested)


def _open_sessions(env, keys):
    """Claim the sessions that are new.

    The unique index makes a simultaneous twin of a request wait here, then
    find the stored answer.

    :param keys: session keys, sorted: one lock order
    :return: set of the keys that this transaction decides
    """
    env.cr.execute(
        SQL(
            """INSERT INTO tier_session (session_key, state, create_uid, create_date)
               SELECT key, 'pending', %s, now() AT TIME ZONE 'UTC'
                 FROM unnest(%s::varchar[]) AS v(key)
               ON CONFLICT (session_key) DO NOTHING RETURNING session_key""",
            env.uid,
            keys,
        )
    )
    return {row[0] for row in env.cr.fetchall()}


def _stored_answers(env, keys):
    if not keys:
        return {}
    env.cr.execute(
        SQL(
            """SELECT session_key, COALESCE(granted_seconds, 0), reason, wallet_id
                 FROM tier_session WHERE session_key = ANY(%s)""",
            list(keys),
        )
    )
    return {row[0]: Answer(*row) for row in env.cr.fetchall()}


def _decide(env, decisions, services):
    """Set how much each session gets, and hold it on every tier of its chain."""
    open_ones = [decision for decision in decisions if not decision.reason and not decision.granted]
    if not open_ones:
        return
    items = [
        Item(
            decision,
            decision.wallet_id,
            decision.service_id,
            decision.request.number,
            decision.request.at,
            Decimal(1),
            decision.request.switch_id,
            decision.plan_id,
        )
        for decision in open_ones
    ]
    pricer = Pricer(env, [item._replace(key=None) for item in items], services)
    shelf = packages.Shelf(env.cr, pricer.chains, [item.at for item in items])
    states = writer.lock_accounts(env.cr, {w.account_id for chain in pricer.chains.values() for w in _counted(chain)})
    spending = Spending(env.cr, states, {item.at for item in items})
    holds, expiries, costs = [], [], []
    for item in items:
        decision = item.key
        for account_id, amount, cost in _grant(pricer, item, decision, states, spending, shelf):
            holds.append((decision.request.session_key, account_id, amount))
            expiries.append(decision.expires_at)
            costs.append(cost)
    reserve.place_holds(env.cr, holds, expiries, costs)
    shelf.store_holds()


def _counted(chain):
    """Return the wallets whose open sessions count: the payers, and a provider that limits its own.

    The account of a provider without a limit stays unlocked: every call of all its
    customers would wait for it.
    """
    return chain if chain[-1].max_sessions else chain[:-1]


def _grant(pricer, item, decision, states, spending, shelf):
    """Decide one session against the balances and limits read under the locks.

    :return: list of (account id, amount to hold, what the session may cost), empty when refused
    """
    chain = pricer.chains.get(item.wallet_id)
    if not chain:
        decision.deny("unknown_account")
        return []
    special = pricer.special(item, chain[0].company_id)
    if special and special.kind == numbers.EMERGENCY:
        decision.allow(decision.request.requested)
        return []
    refusal = pricer.refusal(chain, item)
    if refusal:
        decision.deny(refusal[0])
        return []
    for wallet in _counted(chain):
        state = states[wallet.account_id]
        if wallet.max_sessions and state.open_sessions >= wallet.max_sessions:
            decision.deny("too_many_calls")
            return []
    payers = chain[:-1]
    if any(_is_expired(states[wallet.account_id], item.at) for wallet in payers):
        decision.deny("credit_expired")
        return []
    timed = pricer.services[item.service_id].is_time
    try:
        covers = [None] * len(payers)
        if not (special and special.is_free):
            covers = shelf.covers(
                chain, item.at, item.service_id, lambda wallet: pricer.offer(wallet, item).destination_id
            )
        tiers = _tiers(pricer, item, chain, states, spending, covers)
        cap = _cap(decision.request.requested, timed)
        granted = grant_chain(tiers, item.at, cap)
    except Refused as refused:
        decision.deny(REASON_OF.get(refused.reason, refused.reason))
        return []
    if granted.quantity < 1:
        decision.deny(_why_nothing(payers, tiers, item, cap, spending))
        return []
    # Whether a tier sells below its cost is told without what it includes in a package.
    if _below_cost(payers, tiers, [price(item.at, granted.quantity, tier.offer).amount for tier in tiers]):
        decision.deny("below_cost")
        return []
    decision.granted = granted.quantity
    costs = [tier.cost(item.at, granted.quantity) for tier in tiers]
    shelf.hold(decision.request.session_key, covers, granted.quantity)
    lasts = timedelta(seconds=granted.quantity) if timed else LONGEST_HOLD
    decision.expires_at = item.at + lasts + RINGING
    amounts = [(wallet.account_id, *pair) for wallet, *pair in zip(payers, granted.holds, costs, strict=True)]
    amounts += [(wallet.account_id, Decimal(0), Decimal(0)) for wallet in _counted(chain)[len(payers) :]]
    for account_id, amount, cost in amounts:
        # The next request of the batch sees what this one took.
        states[account_id].held += amount
        states[account_id].open_sessions += 1
        spending.add(account_id, cost)
    return amounts


def _is_expired(state, at):
    """Tell whether the last day of an account's credit is over at this moment."""
    return state.expires_on is not None and local_day(at, state.tz) > state.expires_on


def _why_nothing(payers, tiers, item, cap, spending):
    """Return why not even the first block was granted: no funds, or whose spending limit."""
    limited = [(wallet, tier) for wallet, tier in zip(payers, tiers, strict=True) if tier.spendable is not None]
    if not limited or not grant_chain([replace(tier, spendable=None) for tier in tiers], item.at, cap).quantity:
        return "insufficient_funds"
    # The payer's first block sets what everybody has to spend at least.
    block = min(tiers[0].offer.terms.initial_increment, cap or USUAL_SECONDS)
    short = [wallet for wallet, tier in limited if tier.cost(item.at, max(block, 1)) > tier.spendable]
    wallet = short[0] if short else limited[-1][0]
    return spending.left(wallet.account_id, item.at).limit


def _cap(requested, timed):
    """Return the most to grant: what was asked for, and what can be stored of other units."""
    if timed:
        return requested
    return LARGEST_GRANT if requested is None else min(requested, LARGEST_GRANT)


def _tiers(pricer, item, chain, states, spending, covers):
    """Return the payers of a chain as the engine takes them."""
    tiers, founds = [], [pricer.offer(wallet, item) for wallet in chain[:-1]]
    bought = [(wallet, pricer.volume(wallet, item, found)) for wallet, found in zip(chain, founds, strict=False)]
    # Under the locks of the accounts: whoever charges them has counted before.
    standings = volumes.standings(pricer.env.cr, chain, bought, item.at)
    for (wallet, parent), cover, found, standing in zip(pairwise(chain), covers, founds, standings, strict=True):
        offer = found.offer
        receipt = None
        if parent.currency_id != wallet.currency_id:
            factor = pricer.convert(wallet.currency_id, parent.currency_id, item.at.date(), wallet.company_id)
            receipt = Receipt(factor, offer.terms.rounding_digits, offer.terms.rounding_method)
        available = states[wallet.account_id].available
        left = spending.left(wallet.account_id, item.at)
        tiers.append(
            Tier(
                Link(wallet.id, wallet.inside),
                offer,
                UNLIMITED if available is None else available,
                receipt,
                # After an overrun nothing more may be spent; a free call spends nothing.
                left and max(left.amount, Decimal(0)),
                cover and cover.package,
                standing,
            )
        )
    return tiers


def _below_cost(payers, tiers, costs):
    """Tell whether a tier that must not would sell what was granted below its cost."""
    sale = None
    for wallet, tier, cost in zip(payers, tiers, costs, strict=True):
        if tier.standing:
            # By volume one session tells nothing: the tiers are what their owner sells at.
            sale = None
            continue
        if sale is not None and sale < cost and not wallet.sell_below_cost:
            return True
        sale = cost if tier.receipt is None else cost * tier.receipt.factor
    return False


def _store(env, decisions):
    """Keep the answers for whoever asks again."""
    if not decisions:
        return
    rows = [
        (
            decision.request.session_key,
            decision.endpoint_id,
            decision.wallet_id,
            decision.request.number,
            "denied" if decision.reason else "open",
            decision.reason,
            decision.granted,
            decision.expires_at,
        )
        for decision in decisions
    ]
    env.cr.execute(
        SQL(
            """
            UPDATE tier_session s
               SET endpoint_id = v.endpoint_id, wallet_id = v.wallet_id, number = v.number,
                   state = v.state, reason = v.reason, granted_seconds = v.granted,
                   expires_at = v.expires_at
              FROM unnest(%s::varchar[], %s::integer[], %s::integer[], %s::varchar[],
                          %s::varchar[], %s::varchar[], %s::integer[], %s::timestamp[])
                   AS v(key, endpoint_id, wallet_id, number, state, reason, granted, expires_at)
             WHERE s.session_key = v.key""",
            *map(list, zip(*rows, strict=True)),
        )
    )
