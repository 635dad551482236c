"""Packages on the portal: one's own, those of one's customers, and giving them."""

from lxml import html

from odoo import fields, http
from odoo.exceptions import AccessError, MissingError, UserError
from odoo.tests import HttpCase, TransactionCase, tagged
from odoo.tools import mute_logger

from odoo.addons.tier_portal.tests.common import ChainMixin
from odoo.addons.tier_rating import charging
from odoo.addons.tier_rating.engine.part import part_of_month


def part_text(part):
    return "" if part.is_whole else f"{part.days} of {part.of} days"


class PackageMixin(ChainMixin):
    @classmethod
    def _set_up_packages(cls):
        cls._set_up_chain()
        # What the demo has is not to be counted here.
        cls.env.cr.execute("UPDATE tier_package_balance SET fee_state = 'lapsed' WHERE fee_state = 'due'")
        brand = cls.user.price_list_id.brand_id
        cls.small, cls.big = cls.env["tier.package"].create(
            [
                {"name": "Small", "brand_id": brand.id, "included": 100},
                {"name": "Big", "brand_id": brand.id, "included": 1000, "fee": 5},
            ]
        )
        cls.theirs = cls.env["tier.package"].create(
            {"name": "Wholesale", "brand_id": cls.dealer.price_list_id.brand_id.id, "included": 7}
        )
        today = fields.Date.today()
        cls.subscription, cls.parents = cls.env["tier.package.subscription"].create(
            [
                {"wallet_id": cls.user.id, "package_id": cls.small.id, "date_from": today.replace(day=1)},
                {"wallet_id": cls.dealer.id, "package_id": cls.theirs.id, "date_from": today.replace(day=1)},
            ]
        )
        cls.env.flush_all()

    def sell(self, role="dealer", child=None, package=None, key="key"):
        """Give a package as a portal user does."""
        wallet = self.dealer.with_user(self.users[role])
        customer = (child or self.user).with_user(self.users[role])
        return wallet._sell_package(customer, (package or self.big).id, key)


