"""A provider of full size for benches: wallets, price lists and a file of calls, built by SQL.

The chain is of three payers below the provider (reseller, dealer, user), and the provider's own
cost is known from its carrier's deck. Every price list has all of its rates itself.
"""

import itertools
import random
from datetime import datetime, timedelta

RESELLERS, DEALERS = 20, 500
START = datetime(2026, 11, 20, 6)
COUNTRIES = 200
LINE = (
    '"{user}","{user}","{number}","from-users","""{user}"" <{user}>","PJSIP/{user}-{channel:08x}",'
    '"PJSIP/carrier-{channel:08x}","Dial","PJSIP/{number}@carrier,60","{start}","{answer}","{end}",'
    '{duration},{billsec},"ANSWERED","DOCUMENTATION","{unique}.{channel}",""\n'
)


def prefixes(count):
    """Return that many distinct prefixes: countries of three digits, and places below them.

    :rtype: list of str
    """
    countries = [str(code) for code in range(210, 210 + COUNTRIES)]
    places = itertools.chain.from_iterable(
        (country + str(place) for country in countries)
        for place in itertools.chain(range(1, 10), range(10, 100), range(100, 1000), range(1000, 10_000))
    )
    return list(itertools.islice(itertools.chain(countries, places), count))


class World:
    """What the bench charges, in a committed database.

    :param env: environment of the transaction that builds it
    :param int lists: price lists
    :param int rates: rates of each
    :param int wallets: users, dealers and resellers together; 0: one customer of the provider
    """

    def __init__(self, env, lists=300, rates=10_000, wallets=100_000, name="Bench"):
        self.name = name
        self.prefixes = prefixes(rates)
        self.users = wallets - RESELLERS - DEALERS
        self.env = env
        company = env.company
        self.root = self._root(company)
        if not wallets:
            self._one_customer()
            return
        self.switch = env["tier.switch"].create(
            {"name": "Bench", "code": "bench", "adapter": "asterisk_csv", "tz": "UTC", "company_id": company.id}
        )
        self.switch_id = self.switch.id
        self.list_ids = self._price_lists(lists)
        self._rates(self.list_ids)
        self._wallets()

    def _root(self, company):
        root = self.env["tier.wallet"].create(
            {"name": f"{self.name} provider", "partner_id": company.partner_id.id, "company_id": company.id}
        )
        # Some of the drawn prefixes are of real numbers that are closed.
        root.open_class_ids = self.env["tier.number.class"].search([])
        return root

    def _one_customer(self):
        self.list_ids = self._price_lists(1)
        self._rates(self.list_ids)
        values = {"name": f"{self.name} customer", "partner_id": self.root.partner_id.id, "parent_id": self.root.id}
        customer = self.env["tier.wallet"].create({**values, "price_list_id": self.list_ids[0]})
        self.customer_id = customer.id

    def add_lists(self, env, lists):
        """Add price lists that nobody buys from.

        :param env: environment of the transaction
        """
        self.env, self.root = env, env["tier.wallet"].browse(self.root.id)
        self._rates(self._price_lists(lists))

    def _price_lists(self, lists):
        brand = self.env["tier.brand"].create(
            {
                "name": self.name,
                "wallet_id": self.root.id,
                "currency_id": self.root.currency_id.id,
                "initial_increment": 30,
                "increment": 6,
                "rounding_digits": 4,
            }
        )
        records = self.env["tier.price.list"].create(
            [{"name": f"{self.name} {number}", "brand_id": brand.id} for number in range(lists)]
        )
        self.root.price_list_id = self.root.price_list_id or records[0]
        return records.ids

    def _rates(self, list_ids):
        voice = self.env.ref("tier_rating.service_voice").id
        cr = self.env.cr
        self.env.flush_all()
        cr.execute(
            """INSERT INTO tier_rate (price_list_id, service_id, prefix, price, create_date, write_date,
                                      date_from, blocked)
               SELECT l.id, %s, p.prefix, round(0.001 * (1 + p.position %% 97) * (1 + l.position), 4),
                      now(), now(), '2026-01-01', false
                 FROM unnest(%s::integer[]) WITH ORDINALITY AS l(id, position),
                      unnest(%s::varchar[]) WITH ORDINALITY AS p(prefix, position)""",
            [voice, list_ids, self.prefixes],
        )

    def _wallets(self):
        """Open the wallets below the provider's: a reseller each tenth list, and so on down."""
        # The foreign keys of a table that was small when they were first asked keep their first plan.
        self.env.cr.execute("SET LOCAL enable_seqscan = off")
        third = len(self.list_ids) // 3
        resale, deals, retail = self.list_ids[1:third], self.list_ids[third : 2 * third], self.list_ids[2 * third :]
        resellers = self._tier([self.root.id], RESELLERS, resale, 1)
        dealers = self._tier(resellers, DEALERS, deals, 2)
        users = self._tier(dealers, self.users, retail, 3)
        cr = self.env.cr
        cr.execute(
            """INSERT INTO tier_endpoint (wallet_id, kind, identifier, switch_id, active, create_date, write_date)
               SELECT id, 'sip_user', 'u' || position, %s, true, now(), now()
                 FROM unnest(%s::integer[]) WITH ORDINALITY AS u(id, position)""",
            [self.switch_id, users],
        )
        self._fund(users)
        self.env.invalidate_all()

    def _tier(self, parents, count, lists, tier):
        cr = self.env.cr
        self.env.flush_all()
        cr.execute(
            """
            WITH made AS (
                SELECT nextval('tier_wallet_id_seq')::integer AS id, nextval('tier_account_id_seq')::integer AS account,
                       (%(parents)s::integer[])[1 + n %% %(parent_count)s] AS parent,
                       (%(lists)s::integer[])[1 + n %% %(list_count)s] AS list, n
                  FROM generate_series(0, %(count)s - 1) n
            ), pattern AS (
                SELECT w, a FROM tier_wallet w JOIN tier_account a ON a.id = w.account_id WHERE w.id = %(root)s
            ), accounts AS (
                INSERT INTO tier_account
                SELECT n.* FROM made, pattern, LATERAL jsonb_populate_record(pattern.a, jsonb_build_object(
                       'id', made.account, 'wallet_id', made.id, 'unlimited', false)) n)
            INSERT INTO tier_wallet
            SELECT n.* FROM made CROSS JOIN pattern JOIN tier_wallet p ON p.id = made.parent,
                   LATERAL jsonb_populate_record(pattern.w, jsonb_build_object(
                       'id', made.id, 'name', format('Bench %%s/%%s', %(tier)s, made.n), 'tier', %(tier)s,
                       'parent_id', p.id, 'parent_path', p.parent_path || made.id || '/',
                       'account_id', made.account, 'price_list_id', made.list, 'sell_below_cost', true,
                       'grant_account_id', p.account_id,
                       'payee_account_id',
                       CASE WHEN p.parent_id IS NULL THEN p.payee_account_id ELSE p.account_id END)) n
             ORDER BY n.id
            RETURNING id""",
            {
                "parents": parents,
                "parent_count": len(parents),
                "lists": lists,
                "list_count": len(lists),
                "count": count,
                "tier": tier,
                "root": self.root.id,
            },
        )
        return sorted(row[0] for row in cr.fetchall())

    def _fund(self, wallets):
        """Give every user 1,000.00, through the ledger's own triggers."""
        self.env.cr.execute(
            """INSERT INTO tier_transfer (source_key, kind, date, from_account_id, to_account_id, to_wallet_id,
                                          company_id, amount, currency_id, amount_to, currency_to_id, rate, create_date)
               SELECT 'bench:fund:' || w.id, 'topup', now(), world.id, w.account_id, w.id, w.company_id, 1000,
                      w.currency_id, 1000, w.currency_id, 1, now()
                 FROM tier_wallet w
                 JOIN tier_account world ON world.kind = 'world' AND world.company_id = w.company_id
                  AND world.currency_id = w.currency_id
                WHERE w.id = ANY(%s)""",
            [wallets],
        )

    def write_calls(self, file, first, count):
        """Write a file of calls as Asterisk writes it.

        Users and prefixes are drawn evenly: harder than real traffic, most of which
        goes to few places and which caches would help.

        :param file: text file
        :param int first: number of the first call; the same number makes the same call
        :param int count: calls
        """
        for number in range(first, first + count):
            chance = random.Random(number)
            start = START + timedelta(seconds=number % 86400)
            billsec = chance.randrange(1, 600)
            ring = chance.randrange(1, 20)
            file.write(
                LINE.format(
                    user=f"u{chance.randrange(1, self.users + 1)}",
                    number="+" + (chance.choice(self.prefixes) + "5550123456")[:12],
                    channel=number,
                    start=start,
                    answer=start + timedelta(seconds=ring),
                    end=start + timedelta(seconds=ring + billsec),
                    duration=ring + billsec,
                    billsec=billsec,
                    unique=int(start.timestamp()),
                )
            )
