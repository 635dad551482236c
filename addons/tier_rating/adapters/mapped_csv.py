# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Lines of columns that a person has named (:class:`._mapping.FieldMap`)."""

from __future__ import annotations

from typing import BinaryIO

from ._csv_rows import read_rows
from ._mapping import FieldMap, mapped_record
from .base import UNFORESEEN, Adapter, ReadOptions, RecordError, Records, decode
from .registry import register

WIDTHS = range(1, 513)


@register
class MappedCsv(Adapter):
    code = "mapped_csv"
    name = "CSV, columns as mapped"
    description = "Any file of lines and columns, read by the mapping that the switch names."
    is_mapped = True

    # pylint: disable-next=method-required-super
    def read(self, stream: BinaryIO, options: ReadOptions | None = None) -> Records:
        options = options or ReadOptions()
        fields = options.mapping
        positions = _Positions(fields)
        for row in read_rows(stream, WIDTHS, options.max_line, fields.delimiter if fields else ","):
            try:
                if row.refused:
                    raise row.refused
                if not fields:
                    raise RecordError("no_mapping")
                if positions.take_header(row.fields):
                    continue
                yield mapped_record(fields, positions.getter(row.fields), options.tzinfo, row.line, decode(row.raw))
            except RecordError as refused:
                yield refused.bad_record(row.line, row.raw)
            except UNFORESEEN as error:
                # a gap in the checks costs one record, not the rest of the file
                yield RecordError("unreadable", detail=type(error).__name__).bad_record(row.line, row.raw)


class _Positions:
    """Where each mapped column stands in a line."""

    def __init__(self, fields: FieldMap | None):
        names = [name for _target, name in fields.columns] if fields else []
        self._wanted = {name.strip().lower(): name for name in names}
        self._at: dict[str, int] | None = None
        self._is_lost = False
        if fields and not fields.has_header:
            self._at = {
                name: int(name) - 1 for name in names if name.isascii() and name.isdigit() and 0 < len(name) < 4
            }

    def take_header(self, row: list[str]) -> bool:
        """Learn the columns from the first line; tell whether this was it.

        :raise RecordError: for it and all that follow, if it names none of those that are mapped
        """
        if self._is_lost:
            raise RecordError("no_header")
        if self._at is not None:
            return False
        headings = [heading.strip().lower() for heading in row]
        self._at = {self._wanted[heading]: at for at, heading in enumerate(headings) if heading in self._wanted}
        if not self._at:
            # Perhaps a file without headings: nothing of it may be taken for one and be lost.
            self._is_lost = True
            raise RecordError("no_header")
        return True

    def getter(self, row: list[str]):
        positions = self._at or {}

        def get(name):
            at = positions.get(name)
            return row[at].strip() if at is not None and 0 <= at < len(row) else None

        return get
