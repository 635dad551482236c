"""Credit for many at once: two crons, two people who press, two who approve, and a process that is killed."""

import threading
import time
from datetime import date, timedelta
from decimal import Decimal
from functools import partial

import pytest
from races import Sampler, race

from odoo.exceptions import UserError
from odoo.service import model as service

pytestmark = pytest.mark.usefixtures("conserved", "short_waits")


@pytest.fixture
def short_waits(monkeypatch):
    """Odoo waits for up to 2, 4, 8 and 16 seconds between tries: here for hundredths of them."""
    monkeypatch.setattr(service.random, "uniform", lambda low, high: high / 200)


@pytest.fixture
def campus(arena):
    """A reseller with funds for a hundred and, as its customers, thirty students."""
    with arena.planting() as plant:
        reseller = plant(plant(), "0.30")
        students = [plant(reseller, "0.60") for _ in range(30)]
    arena.fund(reseller, "1000")
    return reseller, students


@pytest.fixture
def small_batches(monkeypatch):
    from odoo.addons.tier_billing.models import tier_allocation_run

    monkeypatch.setattr(tier_allocation_run, "BATCH", 4)


def _schedule(arena, reseller, months=1, **values):
    """Start a schedule that is some months late; return its id."""
    first = date.today().replace(day=1)
    for _month in range(months - 1):
        first = (first - timedelta(days=1)).replace(day=1)
    with arena.env() as env:
        schedule = env["tier.allocation.schedule"].create(
            {"name": arena.key("schedule"), "parent_id": reseller.id, "amount": 10, "date_from": first, **values}
        )
        schedule.action_start()
        return schedule.id


def _cron(arena, schedule):
    """Let the cron run once for a schedule, as a worker of its own does."""
    with arena.env() as env:
        record = env["tier.allocation.schedule"].browse(schedule)
        runs = 0
        while record._run_next():
            runs += 1
        return runs


def _runs(arena, schedule):
    return arena.rows(
        "SELECT state, given_count, returned_count FROM tier_allocation_run WHERE schedule_id = %s ORDER BY period",
        schedule,
    )


def _press(arena, model, record, method):
    """Press a button as a request would: "done", or what the person is told."""
    with arena.registry.cursor() as cr:
        env = arena.env_of(cr)
        record = env[model].browse(record)
        record.mapped("create_date")  # a request has read something before it gets there
        try:
            service.retrying(getattr(record, method), env)
        except UserError as error:
            return str(error)
    return "done"


def test_two_crons_give_once(arena, campus, small_batches, lost_races):
    """Guards the source keys, the run's unique month, and that what is left is looked at under the locks."""
    reseller, students = campus
    schedule = _schedule(arena, reseller, months=3)

    with Sampler(arena, [reseller, *students]) as sampler:
        race([partial(_cron, arena, schedule)] * 3)

    assert sampler.lowest >= 0
    assert [arena.balance(student) for student in students] == [10] * 30
    assert arena.balance(reseller) == 700
    # What was unused of the month before came back, twice, and never more.
    assert _runs(arena, schedule) == [("done", 30, 0), ("done", 30, 30), ("done", 30, 30)]
    assert not lost_races


def test_credit_comes_and_goes_while_students_call(arena, campus, small_batches):
    """Calls of the same wallets while the unused rest is taken back: never below zero, nothing lost."""
    reseller, students = campus
    schedule = _schedule(arena, reseller, months=2)
    with arena.env() as env:
        assert env["tier.allocation.schedule"].browse(schedule)._run_next()

    def calls(part):
        return [(student, arena.call(student, 60, 60)) for student in part]

    with Sampler(arena, students) as sampler:
        *made, ended = race([partial(calls, students[n::3]) for n in range(3)] + [partial(_cron, arena, schedule)])

    assert ended == 1
    assert sampler.lowest >= 0
    made = [call for part in made for call in part]
    assert all(seconds == 60 for _student, seconds in made)
    # Called before the new grant it has the whole of that, called after it less.
    assert {arena.balance(student) for student in students} <= {Decimal(10), Decimal("9.40")}
    arena.check_accounts([reseller, *students])


