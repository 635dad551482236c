"""Fees of packages: a lump sum for each period, charged as usage on every tier, once.

A period of a package with a fee includes nothing until its fee is paid; what pays it and what
opens it is one transaction. The subscriber pays the package's fee to its parent. What the
tiers above pay is in their own price lists, as a rate of the service of fees for the package's
code; without one they pay nothing: whoever put the package together earns the fee.

Unlike usage, which has happened, a fee is charged only where the funds are. A period whose fee
was refused stays due, with the reason, and is tried again until it is over.

Lock order: the periods by id, then accounts by id. The new events come last; nobody else
can be writing them, as their periods are locked.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from odoo.tools import SQL

from odoo.addons.tier_billing.ledger import bulk, writer
from odoo.addons.tier_billing.ledger.spending import local_day

from ..engine.errors import Refused
from ..engine.offer import Offer
from ..engine.part import WHOLE, Part
from ..engine.rounding import round_quotient
from ..engine.tariff import Rate, Step, Terms
from . import catalogue, settle, tables
from .offers import Found
from .priced import Item
from .pricing import FREE, Pricer
from .resolve import Resolved
from .usage import Usage

SERVICE = "fee"
BATCH = 200


@dataclass(slots=True)
class Due:
    """A period whose fee is to be charged.

    :param int id: of the period
    :param int wallet_id: of the subscriber
    :param str code: of the package, in price lists
    :param str name: of the package
    :param Decimal fee: of a whole period, in the brand's currency
    :param Part part: of the month that is charged
    """

    id: int
    subscription_id: int
    wallet_id: int
    date_from: datetime
    code: str
    name: str
    fee: Decimal
    currency_id: int
    company_id: int
    part: Part = WHOLE

    @property
    def days(self):
        """(Units charged, units of a whole fee): days of a part of a month, else one fee."""
        return (1, 1) if self.part.is_whole else self.part

    @property
    def quantity(self):
        """Fees charged, for people: exact ones are computed with the days."""
        return round_quotient(*self.part.share(1), 3, "half_up")

    @property
    def source_key(self):
        return f"package:{self.subscription_id}:{self.date_from:%Y-%m-%dT%H:%M}"


class _FeePricer(Pricer):
    """Prices fees: the package's for its subscriber, the price lists' above."""

    def __init__(self, env, items, dues, services):
        self._dues = dues
        super().__init__(env, items, services)

    def _load_conversions(self, items, wallets):
        # Fees are in the currencies of brands, which no price list need have.
        wallets = list(wallets)
        wallets += [wallets[0]._replace(currency_id=due.currency_id) for due in self._dues.values() if wallets]
        return super()._load_conversions(items, wallets)

    def _price_plainly(self, result, item, units, was_granted):
        # It would ask the subscriber's price list, not the package.
        return False

    def priced(self, item, was_granted=False):
        """Override: of a part of a month each day is a unit, so that the part is exact."""
        result, due = super().priced(item, was_granted), self._dues[item.key]
        if not due.part.is_whole:
            for edge in (*result.edges, *filter(None, [result.carrier])):
                edge.billed = due.quantity
        return result

    def offer(self, wallet, item):
        if wallet.id == item.wallet_id:
            return self._fee(wallet, item)
        try:
            return _by_days(super().offer(wallet, item), self._dues[item.key].part)
        except Refused:
            if not wallet.parent_id:
                raise
            # Nobody above sells it: they charge what is used of it.
            return FREE

    def _fee(self, wallet, item):
        due = self._dues[item.key]
        terms = self.lists[wallet.price_list_id].terms
        factor = self.convert(due.currency_id, wallet.currency_id, item.at.date(), wallet.company_id)
        # The fee is the whole price: charges and increments of a brand are for its calls.
        terms = Terms(rounding_method=terms.rounding_method, rounding_digits=terms.rounding_digits)
        offer = Offer(terms, (Rate(None, "", due.fee, due.days[1]),), factor=factor, timed=False)
        return Found(offer, factor, None, due.code, None)


def _by_days(found, part):
    """Return what prices a part of a month where each day is a unit.

    An increment of a rate stays one of fees: where it says that a fee is charged whole, it is.

    :param Found found: for a whole one
    :param Part part: of the month
    """
    if part.is_whole:
        return found
    offer, of = found.offer, part.of

    def by_days(rates):
        return tuple(
            replace(
                rate,
                per=rate.per * of,
                initial_increment=rate.initial_increment and rate.initial_increment * of,
                increment=rate.increment and rate.increment * of,
                steps=tuple(
                    Step(start * of, price, per * of, increment * of) for start, price, per, increment in rate.steps
                ),
            )
            for rate in rates
        )

    fallback = tuple((by_days(rates), derivations) for rates, derivations in offer.fallback)
    return found.priced_by(replace(offer, rates=by_days(offer.rates), fallback=fallback))


def find(cr):
    """Return the ids of the periods whose fee is to be charged now, in order.

    :param cr: database cursor
    """
    cr.execute(
        """SELECT id FROM tier_package_balance
            WHERE fee_state = 'due' AND date_from <= now() AT TIME ZONE 'UTC' AND date_to > now() AT TIME ZONE 'UTC'
            ORDER BY id"""
    )
    return [row[0] for row in cr.fetchall()]


def charge(env, period_ids):
    """Charge the fees of periods that are due, and open these periods.

    What others are charging in the same moment is left to them; what is paid, is left alone.

    :param env: environment of the transaction, which should be short
    :param period_ids: ids of ``tier.package.balance``
    :return: :class:`.settle.Outcome`; what could not be charged counts as in suspense, though
        it waits as a period
    """
    dues = _lock(env.cr, period_ids)
    outcome = settle.Outcome()
    if not dues:
        return outcome
    env.cr.execute("SELECT now() AT TIME ZONE 'UTC'")
    now = env.cr.fetchone()[0]
    rows = _price(env, dues, now)
    refused = {key: row.priced.reason for key, row in rows.items() if row.priced.reason}
    states = _lock_accounts(env.cr, rows.values())
    for key, row in rows.items():
        if key not in refused:
            reason = _pay(states, row, now)
            if reason:
                refused[key] = reason
    _refuse(env, refused)
    paid = [(key, row) for key, row in rows.items() if key not in refused]
    _write(env, paid, states, now)
    outcome.charged, outcome.suspense = len(paid), len(refused)
    outcome.reasons.update(refused.values())
    return outcome


def quote(env, dues):
    """Return what fees would cost their subscribers now, as it would be charged.

    :param env: environment; nothing is written or locked
    :param dues: sequence of :class:`Due`, whose ids name them
    :return: dict of id to (amount in the wallet's currency, reason); the amount is None where there
        is a reason, a code of ``const.REASONS``, why it could not be charged whatever the funds
    """
    if not dues:
        return {}
    env.flush_all()
    env.cr.execute("SELECT now() AT TIME ZONE 'UTC'")
    rows = _price(env, {due.id: due for due in dues}, env.cr.fetchone()[0])
    return {
        key: (None if row.priced.reason else row.priced.edges[0].amount, row.priced.reason) for key, row in rows.items()
    }


def units_of(days):
    """Return what counts of a package's units in a part of a month; see :func:`..engine.part.included`.

    :param str days: alias of what has ``days`` and ``month_days``; the package is ``p``
    :rtype: SQL
    """
    part = SQL.identifier(days)
    return SQL(
        """CASE WHEN COALESCE(%(part)s.days, 0) = COALESCE(%(part)s.month_days, 0) THEN p.quantity
                ELSE LEAST(p.quantity, div(p.quantity * %(part)s.days + %(part)s.month_days::numeric * p.increment - 1,
                                           %(part)s.month_days::numeric * p.increment) * p.increment) END""",
        part=part,
    )


def _price(env, dues, now):
    """Price fees on every tier.

    :param dict dues: :class:`Due` by id
    :param datetime now: naive UTC
    :return: dict of id to :class:`.resolve.Resolved`
    """
    services = catalogue.load_services(env.cr)
    service_id = next(service.id for service in services.values() if service.code == SERVICE)
    items = [Item(due.id, due.wallet_id, service_id, due.code, now, Decimal(due.days[0])) for due in dues.values()]
    pricer = _FeePricer(env, items, dues, services)
    return {item.key: _resolved(dues[item.key], service_id, now, pricer.priced(item)) for item in items}


def _lock(cr, period_ids):
    """Lock what is due of some periods, and read it.

    Only packages of the wallet's present parent: a former one sold what it no longer delivers.

    :return: dict of id to :class:`Due`
    """
    cr.execute(
        SQL(
            """
            SELECT b.id, b.subscription_id, b.wallet_id, b.date_from,
                   COALESCE(NULLIF(p.code, ''), 'package-' || p.id),
                   COALESCE(p.name ->> 'en_US', (SELECT value FROM jsonb_each_text(p.name) LIMIT 1)),
                   COALESCE(p.fee, 0)::text, s.currency_id, b.company_id, COALESCE(b.days, 0), COALESCE(b.month_days, 0)
              FROM tier_package_balance b
              JOIN tier_package p ON p.id = b.package_id
              JOIN tier_brand s ON s.id = p.brand_id
              JOIN tier_wallet w ON w.id = b.wallet_id AND w.parent_id = s.wallet_id
             WHERE b.id = ANY(%s) AND b.fee_state = 'due'
               AND b.date_from <= now() AT TIME ZONE 'UTC' AND b.date_to > now() AT TIME ZONE 'UTC'
             ORDER BY b.id FOR UPDATE OF b SKIP LOCKED""",
            list(period_ids),
        )
    )
    return {row[0]: Due(*row[:6], Decimal(row[6]), *row[7:9], Part(*row[9:])) for row in cr.fetchall()}


def _resolved(due, service_id, now, priced):
    usage = Usage(
        source_key=due.source_key,
        service=SERVICE,
        quantity=due.quantity,
        number=due.code,
        callee=due.name,
        wallet_id=due.wallet_id,
        started_at=now,
        answered_at=now,
        ended_at=now,
        disposition="answered",
        company_id=due.company_id,
    )
    return Resolved(usage, service_id, None, due.wallet_id, priced=priced)


def _lock_accounts(cr, rows):
    movements = [tables.movement(0, row, edge) for row in rows for edge in row.priced.paid_edges]
    return writer.lock_accounts(cr, [], movements) if movements else {}


def _pay(states, row, now):
    """Take a fee from the funds read under the lock, all of it or nothing.

    :return: a code of ``const.REASONS`` that tells what is missing, else None
    """
    done = []
    for edge in row.priced.paid_edges:
        payer, payee = states[edge.wallet.account_id], states[edge.wallet.payee_id]
        expired = payer.expires_on is not None and local_day(now, payer.tz) > payer.expires_on
        available = payer.available
        if expired or (available is not None and available < edge.amount):
            for earlier in done:
                states[earlier.wallet.account_id].balance += earlier.amount
                states[earlier.wallet.payee_id].balance -= earlier.amount_to
            return "credit_expired" if expired else "insufficient_funds"
        payer.balance -= edge.amount
        payee.balance += edge.amount_to
        done.append(edge)
    return None


def _write(env, paid, states, now):
    """Write events, payments, each tier's share, and open the periods."""
    if not paid:
        return
    count = sum(len(row.priced.paid_edges) for _key, row in paid)
    _now, ids = bulk.next_ids(env.cr, tier_usage_event=len(paid), tier_transfer=count)
    events, shares, written = [], tables.Shares(ids["tier_transfer"], env.uid, now), str(now)
    for event_id, (_key, row) in zip(ids["tier_usage_event"], paid, strict=True):
        events.append(tables.event_line(event_id, row, written))
        shares.add(event_id, row)
    bulk.copy_lines(env.cr, "tier_usage_event", tables.EVENT_COLUMNS, events)
    bulk.copy_lines(env.cr, "tier_charge", tables.CHARGE_COLUMNS, shares.charges)
    writer.announce_locked(env.cr)
    bulk.post_fresh(env.cr, shares.others, states, env.uid, now, shares.transfers)
    env.cr.execute(
        SQL(
            """
            UPDATE tier_package_balance b
               SET fee_state = 'paid', fee_reason = NULL, fee_event_id = v.event_id, quantity = %s,
                   write_uid = %s, write_date = now() AT TIME ZONE 'UTC'
              FROM unnest(%s::integer[], %s::integer[]) AS v(id, event_id), tier_package p
             WHERE b.id = v.id AND p.id = b.package_id""",
            units_of("b"),
            env.uid,
            [key for key, _row in paid],
            ids["tier_usage_event"],
        )
    )


def _refuse(env, refused):
    """Note why fees stay due."""
    if refused:
        env.cr.execute(
            SQL(
                """UPDATE tier_package_balance b SET fee_reason = v.reason
                     FROM unnest(%s::integer[], %s::varchar[]) AS v(id, reason)
                    WHERE b.id = v.id AND b.fee_reason IS DISTINCT FROM v.reason""",
                list(refused),
                list(refused.values()),
            )
        )
