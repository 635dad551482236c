import logging

import psycopg2

from odoo import api, http
from odoo.http import request

from .answers import answer

_logger = logging.getLogger(__name__)

#: Longest body, in bytes. It is read as it comes, so that this bounds the time and not the memory.
LARGEST_BODY = 2 * 1024**3
FORMS = ("multipart/form-data",)


class TierIngest(http.Controller):
    """Call records that switches send by themselves."""

    @http.route(
        "/credit/v1/cdr",
        type="tier_machine",
        auth="none",
        methods=["POST"],
        csrf=False,
        save_session=False,
        readonly=False,
        max_content_length=LARGEST_BODY,
    )
    def cdr(self):
        """Charge the records of the body, in the format of the switch that the credential names.

        The same records again change nothing, so whoever had no answer sends them again.
        """
        env = request.env(user=api.SUPERUSER_ID)
        switch = env["tier.switch"]._by_ingest_token(_credential())
        if not switch:
            headers = [("WWW-Authenticate", 'Basic realm="tier", charset="UTF-8"')]
            return answer(401, headers, error="bad_credential")
        if request.httprequest.mimetype in FORMS or request.httprequest.headers.get("Content-Encoding"):
            return answer(415, error="unsupported_body", detail="Send the records as they are, as the body itself.")
        # Odoo's own wrapper offers the body whole only, which a file of a million calls must not be.
        stream = request.httprequest._HTTPRequest__wrapped.stream
        first = stream.read(1)
        if not first:
            return answer(400, error="empty_body", detail="There is no body, or no Content-Length.")
        taken = env["tier.usage.import"]._new_intake(switch, is_alone=True)
        try:
            taken.take(_Again(first, stream))
        except psycopg2.Error:
            # Caught here: Odoo would run the request again, whose body has been read.
            _logger.exception("The records of %s stopped after %s", switch.code, taken.count)
            return answer(503, [("Retry-After", "5")], error="temporarily_unavailable", **taken.figures())
        except OSError as error:
            return answer(400, error="broken_body", detail=str(error)[:200], **taken.figures())
        return answer(200, result="ok", **taken.figures())


def _credential():
    """Return the token of the request, by Bearer or as password of Basic; empty if there is none."""
    authorization = request.httprequest.authorization
    if not authorization:
        return ""
    return (authorization.token if authorization.type == "bearer" else authorization.password) or ""


class _Again:
    """A stream whose first byte has been read.

    :param bytes first: what was read
    :param stream: the rest
    """

    def __init__(self, first, stream):
        self._first = first
        self._stream = stream

    # pylint: disable-next=method-required-super
    def read(self, size=-1):
        """Read up to so many bytes."""
        first, self._first = self._first, b""
        return first or self._stream.read(size)

    def readline(self, size=-1):
        """Read up to a line's end, or so many bytes."""
        first, self._first = self._first, b""
        if not first:
            return self._stream.readline(size)
        return first if first == b"\n" or size == 1 else first + self._stream.readline(size - 1 if size > 0 else -1)
