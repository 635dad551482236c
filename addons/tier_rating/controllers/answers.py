import json

from werkzeug.wsgi import wrap_file

from odoo.http import Response, content_disposition, request

# Bytes that are sent at once.
BLOCK = 1 << 16


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


def file_answer(stream, mime, name):
    """Return a file to download, sent block by block from where it lies, and closed then.

    :param stream: seekable binary file
    :param str mime: its type
    :param str name: what it is called
    """
    size = stream.seek(0, 2)
    stream.seek(0)
    response = request.make_response(
        wrap_file(request.httprequest.environ, stream, BLOCK),
        headers=[
            ("Content-Type", mime),
            ("Content-Length", str(size)),
            ("Content-Disposition", content_disposition(name)),
            ("X-Content-Type-Options", "nosniff"),
            ("Cache-Control", "private, no-store"),
        ],
    )
    response.direct_passthrough = True
    return response
