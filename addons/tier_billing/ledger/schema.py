"""Install and remove what the database itself guarantees about money."""

import re

from odoo.tools import SQL, file_open

SCRIPTS = tuple(f"tier_billing/ledger/{name}.sql" for name in ("schema", "posting", "spending"))
# What a statement does to a table, and which of its rows a trigger is given.
CHANGES = {
    "inserted": ("INSERT", "NEW"),
    "deleted": ("DELETE", "OLD"),
    "updated": ("UPDATE", "NEW"),
    "left": ("UPDATE", "OLD"),
}
_MADE = re.compile(r"^CREATE OR REPLACE FUNCTION (\w+)", re.MULTILINE)


def install(cr):
    """Create or replace the ledger's triggers.

    Needs the tables of ``tier.account``, ``tier.transfer``, ``tier.hold`` and
    ``tier.spending``; safe to run again.

    :param cr: database cursor
    """
    for path in SCRIPTS:
        run_script(cr, path)


def drop(cr):
    """Remove the functions that would outlive the dropped tables.

    :param cr: database cursor
    """
    for path in SCRIPTS:
        undo_script(cr, path)


def run_script(cr, path):
    """Execute an SQL script of an add-on of ours.

    :param cr: database cursor
    :param str path: from the folder of the add-ons
    """
    # The file is constant; a bare percent sign would be taken for a parameter,
    # hence the empty parameter list is not passed.
    cr.execute(_text(path))


def undo_script(cr, path):
    """Remove the functions that a script makes, and the triggers that call them.

    :param cr: database cursor
    :param str path: from the folder of the add-ons
    """
    for name in _MADE.findall(_text(path)):
        cr.execute(SQL("DROP FUNCTION IF EXISTS %s CASCADE", SQL.identifier(name)))


def _text(path):
    with file_open(path) as script:
        return script.read()


def watch(cr, table, function, name, changes=tuple(CHANGES)):
    """Have a function called after each statement that changes a table; safe to run again.

    It finds the rows as ``changed_rows``. An update may call it twice, with the rows as they are
    now and as they were: what they have moved to changes, and what they have left.

    :param cr: database cursor
    :param str table, function: names, from our code
    :param str name: the beginning of the triggers' names
    :param changes: of :data:`CHANGES`
    """
    for change in changes:
        event, rows = CHANGES[change]
        trigger, table_name = SQL.identifier(f"{name}_{change}"), SQL.identifier(table)
        cr.execute(SQL("DROP TRIGGER IF EXISTS %s ON %s", trigger, table_name))
        cr.execute(
            SQL(
                """CREATE TRIGGER %s AFTER %s ON %s REFERENCING %s TABLE AS changed_rows
                   FOR EACH STATEMENT EXECUTE FUNCTION %s()""",
                trigger,
                SQL(event),
                table_name,
                SQL(rows),
                SQL.identifier(function),
            )
        )
