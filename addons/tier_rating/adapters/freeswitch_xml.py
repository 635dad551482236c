# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Call records of FreeSWITCH's ``mod_xml_cdr``.

One ``<cdr>`` element a leg: alone in a file, many of them one after another, or
posted as form field ``cdr``. What the fields mean stands in :mod:`._freeswitch`.

The stream is cut at ``<cdr`` and ``</cdr>``, and each piece parsed by itself, so
that a broken one costs itself only. A document type, and with it entities that
unfold, cannot stand inside of an element: no record grows beyond its bytes.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any, BinaryIO
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree

from ._elements import Piece, read_elements
from ._freeswitch import usage_record
from .base import UNFORESEEN, Adapter, BadRecord, ReadOptions, RecordError, Records, UsageRecord
from .registry import register

TAG = b"cdr"


@register
class FreeswitchXml(Adapter):
    code = "freeswitch_xml"
    name = "FreeSWITCH XML records"
    description = (
        "The files of FreeSWITCH's mod_xml_cdr: one record a file, or several one after another;"
        " with or without encode-values. Times are absolute; the time zone does not matter."
    )

    # pylint: disable-next=method-required-super
    def read(self, stream: BinaryIO, options: ReadOptions | None = None) -> Records:
        options = options or ReadOptions()
        for piece in read_elements(stream, TAG, options.max_object):
            wrapped = _unwrap(piece.data) if piece.refused else b""
            if not wrapped:
                yield _convert(piece, piece.line)
                continue
            for inner in read_elements(BytesIO(wrapped), TAG, options.max_object):
                yield _convert(inner, piece.line)


def _unwrap(data: bytes) -> bytes:
    """The XML in a line that a form field wraps; empty if it is none."""
    data = data.strip().removeprefix(b"cdr=")
    return unquote_to_bytes(data.replace(b"+", b" ")) if data[:3].upper() == b"%3C" else b""


def _convert(piece: Piece, line: int) -> UsageRecord | BadRecord:
    try:
        if piece.refused:
            raise piece.refused
        return usage_record(_parse(piece.data), piece.data, line)
    except RecordError as refused:
        return refused.bad_record(line, piece.data)
    except UNFORESEEN as error:
        # a gap in the checks costs one record, not the rest of the file
        problem = RecordError("unreadable", detail=type(error).__name__)
        return problem.bad_record(line, piece.data)


def _parse(data: bytes) -> dict[str, Any]:
    """The record in the shape of ``mod_json_cdr``.

    :raise RecordError: if it is not well-formed XML
    """
    if b"\0" in data:
        raise RecordError("nul_byte")
    try:
        cdr = ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        raise RecordError("bad_xml", detail=str(error)) from None
    record: dict[str, Any] = {}
    variables = cdr.find("variables")
    if variables is not None:
        record["variables"] = {element.tag: element.text or "" for element in variables}
    # the last step of the call comes first
    profile = cdr.find("callflow/caller_profile")
    if profile is not None:
        record["callflow"] = [{"caller_profile": {element.tag: _value(element) for element in profile}}]
    return record


def _value(element: ElementTree.Element) -> Any:
    """Text of an element; True if it has elements of its own."""
    return True if len(element) else element.text or ""