@tagged("post_install", "-at_install")
class TestGivingPackages(PackageMixin, TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._set_up_packages()

    def test_only_who_may(self):
        with self.assertRaises(AccessError):
            self.sell()
        self.dealer.may_sell_packages = True
        self.assertEqual(self.sell().wallet_id, self.user)

    def test_twice_the_same_form_is_one(self):
        self.dealer.may_sell_packages = True
        first, second = self.sell(), self.sell()
        self.assertEqual(first, second)
        with self.assertRaises(UserError):
            self.sell(key="other")

    def test_own_customers_and_own_packages_only(self):
        (self.dealer | self.reseller).write({"may_sell_packages": True})
        for role in ("user", "reseller", "sibling", "stranger"):
            with self.subTest(role=role), self.assertRaises(AccessError):
                self.sell(role)
        for child in (self.sibling, self.dealer, self.stranger):
            with self.subTest(child=child.name), self.assertRaises(AccessError):
                self.sell(child=child)
        with self.assertRaises(AccessError):
            self.sell(package=self.theirs)
        self.assertFalse(
            self.env["tier.package.subscription"].search([("package_id", "in", (self.big | self.theirs).ids)])
            - self.parents
        )

    def test_ending_it_with_the_month(self):
        self.dealer.may_sell_packages = True
        subscription = self.sell()
        wallet = self.dealer.with_user(self.users["dealer"])
        for _time in range(2):
            wallet._end_package(self.user.with_user(self.users["dealer"]), subscription.id)
        self.assertTrue(subscription.date_to)
        self.assertEqual(len(subscription.balance_ids), 1)
        with self.assertRaises(MissingError):
            wallet._end_package(self.user.with_user(self.users["dealer"]), self.parents.id)
        reseller = self.reseller.with_user(self.users["reseller"])
        with self.assertRaises(AccessError):
            reseller._end_package(self.user.with_user(self.users["reseller"]), subscription.id)

    def test_what_is_left(self):
        self._use(self.user, "voice", 600, "4930555", start=fields.Datetime.now())
        [row] = self.user.with_user(self.users["user"])._portal_packages()
        self.assertEqual((row["left"], row["included"], row["state"]), ("90 minutes", "100 minutes", "running"))
        self.assertEqual(round(row["percent"]), 90)

    def test_a_fee_that_is_not_paid(self):
        self.dealer.may_sell_packages = True
        self.sell()
        rows = self.user.with_user(self.users["user"])._portal_packages()
        self.assertEqual([(row["name"], row["waiting"]) for row in rows], [("Small", False), ("Big", True)])
        self.env.flush_all()
        charging.fees.charge(self.env, charging.fees.find(self.env.cr))
        self.env.invalidate_all()
        rows = self.user.with_user(self.users["user"])._portal_packages()
        self.assertEqual(
            [(row["left"], row["fee"]) for row in rows],
            [("100 minutes", ""), ("1,000 minutes", "$\N{NO-BREAK SPACE}5.00")],
        )

    def test_a_fee_is_listed_by_the_packages_name(self):
        self.env["tier.package.subscription"].create(
            {"wallet_id": self.user.id, "package_id": self.big.id, "date_from": fields.Date.today().replace(day=1)}
        )
        self.env.flush_all()
        self.assertEqual(charging.fees.charge(self.env, charging.fees.find(self.env.cr)).charged, 1)
        Charge = self.env["tier.charge"].with_user(self.users["user"])
        row = Charge.search(Charge._portal_domain(self.user), limit=1)._portal_rows()[0]
        self.assertEqual(row["number"], "Big")

    def test_what_a_package_would_cost_is_told_before(self):
        self.dealer.may_sell_packages = True
        today = fields.Date.today()
        part = part_of_month(today, today)
        self.big.write({"first_period": "days", "fee": part.of, "included": part.of})
        rows = self.dealer.with_user(self.users["dealer"])._portal_packages_for_sale(self.user)
        quotes = {row["name"]: row["quote"] for row in rows}
        self.assertEqual(quotes["Small"], "No fee, with 100 minutes at once.")
        self.assertIn(f"{part.days}.00 at once, with {part.days} minutes", quotes["Big"])
        self.user._topup(100, "packages:fund")
        self.sell()
        self.env.flush_all()
        charging.fees.charge(self.env, charging.fees.find(self.env.cr))
        self.env.invalidate_all()
        row = self.user.with_user(self.users["user"])._portal_packages()[1]
        self.assertEqual((row["left"], row["part"]), (f"{part.days} minutes", part_text(part)))

    def test_a_refunded_fee_leaves_nothing(self):
        self.dealer.may_sell_packages = True
        subscription = self.sell()
        self.env.flush_all()
        charging.fees.charge(self.env, charging.fees.find(self.env.cr))
        self.env.invalidate_all()
        charging.refund.refund(self.env, subscription.balance_ids.fee_event_id.ids, "wrong one")
        self.env.invalidate_all()
        row = self.user.with_user(self.users["user"])._portal_packages()[1]
        self.assertEqual((row["refunded"], row["left"], row["waiting"]), (True, "0 minutes", False))

    def test_what_a_former_parent_sold_is_not_shown(self):
        self.small.brand_id.wallet_id = self.reseller
        self.assertEqual(self.user._portal_packages(), [])

    def test_nobody_reads_others(self):
        with self.assertRaises(AccessError):
            self.user.with_user(self.users["reseller"])._portal_packages()
        with self.assertRaises(AccessError):
            self.dealer.with_user(self.users["reseller"]).read(["may_sell_packages"])


@tagged("post_install", "-at_install")
class TestPackagePages(PackageMixin, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._set_up_packages()

    def _of_customer(self, parent, child):
        return self._customer_page(parent, child, "packages")

    def _post(self, path, **data):
        data["csrf_token"] = http.Request.csrf_token(self)
        return self.url_open(path, data=data, allow_redirects=False)

    def test_who_gets_which(self):
        for role, path, _is_customer, allowed in self._who_gets_which("packages"):
            with self.subTest(role=role, path=path):
                response = self.url_open(path, allow_redirects=False)
                self.assertEqual(response.status_code, 200 if allowed else 303)

    def test_own_page(self):
        self._login("user")
        text = self.url_open(f"/my/wallets/{self.user.id}/packages").text
        [card] = html.fromstring(text).xpath("//div[contains(@class, 'o_tier_package')]")
        self.assertIn("100 minutes left", " ".join(card.text_content().split()))
        self.assertNotIn("Wholesale", text)
        self._login("sibling")
        self.assertIn("You have no packages", self.url_open(f"/my/wallets/{self.sibling.id}/packages").text)

    def test_a_reseller_gives_and_ends_one(self):
        self._login("dealer")
        path = self._of_customer(self.dealer, self.user)
        self.assertNotIn("Give a package", self.url_open(path).text)
        self.assertEqual(self._post(f"{path}/add", package_id=self.big.id).headers["Location"].split("/")[-1], "my")
        self.dealer.may_sell_packages = True
        self.env.flush_all()
        text = self.url_open(path).text
        self.assertIn("Give a package", text)
        self.assertIn("5.00 at once, with 1,000 minutes. Then ", text)
        for _time in range(2):
            response = self._post(f"{path}/add", package_id=self.big.id, request_key="same")
            self.assertTrue(response.headers["Location"].endswith(path))
        subscription = self.env["tier.package.subscription"].search([("package_id", "=", self.big.id)])
        self.assertEqual(len(subscription), 1)
        self.assertIn("has Big already", self._post(f"{path}/add", package_id=self.big.id, request_key="x").text)
        self._post(f"{path}/{subscription.id}/end")
        self.env.invalidate_all()
        self.assertTrue(subscription.date_to)
        for odd in ("", "0", "99999999999999999999", "x", "-1", "²"):
            self.assertEqual(self._post(f"{path}/add", package_id=odd).status_code, 303)

    def test_without_the_form_of_the_page(self):
        self._login("dealer")
        self.dealer.may_sell_packages = True
        self.env.flush_all()
        path = f"{self._of_customer(self.dealer, self.user)}/add"
        with mute_logger("odoo.http"):
            self.assertEqual(self.url_open(path, data={"package_id": self.big.id}).status_code, 400)
        self.assertFalse(self.env["tier.package.subscription"].search([("package_id", "=", self.big.id)]))
