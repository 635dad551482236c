"""What events cost, and what they would cost by today's prices."""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from odoo.tools import SQL

from ..charging import catalogue
from ..charging.priced import Item
from ..charging.pricing import Pricer

ZERO = Decimal(0)


class Paid(NamedTuple):
    """What stands on one tier's charges for one event, corrections included.

    :param first_charge, last_charge: ids of the charge and of what corrected it last
    :param price_list_id: by which it was charged last
    :param transfer_id: of the payment; None if nothing was paid
    :param from_account, to_account: of the payment
    :param received: what arrived, in the currency of ``to_account``
    """

    event_id: int
    wallet_id: int
    child_id: int | None
    tier: int
    first_charge: int
    last_charge: int
    price_list_id: int | None
    sale: Decimal
    cost: Decimal
    billed: Decimal
    transfer_id: int | None
    from_account: int | None
    to_account: int | None
    received: Decimal


class Share(NamedTuple):
    """One tier's figures of an event before and after; in the wallet's currency but for ``received``.

    The provider has no payee: its carrier is not in the ledger.
    """

    paid: Paid
    account_id: int
    payee_id: int | None
    currency_id: int
    sale: Decimal
    cost: Decimal
    received: Decimal
    billed: Decimal
    transfer_rate: Decimal
    rate: Decimal
    price_list_id: int | None
    prefix: str | None
    rate_ref: int | None

    @property
    def differs(self):
        """Whether money would have to move, or the margin changes."""
        paid = self.paid
        return (self.sale, self.cost, self.received) != (paid.sale, paid.cost, paid.received)


@dataclass(slots=True)
class Compared:
    """What came of a batch.

    :param changed: dict of event id to its list of :class:`Share`, the payer's first
    :param left: dict of event id to (reason, detail) of those that cannot be corrected
    :param unchanged: events that cost the same
    """

    changed: dict = field(default_factory=dict)
    left: dict = field(default_factory=dict)
    unchanged: int = 0


def compare(env, event_ids, as_charged=False):
    """Price charged events again on every tier. Nothing is locked or written.

    Some fifteen statements for any number of events. The moment, the number and the quantity are
    the event's; rates, terms and exchange rates those that hold now for that moment.

    :param env: environment of the transaction
    :param event_ids: ids of ``tier.usage.event``
    :param bool as_charged: by the price lists that the tiers were charged by; otherwise by those
        that the wallets have now
    :rtype: Compared
    """
    result = Compared()
    events, paid = _events(env, event_ids), _paid(env, event_ids)
    items, chains = [], {}
    for event in events:
        shares = paid.get(event["id"], [])
        reason = _untouchable(event, shares)
        if reason:
            result.left[event["id"]] = (reason, None)
            continue
        lists = tuple(share.price_list_id for share in shares) if as_charged else None
        chains[event["wallet_id"], lists] = None
        items.append(
            Item(
                event["id"],
                (event["wallet_id"], lists),
                event["service_id"],
                event["number"] or "",
                event["at"],
                Decimal(event["quantity"]),
                event["switch_id"],
                event["dial_plan_id"],
            )
        )
    if not items:
        return result
    _fill_chains(env, chains)
    granted = {event["id"] for event in events if event["granted"]}
    pricer = Pricer(env, items, chains=chains)
    for item in items:
        shares = paid[item.key]
        reason = _other_chain(pricer.chains[item.wallet_id], shares)
        if reason:
            result.left[item.key] = (reason, None)
            continue
        priced = pricer.priced(item, was_granted=item.key in granted)
        if priced.reason:
            result.left[item.key] = (priced.reason, priced.detail)
            continue
        if any(edge.volume for edge in (*priced.edges, priced.carrier) if edge):
            result.left[item.key] = ("volume", None)
            continue
        compared = _shares(priced, shares)
        if any(share.differs for share in compared):
            result.changed[item.key] = compared
        else:
            result.unchanged += 1
    return result


def _events(env, event_ids):
    """Read what is needed of events, in one statement."""
    env.cr.execute(
        SQL(
            """
            SELECT e.id, e.state, e.wallet_id, e.service_id, e.number, e.quantity::text, e.switch_id,
                   p.dial_plan_id, COALESCE(e.answered_at, e.started_at) AS at, s.code = 'fee' AS is_fee,
                   EXISTS (SELECT FROM tier_package_use u WHERE u.event_id = e.id) AS packaged,
                   EXISTS (SELECT FROM tier_volume_use u WHERE u.event_id = e.id) AS bought,
                   EXISTS (SELECT FROM tier_dispute_line d WHERE d.event_id = e.id AND d.is_open) AS contested,
                   EXISTS (SELECT FROM tier_session n
                            WHERE n.session_key = e.session_key AND n.state IN ('open', 'settled')) AS granted
              FROM tier_usage_event e LEFT JOIN tier_service s ON s.id = e.service_id
              LEFT JOIN tier_endpoint p ON p.id = e.endpoint_id
             WHERE e.id = ANY(%s) ORDER BY e.id""",
            list(event_ids),
        )
    )
    return env.cr.dictfetchall()


