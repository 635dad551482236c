"""Invoices of the same usage from many sides at once, while calls go on: each charge on one of them."""

from decimal import Decimal

import pytest
from races import race

pytestmark = pytest.mark.usefixtures("conserved")

ACCOUNTANTS = 4
CALLS = 60


@pytest.fixture(scope="module")
def books(arena):
    """Accounts for the arena's company, which has demo data's chart."""
    with arena.env() as env:
        assert env.company.root_id.chart_template
        env.company._tier_setup_accounting()


@pytest.fixture
def customers(arena, books):
    """Two customers of a reseller that pay by invoice, with calls on no invoice yet."""
    with arena.planting() as plant:
        reseller = plant(plant(), "0.30")
        customers = [
            plant(reseller, "0.60", payment_mode="postpaid", credit_limit=100000, invoice_interval="manual")
            for _number in range(2)
        ]
    _call(arena, customers, CALLS)
    return customers


def _call(arena, customers, number):
    """Charge calls of all customers, one a transaction."""
    for count in range(number):
        for customer in customers:
            arena.charge([arena.usage(customer, 7 + count)])


def _invoice(arena, customers):
    """Press the wizard's button, in a request; return what it made, None if there was nothing to invoice."""
    from odoo import fields
    from odoo.exceptions import UserError
    from odoo.service.model import retrying

    with arena.registry.cursor() as cr:
        env = arena.env_of(cr)
        today = fields.Date.today()
        wizard = env["tier.usage.invoice"].create(
            {
                "wallet_ids": [customer.id for customer in customers],
                "date_from": today.replace(day=1),
                "date_to": today,
            }
        )
        cr.commit()
        try:
            return retrying(wizard.action_apply, env)["domain"][0][2]
        except UserError as error:
            return str(error)


def _check(arena, customers):
    """All that was charged stands on one invoice, and the invoices come to it."""
    wallets = [customer.id for customer in customers]
    charges = arena.rows(
        """SELECT c.id, count(l.id) FROM tier_charge c LEFT JOIN tier_charge_invoice l ON l.charge_id = c.id
            WHERE c.wallet_id = ANY(%s) AND c.answered GROUP BY c.id HAVING count(l.id) <> 1""",
        wallets,
    )
    assert not charges
    for customer in customers:
        cost = arena.value("SELECT sum(cost) FROM tier_charge WHERE wallet_id = %s", customer.id)
        exact, billed, lines, calls = arena.rows(
            """SELECT sum(m.tier_usage_cost), sum(m.tier_usage_billed),
                      (SELECT sum(price_subtotal) FROM account_move_line
                        WHERE tier_wallet_id = %s AND display_type = 'product'), sum(m.tier_usage_calls)
                 FROM account_move m WHERE m.tier_usage_wallet_id = %s""",
            customer.id,
            customer.id,
        )[0]
        assert exact == cost
        assert billed == lines
        assert abs(exact - billed) <= Decimal("0.005"), "fractions of a coin are carried on, not lost"
        assert calls == arena.value("SELECT count(*) FROM tier_charge WHERE wallet_id = %s", customer.id)
    mixed = arena.rows(
        """SELECT m.id FROM account_move m JOIN tier_charge_invoice l ON l.move_id = m.id
             JOIN tier_charge c ON c.id = l.charge_id
            WHERE m.tier_usage_wallet_id = ANY(%s) AND c.wallet_id <> m.tier_usage_wallet_id""",
        wallets,
    )
    assert not mixed


def test_many_invoice_at_once(arena, customers):
    made = race([lambda: _invoice(arena, customers)] * ACCOUNTANTS)
    lists = [moves for moves in made if not isinstance(moves, str)]
    assert sum(len(moves) for moves in lists) == len(customers)
    assert all("Nothing is to be invoiced" in words for words in made if isinstance(words, str))
    _check(arena, customers)


def test_while_calls_go_on(arena, customers):
    race([lambda: _invoice(arena, customers)] * ACCOUNTANTS + [lambda: _call(arena, customers, CALLS)] * 2, seconds=120)
    _invoice(arena, customers)
    _check(arena, customers)


def _delete(arena, moves):
    """Delete drafts, in a request."""
    from odoo.service.model import retrying

    with arena.registry.cursor() as cr:
        env = arena.env_of(cr)
        retrying(env["account.move"].browse(moves).exists().unlink, env)


def _sum_up(arena):
    """Let the sums for reports know what there is, so that the next invoice need not read it again."""
    with arena.env() as env:
        env["tier.usage.rollup"]._cron_add()


def test_one_comes_off_while_another_is_made(arena, customers):
    """What a draft that is deleted lets go is found by the next, though the wallet knew that it was invoiced."""
    for _round in range(5):
        _sum_up(arena)
        moves = _invoice(arena, customers)
        _call(arena, customers, 3)
        race([lambda moves=moves: _delete(arena, moves), lambda: _invoice(arena, customers), lambda: _sum_up(arena)])
        _call(arena, customers, 1)
    _sum_up(arena)
    _invoice(arena, customers)
    _check(arena, customers)
