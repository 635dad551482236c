"""Guests who check out while their calls are charged, and two who want one room."""

from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from arena import NUMBER, now
from races import race

from odoo.exceptions import UserError
from odoo.service import model as service

pytestmark = pytest.mark.usefixtures("conserved", "short_waits")
PRICE = Decimal("0.60")


@pytest.fixture
def short_waits(monkeypatch):
    """Odoo waits for up to 2, 4, 8 and 16 seconds between tries: here for hundredths of them."""
    monkeypatch.setattr(service.random, "uniform", lambda low, high: high / 200)


class House:
    """A hotel with one room, whose guests pay 0.60 a minute and the house 0.30."""

    def __init__(self, arena):
        self.arena = arena
        with arena.planting() as plant:
            self.wallet = plant(plant(), "0.30")
            # Its list is what guests buy by.
            self.sample = plant(self.wallet, PRICE)
        arena.fund(self.wallet, "1000")
        self.extension = arena.key("room")
        with arena.env() as env:
            prices = env["tier.wallet"].browse(self.sample.id).price_list_id
            hotel = env["tier.hotel"].create(
                {"name": "Inn", "wallet_id": self.wallet.id, "price_list_id": prices.id, "guest_money": "inside"}
            )
            self.room = env["tier.room"].create({"name": self.extension, "hotel_id": hotel.id}).id

    def book(self, deposit):
        """Book a stay that begins ten minutes ago; return its id."""
        with self.arena.env() as env:
            return (
                env["tier.stay"]
                .create(
                    {
                        "partner_id": env["res.partner"].create({"name": "Guest"}).id,
                        "room_id": self.room,
                        "check_in": now() - timedelta(minutes=10),
                        "deposit": deposit,
                    }
                )
                .id
            )

    def _request(self, stay, work):
        """Do something with a stay in a request, which Odoo tries again when it loses a race."""
        with self.arena.registry.cursor() as cr:
            record = self.arena.env_of(cr)["tier.stay"].browse(stay)
            record.mapped("state")  # a request has read something before it gets there
            try:
                return service.retrying(partial(work, record), record.env)
            except UserError as error:
                return str(error)

    def check_in(self, stay):
        return self._request(stay, lambda record: record.action_check_in())

    def check_out(self, stay):
        """Tell the guest the balance and check out, again as long as calls come in between."""
        for _attempt in range(200):
            if self._request(stay, lambda record: record._check_out(record._balance_now())) is True:
                return True
        return False

    def call(self, seconds):
        """Charge a call from the room that began five minutes ago."""
        usage = self.arena.usage(self.wallet, seconds)
        usage.wallet_id, usage.accounts = None, (("room", self.extension),)
        usage.number, usage.started_at = NUMBER, now() - timedelta(minutes=5)
        return self.arena.charge([usage]).charged

    def paid(self, wallet_id):
        """Return what a wallet itself paid for calls."""
        return self.arena.value(
            "SELECT COALESCE(sum(cost), 0) FROM tier_charge WHERE wallet_id = %s AND child_id IS NULL", wallet_id
        )


@pytest.fixture
def house(arena):
    return House(arena)


def test_a_guest_pays_for_all_calls_before_check_out_and_for_none_after(arena, house):
    """Guards the lock on the stay: a call that was found to be the guest's is charged before the wallet closes."""
    for _round in range(3):
        stay = house.book(20)
        assert house.check_in(stay) is None
        before = house.paid(house.wallet.id)

        done = race([partial(house.check_out, stay), *(partial(house.call, 60) for _ in range(12))])

        assert done == [True] + [1] * 12
        guest, state = arena.rows(
            "SELECT w.id, w.state FROM tier_wallet w JOIN tier_stay s ON s.wallet_id = w.id WHERE s.id = %s", stay
        )[0]
        returned = arena.value(
            "SELECT COALESCE(sum(amount), 0) FROM tier_transfer WHERE from_wallet_id = %s AND kind = 'payout'", guest
        )
        guests, houses = house.paid(guest), house.paid(house.wallet.id) - before
        assert state == "closed"
        assert returned + guests == 20, "what was not used was returned, to the cent"
        # Each call is on one of the two: the guest's at 0.60, the house's at 0.30.
        assert guests / PRICE + houses / Decimal("0.30") == 12
        with arena.env() as env:
            # The next round's guest may not come before this one left.
            env.cr.execute("UPDATE tier_stay_room SET date_to = date_from WHERE stay_id = %s", [stay])


def test_two_guests_want_one_room(arena, house):
    """Guards the unique index of who is in a room: the other has no wallet and paid no deposit."""
    stays = [house.book(5) for _ in range(4)]

    race([partial(house.check_in, stay) for stay in stays for _press in range(2)])

    found = arena.rows("SELECT state, wallet_id FROM tier_stay WHERE id = ANY(%s) ORDER BY state", stays)
    assert [state for state, _wallet in found] == ["booked"] * 3 + ["in"]
    assert [wallet for _state, wallet in found[:3]] == [None] * 3
    assert arena.value("SELECT count(*) FROM tier_wallet WHERE parent_id = %s", house.wallet.id) == 2, (
        "the sample and one guest"
    )
    assert arena.value("SELECT balance FROM tier_account WHERE wallet_id = %s AND kind = 'wallet'", found[3][1]) == 5
