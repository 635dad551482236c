import tempfile

from odoo import http
from odoo.exceptions import AccessError, MissingError
from odoo.http import request

from ..decks import writer
from ..loading import exporting
from .answers import file_answer

MIME = {"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


class TierDeckFile(http.Controller):
    """Price lists and kept decks as files, in the format that is imported."""

    @http.route(
        "/tier_rating/deck/<int(max=2147483647):deck_id>/<any(csv,xlsx):form>", type="http", auth="user", readonly=True
    )
    def deck_file(self, deck_id, form):
        deck = _readable("tier.deck", deck_id)
        name = (deck.name or str(deck.id)).rsplit(".", 1)[0]
        return _file(exporting.of_deck(request.env.cr, deck), form, name)

    @http.route(
        "/tier_rating/price_list/<int(max=2147483647):list_id>/<int(max=2147483647):service_id>/<any(csv,xlsx):form>",
        type="http",
        auth="user",
        readonly=True,
    )
    def list_file(self, list_id, service_id, form):
        price_list, service = _readable("tier.price.list", list_id), _readable("tier.service", service_id)
        return _file(exporting.of_list(request.env.cr, price_list, service), form, price_list.name)


def _readable(model, record_id):
    """Return a record that the user may read; rates and their decks are for staff.

    :raise NotFound: if there is none
    """
    record = request.env[model].browse(record_id)
    try:
        request.env["tier.rate"].check_access("read")
        record.check_access("read")
        if record.exists():
            return record
    except (AccessError, MissingError) as error:
        # Not even whether it exists.
        raise request.not_found() from error
    raise request.not_found()


def _file(rows, form, name):
    """Answer with rows as a file, which is on the disk meanwhile, not in memory."""
    stream = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the answer
    try:
        writer.WRITERS[form](stream, rows)
    except writer.TooLong:
        stream.close()
        return request.make_response(
            request.env._("There are more rates than a sheet has rows; take CSV."),
            [("Content-Type", "text/plain; charset=utf-8")],
            status=422,
        )
    return file_answer(stream, MIME[form], f"{name}.{form}")
