"""What the engine refuses to price, with a reason a switch can map."""

NO_RATE = "no_rate"
BLOCKED = "blocked"
BAD_QUANTITY = "bad_quantity"
BAD_RATE = "bad_rate"


class Refused(Exception):
    """There is no price for this, so it must not be sold and is never free.

    :param str reason: ``no_rate`` (no rate at that moment), ``blocked`` (the rate bars the
        destination), or a reason of :class:`Invalid`. Before a session: refuse it. After it:
        suspense.

    >>> Refused(BLOCKED).reason
    'blocked'
    """

    def __init__(self, reason):
        super().__init__(reason)
        self.reason = reason


class Invalid(Refused, ValueError):
    """One record or one rate makes no sense. It waits; the others of its batch go on.

    :param str reason: ``bad_quantity`` or ``bad_rate``
    :param str message: what is wrong with it

    >>> str(Invalid(BAD_RATE, "rate 7: a price is not negative"))
    'rate 7: a price is not negative'
    """

    def __init__(self, reason, message):
        super().__init__(reason)
        self.args = (message,)
