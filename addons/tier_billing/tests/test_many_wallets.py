from lxml import etree

from odoo.tests import tagged
from odoo.tools import SQL

from .common import TierBillingCase

MANY = 5000


@tagged("post_install", "-at_install")
class TestManyWallets(TierBillingCase):
    """What the screens cost where a reseller has thousands of customers."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_chain()
        cls.auditor = cls.staff("auditor")
        cls.env.flush_all()
        # As the ORM would have opened them one by one: copies of the user's wallet.
        template = cls.user
        # Whatever columns other add-ons give it.
        own = ("id", "name", "account_id", "parent_path")
        fields = [field.name for field in template._fields.values() if field.store and field.column_type]
        columns = SQL(", ").join(SQL.identifier(name) for name in fields if name not in own)
        rows = cls.env.execute_query(
            SQL(
                """INSERT INTO tier_wallet (name, %(columns)s)
                   SELECT 'Customer ' || n, %(columns)s
                     FROM tier_wallet, generate_series(1, %(many)s) AS n WHERE id = %(id)s
                   RETURNING id""",
                columns=columns,
                many=MANY,
                id=template.id,
            )
        )
        cls.many = cls.env["tier.wallet"].browse(row[0] for row in rows)
        cls.env.cr.execute(
            SQL(
                """INSERT INTO tier_account (kind, company_id, currency_id, wallet_id, balance, held,
                          open_sessions, credit_limit, unlimited)
                   SELECT 'wallet', company_id, currency_id, id, 0, 0, 0, 0, false
                     FROM tier_wallet WHERE id = ANY(%s)""",
                cls.many.ids,
            )
        )
        cls.env.cr.execute(
            SQL(
                """UPDATE tier_wallet w SET account_id = a.id, parent_path = %s || w.id || '/'
                     FROM tier_account a WHERE a.wallet_id = w.id AND w.id = ANY(%s)""",
                cls.dealer.parent_path,
                cls.many.ids,
            )
        )
        cls.env.invalidate_all()
        world = cls.env["tier.account"]._get("world", cls.company, cls.coin).id
        # One top-up of a coin and one use of a quarter each.
        cls.env.cr.execute(
            SQL(
                """INSERT INTO tier_transfer (source_key, kind, from_account_id, to_account_id, amount, amount_to,
                          rate, date, from_wallet_id, to_wallet_id, currency_id, currency_to_id, company_id)
                   SELECT kind || ':many:' || w.id, kind,
                          CASE kind WHEN 'topup' THEN %(world)s ELSE w.account_id END,
                          CASE kind WHEN 'topup' THEN w.account_id ELSE w.payee_account_id END,
                          amount, amount, 1, now() AT TIME ZONE 'UTC',
                          CASE kind WHEN 'topup' THEN NULL ELSE w.id END,
                          CASE kind WHEN 'topup' THEN w.id ELSE w.parent_id END,
                          w.currency_id, w.currency_id, w.company_id
                     FROM tier_wallet w, (VALUES ('topup', 1), ('usage', 0.25)) AS v(kind, amount)
                    WHERE w.id = ANY(%(ids)s)""",
                world=world,
                ids=cls.many.ids,
            )
        )
        cls.env.invalidate_all()

    def specification(self, view_type):
        """Return what the web client asks of each record of a view."""
        Wallet = self.env["tier.wallet"].with_user(self.auditor)
        arch = etree.fromstring(Wallet.get_view(view_type=view_type)["arch"])
        return {
            node.get("name"): {"fields": {"display_name": {}}}
            if Wallet._fields[node.get("name")].type == "many2one"
            else {}
            for node in arch.iter("field")
        }

    def count(self, function):
        """Return the number of queries of a call on an empty cache, and what it returned."""
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.cr.sql_log_count
        result = function()
        return self.cr.sql_log_count - before, result

    def test_lists_cost_the_same_for_any_number(self):
        Wallet = self.env["tier.wallet"].with_user(self.auditor)
        domain = [("id", "in", self.many.ids)]
        for view_type in ("list", "kanban"):
            with self.subTest(view_type):
                specification = self.specification(view_type)
                self.assertLessEqual(
                    {"balance", "held", "available", "credit_limit", "spent_month", "paid_month", "child_count"},
                    specification.keys(),
                )

                def load(limit=None, specification=specification):
                    return Wallet.web_search_read(domain, specification, limit=limit)

                load(1)  # what is cached for good
                few, _found = self.count(lambda: load(2))
                page, _found = self.count(lambda: load(80))
                everything, found = self.count(load)
                self.assertEqual(len(found["records"]), MANY)
                self.assertEqual({row["balance"] for row in found["records"]}, {0.75})
                self.assertEqual({row["spent_month"] for row in found["records"]}, {0.25})
                self.assertEqual(page, few)
                self.assertLessEqual(few, 16)
                # The ORM reads a thousand records at a time.
                self.assertLessEqual(everything, few * MANY // 1000)

    def test_the_form_of_who_has_them(self):
        """A page of customers is read, and sums of all of them by the database."""
        names = ("child_count", "children_balance", "children_abroad", "children_spent_month", "spent_month")
        specification = {
            **{name: {} for name in names},
            "child_ids": {"fields": {"name": {}, "balance": {}, "available": {}}, "limit": 40},
        }
        dealer = self.dealer.with_user(self.auditor)
        dealer.web_read(specification)
        queries, [row] = self.count(lambda: dealer.web_read(specification))
        self.assertEqual((row["child_count"], row["children_balance"]), (MANY + 1, 0.75 * MANY))
        self.assertEqual(row["children_spent_month"], 0.25 * MANY)
        self.assertLessEqual(queries, 16)

    def test_the_tree_shows_who_has_customers_only(self):
        """The panel beside the list has a node for each reseller, none for end users."""
        Wallet = self.env["tier.wallet"].with_user(self.auditor)
        ours = [("id", "child_of", self.provider.id)]

        def tree():
            return Wallet.search_panel_select_range(
                "parent_id", enable_counters=True, search_domain=ours, limit=500, expand=False, hierarchize=True
            )

        tree()
        queries, panel = self.count(tree)
        nodes = {node["id"]: node for node in panel["values"]}
        self.assertEqual(set(nodes), {self.provider.id, self.reseller.id, self.dealer.id})
        self.assertEqual(nodes[self.dealer.id]["parent_id"], self.reseller.id)
        self.assertEqual(nodes[self.provider.id]["__count"], MANY + 3)
        self.assertLessEqual(queries, 6)
