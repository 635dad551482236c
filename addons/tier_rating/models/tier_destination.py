from odoo import api, fields, models

from odoo.addons.tier_billing.models.ledger_link import LedgerLink, refuse_if_linked


class TierDestination(models.Model):
    """Where prefixes lead to, as people name it."""

    _name = "tier.destination"
    _description = "Destination"
    _order = "name"

    name = fields.Char(required=True, index="trigram")
    country_id = fields.Many2one("res.country")
    deck_id = LedgerLink("tier.deck", "From deck", readonly=True, copy=False, help="The rate deck that made it.")
    rate_ids = fields.One2many("tier.rate", "destination_id")

    _name_unique = models.Constraint("UNIQUE (name)", "A destination with this name exists already.")

    @api.ondelete(at_uninstall=False)
    def _unlink_except_in_use(self):
        refuse_if_linked(self, ("tier.usage.event", "destination_id"), ("tier.charge", "destination_id"))

    @api.model
    def _links(self):
        """Return where destinations are referred to.

        :return: list of (table, column)
        """
        links = set()
        for model in self.env.registry.values():
            if model._abstract or not model._auto or model._table_query:
                continue
            for field in model._fields.values():
                if not field.store or field.comodel_name != self._name:
                    continue
                if field.type == "many2one":
                    links.add((model._table, field.name))
                elif field.type == "many2many":
                    links.add((field.relation, field.column2))
        return sorted(links)
