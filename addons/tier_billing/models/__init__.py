from . import (
    ledger_link,
    res_partner,
    tier_account,
    tier_audit,
    tier_hold,
    tier_transfer,
    tier_wallet,
    tier_wallet_figures,
    tier_wallet_money,
)
