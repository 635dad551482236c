import logging

from odoo.http import Dispatcher

from .answers import answer

_logger = logging.getLogger(__name__)


class MachineDispatcher(Dispatcher):
    """Requests of switches: nobody touches the body but the endpoint, and answers are flat JSON.

    Odoo's own dispatcher would read a body as a form if its content type says so, as that of
    curl's ``--data-binary`` does.
    """

    routing_type = "tier_machine"

    @classmethod
    def is_compatible_with(cls, request):
        return True

    def dispatch(self, endpoint, args):
        self.request.params = dict(args)
        return self.request.registry["ir.http"]._dispatch(endpoint)

    def handle_error(self, exc):
        status = getattr(exc, "code", None) or 500
        if status >= 500:
            _logger.error("A switch's request failed: %s", exc)
        return answer(status, error="bad_request" if status < 500 else "internal_error")
