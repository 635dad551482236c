"""Constants that several models share."""

# Columns of money: unlimited numeric in the database, shown with up to six
# decimals. The ledger refuses finer amounts (see tier.transfer).
MONEY_DIGITS = (20, 6)
MONEY_SCALE = 6

# No single movement may be larger; catches typing errors and overflows long
# before the database's numeric does, and NaN, which sorts above every number.
MONEY_LIMIT = 10**12

TRANSFER_KINDS = [
    ("topup", "Top-up"),
    ("allocation", "Allocation"),
    ("reclaim", "Reclaim"),
    ("usage", "Usage"),
    ("refund", "Refund"),
    ("rebate", "Rebate"),
    ("adjustment", "Adjustment"),
    ("expiry", "Expiry"),
    ("payout", "Payout"),
]
