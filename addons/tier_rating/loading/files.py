"""Files in binary fields, read from the disk and handed on without a copy in memory."""

import io
from contextlib import contextmanager

from odoo.exceptions import UserError


def _attachment(record, field):
    return (
        record.env["ir.attachment"]
        .sudo()
        .search([("res_model", "=", record._name), ("res_id", "=", record.id), ("res_field", "=", field)], limit=1)
    )


@contextmanager
def opened(record, field):
    """Open the file of a binary field that is kept as an attachment.

    :param record: whose rights the caller has checked
    :param str field: its name
    :return: a seekable binary file
    :raise UserError: if there is none
    """
    attachment = _attachment(record, field)
    if not attachment:
        raise UserError(record.env._("The file is not there any more; upload it again."))
    if attachment.store_fname:
        with open(attachment._full_path(attachment.store_fname), "rb") as stream:
            yield stream
    else:
        yield io.BytesIO(attachment.raw or b"")


def hand_over(record, field, other, other_field):
    """Give the file of a binary field to another record.

    :param record, other: records; the caller has checked its rights on both
    :param str field, other_field: names of their fields
    :return: its size in bytes
    """
    record.env.flush_all()
    attachment = _attachment(record, field)
    attachment.write({"res_model": other._name, "res_id": other.id, "res_field": other_field})
    record.invalidate_recordset([field])
    other.invalidate_recordset([other_field])
    return attachment.file_size