def test_a_call_that_ends_just_then_counts_as_spent(arena, campus):
    """A schedule waits for the lock of a wallet that pays for a call: what it paid does not return.

    Guards that what is left of a grant is looked at under the locks.
    """
    from odoo.addons.tier_billing.ledger.writer import Movement

    reseller, students = campus
    student = students[0]
    schedule = _schedule(arena, reseller, months=2)
    with arena.env() as env:
        assert env["tier.allocation.schedule"].browse(schedule)._run_next()
    arena.fund(student, "7")
    with arena.registry.cursor() as cr:
        payment = Movement(arena.key("payment"), "usage", student.account_id, student.payee_id, Decimal(4), Decimal(4))
        arena.env_of(cr)["tier.transfer"]._post([payment])

        def ends():
            _until_waiting(arena, 1)
            cr.commit()

        race([partial(_cron, arena, schedule), ends])

    # 6 of the 10 came back; the 7 are its own, and 10 are new.
    assert arena.balance(student) == 17
    assert _runs(arena, schedule)[1] == ("done", 30, 30)


def test_a_schedule_goes_on_where_it_was_killed(arena, campus, small_batches, monkeypatch):
    """The process ends between two batches; another one gives to the rest, and to nobody twice."""
    from odoo.addons.tier_billing.models.tier_allocation_run import TierAllocationRun

    reseller, students = campus
    schedule = _schedule(arena, reseller)
    give, count = TierAllocationRun._give, iter(range(100))

    class Killed(BaseException):
        pass

    def dying(run, wallet_ids):
        if next(count) == 3:
            raise Killed
        return give(run, wallet_ids)

    with monkeypatch.context() as patch:
        patch.setattr(TierAllocationRun, "_give", dying)
        with pytest.raises(Killed):
            _cron(arena, schedule)
    assert _runs(arena, schedule) == [("running", 12, 0)]
    assert arena.balance(reseller) == 880

    assert _cron(arena, schedule) == 1

    assert _runs(arena, schedule) == [("done", 30, 0)]
    assert {arena.balance(student) for student in students} == {10}


def test_two_schedules_share_the_last_funds(arena, campus, small_batches):
    """Two crons, two schedules, one reseller with too little: nobody goes below zero, the rest is named."""
    reseller, students = campus
    with arena.env() as env:
        env["tier.wallet"].browse(reseller.id)._reclaim("545", arena.key("poor"))
    schedules = [_schedule(arena, reseller), _schedule(arena, reseller)]

    with Sampler(arena, [reseller]) as sampler:
        race([partial(_cron, arena, schedule) for schedule in schedules])

    assert sampler.lowest >= 0
    given = [_runs(arena, schedule)[0][1] for schedule in schedules]
    assert sum(given) == 45
    failed = arena.value(
        "SELECT count(*) FROM tier_allocation_failure f JOIN tier_allocation_run r ON r.id = f.run_id"
        " WHERE r.schedule_id = ANY(%s)",
        schedules,
    )
    assert failed == 15
    assert arena.balance(reseller) == 5
    assert sum(arena.balance(student) for student in students) == 450


def _bulk(arena, wallets, amount, on_refusal="stop"):
    with arena.env() as env:
        bulk = env["tier.bulk.allocation"].create(
            {"wallet_ids": [wallet.id for wallet in wallets], "amount": amount, "on_refusal": on_refusal}
        )
        bulk.action_check()
        return bulk.id


def test_two_bulk_allocations_of_the_last_funds(arena, campus):
    """All or nothing for two people at once: one gets all, the other is told and moved nothing.

    Guards that all funds are checked under one lock, taken in one order whatever the lists' orders are.
    """
    reseller, students = campus
    bulks = [_bulk(arena, wallets, "20") for wallets in (students, students[::-1])]

    told = race([partial(_press, arena, "tier.bulk.allocation", bulk, "action_apply") for bulk in bulks])

    assert sorted(text == "done" for text in told) == [False, True]
    assert "are needed" in next(text for text in told if text != "done")
    assert arena.balance(reseller) == 400
    assert {arena.balance(student) for student in students} == {20}


