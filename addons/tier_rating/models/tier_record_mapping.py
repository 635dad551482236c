import io
from datetime import datetime
from decimal import Decimal
from itertools import islice

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..adapters import FieldMap, ReadOptions, UsageRecord, registry

SAMPLE_RECORDS = 5
SAMPLE_LENGTH = 20_000


class TierRecordMapping(models.Model):
    """What the columns of somebody's records are, for formats that nobody has written a reader for."""

    _name = "tier.record.mapping"
    _description = "Record Mapping"
    _order = "name"

    name = fields.Char(required=True)
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    line_ids = fields.One2many("tier.record.mapping.line", "mapping_id", "Columns", copy=True)
    delimiter = fields.Selection(
        [(",", "Comma"), (";", "Semicolon"), ("\t", "Tab"), ("|", "Bar")], "Columns are parted by", default=","
    )
    has_header = fields.Boolean("First line names the columns", default=True)
    times = fields.Selection(
        [
            ("iso", "2026-11-20 10:00:00 (ISO 8601)"),
            ("epoch", "Seconds since 1970"),
            ("epoch_ms", "Milliseconds since 1970"),
            ("form", "Other"),
        ],
        "Times are written as",
        required=True,
        default="iso",
    )
    time_form = fields.Char(
        "Form of times", help="%d day, %m month, %Y or %y year, %H hour, %I hour with %p for AM and PM, %M, %S, %z."
    )
    decimal_comma = fields.Boolean("Decimal comma")
    service_id = fields.Many2one(
        "tier.service",
        required=True,
        ondelete="restrict",
        default=lambda self: self.env.ref("tier_rating.service_voice", raise_if_not_found=False),
        help="Of records in which no column tells it.",
    )
    factor = fields.Float(
        "Units in one of the record's",
        digits=(16, 9),
        required=True,
        default=1.0,
        help="Quantities are multiplied with this: 60 if the record counts minutes and the service seconds, "
        "0.000001 if it counts bytes and the service MB.",
    )
    sample = fields.Text("Try it", help="Some lines of such a file, headings included.")
    sample_format = fields.Selection(
        lambda self: [(adapter.code, adapter.name) for adapter in registry.all_adapters() if adapter.is_mapped],
        "Read as",
        default="mapped_csv",
    )
    sample_result = fields.Text("What it reads", compute="_compute_sample_result")

    _factor_positive = models.Constraint("CHECK (factor > 0 AND factor <= 1e9)", "Quantities are multiplied.")

    @api.constrains("times", "time_form")
    def _check_time_form(self):
        for mapping in self:
            if mapping.times != "form":
                continue
            try:
                now = datetime(2026, 11, 20, 10, 30)
                read = datetime.strptime(now.strftime(mapping.time_form or ""), mapping.time_form or "")
            except ValueError:
                read = None
            if not read or read.date() != now.date():
                raise ValidationError(self.env._("%s is not the form of a date and time.", mapping.time_form or "“”"))

    @api.depends(
        "sample",
        "sample_format",
        "delimiter",
        "has_header",
        "times",
        "time_form",
        "decimal_comma",
        "service_id",
        "factor",
        "line_ids.target",
        "line_ids.column",
    )
    def _compute_sample_result(self):
        for mapping in self:
            if not mapping.sample or not mapping.sample_format:
                mapping.sample_result = False
                continue
            stream = io.BytesIO(mapping.sample[:SAMPLE_LENGTH].encode("utf-8", "replace"))
            options = ReadOptions(mapping=mapping._field_map())
            records = registry.get(mapping.sample_format).read(stream, options)
            mapping.sample_result = "\n".join(map(self._described, islice(records, SAMPLE_RECORDS)))

    def _described(self, record):
        """Return in a line what was read.

        :param record: ``UsageRecord`` or ``BadRecord``
        :rtype: str
        """
        if not isinstance(record, UsageRecord):
            return self.env._("Line %(line)s cannot be read. %(reason)s", line=record.line, reason=record.message)
        payers = ", ".join(f"{kind} {value}" for kind, value in record.accounts)
        return self.env._(
            "Line %(line)s: %(quantity)s of %(service)s to %(callee)s at %(start)s UTC for %(payers)s, record %(key)s",
            line=record.line,
            quantity=record.quantity.normalize() + 0,
            service=record.service,
            callee=record.callee,
            start=record.start.replace(tzinfo=None),
            payers=payers or "?",
            key=record.record_id,
        )

    def _field_map(self):
        """Return this mapping as the adapters take it.

        :rtype: adapters.FieldMap
        """
        self.ensure_one()
        return FieldMap(
            columns=tuple((line.target, line.column.strip()) for line in self.line_ids if line.target and line.column),
            service=self.service_id.code or "voice",
            factor=Decimal(f"{self.factor:.9f}"),
            times=self.time_form or "iso" if self.times == "form" else self.times or "iso",
            decimal_comma=self.decimal_comma,
            delimiter=self.delimiter or ",",
            has_header=self.has_header,
        )
