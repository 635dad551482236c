from . import (
    tier_bill,
    tier_charge,
    tier_charge_dispute,
    tier_dispute,
    tier_payout,
    tier_transfer,
    tier_usage_event,
    tier_wallet,
    tier_wallet_package,
)
