from . import (
    account_move,
    tier_chargeback,
    tier_chargeback_line,
    tier_chargeback_usage,
    tier_demo,
    tier_endpoint,
    tier_wallet,
)
