"""Accountants, banks and scheduled actions at work on the same invoices, on connections of their own.

What is settled in the end is what is paid, however the transactions interleave: each change of
payments marks its invoice, and one settlement of an invoice runs at a time.
"""

import threading

import psycopg2
import pytest
from odoo_process import committed
from races import race

pytestmark = pytest.mark.usefixtures("conserved")

WORKERS = 6
LOCK_MOVE = 0x74696574
ATTEMPTS = 200


@pytest.fixture(scope="module")
def books(arena):
    """Accounts for the arena's company, which has demo data's chart."""
    with arena.env() as env:
        assert env.company.root_id.chart_template
        env.company._tier_setup_accounting()


@pytest.fixture
def customer(arena, books):
    """A customer of the provider, with inside money."""
    with arena.planting() as plant:
        return plant(plant(), "0.60")


def _invoice(arena, wallet, amount, move_type="out_invoice", reverses=None):
    """Post an invoice of credit; return its id."""
    with arena.env() as env:
        record = env["tier.wallet"].browse(wallet.id)
        product = env["product.product"].search([("is_tier_credit", "=", True)], limit=1)
        line = {"product_id": product.id, "price_unit": amount, "tax_ids": [(5,)], "tier_wallet_id": wallet.id}
        move = env["account.move"].create(
            {
                "move_type": move_type,
                "partner_id": record.partner_id.id,
                "currency_id": record.currency_id.id,
                "invoice_date": "2026-11-20",
                "reversed_entry_id": reverses,
                "invoice_line_ids": [(0, 0, line)],
            }
        )
        move.action_post()
        return move.id


def _request(arena, function):
    """Run ``function(env)`` in a transaction as a request does: again after a lost race."""
    for _attempt in range(ATTEMPTS):
        try:
            with committed(arena.database) as env:
                return function(env)
        except (psycopg2.OperationalError, psycopg2.IntegrityError):
            threading.Event().wait(0.01)
    raise AssertionError(f"lost {ATTEMPTS} races")


def _pay(arena, move, amount):
    """Register a payment of an invoice; return the payment's id."""

    def register(env):
        wizard = env["account.payment.register"].with_context(active_model="account.move", active_ids=[move])
        return wizard.create({"amount": amount})._create_payments().id

    return _request(arena, register)


def _unreconcile(arena, move):
    def undo(env):
        lines = env["account.move"].browse(move).line_ids
        lines.filtered(lambda line: line.account_type == "asset_receivable").remove_move_reconcile()

    _request(arena, undo)


def _reconcile(arena, move, payment):
    def redo(env):
        moves = env["account.move"].browse(move) | env["account.payment"].browse(payment).move_id
        lines = moves.line_ids.filtered(lambda line: line.account_type == "asset_receivable" and not line.reconciled)
        if len(lines) > 1:
            lines.reconcile()

    _request(arena, redo)


def _settle(arena, move):
    """Settle an invoice by hand, as another worker or the scheduled action does at that moment."""
    from odoo.addons.tier_billing.models.tier_paid_change import _settle_apart

    _settle_apart(arena.registry, "account.move", move)


def _settled(arena):
    """Settle what a lost lock has left, and tell how much that was."""
    left = arena.value("SELECT count(*) FROM tier_paid_change")
    with arena.env() as env:
        env["tier.paid.change"]._settle_left()
    assert not arena.value("SELECT count(*) FROM tier_paid_change")
    return left


def _paid(arena, move):
    return arena.value("SELECT amount_total - amount_residual FROM account_move WHERE id = %s", move)


