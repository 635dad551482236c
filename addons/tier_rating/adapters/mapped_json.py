# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""JSON objects whose values a person has named (:class:`._mapping.FieldMap`)."""

from __future__ import annotations

from typing import Any, BinaryIO

from ._json_objects import read_objects
from ._mapping import mapped_record
from .base import UNFORESEEN, Adapter, ReadOptions, RecordError, Records, decode
from .registry import register


@register
class MappedJson(Adapter):
    code = "mapped_json"
    name = "JSON, values as mapped"
    description = "JSON objects, one a line, listed or one after another, read by the mapping that the switch names."
    is_mapped = True

    # pylint: disable-next=method-required-super
    def read(self, stream: BinaryIO, options: ReadOptions | None = None) -> Records:
        options = options or ReadOptions()
        for piece in read_objects(stream, options.max_object):
            try:
                if piece.refused:
                    raise piece.refused
                if not options.mapping:
                    raise RecordError("no_mapping")
                get = _getter(piece.value)
                yield mapped_record(options.mapping, get, options.tzinfo, piece.line, decode(piece.data))
            except RecordError as refused:
                yield refused.bad_record(piece.line, piece.data)
            except UNFORESEEN as error:
                # a gap in the checks costs one record, not the rest of the file
                yield RecordError("unreadable", detail=type(error).__name__).bad_record(piece.line, piece.data)


def _getter(record: dict[str, Any]):
    """Values by their path: a name as it is, or names joined by points."""

    def get(path):
        if path in record:
            return record[path]
        value: Any = record
        for name in path.split("."):
            if isinstance(value, list) and name.isascii() and name.isdigit() and len(name) < 4:
                value = value[int(name)] if int(name) < len(value) else None
            elif isinstance(value, dict):
                value = value.get(name)
            else:
                return None
        return value

    return get
