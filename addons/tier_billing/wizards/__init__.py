from . import (
    tier_booking_run,
    tier_bulk_allocation,
    tier_bulk_allocation_line,
    tier_reconciliation,
    tier_reconciliation_line,
    tier_statement,
    tier_wallet_move,
    tier_wallet_operation,
)