def _paid(env, event_ids):
    """Read what events cost on every tier, in one statement.

    Leans on the charges' index on the event, on the ledger's primary key and on its index on
    ``reverses_id``. The payment is the oldest transfer of a wallet's charges: what corrects it
    came later.

    :return: dict of event id to list of :class:`Paid`, the payer's first
    """
    env.cr.execute(
        SQL(
            """
            SELECT c.event_id, c.wallet_id, c.child_id, c.tier, c.first_charge, c.last_charge, c.price_list_id,
                   f.id, f.from_account_id, f.to_account_id, c.sale::text, c.cost::text, c.billed::text,
                   COALESCE(f.amount_to + k.received, 0)::text
              FROM (SELECT event_id, wallet_id, max(child_id) AS child_id, max(tier) AS tier,
                           min(id) AS first_charge, max(id) AS last_charge,
                           (array_agg(price_list_id ORDER BY id DESC))[1] AS price_list_id,
                           min(transfer_id) AS transfer_id, sum(sale) AS sale, sum(cost) AS cost,
                           sum(billed_quantity) AS billed
                      FROM tier_charge WHERE event_id = ANY(%s) GROUP BY event_id, wallet_id) c
              LEFT JOIN tier_transfer f ON f.id = c.transfer_id
             CROSS JOIN LATERAL (
                   SELECT COALESCE(sum(CASE t.kind WHEN 'usage' THEN t.amount_to ELSE -t.amount END), 0) AS received
                     FROM tier_transfer t
                    WHERE t.reverses_id = f.id AND t.kind IN ('usage', 'rebate')) k
             ORDER BY c.event_id, c.tier DESC""",
            list(event_ids),
        )
    )
    paid = defaultdict(list)
    for *ids, transfer, giver, receiver, sale, cost, billed, received in env.cr.fetchall():
        amounts = (Decimal(sale), Decimal(cost), Decimal(billed))
        paid[ids[0]].append(Paid(*ids, *amounts, transfer, giver, receiver, Decimal(received)))
    return paid


def _untouchable(event, shares):
    """Return why an event is left as it is, whatever it would cost, or None."""
    if event["state"] != "charged" or not shares:
        return event["state"] if event["state"] == "refunded" else "not_charged"
    if event["contested"]:
        return "contested"
    # What a package costs stands on the package; see charging/fees.py.
    if event["packaged"] or event["is_fee"]:
        return "packaged"
    if event["bought"]:
        return "volume"
    return None


def _fill_chains(env, chains):
    """Find the wallets of each chain, with the price lists that are asked for.

    A suspended wallet buys nothing new, but what it has used is to be priced.

    :param dict chains: keys are (wallet id, price lists from the payer up or None); filled
    """
    current = catalogue.load_chains(env.cr, {wallet_id for wallet_id, _lists in chains})
    for key in chains:
        wallet_id, lists = key
        chain = [w if w.state == "closed" else w._replace(state="active") for w in current[wallet_id]]
        if lists and len(lists) == len(chain):
            chain = [w._replace(price_list_id=list_id) for w, list_id in zip(chain, lists, strict=True)]
        chains[key] = chain


def _other_chain(chain, shares):
    """Return why what was charged cannot be corrected between these wallets, or None."""
    if [wallet.id for wallet in chain] != [share.wallet_id for share in shares]:
        return "moved"
    for wallet, share in zip(chain, shares, strict=True):
        if wallet.state == "closed":
            return "closed"
        if share.transfer_id and (share.from_account, share.to_account) != (wallet.account_id, wallet.payee_id):
            return "moved"
    return None


def _shares(priced, paid):
    """Set what was charged beside what would be.

    :param priced: :class:`..charging.priced.Priced`
    :param paid: list of :class:`Paid`, the payer's first
    :return: list of :class:`Share`
    """
    edges = [*priced.edges, priced.carrier]
    shares = []
    for position, (wallet, was) in enumerate(zip(priced.chain, paid, strict=True)):
        edge, below = edges[position], edges[position - 1] if position else None
        # A carrier whose deck has no rate any more was paid nevertheless.
        shares.append(
            Share(
                was,
                wallet.account_id,
                wallet.payee_id if wallet.parent_id else None,
                wallet.currency_id,
                below.sale if below else ZERO,
                edge.amount if edge else was.cost,
                edge.amount_to if edge and wallet.parent_id else was.received,
                edge.billed if edge else was.billed if was.cost else below.billed,
                edge.transfer_rate if edge else Decimal(1),
                edge.rate if edge else Decimal(1),
                wallet.price_list_id if edge else was.price_list_id,
                edge.prefix if edge else None,
                edge.rate_id if edge else None,
            )
        )
    return shares
