"""Sorting, filters, periods and search of the portal's lists."""

from datetime import date

from odoo import fields
from odoo.fields import Domain

from .. import period

# Nobody types more into a search box, and PostgreSQL need not look for it.
LONGEST_SEARCH = 64


class Searchbar:
    """What a page's searchbar offers and what the visitor chose.

    Whatever comes in the address that is not on offer counts as the default:
    an old link or a mistyped one still shows the page.

    :param env: environment of the user
    :param str url: of the page, without parameters
    :param dict params: of the request
    :param dict sortings: name to label and order, the default first
    :param dict filters: name to label (and domain), the default first
    :param dict inputs: what the search box can look in: name to label
    :param str default_period: see :func:`..period.days`
    :param periods: names of the periods on offer; all by default
    """

    def __init__(self, env, url, params, sortings, filters=None, inputs=None, default_period="all", periods=None):
        self.env = env
        self.url = url
        self.sortings = sortings
        self.filters = filters or {}
        self.inputs = inputs or {}
        self.sortby = self._choice(params.get("sortby"), self.sortings)
        self.filterby = self._choice(params.get("filterby"), self.filters)
        self.search_in = self._choice(params.get("search_in"), self.inputs)
        self.search = self._clean(params.get("search"))
        self.periods = {
            "all": env._("All time"),
            "today": env._("Today"),
            "month": env._("This month"),
            "last_month": env._("Last month"),
            "year": env._("This year"),
        }
        if periods:
            self.periods = {name: self.periods[name] for name in periods}
        self.default_period = default_period
        self._choose_period(params)

    @classmethod
    def calls(cls, env, url, params):
        """Return the searchbar of a list of calls."""
        return cls(
            env,
            url,
            params,
            sortings={
                "newest": {"label": env._("Newest"), "order": "date desc, id desc"},
                "oldest": {"label": env._("Oldest"), "order": "date, id"},
                "longest": {"label": env._("Longest"), "order": "quantity desc, id desc"},
                "cost": {"label": env._("Cost"), "order": "cost desc, id desc"},
            },
            filters={
                "all": {"label": env._("All")},
                "answered": {"label": env._("Answered"), "domain": Domain("answered", "=", True)},
                "unanswered": {
                    "label": env._("Unanswered"),
                    "domain": Domain("answered", "=", False),
                },
            },
            inputs={
                "number": env._("Search in Numbers"),
                "destination": env._("Search in Destinations"),
            },
        )

    @classmethod
    def payments(cls, env, url, params):
        """Return the searchbar of a list of payments."""
        return cls(
            env,
            url,
            params,
            sortings={
                "newest": {"label": env._("Newest"), "order": "date desc, id desc"},
                "oldest": {"label": env._("Oldest"), "order": "date, id"},
            },
            filters={
                "all": {"label": env._("All")},
                "in": {"label": env._("Money in")},
                "out": {"label": env._("Money out")},
            },
        )

    @classmethod
    def customers(cls, env, url, params):
        """Return the searchbar of a reseller's customers."""
        return cls(
            env,
            url,
            params,
            sortings={
                "name": {"label": env._("Name"), "order": "name"},
                "margin": {"label": env._("Margin"), "order": "margin"},
                "sale": {"label": env._("Sale"), "order": "sale"},
                "calls": {"label": env._("Calls"), "order": "calls"},
                "balance": {"label": env._("Balance"), "order": "balance"},
            },
            inputs={"name": env._("Search in Names")},
            default_period="month",
        )

    @classmethod
    def statement(cls, env, url, params):
        """Return the searchbar of a statement, which has a beginning and an end."""
        return cls(env, url, params, sortings={}, default_period="month", periods=("month", "last_month", "year"))

    @staticmethod
    def _choice(value, offered):
        return value if value in offered else next(iter(offered), None)

    @staticmethod
    def _clean(text):
        """Return what was typed, without what no database takes."""
        return (text or "").replace("\x00", "").strip()[:LONGEST_SEARCH]

    def _choose_period(self, params):
        """Set the period: days that were typed go before a named one."""
        self.first = period.parse(params.get("date_begin"))
        self.last = period.parse(params.get("date_end"))
        if self.first or self.last:
            self.period_code = "custom"
            first, last = self.first, self.last
        else:
            code = params.get("period")
            self.period_code = code if code in self.periods else self.default_period
            today = fields.Date.context_today(self.env["res.users"])
            first, last = period.days(self.period_code, today)
        self.period = period.between(first, last, self.env.tz)
        self.days = first, last

    def closed_days(self):
        """Return the period with both ends: where one is open, today or the month's first day.

        :return: tuple of two dates, the earlier first
        """
        first, last = self.days
        last = last or max(fields.Date.context_today(self.env["res.users"]), first or date.min)
        return sorted((first or last.replace(day=1), last))

    @property
    def order(self):
        """What the chosen sorting orders by."""
        return self.sortings[self.sortby]["order"]

    @property
    def filter_domain(self):
        """What the chosen filter finds."""
        return self.filters.get(self.filterby, {}).get("domain", Domain.TRUE)

    @property
    def is_limited(self):
        """Whether less than everything is asked for, so that finding nothing says little."""
        return bool(
            self.search or self.period_code != self.default_period or self.filterby != next(iter(self.filters), None)
        )

    def url_args(self):
        """Return the parameters that the pager's links keep.

        :rtype: dict
        """
        return {
            "sortby": self.sortby,
            "filterby": self.filterby,
            "search_in": (self.search and self.search_in) or None,
            "search": self.search or None,
            "period": None if self.period_code == "custom" else self.period_code,
            "date_begin": self.first,
            "date_end": self.last,
        }

    def values(self):
        """Return what ``portal.portal_searchbar`` and our period menu need.

        :rtype: dict
        """
        return {
            "default_url": self.url,
            "searchbar_sortings": self.sortings,
            "sortby": self.sortby,
            "searchbar_filters": self.filters,
            "filterby": self.filterby,
            "searchbar_inputs": {name: {"input": name, "label": label} for name, label in self.inputs.items()},
            "search_in": self.search_in,
            "search": self.search,
            "periods": self.periods,
            "period_code": self.period_code,
            "date_begin": self.first,
            "date_end": self.last,
            "is_limited": self.is_limited,
            "timezone": self.env.tz.zone,
        }
