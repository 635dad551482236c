"""A plugin of pytest that shows Odoo's own linters (test_lint) our add-ons alone."""

import os

import odoo.modules
from odoo.modules import module
from odoo.modules.module import Manifest

NAMES = os.environ["TIER_LINT_ADDONS"].split(",")


def _manifests():
    return [Manifest.for_addon(name) for name in NAMES]


Manifest.all_addon_manifests = staticmethod(_manifests)
odoo.modules.get_modules = module.get_modules = lambda: list(NAMES)
