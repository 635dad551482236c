"""Up to where a wallet's usage stands on invoices, so that an invoice need not read all of its history.

When an invoice takes what waits, it notes on the wallet: every charge before the end of the period, with a
number up to which all charges were committed or lost by then, stands on an invoice. What waits later is what lies
after that moment, or what came late: a charge before it with a higher number. The first is found by the index on
wallet and date; the second by the block range index on date and number, as late charges are in few blocks.

What comes off an invoice makes the wallet's note void (a trigger on the links, linked.sql), until its next invoice
has read everything once more.
"""

from odoo.tools import SQL

from odoo.addons.tier_billing.ledger import schema

SCRIPT = "tier_rating/invoicing/linked.sql"


def install(cr):
    """Create or replace the trigger; safe to run again.

    :param cr: database cursor
    """
    schema.run_script(cr, SCRIPT)
    schema.watch(cr, "tier_charge_invoice", "tier_charge_unlinked", "tier_charge_unlinked", ("deleted",))


def drop(cr):
    """Remove what would outlive the dropped tables.

    :param cr: database cursor
    """
    schema.undo_script(cr, SCRIPT)


def may_wait(env, wallet_ids):
    """Return the charges of wallets of which some may wait for an invoice, and none that is left out does.

    :param env: environment of the transaction
    :param wallet_ids: ids of ``tier.wallet``
    :return: ``SQL``, a SELECT of rows of ``tier_charge``
    """
    env.cr.execute(
        SQL(
            """SELECT usage_linked_before, COALESCE(min(usage_linked_id), 0), array_agg(id)
                 FROM tier_wallet WHERE id = ANY(%s) GROUP BY usage_linked_before""",
            list(wallet_ids),
        )
    )
    parts = []
    # Wallets that were invoiced up to the same moment together: constants, for the planner's sake.
    for before, number, ids in env.cr.fetchall():
        of_wallets = SQL("SELECT * FROM tier_charge WHERE wallet_id = ANY(%s)", ids)
        if before is None:
            parts.append(of_wallets)
        else:
            parts.append(SQL("%s AND date >= %s", of_wallets, before))
            parts.append(SQL("%s AND date < %s AND id > %s", of_wallets, before, number))
    return SQL(" UNION ALL ").join(parts or [SQL("SELECT * FROM tier_charge WHERE false")])


def decided(env):
    """Return a number up to which this transaction sees all charges that there will ever be.

    That of the sums for reports, which know it: see :mod:`..rollup.horizon`.

    :param env: environment of the transaction
    :rtype: int
    """
    env.cr.execute("SELECT COALESCE(max(until_id), 0) FROM tier_usage_rollup")
    return env.cr.fetchone()[0]


def note(env, wallet_ids, before, number):
    """Note that what waited of wallets before a moment has come onto invoices.

    :param env: environment of the transaction that linked it
    :param wallet_ids: ids of ``tier.wallet``
    :param datetime before: naive UTC
    :param int number: of :func:`decided`, asked before the charges were linked
    """
    env.cr.execute(
        SQL(
            """UPDATE tier_wallet SET usage_linked_before = %(before)s, usage_linked_id = %(number)s
                WHERE id = ANY(%(wallets)s)
                  AND (usage_linked_before IS NULL OR usage_linked_before <= %(before)s)""",
            before=before,
            number=number,
            wallets=list(wallet_ids),
        )
    )
    env["tier.wallet"].invalidate_model(["usage_linked_before", "usage_linked_id"])
