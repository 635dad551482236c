"""Numbers that are not like others: emergency calls, numbers that cost nothing, numbers that are closed.

A class holds for one service, for one company or all, and its lines for where a number is
dialled: 110 is the police in one country and an extension in another. Of the lines that fit,
a whole number goes before a prefix, the longer prefix before the shorter, the line of the
country before one for anywhere, a company's own class before one for all.

The lines are read once and kept, as good as the version that stands with their service in the
database tells (``tier_service.numbers_version``, see numbers.sql), which is read with the services anyway.
"""

import threading
from typing import NamedTuple

from odoo.tools import SQL

from odoo.addons.tier_billing.ledger import schema

EMERGENCY, FREE, CLOSED, OPEN = "emergency", "free", "closed", "open"
# No number is looked at any further whose first digits begin none of the lines.
HEAD = 3


class Special(NamedTuple):
    """The class that one line puts a number in.

    :param int class_id: of ``tier.number.class``
    :param str kind: emergency (free, whatever state the wallets are in), free, closed
        (refused unless opened for a wallet of the chain) or open (as any other)
    :param bool exact: the line is a whole number
    :param str country: calling code of where it must be dialled; empty = anywhere
    :param company_id: whose class it is; None = of all
    """

    class_id: int
    kind: str
    exact: bool
    country: str
    company_id: int | None

    @property
    def is_free(self):
        """Whether nobody pays for it."""
        return self.kind in (EMERGENCY, FREE)


#: A call within an exchange: nobody pays for it.
INTERNAL = Special(0, FREE, False, "", None)


class Numbers:
    """The special numbers of one service.

    :param lines: iterable of (prefix, :class:`Special`)
    """

    __slots__ = ("_heads", "_lines", "_longest")

    def __init__(self, lines):
        self._lines = {}
        for prefix, special in lines:
            self._lines.setdefault(prefix, []).append(special)
        for specials in self._lines.values():
            specials.sort(key=_rank)
        self._longest = max(map(len, self._lines), default=0)
        self._heads = {prefix[:HEAD] for prefix in self._lines}

    def find(self, number, company_id, country):
        """Return the class of a number, None for one like others.

        :param str number: normalised
        :param company_id: of the wallet that calls
        :param country: function without arguments: the calling code of where it is dialled
        :rtype: Special
        """
        heads = self._heads
        # Almost all numbers end here: said without a loop.
        if number[:HEAD] not in heads and number[:2] not in heads and number[:1] not in heads:
            return None
        for length in range(min(len(number), self._longest), 0, -1):
            for special in self._lines.get(number[:length], ()):
                if special.exact and length < len(number):
                    continue
                if special.company_id not in (None, company_id):
                    continue
                if not special.country or special.country == country():
                    return special
        return None


def _rank(special):
    return (
        not special.exact,
        special.company_id is None,
        not special.country,
        special.kind != EMERGENCY,
        special.class_id,
    )


class Shelf:
    """The special numbers that this process has read of one database."""

    def __init__(self):
        self._kept = {}
        self._lock = threading.Lock()

    def of(self, cr, services, service_ids):
        """Return the special numbers of services, from memory as far as they have not changed.

        :param cr: database cursor
        :param services: of :func:`.catalogue.load_services`
        :param service_ids: of those that are asked for
        :return: dict of service id to :class:`Numbers`, without those that have none
        """
        found = {}
        for service_id in service_ids:
            version = services[service_id].numbers_version if service_id in services else 0
            if not version:
                continue
            kept = self._kept.get(service_id)
            if kept is None or kept[0] != version:
                kept = version, Numbers(_read(cr, service_id))
                with self._lock:
                    self._kept[service_id] = kept
            if kept[1]._lines:
                found[service_id] = kept[1]
        return found


def _read(cr, service_id):
    """Return the lines of a service's classes as (prefix, :class:`Special`)."""
    cr.execute(
        SQL(
            """SELECT l.prefix, c.id, c.kind, COALESCE(l.exact, false),
                      CASE WHEN l.country_id IS NULL THEN '' ELSE COALESCE(n.phone_code, 0)::text END, c.company_id
                 FROM tier_number_class_line l
                 JOIN tier_number_class c ON c.id = l.class_id
                 LEFT JOIN res_country n ON n.id = l.country_id
                WHERE c.service_id = %s AND c.active""",
            service_id,
        )
    )
    return [(row[0], Special(*row[1:])) for row in cr.fetchall()]


def load_countries(cr):
    """Read where numbers are dialled.

    :param cr: database cursor
    :rtype: Countries
    """
    cr.execute(
        """SELECT 'plan', id, country_prefix FROM tier_dial_plan
            UNION ALL SELECT 'switch', id, country_prefix FROM tier_switch
            UNION ALL SELECT 'company', c.id, n.phone_code::text
             FROM res_company c JOIN res_partner p ON p.id = c.partner_id
             JOIN res_country n ON n.id = p.country_id"""
    )
    return Countries({row[:2]: row[2] for row in cr.fetchall()})


class Countries:
    """Where numbers are dialled, as calling codes.

    :param dict codes: by ("plan", "switch" or "company", id)
    """

    __slots__ = ("_codes",)

    def __init__(self, codes):
        self._codes = codes

    def of(self, company_id, switch_id=None, plan_id=None):
        """Return the calling code of where a number was dialled, empty if nobody says.

        The endpoint's own dial plan goes before its switch, and that before the company.

        :rtype: str
        """
        codes = self._codes
        return (
            codes.get(("plan", plan_id)) or codes.get(("switch", switch_id)) or codes.get(("company", company_id)) or ""
        )


def opened(cr, wallet_ids):
    """Read which classes are open for which wallets.

    :param cr: database cursor
    :param wallet_ids: of all wallets of a batch; what is open for one is so for all below it
    :return: set of (wallet id, class id)
    """
    cr.execute(
        SQL(
            "SELECT tier_wallet_id, tier_number_class_id FROM tier_wallet_number_class_rel"
            " WHERE tier_wallet_id = ANY(%s)",
            list(wallet_ids),
        )
    )
    return set(cr.fetchall())


_shelves = {}


def shelf(dbname):
    """Return what is kept of a database.

    :param str dbname: its name
    :rtype: Shelf
    """
    return _shelves.setdefault(dbname, Shelf())


SCRIPT = "tier_rating/charging/numbers.sql"


def install(cr):
    """Create or replace the triggers that tell of changed special numbers; safe to run again.

    :param cr: database cursor
    """
    schema.run_script(cr, SCRIPT)
    schema.watch(cr, "tier_number_class", "tier_number_class_changed", "tier_number_class")
    schema.watch(cr, "tier_number_class_line", "tier_number_line_changed", "tier_number_line")


def drop(cr):
    """Remove what would outlive the dropped tables.

    :param cr: database cursor
    """
    schema.undo_script(cr, SCRIPT)
