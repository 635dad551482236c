from decimal import Decimal
from unittest.mock import patch

from odoo import Command
from odoo.tests import tagged

from ..ledger.writer import Movement
from .test_booking import DAY, BookingCase


@tagged("post_install", "-at_install")
class TestBookingTax(BookingCase):
    """Tax on prepaid credit falls due when it is bought, or when it is used."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tags = cls.env["account.account.tag"].create(
            [{"name": name, "applicability": "taxes"} for name in ("base", "tax", "-base", "-tax")]
        )
        cls.tax_account = cls.env["account.account"].create(
            {"name": "Tax due", "code": "255999", "account_type": "liability_current"}
        )
        cls.tax = cls.new_tax("VAT 25", 25)
        cls.income = cls.env["account.account"].create({"name": "Calls", "code": "400999", "account_type": "income"})
        cls.product = cls.env["product.product"].create(
            {
                "name": "Calls",
                "type": "service",
                "taxes_id": [Command.set(cls.tax.ids)],
                "property_account_income_id": cls.income.id,
            }
        )
        cls.new_chain()

    @classmethod
    def new_tax(cls, name, percent):
        def lines(base, tax):
            return [
                Command.create({"repartition_type": "base", "tag_ids": [Command.set(base.ids)]}),
                Command.create(
                    {
                        "repartition_type": "tax",
                        "account_id": cls.tax_account.id,
                        "tag_ids": [Command.set(tax.ids)],
                    }
                ),
            ]

        return cls.env["account.tax"].create(
            {
                "name": name,
                "amount": percent,
                "type_tax_use": "sale",
                "company_id": cls.company.id,
                "country_id": cls.company.account_fiscal_country_id.id,
                "invoice_repartition_line_ids": lines(cls.tags[0], cls.tags[1]),
                "refund_repartition_line_ids": lines(cls.tags[2], cls.tags[3]),
            }
        )

    def book(self, *args, **kwargs):
        """Book as if all that was used were the product."""
        model = self.registry["tier.booking"]
        with (
            patch.object(model, "_product", lambda booking, subject: self.product.with_env(booking.env)),
            patch.object(model, "_subject", lambda booking, row: booking.env.ref("base.main_company")),
        ):
            return super().book(*args, **kwargs)

    def use(self, amount, key="use"):
        return self.used(self.reseller, amount, key)

    def refund(self, transfer):
        """Undo a payment for usage, on its day."""
        amount = Decimal(repr(transfer.amount))
        return self.env["tier.transfer"]._post(
            [
                Movement(
                    source_key=f"refund:{transfer.id}",
                    kind="refund",
                    from_account=transfer.to_account_id.id,
                    to_account=transfer.from_account_id.id,
                    amount=amount,
                    amount_to=amount,
                    date=DAY,
                    reverses=transfer.id,
                )
            ]
        )

    def test_at_the_purchase_use_carries_no_tax(self):
        self.use("10.00")
        move = self.book()
        self.assertEqual(self.items(move), [("Calls", "-10.00", "USD"), ("Customers' credit", "10.00", "USD")])
        self.assertFalse(move.line_ids.tax_ids | move.line_ids.tax_line_id)

    def test_at_use_the_price_includes_the_tax(self):
        self.company.tier_tax_policy = "use"
        self.use("10.00")
        move = self.book()
        self.assertEqual(
            self.items(move),
            [("Calls", "-8.00", "USD"), ("Customers' credit", "10.00", "USD"), ("Tax due", "-2.00", "USD")],
        )
        revenue = move.line_ids.filtered("tax_ids")
        self.assertEqual(
            (revenue.product_id, revenue.tax_ids, revenue.tax_tag_ids), (self.product, self.tax, self.tags[0])
        )
        line = move.line_ids.filtered("tax_line_id")
        self.assertEqual((line.tax_line_id, line.tax_tag_ids, abs(line.tax_base_amount)), (self.tax, self.tags[1], 8))
        self.assertBooked()

    def test_the_fiscal_position_of_the_customer_counts(self):
        self.company.tier_tax_policy = "use"
        abroad = self.env["account.fiscal.position"].create({"name": "Abroad", "company_id": self.company.id})
        reduced = self.new_tax("VAT 0", 0)
        reduced.write(
            {"fiscal_position_ids": [Command.link(abroad.id)], "original_tax_ids": [Command.link(self.tax.id)]}
        )
        self.reseller.partner_id.property_account_position_id = abroad
        self.use("10.00")
        move = self.book()
        self.assertEqual(move.line_ids.filtered("tax_ids").tax_ids, reduced)
        self.assertIn(("Calls", "-10.00", "USD"), self.items(move))

    def test_postpaid_use_is_taxed_by_its_invoice(self):
        self.company.tier_tax_policy = "use"
        self.reseller.payment_mode = "postpaid"
        self.use("10.00")
        self.assertIn(("Calls", "-10.00", "USD"), self.items(self.book()))

    def test_a_refund_takes_the_tax_back(self):
        self.company.tier_tax_policy = "use"
        transfer = self.use("10.00")
        self.book()
        self.refund(transfer)
        move = self.book()
        self.assertEqual(
            self.items(move),
            [("Calls", "8.00", "USD"), ("Customers' credit", "-10.00", "USD"), ("Tax due", "2.00", "USD")],
        )
        self.assertEqual(move.line_ids.filtered("tax_ids").tax_tag_ids, self.tags[2])
        self.assertBooked()

    def test_cents_that_taxes_leave_over(self):
        """Base and tax make what was used, whatever the taxes round to."""
        self.company.tier_tax_policy = "use"
        second = self.new_tax("VAT 7", 7)
        self.product.taxes_id |= second
        for number, amount in enumerate(("0.01", "0.03", "9.99", "3.33", "0.17")):
            self.use(amount, f"use:{number}")
            move = self.book()
            self.assertTrue(self.dollar.is_zero(sum(move.line_ids.mapped("balance"))))
            self.assertBooked()

    def test_in_another_currency(self):
        self.company.tier_tax_policy = "use"
        self.set_rate(self.shell, 0.37, "2026-11-20")
        shells = self.new_wallet("Shells", self.provider, currency_id=self.shell.id)
        self.used(shells, "8.00", "use", amount_to=Decimal("10.00"))
        move = self.book()
        self.assertTrue(self.dollar.is_zero(sum(move.line_ids.mapped("balance"))))
        self.assertIn(("Tax due", "-2.00", "USD"), self.items(move))
        self.assertBooked()
