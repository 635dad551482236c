# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Read a stream line by line, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO


@dataclass(slots=True)
class Line:
    """One line of a file.

    :ivar number: from 1
    :ivar data: its bytes with the line end, cut if too large
    :ivar too_large: it was longer than allowed
    """

    number: int
    data: bytes
    too_large: bool = False


def read_lines(stream: BinaryIO, max_line: int) -> Iterator[Line]:
    """Yield the lines of a stream.

    :param max_line: longest line, in bytes; of a longer one no more is held in memory
    """
    number = 0
    while data := stream.readline(max_line + 1):
        number += 1
        too_large = len(data) > max_line
        yield Line(number, data, too_large)
        while too_large and not data.endswith(b"\n"):
            data = stream.readline(max_line)
            too_large = bool(data)
