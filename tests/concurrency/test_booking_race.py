"""Daily entries while calls are charged, from many sides at once, and after a run that died."""

import random
from decimal import Decimal

import pytest
from arena import now
from races import race

pytestmark = pytest.mark.usefixtures("conserved")


@pytest.fixture(scope="module")
def books(arena):
    """Gives the company books, and brings into them whatever other tests have done."""
    with arena.env() as env:
        company = env.company
        if not company.chart_template:
            env["account.chart.template"].try_loading("generic_coa", company=company, install_demo=False)
        company._tier_setup_accounting()
    _book(arena, everything=True)


@pytest.fixture
def payers(arena, books):
    """Customers of all kinds, in two currencies."""
    with arena.planting() as plant:
        provider = plant()
        reseller = plant(provider, "0.30", currency="XTS")
        payers = [
            plant(reseller, "0.60"),
            plant(reseller, "0.90", currency="USD", money="outside"),
            plant(provider, "0.54", currency="USD", payment_mode="postpaid", credit_limit=1000),
        ]
    for wallet in (reseller, payers[0]):
        arena.fund(wallet, "1000")
    return payers


def _book(arena, **values):
    """Book until today, as the cron does; return the ids of the entries."""
    with arena.env() as env:
        return env["tier.booking"]._book(env.company, until=now().date(), **values)


def _charge(arena, payers, seed, number=60):
    """Charge calls in small batches."""
    chance = random.Random(seed)
    for _batch in range(number // 10):
        usages = [arena.usage(chance.choice(payers), chance.randrange(1, 600)) for _call in range(10)]
        assert arena.charge(usages).charged == 10


def _check_books(arena):
    """The account in the books has what the wallets have, in each currency, and all of it is booked."""
    with arena.env() as env:
        report = env["tier.reconciliation"].create({"date_from": now().date(), "date_to": now().date()})
        lines = report._compare()
        assert {line["currency_id"] for line in lines} >= set(
            env["res.currency"].search([("name", "in", ("USD", "XTS"))]).ids
        )
        for line in lines:
            assert (line["difference"], line["unbooked"], line["late"]) == (0, 0, 0), line
            assert abs(line["rounding"]) <= 0.01
    # Not by the report's own figures: account by account, what is booked is what moved.
    unequal = arena.rows(
        """
        SELECT b.account_id, b.amount, a.balance
          FROM (SELECT account_id, sum(amount) AS amount
                  FROM (SELECT from_account_id AS account_id, -amount AS amount
                          FROM tier_booking_line WHERE from_inside AND move_id IS NOT NULL
                        UNION ALL
                        SELECT to_account_id, amount_to
                          FROM tier_booking_line WHERE to_inside AND move_id IS NOT NULL) sides
                 GROUP BY account_id) b
          JOIN tier_account a ON a.id = b.account_id
          JOIN tier_wallet w ON w.account_id = a.id
         WHERE w.parent_id IN (SELECT id FROM tier_wallet WHERE parent_id IS NULL)
           AND NOT EXISTS (SELECT FROM tier_wallet c WHERE c.parent_id = w.id) AND b.amount <> a.balance"""
    )
    assert not unequal


def test_runs_at_once_while_calls_are_charged(arena, payers):
    """Four runs and four streams of calls: each transfer is booked once.

    Guards the lock of a company, taken before anything is read, and that a run sees what
    the one before it has booked.
    """

    def book():
        return [entry for _run in range(3) for entry in _book(arena)]

    streams = [lambda seed=seed: _charge(arena, payers, seed) for seed in range(4)]
    race([book, book, book, book, *streams])
    _book(arena)

    _check_books(arena)
    assert not _book(arena, everything=True)


def test_the_lock_keeps_the_second_run_from_booking_the_same(arena, payers):
    """Runs that begin at one moment on the same news: one entry in all, not one each."""
    _book(arena)
    _charge(arena, payers, 7, 20)

    entries = race([lambda: _book(arena)] * 6)

    assert sum(map(len, entries)) == 1
    _check_books(arena)


def test_a_run_that_dies_has_booked_nothing(arena, payers, monkeypatch):
    """It dies after the entry is posted: neither the entry nor a row of it is left."""
    _book(arena)
    _charge(arena, payers, 8, 20)
    before = arena.value("SELECT count(*) FROM account_move")
    model = arena.registry["tier.booking.line"]

    def die(*_args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(model, "_insert", die)
        with pytest.raises(KeyboardInterrupt):
            _book(arena)
    assert arena.value("SELECT count(*) FROM account_move") == before

    assert len(_book(arena)) == 1
    _check_books(arena)


def test_a_transfer_that_commits_late_is_booked_by_the_next_run(arena, payers):
    """It was written before a run began and committed after it: the run had not seen it."""
    _book(arena)
    payer = payers[-1]
    with arena.env() as env:
        wallet = env["tier.wallet"].browse(payer.id)
        wallet._topup(Decimal(5), arena.key("late"))
        _book(arena)
    assert len(_book(arena)) == 1
    _check_books(arena)
