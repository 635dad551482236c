"""Install and remove the triggers that stand for the foreign keys of rates."""

from odoo.addons.tier_billing.ledger import schema

SCRIPT = "tier_rating/loading/links.sql"


def install(cr):
    """Create or replace the triggers; safe to run again.

    :param cr: database cursor
    """
    schema.run_script(cr, SCRIPT)
    schema.watch(cr, "tier_rate", "tier_rate_links", "tier_rate_links", ("inserted", "updated"))


def drop(cr):
    """Remove what would outlive the dropped tables.

    :param cr: database cursor
    """
    schema.undo_script(cr, SCRIPT)
