from odoo import api, fields, models


class TierEndpoint(models.Model):
    """What a switch knows a caller by."""

    _name = "tier.endpoint"
    _description = "Endpoint"
    _order = "wallet_id, kind, identifier"
    _rec_name = "identifier"

    wallet_id = fields.Many2one("tier.wallet", required=True, ondelete="restrict", index=True)
    company_id = fields.Many2one(related="wallet_id.company_id")
    kind = fields.Selection(
        [
            ("sip_user", "SIP user"),
            ("number", "Caller number"),
            ("ip", "IP address"),
            ("pin", "PIN"),
            ("room", "Room"),
            ("host", "Host name"),
        ],
        required=True,
        default="sip_user",
    )
    identifier = fields.Char(required=True)
    switch_id = fields.Many2one(
        "tier.switch",
        ondelete="restrict",
        index="btree_not_null",
        help="Empty: whatever switch reports it.",
    )
    active = fields.Boolean(default=True)

    # One owner at a time. An archived endpoint keeps its history and frees its name.
    _identity = models.UniqueIndex(
        "(identifier, kind, COALESCE(switch_id, 0)) WHERE active",
        "This endpoint belongs to a wallet already.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            vals["identifier"] = self._clean_identifier(vals.get("identifier"))
        return super().create(vals_list)

    def write(self, vals):
        if "identifier" in vals:
            vals = dict(vals, identifier=self._clean_identifier(vals["identifier"]))
        return super().write(vals)

    @api.model
    def _clean_identifier(self, identifier):
        """Return an identifier as it is compared: without space around it.

        :param str identifier: as typed
        :rtype: str
        """
        return (identifier or "").strip()
