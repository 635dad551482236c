"""For scripts that work in Odoo's registry; their arguments are Odoo's own, with one -d."""

import sys
from contextlib import contextmanager

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tools import config


@contextmanager
def environment(arguments=None):
    """The superuser's environment on the database, committed at the block's end."""
    config.parse_config(sys.argv[1:] if arguments is None else arguments, setup_logging=True)
    with Registry(config["db_name"][0]).cursor() as cr:
        yield api.Environment(cr, SUPERUSER_ID, {})
