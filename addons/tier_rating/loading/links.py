"""Install and remove the triggers that stand for the foreign keys of rates."""

from odoo.addons.tier_billing.ledger import schema

FUNCTIONS = ("tier_rate_links", "tier_price_list_rates_gone", "tier_rate_link_kept")


def install(cr):
    """Create or replace the triggers; safe to run again.

    :param cr: database cursor
    """
    schema.run_script(cr, "tier_rating/loading/links.sql")


def drop(cr):
    """Remove what would outlive the dropped tables.

    :param cr: database cursor
    """
    schema.drop_functions(cr, FUNCTIONS)
