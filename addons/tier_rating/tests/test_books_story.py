from datetime import date

from odoo.tests import tagged

from odoo.addons.tier_billing.tests.test_booking import BookingCase

from .common import NOON
from .invoicing_common import NOVEMBER, InvoicingBuilder


@tagged("post_install", "-at_install")
class TestBooksStory(InvoicingBuilder, BookingCase):
    """Usage in the books, postpaid and prepaid."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.due = cls.env["account.account"].create(
            {"name": "Tax due", "code": "255998", "account_type": "liability_current"}
        )
        for lines in (cls.tax.invoice_repartition_line_ids, cls.tax.refund_repartition_line_ids):
            lines.filtered(lambda line: line.repartition_type == "tax").account_id = cls.due

    def worth(self, account):
        """Return an account's balance in the company's currency; credits positive."""
        lines = self.env["account.move.line"].search(
            [("account_id", "=", account.id), ("company_id", "=", self.company.id), ("parent_state", "=", "posted")]
        )
        return round(-sum(lines.mapped("balance")), 2)

    def test_postpaid_usage_is_revenue_once(self):
        """At use it is revenue and lowers the credit; its invoice, once paid, restores it."""
        self.use_in_november()
        self.book()
        # 2.90 for the provider; the reseller has the rest as its margin.
        credit, revenue = self.company.tier_credit_account_id, self.company.tier_revenue_account_id
        self.assertEqual((self.worth(credit), self.worth(revenue)), (-4.3, 4.3))
        self.assertBalances(self.user, "-6.00", self.reseller, "1.70")
        invoice = self.invoice(NOVEMBER)
        invoice.action_post()
        self.assertEqual(self.worth(self.clearing), 6)
        self.pay(invoice)
        self.book()
        self.assertEqual((self.worth(self.clearing), self.worth(credit), self.worth(revenue)), (0, 1.7, 4.3))
        self.assertBooked()

    def test_the_product_says_where_revenue_goes_and_what_tax_use_carries(self):
        self.company.tier_tax_policy = "use"
        income = self.env["account.account"].create({"name": "Calls", "code": "400998", "account_type": "income"})
        self.product.with_company(self.company).property_account_income_id = income
        self.use_in_november()
        move = self.book()
        # 4.30 with 20 % of tax; the reseller, who pays the provider, is prepaid.
        line = move.line_ids.filtered(lambda item: item.account_id == income)
        self.assertEqual((line.credit, line.tax_ids, line.product_id), (3.58, self.tax, self.product))
        self.assertEqual(move.line_ids.filtered("tax_line_id").account_id, self.due)
        self.assertEqual(self.worth(self.due), 0.72)
        self.assertEqual(move.date, NOON.date())

    def test_usage_by_service(self):
        message = self.env.ref("tier_rating.service_message")
        message.product_id = False
        single = {"service_id": message.id, "initial_increment": 1, "increment": 1}
        self.new_rate(self.reseller.price_list_id, "49", "0.10", **single)
        self.new_rate(self.user.price_list_id, "49", "0.20", **single)
        self.use_in_november()
        self.use(self.call("sms", 1, service="message"))
        move = self.book()
        self.assertEqual(move.date, date(2026, 11, 20))
        self.assertEqual(
            sorted((line.name, line.credit) for line in move.line_ids if line.credit),
            [("Used: Messages", 0.1), ("Used: Voice", 4.3)],
        )
        rows = move.tier_booking_ids[:1].action_lines()
        lines = self.env["tier.booking.line"].search(rows["domain"])
        self.assertEqual(lines.service_id, message | self.voice)
