import re
from datetime import date, datetime, time, timezone
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from odoo import fields, http
from odoo.exceptions import AccessError, MissingError, UserError
from odoo.http import request
from odoo.tools.misc import format_date

from odoo.addons.portal.controllers.portal import pager
from odoo.addons.tier_rating.controllers.answers import file_answer
from odoo.addons.tier_rating.ratesheet import layout, search

from .. import formatting, period
from .portal import CUSTOMER, PAGE, WALLET, TierPortal
from .statements import FILE

RATES = f"{WALLET}/rates"
CUSTOMER_RATES = f"{CUSTOMER}/rates"
STEP = 40
# Days that somebody may mean.
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 1, 1)
# Minutes or units that somebody may mean, and how they are written.
MOST_QUANTITY = 1_000_000
_CLOCK = re.compile(r"([0-9]{1,6}):([0-5]?[0-9])")
_NOON = time(12)


class TierRates(TierPortal):
    """What one pays, or a customer of one's own, for every prefix: to search and to download."""

    @http.route([RATES, f"{RATES}{PAGE}"], type="http", auth="user", website=True)
    def portal_my_rates(self, wallet_id, page=1, **kw):
        try:
            wallet = self._tier_wallet(wallet_id)
        except (AccessError, MissingError):
            return request.redirect("/my")
        return self._tier_rates_page(wallet, wallet, f"{self._tier_url(wallet)}/rates", page, kw)

    @http.route(f"{RATES}/{FILE}", type="http", auth="user", website=True)
    def portal_my_rates_file(self, wallet_id, file_format, **kw):
        try:
            wallet = self._tier_wallet(wallet_id)
        except (AccessError, MissingError):
            return request.redirect("/my")
        return self._tier_rates_file(wallet, wallet, f"{self._tier_url(wallet)}/rates", file_format, kw)

    @http.route([CUSTOMER_RATES, f"{CUSTOMER_RATES}{PAGE}"], type="http", auth="user", website=True)
    def portal_customer_rates(self, wallet_id, child_id, page=1, **kw):
        try:
            wallet = self._tier_wallet(wallet_id)
            child = self._tier_customer(wallet, child_id)
        except (AccessError, MissingError):
            return request.redirect("/my")
        url = f"{self._tier_url(wallet)}/customers/{child.id}/rates"
        return self._tier_rates_page(wallet, child, url, page, kw)

    @http.route(f"{CUSTOMER_RATES}/{FILE}", type="http", auth="user", website=True)
    def portal_customer_rates_file(self, wallet_id, child_id, file_format, **kw):
        try:
            wallet = self._tier_wallet(wallet_id)
            child = self._tier_customer(wallet, child_id)
        except (AccessError, MissingError):
            return request.redirect("/my")
        url = f"{self._tier_url(wallet)}/customers/{child.id}/rates"
        return self._tier_rates_file(wallet, child, url, file_format, kw)

    # ------------------------------------------------------------------
    # Values
    # ------------------------------------------------------------------

    def _tier_rates_page(self, wallet, of_wallet, url, page, params, error=None):
        """Render a page of rates.

        :param wallet: ``tier.wallet`` of the user
        :param of_wallet: ``tier.wallet`` that pays them: the same or a customer
        :param str url: of the page
        :param int page: number of the list's page
        :param dict params: of the request
        :param str error: why a file could not be made
        """
        values = self._tier_values(
            "rates" if of_wallet == wallet else "customer_rates",
            wallet,
            child=of_wallet,
            default_url=url,
            error=error,
            rows=[],
        )
        sheet, choice = self._tier_rates_sheet(of_wallet, params)
        values.update(choice)
        if sheet:
            found = search.read(request.env, choice["search"], sheet.service, self._tier_country(of_wallet))
            wanted = search.with_match(sheet, found)
            total = sheet.count(wanted)
            args = self._tier_rates_args(choice)
            pages = pager(url=url, url_args=args, total=total, page=page, step=STEP)
            rows = sheet.rows(wanted, by_destination=not found.numbers, limit=STEP, offset=pages["offset"])
            values.update(
                rows=layout.page(sheet, rows),
                count=total,
                pager=pages,
                terms=layout.terms(sheet),
                unit=layout.unit(sheet.service),
                **self._tier_questions(sheet, of_wallet, found.numbers, params),
                conversion=self._tier_conversion(sheet, of_wallet),
                files=[
                    (name, f"{url}/{name.lower()}?{request.httprequest.query_string.decode()}")
                    for name in ("PDF", "XLSX", "CSV")
                ],
            )
        return request.render("tier_portal.portal_my_rates", values)

    def _tier_rates_file(self, wallet, of_wallet, url, file_format, params):
        """Return a sheet to download.

        :param of_wallet: ``tier.wallet`` whose access was checked
        :param str file_format: pdf, csv or xlsx
        """
        sheet, choice = self._tier_rates_sheet(of_wallet, params)
        if not sheet:
            return request.redirect(url)
        # The user has no access to the wizard; whose sheet it is was checked before.
        wizard = (
            request.env["tier.rate.sheet"]
            .sudo()
            .create(
                {
                    "wallet_id": of_wallet.id,
                    "service_id": sheet.service.id,
                    "date": sheet.day,
                    "currency_id": sheet.currency.id,
                    "search_text": choice["search"],
                }
            )
        )
        try:
            stream, mime = wizard._file(file_format)
        except UserError as error:
            return self._tier_rates_page(wallet, of_wallet, url, 1, params, error=str(error))
        return file_answer(stream, mime, f"{wizard._file_name()}.{file_format}")

    def _tier_rates_sheet(self, of_wallet, params):
        """Return the sheet that is asked for, and what there is to choose from.

        What makes no sense is taken for the default.

        :return: (:class:`ratesheet.effective.Sheet` or None, dict for the template)
        """
        price_list = of_wallet._rate_sheet_list()
        currencies = request.env["res.currency"].sudo().search([]) | of_wallet.currency_id
        services = price_list._rate_sheet_services()
        choice = {
            "search": search.clean(params.get("search")),
            "services": services,
            "service": services.filtered(lambda service: service.code == params.get("service")) or services[:1],
            "currencies": currencies.sorted("name"),
            "currency": currencies.filtered(lambda currency: currency.name == params.get("currency"))
            or of_wallet.currency_id,
            "day": None,
            "is_limited": bool(params.get("search")),
        }
        if not choice["service"]:
            return None, choice
        today = price_list._rate_sheet_today()
        day = period.parse(params.get("day")) or today
        choice["day"] = day if FIRST_DAY <= day < LAST_DAY else today
        return of_wallet._rate_sheet(choice["service"], choice["day"], choice["currency"]), choice

    @staticmethod
    def _tier_rates_args(choice):
        """Return the parameters that the pager's links keep."""
        return {
            "search": choice["search"] or None,
            "service": choice["service"].code,
            "currency": choice["currency"].name,
            "day": choice["day"].isoformat(),
        }

    @staticmethod
    def _tier_country(of_wallet):
        """Return the country as whose people the wallet's owner writes numbers."""
        wallet = of_wallet.sudo()
        return wallet.partner_id.country_id or wallet.company_id.country_id

    def _tier_questions(self, sheet, of_wallet, numbers, params):
        """Return what pasted numbers cost, and why; and what the form for it says.

        :param of_wallet: ``tier.wallet`` that pays; access was checked
        :param numbers: that the search may mean
        :param dict params: of the request
        :return: dict for the template; answers are dicts with number, row as of ``layout.page`` or None,
            and why as of ``tier.wallet._explain_own_price``, or None
        """
        service = sheet.service
        numbers = [number for number in numbers if len(number) >= search.NUMBER_FROM or not service.is_time]
        if not service.is_time:
            # Resource codes are written in one way, and a name is none.
            numbers = [number for number in numbers if sheet.price_of(number)]
        if not numbers:
            return {"answers": []}
        used = search.clean(params.get("used")) or "1"
        quantity = self._tier_quantity(used, service)
        local = self._tier_time(sheet, params.get("time"))
        at = datetime.combine(sheet.day, local, ZoneInfo(sheet.terms.timezone))
        at = at.astimezone(timezone.utc).replace(tzinfo=None)
        answers = []
        for number in numbers:
            row = sheet.price_of(number)
            why = quantity and of_wallet._explain_own_price(sheet, number, at, quantity)
            answers.append(
                {
                    "number": formatting.telephone(number) if service.is_time else number,
                    "row": layout.page(sheet, [row])[0] if row else None,
                    "why": why if row else None,
                }
            )
        return {
            "answers": answers,
            "used": used,
            "used_unit": request.env._("minutes") if service.is_time else service.unit,
            "asked": self._tier_asked(service, quantity, sheet.day) if quantity else "",
            "clock": local.strftime("%H:%M"),
            "timezone": sheet.terms.timezone,
            "not_understood": not quantity,
        }

    @staticmethod
    def _tier_asked(service, quantity, day):
        """Return in words how much is asked about, and when."""
        if service.is_time:
            used = formatting.duration(float(quantity))
        else:
            used = f"{layout.price(request.env, quantity, 0)} {service.unit}"
        return f"{used}, {format_date(request.env, day)}"

    @staticmethod
    def _tier_quantity(text, service):
        """Return how much somebody means to use.

        :param str text: minutes as 2.5, 2,5 or 2:30, or units of the service
        :return: seconds or units as ``Decimal``, None for what makes no sense
        """
        clock = _CLOCK.fullmatch(text) if service.is_time else None
        try:
            quantity = Decimal(clock[1]) + Decimal(clock[2]) / 60 if clock else Decimal(text.replace(",", "."))
        except InvalidOperation:
            return None
        if not quantity.is_finite() or not 0 < quantity <= MOST_QUANTITY:
            return None
        return round(quantity * 60 if service.is_time else quantity, 3) or None

    @staticmethod
    def _tier_time(sheet, text):
        """Return the time of day that is asked about: by default now, of another day noon; on the brand's clock."""
        try:
            return time.fromisoformat(text).replace(second=0, microsecond=0, tzinfo=None)
        except (TypeError, ValueError):
            now = fields.Datetime.now().replace(tzinfo=timezone.utc).astimezone(ZoneInfo(sheet.terms.timezone))
            return now.time().replace(second=0, microsecond=0) if now.date() == sheet.day else _NOON

    @staticmethod
    def _tier_conversion(sheet, of_wallet):
        """Return how the shown amounts came about, if they are not those of the price list.

        :return: dict of texts, or None
        """
        own = sheet.price_list.currency_id
        if sheet.currency == own:
            return None
        return {
            "list": own.name,
            "currency": sheet.currency.name,
            "rate": layout.price(sheet.env, sheet.factor),
            "only_shown": sheet.currency != of_wallet.currency_id,
            "wallet": of_wallet.currency_id.name,
        }
