"""The steps of one tier's price in words. Only display: nothing here is computed with."""

from decimal import Decimal
from typing import NamedTuple

from odoo.tools.misc import format_date

from odoo.addons.tier_billing.const import MONEY_SCALE
from odoo.addons.tier_billing.statements.layout import number

from ..charging.markups import Markup
from ..const import RATE_DIGITS, REASONS
from ..engine.bands import epoch
from ..engine.explain import explain

ONE = Decimal(1)
# Prices and rates of exchange are shown with so many decimals at most; what is charged is exact.
MOST_DIGITS = RATE_DIGITS[1]


class Step(NamedTuple):
    """One step of a price.

    :param str title: what it is about
    :param str text: what it comes to
    """

    title: str
    text: str


def shown(env, value, least=2):
    """Return an amount in the reader's language, without trailing zeros."""
    value = round(Decimal(value), MOST_DIGITS).normalize()
    return number(env, value, min(MOST_DIGITS, max(least, -value.as_tuple().exponent)))


def decimal(quantity):
    """Return a quantity of the engine, ``int``, ``Decimal`` or ``Fraction``, as a Decimal."""
    return Decimal(quantity.numerator) / quantity.denominator if hasattr(quantity, "numerator") else Decimal(quantity)


def refusal(env, reason):
    """Return a reason of ``const.REASONS`` in words."""
    known = dict(env["tier.usage.event"]._fields["reason"]._description_selection(env))
    return known.get(reason) or dict(REASONS).get(reason, reason)


