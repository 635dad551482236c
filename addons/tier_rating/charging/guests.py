"""Whose usage a room's is: the guest's of that moment, else the house's."""

from odoo.tools import SQL


def assign(cr, rows):
    """Give usage of rooms to the guests who were in them when it began.

    A guest who has checked out has paid: what is reported later stays with the house. The
    stays are locked against a check-out until the transaction ends, ahead of all else that it
    locks; those who charge the same stay do not wait for one another.
    Leans on the partial index of a stay's rooms on the room.

    :param cr: database cursor
    :param rows: list of (:class:`.resolve.Resolved`, id of the room); the wallet is changed
    """
    cr.execute(
        SQL(
            """SELECT o.room_id, o.date_from, o.date_to, s.wallet_id
                 FROM tier_stay_room o JOIN tier_stay s ON s.id = o.stay_id
                WHERE o.room_id = ANY(%s) AND o.staying AND s.state = 'in'
                ORDER BY s.id FOR SHARE OF s""",
            list({room_id for _row, room_id in rows}),
        )
    )
    stays = {}
    for room_id, *stay in cr.fetchall():
        stays.setdefault(room_id, []).append(stay)
    for row, room_id in rows:
        moment = row.usage.started_at
        for date_from, date_to, wallet_id in stays.get(room_id, ()):
            if moment and date_from <= moment and (date_to is None or moment < date_to):
                row.wallet_id = wallet_id
                break
