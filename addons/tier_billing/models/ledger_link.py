"""A Many2one for tables of hundreds of millions of rows."""

from odoo import fields
from odoo.exceptions import UserError


class LedgerLink(fields.Many2one):
    """Many2one without a foreign key in the database.

    A foreign key costs one look-up per row and column on insertion, more than
    the insertion itself on the ledger. It is left out where a trigger checks
    the same thing once per statement (tier.transfer's accounts) or where the
    target cannot be deleted while it is referred to (see the guards in
    ``ledger/schema.sql`` and :func:`refuse_if_linked`).
    """

    def update_db_foreign_key(self, model, column):
        """Create no foreign key.

        :param model: the field's model
        :param column: the column's description
        """
        return


def refuse_if_linked(records, *links):
    """Refuse to delete what rows without a foreign key still point at.

    To be called from an ``ondelete`` method of the target.

    :param records: what is about to be deleted
    :param links: pairs (model name, field name) of :class:`LedgerLink` fields
    :raise UserError: naming the first record that is in use
    """
    for model, field in links:
        for record in records:
            if record.env[model].sudo().search_count([(field, "=", record.id)], limit=1):
                raise UserError(
                    record.env._(
                        "%s is part of what was charged and cannot be deleted; archive it.",
                        record.display_name,
                    )
                )
