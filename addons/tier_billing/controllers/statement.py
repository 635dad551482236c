from odoo import http
from odoo.exceptions import AccessError, MissingError, UserError
from odoo.http import content_disposition, request


class TierStatementFile(http.Controller):
    """Files of the statement that a member of staff has on the screen."""

    @http.route(
        "/tier_billing/statement/<int(max=2147483647):statement_id>/<any(csv,xlsx):file_format>",
        type="http",
        auth="user",
        readonly=True,
    )
    def statement_file(self, statement_id, file_format):
        statement = request.env["tier.statement"].browse(statement_id)
        try:
            statement.check_access("read")
            content, mime = statement.wallet_id._statement_file(statement.date_from, statement.date_to, file_format)
        except (AccessError, MissingError, UserError):
            raise request.not_found() from None
        return statement_response(content, mime, f"{statement._file_name()}.{file_format}")


def statement_response(content, mime, name):
    """Return a file to download.

    :param bytes content: the file
    :param str mime: its type
    :param str name: what it is called
    """
    return request.make_response(
        content,
        headers=[
            ("Content-Type", mime),
            ("Content-Disposition", content_disposition(name)),
            ("X-Content-Type-Options", "nosniff"),
            ("Cache-Control", "private, no-store"),
        ],
    )
