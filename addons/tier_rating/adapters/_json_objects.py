# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Cut a stream into JSON objects without ever holding more than one.

Objects may be alone in the file, one a line, listed in an array, or simply one
after another; printed on one line or on many. Where one ends is found by its
brackets and strings, in time that grows with the size only; ``json`` then parses
that piece.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from .base import RecordError, decode

CHUNK = 262144
#: Brackets in brackets. A FreeSWITCH record has seven levels.
MAX_DEPTH = 32
#: How much of a refused piece is kept, in bytes.
KEPT = 8192

# White space, list brackets, record separators (RFC 7464), byte order marks.
_BETWEEN = re.compile(rb"(?:[\s,\[\]\x1e]+|\xef\xbb\xbf)*")
_BOM_SIZE = 3
# A bracket, a whole string without escapes, or the beginning of another string.
_TOKEN = re.compile(rb'"[^"\\\n]*"|[{}\[\]"]')
# Steps through a string with escapes; one pattern for all of it would take
# memory for each escape. A string cannot contain a raw line break.
_IN_STRING = re.compile(rb'["\n]|\\.', re.DOTALL)
_CLOSES = {b"}": b"{", b"]": b"["}
_WHITESPACE = b" \t\r\n"
_LINE_BREAK = ord("\n")
_FIRST_KEY = re.compile(rb'\{\s*("[^"\\\n]{1,64}")')
# More than what _skip_broken() looks for is long.
_OVERLAP = 256


@dataclass(frozen=True)
class Piece:
    """One top-level object, or a stretch that is none.

    :ivar line: line on which it begins, from 1
    :ivar data: its bytes; only the first if refused
    :ivar value: the object, numbers in it as text; None if refused
    :ivar refused: why there is no object
    """

    line: int
    data: bytes
    value: dict[str, Any] | None = None
    refused: RecordError | None = None


def read_objects(stream: BinaryIO, max_object: int) -> Iterator[Piece]:
    """Yield the objects of a stream, and what stands between them if not valid.

    After a broken object, reading goes on at the next line that begins an object
    and is indented as the broken one was, or after the next object's end if what
    follows has the same first key.

    :param max_object: longest object, in bytes
    """
    window = _Window(stream)
    open_lists = 0
    is_broken = False
    while True:
        gap = window.take(_BETWEEN.match(window.data, window.at).end() - window.at)
        open_lists += gap.count(b"[") - gap.count(b"]")
        # a byte order mark must be seen whole
        if len(window) < _BOM_SIZE and window.more():
            continue
        if not len(window):
            break
        if window.data.startswith(b"{", window.at):
            piece = _take_object(window, max_object)
        else:
            piece = _take_garbage(window, max_object)
        is_broken = piece.refused is not None
        yield piece
    # after a broken piece the closing bracket may have been skipped
    if open_lists > 0 and not is_broken:
        yield Piece(window.line, b"", refused=RecordError("truncated", what="a list"))


class _Window:
    """The part of the stream that is in memory."""

    def __init__(self, stream: BinaryIO):
        self._stream = stream
        self.data = b""
        self.at = 0  # what lies before is consumed
        self.line = 1
        self._line_head = b""  # beginning of the current line, as far as consumed

    def __len__(self) -> int:
        return len(self.data) - self.at

    def more(self) -> bool:
        """Read on; positions relative to :attr:`at` stay valid."""
        chunk = self._stream.read(CHUNK)
        self.data = self.data[self.at :] + chunk
        self.at = 0
        return bool(chunk)

    def take(self, size: int) -> bytes:
        """Consume so many bytes."""
        piece = self.data[self.at : self.at + size]
        self.at += size
        self.line += piece.count(b"\n")
        _before, line_break, head = piece.rpartition(b"\n")
        if not line_break:
            head = self._line_head + head
        self._line_head = head[:64]
        return piece

    @property
    def indent(self) -> bytes:
        """White space with which the current line begins."""
        head = self._line_head
        return head[: len(head) - len(head.lstrip(b" \t"))]


def _take_object(window: _Window, max_object: int) -> Piece:
    """Consume the object that begins at the window's position."""
    line, indent = window.line, window.indent
    piece = _take_whole_line(window, max_object)
    if piece:
        return piece
    try:
        size = _object_size(window, max_object)
        data = window.data[window.at : window.at + size]
        if b"\0" in data:
            raise RecordError("nul_byte")
        # parsed before it is consumed: if its brackets pair up by chance only,
        # good records may lie between them
        piece = Piece(line, data, _parse(data))
    except RecordError as refused:
        return Piece(line, _skip_broken(window, indent), refused=refused)
    except json.JSONDecodeError as error:
        refused = RecordError("bad_json", at_line=line + error.lineno - 1, at=error.colno, detail=error.msg)
        return Piece(line, _skip_broken(window, indent), refused=refused)
    window.take(size)
    return piece


