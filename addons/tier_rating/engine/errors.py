"""What the engine refuses to price, with a reason a switch can map."""

NO_RATE = "no_rate"
BLOCKED = "blocked"


class Refused(Exception):  # noqa: N818 (an answer, not an error)
    """There is no price for this, so it must not be sold and is never free.

    :param str reason: ``no_rate`` (no rate at that moment) or ``blocked`` (the rate
        bars the destination). Before a session: refuse it. After it: suspense.

    >>> Refused(BLOCKED).reason
    'blocked'
    """

    def __init__(self, reason):
        super().__init__(reason)
        self.reason = reason
