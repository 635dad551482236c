from decimal import Decimal

from odoo.tests import Form, tagged

from .common import TierRatingCase


@tagged("post_install", "-at_install")
class TestRateKind(TierRatingCase):
    """By use, flat, free or blocked: one word for what the charging path reads from several fields."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_selling_chain()
        cls.dealer.brand_ids.connection_charge = 0.1
        cls.dealer.sell_below_cost = True
        cls.rate = cls.user.price_list_id.rate_ids

    def test_each_kind_and_what_it_costs(self):
        self.assertEqual((self.rate.kind, self.cost(120)), ("use", Decimal("2.1")))
        self.rate.kind = "flat"
        self.assertRecordValues(self.rate, [{"price": 0, "connection_charge": 1, "kind": "flat"}])
        self.assertEqual([self.cost(seconds) for seconds in (1, 7200)], [1, 1])
        self.rate.kind = "free"
        self.assertEqual(self.cost(600), 0)
        self.rate.kind = "blocked"
        self.charge(self.call("a"))
        self.assertSuspense("a", "destination_barred")
        self.rate.write({"kind": "use", "price": 3, "connection_charge_own": False})
        self.assertEqual((self.rate.kind, self.cost(60)), ("use", Decimal("3.1")))

    def test_a_price_of_zero_is_not_yet_free(self):
        """The brand's connection charge is still to be paid."""
        self.rate.price = 0
        self.assertEqual((self.rate.kind, self.cost(60)), ("use", Decimal("0.1")))

    def test_steps_are_a_price_by_use(self):
        self.rate.write({"price": 0, "connection_charge_own": True, "connection_charge": 0})
        self.assertEqual(self.rate.kind, "free")
        self.rate.step_ids = [(0, 0, {"from_second": 60, "price": 2})]
        self.assertEqual(self.rate.kind, "use")

    def test_the_form(self):
        with Form(self.rate) as form:
            form.kind = "flat"
            self.assertEqual((form.kind, form.connection_charge), ("flat", 1))
            form.connection_charge = 2.5
        self.assertRecordValues(self.rate, [{"price": 0, "connection_charge": 2.5, "kind": "flat"}])
        form = Form(self.env["tier.rate"].with_context(default_price_list_id=self.user.price_list_id.id))
        form.prefix = "800"
        form.kind = "free"
        self.assertEqual(form.save().kind, "free")
