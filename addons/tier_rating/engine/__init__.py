"""The rating engine: plain Python, no Odoo, no database, no clock, no input or output.

How a number becomes money:

1. ``normalise`` the number, ``longest_match`` it over a price list and its bases;
2. ``Offer.of`` the match, with the brand's ``Terms``: all that prices a session, made ready;
3. ``price`` the session, or ``grantable``: how long may it last; ``explain`` says why;
4. included units come first: ``price_beyond`` a :class:`Package`; what depends on a period's
   whole quantity is a ``VolumeTariff``, and ``price_by_volume`` prices a session by it;
5. for the whole chain of tiers, ``grant_chain`` before a session and ``edges`` after it.

Nothing here is a float, and an amount is rounded once. What has no price raises ``Refused``.
"""

from .bands import Band, Calendar, Window, calendar, split
from .chain import Grant, Link, Payment, Tier, edges, grant_chain, needs
from .errors import BAD_QUANTITY, BAD_RATE, BLOCKED, NO_RATE, Invalid, Refused
from .explain import LABELS, Line, explain
from .grant import grantable
from .increments import billed_seconds
from .offer import Offer, Receipt
from .package import Beyond, Package, grantable_beyond, price_beyond, shares
from .plain import PlainTariff
from .prefixes import Match, candidates, longest_match, normalise
from .price import Price, amount_in, price
from .rounding import round_amount, round_quotient
from .standing import Standing, price_by_volume
from .tariff import Derivation, Rate, Step, Terms, derive, ladder
from .volume import GRADUATED, VOLUME, VolumeTariff, VolumeTier, sized

__all__ = [
    "BAD_QUANTITY",
    "BAD_RATE",
    "BLOCKED",
    "GRADUATED",
    "LABELS",
    "NO_RATE",
    "VOLUME",
    "Band",
    "Beyond",
    "Calendar",
    "Derivation",
    "Grant",
    "Invalid",
    "Line",
    "Link",
    "Match",
    "Offer",
    "Package",
    "Payment",
    "PlainTariff",
    "Price",
    "Rate",
    "Receipt",
    "Refused",
    "Standing",
    "Step",
    "Terms",
    "Tier",
    "VolumeTariff",
    "VolumeTier",
    "Window",
    "amount_in",
    "billed_seconds",
    "calendar",
    "candidates",
    "derive",
    "edges",
    "explain",
    "grant_chain",
    "grantable",
    "grantable_beyond",
    "ladder",
    "longest_match",
    "needs",
    "normalise",
    "price",
    "price_beyond",
    "price_by_volume",
    "round_amount",
    "round_quotient",
    "shares",
    "sized",
    "split",
]
