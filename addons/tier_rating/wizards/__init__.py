from . import (
    tier_below_cost_check,
    tier_deck_compare,
    tier_holiday_import,
    tier_price_explain,
    tier_rate_import,
    tier_rate_sheet,
    tier_switch_number,
    tier_switch_token,
    tier_usage_invoice,
    tier_usage_invoice_line,
    tier_usage_refund,
    tier_wallet_move,
)
