import tempfile

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError

from .. import ratesheet
from ..ratesheet import changes, effective, files, layout, printed, search

# On the screen; more is for the files.
SHOWN = 80
# A file up to this size (bytes) is made in memory; a larger one on the disk.
IN_MEMORY = 1 << 20


class TierRateSheet(models.TransientModel):
    """What customers of a price list pay: on the screen, as a file, by mail."""

    _name = "tier.rate.sheet"
    _description = "Rate Sheet"
    _rec_name = "price_list_id"

    wallet_id = fields.Many2one("tier.wallet", "Customer", ondelete="cascade")
    price_list_id = fields.Many2one(
        "tier.price.list",
        required=True,
        ondelete="cascade",
        compute="_compute_price_list_id",
        store=True,
        readonly=False,
        precompute=True,
    )
    company_id = fields.Many2one(related="price_list_id.company_id")
    service_id = fields.Many2one(
        "tier.service",
        required=True,
        ondelete="cascade",
        default=lambda self: self.env.ref("tier_rating.service_voice", raise_if_not_found=False),
    )
    date = fields.Date(required=True, default=fields.Date.context_today, help="Rates as they are valid on this day.")
    since = fields.Date("Changes since", help="Show only what has changed since the rates of this day.")
    currency_id = fields.Many2one(
        "res.currency",
        required=True,
        compute="_compute_currency_id",
        store=True,
        readonly=False,
        precompute=True,
        help="Other currencies than the customer's are for information, at the day's rate.",
    )
    search_text = fields.Char("Search", help="A country, a destination, a prefix, or a number in any writing.")
    file_format = fields.Selection(
        [("xlsx", "XLSX"), ("csv", "CSV"), ("pdf", "PDF")], "Attach as", required=True, default="xlsx"
    )
    body = fields.Html(compute="_compute_body", sanitize=False)

    @api.depends("wallet_id")
    def _compute_price_list_id(self):
        for sheet in self:
            if sheet.wallet_id:
                sheet.price_list_id = sheet.wallet_id._rate_sheet_list()

    @api.depends("wallet_id", "price_list_id")
    def _compute_currency_id(self):
        for sheet in self:
            sheet.currency_id = sheet.wallet_id.currency_id or sheet.price_list_id.currency_id

    @api.depends("price_list_id", "service_id", "date", "since", "currency_id", "search_text", "wallet_id")
    @api.depends_context("lang", "uid")
    def _compute_body(self):
        for sheet in self:
            sheet.body = sheet._render_body()

    def _render_body(self):
        """Return the sheet's beginning, or what was searched for, as HTML."""
        if not (self.price_list_id and self.service_id and self.date and self.currency_id):
            return Markup()
        sheet = self._sheet()
        values = {"terms": layout.terms(sheet), "unit": layout.unit(self.service_id), "currency": sheet.currency.name}
        if self.since:
            kinds = dict(self._change_kinds())
            found = []
            for change in self._changes(sheet):
                found.append(change)
                if len(found) > SHOWN:
                    break
            rows = layout.page(sheet, [change.row for change in found[:SHOWN]])
            before = layout.page(sheet, [change.before or change.row for change in found[:SHOWN]])
            for row, change, was in zip(rows, found, before, strict=False):
                row["change"], row["kind"] = kinds[change.kind], change.kind
                row["before"] = was["lines"][0]["price"] if change.before else ""
            values.update(rows=rows, count=len(found), more=len(found) > SHOWN, changed=True)
        else:
            wanted = self._wanted(sheet)
            rows = layout.page(sheet, sheet.rows(wanted, by_destination=True, limit=SHOWN))
            count = sheet.count(wanted)
            values.update(rows=rows, count=count, more=count > SHOWN, changed=False)
        return self.env["ir.qweb"]._render("tier_rating.rate_sheet_body", values)

    @api.model
    def _change_kinds(self):
        return [
            (changes.NEW, self.env._("New")),
            (changes.UP, self.env._("Dearer")),
            (changes.DOWN, self.env._("Cheaper")),
            (changes.TERMS, self.env._("Other terms")),
            (changes.BLOCKED, self.env._("Blocked")),
            (changes.REMOVED, self.env._("No longer listed")),
        ]

    def _sheet(self):
        self.ensure_one()
        self._check_readable()
        # What is a new record in a form has its values by its origin.
        price_list, service, wallet = self.price_list_id._origin, self.service_id._origin, self.wallet_id._origin
        return effective.Sheet(self.env, price_list, service, self.date, self.currency_id._origin, wallet=wallet)

    def _check_readable(self):
        """Refuse a price list that the user may not read, whatever was written into the wizard."""
        if self.env.su:
            return
        self.price_list_id._origin.check_access("read")
        self.wallet_id._origin.check_access("read")

    def _wanted(self, sheet):
        country = self.wallet_id.sudo().partner_id.country_id or self.company_id.country_id
        found = search.read(self.env, self.search_text, sheet.service, country)
        return ratesheet.search.with_match(sheet, found)

    def _changes(self, sheet):
        """Return what has changed since the earlier day, without what has not."""
        if self.since >= self.date:
            raise UserError(self.env._("Changes are told since an earlier day."))
        every = changes.compare(self.env, sheet.price_list, sheet.service, self.since, self.date, sheet.currency)
        return (change for change in every if change.kind != changes.SAME)

    # ------------------------------------------------------------------
    # Files
    # ------------------------------------------------------------------

    def _file_name(self):
        """Return the name of a file without its extension."""
        self.ensure_one()
        name = self.wallet_id.sudo().name or self.price_list_id.sudo().name
        parts = [self.env._("Rates %s", name)]
        if self.service_id != self.env.ref("tier_rating.service_voice", raise_if_not_found=False):
            parts.append(self.service_id.sudo().name)
        return " ".join([*parts, str(self.date)]).replace("/", "-")

    def _file(self, file_format):
        """Return the sheet as a file; CSV and XLSX are written row by row.

        :param str file_format: csv, xlsx or pdf
        :return: tuple of a binary file, which the caller closes, and MIME type
        """
        stream = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - whoever asked closes it
        try:
            return stream, self._write_file(stream, file_format)
        except BaseException:
            stream.close()
            raise

    def _write_file(self, stream, file_format):
        """Write the sheet into a file.

        :param stream: seekable binary file
        :param str file_format: csv, xlsx or pdf
        :return: its MIME type
        """
        if file_format == "pdf":
            report = self.env["ir.actions.report"].sudo()
            stream.write(report._render_qweb_pdf("tier_rating.tier_rate_sheet_report", self.ids)[0])
            return "application/pdf"
        sheet = self._sheet()
        entries = self._changes(sheet) if self.since else sheet.rows(self._wanted(sheet) if self.search_text else None)
        table = files.rows(sheet, entries)
        if file_format == "csv":
            files.write_csv(stream, table)
        else:
            files.write_xlsx(stream, table, self.env, self._file_name(), layout.terms(sheet))
        return files.MIMES[file_format]

    def _printed(self):
        """Return what the PDF shows; see :mod:`..ratesheet.printed`.

        :rtype: dict
        :raise UserError: there are more destinations than can be printed
        """
        sheet, kinds = self._sheet(), None
        if self.since:
            kinds, wanted = dict(self._change_kinds()), None
            entries = (printed.Entry(change.row, change.kind) for change in self._changes(sheet))
        else:
            wanted = self._wanted(sheet) if self.search_text else None
            entries = map(printed.Entry, sheet.rows(wanted))
        try:
            made = printed.lines(sheet, entries, not self.since and wanted is None, kinds)
        except printed.TooMany as error:
            raise UserError(
                self.env._(
                    "More than %s destinations are too many to print. Search for some of them, or take XLSX or CSV.",
                    printed.MOST_LINES,
                )
            ) from error
        return {
            "tables": made.tables,
            "folded": made.folded,
            "summed": made.summed,
            "count": made.count,
            "terms": layout.terms(sheet),
            "unit": layout.unit(self.service_id),
            "currency": sheet.currency.name,
            "changed": bool(self.since),
        }

    def _issuer(self):
        """Return who gives out the sheet: the brand, with its owner's address.

        :rtype: dict
        """
        brand = self.price_list_id.sudo().brand_id
        partner = brand.wallet_id.partner_id if brand.wallet_id.parent_id else brand.company_id.partner_id
        logo = brand.logo or ("" if brand.wallet_id.parent_id else brand.company_id.logo)
        return {"name": brand.name, "logo": logo, "address": brand.wallet_id._statement_address(partner)}

    def action_pdf(self):
        """Print the sheet.

        :return: a report action
        """
        self.ensure_one()
        self._check_readable()
        return self.env.ref("tier_rating.tier_rate_sheet_report").report_action(self, config=False)

    def action_csv(self):
        """Download the sheet as CSV.

        :return: an action that leads to the file
        """
        return self._download("csv")

    def action_xlsx(self):
        """Download the sheet as a workbook.

        :return: an action that leads to the file
        """
        return self._download("xlsx")

    def _download(self, file_format):
        self.ensure_one()
        self._check_readable()
        return {
            "type": "ir.actions.act_url",
            "url": f"/tier_rating/rate_sheet/{self.id}/{file_format}",
            "target": "download",
        }

    def action_send(self):
        """Open a message to the customer with the sheet attached.

        :return: a window action
        """
        self.ensure_one()
        self._check_readable()
        stream, mime = self._file(self.file_format)
        with stream:
            stream.seek(0)
            content = stream.read()
        attachment = self.env["ir.attachment"].create(
            {
                "name": f"{self._file_name()}.{self.file_format}",
                "raw": content,
                "mimetype": mime.split(";")[0],
                "res_model": "mail.compose.message",
                "res_id": 0,
            }
        )
        record = self.wallet_id or self.price_list_id
        template = "mail_template_rate_sheet" if self.wallet_id else "mail_template_rate_sheet_list"
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Send the rate sheet"),
            "res_model": "mail.compose.message",
            "view_mode": "form",
            "target": "new",
            "context": {
                "default_composition_mode": "comment",
                "default_model": record._name,
                "default_res_ids": record.ids,
                "default_template_id": self.env.ref(f"tier_rating.{template}").id,
                "default_attachment_ids": attachment.ids,
                "force_email": True,
            },
        }
