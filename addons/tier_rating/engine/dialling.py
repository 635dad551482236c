"""Dial plans: what a number means where it was dialled.

>>> plan = Dialling("49", area_code="30", outside="0", extension_length=3)
>>> [plan.number(dialled) for dialled in ("0 12345678", "0 089 1234567", "0 0044 20 79460000", "201", "112")]
['493012345678', '49891234567', '442079460000', 'x201', '112']
"""

from typing import NamedTuple

from .prefixes import SHORT, normalise

#: Begins what was dialled within the exchange, so that no prefix of a country fits it.
INSIDE = "x"
#: No subscriber's number is longer without its area code; what is, is taken for E.164 without plus.
LONGEST_LOCAL = 8
#: Never an extension, however short extensions are.
EMERGENCY = frozenset(("112", "911"))
_SEPARATORS = dict.fromkeys(map(ord, " \t\u00a0-./()"))


class Dialling(NamedTuple):
    """How people dial at a switch. See :func:`.prefixes.normalise` for the first ones.

    :param str country_prefix, international_prefix, national_prefix: such as 49, 00, 0
    :param int national_length: digits of national numbers that are dialled without a prefix; 0 = none are
    :param str area_code: of the switch, comes before local numbers; empty = none are dialled
    :param int local_length: digits that a local number has at least; fewer are a short number such as 116117
    :param str outside: prefix for the outside line, which records have in front of every such number
    :param int extension_length: digits that a number within the exchange has at most; 0 = there are none
    """

    country_prefix: str
    international_prefix: str = "00"
    national_prefix: str = "0"
    national_length: int = 0
    area_code: str = ""
    local_length: int = SHORT + 1
    outside: str = ""
    extension_length: int = 0

    @property
    def is_plain(self):
        """Whether nothing but prefixes is to be looked at."""
        return not (self.area_code or self.outside or self.extension_length)

    def number(self, dialled):
        """Return what was dialled: digits of E.164, a short number, "" for none, or ``x`` and an extension.

        :param str dialled: as the switch reports it; None counts as empty
        """
        return self.meaning(dialled)[0]

    def meaning(self, dialled):
        """Return (number, words): the number and by which rules it came to be.

        :param str dialled: as the switch reports it
        :return: str, and a list of names of rules: ``inside``, ``outside``, ``local``

        >>> Dialling("49", area_code="30").meaning("1234567")
        ('49301234567', ['local'])
        """
        rules = []
        if not self.is_plain and dialled and dialled.isascii():
            digits = dialled.translate(_SEPARATORS)
            if digits.isdigit() and digits not in EMERGENCY:
                if self.outside and digits.startswith(self.outside) and len(digits) > len(self.outside):
                    dialled = digits = digits[len(self.outside) :]
                    rules.append("outside")
                elif len(digits) <= self.extension_length:
                    return INSIDE + digits, ["inside"]
                if self._is_local(digits):
                    return self.country_prefix + self.area_code + digits, [*rules, "local"]
        number = normalise(
            dialled, self.country_prefix, self.international_prefix, self.national_prefix, self.national_length
        )
        return number, rules

    def _is_local(self, digits):
        """Tell whether these are the digits of a number in the switch's own area."""
        return bool(
            self.area_code
            and self.local_length <= len(digits) <= LONGEST_LOCAL
            and digits[0] != "0"
            and not (self.national_prefix and digits.startswith(self.national_prefix))
            and not (self.international_prefix and digits.startswith(self.international_prefix))
            and len(digits) != self.national_length
        )
