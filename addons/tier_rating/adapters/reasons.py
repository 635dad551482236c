# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Why a record could not be read: machine code -> English sentence.

The sentences are ``%``-templates over named values, so that the layer above
can translate the template and fill in the same values
(:attr:`~.base.BadRecord.values`).
"""

REASONS = {
    # the shape of the file
    "too_large": "The record is longer than %(limit)s bytes.",
    "nul_byte": "The record contains a NUL byte: it is not text.",
    "not_csv": "The line is not valid CSV: %(detail)s.",
    "no_mapping": "Nobody has said what the columns of this switch's records are.",
    "no_header": "The first line names none of the mapped columns, so that nobody knows which is which.",
    "wrong_columns": "The line has %(count)s columns; this format has %(expected)s.",
    "not_json": "There is something here that is not a JSON object: %(detail)s.",
    "bad_json": "The JSON is broken at line %(at_line)s, character %(at)s: %(detail)s.",
    "not_xml": "There is something here that is not an XML record: %(detail)s.",
    "bad_xml": "The XML is broken: %(detail)s.",
    "truncated": "The file ends in the middle of %(what)s: records may be missing.",
    "not_a_record": "The JSON object is not a call record: it has no %(field)s.",
    "not_smdr": "The line is not a call of this exchange: %(detail)s.",
    "not_an_attribute": "A line is not an attribute and its value: %(detail)s.",
    "not_a_record_text": "This is not a record: it has no %(field)s.",
    # a single field
    "bad_text": "The field %(field)s is not plain text.",
    "too_long": "The field %(field)s is longer than %(limit)s characters.",
    "missing": "The field %(field)s is empty.",
    "bad_number": "The field %(field)s is not a number: %(value)s.",
    "negative": "The field %(field)s is negative: %(value)s.",
    "bad_time": "The field %(field)s is not a possible time: %(value)s.",
    "bad_disposition": "The disposition %(value)s is unknown.",
    # fields that contradict each other
    "time_order": "The field %(later)s is before the field %(earlier)s.",
    "duration_mismatch": ("The switch reports %(billed)s s, but %(elapsed)s s lie between answer and end."),
    "contradiction": "The call was not answered (%(value)s) but has %(billed)s s.",
    "second_leg": (
        "This is the leg that the switch placed itself; the call is charged by the record of its first leg, %(first)s."
    ),
    # the net below all others
    "unreadable": "The record cannot be read: %(detail)s.",
}
