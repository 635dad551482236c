import base64
from datetime import date, datetime
from decimal import Decimal

from odoo import Command
from odoo.tests import freeze_time, tagged

from .common import TierRatingCase
from .invoicing_common import InvoicingCase

METER = """id,machine,service,resource,from,quantity
a1,web-1,hosting,VM-M,2025-10-01 00:00:00,24
a2,web-1,hosting,VM-M,2025-10-02 00:00:00,12.5
a3,db-1,hosting,VM-L,2025-10-01 00:00:00,24
b1,web-1,data,TRAFFIC,2025-10-02 00:00:00,2500.5
"""


@tagged("post_install", "-at_install")
class TestHosting(InvoicingCase):
    """Hours and GB by resource code, from a meter's own file to the invoice of the month."""

    def test_meter_to_invoice(self):
        hosting, data = (self.env.ref(f"tier_rating.service_{code}") for code in ("hosting", "data"))
        columns = ("id", "machine", "service", "resource", "from", "quantity")
        targets = ("record_id", "host", "service", "resource", "start", "quantity")
        mapping = self.env["tier.record.mapping"].create(
            {
                "name": "Meter",
                "service_id": hosting.id,
                "line_ids": [
                    Command.create({"column": column, "target": target, "sequence": position})
                    for position, (column, target) in enumerate(zip(columns, targets, strict=True))
                ],
            }
        )
        switch = self.new_switch("meter", "mapped_csv", mapping_id=mapping.id)
        customer = self.new_wallet(
            "Studio",
            self.provider,
            payment_mode="postpaid",
            credit_limit=500,
            currency_id=self.company.currency_id.id,
        )
        prices = self.new_list(self.new_brand(self.provider, rounding_digits=4, currency_id=customer.currency_id.id))
        for code, service, price in (("VM-M", hosting, 0.03), ("VM-L", hosting, 0.09), ("TRAFFIC", data, 0.05)):
            destination = self.env["tier.destination"].create({"name": f"Test {code}"})
            self.new_rate(prices, code, price, service_id=service.id, destination_id=destination.id)
        customer.price_list_id = prices
        for machine in ("web-1", "db-1"):
            self.new_endpoint(customer, machine, kind="host", switch_id=switch.id)
        record = self.env["tier.usage.import"].create(
            {"name": "meter.csv", "switch_id": switch.id, "data": base64.b64encode(METER.encode())}
        )
        with self.enter_registry_test_mode():
            record.action_import()
        self.env.invalidate_all()
        self.assertEqual((record.charged_count, record.suspense_count), (4, 0), record.problem)
        # 36.5 h x 0.03 + 24 h x 0.09 + 2.5005 GB x 0.05
        self.assertBalances(customer, Decimal("-3.3800"))
        move = customer._invoice_usage(date(2025, 10, 1), date(2025, 10, 31))
        self.assertEqual(move.amount_untaxed, 3.38)
        told = {line.name.split("\n")[0]: line.price_subtotal for line in move.invoice_line_ids if line.price_subtotal}
        self.assertEqual(len(told), 3, told)
        self.assertEqual(sorted(told.values()), [0.13, 1.09, 2.16])


@tagged("post_install", "-at_install")
class TestUniversity(TierRatingCase):
    """An allowance for each student by the month; what a student paid itself stays."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider = cls.new_wallet("Provider")
        cls.university = cls.new_wallet("University", cls.provider)
        cls.sell(cls.university, {"49": "0.50"})
        cls.university._topup(200, "campus:funds")
        brand = cls.new_brand(cls.university)
        prices = cls.new_list(brand, {"49": "1.00"})
        cls.students = cls.env["tier.wallet"]
        for name, pin in (("Nora", "11"), ("Kofi", "22"), ("Mei", "33")):
            student = cls.new_wallet(name, cls.university, price_list_id=prices.id)
            cls.new_endpoint(student, pin, kind="pin")
            cls.students |= student
        cls.schedule = cls.env["tier.allocation.schedule"].create(
            {
                "name": "Allowance",
                "parent_id": cls.university.id,
                "amount": 10,
                "day": 1,
                "date_from": "2025-10-01",
                "company_id": cls.company.id,
            }
        )

    def month(self, day):
        """Let the schedule do what is due on a day."""
        with freeze_time(day), self.enter_registry_test_mode():
            if self.schedule.state == "stopped":
                self.schedule.action_start()
            self.env.flush_all()
            while self.schedule._run_next():
                pass
        self.env.invalidate_all()

    def dial(self, key, pin, minutes, at):
        self.charge(self.call(key, minutes * 60, accounts=(("pin", pin),), at=at))

    def test_two_months(self):
        nora, kofi, mei = self.students
        self.month("2025-10-01 12:00:00")
        self.assertBalances(nora, "10", kofi, "10", mei, "10", self.university, "170")
        # Beyond the allowance a student pays by itself.
        nora._topup(5, "campus:nora")
        self.dial("u:1", "11", 12, datetime(2025, 10, 10, 9))
        self.dial("u:2", "22", 4, datetime(2025, 10, 11, 9))
        self.assertBalances(nora, "3", kofi, "6", mei, "10")
        # The university keeps what is between its price and its supplier's.
        self.assertBalances(self.university, "178")
        self.month("2025-11-01 12:00:00")
        # Nora's own 3 stay; Kofi's 6 and Mei's 10 of October returned before November's 10 came.
        self.assertBalances(nora, "13", kofi, "10", mei, "10", self.university, "164")
        self.assertConserved()

    def test_a_calls_grant_is_what_is_left(self):
        self.month("2025-10-01 12:00:00")
        answer = self.authorize(self.request("u:s", accounts=(("pin", "22"),)))
        self.assertEqual(answer.granted, 600)

    def test_a_student_sees_its_own(self):
        self.month("2025-10-01 12:00:00")
        nora, kofi, _mei = self.students
        self.dial("u:1", "11", 2, datetime(2025, 10, 10, 9))
        self.dial("u:2", "22", 4, datetime(2025, 10, 11, 9))
        user = self.portal_user(nora, "campus_nora")
        self.assertEqual(self.env["tier.charge"].with_user(user).search([]).wallet_id, nora)
        self.assertEqual(self.env["tier.wallet"].with_user(user).search([]), nora)
        self.assertFalse(kofi.with_user(user).has_access("read"))
