from odoo import http
from odoo.exceptions import AccessError, UserError
from odoo.http import request

from .answers import answer
from .ingest import LARGEST_BODY


class TierUsageUpload(http.Controller):
    """Large files of usage from the browser: the body goes to disk as it comes, and from there into the file store."""

    @http.route(
        "/tier/usage/upload",
        type="http",
        auth="user",
        methods=["POST"],
        max_content_length=LARGEST_BODY,
        readonly=False,
    )
    def upload(self, switch_id, ufile, **_more):
        """Keep a file and have it imported.

        :param switch_id: of the ``tier.switch`` that wrote it
        :param ufile: the file
        :return: the id of the ``tier.usage.import`` as JSON
        """
        env = request.env
        try:
            switch = env["tier.switch"].search([("id", "=", int(switch_id))])
            if not switch:
                return answer(404, error="unknown_switch")
            record = env["tier.usage.import"].create({"name": (ufile.filename or "file")[:200], "switch_id": switch.id})
            record._keep(ufile.stream)
            record._queue()
        except AccessError as error:
            return answer(403, error="access", detail=str(error))
        except (UserError, ValueError) as error:
            return answer(400, error="refused", detail=str(error))
        return answer(200, id=record.id)
