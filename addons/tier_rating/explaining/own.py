"""What a customer pays for something, and why, for the customer to read.

The customer's own tier only: neither whose list its price is on, nor what that derives from or costs
the seller, nor anything of who else is in the chain. Where somebody above the customer is in the way, it
learns only that such a call does not go through, as it would by calling.
"""

from decimal import Decimal
from typing import NamedTuple

from odoo.tools.misc import format_date

from ..charging import numbers
from ..engine.explain import told
from ..engine.increments import begun
from ..engine.rounding import ratio, round_quotient
from ..engine.tariff import ONE
from .words import Step, Wording, decimal, refusal, shown

# Reasons of which the customer itself learns that they hold for its own tier.
_OWN = ("no_rate", "destination_barred", "no_price_list")


class Answer(NamedTuple):
    """A price and how it comes about, or why there is none.

    :param list steps: of :class:`.words.Step`
    :param str amount: with its currency; None if it is refused
    :param str refusal: why, else None
    """

    steps: list
    amount: str | None = None
    refusal: str | None = None


class OwnWording(Wording):
    """Puts the price of who asks into plain steps.

    :param env: environment of the reader
    :param question: :class:`.prices.Question`
    :param str prefix: that the customer's rate sheet lists for the number
    """

    def __init__(self, env, question, prefix):
        super().__init__(env, question)
        self.prefix = prefix

    def answer(self):
        """Return what it costs, and why.

        :rtype: Answer
        """
        refused = self._refused()
        if refused:
            return Answer([], refusal=refused)
        tier = self.question.tiers[0]
        amount = self.amount(tier.price.amount, self._currency(tier.wallet.currency_id))
        return Answer(self.steps(tier), amount)

    def _refused(self):
        """Return why it is refused, in the words that are for the customer; None if it is not."""
        env, question = self.env, self.question
        elsewhere = env._("This does not go through at present. Please ask whoever sells to you.")
        if not question.tiers:
            return elsewhere
        own = question.tiers[0]
        if question.reason:
            if question.reason[0] == "number_closed":
                return env._("Numbers of this kind are closed. Whoever sells to you can open them.")
            if own.wallet.state != "active":
                return env._("The wallet is not active, so that nothing can be used at present.")
            return elsewhere
        if own.reason:
            return refusal(env, own.reason) if own.reason in _OWN else elsewhere
        if self._is_in_the_way():
            return elsewhere
        return None

    def _is_in_the_way(self):
        """Tell whether a tier above has no price for it, or would sell it for less than it pays."""
        tiers = [tier for tier in self.question.tiers if not tier.carrier]
        return any(tier.edge is None for tier in tiers) or self.question.is_below_cost

    # ------------------------------------------------------------------
    # Steps
    # ------------------------------------------------------------------

    def steps(self, tier):
        """Override of `Wording` to tell nothing but the customer's own price."""
        special, env = self.question.special, self.env
        steps = self._place(tier.edge)
        if special and special.is_free:
            text = {numbers.EMERGENCY: env._("An emergency call: nobody pays for it.")}
            return [*steps, Step(env._("Free"), text.get(special.kind, env._("Nobody pays for it.")))]
        if not tier.bought:
            steps.append(self._price(tier))
        return steps + self._amounts(tier)

    def _place(self, edge):
        env = self.env
        place = env["tier.destination"].sudo().browse(edge.destination_id or ())
        steps = []
        if place:
            name, country = place.name or "", place.country_id.name or ""
            steps.append(Step(env._("Destination"), name if country.lower() in name.lower() else f"{name}, {country}"))
        if self.prefix:
            steps.append(Step(env._("Prefix"), env._("%s: the longest listed that it begins with", self.prefix)))
        return steps

    def _price(self, tier):
        """Return the price of a unit at the start."""
        env, edge = self.env, tier.edge
        tariff = self._tariff(edge)
        currency = self._currency(self.question.pricer.lists[tier.wallet.price_list_id].currency_id)
        details = [self._per(tariff.price, currency)]
        first = env["tier.rate"].sudo().browse(edge.rate_id or ()).date_from
        if first:
            details.append(env._("valid from %s", format_date(env, first)))
        if tariff.band_id:
            details.append(env._("time of day: %s", self.bands.get(tariff.band_id, "")))
        return Step(env._("Price"), ", ".join(details))

    def _amounts(self, tier):
        """Return the steps from what is used to the amount."""
        charged, offer, item = tier.price, tier.edge.offer, self.question.item
        payer = self._currency(tier.wallet.currency_id)
        currency = self._currency(self.question.pricer.lists[tier.wallet.price_list_id].currency_id)
        steps = []
        for line in told(charged, item.quantity, offer):
            steps += self._step(line, tier, currency, payer)
        return steps

    def _step(self, line, tier, currency, payer):
        """Return the steps for a line of the engine's explanation."""
        edge, charged = tier.edge, tier.price
        label, value = line
        if label == "billed":
            return [self._billed(tier), *self._packaged(tier), *self._tiers(tier)]
        if label == "part":
            # By volume the tiers are in the payer's currency.
            return [self._part(value, edge, payer if tier.bought else currency)]
        if label in ("minimum", "maximum") and tier.bought:
            return []
        if label == "free" and (tier.beyond or tier.bought):
            return []
        if label == "factor" and tier.bought and not (charged.connection or self._surcharge(tier)):
            return []
        if label == "unrounded":
            if tier.bought:
                return self._rest(tier, payer)
            if value == charged.amount:
                return []
        step = self._line(label, value, edge, currency, payer)
        return [step] if step else []

    def _billed(self, tier):
        env, edge = self.env, tier.edge
        used, billed = self._quantity(self.question.item.quantity), self._quantity(tier.price.billed)
        text = f"{billed} {self._increments(edge, edge.offer.terms)}".strip()
        if used != billed:
            text = env._("%(used)s used, billed as %(billed)s", used=used, billed=text)
        return Step(env._("Billed"), text)

    def _packaged(self, tier):
        if not tier.beyond or not tier.beyond.used:
            return []
        text = self.env._("%s of it are included in a package and cost nothing", self._quantity(tier.beyond.used))
        return [Step(self.env._("Package"), text)]

    def _tiers(self, tier):
        """Return by what volume it is bought, and how much the customer has used of it."""
        if not tier.bought:
            return []
        env = self.env
        plan, standing, _charged = tier.bought
        period = {
            "day": env._("The price depends on how much is used in a day"),
            "week": env._("The price depends on how much is used in a week"),
            "month": env._("The price depends on how much is used in a month"),
        }
        text = period[plan.period]
        chain = self.question.pricer.chains[self.question.item.wallet_id]
        if plan.holder(chain, tier.wallet) == tier.wallet.id:
            # Of who shares it with others it would tell what they use.
            text = env._("%(text)s: %(before)s before this", text=text, before=self._quantity(standing.before))
        return [Step(env._("Price by volume"), text)]

    def _surcharge(self, tier):
        terms, units = tier.edge.offer.terms, begun(self.question.item.quantity)
        return terms.surcharge if terms.surcharge_after is not None and units > terms.surcharge_after else 0

    def _rest(self, tier, payer):
        """Return what a price by volume has besides its parts: of a tier that is reached, or of refunds."""
        charged, offer = tier.price, tier.edge.offer
        terms, (above, below) = offer.terms, ratio(offer.factor)

        def rounded(value):
            over, under = ratio(value)
            return round_quotient(over * above, under * below, terms.rounding_digits, terms.rounding_method)

        parts = sum(
            (Decimal(0) + price * decimal(units) / offer.rates[0].per for _band, units, price in charged.parts),
            Decimal(0),
        )
        rest = charged.amount - parts - rounded(charged.connection) - rounded(self._surcharge(tier))
        if abs(rest) < ONE.scaleb(-terms.rounding_digits):
            return []
        text = self.env._(
            "%s: flat amounts, what a tier that is reached changes for earlier use, or what refunds left",
            f"{shown(self.env, rest)} {payer.name}",
        )
        return [Step(self.env._("Earlier in the period"), text)]
