from . import (
    ledger_link,
    tier_account,
    tier_wallet,
    tier_wallet_money,
    tier_transfer,
    tier_hold,
    res_partner,
)
