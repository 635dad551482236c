from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..models.res_company import ACCOUNTS
from .common import TierBillingCase


@tagged("post_install", "-at_install")
class TestAccountingSetup(TierBillingCase):
    """The accounts and the journal of the wallets."""

    def new_company(self, chart=True):
        company = self.env["res.company"].create({"name": "Books", "country_id": self.env.ref("base.us").id})
        self.env.user.company_ids |= company
        if chart:
            self.env["account.chart.template"].try_loading("generic_coa", company=company, install_demo=False)
        return company

    def test_creates_what_is_missing_once(self):
        company = self.new_company()
        self.assertEqual(company._tier_setup_accounting(), company)
        accounts = [company[field] for field, *_rest in ACCOUNTS]
        self.assertEqual(len(set(accounts)), len(ACCOUNTS))
        for account, (_field, _code, account_type, _name) in zip(accounts, ACCOUNTS, strict=True):
            self.assertEqual(account.account_type, account_type)
            self.assertEqual(account.company_ids, company)
            self.assertEqual(len(account.with_company(company).code), 6)
        self.assertEqual(company.tier_journal_id.type, "general")
        company._tier_setup_accounting()
        self.assertEqual(accounts, [company[field] for field, *_rest in ACCOUNTS])

    def test_keeps_what_was_chosen(self):
        company = self.new_company()
        own = self.env["account.account"].search(
            [("account_type", "=", "liability_current"), ("company_ids", "=", company.id)], limit=1
        )
        company.tier_credit_account_id = own
        company._tier_setup_accounting()
        self.assertEqual(company.tier_credit_account_id, own)
        self.assertTrue(company.tier_clearing_account_id)

    def test_a_branch_shares_the_accounts_of_its_company(self):
        company = self.new_company()
        branch = self.env["res.company"].create({"name": "Branch", "parent_id": company.id})
        branch._tier_setup_accounting()
        self.assertEqual(branch.tier_credit_account_id.company_ids, company)
        self.assertEqual(branch.tier_journal_id.company_id, branch)

    def test_without_a_chart_there_are_no_books(self):
        company = self.new_company(chart=False)
        self.assertFalse(company._tier_setup_accounting())
        self.assertFalse(company.tier_credit_account_id)
        settings = self.env["res.config.settings"].with_company(company).create({})
        with self.assertRaisesRegex(UserError, "no chart of accounts"):
            settings.action_tier_setup_accounting()

    def test_settings_are_for_administrators(self):
        with self.assertRaises(AccessError):
            self.env["res.config.settings"].with_user(self.staff("manager")).create({})
