from . import tier_statement, tier_wallet_operation