class Wording:
    """Puts the answer to one question into words.

    :param env: environment of the reader
    :param question: :class:`.prices.Question`
    """

    def __init__(self, env, question):
        self.env, self.question = env, question
        self.service = env["tier.service"].sudo().browse(question.item.service_id)
        self.bands = {band.id: band.name for band in env["tier.time.band"].sudo().search([])}

    def steps(self, tier):
        """Return how a tier's price comes about.

        :param tier: :class:`.prices.Tier` with a price
        :return: list of :class:`Step`
        """
        edge, env, pricer = tier.edge, self.env, self.question.pricer
        if self.question.special and self.question.special.is_free and not tier.carrier:
            name = env["tier.number.class"].sudo().browse(self.question.special.class_id).name
            name = name or env._("Within the exchange")
            return [Step(env._("Special number"), env._("%s: nobody pays for it.", name))]
        price_list = pricer.lists[tier.wallet.price_list_id]
        record = env["tier.price.list"].sudo().browse(price_list.id)
        steps = [Step(env._("Price list"), f"{record.name} ({record.currency_id.name}, {record.brand_id.name})")]
        steps += self._matched(edge)
        if edge.rate_id:
            steps += self._derived(tier, price_list, edge)
        steps += self._computed(edge, price_list, tier)
        return steps

    # ------------------------------------------------------------------
    # From the rate to the price of a unit
    # ------------------------------------------------------------------

    def _matched(self, edge):
        if not edge.prefix:
            return []
        env = self.env
        place = env["tier.destination"].sudo().browse(edge.destination_id or ()).name
        text = f"{edge.prefix} ({place})" if place else edge.prefix
        return [Step(env._("Prefix"), text)]

    def _tariff(self, edge):
        """Return the rate that applies at the start, as the engine has it."""
        meter, at = edge.offer.meter, self.question.item.at
        if meter.calendar is None:
            return meter.flat
        return meter.tariff(meter.calendar.at(epoch(at)))

    def _derived(self, tier, price_list, edge):
        """Return where the rate stands, and what each list above it makes of its price."""
        env, item, pricer = self.env, self.question.item, self.question.pricer
        tariff = self._tariff(edge)
        rate = env["tier.rate"].sudo().browse(edge.rate_id)
        depth = price_list.levels.index(rate.price_list_id.id)
        names = {record.id: record.name for record in env["tier.price.list"].sudo().browse(price_list.levels)}
        text = self._per(tariff.rate.price, self._currency(price_list.currencies[depth]))
        details = [env._("in %s", names[price_list.levels[depth]])]
        if rate.date_from:
            details.append(env._("from %s", format_date(env, rate.date_from)))
        if tariff.band_id:
            details.append(self.bands.get(tariff.band_id, ""))
        steps = [Step(env._("Rate"), f"{text}, {', '.join(details)}")]
        value = tariff.rate.price
        selling = pricer._selling(tier.wallet, item)
        usual = [Markup(*pair) for pair in price_list.derivations[:-1]]
        chosen = selling.marked.chosen(item.number, edge.destination_id, depth) if selling.marked else usual[:depth]
        for position in range(depth - 1, -1, -1):
            below, own = price_list.currencies[position + 1], price_list.currencies[position]
            name = names[price_list.levels[position]]
            if below != own:
                factor = pricer.convert(below, own, item.at.date(), tier.wallet.company_id)
                value *= factor
                steps.append(self._conversion(below, own, factor, value))
            markup = chosen[position]
            value = max(Decimal(0), value * (ONE + markup.fraction) + markup.fixed)
            steps.append(
                Step(
                    env._("Mark-up of %s", name),
                    f"{self._markup(markup, own)} → {self._per(value, self._currency(own))}",
                )
            )
        return steps

    def _markup(self, markup, currency_id):
        env = self.env
        parts = []
        if markup.fraction or not markup.fixed:
            sign = "+" if markup.fraction >= 0 else "−"
            parts.append(f"{sign}{shown(env, abs(markup.fraction) * 100, 0)} %")
        if markup.fixed:
            sign = "+" if markup.fixed >= 0 else "−"
            parts.append(f"{sign}{shown(env, abs(markup.fixed))} {self._currency(currency_id).name}")
        text = " ".join(parts)
        if markup.line_id:
            line = env["tier.price.markup"].sudo().browse(markup.line_id)
            text += " " + env._("(for %s)", line.display_name)
        return text

    def _conversion(self, source, target, factor, value):
        env = self.env
        source, target = self._currency(source), self._currency(target)
        day = format_date(env, self.question.item.at.date())
        rate = f"1 {source.name} = {shown(env, factor)} {target.name} ({day})"
        return Step(env._("Conversion"), f"{rate} → {self._per(value, target)}")

    # ------------------------------------------------------------------
    # From the price of a unit to the amount
    # ------------------------------------------------------------------

    def _computed(self, edge, price_list, tier):
        """Return what the engine makes of the price of a unit, and of a package."""
        env, item = self.env, self.question.item
        lines = explain(item.at, item.quantity, edge.offer)
        payer = self._currency(tier.wallet.currency_id)
        steps = [self._line(*line, edge, self._currency(price_list.currency_id), payer) for line in lines]
        steps = [step for step in steps if step]
        if tier.beyond:
            text = env._(
                "%(used)s are included → %(amount)s",
                used=self._quantity(tier.beyond.used),
                amount=self.amount(tier.beyond.price.amount, payer),
            )
            steps.append(Step(env._("Package"), text))
        if tier.bought:
            steps.append(self._volume(tier, payer))
        return steps

    def _volume(self, tier, payer):
        env = self.env
        plan, standing, charged = tier.bought
        parts = [f"{self._quantity(units)} × {self._per(price, payer)}" for _band, units, price in charged.parts]
        name = env["tier.volume.plan"].sudo().browse(plan.id).display_name
        text = env._(
            "%(plan)s, after %(before)s in its period: %(parts)s → %(amount)s",
            plan=name,
            before=self._quantity(standing.before),
            parts=" + ".join(parts) or self._quantity(0),
            amount=self.amount(charged.amount, payer),
        )
        return Step(env._("Volume"), text)

    def _line(self, label, value, edge, currency, payer):
        """Return a line of the engine's explanation in words, None for what was told before.

        :param value: see ``engine.explain.LABELS``
        :param currency: of the price list
        :param payer: the payer's currency
        """
        env, terms = self.env, edge.offer.terms
        if label == "part":
            return self._part(value, edge, currency)
        if label == "billed":
            return Step(env._("Billed"), f"{self._quantity(value)} {self._increments(edge, terms)}".strip())
        if label == "surcharge":
            after = env._("after %s s", terms.surcharge_after)
            return Step(env._("Surcharge"), f"{shown(env, value)} {currency.name} {after}")
        if label == "factor":
            day = format_date(env, self.question.item.at.date())
            return Step(env._("Conversion"), f"1 {currency.name} = {shown(env, value)} {payer.name} ({day})")
        if label == "amount":
            methods = dict(env["tier.brand"]._fields["rounding_method"]._description_selection(env))
            text = env._(
                "%(method)s, %(digits)s decimals",
                method=methods.get(terms.rounding_method, terms.rounding_method),
                digits=terms.rounding_digits,
            )
            return Step(env._("Rounding"), f"{text} → {self.amount(value, payer)}")
        plain = {
            "unanswered": lambda: (env._("Not answered"), env._("Nothing is billed.")),
            "grace": lambda: (env._("Grace"), env._("Up to %s s are free.", value)),
            "connection": lambda: (env._("Connection charge"), f"{shown(env, value)} {currency.name}"),
            "minimum": lambda: (env._("Minimum charge"), f"{shown(env, value)} {currency.name}"),
            "maximum": lambda: (env._("Maximum charge"), f"{shown(env, value)} {currency.name}"),
            "free": lambda: (env._("Free"), env._("The price is zero.")),
            "unrounded": lambda: (env._("Before rounding"), f"{shown(env, value)} {payer.name}"),
        }
        return Step(*plain[label]()) if label in plain else None

    def _part(self, part, edge, currency):
        env = self.env
        band_id, quantity, price = part
        name = self.bands.get(band_id)
        title = env._("Part in %s", name) if name else env._("Part")
        per = self._tariff(edge).rate.per
        cost = decimal(quantity) * price / per
        return Step(
            title, f"{self._quantity(quantity)} × {self._per(price, currency)} = {shown(env, cost)} {currency.name}"
        )

    def _increments(self, edge, terms):
        env = self.env
        tariff = self._tariff(edge)
        first = terms.initial_increment if tariff.rate.initial_increment is None else tariff.rate.initial_increment
        further = terms.increment if tariff.rate.increment is None else tariff.rate.increment
        if (first or further) == further == 1:
            return ""
        unit = self.service.unit
        if (first or further) == further:
            return env._("(in steps of %(size)s %(unit)s)", size=further, unit=unit)
        return env._("(%(first)s %(unit)s, then steps of %(further)s)", first=first, further=further, unit=unit)

    def _quantity(self, value):
        return f"{shown(self.env, decimal(value), 0)} {self.service.unit}"

    def _per(self, price, currency):
        unit = self.service.price_unit or self.service.unit
        return f"{shown(self.env, price)} {currency.name} / {unit}"

    def _currency(self, currency_id):
        return self.env["res.currency"].sudo().browse(currency_id)

    def amount(self, value, currency):
        """Return a rounded amount of money with its currency."""
        digits = min(MONEY_SCALE, max(2, -Decimal(value).normalize().as_tuple().exponent))
        return f"{number(self.env, Decimal(value), digits)} {currency.name}"
