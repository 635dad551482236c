"""Payouts that several people decide on at once: the money leaves once, and returns once."""

import threading
from decimal import Decimal

import psycopg2
import pytest
from odoo_process import committed
from races import race

from odoo.exceptions import UserError

pytestmark = pytest.mark.usefixtures("conserved")

WORKERS = 6
ATTEMPTS = 50


@pytest.fixture(autouse=True)
def margin(arena, monkeypatch):
    """Let owners ask for all that is there: what they earned is not the matter here."""
    monkeypatch.setattr(arena.registry["tier.wallet"], "_payout_margin", lambda wallet: None)


@pytest.fixture
def reseller(arena):
    """A reseller with ten dollars, in a company with books."""
    with arena.env() as env:
        company = env.company
        if not company.chart_template:
            env["account.chart.template"].try_loading("generic_coa", company=company, install_demo=False)
        company._tier_setup_accounting()
    with arena.planting() as plant:
        wallet = plant(plant(), "0.60")
    arena.fund(wallet, "10")
    return wallet


def _request(arena, wallet, amount):
    """A payout that waits for a decision; its id."""
    with arena.env() as env:
        return env["tier.payout"].create({"wallet_id": wallet.id, "amount": amount}).id


def _press(arena, payout, button):
    """Press a button as the web client does: again after a lost race.

    :return: whether it was pressed in time
    """
    for _lost in range(ATTEMPTS):
        try:
            with arena.env() as env:
                getattr(env["tier.payout"].browse(payout), button)()
            return True
        except UserError:
            return False
        except psycopg2.OperationalError:
            threading.Event().wait(0.02)
    raise AssertionError(f"payout {payout} lost {ATTEMPTS} races")


def _transfers(arena, payout):
    """Number of transfers that a payout has caused."""
    return arena.value("SELECT count(*) FROM tier_transfer WHERE source_key ~ %s", f"^payout:{payout}(:|$)")


def _state(arena, payout):
    return arena.rows(
        "SELECT state, transfer_id IS NOT NULL, return_id IS NOT NULL FROM tier_payout WHERE id = %s", payout
    )[0]


def test_many_managers_approve_at_once(arena, reseller):
    """Guards the lock on the payout: one bill, one transfer."""
    payout = _request(arena, reseller, 4)
    assert any(race([lambda: _press(arena, payout, "action_approve")] * WORKERS))
    assert arena.balance(reseller) == 6
    assert _transfers(arena, payout) == 1
    name = arena.value("SELECT name FROM tier_payout WHERE id = %s", payout)
    assert arena.value("SELECT count(*) FROM account_move WHERE ref = %s", name) == 1


def test_approved_and_taken_back_at_once(arena, reseller):
    """Whoever is first decides; the money is where the state says."""
    for _round in range(4):
        payout = _request(arena, reseller, 2)
        race(
            [
                lambda payout=payout, button=button: _press(arena, payout, button)
                for button in ("action_approve", "action_cancel") * 2
            ]
        )
        state, left, returned = _state(arena, payout)
        # A manager may call off what was approved just before.
        assert (state, left == returned) == ("cancelled", True)
    assert arena.balance(reseller) == 10


def test_called_off_by_a_manager_and_by_an_accountant(arena, reseller):
    """Guards the key of the way back: the button and the bill bring the same money."""
    payout = _request(arena, reseller, 4)
    assert _press(arena, payout, "action_approve")

    def cancel_bill():
        for _lost in range(ATTEMPTS):
            try:
                with arena.env() as env:
                    bill = env["tier.payout"].browse(payout).move_id
                    if bill.state != "cancel":
                        bill.button_cancel()
                return
            except psycopg2.OperationalError:
                threading.Event().wait(0.02)

    race([lambda: _press(arena, payout, "action_cancel"), cancel_bill] * 2)
    assert _state(arena, payout) == ("cancelled", True, True)
    assert arena.balance(reseller) == 10
    assert _transfers(arena, payout) == 2


def test_owners_ask_for_the_same_money(arena, reseller):
    """Guards the lock on the wallet while a request is filed."""
    with arena.env() as env:
        partner = env["tier.wallet"].browse(reseller.id).partner_id
        owner = (
            env["res.users"]
            .create(
                {
                    "login": arena.key("owner"),
                    "partner_id": partner.id,
                    "group_ids": [(6, 0, env.ref("base.group_portal").ids)],
                }
            )
            .id
        )

    def ask(key):
        for _lost in range(ATTEMPTS):
            try:
                with committed(arena.database, owner) as env:
                    env["tier.wallet"].browse(reseller.id)._request_payout("6", "", key)
                return True
            except UserError:
                return False
            except psycopg2.OperationalError:
                threading.Event().wait(0.02)
        raise AssertionError(f"a request lost {ATTEMPTS} races")

    # One form sent six times is one request, and leaves no room for another.
    first = arena.key("form")
    assert all(race([lambda: ask(first)] * WORKERS))
    others = [arena.key("form") for _form in range(WORKERS)]
    assert not any(race([lambda key=key: ask(key) for key in others]))
    assert arena.rows("SELECT count(*), sum(amount) FROM tier_payout WHERE wallet_id = %s", reseller.id)[0] == (1, 6)


def test_approval_amid_calls(arena, reseller):
    """A busy wallet is paid out of all the same, and never of what calls hold."""
    payout = _request(arena, reseller, 4)
    busy, done = threading.Event(), threading.Event()
    calls = []

    def talk():
        while not done.is_set():
            calls.append(arena.call(reseller, 1, 1))
            if len(calls) > 10:
                busy.set()

    def approve():
        try:
            assert busy.wait(60)
            return _press(arena, payout, "action_approve")
        finally:
            done.set()

    assert race([talk, talk, approve])[-1]
    assert arena.balance(reseller) == Decimal(6) - sum(map(reseller.pays, calls))
