import re
from functools import lru_cache

from odoo import api, models
from odoo.tools import SQL

try:
    import phonenumbers
except ImportError:  # codes that several countries share then stay without a country
    phonenumbers = None

# Of a number in North America, which has a length of its own.
FILL = "2345678901"


class TierDestination(models.Model):
    _inherit = "tier.destination"

    def action_find_countries(self):
        """Give the destinations that have none the country that their prefixes belong to."""
        self.check_access("write")
        (self or self.search([]))._find_countries()  # pylint: disable=no-search-all

    def _find_countries(self):
        """Set the country of those without, by the shortest prefix that leads there.

        Where several countries share a code, it is the one that the destination is named
        after, else that of the area code. What is of no country, such as a satellite, has none.
        """
        self.env.flush_all()
        # The shortest prefix of each, without sorting all rates.
        self.env.cr.execute(
            SQL(
                """SELECT d.id, d.name, substr(min(lpad(length(r.prefix)::text, 4, '0') || r.prefix COLLATE "C"), 5)
                     FROM tier_destination d
                     JOIN tier_rate r ON r.destination_id = d.id
                     JOIN tier_service s ON s.id = r.service_id AND s.is_time
                    WHERE d.id = ANY(%s) AND d.country_id IS NULL
                    GROUP BY d.id""",
                self.ids,
            )
        )
        rows = self.env.cr.fetchall()
        countries = self._countries_by_code()
        names = {
            country.code: country.name for country in self.env["res.country"].with_context(lang="en_US").search([])
        }
        pairs = []
        for destination_id, name, prefix in rows:
            found = _country(prefix, name, names, countries)
            if found:
                pairs.append((destination_id, found))
        if pairs:
            self.env.cr.execute(
                SQL(
                    """UPDATE tier_destination d SET country_id = v.country_id
                         FROM unnest(%s::integer[], %s::integer[]) AS v(id, country_id) WHERE d.id = v.id""",
                    [pair[0] for pair in pairs],
                    [pair[1] for pair in pairs],
                )
            )
            self.invalidate_model(["country_id"])

    @api.model
    def _countries_by_code(self):
        """Return the ids of countries by their code, and by a calling code that is theirs alone.

        :return: dict of str (such as DE, or 49) to id
        """
        found, shared = {}, set()
        for country in self.env["res.country"].search([]):  # pylint: disable=no-search-all
            found[country.code] = country.id
            calling = str(country.phone_code or "")
            if calling in found:
                shared.add(calling)
            found[calling] = country.id
        return {code: country_id for code, country_id in found.items() if code and code not in shared}


def _country(prefix, name, names, countries):
    """Return the id of the country that a prefix belongs to, None if that cannot be told."""
    if phonenumbers is None:
        return next((countries[prefix[:end]] for end in (3, 2, 1) if prefix[:end] in countries), None)
    regions, national = _regions(prefix)
    named = [region for region in regions if name.lower().startswith((names.get(region) or "\n").lower())]
    # Guinea is not Guinea-Bissau: the longest name counts.
    region = max(named, key=lambda code: len(names[code])) if named else _region(regions, prefix, national)
    return countries.get(region)


def _regions(prefix):
    for end in (3, 2, 1):
        regions = prefix[:end].isdigit() and phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(prefix[:end]))
        if regions:
            return regions, prefix[end:]
    return (), ""


@lru_cache(maxsize=4096)
def _region(regions, prefix, national):
    """Return the region of those that share a calling code, the main one if nothing tells."""
    for region in regions if len(regions) > 1 else ():
        metadata = phonenumbers.PhoneMetadata.metadata_for_region(region, None)
        if metadata and metadata.leading_digits and re.match(metadata.leading_digits, national):
            return region
    if len(regions) > 1 and len(prefix) >= len("1212"):
        number = phonenumbers.PhoneNumber(
            country_code=int(prefix[: len(prefix) - len(national)]),
            national_number=int((national + FILL)[:10]),
        )
        found = phonenumbers.region_code_for_number(number)
        if found:
            return found
    return regions[0] if regions else None