def test_bulk_allocations_while_calls_are_charged(arena, campus):
    """People get through while the wallets are busy, and lists in any order do not deadlock."""
    _reseller, students = campus
    for student in students[:6]:
        arena.fund(student, "10")
    bulks = [_bulk(arena, students[:: 1 if number % 2 else -1], "1", "skip") for number in range(6)]

    def calls(student):
        return sum(arena.call(student, 60, 60) for _ in range(4))

    told = race(
        [partial(_press, arena, "tier.bulk.allocation", bulk, "action_apply") for bulk in bulks]
        + [partial(calls, student) for student in students[:6]]
    )

    assert told[:6] == ["done"] * 6
    assert told[6:] == [240] * 6
    assert arena.balance(students[-1]) == 6


def test_a_double_click_on_a_bulk_allocation(arena, campus):
    reseller, students = campus
    bulk = _bulk(arena, students, "3")

    told = race([partial(_press, arena, "tier.bulk.allocation", bulk, "action_apply")] * 4)

    assert "done" in told
    assert arena.balance(reseller) == 1000 - 90


def test_one_request_is_approved_once(arena, campus):
    """Several people press Approve or Refuse at once: one decision, at most one movement."""
    from odoo.addons.tier_billing.ledger.grants import Grant

    _reseller, students = campus
    for round_ in range(4):
        key = arena.key("request")
        with arena.env() as env:
            clerk = env["res.users"].with_context(no_reset_password=True).create({"name": key, "login": key})
            request = (
                env["tier.allocation.request"]
                .with_user(clerk)
                .sudo()
                ._file("allocate", [Grant(students[round_].id, "100", key)], env.company, key)
                .id
            )
        told = race(
            [
                partial(_press, arena, "tier.allocation.request", request, method)
                for method in ("action_approve", "action_approve", "action_refuse", "action_approve")
            ]
        )
        state = arena.value("SELECT state FROM tier_allocation_request WHERE id = %s", request)
        approved = state == "approved"
        assert arena.balance(students[round_]) == (100 if approved else 0)
        assert len(arena.rows("SELECT id FROM tier_transfer WHERE source_key = %s", key)) == int(approved)
        assert all("decided already" in text for text in told if text != "done")


def test_a_move_while_its_customers_call(arena, campus):
    """Each call is charged along the old chain or the new, never half; nobody calls during the move.

    Guards that a move locks the accounts of all below it and looks at their sessions under the lock.
    """
    reseller, _students = campus
    with arena.planting() as plant:
        provider = reseller.parent
        other = plant(provider, "0.20")
        dealer = plant(reseller, "0.40", money="outside")
        user = plant(dealer, "0.80")
    arena.fund(other, "100")
    arena.fund(dealer, "100")
    arena.fund(user, "100")
    stop = threading.Event()

    def calls():
        made = 0
        while not stop.is_set():
            request = arena.request(user, 60)
            if arena.ask(request).granted:
                arena.charge([arena.usage(user, 60, session_key=request.session_key)])
                made += 1
        return made

    def moves():
        told = []
        for number in range(12):
            parent = (other, reseller)[number % 2]
            with arena.env() as env:
                values = {"wallet_id": dealer.id, "parent_id": parent.id, "reason": "race"}
                move = env["tier.wallet.move"].create(values)
            told.append(_press(arena, "tier.wallet.move", move.id, "action_apply"))
            arena.rows(
                "UPDATE tier_wallet SET price_list_id = (SELECT price_list_id FROM tier_wallet WHERE id = %s)"
                " WHERE id = %s",
                other.id,
                dealer.id,
            )
        stop.set()
        return told

    made, told = race([calls, moves])

    assert all(text == "done" or "in progress" in text for text in told)
    charges = arena.rows(
        "SELECT e.id, count(c.id), array_agg(c.wallet_id)"
        "  FROM tier_usage_event e JOIN tier_charge c ON c.event_id = e.id"
        " WHERE e.wallet_id = %s GROUP BY e.id",
        user.id,
    )
    assert all(count == 4 for _event, count, _wallets in charges)
    assert all((other.id in wallets) != (reseller.id in wallets) for _event, _count, wallets in charges)
    assert len(charges) <= made
    arena.check_accounts()
    # What each reseller has out is what it granted and did not collect: nothing is left with the one it left.
    assert arena.balance(user) == 100 - Decimal("0.80") * len(charges)


