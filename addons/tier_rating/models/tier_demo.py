from decimal import Decimal

from odoo import api, models
from odoo.tools import file_open, file_path

from .. import charging

FUNDS = [
    # wallet, operation, amount, reason
    ("wallet_provider", "topup", "10000", "Working funds"),
    ("wallet_blue_harbor", "allocate", "1500", "Opening allocation"),
    ("wallet_red_cedar", "topup", "800", "Wire transfer 4711"),
    ("wallet_summit", "topup", "100", "Purchase order 2026-88"),
    ("wallet_cobalt", "allocate", "300", "November"),
    ("wallet_ada", "allocate", "20", "Starter credit"),
    ("wallet_bistro", "allocate", "1.50", "Starter credit"),
    ("wallet_maple", "allocate", "400", "Credit line"),
    ("wallet_noor", "allocate", "50", "Front desk"),
    ("wallet_otto", "allocate", "15", "Cash in the shop"),
]
DECKS = [("list_carrier", "carrier_cost.csv"), ("list_wholesale", "world_rates.csv")]
RECORDS = [
    ("switch_asterisk", "switch_asterisk_Master.csv"),
    ("switch_freeswitch", "switch_freeswitch.json"),
]
LOGINS = [
    ("Provider", "admin", "/odoo"),
    ("Reseller (Blue Harbor Voice)", "blueharbor", "/my"),
    ("Dealer (Cobalt Dealers)", "cobalt", "/my"),
    ("Customer (Ada Meyer)", "ada", "/my"),
    ("Postpaid customer (Kepler Logistics)", "kepler", "/my"),
    ("Customer with outside money (Otto Schmidt)", "otto", "/my"),
]


class TierDemo(models.AbstractModel):
    """Plays the demo story through the code paths that users' own files take.

    Needs the demo data of this add-on. Repeating it changes nothing: funds,
    rates and records all have keys.
    """

    _name = "tier.demo"
    _description = "Demo Story"

    @api.model
    def _load(self, progress=None):
        """Fund the demo wallets, import the rate decks, then a day of calls.

        :param progress: called with a sentence and the number of items done
        """
        tell = progress or (lambda text, done=None: None)
        tell("Funding the wallets")
        self._load_currency_rate()
        for name, operation, amount, reason in FUNDS:
            wallet = self.env.ref(f"tier_rating.{name}")
            move = wallet._topup if operation == "topup" else wallet._allocate
            move(Decimal(amount), f"demo:{name}", reason)
        voice = self.env.ref("tier_rating.service_voice")
        for name, filename in DECKS:
            tell(f"Importing the rate deck {filename}")
            with file_open(f"tier_rating/demo/files/{filename}", "rb") as stream:
                self.env["tier.rate.import"]._import_deck(self.env.ref(f"tier_rating.{name}"), voice, stream.read())
        self._check_amendment(voice)
        # Calls are charged in transactions of their own, which see what is committed.
        self.env.cr.commit()  # pylint: disable=invalid-commit
        for name, filename in RECORDS:
            tell(f"Charging the calls in {filename}")
            self.env["tier.usage.import"]._import_file(
                self.env.ref(f"tier_rating.{name}"),
                file_path(f"tier_rating/demo/files/{filename}"),
                progress=lambda done, shown=filename: tell(f"Charging {shown}", done),
            )
        tell("Charging the fees of packages")
        self.env["tier.package.subscription"]._charge_fees(charging.fees.find(self.env.cr))
        self.env["tier.usage.rollup"]._cron_add()

    @api.model
    def _load_once(self, switch, sentence, progress, load):
        """Tell the part of the story that a switch's records begin, unless it has been told.

        :param str switch: the name of its record
        :param str sentence: said to ``progress``
        :param progress: see :meth:`_load`
        :param load: called with the ``tier.switch``
        """
        record = self.env.ref(f"tier_rating.{switch}")
        if not self.env["tier.usage.import"].search_count([("switch_id", "=", record.id)]):
            if progress:
                progress(sentence)
            load(record)

    @api.model
    def _check_amendment(self, voice):
        """Have the carrier's prices of December wait to be imported, for whoever looks at the demo."""
        sender, name = self.env.ref("tier_rating.deck_sender_atlantic"), "carrier_december.csv"
        if not sender.deck_ids:
            with file_open(f"tier_rating/demo/files/{name}", "rb") as stream:
                self.env["tier.rate.import"]._check_deck(
                    sender.price_list_id,
                    voice,
                    stream,
                    sender._layout(),
                    name=name,
                    sender_id=sender.id,
                    jump_percent=sender.jump_percent,
                )

    @api.model
    def _load_currency_rate(self):
        """Fix the euro's rate for the demo's year, so that its figures repeat."""
        Rate = self.env["res.currency.rate"]
        euro, company = self.env.ref("base.EUR"), self.env.ref("tier_rating.wallet_provider").company_id
        if company.currency_id != self.env.ref("base.USD"):
            return
        values = {"currency_id": euro.id, "company_id": company.id, "name": "2026-11-01"}
        if not Rate.search_count([(name, "=", value) for name, value in values.items()]):
            Rate.create({**values, "rate": 0.92})

    @api.model
    def _summary(self):
        """Return what the demo came to, for ``./tier run``.

        Sums are over all usage so far less what was refunded, in each wallet's currency.

        :return: dict with events, charged, suspense, refunded, reasons, tiers, conserved and,
            per wallet from the top, name, tier, currency, calls, sale, cost, margin, balance
        """
        cr = self.env.cr
        cr.execute(
            """SELECT count(*), count(*) FILTER (WHERE state = 'charged'),
                      count(*) FILTER (WHERE state = 'suspense'),
                      count(*) FILTER (WHERE state = 'refunded') FROM tier_usage_event"""
        )
        events, charged, suspense, refunded = cr.fetchone()
        cr.execute(
            """SELECT reason, count(*) FROM tier_usage_event WHERE state = 'suspense'
                GROUP BY reason ORDER BY reason"""
        )
        reasons = dict(cr.fetchall())
        cr.execute(
            """
            SELECT w.name, w.tier, c.name AS currency,
                   count(h.id) FILTER (WHERE h.answered AND h.reverses_id IS NULL) AS calls,
                   COALESCE(sum(h.sale), 0)::text AS sale, COALESCE(sum(h.cost), 0)::text AS cost,
                   COALESCE(sum(h.margin), 0)::text AS margin, a.balance::text AS balance
              FROM tier_wallet w
              JOIN tier_account a ON a.id = w.account_id
              JOIN res_currency c ON c.id = w.currency_id
              LEFT JOIN tier_charge h ON h.wallet_id = w.id
             GROUP BY w.id, w.name, w.tier, c.name, a.balance, w.parent_path
             ORDER BY string_to_array(rtrim(w.parent_path, '/'), '/')::integer[]"""
        )
        wallets = cr.dictfetchall()
        return {
            "events": events,
            "charged": charged,
            "suspense": suspense,
            "refunded": refunded,
            "reasons": reasons,
            "tiers": len({wallet["tier"] for wallet in wallets}),
            "conserved": self.env["tier.account"]._is_conserved(),
            "wallets": wallets,
        }

    @api.model
    def _logins(self):
        """Return who can log in to look around.

        :return: list of dicts with role, login, password and url
        """
        return [{"role": role, "login": login, "password": login, "url": url} for role, login, url in LOGINS]
