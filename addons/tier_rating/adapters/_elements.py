# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Cut a stream into the elements of one XML tag without ever holding more than one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from .base import RecordError

CHUNK = 65536
#: How much of a refused piece is kept, in bytes.
KEPT = 8192
# White space, a byte order mark, the XML declaration, a list's own tag, comments.
_BETWEEN = re.compile(rb"(?:\s+|\xef\xbb\xbf|<\?xml[^<>]{0,200}\?>|</?cdrs>|<!--(?:(?!-->)[^<>]){0,400}-->)*")
# More than what _BETWEEN takes at once.
_OVERLAP = 512


@dataclass(frozen=True)
class Piece:
    """One element, or a stretch that is none.

    :ivar line: line on which it begins, from 1
    :ivar data: its bytes; only the first if refused
    :ivar refused: why there is no element
    """

    line: int
    data: bytes
    refused: RecordError | None = None


def read_elements(stream: BinaryIO, tag: bytes, max_size: int) -> Iterator[Piece]:
    """Yield the elements of a stream, and what stands between them if it is no white space.

    An element that begins before the last one has ended shows that the last one was cut off:
    that one is refused and reading goes on with the new one.

    :param tag: name of the elements; they do not contain one another
    :param max_size: longest element, in bytes; a longer one is skipped without being held in memory
    """
    reader = _Reader(stream)
    begins = re.compile(rb"<" + tag + rb"(?=[\s>])")
    edge = re.compile(rb"<" + tag + rb"(?=[\s>])|</" + tag + rb"\s{0,32}>")
    while reader.fill(_OVERLAP):
        between = _BETWEEN.match(reader.data, reader.at)
        if between.end() > reader.at:
            reader.take(between.end() - reader.at)
        elif begins.match(reader.data, reader.at):
            yield _take_element(reader, edge, max_size)
        else:
            yield _take_garbage(reader, begins, max_size)


class _Reader:
    """The part of the stream that is in memory, and where it begins."""

    def __init__(self, stream: BinaryIO):
        self._stream = stream
        self._ended = False
        self.data = b""
        self.at = 0  # what lies before is consumed
        self.line = 1

    def __len__(self) -> int:
        return len(self.data) - self.at

    def more(self) -> bool:
        """Read on; positions relative to :attr:`at` stay valid."""
        chunk = b"" if self._ended else self._stream.read(CHUNK)
        self._ended = not chunk
        self.data = self.data[self.at :] + chunk
        self.at = 0
        return bool(chunk)

    def fill(self, size: int) -> bool:
        """Read on until so many bytes are there, or the stream ends; tell whether any are."""
        while len(self) < size and self.more():
            pass
        return len(self) > 0

    def take(self, size: int) -> bytes:
        """Consume so many bytes."""
        piece = self.data[self.at : self.at + size]
        self.at += size
        self.line += piece.count(b"\n")
        return piece


def _take_element(reader: _Reader, edge: re.Pattern[bytes], max_size: int) -> Piece:
    line, data, match = _take_until(reader, edge, max_size, skip=1)
    if match is None:
        problem = RecordError("too_large", limit=max_size) if len(data) > max_size else None
        return Piece(line, data[:KEPT], problem or RecordError("truncated", what="a record"))
    if not match.startswith(b"</"):
        return Piece(line, data[:KEPT], RecordError("truncated", what="a record"))
    data += reader.take(len(match))
    if len(data) > max_size:
        return Piece(line, data[:KEPT], RecordError("too_large", limit=max_size))
    return Piece(line, data)


def _take_garbage(reader: _Reader, begins: re.Pattern[bytes], max_size: int) -> Piece:
    """Consume what is no element, up to the end of the line or the next one."""
    line, data, _match = _take_until(reader, re.compile(begins.pattern + rb"|\n"), max_size)
    if len(data) > max_size:
        return Piece(line, data[:KEPT], RecordError("too_large", limit=max_size))
    shown = data[:40].decode("ascii", "replace").strip()
    return Piece(line, data, RecordError("not_xml", detail=shown))


def _take_until(
    reader: _Reader, pattern: re.Pattern[bytes], max_size: int, skip: int = 0
) -> tuple[int, bytes, bytes | None]:
    """Consume up to a match, or to the end of the stream; the match itself stays.

    :param skip: so many bytes belong to what is consumed even if they match
    :return: the line of the beginning, what was consumed (cut just beyond ``max_size``), the match
    """
    line = reader.line
    kept = [reader.take(skip)]
    size = skip

    def keep(piece):
        nonlocal size
        if size <= max_size:
            kept.append(piece[: max_size + 1 - size])
        size += len(piece)

    while True:
        match = pattern.search(reader.data, reader.at)
        if match:
            keep(reader.take(match.start() - reader.at))
            return line, b"".join(kept), match[0]
        # the beginning of a match may be at the end of what is there
        keep(reader.take(max(len(reader) - _OVERLAP, 0)))
        if not reader.more():
            keep(reader.take(len(reader)))
            return line, b"".join(kept), None