def test_two_moves_make_no_loop(arena, campus):
    """Each wallet goes below the other at once: one is told."""
    reseller, _students = campus
    with arena.planting() as plant:
        pairs = [(plant(reseller, "0.40"), plant(reseller, "0.40")) for _ in range(5)]
    for first, second in pairs:
        moves = []
        for wallet, parent in ((first, second), (second, first)):
            with arena.env() as env:
                values = {"wallet_id": wallet.id, "parent_id": parent.id, "reason": "race"}
                moves.append(env["tier.wallet.move"].create(values).id)

        told = race([partial(_press, arena, "tier.wallet.move", move, "action_apply") for move in moves])

        assert sorted(text == "done" for text in told) == [False, True]
        assert "is below" in next(text for text in told if text != "done")
        paths = arena.rows("SELECT parent_path FROM tier_wallet WHERE id IN (%s, %s)", first.id, second.id)
        assert sorted(path.count("/") for (path,) in paths) == [3, 4]


def test_the_parent_field_makes_no_loop(arena, campus):
    """The same by the form's field, in Odoo's own kind of transaction."""
    reseller, _students = campus
    with arena.planting() as plant:
        first, second = plant(reseller, "0.40"), plant(reseller, "0.40")

    def write(wallet, parent):
        with arena.registry.cursor() as cr:
            env = arena.env_of(cr)
            record = env["tier.wallet"].browse(wallet.id)
            try:
                service.retrying(partial(record.write, {"parent_id": parent.id}), env)
            except UserError as error:
                return str(error)
        return "done"

    told = race([partial(write, first, second), partial(write, second, first)])

    assert sorted(text == "done" for text in told) == [False, True]


def test_an_allocation_waits_for_a_move(arena, campus):
    """An allocation that waited for the wallet's lock while it moved gives nothing of the old parent.

    Guards that who gives is looked at again under the lock.
    """
    reseller, students = campus
    with arena.planting() as plant:
        other = plant(reseller.parent, "0.20")
    arena.fund(other, "100")
    with arena.env() as env:
        values = {"wallet_id": students[0].id, "parent_id": other.id, "reason": "race"}
        move = env["tier.wallet.move"].create(values).id
    dialog = arena.dialog(students[0], "allocate", 5)
    holder = arena.connect()
    holder.autocommit = False
    try:
        with holder.cursor() as cursor:
            cursor.execute("SELECT FROM tier_account WHERE id = %s FOR NO KEY UPDATE", [reseller.account_id])

            def moves():
                return _press(arena, "tier.wallet.move", move, "action_apply")

            def allocates():
                _until_waiting(arena, 1)  # the move, which was first
                return _press(arena, "tier.wallet.operation", dialog, "action_apply")

            def lets_go():
                _until_waiting(arena, 2)
                holder.commit()

            told = race([moves, allocates, lets_go])
    finally:
        holder.close()

    assert told[0] == "done"
    assert "moved below another parent" in told[1]
    assert (arena.balance(reseller), arena.balance(other), arena.balance(students[0])) == (1000, 100, 0)


def _until_waiting(arena, number):
    """Wait until so many connections to this database wait for a lock."""
    deadline = time.monotonic() + 20
    statement = (
        "SELECT count(DISTINCT l.pid) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
        " WHERE NOT l.granted AND a.datname = current_database()"
    )
    while arena.value(statement) < number:
        assert time.monotonic() < deadline
        time.sleep(0.01)