def _take_whole_line(window: _Window, max_object: int) -> Piece | None:
    """Consume the rest of the line if it is exactly one object.

    The usual case, and several times as fast as following the brackets.
    """
    end = window.data.find(b"\n", window.at, window.at + max_object)
    if end < 0 or window.data.find(b"\0", window.at, end) >= 0:
        return None
    data = window.data[window.at : end].rstrip(b" \t\r,")
    if not data.endswith(b"}"):
        return None
    try:
        value = _parse(data)
    except (ValueError, RecursionError):
        return None
    return Piece(window.line, window.take(len(data)), value)


def _parse(data: bytes) -> Any:
    """Numbers stay text: int() of a million digits would take minutes, and
    whoever uses a field checks it, whichever way it came.
    """
    return json.loads(
        decode(data),
        strict=False,
        parse_int=str,
        parse_float=str,
        parse_constant=str,
    )


def _object_size(window: _Window, max_object: int) -> int:
    """Length of the object at the window's position, in bytes. Consumes nothing.

    :raise RecordError: if it has no end
    """
    open_brackets: list[bytes] = []
    position = 0  # relative to window.at, which moves when more is read
    while True:
        token, position = _next_token(window, position, max_object)
        if token in _CLOSES:
            if open_brackets.pop() != _CLOSES[token]:
                raise _broken(window, position, "a bracket closes another one")
        elif token in _CLOSES.values():
            if open_brackets and not _may_open(window, position):
                raise _broken(window, position, "a bracket where none may be")
            open_brackets.append(token)
            if len(open_brackets) > MAX_DEPTH:
                raise _broken(window, position, "too many brackets in each other")
        position += len(token)
        if not open_brackets:
            break
    if position > max_object:
        raise _too_large(max_object)
    return position


def _next_token(window: _Window, position: int, max_object: int) -> tuple[bytes, int]:
    """The next bracket or whole string from a position, and where it begins.

    :raise RecordError: if there is none in what remains of the object
    """
    inside = 0  # how far a string with escapes has been followed
    while True:
        match = _TOKEN.search(window.data, window.at + position)
        position = match.start() - window.at if match else len(window)
        if match and match[0] != b'"':
            return match[0], position
        if match:
            inside = max(inside, position + 1)
            while step := _IN_STRING.search(window.data, window.at + inside):
                inside = step.end() - window.at
                if window.data[step.end() - 1] == _LINE_BREAK:
                    raise _broken(window, position, "a string is not closed")
                if step[0] == b'"':
                    return window.data[match.start() : step.end()], position
        if len(window) > max_object:
            raise _too_large(max_object)
        if not window.more():
            raise RecordError("truncated", what="a record")


def _broken(window: _Window, position: int, detail: str) -> RecordError:
    before = window.data[window.at : window.at + position]
    return RecordError(
        "bad_json",
        at_line=window.line + before.count(b"\n"),
        at=len(before) - before.rfind(b"\n"),
        detail=detail,
    )


def _may_open(window: _Window, position: int) -> bool:
    """Whether JSON allows a bracket to open at this position of an object.

    If a record lost its end, this notices at the next one.
    """
    index = window.at + position - 1
    while window.data[index] in _WHITESPACE:
        index -= 1
    return window.data[index] in b":,["


def _skip_broken(window: _Window, indent: bytes) -> bytes:
    """Consume up to where the next object may begin; return the first bytes."""
    next_object = rb"\n" + re.escape(indent) + rb"(?:[\[\],][\[\], \t]{0,8})?\{"
    first_key = _FIRST_KEY.match(window.data, window.at)
    if first_key:
        next_object += rb"|\}\s{0,32},?\s{0,32}\{\s{0,32}" + re.escape(first_key[1])
    next_object = re.compile(next_object)
    kept = b""
    while True:
        match = next_object.search(window.data, window.at)
        if match:
            skipped = window.take(match.start() + 1 - window.at)
            return (kept + skipped)[:KEPT]
        skipped = window.take(max(len(window) - _OVERLAP, 0))
        kept = (kept + skipped)[:KEPT]
        if not window.more():
            return (kept + window.take(len(window)))[:KEPT]


def _take_garbage(window: _Window, max_object: int) -> Piece:
    """Consume what is no object, up to the end of the line or the next bracket."""
    line = window.line
    kept = b""
    size = 0
    while True:
        match = re.compile(rb"[\n{]").search(window.data, window.at)
        found = match.start() - window.at if match else len(window)
        size += found
        kept += window.take(found)[: max(max_object - len(kept), 0)]
        if match or not window.more():
            break
    if size > max_object:
        return Piece(line, kept[:KEPT], refused=_too_large(max_object))
    shown = kept[:40].decode("ascii", "replace").strip()
    return Piece(line, kept, refused=RecordError("not_json", detail=shown))


def _too_large(max_object: int) -> RecordError:
    return RecordError("too_large", limit=max_object)
