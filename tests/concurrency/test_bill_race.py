"""Resellers' bills made and issued at once: each charge on one invoice, numbers without a gap."""

from datetime import date, timedelta
from functools import partial

import pytest
from races import race

from odoo.exceptions import UserError
from odoo.service import model as service

pytestmark = pytest.mark.usefixtures("conserved", "short_waits")


@pytest.fixture
def short_waits(monkeypatch):
    """Odoo waits for up to 2, 4, 8 and 16 seconds between tries: here for hundredths of them."""
    monkeypatch.setattr(service.random, "uniform", lambda low, high: high / 200)


@pytest.fixture
def trade(arena):
    """A reseller and four customers with a call of one minute each."""
    with arena.planting() as plant:
        reseller = plant(plant(), "0.30")
        customers = [plant(reseller, "0.60") for _ in range(4)]
    for customer in customers:
        arena.fund(customer, "10")
        arena.call(customer, 60, 60)
    return reseller, customers


def _request(arena, work):
    """Do something in a request of its own, which Odoo tries again when it loses a race."""
    with arena.registry.cursor() as cr:
        env = arena.env_of(cr)
        env["tier.bill"].search_count([])  # a request has read something before it gets there
        try:
            return service.retrying(partial(work, env), env)
        except UserError as error:
            return str(error)


def _draft(arena, reseller, customer):
    """Make a draft over what was just used; return its id."""

    def make(env):
        today = date.today()
        values = {"date_from": today - timedelta(days=2), "date_to": today + timedelta(days=2)}
        return env["tier.bill"].create({"wallet_id": reseller.id, "child_id": customer.id, **values}).id

    return _request(arena, make)


def _issue(arena, bill):
    return _request(arena, lambda env: env["tier.bill"].browse(bill).action_issue())


def _numbers(arena, reseller):
    return [
        number
        for (number,) in arena.rows(
            "SELECT number FROM tier_bill WHERE wallet_id = %s AND number > 0 ORDER BY number", reseller.id
        )
    ]


def test_numbers_without_a_gap_when_all_issue_at_once(arena, trade, lost_races):
    """Guards the lock of the series: nobody reads the number that another is about to take."""
    reseller, customers = trade
    bills = [_draft(arena, reseller, customer) for customer in customers]

    race([partial(_issue, arena, bill) for bill in bills for _press in range(2)])

    assert _numbers(arena, reseller) == [1, 2, 3, 4]
    assert arena.value("SELECT next_number FROM tier_bill_series WHERE wallet_id = %s", reseller.id) == 5


def test_drafts_made_at_once_share_no_charge(arena, trade, lost_races):
    """Guards the unique index of the links: two who bill one customer bill it once."""
    reseller, customers = trade

    drafts = race([partial(_draft, arena, reseller, customers[0]) for _ in range(4)])

    totals = [arena.value("SELECT amount_total FROM tier_bill WHERE id = %s", draft) for draft in drafts]
    assert sorted(map(float, totals)) == [0, 0, 0, 0.6]
    assert arena.value("SELECT count(*) FROM tier_bill_charge WHERE bill_id = ANY(%s)", drafts) == 1


def test_issued_while_it_is_cancelled_and_deleted(arena, trade, lost_races):
    """Guards the lock on the bill: whatever wins, a number that was given stays."""
    reseller, customers = trade
    bill = _draft(arena, reseller, customers[0])

    race(
        [
            partial(_issue, arena, bill),
            partial(_request, arena, lambda env: env["tier.bill"].browse(bill).exists().unlink()),
            partial(_request, arena, lambda env: env["tier.bill"].browse(bill).exists().write({"note": "x"})),
        ]
    )

    left = arena.rows("SELECT state, number FROM tier_bill WHERE id = %s", bill)
    assert left in ([], [("issued", 1)])
    taken = arena.rows("SELECT next_number FROM tier_bill_series WHERE wallet_id = %s", reseller.id)
    assert bool(left) == bool(taken)