def test_one_payment_settled_by_many(arena, customer):
    """Guards the lock of the document: all of them read "nothing credited yet"."""
    move = _invoice(arena, customer, 20)
    with arena.env() as env:
        wizard = env["account.payment.register"].with_context(active_model="account.move", active_ids=[move])
        wizard.create({})._create_payments()
        env.flush_all()
        env.cr.postcommit.clear()  # as if the worker had been killed
    assert arena.balance(customer) == 0
    race([lambda: _settle(arena, move)] * WORKERS)
    assert arena.balance(customer) == 20
    assert arena.value("SELECT count(*) FROM tier_paid_credit WHERE move_id = %s", move) == 1
    assert _settled(arena) == 0


@pytest.mark.parametrize("document", ["invoice", "credit note"])
def test_settlements_take_turns(arena, customer, document):
    """Who settles an invoice or a credit note of it waits, and then sees what the other has done."""
    move = _invoice(arena, customer, 20)
    _pay(arena, move, 20)
    refund = _invoice(arena, customer, 8, "out_refund", reverses=move)
    connection = arena.connect()
    try:
        connection.autocommit = False
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_MOVE, move])
            thread = threading.Thread(target=_settle, args=(arena, move if document == "invoice" else refund))
            thread.start()
            assert arena.is_waited_for(connection, thread.is_alive)
        connection.commit()
        thread.join(30)
    finally:
        connection.close()
    assert arena.balance(customer) == 20


def test_parts_paid_at_once(arena, customer):
    move = _invoice(arena, customer, 20)
    race([lambda amount=amount: _pay(arena, move, amount) for amount in (3, 4, 5, 8)])
    _settled(arena)
    assert _paid(arena, move) == 20
    assert arena.balance(customer) == 20


def test_paid_and_taken_back_over_and_over(arena, customer):
    """Two accountants who undo each other's work, and a scheduled action between them."""
    move = _invoice(arena, customer, 20)
    payment = _pay(arena, move, 20)
    assert arena.balance(customer) == 20
    race(
        [
            lambda: [_unreconcile(arena, move) for _round in range(4)],
            lambda: [_reconcile(arena, move, payment) for _round in range(4)],
            lambda: [_settle(arena, move) for _round in range(8)],
        ]
    )
    _settled(arena)
    assert arena.balance(customer) == _paid(arena, move)
    _unreconcile(arena, move)
    assert arena.balance(customer) == 0
    _reconcile(arena, move, payment)
    assert arena.balance(customer) == 20
    assert _settled(arena) == 0


def test_refund_beside_a_charge_back(arena, customer):
    """The credit note and its invoice are settled under one lock."""
    move = _invoice(arena, customer, 20)
    payment = _pay(arena, move, 20)
    refund = _invoice(arena, customer, 8, "out_refund", reverses=move)
    race(
        [
            lambda: _pay(arena, refund, 8),
            lambda: _request(arena, lambda env: env["account.payment"].browse(payment).action_cancel() and None),
            lambda: _settle(arena, move),
            lambda: _settle(arena, refund),
        ]
    )
    _settled(arena)
    assert arena.balance(customer) == -8


def test_paid_amid_calls(arena, customer):
    """The wallet of a busy customer changes all the time, and yet its payment is credited at once."""
    arena.fund(customer, "100")
    move = _invoice(arena, customer, 20)
    busy, paid = threading.Event(), threading.Event()
    calls = []

    def talk():
        while not paid.is_set():
            calls.append(arena.call(customer, 1, 1))
            if len(calls) > 10:
                busy.set()

    def pay():
        try:
            assert busy.wait(60)
            _pay(arena, move, 20)
        finally:
            paid.set()

    race([talk, talk, pay])
    assert arena.balance(customer) == 120 - sum(map(customer.pays, calls))
    assert _settled(arena) == 0


def test_rolled_back_payment_credits_nothing(arena, customer):
    move = _invoice(arena, customer, 20)
    with arena.env() as env:
        wizard = env["account.payment.register"].with_context(active_model="account.move", active_ids=[move])
        wizard.create({})._create_payments()
        env.flush_all()
        env.cr.rollback()
    assert _settled(arena) == 0
    assert arena.balance(customer) == 0
