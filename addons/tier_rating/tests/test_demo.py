from decimal import Decimal

from odoo.tests import TransactionCase, tagged


@tagged("post_install", "-at_install")
class TestDemo(TransactionCase):
    """The demo story, through the code paths that users' own files take. Needs demo data."""

    def setUp(self):
        super().setUp()
        provider = self.env.ref("tier_rating.wallet_provider", raise_if_not_found=False)
        self.assertTrue(provider, "install the add-ons with demo data to test them")

    def test_loading_twice_changes_nothing(self):
        told = []
        # It commits between its steps: on cursors that only seem to.
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            demo = self.env(cr=cr)["tier.demo"]
            demo._load(lambda text, done=None: told.append((text, done)))
            first = demo._summary()
            self.assertTrades(demo.env)
            self.assertRerating(demo.env)
            transfers = demo.env["tier.transfer"].search_count([])
            rates = demo.env["tier.rate"].search_count([])
            demo._load()
            again = demo._summary()
            self.assertEqual(demo.env["tier.transfer"].search_count([]), transfers)
            self.assertEqual(demo.env["tier.rate"].search_count([]), rates)
        self.assertEqual(again, first)
        self.assertStory(first)
        self.assertTrue(any(done for text, done in told), "it tells how far it is")

    def assertStory(self, summary):
        """The story has what it is there to show."""
        self.assertTrue(summary["conserved"])
        self.assertEqual(summary["events"], summary["charged"] + summary["suspense"] + summary.get("refunded", 0))
        self.assertGreater(summary["charged"], 300)
        self.assertEqual(sum(summary["reasons"].values()), summary["suspense"])
        self.assertGreaterEqual(set(summary["reasons"]), {"unknown_account", "no_rate"})
        self.assertGreaterEqual(summary["tiers"], 4)
        wallets = {wallet["name"]: wallet for wallet in summary["wallets"]}
        self.assertLessEqual({"Northwind Telecom", "Blue Harbor Voice", "Cobalt Dealers", "Ada Meyer"}, set(wallets))
        for name, wallet in wallets.items():
            sale, cost, margin = (Decimal(wallet[key]) for key in ("sale", "cost", "margin"))
            with self.subTest(name):
                if sale:
                    self.assertEqual(margin, sale - cost)
                    self.assertGreater(margin, 0, "the demo shows everybody's margin")
                else:
                    self.assertEqual(margin, 0)
        # What the customers of one currency pay is what their dealer sells.
        paid = sum(Decimal(wallets[name]["cost"]) for name in ("Ada Meyer", "Bistro Lumière", "Kepler Logistics"))
        self.assertEqual(Decimal(wallets["Cobalt Dealers"]["sale"]), paid)

    def assertRerating(self, env):
        """A correction waits to be looked at."""
        run = env["tier.rerating"].search([("state", "=", "computed")])
        self.assertEqual((len(run), run.price_list_id), (1, env.ref("tier_rating.list_cobalt")))
        self.assertGreater(run.changed_count, 5)
        self.assertIn("Ada Meyer", run.line_ids.wallet_id.mapped("name"))

    def assertTrades(self, env):
        """The other trades went through the same path."""
        guests = [env.ref(f"tier_rating.partner_{name}").id for name in ("grace", "ibrahim", "lucia")]
        stays = env["tier.stay"].search([("partner_id", "in", guests)])
        self.assertEqual(sorted(stays.mapped("state")), ["in", "in", "out"])
        gone = stays.filtered(lambda stay: stay.state == "out")
        self.assertEqual((gone.wallet_id.state, gone._balance_now()), ("closed", 0))
        self.assertTrue(gone._folio()["calls"] and gone._folio()["items"])
        nora = env.ref("tier_rating.wallet_nora")
        self.assertTrue(0 < nora.balance < 5, "she used up her allowance, and some of what she bought")
        self.assertLess(env.ref("tier_rating.wallet_delta").balance, -50)
        departments = env["tier.chargeback"].search([]).line_ids.mapped("departments")
        self.assertGreaterEqual(set(departments), {"Sales", "Support", "Warehouse"})

    def test_logins(self):
        for row in self.env["tier.demo"]._logins():
            with self.subTest(row["login"]):
                user = self.env["res.users"].search([("login", "=", row["login"])])
                self.assertTrue(user)
                if row["url"] == "/my":
                    self.assertTrue(user._is_portal())
                    self.assertTrue(self.env["tier.wallet"].with_user(user).search_count([]))
