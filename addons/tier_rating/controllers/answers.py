import json

from odoo.http import Response


def answer(status, headers=None, **values):
    """Return flat JSON.

    :param int status: of HTTP
    :param list headers: more of them, as pairs
    """
    return Response(
        json.dumps(values),
        status=status,
        mimetype="application/json",
        headers=[("Cache-Control", "no-store"), *(headers or ())],
    )
