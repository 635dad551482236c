import hashlib
import hmac
import re
import secrets

from odoo import api, fields, models

# What a switch that does not exist is compared with, so that both take as long.
NOBODYS = hashlib.sha256(b"").hexdigest()


class TierSwitch(models.Model):
    _inherit = "tier.switch"

    # A hash alone: the token is 256 random bits, which nobody finds by trying.
    ingest_token_hash = fields.Char(copy=False, readonly=True, groups="base.group_system")
    has_ingest_token = fields.Boolean("Sends by itself", compute="_compute_has_ingest_token", compute_sudo=True)

    @api.depends("ingest_token_hash")
    def _compute_has_ingest_token(self):
        for switch in self:
            switch.has_ingest_token = bool(switch.ingest_token_hash)

    def action_new_ingest_token(self):
        """Make the switch's token, in place of the one before, and show it this once.

        :return: a window action
        """
        self.ensure_one()
        self.check_access("write")
        token = f"{self.id}.{secrets.token_urlsafe(32)}"
        self.sudo().ingest_token_hash = _hashed(token)
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Token of %s", self.name),
            "res_model": "tier.switch.token",
            "view_mode": "form",
            "target": "new",
            "context": {"default_token": token, "default_url": f"{self.get_base_url()}/credit/v1/cdr"},
        }

    def action_drop_ingest_token(self):
        """Refuse what the switch sends from now on."""
        self.check_access("write")
        self.sudo().ingest_token_hash = False

    @api.model
    def _by_ingest_token(self, token):
        """Find the switch that a token belongs to.

        :param str token: as sent
        :return: ``tier.switch`` record, empty if there is none
        """
        match = re.fullmatch(r"([1-9][0-9]{0,8})\.[\w-]{20,100}", token or "", re.ASCII)
        switch = self.sudo().search([("id", "=", int(match[1]))]) if match else self.browse()
        is_right = hmac.compare_digest(_hashed(token or ""), switch.ingest_token_hash or NOBODYS)
        return switch if is_right and switch.ingest_token_hash else self.browse()


def _hashed(token):
    """Return what is kept of a token.

    :param str token: to hash
    """
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
