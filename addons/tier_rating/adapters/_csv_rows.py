# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Cut a stream into CSV rows, in bounded memory and whatever the bytes are.

Python's ``csv`` module alone will not do: one stray quotation mark makes it
take the rest of the file for one field.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from ._lines import Line, read_lines
from .base import RecordError, decode

#: A quoted field may contain line breaks. A record of more lines than this is
#: taken for a stray quotation mark: the first line is refused, and reading
#: goes on with the second.
MAX_LINES = 32


@dataclass(slots=True)
class Row:
    """One CSV record: its fields, or why it has none.

    :ivar line: line on which it begins, from 1
    :ivar raw: its bytes without the line end, cut if too large
    :ivar fields: empty if refused
    """

    line: int
    raw: bytes
    fields: list[str]
    refused: RecordError | None = None


def read_rows(stream: BinaryIO, widths: Collection[int], max_line: int, delimiter: str = ",") -> Iterator[Row]:
    """Yield the rows of a CSV file, blank lines and ``#`` comments left out.

    :param widths: the numbers of columns that a row may have
    :param max_line: longest line, in bytes; a longer one is refused and
        skipped without being held in memory
    :param delimiter: one character
    """
    lines = read_lines(stream, max_line)
    again: deque[Line] = deque()

    def next_line() -> Line | None:
        return again.popleft() if again else next(lines, None)

    while line := next_line():
        if line.too_large:
            problem = RecordError("too_large", limit=max_line)
            yield Row(line.number, line.data, [], problem)
            continue
        if not line.data.strip(b"\xef\xbb\xbf \t\r\n") or line.data.startswith(b"#"):
            continue
        joined = [line]
        is_open = _is_odd(line)
        while is_open and len(joined) < MAX_LINES:
            following = next_line()
            if following is None:
                break
            joined.append(following)
            if following.too_large:
                break
            is_open ^= _is_odd(following)
        row = _parse(joined, widths, is_open, delimiter)
        if row.refused and len(joined) > 1:
            again.extendleft(reversed(joined[1:]))
            row = Row(line.number, line.data, [], row.refused)
        yield row


def _is_odd(line: Line) -> bool:
    """Whether a quoted field that begins in a line goes on in the next one."""
    return line.data.count(b'"') % 2 == 1


def _parse(lines: list[Line], widths: Collection[int], is_open: bool, delimiter: str) -> Row:
    number = lines[0].number
    raw = lines[0].data if len(lines) == 1 else b"".join([line.data for line in lines])
    raw = raw.rstrip(b"\r\n")

    def refused(reason, **values):
        return Row(number, raw, [], RecordError(reason, **values))

    if b"\0" in raw:
        return refused("nul_byte")
    if is_open:
        return refused("not_csv", detail="a quotation mark is not closed")
    # each line on its own: one Latin-1 byte must not spoil the others
    content = decode(raw) if len(lines) == 1 else "".join([decode(line.data) for line in lines]).rstrip("\r\n")
    try:
        fields = next(csv.reader([content], strict=True, delimiter=delimiter), [])
    except csv.Error as error:
        return refused("not_csv", detail=str(error))
    if len(fields) not in widths:
        expected = ", ".join(map(str, sorted(widths)))
        return refused("wrong_columns", count=len(fields), expected=expected)
    return Row(number, raw, fields)
