from odoo.tests import HttpCase, tagged

from odoo.addons.tier_portal.tests.common import ChainMixin


@tagged("post_install", "-at_install")
class TestPortalTour(ChainMixin, HttpCase):
    """The portal in a browser."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._set_up_chain()

    def test_reseller_sees_customers_and_margin(self):
        self.start_tour("/my", "tier_portal_reseller", login="portal_reseller")

    def test_customer_sees_calls(self):
        self.start_tour("/my", "tier_portal_customer", login="portal_user")


@tagged("post_install", "-at_install")
class TestPortalTourOnPhone(TestPortalTour):
    """The same on a telephone's screen is looked at, not clicked through."""

    browser_size = "390x844"
    touch_enabled = True

    def test_reseller_sees_customers_and_margin(self):
        self._assert_fits("portal_reseller", f"/my/wallets/{self.reseller.id}")
        self._assert_fits("portal_reseller", f"/my/wallets/{self.reseller.id}/customers")
        self._assert_fits("portal_reseller", f"/my/wallets/{self.reseller.id}/customers/{self.dealer.id}")

    def test_customer_sees_calls(self):
        self._assert_fits("portal_user", f"/my/wallets/{self.user.id}")
        self._assert_fits("portal_user", f"/my/wallets/{self.user.id}/calls")
        self._assert_fits("portal_user", f"/my/wallets/{self.user.id}/payments")

    def _assert_fits(self, login, path):
        """Assert that nothing of a page is wider than the screen."""
        self.browser_js(
            path,
            """
            const wide = [...document.querySelectorAll("main table, main .row, main nav")].filter(
                (element) => element.scrollWidth > element.closest(".container").clientWidth
            );
            if (wide.length || document.documentElement.scrollWidth > window.innerWidth) {
                console.error("wider than the screen: " + wide.map((e) => e.className).join(", "));
            } else {
                console.log("test successful");
            }
            """,
            login=login,
        )
