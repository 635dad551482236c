"""Install and remove what the database itself guarantees about money."""

from odoo.tools import SQL, file_open

FUNCTIONS = (
    "tier_transfer_apply",
    "tier_transfer_refuse",
    "tier_ledger_no_truncate",
    "tier_account_guard",
    "tier_account_limits",
    "tier_hold_apply",
    "tier_hold_reapply",
    "tier_transfer_post",
    "tier_transfer_post_all",
    "tier_local_day",
)
SCRIPTS = ("schema.sql", "posting.sql", "spending.sql")


def install(cr):
    """Create or replace the ledger's triggers.

    Needs the tables of ``tier.account``, ``tier.transfer``, ``tier.hold`` and
    ``tier.spending``; safe to run again.

    :param cr: database cursor
    """
    for name in SCRIPTS:
        run_script(cr, f"tier_billing/ledger/{name}")


def drop(cr):
    """Remove the functions that would outlive the dropped tables.

    :param cr: database cursor
    """
    drop_functions(cr, FUNCTIONS)


def run_script(cr, path):
    """Execute an SQL script of an add-on of ours.

    :param cr: database cursor
    :param str path: from the folder of the add-ons
    """
    with file_open(path) as script:
        # The file is constant; a bare percent sign would be taken for a parameter,
        # hence the empty parameter list is not passed.
        cr.execute(script.read())


def drop_functions(cr, names):
    """Remove functions, and the triggers that call them.

    :param cr: database cursor
    :param names: of the functions, from our code
    """
    for name in names:
        cr.execute(SQL("DROP FUNCTION IF EXISTS %s CASCADE", SQL.identifier(name)))
