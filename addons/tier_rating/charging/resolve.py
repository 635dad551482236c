"""Who pays for a usage, and what on every tier: the front half of the charging path."""

from dataclasses import dataclass, field
from decimal import Decimal

from odoo.addons.tier_billing.ledger import arrays

from . import catalogue, dial_plans, guests
from .priced import Item, Priced
from .pricing import Pricer
from .usage import Usage


@dataclass(slots=True)
class Resolved:
    """A usage with its payer and price.

    :param path: of the wallet up to the provider's, if it was read with the endpoint
    :param plan_id: the endpoint's own dial plan, if it has one
    """

    usage: Usage
    service_id: int | None = None
    endpoint_id: int | None = None
    wallet_id: int | None = None
    path: str | None = None
    priced: Priced = field(default_factory=Priced)
    plan_id: int | None = None


def resolve(env, usages):
    """Find the payer of each usage and price it on every tier.

    :param env: environment of the transaction
    :param usages: sequence of :class:`.usage.Usage`
    :return: list of :class:`Resolved`, in the order of the usages
    """
    services = catalogue.load_services(env.cr)
    resolved = find_payers(env, usages, services)
    granted = _granted_sessions(env, usages)
    items = [
        Item(
            position,
            row.wallet_id,
            row.service_id,
            row.usage.number,
            row.usage.priced_from,
            row.usage.quantity,
            row.usage.switch_id,
            row.plan_id,
        )
        for position, row in enumerate(resolved)
        if not row.priced.reason
    ]
    if items:
        chains = catalogue.load_chains(
            env.cr, {item.wallet_id for item in items}, {row.path for row in resolved if row.path}
        )
        pricer = Pricer(env, items, services, chains)
        for item in items:
            row = resolved[item.key]
            row.priced = pricer.priced(item, was_granted=row.usage.session_key in granted)
    return resolved


def find_payers(env, usages, services):
    """Find the service and the payer of each usage, and read its number as the payer's endpoint dials.

    :param env: environment of the transaction
    :param usages: sequence of :class:`.usage.Usage`
    :param services: of :func:`.catalogue.load_services`
    :return: list of :class:`Resolved`, with a reason where there is no payer
    """
    codes = {service.code: service.id for service in services.values()}
    endpoints = _endpoints(env.cr, usages)
    resolved, let, planned = [], [], []
    for usage in usages:
        if not usage.quantity.is_finite():
            usage.bad = ("bad_record", f"{usage.quantity} is not a quantity.")
            usage.quantity = Decimal(0)
        row = Resolved(usage, codes.get(usage.service), wallet_id=usage.wallet_id)
        resolved.append(row)
        for kind, identifier in usage.accounts if not usage.wallet_id else ():
            found = endpoints.get((usage.switch_id, kind, identifier))
            if found:
                row.endpoint_id, row.wallet_id, room_id, row.path, row.plan_id = found
                if room_id:
                    let.append((row, room_id))
                if row.plan_id:
                    planned.append(row)
                break
        if usage.bad:
            row.priced.reason, row.priced.detail = usage.bad
        elif not row.service_id:
            row.priced.reason = "no_rate"
            row.priced.detail = f"There is no service {usage.service}."
        elif not row.wallet_id:
            row.priced.reason = "unknown_account"
            known = ", ".join(f"{kind} {value}" for kind, value in usage.accounts)
            row.priced.detail = f"No endpoint for {known or 'an empty caller'}."
    if planned:
        dial_plans.read_again(env.cr, planned)
    if let:
        guests.assign(env.cr, let)
    return resolved


def _endpoints(cr, usages):
    """Find who is behind what the switches call the callers of a batch.

    Most are known by what identifies them best, so the rest is asked for only where that is not.

    :return: see :func:`.catalogue.load_endpoints`
    """
    unknown = [usage for usage in usages if not usage.wallet_id and usage.accounts]
    found = catalogue.load_endpoints(cr, {(usage.switch_id, *usage.accounts[0]) for usage in unknown})
    others = {
        (usage.switch_id, kind, identifier)
        for usage in unknown
        if (usage.switch_id, *usage.accounts[0]) not in found
        for kind, identifier in usage.accounts[1:]
    }
    if others:
        found.update(catalogue.load_endpoints(cr, others))
    return found


def _granted_sessions(env, usages):
    """Return the keys of the sessions that were allowed to begin.

    What was allowed is charged, even if a short session turns out below cost.
    """
    keys = {usage.session_key for usage in usages if usage.session_key}
    if not keys:
        return set()
    env.cr.execute(
        """SELECT session_key FROM tier_session
            WHERE session_key = ANY(%s::varchar[]) AND state IN ('open', 'settled')""",
        (arrays.of_texts(keys),),
    )
    return {row[0] for row in env.cr.fetchall()}
