"""What is given to many wallets at once, and what it leaves the givers."""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal

# After the key of a grant: what came back to the parent just before it.
BACK = ":back"


@dataclass(slots=True)
class Grant:
    """What one wallet is to get from its parent.

    :param wallet_id: who gets it
    :param amount: see ``tier.wallet._check_amount``; in the wallet's currency
    :param source_key: names the grant; known already, it changes nothing
    :param returned: what goes back to the parent in the same moment, in the wallet's currency
    :param label: what people call it when it is refused, such as a line of a file
    """

    wallet_id: int
    amount: object
    source_key: str
    returned: Decimal = Decimal(0)
    label: str = ""


@dataclass(slots=True)
class Distribution:
    """What became of many grants; positions are those of the list that was given.

    :ivar given: positions of what was posted now, or would be
    :ivar known: positions of what had been posted before
    :ivar refused: dict of position to why
    """

    given: list = field(default_factory=list)
    known: list = field(default_factory=list)
    refused: dict = field(default_factory=dict)


class Purse:
    """What accounts have while a batch goes through them one by one."""

    def __init__(self, states):
        """Begin with what was read under the locks.

        :param states: dict of account id to :class:`..ledger.writer.Account`
        """
        self._states = states
        self._moved = defaultdict(Decimal)

    def balance(self, account_id):
        return self._states[account_id].balance + self._moved[account_id]

    def available(self, account_id):
        """Return what may be given; None without a limit."""
        available = self._states[account_id].available
        return available if available is None else available + self._moved[account_id]

    def move(self, movement, sign=1):
        self._moved[movement.from_account] -= sign * movement.amount
        self._moved[movement.to_account] += sign * movement.amount_to
