from odoo import fields, models


class TierRecordMappingLine(models.Model):
    """One column of a record, and what it is."""

    _name = "tier.record.mapping.line"
    _description = "Column of a Record Mapping"
    _order = "sequence, id"

    mapping_id = fields.Many2one("tier.record.mapping", required=True, ondelete="cascade", index=True)
    sequence = fields.Integer(default=10)
    column = fields.Char(
        required=True,
        help="Its heading; its position from 1 where the first line names no columns; or the path to a JSON value, "
        "such as call.from.user.",
    )
    target = fields.Selection(
        [
            ("record_id", "Record's own number"),
            ("session_id", "Session"),
            ("sip_user", "Payer: SIP user"),
            ("number", "Payer: caller number"),
            ("ip", "Payer: IP address"),
            ("pin", "Payer: PIN"),
            ("room", "Payer: room"),
            ("host", "Payer: host name"),
            ("caller", "Caller"),
            ("callee", "Number dialled"),
            ("resource", "Resource code"),
            ("start", "Start"),
            ("answer", "Answer"),
            ("end", "End"),
            ("quantity", "Quantity or seconds"),
            ("service", "Service code"),
            ("disposition", "How it ended"),
            ("cause", "Cause"),
            ("source_ip", "Source IP"),
            ("source_port", "Source port"),
            ("user_agent", "User agent"),
        ],
        "Is",
        required=True,
    )
