from odoo import fields, models


class TierPriceList(models.Model):
    """What customers of a list pay, for them to read; see :mod:`..ratesheet`."""

    _inherit = "tier.price.list"

    def _rate_sheet_today(self):
        """Return today's date where the brand is."""
        self.ensure_one()
        moment = self.with_context(tz=self.sudo().brand_id.tz)
        return fields.Datetime.context_timestamp(moment, fields.Datetime.now()).date()

    def _rate_sheet_services(self):
        """Return the services that the list, or what it is derived from, has rates of.

        :return: ``tier.service``; none of no list
        """
        levels, level = self.browse(), self.sudo()
        while level:
            levels, level = levels | level, level.base_id
        # One index probe for each: a list may have a million rates of one service.
        Rate, Service = self.env["tier.rate"].sudo(), self.env["tier.service"].sudo()
        return Service.search([]).filtered(  # pylint: disable=no-search-all
            lambda service: Rate.search_count(
                [("price_list_id", "in", levels.ids), ("service_id", "=", service.id)], limit=1
            )
        )

    def action_rate_sheet(self):
        """Open what customers of this list pay.

        :return: a window action
        """
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.actions"]._for_xml_id("tier_rating.tier_rate_sheet_action")
        action["context"] = {"default_price_list_id": self.id}
        return action
