"""A hotel with rooms, as a customer of a telephone company or on its own, for tests."""

from datetime import timedelta

from odoo import fields

from .common import NUMBER, TierRatingCase


class HotelCase(TierRatingCase):
    """A hotel below a provider: a minute to 49 costs the house 0.10, a guest 0.50; water is 3.00."""

    guest_money = "outside"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.item = cls.env.ref("tier_rating.service_item")
        cls.provider = cls.new_wallet("Provider")
        cls.house = cls.new_wallet("House", cls.provider)
        house_list = cls.sell(cls.house, {"49": "0.10"})
        cls.new_rate(house_list, "HOTEL", "0", service_id=cls.item.id)
        cls.house._topup(100, "hotel:house")
        brand = cls.new_brand(cls.house)
        cls.prices = cls.new_list(brand, {"49": "0.50"})
        cls.water = cls.new_rate(
            cls.prices,
            "HOTEL-WATER",
            "3.00",
            service_id=cls.item.id,
            destination_id=cls.env["tier.destination"].create({"name": "Test: bottle of water"}).id,
        )
        cls.switch = cls.new_switch("pbx", "panasonic_smdr_dmy", tz="UTC")
        cls.hotel = cls.env["tier.hotel"].create(
            {
                "name": "Test Inn",
                "wallet_id": cls.house.id,
                "price_list_id": cls.prices.id,
                "guest_money": cls.guest_money,
                "credit_limit": 50,
            }
        )
        cls.room, cls.other = cls.env["tier.room"].create(
            [{"name": name, "hotel_id": cls.hotel.id, "switch_id": cls.switch.id} for name in ("101", "102")]
        )
        cls.noon = fields.Datetime.now().replace(microsecond=0) - timedelta(hours=3)

    def stay(self, name="Guest", room=None, at=None, **values):
        """Check a guest in; three hours ago unless told."""
        stay = self.env["tier.stay"].create(
            {
                "partner_id": self.env["res.partner"].create({"name": name}).id,
                "room_id": (room or self.room).id,
                "check_in": at or self.noon,
                **values,
            }
        )
        stay.action_check_in()
        return stay

    def ring(self, key, minutes=1, room="101", at=None, **values):
        """Charge a call from a room; half an hour after the check-in unless told."""
        at = at or self.noon + timedelta(minutes=30)
        return self.charge(
            self.call(key, minutes * 60, NUMBER, at=at, accounts=(("room", room),), switch_id=self.switch.id, **values)
        )

    def put(self, stay, quantity=1, rate=None, **values):
        """Put an item on a guest's folio by the dialog."""
        extra = self.env["tier.stay.extra"].create(
            {"stay_id": stay.id, "rate_id": (rate or self.water).id, "quantity": quantity, **values}
        )
        with self.enter_registry_test_mode():
            extra.action_apply()
        self.env.invalidate_all()
        return extra

    def leave(self, stay, **values):
        """Check a guest out by the dialog."""
        checkout = self.env["tier.stay.checkout"].create({"stay_id": stay.id, **values})
        checkout.action_apply()
        self.env.invalidate_all()
        return checkout
