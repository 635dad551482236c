# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Call records of FreeSWITCH's ``mod_json_cdr``.

The module writes one file per leg; this reads such a file, many of them one
after another, one a line, or listed in an array. What the fields mean stands
in :mod:`._freeswitch`.

``encode`` wraps a whole posted record (``true``: URL-encoded, ``base64``) as
form field ``cdr``; the same text lands in ``err-log-dir`` if posting fails.
"""

from __future__ import annotations

import base64
import binascii
import re
from io import BytesIO
from typing import BinaryIO
from urllib.parse import unquote_to_bytes

from ._freeswitch import usage_record
from ._json_objects import Piece, read_objects
from .base import UNFORESEEN, Adapter, BadRecord, ReadOptions, RecordError, Records, UsageRecord
from .registry import register

_BASE64 = re.compile(rb"e[wy][A-Za-z0-9+/\r\n]+={0,2}\s*")


@register
class FreeswitchJson(Adapter):
    code = "freeswitch_json"
    name = "FreeSWITCH JSON records"
    description = (
        "The files of FreeSWITCH's mod_json_cdr: one record a file, several one"
        " after another, one a line, or a list; with or without encode-values."
        " Times are absolute; the time zone does not matter."
    )

    # pylint: disable-next=method-required-super
    def read(self, stream: BinaryIO, options: ReadOptions | None = None) -> Records:
        options = options or ReadOptions()
        for piece in read_objects(stream, options.max_object):
            wrapped = _unwrap(piece.data) if piece.refused else b""
            if not wrapped:
                yield _convert(piece, piece.line)
                continue
            for inner in read_objects(BytesIO(wrapped), options.max_object):
                yield _convert(inner, piece.line)


def _convert(piece: Piece, line: int) -> UsageRecord | BadRecord:
    try:
        if piece.refused:
            raise piece.refused
        return usage_record(piece.value, piece.data, line)
    except RecordError as refused:
        return refused.bad_record(line, piece.data)
    except UNFORESEEN as error:
        # a gap in the checks costs one record, not the rest of the file
        problem = RecordError("unreadable", detail=type(error).__name__)
        return problem.bad_record(line, piece.data)


def _unwrap(data: bytes) -> bytes:
    """The JSON in a line that ``encode`` wrapped; empty if it is none."""
    data = data.strip().removeprefix(b"cdr=")
    if data[:3].upper() in (b"%7B", b"%5B"):
        return unquote_to_bytes(data)
    if _BASE64.fullmatch(data):
        try:
            return base64.b64decode(data)
        except binascii.Error:
            return b""
    return b""
