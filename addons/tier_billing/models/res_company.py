from odoo import Command, fields, models
from odoo.tools import LazyTranslate

_lt = LazyTranslate(__name__)

# What each account is for: field, number to start from, type, name. The numbers are
# those of the generic chart; another chart's next free number of that length is taken.
ACCOUNTS = (
    ("tier_credit_account_id", "211100", "liability_current", _lt("Customers' credit")),
    ("tier_clearing_account_id", "211200", "liability_current", _lt("Credit sold and usage invoiced")),
    ("tier_revenue_account_id", "401100", "income", _lt("Usage revenue")),
    ("tier_expiry_account_id", "401200", "income_other", _lt("Expired credit")),
    ("tier_grant_account_id", "601100", "expense", _lt("Credit granted")),
    ("tier_adjustment_account_id", "601200", "expense", _lt("Credit adjustments")),
)
JOURNAL_CODE = "TIER"


class ResCompany(models.Model):
    _inherit = "res.company"

    tier_credit_account_id = fields.Many2one(
        "account.account",
        "Customers' credit account",
        check_company=True,
        domain="[('account_type', 'in', ('liability_current', 'liability_non_current'))]",
        help="Liability that mirrors what all inside wallets below the provider's own have. Unbilled usage of "
        "postpaid wallets lowers it. Only the daily entry writes to it.",
    )
    tier_clearing_account_id = fields.Many2one(
        "account.account",
        "Credit sold account",
        check_company=True,
        domain="[('account_type', 'in', ('liability_current', 'liability_non_current'))]",
        help="Account of the lines of invoices for credit and for postpaid usage, of payouts and of advance payments. "
        "The daily entry moves on what was paid; what stays is invoiced and not paid yet, or paid and not invoiced "
        "yet.",
    )
    tier_grant_account_id = fields.Many2one(
        "account.account",
        "Credit granted account",
        check_company=True,
        domain="[('account_type', 'not in', ('asset_receivable', 'liability_payable', 'off_balance'))]",
        help="Counterpart of credit that the provider allocates from its own wallet without a payment, and of what "
        "it reclaims.",
    )
    tier_adjustment_account_id = fields.Many2one(
        "account.account",
        "Credit adjustments account",
        check_company=True,
        domain="[('account_type', 'not in', ('asset_receivable', 'liability_payable', 'off_balance'))]",
        help="Counterpart of adjustments of wallets by staff.",
    )
    tier_expiry_account_id = fields.Many2one(
        "account.account",
        "Expired credit account",
        check_company=True,
        domain="[('account_type', 'not in', ('asset_receivable', 'liability_payable', 'off_balance'))]",
        help="Income from credit that expired unused.",
    )
    tier_revenue_account_id = fields.Many2one(
        "account.account",
        "Usage revenue account",
        check_company=True,
        domain="[('internal_group', '=', 'income')]",
        help="Income from usage of services whose product has no income account of its own.",
    )
    tier_journal_id = fields.Many2one(
        "account.journal",
        "Wallets journal",
        check_company=True,
        domain="[('type', '=', 'general')]",
        help="Journal of the daily entries that bring the wallets into the books.",
    )
    tier_tax_policy = fields.Selection(
        [("topup", "When credit is bought"), ("use", "When credit is used")],
        "Tax on prepaid credit",
        # Required by the settings, not by the column: core's own tests make companies while the
        # add-on is installed but not loaded.
        default="topup",
        help="When credit is bought: the invoice of a top-up carries the taxes, use carries none. When credit is "
        "used: give the credit product no taxes; the daily entry then takes the taxes of each service's product "
        "out of what prepaid customers used. Postpaid usage is always taxed on its invoice.",
    )
    tier_books_tz = fields.Char(
        "Time zone of the wallets' books",
        readonly=True,
        copy=False,
        help="Where the days of the daily entries begin: that of the company's contact at the first entry.",
    )
    tier_booked_at = fields.Datetime(
        "Wallets booked until", readonly=True, copy=False, help="The next run looks at what was written or used since."
    )

    def _tier_setup_accounting(self):
        """Create the accounts and the journal of the wallets that these companies lack.

        Companies without a chart of accounts are left alone: there are no books yet.
        Safe to run again; what is set already is kept.

        :return: the companies that are complete now
        """
        # sudo: the settings are open to administrators who need not be accountants.
        companies = self.sudo().filtered(lambda company: company.root_id.chart_template)
        for company in companies:
            missing = [account for account in ACCOUNTS if not company[account[0]]]
            company.write({values[0]: company._tier_create_account(*values[1:]).id for values in missing})
            if not company.tier_journal_id:
                company.tier_journal_id = company._tier_create_journal()
        return companies

    def _tier_create_account(self, code, account_type, name):
        """Create one account with the next free number of the chart's length.

        :param str code: where to begin
        :param str account_type: of the account
        :param name: of the account, to be translated
        :return: ``account.account`` record
        """
        # Branches share the accounts of their root company.
        company = self.root_id
        Account = self.env["account.account"].with_company(company).with_context(allowed_company_ids=company.ids)
        sample = Account.search([("account_type", "=", account_type), ("company_ids", "=", company.id)], limit=1)
        if sample.code and len(sample.code) != len(code):
            # Another chart: numbers of its own length, beside its own accounts of this kind.
            code = sample.code
        return Account.create(
            {
                "name": self.env._(name),  # pylint: disable=gettext-variable
                "code": Account._search_new_account_code(code, cache=set()),
                "account_type": account_type,
                "reconcile": False,
                "company_ids": [Command.set(company.ids)],
            }
        )

    def _tier_create_journal(self):
        """Create the journal of the daily entries, under a code that is free.

        :return: ``account.journal`` record
        """
        Journal = self.env["account.journal"].with_company(self)
        taken = set(Journal.search([("company_id", "in", (self | self.root_id).ids)]).mapped("code"))
        codes = [JOURNAL_CODE, *(f"TIE{number}" for number in range(1, 100))]
        return Journal.create(
            {
                "name": self.env._("Wallets"),
                "code": next(code for code in codes if code not in taken),
                "type": "general",
                "company_id": self.id,
                "show_on_dashboard": True,
            }
        )
