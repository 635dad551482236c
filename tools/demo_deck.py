"""Invent a rate deck for the whole world and what the carrier asks for it.

The prefixes, the countries, and which numbers are mobile come from the metadata
of the `phonenumbers` library; the prices are invented, each from its own seed.
"""

import random
from collections import Counter
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberType, geocoder
from phonenumbers.geodata import GEOCODE_DATA

HEADER = (
    "prefix",
    "destination",
    "price_per_minute",
    "initial",
    "increment",
    "effective_from",
    "connection_charge",
    "band",
)
FROM, NEXT = "2026-01-01", "2026-12-01"

FIXED, MOBILE, PREMIUM = "Fixed", "Mobile", "Premium"
LABELS = {
    PhoneNumberType.FIXED_LINE: FIXED,
    PhoneNumberType.FIXED_LINE_OR_MOBILE: FIXED,
    PhoneNumberType.VOIP: FIXED,
    PhoneNumberType.MOBILE: MOBILE,
    PhoneNumberType.PREMIUM_RATE: PREMIUM,
    PhoneNumberType.PERSONAL_NUMBER: PREMIUM,
}

# USD a minute, lowest and highest, by the first digit of the calling code.
ZONES = {
    "1": (0.03, 0.14),
    "2": (0.06, 0.30),
    "3": (0.008, 0.03),
    "4": (0.008, 0.03),
    "5": (0.02, 0.12),
    "6": (0.03, 0.40),
    "7": (0.02, 0.06),
    "8": (0.02, 0.12),
    "9": (0.03, 0.16),
}
# Busy routes are cheap everywhere: USD a minute, fixed and mobile.
ROUTES = {
    "AT": ("0.0091", "0.0228"),
    "AU": ("0.0112", "0.0265"),
    "BR": ("0.0128", "0.0455"),
    "CA": ("0.0038", "0.0038"),
    "CH": ("0.0124", "0.0390"),
    "CN": ("0.0115", "0.0118"),
    "DE": ("0.0064", "0.0182"),
    "DK": ("0.0072", "0.0187"),
    "ES": ("0.0065", "0.0190"),
    "FR": ("0.0060", "0.0175"),
    "GB": ("0.0052", "0.0155"),
    "IE": ("0.0083", "0.0212"),
    "IN": ("0.0142", "0.0136"),
    "IT": ("0.0072", "0.0235"),
    "JP": ("0.0195", "0.0520"),
    "MX": ("0.0086", "0.0094"),
    "NL": ("0.0068", "0.0204"),
    "PL": ("0.0105", "0.0196"),
    "PT": ("0.0077", "0.0221"),
    "SE": ("0.0069", "0.0183"),
    "US": ("0.0042", "0.0042"),
}
# Price by time of day; the time bands themselves belong to the brand.
BANDED = ("DE", "FR", "GB")
PEAK, OFF_PEAK = "Peak", "Off-peak"
OFF_PEAK_SHARE = Decimal("0.6")
# Seconds: initial and increment where they are not a second each.
INCREMENTS = {
    "CA": (6, 6),
    "US": (6, 6),
    "MX": (60, 60),
    "GM": (60, 60),
    "SR": (60, 60),
    "TO": (60, 60),
    "IT": (30, 1),
    "BR": (30, 6),
    "CU": (30, 6),
    "SO": (30, 6),
}
# A price list announces changes ahead: these rise by a tenth at NEXT.
RISING = ("EG", "ID", "NG", "PH", "UA")
SATELLITES = {
    "870": ("Inmarsat", "4.8500"),
    "8816": ("Iridium", "5.4000"),
    "8817": ("Iridium", "5.4000"),
    "8818": ("Globalstar", "4.1000"),
    "8819": ("Globalstar", "4.1000"),
    "88213": ("EMSAT", "3.9000"),
    "88216": ("Thuraya", "3.2000"),
    "883": ("International Networks", "0.9500"),
}
# Countries whose area codes have rows of their own, and how many digits those have.
AREAS = {
    "AR": 3,
    "AU": 3,
    "BR": 2,
    "CN": 3,
    "GR": 3,
    "ID": 3,
    "IN": 3,
    "IR": 2,
    "IT": 3,
    "JP": 2,
    "KR": 2,
    "MX": 3,
    "MY": 2,
    "NL": 2,
    "PE": 2,
    "PL": 2,
    "RU": 3,
    "TH": 2,
    "TR": 3,
    "TW": 2,
    "UA": 2,
    "VN": 3,
    "ZA": 2,
}
MOST_AREAS = 110
LONGEST_NAME = 32
# Too small a share of the numbers that begin alike to be noticed below.
PREMIUM_PREFIXES = {"AT": ("43900", "43930"), "CH": ("41900", "41901", "41906"), "DE": ("49900",)}

