"""Write the short and premium numbers of each country that the `phonenumbers` library knows.

Run as ``python -m tools.special_numbers`` from the root of the repository; it writes
``addons/tier_rating/data/special_numbers.csv``, which a new database reads.
"""

import csv
import random
from collections import Counter
from itertools import product
from pathlib import Path

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberType
from phonenumbers.shortnumberinfo import is_emergency_number

TARGET = Path(__file__).parents[1] / "addons/tier_rating/data/special_numbers.csv"
# What mobile networks of all countries connect to an emergency centre.
ANYWHERE = ("112", "911")
# How many digits of a national number tell that it is premium, and how many numbers are tried.
DEPTHS = range(2, 6)
SAMPLES = 60


def emergency():
    """Return (number, region) of every emergency number, those of three digits first of all."""
    found = [(number, "") for number in ANYWHERE]
    for region in sorted(phonenumbers.SUPPORTED_SHORT_REGIONS):
        metadata = PhoneMetadata.short_metadata_for_region(region)
        lengths = metadata.emergency.possible_length if metadata and metadata.emergency else ()
        for length in (length for length in lengths if 2 <= length <= 5):
            for digits in product("0123456789", repeat=length):
                number = "".join(digits)
                if number not in ANYWHERE and is_emergency_number(number, region):
                    found.append((number, region))
    return found


def premium():
    """Return (prefix in international form, "") of what is premium rate and nothing else.

    The example that the library has of each country, cut to the shortest prefix below which
    every number that exists is premium.
    """
    found = set()
    for code, regions in sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()):
        for region in regions:
            example = phonenumbers.example_number_for_type(region, PhoneNumberType.PREMIUM_RATE)
            if example:
                national = phonenumbers.national_significant_number(example)
                prefix = next((national[:depth] for depth in DEPTHS if _is_premium(code, national, depth)), None)
                if prefix:
                    found.add(f"{code}{prefix}")
    return [(prefix, "") for prefix in sorted(found) if not any(prefix[:end] in found for end in range(1, len(prefix)))]


def _is_premium(code, national, depth):
    """Tell whether no number of another kind begins with the first digits of a premium one."""
    chance = random.Random(f"{code}{national}{depth}")
    kinds = Counter()
    for length in range(len(national) - 2, len(national) + 3):
        for _ in range(SAMPLES):
            digits = national[:depth] + "".join(chance.choices("0123456789", k=max(0, length - depth)))
            number = phonenumbers.PhoneNumber(country_code=code, national_number=int(digits))
            kinds[phonenumbers.number_type(number)] += 1
    del kinds[PhoneNumberType.UNKNOWN]
    return set(kinds) <= {PhoneNumberType.PREMIUM_RATE} and national[0] != "0"


def main():
    """Write the file."""
    with TARGET.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("class", "number", "country"))
        writer.writerows(("emergency", number, region) for number, region in emergency())
        writer.writerows(("premium", number, region) for number, region in premium())


if __name__ == "__main__":
    main()
