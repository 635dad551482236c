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

# Found by an index that begins with them; one of their own would only cost insertions, in tables
# of hundreds of millions of rows. As Odoo's list of its own such fields.
COVERED = {
    "tier.charge.event_id",  # by the first column of _once
    "tier.charge.invoice.charge_id",  # by _once
    "tier.deck.line.deck_id",  # by the first column of _in_file
    "tier.rate.price_list_id",  # by the first column of _look_up
    "tier.rerating.event.rerating_id",  # by _once
    "tier.volume.counter.plan_id",  # by _once
}


def pytest_collection_modifyitems(items):
    for item in items:
        ignored = getattr(item.module, "BTREE_INDEX_IGNORE_FIELDS", None)
        if ignored is not None:
            ignored |= COVERED