DEPTH = 4  # digits of a national number that are looked at
SAMPLES = 30
DOMINANT = 0.92  # share of one kind from which a prefix is taken to be all of it


@dataclass(frozen=True)
class Rate:
    """One row of a deck. The price is in USD a minute."""

    prefix: str
    region: str
    kind: str
    place: str
    price: Decimal
    band: str = ""
    since: str = FROM

    @property
    def destination(self):
        return f"{country(self.region)} {self.place or self.kind}" if self.region else self.place

    @property
    def increments(self):
        """Initial block and increment, in seconds."""
        if self.kind == PREMIUM:
            return 60, 60
        return INCREMENTS.get(self.region, (1, 1))

    @property
    def connection_charge(self):
        return "0.0500" if self.kind == PREMIUM else ""

    def row(self):
        return (
            self.prefix,
            self.destination,
            self.price,
            *self.increments,
            self.since,
            self.connection_charge,
            self.band,
        )


def world():
    """The provider's base rates, in the order of their prefixes."""
    rates = {}
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        if code == 1:
            rates |= _north_america()
        elif regions[0] != "001":  # such as freephone numbers of no country
            rates |= _country(code, regions[0])
    for prefix, (place, price) in SATELLITES.items():
        rates[prefix] = Rate(prefix, "", "", place, Decimal(price))
    return [row for prefix in sorted(rates) for row in _by_time(rates[prefix])]


def carrier(deck):
    """What the provider pays: no area codes, no bands, below every price that it covers."""
    prefixes = {rate.prefix for rate in deck if not (rate.place and rate.region) and not _is_north_american(rate)}
    prefixes.add("1")
    cheapest = {}
    for rate in deck:
        prefix = _longest(rate.prefix, prefixes)
        if prefix not in cheapest or rate.price < cheapest[prefix].price:
            cheapest[prefix] = rate
    costs = []
    for prefix in sorted(cheapest):
        rate = cheapest[prefix]
        if rate.region:
            rate = replace(rate, region="US" if prefix == "1" else rate.region, place="")
        share = Decimal(_random(rate.region, rate.kind, "cost").randint(76, 88)) / 100
        costs.append(replace(rate, prefix=prefix, price=_round(rate.price * share), band="", since=FROM))
    return costs


def _is_north_american(rate):
    return rate.region in ("CA", "US") and rate.kind == FIXED


def country(region):
    """English name of a region, such as Germany."""
    return geocoder.country_name_for_number(phonenumbers.example_number(region), "en") or region


def _country(code, main):
    """Rates of one calling code: the country itself, then where a prefix is of another kind."""
    number_lengths = _lengths(main)
    rates = {str(code): _rate(str(code), main, FIXED)}

    def follow(national, inherited):
        kinds = _kinds(code, national, number_lengths)
        if not kinds:
            return
        kind, count = kinds.most_common(1)[0]
        if len(national) == DEPTH or count >= DOMINANT * kinds.total():
            # what is premium in a thousandth of a country is of no use to a demo
            if kind != inherited and (kind[1] != PREMIUM or len(national) < DEPTH):
                prefix = f"{code}{national}"
                rates[prefix] = _rate(prefix, *kind)
            return
        for digit in "0123456789":
            follow(national + digit, inherited)

    for digit in "0123456789":
        follow(digit, (main, FIXED))
    for prefix in PREMIUM_PREFIXES.get(main, ()):
        rates[prefix] = _rate(prefix, main, PREMIUM)
    for prefix, place in _areas(code, main):
        above = rates[_longest(prefix, rates)]
        if prefix not in rates and (above.region, above.kind) == (main, FIXED):
            rates[prefix] = _rate(prefix, main, FIXED, place)
    return rates


