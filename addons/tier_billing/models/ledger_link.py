"""A Many2one for tables of hundreds of millions of rows."""

from odoo import fields


class LedgerLink(fields.Many2one):
    """Many2one without a foreign key in the database.

    A foreign key costs one look-up per row and column on insertion, more than
    the insertion itself on the ledger. It is left out where a trigger checks
    the same thing once per statement (tier.transfer's accounts) or where the
    target cannot be deleted while it is referred to (see the guards in
    ``ledger/schema.sql`` and the ``unlink`` methods).
    """

    def update_db_foreign_key(self, model, column):
        """Create no foreign key.

        :param model: the field's model
        :param column: the column's description
        """
        return
