import re
from decimal import Decimal
from pathlib import Path

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import SQL

from .. import uninstall_hook
from ..ledger import schema
from ..ledger.reserve import place_holds
from ..ledger.writer import Movement, post
from .common import TierBillingCase

ACCOUNT = "INSERT INTO tier_account (kind, company_id, currency_id, wallet_id, balance, held, open_sessions) VALUES"


def made_by_us(kind):
    """Return the names of all that the scripts of the ledger make; other modules have scripts of their own.

    :param str kind: ``FUNCTION`` or ``TRIGGER``
    """
    folder = Path(schema.__file__).parent
    made = re.compile(rf"^CREATE (?:OR REPLACE )?(?:CONSTRAINT )?{kind} (\w+)", re.MULTILINE)
    names = [name for script in sorted(folder.glob("*.sql")) for name in made.findall(script.read_text())]
    assert len(names) > 3, names
    return names


@tagged("post_install", "-at_install")
class TestLedgerGuards(TierBillingCase):
    """What the database itself refuses, whoever writes to it, and what it keeps up."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_chain()
        cls.abroad = cls.new_wallet("Abroad", cls.dealer, currency_id=cls.shell.id)
        cls.transfer = cls.user._topup(10, "guard:funds")
        cls.env.flush_all()

    def tearDown(self):
        self.assertConserved()
        super().tearDown()

    def insert(self, **values):
        """Insert one transfer past the writer: ten coins from the user to the dealer."""
        self.env.flush_all()
        values = {
            "kind": "usage",
            "source_key": "guard:raw",
            "date": "2026-11-20",
            "from_account_id": self.user.account_id.id,
            "to_account_id": self.dealer.account_id.id,
            "from_wallet_id": self.user.id,
            "to_wallet_id": self.dealer.id,
            "company_id": self.company.id,
            "amount": Decimal(10),
            "currency_id": self.coin.id,
            "amount_to": Decimal(10),
            "currency_to_id": self.coin.id,
            **values,
        }
        self.env.cr.execute(
            SQL(
                "INSERT INTO tier_transfer (%s) VALUES (%s)",
                SQL(", ").join(map(SQL.identifier, values)),
                SQL(", ").join(SQL("%s", value) for value in values.values()),
            )
        )

    def execute(self, statement, **values):
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                statement,
                account=self.user.account_id.id,
                other=self.dealer.account_id.id,
                wallet=self.user.id,
                coin=self.coin.id,
                shell=self.shell.id,
                company=self.company.id,
                transfer=self.transfer.id,
                **values,
            )
        )

    def assertRefused(self, statements, words):
        for statement in statements:
            with self.subTest(statement), self.assertDatabaseRefuses(words):
                self.execute(statement)

    # ------------------------------------------------------------------
    # Transfers
    # ------------------------------------------------------------------

    def test_who_posted_a_transfer_stays(self):
        clerk = self.env["res.users"].create({"name": "Clerk", "login": "guard-clerk"})
        idle = self.env["res.users"].create({"name": "Idle", "login": "guard-idle"})
        transfer = self.reseller.with_user(clerk).sudo()._topup(1, "guard:clerk")
        self.assertEqual(transfer.create_uid, clerk)
        with self.assertRaises(UserError):
            clerk.unlink()
        idle.unlink()

    def test_a_transfer_is_never_changed_or_deleted(self):
        self.assertRefused(
            (
                "UPDATE tier_transfer SET amount = amount + 1 WHERE id = %(transfer)s",
                "UPDATE tier_transfer SET reason = 'another' WHERE id = %(transfer)s",
                "UPDATE tier_transfer SET source_key = source_key WHERE id = %(transfer)s",
                "DELETE FROM tier_transfer WHERE id = %(transfer)s",
                "TRUNCATE tier_transfer CASCADE",
            ),
            "never changed or deleted",
        )

    def test_a_transfer_that_fits_moves_the_balances(self):
        self.insert()
        self.assertBalances(self.user, 0, self.dealer, 10)

    def test_many_transfers_in_one_statement(self):
        self.execute(
            """INSERT INTO tier_transfer (kind, source_key, date, from_account_id, to_account_id,
                      from_wallet_id, to_wallet_id, company_id, amount, currency_id, amount_to,
                      currency_to_id)
               SELECT 'usage', 'guard:' || n, now(), from_account_id, to_account_id, from_wallet_id,
                      to_wallet_id, company_id, n, currency_id, n, currency_to_id
                 FROM tier_transfer, generate_series(1, 100) AS n WHERE id = %(transfer)s"""
        )
        self.assertBalances(self.user, 10 + 5050)

    def test_a_transfer_must_fit_its_accounts(self):
        other = self.env["res.company"].create({"name": "Other company"})
        elsewhere = self.new_wallet("Elsewhere", company_id=other.id)
        exchange, exchange_abroad = self.account("exchange"), self.account("exchange", self.shell)
        to_shell = {
            "to_account_id": self.abroad.account_id.id,
            "to_wallet_id": self.abroad.id,
            "currency_to_id": self.shell.id,
            "amount_to": Decimal(8),
        }
        fitting = {"exchange_in_id": exchange.id, "exchange_out_id": exchange_abroad.id}
        for name, values in {
            "no such account": {"to_account_id": 2**31 - 1},
            "no such payer": {"from_account_id": 2**31 - 1},
            "another company's account": {"to_account_id": elsewhere.account_id.id, "to_wallet_id": elsewhere.id},
            "another company": {"company_id": other.id},
            "a wrong currency": {"currency_id": self.shell.id},
            "a wrong currency received": {"currency_to_id": self.shell.id},
            "another wallet's name": {"from_wallet_id": self.dealer.id},
            "no wallet's name": {"to_wallet_id": None},
            "more arrives than leaves": {"amount_to": Decimal(11)},
            "less arrives than leaves": {"amount_to": Decimal(9)},
            "exchange within a currency": fitting,
            "exchange of one side within a currency": {"exchange_in_id": exchange.id},
            "no exchange between currencies": to_shell,
            "half an exchange": {**to_shell, "exchange_in_id": exchange.id},
            "exchange the wrong way": {
                **to_shell,
                "exchange_in_id": exchange_abroad.id,
                "exchange_out_id": exchange.id,
            },
            "exchange through a wallet": {**to_shell, **fitting, "exchange_in_id": self.dealer.account_id.id},
        }.items():
            with self.subTest(name), self.assertDatabaseRefuses("does not fit its accounts"):
                self.insert(**values)
        self.insert(**to_shell, **fitting)
        self.assertBalances(self.user, 0, self.abroad, 8)

    def test_amounts_of_a_transfer(self):
        for amount in ("0", "-1", "1e12", "NaN", "Infinity", "0.0000001"):
            with self.subTest(amount), self.assertDatabaseRefuses("tier_transfer_amounts"):
                self.insert(amount=Decimal(amount), amount_to=Decimal(amount))
        with self.assertDatabaseRefuses("tier_transfer_two_sides"):
            self.insert(to_account_id=self.user.account_id.id, to_wallet_id=self.user.id)
        for name in ("amount", "amount_to", "from_account_id", "to_account_id", "source_key", "company_id"):
            with self.subTest(name), self.assertDatabaseRefuses("null value"):
                self.insert(**{name: None})

    def test_a_source_key_moves_money_once(self):
        self.insert()
        with self.assertDatabaseRefuses("source_key"):
            self.insert()
        self.assertBalances(self.dealer, 10)

    def test_nobody_gives_away_what_it_has_not(self):
        for kind in ("allocation", "reclaim", "payout", "expiry"):
            with self.subTest(kind), self.assertDatabaseRefuses("insufficient funds"):
                self.insert(kind=kind, amount=Decimal("10.01"), amount_to=Decimal("10.01"))
            with self.subTest(kind):
                self.insert(kind=kind, source_key=f"guard:{kind}", amount=Decimal("2.5"), amount_to=Decimal("2.5"))
        self.assertBalances(self.user, 0)

    def test_nobody_gives_away_what_sessions_hold(self):
        place_holds(self.env.cr, [("session", self.user.account_id.id, Decimal(4))], ["2099-01-01"])
        with self.assertDatabaseRefuses("insufficient funds"):
            self.insert(kind="reclaim", amount=Decimal("6.01"), amount_to=Decimal("6.01"))

    def test_usage_is_recorded_in_full(self):
        """What a switch reports after the fact has happened, funds or not."""
        for number, kind in enumerate(("usage", "adjustment", "refund")):
            self.insert(kind=kind, source_key=f"guard:{number}", amount=Decimal(100), amount_to=Decimal(100))
        self.assertBalances(self.user, -290, self.dealer, 300)

    def test_no_transfer_through_the_orm(self):
        transfer = self.transfer.sudo()
        values = {"kind": "topup", "source_key": "guard:orm", "amount": 1, "amount_to": 1}
        for attempt in (
            lambda: transfer.create(values),
            lambda: transfer.write({"reason": "another"}),
            transfer.unlink,
            transfer.copy,
        ):
            with self.assertRaises(UserError):
                attempt()

    # ------------------------------------------------------------------
    # Accounts
    # ------------------------------------------------------------------

    def test_figures_of_an_account_move_with_transfers_only(self):
        self.assertRefused(
            (
                "UPDATE tier_account SET balance = balance + 1 WHERE id = %(account)s",
                "UPDATE tier_account SET balance = NULL WHERE id = %(account)s",
                "UPDATE tier_account SET held = 1 WHERE id = %(account)s",
                "UPDATE tier_account SET open_sessions = 1 WHERE id = %(account)s",
                "UPDATE tier_account SET kind = 'world' WHERE id = %(account)s",
                "UPDATE tier_account SET currency_id = %(shell)s WHERE id = %(account)s",
                "UPDATE tier_account SET company_id = NULL WHERE id = %(account)s",
                "UPDATE tier_account SET wallet_id = NULL WHERE id = %(account)s",
                f"{ACCOUNT} ('outside', %(company)s, %(coin)s, %(wallet)s, 5, 0, 0)",
                f"{ACCOUNT} ('outside', %(company)s, %(coin)s, %(wallet)s, 0, 5, 0)",
                # A sum with NULL is NULL: the first transfer would be lost.
                f"{ACCOUNT} ('outside', %(company)s, %(coin)s, %(wallet)s, NULL, NULL, NULL)",
            ),
            "moved by transfers and holds only",
        )

    def test_an_account_with_history_is_never_deleted(self):
        self.assertRefused(
            ("DELETE FROM tier_account WHERE id = %(account)s",),
            "has transfers and cannot be deleted",
        )
        self.insert()  # balance zero, but a history
        self.assertEqual(self.balance(self.user), 0)
        self.assertRefused(
            ("DELETE FROM tier_account WHERE id = %(account)s",),
            "has transfers and cannot be deleted",
        )

    def test_the_ledger_is_not_truncated(self):
        self.assertRefused(
            ("TRUNCATE tier_account CASCADE", "TRUNCATE tier_hold"),
            "tier: ",
        )

    def test_one_account_of_each_kind(self):
        self.assertRefused(
            (
                f"{ACCOUNT} ('wallet', %(company)s, %(coin)s, %(wallet)s, 0, 0, 0)",
                f"{ACCOUNT} ('world', %(company)s, %(coin)s, NULL, 0, 0, 0)",
            ),
            "tier_account_identity",
        )

    def test_a_limit_is_sane(self):
        for limit in ("-0.01", "NaN", "1e12"):
            with self.subTest(limit), self.assertDatabaseRefuses("credit or spending limit"):
                self.execute("UPDATE tier_account SET credit_limit = %(limit)s WHERE id = %(account)s", limit=limit)

    def test_no_figure_through_the_orm(self):
        account = self.user.account_id.sudo()
        for values in ({"balance": 1000}, {"held": 1}, {"open_sessions": 3}, {"kind": "world"}):
            with self.subTest(values), self.assertDatabaseRefuses("moved by transfers"):
                account.write(values)
                account.flush_recordset()
        account.invalidate_recordset()
        with self.assertRaises(UserError):
            account.copy()
        self.assertBalances(self.user, 10)

    def test_a_wallets_accounts_are_not_for_anyone_to_set(self):
        """Else a billing user could let a customer pay from the provider's own funds."""
        manager = self.env["tier.wallet"].with_user(self.staff("manager")).browse(self.user.id)
        other = self.provider.account_id.id
        for name in ("account_id", "payee_account_id", "grant_account_id"):
            with self.subTest(name), self.assertRaises(AccessError):
                manager.write({name: other})
            wallet = manager.create(
                {"name": name, "partner_id": manager.partner_id.id, "parent_id": self.dealer.id, name: other}
            )
            self.assertEqual(wallet.account_id.wallet_id, wallet)
            self.assertEqual(wallet.payee_account_id, self.dealer.account_id)
            self.assertEqual(wallet.grant_account_id, self.dealer.account_id)

    # ------------------------------------------------------------------
    # Holds
    # ------------------------------------------------------------------

    def test_a_hold_needs_the_funds(self):
        with self.assertDatabaseRefuses("beyond the available funds"):
            place_holds(self.env.cr, [("s", self.user.account_id.id, Decimal("10.01"))], ["2099-01-01"])
        place_holds(self.env.cr, [("s", self.user.account_id.id, Decimal(10))], ["2099-01-01"])
        with self.assertDatabaseRefuses("beyond the available funds"):
            self.execute("UPDATE tier_hold SET amount = 10.01 WHERE session_key = 's'")
        with self.assertDatabaseRefuses("beyond the available funds"):
            place_holds(self.env.cr, [("t", self.user.account_id.id, Decimal("0.01"))], ["2099-01-01"])

    def test_a_closed_hold_opens_again_only_with_funds(self):
        place_holds(self.env.cr, [("s", self.user.account_id.id, Decimal(8))], ["2099-01-01"])
        self.execute("UPDATE tier_hold SET state = 'expired' WHERE session_key = 's'")
        self.insert(amount=Decimal(5), amount_to=Decimal(5))
        with self.assertDatabaseRefuses("beyond the available funds"):
            self.execute("UPDATE tier_hold SET state = 'open' WHERE session_key = 's'")

    def test_a_hold_moves_with_what_is_written(self):
        account = self.user.account_id.id
        place_holds(self.env.cr, [("s", account, Decimal(4)), ("t", account, Decimal(3))], ["2099-01-01"] * 2)
        self.assertEqual(self.held(self.user), 7)
        self.execute("UPDATE tier_hold SET amount = 1 WHERE session_key = 's'")
        self.assertEqual(self.held(self.user), 4)
        self.execute("UPDATE tier_hold SET state = 'released' WHERE session_key = 's'")
        self.assertEqual(self.held(self.user), 3)
        self.execute("DELETE FROM tier_hold WHERE session_key IN ('s', 't')")
        self.assertEqual(self.held(self.user), 0)
        self.assertEqual(self.figure(self.user.account_id, "open_sessions"), 0)

    def test_amounts_of_a_hold(self):
        for amount in ("-1", "NaN", "1e12"):
            with self.subTest(amount), self.assertDatabaseRefuses("tier_hold_amount_positive"):
                place_holds(self.env.cr, [("s", self.provider.account_id.id, Decimal(amount))], ["2099-01-01"])

    def test_no_hold_through_the_orm(self):
        place_holds(self.env.cr, [("s", self.user.account_id.id, Decimal(4))], ["2099-01-01"])
        hold = self.env["tier.hold"].sudo().search([("session_key", "=", "s")])
        for attempt in (
            lambda: hold.create({"session_key": "t", "account_id": self.user.account_id.id, "amount": 0}),
            lambda: hold.write({"amount": 0}),
            lambda: hold.write({"state": "released"}),
            hold.unlink,
        ):
            with self.assertRaises(UserError):
                attempt()

    # ------------------------------------------------------------------
    # The writer, and the triggers themselves
    # ------------------------------------------------------------------

    def test_a_batch_posts_all_or_nothing(self):
        movements = [
            Movement("guard:good", "usage", self.user.account_id.id, self.dealer.account_id.id, Decimal(1), Decimal(1)),
            Movement("guard:bad", "usage", self.user.account_id.id, self.dealer.account_id.id, Decimal(1), Decimal(2)),
        ]
        with self.assertDatabaseRefuses("does not fit"):
            post(self.env.cr, movements, self.env.uid)
        self.assertBalances(self.user, 10, self.dealer, 0)

    def test_an_unknown_account_is_named(self):
        movement = Movement("guard:unknown", "usage", 2**31 - 1, self.dealer.account_id.id, Decimal(1), Decimal(1))
        with self.assertRaisesRegex(UserError, "does not exist"):
            self.env["tier.transfer"]._post([movement])

    def test_nothing_to_post(self):
        self.assertEqual(post(self.env.cr, [], self.env.uid), {})
        place_holds(self.env.cr, [], [])

    def test_drop_and_install(self):
        """Uninstalling leaves no function behind; installing again, twice too, guards again."""
        change = "UPDATE tier_account SET balance = balance + 990 WHERE id = %(account)s"
        schema.drop(self.env.cr)
        self.env.cr.execute("SELECT proname FROM pg_proc WHERE proname = ANY(%s)", [made_by_us("FUNCTION")])
        self.assertEqual(self.env.cr.fetchall(), [])
        self.execute(change)
        self.assertBalances(self.user, 1000)
        self.execute(change.replace("+", "-"))
        schema.drop(self.env.cr)
        schema.install(self.env.cr)
        schema.install(self.env.cr)
        self.assertRefused((change,), "moved by transfers")

    def test_uninstalling_drops(self):
        uninstall_hook(self.env)
        self.env.cr.execute("SELECT tgname FROM pg_trigger WHERE tgname = ANY(%s)", [made_by_us("TRIGGER")])
        self.assertEqual(self.env.cr.fetchall(), [])
        schema.install(self.env.cr)