def _lengths(region):
    """How many digits the national numbers of a country have."""
    metadata = PhoneMetadata.metadata_for_region(region)
    found = set()
    for kind in (metadata.mobile, metadata.fixed_line, metadata.premium_rate):
        lengths = [length for length in (kind.possible_length if kind else ()) if length > DEPTH]
        found.update(lengths[:3])
    return sorted(found)


def _kinds(code, national, lengths):
    """Count the regions and kinds of random valid numbers that begin so."""
    randomness = _random(code, national)
    kinds = Counter()
    for length in lengths:
        for _ in range(SAMPLES):
            rest = "".join(randomness.choices("0123456789", k=length - len(national)))
            number = _number(code, national + rest)
            region = phonenumbers.region_code_for_number(number)
            label = LABELS.get(phonenumbers.number_type(number))
            if region and label:
                kinds[region, label] += 1
    return kinds


def _number(code, national):
    digits = national.lstrip("0")
    zeros = len(national) - len(digits)
    return phonenumbers.PhoneNumber(
        country_code=code,
        national_number=int(digits or 0),
        italian_leading_zero=True if zeros else None,
        number_of_leading_zeros=zeros if zeros > 1 else None,
    )


def _areas(code, region):
    digits = AREAS.get(region, 0)
    found = [
        (prefix, places["en"].split(",")[0])
        for prefix, places in GEOCODE_DATA.items()
        if prefix.startswith(str(code)) and 0 < len(prefix) - len(str(code)) <= digits and "en" in places
    ]
    found = [(prefix, place) for prefix, place in found if len(place) <= LONGEST_NAME and "/" not in place]
    return sorted(found, key=lambda area: (len(area[0]), area[0]))[:MOST_AREAS]


def _north_america():
    """One rate an area code. There is none for 1 alone: an area code that does not exist has no rate."""
    rates = {}
    for area in range(200, 1000):
        prefix = f"1{area}"
        number = _number(1, f"{area}2345678")
        region = phonenumbers.region_code_for_number(number)
        label = LABELS.get(phonenumbers.number_type(number))
        if region and label:
            label = label if label == PREMIUM else FIXED  # mobiles have no numbers of their own
            place = GEOCODE_DATA.get(prefix, {}).get("en", "").split(",")[0]
            place = place if region in ("CA", "US") and label == FIXED else ""
            rates[prefix] = _rate(prefix, region, label, place)
    return rates


def _rate(prefix, region, kind, place=""):
    fixed, mobile = _route(region)
    randomness = _random(region, kind, place)
    if kind == PREMIUM:
        price = Decimal(randomness.randint(60, 180)) / 100
    elif place:
        price = fixed * randomness.randint(88, 135) / 100
    else:
        price = mobile if kind == MOBILE else fixed
    return Rate(prefix, region, kind, place, _round(price))


def _route(region):
    """Price of a country's fixed and mobile numbers."""
    if region in ROUTES:
        return tuple(map(Decimal, ROUTES[region]))
    randomness = _random(region)
    lowest, highest = ZONES[str(phonenumbers.country_code_for_region(region))[0]]
    fixed = Decimal(str(round(randomness.uniform(lowest, highest), 5)))
    return fixed, fixed * randomness.randint(130, 380) / 100


def _by_time(rate):
    """The rows of a rate: one, or one a band, and one more if it is about to rise."""
    if rate.region in BANDED and rate.kind == FIXED:
        yield replace(rate, band=PEAK)
        yield replace(rate, band=OFF_PEAK, price=_round(rate.price * OFF_PEAK_SHARE))
        return
    yield rate
    if rate.region in RISING and rate.kind == FIXED and not rate.place:
        yield replace(rate, price=_round(rate.price * Decimal("1.1")), since=NEXT)


def _longest(number, prefixes):
    return next((number[:size] for size in range(len(number), 0, -1) if number[:size] in prefixes), "")


def _round(price):
    """Six decimals below a cent, five below ten, else four, as decks have it."""
    places = 6 if price < Decimal("0.01") else 5 if price < Decimal("0.1") else 4
    return price.quantize(Decimal(1).scaleb(-places), rounding=ROUND_DOWN)


def _random(*seed):
    """The same numbers for the same seed, on every machine."""
    return random.Random(":".join(map(str, ("tier", *seed))))
