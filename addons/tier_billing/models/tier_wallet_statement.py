from odoo import models
from odoo.exceptions import UserError

from .. import statements


class TierWallet(models.Model):
    """Statements of a wallet; see :mod:`..statements`."""

    _inherit = "tier.wallet"

    def _statement_tz(self):
        """Return the time zone in which a statement's days begin.

        That of the company, so that a statement says the same to whoever reads it.

        :rtype: str
        """
        self.ensure_one()
        return self.sudo().company_id.partner_id.tz or "UTC"

    def _statement_as_parent(self):
        """Tell whether the user may see only what concerns the wallet's parent.

        Staff and the owner see all; what a reseller's customer does with customers of its own
        is not the reseller's business.

        :rtype: bool
        """
        self.ensure_one()
        user = self.env.user
        return not user._is_internal() and self.sudo().partner_id.commercial_partner_id != user.commercial_partner_id

    def _statement(self, first, last):
        """Read the statement of a period from the ledger.

        :param date first: first day, in the zone of :meth:`_statement_tz`
        :param date last: last day, included
        :rtype: statements.reader.Statement
        :raise AccessError: the user may not read this wallet
        :raise UserError: the last day is before the first
        """
        self.ensure_one()
        self.check_access("read")
        if last < first:
            raise UserError(self.env._("The last day is before the first one."))
        self.env.flush_all()
        wallet = self.sudo()
        tz = self._statement_tz()
        return statements.reader.read(
            self.env.cr,
            wallet.id,
            wallet.account_id.id,
            wallet.parent_id.id or None,
            statements.layout.span(first, last, tz),
            tz,
            as_parent=self._statement_as_parent(),
        )

    def _statement_page(self, first, last):
        """Return what the template ``tier_billing.statement_body`` shows; see :meth:`_statement`.

        :rtype: dict
        """
        statement = self._statement(first, last)
        return statements.layout.page(self, statement, first, last, self._statement_tz())

    def _statement_file(self, first, last, file_format):
        """Return a statement as a file; see :meth:`_statement`.

        :param str file_format: csv or xlsx
        :return: tuple of bytes and MIME type
        """
        table = statements.files.rows(self, self._statement(first, last), first, last)
        if file_format == "csv":
            return statements.files.to_csv(table, self), "text/csv; charset=utf-8"
        title = self.env._("Statement of %s", self.sudo().name)
        content = statements.files.to_xlsx(table, self, title)
        return content, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    def _statement_issuer(self):
        """Return who gives out this wallet's statements: who it buys from.

        :return: dict of the texts name and address, and the data logo (base64, may be False)
        """
        self.ensure_one()
        wallet = self.sudo()
        seller = wallet.parent_id
        # The provider is the company; a reseller has a partner.
        if not seller.parent_id:
            partner, logo = wallet.company_id.partner_id, wallet.company_id.logo
        else:
            partner, logo = seller.partner_id, seller.partner_id.image_256
        return {
            "name": partner.name,
            "address": self._statement_address(partner),
            "logo": logo,
        }

    def _statement_address(self, partner):
        """Return a postal address without empty lines.

        :param partner: ``res.partner``
        :rtype: str
        """
        lines = (line.strip() for line in partner._display_address(without_company=True).splitlines())
        return "\n".join(filter(None, lines))

    def action_statement(self):
        """Open the statement of the current month.

        :return: a window action
        """
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Statement"),
            "res_model": "tier.statement",
            "view_mode": "form",
            "context": {"default_wallet_id": self.id},
        }
