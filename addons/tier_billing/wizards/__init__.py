from . import tier_wallet_operation
