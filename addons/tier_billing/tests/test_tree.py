from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged

from .common import TierBillingCase


@tagged("post_install", "-at_install")
class TestTree(TierBillingCase):
    """The chain of wallets, and where the money of each goes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_chain()

    def accounts_of(self, wallet):
        """Return (kind, owner) of where the wallet pays and where it is funded from."""
        payee, grant = wallet.payee_account_id, wallet.grant_account_id
        return (payee.kind, payee.wallet_id), (grant.kind, grant.wallet_id)

    def test_tier_is_the_depth(self):
        chain = (self.provider, self.reseller, self.dealer, self.user)
        self.assertEqual([wallet.tier for wallet in chain], [0, 1, 2, 3])
        self.assertEqual(self.user.parent_path, "".join(f"{wallet.id}/" for wallet in chain))

    def test_tiers_follow_a_move(self):
        dealer = self.new_wallet("Other dealer", self.reseller)
        below = self.new_wallet("Below", dealer)
        dealer.parent_id = self.provider
        self.assertEqual((dealer.tier, below.tier), (1, 2))
        self.assertEqual(below.parent_path, f"{self.provider.id}/{dealer.id}/{below.id}/")

    def test_depth_has_no_limit(self):
        wallet = self.user
        for level in range(4, 12):
            wallet = self.new_wallet(f"Level {level}", wallet)
        self.assertEqual(wallet.tier, 11)
        self.assertEqual(self.accounts_of(wallet)[0], ("wallet", wallet.parent_id))

    def test_a_child_takes_after_its_parent(self):
        parent = self.new_wallet("Abroad", self.reseller, currency_id=self.shell.id, money="outside")
        child = self.new_wallet("Child", parent)
        self.assertEqual(child.currency_id, self.shell)
        self.assertEqual(child.company_id, parent.company_id)
        self.assertEqual(child.money, "outside")

    def test_a_direct_customer_is_inside(self):
        with self.assertRaisesRegex(ValidationError, "direct customer"):
            self.new_wallet("Outside", self.provider, money="outside")

    def test_the_provider_is_inside(self):
        with self.assertRaisesRegex(ValidationError, "provider"):
            self.new_wallet("Other provider", money="outside")

    def test_below_outside_everything_is_outside(self):
        outside = self.new_wallet("Outside", self.reseller, money="outside")
        with self.assertRaisesRegex(ValidationError, "everything below"):
            self.new_wallet("Inside", outside, money="inside")

    def test_turning_outside_checks_the_customers(self):
        with self.assertRaisesRegex(ValidationError, "everything below"):
            self.dealer.money = "outside"

    def test_turning_inside_needs_an_inside_parent(self):
        dealer = self.new_wallet("Outside", self.reseller, money="outside")
        user = self.new_wallet("Below", dealer)
        with self.assertRaisesRegex(ValidationError, "everything below"):
            user.money = "inside"

    def test_moving_checks_the_new_parent(self):
        outside = self.new_wallet("Outside", self.reseller, money="outside")
        with self.assertRaisesRegex(ValidationError, "everything below"):
            self.dealer.parent_id = outside
        outside_user = self.new_wallet("Outside user", self.dealer, money="outside")
        with self.assertRaisesRegex(ValidationError, "direct customer"):
            outside_user.parent_id = self.provider

    def test_no_cycle(self):
        for parent in (self.user, self.dealer):
            with self.subTest(parent.name), self.assertRaises(UserError), self.env.cr.savepoint():
                self.dealer.parent_id = parent
                self.env.flush_all()

    def test_currency_and_company_are_fixed(self):
        other = self.env["res.company"].create({"name": "Other company"})
        for values in ({"currency_id": self.shell.id}, {"company_id": other.id}):
            with self.subTest(values), self.assertRaisesRegex(UserError, "fixed"):
                self.user.write(values)
        self.user.write({"currency_id": self.coin.id, "company_id": self.company.id, "name": "Same"})
        self.assertEqual(self.user.name, "Same")

    def test_parent_in_another_company(self):
        other = self.env["res.company"].create({"name": "Other company"})
        with self.assertRaisesRegex(ValidationError, "different companies"):
            self.new_wallet("Elsewhere", self.reseller, company_id=other.id)
        elsewhere = self.new_wallet("Elsewhere", company_id=other.id)
        with self.assertRaisesRegex(ValidationError, "different companies"):
            elsewhere.parent_id = self.reseller

    def test_a_partner_of_another_company(self):
        other = self.env["res.company"].create({"name": "Other company"})
        partner = self.env["res.partner"].create({"name": "Theirs", "company_id": other.id})
        with self.assertRaises(UserError):
            self.new_wallet("Wallet", self.reseller, partner_id=partner.id)

    # ------------------------------------------------------------------
    # Once money has moved
    # ------------------------------------------------------------------

    def test_place_is_fixed_once_money_moved(self):
        self.user._topup(10, "tree:1")
        for values in ({"parent_id": self.reseller.id}, {"parent_id": False}, {"money": "outside"}):
            with self.subTest(values), self.assertRaisesRegex(UserError, "Money has moved"):
                self.user.write(values)
        # The same values again are no change.
        self.user.write({"parent_id": self.dealer.id, "money": "inside"})

    def test_place_is_fixed_for_who_only_granted(self):
        outside = self.new_wallet("Outside", self.dealer, money="outside")
        outside._allocate(5, "tree:2")
        self.assertEqual(self.balance(self.dealer), 0)
        with self.assertRaisesRegex(UserError, "Money has moved"):
            self.dealer.parent_id = self.provider

    def test_place_is_fixed_by_the_money_of_customers(self):
        """A customer's payments would land elsewhere: the provider's own earnings."""
        self.user._topup(10, "tree:3")
        self.assertFalse(self.dealer._has_transfers())
        with self.assertRaisesRegex(UserError, "Money has moved"):
            self.dealer.parent_id = False

    def test_delete_with_money_is_refused(self):
        self.user._topup(10, "tree:4")
        with self.assertRaisesRegex(UserError, "history of money"):
            self.user.unlink()

    def test_delete_without_money(self):
        accounts = self.env["tier.account"].search([("wallet_id", "=", self.user.id)])
        self.assertEqual(accounts.mapped("kind"), ["wallet"])
        self.user.unlink()
        self.assertFalse(self.user.exists())
        self.assertFalse(accounts.exists())

    def test_delete_a_provider_with_contra_accounts(self):
        provider = self.new_wallet("Other provider")
        customer = self.new_wallet("Customer", provider)
        accounts = self.env["tier.account"].search([("wallet_id", "in", (provider + customer).ids)])
        self.assertEqual(sorted(accounts.mapped("kind")), ["earnings", "wallet", "wallet"])
        customer.unlink()
        provider.unlink()
        self.assertFalse(accounts.exists())

    def test_delete_with_customers_is_refused(self):
        with self.assertRaisesRegex(UserError, "customers"):
            self.dealer.unlink()

    def test_only_a_manager_deletes(self):
        with self.assertRaises(AccessError):
            self.user.with_user(self.staff("user")).unlink()
        self.user.with_user(self.staff("manager")).unlink()
        self.assertFalse(self.user.exists())

    def test_copy_has_accounts_of_its_own(self):
        copy = self.user.copy()
        self.assertNotEqual(copy.account_id, self.user.account_id)
        self.assertEqual(copy.account_id.wallet_id, copy)
        self.assertEqual(copy.payee_account_id, self.user.payee_account_id)

    # ------------------------------------------------------------------
    # Where the money goes
    # ------------------------------------------------------------------

    def test_accounts_of_the_provider(self):
        self.assertEqual(
            self.accounts_of(self.provider),
            (("earnings", self.provider), ("world", self.env["tier.wallet"])),
        )
        self.assertTrue(self.provider.account_id.unlimited)

    def test_accounts_of_a_direct_customer(self):
        self.assertEqual(self.accounts_of(self.reseller), (("earnings", self.provider), ("wallet", self.provider)))
        self.assertFalse(self.reseller.account_id.unlimited)

    def test_accounts_of_an_inside_wallet(self):
        self.assertEqual(self.accounts_of(self.user), (("wallet", self.dealer), ("wallet", self.dealer)))

    def test_accounts_of_an_outside_wallet(self):
        outside = self.new_wallet("Outside", self.dealer, money="outside")
        self.assertEqual(self.accounts_of(outside), (("outside", self.dealer), ("outside", self.dealer)))

    def test_accounts_of_an_outside_wallet_abroad(self):
        """What was collected is noted in the money that was collected."""
        abroad = self.new_wallet("Abroad", self.dealer, money="outside", currency_id=self.shell.id)
        home = self.new_wallet("Home", self.dealer, money="outside")
        self.assertEqual(abroad.payee_account_id.currency_id, self.shell)
        self.assertEqual(home.payee_account_id.currency_id, self.coin)

    def test_accounts_follow_the_kind_of_money(self):
        self.user.money = "outside"
        self.assertEqual(self.accounts_of(self.user), (("outside", self.dealer), ("outside", self.dealer)))
        self.user.money = "inside"
        self.assertEqual(self.accounts_of(self.user), (("wallet", self.dealer), ("wallet", self.dealer)))

    def test_accounts_follow_a_move(self):
        self.dealer.parent_id = self.provider
        self.assertEqual(self.accounts_of(self.dealer), (("earnings", self.provider), ("wallet", self.provider)))
        self.assertEqual(self.accounts_of(self.user), (("wallet", self.dealer), ("wallet", self.dealer)))

    def test_accounts_follow_a_provider_that_finds_a_parent(self):
        provider = self.new_wallet("Small provider")
        customer = self.new_wallet("Its customer", provider)
        provider.parent_id = self.reseller
        self.assertEqual(self.accounts_of(provider), (("wallet", self.reseller), ("wallet", self.reseller)))
        self.assertEqual(self.accounts_of(customer), (("wallet", provider), ("wallet", provider)))
        self.assertFalse(provider.account_id.unlimited, "its spending must be limited now")
        provider.parent_id = False
        self.assertEqual(self.accounts_of(customer), (("earnings", provider), ("wallet", provider)))
        self.assertTrue(provider.account_id.unlimited)

    # ------------------------------------------------------------------
    # Limits and forms
    # ------------------------------------------------------------------

    def test_credit_is_for_postpaid(self):
        with self.assertRaisesRegex(ValidationError, "prepaid"):
            self.user.credit_limit = 10
        with self.assertRaisesRegex(ValidationError, "prepaid"):
            self.new_wallet("Prepaid", self.dealer, credit_limit=10)
        postpaid = self.new_wallet("Postpaid", self.dealer, payment_mode="postpaid", credit_limit=10)
        self.assertEqual(postpaid.available, 10)
        with self.assertRaisesRegex(ValidationError, "credit limit"):
            postpaid.payment_mode = "prepaid"
        postpaid.write({"payment_mode": "prepaid", "credit_limit": 0})
        self.assertEqual(postpaid.available, 0)

    def test_the_form_opens_a_wallet(self):
        manager = self.staff("manager")
        with Form(self.env["tier.wallet"].with_user(manager)) as form:
            form.name = "From the form"
            form.partner_id = self.env["res.partner"].create({"name": "From the form"})
            form.parent_id = self.dealer
            form.payment_mode = "postpaid"
            form.credit_limit = 25
        wallet = form.record
        self.assertEqual(wallet.available, 25)
        self.assertEqual(wallet.currency_id, self.coin, "a customer's money is its parent's by default")
        self.assertEqual(wallet.payee_account_id, self.dealer.account_id)
        with Form(wallet) as form:
            form.credit_limit = 30
        self.assertEqual(self.figure(wallet.account_id, "credit_limit"), 30)

    def test_buttons_of_the_form(self):
        self.assertIn(("wallet_id", "=", self.user.id), self.user.action_holds()["domain"])
        self.user._topup(1, "button")
        found = self.env["tier.transfer"].search(self.user.action_transfers()["domain"])
        self.assertEqual(len(found), 1)
        self.assertFalse(found.filtered(lambda t: self.user not in t.from_wallet_id | t.to_wallet_id))
        self.assertEqual(self.dealer.action_children()["context"], {"default_parent_id": self.dealer.id})
        self.assertEqual(
            self.user.partner_id.action_tier_wallets()["domain"], [("partner_id", "=", self.user.partner_id.id)]
        )
        self.user.action_suspend()
        self.assertEqual(self.user.state, "suspended")
        self.user.action_activate()
        self.assertEqual(self.user.state, "active")

    def test_suspending_is_noted(self):
        wallet = self.user.with_context(tracking_disable=False).copy()
        self.cr.flush()  # the end of a request, when the chatter posts what it tracks
        wallet.action_suspend()
        self.cr.flush()
        self.assertIn("state", wallet.message_ids.tracking_value_ids.field_id.mapped("name"))

    def test_partner_counts_its_wallets(self):
        partner = self.user.partner_id
        self.new_wallet("Second", self.reseller, partner_id=partner.id)
        self.assertEqual(partner.tier_wallet_count, 2)
        self.assertEqual(self.env["res.partner"].create({"name": "None"}).tier_wallet_count, 0)

    def test_customers_are_not_created_through_a_foreign_parent(self):
        """A o2m command opens accounts as well as a plain creation does."""
        partner = self.env["res.partner"].create({"name": "Through the list"})
        self.dealer.write({"child_ids": [Command.create({"name": "New", "partner_id": partner.id})]})
        child = self.dealer.child_ids.filtered(lambda wallet: wallet.partner_id == partner)
        self.assertEqual(child.account_id.wallet_id, child)
        self.assertEqual(self.accounts_of(child)[0], ("wallet", self.dealer))
