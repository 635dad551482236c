from odoo import http
from odoo.exceptions import AccessError, MissingError, UserError
from odoo.http import request

from .answers import file_answer


class TierRateSheetFile(http.Controller):
    """Files of the rate sheet that a member of staff has on the screen."""

    @http.route(
        "/tier_rating/rate_sheet/<int(max=2147483647):sheet_id>/<any(csv,xlsx):file_format>",
        type="http",
        auth="user",
        readonly=True,
    )
    def rate_sheet_file(self, sheet_id, file_format):
        sheet = request.env["tier.rate.sheet"].browse(sheet_id)
        try:
            sheet.check_access("read")
            stream, mime = sheet._file(file_format)
        except (AccessError, MissingError, UserError):
            raise request.not_found() from None
        return file_answer(stream, mime, f"{sheet._file_name()}.{file_format}")
