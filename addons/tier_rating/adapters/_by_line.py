# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the formats of one line a record share: reading, and what becomes of a line nobody understands."""

from __future__ import annotations

from typing import BinaryIO

from ._lines import read_lines
from .base import UNFORESEEN, Adapter, ReadOptions, RecordError, Records, UsageRecord, decode


class LineAdapter(Adapter):
    """Base of such formats; a subclass converts a line."""

    def reader(self, options: ReadOptions) -> LineReader:
        """Return what reads one file.

        :param options: how to read it
        """
        raise NotImplementedError

    # pylint: disable-next=method-required-super
    def read(self, stream: BinaryIO, options: ReadOptions | None = None) -> Records:
        options = options or ReadOptions()
        reader = self.reader(options)
        for line in read_lines(stream, options.max_line):
            raw = line.data.rstrip(b"\r\n")
            try:
                if line.too_large:
                    raise RecordError("too_large", limit=options.max_line)
                if b"\0" in raw:
                    raise RecordError("nul_byte")
                said = decode(raw)
                if not said.strip("\ufeff \t") or said.startswith("#"):
                    continue
                record = reader.record(said, line.number)
                if record:
                    yield record
            except RecordError as refused:
                yield refused.bad_record(line.number, raw)
            except UNFORESEEN as error:
                # a gap in the checks costs one record, not the rest of the file
                yield RecordError("unreadable", detail=type(error).__name__).bad_record(line.number, raw)
        yield from reader.rest()


class LineReader:
    """Reads the lines of one file.

    :param options: how to read it
    """

    def __init__(self, options: ReadOptions):
        self.zone = options.tzinfo

    def record(self, said: str, number: int) -> UsageRecord | None:
        """Convert a line; None for one that nobody pays for.

        :param said: its text without the line end
        :param number: of the line, from 1
        :raise RecordError: if it cannot be trusted
        """
        raise NotImplementedError

    def rest(self) -> Records:
        """Yield what the end of the file leaves open."""
        yield from ()
