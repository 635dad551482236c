from decimal import Decimal
from typing import NamedTuple

from odoo import fields, models

from odoo.addons.tier_billing.statements import layout

from .. import charging
from ..engine.part import WHOLE, Part
from ..ratesheet import layout as sheet


class Quote(NamedTuple):
    """What a wallet is going to pay for a package, before it has it.

    :param amount: Decimal of the first period, in the wallet's currency; None if it cannot be charged
    :param reason: a code of ``const.REASONS`` why not, else None
    :param Part part: of the first month that is charged
    :param int units: that it includes
    :param later: Decimal of each month that follows; None if nothing follows, or as above
    :param bool at_once: it is charged now, not on a day to come
    """

    amount: object
    reason: object
    part: Part
    units: int
    later: object
    at_once: bool


class TierPackage(models.Model):
    """What a package would cost a wallet, by the code that charges it."""

    _inherit = "tier.package"

    def _quotes(self, wallet, date_from=None, date_to=None):
        """Return what a subscription of each of these packages would cost.

        :param wallet: ``tier.wallet`` that subscribes
        :param date date_from: of the subscription; None = today, on each brand's calendar
        :param date date_to: its last day, if known
        :return: dict of ``tier.package`` to :class:`Quote`
        """
        now, found, dues = fields.Datetime.now(), {}, []
        for package in self:
            clock = package.with_context(tz=package.brand_id.tz or "UTC")
            today = fields.Datetime.context_timestamp(clock, now).date()
            first = date_from or today
            # What is over is not charged any more; the month that runs is.
            month = max(first, today)
            part = package._part(month, first, date_to)
            ends = date_to and (date_to.year, date_to.month) <= (month.year, month.month)
            found[package] = part, first <= today, package.period == "month" and not ends
            dues += [package._due(wallet, 2 * package.id, part), package._due(wallet, 2 * package.id + 1, WHOLE)]
        amounts = charging.fees.quote(self.env, [due for due in dues if due.fee])
        result = {}
        for package, (part, at_once, goes_on) in found.items():
            amount, reason = amounts.get(2 * package.id, (Decimal(0), None))
            later = amounts.get(2 * package.id + 1, (Decimal(0), None))[0] if goes_on else None
            result[package] = Quote(amount, reason, part, package._units_of(part), later, at_once)
        return result

    def _quote_text(self, wallet, quote):
        """Return a quote in words, for who is about to agree.

        :param wallet: ``tier.wallet`` that subscribes
        :param Quote quote: of :meth:`_quotes`
        """
        self.ensure_one()
        if quote.reason:
            why = dict(self.env["tier.package.balance"]._fields["fee_reason"]._description_selection(self.env))
            return self.env._("It cannot be charged as it is: %s.", why.get(quote.reason, quote.reason))
        amounts = [quote.amount, quote.later or Decimal(0)]

        def money(amount):
            return layout.money(self.env, amount, wallet.currency_id, layout.digits_for(wallet.currency_id, amounts))

        values = {"amount": money(quote.amount), "units": self._units_text(quote.units)}
        if not quote.part.is_whole:
            values["units"] = self.env._(
                "%(units)s (%(days)s of %(month)s days)",
                units=values["units"],
                days=quote.part.days,
                month=quote.part.of,
            )
        if quote.at_once and self.fee:
            texts = [self.env._("%(amount)s at once, with %(units)s.", **values)]
        elif self.fee:
            texts = [self.env._("%(amount)s on the first day, with %(units)s.", **values)]
        elif quote.at_once:
            texts = [self.env._("No fee, with %(units)s at once.", **values)]
        else:
            texts = [self.env._("No fee, with %(units)s from the first day.", **values)]
        if quote.later:
            later = {"amount": money(quote.later), "units": self._units_text(self.quantity)}
            texts.append(self.env._("Then %(amount)s each month, with %(units)s.", **later))
        elif quote.later is not None and not quote.part.is_whole:
            texts.append(self.env._("Then %s each month.", self._units_text(self.quantity)))
        return " ".join(texts)

    def _units_text(self, units):
        """Return units of this package as people read them, such as minutes."""
        self.ensure_one()
        service = self.service_id
        if service.is_time and service.price_per == 60:
            minutes, seconds = divmod(int(units), 60)
            number = sheet.price(self.env, Decimal(minutes), 0)
            if seconds:
                return self.env._("%(minutes)s minutes %(seconds)s seconds", minutes=number, seconds=seconds)
            return self.env._("%s minutes", number)
        number = sheet.price(self.env, (Decimal(int(units)) / service.price_per).quantize(Decimal("0.001")), 0)
        # Units are named in the plural, what a price is for in the singular.
        return f"{number} {service.unit if service.price_per == 1 else sheet.unit(service)}"

    def _due(self, wallet, number, part):
        """Return a period of this package as the charging path takes it."""
        return charging.fees.Due(
            id=number,
            subscription_id=0,
            wallet_id=wallet.id,
            date_from=fields.Datetime.now(),
            code=self.code or f"package-{self.id}",
            name=self.name,
            fee=wallet._to_decimal(self.fee or 0),
            currency_id=self.currency_id.id,
            company_id=wallet.company_id.id,
            part=part,
        )
